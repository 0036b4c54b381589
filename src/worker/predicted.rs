//! An inquiry on its way from the model, or from the queue of those that wait, through the engine into the store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use crate::contract::{AgentId, Inquiry, Language, Skill, SkillProbability};
use crate::routing::{Case, Decided, Left, Policy, Preferred};
use crate::store::{RoutingDecision, WaitingInquiry};

/// An inquiry with what was predicted for it.
#[derive(Debug, Clone)]
pub struct Predicted {
    pub inquiry: Inquiry,
    pub language: Language,
    pub skills: Vec<SkillProbability>,
    pub model_version: String,
    /// Places that it takes with its agent.
    weight: u32,
    /// As it was when it was read; 0 for one that came in just now.
    generation: u32,
    /// Since when it waits as it stands.
    waiting_since: DateTime<Utc>,
    /// What a person said that it needs.
    corrected_skill: Option<Skill>,
    /// Who rejected it.
    rejected_by: BTreeSet<AgentId>,
    /// Who let it run out, or from whom it was taken back, and when.
    set_aside: BTreeMap<AgentId, DateTime<Utc>>,
}

impl Predicted {
    /// One that came in just now, as if it took one place.
    pub fn new(
        inquiry: Inquiry,
        language: Language,
        skills: Vec<SkillProbability>,
        model_version: String,
    ) -> Self {
        Self {
            waiting_since: inquiry.received_at,
            inquiry,
            language,
            skills,
            model_version,
            weight: 1,
            generation: 0,
            corrected_skill: None,
            rejected_by: BTreeSet::new(),
            set_aside: BTreeMap::new(),
        }
    }

    /// With the places that its channel takes.
    pub fn weighed(self, policy: &Policy) -> Self {
        Self { weight: policy.weight(&self.inquiry.channel), ..self }
    }

    /// As the engine sees it. `flagged`: its transaction has an alert. `preferred`: who knows the customer.
    pub fn case(&self, flagged: bool, preferred: Option<Preferred>) -> Case {
        Case {
            inquiry_id: self.inquiry.inquiry_id.clone(),
            skills: match self.corrected_skill {
                Some(skill) => vec![SkillProbability::certain(skill)],
                None => self.skills.clone(),
            },
            language: self.language,
            priority: self.inquiry.priority,
            weight: self.weight,
            received_at: self.inquiry.received_at,
            waiting_since: self.waiting_since,
            flagged,
            rejected_by: self.rejected_by.clone(),
            set_aside: self.set_aside.clone(),
            left: Left::Others,
            preferred,
        }
    }

    /// With what was decided, on its way into the store. `offer`: how long the agent may think about it.
    pub fn with(self, decided: Decided, offer: Option<TimeDelta>, at: DateTime<Utc>) -> RoutingDecision {
        RoutingDecision {
            inquiry: self.inquiry,
            language: self.language,
            skills: self.skills,
            proposal: decided.proposal,
            explanation: decided.explanation,
            model_version: self.model_version,
            weight: self.weight,
            generation: self.generation,
            corrected_skill: self.corrected_skill,
            expires_at: offer.map(|offer| at + offer),
            decided: Some(Instant::now()),
            at,
        }
    }
}

impl From<WaitingInquiry> for Predicted {
    fn from(one: WaitingInquiry) -> Self {
        Self {
            // Before anybody had it, it has waited since it came.
            waiting_since: if one.generation == 0 { one.inquiry.received_at } else { one.changed_at },
            inquiry: one.inquiry,
            language: one.language,
            skills: one.skills,
            model_version: one.model_version,
            weight: one.weight,
            generation: one.generation,
            corrected_skill: one.corrected_skill,
            rejected_by: one.rejected_by,
            set_aside: one.set_aside,
        }
    }
}
