//! Past decisions taken again, under another policy or under the same one.
//!
//! Every tick is decided again as it was seen then: what waits longer or shorter under the other policy does not change the
//! ticks after it. Agents who are not among the stored candidates of an inquiry (the cheapest, see
//! [`super::explain::CANDIDATES_KEPT`]) cannot be chosen for it, and an inquiry that was sent to triage has no candidates. A tick
//! that was decided by the greedy rule is decided by it again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::agent::AgentSnapshot;
use super::case::{Case, Left};
use super::cost::{CaseNumbers, Parts, Pricing, Seat, rise};
use super::decide::{Decided, decide_priced};
use super::explain::{Explanation, Method, Scored};
use super::policy::Policy;
use crate::contract::{AgentId, InquiryId, Language, Priority, SkillProbability};

/// A decision as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct PastDecision {
    pub inquiry_id: InquiryId,
    pub language: Language,
    pub priority: Priority,
    pub received_at: DateTime<Utc>,
    pub skills: Vec<SkillProbability>,
    pub explanation: Explanation,
    /// What came of it: an agent who was chosen may have been taken by then.
    pub became: Fate,
    /// Who finished the inquiry in the end, where that is known.
    pub finished_by: Option<AgentId>,
}

/// What a tick did with an inquiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Triage,
    Waits,
    Agent(AgentId),
}

impl Fate {
    /// The agent, if there was one.
    pub fn agent(&self) -> Option<&AgentId> {
        match self {
            Fate::Agent(agent) => Some(agent),
            Fate::Triage | Fate::Waits => None,
        }
    }

    /// What the engine decided, if nothing comes between.
    pub fn of(explanation: &Explanation) -> Self {
        match (&explanation.chosen, explanation.method) {
            (Some(agent), _) => Fate::Agent(agent.clone()),
            (None, Method::Abstained | Method::Exhausted) => Fate::Triage,
            (None, Method::Optimal | Method::Greedy) => Fate::Waits,
        }
    }
}

/// A decision beside the one that the other policy takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    pub past: PastDecision,
    pub then: Fate,
    pub now: Fate,
    /// Probability that the agent chosen then, and the one chosen now, cannot finish it; both by the other policy's
    /// suitability, so that they can be compared. None without an agent.
    pub wrong_then: Option<f64>,
    pub wrong_now: Option<f64>,
}

/// Takes the decisions of one tick again. The answers come in the order of `tick`, which must not be of several moments.
pub fn replay(tick: Vec<PastDecision>, policy: &Policy) -> Vec<Replayed> {
    let Some(moment) = tick.first().map(|past| past.explanation.tick) else { return Vec::new() };
    let agents = agents_of(&tick);
    let everyone: BTreeSet<&AgentId> = agents.iter().map(|agent| &agent.agent_id).collect();
    let cases: Vec<Case> = tick.iter().map(|past| case_of(past, &everyone)).collect();
    let mut policy = policy.clone();
    if tick.iter().any(|past| past.explanation.method == Method::Greedy) {
        // The tick was too large for the solver; how large it was with everybody in it is not on record.
        policy.exact_pairs = 0;
    }
    let again = decide_priced(&cases, &agents, &policy, moment, &|agents, cases| {
        Box::new(Recorded::of(&tick, agents, cases, &policy))
    });
    tick.into_iter().zip(again).map(|(past, again)| beside(past, &again)).collect()
}

fn beside(past: PastDecision, again: &Decided) -> Replayed {
    let taken = past.explanation.chosen.as_ref().filter(|chosen| past.became.agent() != Some(chosen));
    let then = past.became.clone();
    let now = match Fate::of(&again.explanation) {
        // They would have been taken as well.
        Fate::Agent(agent) if Some(&agent) == taken => Fate::Waits,
        now => now,
    };
    let wrong = |fate: &Fate| {
        let agent = fate.agent()?;
        again.explanation.candidates.iter().find(|one| one.agent_id == *agent).map(|one| one.wrong)
    };
    Replayed { wrong_then: wrong(&then), wrong_now: wrong(&now), past, then, now }
}

