//! `/models/differences`: messages that only the live models, or only those in shadow, would report.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use crate::access::{Principal, masked};
use crate::console::error::{ErrorPage, PageError};
use crate::console::handover::encoded;
use crate::console::layout::{Frame, Moment, Room, percent, reading_language, render};
use crate::console::locale::Locale;
use crate::console::masking::reads;
use crate::console::paging::{PageNumber, Pager};
use crate::console::state::Desk;
use crate::console::words::Words;
use crate::contract::Policy;
use crate::store::shadow::{DifferenceRow, MOST_DIFFERENCES, Pair, Side};

#[derive(Template)]
#[template(path = "differences.html")]
struct View {
    frame: Frame,
    policy: String,
    side: &'static str,
    pair: Pair,
    about: String,
    masked: bool,
    rows: Vec<Row>,
    pager: Pager,
}

/// A message.
struct Row {
    id: String,
    transaction: String,
    role: &'static str,
    text: String,
    lang: &'static str,
    live: String,
    shadow: String,
    at: Moment,
    /// Address and name.
    alert: Option<(String, String)>,
    decision: String,
}

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    live: String,
    shadow: String,
    policy: String,
    side: String,
}

pub(in crate::console) async fn page(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    number: PageNumber,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let Some((pair, policy, side)) = asked.ok().and_then(|Query(asked)| asked.read()) else {
        return Err(PageError::UnknownPage.page(locale));
    };
    let found = desk.store.shadow_differences(&pair, &policy, side, number.wanted()).await;
    let mut rows = match found {
        Ok(rows) => rows,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let words = locale.words();
    let list = format!(
        "/models/differences?live={}&shadow={}&policy={}&side={}",
        encoded(&pair.live),
        encoded(&pair.shadow),
        encoded(policy.as_str()),
        side.as_str()
    );
    let pager = Pager::over(number, &mut rows, &list);
    let readable = reads(&principal);
    let view = View {
        frame: Frame::new(&locale, Room::Models, words.models.differences),
        policy: words.policy(policy.as_str()),
        side: (words.models.only)(side),
        about: (words.models.differences_about)(MOST_DIFFERENCES),
        masked: !readable,
        rows: rows.into_iter().map(|row| self::row(row, readable, words)).collect(),
        pair,
        pager,
    };
    Ok(render(StatusCode::OK, &view))
}

impl Asked {
    fn read(self) -> Option<(Pair, Policy, Side)> {
        let side = Side::ALL.into_iter().find(|side| side.as_str() == self.side)?;
        let policy = self.policy.parse().ok()?;
        Some((Pair { live: self.live, shadow: self.shadow }, policy, side))
    }
}

fn row(row: DifferenceRow, readable: bool, words: &Words) -> Row {
    let decision = match &row.ruling {
        None => "–".to_owned(),
        Some((ruling, Some(policy))) => {
            format!("{} ({})", (words.review.ruling_name)(*ruling), words.policy(policy.as_str()))
        }
        Some((ruling, None)) => (words.review.ruling_name)(*ruling).to_owned(),
    };
    Row {
        lang: reading_language(&row.text).as_str(),
        text: if readable { row.text } else { masked(&row.text) },
        id: row.message_id.to_string(),
        transaction: row.transaction_id.to_string(),
        role: (words.role_name)(row.role),
        live: percent(row.live_probability),
        shadow: percent(row.shadow_probability),
        at: row.judged_at.into(),
        alert: row.alert_id.map(|id| (format!("/alerts/{id}"), (words.review.alert)(id))),
        decision,
    }
}
