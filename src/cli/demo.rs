//! `mimamori demo`: the whole system in one process, on the embedded queue and database, fed with the fixtures.

mod feed;
mod people;
mod summary;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::db::read_agents;
use super::error::CliError;
use super::worker::build;
use crate::config::{Broker, Config, Database, locate};
use crate::corpus::Corpus;
use crate::queue::{EmbeddedQueue, Inbound, Outgoing, Queue};
use crate::store::Store;
use crate::worker::{Worker, stop_signal};

/// Publications that are confirmed together.
const PUBLISH_BATCH: usize = 256;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Stay, with the console on a local port and one account for each role, until Ctrl-C
    #[arg(long)]
    serve: bool,
    /// Folder for the queue and the database; what an earlier demo left there is replaced
    #[arg(long, value_name = "DIR", default_value = "mimamori-demo")]
    data: PathBuf,
}

pub async fn run(mut config: Config, arguments: Arguments) -> Result<ExitCode, CliError> {
    let started = Instant::now();
    if arguments.serve && !config.console.http.ip().is_loopback() {
        // Its accounts and their password stand on the terminal.
        return Err(CliError::Usage(format!(
            "console.http: the demo serves on a loopback address only, found {}",
            config.console.http
        )));
    }
    let stop = stop_signal().map_err(|error| CliError::Bug(format!("cannot listen to signals: {error}")))?;
    let (queue_file, store_file) = fresh_files(&arguments.data)?;
    config.queue.url = Broker::Embedded(queue_file.clone());
    config.store.url = Database::Sqlite(store_file.clone());
    // Its people have a password that they share, and no provider knows them.
    config.console.oidc.issuer = None;

    let corpus_folder = locate(Path::new("fixtures/corpus"), "corpus folder", "the working directory")?;
    let corpus = Corpus::read(&corpus_folder).map_err(|error| CliError::Usage(error.to_string()))?;
    let embedded =
        EmbeddedQueue::open(&queue_file, &config.queue.prefix, config.queue.delivery_limit).await?;
    let embedded = Arc::new(embedded);
    let queue: Arc<dyn Queue> = embedded.clone();
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    store.migrate().await?;
    store.upsert_agents(&read_agents(None)?).await?;
    queue.declare().await?;

    eprintln!("loading rules and models …");
    let worker = tokio::task::block_in_place(|| build(&config, queue.clone(), store.clone()))?;
    let loaded = started.elapsed();
    let feed = feed::feed(&corpus.test);
    eprintln!("{} messages and {} inquiries go into the queue …", feed.messages, feed.inquiries);
    publish(queue.as_ref(), &feed.outgoing, config.queue.publish_timeout).await?;

    let working = Instant::now();
    let drained = work_until_done(&config, &worker, queue.as_ref(), store.as_ref(), &feed, &stop).await?;
    let took = working.elapsed();
    if !drained {
        return Err(CliError::Failed("stopped before everything was done".into()));
    }
    let events = embedded.events().await?;
    let text = summary::summary(store.as_ref(), &events, loaded, took).await?;
    super::lines::print(&text)?;
    println!("database  {}\nqueue     {}", store_file.display(), queue_file.display());
    if arguments.serve {
        serve(&config, worker, store, stop).await?;
    } else {
        println!("run with --serve to look at alerts and inquiries in the console");
    }
    Ok(ExitCode::SUCCESS)
}

/// Two files in a folder that exists, without anything from an earlier run.
fn fresh_files(folder: &Path) -> Result<(PathBuf, PathBuf), CliError> {
    let fail = |error: std::io::Error| CliError::Usage(format!("--data {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(fail)?;
    let files = (folder.join("queue.db"), folder.join("support.db"));
    for file in [&files.0, &files.1] {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = file.clone().into_os_string();
            name.push(suffix);
            match std::fs::remove_file(PathBuf::from(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
                _ => {}
            }
        }
    }
    Ok(files)
}

async fn publish(queue: &dyn Queue, outgoing: &[Outgoing], timeout: Duration) -> Result<(), CliError> {
    for batch in outgoing.chunks(PUBLISH_BATCH) {
        queue.publish(batch, timeout).await?;
    }
    Ok(())
}

/// Runs the worker until every delivery has led to a result and every event is published. `false` if the user stopped it.
async fn work_until_done(
    config: &Config,
    worker: &Worker,
    queue: &dyn Queue,
    store: &dyn Store,
    feed: &feed::Feed,
    stop: &CancellationToken,
) -> Result<bool, CliError> {
    let done = CancellationToken::new();
    let watch = async {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
            if is_done(queue, store, feed).await? {
                break;
            }
        }
        done.cancel();
        Ok::<(), CliError>(())
    };
    let work = async { worker.run(config, done.clone()).await.map_err(CliError::from) };
    tokio::try_join!(watch, work)?;
    Ok(!stop.is_cancelled())
}

async fn is_done(queue: &dyn Queue, store: &dyn Store, feed: &feed::Feed) -> Result<bool, CliError> {
    for from in Inbound::ALL {
        if queue.depth(from).await?.ready > 0 {
            return Ok(false);
        }
    }
    let counts = store.summary().await?;
    Ok(counts.verdicts >= feed.messages as u64
        && counts.inquiries >= feed.inquiries as u64
        && counts.dead_letters >= feed.bad as u64
        && counts.unpublished_events == 0)
}

/// Keeps worker and console running.
async fn serve(
    config: &Config,
    worker: Worker,
    store: Arc<dyn Store>,
    stop: CancellationToken,
) -> Result<(), CliError> {
    let address = config.console.http;
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| CliError::Usage(format!("console.http: cannot listen on {address}: {error}")))?;
    let password = people::add(store.as_ref()).await?;
    println!("the console is at http://{address}/ (Ctrl-C ends it)");
    println!("log in as {}, each with the password {password}", people::logins());
    let until = stop.clone();
    let pages = async {
        let moderation = super::parts::moderation_of(config);
        let until = async move { until.cancelled().await };
        crate::console::serve(listener, store, &config.console, moderation, until)
            .await
            .map_err(|error| CliError::Failed(format!("console: {error}")))
    };
    let work = async { worker.run(config, stop.clone()).await.map_err(CliError::from) };
    tokio::try_join!(pages, work)?;
    Ok(())
}
