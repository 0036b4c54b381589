//! The worker: consumes both queues, decides, stores, publishes, until it is told to stop.

mod busy;
mod changes;
mod dead_letters;
mod desk;
mod explainer;
mod figures;
mod grouping;
mod http;
mod inquiries;
mod intake;
mod messages;
mod metrics;
mod outbox;
mod predicted;
mod replayed;
mod reporter;
mod retry;
mod rules;
mod shadow;
mod switches;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use desk::is_flagged;
pub use grouping::conversations;
pub use http::router as probes;
pub use inquiries::predict;
pub use metrics::Metrics;
pub use predicted::Predicted;
pub use rules::InForce;
pub use shadow::{Shadow, ShadowModels};
pub use webhooks::{Client, Courier};

use crate::config::Config;
use crate::contract::Limits;
use crate::error::{Class, Classified};
use crate::model::classifier::InquiryModel;
use crate::queue::resubscribe::worker_backoff;
use crate::queue::{Inbound, Queue, QueueError, Resubscribing};
use crate::routing::Policy;
use crate::rules::PackFiles;
use crate::store::operations::WorkerState;
use crate::store::{Store, StoreError};
use busy::Busy;
use changes::Changes;
use desk::Desk;
use explainer::{Explainer, Question};
use figures::Figures;
use inquiries::InquiryHandler;
use intake::{Batching, Handler};
use messages::MessageHandler;
use outbox::Relay;
use reporter::Reporter;
use rules::Reloader;
use shadow::{Offered, Shadowing};
use switches::Switches;

/// Batches of inquiries that may lie before the desk.
const DESK_QUEUE: usize = 16;
/// How long the end of a worker waits for its last report.
const GOODBYE: Duration = Duration::from_secs(5);

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
    pub webhooks: Arc<Courier>,
    /// What judges beside the live models.
    pub shadow: Shadow,
    pub metrics: Metrics,
}

impl Worker {
    /// Runs until `shutdown` completes, then drains: no new deliveries, what is in flight is finished and acknowledged, events
    /// are published. What is not finished within the configured time goes back to the queue.
    pub async fn run(&self, config: &Config, shutdown: CancellationToken) -> Result<(), WorkerError> {
        let switches = Switches {
            store: self.store.clone(),
            moderator: self.moderator.clone(),
            metrics: self.metrics.clone(),
        };
        if !switches.begin(&shutdown).await? {
            return Ok(());
        }
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
        let (ask, questions) = mpsc::channel(explainer::WAITING);
        let ask = config.worker.explain_alerts.then_some(ask);
        let (busy, offered) = self.start_shadow(&shutdown);
        let quiet = busy.watch();
        let messages: Arc<dyn Handler> =
            Arc::new(self.message_handler(config, &wake, &abandon, ask, (busy, offered)));
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
        let explainer =
            Explainer { store: self.store.clone(), metrics: self.metrics.clone(), quiet, questions };
        intakes.spawn(explainer.run(shutdown.clone()));
        intakes.spawn(Figures { store: self.store.clone() }.run(shutdown.clone()));
        let reloader = Reloader {
            files: self.rule_files.clone(),
            every: config.moderation.rules_reload,
            asked: self.reload.clone(),
            moderator: self.moderator.clone(),
            metrics: self.metrics.clone(),
        };
        intakes.spawn(reloader.run(shutdown.clone()));
        intakes.spawn(switches.run(shutdown.clone()));

        let (courier, stop, until) = (self.webhooks.clone(), shutdown.clone(), abandon.clone());
        intakes.spawn(async move {
            courier.run(stop, until).await;
            Ok(())
        });

        let relay = Relay {
            store: self.store.clone(),
            queue: self.queue.clone(),
            batch: config.worker.outbox_batch,
            publish_timeout: config.queue.publish_timeout,
            keep: TimeDelta::days(i64::from(config.worker.keep_published_days)),
            metrics: self.metrics.clone(),
            wake,
        };
        let relay_stop = handlers_done.clone();
        let relay_abandon = abandon.clone();
        let mut relaying = tokio::spawn(async move { relay.run(relay_stop, relay_abandon).await });

        let (ended, end) = oneshot::channel();
        let reporting = config
            .worker
            .report
            .map(|every| tokio::spawn(self.reporter(config, every).run(shutdown.clone(), end)));

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
                // Whoever waits for a server that does not answer would wait for as long as the network likes; the process ends.
                () = given_up(&abandon) => {
                    tracing::warn!("something still waits for a server that does not answer: ending without it");
                    intakes.abort_all();
                    relaying.abort();
                    relay_ended = true;
                    break;
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
        if let Some(reporting) = reporting {
            let _ = ended.send(if result.is_ok() { WorkerState::Stopped } else { WorkerState::Failed });
            goodbye(reporting).await;
        }
        result
    }

    fn reporter(&self, config: &Config, every: Duration) -> Reporter {
        Reporter {
            store: self.store.clone(),
            queue: self.queue.clone(),
            moderator: self.moderator.clone(),
            metrics: self.metrics.clone(),
            name: config.worker.name.clone(),
            inquiries: self.inquiries.description().version.clone(),
            shadow: self.shadow.in_force(),
            every,
        }
    }

    /// Has the models in shadow judge beside the live ones, until `shutdown`.
    fn start_shadow(&self, shutdown: &CancellationToken) -> (Busy, Option<Offered>) {
        let busy = Busy::default();
        let Shadow::Judging(shadow) = &self.shadow else { return (busy, None) };
        let (shadowing, offered) =
            Shadowing::new(shadow.clone(), &busy, self.store.clone(), self.metrics.clone());
        tokio::spawn(shadowing.run(shutdown.clone()));
        (busy, Some(offered))
    }

    fn message_handler(
        &self,
        config: &Config,
        wake: &Wake,
        abandon: &CancellationToken,
        explain: Option<mpsc::Sender<Question>>,
        (busy, shadow): (Busy, Option<Offered>),
    ) -> MessageHandler {
        MessageHandler {
            store: self.store.clone(),
            moderator: self.moderator.clone(),
            limits: Limits::from(&config.limits),
            context: config.moderation.context_messages,
            attempts: config.queue.delivery_limit,
            metrics: self.metrics.clone(),
            outbox: wake.clone(),
            abandon: abandon.clone(),
            explain,
            order: Mutex::new(()),
            busy,
            shadow,
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

/// Completes when everything should have stopped at once, and had time to.
async fn given_up(abandon: &CancellationToken) {
    abandon.cancelled().await;
    tokio::time::sleep(GOODBYE).await;
}

/// Waits for the last report, but not for a database that does not answer.
async fn goodbye(mut reporting: tokio::task::JoinHandle<()>) {
    if tokio::time::timeout(GOODBYE, &mut reporting).await.is_err() {
        reporting.abort();
    }
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
