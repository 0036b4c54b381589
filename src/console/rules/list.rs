//! `/rules`: every rule with what it finds and how often it is right.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde::Deserialize;

use super::address;
use super::book::Shelf;
use super::figures::{Figures, Right, Standing, Volume};
use crate::console::alerts::{Choice, policy_choices};
use crate::console::error::{ErrorPage, PageError};
use crate::console::handover::encoded;
use crate::console::layout::{Frame, Moment, Room, grouped, render};
use crate::console::locale::Locale;
use crate::console::state::Desk;
use crate::console::words::Words;
use crate::contract::Policy;
use crate::rules::{Mode, Rule, Status};
use crate::store::StoreError;

/// Characters of the longest text to search for.
const LONGEST_SEARCH: usize = 200;

#[derive(Template)]
#[template(path = "rules.html")]
struct View {
    frame: Frame,
    csv: String,
    problems: Vec<String>,
    version: Option<String>,
    counts: Vec<(&'static str, String, &'static str)>,
    policies: Vec<Choice>,
    statuses: Vec<(&'static str, &'static str, bool)>,
    standings: Vec<(&'static str, &'static str, bool)>,
    search: String,
    rows: Vec<Row>,
    strangers: Vec<Stranger>,
}

/// A rule as the page shows it.
struct Row {
    href: String,
    id: String,
    title: String,
    policy: String,
    languages: String,
    status: &'static str,
    standing: &'static str,
    standing_key: &'static str,
    shorter: String,
    longer: String,
    precision: String,
    interval: String,
    decided: String,
    changed: Option<Moment>,
}

/// A rule that is off and that the files do not hold.
struct Stranger {
    href: String,
    id: String,
    reason: String,
    by: String,
    at: Moment,
}

/// Empty is as good as absent: forms send empty fields.
#[derive(Deserialize, Default)]
pub(in crate::console) struct Asked {
    #[serde(default)]
    policy: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    standing: String,
    #[serde(default)]
    q: String,
}

/// A rule with what is known about it.
struct Known<'a> {
    rule: &'a Rule,
    standing: Standing,
    volume: Volume,
    right: Right,
    changed: Option<chrono::DateTime<Utc>>,
}

impl Asked {
    fn wants(&self, known: &Known<'_>) -> bool {
        let rule = known.rule;
        let is = |wanted: &str, value: &str| wanted.is_empty() || wanted == value;
        let search = self.q.trim().to_lowercase();
        let in_text = |text: &str| text.to_lowercase().contains(&search);
        is(&self.policy, &rule.policy)
            && is(&self.status, rule.status.as_str())
            && is(&self.standing, known.standing.as_str())
            && (search.is_empty()
                || in_text(&rule.id)
                || in_text(&rule.title)
                || in_text(&rule.message)
                || rule.tags.iter().any(|tag| in_text(tag)))
    }

    /// The filters, for the address of the same list.
    fn query(&self) -> String {
        let fields = [
            ("policy", &self.policy),
            ("status", &self.status),
            ("standing", &self.standing),
            ("q", &self.q),
        ];
        let set: Vec<String> = fields
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        if set.is_empty() { String::new() } else { format!("?{}", set.join("&")) }
    }
}

fn asked(query: Result<Query<Asked>, QueryRejection>) -> Asked {
    let mut asked = query.map_or_else(|_| Asked::default(), |Query(asked)| asked);
    asked.q = asked.q.chars().take(LONGEST_SEARCH).collect();
    asked
}

/// The rules that are wanted, in the order of their ids.
fn wanted<'a>(shelf: &'a Shelf, figures: &Figures, desk: &Desk, asked: &Asked) -> Vec<Known<'a>> {
    let mut all = known(shelf, figures, desk);
    all.retain(|known| asked.wants(known));
    all
}

fn known<'a>(shelf: &'a Shelf, figures: &Figures, desk: &Desk) -> Vec<Known<'a>> {
    let Some(pack) = &shelf.pack else { return Vec::new() };
    let mut all: Vec<Known<'a>> = pack
        .rules()
        .map(|rule| {
            let off = figures.switch(&rule.id).is_some_and(|switch| switch.off);
            let shadow = rule.mode == Mode::Shadow;
            Known {
                rule,
                standing: Standing::of(rule, off, &desk.settings.policies),
                volume: figures.volume(&rule.id, shadow),
                right: figures.right(&rule.id, shadow),
                changed: shelf.file(&rule.file).and_then(|file| file.changed),
            }
        })
        .collect();
    all.sort_by(|a, b| a.rule.id.cmp(&b.rule.id));
    all
}

