//! What workers tell of themselves, and what came of a replay.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::contract::Policy;
use crate::queue::Inbound;

/// A worker that has not reported for so many of its intervals is silent.
const SILENT_AFTER: i32 = 6;

/// What came of the wish to send a dead letter again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// It is marked as replayed, and its body is in the outbox.
    Done,
    /// It is replayed already, or was since it was looked at.
    Changed,
    Unknown,
}

/// How a worker says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkerState {
    Working,
    /// Asked to stop; finishes what it holds.
    Draining,
    Stopped,
    /// Ended with an error.
    Failed,
}

impl WorkerState {
    pub const ALL: [WorkerState; 4] =
        [WorkerState::Working, WorkerState::Draining, WorkerState::Stopped, WorkerState::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            WorkerState::Working => "working",
            WorkerState::Draining => "draining",
            WorkerState::Stopped => "stopped",
            WorkerState::Failed => "failed",
        }
    }

    /// Whether nothing more is to be heard of it.
    pub fn is_over(self) -> bool {
        matches!(self, WorkerState::Stopped | WorkerState::Failed)
    }
}

/// The models that a worker judges with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelsInForce {
    /// Version of the reader of conversations.
    pub conversation: String,
    /// Version of each policy's head.
    pub policies: BTreeMap<Policy, String>,
    pub inquiries: String,
    /// Policies without a usable head.
    pub rules_only: Vec<Policy>,
    /// What judges beside the live models, if that is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowInForce>,
}

/// The models in shadow, as a worker has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShadowInForce {
    /// Judging, under this name; see [`crate::moderation::Moderator::judging`].
    Judging(String),
    /// They cannot be used; why stands in the worker's log.
    Unusable,
}

/// A queue as a worker saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSeen {
    pub queue: Inbound,
    pub ready: u64,
    /// None where the broker does not tell.
    pub unacknowledged: Option<u64>,
    pub dead_letters: u64,
}

/// A worker's word about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerReport {
    /// Drawn at the start.
    pub worker_id: String,
    pub name: String,
    pub state: WorkerState,
    /// Version of the program.
    pub program: String,
    pub rules_version: String,
    pub models: ModelsInForce,
    /// Without those that did not answer.
    pub queues: Vec<QueueSeen>,
    pub started_at: DateTime<Utc>,
    /// When it was reported.
    pub at: DateTime<Utc>,
    /// When the next report is due.
    pub every: TimeDelta,
}

impl WorkerReport {
    /// Whether a worker that should be there has not been heard of for too long.
    pub fn is_silent(&self, now: DateTime<Utc>) -> bool {
        !self.state.is_over()
            && self.every.checked_mul(SILENT_AFTER).is_some_and(|longest| now - self.at > longest)
    }
}

/// How long it took from the sending (of an inquiry: the receipt) of what was decided to the decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// By [`Waits::BOUNDS`], each without those before it; the last is the rest.
    pub counts: [u64; 6],
}

impl Waits {
    /// Seconds within which something was decided.
    pub const BOUNDS: [i64; 5] = [1, 5, 30, 120, 600];

    /// Counts one that took so long. A clock that is ahead of ours makes it no longer than nothing.
    pub fn count(&mut self, took: TimeDelta) {
        let place = Self::BOUNDS.iter().position(|bound| took <= TimeDelta::seconds(*bound));
        self.counts[place.unwrap_or(Self::BOUNDS.len())] += 1;
    }

    pub fn add(&mut self, other: &Waits) {
        self.counts.iter_mut().zip(other.counts).for_each(|(own, more)| *own += more);
    }

    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// What happened in one minute to the deliveries of one queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Throughput {
    pub decided: u64,
    pub duplicates: u64,
    pub dead_lettered: u64,
    pub requeued: u64,
    pub alerts: u64,
    pub waits: Waits,
}

impl Throughput {
    pub fn add(&mut self, other: &Throughput) {
        self.decided += other.decided;
        self.duplicates += other.duplicates;
        self.dead_lettered += other.dead_lettered;
        self.requeued += other.requeued;
        self.alerts += other.alerts;
        self.waits.add(&other.waits);
    }
}

/// A minute of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minute {
    /// When it begins.
    pub minute: DateTime<Utc>,
    pub queue: Inbound,
    pub throughput: Throughput,
}

/// Events that are not published yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxLag {
    /// Counted up to a bound.
    pub waiting: u64,
    pub oldest_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_counted_where_they_end() {
        let mut waits = Waits::default();
        for seconds in [-3, 0, 1, 2, 5, 31, 600, 601] {
            waits.count(TimeDelta::seconds(seconds));
        }
        assert_eq!(waits.counts, [3, 2, 0, 1, 1, 1]);
        assert_eq!(waits.total(), 8);
    }

    #[test]
    fn who_has_said_goodbye_is_not_silent() {
        let at = DateTime::UNIX_EPOCH;
        let mut report = WorkerReport {
            worker_id: "w".into(),
            name: "w".into(),
            state: WorkerState::Working,
            program: "0".into(),
            rules_version: "r".into(),
            models: ModelsInForce::default(),
            queues: Vec::new(),
            started_at: at,
            at,
            every: TimeDelta::seconds(5),
        };
        assert!(!report.is_silent(at + TimeDelta::seconds(30)));
        assert!(report.is_silent(at + TimeDelta::seconds(31)));
        report.state = WorkerState::Stopped;
        assert!(!report.is_silent(at + TimeDelta::days(1)));
    }
}
