//! Models in shadow: they judge what the live ones have judged and committed, and what differs is counted.
//!
//! They never hold up live work. They have one thread of their own, go on to the next conversation only while no batch is being judged, and what
//! comes in faster than that is dropped, and counted. What goes wrong here is logged and passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::Utc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::busy::{Busy, Quiet};
use super::metrics::{Metrics, ShadowOutcome};
use crate::contract::{MessageId, Policy};
use crate::moderation::{Conversation, Decision, Moderator};
use crate::store::Store;
use crate::store::operations::ShadowInForce;
use crate::store::shadow::{Agreement, Comparison, Difference, Pair, Side};

/// Batches that may wait.
const WAITING: usize = 16;

/// What judges beside the live models.
#[derive(Clone, Default)]
pub enum Shadow {
    #[default]
    Off,
    /// Configured, but it cannot be loaded.
    Unusable,
    Judging(ShadowModels),
}

impl Shadow {
    /// What is told of it.
    pub fn in_force(&self) -> Option<ShadowInForce> {
        match self {
            Shadow::Off => None,
            Shadow::Unusable => Some(ShadowInForce::Unusable),
            Shadow::Judging(shadow) => Some(ShadowInForce::Judging(shadow.models.judging())),
        }
    }
}

/// The models in shadow, ready to use.
#[derive(Clone)]
pub struct ShadowModels {
    /// Their rules do not count: those in force do.
    pub models: Arc<Moderator>,
    /// Where they judge.
    pub thread: Arc<rayon::ThreadPool>,
    /// Share of the batches, 0 to 1.
    pub share: f64,
}

/// What the live models said about one message.
struct Said {
    probabilities: BTreeMap<Policy, f64>,
    reported: BTreeSet<Policy>,
}

impl From<&Decision> for Said {
    fn from(decision: &Decision) -> Self {
        Self {
            probabilities: decision.verdict.policies.clone(),
            reported: decision.alerts.iter().map(|alert| alert.policy.clone()).collect(),
        }
    }
}

/// Judged live and committed.
struct Batch {
    moderator: Arc<Moderator>,
    conversations: Arc<Vec<Conversation>>,
    said: BTreeMap<MessageId, Said>,
}

/// Hands batches over.
#[derive(Clone)]
pub struct Offered {
    to: mpsc::Sender<Batch>,
    share: f64,
    metrics: Metrics,
}

impl Offered {
    /// Judges a batch in shadow as well, or drops it: what was decided is committed and goes on in any case. Of messages that had their
    /// verdict before, `decisions` says nothing.
    pub fn offer<'a>(
        &self,
        moderator: Arc<Moderator>,
        conversations: Arc<Vec<Conversation>>,
        decisions: impl Iterator<Item = &'a Decision>,
    ) {
        if rand::random::<f64>() >= self.share {
            return;
        }
        let said = decisions.map(|decision| (decision.verdict.message_id.clone(), decision.into())).collect();
        if self.to.try_send(Batch { moderator, conversations, said }).is_err() {
            self.metrics.shadow(ShadowOutcome::Dropped);
        }
    }
}

/// Judges in shadow.
pub struct Shadowing {
    shadow: ShadowModels,
    from: mpsc::Receiver<Batch>,
    quiet: Quiet,
    store: Arc<dyn Store>,
    metrics: Metrics,
}

impl Shadowing {
    pub fn new(
        shadow: ShadowModels,
        busy: &Busy,
        store: Arc<dyn Store>,
        metrics: Metrics,
    ) -> (Self, Offered) {
        let (to, from) = mpsc::channel(WAITING);
        let offered = Offered { to, share: shadow.share, metrics: metrics.clone() };
        (Self { shadow, from, quiet: busy.watch(), store, metrics }, offered)
    }

