//! Settings of a training that every command has that trains.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::model::train::TrainOptions;

#[derive(Debug, Args)]
pub struct Tuning {
    /// First encoder layer that is trained; those below stay as they are
    #[arg(long, default_value_t = 6)]
    first_layer: usize,
    /// Rank of the adapters
    #[arg(long, default_value_t = 8)]
    rank: usize,
    /// Conversations, inquiries or texts that make one step
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
    pub seed: u64,
    /// File that keeps the newest state; an interrupted training goes on from it
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

impl Tuning {
    /// With what is a command's own: the name of the version, how long to train, and where to start.
    pub fn options(&self, version: String, epochs: u32, from: Option<PathBuf>) -> TrainOptions {
        TrainOptions {
            version,
            first_layer: self.first_layer,
            rank: self.rank,
            epochs,
            batch: self.batch,
            peak_rate: self.rate,
            weight_decay: self.weight_decay,
            dropout: self.dropout,
            patience: self.patience,
            seed: self.seed,
            from,
            checkpoint: self.checkpoint.clone(),
        }
    }
}

/// Writes the progress of a training to standard error, each line with the minutes since the start.
pub fn to_standard_error() -> impl FnMut(&str) {
    let started = std::time::Instant::now();
    move |line: &str| {
        // A reader that has gone away must not end a training of an hour.
        let _ = writeln!(std::io::stderr(), "{:>6.1} min  {line}", started.elapsed().as_secs_f64() / 60.0);
    }
}
