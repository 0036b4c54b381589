//! `/evaluation/recall`: samples of messages without an alert, and what they say about what was missed.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Deserialize;

use super::estimates::{OfPolicy, by_policy, stratum};
use super::tables::{shown_count, shown_estimate};
use super::{Answer, sheet, told, written};
use crate::access::{Permission, Principal};
use crate::console::error::PageError;
use crate::console::layout::{Frame, Moment, Room, grouped, percent, render};
use crate::console::locale::Locale;
use crate::console::state::Desk;
use crate::console::words::Words;
use crate::contract::{Policy, Ruling};
use crate::evaluation::audit::{self, Estimate, STRATA};
use crate::store::evaluation::{DrawnStratum, NewSample, Sample, SampleFile, midnight};
use crate::store::{Store, StoreError};

/// Random messages that are looked at to draw a sample, and samples that are listed.
const POOL: u32 = 10_000;
const LISTED: u32 = 20;
/// Messages of one sample, and days of its period.
const SIZES: std::ops::RangeInclusive<u32> = 10..=2_000;
const USUAL_SIZE: u32 = 200;
const LONGEST_DAYS: i64 = 92;

#[derive(Template)]
#[template(path = "recall.html")]
struct View {
    frame: Frame,
    notice: Option<&'static str>,
    may_draw: bool,
    may_judge: bool,
    size: u32,
    from: String,
    to: String,
    samples: Vec<Listed>,
    shown: Option<Shown>,
}

/// A sample in the list.
struct Listed {
    id: i64,
    here: bool,
    from: String,
    to: String,
    drawn_by: String,
    drawn_at: Moment,
    judged: String,
    size: String,
    closed: bool,
}

/// The sample that is looked at.
struct Shown {
    id: i64,
    title: String,
    open: bool,
    about: String,
    policies: Vec<PolicyRow>,
    strata: Vec<StratumRow>,
    missed: Vec<MissedRow>,
}

struct PolicyRow {
    name: String,
    found: String,
    undecided: String,
    missed: String,
    recall: String,
}

struct StratumRow {
    band: String,
    pool: String,
    chosen: String,
    judged: String,
    violations: String,
    unsure: String,
    weight: String,
}

struct MissedRow {
    /// Sample and position: `3.17`.
    id: String,
    policy: String,
    by: String,
    at: Moment,
}

#[derive(Deserialize, Default)]
pub(in crate::console) struct Wanted {
    sample: Option<i64>,
    #[serde(default)]
    done: String,
}

/// The form that draws a sample.
#[derive(Deserialize)]
pub(in crate::console) struct Drawing {
    size: u32,
    from: NaiveDate,
    /// The last day, which is among them.
    to: NaiveDate,
}

pub(in crate::console) async fn page(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Result<Query<Wanted>, QueryRejection>,
) -> Answer {
    let Query(asked) = asked.unwrap_or_default();
    let samples = told(desk.store.samples(LISTED).await, &locale)?;
    let wanted = asked.sample.or(samples.first().map(|sample| sample.sample_id));
    let file = match wanted {
        Some(id) => told(desk.store.sample(id).await, &locale)?,
        None => None,
    };
    if asked.sample.is_some() && file.is_none() {
        return Err(PageError::UnknownPage.page(locale));
    }
    let words = locale.words();
    // The week that is over: its alerts have had time to be looked at.
    let today = Utc::now().date_naive();
    let view = View {
        frame: Frame::new(&locale, Room::Recall, words.measured.recall_title),
        notice: (words.measured.done)(&asked.done),
        may_draw: principal.may(Permission::DrawSamples),
        may_judge: principal.may(Permission::ReviewAlerts),
        size: USUAL_SIZE,
        from: (today - TimeDelta::days(7)).to_string(),
        to: (today - TimeDelta::days(1)).to_string(),
        samples: samples.into_iter().map(|sample| listed(sample, wanted)).collect(),
        shown: file.map(|file| shown(&file, &desk.settings.policies, words)),
    };
    Ok(render(StatusCode::OK, &view))
}

