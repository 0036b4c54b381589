//! `/evaluation`: alerts and how precise they were, over time and source by source.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use chrono::{NaiveDate, Utc};

use super::asked::{Asked, PERIODS, Raw, is_of};
use super::tables::{shown_share, written_share};
use super::{Answer, sheet, told, written};
use crate::console::alerts::{Choice, policy_choices};
use crate::console::chart::{Chart, Point, Series, Unit};
use crate::console::handover::encoded;
use crate::console::layout::{Frame, Room, grouped, render};
use crate::console::locale::Locale;
use crate::console::state::Desk;
use crate::console::words::Words;
use crate::contract::Policy;
use crate::evaluation::wilson;
use crate::store::evaluation::{DayAlerts, Days};
use crate::store::{AlertSources, Store, StoreError};

/// The kinds of source, each with a line of its own unless one source is chosen.
const KINDS: [AlertSources; 3] = [AlertSources::Rule, AlertSources::Model, AlertSources::RuleAndModel];

#[derive(Template)]
#[template(path = "figures.html")]
struct View {
    frame: Frame,
    periods: Vec<(u32, String, bool)>,
    weekly: bool,
    policies: Vec<Choice>,
    sources: Vec<Choice>,
    alerts: Chart,
    precision: Chart,
    rows: Vec<Row>,
    csv: String,
}

/// A source of the table.
struct Row {
    policy: String,
    source: String,
    href: String,
    alerts: String,
    decided: String,
    unsure: String,
    precision: String,
    interval: String,
}

/// Alerts and decisions of one group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    alerts: u64,
    violations: u64,
    others: u64,
    unsure: u64,
}

impl Sum {
    fn sure(self) -> u64 {
        self.violations + self.others
    }
}

/// What the store tells of a period.
struct Read {
    days: Days,
    alerts: Vec<DayAlerts>,
    judged: Vec<DayAlerts>,
}

pub(in crate::console) async fn page(
    State(desk): State<Desk>,
    locale: Locale,
    raw: Result<Query<Raw>, QueryRejection>,
) -> Answer {
    let (asked, _) = Asked::read(raw);
    let read = told(read(&*desk.store, &asked).await, &locale)?;
    let words = locale.words();
    let (alerts, precision) = charts(&read, &asked, words);
    let table = by_source(&read, &asked);
    let sources = source_choices(table.keys(), &asked, words);
    let view = View {
        frame: Frame::new(&locale, Room::Evaluation, words.measured.figures),
        periods: PERIODS.map(|days| (days, (words.measured.last_days)(days), days == asked.days)).into(),
        weekly: asked.weekly,
        policies: policy_choices(&desk.settings.policies, asked.policy.as_ref(), words),
        sources,
        alerts,
        precision,
        rows: table.into_iter().map(|(of, sum)| row(of, sum, &asked, words)).collect(),
        csv: format!("/evaluation.csv?chart=sources&{}", asked.query()),
    };
    Ok(render(StatusCode::OK, &view))
}

/// The numbers behind the charts and of the table.
pub(in crate::console) async fn csv(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    raw: Result<Query<Raw>, QueryRejection>,
) -> Answer {
    let (asked, chart) = Asked::read(raw);
    let read = told(read(&*store, &asked).await, &locale)?;
    let (alerts, precision) = charts(&read, &asked, locale.words());
    let rows = match chart.as_str() {
        "alerts" => alerts.to_csv(),
        "precision" => precision.to_csv(),
        _ => written(source_rows(by_source(&read, &asked))),
    };
    sheet(rows, &locale)
}

async fn read(store: &dyn Store, asked: &Asked) -> Result<Read, StoreError> {
    let days = asked.period(Utc::now().date_naive());
    let (alerts, judged) = tokio::try_join!(store.alerts_by_day(days), store.judged_by_day(days))?;
    let wanted = |rows: Vec<DayAlerts>| rows.into_iter().filter(|row| asked.is_of_policy(row)).collect();
    Ok(Read { days, alerts: wanted(alerts), judged: wanted(judged) })
}

fn charts(read: &Read, asked: &Asked, words: &'static Words) -> (Chart, Chart) {
    let steps = asked.steps(read.days);
    let lines: Vec<(String, String)> = match &asked.source {
        Some(source) => vec![(source_name(source, words), source.clone())],
        None => KINDS.map(|kind| (source_name(kind.as_str(), words), kind.as_str().to_owned())).into(),
    };
    let sums: Vec<(String, BTreeMap<NaiveDate, Sum>)> =
        lines.into_iter().map(|(name, source)| (name, by_step(read, asked, &source))).collect();
    let of = |point: fn(Sum) -> Point| {
        let series = sums.iter().map(|(name, sums)| Series {
            name: name.clone(),
            points: steps.iter().map(|step| point(sums.get(step).copied().unwrap_or_default())).collect(),
        });
        series.collect::<Vec<_>>()
    };
    let named = || steps.iter().map(NaiveDate::to_string).collect();
    let (step, alerts, precision) = if asked.weekly {
        (words.measured.week, words.measured.alerts_a_week, words.measured.precision_by_week)
    } else {
        (words.measured.day, words.measured.alerts_a_day, words.measured.precision_by_day)
    };
    let csv = |name: &str| format!("/evaluation.csv?chart={name}&{}", asked.query());
    let counts = of(|sum| Point::from(sum.alerts as f64));
    let alerts = Chart::new(words, "alerts", alerts.into(), Unit::Count, (step, named()), counts);
    let shares = of(precision_of);
    let precision = Chart::new(words, "precision", precision.into(), Unit::Share, (step, named()), shares);
    (alerts.with_csv(csv("alerts")), precision.with_csv(csv("precision")))
}

