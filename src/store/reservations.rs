//! The life of an assignment after the router made it: reserved → accepted → ended, or reserved → ended.
//!
//! Every change is one transaction that locks the inquiry first and agents after it, in the order of their ids, so no two can wait for
//! each other. It writes only if the assignment is still the one that the caller means (inquiry, agent, generation), and in the same
//! transaction it counts the agent's places, says where the inquiry stands, and puts the event into the outbox.

use chrono::{DateTime, TimeDelta, Utc};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::StoreError;
use super::change::{Change, Ending, Lost};
use super::handover::told;
use super::ledger::{Books, Ledger, Value};
use super::prepare;
use super::reason;
use super::standing::{Held, Listed, Standing};
use super::types::InquiryStatus;
use crate::access::AuditEntry;
use crate::contract::{AgentId, Assignment, InquiryId, Skill, SkillProbability};
use crate::routing::{Hours, MEAN_OPEN_SECONDS};

/// Who ends what nobody accepted.
const ROUTER: &str = "router";

/// The distribution that counts: the model's, unless a person said what is needed.
pub(super) fn effective(skills: &[SkillProbability], corrected: Option<Skill>) -> Vec<SkillProbability> {
    match corrected {
        Some(skill) => vec![SkillProbability::certain(skill)],
        None => skills.to_vec(),
    }
}

pub(super) async fn accept<B: Books>(
    books: &B,
    inquiry: &InquiryId,
    agent: &AgentId,
    generation: u32,
    at: DateTime<Utc>,
    line: Option<&AuditEntry>,
) -> Result<Change, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let held = match claimed(&mut ledger, inquiry, agent, Some(generation), at).await? {
        Ok((_, held)) => held,
        Err(lost) => return Ok(Change::Lost(lost)),
    };
    if held.accepted {
        return Ok(Change::Done);
    }
    let values = [
        Value::Text(inquiry.as_str()),
        Value::Text(agent.as_str()),
        Value::Number(i64::from(generation)),
        Value::Time(at),
    ];
    if ledger.write(include_str!("sql/accept_assignment.sql"), &values).await? == 0 {
        return Ok(Change::Lost(Lost::Gone));
    }
    told(&mut ledger, line).await?;
    ledger.commit().await?;
    Ok(Change::Done)
}

pub(super) async fn reject<B: Books>(
    books: &B,
    inquiry: &InquiryId,
    agent: &AgentId,
    generation: u32,
    right_skill: Option<Skill>,
    at: DateTime<Utc>,
    line: Option<&AuditEntry>,
) -> Result<Change, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let (standing, held) = match claimed(&mut ledger, inquiry, agent, Some(generation), at).await? {
        Ok(claimed) => claimed,
        Err(lost) => return Ok(Change::Lost(lost)),
    };
    let end = End { ending: Ending::Rejected, right_skill, by: agent.as_str(), at };
    if !ended(&mut ledger, inquiry, &held, &end).await? {
        return Ok(Change::Lost(Lost::Gone));
    }
    let corrected = right_skill.filter(|skill| *skill != held.skill);
    let stands = Stands {
        status: InquiryStatus::Waiting,
        agent: None,
        corrected,
        asked_from: None,
        generation,
        expires_at: None,
        reason: reason::rejected(agent, corrected),
        at,
    };
    stand(&mut ledger, inquiry, &standing, stands).await?;
    told(&mut ledger, line).await?;
    ledger.commit_and_wake().await?;
    Ok(Change::Done)
}

pub(super) async fn resolve<B: Books>(
    books: &B,
    inquiry: &InquiryId,
    agent: &AgentId,
    generation: Option<u32>,
    at: DateTime<Utc>,
    line: Option<&AuditEntry>,
) -> Result<Change, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let held = match claimed(&mut ledger, inquiry, agent, generation, at).await? {
        Ok((_, held)) => held,
        Err(lost) => return Ok(Change::Lost(lost)),
    };
    let end = End { ending: Ending::Resolved, right_skill: None, by: agent.as_str(), at };
    if !ended(&mut ledger, inquiry, &held, &end).await? {
        return Ok(Change::Lost(Lost::Gone));
    }
    let values = [Value::Text(inquiry.as_str()), Value::Time(at)];
    ledger.write(include_str!("sql/desk/resolve.sql"), &values).await?;
    told(&mut ledger, line).await?;
    ledger.commit_and_wake().await?;
    Ok(Change::Done)
}

/// Why an assignment goes back to the queue without its agent's doing.
#[derive(Debug, Clone, Copy)]
enum Cause<'a> {
    RanOut,
    /// The agent is away since this time or longer.
    Away(DateTime<Utc>),
    /// The agent's shift was over at this time or earlier.
    OffShift(DateTime<Utc>),
    TakenBack(&'a str),
}

/// How many offers ran out and went back to the queue.
pub(super) async fn expire<B: Books>(books: &B, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let values = [Value::Time(now), Value::Number(i64::from(limit))];
    let rows = books.list(include_str!("sql/expired.sql"), &values).await?;
    give_back(books, listed(books, &rows)?, Cause::RanOut, now).await
}

