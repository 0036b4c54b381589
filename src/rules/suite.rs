//! Runs fixtures against a pack.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::diagnostic::Position;
use super::engine::{Evaluation, Finding};
use super::explain::{RuleExplanation, explain_rule};
use super::fixture::{Expect, Fixture};
use super::pack::RulePack;
use super::turn::Turn;
use crate::text::{Tokenizer, Views};

/// What a case came to.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseResult {
    pub file: String,
    pub at: Position,
    pub name: String,
    pub desc: Option<String>,
    pub outcome: Outcome,
    /// Everything that was not as expected; never only the first.
    pub mismatches: Vec<Mismatch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    /// A known miss that still is one.
    Todo,
}

/// One thing that was not as expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Mismatch {
    pub at: Position,
    pub kind: MismatchKind,
    pub rule: String,
    /// A sentence for people.
    pub message: String,
    /// The message with the marked parts in «».
    pub excerpt: String,
    /// What every selection of the rule found, with its view.
    pub explanation: Option<RuleExplanation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MismatchKind {
    Missed,
    FalseAlarm,
    Spans,
    Undecided,
    UnknownRule,
    TodoPassed,
}

/// Runs cases in order.
pub fn run(pack: &RulePack, fixtures: &[Fixture], tokenizer: &Tokenizer) -> Vec<CaseResult> {
    let known: BTreeSet<&str> = pack.rules().map(|rule| rule.id.as_str()).collect();
    fixtures.iter().map(|fixture| run_case(pack, fixture, tokenizer, &known)).collect()
}

/// The messages of a case, scanned, on a fake clock.
pub fn turns(pack: &RulePack, fixture: &Fixture, tokenizer: &Tokenizer) -> Vec<Turn> {
    let start = DateTime::<Utc>::UNIX_EPOCH;
    fixture
        .stages
        .iter()
        .map(|stage| {
            let views = Arc::new(Views::new(&stage.text, tokenizer));
            let turn = Turn::new(pack, stage.from, start + stage.after, views);
            if stage.scores.is_empty() { turn } else { turn.with_scores(stage.scores.clone()) }
        })
        .collect()
}

fn run_case(pack: &RulePack, fixture: &Fixture, tokenizer: &Tokenizer, known: &BTreeSet<&str>) -> CaseResult {
    let turns = turns(pack, fixture, tokenizer);
    let mut mismatches = Vec::new();
    for (index, stage) in fixture.stages.iter().enumerate() {
        if let Some(expect) = &stage.expect {
            let evaluation = pack.evaluate_with_parts(&turns, index, fixture.complete);
            let case = Case { pack, fixture, turns: &turns, index, known };
            case.compare(expect, &evaluation, &mut mismatches);
        }
    }
    let mut outcome = if mismatches.is_empty() { Outcome::Passed } else { Outcome::Failed };
    if let Some(todo) = &fixture.todo {
        if mismatches.is_empty() {
            outcome = Outcome::Failed;
            mismatches.push(Mismatch {
                at: fixture.at,
                kind: MismatchKind::TodoPassed,
                rule: fixture.rule.clone(),
                message: format!("this case is marked `todo: {todo}` but passes now: delete the mark"),
                excerpt: fixture.stages.last().map(|stage| stage.text.clone()).unwrap_or_default(),
                explanation: None,
            });
        } else if mismatches.iter().all(|found| found.kind != MismatchKind::UnknownRule) {
            outcome = Outcome::Todo;
            mismatches.clear();
        }
    }
    CaseResult {
        file: fixture.file.clone(),
        at: fixture.at,
        name: fixture.name.clone(),
        desc: fixture.desc.clone(),
        outcome,
        mismatches,
    }
}

struct Case<'a> {
    pack: &'a RulePack,
    fixture: &'a Fixture,
    turns: &'a [Turn],
    index: usize,
    known: &'a BTreeSet<&'a str>,
}

