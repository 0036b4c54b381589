//! What two packs say differently about one message, and why.

use std::collections::BTreeSet;
use std::ops::Range;

use super::engine::{Evaluation, Finding};
use super::explain::{RuleExplanation, SelectionExplanation, explain_rule};
use super::pack::RulePack;
use super::rule::{Body, Mode, Status};
use super::turn::Turn;
use crate::contract::Span;

/// How the verdict of the rules changed. A message is flagged when an enforced rule matches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    Newly,
    NoLonger,
    /// Flagged before and after (or neither), but not by the same rules.
    Otherwise,
}

impl Change {
    pub const ALL: [Change; 3] = [Change::Newly, Change::NoLonger, Change::Otherwise];

    pub fn as_str(self) -> &'static str {
        match self {
            Change::Newly => "newly flagged",
            Change::NoLonger => "no longer flagged",
            Change::Otherwise => "flagged by other rules",
        }
    }
}

/// One message that two packs judge differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub change: Change,
    /// Rules that match now and did not, in order of ids.
    pub gained: Vec<RuleChange>,
    /// Rules that matched and no longer do.
    pub lost: Vec<RuleChange>,
}

/// A rule that only one of the packs reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleChange {
    pub rule_id: String,
    pub mode: Mode,
    /// Where it matches, in the pack in which it does.
    pub spans: Vec<Span>,
    /// What differs, in sentences.
    pub reasons: Vec<String>,
}

/// One pack with the conversation as it scanned it.
pub struct Side<'a> {
    pub pack: &'a RulePack,
    pub turns: &'a [Turn],
}

/// Compares what two packs say about the message `judged` of a whole conversation. `None` when they agree on the rules.
pub fn compare(base: &Side<'_>, new: &Side<'_>, judged: usize) -> Option<Difference> {
    let before = base.pack.evaluate(base.turns, judged, true);
    let after = new.pack.evaluate(new.turns, judged, true);
    let gained = missing(&after, &before);
    let lost = missing(&before, &after);
    if gained.is_empty() && lost.is_empty() {
        return None;
    }
    let change = match (is_flagged(&before), is_flagged(&after)) {
        (false, true) => Change::Newly,
        (true, false) => Change::NoLonger,
        _ => Change::Otherwise,
    };
    let explain = |found: Vec<&Finding>, has: &Side<'_>, has_not: &Side<'_>, when: When| {
        found
            .into_iter()
            .map(|finding| RuleChange {
                rule_id: finding.rule_id.clone(),
                mode: finding.mode,
                spans: finding.spans.clone(),
                reasons: reasons(finding, has, has_not, judged, when),
            })
            .collect()
    };
    let gained = explain(gained, new, base, When { has: "now", has_not: "before" });
    let lost = explain(lost, base, new, When { has: "before", has_not: "now" });
    Some(Difference { change, gained, lost })
}

fn is_flagged(evaluation: &Evaluation) -> bool {
    evaluation.findings.iter().any(|finding| finding.mode == Mode::Enforce)
}

/// Findings of one evaluation that the other has not, in the same mode.
fn missing<'e>(here: &'e Evaluation, there: &Evaluation) -> Vec<&'e Finding> {
    let same = |a: &Finding, b: &Finding| a.rule_id == b.rule_id && a.mode == b.mode;
    here.findings.iter().filter(|finding| !there.findings.iter().any(|other| same(finding, other))).collect()
}

/// Words for the two packs, seen from the one that reports the rule.
#[derive(Clone, Copy)]
struct When {
    has: &'static str,
    has_not: &'static str,
}

/// Why one pack reports a rule that the other does not.
fn reasons(finding: &Finding, has: &Side<'_>, has_not: &Side<'_>, judged: usize, when: When) -> Vec<String> {
    let id = finding.rule_id.as_str();
    let Some(other) = has_not.pack.rule(id) else {
        return vec![format!("there is no such rule {}", when.has_not)];
    };
    if other.status == Status::Deprecated {
        return vec![format!("the rule is deprecated {}", when.has_not)];
    }
    if other.is_part() {
        return vec![format!("the rule is only a part {}", when.has_not)];
    }
    if other.mode != finding.mode {
        return vec![format!(
            "the rule is in mode {} {} and {} {}",
            finding.mode, when.has, other.mode, when.has_not
        )];
    }
    if let Body::Conversation(_) = &other.body {
        return steps(finding, has, has_not, judged, when);
    }
    let explained = |side: &Side<'_>| explain_rule(side.pack, id, side.turns, judged, true);
    let found = match (explained(has), explained(has_not)) {
        (Some(with), Some(without)) => selections(&with, &without, when),
        _ => Vec::new(),
    };
    if found.is_empty() { vec!["the condition is another one".to_owned()] } else { found }
}

/// The selections that found, excused or decided something else.
fn selections(with: &RuleExplanation, without: &RuleExplanation, when: When) -> Vec<String> {
    let mut found = Vec::new();
    for selection in &with.selections {
        let Some(other) = without.selections.iter().find(|other| other.name == selection.name) else {
            if !selection.hits.is_empty() {
                found.push(format!(
                    "`{}` finds {} and is not there {}",
                    selection.name,
                    places(selection),
                    when.has_not
                ));
            }
            continue;
        };
        let excused = excuses(other, selection, when);
        let absent: Vec<&Range<usize>> = selection
            .hits
            .iter()
            .filter(|hit| !other.hits.contains(hit) && !other.excused.iter().any(|(one, _)| one == *hit))
            .collect();
        if !selection.negated && !absent.is_empty() {
            found.push(format!(
                "`{}` finds {} {}, not {}",
                selection.name,
                list(&absent),
                when.has,
                when.has_not
            ));
        } else if excused.is_empty() && selection.truth != other.truth {
            let (a, b) = (selection.truth, other.truth);
            found.push(format!("`{}` is {a} {} and {b} {}", selection.name, when.has, when.has_not));
        }
        found.extend(excused);
    }
    for other in &without.selections {
        let known = with.selections.iter().any(|selection| selection.name == other.name);
        if !known && !other.negated && other.hits.is_empty() {
            found.push(format!("`{}` is required {} and finds nothing", other.name, when.has_not));
        }
    }
    found
}

