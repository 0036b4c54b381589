//! Events told over HTTP: endpoints that want them, and their deliveries. Written once for both databases.
//!
//! A delivery is written with the outbox's row of its event, in one transaction (`insert_events.sql`, `insert_deliveries.sql`); the event's
//! body stays there, and is kept until it is delivered or given up. Whoever sends a delivery claims it: its `due_at` moves behind the end of
//! the claim, and whoever comes too late writes nothing (`claims`).

mod deliveries;
mod endpoints;
mod sending;
mod types;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use types::*;

use super::StoreError;
use super::ledger::Books;
use crate::access::{Actor, WebhookSecret};

/// Webhooks. Every change by somebody writes its line of the audit trail in the same transaction.
#[async_trait]
pub trait WebhookStore: Send + Sync {
    // --- endpoints --------------------------------------------------------------------------------------------------

    /// Every endpoint, oldest first.
    async fn webhooks(&self) -> Result<Vec<Endpoint>, StoreError>;

    async fn webhook(&self, endpoint: i64) -> Result<Option<Endpoint>, StoreError>;

    async fn add_webhook(
        &self,
        wish: &EndpointWish,
        secret: &WebhookSecret,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edit, StoreError>;

    /// Changes what somebody looked at in this generation. Switched off, what is to be sent is cancelled.
    async fn change_webhook(
        &self,
        endpoint: i64,
        generation: u32,
        wish: &EndpointWish,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edit, StoreError>;

    /// Signs with this secret from now on, and with the one before until `previous_until`.
    async fn rotate_webhook_secret(
        &self,
        endpoint: i64,
        generation: u32,
        secret: &WebhookSecret,
        previous_until: DateTime<Utc>,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edit, StoreError>;

    /// What is to be sent is cancelled. Returns the endpoint as it was.
    async fn delete_webhook(
        &self,
        endpoint: i64,
        generation: u32,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edit, StoreError>;

    // --- deliveries -------------------------------------------------------------------------------------------------

    /// Deliveries, newest first.
    async fn webhook_deliveries(&self, wanted: &DeliveryListing) -> Result<Vec<Delivery>, StoreError>;

    /// Sends an event that only tells that the endpoint is reached, under this `webhook_id`.
    async fn test_webhook(
        &self,
        endpoint: i64,
        webhook_id: &str,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Again, StoreError>;

    /// Sends what was delivered, failed or cancelled once more, with attempts as at the beginning.
    async fn send_webhook_again(
        &self,
        delivery: i64,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Again, StoreError>;

    // --- sending ----------------------------------------------------------------------------------------------------

    /// Endpoints that have something to be sent now.
    async fn webhooks_due(&self, at: DateTime<Utc>) -> Result<Vec<i64>, StoreError>;

    /// Claims up to `limit` deliveries of an endpoint for `lease`, the longest due first. None if there are none or it is switched off.
    async fn claim_webhooks(
        &self,
        endpoint: i64,
        limit: u32,
        lease: Duration,
        at: DateTime<Utc>,
    ) -> Result<Option<Claimed>, StoreError>;

    /// Writes what came of an attempt. `false`, and nothing is written, if the claim is over and somebody else has the delivery.
    async fn finish_webhook(
        &self,
        delivery: i64,
        attempt: &Attempt,
        next: Next,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Gives up what has waited for too long, and deletes tests from before `keep_from`. Other deliveries go with their events.
    async fn sweep_webhooks(&self, keep_from: DateTime<Utc>, at: DateTime<Utc>) -> Result<Swept, StoreError>;
}

#[async_trait]
impl<B: Books + Send> WebhookStore for B {
    async fn webhooks(&self) -> Result<Vec<Endpoint>, StoreError> {
        endpoints::all(self).await
    }

    async fn webhook(&self, endpoint: i64) -> Result<Option<Endpoint>, StoreError> {
        endpoints::one(self, endpoint).await
    }

    async fn add_webhook(
        &self,
        wish: &EndpointWish,
        secret: &WebhookSecret,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edit, StoreError> {
        endpoints::add(self, wish, secret, by, at).await
    }

    async fn change_webhook(
        &self,
        endpoint: i64,
        generation: u32,
        wish: &EndpointWish,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edit, StoreError> {
        endpoints::edit(self, endpoint, generation, endpoints::Step::Change(wish), by, at).await
    }

    async fn rotate_webhook_secret(
        &self,
        endpoint: i64,
        generation: u32,
        secret: &WebhookSecret,
        previous_until: DateTime<Utc>,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edit, StoreError> {
        let step = endpoints::Step::Rotate { secret, previous_until };
        endpoints::edit(self, endpoint, generation, step, by, at).await
    }

    async fn delete_webhook(
        &self,
        endpoint: i64,
        generation: u32,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edit, StoreError> {
        endpoints::edit(self, endpoint, generation, endpoints::Step::Delete, by, at).await
    }

    async fn webhook_deliveries(&self, wanted: &DeliveryListing) -> Result<Vec<Delivery>, StoreError> {
        deliveries::list(self, wanted).await
    }

    async fn test_webhook(
        &self,
        endpoint: i64,
        webhook_id: &str,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Again, StoreError> {
        deliveries::test(self, endpoint, webhook_id, by, at).await
    }

    async fn send_webhook_again(
        &self,
        delivery: i64,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Again, StoreError> {
        deliveries::again(self, delivery, by, at).await
    }

    async fn webhooks_due(&self, at: DateTime<Utc>) -> Result<Vec<i64>, StoreError> {
        sending::due(self, at).await
    }

    async fn claim_webhooks(
        &self,
        endpoint: i64,
        limit: u32,
        lease: Duration,
        at: DateTime<Utc>,
    ) -> Result<Option<Claimed>, StoreError> {
        sending::claim(self, endpoint, limit, lease, at).await
    }

    async fn finish_webhook(
        &self,
        delivery: i64,
        attempt: &Attempt,
        next: Next,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        sending::finish(self, delivery, attempt, next, at).await
    }

    async fn sweep_webhooks(&self, keep_from: DateTime<Utc>, at: DateTime<Utc>) -> Result<Swept, StoreError> {
        sending::sweep(self, keep_from, at).await
    }
}
