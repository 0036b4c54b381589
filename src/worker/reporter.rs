//! A worker tells the database about itself: that it is there, with what versions it judges, what it sees of the queues, what it did in
//! every minute. The console shows it. Nothing here holds up the work: what fails is logged, and the next report tells the same.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;
use super::rules::InForce;
use crate::queue::{Inbound, Queue};
use crate::store::operations::{
    Minute, ModelsInForce, QueueSeen, ShadowInForce, Throughput, WorkerReport, WorkerState,
};
use crate::store::{Store, StoreError};

/// Longest that one look at the broker, or one word to the database, may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Minutes that wait for a database that is away, for each queue about half of them; then the oldest go.
const MINUTES_WAITING: usize = 120;

/// Who reports, and what does not change while it runs.
pub struct Reporter {
    pub store: Arc<dyn Store>,
    pub queue: Arc<dyn Queue>,
    pub moderator: InForce,
    pub metrics: Metrics,
    /// What people call this worker; empty for a name made of its identifier.
    pub name: String,
    /// Version of the inquiry model.
    pub inquiries: String,
    pub shadow: Option<ShadowInForce>,
    pub every: Duration,
}

/// One run of a worker.
struct Run {
    worker_id: String,
    started_at: DateTime<Utc>,
    minutes: Minutes,
}

impl Reporter {
    /// Reports until `ended` tells how the worker ended, which is the last report. From `draining` on it says that it is asked to stop.
    pub async fn run(self, draining: CancellationToken, mut ended: oneshot::Receiver<WorkerState>) {
        let worker_id = format!("{:016x}", rand::random::<u64>());
        let mut run = Run { worker_id, started_at: Utc::now(), minutes: Minutes::default() };
        let mut told = false;
        loop {
            let state = if draining.is_cancelled() { WorkerState::Draining } else { WorkerState::Working };
            self.tell(&mut run, state).await;
            told = told || state == WorkerState::Draining;
            let last = tokio::select! {
                last = &mut ended => Some(last.unwrap_or(WorkerState::Failed)),
                () = draining.cancelled(), if !told => None,
                () = tokio::time::sleep(self.every) => None,
            };
            if let Some(last) = last {
                self.tell(&mut run, last).await;
                return;
            }
        }
    }

    /// Logs what does not work.
    async fn tell(&self, run: &mut Run, state: WorkerState) {
        run.minutes.add(Utc::now(), self.metrics.take_throughput());
        if state.is_over() {
            run.minutes.end();
        }
        // Nobody asks how much a worker saw that is over, and a broker that is away must not hold up its goodbye.
        let queues = if state.is_over() { Vec::new() } else { self.queues().await };
        let report = self.report(run, state, queues);
        let told = timeout(PATIENCE, self.store.report_worker(&report)).await;
        let minutes = timeout(PATIENCE, self.tell_minutes(run)).await;
        for result in [told, minutes] {
            match result {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "could not report to the database"),
                Err(_) => tracing::warn!("could not report to the database in time"),
            }
        }
    }

    async fn tell_minutes(&self, run: &mut Run) -> Result<(), StoreError> {
        let over: Vec<Minute> = run.minutes.over.iter().copied().collect();
        self.store.add_minutes(&run.worker_id, &over).await?;
        run.minutes.over.clear();
        Ok(())
    }

    /// Without those that do not answer.
    async fn queues(&self) -> Vec<QueueSeen> {
        let mut seen = Vec::new();
        for queue in Inbound::ALL {
            if let Ok(Ok(depth)) = timeout(PATIENCE, self.queue.depth(queue)).await {
                seen.push(QueueSeen {
                    queue,
                    ready: depth.ready,
                    unacknowledged: depth.unacknowledged,
                    dead_letters: depth.dead_letters,
                });
            }
        }
        seen
    }

    fn report(&self, run: &Run, state: WorkerState, queues: Vec<QueueSeen>) -> WorkerReport {
        let moderator = self.moderator.get();
        let version = |one: &crate::moderation::PolicySettings| (one.policy.clone(), one.version.clone());
        let own = || format!("worker-{}", run.worker_id.chars().take(6).collect::<String>());
        WorkerReport {
            worker_id: run.worker_id.clone(),
            name: if self.name.is_empty() { own() } else { self.name.clone() },
            state,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            rules_version: moderator.rules_version().to_owned(),
            models: ModelsInForce {
                conversation: moderator.model_version().to_owned(),
                policies: moderator.policies().iter().map(version).collect(),
                inquiries: self.inquiries.clone(),
                rules_only: moderator.rules_only().iter().map(|one| one.policy.clone()).collect(),
                shadow: self.shadow.clone(),
            },
            queues,
            started_at: run.started_at,
            at: Utc::now(),
            every: TimeDelta::from_std(self.every).unwrap_or(TimeDelta::MAX),
        }
    }
}

/// What was done, by minute. Pure.
#[derive(Default)]
struct Minutes {
    /// The minute that is not over, with what was done in it.
    current: Option<(DateTime<Utc>, BTreeMap<Inbound, Throughput>)>,
    /// Those that are over and were not told yet, oldest first.
    over: VecDeque<Minute>,
}

impl Minutes {
    fn add(&mut self, now: DateTime<Utc>, done: BTreeMap<Inbound, Throughput>) {
        let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
        if self.current.as_ref().is_some_and(|(current, _)| *current != minute) {
            self.end();
        }
        let (_, counts) = self.current.get_or_insert_with(|| (minute, BTreeMap::new()));
        for (queue, throughput) in done {
            counts.entry(queue).or_default().add(&throughput);
        }
    }

    /// The current minute is over; one in which nothing was done is not told.
    fn end(&mut self) {
        let Some((minute, counts)) = self.current.take() else { return };
        let done = counts.into_iter().filter(|(_, throughput)| *throughput != Throughput::default());
        self.over.extend(done.map(|(queue, throughput)| Minute { minute, queue, throughput }));
        while self.over.len() > MINUTES_WAITING {
            self.over.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn done(decided: u64) -> BTreeMap<Inbound, Throughput> {
        [(Inbound::Messages, Throughput { decided, ..Throughput::default() })].into()
    }

    #[test]
    fn a_minute_is_told_once_it_is_over_and_if_something_was_done() {
        let mut minutes = Minutes::default();
        for (second, decided) in [(600, 1), (659, 2), (660, 4), (725, 0), (790, 0)] {
            minutes.add(at(second), done(decided));
        }
        minutes.add(at(791), done(8));
        let told = |minutes: &Minutes| -> Vec<(i64, u64)> {
            minutes.over.iter().map(|one| (one.minute.timestamp(), one.throughput.decided)).collect()
        };
        assert_eq!(told(&minutes), [(600, 3), (660, 4)]);
        minutes.end();
        assert_eq!(told(&minutes), [(600, 3), (660, 4), (780, 8)]);
    }

    #[test]
    fn what_waits_for_the_database_is_bounded() {
        let mut minutes = Minutes::default();
        for minute in 0..500 {
            minutes.add(at(minute * 60), done(1));
        }
        minutes.end();
        assert_eq!(minutes.over.len(), MINUTES_WAITING);
        assert_eq!(minutes.over.back().unwrap().minute, at(499 * 60));
    }
}
