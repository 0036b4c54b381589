//! `mimamori model adopt`: a classifier from elsewhere, in the place of a policy's head or of the inquiry model.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::super::error::CliError;
use super::super::{lines, parts};
use super::{CorpusArguments, calibrate, model_error, read_corpus, with_models};
use crate::config::{Config, PolicyConfig, Threshold};
use crate::contract::{Policy, Skill};
use crate::corpus::Corpus;
use crate::evaluation::{inquiry_report, policy_report};
use crate::model::folder::{
    Combination, InquiryDescription, PolicyDescription, PolicyThresholds, read_description, write_description,
};
use crate::model::huggingface::Classifier;
use crate::model::source::{
    InquiryClassifierDescription, InquirySource, Joined, PolicyClassifierDescription, PolicySource, Score,
};
use crate::model::versions::{self, Part};

/// What stands for the inquiry model where a policy could stand.
const INQUIRIES: &str = "inquiries";
/// With fewer held-out violations, or harmless messages, than this nothing can be calibrated.
const FEWEST: usize = 20;
/// Files that say where a model comes from; they travel along.
const PAPERS: [&str; 4] = ["README.md", "LICENSE", "LICENSE.txt", "NOTICE"];

#[derive(Debug, Args)]
pub struct Arguments {
    /// The policy that it judges, or `inquiries` for the skills of inquiries
    #[arg(value_name = "POLICY|inquiries")]
    what: Policy,
    /// Folder with config.json, model.safetensors, and tokenizer.json or vocab.txt
    #[arg(value_name = "DIR")]
    source: PathBuf,
    /// For a policy the output that stands for a violation; for inquiries SKILL=OUTPUT for each output whose name is not a skill's
    #[arg(long = "label", value_name = "NAME|SKILL=NAME")]
    labels: Vec<String>,
    /// Messages before the judged one that are read with it
    #[arg(long, value_name = "N", default_value_t = 0)]
    context: usize,
    /// How those are handed over
    #[arg(long, value_enum, default_value = "pair")]
    joined: JoinedName,
    #[command(flatten)]
    place: CorpusArguments,
    /// Name of the new version; without it today's date
    #[arg(long = "name")]
    version: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum JoinedName {
    /// As the first text of a pair, a line each with its speaker
    Pair,
    /// In one text with the message, a line each with its speaker
    Text,
}

pub fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, CliError> {
    let corpus = read_corpus(&arguments.place.corpus)?;
    // What cannot be loaded is refused before anything is written.
    let classifier = Classifier::open(&arguments.source, None).map_err(model_error)?;
    let models = &arguments.place.models;
    let staging = Staging::new(models)?;
    let version =
        arguments.version.clone().unwrap_or_else(|| format!("{}.1", chrono::Utc::now().format("%Y-%m-%d")));
    if arguments.what.as_str() == INQUIRIES {
        inquiries(config, arguments, &corpus, &classifier, &staging, version)
    } else {
        policy(config, arguments, &corpus, &classifier, &staging, version)
    }
}

fn policy(
    config: &Config,
    arguments: &Arguments,
    corpus: &Corpus,
    classifier: &Classifier,
    staging: &Staging,
    version: String,
) -> Result<ExitCode, CliError> {
    let (policy, models) = (&arguments.what, &arguments.place.models);
    enough(corpus, policy, &arguments.place.corpus)?;
    let folder = staging.0.join("policies").join(policy.as_str());
    copy(classifier, &arguments.source, &folder)?;
    let description = PolicyDescription {
        policy: policy.clone(),
        version,
        source: PolicySource::Classifier(PolicyClassifierDescription {
            label: violation(classifier, &arguments.labels)?,
            score: if classifier.is_exclusive() { Score::Difference } else { Score::Logit },
            context: arguments.context,
            joined: match arguments.joined {
                JoinedName::Pair => Joined::Pair,
                JoinedName::Text => Joined::Text,
            },
            files: classifier.files().clone(),
        }),
        // Until it is calibrated below.
        combination: Combination {
            intercept: 0.0,
            model: 1.0,
            rules: BTreeMap::new(),
            rule_precision: BTreeMap::new(),
            alone_slope: 1.0,
            alone_intercept: 0.0,
        },
        thresholds: PolicyThresholds { report: 1.0, report_precision: 1.0, hide: 1.0, hide_precision: 1.0 },
        metrics: BTreeMap::new(),
    };
    write_description(&folder, &description).map_err(model_error)?;

    let mut alone = with_models(config, models);
    alone.models.policies = staging.0.join("policies");
    let settings = PolicyConfig { report: Threshold::Shipped, hide: Threshold::Never, severity: 0.0 };
    alone.moderation.policies = BTreeMap::from([(policy.clone(), settings)]);
    let base = parts::base(&alone)?;
    for (policy, figures) in calibrate::policies(&alone, &base, corpus)? {
        lines::print(&policy_report(policy.as_str(), "test", &figures))?;
    }
    let calibrated: PolicyDescription = read_description(&folder).map_err(model_error)?;
    let kept = versions::place_policy(models, &folder, policy).map_err(super::versions::failed)?;
    let mut text = format!("written to {}\n", models.join("policies").join(policy.as_str()).display());
    if let Some(kept) = kept {
        text.push_str(&format!("what was there before is kept in {}\n", kept.display()));
    }
    if calibrated.combination.alone_slope <= 0.0 {
        text.push_str(
            "its output says nothing about held-out violations, or the contrary: it was given no weight; \
             is this the right --label?\n",
        );
    }
    if !config.moderation.policies.contains_key(policy) {
        text.push_str(&format!(
            "switch it on with a section [moderation.policies.{policy}] in the configuration\n"
        ));
    }
    lines::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The output that stands for a violation.
fn violation(classifier: &Classifier, chosen: &[String]) -> Result<String, CliError> {
    let labels = classifier.labels();
    match (chosen, labels) {
        ([], [only]) => Ok(only.clone()),
        ([label], _) if labels.contains(label) => Ok(label.clone()),
        _ => Err(CliError::Usage(format!(
            "--label: expected the output that stands for a violation, one of {}; found {}",
            labels.join(", "),
            if chosen.is_empty() { "none".to_owned() } else { chosen.join(", ") }
        ))),
    }
}

fn enough(corpus: &Corpus, policy: &Policy, folder: &Path) -> Result<(), CliError> {
    let messages = corpus.held_out.conversations.iter().flat_map(|conversation| &conversation.messages);
    let (violations, harmless): (Vec<_>, Vec<_>) =
        messages.partition(|message| message.violates(policy.as_str()));
    if violations.len() < FEWEST || harmless.len() < FEWEST {
        return Err(CliError::Usage(format!(
            "{}: expected at least {FEWEST} held-out messages with the label `{policy}` and {FEWEST} without to \
             calibrate on, found {} and {}",
            folder.display(),
            violations.len(),
            harmless.len()
        )));
    }
    Ok(())
}

fn inquiries(
    config: &Config,
    arguments: &Arguments,
    corpus: &Corpus,
    classifier: &Classifier,
    staging: &Staging,
    version: String,
) -> Result<ExitCode, CliError> {
    let models = &arguments.place.models;
    let folder = staging.0.join(INQUIRIES);
    copy(classifier, &arguments.source, &folder)?;
    let labels = skills(classifier, &arguments.labels)?;
    let known: BTreeSet<Skill> = labels.values().copied().collect();
    let description = InquiryDescription {
        version,
        source: InquirySource::Classifier(InquiryClassifierDescription {
            labels,
            files: classifier.files().clone(),
        }),
        skills: known.into_iter().collect(),
        // Until it is calibrated below.
        temperature: 1.0,
        confidence_floor: 1.0,
        wrong_allocation_rate: 0.0,
        metrics: BTreeMap::new(),
    };
    write_description(&folder, &description).map_err(model_error)?;
    let mut staged = with_models(config, models);
    staged.models.inquiries = folder;
    let base = parts::base(&staged)?;
    let figures = calibrate::inquiries(&staged, &base, corpus)?;
    lines::print(&inquiry_report("test", &figures))?;
    let change = versions::promote(models, &staging.0, Part::Inquiries, chrono::Utc::now());
    super::versions::report(&change.map_err(super::versions::failed)?)
}

/// The skill of every output: the one it is called after, or the one it was given.
fn skills(classifier: &Classifier, given: &[String]) -> Result<BTreeMap<String, Skill>, CliError> {
    let usage = |detail: String| CliError::Usage(format!("--label: {detail}"));
    let labels = classifier.labels();
    let mut all: BTreeMap<String, Skill> =
        labels.iter().filter_map(|label| Some((label.clone(), label.parse().ok()?))).collect();
    for pair in given {
        let (skill, label) =
            pair.split_once('=').ok_or_else(|| usage(format!("expected SKILL=OUTPUT, found `{pair}`")))?;
        if !labels.iter().any(|known| known == label) {
            return Err(usage(format!("expected one of {}, found `{label}`", labels.join(", "))));
        }
        let skill: Skill = skill.parse().map_err(|error| usage(format!("{error}")))?;
        all.insert(label.to_owned(), skill);
    }
    let without: Vec<&str> =
        labels.iter().filter(|label| !all.contains_key(*label)).map(String::as_str).collect();
    if without.is_empty() {
        return Ok(all);
    }
    Err(usage(format!(
        "expected a skill for every output, found none for {}; skills are {}",
        without.join(", "),
        Skill::ALL.map(Skill::as_str).join(", ")
    )))
}

/// Copies what the classifier read, and the papers that say where it comes from.
fn copy(classifier: &Classifier, from: &Path, to: &Path) -> Result<(), CliError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| CliError::Failed(format!("{path}: {error}"))
    };
    fs::create_dir_all(to).map_err(failed(to))?;
    let papers = PAPERS.into_iter().filter(|name| from.join(name).is_file());
    for name in classifier.files().keys().map(String::as_str).chain(papers) {
        fs::copy(from.join(name), to.join(name)).map_err(failed(&from.join(name)))?;
    }
    Ok(())
}

/// A folder beside the live models, so that putting it in place is a rename. Removed when dropped.
struct Staging(PathBuf);

impl Staging {
    fn new(models: &Path) -> Result<Self, CliError> {
        let folder = models.join(format!(".adopting-{}", std::process::id()));
        fs::create_dir_all(&folder)
            .map_err(|error| CliError::Failed(format!("{}: {error}", folder.display())))?;
        Ok(Self(folder))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What is left behind harms nobody: the name is not used again while this process runs.
        let _ = fs::remove_dir_all(&self.0);
    }
}
