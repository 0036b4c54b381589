//! Which period, policy and source an address asks for.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use chrono::{Datelike, NaiveDate, TimeDelta};
use serde::Deserialize;

use crate::console::handover::encoded;
use crate::contract::Policy;
use crate::store::evaluation::{DayAlerts, Days};

/// Days of a chart; the second one unless the address says otherwise.
pub(super) const PERIODS: [u32; 3] = [7, 30, 90];
/// Characters of a source's name that are read.
const LONGEST_SOURCE: usize = 200;

/// Empty is as good as absent: forms send empty fields.
#[derive(Deserialize, Default)]
pub(in crate::console) struct Raw {
    #[serde(default)]
    days: String,
    #[serde(default)]
    by: String,
    #[serde(default)]
    policy: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    pub(super) chart: String,
}

/// What a page shows. What an address says that cannot be read counts as not said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) days: u32,
    pub(super) weekly: bool,
    pub(super) policy: Option<Policy>,
    /// A kind of source or a single one.
    pub(super) source: Option<String>,
}

impl Asked {
    pub(super) fn read(raw: Result<Query<Raw>, QueryRejection>) -> (Self, String) {
        let Query(raw) = raw.unwrap_or_default();
        let days = raw.days.parse().ok().filter(|days| PERIODS.contains(days)).unwrap_or(PERIODS[1]);
        let source: String = raw.source.chars().filter(|c| !c.is_control()).take(LONGEST_SOURCE).collect();
        let asked = Self {
            days,
            weekly: raw.by == "week",
            policy: raw.policy.parse().ok(),
            source: (!source.is_empty()).then_some(source),
        };
        (asked, raw.chart)
    }

    pub(super) fn period(&self, today: NaiveDate) -> Days {
        Days::until(today, self.days)
    }

    /// The query of the same page; never empty.
    pub(super) fn query(&self) -> String {
        let mut query = format!("days={}&by={}", self.days, if self.weekly { "week" } else { "day" });
        if let Some(policy) = &self.policy {
            query.push_str(&format!("&policy={}", encoded(policy.as_str())));
        }
        if let Some(source) = &self.source {
            query.push_str(&format!("&source={}", encoded(source)));
        }
        query
    }

    pub(super) fn is_of_policy(&self, row: &DayAlerts) -> bool {
        self.policy.as_ref().is_none_or(|policy| *policy == row.policy)
    }

    /// The step of a chart in which a day lies: the day, or the Monday of its week.
    pub(super) fn step(&self, day: NaiveDate) -> NaiveDate {
        let since_monday = i64::from(day.weekday().num_days_from_monday());
        if self.weekly { day - TimeDelta::days(since_monday) } else { day }
    }

    /// The steps of a period, in order.
    pub(super) fn steps(&self, days: Days) -> Vec<NaiveDate> {
        let mut steps: Vec<NaiveDate> = days.dates().map(|day| self.step(day)).collect();
        steps.dedup();
        steps
    }
}

/// Whether these alerts are of the source: a kind (`rule`, `model`, `rule+model`), or one that fired.
pub(super) fn is_of(row: &DayAlerts, source: &str) -> bool {
    row.sources.as_str() == source || row.fired.iter().any(|name| name == source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Asked {
        let uri = format!("/evaluation?{query}").parse().unwrap();
        Asked::read(Query::<Raw>::try_from_uri(&uri)).0
    }

    #[test]
    fn what_is_written_is_read_again_and_what_cannot_be_read_is_left_out() {
        let asked = read("days=90&by=week&policy=harassment&source=rule%3Aa%2Fb");
        assert_eq!((asked.days, asked.weekly, asked.source.as_deref()), (90, true, Some("rule:a/b")));
        assert_eq!(read(&asked.query()), asked);
        for odd in ["", "days=8&policy=A%20B&by=year", "days=-1&source="] {
            assert_eq!(read(odd), read("days=30&by=day"), "{odd}");
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        let sunday: NaiveDate = "2026-11-22".parse().unwrap();
        let asked = read("by=week");
        assert_eq!(asked.step(sunday).to_string(), "2026-11-16");
        let steps = asked.steps(Days::until(sunday, 7));
        assert_eq!(steps.len(), 1);
        assert_eq!(asked.steps(Days::until(sunday, 8)).len(), 2);
        assert_eq!(read("").steps(Days::until(sunday, 7)).last(), Some(&sunday));
    }
}
