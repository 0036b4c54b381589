//! `mimamori model train`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::super::error::CliError;
use super::{CorpusArguments, calibrate, read_corpus};
use crate::config::{Config, locate};
use crate::contract::Policy;
use crate::model::train::{TrainOptions, train_conversations, train_inquiries};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Task {
    Conversation,
    Inquiries,
    All,
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
    /// First encoder layer that is trained; those below stay as they are
    #[arg(long, default_value_t = 6)]
    first_layer: usize,
    /// Rank of the adapters
    #[arg(long, default_value_t = 8)]
    rank: usize,
    #[arg(long, default_value_t = 5)]
    epochs: u32,
    /// Conversations, or inquiries, that make one step
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Highest learning rate
    #[arg(long, default_value_t = 1e-3)]
    rate: f64,
    #[arg(long, default_value_t = 0.01)]
    weight_decay: f64,
    /// Share of the vector before the heads that is blotted out at random in each step
    #[arg(long, default_value_t = 0.1)]
    dropout: f64,
    /// Stop after so many epochs without a better held-out loss
    #[arg(long, default_value_t = 2)]
    patience: u32,
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Go on from the models in this folder instead of from the encoder as it is
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// File that keeps the newest state; an interrupted training goes on from it
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

pub fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, CliError> {
    let corpus = read_corpus(&arguments.place.corpus)?;
    let encoder = locate(&config.models.encoder, "encoder folder", "models.encoder")?;
    let version =
        arguments.version.clone().unwrap_or_else(|| format!("{}.1", chrono::Utc::now().format("%Y-%m-%d")));
    let options = TrainOptions {
        version,
        first_layer: arguments.first_layer,
        rank: arguments.rank,
        epochs: arguments.epochs,
        batch: arguments.batch,
        peak_rate: arguments.rate,
        weight_decay: arguments.weight_decay,
        dropout: arguments.dropout,
        patience: arguments.patience,
        seed: arguments.seed,
        from: arguments.from.clone(),
        checkpoint: arguments.checkpoint.clone(),
    };
    let started = std::time::Instant::now();
    let mut progress = |line: &str| {
        // A reader that has gone away must not end a training of an hour.
        let _ = writeln!(std::io::stderr(), "{:>6.1} min  {line}", started.elapsed().as_secs_f64() / 60.0);
    };
    let failed = |error: crate::model::train::TrainError| CliError::Failed(error.to_string());
    let policies: Vec<Policy> = config.moderation.policies.keys().cloned().collect();
    let models = &arguments.place.models;
    if arguments.task != Task::Inquiries {
        train_conversations(&encoder, &corpus, &policies, models, &options, &mut progress).map_err(failed)?;
    }
    if arguments.task != Task::Conversation {
        let options = TrainOptions {
            // One checkpoint file cannot hold two trainings.
            checkpoint: options.checkpoint.clone().map(|file| file.with_extension("inquiries")),
            ..options
        };
        train_inquiries(&encoder, &corpus, models, &options, &mut progress).map_err(failed)?;
    }
    calibrate::run(config, models, &corpus, arguments.task)
}
