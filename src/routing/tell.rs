//! Why a tick decided what it decided, told inquiry by inquiry.

use std::collections::BTreeMap;

use super::allowed::Admission;
use super::case::Case;
use super::constraint::Constraint;
use super::cost::Pricing;
use super::decide::Tick;
use super::explain::{CANDIDATES_KEPT, EXCLUDED_NAMED, Excluded, Explanation, Method, Scored, Weights};
use super::policy::Policy;
use super::solve::NEVER;

/// What a tick found about one inquiry, agent by agent.
pub(super) struct Row<'a> {
    pub policy: &'a Policy,
    pub number: usize,
    /// A neighbouring skill helps.
    pub neighbours: bool,
    pub admissions: &'a [Admission],
    /// What each costs, or [`NEVER`].
    pub cost: &'a [i64],
    pub prices: &'a dyn Pricing,
}

impl Row<'_> {
    fn price(&self, agent: usize) -> i64 {
        let parts = self.prices.parts(self.number, agent, self.neighbours);
        parts.price(self.policy, self.prices.idle_rank(agent))
    }
}

impl Tick<'_> {
    pub fn explanation(&self, case: &Case, method: Method) -> Explanation {
        Explanation {
            policy_version: self.version.clone(),
            weights: Weights { scarcity: self.policy.scarcity_weight, fairness: self.policy.fairness_weight },
            tick: self.now,
            method,
            step: 0,
            waited_seconds: case.waited(self.now),
            waiting_seconds: Some(case.waiting(self.now)),
            urgency: case.urgency(self.policy, self.now),
            flagged: case.flagged,
            weight: case.weight,
            preferred: case.preferred.clone(),
            skills: case.skills.clone(),
            needs: Vec::new(),
            chosen: None,
            allowed: 0,
            candidates: Vec::new(),
            excluded: BTreeMap::new(),
        }
    }

    pub fn excluded(&self, admissions: &[Admission]) -> BTreeMap<Constraint, Excluded> {
        let here = self.working.iter().zip(admissions);
        let here = here.filter_map(|(agent, admission)| Some((*agent, admission.err()?)));
        let mut excluded: [Excluded; Constraint::ALL.len()] = Default::default();
        for (agent, constraint) in self.away.iter().copied().chain(here) {
            let entry = &mut excluded[constraint as usize];
            entry.agents += 1;
            if entry.first.len() < EXCLUDED_NAMED {
                entry.first.push(agent.agent_id.clone());
            }
        }
        Constraint::ALL.into_iter().zip(excluded).filter(|(_, excluded)| excluded.agents > 0).collect()
    }

    /// The cheapest of those who are allowed, the chosen one among them, then of those whom a later step may allow.
    pub fn candidates(&self, chosen: Option<usize>, row: &Row<'_>) -> Vec<Scored> {
        let allowed = row.cost.iter().enumerate().filter(|(_, cost)| **cost != NEVER);
        let allowed = allowed.map(|(index, cost)| (Some(index) != chosen, *cost, index));
        let mut told = smallest(allowed.collect(), CANDIDATES_KEPT);
        told.sort_unstable_by_key(|(_, cost, index)| (*cost, *index));
        let mut found: Vec<usize> = told.into_iter().map(|(_, _, index)| index).collect();
        // Their prices are of use for nothing else, and most agents are excluded: only where there is room.
        let room = CANDIDATES_KEPT - found.len();
        if room > 0 {
            let relaxes = |admission: &Admission| admission.err().is_some_and(Constraint::relaxes);
            let later = row.admissions.iter().enumerate().filter(|(_, admission)| relaxes(admission));
            let mut later = smallest(later.map(|(index, _)| (row.price(index), index)).collect(), room);
            later.sort_unstable();
            found.extend(later.into_iter().map(|(_, index)| index));
        }
        found.into_iter().map(|index| self.scored(index, row)).collect()
    }

    fn scored(&self, index: usize, row: &Row<'_>) -> Scored {
        let (agent, parts) = (self.working[index], row.prices.parts(row.number, index, row.neighbours));
        Scored {
            agent_id: agent.agent_id.clone(),
            skills: agent.skills.clone(),
            team: agent.team.clone(),
            free: agent.free(),
            capacity: agent.capacity,
            wrong: parts.wrong,
            scarcity: parts.scarcity,
            fairness: parts.fairness,
            familiarity: parts.familiarity,
            total: parts.total(),
            idle_rank: row.prices.idle_rank(index),
            excluded: row.admissions[index].err(),
        }
    }
}

/// The smallest of them, in no order.
fn smallest<T: Ord>(mut all: Vec<T>, count: usize) -> Vec<T> {
    if all.len() > count {
        all.select_nth_unstable(count - 1);
        all.truncate(count);
    }
    all
}
