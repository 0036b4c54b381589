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
use crate::routing::{AgentSnapshot, Case, Decided, Policy, Preferred, Proposal, decide, left};
use crate::store::{FreeAgents, RoutingDecision, RoutingOutcome, Store, StoreError, WaitingInquiry};

/// How often old decisions are looked for.
const PURGE_EVERY: Duration = Duration::from_secs(3600);
/// How often the figures of the last day are read for the metrics.
const COUNT_EVERY: Duration = Duration::from_secs(60);
/// Offers that one tick ends for each reason; the next tick ends the rest.
const ENDINGS: u32 = 200;
/// How often it is looked whose shift has ended.
const LOOK_AT_SHIFTS: Duration = Duration::from_secs(15);
/// When more wait than a tick takes up, one in so many of those that it takes up comes in turn.
const IN_TURN: u32 = 4;
/// How often it is looked who is left for what has waited to the last step: that reads all agents.
const LOOK_WHO_IS_LEFT: Duration = Duration::from_secs(5);
/// The shortest time between two ticks that changes call for.
const WOKEN_GAP: Duration = Duration::from_millis(100);

/// Inquiries that came in together. Its end is told once every one of them is committed; a desk that goes away tells nothing.
pub struct Submission {
    pub inquiries: Vec<Predicted>,
    pub committed: oneshot::Sender<()>,
}

/// What one tick leaves to the next.
#[derive(Default)]
struct Round {
    /// When it was last looked who is left.
    looked_who_is_left: Option<Instant>,
    /// When it was last looked whose shift has ended.
    looked_at_shifts: Option<Instant>,
    /// The last that was looked at in turn; none before the first of them.
    in_turn: Option<InquiryId>,
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
        let mut round = Round::default();
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
            match self.tick(fresh, !shutdown.is_cancelled(), &mut round).await {
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
    async fn tick(
        &self,
        fresh: Vec<Predicted>,
        waiting: bool,
        round: &mut Round,
    ) -> Result<bool, Ended<StoreError>> {
        let known: BTreeSet<InquiryId> = fresh.iter().map(|one| one.inquiry.inquiry_id.clone()).collect();
        // The same inquiry twice in one tick would be offered two agents.
        let mut all: BTreeMap<InquiryId, Predicted> = BTreeMap::new();
        if waiting {
            self.give_back(round).await?;
            for one in self.waiting(round).await? {
                all.insert(one.inquiry.inquiry_id.clone(), one.into());
            }
        }
        for one in fresh {
            all.entry(one.inquiry.inquiry_id.clone()).or_insert_with(|| one.weighed(&self.policy));
        }
        if all.is_empty() {
            return Ok(false);
        }
        let agents = until_done("read agents", &self.abandon, || self.store.free_agents()).await?;
        let all: Vec<Predicted> = all.into_values().collect();
        let alerted = self.alerted(&all).await?;
        let now = Utc::now();
        let preferred = self.preferred(&all, now).await?;
        let cases: Vec<Case> = all
            .iter()
            .map(|one| {
                let known_to = preferred.get(&one.inquiry.customer_id).cloned();
                one.case(is_flagged(&one.inquiry, &alerted), known_to)
            })
            .collect();
        let everybody = self.everybody(&cases, now, round).await?;
        let timer = self.metrics.stage(Stage::Match);
        let decided = matched(cases, agents, everybody, self.policy.clone(), now).await;
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

    /// The first of every desk. When more wait, a part of the tick goes round all of them: those at the head of a desk may be such that
    /// nobody who is there may take them.
    async fn waiting(&self, round: &mut Round) -> Result<Vec<WaitingInquiry>, Ended<StoreError>> {
        let in_turn = self.limit / IN_TURN;
        let read = || self.store.waiting_inquiries(self.limit - in_turn);
        let mut waiting = until_done("read waiting inquiries", &self.abandon, read).await?;
        if in_turn == 0 || waiting.len() < (self.limit - in_turn) as usize {
            return Ok(waiting);
        }
        let read = || self.store.waiting_in_turn(in_turn, round.in_turn.as_ref());
        let others = until_done("read waiting inquiries in turn", &self.abandon, read).await?;
        let went_round = others.len() < in_turn as usize;
        round.in_turn = others.last().filter(|_| !went_round).map(|one| one.inquiry.inquiry_id.clone());
        waiting.extend(others);
        Ok(waiting)
    }

    /// Offers that ran out, and what lies with somebody who has left, wait again before anything is decided.
    async fn give_back(&self, round: &mut Round) -> Result<(), Ended<StoreError>> {
        let now = Utc::now();
        let expired = until_done("expire offers", &self.abandon, || self.store.expire(now, ENDINGS)).await?;
        let returned = match self.away_grace {
            Some(grace) => self.return_untouched(grace, now, round).await?,
            None => 0,
        };
        if expired + returned > 0 {
            tracing::info!(expired, returned, "offers went back to the queue");
            self.outbox.notify();
        }
        Ok(())
    }

    /// From those who are away at every tick; from those whose shift is over now and then, which is read agent by agent.
    async fn return_untouched(
        &self,
        grace: TimeDelta,
        now: DateTime<Utc>,
        round: &mut Round,
    ) -> Result<u64, Ended<StoreError>> {
        let give_back = || self.store.return_untouched(now - grace, ENDINGS, now);
        let mut returned = until_done("return what lies untouched", &self.abandon, give_back).await?;
        if round.looked_at_shifts.is_none_or(|last| last.elapsed() >= LOOK_AT_SHIFTS) {
            round.looked_at_shifts = Some(Instant::now());
            let give_back = || self.store.return_off_shift(grace, ENDINGS, now);
            returned +=
                until_done("return what was left at the end of a shift", &self.abandon, give_back).await?;
        }
        Ok(returned)
    }

    /// All agents, if something has waited to the last step and it is time to look who is left for it.
    async fn everybody(
        &self,
        cases: &[Case],
        now: DateTime<Utc>,
        round: &mut Round,
    ) -> Result<Vec<AgentSnapshot>, Ended<StoreError>> {
        let lately = round.looked_who_is_left.is_some_and(|last| last.elapsed() < LOOK_WHO_IS_LEFT);
        if lately || !cases.iter().any(|case| case.at_last_step(&self.policy, now)) {
            return Ok(Vec::new());
        }
        round.looked_who_is_left = Some(Instant::now());
        until_done("read who is left", &self.abandon, || self.store.agents()).await
    }

    async fn alerted(&self, all: &[Predicted]) -> Result<BTreeSet<TransactionId>, Ended<StoreError>> {
        let transactions: BTreeSet<&TransactionId> =
            all.iter().filter_map(|one| one.inquiry.transaction_id.as_ref()).collect();
        // Where flags make no difference they are read all the same: they belong to the record, for a replay under which they do.
        if transactions.is_empty() {
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

/// The engine, off the asynchronous threads. Where `everybody` is empty, it is not looked who is left.
async fn matched(
    mut cases: Vec<Case>,
    free: FreeAgents,
    everybody: Vec<AgentSnapshot>,
    policy: Arc<Policy>,
    now: DateTime<Utc>,
) -> Vec<Decided> {
    let work = move || {
        cases.iter_mut().for_each(|case| case.left = left(case, &everybody, &policy, now));
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
mod tests;
