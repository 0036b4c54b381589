//! The courier between the database and real receivers.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use mimamori::access::Actor;
use mimamori::contract::WebhookEvent;
use mimamori::store::Store;
use mimamori::store::webhooks::*;
use mimamori::worker::{Client, Courier, Metrics};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::receiver::{Answer, Receiver};
use crate::running::eventually;
use crate::support::database::{self, Fresh};
use crate::values::*;

const FLAGGED: &[WebhookEvent] = &[WebhookEvent::MessageFlagged];
/// Nothing waits any longer for its next attempt, or for the end of a claim.
const HASTEN_POSTGRES: &str =
    "update webhook_deliveries set due_at = now() - interval '1 second' where state = 'pending'";
const HASTEN_SQLITE: &str = "update webhook_deliveries set due_at = 0 where state = 'pending'";

/// A courier that is running.
struct Running {
    courier: JoinHandle<()>,
    stop: CancellationToken,
}

impl Running {
    fn start(store: Arc<dyn Store>, allow_private: bool) -> Self {
        let client = Client::new(allow_private).unwrap();
        let metrics = Metrics::new(Vec::new());
        let courier = Arc::new(Courier { store, client, keep: TimeDelta::days(30), metrics });
        let stop = CancellationToken::new();
        let courier = tokio::spawn(courier.run(stop.clone(), CancellationToken::new()));
        Self { courier, stop }
    }

    /// As SIGTERM does.
    async fn stop(self) {
        self.stop.cancel();
        self.courier.await.unwrap();
    }
}

async fn hasten(fresh: &Fresh) {
    let sql = match fresh.config {
        mimamori::config::Database::Postgres(_) => HASTEN_POSTGRES,
        mimamori::config::Database::Sqlite(_) => HASTEN_SQLITE,
    };
    database::execute(&fresh.config, sql).await;
}

/// The one delivery of the endpoint, once it stands so.
async fn settled(
    store: &dyn Store,
    endpoint: i64,
    what: &str,
    holds: impl Fn(&Delivery) -> bool,
) -> Delivery {
    eventually(what, async || {
        let sent = deliveries(store, endpoint).await;
        (!sent.last().is_some_and(&holds)).then(|| format!("{sent:?}"))
    })
    .await;
    deliveries(store, endpoint).await.pop().unwrap()
}

pub async fn a_signature_is_what_the_receiver_calculates_and_the_id_stays(fresh: Fresh) {
    let store = fresh.migrated().await;
    let mut receiver = Receiver::start(Answer::Status(500)).await;
    let id = endpoint(&*store, &receiver.url(), FLAGGED).await.endpoint_id;
    let courier = Running::start(store.clone(), true);
    flag(&*store, 0..1).await;
    let first = receiver.next().await;
    assert_eq!(first.path, "/hooks?key=1");
    assert_eq!(first.header("content-type"), "application/json");
    assert_eq!(first.header("host"), receiver.address.to_string());
    assert!(first.header("user-agent").starts_with("mimamori/"));
    assert_eq!(first.signed_by(&[secret(7), secret(8)]), [true, false]);
    let age = Utc::now().timestamp() - first.header("webhook-timestamp").parse::<i64>().unwrap();
    assert!((0..=60).contains(&age), "{age}");
    let body = first.json();
    assert_eq!((&body["type"], &body["data"]["message_id"]), (&"message.flagged".into(), &"m-0".into()));
    assert_eq!(body["data"]["labels"][0]["spans"], serde_json::json!([]), "no words of messages");
    let failed =
        settled(&*store, id, "the failure is marked", |delivery| !delivery.attempts.is_empty()).await;
    assert_eq!(failed.state, DeliveryState::Pending);
    let wait = failed.due_at - failed.attempts[0].at;
    assert!(wait >= TimeDelta::seconds(5) && wait < TimeDelta::seconds(30), "{wait}");
    assert_eq!((failed.attempts[0].status, failed.attempts[0].failure), (Some(500), Some(Failure::Status)));
    // The next one is asked to wait, and for longer than it would.
    receiver.answer(Answer::Busy(3600)).await;
    hasten(&fresh).await;
    let second = receiver.next().await;
    assert_eq!((second.id(), &second.body), (first.id(), &first.body), "the same on every attempt");
    let busy = settled(&*store, id, "marked again", |delivery| delivery.attempts.len() == 2).await;
    assert!(busy.due_at - busy.attempts[1].at >= TimeDelta::hours(1));
    // With a new secret, both sign.
    let endpoint = store.webhook(id).await.unwrap().unwrap();
    assert!(endpoint.failing_since.is_some());
    let until = Utc::now() + TimeDelta::days(1);
    let by = Actor::program();
    done(
        store
            .rotate_webhook_secret(id, endpoint.generation, &secret(8), until, &by, Utc::now())
            .await
            .unwrap(),
    );
    receiver.answer(Answer::Status(204)).await;
    hasten(&fresh).await;
    let third = receiver.next().await;
    assert_eq!(third.id(), first.id());
    assert_eq!(third.signed_by(&[secret(7), secret(8)]), [true, true]);
    let sent = settled(&*store, id, "delivered", |delivery| delivery.state == DeliveryState::Delivered).await;
    assert_eq!(sent.attempts.len(), 3);
    assert_eq!(store.webhook(id).await.unwrap().unwrap().failing_since, None);
    assert!(receiver.waiting().is_none());
    courier.stop().await;
}