pub(in crate::console) async fn page(
    State(desk): State<Desk>,
    locale: Locale,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let asked = asked(query);
    let figures = match Figures::read(&*desk.store, Utc::now()).await {
        Ok(figures) => figures,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let shelf = desk.rules.now();
    Ok(render(StatusCode::OK, &view(&shelf, &figures, &desk, &locale, &asked)))
}

fn view(shelf: &Arc<Shelf>, figures: &Figures, desk: &Desk, locale: &Locale, asked: &Asked) -> View {
    let words = locale.words();
    let all = known(shelf, figures, desk);
    let counts = Standing::ALL.map(|standing| {
        let count = all.iter().filter(|known| known.standing == standing).count();
        ((words.rules.standing_name)(standing.as_str()), count, standing.as_str())
    });
    let chosen = Some(Policy::new(asked.policy.clone())).filter(|policy| !policy.as_str().is_empty());
    let statuses = Status::NAMES.iter().filter_map(|name| Status::parse(name));
    View {
        frame: Frame::new(locale, Room::Rules, words.rules.rules),
        csv: format!("/rules.csv{}", asked.query()),
        problems: shelf.problems.clone(),
        version: shelf.pack.as_ref().map(|pack| pack.without(&figures.off()).version().to_owned()),
        counts: counts
            .into_iter()
            .filter(|(_, count, _)| *count > 0)
            .map(|(name, count, key)| (name, grouped(count as u64), key))
            .collect(),
        policies: policy_choices(&desk.settings.policies, chosen.as_ref(), words),
        statuses: statuses
            .map(|status| {
                (status.as_str(), (words.rules.status_name)(status), asked.status == status.as_str())
            })
            .collect(),
        standings: Standing::ALL
            .map(|standing| {
                let key = standing.as_str();
                (key, (words.rules.standing_name)(key), asked.standing == key)
            })
            .to_vec(),
        search: asked.q.clone(),
        rows: wanted(shelf, figures, desk, asked).iter().map(|known| row(known, words)).collect(),
        strangers: figures
            .strangers(shelf.pack.as_ref())
            .into_iter()
            .map(|switch| Stranger {
                href: address(&switch.rule_id),
                id: switch.rule_id.clone(),
                reason: switch.reason.clone(),
                by: switch.by.clone(),
                at: switch.at.into(),
            })
            .collect(),
    }
}

fn row(known: &Known<'_>, words: &Words) -> Row {
    let rule = known.rule;
    let (shorter, longer) = known.volume.shown();
    let (precision, interval) = known.right.shown();
    let languages: Vec<&str> = rule.lang.iter().map(|language| language.as_str()).collect();
    Row {
        href: address(&rule.id),
        id: rule.id.clone(),
        title: rule.title.clone(),
        policy: words.policy(&rule.policy),
        languages: languages.join(", "),
        status: (words.rules.status_name)(rule.status),
        standing: (words.rules.standing_name)(known.standing.as_str()),
        standing_key: known.standing.as_str(),
        shorter,
        longer,
        precision,
        interval,
        decided: grouped(known.right.decided()),
        changed: known.changed.map(Moment::from),
    }
}

/// The same for a spreadsheet; rates are shares from 0 to 1, empty where nothing was decided without doubt.
pub(in crate::console) async fn csv(
    State(desk): State<Desk>,
    locale: Locale,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let figures = match Figures::read(&*desk.store, Utc::now()).await {
        Ok(figures) => figures,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let shelf = desk.rules.now();
    match written(&wanted(&shelf, &figures, &desk, &asked(query))) {
        Ok(text) => Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response()),
        Err(error) => Err(PageError::Store(StoreError::Unexpected(error.to_string())).page(locale)),
    }
}

fn written(rules: &[Known<'_>]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record([
        "rule",
        "title",
        "policy",
        "languages",
        "status",
        "mode",
        "standing",
        "findings_7_days",
        "findings_30_days",
        "violations",
        "others",
        "unsure",
        "precision",
        "low",
        "high",
        "changed",
    ])?;
    for Known { rule, standing, volume, right, changed } in rules {
        let languages: Vec<&str> = rule.lang.iter().map(|language| language.as_str()).collect();
        let rates = match right.rates() {
            Some(rates) => rates.map(|rate| format!("{rate:.4}")),
            None => [const { String::new() }; 3],
        };
        let counts = [volume.shorter, volume.longer, right.violations, right.others, right.unsure];
        let fixed = [
            rule.id.clone(),
            rule.title.clone(),
            rule.policy.clone(),
            languages.join(" "),
            rule.status.to_string(),
            rule.mode.to_string(),
            standing.as_str().to_owned(),
        ];
        let changed = changed.map(|time| Moment::from(time).machine).unwrap_or_default();
        let counts = counts.map(|count| count.to_string());
        writer.write_record(fixed.into_iter().chain(counts).chain(rates).chain([changed]))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}
