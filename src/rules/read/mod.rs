//! From the text of a rule file to rules, with every mistake collected.

mod correlation;
mod detection;
mod fields;

pub use correlation::parse_span;
pub use detection::MAX_WITHIN;
pub use fields::{Complaints, Fields, choice, text, texts};

use super::diagnostic::{Code, Diagnostic, Position};
use super::rule::{Body, Mode, Rule, Severity, Status};
use super::yaml::{self, Node, Value};
use crate::contract::Language;

const HEADER: [&str; 12] = [
    "title",
    "id",
    "status",
    "mode",
    "policy",
    "subtype",
    "severity",
    "lang",
    "tags",
    "message",
    "falsepositives",
    "related",
];
const BODY: [&str; 8] = ["kind", "detection", "family", "steps", "rules", "timespan", "count", "by"];

/// The subtypes that `labels.md` names for the policies it describes. Other policies are free in theirs.
const SUBTYPES: [(&str, &[&str]); 2] = [
    ("external_induction", &["contact", "payment", "deal", "link"]),
    ("harassment", &["insult", "threat", "demeaning", "sexual", "pressure"]),
];

/// Reads one file. `stem` is its path below the pack's folder without `.yml`, which is the rule's id.
pub fn read_file(text: &str, file: &str, stem: &str) -> (Vec<Rule>, Vec<Diagnostic>) {
    let mut log = Complaints::new(file);
    let root = match yaml::parse(text, file) {
        Ok(root) => root,
        Err(error) => return (Vec::new(), vec![*error]),
    };
    let rules = read_root(&root, stem, &mut log);
    (rules, log.found)
}

fn read_root(root: &Node, stem: &str, log: &mut Complaints) -> Vec<Rule> {
    let known: Vec<&str> = HEADER.iter().chain(BODY.iter()).copied().collect();
    let Some(fields) = Fields::new(root, "a rule", &known, log) else { return Vec::new() };
    if let Some((id, at)) = fields.get("id").and_then(|node| text(node, "id", log).map(|id| (id, node.at)))
        && id != stem
    {
        log.add(Code::UnknownValue, at, format!("`id` is `{id}` but the path says `{stem}`")).help =
            Some("leave `id` out: it follows the path".into());
    }
    let Some(family) = fields.get("family") else {
        return read_rule(&fields, None, stem.to_owned(), log).into_iter().collect();
    };
    // A family: members inherit the header of the file and differ in what they say themselves.
    let Value::Map(members) = &family.value else {
        log.add(Code::WrongType, family.at, "`family` must be a mapping of names to rules");
        return Vec::new();
    };
    let mut rules = Vec::new();
    for member in members {
        let what = format!("the member `{}`", member.key);
        let Some(own) = Fields::new(&member.node, what, &known, log) else { continue };
        rules.extend(read_rule(&own, Some(&fields), format!("{stem}/{}", member.key), log));
    }
    rules
}

/// Reads one rule; what it leaves out comes from its family.
fn read_rule(
    own: &Fields<'_>,
    family: Option<&Fields<'_>>,
    id: String,
    log: &mut Complaints,
) -> Option<Rule> {
    let holder = |key: &str| match family {
        Some(family) if own.get(key).is_none() && family.get(key).is_some() => family,
        _ => own,
    };
    let before = log.found.len();
    let title = holder("title").required_text("title", log);
    let status = holder("status")
        .require("status", log)
        .and_then(|node| choice(node, "status", Status::NAMES, Status::parse, log));
    let mode = holder("mode").choice("mode", Mode::NAMES, Mode::parse, log).unwrap_or(Mode::Enforce);
    let policy = holder("policy").required_text("policy", log);
    let severity = holder("severity")
        .choice("severity", Severity::NAMES, Severity::parse, log)
        .unwrap_or(Severity::Medium);
    let subtype = holder("subtype").get("subtype").and_then(|node| {
        let found = text(node, "subtype", log)?;
        check_subtype(&policy, found, node.at, log);
        Some(found.to_owned())
    });
    let lang = read_languages(holder("lang"), log);
    let message = holder("message").required_text("message", log);
    let tags = holder("tags").texts("tags", log).into_iter().map(|(tag, _)| tag).collect();
    let falsepositives =
        holder("falsepositives").texts("falsepositives", log).into_iter().map(|(text, _)| text).collect();
    let body = read_body(own, log);
    if log.found[before..].iter().any(Diagnostic::is_error) {
        return None;
    }
    Some(Rule {
        id,
        file: log.file.clone(),
        at: own.at,
        title,
        status: status?,
        mode,
        policy,
        subtype,
        severity,
        lang,
        tags,
        message,
        falsepositives,
        body: body?,
    })
}

fn check_subtype(policy: &str, subtype: &str, at: Position, log: &mut Complaints) {
    let Some((_, known)) = SUBTYPES.iter().find(|(name, _)| *name == policy) else { return };
    if !known.contains(&subtype) {
        log.add(
            Code::UnknownValue,
            at,
            format!("`subtype` of {policy} cannot be `{subtype}`; expected one of {}", known.join(", ")),
        )
        .length = subtype.chars().count();
    }
}

fn read_languages(fields: &Fields<'_>, log: &mut Complaints) -> Vec<Language> {
    let Some(node) = fields.require("lang", log) else { return Vec::new() };
    let mut languages = Vec::new();
    for (name, at) in texts(node, "lang", log) {
        match name.parse::<Language>() {
            Ok(language) if languages.contains(&language) => {
                log.add(Code::Duplicate, at, format!("`lang` names {name} twice"));
            }
            Ok(language) => languages.push(language),
            Err(_) => {
                log.add(Code::UnknownValue, at, format!("`lang` cannot be `{name}`; expected one of ja, en"));
            }
        }
    }
    languages
}

fn read_body(fields: &Fields<'_>, log: &mut Complaints) -> Option<Body> {
    let kinds = ["message", "part", "temporal", "temporal_ordered", "event_count"];
    let kind = match fields.get("kind") {
        None => "message",
        Some(node) => {
            choice(node, "kind", &kinds, |kind| kinds.into_iter().find(|known| *known == kind), log)?
        }
    };
    let conversation = !matches!(kind, "message" | "part");
    let misplaced: &[&str] =
        if conversation { &["detection"] } else { &["steps", "rules", "timespan", "count", "by"] };
    for key in misplaced {
        if let Some(node) = fields.get(key) {
            log.add(Code::UnknownKey, node.at, format!("`{key}` does not belong into a rule of kind {kind}"));
        }
    }
    if conversation {
        return correlation::read(fields, kind, log).map(Body::Conversation);
    }
    let node = fields.require("detection", log)?;
    let (selections, condition, condition_at) = detection::read(node, log)?;
    Some(Body::Message { selections, condition, condition_at, part: kind == "part" })
}
