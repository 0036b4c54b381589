//! `mimamori model policy`: the head of one policy alone, from labelled messages.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::super::error::CliError;
use super::super::{lines, parts};
use super::calibrate::metrics_of;
use super::{inputs, model_error};
use crate::config::{Config, locate};
use crate::contract::Policy;
use crate::corpus::{Conversation, read_folder, read_lines};
use crate::evaluation::{Observation, calibrate_policies, evaluate_policy, observe_rules, policy_report};
use crate::model::classifier::ConversationModel;
use crate::model::folder::{HEAD, Head, PolicyDescription, sha256_of, write_description};
use crate::model::source::PolicySource;
use crate::model::train::{Target, fit_head};
use crate::moderation::PolicySettings;

/// Every message is judged by a head that has not seen its conversation: the data is cut into so many parts.
const FOLDS: usize = 5;
/// Weight of the penalty on the head's weights. A few hundred messages settle only a few of 384 directions.
const PENALTY: f64 = 30.0;
/// With fewer violations than this nothing can be calibrated.
const FEWEST: usize = 20;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Name of the policy, as labels and configuration call it
    policy: Policy,
    /// Labelled conversations: a file or a folder of JSON Lines, in the corpus' format (`fixtures/corpus/README.md`)
    #[arg(long, value_name = "PATH")]
    labels: PathBuf,
    /// Folder of policy heads to write to
    #[arg(long, value_name = "DIR", default_value = "models/policies")]
    out: PathBuf,
    /// Name of the new version; without it today's date
    #[arg(long = "name")]
    version: Option<String>,
}

pub fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, CliError> {
    let conversations = read(&arguments.labels)?;
    let base = parts::base(config)?;
    let reader = locate(&config.models.conversation, "model folder", "models.conversation")?;
    let model = ConversationModel::open(&base, &reader)?;
    let rules = parts::rule_pack(config)?;
    let observed = observe_rules(&rules, &conversations, &arguments.policy)
        .map_err(|error| CliError::Bug(error.to_string()))?;
    // What is only context is read and not learned from.
    let known: Vec<bool> =
        conversations.iter().flat_map(|one| &one.messages).map(|message| !message.is_context()).collect();
    let mut observations: Vec<Observation> = chosen(observed, &known);
    let violations = observations.iter().filter(|observation| observation.truths[0]).count();
    if violations < FEWEST || observations.len() - violations < FEWEST {
        return Err(CliError::Usage(format!(
            "{}: expected at least {FEWEST} messages with the label `{}` and {FEWEST} without, found {violations} and {}",
            arguments.labels.display(),
            arguments.policy,
            observations.len() - violations
        )));
    }

    let vectors = model.vectors(&inputs(&conversations));
    let folds: Vec<usize> = vectors
        .iter()
        .enumerate()
        .flat_map(|(index, messages)| std::iter::repeat_n(index % FOLDS, messages.len()))
        .collect();
    let folds = chosen(folds, &known);
    let vectors: Vec<Vec<f32>> = chosen(vectors.into_iter().flatten(), &known);
    for fold in 0..FOLDS {
        let head = fit_to(&vectors, &observations, |index| folds[index] != fold)?;
        for index in (0..vectors.len()).filter(|index| folds[*index] == fold) {
            observations[index].logits = head.logits(&vectors[index]);
        }
    }
    let head = fit_to(&vectors, &observations, |_| true)?;
    write(config, arguments, &model, head, &observations)
}

fn chosen<T>(all: impl IntoIterator<Item = T>, known: &[bool]) -> Vec<T> {
    all.into_iter().zip(known).filter_map(|(one, known)| known.then_some(one)).collect()
}

fn read(labels: &std::path::Path) -> Result<Vec<Conversation>, CliError> {
    let found = if labels.is_dir() { read_folder(labels) } else { read_lines(labels) };
    found.map_err(|error| CliError::Usage(error.to_string()))
}

fn fit_to(
    vectors: &[Vec<f32>],
    observations: &[Observation],
    chosen: impl Fn(usize) -> bool,
) -> Result<Head, CliError> {
    let (vectors, targets): (Vec<Vec<f32>>, Vec<Target>) = vectors
        .iter()
        .zip(observations)
        .enumerate()
        .filter(|(index, _)| chosen(*index))
        .map(|(_, (vector, observation))| {
            (vector.clone(), Target::Labels(vec![f32::from(u8::from(observation.truths[0]))]))
        })
        .unzip();
    fit_head(&vectors, &targets, 1, PENALTY).map_err(|error| CliError::Failed(format!("training: {error}")))
}

fn write(
    config: &Config,
    arguments: &Arguments,
    model: &ConversationModel,
    head: Head,
    observations: &[Observation],
) -> Result<ExitCode, CliError> {
    let folder = arguments.out.join(arguments.policy.as_str());
    std::fs::create_dir_all(&folder)
        .map_err(|error| CliError::Failed(format!("{}: {error}", folder.display())))?;
    head.write(&folder.join(HEAD)).map_err(model_error)?;
    let version =
        arguments.version.clone().unwrap_or_else(|| format!("{}.1", chrono::Utc::now().format("%Y-%m-%d")));
    let (combination, thresholds) = calibrate_policies(observations, 0);
    let settings = PolicySettings {
        policy: arguments.policy.clone(),
        version: version.clone(),
        combination: combination.clone(),
        report: thresholds.report,
        hide: thresholds.hide,
        rules_report_from: config.moderation.rules_report_from,
        severity: 0.0,
    };
    let figures = evaluate_policy(&settings, 0, &observations.iter().collect::<Vec<_>>());
    let description = PolicyDescription {
        policy: arguments.policy.clone(),
        version,
        source: PolicySource::Head {
            reader: model.version().to_owned(),
            head_sha256: sha256_of(&folder.join(HEAD)).map_err(model_error)?,
            // A few hundred messages tell little about runs of characters that they do not hold.
            lexical: None,
        },
        combination,
        thresholds,
        metrics: metrics_of(&figures),
    };
    write_description(&folder, &description).map_err(model_error)?;
    lines::print(&policy_report(arguments.policy.as_str(), "cross-fitted", &figures))?;
    lines::print(&format!(
        "written to {}; switch it on with a section [moderation.policies.{}] in the configuration\n",
        folder.display(),
        arguments.policy
    ))?;
    Ok(ExitCode::SUCCESS)
}
