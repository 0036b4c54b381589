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
    /// Places' worth of inquiries received lately, as counted at `last_assigned_at`; see [`AgentSnapshot::recent_at`].
    pub recent: f64,
}

/// After so many seconds without work, what an agent received before counts half.
pub const RECENT_SECONDS: f64 = 3600.0;

impl AgentSnapshot {
    /// Places that are free.
    pub fn free(&self) -> u32 {
        self.capacity.saturating_sub(self.open)
    }

    /// Share of the capacity in use, 0 to 1 (1 for an agent without capacity).
    pub fn load(&self) -> f64 {
        if self.capacity == 0 { 1.0 } else { f64::from(self.open) / f64::from(self.capacity) }
    }

    /// Inquiries received lately: each counts its places when it comes, and what was counted is divided by `1 + idle / 1 h` until the
    /// next one. A sum, so that one column of the database keeps it, by arithmetic that both databases know.
    pub fn recent_at(&self, now: DateTime<Utc>) -> f64 {
        let Some(last) = self.last_assigned_at else { return 0.0 };
        let idle = (now - last).as_seconds_f64().max(0.0);
        self.recent / (1.0 + idle / RECENT_SECONDS)
    }

    /// Counts an inquiry in, as the store does when it commits one.
    pub fn take(&mut self, weight: u32, now: DateTime<Utc>) {
        self.recent = self.recent_at(now) + f64::from(weight);
        self.open += weight;
        self.last_assigned_at = self.last_assigned_at.max(Some(now));
    }
}
