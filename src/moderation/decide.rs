//! The decision on each message of a conversation.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::combine::{PolicySettings, RulesOnly, final_probability};
use super::decision::{AlertSources, Decision, PolicyAlert, ShadowFinding, risk, text_key};
use crate::contract::{
    Action, Label, Language, MessageId, Part, Policy, Role, TransactionId, Undecided, Verdict,
};
use crate::model::classifier::ConversationModel;
use crate::model::folder::hexadecimal;
use crate::model::input;
use crate::rules::{self, EarlierPart, Finding, MAX_HISTORY, Mode, RulePack};
use crate::text::{Tokenizer, Views};

/// A message of a conversation, as far as a decision depends on it.
#[derive(Debug, Clone)]
pub struct Turn {
    pub message_id: MessageId,
    pub role: Role,
    pub text: String,
    pub sent_at: DateTime<Utc>,
}

/// A conversation and which of its messages are to be judged; those before them are context.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub transaction_id: TransactionId,
    pub turns: Vec<Turn>,
    pub judged: Range<usize>,
    /// Whether the first turn is the first message of the transaction. Rules that look further back than what is known are
    /// undecided, not false.
    pub complete: bool,
}

/// A message with the evidence from every source, before it is combined. Calibration works on these.
#[derive(Debug, Clone)]
pub struct Judged {
    pub language: Language,
    /// Their parts name turns of the conversation.
    pub findings: Vec<Finding>,
    /// Rules that could be neither confirmed nor ruled out.
    pub undecided: Vec<rules::Undecided>,
    /// The model's logit for each policy, in the order of the moderator's policies.
    pub logits: Vec<f64>,
}

/// Rules and model together. Immutable: with other rules it is another moderator, which shares everything else. Cheap to clone.
#[derive(Clone)]
pub struct Moderator {
    tokenizer: Arc<Tokenizer>,
    model: Arc<ConversationModel>,
    policies: Arc<[PolicySettings]>,
    rules_only: Arc<[RulesOnly]>,
    rules: Arc<RulePack>,
    /// What the rules ask of the model; see [`RulePack::model_reach`].
    model_reach: Option<usize>,
}

impl Moderator {
    /// `policies` stand in the order of the model's heads; `rules_only` are those without a head.
    pub fn new(
        tokenizer: Tokenizer,
        rules: RulePack,
        model: ConversationModel,
        policies: Vec<PolicySettings>,
        rules_only: Vec<RulesOnly>,
    ) -> Self {
        Self {
            tokenizer: Arc::new(tokenizer),
            model: Arc::new(model),
            policies: policies.into(),
            rules_only: rules_only.into(),
            model_reach: rules.model_reach(),
            rules: Arc::new(rules),
        }
    }

    /// The same with another rule pack. Cheap: tokenizer and model are shared.
    pub fn with_rules(&self, rules: RulePack) -> Self {
        Self {
            tokenizer: self.tokenizer.clone(),
            model: self.model.clone(),
            policies: self.policies.clone(),
            rules_only: self.rules_only.clone(),
            model_reach: rules.model_reach(),
            rules: Arc::new(rules),
        }
    }

    /// The same rules with other models. `policies` stand in the order of the model's heads.
    pub fn with_models(
        &self,
        model: ConversationModel,
        policies: Vec<PolicySettings>,
        rules_only: Vec<RulesOnly>,
    ) -> Self {
        Self {
            model: Arc::new(model),
            policies: policies.into(),
            rules_only: rules_only.into(),
            ..self.clone()
        }
    }

    /// The same rules with the models of another.
    pub fn with_models_of(&self, other: &Moderator) -> Self {
        Self {
            model: other.model.clone(),
            policies: other.policies.clone(),
            rules_only: other.rules_only.clone(),
            ..self.clone()
        }
    }

    /// A name for what judges beside the rules: the version of the reader, and a fingerprint of heads, combinations and thresholds. What
    /// differs in any of them has another name.
    pub fn judging(&self) -> String {
        let mut hash = Sha256::new();
        for settings in self.policies.iter() {
            let PolicySettings { policy, version, combination, report, hide, .. } = settings;
            hash.update(format!("{policy}\n{version}\n{report}\n{hide}\n{combination:?}\n"));
        }
        let fingerprint = &hexadecimal(&hash.finalize())[..8];
        format!("{}+{fingerprint}", self.model.version())
    }

    pub fn rules(&self) -> &RulePack {
        &self.rules
    }

