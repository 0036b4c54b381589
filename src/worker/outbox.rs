//! Relays the outbox to the broker: claim, publish, await every confirm, mark. A crash in between publishes again with the same id:
//! at least once, never lost.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::metrics::{Metrics, Stage};
use super::retry::{Ended, until_done};
use super::{Wake, WorkerError};
use crate::queue::{Outgoing, Queue};
use crate::store::{OutboxRow, Store};

/// Looked at even without a wake-up: another worker may have died with rows of its own.
const IDLE_LOOK: Duration = Duration::from_millis(500);

/// The relay.
pub struct Relay {
    pub store: Arc<dyn Store>,
    pub queue: Arc<dyn Queue>,
    pub batch: u32,
    pub publish_timeout: Duration,
    pub metrics: Metrics,
    pub wake: Wake,
}

impl Relay {
    /// Runs until `stop`; then publishes what is left and ends. `abandon` ends it at once.
    pub async fn run(&self, stop: CancellationToken, abandon: CancellationToken) -> Result<(), WorkerError> {
        loop {
            let stopping = stop.is_cancelled();
            let published = match self.publish_some(&abandon).await {
                Ok(published) => published,
                Err(Ended::Abandoned) => return Ok(()),
                Err(Ended::Failed(error)) => return Err(error),
            };
            if published > 0 {
                continue;
            }
            if stopping {
                return Ok(());
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(IDLE_LOOK) => {}
            }
        }
    }

    async fn publish_some(&self, abandon: &CancellationToken) -> Result<usize, Ended<WorkerError>> {
        // Twice the time that a publication may take: a relay that is still alive has marked its rows by then.
        let lease = self.publish_timeout * 2;
        let rows = until_done("claim events", abandon, || self.store.claim_outbox(self.batch, lease))
            .await
            .map_err(Ended::into)?;
        if rows.is_empty() {
            return Ok(0);
        }
        let (ids, outgoing): (Vec<i64>, Vec<Outgoing>) =
            rows.into_iter().map(|OutboxRow { id, outgoing }| (id, outgoing)).unzip();
        let timer = self.metrics.stage(Stage::Publish);
        until_done("publish events", abandon, || self.queue.publish(&outgoing, self.publish_timeout))
            .await
            .map_err(Ended::into)?;
        timer.stop();
        until_done("mark events", abandon, || self.store.mark_published(&ids)).await.map_err(Ended::into)?;
        self.metrics.events_published(ids.len());
        Ok(ids.len())
    }
}

impl<E: Into<WorkerError>> Ended<E> {
    fn into(self) -> Ended<WorkerError> {
        match self {
            Ended::Abandoned => Ended::Abandoned,
            Ended::Failed(error) => Ended::Failed(error.into()),
        }
    }
}
