//! Webhooks: who is told of events over HTTP, and what became of it.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Asked, Sent, id, limit, limit_schema, unknown};
use super::conditions::{IfMatch, stale};
use super::openapi::{Condition, Operation, schema};
use super::problem::{Kind, Problem};
use super::tagged;
use super::views::List;
use crate::access::{Principal, WebhookSecret};
use crate::console::state::Desk;
use crate::console::webhooks::{PREVIOUS_HOLDS, test_id};
use crate::contract::WebhookEvent;
use crate::store::webhooks::{
    Again, Attempt, Delivery, DeliveryListing, DeliveryState, Edit, Endpoint, EndpointWish,
};
use crate::webhook::{LONGEST_URL, target};

const TAG: &str = "Webhooks";

pub(in crate::console) const WEBHOOKS: Operation = Operation {
    id: "listWebhooks",
    tag: TAG,
    summary: "Every endpoint that is told of events",
    answer: schema::<List<WebhookView>>,
    ..Operation::READ
};

pub(in crate::console) const WEBHOOK: Operation = Operation {
    id: "getWebhook",
    tag: TAG,
    summary: "One endpoint",
    key: Some(schema::<i64>),
    answer: schema::<WebhookView>,
    tagged: true,
    ..Operation::READ
};

pub(in crate::console) const ADD_WEBHOOK: Operation = Operation {
    id: "addWebhook",
    tag: TAG,
    summary: "Have an endpoint told of events",
    description: "The answer has the secret that signs, which is not told again but for a day to the same request with the same `Idempotency-Key`. 409 when there are as many endpoints as there can be.",
    body: Some(schema::<NewWebhook>),
    answer: schema::<WebhookWithSecret>,
    tagged: true,
    refused: &[409],
    ..Operation::WRITE
};

pub(in crate::console) const SET_WEBHOOK: Operation = Operation {
    id: "updateWebhook",
    tag: TAG,
    summary: "Change the address or the events of an endpoint, or switch it on or off",
    description: "What is left out stays. Switched off, what is still to be sent is cancelled, and what happens until it is switched on again is never told to it.",
    key: Some(schema::<i64>),
    body: Some(schema::<WebhookChange>),
    answer: schema::<WebhookView>,
    tagged: true,
    condition: Condition::Required,
    ..Operation::READ
};

pub(in crate::console) const DELETE_WEBHOOK: Operation = Operation {
    id: "deleteWebhook",
    tag: TAG,
    summary: "Tell an endpoint nothing any more",
    description: "The answer is the endpoint as it was.",
    key: Some(schema::<i64>),
    answer: schema::<WebhookView>,
    condition: Condition::Required,
    ..Operation::READ
};

pub(in crate::console) const ROTATE_WEBHOOK: Operation = Operation {
    id: "rotateWebhookSecret",
    tag: TAG,
    summary: "Sign with a new secret",
    description: "The answer has it, and it is not told again but to the same request with the same `Idempotency-Key`. For a day the secret before signs as well.",
    key: Some(schema::<i64>),
    answer: schema::<WebhookWithSecret>,
    tagged: true,
    condition: Condition::Required,
    ..Operation::WRITE
};

pub(in crate::console) const TEST_WEBHOOK: Operation = Operation {
    id: "testWebhook",
    tag: TAG,
    summary: "Send the event `webhook.test` to an endpoint",
    description: "It is sent as every event is: the delivery tells what came of it. 409 when the endpoint is switched off.",
    key: Some(schema::<i64>),
    answer: schema::<WebhookDelivery>,
    refused: &[409],
    ..Operation::WRITE
};

pub(in crate::console) const DELIVERIES: Operation = Operation {
    id: "listWebhookDeliveries",
    tag: TAG,
    summary: "What was told to endpoints, newest first, with every attempt",
    query: Some(schema::<DeliveryQuery>),
    answer: schema::<List<WebhookDelivery>>,
    ..Operation::READ
};

pub(in crate::console) const SEND_AGAIN: Operation = Operation {
    id: "sendWebhookAgain",
    tag: TAG,
    summary: "Send what was delivered, failed or cancelled once more",
    description: "With the `webhook-id` that it had. 409 when it waits to be sent already or the endpoint is switched off.",
    key: Some(schema::<i64>),
    answer: schema::<WebhookDelivery>,
    refused: &[409],
    ..Operation::WRITE
};

