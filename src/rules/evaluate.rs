//! One rule on one message of a conversation.
//!
//! How `not` works: a negated selection excuses *hits*, not messages. In `app and not goods` every hit of `app` that a hit
//! of `goods` overlaps (or stands near, if `goods` is `near: {of: app}`) is dropped; `app` holds if a hit is left. A
//! harmless word elsewhere never switches the rule off. Negated facts (`role`, `lang`, `previous`, `model`) are plain.

use std::ops::Range;

use super::check::excuses;
use super::condition::Condition;
use super::pack::CompiledRule;
use super::rule::{Body, Distance, Matcher, Near, Place, Selection, Side};
use super::truth::Truth;
use super::turn::Turn;
use crate::contract::Role;
use crate::text::Token;

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
    /// Names of selections that could not be decided, if the rule could not.
    pub undecided: Vec<String>,
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
        let mut evidence = Evidence::default();
        let truth = self.condition(self.condition, &[], &mut evidence);
        let mut result = RuleResult { truth, hits: Vec::new(), earlier: Vec::new(), undecided: Vec::new() };
        match truth {
            Truth::False => {}
            Truth::Unknown => result.undecided = evidence.undecided,
            Truth::True => {
                result.hits = self.connected(evidence.hits);
                result.earlier = evidence.earlier;
                result.earlier.sort_by_key(|(turn, hit)| (*turn, hit.start, hit.end));
                result.earlier.dedup();
            }
        }
        result
    }

    /// Evaluates a condition. `excusing` are the negated selections beside it.
    fn condition(&self, condition: &Condition, excusing: &[usize], evidence: &mut Evidence) -> Truth {
        match condition {
            Condition::Selection(index) => self.counted(*index, excusing, evidence),
            Condition::Not(inner) => match excuses(inner, self.selections) {
                // Its effect is on the hits beside it.
                Some(_) => Truth::True,
                None => self.condition(inner, &[], &mut Evidence::default()).negate(),
            },
            Condition::And(parts) => {
                let mut all = excusing.to_vec();
                for part in parts {
                    if let Condition::Not(inner) = part {
                        all.extend(excuses(inner, self.selections).unwrap_or_default());
                    }
                }
                let mut truth = Truth::True;
                for part in parts {
                    truth = truth.and(self.condition(part, &all, evidence));
                    if truth == Truth::False {
                        break;
                    }
                }
                truth
            }
            Condition::Or(parts) => parts
                .iter()
                .fold(Truth::False, |truth, part| truth.or(self.condition(part, excusing, evidence))),
            Condition::Count { count, of } => {
                let truths: Vec<Truth> =
                    of.iter().map(|index| self.counted(*index, excusing, evidence)).collect();
                let at_least =
                    |wanted: Truth| truths.iter().filter(|truth| **truth >= wanted).count() >= *count;
                if at_least(Truth::True) {
                    Truth::True
                } else if at_least(Truth::Unknown) {
                    Truth::Unknown
                } else {
                    Truth::False
                }
            }
        }
    }

    fn counted(&self, index: usize, excusing: &[usize], evidence: &mut Evidence) -> Truth {
        let result = self.selection(index, excusing);
        match result.truth {
            Truth::True => {
                evidence.hits.push((index, result.hits));
                evidence.earlier.extend(result.earlier);
            }
            Truth::Unknown => evidence.undecided.push(self.selections[index].name.clone()),
            Truth::False => {}
        }
        result.truth
    }

    /// One selection, with the hits that negated selections excuse left out.
    pub fn selection(&self, index: usize, excusing: &[usize]) -> SelectionResult {
        let selection = &self.selections[index];
        if selection.previous.is_some() {
            return self.previous(index);
        }
        let turn = &self.turns[self.judged];
        let mut facts = Truth::True;
        if let Some(role) = selection.role {
            facts = facts.and((turn.role == role).into());
        }
        if let Some(lang) = selection.lang {
            facts = facts.and(turn.language().map_or(Truth::Unknown, |found| (found == lang).into()));
        }
        match &selection.matcher {
            Matcher::Fact => SelectionResult::fact(facts),
            Matcher::Model { policy, at_least } => {
                let score = turn.scores.as_ref().and_then(|scores| scores.get(policy.as_str()));
                SelectionResult::fact(
                    facts.and(score.map_or(Truth::Unknown, |score| (score >= at_least).into())),
                )
            }
            Matcher::Text { .. } | Matcher::Tokens { .. } => {
                if facts == Truth::False {
                    return SelectionResult::fact(Truth::False);
                }
                let (hits, excused) = self.hits(index, excusing);
                let found = Truth::from(!hits.is_empty());
                SelectionResult { truth: facts.and(found), hits, earlier: Vec::new(), excused }
            }
        }
    }

    /// Hits of a selection in the judged message: as found, then without the excused, then near what they must be near to.
    fn hits(&self, index: usize, excusing: &[usize]) -> (Vec<Hit>, Vec<(Hit, usize)>) {
        let mut hits = self.raw(index, self.judged);
        let mut excused = Vec::new();
        if !excusing.contains(&index) {
            hits.retain(|hit| match self.excuse(index, hit, excusing) {
                Some(by) => {
                    excused.push((hit.clone(), by));
                    false
                }
                None => true,
            });
        }
        if let Some(near) = &self.selections[index].near
            && !hits.is_empty()
        {
            let partners = self.partners(near, excusing);
            hits.retain(|hit| partners.iter().any(|partner| self.is_near(near, hit, partner)));
        }
        (hits, excused)
    }

    fn raw(&self, index: usize, turn: usize) -> Vec<Hit> {
        let scan = &self.turns[turn].scan;
        let mut hits: Vec<Hit> =
            self.compiled.patterns[index].iter().flat_map(|pattern| scan.of(*pattern).cloned()).collect();
        hits.sort_by_key(|hit| (hit.start, hit.end));
        hits.dedup();
        hits
    }

    fn partners(&self, near: &Near, excusing: &[usize]) -> Vec<Hit> {
        near.of
            .iter()
            .filter_map(|(name, _)| self.selections.iter().position(|other| other.name == *name))
            .flat_map(|other| self.hits(other, excusing).0)
            .collect()
    }

    /// The negated selection that excuses a hit, if one does.
    fn excuse(&self, index: usize, hit: &Hit, excusing: &[usize]) -> Option<usize> {
        excusing.iter().copied().find(|&by| {
            let selection = &self.selections[by];
            let facts = self.selection_facts(by);
            if !facts {
                return false;
            }
            match &selection.near {
                None => self.raw(by, self.judged).iter().any(|found| overlap(found, hit)),
                Some(near) => {
                    near.of.iter().any(|(name, _)| *name == self.selections[index].name)
                        && self.raw(by, self.judged).iter().any(|found| self.is_near(near, found, hit))
                }
            }
        })
    }

    /// Whether the side and language that a negated selection asks for are those of the message, as far as is known.
    fn selection_facts(&self, index: usize) -> bool {
        let selection = &self.selections[index];
        let turn = &self.turns[self.judged];
        selection.role.is_none_or(|role| turn.role == role)
            && selection.lang.is_none_or(|lang| turn.language() == Some(lang))
    }

    /// Whether `hit` stands where `near` wants it, seen from `partner`.
    fn is_near(&self, near: &Near, hit: &Hit, partner: &Hit) -> bool {
        let before = hit.end <= partner.start;
        let after = partner.end <= hit.start;
        let side = match near.place {
            Place::Around => true,
            Place::Before => before,
            Place::After => after,
        };
        if !side {
            return false;
        }
        let (gap_start, gap_end) = match (before, after) {
            (true, _) => (hit.end, partner.start),
            (_, true) => (partner.end, hit.start),
            // Overlapping parts have nothing between them.
            _ => return true,
        };
        match near.distance {
            Distance::Chars(limit) => gap_end - gap_start <= limit,
            Distance::Tokens(limit) => {
                tokens_within(self.turns[self.judged].views.tokens(), gap_start, gap_end) <= limit
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
                    let score = candidate.scores.as_ref().and_then(|scores| scores.get(policy.as_str()));
                    language.and(score.map_or(Truth::Unknown, |score| (score >= at_least).into()))
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

    /// Keeps of a selection that others are near to only the hits they are near to: the others are no evidence.
    fn connected(&self, evidence: Vec<(usize, Vec<Hit>)>) -> Vec<Hit> {
        let mut all = Vec::new();
        for (index, hits) in &evidence {
            let dependents: Vec<(&Near, &Vec<Hit>)> = evidence
                .iter()
                .filter_map(|(other, found)| self.selections[*other].near.as_ref().map(|near| (near, found)))
                .filter(|(near, _)| near.of.iter().any(|(name, _)| *name == self.selections[*index].name))
                .collect();
            let chosen = hits.iter().filter(|hit| {
                dependents.is_empty()
                    || dependents
                        .iter()
                        .any(|(near, found)| found.iter().any(|other| self.is_near(near, other, hit)))
            });
            all.extend(chosen.cloned());
        }
        merge(all)
    }
}

#[derive(Default)]
struct Evidence {
    hits: Vec<(usize, Vec<Hit>)>,
    earlier: Vec<(usize, Hit)>,
    undecided: Vec<String>,
}

/// Whether the writer of a message stands on the wanted side, seen from another writer.
pub fn wrote(by: Side, seen_from: Role, writer: Role) -> bool {
    match by {
        Side::Any => true,
        Side::Same => seen_from == writer,
        Side::Other => seen_from != writer,
    }
}

fn overlap(a: &Hit, b: &Hit) -> bool {
    a.start < b.end && b.start < a.end
}

/// Words that lie wholly or partly between two places. Tokens are sorted, so this is a search.
fn tokens_within(tokens: &[Token], start: usize, end: usize) -> usize {
    let first = tokens.partition_point(|token| token.span.end <= start);
    let last = tokens.partition_point(|token| token.span.start < end);
    last.saturating_sub(first)
}

/// Sorts and drops what lies within another hit.
fn merge(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
    let mut merged: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        match merged.last() {
            Some(last) if hit.end <= last.end => {}
            _ => merged.push(hit),
        }
    }
    merged
}