/// Nothing is known of a step in which nothing was decided without doubt.
fn precision_of(sum: Sum) -> Point {
    match sum.sure() {
        0 => Point::default(),
        of => Point {
            value: Some(sum.violations as f64 / of as f64),
            interval: Some(wilson(sum.violations, of)),
        },
    }
}

fn by_step(read: &Read, asked: &Asked, source: &str) -> BTreeMap<NaiveDate, Sum> {
    let mut sums: BTreeMap<NaiveDate, Sum> = BTreeMap::new();
    for row in read.alerts.iter().filter(|row| is_of(row, source)) {
        sums.entry(asked.step(row.day)).or_default().alerts += row.alerts;
    }
    for row in read.judged.iter().filter(|row| is_of(row, source)) {
        judge(sums.entry(asked.step(row.day)).or_default(), row);
    }
    sums
}

fn judge(sum: &mut Sum, row: &DayAlerts) {
    sum.violations += row.violations;
    sum.others += row.others;
    sum.unsure += row.unsure;
}

/// Each rule and model version that fired in the period, by policy.
fn by_source(read: &Read, asked: &Asked) -> BTreeMap<(Policy, String), Sum> {
    let mut sums: BTreeMap<(Policy, String), Sum> = BTreeMap::new();
    let mut each = |rows: &[DayAlerts], add: fn(&mut Sum, &DayAlerts)| {
        for row in rows.iter().filter(|row| {
            asked.source.as_deref().is_none_or(|kind| !is_kind(kind) || row.sources.as_str() == kind)
        }) {
            for source in &row.fired {
                add(sums.entry((row.policy.clone(), source.clone())).or_default(), row);
            }
        }
    };
    each(&read.alerts, |sum, row| sum.alerts += row.alerts);
    each(&read.judged, judge);
    sums
}

fn is_kind(source: &str) -> bool {
    KINDS.iter().any(|kind| kind.as_str() == source)
}

fn source_name(source: &str, words: &Words) -> String {
    match source {
        "rule" => words.source_rule.to_owned(),
        "model" => words.source_model.to_owned(),
        "rule+model" => words.source_both.to_owned(),
        single => single.to_owned(),
    }
}

/// The kinds, then what fired, then the chosen one if it did not.
fn source_choices<'a>(
    fired: impl Iterator<Item = &'a (Policy, String)>,
    asked: &Asked,
    words: &Words,
) -> Vec<Choice> {
    let chosen = asked.source.as_deref();
    let mut keys: Vec<&str> = KINDS.iter().map(|kind| kind.as_str()).collect();
    let mut single: Vec<&str> = fired.map(|(_, source)| source.as_str()).collect();
    single.sort_unstable();
    for key in single.into_iter().chain(chosen) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.into_iter().map(|key| (key.to_owned(), source_name(key, words), Some(key) == chosen)).collect()
}

fn row((policy, source): (Policy, String), sum: Sum, asked: &Asked, words: &Words) -> Row {
    let (precision, interval) = shown_share(sum.violations, sum.sure());
    let narrowed = Asked { policy: None, source: None, ..asked.clone() };
    let (of, from) = (encoded(policy.as_str()), encoded(&source));
    Row {
        href: format!("/evaluation?{}&policy={of}&source={from}", narrowed.query()),
        policy: words.policy(policy.as_str()),
        source,
        alerts: grouped(sum.alerts),
        decided: grouped(sum.sure()),
        unsure: grouped(sum.unsure),
        precision,
        interval,
    }
}

fn source_rows(table: BTreeMap<(Policy, String), Sum>) -> Vec<Vec<String>> {
    let head = ["policy", "source", "alerts", "violations", "others", "unsure", "precision", "low", "high"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for ((policy, source), sum) in table {
        let counts = [sum.alerts, sum.violations, sum.others, sum.unsure].map(|count| count.to_string());
        let shares = written_share(sum.violations, sum.sure());
        rows.push([policy.to_string(), source].into_iter().chain(counts).chain(shares).collect());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(day: &str, sources: AlertSources, fired: &[&str], alerts: u64, violations: u64) -> DayAlerts {
        DayAlerts {
            day: day.parse().unwrap(),
            policy: Policy::new("harassment"),
            sources,
            fired: fired.iter().map(|name| (*name).to_owned()).collect(),
            alerts,
            violations,
            others: alerts - violations,
            unsure: 0,
        }
    }

    #[test]
    fn a_source_counts_wherever_it_fired() {
        let alerts = vec![
            row("2026-11-21", AlertSources::Rule, &["rule:a"], 3, 3),
            row("2026-11-22", AlertSources::RuleAndModel, &["model:m@1", "rule:a"], 2, 1),
        ];
        let read =
            Read { days: Days::until("2026-11-22".parse().unwrap(), 7), judged: alerts.clone(), alerts };
        let (mut asked, _) = Asked::read(Ok(Query(Raw::default())));
        let rule = by_step(&read, &asked, "rule:a");
        assert_eq!(rule.values().map(|sum| sum.alerts).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(by_step(&read, &asked, "rule").len(), 1, "what rules found alone");
        let table = by_source(&read, &asked);
        let sum = table[&(Policy::new("harassment"), "rule:a".to_owned())];
        assert_eq!((sum.alerts, sum.violations, sum.sure()), (5, 4, 5));
        asked.source = Some("rule+model".into());
        assert_eq!(by_source(&read, &asked).len(), 2);
        assert_eq!(by_source(&read, &asked)[&(Policy::new("harassment"), "rule:a".to_owned())].alerts, 2);
        assert_eq!(precision_of(Sum::default()), Point::default());
    }
}
