//! Every way in which a command can fail, and the exit code of each.

use std::process::ExitCode;

use crate::config::ConfigError;
use crate::error::{Class, Classified};
use crate::model::classifier::ModelError;
use crate::queue::QueueError;
use crate::rules::Diagnostic;
use crate::store::StoreError;
use crate::worker::WorkerError;

#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Damaged rule files.
    #[error("the rule pack is not usable:\n{}\nrun `mimamori rules check` for details", list(.0))]
    Rules(Vec<Diagnostic>),
    #[error("{0}")]
    Usage(String),
    /// It ran, and something in its input or output was wrong.
    #[error("{0}")]
    Failed(String),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Worker(#[from] WorkerError),
    #[error("this is a bug: {0}")]
    Bug(String),
}

fn list(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl CliError {
    pub fn exit_code(&self) -> ExitCode {
        let of_class = |class: Class| match class {
            Class::Transient => 3,
            Class::Permanent => 2,
            Class::Bug => 101,
        };
        ExitCode::from(match self {
            CliError::Config(_) | CliError::Model(_) | CliError::Rules(_) | CliError::Usage(_) => 2,
            CliError::Failed(_) => 1,
            CliError::Queue(error) => of_class(error.class()),
            CliError::Store(error) => of_class(error.class()),
            CliError::Worker(error) => of_class(error.class()),
            CliError::Bug(_) => 101,
        })
    }
}
