//! The desk: at every tick, what came in and what waits is matched with the agents together, and each result is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::metrics::{Metrics, Stage};
use super::predicted::Predicted;
use super::retry::{Ended, until_done};
use super::{Wake, WorkerError};
use crate::contract::{Inquiry, InquiryId, Rejection, RejectionCode, TransactionId, UserId};
use crate::queue::Inbound;
use crate::routing::{Case, Decided, Policy, Preferred, Proposal, decide};
use crate::store::{FreeAgents, RoutingDecision, RoutingOutcome, Store, StoreError};

/// How often old decisions are looked for.
const PURGE_EVERY: Duration = Duration::from_secs(3600);
/// How often the figures of the last day are read for the metrics.
const COUNT_EVERY: Duration = Duration::from_secs(60);
/// Offers that one tick ends for each reason; the next tick ends the rest.
const ENDINGS: u32 = 200;
/// The shortest time between two ticks that changes call for.
const WOKEN_GAP: Duration = Duration::from_millis(100);

/// Inquiries that came in together. Its end is told once every one of them is committed; a desk that goes away tells nothing.
pub struct Submission {
    pub inquiries: Vec<Predicted>,
    pub committed: oneshot::Sender<()>,
}

/// Matches inquiries with agents.
pub struct Desk {
    pub store: Arc<dyn Store>,
    pub policy: Arc<Policy>,
    /// The shortest time between two ticks.
    pub every: Duration,
    /// Waiting inquiries that one tick takes up.
    pub limit: u32,
    /// Commits under way at once.
    pub commits: usize,
    /// How long decisions are kept.
    pub keep: TimeDelta,
    /// How long an agent may think about an offer; none if they have it at once.
    pub offer: Option<TimeDelta>,
    /// How long an agent counts as knowing a customer whose inquiry they finished.
    pub returning: TimeDelta,
    /// How long somebody has to be away before what they have not begun goes back; none for never.
    pub away_grace: Option<TimeDelta>,
    /// Notified when an agent has become free or an inquiry waits anew.
    pub changed: Wake,
    pub metrics: Metrics,
    pub outbox: Wake,
    pub abandon: CancellationToken,
}

impl Desk {
    /// Runs until nobody can submit any more. After `shutdown` it serves what is still submitted, and leaves what waits.
    pub async fn run(
        self,
        mut incoming: mpsc::Receiver<Submission>,
        shutdown: CancellationToken,
    ) -> Result<(), WorkerError> {
        let mut collected: Vec<Submission> = Vec::new();
        let mut next = Instant::now();
        let mut quiet_until = Instant::now();
        let mut woken_from = Instant::now();
        let mut next_purge = Instant::now();
        let mut next_count = Instant::now();
        loop {
            let idle = collected.is_empty() && shutdown.is_cancelled();
            if shutdown.is_cancelled() {
                // Who ends waits for no beat.
                next = Instant::now();
            }
            tokio::select! {
                submission = incoming.recv() => match submission {
                    Some(submission) => {
                        collected.push(submission);
                        // After a time without work, what comes in need not wait for the end of the beat.
                        next = next.min(quiet_until.max(Instant::now()));
                        continue;
                    }
                    None if collected.is_empty() => return Ok(()),
                    None => {}
                },
                () = self.changed.notified(), if !shutdown.is_cancelled() => {
                    next = next.min(woken_from.max(Instant::now()));
                    continue;
                }
                () = sleep_until(next), if !idle => {}
                () = shutdown.cancelled(), if !shutdown.is_cancelled() => continue,
            }
            next = Instant::now() + self.every;
            woken_from = Instant::now() + WOKEN_GAP.min(self.every);
            let (inquiries, told): (Vec<_>, Vec<_>) =
                collected.drain(..).map(|one| (one.inquiries, one.committed)).unzip();
            let fresh = inquiries.into_iter().flatten().collect();
            match self.tick(fresh, !shutdown.is_cancelled()).await {
                // Who submitted may have been told to give up meanwhile.
                Ok(worked) => {
                    if worked {
                        quiet_until = next;
                    }
                    told.into_iter().for_each(|committed| _ = committed.send(()));
                }
                Err(Ended::Abandoned) => return Ok(()),
                Err(Ended::Failed(error)) => return Err(error.into()),
            }
            let now = Instant::now();
            let (purges, counts) = (now >= next_purge, now >= next_count);
            if purges {
                next_purge = now + PURGE_EVERY;
            }
            if counts {
                next_count = now + COUNT_EVERY;
            }
            match self.housekeeping(purges, counts).await {
                Ok(()) => {}
                Err(Ended::Abandoned) => return Ok(()),
                Err(Ended::Failed(error)) => return Err(error.into()),
            }
        }
    }

