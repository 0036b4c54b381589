//! `mimamori model train`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::super::error::CliError;
use super::tuning::{Tuning, to_standard_error};
use super::{CorpusArguments, calibrate, lexical, read_corpus};
use crate::config::{Config, locate};
use crate::contract::Policy;
use crate::model::train::{TrainOptions, train_conversations, train_inquiries};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Task {
    Conversation,
    Inquiries,
    /// Heads over runs of characters beside trained models, and their share: minutes
    Lexical,
    All,
}

impl Task {
    /// Whether messages are concerned.
    pub fn conversations(self) -> bool {
        self != Task::Inquiries
    }

    /// Whether inquiries are concerned.
    pub fn inquiries(self) -> bool {
        self != Task::Conversation
    }
}

#[derive(Debug, Args)]
pub struct Arguments {
    /// What to train
    #[arg(value_enum, default_value = "all")]
    task: Task,
    #[command(flatten)]
    place: CorpusArguments,
    /// Name of the new version; without it today's date
    #[arg(long = "name")]
    version: Option<String>,
    /// Times that every example is read
    #[arg(long, default_value_t = 4)]
    epochs: u32,
    #[command(flatten)]
    tuning: Tuning,
    /// Go on from the models in this folder instead of from the encoder as it is
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

pub fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, CliError> {
    let corpus = read_corpus(&arguments.place.corpus)?;
    let encoder = locate(&config.models.encoder, "encoder folder", "models.encoder")?;
    let version =
        arguments.version.clone().unwrap_or_else(|| format!("{}.1", chrono::Utc::now().format("%Y-%m-%d")));
    let options = arguments.tuning.options(version, arguments.epochs, arguments.from.clone());
    let mut progress = to_standard_error();
    let failed = |error: crate::model::train::TrainError| CliError::Failed(error.to_string());
    let policies: Vec<Policy> = config.moderation.policies.keys().cloned().collect();
    let models = &arguments.place.models;
    let version = options.version.clone();
    if matches!(arguments.task, Task::Conversation | Task::All) {
        train_conversations(&encoder, &corpus, &policies, models, &options, &mut progress).map_err(failed)?;
    }
    if matches!(arguments.task, Task::Inquiries | Task::All) {
        let options = TrainOptions {
            // One checkpoint file cannot hold two trainings.
            checkpoint: options.checkpoint.clone().map(|file| file.with_extension("inquiries")),
            ..options
        };
        train_inquiries(&encoder, &corpus, models, &options, &mut progress).map_err(failed)?;
    }
    if arguments.task.conversations() {
        lexical::conversations(config, models, &corpus, &version)?;
    }
    if arguments.task.inquiries() {
        lexical::inquiries(config, models, &corpus, &version)?;
    }
    calibrate::run(config, models, &corpus, arguments.task)
}
