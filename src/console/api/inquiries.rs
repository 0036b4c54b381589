//! Inquiries, to read: those that the account sees.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;

use super::alerts::wrong_cursor;
use super::ask::{Asked, id, limit, limit_schema, unknown};
use super::openapi::{Operation, schema};
use super::problem::Problem;
use super::tagged;
use super::views::{Inquiry, InquiryDetail, List};
use crate::access::Principal;
use crate::console::keyset::moment;
use crate::console::masking;
use crate::console::state::Desk;
use crate::contract::InquiryId;
use crate::store::{InquiryListing, InquiryRow, InquiryStatus};

pub(in crate::console) const INQUIRIES: Operation = Operation {
    id: "listInquiries",
    tag: "Inquiries",
    summary: "A stretch of the inquiries that the account sees, newest first",
    query: Some(schema::<InquiryQuery>),
    answer: schema::<List<Inquiry>>,
    ..Operation::READ
};

pub(in crate::console) const INQUIRY: Operation = Operation {
    id: "getInquiry",
    tag: "Inquiries",
    summary: "One inquiry",
    key: Some(schema::<InquiryId>),
    answer: schema::<InquiryDetail>,
    tagged: true,
    ..Operation::READ
};

/// Which inquiries.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct InquiryQuery {
    /// Only those that stand so.
    status: Option<InquiryStatus>,
    /// `next` of the stretch before, with the same filters.
    cursor: Option<String>,
    /// How many at most.
    #[schemars(schema_with = "limit_schema")]
    limit: Option<String>,
}

pub(in crate::console) async fn inquiries(
    State(desk): State<Desk>,
    principal: Principal,
    Asked(asked): Asked<InquiryQuery>,
) -> Result<Json<List<Inquiry>>, Problem> {
    let limit = limit(asked.limit.as_deref())?;
    let after = asked.cursor.as_deref().map(|text| cursor(text).ok_or_else(wrong_cursor)).transpose()?;
    // One more tells whether there is more.
    let wanted = InquiryListing { status: asked.status, only: None, after, limit: limit + 1 };
    let mut rows = desk.store.inquiry_list(&wanted, &principal.sight()).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(place);
    let reads = masking::reads(&principal);
    Ok(Json(List { items: rows.into_iter().map(|row| Inquiry::new(row, reads)).collect(), next }))
}

pub(in crate::console) async fn inquiry(
    State(desk): State<Desk>,
    principal: Principal,
    path: Result<Path<InquiryId>, PathRejection>,
) -> Result<Response, Problem> {
    let id = id(path)?;
    let mut rows = desk.store.inquiry_list(&InquiryListing::one(&id), &principal.sight()).await?;
    let row = rows.pop().ok_or_else(unknown)?;
    let received = desk.store.inquiry(&id).await?.ok_or_else(unknown)?;
    let generation = row.generation;
    let detail = InquiryDetail {
        inquiry: Inquiry::new(row, masking::reads(&principal)),
        customer_id: received.customer_id,
        transaction_id: received.transaction_id,
    };
    Ok(tagged(generation, &detail))
}

/// Microseconds and the identifier.
fn place(row: &InquiryRow) -> String {
    format!("{}.{}", row.received_at.timestamp_micros(), row.inquiry_id)
}

fn cursor(text: &str) -> Option<(DateTime<Utc>, InquiryId)> {
    let (time, id) = text.split_once('.')?;
    Some((moment(time)?, InquiryId::new(id).ok()?))
}
