//! The sentence that tells an operator why this agent, or why none.

use super::types::RoutingDecision;
use crate::contract::{AgentId, Language, Skill, SkillProbability};
use crate::routing::Method;

/// So many of the likeliest skills are told to the person who decides.
const TRIAGE_SKILLS: usize = 3;

/// The agent as they stand after they took the inquiry.
pub(super) struct Taken {
    /// By which the agent qualified: the one that is needed, or a neighbouring one.
    pub skill: Skill,
    pub proficiency: u8,
    pub open: u32,
    pub capacity: u32,
}

pub(super) fn assigned(
    skill: Skill,
    skills: &[SkillProbability],
    language: Language,
    taken: &Taken,
) -> String {
    format!(
        "{}: the best placed free agent with {language} (proficiency {} of 5 in {}, now {} of {} open)",
        needs(skill, skills),
        taken.proficiency,
        taken.skill,
        taken.open,
        taken.capacity
    )
}

pub(super) fn waiting(skill: Skill, skills: &[SkillProbability], language: Language) -> String {
    format!("{}: waits, no agent with {language} who may take it is free", needs(skill, skills))
}

pub(super) fn triage(decision: &RoutingDecision) -> String {
    if decision.explanation.method == Method::Exhausted {
        return exhausted(decision);
    }
    match likeliest(&decision.effective_skills()) {
        Some(likeliest) => format!("no skill is likely enough, the best is {likeliest}: a person decides"),
        None => "no skill was predicted: a person decides".to_owned(),
    }
}

fn exhausted(decision: &RoutingDecision) -> String {
    let needs = match decision.corrected_skill {
        Some(skill) => format!("said to need {skill}; "),
        None => String::new(),
    };
    let likeliest = likeliest(&decision.skills).unwrap_or_else(|| "nothing".to_owned());
    format!(
        "nobody is left who speaks {} and could take it, present or away, but who gave it back or let it run out \
         ({needs}likeliest {likeliest}): a person decides",
        decision.language
    )
}

/// The first few skills, best first.
fn likeliest(skills: &[SkillProbability]) -> Option<String> {
    let best = skills.first()?;
    let others: Vec<String> = skills.iter().skip(1).take(TRIAGE_SKILLS - 1).map(percent).collect();
    let then = if others.is_empty() { String::new() } else { format!(", then {}", others.join(", ")) };
    Some(percent(best) + &then)
}

/// `corrected` is what the agent said that it needs, if that is another skill.
pub(super) fn rejected(agent: &AgentId, corrected: Option<Skill>) -> String {
    match corrected {
        Some(skill) => format!("agent {agent} says that it needs {skill}: waits again"),
        None => format!("agent {agent} passed it on: waits again"),
    }
}

pub(super) fn expired(agent: &AgentId) -> String {
    format!("the offer to agent {agent} ran out: waits again")
}

pub(super) fn returned(agent: &AgentId) -> String {
    format!("agent {agent} is away and had not begun: waits again")
}

pub(super) fn off_shift(agent: &AgentId) -> String {
    format!("the shift of agent {agent} is over and they had not begun: waits again")
}

pub(super) fn withdrawn(agent: &AgentId, by: &str) -> String {
    format!("taken back from agent {agent} by {by}: waits again")
}

pub(super) fn directly_assigned(by: &str, taken: &Taken) -> String {
    format!("given by {by} as {} (now {} of {} open)", taken.skill, taken.open, taken.capacity)
}

pub(super) fn classified(by: &str, skill: Skill) -> String {
    format!("{by} says that it needs {skill}: waits")
}

fn needs(skill: Skill, skills: &[SkillProbability]) -> String {
    match skills.iter().find(|entry| entry.skill == skill) {
        Some(entry) => format!("needs {}", percent(entry)),
        None => format!("needs {skill}"),
    }
}

fn percent(entry: &SkillProbability) -> String {
    format!("{} ({:.0}%)", entry.skill, entry.probability * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_skill_probability_and_load() {
        let skills = [SkillProbability { skill: Skill::Shipping, probability: 0.914 }];
        let taken = Taken { skill: Skill::Shipping, proficiency: 4, open: 2, capacity: 5 };
        assert_eq!(
            assigned(Skill::Shipping, &skills, Language::Ja, &taken),
            "needs shipping (91%): the best placed free agent with ja (proficiency 4 of 5 in shipping, now 2 of 5 open)"
        );
        assert!(waiting(Skill::Shipping, &skills, Language::En).contains("waits"));
        assert_eq!(likeliest(&skills).as_deref(), Some("shipping (91%)"));
        assert_eq!(likeliest(&[]), None);
    }
}
