//! How a worker ends: all its parts together, in order, and not later than it may.

use std::time::Duration;

use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Signals, WorkerError};

/// How long the end of a worker waits for its last report, and for who was told to stop at once.
const GOODBYE: Duration = Duration::from_secs(5);

/// Parts that run until they are told to stop, or fail for good.
pub(super) type Tasks = JoinSet<Result<(), WorkerError>>;

/// Waits for all parts, and then for the relay, which publishes what they left. The first failure stops everything and is returned.
pub(super) async fn supervise(
    mut tasks: Tasks,
    mut relaying: JoinHandle<Result<(), WorkerError>>,
    signals: &Signals,
    handlers_done: &CancellationToken,
) -> Result<(), WorkerError> {
    let mut result = Ok(());
    let mut relay_ended = false;
    loop {
        tokio::select! {
            joined = tasks.join_next() => match joined {
                None => break,
                Some(joined) => keep_first(&mut result, flatten(joined)),
            },
            joined = &mut relaying, if !relay_ended => {
                relay_ended = true;
                keep_first(&mut result, flatten(joined));
            }
            // Whoever waits for a server that does not answer would wait for as long as the network likes; the process ends.
            () = given_up(&signals.abandon) => {
                tracing::warn!("something still waits for a server that does not answer: ending without it");
                tasks.abort_all();
                relaying.abort();
                relay_ended = true;
                break;
            }
        }
        if result.is_err() {
            // One part has failed for good: the others must not go on as if nothing had happened.
            signals.shutdown.cancel();
        }
    }
    handlers_done.cancel();
    if !relay_ended {
        keep_first(&mut result, flatten(relaying.await));
    }
    result
}

/// Cancels `abandon` when the drain takes longer than it may.
pub(super) async fn drain_deadline(shutdown: CancellationToken, limit: Duration, abandon: CancellationToken) {
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
pub(super) async fn goodbye(mut reporting: JoinHandle<()>) {
    if tokio::time::timeout(GOODBYE, &mut reporting).await.is_err() {
        reporting.abort();
    }
}

fn keep_first(result: &mut Result<(), WorkerError>, next: Result<(), WorkerError>) {
    if result.is_ok() {
        *result = next;
    }
}

fn flatten(joined: Result<Result<(), WorkerError>, JoinError>) -> Result<(), WorkerError> {
    joined.unwrap_or_else(|error| Err(WorkerError::Panicked(error.to_string())))
}
