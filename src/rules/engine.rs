//! A pack judges one message of a conversation.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use super::conversation::{Correlated, Part, Window, correlate};
use super::evaluate::{Evaluator, RuleResult};
use super::pack::RulePack;
use super::rule::{Body, Mode, Rule, Severity, Status};
use super::truth::{Truth, Unknown};
use super::turn::Turn;
use crate::contract::{Missing, Span};

/// How many messages before the judged one are looked at.
pub const MAX_HISTORY: usize = super::read::MAX_WITHIN;

/// A rule that holds for the judged message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub rule_id: String,
    pub policy: String,
    pub subtype: Option<String>,
    pub severity: Severity,
    pub mode: Mode,
    pub status: Status,
    /// What matched, why it matters, what the agent does.
    pub message: String,
    /// Where, in the judged message.
    pub spans: Vec<Span>,
    /// Where in earlier messages: index into the conversation that was handed in.
    pub parts: Vec<EarlierPart>,
}

/// Evidence in an earlier message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierPart {
    pub turn: usize,
    pub spans: Vec<Span>,
}

/// A rule that could not be decided, and what was missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    pub rule_id: String,
    pub policy: String,
    pub mode: Mode,
    /// Selections, or for a conversation rule the rules of its steps and `earlier messages`, that could not be decided.
    pub selections: Vec<String>,
    /// What kinds of input they lack.
    pub missing: BTreeSet<Missing>,
}

impl Undecided {
    fn new(rule: &Rule, unknown: BTreeSet<Unknown>) -> Self {
        let missing = unknown.iter().map(|one| one.missing).collect();
        let mut selections: Vec<String> = unknown.into_iter().map(|one| one.name).collect();
        selections.dedup();
        Self { rule_id: rule.id.clone(), policy: rule.policy.clone(), mode: rule.mode, selections, missing }
    }
}

/// Everything that a pack says about one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// In order of rule ids.
    pub findings: Vec<Finding>,
    pub undecided: Vec<Undecided>,
}

impl RulePack {
    /// Judges the message `judged` of a conversation, which the messages before it belong to. `complete` says that the first
    /// turn is the first message of the conversation; without it, rules that look further back are undecided, not false.
    ///
    /// Turns that another version of the pack has scanned are scanned again. A `judged` outside the conversation finds
    /// nothing.
    pub fn evaluate(&self, conversation: &[Turn], judged: usize, complete: bool) -> Evaluation {
        self.judge(conversation, judged, complete, false)
    }

    /// The same with rules of kind `part` reported too, which fixtures and explanations look at.
    pub fn evaluate_with_parts(&self, conversation: &[Turn], judged: usize, complete: bool) -> Evaluation {
        self.judge(conversation, judged, complete, true)
    }

    fn judge(&self, conversation: &[Turn], judged: usize, complete: bool, with_parts: bool) -> Evaluation {
        if judged >= conversation.len() {
            return Evaluation::default();
        }
        let first = judged.saturating_sub(MAX_HISTORY);
        let window = &conversation[first..=judged];
        let begins = complete && first == 0;
        if window.iter().any(|turn| *turn.version != *self.files_version()) {
            let mut fresh = window.to_vec();
            fresh.iter_mut().for_each(|turn| turn.rescan(self));
            return Judge { pack: self, turns: &fresh, first, begins, with_parts, known: HashMap::new() }
                .run();
        }
        Judge { pack: self, turns: window, first, begins, with_parts, known: HashMap::new() }.run()
    }
}

/// One judgement in progress. Results of rules on messages are kept, because several conversation rules ask for them.
struct Judge<'a> {
    pack: &'a RulePack,
    turns: &'a [Turn],
    /// Index of the first turn in the conversation that the caller knows.
    first: usize,
    /// Whether the first turn is the first message of the conversation.
    begins: bool,
    with_parts: bool,
    known: HashMap<(usize, u32), RuleResult>,
}

