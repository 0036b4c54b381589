//! `mimamori model eval`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::super::error::CliError;
use super::super::{lines, parts};
use super::intents::Training;
use super::tuning::Tuning;
use super::{CorpusArguments, data, read_corpus, with_models};
use crate::config::Config;
use crate::contract::Language;
use crate::corpus::Part;
use crate::evaluation::{
    Apart, Compared, InquiryFigures, Observation, PolicyFigures, Traffic, apart, apart_report,
    compare_inquiries, compare_policies, comparison_report, evaluate_inquiries, evaluate_policy,
    evaluation_page, inquiry_report, observe, policy_report, probability, tag_report, with_precision,
    within_capacity, workload_report, workloads,
};
use crate::model::encoder::Arithmetic;
use crate::moderation::{Moderator, PolicySettings};

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
    /// Measure once more with the encoder in 32-bit floats (same weights, heads and thresholds), and say how far the shipped
    /// arithmetic is from it. Takes a few minutes
    #[arg(long, conflicts_with = "train")]
    reference: bool,
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

/// The slice that holds everything.
const ALL: &str = "all";
/// What is shipped, and what --reference measures after it.
const BOTH: [Arithmetic; 2] = [Arithmetic::Integers, Arithmetic::Floats];

pub fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, CliError> {
    let config = with_models(config, &arguments.place.models);
    if let Some(folder) = &arguments.data {
        let training = arguments.train.map(|epochs| Training { epochs, tuning: &arguments.tuning });
        let arithmetics = if arguments.reference { &BOTH[..] } else { &BOTH[..1] };
        return data::run(&config, folder, training.as_ref(), arguments.tuning.seed, arithmetics);
    }
    let corpus = read_corpus(&arguments.place.corpus)?;
    let part: &Part = match arguments.part {
        PartName::HeldOut => &corpus.held_out,
        PartName::Test => &corpus.test,
    };
    let measured = Measured::new(&config, Arithmetic::Integers, part)?;
    for (name, slice, figures) in &measured.policies {
        lines::print(&policy_report(name, slice, figures))?;
        if slice == ALL {
            lines::print(&tag_report(figures))?;
        }
    }
    if let Some(alerts) = arguments.alerts_a_day {
        let held_out = observe(&measured.moderator, &corpus.held_out.conversations);
        let traffic = Traffic { messages_a_day: arguments.messages_a_day, base_rate: arguments.base_rate };
        thresholds(&measured.moderator, &held_out, traffic, alerts)?;
    }
    lines::print(&inquiry_report(ALL, &measured.skills))?;
    let reference =
        arguments.reference.then(|| Measured::new(&config, Arithmetic::Floats, part)).transpose()?;
    let compared = reference.map(|reference| Comparison::new(&measured, &reference));
    if let Some(comparison) = &compared {
        comparison.print()?;
    }
    if let Some(file) = &arguments.json {
        let mut all = serde_json::Map::new();
        for (name, slice, figures) in &measured.policies {
            all.insert(format!("{name} {slice}"), json(figures)?);
        }
        all.insert("skills".into(), json(&measured.skills)?);
        if let Some(comparison) = &compared {
            all.insert("reference".into(), json(comparison)?);
        }
        let text = serde_json::to_string_pretty(&all).map_err(|error| CliError::Bug(error.to_string()))?;
        write(file, &text)?;
    }
    if let Some(file) = &arguments.html {
        write(file, &page(&measured, arguments.part)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Rules, models and what they reach on a part of the corpus, in one arithmetic.
struct Measured {
    moderator: Arc<Moderator>,
    observations: Vec<Observation>,
    /// Policy, slice, figures.
    policies: Vec<(String, String, PolicyFigures)>,
    inquiry_model: String,
    skills: InquiryFigures,
}

impl Measured {
    fn new(config: &Config, arithmetic: Arithmetic, part: &Part) -> Result<Self, CliError> {
        let base = parts::base(config)?.in_arithmetic(arithmetic);
        let moderator = parts::moderator(config, &base)?;
        let observations = observe(&moderator, &part.conversations);
        let of_policy = |(index, settings): (usize, &PolicySettings)| {
            let name = settings.policy.to_string();
            slices(settings, index, &observations)
                .into_iter()
                .map(move |(slice, figures)| (name.clone(), slice, figures))
        };
        let policies = moderator.policies().iter().enumerate().flat_map(of_policy).collect();
        let model = parts::inquiry_model(config, &base)?;
        let floor = parts::routing_policy(config, &model).confidence_floor;
        let skills = evaluate_inquiries(&model, &part.inquiries, floor);
        let inquiry_model = model.description().version.clone();
        Ok(Self { moderator, observations, policies, inquiry_model, skills })
    }
}

/// The shipped arithmetic beside 32-bit floats.
#[derive(Serialize)]
struct Comparison {
    figures: Vec<Compared>,
    apart: BTreeMap<String, Apart>,
}

impl Comparison {
    fn new(shipped: &Measured, reference: &Measured) -> Self {
        let mut figures = Vec::new();
        for ((name, slice, ours), (_, _, theirs)) in shipped.policies.iter().zip(&reference.policies) {
            figures.extend(compare_policies(&format!("{name} {slice}"), ours, theirs));
        }
        figures.extend(compare_inquiries(&shipped.skills, &reference.skills));
        let of_policy = |(index, settings): (usize, &PolicySettings)| {
            let apart = apart(settings, index, &shipped.observations, &reference.observations);
            (settings.policy.to_string(), apart)
        };
        Self { figures, apart: shipped.moderator.policies().iter().enumerate().map(of_policy).collect() }
    }

    fn print(&self) -> Result<(), CliError> {
        lines::print(&format!(
            "the shipped arithmetic beside {}, same weights, heads and thresholds\n",
            Arithmetic::Floats
        ))?;
        lines::print(&comparison_report(&self.figures))?;
        self.apart.iter().try_for_each(|(policy, apart)| lines::print(&apart_report(policy, apart)))
    }
}

fn page(measured: &Measured, part: PartName) -> Result<String, CliError> {
    let versions = [
        ("rules".to_owned(), measured.moderator.rules_version().to_owned()),
        ("conversation model".to_owned(), measured.moderator.model_version().to_owned()),
        ("inquiry model".to_owned(), measured.inquiry_model.clone()),
    ];
    let title = format!("mimamori: evaluation on the {} part", part_name(part));
    let policies: Vec<(String, PolicyFigures)> = measured
        .policies
        .iter()
        .map(|(name, slice, figures)| (format!("{name} {slice}"), figures.clone()))
        .collect();
    evaluation_page(&title, &versions, &policies, &measured.skills)
        .map_err(|error| CliError::Bug(error.to_string()))
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

fn json<T: Serialize>(figures: &T) -> Result<serde_json::Value, CliError> {
    serde_json::to_value(figures).map_err(|error| CliError::Bug(error.to_string()))
}

/// The whole part, and each language.
fn slices(
    settings: &PolicySettings,
    index: usize,
    observations: &[Observation],
) -> Vec<(String, PolicyFigures)> {
    let mut all =
        vec![(ALL.to_owned(), evaluate_policy(settings, index, &observations.iter().collect::<Vec<_>>()))];
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
