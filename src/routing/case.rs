//! An inquiry as the engine sees it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::policy::Policy;
use crate::contract::{AgentId, InquiryId, Language, Priority, Skill, SkillProbability};

/// An inquiry that wants an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub inquiry_id: InquiryId,
    /// The whole calibrated distribution, best first.
    pub skills: Vec<SkillProbability>,
    pub language: Language,
    pub priority: Priority,
    /// Places that it takes with its agent, at least 1.
    pub weight: u32,
    /// When the customer's waiting began: the longer ago, the more urgent.
    pub received_at: DateTime<Utc>,
    /// Since when it waits as it stands: its receipt, or the last time that somebody gave it back or said what it needs. The steps of
    /// the policy count from here, so that what comes back is first asked of those who can do it well.
    pub waiting_since: DateTime<Utc>,
    /// Its transaction has an alert: it needs a safety skill.
    pub flagged: bool,
    /// Agents who gave it back: never offered to them again.
    pub rejected_by: BTreeSet<AgentId>,
    /// Agents who let an offer of it run out, or from whom it was taken back, with the last time. Asked again only when nobody else is
    /// left; see [`Left`].
    pub set_aside: BTreeMap<AgentId, DateTime<Utc>>,
    /// Who could still take it, as far as somebody looked.
    pub left: Left,
    /// Who knows the customer.
    pub preferred: Option<Preferred>,
}

/// Who could take an inquiry at the last step of the policy, at work or not, now or later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Left {
    /// Somebody who was not asked yet; or nobody has looked.
    #[default]
    Others,
    /// Only people who are set aside.
    SetAside,
    /// Nobody: a person has to decide.
    Nobody,
}

/// An agent who knows the customer, and costs less therefore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferred {
    pub agent_id: AgentId,
    /// They have another inquiry of the customer in their hands; otherwise they finished one lately.
    pub open_matter: bool,
}

impl Case {
    /// Seconds since its receipt; 0 for a time in the future.
    pub fn waited(&self, now: DateTime<Utc>) -> f64 {
        (now - self.received_at).as_seconds_f64().max(0.0)
    }

    /// Seconds since it waits as it stands; 0 for a time in the future.
    pub fn waiting(&self, now: DateTime<Utc>) -> f64 {
        (now - self.waiting_since).as_seconds_f64().max(0.0)
    }

    /// Whether nothing more will be given up, however long it waits.
    pub fn at_last_step(&self, policy: &Policy, now: DateTime<Utc>) -> bool {
        policy.is_last(policy.step(self.waiting(now)).0)
    }

    /// The skills of which an agent needs one: the most probable, or any safety skill for a flagged inquiry. None if nothing is
    /// likely enough, and a person has to decide.
    pub(super) fn needs(&self, policy: &Policy) -> Option<Vec<Skill>> {
        if self.needs_safety(policy) {
            return Some(policy.safety_skills.iter().copied().collect());
        }
        // What a person said is certain: no floor is above it.
        let floor = policy.confidence_floor.min(1.0);
        let best = self.skills.first().filter(|best| best.probability >= floor)?;
        Some(vec![best.skill])
    }

    /// Flagged, and the policy asks for a safety skill then.
    pub(super) fn needs_safety(&self, policy: &Policy) -> bool {
        self.flagged && !policy.safety_skills.is_empty()
    }

    /// Target times waited, and one more for each rank of priority and for a flag that counts: who goes first when agents are short.
    pub(super) fn urgency(&self, policy: &Policy, now: DateTime<Utc>) -> f64 {
        let rank = f64::from(self.priority.rank());
        rank + f64::from(u8::from(self.needs_safety(policy)))
            + self.waited(now) / policy.target(self.priority)
    }
}
