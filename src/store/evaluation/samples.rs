//! Samples as they were drawn, and how far they are judged.

use chrono::{DateTime, Utc};

use super::types::*;
use crate::access::{Act, Actor, AuditEntry, Subject};
use crate::contract::Policy;
use crate::store::StoreError;
use crate::store::accounts::trail;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::rows::Reader;

const SAMPLES: &str = include_str!("../sql/evaluation/samples.sql");
/// Missed violations that are read.
const MISSED: i64 = 100;

pub(super) async fn add<B: Books>(books: &B, sample: &NewSample) -> Result<i64, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let strata =
        serde_json::to_value(&sample.strata).map_err(|error| StoreError::Unexpected(error.to_string()))?;
    let count = |count: u64| Value::Number(i64::try_from(count).unwrap_or(i64::MAX));
    let values = [
        Value::Time(sample.at),
        Value::Text(&sample.by.name),
        Value::Time(sample.period.start),
        Value::Time(sample.period.end),
        Value::Number(i64::from(sample.seed)),
        count(sample.numbers),
        count(sample.asked),
        count(sample.pool),
        Value::Json(&strata),
    ];
    let row = ledger.row(include_str!("../sql/evaluation/add_sample.sql"), &values).await?;
    let row = row.ok_or_else(|| StoreError::Unexpected("a sample without a number".into()))?;
    let sample_id = ledger.reader().get(row.int("sample_id"))?;
    drop(row);
    for (position, (message, stratum)) in (1_i64..).zip(&sample.messages) {
        let values = [
            Value::Number(sample_id),
            Value::Number(position),
            Value::Text(message.as_str()),
            Value::Number(*stratum as i64),
        ];
        ledger.write(include_str!("../sql/evaluation/add_sampled.sql"), &values).await?;
    }
    let entry =
        AuditEntry::new(sample.by.clone(), Act::SampleDrawn, Subject::new("sample", sample_id), sample.at)
            .with("messages", sample.messages.len())
            .with("seed", sample.seed)
            .with("from", sample.period.start.to_rfc3339())
            .with("to", sample.period.end.to_rfc3339());
    trail::write(&mut ledger, &entry).await?;
    ledger.commit().await?;
    Ok(sample_id)
}

pub(super) async fn latest<B: Books>(books: &B, limit: u32) -> Result<Vec<Sample>, StoreError> {
    let sql = format!("{SAMPLES}order by s.sample_id desc\nlimit $1");
    let rows = books.list_built(sql, &[Value::Number(i64::from(limit))]).await?;
    rows.iter().map(|row| sample(&books.place(), row)).collect()
}

pub(super) async fn file<B: Books>(books: &B, id: i64) -> Result<Option<SampleFile>, StoreError> {
    let rows = books.list_built(format!("{SAMPLES}where s.sample_id = $1"), &[Value::Number(id)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let sample = sample(&books.place(), row)?;
    drop(rows);
    let reader = books.place();
    let rows = books.list(include_str!("../sql/evaluation/judgements.sql"), &[Value::Number(id)]).await?;
    let judgements = rows
        .iter()
        .map(|row| {
            Ok(Judgements {
                stratum: reader.number(row, "stratum")?,
                ruling: reader.name(row, "ruling")?,
                policy: reader.get(row.text_or_null("ruled_policy"))?.map(Policy::new),
                count: reader.number(row, "count")?,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    drop(rows);
    let values = [Value::Number(id), Value::Number(MISSED)];
    let rows = books.list(include_str!("../sql/evaluation/missed.sql"), &values).await?;
    let missed = rows
        .iter()
        .map(|row| {
            Ok(Missed {
                position: reader.number(row, "position")?,
                policy: Policy::new(reader.get(row.text("ruled_policy"))?),
                by: reader.get(row.text("decided_by"))?,
                at: reader.get(row.time("decided_at"))?,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    drop(rows);
    let values = [Value::Time(sample.period.start), Value::Time(sample.period.end)];
    let rows = books.list(include_str!("../sql/evaluation/found.sql"), &values).await?;
    let found = rows
        .iter()
        .map(|row| {
            Ok(Found {
                policy: Policy::new(reader.get(row.text("policy"))?),
                violations: reader.number(row, "violations")?,
                undecided: reader.number(row, "undecided")?,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Some(SampleFile { sample, judgements, missed, found }))
}

pub(super) async fn close<B: Books>(
    books: &B,
    id: i64,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let sql = "update audit_samples set closed_at = $2 where sample_id = $1 and closed_at is null";
    if ledger.write(sql, &[Value::Number(id), Value::Time(at)]).await? == 0 {
        return Ok(false);
    }
    let entry = AuditEntry::new(by.clone(), Act::SampleClosed, Subject::new("sample", id), at);
    trail::write(&mut ledger, &entry).await?;
    ledger.commit().await?;
    Ok(true)
}

fn sample(reader: &Reader<'_>, row: &impl Fields) -> Result<Sample, StoreError> {
    let strata: Vec<DrawnStratum> = reader.get(row.json("strata"))?;
    if strata.is_empty() {
        return Err(unreadable("strata"));
    }
    Ok(Sample {
        sample_id: reader.get(row.int("sample_id"))?,
        drawn_at: reader.get(row.time("drawn_at"))?,
        drawn_by: reader.get(row.text("drawn_by"))?,
        period: reader.get(row.time("from_at"))?..reader.get(row.time("to_at"))?,
        seed: reader.number(row, "seed")?,
        numbers: reader.number(row, "numbers")?,
        asked: reader.number(row, "asked")?,
        pool: reader.number(row, "pool")?,
        strata,
        closed_at: reader.get(row.time_or_null("closed_at"))?,
        size: reader.number(row, "size")?,
        judged: reader.number(row, "judged")?,
    })
}
