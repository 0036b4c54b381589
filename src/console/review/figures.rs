//! `/reviews`: what people decided, and how precise each source was.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{TimeDelta, Utc};
use serde::Deserialize;

use crate::console::error::{ErrorPage, PageError};
use crate::console::layout::{Frame, Room, grouped, render};
use crate::console::locale::Locale;
use crate::console::routing::{tenths, wilson};
use crate::console::words::Words;
use crate::store::review::{SourceCount, View as Of};
use crate::store::{Store, StoreError};

/// Days that are looked at unless the address says otherwise, and at most.
const DAYS: u32 = 30;
const MOST_DAYS: u32 = 366;
/// Alerts of one state are counted up to here.
pub(in crate::console) const COUNTED: u32 = 10_000;

#[derive(Template)]
#[template(path = "reviews.html")]
struct View {
    frame: Frame,
    counts: Vec<(&'static str, String, &'static str)>,
    about: String,
    rows: Vec<Row>,
    csv: String,
}

/// A source as the page shows it.
struct Row {
    policy: String,
    source: String,
    violations: String,
    others: String,
    unsure: String,
    precision: String,
    interval: String,
}

#[derive(Deserialize)]
pub(in crate::console) struct Period {
    days: Option<u32>,
}

pub(in crate::console) async fn page(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    period: Result<Query<Period>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let days = days(period);
    let read = async {
        let figures = figures(&*store, days).await?;
        Ok((figures, store.review_counts(COUNTED, Utc::now()).await?))
    };
    let (figures, counts) = match read.await {
        Ok(read) => read,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let words = locale.words();
    let count = |of: Of, number: u32| ((words.review.view_name)(of), bounded(number, words), of.as_str());
    let view = View {
        frame: Frame::new(&locale, Room::Reviews, words.review.figures),
        counts: vec![
            count(Of::Open, counts.open),
            count(Of::Claimed, counts.claimed),
            count(Of::Escalated, counts.escalated),
            count(Of::Decided, counts.decided),
        ],
        about: (words.review.figures_about)(days),
        rows: figures.into_iter().map(|figure| row(figure, words)).collect(),
        csv: format!("/reviews.csv?days={days}"),
    };
    Ok(render(StatusCode::OK, &view))
}

/// A count that was made up to a bound.
pub(in crate::console) fn bounded(count: u32, words: &Words) -> String {
    let shown = grouped(u64::from(count));
    if count >= COUNTED { (words.review.at_least)(&shown) } else { shown }
}

/// The same figures for a spreadsheet; rates are shares from 0 to 1, empty where nothing was decided without doubt.
pub(in crate::console) async fn csv(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    period: Result<Query<Period>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let figures = match figures(&*store, days(period)).await {
        Ok(figures) => figures,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    match written(figures) {
        Ok(text) => Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response()),
        Err(error) => Err(PageError::Store(StoreError::Unexpected(error.to_string())).page(locale)),
    }
}

fn written(figures: Vec<SourceCount>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record([
        "policy",
        "source",
        "violations",
        "others",
        "unsure",
        "precision",
        "low",
        "high",
    ])?;
    for SourceCount { policy, source, violations, others, unsure } in figures {
        let rates = match violations + others {
            0 => [const { String::new() }; 3],
            of => {
                let (low, high) = wilson(violations, of);
                [violations as f64 / of as f64, low, high].map(|rate| format!("{rate:.4}"))
            }
        };
        let counts = [violations, others, unsure].map(|count| count.to_string());
        writer.write_record([policy.0, source].into_iter().chain(counts).chain(rates))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn days(period: Result<Query<Period>, QueryRejection>) -> u32 {
    period.ok().and_then(|Query(period)| period.days).unwrap_or(DAYS).clamp(1, MOST_DAYS)
}

async fn figures(store: &dyn Store, days: u32) -> Result<Vec<SourceCount>, StoreError> {
    store.review_figures(Utc::now() - TimeDelta::days(i64::from(days))).await
}

fn row(figure: SourceCount, words: &Words) -> Row {
    let of = figure.violations + figure.others;
    let (precision, interval) = if of == 0 {
        (String::new(), String::new())
    } else {
        let (low, high) = wilson(figure.violations, of);
        (tenths(figure.violations as f64 / of as f64), format!("{}–{}", tenths(low), tenths(high)))
    };
    let source = match figure.source.as_str() {
        "rule" => words.source_rule.to_owned(),
        "model" => words.source_model.to_owned(),
        "rule+model" => words.source_both.to_owned(),
        _ => figure.source,
    };
    Row {
        policy: words.policy(figure.policy.as_str()),
        source,
        violations: grouped(figure.violations),
        others: grouped(figure.others),
        unsure: grouped(figure.unsure),
        precision,
        interval,
    }
}
