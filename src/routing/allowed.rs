//! Which agents each inquiry of a tick is allowed to.
//!
//! Of the hundreds of inquiries of a busy tick many ask for the same: what excludes an agent from one of them excludes them from all,
//! and is looked up once. Only who gave an inquiry back, or let it run out, is its own.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::agent::AgentSnapshot;
use super::constraint::{Asks, Constraint, Demand};
use crate::contract::{AgentId, Skill};

/// The skill by which an agent qualifies, with its proficiency, or what excludes them.
pub(super) type Admission = Result<(Skill, u8), Constraint>;

/// For every demand, in their order, one admission for each agent.
pub(super) struct Allowed(Vec<Rc<[Admission]>>);

impl Allowed {
    /// `agents` are those at work, sorted by id.
    pub fn of(demands: &[Demand<'_>], agents: &[&AgentSnapshot]) -> Self {
        let mut alike: BTreeMap<Asks<'_>, Rc<[Admission]>> = BTreeMap::new();
        let of_demand = |demand| {
            let shared = alike.entry(Demand::asks(demand)).or_insert_with(|| whoever_asks(demand, agents));
            own(demand, agents, shared)
        };
        Self(demands.iter().map(of_demand).collect())
    }

    pub fn row(&self, demand: usize) -> &[Admission] {
        &self.0[demand]
    }
}

fn whoever_asks(demand: &Demand<'_>, agents: &[&AgentSnapshot]) -> Rc<[Admission]> {
    let room = |agent: &AgentSnapshot, qualified| {
        if agent.free() < demand.case.weight { Err(Constraint::Full) } else { Ok(qualified) }
    };
    agents.iter().map(|agent| demand.suits(agent).and_then(|qualified| room(agent, qualified))).collect()
}

/// The same, less those who were asked before.
fn own(demand: &Demand<'_>, agents: &[&AgentSnapshot], shared: &Rc<[Admission]>) -> Rc<[Admission]> {
    let place = |agent: &AgentId| agents.binary_search_by(|other| other.agent_id.cmp(agent)).ok();
    let mut asked =
        demand.asked_before().filter_map(|agent| Some((place(agent)?, demand.asked(agent)?))).peekable();
    if asked.peek().is_none() {
        return shared.clone();
    }
    let mut own = shared.to_vec();
    for (place, constraint) in asked {
        // Constraints are named in the order in which they are looked at.
        if own[place] != Err(Constraint::Language) {
            own[place] = Err(constraint);
        }
    }
    own.into()
}
