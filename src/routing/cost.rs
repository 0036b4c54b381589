//! What it costs to give an inquiry to an agent, in four parts, and what it costs to let it wait.
//!
//! - *Wrong allocation*: 1 − Σ P(skill) · suitability(agent, skill) over the whole distribution; a missing skill has suitability 0.
//! - *Scarcity*: Σ pressure(skill, language) · suitability over the agent's skills, less what this inquiry itself makes use of. The
//!   pressure of a skill is D / (D + F): D is the demand that waits for it (Σ P over the inquiries of the tick, and a little for the
//!   next ones to come), F the free slots that hold it.
//! - *Familiarity*: a discount for the agent who knows the customer.
//! - *Fairness*: share of the capacity in use, plus the share that was in use lately in proportion to the others.

use chrono::{DateTime, Utc};

use super::agent::AgentSnapshot;
use super::case::{Case, Preferred};
use super::policy::Policy;
use crate::contract::{Language, Skill};

const SKILLS: usize = Skill::ALL.len();
const LANGUAGES: usize = Language::ALL.len();

/// Demand for each skill that is always expected, in inquiries: what the next moments may bring.
const COMING_DEMAND: f64 = 0.5;
/// Having had this many times the average in use lately is as bad as it gets.
const MOST_IN_USE: f64 = 3.0;
/// More than the parts of a price can come to, unweighted. Fairness: the whole capacity and [`MOST_IN_USE`], and as much again by what
/// one tick adds. Scarcity: every skill in every language.
const MOST_UNFAIR: f64 = 2.0 * (1.0 + MOST_IN_USE);
const MOST_SCARCE: f64 = (SKILLS * LANGUAGES) as f64;
/// Beyond this many target times of waiting, one is as urgent as the other.
const MOST_URGENT: f64 = 1000.0;
/// Steps of a price that are told apart; below them, idle time decides.
const STEPS_PER_UNIT: f64 = 1e6;
/// Places by idle time within one step.
const RANKS: i64 = 4096;

/// One number for each skill.
type PerSkill = [f64; SKILLS];

/// The parts of a price, weighted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Parts {
    pub wrong: f64,
    pub scarcity: f64,
    pub fairness: f64,
    /// Taken off.
    pub familiarity: f64,
}

impl Parts {
    pub fn total(self) -> f64 {
        self.wrong + self.scarcity + self.fairness - self.familiarity
    }

    /// As a whole number, see [`whole`]. Every price is raised by the largest discount, so that none is below 0.
    pub fn price(self, policy: &Policy, idle_rank: usize) -> i64 {
        whole(self.total() + largest_discount(policy), idle_rank)
    }
}

/// What the agent who knows the customer costs less.
fn familiarity(policy: &Policy, preferred: &Preferred) -> f64 {
    if preferred.open_matter { policy.open_matter_weight } else { policy.returning_weight }
}

fn largest_discount(policy: &Policy) -> f64 {
    policy.open_matter_weight.max(policy.returning_weight)
}

/// A price as a whole number, with the place by idle time (0: idle for longest) as its last digits.
fn whole(price: f64, idle_rank: usize) -> i64 {
    let rank = i64::try_from(idle_rank).unwrap_or(RANKS).min(RANKS - 1);
    (price.max(0.0) * STEPS_PER_UNIT).round() as i64 * RANKS + rank
}

/// Where the prices of a tick come from: made from everybody who is there, or as they were recorded.
pub(super) trait Pricing {
    /// Parts of the price of an agent for an inquiry, both by their place in the tick. `neighbours`: a neighbouring skill helps.
    fn parts(&self, case: usize, agent: usize, neighbours: bool) -> Parts;

    /// What one inquiry more adds to the price of an agent.
    fn rise(&self, agent: usize) -> i64;

    /// Place of an agent by idle time, 0 for the longest.
    fn idle_rank(&self, agent: usize) -> usize;
}

/// What it costs to leave an inquiry waiting: above every price of an agent, so that nobody waits while somebody allowed is free.
pub(super) fn waiting(policy: &Policy, urgency: f64) -> i64 {
    let dearest = 1.0
        + policy.fairness_weight * MOST_UNFAIR
        + policy.scarcity_weight * MOST_SCARCE
        + largest_discount(policy);
    whole(2.0 * dearest + policy.urgency_weight * urgency.min(MOST_URGENT), 0)
}

/// What one inquiry more adds to the price of an agent of this capacity.
pub(super) fn rise(policy: &Policy, capacity: u32) -> i64 {
    whole(policy.fairness_weight * share(1.0, capacity), 0)
}

/// An agent at work, as numbers.
pub(super) struct Seat {
    /// Suitability by skill; 0 for what the agent has not.
    own: PerSkill,
    /// The same where a neighbouring skill helps.
    helped: PerSkill,
    speaks: [bool; LANGUAGES],
    /// Price of all skills together.
    reserve: f64,
    fairness: f64,
    capacity: u32,
    idle_rank: usize,
}

impl Seat {
    /// The agent's skills as numbers; without prices, which depend on the others.
    pub fn of(agent: &AgentSnapshot, policy: &Policy) -> Self {
        let mut own = [0.0; SKILLS];
        for (skill, proficiency) in &agent.skills {
            own[*skill as usize] = policy.suits(*proficiency);
        }
        let mut helped = own;
        for (skill, neighbours) in &policy.neighbours {
            let nearest = neighbours.iter().map(|skill| own[*skill as usize]).fold(0.0, f64::max);
            let helps = &mut helped[*skill as usize];
            *helps = helps.max(policy.neighbour_share * nearest);
        }
        let mut speaks = [false; LANGUAGES];
        agent.languages.iter().for_each(|language| speaks[*language as usize] = true);
        let capacity = agent.capacity;
        Self { own, helped, speaks, reserve: 0.0, fairness: 0.0, capacity, idle_rank: 0 }
    }

