//! What comes out of a decision, before anybody committed it.

use crate::contract::{AgentId, Skill};

/// An agent who satisfies every constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub agent_id: AgentId,
    /// The skill by which the agent qualifies; the store checks that they still have it.
    pub skill: Skill,
    /// In that skill.
    pub proficiency: u8,
    /// They let it run out before, or it was taken back from them, and nobody else is left.
    pub again: bool,
}

/// What should happen to an inquiry.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    /// Offer to these, best first; the store takes the first who is still free. Never empty. `skill` is what the inquiry needs.
    Offer { skill: Skill, candidates: Vec<Candidate> },
    /// What is needed is clear, but nobody who may take it is free now.
    Wait { skill: Skill },
    /// The distribution is too flat, or nobody is left who could take it: a person decides.
    Triage,
}
