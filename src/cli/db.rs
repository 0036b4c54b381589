//! `mimamori db migrate|seed`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use super::error::CliError;
use crate::config::{Config, locate};
use crate::store::AgentProfile;

/// The invented agents that come with the repository.
pub const DEMO_AGENTS: &str = "fixtures/demo/agents.json";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring the schema to the version of this program
    Migrate,
    /// Add agents from a JSON file, or replace those with the same id
    Seed {
        /// JSON array of agents; without it the invented ones of the repository
        #[arg(value_name = "FILE")]
        agents: Option<PathBuf>,
    },
}

pub async fn run(config: Config, arguments: Arguments) -> Result<ExitCode, CliError> {
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    match arguments.command {
        Command::Migrate => {
            store.migrate().await?;
            eprintln!("the schema is up to date");
        }
        Command::Seed { agents } => {
            let agents = read_agents(agents.as_deref())?;
            store.upsert_agents(&agents).await?;
            eprintln!("{} agents added or replaced", agents.len());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads agents from a file, or the invented ones.
pub fn read_agents(file: Option<&Path>) -> Result<Vec<AgentProfile>, CliError> {
    let file = match file {
        Some(file) => file.to_path_buf(),
        None => locate(Path::new(DEMO_AGENTS), "file of agents", "the argument FILE")?,
    };
    let fail = |error: String| CliError::Usage(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(&file).map_err(|error| fail(error.to_string()))?;
    let agents: Vec<AgentProfile> = serde_json::from_str(&text)
        .map_err(|error| fail(format!("expected a JSON array of agents: {error}")))?;
    for agent in &agents {
        if let Some((skill, proficiency)) = agent.skills.iter().find(|(_, level)| !(1..=5).contains(*level)) {
            return Err(fail(format!(
                "agent `{}`, skill `{skill}`: expected a proficiency from 1 to 5, found {proficiency}",
                agent.agent_id
            )));
        }
    }
    Ok(agents)
}
