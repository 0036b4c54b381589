//! Why a decision is what it is: small enough to be stored beside it, whole enough to be taken again under another policy.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::case::Preferred;
use super::constraint::Constraint;
use crate::contract::{AgentId, Skill, SkillProbability};

/// Agents that an explanation tells of, at most.
pub const CANDIDATES_KEPT: usize = 12;
/// Agents that are named for each constraint, at most.
pub const EXCLUDED_NAMED: usize = 3;

/// How the inquiries of one tick were matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// All together, at the least total cost.
    Optimal,
    /// One after the other, because the tick was too large.
    Greedy,
    /// No agent was looked for: the model abstained.
    Abstained,
    /// No agent was looked for: everybody who could take it gave it back, or there is no such agent.
    Exhausted,
}

/// What a decision on an inquiry rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Names the settings, see [`super::Policy::version`].
    pub policy_version: String,
    /// By what the parts of the prices were multiplied.
    #[serde(default)]
    pub weights: Weights,
    /// The moment that was decided for. Decisions of one moment were made together.
    pub tick: DateTime<Utc>,
    pub method: Method,
    /// Relaxation step that the inquiry had reached, counted from 0.
    pub step: usize,
    /// Since its receipt.
    pub waited_seconds: f64,
    /// Since it waits as it stands, which is what the step counts from; earlier versions counted from the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_seconds: Option<f64>,
    pub urgency: f64,
    pub flagged: bool,
    /// Places that it takes with its agent.
    #[serde(default = "one")]
    pub weight: u32,
    /// Who knew the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred: Option<Preferred>,
    /// The distribution that was decided on, best first.
    #[serde(default)]
    pub skills: Vec<SkillProbability>,
    /// One of these was asked for; empty when the model abstained.
    pub needs: Vec<Skill>,
    /// Whom the tick chose.
    pub chosen: Option<AgentId>,
    /// Agents who were allowed.
    pub allowed: usize,
    /// The cheapest of them, best first, then the cheapest of those whom only this step excluded; at most [`CANDIDATES_KEPT`].
    pub candidates: Vec<Scored>,
    /// How many agents each constraint excluded, with the first few.
    pub excluded: BTreeMap<Constraint, Excluded>,
}

/// As before channels had weights.
fn one() -> u32 {
    1
}

impl Explanation {
    /// Counts in those whom the engine was not told of, because they could not take anything.
    pub fn left_out(&mut self, absent: usize, full: usize) {
        if self.method == Method::Abstained {
            return;
        }
        for (constraint, agents) in [(Constraint::Absent, absent), (Constraint::Full, full)] {
            if agents > 0 {
                self.excluded.entry(constraint).or_default().agents += agents;
            }
        }
    }
}

/// The weights of a policy that stand in the parts of a price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    pub scarcity: f64,
    pub fairness: f64,
}

/// An agent with what they would have cost, in parts. Each part is weighted; `total` is their sum, less `familiarity`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    pub agent_id: AgentId,
    pub skills: BTreeMap<Skill, u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Places that the agent had free in this tick, and their capacity.
    pub free: u32,
    pub capacity: u32,
    /// Expected wrong-allocation cost: the probability, over the whole distribution, that this agent cannot finish it.
    pub wrong: f64,
    /// Price of the agent's other skills.
    pub scarcity: f64,
    /// Price of what the agent carries now, and carried lately.
    pub fairness: f64,
    /// Taken off for the agent who knows the customer.
    #[serde(default)]
    pub familiarity: f64,
    pub total: f64,
    /// Place among the agents by idle time, longest first: breaks ties.
    pub idle_rank: usize,
    /// What excluded the agent at this step, though a later one may allow them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<Constraint>,
}

/// Who failed a constraint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Excluded {
    pub agents: usize,
    /// The first few by id.
    pub first: Vec<AgentId>,
}
