//! One subscription to the embedded queue.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::database::Shared;
use super::lease::{self, Lease};
use crate::queue::{Consumer, Delivery, Inbound, QueueError, Tag};

/// How often a waiting consumer looks for what another process published, and for leases that have run out. Publications of
/// this process wake it at once.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

type Claim = JoinHandle<Result<Vec<Delivery>, QueueError>>;

/// Claims deliveries in advance, up to the prefetch, and hands them out one by one.
pub(super) struct EmbeddedConsumer {
    shared: Arc<Shared>,
    from: Inbound,
    prefetch: usize,
    lease: Lease,
    wake_ups: watch::Receiver<u64>,
    /// A task of its own: a caller who gives up waiting half-way loses nothing of what it claims.
    claiming: Option<Claim>,
    ahead: VecDeque<Delivery>,
    handed: BTreeSet<Tag>,
    cancelled: bool,
}

impl EmbeddedConsumer {
    pub async fn subscribe(shared: Arc<Shared>, from: Inbound, prefetch: u16) -> Result<Self, QueueError> {
        let lease = lease::register(&shared, from).await?;
        let wake_ups = shared.wake_ups(from);
        Ok(Self {
            shared,
            from,
            prefetch: usize::from(prefetch.max(1)),
            lease,
            wake_ups,
            claiming: None,
            ahead: VecDeque::new(),
            handed: BTreeSet::new(),
            cancelled: false,
        })
    }

    /// The running claim, started if there is none and room for more.
    fn claim(&mut self) -> Option<&mut Claim> {
        let room = self.prefetch.saturating_sub(self.handed.len());
        if self.claiming.is_none() && !self.cancelled && room > 0 {
            self.wake_ups.mark_unchanged();
            let (shared, from, consumer) = (self.shared.clone(), self.from, self.lease.consumer);
            self.claiming =
                Some(tokio::spawn(async move { lease::claim(&shared, from, consumer, room).await }));
        }
        self.claiming.as_mut()
    }

    fn lost(&self, detail: impl Into<String>) -> QueueError {
        QueueError::Unreachable { place: self.shared.place.clone(), detail: detail.into() }
    }

    fn all_held(&mut self, doing: &str, tags: &BTreeSet<Tag>, held: usize) -> Result<(), QueueError> {
        self.handed.retain(|tag| !tags.contains(tag));
        match tags.len().saturating_sub(held) {
            0 => Ok(()),
            late => Err(self.lost(format!("{doing}: {late} of {} are no longer held", tags.len()))),
        }
    }
}

#[async_trait]
impl Consumer for EmbeddedConsumer {
    async fn next(&mut self) -> Result<Option<Delivery>, QueueError> {
        loop {
            if *self.lease.lost.borrow() {
                return Err(self.lost("the lease ran out before it was renewed; make a new subscription"));
            }
            if let Some(delivery) = self.ahead.pop_front() {
                self.handed.insert(delivery.tag);
                return Ok(Some(delivery));
            }
            let Some(claim) = self.claim() else {
                if self.cancelled {
                    return Ok(None);
                }
                // Everything the prefetch allows is handed out: nothing comes before this call is given up for an
                // acknowledgement. Only the loss of the lease can end it (the sender lives as long as the lease does).
                let _ = self.lease.lost.changed().await;
                continue;
            };
            let outcome = claim.await;
            self.claiming = None;
            let claimed = outcome.map_err(|error| self.lost(format!("claiming deliveries: {error}")))??;
            if claimed.is_empty() && !self.cancelled {
                tokio::select! {
                    _ = self.wake_ups.changed() => {}
                    _ = self.lease.lost.changed() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
            }
            self.ahead.extend(claimed);
        }
    }

    async fn ack(&mut self, tags: &[Tag]) -> Result<(), QueueError> {
        let tags_once: BTreeSet<Tag> = tags.iter().copied().collect();
        let done = sqlx::query(include_str!("sql/acknowledge.sql"))
            .bind(self.lease.consumer)
            .bind(lease::json_array(tags))
            .execute(&self.shared.writer)
            .await
            .map_err(|error| self.shared.error("acknowledging", &error))?;
        let held = usize::try_from(done.rows_affected()).unwrap_or(usize::MAX);
        self.all_held("acknowledging", &tags_once, held)
    }

    async fn requeue(&mut self, tags: &[Tag]) -> Result<(), QueueError> {
        let tags_once: BTreeSet<Tag> = tags.iter().copied().collect();
        let held = lease::give_back(&self.shared, self.from, self.lease.consumer, tags).await?;
        self.all_held("giving back", &tags_once, held)
    }

    async fn cancel(&mut self) -> Result<(), QueueError> {
        self.cancelled = true;
        Ok(())
    }
}

impl Drop for EmbeddedConsumer {
    fn drop(&mut self) {
        // Without a runtime there is nobody to give back: then the lease runs out by itself.
        let Ok(runtime) = Handle::try_current() else { return };
        let (shared, from, consumer) = (self.shared.clone(), self.from, self.lease.consumer);
        let (claiming, handed) = (self.claiming.take(), std::mem::take(&mut self.handed));
        shared.releases.send_modify(|running| *running += 1);
        runtime.spawn(async move {
            // A claim that is still running would otherwise take deliveries for a consumer that is gone.
            if let Some(claim) = claiming {
                let _ = claim.await;
            }
            let handed: Vec<Tag> = handed.into_iter().collect();
            if let Err(error) = lease::release(&shared, from, consumer, &handed).await {
                tracing::warn!(queue = from.as_str(), %error, "deliveries not given back, they return when the lease ends");
            }
            shared.releases.send_modify(|running| *running -= 1);
        });
    }
}
