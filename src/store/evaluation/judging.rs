//! Who judges which message of a sample: each change is one transaction that locks the message and writes only for who has it.

use chrono::{DateTime, TimeDelta, Utc};

use super::types::*;
use crate::access::{Act, Actor, AuditEntry, Subject};
use crate::contract::{MessageId, Policy, Ruling};
use crate::store::StoreError;
use crate::store::accounts::trail;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::review::Claim;
use crate::store::rows::Reader;

const SAMPLED: &str = include_str!("../sql/evaluation/sampled.sql");
const OPEN: &str =
    "exists (select 1 from audit_samples s where s.sample_id = a.sample_id and s.closed_at is null)";
/// Messages that wait are counted up to here.
const COUNTED: i64 = 10_000;

/// Which message the reviewer has, if any; `$1` is their log-in.
fn own() -> String {
    format!(
        "where a.claimed_by = $1 and a.ruling is null and {OPEN}\norder by a.sample_id, a.position\nlimit 1"
    )
}

/// The first message that nobody has; `$1` is the time.
pub fn free() -> String {
    format!(
        "where a.ruling is null and (a.claimed_until is null or a.claimed_until <= $1) and {OPEN}\norder by a.sample_id, a.position\nlimit 1"
    )
}

pub(super) async fn claim<B: Books>(
    books: &B,
    by: &str,
    lease: TimeDelta,
    at: DateTime<Utc>,
) -> Result<Option<(i64, u32)>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let found = match first(&mut ledger, own(), Value::Text(by)).await? {
        Some(own) => Some(own),
        None => first(&mut ledger, free(), Value::Time(at)).await?,
    };
    let Some(sampled) = found else { return Ok(None) };
    // A claim of one's own is renewed and keeps its generation: the page that is open stays good.
    let own = sampled.claim.as_ref().is_some_and(|claim| claim.by == by);
    let generation = sampled.generation + u32::from(!own);
    write_claim(&mut ledger, &sampled, Some((by, at + lease)), generation).await?;
    ledger.commit().await?;
    Ok(Some((sampled.sample_id, sampled.position)))
}

pub(super) async fn release<B: Books>(books: &B, by: &str) -> Result<bool, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let released = release_all(&mut ledger, by).await?;
    ledger.commit().await?;
    Ok(released > 0)
}

async fn release_all<L: Ledger>(ledger: &mut L, by: &str) -> Result<u64, StoreError> {
    let sql = "update audit_messages set claimed_by = null, claimed_until = null where claimed_by = $1 and ruling is null";
    ledger.write(sql, &[Value::Text(by)]).await
}

pub(super) async fn standing_of<B: Books>(
    books: &B,
    by: &str,
) -> Result<(Option<(i64, u32)>, u64), StoreError> {
    let rows = books.list_built(format!("{SAMPLED}{}", own()), &[Value::Text(by)]).await?;
    let own = rows.first().map(|row| sampled(&books.place(), row)).transpose()?;
    drop(rows);
    let waiting = include_str!("../sql/evaluation/waiting.sql");
    let rows = books.list(waiting, &[Value::Number(COUNTED)]).await?;
    let count = rows.first().map(|row| books.place().number(row, "count")).transpose()?;
    Ok((own.map(|own| (own.sample_id, own.position)), count.unwrap_or(0)))
}

pub(super) async fn file<B: Books>(
    books: &B,
    sample: i64,
    position: u32,
    before: u32,
) -> Result<Option<SampledFile>, StoreError> {
    let values = [Value::Number(sample), Value::Number(i64::from(position))];
    let sql = format!("{SAMPLED}where a.sample_id = $1 and a.position = $2");
    let rows = books.list_built(sql, &values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let sampled = sampled(&books.place(), row)?;
    drop(rows);
    // The message itself is among them; one more tells whether there is more.
    let values = [Value::Text(sampled.message_id.as_str()), Value::Number(i64::from(before) + 2)];
    let rows = books.list(include_str!("../sql/review/said_before.sql"), &values).await?;
    let most = before as usize + 1;
    let said = rows.iter().take(most).rev().map(|row| books.place().said(row));
    let conversation = said.collect::<Result<_, _>>()?;
    Ok(Some(SampledFile { sampled, conversation, more_before: rows.len() > most }))
}

pub(super) async fn judge<B: Books>(
    books: &B,
    judging: &Judging,
) -> Result<Result<(), NotJudged>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let values = [Value::Number(judging.sample_id), Value::Number(i64::from(judging.position))];
    let sql = format!("{SAMPLED}where a.sample_id = $1 and a.position = $2{}", B::Ledger::LOCKED);
    let rows = ledger.rows(sql, &values).await?;
    let Some(row) = rows.first() else { return Ok(Err(NotJudged::Unknown)) };
    let sampled = sampled(&ledger.reader(), row)?;
    drop(rows);
    // A claim that is over counts as long as nobody else has taken the message.
    let held = sampled.judged.is_none()
        && sampled.generation == judging.generation
        && sampled.claim.as_ref().is_some_and(|claim| claim.by == judging.by.name);
    if !held || !is_open(&mut ledger, judging.sample_id).await? {
        return Ok(Err(NotJudged::Gone));
    }
    let policy = judging.policy.as_ref().filter(|_| judging.ruling == Ruling::Violation);
    let ruled = Some((judging.ruling, policy, judging.by.name.as_str(), judging.at));
    write_judgement(&mut ledger, &sampled, ruled, None).await?;
    let mut entry = audit(&judging.by, Act::SampleJudged, &sampled, judging.at)
        .with("ruling", judging.ruling.as_str())
        .with("message", sampled.message_id.as_str());
    if let Some(policy) = policy {
        entry = entry.with("policy", policy.as_str());
    }
    trail::write(&mut ledger, &entry).await?;
    ledger.commit().await?;
    Ok(Ok(()))
}

