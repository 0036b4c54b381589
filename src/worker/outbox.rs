//! Relays the outbox to the broker: claim, publish, await every confirm, mark. A crash in between publishes again with the same id:
//! at least once, never lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::metrics::{Metrics, Stage};
use super::replayed::{Copies, Replayed};
use super::retry::{Ended, until_done};
use super::{Wake, WorkerError};
use crate::queue::{Outgoing, Queue};
use crate::store::{OutboxRow, Store};

/// Looked at even without a wake-up: another worker may have died with rows of its own.
const IDLE_LOOK: Duration = Duration::from_millis(500);
/// Between two looks for published events that were kept for long enough.
const PURGE_EVERY: Duration = Duration::from_secs(3600);
/// How long it is kept what workers told of themselves, by minute.
const KEEP_REPORTS: TimeDelta = TimeDelta::hours(48);
/// How long messages are named about which live models and those in shadow differed, and how long that is counted.
const KEEP_DIFFERENCES: TimeDelta = TimeDelta::days(30);
const KEEP_COUNTS: TimeDelta = TimeDelta::days(366);

/// The relay.
pub struct Relay {
    pub store: Arc<dyn Store>,
    pub queue: Arc<dyn Queue>,
    pub batch: u32,
    pub publish_timeout: Duration,
    /// How long published events are kept.
    pub keep: TimeDelta,
    pub metrics: Metrics,
    pub wake: Wake,
}

impl Relay {
    /// Runs until `stop`; then publishes what is left and ends. `abandon` ends it at once.
    pub async fn run(&self, stop: CancellationToken, abandon: CancellationToken) -> Result<(), WorkerError> {
        let (copies, replayed) = Copies::new(self.queue.clone());
        let mut removing = tokio::spawn(copies.run(abandon.clone()));
        let ended = self.relay(&replayed, &stop, &abandon).await;
        // Nothing more is handed over: what was, is removed before the end. But a copy that stays harms nobody, and a broker that is
        // away must not hold up who waits for the end.
        drop(replayed);
        if ended.is_ok() {
            tokio::select! {
                _ = &mut removing => {}
                () = abandon.cancelled() => {}
                () = tokio::time::sleep(self.publish_timeout) => {}
            }
        }
        removing.abort();
        match ended {
            Ok(()) | Err(Ended::Abandoned) => Ok(()),
            Err(Ended::Failed(error)) => Err(error),
        }
    }

    async fn relay(
        &self,
        replayed: &Replayed,
        stop: &CancellationToken,
        abandon: &CancellationToken,
    ) -> Result<(), Ended<WorkerError>> {
        let mut purge_at = Instant::now();
        loop {
            let stopping = stop.is_cancelled();
            if self.publish_some(replayed, abandon).await? > 0 {
                continue;
            }
            if purge_at <= Instant::now() {
                self.purge(abandon).await?;
                purge_at = Instant::now() + PURGE_EVERY;
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

    async fn publish_some(
        &self,
        replayed: &Replayed,
        abandon: &CancellationToken,
    ) -> Result<usize, Ended<WorkerError>> {
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
        outgoing.iter().for_each(|one| replayed.published(one));
        Ok(ids.len())
    }

    async fn purge(&self, abandon: &CancellationToken) -> Result<(), Ended<WorkerError>> {
        let before = Utc::now() - self.keep;
        let gone = until_done("purge events", abandon, || self.store.purge_published(before));
        let gone = gone.await.map_err(Ended::into)?;
        if gone > 0 {
            tracing::info!(events = gone, "events deleted that were published long ago");
        }
        self.sweep().await;
        Ok(())
    }

    /// What workers and models in shadow have told, after its time. It can wait for the next time.
    async fn sweep(&self) {
        let now = Utc::now();
        if let Err(error) = self.store.purge_reports(now - KEEP_REPORTS).await {
            tracing::warn!(%error, "could not delete old reports of workers");
        }
        if let Err(error) = self.store.purge_shadow(now - KEEP_DIFFERENCES, now - KEEP_COUNTS).await {
            tracing::warn!(%error, "could not delete what old models in shadow said");
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Rejection, RejectionCode};
    use crate::queue::{EmbeddedQueue, Inbound};
    use crate::store::{DeadLetter, SqliteStore};

    #[tokio::test]
    async fn published_events_are_kept_for_their_time_and_no_longer() {
        // Less than nothing, so that what was published in this very millisecond has had its time.
        for (keep, left) in [(TimeDelta::days(1), 1), (TimeDelta::seconds(-1), 0)] {
            let folder = tempfile::tempdir().unwrap();
            let store = Arc::new(SqliteStore::open(&folder.path().join("s.db"), 2).await.unwrap());
            store.migrate().await.unwrap();
            let queue = EmbeddedQueue::open(&folder.path().join("q.db"), "e", 3).await.unwrap();
            queue.declare().await.unwrap();
            let rejection = Rejection::new(RejectionCode::InvalidJson, "not JSON");
            let body = b"{".to_vec();
            let letter =
                DeadLetter { id: "d-1".into(), queue: Inbound::Messages, body, rejection, at: Utc::now() };
            store.commit_dead_letters(&[letter]).await.unwrap();
            let relay = Relay {
                store: store.clone(),
                queue: Arc::new(queue),
                batch: 8,
                publish_timeout: Duration::from_secs(30),
                keep,
                metrics: Metrics::new(Vec::new()),
                wake: Wake::default(),
            };
            let stop = CancellationToken::new();
            stop.cancel();
            relay.run(stop, CancellationToken::new()).await.unwrap();
            assert_eq!(store.outbox_depth().await.unwrap(), 0);
            assert_eq!(store.purge_published(Utc::now() + TimeDelta::minutes(1)).await.unwrap(), left);
        }
    }
}
