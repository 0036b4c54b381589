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
mod supervision;
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
use busy::{Busy, Quiet};
use changes::Changes;
use desk::{Desk, Submission};
use explainer::{Explainer, Question};
use figures::Figures;
use inquiries::InquiryHandler;
use intake::{Batching, Handler};
use messages::MessageHandler;
use outbox::Relay;
use reporter::Reporter;
use rules::Reloader;
use shadow::{Offered, Shadowing};
use supervision::{Tasks, drain_deadline, goodbye, supervise};
use switches::Switches;

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

/// What the parts of a worker tell each other.
#[derive(Default)]
struct Signals {
    /// Nothing new is begun any more.
    shutdown: CancellationToken,
    /// What is in flight goes back.
    abandon: CancellationToken,
    /// There are events to be published.
    outbox: Wake,
    /// Somebody else has changed what the desk decides on.
    changed: Wake,
}

/// Alerts that wait for their explanation, and when there is time for it.
struct Unexplained {
    quiet: Quiet,
    questions: mpsc::Receiver<Question>,
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
        let signals = Signals { shutdown, ..Signals::default() };
        let mut tasks = JoinSet::new();
        let alerts = self.start_intakes(&mut tasks, config, &signals);
        self.start_beside(&mut tasks, config, &signals, switches, alerts);
        let relay = self.relay(config, &signals);
        let (handlers_done, abandon) = (CancellationToken::new(), signals.abandon.clone());
        let stop = handlers_done.clone();
        let relaying = tokio::spawn(async move { relay.run(stop, abandon).await });

        let (ended, end) = oneshot::channel();
        let reporting = config
            .worker
            .report
            .map(|every| tokio::spawn(self.reporter(config, every).run(signals.shutdown.clone(), end)));

        let deadline =
            drain_deadline(signals.shutdown.clone(), config.worker.drain_timeout, signals.abandon.clone());
        let watchdog = tokio::spawn(deadline);
        let result = supervise(tasks, relaying, &signals, &handlers_done).await;
        watchdog.abort();
        if let Some(reporting) = reporting {
            let _ = ended.send(if result.is_ok() { WorkerState::Stopped } else { WorkerState::Failed });
            goodbye(reporting).await;
        }
        result
    }

    /// The work itself: deliveries of both queues, and the desk that gives inquiries to agents. Returns what watches the alerts to be
    /// explained.
    fn start_intakes(&self, tasks: &mut Tasks, config: &Config, signals: &Signals) -> Unexplained {
        let (submit, submitted) = mpsc::channel(DESK_QUEUE);
        let (ask, questions) = mpsc::channel(explainer::WAITING);
        let ask = config.worker.explain_alerts.then_some(ask);
        let (busy, offered) = self.start_shadow(&signals.shutdown);
        let quiet = busy.watch();
        let messages = self.message_handler(config, signals, ask, (busy, offered));
        let inquiries = self.inquiry_handler(config, signals, submit);
        let handlers: [(Inbound, Arc<dyn Handler>); 2] =
            [(Inbound::Messages, Arc::new(messages)), (Inbound::Inquiries, Arc::new(inquiries))];
        let batching = Batching {
            size: config.worker.batch_size,
            wait: config.worker.batch_wait,
            in_flight: config.worker.batches_in_flight,
        };
        for (from, handler) in handlers {
            let backoff = worker_backoff(rand::random());
            let consumer =
                Box::new(Resubscribing::new(self.queue.clone(), from, config.worker.prefetch, backoff));
            let (metrics, stop) = (self.metrics.clone(), signals.shutdown.clone());
            tasks.spawn(intake::run(consumer, from, handler, batching, metrics, stop));
        }
        tasks.spawn(self.desk(config, signals).run(submitted, signals.shutdown.clone()));
        Unexplained { quiet, questions }
    }

    /// What goes on beside the work: changes by others, explanations, figures, rules, webhooks.
    fn start_beside(
        &self,
        tasks: &mut Tasks,
        config: &Config,
        signals: &Signals,
        switches: Switches,
        Unexplained { quiet, questions }: Unexplained,
    ) {
        let stop = || signals.shutdown.clone();
        let changes = Changes { store: self.store.clone(), desk: signals.changed.clone() };
        tasks.spawn(changes.run(stop()));
        let explainer =
            Explainer { store: self.store.clone(), metrics: self.metrics.clone(), quiet, questions };
        tasks.spawn(explainer.run(stop()));
        tasks.spawn(Figures { store: self.store.clone() }.run(stop()));
        let reloader = Reloader {
            files: self.rule_files.clone(),
            every: config.moderation.rules_reload,
            asked: self.reload.clone(),
            moderator: self.moderator.clone(),
            metrics: self.metrics.clone(),
        };
        tasks.spawn(reloader.run(stop()));
        tasks.spawn(switches.run(stop()));
        let (courier, stop, until) = (self.webhooks.clone(), stop(), signals.abandon.clone());
        tasks.spawn(async move {
            courier.run(stop, until).await;
            Ok(())
        });
    }

    fn desk(&self, config: &Config, signals: &Signals) -> Desk {
        Desk {
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
            changed: signals.changed.clone(),
            metrics: self.metrics.clone(),
            outbox: signals.outbox.clone(),
            abandon: signals.abandon.clone(),
        }
    }

    fn relay(&self, config: &Config, signals: &Signals) -> Relay {
        Relay {
            store: self.store.clone(),
            queue: self.queue.clone(),
            batch: config.worker.outbox_batch,
            publish_timeout: config.queue.publish_timeout,
            keep: TimeDelta::days(i64::from(config.worker.keep_published_days)),
            metrics: self.metrics.clone(),
            wake: signals.outbox.clone(),
        }
    }

    fn inquiry_handler(
        &self,
        config: &Config,
        signals: &Signals,
        desk: mpsc::Sender<Submission>,
    ) -> InquiryHandler {
        InquiryHandler {
            store: self.store.clone(),
            model: self.inquiries.clone(),
            policy: self.routing.clone(),
            desk,
            limits: Limits::from(&config.limits),
            attempts: config.queue.delivery_limit,
            metrics: self.metrics.clone(),
            outbox: signals.outbox.clone(),
            abandon: signals.abandon.clone(),
        }
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
        signals: &Signals,
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
            outbox: signals.outbox.clone(),
            abandon: signals.abandon.clone(),
            explain,
            order: Mutex::new(()),
            busy,
            shadow,
        }
    }
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