    /// `false` if there was nothing to decide.
    async fn tick(&self, fresh: Vec<Predicted>, waiting: bool) -> Result<bool, Ended<StoreError>> {
        let known: BTreeSet<InquiryId> = fresh.iter().map(|one| one.inquiry.inquiry_id.clone()).collect();
        // The same inquiry twice in one tick would be offered two agents.
        let mut all: BTreeMap<InquiryId, Predicted> = BTreeMap::new();
        if waiting {
            self.give_back().await?;
            let read = || self.store.waiting_inquiries(self.limit);
            for one in until_done("read waiting inquiries", &self.abandon, read).await? {
                all.insert(one.inquiry.inquiry_id.clone(), one.into());
            }
        }
        for one in fresh {
            all.entry(one.inquiry.inquiry_id.clone()).or_insert(one);
        }
        if all.is_empty() {
            return Ok(false);
        }
        let agents = until_done("read agents", &self.abandon, || self.store.free_agents()).await?;
        let all: Vec<Predicted> = all.into_values().collect();
        let alerted = self.alerted(&all).await?;
        let now = Utc::now();
        let preferred = self.preferred(&all, now).await?;
        let cases = all
            .iter()
            .map(|one| {
                let known_to = preferred.get(&one.inquiry.customer_id).cloned();
                one.case(is_flagged(&one.inquiry, &alerted), known_to)
            })
            .collect();
        let timer = self.metrics.stage(Stage::Match);
        let decided = matched(cases, agents, self.policy.clone(), now).await;
        timer.stop();
        let decisions =
            all.into_iter().zip(decided).map(|(one, decided)| one.with(decided, self.offer, now)).filter(
                // What waits as before is written already.
                |decision| {
                    known.contains(&decision.inquiry.inquiry_id)
                        || !matches!(decision.proposal, Proposal::Wait { .. })
                },
            );
        stream::iter(decisions)
            .map(|decision| self.commit(decision))
            .buffer_unordered(self.commits)
            .try_collect::<()>()
            .await?;
        self.outbox.notify();
        Ok(true)
    }

    /// Offers that ran out, and what lies with somebody who has left, wait again before anything is decided.
    async fn give_back(&self) -> Result<(), Ended<StoreError>> {
        let now = Utc::now();
        let expired = until_done("expire offers", &self.abandon, || self.store.expire(now, ENDINGS)).await?;
        let returned = match self.away_grace {
            Some(grace) => {
                let give_back = || self.store.return_untouched(now - grace, ENDINGS, now);
                until_done("return what lies untouched", &self.abandon, give_back).await?
            }
            None => 0,
        };
        if expired + returned > 0 {
            tracing::info!(expired, returned, "offers went back to the queue");
            self.outbox.notify();
        }
        Ok(())
    }

    async fn alerted(&self, all: &[Predicted]) -> Result<BTreeSet<TransactionId>, Ended<StoreError>> {
        let transactions: BTreeSet<&TransactionId> =
            all.iter().filter_map(|one| one.inquiry.transaction_id.as_ref()).collect();
        if transactions.is_empty() || self.policy.safety_skills.is_empty() {
            return Ok(BTreeSet::new());
        }
        let transactions: Vec<TransactionId> = transactions.into_iter().cloned().collect();
        until_done("read alerts", &self.abandon, || self.store.alerted_transactions(&transactions)).await
    }

