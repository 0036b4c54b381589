//! Takes changed rules into use while the worker runs.
//!
//! The folder is compared by content. What differs from what was tried last and has stayed the same since the look before (an
//! editor may still be writing) is compiled and tested beside the pack in force, on a thread of its own, and takes its place as a
//! whole. Whatever goes wrong leaves the pack in force as it was. A batch in work keeps the pack that it began with.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::metrics::{Metrics, Reload};
use super::{Wake, WorkerError};
use crate::moderation::Moderator;
use crate::rules::{PackFiles, Refusal, RulePack, Settling, Snapshot};

/// Most problems of one refused pack that are logged.
const LOGGED_PROBLEMS: usize = 20;

/// The moderator in force. Cheap to clone; all clones see the same one.
#[derive(Clone)]
pub struct InForce {
    current: Arc<watch::Sender<Arc<Moderator>>>,
    /// Ids of the rules that are switched off, also of such that the pack does not hold. Held while the moderator is replaced, so
    /// that files and switches that change at once are both taken up.
    off: Arc<Mutex<BTreeSet<String>>>,
}

/// Versions of the rules before and after they were replaced.
pub(super) struct Replaced {
    pub(super) old: String,
    pub(super) new: String,
}

impl InForce {
    pub fn new(moderator: Arc<Moderator>) -> Self {
        Self { current: Arc::new(watch::Sender::new(moderator)), off: Arc::default() }
    }

    /// The moderator at this moment. Who holds it goes on with it, whatever comes next.
    pub fn get(&self) -> Arc<Moderator> {
        self.current.borrow().clone()
    }

    /// Takes other rules into use; what is switched off stays off.
    fn replace(&self, pack: RulePack) -> Replaced {
        let off = self.off.lock().unwrap_or_else(PoisonError::into_inner);
        self.put(&pack.without(&off))
    }

    /// Switches exactly these rules off. None if it was so already.
    pub(super) fn switch(&self, ids: BTreeSet<String>) -> Option<Replaced> {
        let mut off = self.off.lock().unwrap_or_else(PoisonError::into_inner);
        if *off == ids {
            return None;
        }
        *off = ids;
        Some(self.put(&self.get().rules().without(&off)))
    }

    fn put(&self, pack: &RulePack) -> Replaced {
        let current = self.get();
        let next = current.with_rules(pack.clone());
        let replaced =
            Replaced { old: current.rules_version().to_owned(), new: next.rules_version().to_owned() };
        self.current.send_replace(Arc::new(next));
        replaced
    }
}

/// Looks at the rule files again and again.
pub(super) struct Reloader {
    pub files: PackFiles,
    /// How often; `None` for only when asked.
    pub every: Option<Duration>,
    /// Notified when somebody asks to look at once.
    pub asked: Wake,
    pub moderator: InForce,
    pub metrics: Metrics,
}

impl Reloader {
    /// Runs until `shutdown`. What it finds wrong never ends the worker.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), WorkerError> {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.look_for_ever() => {}
        }
        Ok(())
    }

    async fn look_for_ever(&self) {
        let mut changes = Settling::since(self.moderator.get().rules().files_version());
        loop {
            let asked = tokio::select! {
                () = self.asked.notified() => true,
                () = pause(self.every) => false,
            };
            self.look(asked, &mut changes).await;
        }
    }

    async fn look(&self, asked: bool, changes: &mut Settling) {
        let files = self.files.clone();
        let Some(snapshot) = off_to_the_side(move || files.read()).await else { return };
        if !changes.is_due(snapshot.fingerprint(), asked) {
            return;
        }
        let started = Instant::now();
        let current = self.moderator.get();
        let tried = off_to_the_side(move || successor(&current, snapshot)).await;
        let took_ms = started.elapsed().as_millis() as u64;
        match tried.unwrap_or_else(|| Err(Refusal { problems: vec!["the rule engine panicked".into()] })) {
            Ok(Some(pack)) => {
                let rules = pack.len();
                let Replaced { old, new } = self.moderator.replace(pack);
                self.metrics.rules_in_force(&old, &new);
                self.metrics.rules_off(self.moderator.get().rules().off().count());
                self.metrics.rules_reloaded(Reload::Replaced);
                tracing::info!(version = new, replaces = old, rules, took_ms, "rules replaced");
            }
            Ok(None) => {
                self.metrics.rules_reloaded(Reload::Unchanged);
                tracing::info!(version = self.moderator.get().rules_version(), took_ms, "rules unchanged");
            }
            Err(refusal) => {
                self.metrics.rules_reloaded(Reload::Refused);
                report(&refusal, self.moderator.get().rules_version());
            }
        }
    }
}

/// The rules of a snapshot; `None` if the moderator has them already.
fn successor(current: &Moderator, snapshot: Snapshot) -> Result<Option<RulePack>, Refusal> {
    let pack = snapshot.pack(current.tokenizer())?;
    Ok((pack.files_version() != current.rules().files_version()).then_some(pack))
}

fn report(refusal: &Refusal, kept: &str) {
    for problem in refusal.problems.iter().take(LOGGED_PROBLEMS) {
        tracing::error!(%problem, "changed rules");
    }
    tracing::error!(
        problems = refusal.problems.len(),
        kept,
        "changed rules refused: the rules in force stay; correct the files, or run `mimamori rules check` and `rules test`"
    );
}

/// Computes on a thread that may block; `None` if it panicked, which the runtime has told already.
async fn off_to_the_side<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

async fn pause(every: Option<Duration>) {
    match every {
        Some(every) => tokio::time::sleep(every).await,
        None => std::future::pending().await,
    }
}
