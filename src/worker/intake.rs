//! Takes deliveries from a queue in batches, hands them to a handler, and acknowledges what the handler has finished.
//!
//! One task owns the consumer. It never waits for a batch to be handled before it reads the next one, up to the number of
//! batches that may be in flight; what is handled comes back over a channel and is acknowledged here.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::WorkerError;
use super::metrics::{DeliveryOutcome, Metrics};
use crate::error::{Class, Classified};
use crate::queue::{Consumer, Delivery, Inbound, Tag};

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that the batch leads to is committed: acknowledge.
    Done,
    /// Not worked on, because the worker stops: give back.
    GiveBack,
}

/// Works on one batch. An error is one that no waiting mends: it ends the worker, and the broker delivers again elsewhere.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    async fn handle(&self, batch: Vec<Delivery>) -> Result<Outcome, WorkerError>;
}

/// How batches are made.
#[derive(Debug, Clone, Copy)]
pub struct Batching {
    pub size: usize,
    pub wait: Duration,
    pub in_flight: usize,
}

/// Deliveries that are being collected.
#[derive(Default)]
struct Collecting {
    deliveries: Vec<Delivery>,
    /// When the batch goes out even if it is not full.
    due: Option<Instant>,
}

/// Runs until `shutdown`, then finishes what is in flight. `from` names the queue in logs and metrics.
pub async fn run(
    mut consumer: Box<dyn Consumer>,
    from: Inbound,
    handler: Arc<dyn Handler>,
    batching: Batching,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> Result<(), WorkerError> {
    let permits = Arc::new(Semaphore::new(batching.in_flight));
    let (finished, mut finishing) = mpsc::unbounded_channel();
    let mut running = JoinSet::new();
    let mut collecting = Collecting::default();
    let mut draining = false;
    let mut exhausted = false;

    loop {
        if collecting.ready(batching.size, draining) && permits.available_permits() > 0 {
            // Only this task takes permits, so one that is available stays available.
            if let Ok(permit) = permits.clone().try_acquire_owned() {
                start(&mut running, collecting.take(), handler.clone(), permit, finished.clone());
            }
            continue;
        }
        if exhausted && collecting.deliveries.is_empty() && running.is_empty() && finishing.is_empty() {
            return Ok(());
        }
        let full = collecting.deliveries.len() >= batching.size;
        tokio::select! {
            biased;
            Some((tags, result)) = finishing.recv() => {
                settle(consumer.as_mut(), from, tags, result, &metrics).await?;
            }
            Some(joined) = running.join_next(), if !running.is_empty() => {
                // A handler never panics on purpose: what it panics about is a bug, and a bug ends the process.
                joined.map_err(|error| WorkerError::Panicked(error.to_string()))?;
            }
            () = shutdown.cancelled(), if !draining => {
                draining = true;
                give_back(consumer.as_mut(), from, &mut collecting, &metrics).await?;
                consumer.cancel().await.or_else(transient_is_fine)?;
            }
            delivery = consumer.next(), if !exhausted && !full => {
                match delivery {
                    // What the broker handed over before the cancellation reached it goes back, unstarted.
                    Ok(Some(delivery)) if draining => {
                        collecting.deliveries.push(delivery);
                        give_back(consumer.as_mut(), from, &mut collecting, &metrics).await?;
                    }
                    Ok(Some(delivery)) => collecting.push(delivery, batching.wait),
                    Ok(None) => exhausted = true,
                    Err(error) if error.class() == Class::Transient => {
                        tracing::warn!(queue = from.as_str(), %error, "lost the queue, subscribing again");
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            () = wait_until(collecting.due), if collecting.due.is_some() && !full => {
                collecting.due = None;
                // Goes out as it is, as soon as there is a permit.
                collecting.overdue();
            }
        }
    }
}

impl Collecting {
    fn push(&mut self, delivery: Delivery, wait: Duration) {
        if self.deliveries.is_empty() {
            self.due = Some(Instant::now() + wait);
        }
        self.deliveries.push(delivery);
    }

    fn overdue(&mut self) {
        self.due = None;
    }

    /// Full, or waited for long enough. While draining nothing new is started.
    fn ready(&self, size: usize, draining: bool) -> bool {
        !draining && !self.deliveries.is_empty() && (self.deliveries.len() >= size || self.due.is_none())
    }

    fn take(&mut self) -> Vec<Delivery> {
        self.due = None;
        std::mem::take(&mut self.deliveries)
    }
}

type Finished = (Vec<Tag>, Result<Outcome, WorkerError>);

fn start(
    running: &mut JoinSet<()>,
    batch: Vec<Delivery>,
    handler: Arc<dyn Handler>,
    permit: OwnedSemaphorePermit,
    finished: mpsc::UnboundedSender<Finished>,
) {
    running.spawn(async move {
        let tags = batch.iter().map(|delivery| delivery.tag).collect();
        let result = handler.handle(batch).await;
        drop(permit);
        // The receiver lives as long as the loop that started this; after it nobody needs the answer.
        let _ = finished.send((tags, result));
    });
}

/// Acknowledges or gives back a finished batch.
async fn settle(
    consumer: &mut dyn Consumer,
    from: Inbound,
    tags: Vec<Tag>,
    result: Result<Outcome, WorkerError>,
    metrics: &Metrics,
) -> Result<(), WorkerError> {
    let settled = match result? {
        Outcome::Done => consumer.ack(&tags).await,
        Outcome::GiveBack => {
            metrics.deliveries(from, DeliveryOutcome::Requeued, tags.len());
            consumer.requeue(&tags).await
        }
    };
    if let Err(error) = settled {
        // The broker will deliver them again, and the store will know them.
        tracing::warn!(queue = from.as_str(), count = tags.len(), %error, "could not settle deliveries");
        transient_is_fine(error)?;
    }
    Ok(())
}

async fn give_back(
    consumer: &mut dyn Consumer,
    from: Inbound,
    collecting: &mut Collecting,
    metrics: &Metrics,
) -> Result<(), WorkerError> {
    let tags: Vec<Tag> = collecting.take().iter().map(|delivery| delivery.tag).collect();
    if tags.is_empty() {
        return Ok(());
    }
    metrics.deliveries(from, DeliveryOutcome::Requeued, tags.len());
    consumer.requeue(&tags).await.or_else(transient_is_fine)
}

fn transient_is_fine(error: crate::queue::QueueError) -> Result<(), WorkerError> {
    if error.class() == Class::Transient { Ok(()) } else { Err(error.into()) }
}

async fn wait_until(due: Option<Instant>) {
    match due {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
