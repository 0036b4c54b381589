//! `mimamori route [FILE]`: inquiries in, assignments out.

mod assign;
mod corrections;
mod replay;
mod simulate;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::db::read_agents;
use super::error::CliError;
use super::lines::{BadLine, Line, Output, next_batch, read};
use super::parts;
use crate::access::{Act, Actor, AuditEntry, Subject};
use crate::config::Config;
use crate::contract::{
    AgentId, Assignment, Inquiry, Limits, TransactionId, UserId, check_channel, decode_inquiry,
};
use crate::model::classifier::InquiryModel;
use crate::routing::{AgentSnapshot, Decided, Policy, Preferred, Proposal, decide};
use crate::store::{RoutingOutcome, Store};
use crate::worker::{Predicted, is_flagged, predict};

const BATCH: usize = 256;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// JSON lines; standard input without it
    file: Option<PathBuf>,
    /// Only the skill distribution: needs no agents and no database
    #[arg(long)]
    predict_only: bool,
    /// Assign among the agents of this JSON file, in memory, instead of those of the configured database
    #[arg(long, value_name = "FILE", conflicts_with = "predict_only")]
    agents: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Take the decisions of a past period again under other settings, and print what differs
    Replay(replay::Arguments),
    /// Play days of arrivals against a policy and the baseline, on the same seeds
    Simulate(simulate::Arguments),
    /// Give back to the queue everything that an agent holds, for others: they get it again only if nobody else is left
    Withdraw {
        /// The agent's id
        #[arg(long, value_name = "ID")]
        agent: String,
    },
    /// Give an inquiry that waits, is in triage or is with somebody to an agent, as a supervisor
    Assign(assign::Arguments),
    /// Inquiries whose need a person told, in the corpus' format (JSON lines), to train on
    Corrections(corrections::Arguments),
}

/// Where an inquiry goes.
enum Desk {
    PredictOnly,
    InMemory(Vec<AgentSnapshot>),
    Database { store: Arc<dyn Store>, offer: Option<TimeDelta>, returning: TimeDelta },
}

