//! Endpoints and events for tests.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use mimamori::access::{Actor, WebhookSecret};
use mimamori::contract::WebhookEvent;
use mimamori::store::webhooks::Attempt;
use mimamori::store::webhooks::*;
use mimamori::store::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::support::values::*;

pub fn wish(url: &str, events: &[WebhookEvent]) -> EndpointWish {
    EndpointWish { url: url.into(), events: events.iter().copied().collect(), active: true }
}

pub fn secret(seed: u64) -> WebhookSecret {
    WebhookSecret::new(&mut StdRng::seed_from_u64(seed))
}

/// An endpoint with `secret(7)`.
pub async fn endpoint(store: &dyn Store, url: &str, events: &[WebhookEvent]) -> Endpoint {
    done(store.add_webhook(&wish(url, events), &secret(7), &Actor::program(), Utc::now()).await.unwrap())
}

#[track_caller]
pub fn done(edit: Edit) -> Endpoint {
    match edit {
        Edit::Done(endpoint) => endpoint,
        refused => panic!("expected an endpoint, found {refused:?}"),
    }
}

/// Decides so many messages: each is flagged.
pub async fn flag(store: &dyn Store, ids: std::ops::Range<i64>) -> ModerationBatch {
    let messages: Vec<_> = ids.map(|n| message(&format!("m-{n}"), "t-1", n)).collect();
    store.receive_messages(&messages, 0).await.unwrap();
    let decisions = messages.iter().map(|message| flagged(message, 1)).collect();
    let batch = ModerationBatch { decisions, dead_letters: vec![] };
    store.commit_moderation(&batch).await.unwrap();
    batch
}

/// Deliveries of an endpoint, oldest first.
pub async fn deliveries(store: &dyn Store, endpoint: i64) -> Vec<Delivery> {
    let wanted = DeliveryListing { endpoint_id: Some(endpoint), limit: 1000, ..DeliveryListing::default() };
    let mut rows = store.webhook_deliveries(&wanted).await.unwrap();
    rows.reverse();
    rows
}

pub fn events(deliveries: &[Delivery]) -> BTreeSet<&str> {
    deliveries.iter().map(|delivery| delivery.event.as_str()).collect()
}

pub fn attempt(number: u32, at: DateTime<Utc>, failure: Option<Failure>) -> Attempt {
    let status = match failure {
        None => Some(200),
        Some(Failure::Status) => Some(500),
        Some(_) => None,
    };
    Attempt { attempt: number, at, took_ms: 3, status, failure }
}
