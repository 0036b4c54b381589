//! `mimamori model eval --data`: figures on public data sets, to compare with papers and with other programs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use super::super::error::CliError;
use super::super::{lines, parts};
use super::intents::{self, Training};
use crate::config::Config;
use crate::datasets::{Dataset, Dialogue};
use crate::evaluation::untimed;
use crate::model::classifier::Base;
use crate::model::encoder::Arithmetic;
use crate::moderation::{AlertSources, Conversation, Moderator};

/// Dialogues judged together.
const BATCH: usize = 64;

/// `training` adds a model that is trained on the set itself, if that has classes; `seed` decides what is held out. Everything is
/// measured once in each arithmetic.
pub fn run(
    config: &Config,
    folder: &Path,
    training: Option<&Training<'_>>,
    seed: u64,
    arithmetics: &[Arithmetic],
) -> Result<ExitCode, CliError> {
    let dataset = Dataset::read(folder).map_err(|error| CliError::Usage(error.to_string()))?;
    for arithmetic in arithmetics {
        let base = parts::base(config)?.in_arithmetic(*arithmetic);
        match &dataset {
            Dataset::Benign { name, .. } if training.is_some() => {
                Err(CliError::Usage(format!("--train: {name} have no classes to train on")))
            }
            Dataset::Benign { name, dialogues } => {
                let name = format!("{name}{}", in_words(&base));
                benign(&*parts::moderator(config, &base)?, &name, dialogues)
            }
            Dataset::Intents { name, intents } => intents::run(config, &base, name, intents, training, seed),
        }?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a line adds about the arithmetic: nothing about the one that is shipped.
pub fn in_words(base: &Base) -> String {
    match base.arithmetic() {
        Arithmetic::Integers => String::new(),
        other => format!(" in {other}"),
    }
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