/// The agents whom any of the decisions names as a candidate, as they stood at that moment.
fn agents_of(tick: &[PastDecision]) -> Vec<AgentSnapshot> {
    let mut agents: BTreeMap<&AgentId, AgentSnapshot> = BTreeMap::new();
    for past in tick {
        for scored in &past.explanation.candidates {
            let agent = agents.entry(&scored.agent_id).or_insert_with(|| snapshot(scored));
            // Candidates were found to speak the customer's language.
            if !agent.languages.contains(&past.language) {
                agent.languages.push(past.language);
            }
        }
    }
    agents.into_values().collect()
}

/// What prices depend on besides, idle time and what the agent lately carried, stands in the recorded prices.
fn snapshot(scored: &Scored) -> AgentSnapshot {
    AgentSnapshot {
        agent_id: scored.agent_id.clone(),
        skills: scored.skills.clone(),
        languages: Vec::new(),
        team: scored.team.clone(),
        hours: None,
        available: true,
        open: scored.capacity.saturating_sub(scored.free),
        capacity: scored.capacity,
        last_assigned_at: None,
        mean_open: 0.0,
        open_changed_at: None,
    }
}

/// The inquiry as it stood then, closed to every agent who is not among its own candidates.
fn case_of(past: &PastDecision, everyone: &BTreeSet<&AgentId>) -> Case {
    let own: BTreeSet<&AgentId> = past.explanation.candidates.iter().map(|one| &one.agent_id).collect();
    // Decisions of earlier versions did not keep the distribution.
    let decided_on = if past.explanation.skills.is_empty() { &past.skills } else { &past.explanation.skills };
    let waiting = past.explanation.waiting_seconds.unwrap_or(past.explanation.waited_seconds);
    Case {
        inquiry_id: past.inquiry_id.clone(),
        skills: decided_on.clone(),
        language: past.language,
        priority: past.priority,
        weight: past.explanation.weight,
        received_at: past.received_at,
        waiting_since: past.explanation.tick - seconds(waiting),
        flagged: past.explanation.flagged,
        preferred: past.explanation.preferred.clone(),
        rejected_by: everyone.difference(&own).map(|agent| (*agent).clone()).collect(),
        // Who was set aside and was a candidate all the same, was asked again.
        set_aside: BTreeMap::new(),
        left: if past.explanation.method == Method::Exhausted { Left::Nobody } else { Left::Others },
    }
}

fn seconds(count: f64) -> TimeDelta {
    TimeDelta::microseconds((count * 1e6).round() as i64)
}

/// Prices as they were, under the weights of another policy. Scarcity and fairness depend on everybody who was there, so they are
/// taken from the record; only the probability of a wrong allocation is computed again, by the policy's suitability.
struct Recorded<'a> {
    policy: &'a Policy,
    seats: Vec<Seat>,
    capacities: Vec<u32>,
    idle_ranks: Vec<usize>,
    rows: Vec<RecordedRow<'a>>,
}

struct RecordedRow<'a> {
    numbers: CaseNumbers,
    /// How much more each part weighs now.
    scarcity: f64,
    fairness: f64,
    /// By place of the agent in the tick.
    scored: Vec<Option<&'a Scored>>,
}

impl<'a> Recorded<'a> {
    fn of(tick: &'a [PastDecision], agents: &[&AgentSnapshot], cases: &[&Case], policy: &'a Policy) -> Self {
        let past: BTreeMap<&InquiryId, &Explanation> =
            tick.iter().map(|past| (&past.inquiry_id, &past.explanation)).collect();
        // A part whose weight was 0 is not on record: it stays 0.
        let ratio = |now: f64, then: f64| if then > 0.0 { now / then } else { 1.0 };
        let rows = cases.iter().map(|case| {
            let explanation = past.get(&case.inquiry_id);
            let weights = explanation.map(|explanation| explanation.weights).unwrap_or_default();
            let by_agent: BTreeMap<&AgentId, &Scored> = explanation
                .iter()
                .flat_map(|explanation| &explanation.candidates)
                .map(|scored| (&scored.agent_id, scored))
                .collect();
            RecordedRow {
                numbers: CaseNumbers::of(case, agents, policy),
                scarcity: ratio(policy.scarcity_weight, weights.scarcity),
                fairness: ratio(policy.fairness_weight, weights.fairness),
                scored: agents.iter().map(|agent| by_agent.get(&agent.agent_id).copied()).collect(),
            }
        });
        let rows: Vec<RecordedRow<'a>> = rows.collect();
        let rank =
            |place: usize| rows.iter().find_map(|row| row.scored[place]).map_or(0, |one| one.idle_rank);
        Self {
            policy,
            seats: agents.iter().map(|agent| Seat::of(agent, policy)).collect(),
            capacities: agents.iter().map(|agent| agent.capacity).collect(),
            idle_ranks: (0..agents.len()).map(rank).collect(),
            rows,
        }
    }
}

