//! Which list of alerts an address asks for, and the addresses of lists.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::console::error::PageError;
use crate::console::handover::encoded;
use crate::console::keyset;
use crate::console::locale::Locale;
use crate::contract::Policy;
use crate::store::AlertSources;
use crate::store::review::{Cursor, Direction, Listing, View};

/// Rows of one page.
pub(in crate::console) const ROWS: u32 = 25;

/// A list with its filters, and the place in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::console) struct Asked {
    pub(in crate::console) view: View,
    pub(in crate::console) policy: Option<Policy>,
    pub(in crate::console) sources: Option<AlertSources>,
    pub(in crate::console) mine: bool,
    pub(in crate::console) from: Option<Cursor>,
    pub(in crate::console) direction: Direction,
    /// What the button before did, and to how many alerts.
    pub(in crate::console) done: Option<(String, u32)>,
}

/// Empty is as good as absent: forms send empty fields.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    view: String,
    #[serde(default)]
    policy: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    mine: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    before: String,
    #[serde(default)]
    done: String,
    #[serde(default)]
    count: String,
}

impl Asked {
    fn read(raw: Raw) -> Option<Self> {
        let some = |text: String| (!text.is_empty()).then_some(text);
        let view = match raw.view.as_str() {
            "" => View::Open,
            name => View::ALL.into_iter().find(|view| view.as_str() == name)?,
        };
        let (from, direction) = keyset::place(&raw.after, &raw.before, cursor)?;
        Some(Self {
            view,
            policy: some(raw.policy).map(|name| name.parse()).transpose().ok()?,
            sources: some(raw.source).map(|name| name.parse()).transpose().ok()?,
            mine: !raw.mine.is_empty(),
            from,
            direction,
            done: some(raw.done).map(|name| (name, raw.count.parse().unwrap_or(1))),
        })
    }

    /// The query of the list, without a place in it; never empty.
    pub(in crate::console) fn query(&self) -> String {
        let mut query = format!("view={}", self.view.as_str());
        if let Some(policy) = &self.policy {
            query.push_str(&format!("&policy={}", encoded(policy.as_str())));
        }
        if let Some(sources) = self.sources {
            query.push_str(&format!("&source={}", encoded(sources.as_str())));
        }
        if self.mine {
            query.push_str("&mine=yes");
        }
        query
    }

    /// What to ask the store for.
    pub(in crate::console) fn listing(&self, login: &str, limit: u32, at: DateTime<Utc>) -> Listing {
        Listing {
            view: self.view,
            policy: self.policy.clone(),
            sources: self.sources,
            mine: self.mine.then(|| login.to_owned()),
            from: self.from,
            direction: self.direction,
            limit,
            at,
        }
    }

    /// The list that a reviewer works through: open alerts, or escalated ones for who looks at those.
    pub(super) fn to_work(&self) -> Self {
        let view = if self.view == View::Escalated { View::Escalated } else { View::Open };
        Self { view, mine: false, from: None, direction: Direction::Forward, done: None, ..self.clone() }
    }
}

/// Microseconds and the alert's number, as they stand in addresses.
pub(in crate::console) fn place(cursor: Cursor) -> String {
    format!("{}.{}", cursor.time.timestamp_micros(), cursor.alert_id)
}

pub(in crate::console) fn cursor(text: &str) -> Option<Cursor> {
    let (time, alert_id) = text.split_once('.')?;
    Some(Cursor { time: keyset::moment(time)?, alert_id: alert_id.parse().ok()? })
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let raw = Query::<Raw>::from_request_parts(parts, state).await.ok();
        if let Some(asked) = raw.and_then(|Query(raw)| Self::read(raw)) {
            return Ok(asked);
        }
        Err(PageError::Cursor.page(Locale::of_parts(parts)).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Option<Asked> {
        let uri = format!("/alerts?{query}").parse().unwrap();
        Query::<Raw>::try_from_uri(&uri).ok().and_then(|Query(raw)| Asked::read(raw))
    }

    #[test]
    fn what_is_written_is_read_again() {
        let asked = read("view=decided&policy=harassment&source=rule%2Bmodel&mine=yes&after=5.7").unwrap();
        assert_eq!(asked.sources, Some(AlertSources::RuleAndModel));
        assert_eq!(asked.query(), "view=decided&policy=harassment&source=rule%2Bmodel&mine=yes");
        assert_eq!(asked.from.map(place).as_deref(), Some("5.7"));
        assert_eq!(read("view=&policy=&source=&after="), read(""));
        assert_eq!(asked.to_work().query(), "view=open&policy=harassment&source=rule%2Bmodel");
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for wrong in [
            "view=all",
            "policy=A%20B",
            "source=rules",
            "after=x",
            "after=1",
            "after=1.2&before=1.2",
            "after=9223372036854775807.1",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
