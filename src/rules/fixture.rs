//! Fixtures: texts with what the rules must say about them.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::diagnostic::{Code, Diagnostic, Position};
use super::files::SourceFile;
use super::read::{Complaints, Fields, parse_span, text, texts};
use super::yaml::{self, Node, Value};
use crate::contract::{Language, Role};

/// One test case: a conversation with an expectation at one or more of its messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixture {
    pub file: String,
    pub at: Position,
    /// `rule#id`, for people and filters.
    pub name: String,
    pub desc: Option<String>,
    /// The rule that the file is about.
    pub rule: String,
    pub stages: Vec<Stage>,
    /// A known miss or false alarm: the case must fail, and says so once it passes.
    pub todo: Option<String>,
    /// Where the text comes from.
    pub origin: Option<String>,
    /// Language of the case where the scripts do not tell, or tell wrong.
    pub lang: Option<Language>,
    /// Whether the stages begin with the conversation's first message.
    pub complete: bool,
}

/// One message of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    pub line: Position,
    /// Time since the case began.
    pub after: TimeDelta,
    pub from: Role,
    pub text: String,
    pub expect: Option<Expect>,
    /// What the model is to have said.
    pub scores: BTreeMap<String, f64>,
}

/// What must hold for one message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expect {
    /// Rules that must match.
    pub rules: Vec<String>,
    /// Rules that must not.
    pub not_rules: Vec<String>,
    /// Parts of the message that the matching rules must mark, exactly.
    pub spans: Vec<String>,
    /// Parts of earlier messages that they must mark.
    pub parts: Vec<String>,
    /// Rules that cannot be decided.
    pub undecided: Vec<String>,
}

const TOP: [&str; 5] = ["rule", "origin", "tests", "match", "no_match"];
const TEST: [&str; 9] = ["id", "desc", "input", "stages", "expect", "todo", "origin", "lang", "complete"];
const SHORT: [&str; 9] = ["text", "from", "desc", "spans", "todo", "origin", "lang", "rules", "not_rules"];
const STAGE: [&str; 5] = ["at", "from", "text", "expect", "scores"];
const EXPECT: [&str; 5] = ["rules", "not_rules", "spans", "parts", "undecided"];

/// Reads one fixture file, with every mistake in it.
pub fn read_fixtures(file: &SourceFile) -> (Vec<Fixture>, Vec<Diagnostic>) {
    let mut log = Complaints::new(&file.name);
    let root = match yaml::parse(&file.text, &file.name) {
        Ok(root) => root,
        Err(error) => return (Vec::new(), vec![*error]),
    };
    let fixtures = Reader { log: &mut log, rule: file.stem.clone(), origin: None }.read(&root);
    (fixtures, log.found)
}

struct Reader<'a> {
    log: &'a mut Complaints,
    rule: String,
    origin: Option<String>,
}

