//! Why a rule did or did not match: every selection with what it found, then the condition.

use std::collections::BTreeSet;

use super::check::excuses;
use super::condition::Condition;
use super::evaluate::{Evaluator, Hit};
use super::pack::RulePack;
use super::rule::{Body, Matcher, Selection};
use super::truth::Truth;
use super::turn::Turn;

/// One rule looked at from inside.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleExplanation {
    pub rule_id: String,
    pub truth: Truth,
    pub selections: Vec<SelectionExplanation>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SelectionExplanation {
    pub name: String,
    /// The view, `tokens`, `model` or `fact`; with ` (earlier)` for `previous`.
    pub view: String,
    pub truth: Truth,
    pub hits: Vec<Hit>,
    /// Index of the message, and place.
    pub earlier: Vec<(usize, Hit)>,
    /// Hits that a `not` excused, with its name.
    pub excused: Vec<(Hit, String)>,
    /// Whether it only stands under `not`.
    pub negated: bool,
}

/// Explains one rule on one message; `None` for conversation rules and unknown names.
pub fn explain_rule(
    pack: &RulePack,
    rule_id: &str,
    turns: &[Turn],
    judged: usize,
    complete: bool,
) -> Option<RuleExplanation> {
    let compiled = pack.rules.iter().find(|compiled| compiled.rule.id == rule_id)?;
    let evaluator = Evaluator::new(compiled, &turns[..=judged], judged, complete)?;
    let mut negated: Vec<usize> = Vec::new();
    all_excuses(evaluator.condition, evaluator.selections, &mut negated);
    let plain: BTreeSet<usize> =
        evaluator.condition.mentions().into_iter().filter(|(_, not)| !not).map(|(index, _)| index).collect();
    let selections = evaluator
        .selections
        .iter()
        .enumerate()
        .map(|(index, selection)| {
            let under_not = negated.contains(&index) && !plain.contains(&index);
            let found = evaluator.selection(index, if under_not { &[] } else { &negated });
            SelectionExplanation {
                name: selection.name.clone(),
                view: view_name(selection),
                truth: found.truth,
                hits: found.hits,
                earlier: found.earlier,
                excused: found
                    .excused
                    .into_iter()
                    .map(|(hit, by)| (hit, evaluator.selections[by].name.clone()))
                    .collect(),
                negated: under_not,
            }
        })
        .collect();
    Some(RuleExplanation { rule_id: rule_id.to_owned(), truth: evaluator.run().truth, selections })
}

fn view_name(selection: &Selection) -> String {
    let view = match &selection.matcher {
        Matcher::Text { view, .. } => view.as_str(),
        Matcher::Tokens { .. } => "tokens",
        Matcher::Model { .. } => "model",
        Matcher::Fact => "fact",
    };
    if selection.previous.is_some() { format!("{view} (earlier)") } else { view.to_owned() }
}

/// Every selection that a `not` somewhere in the condition may excuse with.
fn all_excuses(condition: &Condition, selections: &[Selection], found: &mut Vec<usize>) {
    match condition {
        Condition::Not(inner) => match excuses(inner, selections) {
            Some(list) => found.extend(list),
            None => all_excuses(inner, selections, found),
        },
        Condition::And(parts) | Condition::Or(parts) => {
            parts.iter().for_each(|part| all_excuses(part, selections, found));
        }
        Condition::Selection(_) | Condition::Count { .. } => {}
    }
}

/// Rules worth explaining for a message: those of which a selection with a place found something.
pub fn touched_rules(pack: &RulePack, turns: &[Turn], judged: usize) -> Vec<String> {
    let scan = &turns[judged].scan;
    pack.rules
        .iter()
        .filter(|compiled| matches!(compiled.rule.body, Body::Message { .. }))
        .filter(|compiled| {
            compiled.patterns.iter().flatten().any(|pattern| scan.of(*pattern).next().is_some())
        })
        .map(|compiled| compiled.rule.id.clone())
        .collect()
}