    async fn preferred(
        &self,
        all: &[Predicted],
        now: DateTime<Utc>,
    ) -> Result<BTreeMap<UserId, Preferred>, Ended<StoreError>> {
        if self.policy.open_matter_weight == 0.0 && self.policy.returning_weight == 0.0 {
            return Ok(BTreeMap::new());
        }
        let customers: BTreeSet<&UserId> = all.iter().map(|one| &one.inquiry.customer_id).collect();
        let customers: Vec<UserId> = customers.into_iter().cloned().collect();
        let since = now - self.returning;
        let read = || self.store.preferred_agents(&customers, since);
        until_done("read who knows the customers", &self.abandon, read).await
    }

    /// An agent who was taken meanwhile leaves the inquiry waiting: the next tick decides it again.
    async fn commit(&self, decision: RoutingDecision) -> Result<(), Ended<StoreError>> {
        let timer = self.metrics.stage(Stage::Commit);
        let committed =
            until_done("commit routing", &self.abandon, || self.store.commit_routing(&decision)).await;
        match committed {
            Ok(outcome) => {
                timer.stop();
                self.account(&decision, &outcome);
                Ok(())
            }
            Err(Ended::Failed(StoreError::Refused(detail))) => self.bury(&decision.inquiry, detail).await,
            Err(other) => Err(other),
        }
    }

    fn account(&self, decision: &RoutingDecision, outcome: &RoutingOutcome) {
        self.metrics.routed(decision, outcome);
        let step = decision.explanation.step;
        if step > 0 && matches!(outcome, RoutingOutcome::Decided(assignment) if assignment.agent_id.is_some())
        {
            let waited_s = decision.explanation.waited_seconds as u64;
            tracing::info!(inquiry = %decision.inquiry.inquiry_id, step, waited_s, "assigned after relaxing");
        }
    }

    /// A row that the database refuses for good becomes a dead letter.
    async fn bury(&self, inquiry: &Inquiry, detail: String) -> Result<(), Ended<StoreError>> {
        let body = serde_json::to_vec(inquiry).unwrap_or_default();
        let rejection = Rejection::new(RejectionCode::Unstorable, detail);
        self.metrics.rejected(Inbound::Inquiries, rejection.code);
        let letters = [super::dead_letters::dead_letter(Inbound::Inquiries, body, rejection)];
        until_done("store dead letters", &self.abandon, || self.store.commit_dead_letters(&letters)).await
    }

    async fn housekeeping(&self, purges: bool, counts: bool) -> Result<(), Ended<StoreError>> {
        if purges {
            self.purge().await?;
        }
        if counts {
            let since = Utc::now() - TimeDelta::days(1);
            let read = || self.store.ended_counts(since);
            self.metrics.ended_last_day(&until_done("count assignments", &self.abandon, read).await?);
        }
        Ok(())
    }

    async fn purge(&self) -> Result<(), Ended<StoreError>> {
        let before = Utc::now() - self.keep;
        let gone =
            until_done("purge decisions", &self.abandon, || self.store.purge_decisions(before)).await?;
        if gone > 0 {
            tracing::info!(decisions = gone, "old routing decisions deleted");
        }
        Ok(())
    }
}

/// Whether the inquiry's transaction is one of those that have an alert.
pub fn is_flagged(inquiry: &Inquiry, alerted: &BTreeSet<TransactionId>) -> bool {
    inquiry.transaction_id.as_ref().is_some_and(|transaction| alerted.contains(transaction))
}

