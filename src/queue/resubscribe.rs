//! A subscription that outlives its connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Backoff, Consumer, Delivery, Inbound, Queue, QueueError, Tag};
use crate::error::{Class, Classified};

/// A consumer that subscribes again, after a growing wait, whenever the subscription is lost. It subscribes on the first call of
/// [`Consumer::next`]; that call ends only with a delivery, after a cancellation, or with an error that waiting cannot mend.
///
/// Its tags are its own and never used twice: a tag of a lost subscription can therefore not acknowledge a stranger of the
/// new one. Such an acknowledgement gives a transient error; the delivery comes again.
pub struct Resubscribing {
    queue: Arc<dyn Queue>,
    from: Inbound,
    prefetch: u16,
    backoff: Backoff,
    inner: Option<Box<dyn Consumer>>,
    /// Not before this: kept here, so that a caller who gives up waiting in between does not shorten it.
    not_before: Option<Instant>,
    cancelled: bool,
    next_tag: u64,
    /// Own tags to those of the living subscription.
    outstanding: HashMap<Tag, Tag>,
}

impl Resubscribing {
    /// At most `prefetch` unacknowledged deliveries, as for [`Queue::consume`].
    pub fn new(queue: Arc<dyn Queue>, from: Inbound, prefetch: u16, backoff: Backoff) -> Self {
        Self {
            queue,
            from,
            prefetch,
            backoff,
            inner: None,
            not_before: None,
            cancelled: false,
            next_tag: 0,
            outstanding: HashMap::new(),
        }
    }

    /// The living subscription, made if there is none.
    async fn subscription(&mut self) -> Result<&mut Box<dyn Consumer>, QueueError> {
        if let Some(moment) = self.not_before {
            tokio::time::sleep_until(moment).await;
            self.not_before = None;
        }
        if self.inner.is_none() {
            self.inner = Some(self.queue.consume(self.from, self.prefetch).await?);
        }
        self.inner.as_mut().ok_or_else(|| gone("the subscription was lost"))
    }

    /// Lets go of the subscription and plans the next attempt.
    fn give_up(&mut self, error: &QueueError) {
        self.inner = None;
        self.outstanding.clear();
        let wait = self.backoff.next_wait();
        self.not_before = Some(Instant::now() + wait);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(queue = self.from.as_str(), %error, wait_ms, "subscription lost, will subscribe again");
    }

    /// Takes tags off the outstanding ones; the second part says how many belong to a lost subscription.
    fn translate(&mut self, tags: &[Tag]) -> (Vec<Tag>, usize) {
        let inner: Vec<Tag> = tags.iter().filter_map(|tag| self.outstanding.remove(tag)).collect();
        let missing = tags.len() - inner.len();
        (inner, missing)
    }
}

fn gone(detail: impl Into<String>) -> QueueError {
    QueueError::Unreachable { place: "a lost subscription".into(), detail: detail.into() }
}

fn check_missing(missing: usize) -> Result<(), QueueError> {
    match missing {
        0 => Ok(()),
        _ => Err(gone(format!("{missing} deliveries were handed out by it; they will be delivered again"))),
    }
}

#[async_trait]
impl Consumer for Resubscribing {
    async fn next(&mut self) -> Result<Option<Delivery>, QueueError> {
        loop {
            if self.cancelled && self.inner.is_none() {
                return Ok(None);
            }
            let outcome = match self.subscription().await {
                Ok(consumer) => consumer.next().await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(Some(delivery)) => {
                    self.backoff.reset();
                    self.next_tag += 1;
                    let tag = Tag(self.next_tag);
                    self.outstanding.insert(tag, delivery.tag);
                    return Ok(Some(Delivery { tag, ..delivery }));
                }
                Ok(None) => return Ok(None),
                Err(error) if error.class() == Class::Transient => self.give_up(&error),
                Err(error) => return Err(error),
            }
        }
    }

    async fn ack(&mut self, tags: &[Tag]) -> Result<(), QueueError> {
        let (inner, missing) = self.translate(tags);
        match self.inner.as_mut() {
            Some(consumer) if !inner.is_empty() => consumer.ack(&inner).await?,
            _ => {}
        }
        check_missing(missing)
    }

    async fn requeue(&mut self, tags: &[Tag]) -> Result<(), QueueError> {
        let (inner, missing) = self.translate(tags);
        match self.inner.as_mut() {
            Some(consumer) if !inner.is_empty() => consumer.requeue(&inner).await?,
            _ => {}
        }
        check_missing(missing)
    }

    /// Succeeds even without a connection: then nothing is in flight, and nothing new will be asked for.
    async fn cancel(&mut self) -> Result<(), QueueError> {
        self.cancelled = true;
        if let Some(consumer) = self.inner.as_mut()
            && let Err(error) = consumer.cancel().await
        {
            self.inner = None;
            self.outstanding.clear();
            if error.class() != Class::Transient {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Waits between attempts to subscribe, for a worker: quick after a hiccup, patient with a broker that restarts.
pub fn worker_backoff(seed: u64) -> Backoff {
    Backoff::new(Duration::from_millis(200), Duration::from_secs(15), seed)
}
