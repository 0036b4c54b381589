//! `mimamori model eval --data`: figures on public data sets, to compare with papers and with other programs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use super::super::error::CliError;
use super::super::{lines, parts};
use crate::config::Config;
use crate::datasets::{Dataset, Dialogue, Intents, LabelledText};
use crate::evaluation::untimed;
use crate::model::classifier::Base;
use crate::model::folder::Head;
use crate::model::metrics::auroc;
use crate::model::train::{Target, fit_head};
use crate::moderation::{AlertSources, Conversation, Moderator};

/// Penalties that are tried on the validation part.
const PENALTIES: [f64; 4] = [3.0, 10.0, 30.0, 100.0];
/// Where a set has no validation part, every tenth training text serves.
const VALIDATION_SHARE: usize = 10;
/// Texts in scope that may be refused when the rejection threshold is chosen on the validation part.
const REFUSED_IN_SCOPE: f64 = 0.01;
/// Dialogues judged together.
const BATCH: usize = 64;

pub fn run(config: &Config, folder: &Path) -> Result<ExitCode, CliError> {
    let dataset = Dataset::read(folder).map_err(|error| CliError::Usage(error.to_string()))?;
    let base = parts::base(config)?;
    match dataset {
        Dataset::Benign { name, dialogues } => benign(&*parts::moderator(config, &base)?, name, &dialogues),
        Dataset::Intents { name, intents } => classify(&base, name, &intents),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// How often the shipped rules and models raise an alert where none is due.
fn benign(moderator: &Moderator, name: &str, dialogues: &[Dialogue]) -> Result<(), CliError> {
    let conversations: Vec<Conversation> = dialogues
        .iter()
        .filter_map(|dialogue| {
            let utterances = dialogue.utterances.iter();
            untimed(&dialogue.id, utterances.map(|utterance| (utterance.role, utterance.text.as_str())))
        })
        .collect();
    let messages: usize = conversations.iter().map(|conversation| conversation.turns.len()).sum();
    let mut alerts: BTreeMap<(String, AlertSources), usize> = BTreeMap::new();
    for batch in conversations.chunks(BATCH) {
        let decisions = moderator.decide(batch, chrono::Utc::now());
        for alert in decisions.into_iter().flatten().flat_map(|decision| decision.alerts) {
            *alerts.entry((alert.policy.to_string(), alert.sources)).or_default() += 1;
        }
    }
    let mut text = format!("{name}: {messages} messages in {} dialogues\n", conversations.len());
    for settings in moderator.policies() {
        let policy = settings.policy.as_str();
        let of = |sources| alerts.get(&(policy.to_owned(), sources)).copied().unwrap_or(0);
        let (rule, model, both) =
            (of(AlertSources::Rule), of(AlertSources::Model), of(AlertSources::RuleAndModel));
        let all = rule + model + both;
        text.push_str(&format!(
            "  {policy:<24} {all} alerts, {:.2} in 1,000 messages (rules {rule}, model {model}, both {both})\n",
            all as f64 * 1_000.0 / messages.max(1) as f64
        ));
    }
    lines::print(&text)
}

/// The encoder as it is, with a linear head over its vectors, trained on the set's own training part.
fn classify(base: &Base, name: &str, intents: &Intents) -> Result<(), CliError> {
    let mut train: Vec<&LabelledText> = intents.train.iter().collect();
    let mut validation: Vec<&LabelledText> = intents.validation.iter().collect();
    if validation.is_empty() {
        let (chosen, rest): (Vec<_>, Vec<_>) =
            train.into_iter().enumerate().partition(|(index, _)| index % VALIDATION_SHARE == 0);
        validation = chosen.into_iter().map(|(_, text)| text).collect();
        train = rest.into_iter().map(|(_, text)| text).collect();
    }
    let mut names: Vec<&str> = intents.train.iter().map(|text| text.intent.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let vectors = |texts: &[&LabelledText]| -> Result<Vec<Vec<f32>>, CliError> {
        Ok(base.vectors(&texts.iter().map(|text| text.text.as_str()).collect::<Vec<_>>())?)
    };
    let classes = |texts: &[&LabelledText]| -> Vec<usize> {
        texts.iter().map(|text| names.binary_search(&text.intent.as_str()).unwrap_or(usize::MAX)).collect()
    };
    let (train_vectors, train_classes) = (vectors(&train)?, classes(&train));
    let (seen, truths) = (vectors(&validation)?, classes(&validation));
    let mut best: Option<(f64, f64, Head)> = None;
    for penalty in PENALTIES {
        let targets: Vec<Target> = train_classes.iter().map(|class| Target::Class(*class)).collect();
        let head = fit_head(&train_vectors, &targets, names.len(), penalty)
            .map_err(|error| CliError::Failed(format!("training: {error}")))?;
        let accuracy = accuracy(&head, &seen, &truths);
        if best.as_ref().is_none_or(|(highest, _, _)| accuracy > *highest) {
            best = Some((accuracy, penalty, head));
        }
    }
    let Some((_, penalty, head)) = best else { return Ok(()) };
    let test: Vec<&LabelledText> = intents.test.iter().collect();
    let test_vectors = vectors(&test)?;
    let mut text = format!(
        "{name}, encoder as it is with a linear head (penalty {penalty}, chosen on {} validation texts)\n",
        validation.len()
    );
    text.push_str(&format!(
        "  accuracy in scope            {:.4} of {} texts, {} intents\n",
        accuracy(&head, &test_vectors, &classes(&test)),
        test.len(),
        names.len()
    ));
    if !intents.out_of_scope.is_empty() {
        let outside: Vec<&str> = intents.out_of_scope.iter().map(String::as_str).collect();
        let outside = base.vectors(&outside)?;
        text.push_str(&out_of_scope(&head, &seen, &test_vectors, &outside));
    }
    lines::print(&text)
}

fn accuracy(head: &Head, vectors: &[Vec<f32>], truths: &[usize]) -> f64 {
    let right =
        vectors.iter().zip(truths).filter(|(vector, truth)| best_of(&head.logits(vector)).0 == **truth);
    right.count() as f64 / truths.len().max(1) as f64
}

/// The most likely class and its probability.
fn best_of(logits: &[f64]) -> (usize, f64) {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let class = logits.iter().position(|logit| *logit == highest).unwrap_or(0);
    (class, 1.0 / logits.iter().map(|logit| (logit - highest).exp()).sum::<f64>())
}

/// How well the highest probability tells texts without an intent from the others.
fn out_of_scope(head: &Head, seen: &[Vec<f32>], inside: &[Vec<f32>], outside: &[Vec<f32>]) -> String {
    let sure = |vectors: &[Vec<f32>]| -> Vec<f64> {
        vectors.iter().map(|vector| best_of(&head.logits(vector)).1).collect()
    };
    let mut known = sure(seen);
    known.sort_by(f64::total_cmp);
    let threshold = known.get((known.len() as f64 * REFUSED_IN_SCOPE) as usize).copied().unwrap_or(0.0);
    let (inside, outside) = (sure(inside), sure(outside));
    let below = |values: &[f64]| {
        values.iter().filter(|p| **p < threshold).count() as f64 / values.len().max(1) as f64
    };
    let scored: Vec<(f64, bool)> =
        outside.iter().map(|p| (-p, true)).chain(inside.iter().map(|p| (-p, false))).collect();
    format!(
        "  out of scope                 recall {:.4} where {:.2}% of the texts in scope are refused; AUROC {:.4}\n",
        below(&outside),
        below(&inside) * 100.0,
        auroc(&scored)
    )
}
