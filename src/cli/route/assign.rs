//! `mimamori route assign`: a supervisor gives an inquiry to an agent.

use std::process::ExitCode;

use chrono::Utc;

use crate::access::{Act, Actor, AuditEntry, Subject};
use crate::cli::error::CliError;
use crate::config::Config;
use crate::contract::{AgentId, InquiryId, Skill};
use crate::store::{Change, DirectAssignment, Lost};

/// The command line knows no names of people.
const BY: &str = "supervisor:command line";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The inquiry's id
    #[arg(long, value_name = "ID")]
    inquiry: String,
    /// The agent's id: available, with a free place, of the customer's language, and not one who rejected it
    #[arg(long, value_name = "ID")]
    agent: String,
    /// The generation of the inquiry that was looked at, as the last event about it names it: 0 if nobody has had it. If somebody was
    /// faster, nothing is changed
    #[arg(long, value_name = "NUMBER")]
    generation: u32,
    /// What the inquiry needs, if not what was said so far: whoever rejected it for that may be asked again
    #[arg(long, value_name = "SKILL")]
    skill: Option<Skill>,
}

pub async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, CliError> {
    let id = |key: &str, error: String| CliError::Usage(format!("--{key}: {error}"));
    let order = DirectAssignment {
        inquiry_id: InquiryId::new(arguments.inquiry.as_str())
            .map_err(|error| id("inquiry", error.to_string()))?,
        agent_id: AgentId::new(arguments.agent.as_str()).map_err(|error| id("agent", error.to_string()))?,
        skill: arguments.skill,
        generation: arguments.generation,
        by: BY.to_owned(),
        at: Utc::now(),
    };
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    match store.assign(&order).await? {
        Change::Done => {
            let subject = Subject::new("inquiry", &order.inquiry_id);
            let entry = AuditEntry::new(Actor::program(), Act::InquiryAssigned, subject, order.at);
            store.record(&entry.with("agent_id", order.agent_id.as_str())).await?;
            eprintln!("{} is with {} now", order.inquiry_id, order.agent_id);
            Ok(ExitCode::SUCCESS)
        }
        Change::Lost(lost) => {
            eprintln!("mimamori: nothing was changed: {}", why(lost));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn why(lost: Lost) -> &'static str {
    match lost {
        Lost::Gone | Lost::Expired => {
            "the inquiry is finished, or of another generation by now; look at it again"
        }
        Lost::Full => "the agent has no free place; choose another one, or raise their capacity",
        Lost::NotAllowed => {
            "the agent is away, does not speak the customer's language, or rejected the inquiry before"
        }
        Lost::Unknown => "there is no such inquiry or agent",
    }
}
