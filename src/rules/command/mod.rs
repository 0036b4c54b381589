//! What the command line calls: `rules check`, `test`, `explain`, `coverage`. Each function takes paths and options, writes
//! for people or machines, and says how the process should end.

mod check;
mod coverage;
mod explain;
mod report;
mod test;

use std::io;
use std::path::PathBuf;

pub use check::check;
pub(super) use check::missing_fixtures;
pub use coverage::coverage;
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

/// What a command cannot do anything about. Its class tells the command line the exit code.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    Dictionary(#[from] crate::text::DictionaryError),
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}
