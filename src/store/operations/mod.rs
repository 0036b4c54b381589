//! The installation as its operators see it: workers, what goes through them, and dead letters that are sent again.
//!
//! Workers report themselves here, because the console knows the database alone.

mod replay;
mod reports;
mod types;

use std::ops::Range;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use types::*;

use super::StoreError;
use super::ledger::Books;
use crate::access::Actor;

/// What workers tell, and what operators do.
#[async_trait]
pub trait OperationsStore: Send + Sync {
    /// Takes a worker's word about itself in place of the one before.
    async fn report_worker(&self, report: &WorkerReport) -> Result<(), StoreError>;

    /// Adds minutes that are over. One that was added before is left as it is.
    async fn add_minutes(&self, worker_id: &str, minutes: &[Minute]) -> Result<(), StoreError>;

    /// Deletes minutes and workers of which nothing was heard since then, and says how many rows that were.
    async fn purge_reports(&self, before: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Workers, the last heard of first.
    async fn workers(&self, limit: u32) -> Result<Vec<WorkerReport>, StoreError>;

    /// What all workers together did in a period (`start` included, `end` not): oldest first, without minutes in which nobody did anything.
    async fn throughput(&self, period: Range<DateTime<Utc>>) -> Result<Vec<Minute>, StoreError>;

    /// What waits in the outbox, counted up to `most`.
    async fn outbox_lag(&self, most: u32) -> Result<OutboxLag, StoreError>;

    /// Marks an open dead letter as replayed, puts its body into the outbox for the queue that it came from, and writes the audit trail,
    /// all in one transaction. `replays` is how often it was replayed when whoever asks saw it: somebody else's replay since then is not repeated.
    async fn replay_dead_letter(
        &self,
        id: &str,
        replays: Option<u32>,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Replay, StoreError>;
}

/// Both databases, by the same statements.
#[async_trait]
impl<B: Books + Send> OperationsStore for B {
    async fn report_worker(&self, report: &WorkerReport) -> Result<(), StoreError> {
        reports::report(self, report).await
    }

    async fn add_minutes(&self, worker_id: &str, minutes: &[Minute]) -> Result<(), StoreError> {
        reports::add_minutes(self, worker_id, minutes).await
    }

    async fn purge_reports(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        reports::purge(self, before).await
    }

    async fn workers(&self, limit: u32) -> Result<Vec<WorkerReport>, StoreError> {
        reports::workers(self, limit).await
    }

    async fn throughput(&self, period: Range<DateTime<Utc>>) -> Result<Vec<Minute>, StoreError> {
        reports::throughput(self, period).await
    }

    async fn outbox_lag(&self, most: u32) -> Result<OutboxLag, StoreError> {
        reports::outbox_lag(self, most).await
    }

    async fn replay_dead_letter(
        &self,
        id: &str,
        replays: Option<u32>,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Replay, StoreError> {
        replay::replay(self, id, replays, by, at).await
    }
}
