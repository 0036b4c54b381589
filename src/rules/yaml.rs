//! YAML with positions: every value and every key knows its line and column, so that every later complaint can point.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::diagnostic::{Code, Diagnostic, Position};

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub at: Position,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_at: Position,
    pub node: Node,
}

impl Value {
    /// What a person would call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "true/false",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// Reads one YAML document. An error carries the line where the text stops being YAML.
pub fn parse(text: &str, file: &str) -> Result<Node, Box<Diagnostic>> {
    // Only `true` and `false` are booleans: authors write `no` and `on` as words to look for.
    let options = serde_saphyr::options! { strict_booleans: true };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(raw) => {
            let mut root = node(raw);
            enter_quotes(&mut root, &text.lines().collect::<Vec<_>>());
            Ok(root)
        }
        Err(error) => {
            let at = error.location().map(position).unwrap_or(Position { line: 1, column: 1 });
            let whole = error.without_snippet().to_string();
            let first = whole.lines().next().unwrap_or("not YAML").trim().to_owned();
            Err(Box::new(
                Diagnostic::new(Code::Syntax, file, at, format!("not readable as YAML: {first}"))
                    .help("check indentation, quotes and colons on this line and the one before"),
            ))
        }
    }
}

fn position(location: serde_saphyr::Location) -> Position {
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Position { line: number(location.line()), column: number(location.column()) }
}

fn node(raw: Spanned<Raw>) -> Node {
    let at = position(raw.referenced);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        Raw::Integer(value) => Value::Integer(value),
        Raw::Float(value) => Value::Float(value),
        Raw::Text(value) => Value::Text(value),
        Raw::List(items) => Value::List(items.into_iter().map(node).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry { key_at: position(key.referenced), key: key.value, node: node(value) })
                .collect(),
        ),
    };
    Node { at, value }
}

/// Moves the place of quoted texts to their first character, so that an offset into the text can be added to it.
fn enter_quotes(node: &mut Node, lines: &[&str]) {
    match &mut node.value {
        Value::Text(_) => {
            let line = node.at.line.checked_sub(1).and_then(|line| lines.get(line));
            let first = line.and_then(|line| line.chars().nth(node.at.column.saturating_sub(1)));
            if matches!(first, Some('\'' | '"')) {
                node.at.column += 1;
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| enter_quotes(item, lines)),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| enter_quotes(&mut entry.node, lines)),
        _ => {}
    }
}

/// The same tree as the YAML library hands it out.
enum Raw {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Integer(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Raw, E> {
        Ok(i64::try_from(value).map_or(Raw::Float(value as f64), Raw::Integer))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_their_place() {
        let root = parse("title: 'A'\ndetection:\n  app: {view: kana, any: [ライン, 'b']}\nn: 3\n", "x.yml").unwrap();
        let Value::Map(entries) = &root.value else { panic!("{root:?}") };
        assert_eq!((entries[0].key_at.line, entries[0].key_at.column), (1, 1));
        assert_eq!((entries[0].node.at.line, entries[0].node.at.column), (1, 9));
        let Value::Map(detection) = &entries[1].node.value else { panic!() };
        assert_eq!((detection[0].key_at.line, detection[0].key_at.column), (3, 3));
        let Value::Map(app) = &detection[0].node.value else { panic!() };
        let Value::List(words) = &app[1].node.value else { panic!() };
        assert_eq!(words[1].at.line, 3);
        assert_eq!(words[1].value, Value::Text("b".into()));
        assert_eq!(words[1].at.column, 33);
        assert_eq!(entries[2].node.value, Value::Integer(3));
    }

    #[test]
    fn broken_yaml_names_its_line() {
        let error = parse("title: x\n  bad: [1, 2\nfoo: 'y\n", "x.yml").unwrap_err();
        assert_eq!(error.code, Code::Syntax);
        assert!(error.at.line >= 2, "{error}");
    }
}
