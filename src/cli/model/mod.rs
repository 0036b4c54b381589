//! `mimamori model train|policy|adopt|calibrate|eval|list|promote|rollback`.

mod adopt;
mod calibrate;
mod data;
mod eval;
mod intents;
mod labels;
mod lexical;
mod policy;
mod train;
mod tuning;
mod versions;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::error::CliError;
use super::parts;
use crate::config::{Config, locate};
use crate::corpus::{Conversation, Corpus};
use crate::model::input::Turn;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train adapters and heads on the corpus' training part, then calibrate them on its held-out part
    Train(train::Arguments),
    /// Train the head of one policy from labelled messages, on the reader as it is: minutes, and no other policy changes
    Policy(policy::Arguments),
    /// Put a classifier from elsewhere in the place of a policy's head or of the inquiry model: a folder as Hugging Face's
    /// transformers saves it
    Adopt(adopt::Arguments),
    /// Fit how rules and model combine, the thresholds and the confidence floor, on the corpus' held-out part
    Calibrate(CorpusArguments),
    /// Figures on the corpus' test part, or on a public data set
    Eval(eval::Arguments),
    /// Write what reviewers decided about alerts as labelled conversations, one a line
    Labels(labels::Arguments),
    /// Versions that are live or kept, with their figures
    List(versions::Place),
    /// Put a trained version in place of the live one, which is kept
    Promote(versions::Promotion),
    /// Put back what was live before
    Rollback(versions::Rollback),
}

#[derive(Debug, Args)]
struct CorpusArguments {
    /// Folder with splits.toml, conversations/ and inquiries/
    #[arg(long, value_name = "DIR", default_value = "fixtures/corpus")]
    corpus: PathBuf,
    /// Folder that holds conversation/, policies/ and inquiries/
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
}

pub fn run(config: &Config, arguments: Arguments) -> Result<ExitCode, CliError> {
    parts::start_threads(config)?;
    match arguments.command {
        Command::Train(arguments) => train::run(config, &arguments),
        Command::Policy(arguments) => policy::run(config, &arguments),
        Command::Adopt(arguments) => adopt::run(config, &arguments),
        Command::Calibrate(place) => {
            let corpus = read_corpus(&place.corpus)?;
            calibrate::run(config, &place.models, &corpus, train::Task::All)
        }
        Command::Eval(arguments) => eval::run(config, &arguments),
        Command::Labels(arguments) => crate::cli::block_on(labels::run(config, &arguments)),
        Command::List(place) => versions::list(&place),
        Command::Promote(promotion) => versions::promote(config, &promotion),
        Command::Rollback(rollback) => versions::roll_back(&rollback),
    }
}

fn read_corpus(folder: &Path) -> Result<Corpus, CliError> {
    let folder = locate(folder, "corpus folder", "--corpus")?;
    Corpus::read(&folder).map_err(|error| CliError::Usage(error.to_string()))
}

/// A configuration whose models are those of a folder.
fn with_models(config: &Config, models: &Path) -> Config {
    let mut config = config.clone();
    config.models.conversation = models.join("conversation");
    config.models.policies = models.join("policies");
    config.models.inquiries = models.join("inquiries");
    config
}

/// Every message of the conversations, to be judged with those before it.
fn inputs(conversations: &[Conversation]) -> Vec<(Vec<Turn<'_>>, Range<usize>)> {
    conversations
        .iter()
        .map(|conversation| {
            let turns: Vec<Turn<'_>> = conversation
                .messages
                .iter()
                .map(|message| Turn { role: message.from, text: &message.text })
                .collect();
            let all = 0..turns.len();
            (turns, all)
        })
        .collect()
}

fn model_error(error: crate::model::folder::FolderError) -> CliError {
    CliError::Model(error.into())
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}
