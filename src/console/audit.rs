//! `/audit`: who did what.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::error::{ErrorPage, PageError};
use super::handover::encoded;
use super::layout::{Frame, Moment, Room, render};
use super::locale::Locale;
use super::state::Desk;
use super::words::AccessWords;
use crate::access::Act;
use crate::store::{AuditFilter, AuditRow};

/// Lines of one page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "audit.html")]
struct View {
    frame: Frame,
    lines: Vec<Line>,
    /// Every act, by its name in the address and in the page's language, and whether it is chosen.
    acts: Vec<(&'static str, &'static str, bool)>,
    actor: String,
    subject_kind: String,
    subject_id: String,
    older: Option<String>,
}

struct Line {
    at: Moment,
    actor: String,
    way: &'static str,
    act: &'static str,
    act_key: &'static str,
    subject_kind: String,
    subject_id: String,
    detail: Vec<(String, String)>,
}

#[derive(Default, Deserialize)]
pub(super) struct Asked {
    actor: Option<String>,
    act: Option<String>,
    kind: Option<String>,
    id: Option<String>,
    before: Option<String>,
}

impl Asked {
    fn filter(self) -> AuditFilter {
        let given =
            |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        AuditFilter {
            before: self.before.and_then(|number| number.parse().ok()),
            actor: given(self.actor),
            act: given(self.act),
            subject_kind: given(self.kind),
            subject_id: given(self.id),
        }
    }
}

pub(super) async fn page(
    State(desk): State<Desk>,
    locale: Locale,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let filter = asked.map_or(Asked::default(), |Query(asked)| asked).filter();
    let mut rows = match desk.store.audit_trail(&filter, ROWS + 1).await {
        Ok(rows) => rows,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let words = locale.words().access;
    let more = rows.len() > ROWS as usize;
    rows.truncate(ROWS as usize);
    let last = rows.last().map(|row| row.audit_id).filter(|_| more);
    let chosen = |act: &Act| filter.act.as_deref() == Some(act.as_str());
    let view = View {
        frame: Frame::new(&locale, Room::AuditTrail, words.audit_trail),
        older: last.map(|id| address(&filter, id)),
        lines: rows.into_iter().map(|row| line(row, words)).collect(),
        acts: Act::ALL.iter().map(|act| (act.as_str(), (words.act_name)(*act), chosen(act))).collect(),
        actor: filter.actor.unwrap_or_default(),
        subject_kind: filter.subject_kind.unwrap_or_default(),
        subject_id: filter.subject_id.unwrap_or_default(),
    };
    Ok(render(StatusCode::OK, &view))
}

/// The page of what was before a line, with the same filter.
fn address(filter: &AuditFilter, before: i64) -> String {
    let mut address = format!("/audit?before={before}");
    let fields = [
        ("actor", &filter.actor),
        ("act", &filter.act),
        ("kind", &filter.subject_kind),
        ("id", &filter.subject_id),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            address.push_str(&format!("&{name}={}", encoded(value)));
        }
    }
    address
}

/// A value of a line as people read it.
fn shown(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => "–".to_owned(),
        Value::Array(values) if values.is_empty() => "–".to_owned(),
        Value::Array(values) => values.into_iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn line(row: AuditRow, words: &AccessWords) -> Line {
    let entry = row.entry;
    Line {
        at: entry.at.into(),
        actor: entry.actor.name,
        way: (words.way_name)(entry.actor.way),
        act: (words.act_name)(entry.act),
        act_key: entry.act.as_str(),
        subject_kind: entry.subject.kind,
        subject_id: entry.subject.id,
        detail: entry.detail.into_iter().map(|(name, value)| (name, shown(value))).collect(),
    }
}
