//! What a decision depends on besides the inquiries and the agents.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::contract::{Channel, Priority, Skill};

/// The settings of routing, checked. See `[routing]` in the file of defaults for what each does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    /// Below this probability of the best skill the system abstains: the inquiry goes to triage.
    pub confidence_floor: f64,
    /// How likely an agent of proficiency 1 to 5 finishes an inquiry of the skill.
    pub suitability: [f64; 5],
    /// Share of that for an agent who has only a neighbouring skill.
    pub neighbour_share: f64,
    /// Price of an agent whom other inquiries need more.
    pub scarcity_weight: f64,
    /// Price of an agent who carries, or lately carried, more than others.
    pub fairness_weight: f64,
    /// Discount of the agent who has another inquiry of the customer in their hands.
    pub open_matter_weight: f64,
    /// Discount of the agent who finished the customer's last inquiry.
    pub returning_weight: f64,
    /// How much one target time of waiting counts.
    pub urgency_weight: f64,
    /// Seconds within which an inquiry should have an agent, by priority.
    pub target_seconds: BTreeMap<&'static str, u32>,
    /// What an inquiry needs whose transaction has an alert: one of these.
    pub safety_skills: BTreeSet<Skill>,
    /// Places that an inquiry takes with its agent, by channel.
    pub channel_weights: BTreeMap<Channel, u32>,
    /// Skills whose agents can help with a skill.
    pub neighbours: BTreeMap<Skill, Vec<Skill>>,
    /// Skills that belong to a team. A skill of no team is everybody's.
    pub teams: BTreeMap<String, Vec<Skill>>,
    /// By time of waiting; the first begins at 0.
    pub steps: Vec<Step>,
    /// For so many seconds an inquiry does not come back to somebody who let it run out, or from whom it was taken back, even if nobody
    /// else is left; 0: never.
    pub set_aside_seconds: u32,
    /// Up to this many pairs of inquiry and agent a tick is decided by the solver, above by the greedy rule.
    pub exact_pairs: usize,
}

/// What is asked of an agent from some time of waiting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Step {
    pub after_seconds: u32,
    /// The least proficiency, 1 to 5.
    pub min_proficiency: u8,
    /// A neighbouring skill will do.
    pub neighbours: bool,
    /// Agents of other teams will do.
    pub any_team: bool,
}

impl Policy {
    /// The step that an inquiry has reached: its number, counted from 0, and what it asks.
    pub fn step(&self, waited_seconds: f64) -> (usize, Step) {
        let reached = self.steps.iter().take_while(|step| f64::from(step.after_seconds) <= waited_seconds);
        let number = reached.count().saturating_sub(1);
        // Without steps, anyone with the skill will do.
        let anyone = Step { after_seconds: 0, min_proficiency: 1, neighbours: false, any_team: true };
        (number, self.steps.get(number).copied().unwrap_or(anyone))
    }

    /// Whether no step comes after this one.
    pub fn is_last(&self, step: usize) -> bool {
        step + 1 >= self.steps.len()
    }

    /// Seconds within which an inquiry of this priority should have an agent.
    pub fn target(&self, priority: Priority) -> f64 {
        self.target_seconds.get(priority.as_str()).map_or(900.0, |seconds| f64::from((*seconds).max(1)))
    }

    /// Places that an inquiry of this channel takes; one for a channel that was known once.
    pub fn weight(&self, channel: &Channel) -> u32 {
        self.channel_weights.get(channel).copied().unwrap_or(1)
    }

    /// Names the settings: two policies with the same version decide alike.
    pub fn version(&self) -> String {
        // Only maps with ordered keys and plain values: writing them cannot fail.
        let text = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(&text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }

    /// How likely an agent of this proficiency finishes an inquiry of the skill.
    pub(super) fn suits(&self, proficiency: u8) -> f64 {
        self.suitability[usize::from(proficiency.clamp(1, 5)) - 1]
    }
}
