//! Which selections and which `not` branches the fixtures reach.

use std::collections::BTreeSet;

use super::explain::explain_rule;
use super::fixture::Fixture;
use super::pack::RulePack;
use super::rule::{Body, Status};
use super::suite::turns;
use super::truth::Truth;
use crate::contract::Language;
use crate::text::{Tokenizer, guess_language};

/// How well fixtures cover one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleCoverage {
    pub rule_id: String,
    pub status: Status,
    /// Selections that no case finds anything with.
    pub unreached: Vec<String>,
    /// Negated selections that excuse no hit in any case.
    pub unexcused: Vec<String>,
    /// Branches reached, and all of them.
    pub reached: usize,
    pub total: usize,
    /// Cases that expect a match, and cases that expect none, by language of the rule.
    pub by_language: Vec<(Language, usize, usize)>,
}

impl RuleCoverage {
    pub fn is_complete(&self) -> bool {
        self.reached == self.total
    }
}

/// Coverage of every rule that judges messages or conversations and is not deprecated.
pub fn cover(pack: &RulePack, fixtures: &[Fixture], tokenizer: &Tokenizer) -> Vec<RuleCoverage> {
    let mut reached: BTreeSet<(String, String, bool)> = BTreeSet::new();
    for fixture in fixtures {
        let turns = turns(pack, fixture, tokenizer);
        let mut named: BTreeSet<&str> = BTreeSet::from([fixture.rule.as_str()]);
        for expect in fixture.stages.iter().filter_map(|stage| stage.expect.as_ref()) {
            named.extend(expect.rules.iter().chain(&expect.not_rules).map(String::as_str));
        }
        let parts = parts_of(pack, &named);
        for (index, stage) in fixture.stages.iter().enumerate() {
            // A part of a conversation rule may hold at any message; other rules count where something is expected.
            let looked_at = named.iter().copied().filter(|_| stage.expect.is_some());
            for rule in looked_at.chain(parts.iter().map(String::as_str)) {
                let Some(explained) = explain_rule(pack, rule, &turns, index, fixture.complete) else { continue };
                for selection in explained.selections {
                    if selection.truth == Truth::True && !selection.negated {
                        reached.insert((rule.to_owned(), selection.name.clone(), false));
                    }
                    if selection.negated && selection.view.contains("earlier") && selection.truth == Truth::True {
                        reached.insert((rule.to_owned(), selection.name.clone(), true));
                    }
                    for (_, by) in selection.excused {
                        reached.insert((rule.to_owned(), by, true));
                    }
                }
            }
        }
    }
    pack.rules().filter(|rule| rule.status != Status::Deprecated).map(|rule| {
        let mut branches: Vec<(String, bool)> = Vec::new();
        if let Body::Message { selections, condition, .. } = &rule.body {
            let negated: BTreeSet<usize> =
                condition.mentions().into_iter().filter(|(_, not)| *not).map(|(index, _)| index).collect();
            for (index, selection) in selections.iter().enumerate() {
                let excuse = negated.contains(&index) && selection.has_place();
                branches.push((selection.name.clone(), excuse));
            }
        }
        let missing: Vec<&(String, bool)> = branches
            .iter()
            .filter(|(name, negated)| !reached.contains(&(rule.id.clone(), name.clone(), *negated)))
            .collect();
        let name_of = |negated: bool| -> Vec<String> {
            missing.iter().filter(|(_, n)| *n == negated).map(|(name, _)| name.clone()).collect()
        };
        RuleCoverage {
            rule_id: rule.id.clone(),
            status: rule.status,
            reached: branches.len() - missing.len(),
            total: branches.len(),
            unreached: name_of(false),
            unexcused: name_of(true),
            by_language: rule.lang.iter().map(|language| count(&rule.id, *language, fixtures)).collect(),
        }
    }).collect()
}

/// The rules of kind `part` that the named conversation rules use.
fn parts_of(pack: &RulePack, named: &BTreeSet<&str>) -> BTreeSet<String> {
    pack.rules
        .iter()
        .filter(|compiled| named.contains(compiled.rule.id.as_str()))
        .flat_map(|compiled| compiled.steps.iter().flat_map(|step| &step.rules))
        .map(|index| &pack.rules[*index as usize].rule)
        .filter(|rule| rule.is_part())
        .map(|rule| rule.id.clone())
        .collect()
}

/// Cases of one language that expect a rule to match, and not to.
fn count(rule: &str, language: Language, fixtures: &[Fixture]) -> (Language, usize, usize) {
    let mut counts = (language, 0, 0);
    for fixture in fixtures.iter().filter(|fixture| fixture.todo.is_none()) {
        for stage in &fixture.stages {
            let Some(expect) = &stage.expect else { continue };
            // A bare number or handle belongs to every language.
            let spoken = fixture.lang.or_else(|| guess_language(&stage.text));
            if spoken.is_some_and(|spoken| spoken != language) {
                continue;
            }
            counts.1 += usize::from(expect.rules.iter().any(|id| id == rule));
            counts.2 += usize::from(expect.not_rules.iter().any(|id| id == rule));
        }
    }
    counts
}
