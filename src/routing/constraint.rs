//! Why an agent may not have an inquiry.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::agent::AgentSnapshot;
use super::case::{Case, Left};
use super::policy::{Policy, Step};
use crate::contract::{AgentId, Language, Skill};

/// Every constraint that can exclude somebody, in the order in which they are looked at; the first that fails is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// Not present.
    Absent,
    /// Present, outside their hours.
    OffShift,
    /// Has fewer places free than the inquiry takes.
    Full,
    /// Does not speak the customer's language.
    Language,
    /// Gave this inquiry back before.
    Rejected,
    /// Let an offer of it run out, or it was taken back from them.
    SetAside,
    /// The inquiry is flagged, and they have no safety skill.
    Training,
    /// Has neither the skill nor, where that is enough, a neighbouring one. Given up by a later step.
    Skill,
    /// Not proficient enough yet. Given up by a later step.
    Proficiency,
    /// Of another team. Given up by a later step.
    Team,
}

impl Constraint {
    pub const ALL: [Self; 10] = [
        Self::Absent,
        Self::OffShift,
        Self::Full,
        Self::Language,
        Self::Rejected,
        Self::SetAside,
        Self::Training,
        Self::Skill,
        Self::Proficiency,
        Self::Team,
    ];

    /// Whether a later step may give it up.
    pub fn relaxes(self) -> bool {
        matches!(self, Constraint::Skill | Constraint::Proficiency | Constraint::Team)
    }
}

/// What holds for an agent whatever the inquiry.
pub(super) fn at_work(agent: &AgentSnapshot, now: DateTime<Utc>) -> Result<(), Constraint> {
    if !agent.available {
        return Err(Constraint::Absent);
    }
    if agent.hours.as_ref().is_some_and(|hours| !hours.cover(now)) {
        return Err(Constraint::OffShift);
    }
    if agent.free() == 0 {
        return Err(Constraint::Full);
    }
    Ok(())
}

/// What an inquiry asks for at its step.
pub(super) struct Demand<'a> {
    pub case: &'a Case,
    /// Only a safety skill will do.
    safety: bool,
    pub needs: Vec<Skill>,
    /// Skills that will do as well at this step.
    neighbours: BTreeSet<Skill>,
    /// Teams that own what is needed; empty if nobody does.
    teams: BTreeSet<&'a str>,
    pub step: Step,
    pub number: usize,
    /// Who was set aside at this time or before may get it again; none if nobody may.
    again_from: Option<DateTime<Utc>>,
}

impl<'a> Demand<'a> {
    /// None if the engine abstains.
    pub fn of(case: &'a Case, policy: &'a Policy, now: DateTime<Utc>) -> Option<Self> {
        let needs = case.needs(policy)?;
        let (number, step) = policy.step(case.waiting(now));
        // Training is not given up: a flagged inquiry stays with the safety skills.
        let safety = case.needs_safety(policy);
        let neighbours = if step.neighbours && !safety {
            needs.iter().filter_map(|skill| policy.neighbours.get(skill)).flatten().copied().collect()
        } else {
            BTreeSet::new()
        };
        let owns = |skills: &Vec<Skill>| skills.iter().any(|skill| needs.contains(skill));
        let teams = policy.teams.iter().filter(|(_, skills)| owns(skills)).map(|(team, _)| team.as_str());
        let again = policy.is_last(number) && case.left == Left::SetAside && policy.set_aside_seconds > 0;
        let again_from = again.then(|| now - TimeDelta::seconds(i64::from(policy.set_aside_seconds)));
        Some(Self { case, safety, teams: teams.collect(), needs, neighbours, step, number, again_from })
    }

    /// Whether a person has to decide, because nobody is left.
    pub fn is_exhausted(&self, policy: &Policy) -> bool {
        self.case.left == Left::Nobody && policy.is_last(self.number)
    }