    /// Probability that the agent cannot finish the inquiry.
    pub fn wrong(&self, case: &CaseNumbers, neighbours: bool) -> f64 {
        let suitability = if neighbours { &self.helped } else { &self.own };
        (1.0 - dot(&case.probability, suitability)).max(0.0)
    }
}

/// Prices of one tick, made from everybody who is at work and everything that waits.
pub(super) struct Prices<'a> {
    policy: &'a Policy,
    seats: Vec<Seat>,
    cases: Vec<CaseNumbers>,
    pressure: [PerSkill; LANGUAGES],
}

impl<'a> Prices<'a> {
    /// `agents` are those at work, sorted by id, `cases` those that want one.
    pub fn of(agents: &[&AgentSnapshot], cases: &[&Case], policy: &'a Policy, now: DateTime<Utc>) -> Self {
        let in_use: Vec<f64> =
            agents.iter().map(|agent| share(agent.mean_open_at(now), agent.capacity)).collect();
        let mean = in_use.iter().sum::<f64>() / in_use.len().max(1) as f64;
        let mut by_idle: Vec<usize> = (0..agents.len()).collect();
        by_idle.sort_by_key(|index| agents[*index].last_assigned_at);
        let mut seats: Vec<Seat> = agents.iter().map(|agent| Seat::of(agent, policy)).collect();
        for ((seat, agent), in_use) in seats.iter_mut().zip(agents).zip(in_use) {
            let relative = if mean > 0.0 { (in_use / mean).min(MOST_IN_USE) } else { 0.0 };
            seat.fairness = agent.load() + relative;
        }
        for (rank, index) in by_idle.into_iter().enumerate() {
            seats[index].idle_rank = rank;
        }
        let pressure = pressure(agents, &seats, cases);
        for seat in &mut seats {
            seat.reserve = languages(seat).map(|language| dot(&seat.own, &pressure[language])).sum();
        }
        let cases = cases.iter().map(|case| CaseNumbers::of(case, agents, policy)).collect();
        Self { policy, seats, cases, pressure }
    }
}

impl Pricing for Prices<'_> {
    fn parts(&self, case: usize, agent: usize, neighbours: bool) -> Parts {
        let (case, seat) = (&self.cases[case], &self.seats[agent]);
        let used = dot(&case.probability, &case.pressed(&self.pressure, seat));
        Parts {
            wrong: seat.wrong(case, neighbours),
            scarcity: self.policy.scarcity_weight * (seat.reserve - used).max(0.0),
            fairness: self.policy.fairness_weight * seat.fairness,
            familiarity: case.familiarity_of(agent),
        }
    }

    fn rise(&self, agent: usize) -> i64 {
        rise(self.policy, self.seats[agent].capacity)
    }

    fn idle_rank(&self, agent: usize) -> usize {
        self.seats[agent].idle_rank
    }
}

/// An inquiry as numbers.
pub(super) struct CaseNumbers {
    probability: PerSkill,
    language: usize,
    /// Place of the agent who knows the customer, and what they cost less.
    preferred: Option<(usize, f64)>,
}

impl CaseNumbers {
    /// `agents` are those at work.
    pub fn of(case: &Case, agents: &[&AgentSnapshot], policy: &Policy) -> Self {
        let mut probability = [0.0; SKILLS];
        for entry in &case.skills {
            probability[entry.skill as usize] += entry.probability;
        }
        let preferred = case.preferred.as_ref().and_then(|preferred| {
            // Sorted by id.
            let place = agents.binary_search_by(|agent| agent.agent_id.cmp(&preferred.agent_id)).ok()?;
            Some((place, familiarity(policy, preferred)))
        });
        Self { probability, language: case.language as usize, preferred }
    }

    /// What the agent at this place costs less for knowing the customer.
    pub fn familiarity_of(&self, agent: usize) -> f64 {
        self.preferred.filter(|(place, _)| *place == agent).map_or(0.0, |(_, discount)| discount)
    }

    fn pressed(&self, pressure: &[PerSkill; LANGUAGES], seat: &Seat) -> PerSkill {
        let mut used = pressure[self.language];
        used.iter_mut().zip(&seat.own).for_each(|(used, own)| *used *= own);
        used
    }
}

fn share(count: f64, capacity: u32) -> f64 {
    count / f64::from(capacity.max(1))
}

fn pressure(agents: &[&AgentSnapshot], seats: &[Seat], cases: &[&Case]) -> [PerSkill; LANGUAGES] {
    let mut demand = [[COMING_DEMAND; SKILLS]; LANGUAGES];
    for case in cases {
        for entry in &case.skills {
            demand[case.language as usize][entry.skill as usize] += entry.probability;
        }
    }
    let mut free = [[0.0; SKILLS]; LANGUAGES];
    for (agent, seat) in agents.iter().zip(seats) {
        for language in languages(seat) {
            for skill in agent.skills.keys() {
                free[language][*skill as usize] += f64::from(agent.free());
            }
        }
    }
    let mut pressure = demand;
    for (pressure, free) in pressure.iter_mut().flatten().zip(free.iter().flatten()) {
        *pressure /= *pressure + free;
    }
    pressure
}

fn languages(seat: &Seat) -> impl Iterator<Item = usize> + use<'_> {
    (0..LANGUAGES).filter(|language| seat.speaks[*language])
}

fn dot(a: &PerSkill, b: &PerSkill) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
