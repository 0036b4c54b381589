//! Repeats what may succeed later.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::{Class, Classified};
use crate::queue::Backoff;

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Why [`until_done`] ended without a result.
#[derive(Debug)]
pub enum Ended<E> {
    /// The worker must stop now; nothing was done.
    Abandoned,
    /// An error that repeating cannot mend.
    Failed(E),
}

/// Calls `attempt` until it succeeds, fails for good, or `abandon` is cancelled. Waits grow from 50 ms to 5 s, with jitter.
pub async fn until_done<T, E, F>(
    doing: &'static str,
    abandon: &CancellationToken,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Ended<E>>
where
    F: Future<Output = Result<T, E>>,
    E: Classified,
{
    let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT, rand::random());
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if error.class() == Class::Transient => {
                let wait = backoff.next_wait();
                tracing::warn!(doing, %error, wait_ms = wait.as_millis() as u64, "will try again");
                tokio::select! {
                    () = abandon.cancelled() => return Err(Ended::Abandoned),
                    () = tokio::time::sleep(wait) => {}
                }
            }
            Err(error) => return Err(Ended::Failed(error)),
        }
    }
}
