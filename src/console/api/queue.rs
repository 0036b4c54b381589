//! Who has an inquiry, changed as the pages change it. Agents act as the agent that the account is linked to, supervisors as themselves.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::Utc;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask::{Sent, id, unknown};
use super::conditions::{IfMatch, stale};
use super::openapi::{Condition, Operation, schema};
use super::problem::{Holder, Kind, Problem};
use super::tagged;
use super::views::InquiryStanding;
use crate::access::{AuditEntry, Principal, Sight};
use crate::console::handover::{Deed, line};
use crate::console::state::Desk;
use crate::contract::{AgentId, InquiryId, Skill};
use crate::store::{Change, DirectAssignment, Handover, InquiryListing, InquiryRow, InquiryStatus, Lost};

/// Every write on one inquiry.
const ACT: Operation = Operation {
    tag: "Inquiries",
    key: Some(schema::<InquiryId>),
    answer: schema::<InquiryStanding>,
    tagged: true,
    condition: Condition::Required,
    refused: &[409],
    ..Operation::WRITE
};

pub(in crate::console) const ACCEPT: Operation = Operation {
    id: "acceptInquiry",
    summary: "Take what is offered to one's agent",
    description: "409 when the offer is over or somebody else has it.",
    ..ACT
};

pub(in crate::console) const REJECT: Operation = Operation {
    id: "rejectInquiry",
    summary: "Pass on what one's agent has, accepted or not",
    description: "It waits again, and comes back to the agent only if who supervises says anew what it needs. With another skill than was asked for, it counts as wrongly \
                  allocated and is routed by that skill from then on.",
    body: Some(schema::<Rejection>),
    ..ACT
};

pub(in crate::console) const RESOLVE: Operation =
    Operation { id: "resolveInquiry", summary: "End what one's agent has", ..ACT };

pub(in crate::console) const CLASSIFY: Operation = Operation {
    id: "classifyInquiry",
    summary: "Say what an inquiry needs that waits or is in triage",
    body: Some(schema::<Classification>),
    ..ACT
};

pub(in crate::console) const ASSIGN: Operation = Operation {
    id: "assignInquiry",
    summary: "Give an inquiry to an agent, whoever has it",
    body: Some(schema::<Recipient>),
    ..ACT
};

/// What it really needs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Rejection {
    /// Left out or null if no skill fits, or the agent cannot do it now.
    right_skill: Option<Skill>,
}

/// What it needs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Classification {
    skill: Skill,
}

/// Who gets it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Recipient {
    agent_id: AgentId,
}

type Id = Result<Path<InquiryId>, PathRejection>;
type Answer = Result<Response, Problem>;

pub(in crate::console) async fn accept(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
) -> Answer {
    let (id, generation) = (id(path)?, condition.required()?);
    let agent = own_agent(&principal)?;
    let step = Handover::Accept { inquiry: &id, agent, generation, at: Utc::now() };
    taken(&desk, &principal, &id, generation, step, line(&principal, &id, Deed::Accepted, None)).await
}

pub(in crate::console) async fn reject(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
    Sent(Rejection { right_skill }): Sent<Rejection>,
) -> Answer {
    let (id, generation) = (id(path)?, condition.required()?);
    let agent = own_agent(&principal)?;
    let step = Handover::Reject { inquiry: &id, agent, generation, right_skill, at: Utc::now() };
    let detail = right_skill.map(|skill| ("right_skill", skill.to_string()));
    taken(&desk, &principal, &id, generation, step, line(&principal, &id, Deed::PassedOn, detail)).await
}

pub(in crate::console) async fn resolve(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
) -> Answer {
    let (id, generation) = (id(path)?, condition.required()?);
    let agent = own_agent(&principal)?;
    let step = Handover::Resolve { inquiry: &id, agent, generation: Some(generation), at: Utc::now() };
    taken(&desk, &principal, &id, generation, step, line(&principal, &id, Deed::Resolved, None)).await
}

pub(in crate::console) async fn classify(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
    Sent(Classification { skill }): Sent<Classification>,
) -> Answer {
    let (id, generation) = (id(path)?, condition.required()?);
    let by = principal.supervisor();
    let step = Handover::Classify { inquiry: &id, skill, generation, by: &by, at: Utc::now() };
    let detail = Some(("skill", skill.to_string()));
    taken(&desk, &principal, &id, generation, step, line(&principal, &id, Deed::Classified, detail)).await
}

pub(in crate::console) async fn assign(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
    Sent(Recipient { agent_id }): Sent<Recipient>,
) -> Answer {
    let (id, generation) = (id(path)?, condition.required()?);
    let by = principal.supervisor();
    let order =
        DirectAssignment { inquiry_id: id.clone(), agent_id, skill: None, generation, by, at: Utc::now() };
    let detail = Some(("agent_id", order.agent_id.to_string()));
    let line = line(&principal, &id, Deed::Assigned, detail);
    taken(&desk, &principal, &id, generation, Handover::Assign(&order), line).await
}

fn own_agent(principal: &Principal) -> Result<&AgentId, Problem> {
    let none = || Kind::Forbidden.because("The token's account is linked to no agent.");
    principal.agent_id.as_ref().ok_or_else(none)
}

/// Takes the step, with its line in the audit trail: the inquiry as it stands after it, or why nothing changed.
async fn taken(
    desk: &Desk,
    principal: &Principal,
    id: &InquiryId,
    generation: u32,
    step: Handover<'_>,
    line: AuditEntry,
) -> Answer {
    match desk.store.hand_over(step, Some(&line)).await? {
        Change::Done => {
            let rows = desk.store.inquiry_list(&InquiryListing::one(id), &Sight::All).await?;
            let standing: InquiryStanding = rows.into_iter().next().ok_or_else(unknown)?.into();
            Ok(tagged(standing.generation, &standing))
        }
        Change::Lost(lost) => {
            // Who does not see the inquiry is not told who has it.
            let rows = desk.store.inquiry_list(&InquiryListing::one(id), &principal.sight()).await?;
            Err(why(lost, rows.into_iter().next(), principal, generation))
        }
    }
}

fn why(lost: Lost, seen: Option<InquiryRow>, principal: &Principal, generation: u32) -> Problem {
    let conflict = |detail: &str| Kind::Conflict.because(detail);
    let problem = match lost {
        Lost::Unknown => return unknown(),
        Lost::Expired => conflict("The time to accept the offer is over."),
        Lost::Full => conflict("The agent has as many inquiries in hand as they work on at once."),
        Lost::NotAllowed => {
            conflict("The agent is away, does not speak the language, or rejected the inquiry before.")
        }
        Lost::Gone => match &seen {
            Some(row) if row.generation != generation => stale(),
            _ => conflict("It is with somebody else, waits, or is finished."),
        },
    };
    let Some(row) = seen else { return problem };
    let held =
        |agent: &AgentId| row.status == InquiryStatus::Assigned && principal.agent_id.as_ref() != Some(agent);
    let until = row.expires_at.filter(|_| row.accepted_at.is_none());
    let holder = row.agent_id.as_ref().filter(|agent| held(agent));
    let holder = holder.map(|agent| Holder { name: agent.to_string(), until });
    problem.held_by(holder).now_at(row.generation)
}
