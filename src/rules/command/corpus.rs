//! Messages from JSON Lines, for commands that run the pack over a corpus.
//!
//! A line may be a message of the contract (lines of one `transaction_id` are one conversation), a labelled conversation as in
//! `fixtures/corpus/conversations`, or a single text as in `fixtures/benign`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::super::pack::RulePack;
use super::super::turn::Turn;
use super::CommandError;
use crate::contract::{Limits, Role, decode_message};
use crate::corpus::Conversation;
use crate::text::{Tokenizer, Views};

/// Time between two messages of a conversation that has no times.
const STEP: TimeDelta = TimeDelta::minutes(10);

/// One conversation of a corpus.
#[derive(Debug, Clone)]
pub struct Talk {
    pub messages: Vec<Line>,
}

/// One message, with the place it was read from.
#[derive(Debug, Clone)]
pub struct Line {
    /// `file:line`, and the number of the message where a line holds several.
    pub name: String,
    pub role: Role,
    pub at: DateTime<Utc>,
    pub text: String,
    /// The message with all its views, made when it is read.
    pub views: Arc<Views>,
}

impl Talk {
    /// The conversation, scanned with a pack.
    pub fn turns(&self, pack: &RulePack) -> Vec<Turn> {
        self.messages.iter().map(|line| Turn::new(pack, line.role, line.at, line.views.clone())).collect()
    }
}

/// A text by itself, as in `fixtures/benign/messages.jsonl`.
#[derive(Debug, Deserialize)]
struct Single {
    text: String,
    #[serde(default)]
    from: Option<Role>,
}

/// Reads a `.jsonl` file, or every such file of a folder and below, in order of their names.
pub fn read(path: &Path, limits: Limits, tokenizer: &Tokenizer) -> Result<Vec<Talk>, CommandError> {
    let mut reader = Reader { limits, tokenizer, talks: Vec::new(), transactions: HashMap::new() };
    for file in files(path)? {
        let text = fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let name = format!("{}:{}", file.display(), index + 1);
            reader.line(line, &name).map_err(|detail| CommandError::Usage(format!("{name}: {detail}")))?;
        }
    }
    if reader.talks.is_empty() {
        return Err(CommandError::Usage(format!("{}: no message stands here", path.display())));
    }
    Ok(reader.talks)
}

fn unreadable(path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::Usage(format!("{}: cannot be read: {error}", path.display()))
}

fn files(path: &Path) -> Result<Vec<PathBuf>, CommandError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
        let entry = entry.map_err(|error| unreadable(path, &error))?;
        let kind = entry.file_type().map_err(|error| unreadable(path, &error))?;
        // A link to a folder is not followed, so that there is no way round in circles.
        if kind.is_dir() {
            found.extend(files(&entry.path())?);
        } else if entry.path().extension().is_some_and(|extension| extension == "jsonl") {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

struct Reader<'a> {
    limits: Limits,
    tokenizer: &'a Tokenizer,
    talks: Vec<Talk>,
    /// Where the conversation of a transaction stands.
    transactions: HashMap<String, usize>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str, name: &str) -> Result<(), String> {
        let value: serde_json::Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if value.get("transaction_id").is_some() {
            let message = decode_message(line.as_bytes(), self.limits).map_err(|error| error.to_string())?;
            let index = *self.transactions.entry(message.transaction_id.to_string()).or_insert_with(|| {
                self.talks.push(Talk { messages: Vec::new() });
                self.talks.len() - 1
            });
            let line = self.message(name.to_owned(), message.sender_role, message.sent_at, message.text);
            self.talks[index].messages.push(line);
        } else if value.get("messages").is_some() {
            let conversation: Conversation =
                serde_json::from_value(value).map_err(|error| error.to_string())?;
            let mut at = DateTime::<Utc>::UNIX_EPOCH;
            let mut messages = Vec::new();
            for (index, message) in conversation.messages.into_iter().enumerate() {
                let name = format!("{name} message {}", index + 1);
                messages.push(self.message(name, message.from, at, message.text));
                at += STEP;
            }
            self.talks.push(Talk { messages });
        } else {
            let single: Single = serde_json::from_value(value).map_err(|error| {
                format!("{error}; expected a message of the contract, a conversation with `messages`, or an object with `text`")
            })?;
            let role = single.from.unwrap_or(Role::Buyer);
            let line = self.message(name.to_owned(), role, DateTime::<Utc>::UNIX_EPOCH, single.text);
            self.talks.push(Talk { messages: vec![line] });
        }
        Ok(())
    }

    fn message(&self, name: String, role: Role, at: DateTime<Utc>, text: String) -> Line {
        let views = Arc::new(Views::new(&text, self.tokenizer));
        Line { name, role, at, text, views }
    }
}