/// Hits that the pack without the rule excuses and the other does not.
fn excuses(without: &SelectionExplanation, with: &SelectionExplanation, when: When) -> Vec<String> {
    without
        .excused
        .iter()
        .filter(|(hit, _)| with.hits.contains(hit))
        .map(|(hit, by)| {
            format!(
                "`not {by}` excuses `{}` at {}–{} {}, not {}",
                without.name, hit.start, hit.end, when.has_not, when.has
            )
        })
        .collect()
}

fn places(selection: &SelectionExplanation) -> String {
    list(&selection.hits.iter().collect::<Vec<_>>())
}

fn list(hits: &[&Range<usize>]) -> String {
    hits.iter().map(|hit| format!("{}–{}", hit.start, hit.end)).collect::<Vec<_>>().join(", ")
}

/// For a conversation rule: which rules its messages match in one pack only.
fn steps(finding: &Finding, has: &Side<'_>, has_not: &Side<'_>, judged: usize, when: When) -> Vec<String> {
    let rules = |side: &Side<'_>, turn: usize| -> BTreeSet<String> {
        let evaluation = side.pack.evaluate_with_parts(side.turns, turn, true);
        evaluation
            .findings
            .into_iter()
            .map(|finding| finding.rule_id)
            .filter(|id| *id != finding.rule_id)
            .collect()
    };
    let mut turns: Vec<usize> = finding.parts.iter().map(|part| part.turn).chain([judged]).collect();
    turns.sort_unstable();
    turns.dedup();
    let mut found = Vec::new();
    for turn in turns {
        let (with, without) = (rules(has, turn), rules(has_not, turn));
        for rule in with.difference(&without) {
            found.push(format!("message {} matches `{rule}` {}, not {}", turn + 1, when.has, when.has_not));
        }
    }
    if found.is_empty() { vec!["its steps or its time span are others".to_owned()] } else { found }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::super::files::SourceFile;
    use super::*;
    use crate::contract::Role;
    use crate::text::{Tokenizer, Views};

    fn pack(detection: &str) -> RulePack {
        let text = format!(
            "title: T\nstatus: test\npolicy: harassment\nlang: [ja]\nmessage: M\ndetection:\n{detection}"
        );
        RulePack::compile(&[SourceFile { name: "r.yml".into(), stem: "r".into(), text }]).unwrap()
    }

    fn difference(base: &RulePack, new: &RulePack, text: &str) -> Option<Difference> {
        let views = Arc::new(Views::new(text, &Tokenizer::new().unwrap()));
        let turns = |pack: &RulePack| vec![Turn::new(pack, Role::Buyer, DateTime::UNIX_EPOCH, views.clone())];
        let (before, after) = (turns(base), turns(new));
        compare(&Side { pack: base, turns: &before }, &Side { pack: new, turns: &after }, 0)
    }

    #[test]
    fn gains_and_losses_name_the_selection() {
        let base = pack("  a: {any: [現金]}\n  condition: a\n");
        let wider = pack("  a: {any: [現金, 送金]}\n  condition: a\n");
        let gain = difference(&base, &wider, "明日送金します").unwrap();
        assert_eq!(gain.change, Change::Newly);
        assert_eq!(gain.gained[0].reasons, ["`a` finds 2–4 now, not before"]);
        assert_eq!(gain.gained[0].spans[0].text, "送金");
        let loss = difference(&wider, &base, "明日送金します").unwrap();
        assert_eq!(
            (loss.change, loss.lost[0].reasons.clone()),
            (Change::NoLonger, vec!["`a` finds 2–4 before, not now".to_owned()])
        );
        assert_eq!(difference(&base, &wider, "現金で"), None);
    }

    #[test]
    fn a_new_excuse_is_the_reason_of_a_loss() {
        let base = pack("  a: {any: [現金]}\n  condition: a\n");
        let excused = pack("  a: {any: [現金]}\n  post: {any: [現金書留]}\n  condition: a and not post\n");
        let loss = difference(&base, &excused, "現金書留で").unwrap();
        assert_eq!(loss.lost[0].reasons, ["`not post` excuses `a` at 0–2 now, not before"]);
        let gain = difference(&excused, &base, "現金書留で").unwrap();
        assert_eq!(gain.gained[0].reasons, ["`not post` excuses `a` at 0–2 before, not now"]);
    }

    #[test]
    fn another_mode_is_another_verdict() {
        let base = pack("  a: {any: [現金]}\n  condition: a\n");
        let text = "title: T\nstatus: test\nmode: shadow\npolicy: harassment\nlang: [ja]\nmessage: M\ndetection:\n  a: {any: [現金]}\n  condition: a\n";
        let shadow =
            RulePack::compile(&[SourceFile { name: "r.yml".into(), stem: "r".into(), text: text.into() }])
                .unwrap();
        let found = difference(&base, &shadow, "現金で").unwrap();
        assert_eq!(found.change, Change::NoLonger);
        assert_eq!(found.lost[0].reasons, ["the rule is in mode enforce before and shadow now"]);
    }
}