impl Pricing for Recorded<'_> {
    fn parts(&self, case: usize, agent: usize, neighbours: bool) -> Parts {
        let row = &self.rows[case];
        let (scarcity, fairness) = row.scored[agent].map_or((0.0, 0.0), |one| (one.scarcity, one.fairness));
        Parts {
            wrong: self.seats[agent].wrong(&row.numbers, neighbours),
            scarcity: row.scarcity * scarcity,
            fairness: row.fairness * fairness,
            familiarity: row.numbers.familiarity_of(agent),
        }
    }

    fn rise(&self, agent: usize) -> i64 {
        rise(self.policy, self.capacities[agent])
    }

    fn idle_rank(&self, agent: usize) -> usize {
        self.idle_ranks[agent]
    }
}

/// Decisions of a period, counted then and now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    pub decisions: usize,
    pub ticks: usize,
    /// Decisions that come out as they did.
    pub same: usize,
    pub then: Side,
    pub now: Side,
}

/// One side of a tally.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    pub triage: usize,
    pub waits: usize,
    /// Inquiries given to an agent, by agent.
    pub given: BTreeMap<AgentId, usize>,
    /// Expected wrong allocations among those for which it is known, and how many these are.
    pub expected_wrong: f64,
    pub expected_of: usize,
    /// Given to the agent who finished it, and to one who did not, where it is known who finished it.
    pub finished: usize,
    pub not_finished: usize,
    /// Seconds that those given to an agent had waited until then, added up.
    pub waited_seconds: f64,
}

impl Tally {
    /// Counts a tick in.
    pub fn add(&mut self, tick: &[Replayed]) {
        self.ticks += usize::from(!tick.is_empty());
        for one in tick {
            self.decisions += 1;
            self.same += usize::from(one.then == one.now);
            self.then.add(&one.past, &one.then, one.wrong_then);
            self.now.add(&one.past, &one.now, one.wrong_now);
        }
    }
}

impl Side {
    fn add(&mut self, past: &PastDecision, fate: &Fate, wrong: Option<f64>) {
        let agent = match fate {
            Fate::Triage => return self.triage += 1,
            Fate::Waits => return self.waits += 1,
            Fate::Agent(agent) => agent,
        };
        *self.given.entry(agent.clone()).or_default() += 1;
        self.waited_seconds += past.explanation.waited_seconds;
        if let Some(wrong) = wrong {
            self.expected_wrong += wrong;
            self.expected_of += 1;
        }
        match &past.finished_by {
            Some(finisher) if finisher == agent => self.finished += 1,
            Some(_) => self.not_finished += 1,
            None => {}
        }
    }

    /// Inquiries given to an agent.
    pub fn assigned(&self) -> usize {
        self.given.values().sum()
    }

    /// Coefficient of variation of the inquiries given to each of `agents` people; none without any.
    pub fn spread(&self, agents: usize) -> Option<f64> {
        let mean = self.assigned() as f64 / agents as f64;
        if agents == 0 || mean == 0.0 {
            return None;
        }
        let idle = agents.saturating_sub(self.given.len()) as f64;
        let squares: f64 = self.given.values().map(|count| (*count as f64 - mean).powi(2)).sum();
        Some(((squares + idle * mean * mean) / agents as f64).sqrt() / mean)
    }
}