pub(super) async fn undo<B: Books>(
    books: &B,
    by: &Actor,
    since: DateTime<Utc>,
    lease: TimeDelta,
    at: DateTime<Utc>,
) -> Result<Result<(), NotJudged>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let last = format!(
        "{SAMPLED}where a.decided_by = $1 and a.decided_at >= $2 and a.ruling is not null and {OPEN}\norder by a.decided_at desc\nlimit 1{}",
        B::Ledger::LOCKED
    );
    let rows = ledger.rows(last, &[Value::Text(&by.name), Value::Time(since)]).await?;
    let Some(row) = rows.first() else { return Ok(Err(NotJudged::NothingToUndo)) };
    let sampled = sampled(&ledger.reader(), row)?;
    drop(rows);
    // What was opened meanwhile is for others again: one message at a time.
    release_all(&mut ledger, &by.name).await?;
    write_judgement(&mut ledger, &sampled, None, Some((&by.name, at + lease))).await?;
    trail::write(&mut ledger, &audit(by, Act::SampleJudgementUndone, &sampled, at)).await?;
    ledger.commit().await?;
    Ok(Ok(()))
}

fn audit(by: &Actor, act: Act, sampled: &Sampled, at: DateTime<Utc>) -> AuditEntry {
    let subject = Subject::new("sample", format_args!("{}.{}", sampled.sample_id, sampled.position));
    AuditEntry::new(by.clone(), act, subject, at)
}

/// Keeps the sample from being closed until the end of the transaction.
async fn is_open<L: Ledger>(ledger: &mut L, sample: i64) -> Result<bool, StoreError> {
    let sql = format!(
        "select a.sample_id from audit_samples a where a.sample_id = $1 and a.closed_at is null{}",
        L::LOCKED
    );
    Ok(!ledger.rows(sql, &[Value::Number(sample)]).await?.is_empty())
}

async fn first<L: Ledger>(
    ledger: &mut L,
    which: String,
    value: Value<'_>,
) -> Result<Option<Sampled>, StoreError> {
    let rows = ledger.rows(format!("{SAMPLED}{which}{}", L::UNLOCKED_ONLY), &[value]).await?;
    rows.first().map(|row| sampled(&ledger.reader(), row)).transpose()
}

async fn write_claim<L: Ledger>(
    ledger: &mut L,
    sampled: &Sampled,
    claim: Option<(&str, DateTime<Utc>)>,
    generation: u32,
) -> Result<(), StoreError> {
    let values = [
        Value::Number(sampled.sample_id),
        Value::Number(i64::from(sampled.position)),
        Value::TextOrNull(claim.map(|(by, _)| by)),
        Value::TimeOrNull(claim.map(|(_, until)| until)),
        Value::Number(i64::from(generation)),
    ];
    ledger.write(include_str!("../sql/evaluation/claim_sampled.sql"), &values).await?;
    Ok(())
}

async fn write_judgement<L: Ledger>(
    ledger: &mut L,
    sampled: &Sampled,
    judged: Option<(Ruling, Option<&Policy>, &str, DateTime<Utc>)>,
    claim: Option<(&str, DateTime<Utc>)>,
) -> Result<(), StoreError> {
    let values = [
        Value::Number(sampled.sample_id),
        Value::Number(i64::from(sampled.position)),
        Value::TextOrNull(judged.map(|(ruling, ..)| ruling.as_str())),
        Value::TextOrNull(judged.and_then(|(_, policy, ..)| policy).map(Policy::as_str)),
        Value::TextOrNull(judged.map(|(_, _, by, _)| by)),
        Value::TimeOrNull(judged.map(|(.., at)| at)),
        Value::TextOrNull(claim.map(|(by, _)| by)),
        Value::TimeOrNull(claim.map(|(_, until)| until)),
        Value::Number(i64::from(sampled.generation) + 1),
    ];
    ledger.write(include_str!("../sql/evaluation/judge.sql"), &values).await?;
    Ok(())
}

fn sampled(reader: &Reader<'_>, row: &impl Fields) -> Result<Sampled, StoreError> {
    let generation = reader.number(row, "generation")?;
    let claimed_by = reader.get(row.text_or_null("claimed_by"))?;
    let until = reader.get(row.time_or_null("claimed_until"))?;
    let judged = match reader.ruling(row)? {
        Some(ruling) => Some(Judged {
            ruling,
            policy: reader.get(row.text_or_null("ruled_policy"))?.map(Policy::new),
            by: reader.get(row.text("decided_by"))?,
            at: reader.get(row.time("decided_at"))?,
        }),
        None => None,
    };
    Ok(Sampled {
        sample_id: reader.get(row.int("sample_id"))?,
        position: reader.number(row, "position")?,
        message_id: reader.id(row, "message_id", MessageId::new)?,
        generation,
        claim: claimed_by.zip(until).map(|(by, until)| Claim { by, until, generation }),
        judged,
    })
}
