//! What the engine knows about an agent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::hours::Hours;
use crate::contract::{AgentId, Language, Skill};

/// An agent as the store knew them when it was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSnapshot {
    pub agent_id: AgentId,
    /// Proficiency 1 (learning) to 5 (expert) for each skill that the agent has.
    pub skills: BTreeMap<Skill, u8>,
    pub languages: Vec<Language>,
    /// The team that the agent belongs to; an agent without one helps every team.
    pub team: Option<String>,
    /// When the agent works; none if presence alone tells.
    pub hours: Option<Hours>,
    /// Present and taking work.
    pub available: bool,
    /// Places that the inquiries in the agent's hands take.
    pub open: u32,
    /// All places that the agent has; an inquiry takes as many as its channel weighs.
    pub capacity: u32,
    /// When the agent last received an inquiry; none if never. Longest idle breaks ties.
    pub last_assigned_at: Option<DateTime<Utc>>,
    /// Mean number of places in use lately, as of `open_changed_at`; see [`AgentSnapshot::mean_open_at`].
    pub mean_open: f64,
    /// When `open` last changed; none if it never did.
    pub open_changed_at: Option<DateTime<Utc>>,
}

/// The memory of the mean number of places in use: what was before counts half after so many seconds in which nothing changes, and less if
/// something does.
pub const MEAN_OPEN_SECONDS: f64 = 3600.0;

impl AgentSnapshot {
    /// Places that are free.
    pub fn free(&self) -> u32 {
        self.capacity.saturating_sub(self.open)
    }

    /// Share of the capacity in use, 0 to 1 (1 for an agent without capacity).
    pub fn load(&self) -> f64 {
        if self.capacity == 0 { 1.0 } else { f64::from(self.open) / f64::from(self.capacity) }
    }

    /// Mean number of places in use lately, 0 to `capacity`: an exponentially weighted mean over time by the implicit Euler step, which stays
    /// between its ends however long the step, and is arithmetic that both databases know: `mean' = open + (mean − open) · 1 h / (1 h + t)`,
    /// `t` the time since the last change. How long inquiries took counts, not only how many there were.
    pub fn mean_open_at(&self, now: DateTime<Utc>) -> f64 {
        let Some(last) = self.open_changed_at else { return 0.0 };
        let (past, open) = ((now - last).as_seconds_f64().max(0.0), f64::from(self.open));
        open + (self.mean_open - open) * MEAN_OPEN_SECONDS / (MEAN_OPEN_SECONDS + past)
    }

    /// Counts an inquiry in, as the store does when it commits one.
    pub fn take(&mut self, weight: u32, now: DateTime<Utc>) {
        self.settle(now);
        self.open += weight;
        self.last_assigned_at = self.last_assigned_at.max(Some(now));
    }

    /// Counts an inquiry out, as the store does when its assignment ends.
    pub fn give_back(&mut self, weight: u32, now: DateTime<Utc>) {
        self.settle(now);
        self.open = self.open.saturating_sub(weight);
    }

    fn settle(&mut self, now: DateTime<Utc>) {
        self.mean_open = self.mean_open_at(now);
        self.open_changed_at = self.open_changed_at.max(Some(now));
    }
}
