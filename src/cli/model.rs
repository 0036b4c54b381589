//! `mimamori model train|calibrate|eval`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::error::CliError;
use super::{lines, parts};
use crate::config::{Config, locate};
use crate::contract::{Language, Policy, Skill};
use crate::corpus::{Corpus, Part};
use crate::evaluation::{
    Observation, PolicyFigures, WRONG_ALLOCATION_RATE, calibrate_inquiries, calibrate_policies,
    evaluate_inquiries, evaluate_policy, inquiry_report, observe, policy_report, tag_report,
};
use crate::model::folder::{InquiryDescription, PolicyDescription, read_description, write_description};
use crate::model::train::{TrainOptions, train_conversations, train_inquiries};
use crate::moderation::{Moderator, PolicySettings};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train adapters and heads on the corpus' training part, then calibrate them on its held-out part
    Train(TrainArguments),
    /// Fit how rules and model combine, the thresholds and the confidence floor, on the corpus' held-out part
    Calibrate(CorpusArguments),
    /// Figures on the corpus' test part
    Eval(EvalArguments),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Task {
    Conversation,
    Inquiries,
    All,
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

#[derive(Debug, Args)]
struct TrainArguments {
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

#[derive(Debug, Args)]
struct EvalArguments {
    #[command(flatten)]
    place: CorpusArguments,
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Which part of the corpus
    #[arg(long, value_enum, default_value = "test")]
    part: PartName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PartName {
    HeldOut,
    Test,
}

pub fn run(config: &Config, arguments: Arguments) -> Result<ExitCode, CliError> {
    parts::start_threads(config)?;
    match arguments.command {
        Command::Train(arguments) => train(config, &arguments),
        Command::Calibrate(place) => {
            let corpus = read_corpus(&place.corpus)?;
            calibrate(config, &place.models, &corpus, Task::All)
        }
        Command::Eval(arguments) => eval(config, &arguments),
    }
}

fn read_corpus(folder: &Path) -> Result<Corpus, CliError> {
    let folder = locate(folder, "corpus folder", "--corpus")?;
    Corpus::read(&folder).map_err(|error| CliError::Usage(error.to_string()))
}

fn train(config: &Config, arguments: &TrainArguments) -> Result<ExitCode, CliError> {
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
    calibrate(config, models, &corpus, arguments.task)
}

/// A configuration whose models are those of a folder.
fn with_models(config: &Config, models: &Path) -> Config {
    let mut config = config.clone();
    config.models.conversation = models.join("conversation");
    config.models.policies = models.join("policies");
    config.models.inquiries = models.join("inquiries");
    config
}

fn calibrate(config: &Config, models: &Path, corpus: &Corpus, task: Task) -> Result<ExitCode, CliError> {
    let config = with_models(config, models);
    let base = parts::base(&config)?;
    if task != Task::Inquiries {
        let moderator = parts::moderator(&config, &base)?;
        let held_out = observe(&moderator, &corpus.held_out.conversations);
        let test = observe(&moderator, &corpus.test.conversations);
        for (index, settings) in moderator.policies().iter().enumerate() {
            let folder = locate(&config.models.policies, "folder of policy heads", "models.policies")?
                .join(settings.policy.as_str());
            let mut description: PolicyDescription = read_description(&folder).map_err(model_error)?;
            (description.combination, description.thresholds) = calibrate_policies(&held_out, index);
            let settings = PolicySettings {
                combination: description.combination.clone(),
                report: description.thresholds.report,
                hide: description.thresholds.hide,
                ..settings.clone()
            };
            let figures = evaluate_policy(&settings, index, &test.iter().collect::<Vec<_>>());
            description.metrics = metrics_of(&figures);
            write_description(&folder, &description).map_err(model_error)?;
            eprintln!("{}: calibrated on {} held-out messages", settings.policy, held_out.len());
        }
    }
    if task != Task::Conversation {
        let model = parts::inquiry_model(&config, &base)?;
        let folder = locate(&config.models.inquiries, "model folder", "models.inquiries")?;
        let mut description: InquiryDescription = read_description(&folder).map_err(model_error)?;
        let held_out = &corpus.held_out.inquiries;
        let texts: Vec<(Option<&str>, &str)> =
            held_out.iter().map(|i| (i.subject.as_deref(), i.text.as_str())).collect();
        let place = |skill: Skill| description.skills.iter().position(|known| *known == skill);
        let truths: Option<Vec<usize>> = held_out.iter().map(|inquiry| place(inquiry.skill)).collect();
        let truths = truths.ok_or_else(|| {
            CliError::Usage(format!(
                "{}: the corpus has a skill that the model does not know",
                folder.display()
            ))
        })?;
        (description.temperature, description.confidence_floor) =
            calibrate_inquiries(&model.logits(&texts), &truths, &description.skills);
        description.wrong_allocation_rate = WRONG_ALLOCATION_RATE;
        write_description(&folder, &description).map_err(model_error)?;
        let model = parts::inquiry_model(&config, &base)?;
        let figures = evaluate_inquiries(&model, &corpus.test.inquiries, description.confidence_floor);
        description.metrics = [
            ("accuracy", figures.accuracy),
            ("macro_f1", figures.macro_f1),
            ("calibration_error", figures.calibration_error),
            ("coverage", figures.coverage),
            ("accuracy_covered", figures.accuracy_covered),
        ]
        .map(|(name, value)| (name.to_owned(), rounded(value)))
        .into();
        write_description(&folder, &description).map_err(model_error)?;
        eprintln!("skills: calibrated on {} held-out inquiries", held_out.len());
    }
    Ok(ExitCode::SUCCESS)
}

fn model_error(error: crate::model::folder::FolderError) -> CliError {
    CliError::Model(error.into())
}

fn metrics_of(figures: &PolicyFigures) -> std::collections::BTreeMap<String, f64> {
    [
        ("average_precision", figures.average_precision),
        ("average_precision_model_alone", figures.average_precision_model),
        ("recall_at_precision_0_9", figures.recall_at_precision_90),
        ("precision", figures.precision),
        ("recall", figures.recall),
        ("calibration_error", figures.calibration_error),
    ]
    .map(|(name, value)| (name.to_owned(), rounded(value)))
    .into()
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn eval(config: &Config, arguments: &EvalArguments) -> Result<ExitCode, CliError> {
    let config = with_models(config, &arguments.place.models);
    let corpus = read_corpus(&arguments.place.corpus)?;
    let part: &Part = match arguments.part {
        PartName::HeldOut => &corpus.held_out,
        PartName::Test => &corpus.test,
    };
    let base = parts::base(&config)?;
    let moderator = parts::moderator(&config, &base)?;
    let observations = observe(&moderator, &part.conversations);
    let mut all = serde_json::Map::new();
    for (index, settings) in moderator.policies().iter().enumerate() {
        for (slice, figures) in slices(&moderator, index, &observations) {
            lines::print(&policy_report(settings.policy.as_str(), &slice, &figures))?;
            if slice == "all" {
                lines::print(&tag_report(&figures))?;
            }
            all.insert(format!("{} {slice}", settings.policy), json(&figures)?);
        }
    }
    let model = parts::inquiry_model(&config, &base)?;
    let floor = parts::routing_policy(&config, &model).confidence_floor;
    let figures = evaluate_inquiries(&model, &part.inquiries, floor);
    lines::print(&inquiry_report("all", &figures))?;
    all.insert("skills".into(), json(&figures)?);
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&all).map_err(|error| CliError::Bug(error.to_string()))?;
        std::fs::write(file, text)
            .map_err(|error| CliError::Failed(format!("{}: {error}", file.display())))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn json<T: serde::Serialize>(figures: &T) -> Result<serde_json::Value, CliError> {
    serde_json::to_value(figures).map_err(|error| CliError::Bug(error.to_string()))
}

/// The whole part, and each language.
fn slices(moderator: &Moderator, index: usize, observations: &[Observation]) -> Vec<(String, PolicyFigures)> {
    let settings = &moderator.policies()[index];
    let mut all =
        vec![("all".to_owned(), evaluate_policy(settings, index, &observations.iter().collect::<Vec<_>>()))];
    for language in Language::ALL {
        let slice: Vec<&Observation> = observations.iter().filter(|o| o.language == language).collect();
        if !slice.is_empty() {
            all.push((language.to_string(), evaluate_policy(settings, index, &slice)));
        }
    }
    all
}