    pub(super) fn model(&self) -> &ConversationModel {
        &self.model
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    pub fn policies(&self) -> &[PolicySettings] {
        &self.policies
    }

    /// Policies that are judged by rules alone, because their head is missing or damaged.
    pub fn rules_only(&self) -> &[RulesOnly] {
        &self.rules_only
    }

    /// Version of the rule pack, as stamped on every verdict.
    pub fn rules_version(&self) -> &str {
        self.rules.version()
    }

    /// Version of the model, as stamped on every verdict.
    pub fn model_version(&self) -> &str {
        self.model.version()
    }

    /// Evidence for every judged message, conversation by conversation.
    pub fn evidence(&self, conversations: &[Conversation]) -> Vec<Vec<Judged>> {
        let inputs: Vec<(Vec<input::Turn<'_>>, Range<usize>)> = conversations
            .iter()
            .map(|conversation| {
                let turns =
                    conversation.turns.iter().map(|turn| input::Turn { role: turn.role, text: &turn.text });
                (turns.collect(), self.read_by_model(conversation))
            })
            .collect();
        let (logits, scanned) = rayon::join(
            || self.model.logits(&inputs),
            || conversations.par_iter().map(|conversation| self.scan(conversation)).collect::<Vec<_>>(),
        );
        conversations
            .par_iter()
            .zip(scanned)
            .zip(logits)
            .map(|((conversation, turns), logits)| self.judged(conversation, turns, logits))
            .collect()
    }

    /// The judged messages, and those before them that rules ask the model about.
    fn read_by_model(&self, conversation: &Conversation) -> Range<usize> {
        let start = conversation.judged.start.saturating_sub(self.model_reach.unwrap_or(0));
        start..conversation.judged.end
    }

    /// The turns that rules look at, scanned. Rules look back a bounded number of messages; what lies further back is left out.
    fn scan(&self, conversation: &Conversation) -> Vec<rules::Turn> {
        conversation.turns[first_scanned(conversation)..conversation.judged.end]
            .iter()
            .map(|turn| {
                let views = Arc::new(Views::new(&turn.text, &self.tokenizer));
                rules::Turn::new(&self.rules, turn.role, turn.sent_at, views)
            })
            .collect()
    }

    /// Applies the rules, which may ask what the model said. `logits` are those of the messages that the model has read.
    fn judged(
        &self,
        conversation: &Conversation,
        mut turns: Vec<rules::Turn>,
        mut logits: Vec<Vec<f64>>,
    ) -> Vec<Judged> {
        let first = first_scanned(conversation);
        let read = self.read_by_model(conversation);
        if self.model_reach.is_some() {
            for (index, logits) in read.clone().zip(&logits) {
                if let Some(turn) = index.checked_sub(first).and_then(|index| turns.get_mut(index)) {
                    *turn = turn.clone().with_scores(self.model_probabilities(logits));
                }
            }
        }
        let complete = conversation.complete && first == 0;
        let logits = logits.split_off(conversation.judged.start - read.start);
        conversation
            .judged
            .clone()
            .zip(logits)
            .map(|(index, logits)| {
                let mut found = self.rules.evaluate(&turns, index - first, complete);
                found
                    .findings
                    .iter_mut()
                    .flat_map(|finding| &mut finding.parts)
                    .for_each(|part| part.turn += first);
                Judged {
                    language: language_of(&turns[..=index - first]),
                    findings: found.findings,
                    undecided: found.undecided,
                    logits,
                }
            })
            .collect()
    }

    fn model_probabilities(&self, logits: &[f64]) -> BTreeMap<String, f64> {
        let named = |(settings, logit): (&PolicySettings, &f64)| {
            (settings.policy.as_str().to_owned(), settings.model_probability(*logit))
        };
        self.policies.iter().zip(logits).map(named).collect()
    }

    /// Decides on every judged message, conversation by conversation.
    pub fn decide(&self, conversations: &[Conversation], at: DateTime<Utc>) -> Vec<Vec<Decision>> {
        let evidence = self.evidence(conversations);
        conversations
            .iter()
            .zip(evidence)
            .map(|(conversation, evidence)| {
                let turns = &conversation.turns[conversation.judged.clone()];
                turns
                    .iter()
                    .zip(evidence)
                    .map(|(turn, judged)| self.decision(conversation, turn, judged, at))
                    .collect()
            })
            .collect()
    }
}

impl Moderator {
    fn decision(
        &self,
        conversation: &Conversation,
        turn: &Turn,
        judged: Judged,
        at: DateTime<Utc>,
    ) -> Decision {
        let mut labels: Vec<Label> = Vec::new();
        let mut policies = BTreeMap::new();
        let mut alerts = Vec::new();
        let mut action = Action::None;
        for (settings, logit) in self.policies.iter().zip(&judged.logits) {
            let enforced = enforced(&judged.findings, &settings.policy);
            let fired: BTreeSet<&str> = enforced.iter().map(|finding| finding.severity.as_str()).collect();
            let probability = final_probability(&settings.combination, *logit, &fired);
            let mut own: Vec<Label> = enforced
                .iter()
                .map(|finding| {
                    let score = settings.rule_probability(finding.severity.as_str());
                    rule_label(&settings.policy, score, finding, conversation)
                })
                .collect();
            let alone = settings.model_probability(*logit);
            if alone >= settings.report.min(FIRED) {
                own.push(Label {
                    policy: settings.policy.clone(),
                    subtype: None,
                    score: alone,
                    source: format!("model:{}@{}", settings.policy, settings.version),
                    spans: Vec::new(),
                    parts: Vec::new(),
                });
            }
            let severest = enforced.iter().map(|finding| finding.severity).max();
            let policy_action = settings.action(probability, severest);
            action = action.max(policy_action);
            if policy_action != Action::None {
                // Together the sources can pass a threshold that none passes alone; the model then carries the alert.
                let sources = AlertSources::of(&own, &settings.policy).unwrap_or(AlertSources::Model);
                let by_itself = own.iter().all(|label| label.parts.is_empty());
                alerts.push(PolicyAlert {
                    policy: settings.policy.clone(),
                    action: policy_action,
                    score: probability,
                    sources,
                    risk: risk(probability, settings.severity),
                    text_key: text_key(&turn.text, by_itself, &conversation.transaction_id),
                });
            }
            policies.insert(settings.policy.clone(), probability);
            labels.append(&mut own);
        }
        for settings in self.rules_only.iter() {
            let enforced = enforced(&judged.findings, &settings.policy);
            let probability = if enforced.is_empty() { 0.0 } else { RULE_ALONE };
            let severest = enforced.iter().map(|finding| finding.severity).max();
            let policy_action = settings.action(probability, severest);
            action = action.max(policy_action);
            if policy_action != Action::None {
                let by_itself = enforced.iter().all(|finding| finding.parts.is_empty());
                alerts.push(PolicyAlert {
                    policy: settings.policy.clone(),
                    action: policy_action,
                    score: probability,
                    sources: AlertSources::Rule,
                    risk: risk(probability, settings.severity),
                    text_key: text_key(&turn.text, by_itself, &conversation.transaction_id),
                });
            }
            policies.insert(settings.policy.clone(), probability);
            labels.extend(
                enforced
                    .iter()
                    .map(|finding| rule_label(&settings.policy, RULE_ALONE, finding, conversation)),
            );
        }
        let shadow = shadow(&judged.findings, &policies);
        let verdict = Verdict {
            message_id: turn.message_id.clone(),
            transaction_id: conversation.transaction_id.clone(),
            action,
            labels,
            undecided: undecided(&judged.undecided, &policies),
            policies,
            language: judged.language,
            rules_version: self.rules.version().to_owned(),
            model_version: self.model.version().to_owned(),
            decided_at: at,
        };
        Decision { verdict, alerts, shadow }
    }
}

/// From this probability on the model counts as a source that fired on its own, unless the policy's threshold is lower.
const FIRED: f64 = 0.5;

/// Probability of a violation where an enforced rule fired and no head tells how precise such rules are: more likely than not is
/// all that can be said.
const RULE_ALONE: f64 = 0.5;

/// The first turn that rules look at.
fn first_scanned(conversation: &Conversation) -> usize {
    conversation.judged.start.saturating_sub(MAX_HISTORY)
}

/// The findings of enforced rules for a policy.
fn enforced<'a>(findings: &'a [Finding], policy: &Policy) -> Vec<&'a Finding> {
    findings
        .iter()
        .filter(|finding| finding.mode == Mode::Enforce && finding.policy == policy.as_str())
        .collect()
}

