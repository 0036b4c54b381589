//! `/evaluation/answers`: how soon inquiries were answered, by skill and by team, and how often a team got what was not for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use chrono::{NaiveDate, Utc};

use super::asked::{Asked, PERIODS, Raw};
use super::tables::{shown_share, written_share};
use super::{Answer, sheet, told, written};
use crate::console::chart::{Chart, Point, Series, Unit};
use crate::console::layout::{Frame, Room, grouped, render};
use crate::console::locale::Locale;
use crate::console::words::Words;
use crate::store::evaluation::{Days, FirstAnswers, TeamEnded, midnight};
use crate::store::{Store, StoreError};

#[derive(Template)]
#[template(path = "answers.html")]
struct View {
    frame: Frame,
    periods: Vec<(u32, String, bool)>,
    chart: Chart,
    skills: Vec<Row>,
    teams: Vec<Row>,
    wrong: Vec<Wrong>,
    csv: String,
}

/// A skill or a team.
struct Row {
    name: String,
    answers: String,
    median: String,
    most: String,
}

/// Wrong allocation of a team.
struct Wrong {
    team: String,
    ended: String,
    wrong: String,
    rate: String,
    interval: String,
}

/// How many inquiries were answered after how many seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Waits(BTreeMap<u64, u64>);

impl Waits {
    fn add(&mut self, one: &FirstAnswers) {
        *self.0.entry(one.seconds).or_default() += one.count;
    }

    fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The time within which this share was answered, nearest rank.
    fn within(&self, share: f64) -> Option<u64> {
        let rank = ((share * self.count() as f64).ceil() as u64).max(1);
        let mut passed = 0;
        self.0.iter().find_map(|(seconds, count)| {
            passed += count;
            (passed >= rank).then_some(*seconds)
        })
    }
}

struct Read {
    days: Days,
    answers: Vec<FirstAnswers>,
    ended: Vec<TeamEnded>,
}

pub(in crate::console) async fn page(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    raw: Result<Query<Raw>, QueryRejection>,
) -> Answer {
    let (asked, _) = Asked::read(raw);
    let read = told(read(&*store, &asked).await, &locale)?;
    let words = locale.words();
    let skill = |one: &FirstAnswers| (words.skill_name)(one.skill).to_owned();
    let view = View {
        frame: Frame::new(&locale, Room::Answers, words.measured.answers_title),
        periods: PERIODS.map(|days| (days, (words.measured.last_days)(days), days == asked.days)).into(),
        chart: chart(&read, &asked, words),
        skills: rows(&read.answers, skill),
        teams: rows(&read.answers, |one| team_name(one.team.as_deref(), words)),
        wrong: read.ended.iter().map(|one| wrong(one, words)).collect(),
        csv: format!("/evaluation/answers.csv?chart=groups&{}", asked.query()),
    };
    Ok(render(StatusCode::OK, &view))
}

pub(in crate::console) async fn csv(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    raw: Result<Query<Raw>, QueryRejection>,
) -> Answer {
    let (asked, which) = Asked::read(raw);
    let read = told(read(&*store, &asked).await, &locale)?;
    let rows = match which.as_str() {
        "answers" => chart(&read, &asked, locale.words()).to_csv(),
        _ => written(group_rows(&read)),
    };
    sheet(rows, &locale)
}

async fn read(store: &dyn Store, asked: &Asked) -> Result<Read, StoreError> {
    let days = asked.period(Utc::now().date_naive());
    let (answers, ended) =
        tokio::try_join!(store.first_answers(days), store.ended_by_team(midnight(days.first)))?;
    Ok(Read { days, answers, ended })
}