/// Somebody who is told of events.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Webhook")]
pub(in crate::console) struct WebhookView {
    webhook_id: i64,
    /// What the entity tag names.
    generation: u32,
    url: String,
    events: BTreeSet<WebhookEvent>,
    active: bool,
    /// When the receiver answered 410, after which nothing is sent.
    gone_at: Option<DateTime<Utc>>,
    /// No attempt has succeeded since; null if the last one did.
    failing_since: Option<DateTime<Utc>>,
    /// So long the secret before the last one signs as well.
    previous_secret_until: Option<DateTime<Utc>>,
    /// A log-in.
    created_by: String,
    created_at: DateTime<Utc>,
}

impl From<Endpoint> for WebhookView {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            webhook_id: endpoint.endpoint_id,
            generation: endpoint.generation,
            url: endpoint.wish.url,
            events: endpoint.wish.events,
            active: endpoint.wish.active,
            gone_at: endpoint.gone_at,
            failing_since: endpoint.failing_since,
            previous_secret_until: endpoint.previous_until.filter(|until| *until > Utc::now()),
            created_by: endpoint.created_by,
            created_at: endpoint.created_at,
        }
    }
}

/// An endpoint with its new secret.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct WebhookWithSecret {
    webhook: WebhookView,
    /// `whsec_` and the key in base64: see Standard Webhooks.
    secret: String,
}

/// An event for an endpoint.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct WebhookDelivery {
    delivery_id: i64,
    webhook_id: i64,
    /// The header `webhook-id` of every attempt.
    message_id: String,
    /// An event, or `webhook.test`.
    event: String,
    state: DeliveryState,
    /// When it is sent next; null once it is done with.
    due_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    done_at: Option<DateTime<Utc>>,
    /// First to last.
    attempts: Vec<Attempt>,
}

impl From<Delivery> for WebhookDelivery {
    fn from(delivery: Delivery) -> Self {
        Self {
            delivery_id: delivery.delivery_id,
            webhook_id: delivery.endpoint_id,
            message_id: delivery.webhook_id,
            event: delivery.event,
            state: delivery.state,
            due_at: (delivery.state == DeliveryState::Pending).then_some(delivery.due_at),
            created_at: delivery.created_at,
            done_at: delivery.done_at,
            attempts: delivery.attempts,
        }
    }
}

/// Who is to be told of what.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct NewWebhook {
    /// `https://`; `http://` for localhost and loopback addresses only. Without a name, a password or a fragment.
    #[schemars(length(max = LONGEST_URL))]
    url: String,
    #[schemars(length(min = 1))]
    events: BTreeSet<WebhookEvent>,
}

/// What is to be otherwise.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct WebhookChange {
    /// `https://`; `http://` for localhost and loopback addresses only. Without a name, a password or a fragment.
    #[schemars(length(max = LONGEST_URL))]
    url: Option<String>,
    #[schemars(length(min = 1))]
    events: Option<BTreeSet<WebhookEvent>>,
    active: Option<bool>,
}

/// Which deliveries.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct DeliveryQuery {
    /// Of this endpoint.
    #[schemars(with = "Option<i64>")]
    webhook_id: Option<String>,
    state: Option<DeliveryState>,
    /// `next` of the stretch before.
    cursor: Option<String>,
    #[schemars(schema_with = "limit_schema")]
    limit: Option<String>,
}

type Id = Result<Path<i64>, PathRejection>;
type Answer = Result<Response, Problem>;

pub(in crate::console) async fn webhooks(
    State(desk): State<Desk>,
) -> Result<Json<List<WebhookView>>, Problem> {
    let items = desk.store.webhooks().await?.into_iter().map(WebhookView::from).collect();
    Ok(Json(List { items, next: None }))
}

pub(in crate::console) async fn webhook(State(desk): State<Desk>, path: Id) -> Answer {
    Ok(answered(desk.store.webhook(id(path)?).await?.ok_or_else(unknown)?))
}

fn answered(endpoint: Endpoint) -> Response {
    let view = WebhookView::from(endpoint);
    tagged(view.generation, &view)
}

/// The address as it is kept.
fn checked_url(url: &str) -> Result<String, Problem> {
    target(url).map(String::from).map_err(|error| Kind::Body.of_field("url", error.to_string()))
}

fn checked_events(events: BTreeSet<WebhookEvent>) -> Result<BTreeSet<WebhookEvent>, Problem> {
    if events.is_empty() {
        return Err(Kind::Body.of_field("events", "expected at least one event"));
    }
    Ok(events)
}

