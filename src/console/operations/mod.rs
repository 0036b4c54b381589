//! `/operations`: what waits, how long things take, what goes through, and who works on it.

mod throughput;
mod workers;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};

use super::error::{ErrorPage, PageError};
use super::layout::{Frame, Moment, Room, grouped, percent, render};
use super::locale::Locale;
use super::words::Words;
use crate::queue::Inbound;
use crate::store::operations::{Minute, OutboxLag, Throughput, WorkerReport};
use crate::store::{Store, StoreError};
pub(super) use throughput::csv;
use throughput::{Asked, Shown};
use workers::WorkerRow;
pub(super) use workers::models as models_of;

/// Workers that are shown.
const WORKERS: u32 = 200;
/// Events that wait are counted up to here.
const EVENTS: u32 = 10_000;
/// An event that waits longer than this needs a look.
const OLD_EVENT: TimeDelta = TimeDelta::minutes(1);

#[derive(Template)]
#[template(path = "operations.html")]
struct View {
    frame: Frame,
    queues: Vec<QueueRow>,
    events: String,
    oldest: Option<String>,
    events_stuck: bool,
    there: usize,
    silent: usize,
    workers: Vec<WorkerRow>,
    differ: bool,
    lags: Vec<LagRow>,
    shown: Shown,
}

/// A queue as the worker that looked last saw it.
struct QueueRow {
    name: &'static str,
    ready: String,
    in_hand: String,
    dead: String,
    by: String,
    at: Moment,
    ago: String,
}

/// How long it took until something of a queue was decided.
struct LagRow {
    name: &'static str,
    decided: String,
    shares: Vec<String>,
}

/// What the page is made of.
struct Read {
    workers: Vec<WorkerReport>,
    minutes: Vec<Minute>,
    outbox: OutboxLag,
}

pub(super) async fn page(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    asked: Asked,
) -> Result<Response, ErrorPage> {
    let now = Utc::now();
    match read(&*store, asked, now).await {
        Ok(read) => Ok(render(StatusCode::OK, &view(read, asked, &locale, now))),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

async fn read(store: &dyn Store, asked: Asked, now: DateTime<Utc>) -> Result<Read, StoreError> {
    Ok(Read {
        workers: store.workers(WORKERS).await?,
        minutes: store.throughput(asked.since(now)..now).await?,
        outbox: store.outbox_lag(EVENTS).await?,
    })
}

fn view(read: Read, asked: Asked, locale: &Locale, now: DateTime<Utc>) -> View {
    let words = locale.words();
    let Read { workers, minutes, outbox } = read;
    let there = |one: &&WorkerReport| !one.state.is_over() && !one.is_silent(now);
    let age = outbox.oldest_at.map(|oldest| now - oldest);
    let events = grouped(outbox.waiting);
    View {
        frame: Frame::new(locale, Room::Operations, words.operating.title),
        queues: queues(&workers, words, now),
        events: if outbox.waiting >= u64::from(EVENTS) { (words.review.at_least)(&events) } else { events },
        oldest: age.map(|age| (words.operating.ago)(age.num_seconds())),
        events_stuck: age.is_some_and(|age| age > OLD_EVENT),
        there: workers.iter().filter(there).count(),
        silent: workers.iter().filter(|one| one.is_silent(now)).count(),
        differ: workers::differ(workers.iter().filter(there)),
        lags: lags(&minutes, words, now),
        shown: throughput::shown(&minutes, asked, words, now),
        workers: workers.into_iter().map(|one| workers::row(one, words, now)).collect(),
    }
}

/// Each queue as the last worker that saw it told: one that stopped or fell silent knows nothing of now.
fn queues(workers: &[WorkerReport], words: &Words, now: DateTime<Utc>) -> Vec<QueueRow> {
    let there = workers.iter().filter(|one| !one.state.is_over() && !one.is_silent(now));
    let last = |queue: Inbound| {
        let seen = there.clone().filter_map(|one| {
            let seen = one.queues.iter().find(|seen| seen.queue == queue)?;
            Some((one, *seen))
        });
        seen.max_by_key(|(one, _)| one.at)
    };
    let rows = Inbound::ALL.into_iter().filter_map(|queue| {
        let (one, seen) = last(queue)?;
        Some(QueueRow {
            name: (words.operating.queue_name)(queue),
            ready: grouped(seen.ready),
            in_hand: seen.unacknowledged.map_or_else(|| "–".to_owned(), grouped),
            dead: grouped(seen.dead_letters),
            by: one.name.clone(),
            at: one.at.into(),
            ago: (words.operating.ago)((now - one.at).num_seconds()),
        })
    });
    rows.collect()
}

/// Of the last hour.
fn lags(minutes: &[Minute], words: &Words, now: DateTime<Utc>) -> Vec<LagRow> {
    let since = now - TimeDelta::hours(1);
    let rows = Inbound::ALL.into_iter().filter_map(|queue| {
        let mut sum = Throughput::default();
        let own = minutes.iter().filter(|one| one.queue == queue && one.minute >= since);
        own.for_each(|one| sum.add(&one.throughput));
        let total = sum.waits.total();
        (total > 0).then(|| LagRow {
            name: (words.operating.queue_name)(queue),
            decided: grouped(total),
            shares: sum.waits.counts.iter().map(|count| percent(*count as f64 / total as f64)).collect(),
        })
    });
    rows.collect()
}
