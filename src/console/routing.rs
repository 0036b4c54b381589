//! `/routing`: how often each skill was the wrong one.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{TimeDelta, Utc};
use serde::Deserialize;

use super::error::{ErrorPage, PageError};
use super::layout::{Frame, Room, grouped, render};
use super::locale::Locale;
use crate::contract::Skill;
pub(super) use crate::evaluation::wilson;
use crate::store::{EndedCount, Store, StoreError};

/// Days that are looked at unless the address says otherwise, and at most.
const DAYS: u32 = 30;
const MOST_DAYS: u32 = 366;
#[derive(Template)]
#[template(path = "routing.html")]
struct View {
    frame: Frame,
    about: String,
    rows: Vec<Row>,
    csv: String,
}

/// A skill as the page shows it.
struct Row {
    name: &'static str,
    ended: String,
    wrong: String,
    rate: String,
    interval: String,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    days: Option<u32>,
}

/// Assignments of one skill that ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    ended: u64,
    wrong: u64,
}

pub(super) async fn page(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let days = days(asked);
    let counts = match by_skill(&*store, days).await {
        Ok(counts) => counts,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let words = locale.words();
    let row = |(skill, counts): (Skill, Counts)| {
        let (low, high) = wilson(counts.wrong, counts.ended);
        Row {
            name: (words.skill_name)(skill),
            ended: grouped(counts.ended),
            wrong: grouped(counts.wrong),
            rate: tenths(counts.wrong as f64 / counts.ended as f64),
            interval: format!("{}–{}", tenths(low), tenths(high)),
        }
    };
    let view = View {
        frame: Frame::new(&locale, Room::Routing, words.routing),
        about: (words.routing_about)(days),
        rows: counts.into_iter().map(row).collect(),
        csv: format!("/routing.csv?days={days}"),
    };
    Ok(render(StatusCode::OK, &view))
}

/// The same figures for a spreadsheet; rates are shares from 0 to 1.
pub(super) async fn csv(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let counts = match by_skill(&*store, days(asked)).await {
        Ok(counts) => counts,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let mut text = String::from("skill,ended,wrong,rate,low,high\r\n");
    for (skill, Counts { ended, wrong }) in counts {
        let (low, high) = wilson(wrong, ended);
        let rate = wrong as f64 / ended as f64;
        text.push_str(&format!("{skill},{ended},{wrong},{rate:.4},{low:.4},{high:.4}\r\n"));
    }
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

fn days(asked: Result<Query<Asked>, QueryRejection>) -> u32 {
    asked.ok().and_then(|Query(asked)| asked.days).unwrap_or(DAYS).clamp(1, MOST_DAYS)
}

async fn by_skill(store: &dyn Store, days: u32) -> Result<BTreeMap<Skill, Counts>, StoreError> {
    let since = Utc::now() - TimeDelta::days(i64::from(days));
    Ok(sums(&store.ended_counts(since).await?))
}

fn sums(counts: &[EndedCount]) -> BTreeMap<Skill, Counts> {
    let mut by_skill: BTreeMap<Skill, Counts> = BTreeMap::new();
    for one in counts {
        let sum = by_skill.entry(one.skill).or_default();
        sum.ended += one.count;
        sum.wrong += if one.wrong { one.count } else { 0 };
    }
    by_skill
}

pub(super) fn tenths(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Ending;

    #[test]
    fn every_ending_counts_and_wrong_ones_twice() {
        let one = |ending, wrong, count| EndedCount { skill: Skill::Shipping, ending, wrong, count };
        let counts = sums(&[
            one(Ending::Resolved, false, 8),
            one(Ending::Rejected, true, 3),
            one(Ending::Rejected, false, 1),
        ]);
        assert_eq!(counts, BTreeMap::from([(Skill::Shipping, Counts { ended: 12, wrong: 3 })]));
    }
}