/// The estimates of one sample; the latest unless the address names another.
pub(in crate::console) async fn csv(
    State(desk): State<Desk>,
    locale: Locale,
    asked: Result<Query<Wanted>, QueryRejection>,
) -> Answer {
    let Query(asked) = asked.unwrap_or_default();
    let wanted = match asked.sample {
        Some(id) => Some(id),
        None => told(desk.store.samples(1).await, &locale)?.first().map(|sample| sample.sample_id),
    };
    let file = match wanted {
        Some(id) => told(desk.store.sample(id).await, &locale)?,
        None => None,
    };
    let head = ["sample", "policy", "found", "undecided", "missed", "missed low", "missed high"];
    let head = head.into_iter().chain(["recall", "recall low", "recall high"]).map(str::to_owned).collect();
    let mut rows: Vec<Vec<String>> = vec![head];
    for one in file.iter().flat_map(|file| by_policy(file, &desk.settings.policies)) {
        let id = file.as_ref().map_or(0, |file| file.sample.sample_id);
        let numbers = |estimate: Option<Estimate>| match estimate {
            Some(estimate) => [estimate.value, estimate.low, estimate.high].map(super::share),
            None => [const { String::new() }; 3],
        };
        let counts =
            [id.to_string(), one.policy.to_string(), one.found.to_string(), one.undecided.to_string()];
        rows.push(counts.into_iter().chain(numbers(one.missed)).chain(numbers(one.recall())).collect());
    }
    sheet(written(rows), &locale)
}

pub(in crate::console) async fn draw(
    State(store): State<Arc<dyn Store>>,
    principal: Principal,
    locale: Locale,
    form: Result<Form<Drawing>, FormRejection>,
) -> Answer {
    let now = Utc::now();
    let Some(form) = form.ok().map(|Form(form)| form) else { return Ok(back("done=form")) };
    let Some(period) = period(&form, now) else { return Ok(back("done=period")) };
    let drawn = told(drawn(&*store, period, form.size, &principal, now).await, &locale)?;
    Ok(match drawn {
        Some(id) => back(&format!("sample={id}&done=drawn")),
        None => back("done=empty"),
    })
}

fn period(form: &Drawing, now: DateTime<Utc>) -> Option<std::ops::Range<DateTime<Utc>>> {
    let days = (form.to - form.from).num_days() + 1;
    let sound = SIZES.contains(&form.size) && (1..=LONGEST_DAYS).contains(&days);
    let end = form.to.succ_opt().map(midnight)?.min(now);
    let start = midnight(form.from);
    (sound && start < end).then_some(start..end)
}

/// None if the period has no message without an alert.
async fn drawn(
    store: &dyn Store,
    period: std::ops::Range<DateTime<Utc>>,
    size: u32,
    principal: &Principal,
    now: DateTime<Utc>,
) -> Result<Option<i64>, StoreError> {
    let seed: u32 = rand::random();
    let pool = store.random_messages(period.clone(), POOL, seed).await?;
    let clear: Vec<_> = pool.messages.into_iter().filter(|message| !message.alerted).collect();
    if clear.is_empty() {
        return Ok(None);
    }
    let highest: Vec<f64> =
        clear.iter().map(|message| message.policies.values().copied().fold(0.0, f64::max)).collect();
    let chosen = audit::choose(&highest, size as usize, &mut StdRng::seed_from_u64(u64::from(seed)));
    let strata = (0..STRATA.len()).map(|at| DrawnStratum {
        below: STRATA[at],
        pool: chosen.pool[at] as u64,
        chosen: chosen.chosen[at] as u64,
    });
    let sample = NewSample {
        period,
        seed,
        numbers: pool.numbers,
        asked: pool.asked,
        pool: clear.len() as u64,
        strata: strata.collect(),
        messages: chosen
            .order
            .iter()
            .map(|(at, stratum)| (clear[*at].message_id.clone(), *stratum))
            .collect(),
        by: principal.actor(),
        at: now,
    };
    store.add_sample(&sample).await.map(Some)
}

pub(in crate::console) async fn close(
    State(store): State<Arc<dyn Store>>,
    principal: Principal,
    locale: Locale,
    id: Result<Path<i64>, PathRejection>,
) -> Answer {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownPage.page(locale)) };
    let closed = told(store.close_sample(id, &principal.actor(), Utc::now()).await, &locale)?;
    Ok(if closed { back(&format!("sample={id}&done=closed")) } else { back("done=already") })
}

