//! Counts the alerts of days that are over, for the charts of the console.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio_util::sync::CancellationToken;

use super::WorkerError;
use crate::store::Store;

/// Between two looks for days that are over.
const EVERY: Duration = Duration::from_secs(600);

/// Fills days. Several workers may do so at once: each day is filled in a transaction of its own, and always the same.
pub struct Figures {
    pub store: Arc<dyn Store>,
}

impl Figures {
    /// Runs until `shutdown`. An error is told and no more: the charts count what is not filled themselves.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), WorkerError> {
        loop {
            // Not raced with the shutdown: a transaction is not dropped half-way.
            match self.store.roll_up(Utc::now()).await {
                Ok(0) => {}
                Ok(days) => tracing::info!(days, "alerts counted of days that are over"),
                Err(error) => tracing::warn!(%error, "alerts of days that are over could not be counted"),
            }
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }
}
