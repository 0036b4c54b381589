//! Takes changed rules into use while the worker runs.
//!
//! The folder is compared by content. What differs from what was tried last and has stayed the same since the look before (an
//! editor may still be writing) is compiled and tested beside the pack in force, on a thread of its own, and takes its place as a
//! whole. Whatever goes wrong leaves the pack in force as it was. A batch in work keeps the pack that it began with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::metrics::{Metrics, Reload};
use super::{Wake, WorkerError};
use crate::moderation::Moderator;
use crate::rules::{Fingerprint, PackFiles, Refusal, Snapshot};

/// Most problems of one refused pack that are logged.
const LOGGED_PROBLEMS: usize = 20;

/// The moderator in force. Cheap to clone; all clones see the same one.
#[derive(Clone)]
pub struct InForce {
    current: Arc<watch::Sender<Arc<Moderator>>>,
}

impl InForce {
    pub fn new(moderator: Arc<Moderator>) -> Self {
        Self { current: Arc::new(watch::Sender::new(moderator)) }
    }

    /// The moderator at this moment. Who holds it goes on with it, whatever comes next.
    pub fn get(&self) -> Arc<Moderator> {
        self.current.borrow().clone()
    }

    fn replace(&self, moderator: Arc<Moderator>) {
        self.current.send_replace(moderator);
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
        let mut changes = Changes::since(self.moderator.get().rules_version());
        loop {
            let asked = tokio::select! {
                () = self.asked.notified() => true,
                () = pause(self.every) => false,
            };
            self.look(asked, &mut changes).await;
        }
    }

    async fn look(&self, asked: bool, changes: &mut Changes) {
        let files = self.files.clone();
        let Some(snapshot) = off_to_the_side(move || files.read()).await else { return };
        if !changes.are_settled(snapshot.fingerprint(), asked) {
            return;
        }
        let started = Instant::now();
        let current = self.moderator.get();
        let tried = off_to_the_side(move || successor(&current, snapshot)).await;
        let took_ms = started.elapsed().as_millis() as u64;
        match tried.unwrap_or_else(|| Err(Refusal { problems: vec!["the rule engine panicked".into()] })) {
            Ok(Some(next)) => {
                let old = self.moderator.get();
                self.metrics.rules_in_force(old.rules_version(), next.rules_version());
                self.metrics.rules_reloaded(Reload::Replaced);
                tracing::info!(
                    version = next.rules_version(),
                    replaces = old.rules_version(),
                    rules = next.rules().len(),
                    took_ms,
                    "rules replaced"
                );
                self.moderator.replace(Arc::new(next));
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

/// The moderator with the rules of a snapshot; `None` if it has them already.
fn successor(current: &Moderator, snapshot: Snapshot) -> Result<Option<Moderator>, Refusal> {
    let pack = snapshot.pack(current.tokenizer())?;
    Ok((pack.version() != current.rules_version()).then(|| current.with_rules(pack)))
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

/// Decides when what stands in the folders is worth trying. Pure.
struct Changes {
    /// What was tried last, with success or without; `fixtures` is not known until the first look.
    tried: Fingerprint,
    fixtures_known: bool,
    /// What was there at the last look and has not been tried.
    pending: Option<Fingerprint>,
}

impl Changes {
    /// `version` of the pack that was loaded at the start.
    fn since(version: &str) -> Self {
        let tried = Fingerprint { rules: version.to_owned(), fixtures: String::new() };
        Self { tried, fixtures_known: false, pending: None }
    }

    fn are_settled(&mut self, seen: Fingerprint, asked: bool) -> bool {
        if !self.fixtures_known {
            self.tried.fixtures.clone_from(&seen.fixtures);
            self.fixtures_known = true;
        }
        let settled = asked || seen != self.tried && self.pending.as_ref() == Some(&seen);
        if settled {
            self.tried = seen;
            self.pending = None;
        } else {
            self.pending = (seen != self.tried).then_some(seen);
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(rules: &str, fixtures: &str) -> Fingerprint {
        Fingerprint { rules: rules.into(), fixtures: fixtures.into() }
    }

    #[test]
    fn a_change_is_tried_once_it_has_settled_and_only_once() {
        let mut changes = Changes::since("a");
        assert!(!changes.are_settled(seen("a", "f"), false));
        assert!(!changes.are_settled(seen("half", "f"), false), "an editor may be writing");
        assert!(!changes.are_settled(seen("b", "f"), false), "and was");
        assert!(changes.are_settled(seen("b", "f"), false));
        assert!(!changes.are_settled(seen("b", "f"), false), "tried already, whatever came of it");
        assert!(!changes.are_settled(seen("a", "f"), false));
        assert!(changes.are_settled(seen("a", "f"), false), "taken back");
    }

    #[test]
    fn a_change_that_is_taken_back_before_the_next_look_is_none() {
        let mut changes = Changes::since("a");
        assert!(!changes.are_settled(seen("b", "f"), false));
        assert!(!changes.are_settled(seen("a", "f"), false));
        assert!(!changes.are_settled(seen("b", "f"), false), "what was there before does not count");
        assert!(changes.are_settled(seen("b", "f"), false));
    }

    #[test]
    fn changed_fixtures_are_a_change_too() {
        let mut changes = Changes::since("a");
        assert!(!changes.are_settled(seen("a", "f"), false));
        assert!(!changes.are_settled(seen("a", "g"), false));
        assert!(changes.are_settled(seen("a", "g"), false));
    }

    #[test]
    fn who_asks_does_not_wait() {
        let mut changes = Changes::since("a");
        assert!(changes.are_settled(seen("b", "f"), true));
        assert!(changes.are_settled(seen("b", "f"), true), "also when nothing has changed");
        assert!(!changes.are_settled(seen("b", "f"), false));
    }
}
