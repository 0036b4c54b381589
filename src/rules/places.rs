//! Where a selection finds something in the judged message: its hits, less those that a `not` excuses, near what they must be near.
//!
//! A selection that asks for a language is undecided on a message that does not tell its language. Then there are two answers:
//! the hits that count whatever the language is, and those that might. Both bounds are computed; they only differ in this case.

use super::evaluate::{Evaluator, Hit};
use super::rule::{Distance, Near, Place};
use super::truth::Truth;
use crate::text::Token;

/// The hits of a selection.
pub struct Places {
    /// `True` if hits count for certain, `Unknown` if some only might.
    pub truth: Truth,
    /// Those that count; those that might if none does for certain.
    pub hits: Vec<Hit>,
    /// Hits that a `not` has excused, with the selection that did.
    pub excused: Vec<(Hit, usize)>,
}

/// How what is unknown is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// Against a hit: what is left counts for certain.
    Certain,
    /// In favour of a hit: what is left may count.
    Possible,
}

impl Bound {
    /// Whether something that speaks *for* a hit is taken to hold.
    fn grants(self, truth: Truth) -> bool {
        match self {
            Bound::Certain => truth == Truth::True,
            Bound::Possible => truth != Truth::False,
        }
    }

    /// Whether something that speaks *against* a hit is taken to hold.
    fn objects(self, truth: Truth) -> bool {
        !self.grants(truth.negate())
    }
}

impl Evaluator<'_> {
    /// Hits of a selection in the judged message.
    pub(super) fn places(&self, index: usize, excusing: &[usize]) -> Places {
        let (possible, excused) = self.hits(index, excusing, Bound::Possible);
        if possible.is_empty() {
            return Places { truth: Truth::False, hits: possible, excused };
        }
        if self.turns[self.judged].language().is_some() {
            return Places { truth: Truth::True, hits: possible, excused };
        }
        let (certain, all_excused) = self.hits(index, excusing, Bound::Certain);
        if certain.is_empty() {
            Places { truth: Truth::Unknown, hits: possible, excused }
        } else {
            Places { truth: Truth::True, hits: certain, excused: all_excused }
        }
    }

    /// As found, then without the excused, then near what they must be near to.
    fn hits(&self, index: usize, excusing: &[usize], bound: Bound) -> (Vec<Hit>, Vec<(Hit, usize)>) {
        let mut excused = Vec::new();
        if !bound.grants(self.facts(index)) {
            return (Vec::new(), excused);
        }
        let mut hits = self.raw(index, self.judged);
        if !excusing.contains(&index) {
            hits.retain(|hit| match self.excuse(index, hit, excusing, bound) {
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
            let partners = self.partners(near, excusing, bound);
            hits.retain(|hit| partners.iter().any(|partner| self.is_near(near, hit, partner)));
        }
        (hits, excused)
    }

    /// Every hit of a selection's patterns in a message, sorted.
    pub(super) fn raw(&self, index: usize, turn: usize) -> Vec<Hit> {
        let scan = &self.turns[turn].scan;
        let mut hits: Vec<Hit> =
            self.compiled.patterns[index].iter().flat_map(|pattern| scan.of(*pattern).cloned()).collect();
        hits.sort_by_key(|hit| (hit.start, hit.end));
        hits.dedup();
        hits
    }

    fn partners(&self, near: &Near, excusing: &[usize], bound: Bound) -> Vec<Hit> {
        near.of
            .iter()
            .filter_map(|(name, _)| self.selections.iter().position(|other| other.name == *name))
            .flat_map(|other| self.hits(other, excusing, bound).0)
            .collect()
    }

    /// The negated selection that excuses a hit, if one does.
    fn excuse(&self, index: usize, hit: &Hit, excusing: &[usize], bound: Bound) -> Option<usize> {
        excusing.iter().copied().find(|&by| {
            if !bound.objects(self.facts(by)) {
                return false;
            }
            match &self.selections[by].near {
                None => self.raw(by, self.judged).iter().any(|found| overlap(found, hit)),
                Some(near) => {
                    near.of.iter().any(|(name, _)| *name == self.selections[index].name)
                        && self.raw(by, self.judged).iter().any(|found| self.is_near(near, found, hit))
                }
            }
        })
    }

    /// Whether the judged message is of the side and in the language that a selection asks for.
    pub(super) fn facts(&self, index: usize) -> Truth {
        let selection = &self.selections[index];
        let turn = &self.turns[self.judged];
        let role = selection.role.is_none_or(|role| turn.role == role);
        let lang = selection.lang.map_or(Truth::True, |lang| {
            turn.language().map_or(Truth::Unknown, |found| (found == lang).into())
        });
        Truth::from(role).and(lang)
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

    /// Keeps of a selection that others are near to only the hits they are near to: the others are no evidence.
    pub(super) fn connected(&self, evidence: Vec<(usize, Vec<Hit>)>) -> Vec<Hit> {
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
