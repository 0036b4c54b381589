//! A mapping read field by field: what is missing, mistyped or unknown is collected, never the end of the reading.

use super::super::diagnostic::{Code, Diagnostic, Position, nearest};
use super::super::yaml::{Entry, Node, Value};

/// Collects what is wrong with one file.
#[derive(Debug)]
pub struct Complaints {
    pub file: String,
    pub found: Vec<Diagnostic>,
}

impl Complaints {
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), found: Vec::new() }
    }

    /// Adds a diagnostic and hands it back, so that the caller may add help.
    pub fn add(&mut self, code: Code, at: Position, message: impl Into<String>) -> &mut Diagnostic {
        self.found.push(Diagnostic::new(code, &self.file, at, message));
        let last = self.found.len() - 1;
        &mut self.found[last]
    }
}

/// One mapping of a file with the keys that it may have.
pub struct Fields<'a> {
    pub at: Position,
    /// What the mapping is, for messages: `a rule`, `the selection app`.
    what: String,
    entries: &'a [Entry],
}

impl<'a> Fields<'a> {
    /// The entries of a mapping, once every key is found among `known`. `None` when the node is no mapping.
    pub fn new(
        node: &'a Node,
        what: impl Into<String>,
        known: &[&str],
        log: &mut Complaints,
    ) -> Option<Self> {
        let what = what.into();
        let Value::Map(entries) = &node.value else {
            log.add(
                Code::WrongType,
                node.at,
                format!("{what} must be a mapping of keys, found {}", node.value.kind()),
            );
            return None;
        };
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let meant = nearest(&entry.key, known.iter().copied());
                let complaint = log.add(
                    Code::UnknownKey,
                    entry.key_at,
                    format!("{what} has no key `{}`; expected one of {}", entry.key, known.join(", ")),
                );
                complaint.length = entry.key.chars().count();
                complaint.help = meant.map(|name| format!("did you mean `{name}`?"));
            }
        }
        Some(Self { at: node.at, what, entries })
    }

    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    pub fn require(&self, key: &str, log: &mut Complaints) -> Option<&'a Node> {
        let found = self.get(key);
        if found.is_none() {
            log.add(Code::MissingKey, self.at, format!("{} needs the key `{key}`", self.what));
        }
        found
    }

    /// Text of a key that must be there and not be blank.
    pub fn required_text(&self, key: &str, log: &mut Complaints) -> String {
        let Some(found) =
            self.require(key, log).and_then(|node| text(node, key, log).map(|text| (text, node.at)))
        else {
            return String::new();
        };
        if found.0.trim().is_empty() {
            log.add(Code::MissingKey, found.1, format!("`{key}` must not be empty"));
        }
        found.0.to_owned()
    }

    /// Text or a list of texts.
    pub fn texts(&self, key: &str, log: &mut Complaints) -> Vec<(String, Position)> {
        self.get(key).map(|node| texts(node, key, log)).unwrap_or_default()
    }

    /// A value of a closed list.
    pub fn choice<T>(
        &self,
        key: &str,
        names: &[&str],
        parse: impl Fn(&str) -> Option<T>,
        log: &mut Complaints,
    ) -> Option<T> {
        let node = self.get(key)?;
        choice(node, key, names, parse, log)
    }

    /// A whole number from 1 to `max`.
    pub fn count(&self, key: &str, max: usize, log: &mut Complaints) -> Option<usize> {
        let node = self.get(key)?;
        match node.value {
            Value::Integer(value) if value >= 0 && value as u64 <= max as u64 => Some(value as usize),
            _ => {
                log.add(Code::WrongType, node.at, format!("`{key}` must be a whole number from 0 to {max}"));
                None
            }
        }
    }
}

/// The text of a node. Numbers and true/false are taken as they are written, because authors leave quotes off.
pub fn text<'a>(node: &'a Node, key: &str, log: &mut Complaints) -> Option<&'a str> {
    match &node.value {
        Value::Text(text) => Some(text),
        other => {
            let kind = other.kind();
            log.add(Code::WrongType, node.at, format!("`{key}` must be text, found {kind}")).help =
                Some("put it in single quotes".into());
            None
        }
    }
}

pub fn texts(node: &Node, key: &str, log: &mut Complaints) -> Vec<(String, Position)> {
    match &node.value {
        Value::List(items) => items
            .iter()
            .filter_map(|item| text(item, key, log).map(|text| (text.to_owned(), item.at)))
            .collect(),
        _ => text(node, key, log).map(|text| (text.to_owned(), node.at)).into_iter().collect(),
    }
}

pub fn choice<T>(
    node: &Node,
    key: &str,
    names: &[&str],
    parse: impl Fn(&str) -> Option<T>,
    log: &mut Complaints,
) -> Option<T> {
    let value = text(node, key, log)?;
    let parsed = parse(value);
    if parsed.is_none() {
        let meant = nearest(value, names.iter().copied());
        let complaint = log.add(
            Code::UnknownValue,
            node.at,
            format!("`{key}` cannot be `{value}`; expected one of {}", names.join(", ")),
        );
        complaint.length = value.chars().count();
        complaint.help = meant.map(|name| format!("did you mean `{name}`?"));
    }
    parsed
}
