//! Takes up at once which rules people switch off and on.
//!
//! The table is tiny and asked by its index, twice a second: cheaper than a connection of its own that listens, and the same on both
//! databases. When the database is out of reach, what was switched stays as it was. A batch in work keeps the rules that it began with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::WorkerError;
use super::metrics::Metrics;
use super::retry::{Ended, until_done};
use super::rules::{InForce, Replaced};
use crate::error::{Class, Classified};
use crate::store::{Store, StoreError};

/// How often the database is asked.
const EVERY: Duration = Duration::from_millis(500);
/// How often what rules in shadow found long ago is deleted, and after how long.
const PURGE_EVERY: Duration = Duration::from_secs(60 * 60);
const KEEP_SHADOW: TimeDelta = TimeDelta::days(90);

/// Keeps the moderator to what is switched off.
pub(super) struct Switches {
    pub store: Arc<dyn Store>,
    pub moderator: InForce,
    pub metrics: Metrics,
}

impl Switches {
    /// Asks once, and again until the database answers: before this nothing may be judged. `false` if the worker is to stop.
    pub async fn begin(&self, shutdown: &CancellationToken) -> Result<bool, WorkerError> {
        match until_done("read which rules are off", shutdown, || self.take_up()).await {
            Ok(()) => Ok(true),
            Err(Ended::Abandoned) => Ok(false),
            Err(Ended::Failed(error)) => Err(error.into()),
        }
    }

    /// Runs until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), WorkerError> {
        let mut purge_at = Instant::now();
        let mut out_of_reach = false;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
            match self.look(&mut purge_at).await {
                Ok(()) => out_of_reach = false,
                Err(error) if error.class() == Class::Transient => {
                    // Told once: it is asked again very soon.
                    if !out_of_reach {
                        tracing::warn!(%error, "which rules are off is not known anew: they stay as they are");
                    }
                    out_of_reach = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn look(&self, purge_at: &mut Instant) -> Result<(), StoreError> {
        self.take_up().await?;
        if *purge_at <= Instant::now() {
            *purge_at = Instant::now() + PURGE_EVERY;
            let gone = self.store.purge_shadow_findings(Utc::now() - KEEP_SHADOW).await?;
            if gone > 0 {
                tracing::info!(gone, "old findings of rules in shadow deleted");
            }
        }
        Ok(())
    }

    async fn take_up(&self) -> Result<(), StoreError> {
        let off = self.store.rules_off().await?;
        if let Some(Replaced { old, new }) = self.moderator.switch(off) {
            let count = self.moderator.get().rules().off().count();
            self.metrics.rules_in_force(&old, &new);
            self.metrics.rules_off(count);
            tracing::info!(version = new, replaces = old, off = count, "rules switched");
        }
        Ok(())
    }
}