    /// The skill by which an agent at work qualifies, with its proficiency, or the first constraint that excludes them.
    pub fn admits(&self, agent: &AgentSnapshot) -> Result<(Skill, u8), Constraint> {
        match (self.suits(agent), self.asked(&agent.agent_id)) {
            (Err(Constraint::Language), _) => Err(Constraint::Language),
            (_, Some(asked)) => Err(asked),
            (suits, None) => suits,
        }
    }

    /// What the demands have in common that [`Demand::suits`] answers alike.
    pub fn asks(&self) -> Asks<'_> {
        let Case { language, weight, .. } = *self.case;
        Asks { language, weight, step: self.number, safety: self.safety, needs: &self.needs }
    }

    /// Who had the inquiry before, some of them perhaps twice.
    pub fn asked_before(&self) -> impl Iterator<Item = &'a AgentId> {
        self.case.rejected_by.iter().chain(self.case.set_aside.keys())
    }

    /// What having had it before excludes an agent by, if it does.
    pub fn asked(&self, agent: &AgentId) -> Option<Constraint> {
        if self.case.rejected_by.contains(agent) {
            return Some(Constraint::Rejected);
        }
        let set_aside = self.case.set_aside.get(agent);
        let still = set_aside.is_some_and(|since| self.again_from.is_none_or(|from| *since > from));
        still.then_some(Constraint::SetAside)
    }

    /// The skill by which an agent at work who was not asked before qualifies, or the first constraint that excludes them.
    pub fn suits(&self, agent: &AgentSnapshot) -> Result<(Skill, u8), Constraint> {
        if !agent.languages.contains(&self.case.language) {
            return Err(Constraint::Language);
        }
        self.qualifies(agent)
    }

    /// The same for what the agent knows and is allowed to, and nothing else.
    fn qualifies(&self, agent: &AgentSnapshot) -> Result<(Skill, u8), Constraint> {
        let of = |skills: &mut dyn Iterator<Item = &Skill>| {
            skills
                .filter_map(|skill| agent.skills.get(skill).map(|proficiency| (*skill, *proficiency)))
                .reduce(|best, next| if next.1 > best.1 { next } else { best })
        };
        let own = of(&mut self.needs.iter());
        if self.safety && own.is_none() {
            return Err(Constraint::Training);
        }
        let enough = |held: &(Skill, u8)| held.1 >= self.step.min_proficiency;
        let own_enough = own.filter(enough);
        let neighbour = || of(&mut self.neighbours.iter());
        let held = match own_enough.or_else(|| neighbour().filter(enough)) {
            Some(held) => held,
            None if own.is_some() || neighbour().is_some() => return Err(Constraint::Proficiency),
            None => return Err(Constraint::Skill),
        };
        let other_team = |team: &String| !self.teams.is_empty() && !self.teams.contains(team.as_str());
        if !self.step.any_team && agent.team.as_ref().is_some_and(other_team) {
            return Err(Constraint::Team);
        }
        Ok(held)
    }
}

/// What of a demand decides whom it suits, under one policy.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asks<'a> {
    language: Language,
    weight: u32,
    /// Neighbouring skills and teams follow from the step, the needs and whether it is a matter of safety.
    step: usize,
    safety: bool,
    needs: &'a [Skill],
}

/// Who is left for an inquiry that has reached the last step, of `everybody`: whether they are at work, and have a free place, makes no
/// difference. Where there is nobody at all, nothing is told: somebody will come.
pub fn left(case: &Case, everybody: &[AgentSnapshot], policy: &Policy, now: DateTime<Utc>) -> Left {
    if everybody.is_empty() || !case.at_last_step(policy, now) {
        return Left::Others;
    }
    let asked = Case { left: Left::Others, ..case.clone() };
    let Some(demand) = Demand::of(&asked, policy, now) else { return Left::Others };
    let mut set_aside = false;
    for agent in everybody.iter().filter(|agent| agent.capacity >= case.weight) {
        match demand.admits(agent) {
            Ok(_) => return Left::Others,
            Err(Constraint::SetAside) => set_aside |= demand.qualifies(agent).is_ok(),
            Err(_) => {}
        }
    }
    if set_aside && policy.set_aside_seconds > 0 { Left::SetAside } else { Left::Nobody }
}
