//! The choice: abstain, wait, or offer the inquiry to agents in this order.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::contract::{AgentId, Language, Skill, SkillProbability};

/// An agent as the store knew them when it was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSnapshot {
    pub agent_id: AgentId,
    /// Proficiency 1 (learning) to 5 (expert) for each skill that the agent has.
    pub skills: BTreeMap<Skill, u8>,
    pub languages: Vec<Language>,
    /// Present and taking work.
    pub available: bool,
    /// Inquiries in the agent's hands.
    pub open: u32,
    /// The most inquiries that the agent works on at once.
    pub capacity: u32,
    /// When the agent last received an inquiry; none if never. Longest idle breaks ties.
    pub last_assigned_at: Option<DateTime<Utc>>,
}

impl AgentSnapshot {
    /// Share of the capacity in use, 0 to 1 (1 for an agent without capacity).
    fn load(&self) -> f64 {
        if self.capacity == 0 { 1.0 } else { f64::from(self.open) / f64::from(self.capacity) }
    }
}

/// What a routing decision depends on besides the inquiry and the agents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoutingPolicy {
    /// Below this probability of the best skill the system abstains: the inquiry goes to triage.
    pub confidence_floor: f64,
}

/// An agent who satisfies every constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub agent_id: AgentId,
    pub proficiency: u8,
}

/// What should happen to an inquiry.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    /// Offer to these, best first; the store takes the first who is still free. Never empty.
    Offer { skill: Skill, candidates: Vec<Candidate> },
    /// The skill is clear, but nobody who has it and the language is free now.
    Wait { skill: Skill },
    /// The distribution is too flat: a person decides.
    Triage,
}

/// Chooses for one inquiry: the most probable skill, then every available agent who has that skill and the language and has
/// capacity left, least loaded first, longest idle next, and by id so that the same input always gives the same output.
///
/// `skills` is the calibrated distribution, best first.
pub fn choose(
    skills: &[SkillProbability],
    language: Language,
    agents: &[AgentSnapshot],
    policy: RoutingPolicy,
) -> Proposal {
    let Some(best) = skills.first().filter(|best| best.probability >= policy.confidence_floor) else {
        return Proposal::Triage;
    };
    let mut free: Vec<(&AgentSnapshot, u8)> = agents
        .iter()
        .filter(|agent| agent.available && agent.open < agent.capacity && agent.languages.contains(&language))
        .filter_map(|agent| agent.skills.get(&best.skill).map(|proficiency| (agent, *proficiency)))
        .collect();
    if free.is_empty() {
        return Proposal::Wait { skill: best.skill };
    }
    free.sort_by(|(a, _), (b, _)| by_load_then_idle(a, b));
    let candidates = free
        .into_iter()
        .map(|(agent, proficiency)| Candidate { agent_id: agent.agent_id.clone(), proficiency })
        .collect();
    Proposal::Offer { skill: best.skill, candidates }
}

fn by_load_then_idle(a: &AgentSnapshot, b: &AgentSnapshot) -> Ordering {
    a.load()
        .total_cmp(&b.load())
        // `None` (never assigned) sorts before every time: that agent has idled longest.
        .then_with(|| a.last_assigned_at.cmp(&b.last_assigned_at))
        .then_with(|| a.agent_id.cmp(&b.agent_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(id: &str, open: u32, capacity: u32) -> AgentSnapshot {
        AgentSnapshot {
            agent_id: AgentId::new(id).unwrap(),
            skills: BTreeMap::from([(Skill::Shipping, 3)]),
            languages: vec![Language::Ja],
            available: true,
            open,
            capacity,
            last_assigned_at: None,
        }
    }

    fn distribution(skill: Skill, probability: f64) -> Vec<SkillProbability> {
        vec![SkillProbability { skill, probability }]
    }

    const POLICY: RoutingPolicy = RoutingPolicy { confidence_floor: 0.5 };

    fn offered(proposal: Proposal) -> Vec<String> {
        match proposal {
            Proposal::Offer { candidates, .. } => candidates.into_iter().map(|c| c.agent_id.to_string()).collect(),
            other => panic!("expected an offer, got {other:?}"),
        }
    }

    #[test]
    fn least_loaded_by_share_of_capacity_comes_first() {
        let agents = [agent("a-1", 2, 3), agent("a-2", 2, 8), agent("a-3", 5, 5)];
        let proposal = choose(&distribution(Skill::Shipping, 0.9), Language::Ja, &agents, POLICY);
        assert_eq!(offered(proposal), ["a-2", "a-1"], "a-3 is full");
    }

    #[test]
    fn longest_idle_breaks_a_tie_and_never_assigned_is_idlest() {
        let mut recent = agent("a-1", 0, 2);
        recent.last_assigned_at = Some("2026-11-21T09:00:00Z".parse().unwrap());
        let mut earlier = agent("a-2", 0, 2);
        earlier.last_assigned_at = Some("2026-11-21T08:00:00Z".parse().unwrap());
        let agents = [recent, earlier, agent("a-3", 0, 2)];
        let proposal = choose(&distribution(Skill::Shipping, 0.9), Language::Ja, &agents, POLICY);
        assert_eq!(offered(proposal), ["a-3", "a-2", "a-1"]);
    }

    #[test]
    fn language_skill_and_presence_are_hard_constraints() {
        let mut absent = agent("a-1", 0, 2);
        absent.available = false;
        let mut english = agent("a-2", 0, 2);
        english.languages = vec![Language::En];
        let mut other_skill = agent("a-3", 0, 2);
        other_skill.skills = BTreeMap::from([(Skill::Listing, 5)]);
        let agents = [absent, english, other_skill];
        let proposal = choose(&distribution(Skill::Shipping, 0.9), Language::Ja, &agents, POLICY);
        assert_eq!(proposal, Proposal::Wait { skill: Skill::Shipping });
    }

    #[test]
    fn below_the_floor_it_abstains() {
        let agents = [agent("a-1", 0, 2)];
        let proposal = choose(&distribution(Skill::Shipping, 0.49), Language::Ja, &agents, POLICY);
        assert_eq!(proposal, Proposal::Triage);
    }
}
