//! `mimamori model eval`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::super::error::CliError;
use super::super::{lines, parts};
use super::intents::Training;
use super::tuning::Tuning;
use super::{CorpusArguments, data, read_corpus, with_models};
use crate::config::Config;
use crate::contract::Language;
use crate::corpus::Part;
use crate::evaluation::{
    Observation, PolicyFigures, Traffic, evaluate_inquiries, evaluate_policy, evaluation_page,
    inquiry_report, observe, policy_report, probability, tag_report, with_precision, within_capacity,
    workload_report, workloads,
};
use crate::moderation::Moderator;

#[derive(Debug, Args)]
#[command(mut_group("Tuning", |group| group.requires("train")))]
pub struct Arguments {
    #[command(flatten)]
    place: CorpusArguments,
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write the figures and curves as an HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Which part of the corpus
    #[arg(long, value_enum, default_value = "test")]
    part: PartName,
    /// Measure on a public data set instead: a folder with Banking77, CLINC150 or benign dialogues as they are published
    #[arg(long, value_name = "DIR", conflicts_with_all = ["json", "html", "part", "alerts_a_day"])]
    data: Option<PathBuf>,
    /// With --data: also train adapters and a head on the set's own training part, for at most so many epochs
    #[arg(long, value_name = "EPOCHS", requires = "data")]
    train: Option<u32>,
    #[command(flatten)]
    tuning: Tuning,
    /// Also say which thresholds fit so many alerts a day, chosen on the held-out part
    #[arg(long = "alerts-per-day", value_name = "N")]
    alerts_a_day: Option<f64>,
    /// Messages a day, for --alerts-per-day
    #[arg(long = "messages-per-day", value_name = "N", default_value_t = 100_000.0)]
    messages_a_day: f64,
    /// Share of violations in the traffic, for --alerts-per-day
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    base_rate: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PartName {
    HeldOut,
    Test,
}

pub fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, CliError> {
    let config = with_models(config, &arguments.place.models);
    if let Some(folder) = &arguments.data {
        let training = arguments.train.map(|epochs| Training { epochs, tuning: &arguments.tuning });
        return data::run(&config, folder, training.as_ref(), arguments.tuning.seed);
    }
    let corpus = read_corpus(&arguments.place.corpus)?;
    let part: &Part = match arguments.part {
        PartName::HeldOut => &corpus.held_out,
        PartName::Test => &corpus.test,
    };
    let base = parts::base(&config)?;
    let moderator = parts::moderator(&config, &base)?;
    let observations = observe(&moderator, &part.conversations);
    let mut policies: Vec<(String, PolicyFigures)> = Vec::new();
    for (index, settings) in moderator.policies().iter().enumerate() {
        for (slice, figures) in slices(&moderator, index, &observations) {
            lines::print(&policy_report(settings.policy.as_str(), &slice, &figures))?;
            if slice == "all" {
                lines::print(&tag_report(&figures))?;
            }
            policies.push((format!("{} {slice}", settings.policy), figures));
        }
    }
    if let Some(alerts) = arguments.alerts_a_day {
        let held_out = observe(&moderator, &corpus.held_out.conversations);
        let traffic = Traffic { messages_a_day: arguments.messages_a_day, base_rate: arguments.base_rate };
        thresholds(&moderator, &held_out, traffic, alerts)?;
    }
    let model = parts::inquiry_model(&config, &base)?;
    let floor = parts::routing_policy(&config, &model).confidence_floor;
    let skills = evaluate_inquiries(&model, &part.inquiries, floor);
    lines::print(&inquiry_report("all", &skills))?;
    if let Some(file) = &arguments.json {
        let mut all = serde_json::Map::new();
        for (name, figures) in &policies {
            all.insert(name.clone(), json(figures)?);
        }
        all.insert("skills".into(), json(&skills)?);
        let text = serde_json::to_string_pretty(&all).map_err(|error| CliError::Bug(error.to_string()))?;
        write(file, &text)?;
    }
    if let Some(file) = &arguments.html {
        let versions = [
            ("rules".to_owned(), moderator.rules_version().to_owned()),
            ("conversation model".to_owned(), moderator.model_version().to_owned()),
            ("inquiry model".to_owned(), model.description().version.clone()),
        ];
        let title = format!("mimamori: evaluation on the {} part", part_name(arguments.part));
        let page = evaluation_page(&title, &versions, &policies, &skills)
            .map_err(|error| CliError::Bug(error.to_string()))?;
        write(file, &page)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn part_name(part: PartName) -> &'static str {
    match part {
        PartName::HeldOut => "held-out",
        PartName::Test => "test",
    }
}

fn write(file: &Path, text: &str) -> Result<(), CliError> {
    std::fs::write(file, text).map_err(|error| CliError::Failed(format!("{}: {error}", file.display())))
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

/// Thresholds for a number of alerts a day, and for precisions at the traffic's base rate.
fn thresholds(
    moderator: &Moderator,
    held_out: &[Observation],
    traffic: Traffic,
    alerts_a_day: f64,
) -> Result<(), CliError> {
    for (index, settings) in moderator.policies().iter().enumerate() {
        let scored: Vec<(f64, bool)> =
            held_out.iter().map(|o| (probability(settings, index, o), o.truths[index])).collect();
        let loads = workloads(&scored, traffic);
        let mut rows =
            vec![(format!("at most {alerts_a_day} alerts a day"), within_capacity(&loads, alerts_a_day))];
        for precision in [0.5, 0.8, 0.9] {
            rows.push((format!("precision {precision}"), with_precision(&loads, precision)));
        }
        lines::print(&workload_report(settings.policy.as_str(), traffic, &rows))?;
    }
    Ok(())
}