fn chart(read: &Read, asked: &Asked, words: &'static Words) -> Chart {
    let by_day = grouped_by(&read.answers, |one| one.day);
    let days: Vec<NaiveDate> = read.days.dates().collect();
    let line = |name: &str, share: f64| Series {
        name: name.to_owned(),
        points: days
            .iter()
            .map(|day| Point {
                value: by_day.get(day).and_then(|waits| waits.within(share)).map(|seconds| seconds as f64),
                interval: None,
            })
            .collect(),
    };
    let lines = vec![line(words.measured.median, 0.5), line(words.measured.ninetieth, 0.9)];
    let steps = (words.measured.day, days.iter().map(NaiveDate::to_string).collect());
    Chart::new(words, "answers", words.measured.answers_by_day.into(), Unit::Seconds, steps, lines)
        .with_csv(format!("/evaluation/answers.csv?chart=answers&{}", asked.query()))
}

fn grouped_by<K: Ord>(answers: &[FirstAnswers], key: impl Fn(&FirstAnswers) -> K) -> BTreeMap<K, Waits> {
    let mut groups: BTreeMap<K, Waits> = BTreeMap::new();
    for one in answers {
        groups.entry(key(one)).or_default().add(one);
    }
    groups
}

fn rows(answers: &[FirstAnswers], key: impl Fn(&FirstAnswers) -> String) -> Vec<Row> {
    grouped_by(answers, key)
        .into_iter()
        .map(|(name, waits)| Row {
            name,
            answers: grouped(waits.count()),
            median: waits.within(0.5).map_or_else(String::new, shown_time),
            most: waits.within(0.9).map_or_else(String::new, shown_time),
        })
        .collect()
}

fn wrong(one: &TeamEnded, words: &Words) -> Wrong {
    let (rate, interval) = shown_share(one.wrong, one.ended);
    Wrong {
        team: team_name(one.team.as_deref(), words),
        ended: grouped(one.ended),
        wrong: grouped(one.wrong),
        rate,
        interval,
    }
}

fn team_name(team: Option<&str>, words: &Words) -> String {
    team.unwrap_or(words.measured.no_team).to_owned()
}

/// As the chart shows it.
fn shown_time(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{:.1} h", seconds as f64 / 3_600.0),
    }
}

fn group_rows(read: &Read) -> Vec<Vec<String>> {
    let head = [
        "group",
        "name",
        "answers",
        "median_seconds",
        "p90_seconds",
        "ended",
        "wrong",
        "rate",
        "low",
        "high",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let waited = |waits: &Waits| {
        let time = |share| waits.within(share).map_or_else(String::new, |seconds| seconds.to_string());
        [waits.count().to_string(), time(0.5), time(0.9)]
    };
    for (skill, waits) in grouped_by(&read.answers, |one| one.skill) {
        let start = ["skill".to_owned(), skill.to_string()];
        rows.push(start.into_iter().chain(waited(&waits)).chain([const { String::new() }; 5]).collect());
    }
    let mut by_team = grouped_by(&read.answers, |one| one.team.clone());
    for one in &read.ended {
        by_team.entry(one.team.clone()).or_default();
    }
    for (team, waits) in by_team {
        let of = read.ended.iter().find(|one| one.team == team);
        let (ended, wrong) = of.map_or((0, 0), |one| (one.ended, one.wrong));
        let start = ["team".to_owned(), team.unwrap_or_default()];
        let counts = [ended.to_string(), wrong.to_string()];
        let shares = written_share(wrong, ended);
        rows.push(start.into_iter().chain(waited(&waits)).chain(counts).chain(shares).collect());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_by_their_nearest_rank() {
        let waits = Waits(BTreeMap::from([(10, 5), (60, 4), (7_200, 1)]));
        assert_eq!(
            [0.0, 0.5, 0.51, 0.9, 1.0].map(|share| waits.within(share)),
            [10, 10, 60, 60, 7_200].map(Some)
        );
        assert_eq!(Waits::default().within(0.5), None);
        assert_eq!([59, 180, 7_200].map(shown_time), ["59 s", "3 min", "2.0 h"]);
    }
}
