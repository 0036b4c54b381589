//! `/rules/{id}`: one rule as written, what it finds, what it is worth, and the switch.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Days, Utc};
use serde::Deserialize;

use super::address;
use super::book::{RuleFile, Shelf};
use super::examples::{Example, examples};
use super::figures::{Figures, LONGER, Standing, first_day};
use crate::access::{Act, Permission, Principal};
use crate::console::chart::{Chart, Point, Series, Unit};
use crate::console::error::{ErrorPage, PageError};
use crate::console::layout::{Frame, Moment, Room, grouped, percent, render};
use crate::console::locale::Locale;
use crate::console::masking;
use crate::console::state::Desk;
use crate::console::words::Words;
use crate::contract::AlertState;
use crate::rules::{Mode, Rule};
use crate::store::rules::{LONGEST_REASON, RuleAlert, RuleDay, RuleSwitch};
use crate::store::{AuditFilter, AuditRow, StoreError};

/// Days of the chart unless the address says otherwise, and at most.
const DAYS: u64 = 30;
const MOST_DAYS: u64 = 366;
/// Alerts and switches that are shown.
const ALERTS: u32 = 20;
const SWITCHES: u32 = 50;
/// Bytes of the longest id that is looked up.
const LONGEST_ID: usize = 512;

#[derive(Template)]
#[template(path = "rule.html")]
struct View {
    frame: Frame,
    href: String,
    id: String,
    /// What came of a switch, and whether that was what was wanted.
    told: Option<(&'static str, bool)>,
    problems: Vec<String>,
    /// None for a rule that the files do not hold (any more).
    rule: Option<Shown>,
    off: bool,
    standing: &'static str,
    standing_key: &'static str,
    switch: Option<Switch>,
    may_switch: bool,
    generation: u32,
    /// What was typed as a reason and not taken.
    reason: String,
    longest_reason: usize,
    /// Days, their name, and whether they are chosen.
    periods: Vec<(u64, String, bool)>,
    chart: Chart,
    shadow: bool,
    shorter: String,
    longer: String,
    precision: String,
    interval: String,
    decided: String,
    alerts: Vec<Alert>,
    trail: Vec<Line>,
}

/// The rule as its author wrote it.
struct Shown {
    title: String,
    policy: String,
    subtype: String,
    status: &'static str,
    severity: String,
    mode: &'static str,
    languages: String,
    tags: String,
    message: String,
    falsepositives: Vec<String>,
    file: String,
    line: usize,
    text: String,
    changed: Option<Moment>,
    uses: Vec<(String, String)>,
    used_by: Vec<(String, String)>,
    models: Vec<String>,
    examples: Vec<Example>,
    /// Whether the reader may read examples.
    reads: bool,
}

/// How it was switched last.
struct Switch {
    reason: String,
    by: String,
    at: Moment,
}

struct Alert {
    id: i64,
    policy: String,
    probability: String,
    state: &'static str,
    created: Moment,
}

struct Line {
    at: Moment,
    who: String,
    what: &'static str,
    reason: String,
}

#[derive(Deserialize, Default)]
pub(in crate::console) struct Asked {
    days: Option<u64>,
    #[serde(default)]
    switched: String,
}

/// What a page about a rule says of the switch.
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) text: Option<(&'static str, bool)>,
    /// The reason that was typed.
    pub(super) reason: String,
}

pub(in crate::console) async fn page(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownRule.page(locale)) };
    let asked = query.map_or_else(|_| Asked::default(), |Query(asked)| asked);
    let words = locale.words();
    let text = match asked.switched.as_str() {
        "off" => Some((words.rules.switched_off, true)),
        "on" => Some((words.rules.switched_on, true)),
        _ => None,
    };
    let told = Told { status: StatusCode::OK, text, reason: String::new() };
    answer(&desk, &principal, locale, &id, asked.days.unwrap_or(DAYS), told).await
}

/// Whether it can be a rule's id: a path without control characters.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID && !id.chars().any(char::is_control)
}

/// Whether there is such a rule: in the files, or among the switches. While the files cannot be read, any may be meant.
pub(super) fn is_known(shelf: &Shelf, switch: Option<&RuleSwitch>, id: &str) -> bool {
    let in_files = shelf.pack.as_ref().is_none_or(|pack| pack.rule(id).is_some());
    is_id(id) && (in_files || switch.is_some())
}

