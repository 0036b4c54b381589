//! One rule on one message of a conversation.
//!
//! How `not` works: a negated selection excuses *hits*, not messages. In `app and not goods` every hit of `app` that a hit
//! of `goods` overlaps (or stands near, if `goods` is `near: {of: app}`) is dropped; `app` holds if a hit is left. A
//! harmless word elsewhere never switches the rule off. Negated facts (`role`, `lang`, `previous`, `model`) are plain.

use std::ops::Range;

use super::check::excuses;
use super::condition::Condition;
use super::pack::CompiledRule;
use super::rule::{Body, Matcher, Selection, Side};
use super::truth::{Truth, Unknown};
use super::turn::Turn;
use crate::contract::{Missing, Role};

#[cfg(test)]
mod tests;

/// A range of Unicode scalar values of a message as sent.
pub type Hit = Range<usize>;

/// What a selection found in a message, or in earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectionResult {
    pub truth: Truth,
    /// Hits in the judged message that count.
    pub hits: Vec<Hit>,
    /// Hits in earlier messages: index of the message, place.
    pub earlier: Vec<(usize, Hit)>,
    /// Hits that a `not` has excused, with the selection that did.
    pub excused: Vec<(Hit, usize)>,
}

impl SelectionResult {
    fn fact(truth: Truth) -> Self {
        Self { truth, hits: Vec::new(), earlier: Vec::new(), excused: Vec::new() }
    }
}

/// A rule's result on one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleResult {
    pub truth: Truth,
    /// Evidence in the judged message, sorted.
    pub hits: Vec<Hit>,
    /// Evidence in earlier messages.
    pub earlier: Vec<(usize, Hit)>,
    /// Selections that could not be decided, if the rule could not.
    pub undecided: Vec<Unknown>,
}

/// Looks at one message (`judged`) of a conversation through one rule.
pub struct Evaluator<'a> {
    pub compiled: &'a CompiledRule,
    pub selections: &'a [Selection],
    pub condition: &'a Condition,
    pub turns: &'a [Turn],
    pub judged: usize,
    /// Whether the first turn is the first message of the conversation.
    pub complete: bool,
}

impl<'a> Evaluator<'a> {
    /// `None` for conversation rules.
    pub fn new(compiled: &'a CompiledRule, turns: &'a [Turn], judged: usize, complete: bool) -> Option<Self> {
        match &compiled.rule.body {
            Body::Message { selections, condition, .. } => {
                Some(Self { compiled, selections, condition, turns, judged, complete })
            }
            Body::Conversation(_) => None,
        }
    }

    /// Judges the rule.
    pub fn run(&self) -> RuleResult {
        let (truth, evidence) = self.condition(self.condition, &[]);
        let mut result =
            RuleResult { truth, hits: Vec::new(), earlier: Vec::new(), undecided: evidence.undecided };
        if truth == Truth::True {
            result.hits = self.connected(evidence.hits);
            result.earlier = evidence.earlier;
            result.earlier.sort_by_key(|(turn, hit)| (*turn, hit.start, hit.end));
            result.earlier.dedup();
        }
        result
    }

    /// Evaluates a condition. `excusing` are the negated selections beside it. The evidence is that of the truth: what was found in
    /// a branch that does not hold supports nothing.
    fn condition(&self, condition: &Condition, excusing: &[usize]) -> (Truth, Evidence) {
        match condition {
            Condition::Selection(index) => self.counted(*index, excusing),
            Condition::Not(inner) => match excuses(inner, self.selections) {
                // Its effect is on the hits beside it.
                Some(_) => (Truth::True, Evidence::default()),
                None => {
                    let (truth, found) = self.condition(inner, &[]);
                    let undecided = Evidence { undecided: found.undecided, ..Evidence::default() };
                    undecided.of(truth.negate())
                }
            },
            Condition::And(parts) => {
                let mut all = excusing.to_vec();
                for part in parts {
                    if let Condition::Not(inner) = part {
                        all.extend(excuses(inner, self.selections).unwrap_or_default());
                    }
                }
                let (mut truth, mut evidence) = (Truth::True, Evidence::default());
                for part in parts {
                    let (next, found) = self.condition(part, &all);
                    truth = truth.and(next);
                    if truth == Truth::False {
                        break;
                    }
                    evidence.extend(found);
                }
                evidence.of(truth)
            }
            Condition::Or(parts) => {
                let (mut truth, mut evidence) = (Truth::False, Evidence::default());
                for part in parts {
                    let (next, found) = self.condition(part, excusing);
                    truth = truth.or(next);
                    evidence.extend(found);
                }
                evidence.of(truth)
            }
            Condition::Count { count, of } => {
                let mut evidence = Evidence::default();
                let mut reached = |index: &usize| {
                    let (truth, found) = self.counted(*index, excusing);
                    evidence.extend(found);
                    truth
                };
                let truths: Vec<Truth> = of.iter().map(&mut reached).collect();
                let at_least =
                    |wanted: Truth| truths.iter().filter(|truth| **truth >= wanted).count() >= *count;
                evidence.of(if at_least(Truth::True) {
                    Truth::True
                } else if at_least(Truth::Unknown) {
                    Truth::Unknown
                } else {
                    Truth::False
                })
            }
        }
    }

