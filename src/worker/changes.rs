//! Wakes the desk when the database tells that an agent has become free or an inquiry waits anew. The desk's tick is the safety net.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::retry::{Ended, until_done};
use super::{Wake, WorkerError};
use crate::error::{Class, Classified};
use crate::store::{DeskWatch, Store};

/// Hears of changes.
pub struct Changes {
    pub store: Arc<dyn Store>,
    /// Notified of each.
    pub desk: Wake,
}

impl Changes {
    /// Runs until `shutdown`. A watch that breaks is begun anew.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), WorkerError> {
        loop {
            let mut watch = match until_done("watch the desk", &shutdown, || self.store.watch_desk()).await {
                Ok(watch) => watch,
                Err(Ended::Abandoned) => return Ok(()),
                Err(Ended::Failed(error)) => return Err(error.into()),
            };
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                broken = self.tell(&mut *watch) => broken?,
            }
        }
    }

    /// Ends when the watch breaks, and fails when it can never work.
    async fn tell(&self, watch: &mut dyn DeskWatch) -> Result<(), WorkerError> {
        loop {
            match watch.changed().await {
                Ok(()) => self.desk.notify(),
                Err(error) if error.class() == Class::Transient => {
                    tracing::warn!(%error, "watching the desk anew");
                    // What happened meanwhile was not told.
                    self.desk.notify();
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
