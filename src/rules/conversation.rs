//! Rules over rules: what follows what within one transaction and a span of time.

use chrono::TimeDelta;

use super::evaluate::wrote;
use super::rule::{Correlation, CorrelationKind, Side};
use super::turn::Turn;

/// A step with the rules it stands for, as indices into the pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub rules: Vec<u32>,
    pub by: Side,
}

/// A message that took part: its index, and the rule that matched it.
pub type Part = (usize, u32);

/// The parts of a match that ends in the judged message, in order of the messages; `None` when there is no match.
/// `fired(turn, rule)` tells whether a rule holds for a message.
pub fn correlate(
    correlation: &Correlation,
    steps: &[Step],
    turns: &[Turn],
    judged: usize,
    fired: &mut dyn FnMut(usize, u32) -> bool,
) -> Option<Vec<Part>> {
    let mut first = judged;
    while first > 0 && is_within(turns, first - 1, judged, correlation.timespan) {
        first -= 1;
    }
    let mut hit = |turn: usize, step: &Step| step.rules.iter().copied().find(|rule| fired(turn, *rule));
    match correlation.kind {
        CorrelationKind::EventCount(count) => {
            let step = steps.first()?;
            let own = turns[judged].role;
            hit(judged, step)?;
            let mut parts: Vec<Part> = (first..=judged)
                .filter(|turn| wrote(step.by, own, turns[*turn].role))
                .filter_map(|turn| hit(turn, step).map(|rule| (turn, rule)))
                .collect();
            parts.sort_unstable();
            (parts.len() >= count).then_some(parts)
        }
        CorrelationKind::TemporalOrdered => {
            let mut parts = vec![(judged, hit(judged, steps.last()?)?)];
            ordered(steps, steps.len() - 1, turns, first, &mut parts, &mut hit).then(|| {
                parts.reverse();
                parts
            })
        }
        CorrelationKind::Temporal => {
            // The judged message is one of the steps; every other step stands somewhere in the window.
            let own = turns[judged].role;
            steps.iter().find_map(|step| hit(judged, step))?;
            let mut parts: Vec<Part> = Vec::new();
            for step in steps {
                let part = (first..=judged)
                    .rev()
                    .filter(|turn| *turn == judged || wrote(step.by, own, turns[*turn].role))
                    .find_map(|turn| hit(turn, step).map(|rule| (turn, rule)))?;
                parts.push(part);
            }
            parts.sort_unstable();
            Some(parts)
        }
    }
}

/// Finds the steps before `step`, latest message first, going back where a choice leads nowhere.
fn ordered(
    steps: &[Step],
    step: usize,
    turns: &[Turn],
    first: usize,
    parts: &mut Vec<Part>,
    hit: &mut dyn FnMut(usize, &Step) -> Option<u32>,
) -> bool {
    let Some(earlier) = step.checked_sub(1) else { return true };
    let Some(&(later, _)) = parts.last() else { return false };
    for turn in (first..later).rev() {
        // `by` of a step is seen from the step before it.
        if !wrote(steps[step].by, turns[turn].role, turns[later].role) {
            continue;
        }
        if let Some(rule) = hit(turn, &steps[earlier]) {
            parts.push((turn, rule));
            if ordered(steps, earlier, turns, first, parts, hit) {
                return true;
            }
            parts.pop();
        }
    }
    false
}

fn is_within(turns: &[Turn], earlier: usize, later: usize, span: TimeDelta) -> bool {
    turns[later].sent_at.signed_duration_since(turns[earlier].sent_at) <= span
}
