//! Assignments out: who gets an inquiry, and why.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{AgentId, InquiryId};
use super::policy::{Language, Skill};

/// One entry of the skill distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SkillProbability {
    pub skill: Skill,
    pub probability: f64,
}

impl SkillProbability {
    /// What a person said, who knows.
    pub fn certain(skill: Skill) -> Self {
        Self { skill, probability: 1.0 }
    }
}

/// The decision on one inquiry. Also the body of the events `inquiry.assigned` and `inquiry.queued`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assignment {
    pub inquiry_id: InquiryId,
    pub language: Language,
    /// The whole calibrated distribution, best first; sums to one.
    pub skills: Vec<SkillProbability>,
    /// Null while the inquiry waits for an agent, or when the model abstains (triage).
    pub agent_id: Option<AgentId>,
    /// Why this agent, or why none: a sentence for people.
    pub reason: String,
    pub decided_at: DateTime<Utc>,
    /// Grows with every assignment of the inquiry. Who accepts, passes on or resolves it names the generation that they mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// When the offer ends if the agent has not accepted it by then; without it, the agent has the inquiry at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

impl Assignment {
    /// Routing key of the event that carries this assignment.
    pub fn routing_key(&self) -> &'static str {
        if self.agent_id.is_some() { "inquiry.assigned" } else { "inquiry.queued" }
    }
}
