//! Policies on labelled conversations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::curves::Curves;
use super::untimed::{minute, untimed};
use crate::contract::{Action, Language, Policy};
use crate::corpus::Conversation as Labelled;
use crate::model::metrics::{at_threshold, average_precision, calibration_error, threshold_for_precision};
use crate::moderation::{Conversation, Moderator, PolicySettings, final_probability};
use crate::rules::{self, Mode, RulePack, Severity};
use crate::text::{DictionaryError, Tokenizer, Views};

/// One labelled message with the evidence on it.
#[derive(Debug, Clone)]
pub struct Observation {
    pub language: Language,
    /// Truth for each policy, in the order of the moderator's policies.
    pub truths: Vec<bool>,
    pub logits: Vec<f64>,
    /// Severities of the enforced rules that fired, for each policy.
    pub fired: Vec<BTreeSet<String>>,
    /// Score of the keyword list; see [`super::keyword_score`].
    pub keywords: f64,
    pub tags: Vec<String>,
}

/// Reads every message of the conversations with rules and model. Messages whose labels nobody knows are read, and observed in nothing.
pub fn observe(moderator: &Moderator, conversations: &[Labelled]) -> Vec<Observation> {
    let (conversations, prepared): (Vec<&Labelled>, Vec<Conversation>) = conversations
        .iter()
        .filter_map(|labelled| {
            let messages = labelled.messages.iter().map(|message| (message.from, message.text.as_str()));
            Some((labelled, untimed(&labelled.conversation, messages)?))
        })
        .unzip();
    let evidence = moderator.evidence(&prepared);
    let mut all = Vec::new();
    for (labelled, evidence) in conversations.into_iter().zip(evidence) {
        let known = labelled.messages.iter().zip(evidence).filter(|(message, _)| !message.is_context());
        for (message, judged) in known {
            let of_policy = |settings: &PolicySettings| {
                judged
                    .findings
                    .iter()
                    .filter(|finding| {
                        finding.mode == Mode::Enforce && finding.policy == settings.policy.as_str()
                    })
                    .map(|finding| finding.severity.as_str().to_owned())
                    .collect()
            };
            all.push(Observation {
                language: labelled.language,
                truths: moderator.policies().iter().map(|p| message.violates(p.policy.as_str())).collect(),
                logits: judged.logits.clone(),
                fired: moderator.policies().iter().map(of_policy).collect(),
                keywords: super::keyword_score(&message.text),
                tags: message.tags.clone(),
            });
        }
    }
    all
}

/// What the rules of one policy say about every message, before there is a head: the logits are still empty.
pub fn observe_rules(
    rules: &RulePack,
    conversations: &[Labelled],
    policy: &Policy,
) -> Result<Vec<Observation>, DictionaryError> {
    let tokenizer = Tokenizer::new()?;
    let mut all = Vec::new();
    for labelled in conversations {
        let turns: Vec<rules::Turn> = labelled
            .messages
            .iter()
            .enumerate()
            .map(|(index, message)| {
                let views = Arc::new(Views::new(&message.text, &tokenizer));
                rules::Turn::new(rules, message.from, minute(index), views)
            })
            .collect();
        for (index, message) in labelled.messages.iter().enumerate() {
            let fired = rules
                .evaluate(&turns, index, true)
                .findings
                .into_iter()
                .filter(|finding| finding.mode == Mode::Enforce && finding.policy == policy.as_str())
                .map(|finding| finding.severity.as_str().to_owned())
                .collect();
            all.push(Observation {
                language: labelled.language,
                truths: vec![message.violates(policy.as_str())],
                logits: Vec::new(),
                fired: vec![fired],
                keywords: super::keyword_score(&message.text),
                tags: message.tags.clone(),
            });
        }
    }
    Ok(all)
}

/// Figures of one policy on one set of messages.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PolicyFigures {
    pub messages: usize,
    pub violations: usize,
    pub average_precision: f64,
    /// Of the model without the rules.
    pub average_precision_model: f64,
    pub recall_at_precision_90: f64,
    /// Of the alerts: at the threshold in use, or by a rule that reports by itself.
    pub precision: f64,
    pub recall: f64,
    pub calibration_error: f64,
    /// Enforced rules alone.
    pub rules_precision: f64,
    pub rules_recall: f64,
    pub keywords_precision: f64,
    pub keywords_recall: f64,
    /// Alerts for each violation found, with violations at 1% of the traffic and at the recall of the keyword list: of the keyword
    /// list itself, and of rules and model together.
    pub alerts_keywords: f64,
    pub alerts_ours: f64,
    /// Recall at the threshold in use, and count, by kind of evasion; share flagged by kind of near miss.
    pub flagged_by_tag: BTreeMap<String, (f64, usize)>,
    pub curves: Curves,
}

