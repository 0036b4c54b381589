//! Who works on an alert.

use chrono::{DateTime, TimeDelta, Utc};

use super::read::chosen;
use super::rows::Standing;
use super::types::*;
use crate::contract::{AlertState, Policy};
use crate::store::StoreError;
use crate::store::ledger::{Books, Ledger, Value};

pub(super) const STANDING: &str = include_str!("../sql/review/standing.sql");
const CLAIM: &str = include_str!("../sql/review/claim.sql");

/// What a line of the trail tells beside alert, time, reviewer and generation.
#[derive(Debug, Default)]
pub(super) struct Told<'a> {
    pub act: &'static str,
    pub before: Option<AlertState>,
    pub batch: Option<&'a str>,
    pub ruling: Option<&'a str>,
    pub policy: Option<&'a Policy>,
    pub subtype: Option<&'a str>,
    pub note: Option<&'a str>,
}

pub(super) async fn claim<B: Books>(
    books: &B,
    alert: i64,
    by: &str,
    reach: Reach,
    lease: TimeDelta,
    at: DateTime<Utc>,
) -> Result<Result<Claim, Refused>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let Some(standing) = locked(&mut ledger, alert).await? else { return Ok(Err(Refused::Unknown)) };
    if !standing.is_within(reach) {
        return Ok(Err(Refused::Escalated));
    }
    let live = standing.claim.as_ref().filter(|claim| claim.until > at);
    if standing.state == AlertState::Decided || live.is_some_and(|claim| claim.by != by) {
        return Ok(Err(standing.refusal(by, at)));
    }
    let claim = take(&mut ledger, &standing, by, lease, at).await?;
    ledger.commit().await?;
    Ok(Ok(claim))
}

pub(super) async fn claim_next<B: Books>(
    books: &B,
    among: &Listing,
    by: &str,
    lease: TimeDelta,
    at: DateTime<Utc>,
) -> Result<Option<(i64, Claim)>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let (filter, order, mut values) = chosen(among);
    values.push(Value::Time(at));
    let free = format!("and (a.claimed_until is null or a.claimed_until <= ${})", values.len());
    let sql = format!("{STANDING}{filter}\n{free}\n{order}\nlimit 1{}", B::Ledger::UNLOCKED_ONLY);
    let rows = ledger.rows(sql, &values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let standing = ledger.reader().alert_standing(row)?;
    drop(rows);
    let claim = take(&mut ledger, &standing, by, lease, at).await?;
    ledger.commit().await?;
    Ok(Some((standing.alert_id, claim)))
}

/// The alert is nobody else's: claims it, or renews what the reviewer has.
async fn take<L: Ledger>(
    ledger: &mut L,
    standing: &Standing,
    by: &str,
    lease: TimeDelta,
    at: DateTime<Utc>,
) -> Result<Claim, StoreError> {
    let own = standing.claim.as_ref().is_some_and(|claim| claim.by == by && claim.until > at);
    let generation = standing.generation + u32::from(!own);
    let claim = Claim { by: by.to_owned(), until: at + lease, generation };
    write_claim(ledger, standing.alert_id, Some((by, claim.until)), generation).await?;
    if !own {
        told(ledger, standing.alert_id, by, generation, at, Told { act: "claimed", ..Told::default() })
            .await?;
    }
    Ok(claim)
}

pub(super) async fn renew<B: Books>(
    books: &B,
    alert: i64,
    by: &str,
    reach: Reach,
    generation: u32,
    until: DateTime<Utc>,
) -> Result<Result<Claim, Refused>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let Some(standing) = locked(&mut ledger, alert).await? else { return Ok(Err(Refused::Unknown)) };
    if !standing.is_within(reach) {
        return Ok(Err(Refused::Escalated));
    }
    if !standing.is_held(by, generation) {
        // Any time will do: whoever else has it is who has it.
        return Ok(Err(standing.refusal(by, DateTime::UNIX_EPOCH)));
    }
    write_claim(&mut ledger, alert, Some((by, until)), generation).await?;
    ledger.commit().await?;
    Ok(Ok(Claim { by: by.to_owned(), until, generation }))
}

pub(super) async fn release<B: Books>(
    books: &B,
    alert: i64,
    by: &str,
    generation: u32,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let Some(standing) = locked(&mut ledger, alert).await? else { return Ok(false) };
    if !standing.is_held(by, generation) {
        return Ok(false);
    }
    // Whoever claims it next gets a generation of their own.
    write_claim(&mut ledger, alert, None, generation).await?;
    told(&mut ledger, alert, by, generation, at, Told { act: "released", ..Told::default() }).await?;
    ledger.commit().await?;
    Ok(true)
}

async fn write_claim<L: Ledger>(
    ledger: &mut L,
    alert: i64,
    claim: Option<(&str, DateTime<Utc>)>,
    generation: u32,
) -> Result<(), StoreError> {
    let values = [
        Value::Number(alert),
        Value::TextOrNull(claim.map(|(by, _)| by)),
        Value::TimeOrNull(claim.map(|(_, until)| until)),
        Value::Number(i64::from(generation)),
    ];
    ledger.write(CLAIM, &values).await?;
    Ok(())
}

/// Locks the alert; none if there is no such.
pub(super) async fn locked<L: Ledger>(ledger: &mut L, alert: i64) -> Result<Option<Standing>, StoreError> {
    let sql = format!("{STANDING}where a.alert_id = $1{}", L::LOCKED);
    let rows = ledger.rows(sql, &[Value::Number(alert)]).await?;
    rows.first().map(|row| ledger.reader().alert_standing(row)).transpose()
}

/// Adds a line to the alert's trail.
pub(super) async fn told<L: Ledger>(
    ledger: &mut L,
    alert: i64,
    by: &str,
    generation: u32,
    at: DateTime<Utc>,
    told: Told<'_>,
) -> Result<(), StoreError> {
    let values = [
        Value::Number(alert),
        Value::Time(at),
        Value::Text(by),
        Value::Text(told.act),
        Value::Number(i64::from(generation)),
        Value::TextOrNull(told.before.map(AlertState::as_str)),
        Value::TextOrNull(told.batch),
        Value::TextOrNull(told.ruling),
        Value::TextOrNull(told.policy.map(Policy::as_str)),
        Value::TextOrNull(told.subtype),
        Value::TextOrNull(told.note),
    ];
    ledger.write(include_str!("../sql/review/trail.sql"), &values).await?;
    Ok(())
}