/// How many untouched offers went back to the queue.
pub(super) async fn return_untouched<B: Books>(
    books: &B,
    away_before: DateTime<Utc>,
    limit: u32,
    at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let values = [Value::Time(away_before), Value::Number(i64::from(limit))];
    let rows = books.list(include_str!("sql/untouched.sql"), &values).await?;
    give_back(books, listed(books, &rows)?, Cause::Away(away_before), at).await
}

/// How much of what lay untouched at the end of a shift went back to the queue.
pub(super) async fn return_off_shift<B: Books>(
    books: &B,
    grace: TimeDelta,
    limit: u32,
    at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let rows = books.list(include_str!("sql/off_shift.sql"), &[]).await?;
    let (reader, before) = (books.place(), at - grace);
    let on_hours = rows.iter().map(|row| reader.on_hours(row)).collect::<Result<Vec<_>, _>>()?;
    let left = on_hours.into_iter().filter(|one| one.left_behind(before, at)).map(|one| one.listed);
    let left: Vec<Listed> = left.take(limit as usize).collect();
    give_back(books, left, Cause::OffShift(before), at).await
}

/// How much of what the agent held went back to the queue.
pub(super) async fn withdraw<B: Books>(
    books: &B,
    agent: &AgentId,
    by: &str,
    at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let rows = books.list(include_str!("sql/held_by.sql"), &[Value::Text(agent.as_str())]).await?;
    give_back(books, listed(books, &rows)?, Cause::TakenBack(by), at).await
}

fn listed<B: Books>(books: &B, rows: &[<B::Ledger as Ledger>::Row]) -> Result<Vec<Listed>, StoreError> {
    rows.iter().map(|row| books.place().listed(row)).collect()
}

/// One transaction for each, several at once: a sweep that ends half-way has done its half. Sweeps of several workers begin at different
/// places, and pass over what another one has just in hand.
async fn give_back<B: Books>(
    books: &B,
    mut listed: Vec<Listed>,
    cause: Cause<'_>,
    at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let from = rand::random_range(0..=listed.len());
    listed.rotate_left(from);
    let all = listed.into_iter().map(|one| give_one_back(books, one, cause, at));
    let mut under_way = stream::iter(all).buffer_unordered(B::AT_ONCE);
    let mut count = 0;
    while let Some(gone) = under_way.try_next().await? {
        count += u64::from(gone);
    }
    Ok(count)
}

async fn give_one_back<B: Books>(
    books: &B,
    one: Listed,
    cause: Cause<'_>,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let id = [Value::Text(one.inquiry_id.as_str())];
    let standing = match cause {
        Cause::TakenBack(_) => locked(&mut ledger, &one.inquiry_id).await?,
        // Whoever has it locked changes it; what they leave to be done, the next sweep does.
        Cause::RanOut | Cause::Away(_) | Cause::OffShift(_) => {
            let row = ledger.row(B::Ledger::LOCK_INQUIRY_IF_FREE, &id).await?;
            row.map(|row| ledger.reader().standing(&row)).transpose()?
        }
    };
    let Some(standing) = standing else { return Ok(false) };
    let held = live(&mut ledger, &one.inquiry_id).await?;
    let same = |held: &Held| held.agent_id == one.agent_id && held.generation == one.generation;
    let Some(held) = held.filter(same) else { return Ok(false) };
    let (ending, by, reason) = match cause {
        Cause::RanOut if held.ran_out(at) => (Ending::Expired, ROUTER, reason::expired(&held.agent_id)),
        Cause::Away(since) if !held.accepted && away(&mut ledger, &held.agent_id, since).await? => {
            (Ending::Returned, ROUTER, reason::returned(&held.agent_id))
        }
        Cause::OffShift(before)
            if !held.accepted && off_shift(&mut ledger, &held.agent_id, before, at).await? =>
        {
            (Ending::Returned, ROUTER, reason::off_shift(&held.agent_id))
        }
        Cause::TakenBack(by) => (Ending::Withdrawn, by, reason::withdrawn(&held.agent_id, by)),
        Cause::RanOut | Cause::Away(_) | Cause::OffShift(_) => return Ok(false),
    };
    if !ended(&mut ledger, &one.inquiry_id, &held, &End { ending, right_skill: None, by, at }).await? {
        return Ok(false);
    }
    let stands = Stands {
        status: InquiryStatus::Waiting,
        agent: None,
        corrected: None,
        asked_from: None,
        generation: standing.generation,
        expires_at: None,
        reason,
        at,
    };
    stand(&mut ledger, &one.inquiry_id, &standing, stands).await?;
    ledger.commit_and_wake().await?;
    Ok(true)
}

async fn away<L: Ledger>(ledger: &mut L, agent: &AgentId, since: DateTime<Utc>) -> Result<bool, StoreError> {
    let values = [Value::Text(agent.as_str()), Value::Time(since)];
    Ok(ledger.row(L::STILL_AWAY, &values).await?.is_some())
}

