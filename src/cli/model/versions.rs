//! `mimamori model list|promote|rollback`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::super::error::CliError;
use super::super::{lines, parts};
use super::with_models;
use crate::config::Config;
use crate::model::versions::{self, Change, Part, VersionError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PartName {
    /// The reader of conversations with the heads of its policies
    Conversation,
    /// The skills of inquiries
    Inquiries,
}

impl From<PartName> for Part {
    fn from(name: PartName) -> Self {
        match name {
            PartName::Conversation => Part::Conversation,
            PartName::Inquiries => Part::Inquiries,
        }
    }
}

#[derive(Debug, Args)]
pub struct Place {
    /// Folder that holds conversation/, policies/, inquiries/ and versions/
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
}

#[derive(Debug, Args)]
pub struct Promotion {
    /// What to put in place
    #[arg(value_enum)]
    part: PartName,
    /// Folder that a training wrote, with the layout of `models`
    source: PathBuf,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub struct Rollback {
    /// What to put back
    #[arg(value_enum)]
    part: PartName,
    #[command(flatten)]
    place: Place,
}

pub fn list(place: &Place) -> Result<ExitCode, CliError> {
    let mut text = String::new();
    for version in versions::list(&place.models).map_err(failed)? {
        let state = if version.live { "live" } else { "kept" };
        text.push_str(&format!("{:<14}{:<20}{state}\n", version.part.to_string(), version.version));
        for (name, value) in &version.metrics {
            text.push_str(&format!("    {name:<52}{value:>8.3}\n"));
        }
    }
    lines::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

pub fn promote(config: &Config, promotion: &Promotion) -> Result<ExitCode, CliError> {
    // What cannot be loaded is not put in place.
    let config = with_models(config, &promotion.source);
    let base = parts::base(&config)?;
    match promotion.part {
        PartName::Conversation => drop(parts::moderator(&config, &base)?),
        PartName::Inquiries => drop(parts::inquiry_model(&config, &base)?),
    }
    let models = &promotion.place.models;
    let change = versions::promote(models, &promotion.source, promotion.part.into(), chrono::Utc::now());
    report(&change.map_err(failed)?)
}

pub fn roll_back(rollback: &Rollback) -> Result<ExitCode, CliError> {
    let change = versions::roll_back(&rollback.place.models, rollback.part.into(), chrono::Utc::now());
    report(&change.map_err(failed)?)
}

pub(super) fn report(change: &Change) -> Result<ExitCode, CliError> {
    lines::print(&format!(
        "{}: {} is live, {} is kept; restart the workers to take it up\n",
        change.part, change.to, change.from
    ))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn failed(error: VersionError) -> CliError {
    match error {
        VersionError::Live { .. } | VersionError::NoEarlier { .. } => CliError::Failed(error.to_string()),
        other => CliError::Usage(other.to_string()),
    }
}
