//! The worker: consumes both queues, decides, stores, publishes, until it is told to stop.

mod changes;
mod dead_letters;
mod desk;
mod grouping;
mod http;
mod inquiries;
mod intake;
mod messages;
mod metrics;
mod outbox;
mod predicted;
mod retry;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use desk::is_flagged;
pub use grouping::conversations;
pub use http::router as probes;
pub use inquiries::predict;
pub use metrics::Metrics;
pub use predicted::Predicted;
pub use rules::InForce;

use crate::config::Config;
use crate::contract::Limits;
use crate::error::{Class, Classified};
use crate::model::classifier::InquiryModel;
use crate::queue::resubscribe::worker_backoff;
use crate::queue::{Inbound, Queue, QueueError, Resubscribing};
use crate::routing::Policy;
use crate::rules::PackFiles;
use crate::store::{Store, StoreError};
use changes::Changes;
use desk::Desk;
use inquiries::InquiryHandler;
use intake::{Batching, Handler};
use messages::MessageHandler;
use outbox::Relay;
use rules::Reloader;

/// Batches of inquiries that may lie before the desk.
const DESK_QUEUE: usize = 16;

/// Tells a sleeping task that there is something to do.
#[derive(Clone, Default)]
pub struct Wake {
    inner: Arc<Notify>,
}

impl Wake {
    fn notify(&self) {
        self.inner.notify_one();
    }

    async fn notified(&self) {
        self.inner.notified().await;
    }
}

/// What ends a worker before it is told to stop.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An engine panicked.
    #[error("a batch could not be worked on: {0}")]
    Panicked(String),
}

impl Classified for WorkerError {
    fn class(&self) -> Class {
        match self {
            WorkerError::Queue(error) => error.class(),
            WorkerError::Store(error) => error.class(),
            WorkerError::Panicked(_) => Class::Bug,
        }
    }
}

/// Everything that a worker needs, ready to use.
pub struct Worker {
    pub queue: Arc<dyn Queue>,
    pub store: Arc<dyn Store>,
    pub moderator: InForce,
    /// Where its rules come from, to be looked at again while it runs.
    pub rule_files: PackFiles,
    /// Notified when somebody asks to look at the rules at once.
    pub reload: Wake,
    pub inquiries: Arc<InquiryModel>,
    pub routing: Arc<Policy>,
    pub metrics: Metrics,
}

