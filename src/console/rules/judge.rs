//! A conversation as the rules see it, for the page on which a message is tried.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::address;
use super::book::Book;
use super::figures::Standing;
use super::trial::Spoken;
use crate::console::layout::reading_language;
use crate::console::spans;
use crate::console::words::Words;
use crate::contract::{Action, Label, Policy as PolicyName, Span};
use crate::rules::{
    Evaluation, Finding, Mode, RuleExplanation, RulePack, SelectionExplanation, Truth, Turn, explain_rule,
    touched_rules,
};
use crate::text::Views;

/// Rules that are shown.
const MOST: usize = 100;
/// Hits of one selection that are shown.
const MOST_WORDS: usize = 20;

/// A message with what was found in it.
pub(super) struct Line {
    pub(super) sender: &'static str,
    pub(super) lang: &'static str,
    pub(super) stretches: Vec<Marked>,
    /// The message that was tried, not one before it.
    pub(super) own: bool,
}

/// A stretch of a message.
pub(super) struct Marked {
    pub(super) text: String,
    /// What is found here; empty where nothing is.
    pub(super) note: String,
    /// Only rules that do not count found it.
    pub(super) faint: bool,
}

/// What the rules alone say about a policy.
pub(super) struct Policy {
    pub(super) name: String,
    /// Rules that count, with their severity.
    pub(super) rules: String,
    pub(super) shadow: String,
    pub(super) action: &'static str,
}

/// A rule that saw something.
pub(super) struct Tried {
    pub(super) href: String,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) policy: String,
    pub(super) standing: &'static str,
    pub(super) standing_key: &'static str,
    pub(super) truth: &'static str,
    pub(super) holds: bool,
    pub(super) selections: Vec<Seen>,
    pub(super) message: String,
}

/// A selection of a rule.
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) view: String,
    pub(super) truth: &'static str,
    /// It stands under a `not`.
    pub(super) negated: bool,
    pub(super) words: Vec<String>,
    pub(super) earlier: Vec<String>,
    /// What was found and does not count, and which selection excuses it.
    pub(super) excused: Vec<(String, String)>,
}

/// Version, messages, policies, rules, and whether more rules saw something.
type Judged = (String, Vec<Line>, Vec<Policy>, Vec<Tried>, bool);

/// Judges the last message. The pack has switched off what is off. None if the dictionary is damaged.
pub(super) fn judge(
    book: &Book,
    judged_policies: &[PolicyName],
    pack: &RulePack,
    spoken: &[Spoken],
    words: &'static Words,
) -> Option<Judged> {
    let tokenizer = book.tokenizer()?;
    let last = spoken.len().checked_sub(1)?;
    // A minute apart: conversation rules look at spans of time.
    let sent = |n: usize| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(i64::try_from(n).unwrap_or(0));
    let turns: Vec<Turn> = spoken
        .iter()
        .enumerate()
        .map(|(n, one)| Turn::new(pack, one.role, sent(n), Arc::new(Views::new(&one.text, &tokenizer))))
        .collect();
    let evaluation = pack.evaluate_with_parts(&turns, last, true);
    let off: BTreeSet<&str> = pack.off().map(|rule| rule.id.as_str()).collect();
    let standing_of = |id: &str| {
        pack.rule(id).map_or(Standing::Retired, |rule| Standing::of(rule, off.contains(id), judged_policies))
    };
    let lines = lines(spoken, &evaluation, &standing_of, words);
    let from = book.folder().map(|folder| folder.report_from);
    let policies = judged_policies
        .iter()
        .map(|policy| {
            policy_row(policy, pack, &evaluation, words, |severity| {
                from.is_some_and(|from| from.includes(severity))
            })
        })
        .collect();
    let mut ids: BTreeSet<String> = touched_rules(pack, &turns, last).into_iter().collect();
    ids.extend(evaluation.findings.iter().map(|finding| finding.rule_id.clone()));
    ids.extend(evaluation.undecided.iter().map(|one| one.rule_id.clone()));
    let mut tried: Vec<(Truth, Standing, Tried)> = ids
        .iter()
        .filter_map(|id| {
            let standing = standing_of(id);
            let explained = explain_rule(pack, id, &turns, last, true);
            let truth = truth_of(id, explained.as_ref(), &evaluation);
            Some((truth, standing, tried(pack, id, standing, truth, explained, &turns, words)?))
        })
        .collect();
    // What matches first, and among that what counts.
    tried.sort_by(|a, b| (b.0, a.1, &a.2.id).cmp(&(a.0, b.1, &b.2.id)));
    let more = tried.len() > MOST;
    let tried = tried.into_iter().take(MOST).map(|(.., tried)| tried).collect();
    Some((pack.version().to_owned(), lines, policies, tried, more))
}

