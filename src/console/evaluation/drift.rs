//! `/evaluation/drift`: this week beside the four weeks before, by random messages of both: languages, scores, and words that came up.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};

use super::rising::{Both, Read, RisenWords, came_up};
use super::tables::{shown_share, written_share};
use super::{Answer, sheet, told, written};
use crate::access::Principal;
use crate::console::chart::{Chart, Point, Series, Unit};
use crate::console::layout::{Frame, Room, grouped, percent, render};
use crate::console::locale::Locale;
use crate::console::masking;
use crate::console::state::Desk;
use crate::console::words::Words;
use crate::contract::{Language, Policy};
use crate::evaluation::drift::{Occurrences, Risen, quantile, stability};
use crate::store::evaluation::PooledMessage;
use crate::store::{Store, StoreError};

/// Messages of each period, all and flagged ones.
const MESSAGES: u32 = 2_000;
const FLAGGED: u32 = 1_000;
/// Quantiles of the scores that the chart shows.
const SHARES: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 1.0];
/// Above these, the index is taken for some and for a large change (N. Siddiqi, Credit Risk Scorecards, 2006).
const SOME: f64 = 0.1;
const LARGE: f64 = 0.25;

#[derive(Template)]
#[template(path = "drift.html")]
struct View {
    frame: Frame,
    about: String,
    languages: Vec<LanguageRow>,
    charts: Vec<Chart>,
    scores: Vec<ScoreRow>,
    /// None for who may not read text.
    words: Option<Vec<WordTable>>,
}

struct LanguageRow {
    name: &'static str,
    now: String,
    now_interval: String,
    before: String,
    before_interval: String,
}

struct ScoreRow {
    policy: String,
    now: String,
    before: String,
    index: String,
    change: &'static str,
}

struct WordTable {
    id: &'static str,
    title: &'static str,
    rows: Vec<WordRow>,
}

struct WordRow {
    word: String,
    now: String,
    before: String,
    z: String,
}

pub(in crate::console) async fn page(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
) -> Answer {
    let read = told(read(&*desk.store, Utc::now()).await, &locale)?;
    let words = locale.words();
    let view = View {
        frame: Frame::new(&locale, Room::Drift, words.measured.drift_title),
        about: (words.measured.drift_about)(
            &grouped(read.all.now.len() as u64),
            &grouped(read.all.before.len() as u64),
        ),
        languages: language_rows(&read.all, words),
        charts: policies(&read.all)
            .into_iter()
            .enumerate()
            .map(|(at, policy)| chart(&read.all, &policy, at, words))
            .collect(),
        scores: policies(&read.all).iter().filter_map(|policy| score_row(&read.all, policy, words)).collect(),
        words: if masking::reads(&principal) {
            let (risen, read) = told(came_up(read).await, &locale)?;
            Some(word_tables(&risen, &read, words))
        } else {
            None
        },
    };
    Ok(render(StatusCode::OK, &view))
}

