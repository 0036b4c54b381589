//! `mimamori model calibrate`, and the last step of a training.

use std::path::Path;
use std::process::ExitCode;

use super::super::error::CliError;
use super::super::parts;
use super::train::Task;
use super::{model_error, rounded, with_models};
use crate::config::{Config, locate};
use crate::contract::{Policy, Skill};
use crate::corpus::Corpus;
use crate::evaluation::{
    InquiryFigures, PolicyFigures, WRONG_ALLOCATION_RATE, calibrate_inquiries, calibrate_policies,
    evaluate_inquiries, evaluate_policy, observe,
};
use crate::model::classifier::Base;
use crate::model::folder::{InquiryDescription, PolicyDescription, read_description, write_description};
use crate::moderation::PolicySettings;

pub fn run(config: &Config, models: &Path, corpus: &Corpus, task: Task) -> Result<ExitCode, CliError> {
    let config = with_models(config, models);
    let base = parts::base(&config)?;
    if task.conversations() {
        policies(&config, &base, corpus)?;
    }
    if task.inquiries() {
        inquiries(&config, &base, corpus)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Calibrates every policy that the configuration names and writes what was chosen into its description. Returns the figures on
/// the test part.
pub(super) fn policies(
    config: &Config,
    base: &Base,
    corpus: &Corpus,
) -> Result<Vec<(Policy, PolicyFigures)>, CliError> {
    let moderator = parts::moderator(config, base)?;
    let held_out = observe(&moderator, &corpus.held_out.conversations);
    let test = observe(&moderator, &corpus.test.conversations);
    let mut all = Vec::new();
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
        all.push((settings.policy, figures));
    }
    Ok(all)
}

/// Calibrates the inquiry model and writes what was chosen into its description. Returns the figures on the test part.
pub(super) fn inquiries(config: &Config, base: &Base, corpus: &Corpus) -> Result<InquiryFigures, CliError> {
    let model = parts::inquiry_model(config, base)?;
    let folder = locate(&config.models.inquiries, "model folder", "models.inquiries")?;
    let mut description: InquiryDescription = read_description(&folder).map_err(model_error)?;
    let held_out = &corpus.held_out.inquiries;
    let texts: Vec<(Option<&str>, &str)> =
        held_out.iter().map(|i| (i.subject.as_deref(), i.text.as_str())).collect();
    let place = |skill: Skill| description.skills.iter().position(|known| *known == skill);
    let truths: Option<Vec<usize>> = held_out.iter().map(|inquiry| place(inquiry.skill)).collect();
    let truths = truths.ok_or_else(|| {
        CliError::Usage(format!("{}: the corpus has a skill that the model does not know", folder.display()))
    })?;
    (description.temperature, description.confidence_floor) =
        calibrate_inquiries(&model.logits(&texts), &truths, &description.skills);
    description.wrong_allocation_rate = WRONG_ALLOCATION_RATE;
    write_description(&folder, &description).map_err(model_error)?;
    let model = parts::inquiry_model(config, base)?;
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
    Ok(figures)
}

pub(super) fn metrics_of(figures: &PolicyFigures) -> std::collections::BTreeMap<String, f64> {
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