pub async fn run(config: Config, arguments: Arguments) -> Result<ExitCode, CliError> {
    match &arguments.command {
        Some(Command::Replay(arguments)) => return replay::run(&config, arguments).await,
        Some(Command::Simulate(arguments)) => {
            return tokio::task::block_in_place(|| simulate::run(&config, arguments));
        }
        Some(Command::Assign(arguments)) => return assign::run(&config, arguments).await,
        Some(Command::Withdraw { agent }) => return withdraw(&config, agent).await,
        Some(Command::Corrections(arguments)) => return corrections::run(&config, arguments).await,
        None => {}
    }
    let input = read(arguments.file.as_deref())?;
    let mut desk = match (arguments.predict_only, &arguments.agents) {
        (true, _) => Desk::PredictOnly,
        (false, Some(file)) => {
            Desk::InMemory(read_agents(Some(file))?.into_iter().map(AgentSnapshot::from).collect())
        }
        (false, None) => {
            let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
            store.ping().await?;
            Desk::Database { store, offer: config.routing.offer(), returning: config.routing.returning() }
        }
    };
    let model = tokio::task::block_in_place(|| {
        parts::start_threads(&config)?;
        parts::inquiry_model(&config, &parts::base(&config)?)
    })?;
    let policy = parts::routing_policy(&config, &model);
    let limits = Limits::from(&config.limits);

    let mut output = Output::new();
    let mut bad_lines = 0;
    loop {
        let batch = tokio::task::block_in_place(|| next_batch(&input, BATCH))?;
        if batch.is_empty() {
            break;
        }
        let (decoded, inquiries) = decode(&batch, limits, &policy);
        let predicted = tokio::task::block_in_place(|| predict(&model as &InquiryModel, inquiries));
        let predicted = predicted.into_iter().map(|one| one.weighed(&policy)).collect();
        let mut assigned = desk.assign(predicted, &policy).await?.into_iter();
        for line in decoded {
            if let Some(bad) = line {
                bad_lines += 1;
                output.write(&bad)?;
                continue;
            }
            let one = assigned.next().ok_or_else(|| CliError::Bug("an inquiry has no answer".into()))?;
            output.write(&one)?;
        }
        output.flush()?;
    }
    if bad_lines > 0 {
        eprintln!(
            "mimamori: {bad_lines} lines could not be read; each has an {{\"error\":…}} line in the output"
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn withdraw(config: &Config, agent: &str) -> Result<ExitCode, CliError> {
    let agent = AgentId::new(agent).map_err(|error| CliError::Usage(format!("--agent: {error}")))?;
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    let at = Utc::now();
    let count = store.withdraw_agent(&agent, "bulk", at).await?;
    let entry = AuditEntry::new(Actor::program(), Act::InquiriesWithdrawn, Subject::new("agent", &agent), at);
    store.record(&entry.with("inquiries", count)).await?;
    eprintln!("{count} inquiries went back to the queue");
    Ok(ExitCode::SUCCESS)
}

/// For every line its error, if any; and the good ones.
fn decode(batch: &[Line], limits: Limits, policy: &Policy) -> (Vec<Option<BadLine>>, Vec<Inquiry>) {
    let mut good = Vec::new();
    let lines = batch
        .iter()
        .map(|(number, line)| {
            match decode_inquiry(line, limits)
                .and_then(|inquiry| check_channel(inquiry, &policy.channel_weights))
            {
                Ok(inquiry) => {
                    good.push(inquiry);
                    None
                }
                Err(rejection) => Some(BadLine { error: rejection.to_string(), line: *number }),
            }
        })
        .collect();
    (lines, good)
}

impl Desk {
    /// One answer for each inquiry, in their order; those of one batch are matched with the agents together.
    async fn assign(
        &mut self,
        predicted: Vec<Predicted>,
        policy: &Policy,
    ) -> Result<Vec<Assignment>, CliError> {
        let now = Utc::now();
        match self {
            Desk::PredictOnly => Ok(predicted.into_iter().map(|one| prediction(one, policy, now)).collect()),
            Desk::InMemory(agents) => {
                let decided = matched(&predicted, agents, policy, &BTreeSet::new(), &BTreeMap::new(), now);
                let taken = |(one, decided): (Predicted, Decided)| {
                    let mut assignment = open(one, reason(&decided), now);
                    if let Some(agent) = agents
                        .iter_mut()
                        .find(|agent| Some(&agent.agent_id) == decided.explanation.chosen.as_ref())
                    {
                        agent.take(decided.explanation.weight, now);
                        assignment.agent_id = Some(agent.agent_id.clone());
                    }
                    assignment
                };
                Ok(predicted.into_iter().zip(decided).map(taken).collect())
            }
            Desk::Database { store, offer, returning } => {
                let agents = store.agents().await?;
                let transactions: Vec<TransactionId> =
                    predicted.iter().filter_map(|one| one.inquiry.transaction_id.clone()).collect();
                let alerted = store.alerted_transactions(&transactions).await?;
                let customers: Vec<UserId> =
                    predicted.iter().map(|one| one.inquiry.customer_id.clone()).collect();
                let preferred = store.preferred_agents(&customers, now - *returning).await?;
                let decided = matched(&predicted, &agents, policy, &alerted, &preferred, now);
                let mut assignments = Vec::new();
                for (one, decided) in predicted.into_iter().zip(decided) {
                    let known = open(one.clone(), "this inquiry was decided before".to_owned(), now);
                    assignments.push(match store.commit_routing(&one.with(decided, *offer, now)).await? {
                        RoutingOutcome::Decided(assignment) => assignment,
                        RoutingOutcome::AlreadyDecided => known,
                    });
                }
                Ok(assignments)
            }
        }
    }
}

fn matched(
    predicted: &[Predicted],
    agents: &[AgentSnapshot],
    policy: &Policy,
    alerted: &BTreeSet<TransactionId>,
    preferred: &BTreeMap<UserId, Preferred>,
    now: DateTime<Utc>,
) -> Vec<Decided> {
    let case = |one: &Predicted| {
        one.case(is_flagged(&one.inquiry, alerted), preferred.get(&one.inquiry.customer_id).cloned())
    };
    let cases: Vec<_> = predicted.iter().map(case).collect();
    decide(&cases, agents, policy, now)
}

fn open(one: Predicted, reason: String, now: DateTime<Utc>) -> Assignment {
    Assignment {
        inquiry_id: one.inquiry.inquiry_id,
        language: one.language,
        skills: one.skills,
        agent_id: None,
        reason,
        decided_at: now,
        generation: None,
        expires_at: None,
    }
}

fn prediction(one: Predicted, policy: &Policy, now: DateTime<Utc>) -> Assignment {
    let abstains = one.skills.first().is_none_or(|best| best.probability < policy.confidence_floor);
    let reason =
        if abstains { "prediction only; below the confidence floor: triage" } else { "prediction only" };
    open(one, reason.to_owned(), now)
}

fn reason(decided: &Decided) -> String {
    let explanation = &decided.explanation;
    match &decided.proposal {
        Proposal::Offer { skill, candidates } => {
            let chosen = explanation.candidates.iter().find(|one| one.agent_id == candidates[0].agent_id);
            let wrong = chosen.map_or(1.0, |chosen| chosen.wrong);
            format!(
                "{skill}: the best placed of {} who may take it (wrong with {:.0}%, step {})",
                explanation.allowed,
                wrong * 100.0,
                explanation.step
            )
        }
        Proposal::Wait { skill } => format!("{skill}: nobody who may take it is free"),
        Proposal::Triage => "below the confidence floor: triage".to_owned(),
    }
}