pub async fn a_dead_endpoint_delays_no_other(fresh: Fresh) {
    let store = fresh.migrated().await;
    let mut dead = Receiver::start(Answer::Nothing).await;
    let mut well = Receiver::start(Answer::Status(200)).await;
    let dead_id = endpoint(&*store, &dead.url(), FLAGGED).await.endpoint_id;
    let well_id = endpoint(&*store, &well.url(), FLAGGED).await.endpoint_id;
    flag(&*store, 0..20).await;
    let courier = Running::start(store.clone(), true);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        seen.insert(well.next().await.id().to_owned());
    }
    assert_eq!(seen.len(), 20, "each once");
    dead.next().await;
    // An attempt takes ten seconds: none of the dead one's is over, and no more are under way than may be.
    assert!(deliveries(&*store, dead_id).await.iter().all(|delivery| delivery.attempts.is_empty()));
    eventually("the rest is marked", async || {
        let left = deliveries(&*store, well_id).await;
        let left = left.iter().filter(|delivery| delivery.state != DeliveryState::Delivered).count();
        (left > 0).then(|| format!("{left} left"))
    })
    .await;
    let mut under_way = 1;
    while dead.waiting().is_some() {
        under_way += 1;
    }
    assert!(under_way <= 8, "{under_way}");
    // What is under way is finished before the courier ends: it times out.
    courier.stop().await;
    let failed = deliveries(&*store, dead_id).await;
    let failed: Vec<_> = failed.iter().filter_map(|delivery| delivery.attempts.first()).collect();
    assert_eq!(failed.len(), 8);
    assert!(
        failed.iter().all(|attempt| attempt.failure == Some(Failure::Timeout) && attempt.took_ms >= 10_000)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_told_nothing_any_more() {
    let fresh = Fresh::sqlite().await;
    let store = fresh.migrated().await;
    let mut receiver = Receiver::start(Answer::Status(410)).await;
    let id = endpoint(&*store, &receiver.url(), FLAGGED).await.endpoint_id;
    flag(&*store, 0..1).await;
    let courier = Running::start(store.clone(), true);
    receiver.next().await;
    settled(&*store, id, "cancelled", |delivery| delivery.state == DeliveryState::Cancelled).await;
    let endpoint = store.webhook(id).await.unwrap().unwrap();
    assert!(!endpoint.wish.active && endpoint.gone_at.is_some());
    flag(&*store, 1..2).await;
    hasten(&fresh).await;
    courier.stop().await;
    assert!(receiver.waiting().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed() {
    let fresh = Fresh::sqlite().await;
    let store = fresh.migrated().await;
    let mut receiver = Receiver::start(Answer::Redirect).await;
    let id = endpoint(&*store, &receiver.url(), FLAGGED).await.endpoint_id;
    flag(&*store, 0..1).await;
    let courier = Running::start(store.clone(), true);
    let failed = settled(&*store, id, "marked", |delivery| !delivery.attempts.is_empty()).await;
    assert_eq!((failed.attempts[0].status, failed.attempts[0].failure), (Some(307), Some(Failure::Status)));
    courier.stop().await;
    assert_eq!(receiver.next().await.path, "/hooks?key=1");
    assert!(receiver.waiting().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_refused_however_they_are_named() {
    let fresh = Fresh::sqlite().await;
    let store = fresh.migrated().await;
    let mut receiver = Receiver::start(Answer::Status(200)).await;
    let port = receiver.address.port();
    let named = endpoint(&*store, &format!("http://localhost:{port}/"), FLAGGED).await.endpoint_id;
    let numbered = endpoint(&*store, &receiver.url(), FLAGGED).await.endpoint_id;
    let cloud = endpoint(&*store, "https://169.254.169.254/latest/meta-data", FLAGGED).await.endpoint_id;
    flag(&*store, 0..1).await;
    let courier = Running::start(store.clone(), false);
    for id in [named, numbered, cloud] {
        let failed = settled(&*store, id, "refused", |delivery| !delivery.attempts.is_empty()).await;
        assert_eq!((failed.attempts[0].status, failed.attempts[0].failure), (None, Some(Failure::Address)));
    }
    courier.stop().await;
    assert!(receiver.waiting().is_none(), "nobody connected");
    // The same endpoint, once it is allowed.
    let courier = Running::start(store.clone(), true);
    hasten(&fresh).await;
    receiver.next().await;
    courier.courier.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_courier_that_dies_between_sending_and_marking_sends_again_under_the_same_id() {
    let fresh = Fresh::sqlite().await;
    let store = fresh.migrated().await;
    let mut receiver = Receiver::start(Answer::Nothing).await;
    let id = endpoint(&*store, &receiver.url(), FLAGGED).await.endpoint_id;
    flag(&*store, 0..1).await;
    let courier = Running::start(store.clone(), true);
    let first = receiver.next().await;
    courier.courier.abort();
    let _ = courier.courier.await;
    receiver.answer(Answer::Status(200)).await;
    // Its claim is not over.
    let courier = Running::start(store.clone(), true);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(receiver.waiting().is_none());
    hasten(&fresh).await;
    let second = receiver.next().await;
    assert_eq!((first.id(), &first.body), (second.id(), &second.body));
    let sent = settled(&*store, id, "delivered", |delivery| delivery.state == DeliveryState::Delivered).await;
    assert_eq!(sent.attempts.iter().map(|attempt| attempt.attempt).collect::<Vec<_>>(), [2]);
    courier.stop().await;
}