pub(in crate::console) async fn add_webhook(
    State(desk): State<Desk>,
    principal: Principal,
    Sent(NewWebhook { url, events }): Sent<NewWebhook>,
) -> Answer {
    let wish = EndpointWish { url: checked_url(&url)?, events: checked_events(events)?, active: true };
    let secret = WebhookSecret::new(&mut rand::rng());
    let edit = desk.store.add_webhook(&wish, &secret, &principal.actor(), Utc::now()).await?;
    Ok(with_secret(edited(edit)?, &secret))
}

fn with_secret(endpoint: Endpoint, secret: &WebhookSecret) -> Response {
    let view = WebhookWithSecret { webhook: endpoint.into(), secret: secret.reveal() };
    tagged(view.webhook.generation, &view)
}

fn edited(edit: Edit) -> Result<Endpoint, Problem> {
    match edit {
        Edit::Done(endpoint) => Ok(endpoint),
        Edit::Unknown => Err(unknown()),
        Edit::Stale(generation) => Err(stale().now_at(generation)),
        Edit::TooMany => {
            Err(Kind::Conflict.because("There are as many endpoints as there can be: delete one."))
        }
    }
}

pub(in crate::console) async fn set_webhook(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
    Sent(WebhookChange { url, events, active }): Sent<WebhookChange>,
) -> Answer {
    let (id, generation) = (id(path)?, condition.required()?);
    // What is left out is as it was in the generation that is meant; the store compares it.
    let was = desk.store.webhook(id).await?.ok_or_else(unknown)?.wish;
    let wish = EndpointWish {
        url: url.map_or(Ok(was.url), |url| checked_url(&url))?,
        events: events.map_or(Ok(was.events), checked_events)?,
        active: active.unwrap_or(was.active),
    };
    let edit = desk.store.change_webhook(id, generation, &wish, &principal.actor(), Utc::now()).await?;
    Ok(answered(edited(edit)?))
}

pub(in crate::console) async fn delete_webhook(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
) -> Result<Json<WebhookView>, Problem> {
    let (id, generation) = (id(path)?, condition.required()?);
    let edit = desk.store.delete_webhook(id, generation, &principal.actor(), Utc::now()).await?;
    Ok(Json(edited(edit)?.into()))
}

pub(in crate::console) async fn rotate_webhook(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
) -> Answer {
    let (id, generation) = (id(path)?, condition.required()?);
    let (secret, now) = (WebhookSecret::new(&mut rand::rng()), Utc::now());
    let until = now + PREVIOUS_HOLDS;
    let by = principal.actor();
    let edit = desk.store.rotate_webhook_secret(id, generation, &secret, until, &by, now).await?;
    Ok(with_secret(edited(edit)?, &secret))
}

pub(in crate::console) async fn test_webhook(
    State(desk): State<Desk>,
    principal: Principal,
    path: Id,
) -> Result<Json<WebhookDelivery>, Problem> {
    again(desk.store.test_webhook(id(path)?, &test_id(), &principal.actor(), Utc::now()).await?)
}

pub(in crate::console) async fn send_again(
    State(desk): State<Desk>,
    principal: Principal,
    path: Id,
) -> Result<Json<WebhookDelivery>, Problem> {
    again(desk.store.send_webhook_again(id(path)?, &principal.actor(), Utc::now()).await?)
}

fn again(again: Again) -> Result<Json<WebhookDelivery>, Problem> {
    match again {
        Again::Done(delivery) => Ok(Json(delivery.into())),
        Again::Unknown => Err(unknown()),
        Again::Pending => Err(Kind::Conflict.because("It waits to be sent already.")),
        Again::Inactive => Err(Kind::Conflict.because("The endpoint is switched off.")),
    }
}

pub(in crate::console) async fn deliveries(
    State(desk): State<Desk>,
    Asked(query): Asked<DeliveryQuery>,
) -> Result<Json<List<WebhookDelivery>>, Problem> {
    let number = |field: &'static str, text: Option<&str>| {
        let wrong = || Kind::Request.of_field(field, "expected a number of this list");
        text.map(|text| text.parse::<i64>().map_err(|_| wrong())).transpose()
    };
    let limit = limit(query.limit.as_deref())?;
    let wanted = DeliveryListing {
        only: None,
        endpoint_id: number("webhook_id", query.webhook_id.as_deref())?,
        state: query.state,
        before: number("cursor", query.cursor.as_deref())?,
        limit: limit + 1,
    };
    let mut rows = desk.store.webhook_deliveries(&wanted).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| row.delivery_id.to_string());
    Ok(Json(List { items: rows.into_iter().map(WebhookDelivery::from).collect(), next }))
}
