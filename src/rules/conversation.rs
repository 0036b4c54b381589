//! Rules over rules: what follows what within one transaction and a span of time.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::evaluate::wrote;
use super::rule::{Correlation, CorrelationKind, Side};
use super::truth::Truth;
use super::turn::Turn;

#[cfg(test)]
mod tests;

/// A step with the rules it stands for, as indices into the pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub rules: Vec<u32>,
    pub by: Side,
}

/// A message that took part: its index, and the rule that matched it.
pub type Part = (usize, u32);

/// What a conversation rule comes to on the judged message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Correlated {
    /// The parts of the match, in order of the messages.
    Holds(Vec<Part>),
    /// It may hold: parts whose rules are not decided, and whether earlier messages that are not known would have to take part.
    MayHold {
        undecided: BTreeSet<Part>,
        beyond: bool,
    },
    Fails,
}

/// The messages that a conversation rule is looked for in.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    pub turns: &'a [Turn],
    /// The match must end here.
    pub judged: usize,
    /// How many messages before the first turn may exist that the rule would look at; nothing is known of them.
    pub unseen: usize,
}

/// Looks for a match that ends in the judged message. `fired(turn, rule)` tells whether a rule holds for a message.
pub fn correlate(
    correlation: &Correlation,
    steps: &[Step],
    window: Window<'_>,
    fired: &mut dyn FnMut(usize, u32) -> Truth,
) -> Correlated {
    let Window { turns, judged, unseen } = window;
    let mut first = judged;
    while first > 0 && is_within(turns, first - 1, judged, correlation.timespan) {
        first -= 1;
    }
    // Older than a message that is outside the span of time is outside of it, too.
    let unseen = if first == 0 { unseen } else { 0 };
    let mut open = false;
    let certain = Search { steps, turns, judged, first, unseen: 0, beyond: false }.run(
        correlation.kind,
        &mut |turn, rule| {
            let truth = fired(turn, rule);
            open |= truth == Truth::Unknown;
            truth == Truth::True
        },
    );
    if let Some(parts) = certain {
        return Correlated::Holds(parts);
    }
    if !open && unseen == 0 {
        return Correlated::Fails;
    }
    let mut search = Search { steps, turns, judged, first, unseen, beyond: false };
    let Some(parts) = search.run(correlation.kind, &mut |turn, rule| fired(turn, rule) >= Truth::Unknown)
    else {
        return Correlated::Fails;
    };
    let undecided = parts.into_iter().filter(|(turn, rule)| fired(*turn, *rule) == Truth::Unknown).collect();
    Correlated::MayHold { undecided, beyond: search.beyond }
}

/// One search for parts. `hit(turn, rule)` says what counts as a match: what is certain, or also what is possible.
struct Search<'a> {
    steps: &'a [Step],
    turns: &'a [Turn],
    judged: usize,
    /// The first message within the span of time.
    first: usize,
    /// Messages before it that may match anything.
    unseen: usize,
    /// Whether the parts found need some of them.
    beyond: bool,
}

type Hit<'a> = dyn FnMut(usize, u32) -> bool + 'a;

impl Search<'_> {
    fn run(&mut self, kind: CorrelationKind, hit: &mut Hit<'_>) -> Option<Vec<Part>> {
        match kind {
            CorrelationKind::EventCount(count) => self.counted(count, hit),
            CorrelationKind::TemporalOrdered => {
                let last = self.steps.len().checked_sub(1)?;
                let mut parts = vec![self.part(self.judged, last, hit)?];
                self.ordered(last, &mut parts, hit).then(|| {
                    parts.reverse();
                    parts
                })
            }
            CorrelationKind::Temporal => self.unordered(hit),
        }
    }

    fn part(&self, turn: usize, step: usize, hit: &mut Hit<'_>) -> Option<Part> {
        let rules = &self.steps[step].rules;
        rules.iter().copied().find(|rule| hit(turn, *rule)).map(|rule| (turn, rule))
    }

    fn counted(&mut self, count: usize, hit: &mut Hit<'_>) -> Option<Vec<Part>> {
        if self.steps.is_empty() {
            return None;
        }
        self.part(self.judged, 0, hit)?;
        let parts: Vec<Part> = (self.first..=self.judged)
            .filter(|turn| wrote(self.steps[0].by, self.turns[self.judged].role, self.turns[*turn].role))
            .filter_map(|turn| self.part(turn, 0, hit))
            .collect();
        self.beyond = parts.len() < count;
        (parts.len() + self.unseen >= count).then_some(parts)
    }

    /// The judged message is one of the steps; every other step stands somewhere in the window.
    fn unordered(&mut self, hit: &mut Hit<'_>) -> Option<Vec<Part>> {
        let own = self.turns[self.judged].role;
        (0..self.steps.len()).find_map(|step| self.part(self.judged, step, hit))?;
        let mut parts: Vec<Part> = Vec::new();
        for step in 0..self.steps.len() {
            let found = (self.first..=self.judged)
                .rev()
                .filter(|turn| {
                    *turn == self.judged || wrote(self.steps[step].by, own, self.turns[*turn].role)
                })
                .find_map(|turn| self.part(turn, step, hit));
            match found {
                Some(part) => parts.push(part),
                None if self.unseen > 0 => self.beyond = true,
                None => return None,
            }
        }
        parts.sort_unstable();
        Some(parts)
    }

    /// Finds the steps before `step`, latest message first, going back where a choice leads nowhere.
    fn ordered(&mut self, step: usize, parts: &mut Vec<Part>, hit: &mut Hit<'_>) -> bool {
        let Some(earlier) = step.checked_sub(1) else { return true };
        let Some(&(later, _)) = parts.last() else { return false };
        for turn in (self.first..later).rev() {
            // `by` of a step is seen from the step before it.
            if !wrote(self.steps[step].by, self.turns[turn].role, self.turns[later].role) {
                continue;
            }
            if let Some(part) = self.part(turn, earlier, hit) {
                parts.push(part);
                if self.ordered(earlier, parts, hit) {
                    return true;
                }
                parts.pop();
            }
        }
        // All `step` earlier steps, each in a message of its own, before what is known.
        let possible = self.unseen >= step;
        self.beyond |= possible;
        possible
    }
}

fn is_within(turns: &[Turn], earlier: usize, later: usize, span: TimeDelta) -> bool {
    turns[later].sent_at.signed_duration_since(turns[earlier].sent_at) <= span
}
