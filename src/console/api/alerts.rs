//! Alerts, to read.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::Utc;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask::{Asked, id, limit, limit_schema, unknown};
use super::openapi::{Operation, schema};
use super::problem::{Kind, Problem};
use super::tagged;
use super::views::{Alert, AlertDetail, List, Sources};
use crate::access::Principal;
use crate::console::masking;
use crate::console::review::{cursor, place};
use crate::console::state::Desk;
use crate::contract::Policy;
use crate::store::review::{Direction, Listing, View};

/// Messages before and after the alert's own, and earlier findings.
const AROUND: u32 = 20;

pub(in crate::console) const ALERTS: Operation = Operation {
    id: "listAlerts",
    tag: "Alerts",
    summary: "A stretch of a list of alerts",
    description: "Open and escalated alerts come in the order in which they are reviewed, claimed ones by the end of the claim, decided \
                  ones with the latest first.",
    query: Some(schema::<AlertQuery>),
    answer: schema::<List<Alert>>,
    ..Operation::READ
};

pub(in crate::console) const ALERT: Operation = Operation {
    id: "getAlert",
    tag: "Alerts",
    summary: "One alert with its conversation, its findings and what was done with it",
    key: Some(schema::<i64>),
    answer: schema::<AlertDetail>,
    tagged: true,
    ..Operation::READ
};

/// Which alerts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct AlertQuery {
    /// Which list; `claimed` are those of the open and escalated ones that somebody reviews at this moment.
    #[serde(default)]
    state: View,
    /// Only those of this policy.
    #[schemars(regex(pattern = "^[a-z0-9_]+$"))]
    policy: Option<String>,
    /// Only those that such sources fired for.
    source: Option<Sources>,
    /// Only what the token's account has claimed, or decided.
    mine: Option<Mine>,
    /// `next` of the stretch before, with the same filters.
    cursor: Option<String>,
    /// How many at most.
    #[schemars(schema_with = "limit_schema")]
    limit: Option<String>,
}

/// A switch in an address.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::console) enum Mine {
    True,
    False,
}

pub(in crate::console) async fn alerts(
    State(desk): State<Desk>,
    principal: Principal,
    Asked(asked): Asked<AlertQuery>,
) -> Result<Json<List<Alert>>, Problem> {
    let now = Utc::now();
    let limit = limit(asked.limit.as_deref())?;
    let policy = asked.policy.map(|name| name.parse::<Policy>()).transpose();
    let from = asked.cursor.as_deref().map(|text| cursor(text).ok_or_else(wrong_cursor)).transpose()?;
    let wanted = Listing {
        view: asked.state,
        policy: policy.map_err(|expected| Kind::Request.of_field("policy", expected))?,
        sources: asked.source.map(Into::into),
        mine: (asked.mine == Some(Mine::True)).then(|| principal.login.to_string()),
        from,
        direction: Direction::Forward,
        // One more tells whether there is more.
        limit: limit + 1,
        at: now,
    };
    let mut rows = desk.store.review_queue(&wanted).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| place(row.cursor(wanted.view)));
    let reads = masking::reads(&principal);
    let items = rows.into_iter().map(|row| Alert::new(row, reads, now)).collect();
    Ok(Json(List { items, next }))
}

pub(super) fn wrong_cursor() -> Problem {
    Kind::Request.of_field("cursor", "expected `next` of an earlier answer")
}

pub(in crate::console) async fn alert(
    State(desk): State<Desk>,
    principal: Principal,
    path: Result<Path<i64>, PathRejection>,
) -> Result<Response, Problem> {
    let file = desk.store.alert_file(id(path)?, AROUND).await?.ok_or_else(unknown)?;
    let generation = file.row.generation;
    Ok(tagged(generation, &AlertDetail::new(file, masking::reads(&principal), Utc::now())))
}
