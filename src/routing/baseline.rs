//! "First guess, least loaded": the simple rule that every other policy is measured against, in `mimamori route simulate`.

use std::cmp::Ordering;

use super::agent::AgentSnapshot;
use super::proposal::{Candidate, Proposal};
use crate::contract::{Language, SkillProbability};

/// Chooses for one inquiry: the most probable skill, then every available agent who has that skill and the language and has
/// capacity left, least loaded first, longest idle next, and by id so that the same input always gives the same output.
///
/// `skills` is the calibrated distribution, best first.
pub fn first_guess_least_loaded(
    skills: &[SkillProbability],
    language: Language,
    agents: &[AgentSnapshot],
    confidence_floor: f64,
) -> Proposal {
    let Some(best) = skills.first().filter(|best| best.probability >= confidence_floor) else {
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
        .map(|(agent, proficiency)| Candidate {
            agent_id: agent.agent_id.clone(),
            skill: best.skill,
            proficiency,
            again: false,
        })
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
    use std::collections::BTreeMap;

    use super::*;
    use crate::contract::{AgentId, Skill};

    fn agent(id: &str, open: u32, capacity: u32) -> AgentSnapshot {
        AgentSnapshot {
            agent_id: AgentId::new(id).unwrap(),
            skills: BTreeMap::from([(Skill::Shipping, 3)]),
            languages: vec![Language::Ja],
            available: true,
            open,
            capacity,
            last_assigned_at: None,
            team: None,
            hours: None,
            mean_open: 0.0,
            open_changed_at: None,
        }
    }

    fn distribution(skill: Skill, probability: f64) -> Vec<SkillProbability> {
        vec![SkillProbability { skill, probability }]
    }

    const FLOOR: f64 = 0.5;

    fn offered(proposal: Proposal) -> Vec<String> {
        match proposal {
            Proposal::Offer { candidates, .. } => {
                candidates.into_iter().map(|c| c.agent_id.to_string()).collect()
            }
            other => panic!("expected an offer, got {other:?}"),
        }
    }

    #[test]
    fn least_loaded_by_share_of_capacity_comes_first() {
        let agents = [agent("a-1", 2, 3), agent("a-2", 2, 8), agent("a-3", 5, 5)];
        let proposal =
            first_guess_least_loaded(&distribution(Skill::Shipping, 0.9), Language::Ja, &agents, FLOOR);
        assert_eq!(offered(proposal), ["a-2", "a-1"], "a-3 is full");
    }

    #[test]
    fn longest_idle_breaks_a_tie_and_never_assigned_is_idlest() {
        let mut recent = agent("a-1", 0, 2);
        recent.last_assigned_at = Some("2026-11-21T09:00:00Z".parse().unwrap());
        let mut earlier = agent("a-2", 0, 2);
        earlier.last_assigned_at = Some("2026-11-21T08:00:00Z".parse().unwrap());
        let agents = [recent, earlier, agent("a-3", 0, 2)];
        let proposal =
            first_guess_least_loaded(&distribution(Skill::Shipping, 0.9), Language::Ja, &agents, FLOOR);
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
        let proposal =
            first_guess_least_loaded(&distribution(Skill::Shipping, 0.9), Language::Ja, &agents, FLOOR);
        assert_eq!(proposal, Proposal::Wait { skill: Skill::Shipping });
    }

    #[test]
    fn below_the_floor_it_abstains() {
        let agents = [agent("a-1", 0, 2)];
        let proposal =
            first_guess_least_loaded(&distribution(Skill::Shipping, 0.49), Language::Ja, &agents, FLOOR);
        assert_eq!(proposal, Proposal::Triage);
    }
}
