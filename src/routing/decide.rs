//! One tick: all inquiries that wait, and all agents, decided together.

use chrono::{DateTime, Utc};

use super::agent::AgentSnapshot;
use super::allowed::{Admission, Allowed};
use super::case::Case;
use super::constraint::{Constraint, Demand, at_work};
use super::cost::{Prices, Pricing, waiting};
use super::explain::{Explanation, Method};
use super::places::Places;
use super::policy::Policy;
use super::proposal::{Candidate, Proposal};
use super::solve::NEVER;
use super::tell::Row;
use crate::contract::InquiryId;

/// What should happen to an inquiry, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    pub inquiry_id: InquiryId,
    pub proposal: Proposal,
    pub explanation: Explanation,
}

/// Decides every inquiry at the moment `now`; the answers come in the order of `cases`. The same inquiries and agents, in whatever
/// order, always get the same answers. No agent is offered more than they can take.
pub fn decide(cases: &[Case], agents: &[AgentSnapshot], policy: &Policy, now: DateTime<Utc>) -> Vec<Decided> {
    decide_priced(cases, agents, policy, now, &|agents, cases| {
        Box::new(Prices::of(agents, cases, policy, now))
    })
}

/// Prices for the agents at work and the inquiries that ask for one, in these orders.
pub(super) type Priced<'p> = &'p dyn Fn(&[&AgentSnapshot], &[&Case]) -> Box<dyn Pricing + 'p>;

/// [`decide`] with prices from elsewhere.
pub(super) fn decide_priced(
    cases: &[Case],
    agents: &[AgentSnapshot],
    policy: &Policy,
    now: DateTime<Utc>,
    priced: Priced<'_>,
) -> Vec<Decided> {
    let mut agents: Vec<&AgentSnapshot> = agents.iter().collect();
    agents.sort_by(|a, b| a.agent_id.cmp(&b.agent_id));
    let (mut working, mut away) = (Vec::new(), Vec::new());
    for agent in agents {
        match at_work(agent, now) {
            Ok(()) => working.push(agent),
            Err(constraint) => away.push((agent, constraint)),
        }
    }
    // The most urgent first: that is also the order of the greedy rule.
    let mut order: Vec<usize> = (0..cases.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&cases[*a], &cases[*b]);
        b.urgency(policy, now)
            .total_cmp(&a.urgency(policy, now))
            .then_with(|| a.inquiry_id.cmp(&b.inquiry_id))
    });
    let tick = Tick { version: policy.version(), policy, working, away, now };
    let mut answers: Vec<Option<Decided>> = vec![None; cases.len()];
    let (mut asked, mut places) = (Vec::new(), Vec::new());
    for index in order {
        match Demand::of(&cases[index], policy, now) {
            Some(demand) if demand.is_exhausted(policy) => answers[index] = Some(tick.exhausted(&demand)),
            Some(demand) => {
                asked.push(demand);
                places.push(index);
            }
            None => answers[index] = Some(tick.abstained(&cases[index])),
        }
    }
    for (index, decided) in places.into_iter().zip(tick.match_all(&asked, priced)) {
        answers[index] = Some(decided);
    }
    answers.into_iter().flatten().collect()
}

/// What every decision of a tick has in common.
pub(super) struct Tick<'a> {
    pub version: String,
    pub policy: &'a Policy,
    /// At work, sorted by id.
    pub working: Vec<&'a AgentSnapshot>,
    pub away: Vec<(&'a AgentSnapshot, Constraint)>,
    pub now: DateTime<Utc>,
}

impl Tick<'_> {
    fn match_all(&self, asked: &[Demand<'_>], priced: Priced<'_>) -> Vec<Decided> {
        let cases: Vec<&Case> = asked.iter().map(|demand| demand.case).collect();
        let prices = priced(&self.working, &cases);
        let columns = self.working.len();
        let allowed = Allowed::of(asked, &self.working);
        let mut cost = Vec::with_capacity(asked.len() * columns);
        for (row, demand) in asked.iter().enumerate() {
            cost.extend(allowed.row(row).iter().enumerate().map(|(column, admission)| match admission {
                Ok(_) => {
                    let parts = prices.parts(row, column, demand.step.neighbours);
                    parts.price(self.policy, prices.idle_rank(column))
                }
                Err(_) => NEVER,
            }));
        }
        let method = if cost.len() <= self.policy.exact_pairs { Method::Optimal } else { Method::Greedy };
        let wait = |case: &&Case| waiting(self.policy, case.urgency(self.policy, self.now));
        let places = Places {
            columns,
            cost,
            wait: cases.iter().map(wait).collect(),
            weight: cases.iter().map(|case| case.weight).collect(),
            free: self.working.iter().map(|agent| agent.free()).collect(),
            rise: (0..columns).map(|column| prices.rise(column)).collect(),
        };
        // Who would do but for the room.
        let would_do = |row: usize, column: usize| {
            let agent = self.working[column];
            agent.capacity >= asked[row].case.weight && asked[row].admits(agent).is_ok()
        };
        let matching = places.matched(method == Method::Optimal, &would_do);
        asked
            .iter()
            .enumerate()
            .zip(matching)
            .map(|((number, demand), column)| {
                let told = Row {
                    policy: self.policy,
                    number,
                    neighbours: demand.step.neighbours,
                    admissions: allowed.row(number),
                    cost: &places.cost[number * columns..(number + 1) * columns],
                    prices: &*prices,
                };
                self.decided(demand, method, column, &told)
            })
            .collect()
    }

    fn decided(&self, demand: &Demand<'_>, method: Method, column: Option<usize>, row: &Row<'_>) -> Decided {
        let admissions = row.admissions;
        let case = demand.case;
        // What an inquiry needs of several skills, the most probable one stands for.
        let likeliest = case.skills.iter().find(|entry| demand.needs.contains(&entry.skill));
        let skill = likeliest.map_or(demand.needs[0], |entry| entry.skill);
        let chosen = column.and_then(|column| {
            let (skill, proficiency) = admissions[column].ok()?;
            let agent_id = self.working[column].agent_id.clone();
            let again = case.set_aside.contains_key(&agent_id);
            Some(Candidate { agent_id, skill, proficiency, again })
        });
        let mut explanation = self.explanation(case, method);
        explanation.step = demand.number;
        explanation.needs = demand.needs.clone();
        explanation.chosen = chosen.as_ref().map(|candidate| candidate.agent_id.clone());
        explanation.allowed = admissions.iter().filter(|admission| admission.is_ok()).count();
        explanation.excluded = self.excluded(admissions);
        explanation.candidates = self.candidates(column, row);
        let proposal = match chosen {
            Some(candidate) => Proposal::Offer { skill, candidates: vec![candidate] },
            None => Proposal::Wait { skill },
        };
        Decided { inquiry_id: case.inquiry_id.clone(), proposal, explanation }
    }

    fn abstained(&self, case: &Case) -> Decided {
        Decided {
            inquiry_id: case.inquiry_id.clone(),
            proposal: Proposal::Triage,
            explanation: self.explanation(case, Method::Abstained),
        }
    }

    fn exhausted(&self, demand: &Demand<'_>) -> Decided {
        let admissions: Vec<Admission> = self.working.iter().map(|agent| demand.admits(agent)).collect();
        let mut explanation = self.explanation(demand.case, Method::Exhausted);
        explanation.step = demand.number;
        explanation.needs = demand.needs.clone();
        explanation.excluded = self.excluded(&admissions);
        Decided { inquiry_id: demand.case.inquiry_id.clone(), proposal: Proposal::Triage, explanation }
    }
}