/// The page of a rule.
pub(super) async fn answer(
    desk: &Desk,
    principal: &Principal,
    locale: Locale,
    id: &str,
    days: u64,
    told: Told,
) -> Result<Response, ErrorPage> {
    let shelf = desk.rules.now();
    let now = Utc::now();
    if !is_id(id) {
        return Err(PageError::UnknownRule.page(locale));
    }
    let figures = match Figures::read(&*desk.store, now).await {
        Ok(figures) => figures,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    if !is_known(&shelf, figures.switch(id), id) {
        return Err(PageError::UnknownRule.page(locale));
    }
    let days = days.clamp(1, MOST_DAYS);
    let read = async {
        let found = desk.store.rule_days(id, first_day(now, days)).await?;
        let alerts = desk.store.rule_alerts(id, ALERTS).await?;
        let filter = AuditFilter {
            act: Some(Act::RuleSwitched.as_str().to_owned()),
            subject_kind: Some("rule".to_owned()),
            subject_id: Some(id.to_owned()),
            ..AuditFilter::default()
        };
        Ok((found, alerts, desk.store.audit_trail(&filter, SWITCHES).await?))
    };
    let (found, alerts, trail) = match read.await {
        Ok(read) => read,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    // Also after a form that was refused, whose own address cannot be read again.
    let locale = Locale { here: address(id), ..locale };
    let words = locale.words();
    let chart = chart(words, id, &found, now, days);
    let status = told.status;
    let view = view(&shelf, &figures, desk, principal, &locale, id, (days, chart), told);
    let alerts = alerts.into_iter().map(|alert| self::alert(alert, words)).collect();
    let trail = trail.into_iter().map(|row| line(row, words)).collect();
    Ok(render(status, &View { alerts, trail, ..view }))
}

#[allow(clippy::too_many_arguments)] // Each is another part of the page.
fn view(
    shelf: &Shelf,
    figures: &Figures,
    desk: &Desk,
    principal: &Principal,
    locale: &Locale,
    id: &str,
    (days, chart): (u64, Chart),
    told: Told,
) -> View {
    let words = locale.words();
    let rule = shelf.pack.as_ref().and_then(|pack| pack.rule(id));
    let switch = figures.switch(id);
    let off = switch.is_some_and(|switch| switch.off);
    let shadow = rule.is_some_and(|rule| rule.mode == Mode::Shadow);
    let standing = rule.map_or(if off { Standing::Off } else { Standing::Retired }, |rule| {
        Standing::of(rule, off, &desk.settings.policies)
    });
    let (shorter, longer) = figures.volume(id, shadow).shown();
    let right = figures.right(id, shadow);
    let (precision, interval) = right.shown();
    View {
        frame: Frame::new(locale, Room::Rules, words.rules.rules),
        href: address(id),
        id: id.to_owned(),
        told: told.text,
        problems: shelf.problems.clone(),
        rule: rule.map(|rule| shown(rule, shelf, desk, principal, words)),
        off,
        standing: (words.rules.standing_name)(standing.as_str()),
        standing_key: standing.as_str(),
        switch: switch.map(|switch| Switch {
            reason: switch.reason.clone(),
            by: switch.by.clone(),
            at: switch.at.into(),
        }),
        may_switch: principal.may(Permission::SwitchRules),
        generation: switch.map_or(0, |switch| switch.generation),
        reason: told.reason,
        longest_reason: LONGEST_REASON,
        periods: [LONGER, 90, MOST_DAYS]
            .map(|period| (period, (words.rules.last_days)(period), period == days))
            .to_vec(),
        chart,
        shadow,
        shorter,
        longer,
        precision,
        interval,
        decided: grouped(right.decided()),
        alerts: Vec::new(),
        trail: Vec::new(),
    }
}

fn shown(rule: &Rule, shelf: &Shelf, desk: &Desk, principal: &Principal, words: &Words) -> Shown {
    let references = shelf.pack.as_ref().and_then(|pack| pack.references(&rule.id)).unwrap_or_default();
    let linked = |ids: std::collections::BTreeSet<String>| -> Vec<(String, String)> {
        ids.into_iter().map(|id| (address(&id), id)).collect()
    };
    let languages: Vec<&str> = rule.lang.iter().map(|language| language.as_str()).collect();
    let file = shelf.file(&rule.file);
    let reads = masking::reads(principal);
    Shown {
        title: rule.title.clone(),
        policy: words.policy(&rule.policy),
        subtype: rule.subtype.clone().unwrap_or_default(),
        status: (words.rules.status_name)(rule.status),
        severity: (words.rules.severity_name)(rule.severity).to_owned(),
        mode: rule.mode.as_str(),
        languages: languages.join(", "),
        tags: rule.tags.join(", "),
        message: rule.message.clone(),
        falsepositives: rule.falsepositives.clone(),
        file: below(&rule.file, desk),
        line: rule.at.line,
        text: file.map_or_else(String::new, |file: &RuleFile| file.text.clone()),
        changed: file.and_then(|file| file.changed).map(Moment::from),
        uses: linked(references.uses),
        used_by: linked(references.used_by),
        models: references.models.iter().map(|policy| words.policy(policy)).collect(),
        examples: if reads { examples(shelf.fixtures(), &rule.id, words) } else { Vec::new() },
        reads,
    }
}

/// The path of a rule file below the folder of the rules: where that stands is nobody's business.
fn below(file: &str, desk: &Desk) -> String {
    let folder = desk.rules.folder().map(|folder| folder.files.rules.as_path());
    let path = std::path::Path::new(file);
    let path = folder.and_then(|folder| path.strip_prefix(folder).ok()).unwrap_or(path);
    path.display().to_string()
}

/// Findings of every day; those while the rule was in shadow as a line of their own, if there are any.
fn chart(words: &'static Words, id: &str, found: &[RuleDay], now: DateTime<Utc>, days: u64) -> Chart {
    let first = first_day(now, days);
    let all: Vec<_> = (0..days).filter_map(|day| first.checked_add_days(Days::new(day))).collect();
    let counts: BTreeMap<_, u64> = found.iter().map(|day| ((day.shadow, day.day), day.findings)).collect();
    let series = |shadow: bool| {
        let of = |day: &chrono::NaiveDate| counts.get(&(shadow, *day)).copied().unwrap_or(0);
        let name = if shadow { words.rules.found_in_shadow } else { words.rules.found };
        Series { name: name.to_owned(), points: all.iter().map(|day| Point::from(of(day) as f64)).collect() }
    };
    let in_shadow = found.iter().any(|day| day.shadow);
    let live = !in_shadow || found.iter().any(|day| !day.shadow);
    let lines = [live.then(|| series(false)), in_shadow.then(|| series(true))];
    let steps = all.iter().map(ToString::to_string).collect();
    let csv = format!("/rules/days.csv?rule={}&days={days}", super::encoded(id));
    Chart::new(
        words,
        "volume",
        words.rules.volume.to_owned(),
        Unit::Count,
        (words.rules.day, steps),
        lines.into_iter().flatten().collect(),
    )
    .with_csv(csv)
}

#[derive(Deserialize)]
pub(in crate::console) struct AskedDays {
    rule: String,
    days: Option<u64>,
}

/// The numbers of the chart for a spreadsheet.
pub(in crate::console) async fn days_csv(
    State(desk): State<Desk>,
    locale: Locale,
    query: Result<Query<AskedDays>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Query(asked)) = query else { return Err(PageError::UnknownRule.page(locale)) };
    if !is_id(&asked.rule) {
        return Err(PageError::UnknownRule.page(locale));
    }
    let (now, days) = (Utc::now(), asked.days.unwrap_or(DAYS).clamp(1, MOST_DAYS));
    let found = match desk.store.rule_days(&asked.rule, first_day(now, days)).await {
        Ok(found) => found,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    match chart(locale.words(), &asked.rule, &found, now, days).to_csv() {
        Ok(text) => Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response()),
        Err(error) => Err(PageError::Store(StoreError::Unexpected(error.to_string())).page(locale)),
    }
}

fn alert(alert: RuleAlert, words: &Words) -> Alert {
    use crate::store::review::View as Of;
    Alert {
        id: alert.alert_id,
        policy: words.policy(alert.policy.as_str()),
        probability: percent(alert.score),
        state: match (alert.ruling, alert.state) {
            (Some(ruling), _) => (words.review.ruling_name)(ruling),
            (None, AlertState::Escalated) => (words.review.view_name)(Of::Escalated),
            (None, _) => (words.review.view_name)(Of::Open),
        },
        created: alert.created_at.into(),
    }
}

fn line(row: AuditRow, words: &Words) -> Line {
    let detail = row.entry.detail;
    let off = detail.get("off").and_then(serde_json::Value::as_bool).unwrap_or(false);
    let reason = detail.get("reason").and_then(serde_json::Value::as_str).unwrap_or_default();
    Line {
        at: row.entry.at.into(),
        who: row.entry.actor.name,
        what: if off { words.rules.was_switched_off } else { words.rules.was_switched_on },
        reason: reason.to_owned(),
    }
}