async fn off_shift<L: Ledger>(
    ledger: &mut L,
    agent: &AgentId,
    before: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let Some(row) = ledger.row(L::HOURS_OF, &[Value::Text(agent.as_str())]).await? else { return Ok(false) };
    let hours: Option<Hours> = ledger.reader().hours(&row)?;
    Ok(hours.and_then(|hours| hours.off_since(at)).is_some_and(|end| end <= before))
}

/// Locks the inquiry; none if there is no such.
pub(super) async fn locked<L: Ledger>(
    ledger: &mut L,
    inquiry: &InquiryId,
) -> Result<Option<Standing>, StoreError> {
    let row = ledger.row(L::LOCK_INQUIRY, &[Value::Text(inquiry.as_str())]).await?;
    row.map(|row| ledger.reader().standing(&row)).transpose()
}

/// Read after the lock: a statement that had waited for it would see the assignment as it was before.
pub(super) async fn live<L: Ledger>(ledger: &mut L, inquiry: &InquiryId) -> Result<Option<Held>, StoreError> {
    let row = ledger.row(include_str!("sql/live_assignment.sql"), &[Value::Text(inquiry.as_str())]).await?;
    row.map(|row| ledger.reader().held(&row)).transpose()
}

/// The assignment that an agent claims to hold, or why they do not.
pub(super) async fn claimed<L: Ledger>(
    ledger: &mut L,
    inquiry: &InquiryId,
    agent: &AgentId,
    generation: Option<u32>,
    at: DateTime<Utc>,
) -> Result<Result<(Standing, Held), Lost>, StoreError> {
    let Some(standing) = locked(ledger, inquiry).await? else { return Ok(Err(Lost::Unknown)) };
    let meant = |held: &Held| {
        held.agent_id == *agent && generation.is_none_or(|generation| generation == held.generation)
    };
    Ok(match live(ledger, inquiry).await?.filter(meant) {
        Some(held) if held.ran_out(at) => Err(Lost::Expired),
        Some(held) => Ok((standing, held)),
        None => {
            let values = [Value::Text(inquiry.as_str()), Value::Text(agent.as_str())];
            let row = ledger.row(include_str!("sql/latest_outcome.sql"), &values).await?;
            let ending = row.map(|row| ledger.reader().ending(&row)).transpose()?;
            Err(if ending == Some(Ending::Expired) { Lost::Expired } else { Lost::Gone })
        }
    })
}

/// How an assignment ends.
pub(super) struct End<'a> {
    pub ending: Ending,
    pub right_skill: Option<Skill>,
    pub by: &'a str,
    pub at: DateTime<Utc>,
}

/// Ends an assignment and counts the agent's place back. `false` if it has ended before.
pub(super) async fn ended<L: Ledger>(
    ledger: &mut L,
    inquiry: &InquiryId,
    held: &Held,
    end: &End<'_>,
) -> Result<bool, StoreError> {
    let values = [
        Value::Text(inquiry.as_str()),
        Value::Text(held.agent_id.as_str()),
        Value::Number(i64::from(held.generation)),
        Value::Time(end.at),
        Value::Text(end.ending.as_str()),
        Value::TextOrNull(end.right_skill.map(Skill::as_str)),
        Value::Text(end.by),
    ];
    if ledger.write(include_str!("sql/end_assignment.sql"), &values).await? == 0 {
        return Ok(false);
    }
    let places = [
        Value::Text(held.agent_id.as_str()),
        Value::Text(inquiry.as_str()),
        Value::Time(end.at),
        Value::Float(MEAN_OPEN_SECONDS),
    ];
    ledger.write(L::FREE_AGENT, &places).await?;
    Ok(true)
}

/// Where an inquiry stands from now on.
pub(super) struct Stands {
    pub status: InquiryStatus,
    pub agent: Option<AgentId>,
    /// What a person has just said that it needs.
    pub corrected: Option<Skill>,
    /// What ended up to this generation excludes nobody any more; none if that is as before.
    pub asked_from: Option<u32>,
    pub generation: u32,
    pub expires_at: Option<DateTime<Utc>>,
    pub reason: String,
    pub at: DateTime<Utc>,
}

/// Writes where the inquiry stands, and tells it.
pub(super) async fn stand<L: Ledger>(
    ledger: &mut L,
    inquiry: &InquiryId,
    before: &Standing,
    now: Stands,
) -> Result<(), StoreError> {
    let values = [
        Value::Text(inquiry.as_str()),
        Value::Text(now.status.as_str()),
        Value::Text(&now.reason),
        Value::TextOrNull(now.corrected.map(Skill::as_str)),
        Value::Number(i64::from(now.generation)),
        Value::Time(now.at),
        Value::NumberOrNull(now.asked_from.map(i64::from)),
    ];
    ledger.write(include_str!("sql/move_inquiry.sql"), &values).await?;
    let assignment = Assignment {
        inquiry_id: inquiry.clone(),
        language: before.language,
        skills: effective(&before.skills, now.corrected.or(before.corrected)),
        agent_id: now.agent,
        reason: now.reason,
        decided_at: now.at,
        generation: Some(now.generation),
        expires_at: now.expires_at,
    };
    ledger.tell(prepare::assignment_event(&assignment, now.status, now.generation)?).await
}