/// Figures of the policy at `index` of the moderator's policies.
pub fn evaluate_policy(
    settings: &PolicySettings,
    index: usize,
    observations: &[&Observation],
) -> PolicyFigures {
    let scored: Vec<(f64, bool)> =
        observations.iter().map(|o| (probability(settings, index, o), o.truths[index])).collect();
    let model: Vec<(f64, bool)> = observations.iter().map(|o| (o.logits[index], o.truths[index])).collect();
    let rules: Vec<(f64, bool)> = observations
        .iter()
        .map(|o| (f64::from(u8::from(!o.fired[index].is_empty())), o.truths[index]))
        .collect();
    let keywords: Vec<(f64, bool)> = observations.iter().map(|o| (o.keywords, o.truths[index])).collect();
    let alerts: Vec<(f64, bool)> =
        observations.iter().map(|o| (alert(settings, index, o), o.truths[index])).collect();
    let (precision, recall) = at_threshold(&alerts, 1.0);
    let (rules_precision, rules_recall) = at_threshold(&rules, 1.0);
    let (keywords_precision, keywords_recall) = at_threshold(&keywords, 1.0);
    let mut by_tag: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (observation, (alert, _)) in observations.iter().zip(&alerts) {
        for tag in &observation.tags {
            let entry = by_tag.entry(tag.clone()).or_default();
            entry.0 += usize::from(*alert >= 1.0);
            entry.1 += 1;
        }
    }
    PolicyFigures {
        messages: scored.len(),
        violations: scored.iter().filter(|(_, truth)| *truth).count(),
        average_precision: average_precision(&scored),
        average_precision_model: average_precision(&model),
        recall_at_precision_90: threshold_for_precision(&scored, 0.9).map_or(0.0, |point| point.recall),
        precision,
        recall,
        calibration_error: calibration_error(&scored),
        rules_precision,
        rules_recall,
        keywords_precision,
        keywords_recall,
        alerts_keywords: alerts_at_one_percent(&keywords, 1.0),
        alerts_ours: alerts_at_recall(&scored, keywords_recall),
        flagged_by_tag: by_tag
            .into_iter()
            .map(|(tag, (hit, all))| (tag, (hit as f64 / all as f64, all)))
            .collect(),
        curves: Curves::of(&scored),
    }
}

/// The final probability of an observation.
pub fn probability(settings: &PolicySettings, index: usize, observation: &Observation) -> f64 {
    let fired: BTreeSet<&str> = observation.fired[index].iter().map(String::as_str).collect();
    final_probability(&settings.combination, observation.logits[index], &fired)
}

/// 1 if the message raises an alert, else 0.
pub(super) fn alert(settings: &PolicySettings, index: usize, observation: &Observation) -> f64 {
    let severest = observation.fired[index].iter().filter_map(|name| Severity::parse(name)).max();
    let action = settings.action(probability(settings, index, observation), severest);
    f64::from(u8::from(action != Action::None))
}

/// Alerts for each violation found when violations are 1% of the traffic: from the rates among violations and among clean messages.
fn alerts_at_one_percent(scored: &[(f64, bool)], threshold: f64) -> f64 {
    let rate = |wanted: bool| {
        let all = scored.iter().filter(|(_, truth)| *truth == wanted).count();
        let flagged = scored.iter().filter(|(score, truth)| *truth == wanted && *score >= threshold).count();
        flagged as f64 / all as f64
    };
    (0.01 * rate(true) + 0.99 * rate(false)) / (0.01 * rate(true))
}

fn alerts_at_recall(scored: &[(f64, bool)], recall: f64) -> f64 {
    let mut positives: Vec<f64> =
        scored.iter().filter(|(_, truth)| *truth).map(|(score, _)| *score).collect();
    positives.sort_by(|a, b| b.total_cmp(a));
    let needed = ((recall * positives.len() as f64).ceil() as usize).clamp(1, positives.len().max(1));
    positives.get(needed - 1).map_or(f64::NAN, |threshold| alerts_at_one_percent(scored, *threshold))
}