/// The engine, off the asynchronous threads.
async fn matched(
    cases: Vec<Case>,
    free: FreeAgents,
    policy: Arc<Policy>,
    now: DateTime<Utc>,
) -> Vec<Decided> {
    let work = move || {
        let mut decided = decide(&cases, &free.agents, &policy, now);
        decided.iter_mut().for_each(|one| one.explanation.left_out(free.away, free.full));
        decided
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(decided) => decided,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Sight;
    use crate::config::Config;
    use crate::contract::{AgentId, Language, Priority, Skill, SkillProbability, UserId};
    use crate::store::{AgentProfile, InquiryStatus, Page, SqliteStore};
    use crate::worker::changes::Changes;

    fn agent(id: &str) -> AgentProfile {
        AgentProfile {
            agent_id: AgentId::new(id).unwrap(),
            name: id.into(),
            skills: BTreeMap::from([(Skill::Shipping, 4)]),
            languages: vec![Language::Ja],
            capacity: 1,
            available: true,
            team: None,
            hours: None,
        }
    }

    fn predicted(id: &str) -> Predicted {
        let inquiry = Inquiry {
            inquiry_id: InquiryId::new(id).unwrap(),
            customer_id: UserId::new("u-1").unwrap(),
            text: "商品が届きません".into(),
            received_at: Utc::now(),
            subject: None,
            transaction_id: None,
            priority: Priority::Normal,
        };
        Predicted::new(inquiry, Language::Ja, vec![SkillProbability::certain(Skill::Shipping)], "m1".into())
    }

    async fn holder(store: &dyn Store) -> Option<AgentId> {
        let rows = store.inquiries(Page { offset: 0, limit: 10 }, &Sight::All).await.unwrap();
        rows.into_iter().find(|row| row.status == InquiryStatus::Assigned).and_then(|row| row.agent_id)
    }

    /// The beat is an hour: only what wakes the desk makes it look.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_change_wakes_the_desk_which_ends_what_ran_out_and_offers_it_to_somebody_else() {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(&folder.path().join("desk.db"), 4).await.unwrap());
        store.migrate().await.unwrap();
        store.upsert_agents(&[agent("a-1")]).await.unwrap();
        let policy = Arc::new(Config::load(None, []).unwrap().routing.policy(0.5));
        let (one, now) = (predicted("q-1"), Utc::now());
        let agents = store.agents().await.unwrap();
        let decided = decide(&[one.case(false, None)], &agents, &policy, now).remove(0);
        // An offer that is over at once.
        store.commit_routing(&one.with(decided, Some(TimeDelta::zero()), now)).await.unwrap();
        assert_eq!(holder(&*store).await, Some(AgentId::new("a-1").unwrap()));

        let (changed, shutdown) = (Wake::default(), CancellationToken::new());
        let desk = Desk {
            store: store.clone(),
            policy,
            every: Duration::from_secs(3600),
            limit: 10,
            commits: 1,
            keep: TimeDelta::days(1),
            offer: None,
            returning: TimeDelta::zero(),
            away_grace: None,
            changed: changed.clone(),
            metrics: Metrics::new(Vec::new()),
            outbox: Wake::default(),
            abandon: CancellationToken::new(),
        };
        let metrics = desk.metrics.clone();
        let (submit, submitted) = mpsc::channel(1);
        let running = tokio::spawn(desk.run(submitted, shutdown.clone()));
        let changes = Changes { store: store.clone(), desk: changed };
        let watching = tokio::spawn(changes.run(shutdown.clone()));
        let mut watch = store.watch_desk().await.unwrap();
        let second = AgentId::new("a-2").unwrap();
        // The watch of the desk may begin after the first of these.
        let given = async {
            loop {
                store.upsert_agents(&[agent("a-2")]).await.unwrap();
                watch.changed().await.unwrap();
                if holder(&*store).await.as_ref() == Some(&second) {
                    break;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), given).await.expect("a-2 comes, and gets the inquiry");
        drop(submit);
        shutdown.cancel();
        running.await.unwrap().unwrap();
        watching.await.unwrap().unwrap();
        let page = metrics.render().unwrap();
        assert!(page.contains("mimamori_assignments_ended_last_day{outcome=\"expired\"} 1"), "{page}");
    }
}
