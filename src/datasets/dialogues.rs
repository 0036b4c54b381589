//! Dialogues, one utterance a line: this program's own message lines (RealPersonaChat, Yamashita et al. 2023, was brought into
//! that form), or `dialogue, turn, speaker, text` (Accommodation Search Dialog Corpus, Megagon Labs).

use std::path::Path;

use serde::Deserialize;

use super::DatasetError;
use crate::contract::Role;

/// A dialogue between two speakers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialogue {
    pub id: String,
    pub utterances: Vec<Utterance>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Utterance {
    pub role: Role,
    pub text: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Message { transaction_id: String, sender_role: Role, text: String },
    Turn { dialogue: String, speaker: String, text: String },
}

/// Reads the dialogues in the order of their first lines.
pub fn read(file: &Path) -> Result<Vec<Dialogue>, DatasetError> {
    let text = std::fs::read_to_string(file).map_err(|error| DatasetError::new(file, error))?;
    let mut all: Vec<Dialogue> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|_| {
            let expected = "expected transaction_id, sender_role and text, or dialogue, speaker and text";
            DatasetError::new(file, format!("line {}: {expected}", number + 1))
        })?;
        let (id, role, text) = match line {
            Line::Message { transaction_id, sender_role, text } => (transaction_id, sender_role, text),
            // Whoever serves is read as the seller.
            Line::Turn { dialogue, speaker, text } => {
                let role = if speaker.starts_with("operator") { Role::Seller } else { Role::Buyer };
                (dialogue, role, text)
            }
        };
        let utterance = Utterance { role, text };
        match all.last_mut().filter(|dialogue| dialogue.id == id) {
            Some(dialogue) => dialogue.utterances.push(utterance),
            None => all.push(Dialogue { id, utterances: vec![utterance] }),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dialogues.jsonl");
        let lines = [
            r#"{"message_id":"m","transaction_id":"t-1","sender_id":"u","sender_role":"seller","text":"a","sent_at":"2026-01-01T00:00:00Z"}"#,
            r#"{"dialogue":"001","turn":0,"speaker":"operator_1","text":"b"}"#,
            r#"{"dialogue":"001","turn":1,"speaker":"customer_1","text":"c"}"#,
        ];
        std::fs::write(&file, lines.join("\n")).unwrap();
        let found = read(&file).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].utterances[0].role, Role::Seller);
        assert_eq!(found[1].utterances[1], Utterance { role: Role::Buyer, text: "c".into() });
        std::fs::write(&file, "{}").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("line 1"));
    }
}
