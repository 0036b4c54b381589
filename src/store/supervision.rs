//! What a supervisor does: give an inquiry to somebody, or say what it needs. By the same compare-and-set as everybody else.

use chrono::{DateTime, Utc};

use super::StoreError;
use super::change::{Change, DirectAssignment, Ending, Lost};
use super::handover::told;
use super::ledger::{Books, Ledger, Value};
use super::reason;
use super::reservations::{End, Stands, ended, live, locked, stand};
use super::types::InquiryStatus;
use crate::access::AuditEntry;
use crate::contract::{AgentId, InquiryId, Skill};
use crate::routing::MEAN_OPEN_SECONDS;

pub(super) async fn assign<B: Books>(
    books: &B,
    order: &DirectAssignment,
    line: Option<&AuditEntry>,
) -> Result<Change, StoreError> {
    let (inquiry, agent) = (&order.inquiry_id, &order.agent_id);
    let mut ledger = books.begin_ledger().await?;
    let Some(standing) = locked(&mut ledger, inquiry).await? else {
        return Ok(Change::Lost(Lost::Unknown));
    };
    if standing.status == InquiryStatus::Resolved || standing.generation != order.generation {
        return Ok(Change::Lost(Lost::Gone));
    }
    if let Some(held) = live(&mut ledger, inquiry).await? {
        // The only change that touches two agents.
        let both = [Value::Text(held.agent_id.as_str()), Value::Text(agent.as_str())];
        ledger.write(B::Ledger::LOCK_AGENTS, &both).await?;
        let end = End { ending: Ending::Withdrawn, right_skill: None, by: &order.by, at: order.at };
        if !ended(&mut ledger, inquiry, &held, &end).await? {
            return Ok(Change::Lost(Lost::Gone));
        }
    }
    // Who says anew what it needs asks anew.
    let asked_from = order.skill.map(|_| standing.generation);
    let values = [
        Value::Text(agent.as_str()),
        Value::TextOrNull(None),
        Value::Text(standing.language.as_str()),
        Value::Time(order.at),
        Value::Float(MEAN_OPEN_SECONDS),
        Value::Text(inquiry.as_str()),
        Value::Truth(true),
        Value::NumberOrNull(asked_from.map(i64::from)),
    ];
    // What ends above comes back if nobody takes the place: nothing is committed.
    let Some(row) = ledger.row(B::Ledger::TAKE_AGENT, &values).await? else {
        return Ok(Change::Lost(why_not(&mut ledger, agent, inquiry).await?));
    };
    let likeliest = || standing.skills.first().map(|entry| entry.skill);
    let skill = order.skill.or(standing.corrected).or_else(likeliest).unwrap_or(Skill::Other);
    let taken = ledger.reader().taken(skill, &row)?;
    let generation = standing.generation + 1;
    let values = [
        Value::Text(inquiry.as_str()),
        Value::Text(agent.as_str()),
        Value::Text(skill.as_str()),
        Value::Time(order.at),
        Value::Number(i64::from(generation)),
        Value::TimeOrNull(None),
    ];
    ledger.write(include_str!("sql/insert_assignment.sql"), &values).await?;
    let stands = Stands {
        status: InquiryStatus::Assigned,
        agent: Some(agent.clone()),
        corrected: order.skill,
        asked_from,
        generation,
        expires_at: None,
        reason: reason::directly_assigned(&order.by, &taken),
        at: order.at,
    };
    stand(&mut ledger, inquiry, &standing, stands).await?;
    told(&mut ledger, line).await?;
    // The old holder has a place free.
    ledger.commit_and_wake().await?;
    Ok(Change::Done)
}

async fn why_not<L: Ledger>(
    ledger: &mut L,
    agent: &AgentId,
    inquiry: &InquiryId,
) -> Result<Lost, StoreError> {
    let values = [Value::Text(agent.as_str()), Value::Text(inquiry.as_str())];
    let row = ledger.row(include_str!("sql/why_not.sql"), &values).await?;
    Ok(match row.map(|row| ledger.reader().is_full(&row)).transpose()? {
        None => Lost::Unknown,
        Some(true) => Lost::Full,
        Some(false) => Lost::NotAllowed,
    })
}

pub(super) async fn classify<B: Books>(
    books: &B,
    inquiry: &InquiryId,
    skill: Skill,
    generation: u32,
    by: &str,
    at: DateTime<Utc>,
    line: Option<&AuditEntry>,
) -> Result<Change, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let Some(standing) = locked(&mut ledger, inquiry).await? else {
        return Ok(Change::Lost(Lost::Unknown));
    };
    let open = matches!(standing.status, InquiryStatus::Triage | InquiryStatus::Waiting);
    if !open || standing.generation != generation {
        return Ok(Change::Lost(Lost::Gone));
    }
    let stands = Stands {
        status: InquiryStatus::Waiting,
        agent: None,
        corrected: Some(skill),
        // Who passed it on did so for another need.
        asked_from: Some(generation + 1),
        // Who decided on what the model said, or on what another supervisor said, is refused from now on.
        generation: generation + 1,
        expires_at: None,
        reason: reason::classified(by, skill),
        at,
    };
    stand(&mut ledger, inquiry, &standing, stands).await?;
    told(&mut ledger, line).await?;
    ledger.commit_and_wake().await?;
    Ok(Change::Done)
}