impl Worker {
    /// Runs until `shutdown` completes, then drains: no new deliveries, what is in flight is finished and acknowledged, events
    /// are published. What is not finished within the configured time goes back to the queue.
    pub async fn run(&self, config: &Config, shutdown: CancellationToken) -> Result<(), WorkerError> {
        let abandon = CancellationToken::new();
        let handlers_done = CancellationToken::new();
        let wake = Wake::default();
        let batching = Batching {
            size: config.worker.batch_size,
            wait: config.worker.batch_wait,
            in_flight: config.worker.batches_in_flight,
        };
        let changed = Wake::default();
        let (submit, submitted) = mpsc::channel(DESK_QUEUE);
        let desk = Desk {
            store: self.store.clone(),
            policy: self.routing.clone(),
            every: config.worker.waiting_tick,
            limit: config.worker.tick_inquiries,
            // The other half of the connections stays for the messages.
            commits: (config.store.max_connections as usize / 2).max(1),
            keep: TimeDelta::days(i64::from(config.routing.keep_decisions_days)),
            offer: config.routing.offer(),
            returning: config.routing.returning(),
            away_grace: config.routing.away_grace(),
            changed: changed.clone(),
            metrics: self.metrics.clone(),
            outbox: wake.clone(),
            abandon: abandon.clone(),
        };
        let messages: Arc<dyn Handler> = Arc::new(self.message_handler(config, &wake, &abandon));
        let inquiries: Arc<dyn Handler> = Arc::new(InquiryHandler {
            store: self.store.clone(),
            model: self.inquiries.clone(),
            policy: self.routing.clone(),
            desk: submit,
            limits: Limits::from(&config.limits),
            attempts: config.queue.delivery_limit,
            metrics: self.metrics.clone(),
            outbox: wake.clone(),
            abandon: abandon.clone(),
        });

        let mut intakes = JoinSet::new();
        for (from, handler) in [(Inbound::Messages, messages), (Inbound::Inquiries, inquiries)] {
            let backoff = worker_backoff(rand::random());
            let consumer =
                Box::new(Resubscribing::new(self.queue.clone(), from, config.worker.prefetch, backoff));
            intakes.spawn(intake::run(
                consumer,
                from,
                handler,
                batching,
                self.metrics.clone(),
                shutdown.clone(),
            ));
        }
        intakes.spawn(desk.run(submitted, shutdown.clone()));
        let changes = Changes { store: self.store.clone(), desk: changed };
        intakes.spawn(changes.run(shutdown.clone()));
        let reloader = Reloader {
            files: self.rule_files.clone(),
            every: config.moderation.rules_reload,
            asked: self.reload.clone(),
            moderator: self.moderator.clone(),
            metrics: self.metrics.clone(),
        };
        intakes.spawn(reloader.run(shutdown.clone()));

        let relay = Relay {
            store: self.store.clone(),
            queue: self.queue.clone(),
            batch: config.worker.outbox_batch,
            publish_timeout: config.queue.publish_timeout,
            metrics: self.metrics.clone(),
            wake,
        };
        let relay_stop = handlers_done.clone();
        let relay_abandon = abandon.clone();
        let mut relaying = tokio::spawn(async move { relay.run(relay_stop, relay_abandon).await });

        let deadline = drain_deadline(shutdown.clone(), config.worker.drain_timeout, abandon.clone());
        let watchdog = tokio::spawn(deadline);
        let mut result = Ok(());
        let mut relay_ended = false;
        loop {
            tokio::select! {
                joined = intakes.join_next() => match joined {
                    None => break,
                    Some(joined) => keep_first(&mut result, flatten(joined)),
                },
                joined = &mut relaying, if !relay_ended => {
                    relay_ended = true;
                    keep_first(&mut result, flatten(joined));
                }
            }
            if result.is_err() {
                // One part has failed for good: the others must not go on as if nothing had happened.
                shutdown.cancel();
            }
        }
        handlers_done.cancel();
        if !relay_ended {
            keep_first(&mut result, flatten(relaying.await));
        }
        watchdog.abort();
        result
    }

    fn message_handler(&self, config: &Config, wake: &Wake, abandon: &CancellationToken) -> MessageHandler {
        MessageHandler {
            store: self.store.clone(),
            moderator: self.moderator.clone(),
            limits: Limits::from(&config.limits),
            context: config.moderation.context_messages,
            attempts: config.queue.delivery_limit,
            metrics: self.metrics.clone(),
            outbox: wake.clone(),
            abandon: abandon.clone(),
            order: Mutex::new(()),
        }
    }
}

/// Cancels `abandon` when the drain takes longer than it may.
async fn drain_deadline(shutdown: CancellationToken, limit: Duration, abandon: CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(limit).await;
    tracing::warn!(limit_ms = limit.as_millis() as u64, "drain took too long, giving back what is in flight");
    abandon.cancel();
}

fn keep_first(result: &mut Result<(), WorkerError>, next: Result<(), WorkerError>) {
    if result.is_ok() {
        *result = next;
    }
}

fn flatten(joined: Result<Result<(), WorkerError>, tokio::task::JoinError>) -> Result<(), WorkerError> {
    joined.unwrap_or_else(|error| Err(WorkerError::Panicked(error.to_string())))
}

/// A token that is cancelled when the process is asked to stop (SIGTERM or Ctrl-C). A second signal ends the process at once.
pub fn stop_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        for asked in 1.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if asked > 1 {
                tracing::warn!("asked twice to stop: ending without a drain");
                std::process::exit(130);
            }
            tracing::info!("asked to stop: draining");
            stop.cancel();
        }
    });
    Ok(token)
}

/// Is notified whenever the process gets SIGHUP, which from here on no longer ends it.
pub fn reload_signal() -> std::io::Result<Wake> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    let asked = Wake::default();
    let wake = asked.clone();
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("asked to look at the rules");
            wake.notify();
        }
    });
    Ok(asked)
}
