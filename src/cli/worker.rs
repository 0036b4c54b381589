//! `mimamori worker`.

use std::process::ExitCode;
use std::sync::Arc;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::error::CliError;
use super::parts;
use crate::config::Config;
use crate::error::{Class, Classified};
use crate::queue::{Backoff, Queue, QueueError};
use crate::store::Store;
use crate::worker::{
    Client, Courier, InForce, Metrics, Shadow, Wake, Worker, probes, reload_signal, stop_signal,
};

pub async fn run(config: Config) -> Result<ExitCode, CliError> {
    let deaf = |error: std::io::Error| CliError::Bug(format!("cannot listen to signals: {error}"));
    let stop = stop_signal().map_err(deaf)?;
    let reload = reload_signal().map_err(deaf)?;
    let queue = crate::queue::open(&config.queue).await?;
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    let mut worker = tokio::task::block_in_place(|| build(&config, queue.clone(), store.clone()))?;
    worker.reload = reload;
    let listener = tokio::net::TcpListener::bind(config.worker.http).await.map_err(|error| {
        CliError::Usage(format!("worker.http: cannot listen on {}: {error}", config.worker.http))
    })?;
    let pages = probes(store.clone(), queue.clone(), worker.metrics.clone(), stop.clone());
    let ended = CancellationToken::new();
    let until = ended.clone();
    let serving = tokio::spawn(async move {
        axum::serve(listener, pages).with_graceful_shutdown(async move { until.cancelled().await }).await
    });
    let result = work(&config, &worker, &stop).await;
    ended.cancel();
    let _ = serving.await;
    result?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

async fn work(config: &Config, worker: &Worker, stop: &CancellationToken) -> Result<(), CliError> {
    store_ready(worker.store.as_ref(), stop).await?;
    declare(worker.queue.as_ref(), stop).await?;
    if stop.is_cancelled() {
        return Ok(());
    }
    let moderator = worker.moderator.get();
    tracing::info!(
        rules = moderator.rules_version(),
        model = moderator.model_version(),
        http = %config.worker.http,
        "working"
    );
    worker.run(config, stop.clone()).await?;
    Ok(())
}

/// Loads the engines; takes a second of computing, so callers run it off the asynchronous threads.
pub fn build(config: &Config, queue: Arc<dyn Queue>, store: Arc<dyn Store>) -> Result<Worker, CliError> {
    parts::start_threads(config)?;
    let (models, rules) = rayon::join(
        || -> Result<_, CliError> {
            let base = parts::base(config)?;
            let ((model, shadow), inquiries) = rayon::join(
                || {
                    rayon::join(
                        || parts::conversation_model(config, &base, parts::Heads::Usable),
                        || parts::shadow_model(config, &base),
                    )
                },
                || parts::inquiry_model(config, &base),
            );
            Ok((model?, shadow, inquiries?))
        },
        || parts::rule_pack(config),
    );
    let (model, shadow, inquiries) = models?;
    let moderator = parts::assemble(config, model, rules?)?;
    let shadow = shadow.beside(config, &moderator);
    let routing = parts::routing_policy(config, &inquiries);
    let metrics = Metrics::new(vec![
        ("version".into(), env!("CARGO_PKG_VERSION").into()),
        ("model".into(), moderator.model_version().into()),
    ]);
    metrics.rules_in_force(moderator.rules_version(), moderator.rules_version());
    metrics.rules_found_good();
    moderator.rules_only().iter().for_each(|settings| metrics.policy_without_model(&settings.policy));
    let client = Client::new(config.webhooks.allow_private)
        .map_err(|error| CliError::Bug(format!("TLS cannot be set up: {error}")))?;
    let webhooks = Courier {
        store: store.clone(),
        client,
        keep: TimeDelta::days(i64::from(config.worker.keep_published_days)),
        metrics: metrics.clone(),
    };
    if matches!(shadow, Shadow::Unusable) {
        metrics.shadow_unusable();
    }
    Ok(Worker {
        queue,
        store,
        moderator: InForce::new(moderator),
        rule_files: parts::pack_files(config)?,
        reload: Wake::default(),
        inquiries,
        routing,
        webhooks: Arc::new(webhooks),
        shadow,
        metrics,
    })
}

/// Waits for the database; a schema that is not this program's ends the start.
async fn store_ready(store: &dyn Store, stop: &CancellationToken) -> Result<(), CliError> {
    let mut backoff = start_backoff();
    loop {
        match store.ping().await {
            Ok(()) => return Ok(()),
            Err(error) if error.class() == Class::Transient => {
                if !wait(&mut backoff, stop, &error).await {
                    return Ok(());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn declare(queue: &dyn Queue, stop: &CancellationToken) -> Result<(), QueueError> {
    let mut backoff = start_backoff();
    loop {
        match queue.declare().await {
            Ok(()) => return Ok(()),
            Err(error) if error.class() == Class::Transient => {
                if !wait(&mut backoff, stop, &error).await {
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
    }
}

fn start_backoff() -> Backoff {
    Backoff::new(std::time::Duration::from_millis(100), std::time::Duration::from_secs(5), rand::random())
}

/// `false` if the program was asked to stop meanwhile.
async fn wait(backoff: &mut Backoff, stop: &CancellationToken, error: &dyn std::error::Error) -> bool {
    let wait = backoff.next_wait();
    tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "waiting for a dependency");
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(wait) => true,
    }
}