fn back(query: &str) -> axum::response::Response {
    Redirect::to(&format!("/evaluation/recall?{query}")).into_response()
}

fn listed(sample: Sample, wanted: Option<i64>) -> Listed {
    Listed {
        id: sample.sample_id,
        here: wanted == Some(sample.sample_id),
        from: sample.period.start.date_naive().to_string(),
        to: last_day(&sample),
        drawn_by: sample.drawn_by,
        drawn_at: sample.drawn_at.into(),
        judged: grouped(sample.judged),
        size: grouped(sample.size),
        closed: sample.closed_at.is_some(),
    }
}

fn last_day(sample: &Sample) -> String {
    (sample.period.end - TimeDelta::microseconds(1)).date_naive().to_string()
}

fn shown(file: &SampleFile, known: &[Policy], words: &Words) -> Shown {
    let sample = &file.sample;
    let (from, to) = (sample.period.start.date_naive().to_string(), last_day(sample));
    Shown {
        id: sample.sample_id,
        title: (words.measured.sample_title)(sample.sample_id),
        open: sample.closed_at.is_none(),
        about: (words.measured.sample_about)(
            &format!("{from} – {to}"),
            &grouped(sample.all().round() as u64),
            &grouped(sample.size),
            &grouped(sample.judged),
        ),
        policies: by_policy(file, known).into_iter().map(|one| policy_row(&one, words)).collect(),
        strata: (0..sample.strata.len()).map(|at| stratum_row(file, at)).collect(),
        missed: file
            .missed
            .iter()
            .map(|missed| MissedRow {
                id: format!("{}.{}", sample.sample_id, missed.position),
                policy: words.policy(missed.policy.as_str()),
                by: missed.by.clone(),
                at: missed.at.into(),
            })
            .collect(),
    }
}

fn policy_row(one: &OfPolicy, words: &Words) -> PolicyRow {
    let unknown = || words.measured.not_yet.to_owned();
    PolicyRow {
        name: words.policy(one.policy.as_str()),
        found: grouped(one.found),
        undecided: grouped(one.undecided),
        missed: one.missed.map_or_else(unknown, shown_count),
        recall: one.recall().map_or_else(unknown, shown_estimate),
    }
}

fn stratum_row(file: &SampleFile, at: usize) -> StratumRow {
    let drawn = file.sample.strata[at];
    let from = if at == 0 { 0.0 } else { file.sample.strata[at - 1].below };
    let judged = stratum(file, at, None);
    let unsure = file
        .judgements
        .iter()
        .filter(|one| one.stratum == at && one.ruling == Ruling::Unsure)
        .map(|one| one.count)
        .sum();
    let weight =
        file.sample.all() / file.sample.pool.max(1) as f64 * drawn.pool as f64 / drawn.chosen.max(1) as f64;
    StratumRow {
        band: format!("{}–{}", percent(from), percent(drawn.below)),
        pool: grouped(drawn.pool),
        chosen: grouped(drawn.chosen),
        judged: grouped(judged.judged),
        violations: grouped(judged.violations),
        unsure: grouped(unsure),
        weight: if drawn.chosen == 0 { String::new() } else { format!("{weight:.1}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_of_whole_days_that_have_begun() {
        let now: DateTime<Utc> = "2026-11-22T09:00:00Z".parse().unwrap();
        let asked = |size, from: &str, to: &str| {
            period(&Drawing { size, from: from.parse().unwrap(), to: to.parse().unwrap() }, now)
        };
        assert_eq!(asked(200, "2026-11-22", "2026-11-22").unwrap().end, now, "today as far as it has gone");
        assert_eq!(
            asked(200, "2026-11-20", "2026-11-20").unwrap().end.to_rfc3339(),
            "2026-11-21T00:00:00+00:00"
        );
        assert!(asked(200, "2026-11-21", "2026-11-20").is_none());
        assert!(asked(200, "2026-11-23", "2026-11-24").is_none(), "nothing has come in");
        assert!(asked(200, "2020-01-01", "2026-11-20").is_none());
        assert!(asked(9, "2026-11-20", "2026-11-20").is_none());
        assert!(asked(200, "+262142-12-31", "+262142-12-31").is_none());
    }
}
