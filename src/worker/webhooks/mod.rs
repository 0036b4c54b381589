//! Sends webhooks: what is due is claimed, signed, sent and marked. A crash in between sends again with the same `webhook-id`: at least
//! once, never lost, in no order.
//!
//! Each endpoint has a lane of its own with a few deliveries at once, so one that does not answer delays no other; and nothing here
//! ends the worker.

mod client;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

pub use client::Client;

use super::metrics::Metrics;
use crate::access::WebhookSecret;
use crate::contract::{TEST_EVENT, TestEvent, Webhook};
use crate::store::webhooks::{Attempt, Claimed, ClaimedDelivery, Failure, Next, Swept};
use crate::store::{Store, StoreError};
use crate::webhook::{next_wait, target};
use client::Reply;

/// Between two looks for what is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Deliveries of one endpoint that a worker sends at once.
const AT_ONCE: u32 = 8;
/// Who has a delivery for longer has died: several times what an attempt takes at most.
const LEASE: Duration = Duration::from_secs(60);
/// Between two sweeps.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// The receiver wants no more, for good.
const GONE: u16 = 410;

/// Sends what is due, until it is told to stop.
pub struct Courier {
    pub store: Arc<dyn Store>,
    pub client: Client,
    /// How long tests are kept; other deliveries go with their events.
    pub keep: TimeDelta,
    pub metrics: Metrics,
}

impl Courier {
    /// Runs until `stop`; then finishes what is being sent. `abandon` ends it at once.
    pub async fn run(self: Arc<Self>, stop: CancellationToken, abandon: CancellationToken) {
        let mut lanes = Lanes::default();
        let mut sweep_at = Instant::now();
        while !stop.is_cancelled() {
            lanes.clear_ended();
            if let Err(error) = self.look(&mut lanes, &stop).await {
                tracing::warn!(%error, "cannot look for webhooks that are due; will try again");
            }
            if sweep_at <= Instant::now() {
                self.sweep().await;
                sweep_at = Instant::now() + SWEEP_EVERY;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        tokio::select! {
            () = abandon.cancelled() => {}
            () = lanes.all_ended() => {}
        }
    }

    async fn look(self: &Arc<Self>, lanes: &mut Lanes, stop: &CancellationToken) -> Result<(), StoreError> {
        for endpoint in self.store.webhooks_due(Utc::now()).await? {
            if lanes.busy.insert(endpoint) {
                let (courier, stop) = (self.clone(), stop.clone());
                let lane = lanes.running.spawn(async move { courier.lane(endpoint, stop).await });
                lanes.endpoints.insert(lane.id(), endpoint);
            }
        }
        Ok(())
    }

    /// Sends what is due of one endpoint.
    async fn lane(&self, endpoint: i64, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.store.claim_webhooks(endpoint, AT_ONCE, LEASE, Utc::now()).await {
                Ok(Some(claimed)) => {
                    let sent =
                        claimed.deliveries.iter().map(|delivery| self.send(endpoint, &claimed, delivery));
                    join_all(sent).await;
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(endpoint, %error, "cannot claim webhooks; will try again");
                    return;
                }
            }
        }
    }

    async fn send(&self, endpoint: i64, claimed: &Claimed, delivery: &ClaimedDelivery) {
        let (at, started) = (Utc::now(), Instant::now());
        let answer = self.post(endpoint, claimed, delivery, at).await;
        let attempt = Attempt {
            attempt: delivery.claim,
            at,
            took_ms: started.elapsed().as_millis().try_into().unwrap_or(u32::MAX),
            status: answer.as_ref().ok().map(|reply| reply.status),
            failure: failure(&answer),
        };
        let now = Utc::now();
        let next = next(&answer, delivery.failures + 1, rand::random(), now);
        self.metrics.webhook_attempt(attempt.failure.map_or("delivered", Failure::as_str));
        match self.store.finish_webhook(delivery.delivery_id, &attempt, next, now).await {
            Ok(true) => told(endpoint, delivery, &attempt, next),
            Ok(false) => tracing::warn!(
                endpoint,
                delivery = delivery.delivery_id,
                "somebody else has sent this webhook meanwhile"
            ),
            // Its claim ends, and it is sent again.
            Err(error) => {
                tracing::warn!(endpoint, delivery = delivery.delivery_id, %error, "cannot mark a webhook")
            }
        }
    }

    async fn post(
        &self,
        endpoint: i64,
        claimed: &Claimed,
        delivery: &ClaimedDelivery,
        at: DateTime<Utc>,
    ) -> Result<Reply, Failure> {
        let url = target(&claimed.url).map_err(|_| Failure::Event)?;
        let body = body(endpoint, delivery).ok_or(Failure::Event)?;
        let timestamp = at.timestamp();
        let signature =
            signatures(&claimed.secrets, &delivery.webhook_id, timestamp, &body).ok_or(Failure::Event)?;
        let headers = [
            ("webhook-id", delivery.webhook_id.clone()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ];
        self.client.post(&url, &headers, body).await
    }

    async fn sweep(&self) {
        let now = Utc::now();
        match self.store.sweep_webhooks(now - self.keep, now).await {
            Ok(Swept { given_up, deleted }) if given_up + deleted > 0 => {
                tracing::info!(
                    given_up,
                    deleted,
                    "webhooks that waited for days are given up, old tests deleted"
                );
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "cannot sweep webhooks; will try again"),
        }
    }
}

/// Endpoints that are being sent to.
#[derive(Default)]
struct Lanes {
    running: JoinSet<()>,
    endpoints: HashMap<Id, i64>,
    busy: BTreeSet<i64>,
}

impl Lanes {
    fn clear_ended(&mut self) {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.ended(ended);
        }
    }

    async fn all_ended(&mut self) {
        while let Some(ended) = self.running.join_next_with_id().await {
            self.ended(ended);
        }
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(
            |error| {
                tracing::error!(%error, "a lane of webhooks has ended in a panic");
                error.id()
            },
            |(id, ())| id,
        );
        if let Some(endpoint) = self.endpoints.remove(&id) {
            self.busy.remove(&endpoint);
        }
    }
}

/// What is sent: the event in its envelope, the same bytes on every attempt. None if it is no event of this program.
fn body(endpoint: i64, delivery: &ClaimedDelivery) -> Option<Vec<u8>> {
    let webhook = match &delivery.body {
        Some(body) => Webhook::of(delivery.event.parse().ok()?, delivery.told_at, body).ok()?,
        None if delivery.event == TEST_EVENT => {
            Webhook::Test { timestamp: delivery.told_at, data: TestEvent { webhook_id: endpoint } }
        }
        None => return None,
    };
    serde_json::to_vec(&webhook).ok()
}

/// One signature for each secret.
fn signatures(secrets: &[WebhookSecret], id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(id, timestamp, body)).collect();
    (!signatures.is_empty()).then(|| signatures.join(" "))
}

