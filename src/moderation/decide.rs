//! The decision on each message of a conversation.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use super::combine::{PolicySettings, final_probability};
use super::decision::{AlertSources, Decision, PolicyAlert};
use crate::contract::{Action, Label, Language, MessageId, Role, TransactionId, Verdict};
use crate::model::classifier::ConversationModel;
use crate::model::input;
use crate::rules::{self, Finding, MAX_HISTORY, Mode, RulePack};
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
    pub findings: Vec<Finding>,
    /// The model's logit for each policy, in the order of the moderator's policies.
    pub logits: Vec<f64>,
}

/// Rules and model together. Immutable: a reloaded pack or model is a new moderator.
pub struct Moderator {
    tokenizer: Tokenizer,
    rules: RulePack,
    model: ConversationModel,
    policies: Vec<PolicySettings>,
}

impl Moderator {
    /// `policies` stand in the order of the model's heads.
    pub fn new(
        tokenizer: Tokenizer,
        rules: RulePack,
        model: ConversationModel,
        policies: Vec<PolicySettings>,
    ) -> Self {
        Self { tokenizer, rules, model, policies }
    }

    pub fn rules(&self) -> &RulePack {
        &self.rules
    }

    pub fn policies(&self) -> &[PolicySettings] {
        &self.policies
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
                (turns.collect(), conversation.judged.clone())
            })
            .collect();
        let (logits, findings) = rayon::join(|| self.model.logits(&inputs), || self.findings(conversations));
        findings
            .into_iter()
            .zip(logits)
            .map(|(findings, logits)| {
                findings
                    .into_iter()
                    .zip(logits)
                    .map(|((language, findings), logits)| Judged { language, findings, logits })
                    .collect()
            })
            .collect()
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
    /// Findings of the rules for every judged message, with the language each is read in.
    fn findings(&self, conversations: &[Conversation]) -> Vec<Vec<(Language, Vec<Finding>)>> {
        conversations.par_iter().map(|conversation| self.findings_of(conversation)).collect()
    }

    fn findings_of(&self, conversation: &Conversation) -> Vec<(Language, Vec<Finding>)> {
        // Rules look back a bounded number of messages; what lies further back is not scanned.
        let first = conversation.judged.start.saturating_sub(MAX_HISTORY);
        let turns: Vec<rules::Turn> = conversation.turns[first..conversation.judged.end]
            .iter()
            .map(|turn| {
                let views = Arc::new(Views::new(&turn.text, &self.tokenizer));
                rules::Turn::new(&self.rules, turn.role, turn.sent_at, views)
            })
            .collect();
        conversation
            .judged
            .clone()
            .map(|index| {
                let evaluation =
                    self.rules.evaluate(&turns, index - first, conversation.complete && first == 0);
                (language_of(&turns[..=index - first]), evaluation.findings)
            })
            .collect()
    }

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
            let enforced: Vec<&Finding> = judged
                .findings
                .iter()
                .filter(|finding| finding.mode == Mode::Enforce && finding.policy == settings.policy.as_str())
                .collect();
            let fired: BTreeSet<&str> = enforced.iter().map(|finding| finding.severity.as_str()).collect();
            let probability = final_probability(&settings.combination, *logit, &fired);
            let mut own: Vec<Label> = enforced.iter().map(|finding| rule_label(settings, finding)).collect();
            let alone = settings.model_probability(*logit);
            if alone >= settings.report.min(FIRED) {
                own.push(Label {
                    policy: settings.policy.clone(),
                    subtype: None,
                    score: alone,
                    source: format!("model:{}@{}", settings.policy, settings.version),
                    spans: Vec::new(),
                });
            }
            let severest = enforced.iter().map(|finding| finding.severity).max();
            let policy_action = settings.action(probability, severest);
            action = action.max(policy_action);
            if policy_action != Action::None {
                // Together the sources can pass a threshold that none passes alone; the model then carries the alert.
                let sources = AlertSources::of(&own, &settings.policy).unwrap_or(AlertSources::Model);
                alerts.push(PolicyAlert {
                    policy: settings.policy.clone(),
                    action: policy_action,
                    score: probability,
                    sources,
                });
            }
            policies.insert(settings.policy.clone(), probability);
            labels.append(&mut own);
        }
        let verdict = Verdict {
            message_id: turn.message_id.clone(),
            transaction_id: conversation.transaction_id.clone(),
            action,
            labels,
            policies,
            language: judged.language,
            rules_version: self.rules.version().to_owned(),
            model_version: self.model.version().to_owned(),
            decided_at: at,
        };
        Decision { verdict, alerts }
    }
}

/// From this probability on the model counts as a source that fired on its own, unless the policy's threshold is lower.
const FIRED: f64 = 0.5;

fn rule_label(settings: &PolicySettings, finding: &Finding) -> Label {
    Label {
        policy: settings.policy.clone(),
        subtype: finding.subtype.clone(),
        score: settings.rule_probability(finding.severity.as_str()),
        source: format!("rule:{}", finding.rule_id),
        spans: finding.spans.clone(),
    }
}

/// The language of the newest turn; a turn that does not tell (a bare number, an emoji) is read in the language of the nearest
/// earlier one that does, and as Japanese if none does.
fn language_of(turns: &[rules::Turn]) -> Language {
    turns.iter().rev().find_map(rules::Turn::language).unwrap_or(Language::Ja)
}
