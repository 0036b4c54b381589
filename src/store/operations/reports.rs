//! What workers tell of themselves.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value as Json;

use super::types::*;
use crate::store::StoreError;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Value};
use crate::store::prepare;
use crate::store::rows::Reader;

pub(super) async fn report<B: Books>(books: &B, report: &WorkerReport) -> Result<(), StoreError> {
    let json = |value: Result<Json, serde_json::Error>| {
        value.map_err(|_| StoreError::Unexpected("a worker's report is not JSON".into()))
    };
    let models = json(serde_json::to_value(&report.models))?;
    let queues = json(serde_json::to_value(&report.queues))?;
    let values = [
        Value::Text(&report.worker_id),
        Value::Text(&report.name),
        Value::Text(report.state.as_str()),
        Value::Text(&report.program),
        Value::Text(&report.rules_version),
        Value::Json(&models),
        Value::Json(&queues),
        Value::Time(report.started_at),
        Value::Time(report.at),
        Value::Number(report.every.num_milliseconds().max(1)),
    ];
    books.act(include_str!("../sql/operations/report.sql"), &values).await.map(drop)
}

pub(super) async fn add_minutes<B: Books>(
    books: &B,
    worker_id: &str,
    minutes: &[Minute],
) -> Result<(), StoreError> {
    for Minute { minute, queue, throughput } in minutes {
        let mut values = vec![Value::Time(*minute), Value::Text(queue.as_str()), Value::Text(worker_id)];
        let Throughput { decided, duplicates, dead_lettered, requeued, alerts, waits } = throughput;
        let counts = [decided, duplicates, dead_lettered, requeued, alerts].into_iter().chain(&waits.counts);
        values.extend(counts.map(|count| Value::Number(i64::try_from(*count).unwrap_or(i64::MAX))));
        // No transaction: each row is written once, and a caller may give up waiting in between.
        books.act(include_str!("../sql/operations/add_minute.sql"), &values).await?;
    }
    Ok(())
}

pub(super) async fn purge<B: Books>(books: &B, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let minutes = books.act("delete from worker_minutes where minute < $1", &[Value::Time(before)]).await?;
    let workers = books.act("delete from workers where last_seen_at < $1", &[Value::Time(before)]).await?;
    Ok(minutes + workers)
}

pub(super) async fn workers<B: Books>(books: &B, limit: u32) -> Result<Vec<WorkerReport>, StoreError> {
    let values = [Value::Number(i64::from(limit))];
    let rows = books.list(include_str!("../sql/operations/workers.sql"), &values).await?;
    rows.iter().map(|row| worker(&books.place(), row)).collect()
}

fn worker(reader: &Reader<'_>, row: &impl Fields) -> Result<WorkerReport, StoreError> {
    let state = reader.get(row.text("state"))?;
    Ok(WorkerReport {
        worker_id: reader.get(row.text("worker_id"))?,
        name: reader.get(row.text("name"))?,
        state: WorkerState::ALL.into_iter().find(|one| one.as_str() == state).ok_or(unreadable("state"))?,
        program: reader.get(row.text("program"))?,
        rules_version: reader.get(row.text("rules_version"))?,
        models: reader.get(row.json("models"))?,
        queues: reader.get(row.json("queues"))?,
        started_at: reader.get(row.time("started_at"))?,
        at: reader.get(row.time("last_seen_at"))?,
        every: TimeDelta::milliseconds(reader.get(row.int("every_ms"))?),
    })
}

pub(super) async fn throughput<B: Books>(
    books: &B,
    period: Range<DateTime<Utc>>,
) -> Result<Vec<Minute>, StoreError> {
    let values = [Value::Time(period.start), Value::Time(period.end)];
    let rows = books.list(include_str!("../sql/operations/minutes.sql"), &values).await?;
    rows.iter().map(|row| minute(&books.place(), row)).collect()
}

fn minute(reader: &Reader<'_>, row: &impl Fields) -> Result<Minute, StoreError> {
    let counts = ["within_1s", "within_5s", "within_30s", "within_2m", "within_10m", "later"];
    let mut waits = Waits::default();
    for (place, column) in waits.counts.iter_mut().zip(counts) {
        *place = reader.number(row, column)?;
    }
    Ok(Minute {
        minute: reader.get(row.time("minute"))?,
        queue: prepare::inbound(&reader.get(row.text("queue"))?).ok_or(unreadable("queue"))?,
        throughput: Throughput {
            decided: reader.number(row, "decided")?,
            duplicates: reader.number(row, "duplicates")?,
            dead_lettered: reader.number(row, "dead_lettered")?,
            requeued: reader.number(row, "requeued")?,
            alerts: reader.number(row, "alerts")?,
            waits,
        },
    })
}

pub(super) async fn outbox_lag<B: Books>(books: &B, most: u32) -> Result<OutboxLag, StoreError> {
    let values = [Value::Number(i64::from(most))];
    let rows = books.list(include_str!("../sql/operations/outbox_lag.sql"), &values).await?;
    let Some(row) = rows.first() else { return Ok(OutboxLag::default()) };
    let reader = books.place();
    Ok(OutboxLag {
        waiting: reader.number(row, "waiting")?,
        oldest_at: reader.get(row.time_or_null("oldest_at"))?,
    })
}