/// What rules in shadow found for policies that are judged.
fn shadow(findings: &[Finding], policies: &BTreeMap<Policy, f64>) -> Vec<ShadowFinding> {
    findings
        .iter()
        .filter(|finding| finding.mode == Mode::Shadow)
        .map(|finding| ShadowFinding {
            rule_id: finding.rule_id.clone(),
            policy: Policy::new(finding.policy.clone()),
        })
        .filter(|found| policies.contains_key(&found.policy))
        .collect()
}

fn rule_label(policy: &Policy, score: f64, finding: &Finding, conversation: &Conversation) -> Label {
    let part = |part: &EarlierPart| Part {
        message_id: conversation.turns[part.turn].message_id.clone(),
        spans: part.spans.clone(),
    };
    Label {
        policy: policy.clone(),
        subtype: finding.subtype.clone(),
        score,
        source: format!("rule:{}", finding.rule_id),
        spans: finding.spans.clone(),
        parts: finding.parts.iter().map(part).collect(),
    }
}

/// Enforced rules that lacked something. A rule in shadow, or of a policy that is switched off, leaves no trace in a verdict,
/// decided or not.
fn undecided(rules: &[rules::Undecided], policies: &BTreeMap<Policy, f64>) -> Vec<Undecided> {
    rules
        .iter()
        .filter(|rule| rule.mode == Mode::Enforce)
        .filter(|rule| policies.keys().any(|policy| policy.as_str() == rule.policy))
        .map(|rule| Undecided {
            source: format!("rule:{}", rule.rule_id),
            missing: rule.missing.iter().copied().collect(),
        })
        .collect()
}

/// The language of the newest turn; a turn that does not tell (a bare number, an emoji) is read in the language of the nearest
/// earlier one that does, and as Japanese if none does.
fn language_of(turns: &[rules::Turn]) -> Language {
    turns.iter().rev().find_map(rules::Turn::language).unwrap_or(Language::Ja)
}
