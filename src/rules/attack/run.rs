//! Attacks every positive fixture and counts what a pack still finds.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{KINDS, Kind, rewrite};
use crate::rules::diagnostic::Position;
use crate::rules::engine::Finding;
use crate::rules::fixture::{Expect, Fixture};
use crate::rules::pack::RulePack;
use crate::rules::rule::Status;
use crate::rules::suite::turns;
use crate::rules::turn::Turn;
use crate::text::{Tokenizer, Views};

/// One rewritten message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub rule_id: String,
    pub status: Status,
    /// Name of the kind of evasion.
    pub kind: &'static str,
    /// Fixture, as `rule#case`, and its place.
    pub case: String,
    pub file: String,
    pub at: Position,
    /// The message as the fixture has it, and rewritten.
    pub original: String,
    pub rewritten: String,
    /// Whether the rule still matches.
    pub caught: bool,
}

/// How many rewritten messages were caught.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub caught: usize,
    pub total: usize,
}

impl Tally {
    fn add(&mut self, caught: bool) {
        self.caught += usize::from(caught);
        self.total += 1;
    }

    /// Share caught, from 0 to 1; 1 when nothing was tried.
    pub fn recall(self) -> f64 {
        if self.total == 0 { 1.0 } else { self.caught as f64 / self.total as f64 }
    }
}

/// All attempts of one attack.
#[derive(Debug, Clone, Default)]
pub struct AttackReport {
    pub attempts: Vec<Attempt>,
}

impl AttackReport {
    /// By kind, in the order of [`KINDS`]; kinds that applied nowhere are left out.
    pub fn by_kind(&self) -> Vec<(&'static Kind, Tally)> {
        KINDS
            .iter()
            .map(|kind| (kind, self.tally(|attempt| attempt.kind == kind.name)))
            .filter(|(_, tally)| tally.total > 0)
            .collect()
    }

    /// By rule, in order of ids.
    pub fn by_rule(&self) -> BTreeMap<&str, (Status, Tally)> {
        let mut rules: BTreeMap<&str, (Status, Tally)> = BTreeMap::new();
        for attempt in &self.attempts {
            let entry = rules.entry(&attempt.rule_id).or_insert((attempt.status, Tally::default()));
            entry.1.add(attempt.caught);
        }
        rules
    }

    /// The kinds that one rule missed, with how often.
    pub fn weak_kinds(&self, rule: &str) -> Vec<(&'static str, Tally)> {
        KINDS
            .iter()
            .map(|kind| (kind.name, self.tally(|one| one.kind == kind.name && one.rule_id == rule)))
            .filter(|(_, tally)| tally.caught < tally.total)
            .collect()
    }

    pub fn tally(&self, wanted: impl Fn(&Attempt) -> bool) -> Tally {
        let mut tally = Tally::default();
        self.attempts.iter().filter(|attempt| wanted(attempt)).for_each(|attempt| tally.add(attempt.caught));
        tally
    }
}

/// Rewrites the evidence of every positive fixture (or of those of one rule) with every kind, and evaluates the pack again.
///
/// Cases marked `todo` and cases that the pack misses unchanged are left to `rules test`.
pub fn attack(
    pack: &RulePack,
    fixtures: &[Fixture],
    tokenizer: &Tokenizer,
    only: Option<&str>,
    seed: u64,
) -> AttackReport {
    let mut report = AttackReport::default();
    for fixture in fixtures.iter().filter(|fixture| fixture.todo.is_none()) {
        let mut conversation = None;
        for (index, stage) in fixture.stages.iter().enumerate() {
            let Some(expect) = &stage.expect else { continue };
            for rule in expect.rules.iter().filter(|rule| only.is_none_or(|only| only == rule.as_str())) {
                let turns = conversation.get_or_insert_with(|| turns(pack, fixture, tokenizer));
                let case = Case { pack, fixture, turns, index, tokenizer, seed };
                report.attempts.extend(case.attack(rule, expect));
            }
        }
    }
    report
}

/// One message of a fixture that a rule must match.
struct Case<'a> {
    pack: &'a RulePack,
    fixture: &'a Fixture,
    turns: &'a [Turn],
    index: usize,
    tokenizer: &'a Tokenizer,
    seed: u64,
}

impl Case<'_> {
    fn attack(&self, rule: &str, expect: &Expect) -> Vec<Attempt> {
        let evaluation = self.pack.evaluate_with_parts(self.turns, self.index, self.fixture.complete);
        let Some(finding) = evaluation.findings.iter().find(|finding| finding.rule_id == rule) else {
            return Vec::new();
        };
        let parts = parts(finding, expect);
        let stage = &self.fixture.stages[self.index];
        KINDS
            .iter()
            .filter_map(|kind| {
                let rewritten = rewrite(&stage.text, &parts, kind, self.seed_of(rule, kind))?;
                Some(Attempt {
                    rule_id: rule.to_owned(),
                    status: finding.status,
                    kind: kind.name,
                    case: self.fixture.name.clone(),
                    file: self.fixture.file.clone(),
                    at: stage.line,
                    original: stage.text.clone(),
                    caught: self.still_matches(rule, &rewritten),
                    rewritten,
                })
            })
            .collect()
    }

    /// Every attempt has chance of its own, so that `--rule` and new fixtures change no other text.
    fn seed_of(&self, rule: &str, kind: &Kind) -> u64 {
        let mut hasher = Sha256::new();
        hasher.update(self.seed.to_le_bytes());
        for part in [rule, kind.name, &self.fixture.stages[self.index].text] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
    }

    fn still_matches(&self, rule: &str, rewritten: &str) -> bool {
        let mut turns = self.turns.to_vec();
        let old = &turns[self.index];
        let views = Arc::new(Views::new(rewritten, self.tokenizer));
        let new = Turn::new(self.pack, old.role, old.sent_at, views);
        turns[self.index] = match old.scores.clone() {
            Some(scores) => new.with_scores(scores),
            None => new,
        };
        let evaluation = self.pack.evaluate_with_parts(&turns, self.index, self.fixture.complete);
        evaluation.findings.iter().any(|finding| finding.rule_id == rule)
    }
}

/// What is rewritten: the spans that the fixture expects, where the rule marks them; without any, all of its evidence.
fn parts(finding: &Finding, expect: &Expect) -> Vec<Range<usize>> {
    let expected = finding.spans.iter().filter(|span| expect.spans.contains(&span.text));
    let mut parts: Vec<Range<usize>> = expected.map(|span| span.start..span.end).collect();
    if parts.is_empty() {
        parts = finding.spans.iter().map(|span| span.start..span.end).collect();
    }
    parts.sort_by_key(|part| (part.start, part.end));
    parts.dedup_by(|next, first| {
        next.start < first.end && {
            first.end = first.end.max(next.end);
            true
        }
    });
    parts
}