fn failure(answer: &Result<Reply, Failure>) -> Option<Failure> {
    match answer {
        Ok(reply) if (200..300).contains(&reply.status) => None,
        Ok(_) => Some(Failure::Status),
        Err(failure) => Some(*failure),
    }
}

fn next(answer: &Result<Reply, Failure>, failures: u32, chance: f64, now: DateTime<Utc>) -> Next {
    let asked = match answer {
        Ok(reply) if (200..300).contains(&reply.status) => return Next::Delivered,
        Ok(reply) if reply.status == GONE => return Next::Gone,
        Ok(reply) => reply.retry_after,
        Err(_) => None,
    };
    let wait = next_wait(failures, chance, asked).and_then(|wait| TimeDelta::from_std(wait).ok());
    wait.map_or(Next::Failed, |wait| Next::Retry(now + wait))
}

/// The log names numbers, never addresses or bodies.
fn told(endpoint: i64, delivery: &ClaimedDelivery, attempt: &Attempt, next: Next) {
    let (delivery, number) = (delivery.delivery_id, attempt.attempt);
    let why = attempt.failure.map_or("", Failure::as_str);
    match next {
        Next::Delivered => tracing::debug!(endpoint, delivery, attempt = number, "webhook delivered"),
        Next::Retry(at) => tracing::info!(
            endpoint, delivery, attempt = number, why, status = attempt.status, %at, "webhook failed, will be sent again"
        ),
        Next::Failed => tracing::warn!(
            endpoint,
            delivery,
            attempt = number,
            why,
            status = attempt.status,
            "webhook failed for the last time"
        ),
        Next::Gone => {
            tracing::warn!(endpoint, delivery, "the receiver of webhooks is gone for good: switched off")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, retry_after: Option<u64>) -> Result<Reply, Failure> {
        Ok(Reply { status, retry_after: retry_after.map(Duration::from_secs) })
    }

    #[test]
    fn every_2xx_is_taken_410_is_for_good_and_the_rest_is_tried_again() {
        let now = DateTime::UNIX_EPOCH;
        let after = |seconds| Next::Retry(now + TimeDelta::seconds(seconds));
        for (answer, expected) in [
            (reply(200, None), Next::Delivered),
            (reply(204, None), Next::Delivered),
            (reply(299, None), Next::Delivered),
            (reply(410, None), Next::Gone),
            (reply(302, None), after(5)),
            (reply(400, None), after(5)),
            (reply(503, Some(120)), after(120)),
            (reply(429, Some(1)), after(5)),
            (Err(Failure::Timeout), after(5)),
        ] {
            assert_eq!(next(&answer, 1, 0.0, now), expected, "{answer:?}");
            assert_eq!(failure(&answer).is_none(), expected == Next::Delivered);
        }
        assert_eq!(next(&reply(500, None), crate::webhook::ATTEMPTS, 0.0, now), Next::Failed);
        // Asked again by hand, it can have failed any number of times before.
        assert_eq!(next(&reply(500, None), u32::MAX, 0.0, now), Next::Failed);
    }
}