/// What a rule that is off would say is told, too; of conversation rules only what counts is known.
fn truth_of(id: &str, explained: Option<&RuleExplanation>, evaluation: &Evaluation) -> Truth {
    if let Some(explained) = explained {
        return explained.truth;
    }
    if evaluation.findings.iter().any(|finding| finding.rule_id == id) {
        Truth::True
    } else if evaluation.undecided.iter().any(|one| one.rule_id == id) {
        Truth::Unknown
    } else {
        Truth::False
    }
}

fn tried(
    pack: &RulePack,
    id: &str,
    standing: Standing,
    truth: Truth,
    explained: Option<RuleExplanation>,
    turns: &[Turn],
    words: &Words,
) -> Option<Tried> {
    let rule = pack.rule(id)?;
    let selections = explained.map_or(Vec::new(), |explained| explained.selections);
    Some(Tried {
        href: address(id),
        id: id.to_owned(),
        title: rule.title.clone(),
        policy: words.policy(&rule.policy),
        standing: (words.rules.standing_name)(standing.as_str()),
        standing_key: standing.as_str(),
        truth: (words.rules.truth_name)(truth),
        holds: truth == Truth::True,
        selections: selections.into_iter().map(|selection| seen(selection, turns, words)).collect(),
        message: rule.message.clone(),
    })
}

fn seen(selection: SelectionExplanation, turns: &[Turn], words: &Words) -> Seen {
    let last = turns.len() - 1;
    let text = |turn: usize, hit: &crate::rules::Hit| turns[turn].views.span(hit.clone()).text;
    let distinct = |found: Vec<String>| {
        let mut kept: Vec<String> = Vec::new();
        for word in found {
            if !kept.contains(&word) && kept.len() < MOST_WORDS {
                kept.push(word);
            }
        }
        kept
    };
    Seen {
        words: distinct(selection.hits.iter().map(|hit| text(last, hit)).collect()),
        earlier: distinct(selection.earlier.iter().map(|(turn, hit)| text(*turn, hit)).collect()),
        excused: selection
            .excused
            .iter()
            .take(MOST_WORDS)
            .map(|(hit, by)| (text(last, hit), by.clone()))
            .collect(),
        name: selection.name,
        view: selection.view,
        truth: (words.rules.truth_name)(selection.truth),
        negated: selection.negated,
    }
}

fn policy_row(
    policy: &PolicyName,
    pack: &RulePack,
    evaluation: &Evaluation,
    words: &Words,
    reports: impl Fn(crate::rules::Severity) -> bool,
) -> Policy {
    let of = |mode: Mode| -> Vec<&Finding> {
        evaluation
            .findings
            .iter()
            .filter(|finding| finding.policy == policy.as_str() && finding.mode == mode)
            .filter(|finding| pack.rule(&finding.rule_id).is_some_and(|rule| !rule.is_part()))
            .collect()
    };
    let named = |found: &[&Finding]| -> String {
        let names: Vec<String> = found
            .iter()
            .map(|finding| format!("{} ({})", finding.rule_id, (words.rules.severity_name)(finding.severity)))
            .collect();
        names.join(", ")
    };
    let live = of(Mode::Enforce);
    let severest = live.iter().map(|finding| finding.severity).max();
    let action = if severest.is_some_and(reports) { Action::Report } else { Action::None };
    Policy {
        name: words.policy(policy.as_str()),
        rules: named(&live),
        shadow: named(&of(Mode::Shadow)),
        action: (words.action_name)(action),
    }
}

/// The messages with their marks.
fn lines(
    spoken: &[Spoken],
    evaluation: &Evaluation,
    standing_of: &dyn Fn(&str) -> Standing,
    words: &Words,
) -> Vec<Line> {
    let last = spoken.len() - 1;
    let mut found: BTreeMap<usize, Vec<Label>> = BTreeMap::new();
    let mut live: BTreeSet<String> = BTreeSet::new();
    for finding in &evaluation.findings {
        let standing = standing_of(&finding.rule_id);
        let mut source = format!("rule:{}", finding.rule_id);
        if standing == Standing::Live {
            live.insert(source.clone());
        } else {
            source = format!("{source} ({})", (words.rules.standing_name)(standing.as_str()));
        }
        let label = |spans: &[Span]| Label {
            policy: PolicyName::new(finding.policy.clone()),
            subtype: None,
            score: 1.0,
            source: source.clone(),
            spans: spans.to_vec(),
            parts: Vec::new(),
        };
        found.entry(last).or_default().push(label(&finding.spans));
        for part in &finding.parts {
            found.entry(part.turn).or_default().push(label(&part.spans));
        }
    }
    let line = |(n, one): (usize, &Spoken)| {
        let labels = found.get(&n).map(Vec::as_slice).unwrap_or_default();
        let stretches = spans::mark(&one.text, labels).into_iter().map(|stretch| Marked {
            faint: stretch.note.lines().all(|note| !live.contains(note)),
            text: stretch.text,
            note: stretch.note,
        });
        Line {
            sender: (words.role_name)(one.role),
            lang: reading_language(&one.text).as_str(),
            stretches: stretches.collect(),
            own: n == last,
        }
    };
    spoken.iter().enumerate().map(line).collect()
}
