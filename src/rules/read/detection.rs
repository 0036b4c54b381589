//! Reads `detection`: the named selections and the condition.

use super::super::condition::Condition;
use super::super::diagnostic::{Code, Position};
use super::super::rule::{
    Distance, Matcher, Near, PatternKind, Place, Previous, Selection, Side, TextPattern, TokenPattern,
};
use super::super::yaml::{Node, Value};
use super::fields::{Complaints, Fields, text, texts};
use crate::contract::{Language, Role};
use crate::text::ViewKind;

const KEYS: [&str; 11] =
    ["view", "re", "any", "word", "tokens", "gap", "near", "role", "lang", "previous", "model"];
const VIEWS: [&str; 6] = ["sent", "folded", "joined", "kana", "skeleton", "digits"];
const ROLES: [&str; 2] = ["buyer", "seller"];
const LANGUAGES: [&str; 2] = ["ja", "en"];

/// How far back `previous` looks when it does not say.
const DEFAULT_WITHIN: usize = 3;
/// How far back `previous` may look: the engine keeps that much of a conversation.
pub const MAX_WITHIN: usize = 50;
/// The widest `near`, in words or characters.
const MAX_DISTANCE: usize = 200;

/// The selections and the condition with its place.
pub fn read(node: &Node, log: &mut Complaints) -> Option<(Vec<Selection>, Condition, Position)> {
    let Value::Map(entries) = &node.value else {
        log.add(
            Code::WrongType,
            node.at,
            format!("`detection` must be a mapping, found {}", node.value.kind()),
        );
        return None;
    };
    let mut selections = Vec::new();
    let mut complete = true;
    for entry in entries.iter().filter(|entry| entry.key != "condition") {
        if !is_name(&entry.key) {
            log.add(Code::UnknownKey, entry.key_at, format!("`{}` cannot name a selection", entry.key)).help =
                Some("use small letters, digits and `_`, beginning with a letter; not and, or, not, of, all, any, them".into());
            complete = false;
            continue;
        }
        match read_selection(&entry.key, entry.key_at, &entry.node, log) {
            Some(selection) => selections.push(selection),
            None => complete = false,
        }
    }
    let Some(condition) = entries.iter().find(|entry| entry.key == "condition") else {
        log.add(Code::MissingKey, node.at, "`detection` needs the key `condition`").help =
            selections.first().map(|first| format!("for instance `condition: {}`", first.name));
        return None;
    };
    let source = text(&condition.node, "condition", log)?;
    if !complete {
        // A condition over selections that could not be read would only repeat their complaints.
        return None;
    }
    let names: Vec<&str> = selections.iter().map(|selection| selection.name.as_str()).collect();
    match Condition::parse(source, &names) {
        Ok(parsed) => Some((selections, parsed, condition.node.at)),
        Err(error) => {
            let code = if error.unknown_selection { Code::UnknownSelection } else { Code::ConditionSyntax };
            let complaint = log.add(code, condition.node.at.right(error.offset), error.message);
            complaint.length = error.length;
            complaint.help = error.help;
            None
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !matches!(name, "and" | "or" | "not" | "of" | "all" | "any" | "them")
}

fn read_selection(name: &str, at: Position, node: &Node, log: &mut Complaints) -> Option<Selection> {
    let fields = Fields::new(node, format!("the selection `{name}`"), &KEYS, log)?;
    let before = log.found.len();
    let role = fields.choice("role", &ROLES, |value| value.parse::<Role>().ok(), log);
    let lang = fields.choice("lang", &LANGUAGES, |value| value.parse::<Language>().ok(), log);
    let near = fields.get("near").and_then(|node| read_near(node, log));
    let previous = fields.get("previous").and_then(|node| read_previous(node, log));
    let matcher = read_matcher(&fields, name, at, log);
    if near.is_some() && previous.is_some() {
        log.add(
            Code::Near,
            at,
            format!("the selection `{name}` looks at earlier messages, so it cannot be `near` anything"),
        );
    }
    (log.found.len() == before).then_some(())?;
    let matcher = matcher?;
    if matches!(matcher, Matcher::Fact) && role.is_none() && lang.is_none() {
        log.add(Code::Matcher, at, format!("the selection `{name}` looks for nothing")).help =
            Some("give it one of re, any, word, tokens, model, role, lang".into());
        return None;
    }
    if near.is_some() && !matches!(matcher, Matcher::Text { .. } | Matcher::Tokens { .. }) {
        log.add(
            Code::Near,
            at,
            format!("the selection `{name}` has no place in the text, so it cannot be `near` anything"),
        );
        return None;
    }
    Some(Selection { name: name.to_owned(), at, matcher, near, role, lang, previous })
}

fn read_matcher(fields: &Fields<'_>, name: &str, at: Position, log: &mut Complaints) -> Option<Matcher> {
    let texts_present = ["re", "any", "word"].iter().any(|key| fields.get(key).is_some());
    let present = [texts_present, fields.get("tokens").is_some(), fields.get("model").is_some()];
    if present.iter().filter(|yes| **yes).count() > 1 {
        log.add(Code::Matcher, at, format!("the selection `{name}` looks for two different things")).help =
            Some("make two selections of it and join them with `and` or `or` in the condition".into());
        return None;
    }
    if fields.get("view").is_some() && !texts_present {
        log.add(
            Code::Matcher,
            fields.at,
            format!("the selection `{name}` has a view but no re, any or word"),
        );
        return None;
    }
    if fields.get("gap").is_some() && !present[1] {
        log.add(Code::Matcher, fields.at, format!("`gap` in the selection `{name}` belongs to `tokens`"));
        return None;
    }
    if texts_present {
        let view = fields.choice("view", &VIEWS, |value| value.parse::<ViewKind>().ok(), log);
        let mut patterns = Vec::new();
        for (key, kind) in
            [("re", PatternKind::Regex), ("any", PatternKind::Plain), ("word", PatternKind::Word)]
        {
            let Some(node) = fields.get(key) else { continue };
            let found = texts(node, key, log);
            if found.is_empty() || found.iter().any(|(source, _)| source.trim().is_empty()) {
                log.add(Code::EmptyMatch, node.at, format!("`{key}` must not be empty"));
            }
            patterns.extend(found.into_iter().map(|(source, at)| TextPattern { source, kind, at }));
        }
        return Some(Matcher::Text { view: view.unwrap_or(ViewKind::Folded), patterns });
    }
    if let Some(node) = fields.get("tokens") {
        let gap = fields.count("gap", 20, log).unwrap_or(0);
        let sequence = read_tokens(node, log)?;
        return Some(Matcher::Tokens { sequence, gap });
    }
    if let Some(node) = fields.get("model") {
        return read_model(node, log);
    }
    Some(Matcher::Fact)
}

fn read_tokens(node: &Node, log: &mut Complaints) -> Option<Vec<TokenPattern>> {
    let Value::List(items) = &node.value else {
        log.add(Code::WrongType, node.at, "`tokens` must be a list, one entry for each word in a row").help =
            Some("for instance `tokens: [{base: [交換, 追加]}]`".into());
        return None;
    };
    if items.is_empty() {
        log.add(Code::EmptyMatch, node.at, "`tokens` must not be empty");
        return None;
    }
    let mut sequence = Vec::new();
    for item in items {
        let fields = Fields::new(item, "a token", &["surface", "base", "reading", "pos"], log)?;
        let field = |key: &str, log: &mut Complaints| -> Vec<String> {
            fields.texts(key, log).into_iter().map(|(value, _)| value).collect()
        };
        let pattern = TokenPattern {
            surface: field("surface", log),
            base: field("base", log),
            reading: field("reading", log),
            pos: field("pos", log),
        };
        if pattern == TokenPattern::default() {
            log.add(Code::EmptyMatch, item.at, "a token needs surface, base, reading or pos");
            return None;
        }
        sequence.push(pattern);
    }
    Some(sequence)
}

fn read_model(node: &Node, log: &mut Complaints) -> Option<Matcher> {
    let fields = Fields::new(node, "`model`", &["policy", "at_least"], log)?;
    let policy = fields.required_text("policy", log);
    let bound = fields.require("at_least", log)?;
    let at_least = match bound.value {
        Value::Float(value) => value,
        Value::Integer(value) => value as f64,
        _ => f64::NAN,
    };
    if !(0.0..=1.0).contains(&at_least) {
        log.add(Code::WrongType, bound.at, "`at_least` must be a probability from 0 to 1");
        return None;
    }
    Some(Matcher::Model { policy, at_least })
}

fn read_near(node: &Node, log: &mut Complaints) -> Option<Near> {
    let fields = Fields::new(node, "`near`", &["of", "tokens", "chars", "place"], log)?;
    let of = fields.require("of", log).map(|node| texts(node, "of", log)).unwrap_or_default();
    let place = fields.choice("place", Place::NAMES, Place::parse, log).unwrap_or(Place::Around);
    let tokens = fields.count("tokens", MAX_DISTANCE, log);
    let chars = fields.count("chars", MAX_DISTANCE, log);
    let distance = match (tokens, chars) {
        (Some(tokens), None) => Distance::Tokens(tokens),
        (None, Some(chars)) => Distance::Chars(chars),
        _ => {
            log.add(
                Code::Near,
                node.at,
                "`near` needs either `tokens` or `chars`: how many may stand between",
            );
            return None;
        }
    };
    (!of.is_empty()).then_some(Near { of, distance, place })
}

fn read_previous(node: &Node, log: &mut Complaints) -> Option<Previous> {
    let fields = Fields::new(node, "`previous`", &["by", "within"], log)?;
    let by = fields.choice("by", Side::NAMES, Side::parse, log).unwrap_or(Side::Any);
    let within = fields.count("within", MAX_WITHIN, log).unwrap_or(DEFAULT_WITHIN);
    if within == 0 {
        log.add(Code::WrongType, node.at, "`within` counts messages back, so it is at least 1");
        return None;
    }
    Some(Previous { by, within })
}