impl Judge<'_> {
    fn run(mut self) -> Evaluation {
        let judged = self.turns.len() - 1;
        let mut evaluation = Evaluation::default();
        for index in self.candidates(judged) {
            let result = self.result(judged, index);
            let rule = &self.pack.rules[index as usize].rule;
            match result.truth {
                Truth::True if self.with_parts || !rule.is_part() => {
                    let finding = self.finding(rule, &result);
                    evaluation.findings.push(finding);
                }
                Truth::Unknown if self.with_parts || !rule.is_part() => {
                    let unknown = result.undecided.into_iter().collect();
                    evaluation.undecided.push(Undecided::new(rule, unknown));
                }
                _ => {}
            }
        }
        for index in self.conversations(judged) {
            self.conversation(judged, index, &mut evaluation);
        }
        evaluation.findings.sort_by(|a, b| a.rule_id.cmp(&b.rule_id));
        evaluation.undecided.sort_by(|a, b| a.rule_id.cmp(&b.rule_id));
        evaluation
    }

    /// Rules that have a hit in the message, or need none.
    fn candidates(&self, turn: usize) -> Vec<u32> {
        let mut rules = self.pack.always.to_vec();
        rules.extend(&self.turns[turn].scan.rules);
        rules.retain(|rule| !self.pack.is_off(*rule));
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// Conversation rules that may end in the message: it must match one of their steps.
    fn conversations(&self, turn: usize) -> Vec<u32> {
        let steps = self.pack.always.iter().chain(&self.turns[turn].scan.rules);
        let mut rules: Vec<u32> =
            steps.flat_map(|rule| self.pack.conversations[*rule as usize].iter().copied()).collect();
        rules.retain(|rule| !self.pack.is_off(*rule));
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    fn result(&mut self, turn: usize, rule: u32) -> RuleResult {
        if let Some(known) = self.known.get(&(turn, rule)) {
            return known.clone();
        }
        let compiled = &self.pack.rules[rule as usize];
        let result = match Evaluator::new(compiled, &self.turns[..=turn], turn, self.begins) {
            Some(evaluator) => evaluator.run(),
            None => RuleResult {
                truth: Truth::False,
                hits: Vec::new(),
                earlier: Vec::new(),
                undecided: Vec::new(),
            },
        };
        if compiled.referenced {
            self.known.insert((turn, rule), result.clone());
        }
        result
    }

    fn conversation(&mut self, judged: usize, index: u32, evaluation: &mut Evaluation) {
        let pack = self.pack;
        let compiled = &pack.rules[index as usize];
        let Body::Conversation(correlation) = &compiled.rule.body else { return };
        // Looking at most `MAX_HISTORY` messages back is what the rules mean; only what lacks within that is missing.
        let unseen = if self.begins { 0 } else { MAX_HISTORY.saturating_sub(judged) };
        let window = Window { turns: self.turns, judged, unseen };
        let correlated = correlate(correlation, &compiled.steps, window, &mut |turn, rule| {
            // What is switched off is false, not unknown: somebody has said that it is not to count.
            let active = pack.rules[rule as usize].rule.status != Status::Deprecated && !pack.is_off(rule);
            if active && self.may_match(turn, rule) { self.result(turn, rule).truth } else { Truth::False }
        });
        match correlated {
            Correlated::Fails => {}
            Correlated::Holds(parts) => {
                let finding = self.joined(&compiled.rule, judged, &parts);
                evaluation.findings.push(finding);
            }
            Correlated::MayHold { undecided, beyond } => {
                let mut unknown: BTreeSet<Unknown> = BTreeSet::new();
                for (turn, part) in undecided {
                    let name = &pack.rules[part as usize].rule.id;
                    unknown.extend(
                        self.result(turn, part)
                            .undecided
                            .into_iter()
                            .map(|one| Unknown { name: name.clone(), missing: one.missing }),
                    );
                }
                if beyond {
                    unknown.insert(Unknown { name: "earlier messages".into(), missing: Missing::History });
                }
                evaluation.undecided.push(Undecided::new(&compiled.rule, unknown));
            }
        }
    }

    /// A cheap look before a rule is evaluated on an earlier message.
    fn may_match(&self, turn: usize, rule: u32) -> bool {
        self.turns[turn].scan.rules.binary_search(&rule).is_ok()
            || self.pack.always.binary_search(&rule).is_ok()
    }

    fn joined(&mut self, rule: &Rule, judged: usize, parts: &[Part]) -> Finding {
        let mut whole =
            RuleResult { truth: Truth::True, hits: Vec::new(), earlier: Vec::new(), undecided: Vec::new() };
        for &(turn, part) in parts {
            let result = self.result(turn, part);
            if turn == judged {
                whole.hits.extend(result.hits);
            } else {
                whole.earlier.extend(result.hits.into_iter().map(|hit| (turn, hit)));
            }
            whole.earlier.extend(result.earlier);
        }
        whole.hits.sort_by_key(|hit| (hit.start, hit.end));
        whole.hits.dedup();
        whole.earlier.sort_by_key(|(turn, hit)| (*turn, hit.start, hit.end));
        whole.earlier.dedup();
        self.finding(rule, &whole)
    }

    fn finding(&self, rule: &Rule, result: &RuleResult) -> Finding {
        let judged = self.turns.len() - 1;
        let spans = |turn: usize, hits: &mut dyn Iterator<Item = Range<usize>>| -> Vec<Span> {
            hits.map(|hit| self.turns[turn].views.span(hit)).collect()
        };
        let mut parts: Vec<EarlierPart> = Vec::new();
        for (turn, hit) in &result.earlier {
            let span = self.turns[*turn].views.span(hit.clone());
            match parts.iter_mut().find(|part| part.turn == self.first + turn) {
                Some(part) => part.spans.push(span),
                None => parts.push(EarlierPart { turn: self.first + turn, spans: vec![span] }),
            }
        }
        Finding {
            rule_id: rule.id.clone(),
            policy: rule.policy.clone(),
            subtype: rule.subtype.clone(),
            severity: rule.severity,
            mode: rule.mode,
            status: rule.status,
            message: rule.message.clone(),
            spans: spans(judged, &mut result.hits.iter().cloned()),
            parts,
        }
    }
}