impl Reader<'_> {
    fn read(mut self, root: &Node) -> Vec<Fixture> {
        let Some(fields) = Fields::new(root, "a fixture file", &TOP, self.log) else { return Vec::new() };
        if let Some(rule) = fields.get("rule").and_then(|node| text(node, "rule", self.log)) {
            self.rule = rule.to_owned();
        }
        self.origin = fields.get("origin").and_then(|node| text(node, "origin", self.log)).map(str::to_owned);
        let mut fixtures = Vec::new();
        for (key, positive) in [("match", true), ("no_match", false)] {
            for (index, node) in self.list(&fields, key).iter().enumerate() {
                fixtures.extend(self.short(node, positive, format!("{key}-{}", index + 1)));
            }
        }
        for (index, node) in self.list(&fields, "tests").iter().enumerate() {
            fixtures.extend(self.test(node, index + 1));
        }
        if fixtures.is_empty() && self.log.found.is_empty() {
            self.log.add(
                Code::MissingKey,
                root.at,
                "a fixture file needs cases under `tests`, `match` or `no_match`",
            );
        }
        fixtures
    }

    fn list<'n>(&mut self, fields: &Fields<'n>, key: &str) -> &'n [Node] {
        match fields.get(key).map(|node| (node, &node.value)) {
            None => &[],
            Some((_, Value::List(items))) => items,
            Some((node, other)) => {
                self.log.add(
                    Code::WrongType,
                    node.at,
                    format!("`{key}` must be a list, found {}", other.kind()),
                );
                &[]
            }
        }
    }

    /// A case in one line: a text, or a text with a few keys.
    fn short(&mut self, node: &Node, positive: bool, id: String) -> Option<Fixture> {
        let mut fixture = self.empty(node.at, id);
        let mut expect = Expect::default();
        let (body, from, at) = match &node.value {
            Value::Text(body) => (body.clone(), Role::Buyer, node.at),
            _ => {
                let fields = Fields::new(node, "a case", &SHORT, self.log)?;
                let body = fields.required_text("text", self.log);
                let from = self.role(&fields).unwrap_or(Role::Buyer);
                self.common(&fields, &mut fixture);
                expect.spans = plain(fields.texts("spans", self.log));
                expect.rules = plain(fields.texts("rules", self.log));
                expect.not_rules = plain(fields.texts("not_rules", self.log));
                let at = fields.get("text").map_or(node.at, |node| node.at);
                (body, from, at)
            }
        };
        let list = if positive { &mut expect.rules } else { &mut expect.not_rules };
        if !list.contains(&self.rule) {
            list.push(self.rule.clone());
        }
        let stage = Stage {
            line: at,
            after: TimeDelta::zero(),
            from,
            text: body,
            expect: Some(expect),
            scores: BTreeMap::new(),
        };
        fixture.stages.push(stage);
        Some(fixture)
    }

    /// A case in full.
    fn test(&mut self, node: &Node, number: usize) -> Option<Fixture> {
        let fields = Fields::new(node, "a test", &TEST, self.log)?;
        let id = match fields.get("id").map(|node| &node.value) {
            Some(Value::Integer(id)) => id.to_string(),
            Some(Value::Text(id)) => id.clone(),
            _ => number.to_string(),
        };
        let mut fixture = self.empty(node.at, id);
        self.common(&fields, &mut fixture);
        if let Some(complete) = fields.get("complete") {
            match complete.value {
                Value::Bool(value) => fixture.complete = value,
                _ => {
                    self.log.add(Code::WrongType, complete.at, "`complete` must be true or false");
                }
            }
        }
        let expect = fields.get("expect").and_then(|node| self.expect(node));
        match (fields.get("input"), fields.get("stages")) {
            (Some(input), None) => {
                let mut stage = self.stage(input)?;
                stage.expect = expect;
                fixture.stages.push(stage);
            }
            (None, Some(_)) => {
                for stage in self.list(&fields, "stages") {
                    fixture.stages.extend(self.stage(stage));
                }
                if let (Some(expect), Some(last)) = (expect, fixture.stages.last_mut()) {
                    last.expect.get_or_insert(expect);
                }
            }
            _ => {
                self.log.add(Code::MissingKey, node.at, "a test needs either `input` or `stages`");
                return None;
            }
        }
        if fixture.stages.windows(2).any(|pair| pair[0].after > pair[1].after) {
            self.log.add(Code::UnknownValue, node.at, "the stages must stand in order of `at`");
        }
        if fixture.stages.iter().all(|stage| stage.expect.is_none()) {
            self.log.add(Code::MissingKey, node.at, "a test needs `expect`").help =
                Some("for instance `expect: {rules: [...]}` or `expect: {not_rules: [...]}`".into());
            return None;
        }
        Some(fixture)
    }

    fn empty(&self, at: Position, id: String) -> Fixture {
        Fixture {
            file: self.log.file.clone(),
            at,
            name: format!("{}#{id}", self.rule),
            desc: None,
            rule: self.rule.clone(),
            stages: Vec::new(),
            todo: None,
            origin: self.origin.clone(),
            lang: None,
            complete: true,
        }
    }

    fn common(&mut self, fields: &Fields<'_>, fixture: &mut Fixture) {
        let mut read =
            |key: &str| fields.get(key).and_then(|node| text(node, key, self.log)).map(str::to_owned);
        fixture.desc = read("desc");
        fixture.todo = read("todo");
        fixture.origin = read("origin").or(fixture.origin.take());
        fixture.lang = fields.choice("lang", &["ja", "en"], |value| value.parse::<Language>().ok(), self.log);
    }

    fn role(&mut self, fields: &Fields<'_>) -> Option<Role> {
        fields.choice("from", &["buyer", "seller"], |value| value.parse::<Role>().ok(), self.log)
    }

    fn stage(&mut self, node: &Node) -> Option<Stage> {
        let fields = Fields::new(node, "a message", &STAGE, self.log)?;
        let from = self.role(&fields).unwrap_or(Role::Buyer);
        let after =
            match fields.get("at").and_then(|node| text(node, "at", self.log).map(|text| (text, node.at))) {
                None => TimeDelta::zero(),
                Some((source, at)) => match parse_span(source) {
                    Some(span) => span,
                    None => {
                        self.log.add(
                            Code::UnknownValue,
                            at,
                            format!("`{source}` is no time; write 0s, 10m, 2h, 1d"),
                        );
                        return None;
                    }
                },
            };
        let body = match &fields.require("text", self.log)?.value {
            Value::Text(body) => body.clone(),
            Value::Integer(number) => number.to_string(),
            other => {
                self.log.add(
                    Code::WrongType,
                    node.at,
                    format!("`text` must be text, found {}", other.kind()),
                );
                return None;
            }
        };
        let expect = fields.get("expect").and_then(|node| self.expect(node));
        let mut scores = BTreeMap::new();
        if let Some(node) = fields.get("scores") {
            if let Value::Map(entries) = &node.value {
                for entry in entries {
                    match entry.node.value {
                        Value::Float(score) => scores.insert(entry.key.clone(), score),
                        Value::Integer(score) => scores.insert(entry.key.clone(), score as f64),
                        _ => {
                            self.log.add(Code::WrongType, entry.node.at, "a score is a number from 0 to 1");
                            None
                        }
                    };
                }
            } else {
                self.log.add(Code::WrongType, node.at, "`scores` must be a mapping of policies to numbers");
            }
        }
        let line = fields.get("text").map_or(node.at, |node| node.at);
        Some(Stage { line, after, from, text: body, expect, scores })
    }

    fn expect(&mut self, node: &Node) -> Option<Expect> {
        let fields = Fields::new(node, "`expect`", &EXPECT, self.log)?;
        let mut read = |key: &str| -> Vec<String> {
            fields.get(key).map(|node| plain(texts(node, key, self.log))).unwrap_or_default()
        };
        let expect = Expect {
            rules: read("rules"),
            not_rules: read("not_rules"),
            spans: read("spans"),
            parts: read("parts"),
            undecided: read("undecided"),
        };
        if expect.rules.is_empty() && expect.not_rules.is_empty() && expect.undecided.is_empty() {
            self.log.add(Code::MissingKey, node.at, "`expect` needs `rules`, `not_rules` or `undecided`");
            return None;
        }
        Some(expect)
    }
}

fn plain(found: Vec<(String, Position)>) -> Vec<String> {
    found.into_iter().map(|(value, _)| value).collect()
}
