//! `mimamori route [FILE]`: inquiries in, assignments out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::Utc;

use super::db::read_agents;
use super::error::CliError;
use super::lines::{BadLine, Line, Output, next_batch, read};
use super::parts;
use crate::config::Config;
use crate::contract::{Assignment, Inquiry, Limits, decode_inquiry};
use crate::model::classifier::InquiryModel;
use crate::routing::{AgentSnapshot, Proposal, RoutingPolicy, choose};
use crate::store::{RoutingDecision, RoutingOutcome, Store};
use crate::worker::{Predicted, predict};

const BATCH: usize = 256;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// JSON lines; standard input without it
    file: Option<PathBuf>,
    /// Only the skill distribution: needs no agents and no database
    #[arg(long)]
    predict_only: bool,
    /// Assign among the agents of this JSON file, in memory, instead of those of the configured database
    #[arg(long, value_name = "FILE", conflicts_with = "predict_only")]
    agents: Option<PathBuf>,
}

/// Where an inquiry goes.
enum Desk {
    PredictOnly,
    InMemory(Vec<AgentSnapshot>),
    Database(Arc<dyn Store>),
}

pub async fn run(config: Config, arguments: Arguments) -> Result<ExitCode, CliError> {
    let input = read(arguments.file.as_deref())?;
    let mut desk = match (arguments.predict_only, &arguments.agents) {
        (true, _) => Desk::PredictOnly,
        (false, Some(file)) => {
            Desk::InMemory(read_agents(Some(file))?.into_iter().map(AgentSnapshot::from).collect())
        }
        (false, None) => {
            let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
            store.ping().await?;
            Desk::Database(store)
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
        let (decoded, inquiries) = decode(&batch, limits);
        let mut predicted =
            tokio::task::block_in_place(|| predict(&model as &InquiryModel, inquiries)).into_iter();
        for line in decoded {
            if let Some(bad) = line {
                bad_lines += 1;
                output.write(&bad)?;
                continue;
            }
            let one = predicted.next().ok_or_else(|| CliError::Bug("an inquiry has no prediction".into()))?;
            output.write(&assign(&mut desk, one, policy).await?)?;
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

/// For every line its error, if any; and the good ones.
fn decode(batch: &[Line], limits: Limits) -> (Vec<Option<BadLine>>, Vec<Inquiry>) {
    let mut good = Vec::new();
    let lines = batch
        .iter()
        .map(|(number, line)| match decode_inquiry(line, limits) {
            Ok(inquiry) => {
                good.push(inquiry);
                None
            }
            Err(rejection) => Some(BadLine { error: rejection.to_string(), line: *number }),
        })
        .collect();
    (lines, good)
}

async fn assign(desk: &mut Desk, one: Predicted, policy: RoutingPolicy) -> Result<Assignment, CliError> {
    let open = |one: &Predicted, reason: String| Assignment {
        inquiry_id: one.inquiry.inquiry_id.clone(),
        language: one.language,
        skills: one.skills.clone(),
        agent_id: None,
        reason,
        decided_at: Utc::now(),
    };
    match desk {
        Desk::PredictOnly => {
            let abstains = one.skills.first().is_none_or(|best| best.probability < policy.confidence_floor);
            let reason = if abstains {
                "prediction only; below the confidence floor: triage"
            } else {
                "prediction only"
            };
            Ok(open(&one, reason.to_owned()))
        }
        Desk::InMemory(agents) => {
            let proposal = choose(&one.skills, one.language, agents, policy);
            let mut assignment = open(&one, reason(&proposal));
            if let Proposal::Offer { candidates, .. } = &proposal
                && let Some(agent) = agents.iter_mut().find(|agent| agent.agent_id == candidates[0].agent_id)
            {
                agent.open += 1;
                agent.last_assigned_at = Some(assignment.decided_at);
                assignment.agent_id = Some(agent.agent_id.clone());
            }
            Ok(assignment)
        }
        Desk::Database(store) => {
            let agents = store.agents().await?;
            let proposal = choose(&one.skills, one.language, &agents, policy);
            let fallback = open(&one, "this inquiry was decided before".to_owned());
            let decision = RoutingDecision {
                inquiry: one.inquiry,
                language: one.language,
                skills: one.skills,
                proposal,
                model_version: one.model_version,
                at: Utc::now(),
            };
            Ok(match store.commit_routing(&decision).await? {
                RoutingOutcome::Decided(assignment) => assignment,
                RoutingOutcome::AlreadyDecided => fallback,
            })
        }
    }
}

fn reason(proposal: &Proposal) -> String {
    match proposal {
        Proposal::Offer { skill, candidates } => {
            format!(
                "{skill}: least loaded of {} free agents with the skill and the language",
                candidates.len()
            )
        }
        Proposal::Wait { skill } => format!("{skill}: nobody with the skill and the language is free"),
        Proposal::Triage => "below the confidence floor: triage".to_owned(),
    }
}
