//! What the command line calls: `rules check`, `test`, `explain`, `coverage`, `attack`, `benign`, `diff`, `bench`. Each
//! function takes paths and options, writes for people or machines, and says how the process should end.

mod attack;
mod base;
mod bench;
mod benign;
mod check;
mod corpus;
mod coverage;
mod diff;
mod explain;
mod report;
mod snippet;
mod test;

use std::io::{self, Write};
use std::path::PathBuf;

use super::pack::RulePack;

pub use attack::{AttackOptions, STABLE_RECALL, attack};
pub use bench::{BenchOptions, bench};
pub use benign::{BenignOptions, MAX_ALERTS_PER_THOUSAND, benign};
pub use check::check;
pub(super) use check::missing_fixtures;
pub use coverage::coverage;
pub use diff::{DiffOptions, diff};
pub use explain::{ExplainOptions, explain, single_message};
pub use test::{TestOptions, test};

/// How a command writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Pretty,
    Json,
    Junit,
    /// Workflow commands that a GitHub run shows beside the lines.
    Github,
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "pretty" => Ok(Format::Pretty),
            "json" => Ok(Format::Json),
            "junit" => Ok(Format::Junit),
            "github" => Ok(Format::Github),
            _ => Err(format!("unknown format `{name}`: expected one of pretty, json, junit, github")),
        }
    }
}

/// How the process should end; the numbers are those of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Fine = 0,
    /// It ran and found failures.
    Failures = 1,
    /// Wrong usage or damaged files.
    Usage = 2,
}

/// Where the pack and its fixtures stand, and how to write.
#[derive(Debug, Clone)]
pub struct Options {
    pub rules: PathBuf,
    pub fixtures: PathBuf,
    pub format: Format,
}

impl Default for Options {
    fn default() -> Self {
        Self { rules: "rules".into(), fixtures: "fixtures/rules".into(), format: Format::Pretty }
    }
}

impl Options {
    /// Refuses the formats that only lists of cases have.
    fn only_pretty_or_json(&self, command: &str) -> Result<(), CommandError> {
        match self.format {
            Format::Pretty | Format::Json => Ok(()),
            _ => Err(CommandError::Usage(format!("`{command}` writes --format pretty or json"))),
        }
    }
}

fn write_json(value: &serde_json::Value, out: &mut dyn Write) -> Result<(), CommandError> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;
    Ok(())
}

/// A rule that was asked for by a name that the pack does not have.
fn unknown_rule(pack: &RulePack, rule: &str) -> CommandError {
    let meant = super::diagnostic::nearest(rule, pack.rules().map(|known| known.id.as_str()));
    let hint = meant.map(|id| format!("; did you mean `{id}`?")).unwrap_or_default();
    CommandError::Usage(format!("no rule is called `{rule}`{hint}"))
}

/// What a command cannot do anything about. Its class tells the command line the exit code.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Wrong usage: what was given, and what was expected.
    #[error("{0}")]
    Usage(String),
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Dictionary(#[from] crate::text::DictionaryError),
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}
