//! What went through, by minute: as a chart, a table and CSV.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;

use crate::console::chart::{Chart, Point, Series, Unit};
use crate::console::error::{ErrorPage, PageError};
use crate::console::locale::Locale;
use crate::console::words::Words;
use crate::queue::Inbound;
use crate::store::operations::{Minute, Throughput, Waits};
use crate::store::{Store, StoreError};

/// Hours that can be looked at, with the minutes that one point of the chart stands for.
const PERIODS: [(u32, u32); 2] = [(3, 1), (24, 10)];

/// The period that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) struct Asked {
    hours: u32,
    step: u32,
}

impl Asked {
    fn of(hours: Option<u32>) -> Self {
        let found = PERIODS.into_iter().find(|(each, _)| Some(*each) == hours);
        let (hours, step) = found.unwrap_or(PERIODS[0]);
        Self { hours, step }
    }

    fn step(self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.step))
    }

    /// The beginning of the first step that is shown.
    pub(super) fn since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let now = now.duration_trunc(self.step()).unwrap_or(now);
        now - TimeDelta::hours(i64::from(self.hours)) + self.step()
    }
}

#[derive(Deserialize)]
struct Raw {
    hours: Option<u32>,
}

/// What cannot be read is the first period.
impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let raw = Query::<Raw>::from_request_parts(parts, state).await.ok();
        Ok(Self::of(raw.and_then(|Query(raw)| raw.hours)))
    }
}

/// Both queues in one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Step {
    messages: Throughput,
    inquiries: Throughput,
}

impl Step {
    fn add(&mut self, one: &Minute) {
        match one.queue {
            Inbound::Messages => self.messages.add(&one.throughput),
            Inbound::Inquiries => self.inquiries.add(&one.throughput),
        }
    }
}

/// Every step of the period, also those in which nothing was done.
fn steps(minutes: &[Minute], asked: Asked, now: DateTime<Utc>) -> BTreeMap<DateTime<Utc>, Step> {
    let mut steps = BTreeMap::new();
    let mut at = asked.since(now);
    while at <= now {
        steps.insert(at, Step::default());
        at += asked.step();
    }
    for one in minutes {
        if let Some((_, step)) = steps.range_mut(..=one.minute).next_back() {
            step.add(one);
        }
    }
    steps
}

/// The throughput as the page shows it.
pub(super) struct Shown {
    /// Address, name, and whether it is the one that is shown.
    pub(super) periods: Vec<(String, String, bool)>,
    /// None if nothing was done.
    pub(super) chart: Option<Chart>,
}

pub(super) fn shown(minutes: &[Minute], asked: Asked, words: &'static Words, now: DateTime<Utc>) -> Shown {
    let own = words.operating;
    let period = |(hours, _): (u32, u32)| {
        (format!("/operations?hours={hours}"), (own.last_hours)(hours), hours == asked.hours)
    };
    let steps = steps(minutes, asked, now);
    let any = steps.values().any(|step| *step != Step::default());
    Shown { periods: PERIODS.map(period).into(), chart: any.then(|| chart(&steps, asked, words)) }
}

fn chart(steps: &BTreeMap<DateTime<Utc>, Step>, asked: Asked, words: &'static Words) -> Chart {
    let own = words.operating;
    let line = |name: &str, of: fn(&Step) -> u64| Series {
        name: name.to_owned(),
        points: steps.values().map(|step| Point::from(of(step) as f64)).collect(),
    };
    let lines = vec![
        line(own.messages_decided, |step| step.messages.decided),
        line(own.inquiries_decided, |step| step.inquiries.decided),
        line(own.alerts, |step| step.messages.alerts),
        line(own.dead_lettered, |step| step.messages.dead_lettered + step.inquiries.dead_lettered),
    ];
    let names = steps.keys().map(|at| at.format("%H:%M").to_string()).collect();
    Chart::new(words, "throughput-chart", (own.each)(asked.step), Unit::Count, (own.time, names), lines)
        .with_csv(format!("/operations.csv?hours={}", asked.hours))
}

/// By minute and queue, with everything that is counted.
pub(in crate::console) async fn csv(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    asked: Asked,
) -> Result<Response, ErrorPage> {
    let now = Utc::now();
    let minutes = match store.throughput(asked.since(now)..now).await {
        Ok(minutes) => minutes,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    match written(&minutes) {
        Ok(text) => Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response()),
        Err(error) => Err(PageError::Store(StoreError::Unexpected(error.to_string())).page(locale)),
    }
}

fn written(minutes: &[Minute]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let head = ["minute", "queue", "decided", "duplicates", "dead_lettered", "requeued", "alerts"];
    let bounds = Waits::BOUNDS.iter().map(|seconds| format!("within_{seconds}_s"));
    writer.write_record(head.map(str::to_owned).into_iter().chain(bounds).chain(["later".to_owned()]))?;
    for Minute { minute, queue, throughput } in minutes {
        let Throughput { decided, duplicates, dead_lettered, requeued, alerts, waits } = throughput;
        let counts = [decided, duplicates, dead_lettered, requeued, alerts].into_iter().chain(&waits.counts);
        let place = [minute.to_rfc3339_opts(SecondsFormat::Secs, true), queue.as_str().to_owned()];
        writer.write_record(place.into_iter().chain(counts.map(u64::to_string)))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(at: &str, decided: u64) -> Minute {
        let throughput = Throughput { decided, ..Throughput::default() };
        Minute { minute: at.parse().unwrap(), queue: Inbound::Messages, throughput }
    }

    #[test]
    fn minutes_fall_into_the_step_that_they_are_in() {
        let now = "2026-11-22T18:07:30Z".parse().unwrap();
        let minutes = [
            minute("2026-11-22T17:59:00Z", 1),
            minute("2026-11-22T18:00:00Z", 2),
            minute("2026-11-22T18:07:00Z", 4),
        ];
        let day = steps(&minutes, Asked::of(Some(24)), now);
        assert_eq!(day.len(), 144);
        let of = |at: &str| day[&at.parse::<DateTime<Utc>>().unwrap()].messages.decided;
        assert_eq!((of("2026-11-22T17:50:00Z"), of("2026-11-22T18:00:00Z")), (1, 6));
        assert_eq!(steps(&minutes, Asked::of(None), now).len(), 180);
        assert_eq!(Asked::of(Some(7)), Asked::of(Some(3)));
    }

    #[test]
    fn the_file_names_every_count() {
        let text = String::from_utf8(written(&[minute("2026-11-22T18:00:00Z", 2)]).unwrap()).unwrap();
        assert_eq!(
            text,
            "minute,queue,decided,duplicates,dead_lettered,requeued,alerts,within_1_s,within_5_s,within_30_s,\
             within_120_s,within_600_s,later\r\n2026-11-22T18:00:00Z,messages,2,0,0,0,0,0,0,0,0,0,0\r\n"
        );
    }
}