    /// Runs until `shutdown`; what waits then is let go.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let compared = tokio::select! {
                () = shutdown.cancelled() => return,
                compared = self.compare_next() => compared,
            };
            // Not raced with the shutdown: a transaction is not dropped half-way.
            let outcome = match compared {
                None => return,
                Some(compared) => self.outcome(compared).await,
            };
            self.metrics.shadow(outcome);
        }
    }

    /// None when nothing comes any more.
    async fn compare_next(&mut self) -> Option<Result<Option<Comparison>, tokio::task::JoinError>> {
        let batch = self.from.recv().await?;
        Some(self.compare(batch).await)
    }

    async fn outcome(&self, compared: Result<Option<Comparison>, tokio::task::JoinError>) -> ShadowOutcome {
        match compared {
            Ok(Some(comparison)) => self.keep(&comparison).await,
            Ok(None) => ShadowOutcome::Judged,
            Err(panicked) => {
                tracing::error!(%panicked, "the models in shadow failed on a batch");
                ShadowOutcome::Failed
            }
        }
    }

    async fn keep(&self, comparison: &Comparison) -> ShadowOutcome {
        match self.store.add_comparison(comparison).await {
            Ok(()) => ShadowOutcome::Judged,
            Err(error) => {
                tracing::warn!(%error, "what the models in shadow said was not kept");
                ShadowOutcome::Failed
            }
        }
    }

    /// None if nothing can be compared.
    async fn compare(&mut self, batch: Batch) -> Result<Option<Comparison>, tokio::task::JoinError> {
        let Batch { moderator, conversations, said } = batch;
        let shadow = Arc::new(moderator.with_models_of(&self.shadow.models));
        let policies = compared(&moderator, &shadow);
        let mut tally = Tally::new(&policies);
        for index in 0..conversations.len() {
            self.quiet.come().await;
            let (thread, judge, all) = (self.shadow.thread.clone(), shadow.clone(), conversations.clone());
            let judged = tokio::task::spawn_blocking(move || {
                thread.install(|| judge.decide(std::slice::from_ref(&all[index]), Utc::now()))
            })
            .await?;
            for decision in judged.into_iter().flatten() {
                if let Some(live) = said.get(&decision.verdict.message_id) {
                    tally.add(&decision.verdict.message_id, live, &Said::from(&decision));
                }
            }
        }
        let pair = Pair { live: moderator.judging(), shadow: shadow.judging() };
        Ok((!policies.is_empty()).then(|| tally.comparison(pair)))
    }
}

/// Policies that both have a head for.
fn compared(live: &Moderator, shadow: &Moderator) -> Vec<Policy> {
    let names = |of: &Moderator| of.policies().iter().map(|one| one.policy.clone()).collect::<BTreeSet<_>>();
    names(live).intersection(&names(shadow)).cloned().collect()
}

/// What differs so far. Pure.
struct Tally {
    agreements: BTreeMap<Policy, Agreement>,
    differences: Vec<Difference>,
}

impl Tally {
    fn new(policies: &[Policy]) -> Self {
        let none = |policy: &Policy| (policy.clone(), Agreement::default());
        Self { agreements: policies.iter().map(none).collect(), differences: Vec::new() }
    }

    fn add(&mut self, message: &MessageId, live: &Said, shadow: &Said) {
        for (policy, agreement) in &mut self.agreements {
            let probability = |said: &Said| said.probabilities.get(policy).copied().unwrap_or(0.0);
            let side = match (live.reported.contains(policy), shadow.reported.contains(policy)) {
                (true, true) => {
                    agreement.flagged += 1;
                    continue;
                }
                (false, false) => {
                    agreement.clear += 1;
                    continue;
                }
                (true, false) => {
                    agreement.only_live += 1;
                    Side::Live
                }
                (false, true) => {
                    agreement.only_shadow += 1;
                    Side::Shadow
                }
            };
            self.differences.push(Difference {
                policy: policy.clone(),
                side,
                message_id: message.clone(),
                live_probability: probability(live),
                shadow_probability: probability(shadow),
            });
        }
    }

    fn comparison(self, pair: Pair) -> Comparison {
        let Self { agreements, differences } = self;
        Comparison { pair, agreements: agreements.into_iter().collect(), differences, at: Utc::now() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(probability: f64, reported: bool) -> Said {
        let policy = Policy::new("p");
        Said {
            probabilities: [(policy.clone(), probability), (Policy::new("only_here"), 1.0)].into(),
            reported: reported.then_some(policy).into_iter().collect(),
        }
    }

    #[test]
    fn what_only_one_would_report_is_a_difference() {
        let mut tally = Tally::new(&[Policy::new("p")]);
        let pairs = [
            (0.9, true, 0.8, true),
            (0.1, false, 0.2, false),
            (0.6, true, 0.3, false),
            (0.4, false, 0.7, true),
        ];
        for (index, (live, reported, shadow, too)) in pairs.into_iter().enumerate() {
            let id = MessageId::new(format!("m-{index}")).unwrap();
            tally.add(&id, &said(live, reported), &said(shadow, too));
        }
        let pair = Pair { live: "a".into(), shadow: "b".into() };
        let comparison = tally.comparison(pair);
        let agreement = Agreement { flagged: 1, clear: 1, only_live: 1, only_shadow: 1 };
        assert_eq!(comparison.agreements, [(Policy::new("p"), agreement)]);
        let told: Vec<_> = comparison
            .differences
            .iter()
            .map(|one| (one.message_id.as_str(), one.side, one.live_probability, one.shadow_probability))
            .collect();
        assert_eq!(told, [("m-2", Side::Live, 0.6, 0.3), ("m-3", Side::Shadow, 0.4, 0.7)]);
    }
}
