//! `/api/v1`: what the pages do, for programs: JSON by API tokens, through the same functions of the store.
//!
//! A row of the table of routes with an [`Operation`] is a row of the API: [`openapi`] makes the document of all of them, with schemas
//! generated from the types of [`views`] and of the bodies, and [`page`] shows it to people. [`once`] answers a request with a key once.

mod agents;
mod alerts;
mod ask;
mod conditions;
mod inquiries;
mod once;
mod openapi;
mod page;
mod problem;
mod queue;
mod review;
mod views;
mod webhooks;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

pub(super) use agents::{AGENT, AGENTS, SET_AGENT, VERDICT, agent, agents, set_agent, verdict};
pub(super) use alerts::{ALERT, ALERTS, alert, alerts};
pub(super) use inquiries::{INQUIRIES, INQUIRY, inquiries, inquiry};
pub(super) use once::once;
pub(super) use openapi::{DOCUMENT, Operation, Row, document};
pub(super) use page::page;
pub(super) use queue::{
    ACCEPT, ASSIGN, CLASSIFY, REJECT, RESOLVE, accept, assign, classify, reject, resolve,
};
pub(super) use review::{
    CLAIM, DECIDE, ESCALATE, HIDE, RELEASE, RESTORE, UNDO, WARN, claim, decide, escalate, hide, release,
    restore, undo, warn,
};

pub(super) use webhooks::{
    ADD_WEBHOOK, DELETE_WEBHOOK, DELIVERIES, ROTATE_WEBHOOK, SEND_AGAIN, SET_WEBHOOK, TEST_WEBHOOK, WEBHOOK,
    WEBHOOKS, add_webhook, delete_webhook, deliveries, rotate_webhook, send_again, set_webhook, test_webhook,
    webhook, webhooks,
};

use crate::access::{Permission, Principal};
use openapi::schema;
use views::Me;

pub(super) const ME: Operation = Operation {
    id: "getMe",
    tag: "Access",
    summary: "Who the token is, and what it may do",
    answer: schema::<Me>,
    ..Operation::READ
};

pub(super) async fn me(principal: Principal) -> Json<Me> {
    let permissions = Permission::all().filter(|each| principal.may(*each)).map(Permission::as_str);
    Json(Me {
        account_id: principal.account_id.0,
        login: principal.login.to_string(),
        permissions: permissions.collect(),
        role: principal.role.as_str(),
        name: principal.name,
        teams: principal.teams,
        agent_id: principal.agent_id,
    })
}

/// One resource with the tag of its generation.
fn tagged(generation: u32, body: &impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{generation}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