pub(in crate::console) async fn csv(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
) -> Answer {
    let read = told(read(&*desk.store, Utc::now()).await, &locale)?;
    let head = ["kind", "name", "now", "before", "index", "now_low", "now_high", "before_low", "before_high"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for language in Language::ALL {
        let [now, now_low, now_high] = written_language(&read.all.now, language);
        let [before, before_low, before_high] = written_language(&read.all.before, language);
        let name = language.as_str().to_owned();
        rows.push(vec![
            "language".into(),
            name,
            now,
            before,
            String::new(),
            now_low,
            now_high,
            before_low,
            before_high,
        ]);
    }
    for policy in policies(&read.all) {
        let (now, before) = (scores(&read.all.now, &policy), scores(&read.all.before, &policy));
        let index = stability(&before, &now).map_or_else(String::new, super::share);
        for share in SHARES {
            let name = format!("{policy} {share}");
            let at = |scores: &[f64]| quantile(scores, share).map_or_else(String::new, super::share);
            rows.push(line("score", name, at(&now), at(&before), index.clone()));
        }
    }
    if masking::reads(&principal) {
        let (risen, _) = told(came_up(read).await, &locale)?;
        for (kind, risen) in [("word", risen.all), ("word in flagged", risen.flagged)] {
            for one in risen {
                let Occurrences { now, before } = one.occurrences;
                rows.push(line(kind, one.word, now.to_string(), before.to_string(), super::share(one.z)));
            }
        }
    }
    sheet(written(rows), &locale)
}

fn line(kind: &str, name: String, now: String, before: String, index: String) -> Vec<String> {
    [kind.to_owned(), name, now, before, index].into_iter().chain([const { String::new() }; 4]).collect()
}

/// The seed changes with the day: whoever looks again sees the same messages, as long as no others come in.
async fn read(store: &dyn Store, now: DateTime<Utc>) -> Result<Read, StoreError> {
    let week = now - TimeDelta::weeks(1);
    let weeks = week - TimeDelta::weeks(4);
    let seed = u32::try_from(now.timestamp() / 86_400).unwrap_or(0);
    Ok(Read {
        all: Both {
            now: store.random_messages(week..now, MESSAGES, seed).await?.messages,
            before: store.random_messages(weeks..week, MESSAGES, seed).await?.messages,
        },
        flagged: Both {
            now: store.random_flagged(week..now, FLAGGED, seed).await?.messages,
            before: store.random_flagged(weeks..week, FLAGGED, seed).await?.messages,
        },
    })
}

fn policies(both: &Both) -> BTreeSet<Policy> {
    both.now.iter().chain(&both.before).flat_map(|message| message.policies.keys().cloned()).collect()
}

fn scores(messages: &[PooledMessage], policy: &Policy) -> Vec<f64> {
    messages.iter().filter_map(|message| message.policies.get(policy).copied()).collect()
}

fn chart(both: &Both, policy: &Policy, at: usize, words: &'static Words) -> Chart {
    const IDS: [&str; 8] =
        ["scores-0", "scores-1", "scores-2", "scores-3", "scores-4", "scores-5", "scores-6", "scores-7"];
    let line = |name: &str, messages: &[PooledMessage]| {
        let scores = scores(messages, policy);
        let points = SHARES.iter().map(|share| Point { value: quantile(&scores, *share), interval: None });
        Series { name: name.to_owned(), points: points.collect() }
    };
    let steps = SHARES.iter().map(|share| format!("{:.0}%", share * 100.0)).collect();
    let title = (words.measured.scores_of)(&words.policy(policy.as_str()));
    let lines =
        vec![line(words.measured.this_week, &both.now), line(words.measured.weeks_before, &both.before)];
    Chart::new(words, IDS[at % IDS.len()], title, Unit::Share, (words.measured.quantile, steps), lines)
        .with_csv("/evaluation/drift.csv".into())
}

fn of_language(messages: &[PooledMessage], language: Language) -> (u64, u64) {
    let count = messages.iter().filter(|message| message.language == language).count();
    (count as u64, messages.len() as u64)
}

fn written_language(messages: &[PooledMessage], language: Language) -> [String; 3] {
    let (count, of) = of_language(messages, language);
    written_share(count, of)
}

fn language_rows(both: &Both, words: &Words) -> Vec<LanguageRow> {
    let row = |language| {
        let share = |messages: &[PooledMessage]| {
            let (count, of) = of_language(messages, language);
            shown_share(count, of)
        };
        let ((now, now_interval), (before, before_interval)) = (share(&both.now), share(&both.before));
        LanguageRow { name: (words.language_name)(language), now, now_interval, before, before_interval }
    };
    Language::ALL.map(row).into()
}

fn score_row(both: &Both, policy: &Policy, words: &Words) -> Option<ScoreRow> {
    let (now, before) = (scores(&both.now, policy), scores(&both.before, policy));
    let index = stability(&before, &now)?;
    let ends = |scores: &[f64]| {
        let shown = [0.5, 0.9, 0.99].map(|share| quantile(scores, share).map_or_else(String::new, percent));
        shown.join(" · ")
    };
    let change = match index {
        large if large >= LARGE => words.measured.large_change,
        some if some >= SOME => words.measured.some_change,
        _ => words.measured.no_change,
    };
    Some(ScoreRow {
        policy: words.policy(policy.as_str()),
        now: ends(&now),
        before: ends(&before),
        index: format!("{index:.3}"),
        change,
    })
}

fn word_tables(risen: &RisenWords, read: &Read, words: &Words) -> Vec<WordTable> {
    let row = |one: &Risen, both: &Both| {
        let share = |count: u64, of: usize| {
            format!("{} ({})", grouped(count), percent(count as f64 / of.max(1) as f64))
        };
        WordRow {
            word: one.word.clone(),
            now: share(one.occurrences.now, both.now.len()),
            before: share(one.occurrences.before, both.before.len()),
            z: format!("{:.1}", one.z),
        }
    };
    let table = |id, title, risen: &[Risen], both: &Both| WordTable {
        id,
        title,
        rows: risen.iter().map(|one| row(one, both)).collect(),
    };
    vec![
        table("words-flagged", words.measured.words_flagged, &risen.flagged, &read.flagged),
        table("words-all", words.measured.words_all, &risen.all, &read.all),
    ]
}