    fn counted(&self, index: usize, excusing: &[usize]) -> (Truth, Evidence) {
        let result = self.selection(index, excusing);
        let mut evidence = Evidence::default();
        match result.truth {
            Truth::True => {
                evidence.hits.push((index, result.hits));
                evidence.earlier = result.earlier;
            }
            Truth::Unknown => {
                let name = self.selections[index].name.clone();
                evidence.undecided.push(Unknown { name, missing: self.missing(index) });
            }
            Truth::False => {}
        }
        (result.truth, evidence)
    }

    /// What an undecided selection lacks.
    fn missing(&self, index: usize) -> Missing {
        let selection = &self.selections[index];
        match (selection.previous, &selection.matcher) {
            (Some(previous), _) if !self.complete && self.judged < previous.within => Missing::History,
            (Some(_), Matcher::Model { .. }) => Missing::Model,
            (None, Matcher::Model { policy, .. }) if score(&self.turns[self.judged], policy).is_none() => {
                Missing::Model
            }
            _ => Missing::Language,
        }
    }

    /// One selection, with the hits that negated selections excuse left out.
    pub fn selection(&self, index: usize, excusing: &[usize]) -> SelectionResult {
        let selection = &self.selections[index];
        if selection.previous.is_some() {
            return self.previous(index);
        }
        match &selection.matcher {
            Matcher::Fact => SelectionResult::fact(self.facts(index)),
            Matcher::Model { policy, at_least } => {
                let judged = reaches(score(&self.turns[self.judged], policy), *at_least);
                SelectionResult::fact(self.facts(index).and(judged))
            }
            Matcher::Text { .. } | Matcher::Tokens { .. } => {
                let found = self.places(index, excusing);
                SelectionResult {
                    truth: found.truth,
                    hits: found.hits,
                    earlier: Vec::new(),
                    excused: found.excused,
                }
            }
        }
    }

    /// A selection over earlier messages.
    fn previous(&self, index: usize) -> SelectionResult {
        let selection = &self.selections[index];
        let Some(previous) = selection.previous else { return SelectionResult::fact(Truth::False) };
        let own = self.turns[self.judged].role;
        let first = self.judged.saturating_sub(previous.within);
        let mut result = SelectionResult::fact(Truth::False);
        for turn in (first..self.judged).rev() {
            let candidate = &self.turns[turn];
            if !wrote(previous.by, own, candidate.role)
                || selection.role.is_some_and(|role| role != candidate.role)
            {
                continue;
            }
            let language = match (selection.lang, candidate.language()) {
                (None, _) => Truth::True,
                (Some(_), None) => Truth::Unknown,
                (Some(wanted), Some(found)) => (wanted == found).into(),
            };
            let truth = match &selection.matcher {
                Matcher::Fact => language,
                Matcher::Model { policy, at_least } => {
                    language.and(reaches(score(candidate, policy), *at_least))
                }
                _ => {
                    let hits = self.raw(index, turn);
                    let found = Truth::from(!hits.is_empty());
                    if language.and(found) == Truth::True {
                        result.earlier.extend(hits.into_iter().map(|hit| (turn, hit)));
                    }
                    language.and(found)
                }
            };
            result.truth = result.truth.or(truth);
        }
        // Messages that should be there but are not may hold what was looked for.
        if !self.complete && self.judged < previous.within {
            result.truth = result.truth.or(Truth::Unknown);
        }
        result
    }
}

/// What supports a truth.
#[derive(Default)]
struct Evidence {
    hits: Vec<(usize, Vec<Hit>)>,
    earlier: Vec<(usize, Hit)>,
    undecided: Vec<Unknown>,
}

impl Evidence {
    fn extend(&mut self, other: Evidence) {
        self.hits.extend(other.hits);
        self.earlier.extend(other.earlier);
        self.undecided.extend(other.undecided);
    }

    /// Keeps what belongs to this truth: places to what holds, what is missing to what is unknown.
    fn of(self, truth: Truth) -> (Truth, Evidence) {
        let kept = match truth {
            Truth::True => Evidence { undecided: Vec::new(), ..self },
            Truth::Unknown => Evidence { undecided: self.undecided, ..Evidence::default() },
            Truth::False => Evidence::default(),
        };
        (truth, kept)
    }
}

/// The model's probability for a policy, where the model has judged the message for it.
fn score(turn: &Turn, policy: &str) -> Option<f64> {
    turn.scores.as_ref()?.get(policy).copied()
}

fn reaches(score: Option<f64>, at_least: f64) -> Truth {
    score.map_or(Truth::Unknown, |score| (score >= at_least).into())
}

/// Whether the writer of a message stands on the wanted side, seen from another writer.
pub fn wrote(by: Side, seen_from: Role, writer: Role) -> bool {
    match by {
        Side::Any => true,
        Side::Same => seen_from == writer,
        Side::Other => seen_from != writer,
    }
}