impl Case<'_> {
    fn compare(&self, expect: &Expect, evaluation: &Evaluation, mismatches: &mut Vec<Mismatch>) {
        let find = |rule: &str| evaluation.findings.iter().find(|finding| finding.rule_id == rule);
        for rule in expect.rules.iter().chain(&expect.not_rules).chain(&expect.undecided) {
            if !self.known.contains(rule.as_str()) {
                let meant = super::diagnostic::nearest(rule, self.known.iter().copied());
                let hint = meant.map(|id| format!("; did you mean `{id}`?")).unwrap_or_default();
                let message = format!("no rule is called `{rule}`{hint}");
                mismatches.push(self.mismatch(MismatchKind::UnknownRule, rule, message, None));
            }
        }
        for rule in &expect.rules {
            if self.known.contains(rule.as_str()) && find(rule).is_none() {
                let message = format!("`{rule}` should match and does not");
                mismatches.push(self.mismatch(MismatchKind::Missed, rule, message, None));
            }
        }
        for rule in &expect.not_rules {
            if let Some(finding) = find(rule) {
                let message = format!("`{rule}` should not match but does");
                mismatches.push(self.mismatch(MismatchKind::FalseAlarm, rule, message, Some(finding)));
            }
        }
        for rule in &expect.undecided {
            if self.known.contains(rule.as_str())
                && !evaluation.undecided.iter().any(|one| one.rule_id == *rule)
            {
                let message = format!("`{rule}` should be undecided");
                mismatches.push(self.mismatch(MismatchKind::Undecided, rule, message, find(rule)));
            }
        }
        let matched: Vec<&Finding> = expect.rules.iter().filter_map(|rule| find(rule)).collect();
        let Some(first) = matched.first() else { return };
        let marked: Vec<&str> =
            matched.iter().flat_map(|f| &f.spans).map(|span| span.text.as_str()).collect();
        let earlier: Vec<&str> = matched
            .iter()
            .flat_map(|f| &f.parts)
            .flat_map(|part| &part.spans)
            .map(|span| span.text.as_str())
            .collect();
        for (wanted, found, what) in [(&expect.spans, marked, "spans"), (&expect.parts, earlier, "parts")] {
            let missing: Vec<&str> =
                wanted.iter().map(String::as_str).filter(|part| !found.contains(part)).collect();
            if !missing.is_empty() {
                let message = format!(
                    "`{}` should mark ({what}) {}, and marks {}",
                    first.rule_id,
                    quoted(&missing),
                    if found.is_empty() { "nothing".to_owned() } else { quoted(&found) }
                );
                mismatches.push(self.mismatch(MismatchKind::Spans, &first.rule_id, message, Some(first)));
            }
        }
    }

    fn mismatch(
        &self,
        kind: MismatchKind,
        rule: &str,
        message: String,
        finding: Option<&Finding>,
    ) -> Mismatch {
        let stage = &self.fixture.stages[self.index];
        let ranges: Vec<_> =
            finding.map(|f| f.spans.iter().map(|span| span.start..span.end).collect()).unwrap_or_default();
        Mismatch {
            at: stage.line,
            kind,
            rule: rule.to_owned(),
            message,
            excerpt: mark(&stage.text, &ranges),
            explanation: explain_rule(self.pack, rule, self.turns, self.index, self.fixture.complete),
        }
    }
}

fn quoted(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(", ")
}

/// The longest excerpt, in characters.
const MAX_EXCERPT: usize = 160;

/// A text on one line with parts in «», cut around the first part if it is long.
pub fn mark(text: &str, ranges: &[std::ops::Range<usize>]) -> String {
    let first = ranges.iter().map(|range| range.start).min().unwrap_or(0);
    let from = first.saturating_sub(MAX_EXCERPT / 3);
    let mut out = String::new();
    if from > 0 {
        out.push('…');
    }
    let mut end = from;
    for (index, c) in text.chars().enumerate().skip(from).take(MAX_EXCERPT) {
        for range in ranges {
            if range.end == index && range.start != range.end {
                out.push('»');
            }
        }
        for range in ranges {
            if range.start == index && range.start != range.end {
                out.push('«');
            }
        }
        out.push(if c.is_control() { ' ' } else { c });
        end = index + 1;
    }
    out.extend(
        ranges
            .iter()
            .filter(|range| range.start < end && range.end >= end && range.start != range.end)
            .map(|_| '»'),
    );
    if text.chars().count() > end {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_around_the_parts() {
        assert_eq!(mark("LINE交換", &[0..4, 4..6]), "«LINE»«交換»");
        let one = 1..2;
        assert_eq!(mark("a\nb", std::slice::from_ref(&one)), "a« »b");
        let late = 300..301;
        let long = mark(&"あ".repeat(400), std::slice::from_ref(&late));
        assert!(long.contains("«あ»") && long.chars().count() < 200, "{long}");
    }
}
