//! Agents and whether they are there; the verdict on a message.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use chrono::Utc;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask::{Sent, id, unknown};
use super::openapi::{Operation, schema};
use super::problem::{Kind, Problem};
use super::views::{Agent, List};
use crate::access::{Permission, Principal};
use crate::console::masking;
use crate::console::state::Desk;
use crate::contract::{AgentId, MessageId};
use crate::store::StoredVerdict;

pub(in crate::console) const AGENTS: Operation = Operation {
    id: "listAgents",
    tag: "Agents",
    summary: "Every agent, with what they can do and have in hand",
    answer: schema::<List<Agent>>,
    ..Operation::READ
};

pub(in crate::console) const AGENT: Operation = Operation {
    id: "getAgent",
    tag: "Agents",
    summary: "One agent",
    key: Some(schema::<AgentId>),
    answer: schema::<Agent>,
    ..Operation::READ
};

pub(in crate::console) const SET_AGENT: Operation = Operation {
    id: "updateAgent",
    tag: "Agents",
    summary: "Say whether an agent is there to take inquiries",
    description: "One's own agent, or, for who supervises, any.",
    key: Some(schema::<AgentId>),
    body: Some(schema::<Presence>),
    answer: schema::<Agent>,
    ..Operation::READ
};

pub(in crate::console) const VERDICT: Operation = Operation {
    id: "getVerdict",
    tag: "Messages",
    summary: "The verdict on a message",
    description: "Without the words that were found, unless the token has `read_text`.",
    key: Some(schema::<MessageId>),
    answer: schema::<StoredVerdict>,
    ..Operation::READ
};

/// Whether the agent is there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Presence {
    available: bool,
}

pub(in crate::console) async fn agents(State(desk): State<Desk>) -> Result<Json<List<Agent>>, Problem> {
    let items = desk.store.agents().await?.into_iter().map(Agent::from).collect();
    Ok(Json(List { items, next: None }))
}

pub(in crate::console) async fn agent(
    State(desk): State<Desk>,
    path: Result<Path<AgentId>, PathRejection>,
) -> Result<Json<Agent>, Problem> {
    one(&desk, &id(path)?).await
}

pub(in crate::console) async fn set_agent(
    State(desk): State<Desk>,
    principal: Principal,
    path: Result<Path<AgentId>, PathRejection>,
    Sent(Presence { available }): Sent<Presence>,
) -> Result<Json<Agent>, Problem> {
    let id = id(path)?;
    if principal.agent_id.as_ref() != Some(&id) && !principal.may(Permission::Supervise) {
        return Err(Kind::Forbidden.because("Only who supervises says this of somebody else."));
    }
    match desk.store.set_available(&id, available, &principal.actor(), Utc::now()).await? {
        Some(_) => one(&desk, &id).await,
        None => Err(unknown()),
    }
}

async fn one(desk: &Desk, id: &AgentId) -> Result<Json<Agent>, Problem> {
    let agent = desk.store.agents().await?.into_iter().find(|agent| agent.agent_id == *id);
    Ok(Json(agent.ok_or_else(unknown)?.into()))
}

pub(in crate::console) async fn verdict(
    State(desk): State<Desk>,
    principal: Principal,
    path: Result<Path<MessageId>, PathRejection>,
) -> Result<Json<StoredVerdict>, Problem> {
    let mut verdict = desk.store.verdict(&id(path)?).await?.ok_or_else(unknown)?;
    if !masking::reads(&principal) {
        masking::labels(&mut verdict.labels);
    }
    Ok(Json(verdict))
}
