//! One day under one policy, event by event.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use chrono::{DateTime, TimeDelta, Utc};

use super::draw::{Pool, Task};
use super::scenario::Scenario;
use crate::contract::{AgentId, InquiryId, Skill, SkillProbability};
use crate::routing::{AgentSnapshot, Case, Left, Policy, Proposal, decide, first_guess_least_loaded};

/// While somebody waits, it is looked again this often, even if nothing happens: steps come due, shifts begin.
const LOOK_AGAIN_MS: i64 = 5_000;
/// Longer than this after the beginning of the day nothing is played: who has no answer then stays without.
const LAST_MS: i64 = 36 * 3_600_000;

/// A policy that is played.
#[derive(Debug, Clone)]
pub enum Contender {
    /// The first guess to the least loaded, above the floor.
    Baseline {
        confidence_floor: f64,
    },
    Engine(Box<Policy>),
}

/// What came of a day.
#[derive(Debug, Clone, Default)]
pub struct Day {
    pub inquiries: usize,
    pub unfinished: usize,
    /// Times that an inquiry was given to somebody, and those after which it came back.
    pub allocations: usize,
    pub wrong: usize,
    pub triaged: usize,
    /// For each inquiry in the order of arrival: seconds in the queue until the first agent, and in all.
    pub first_wait: Vec<f64>,
    pub all_waits: Vec<f64>,
    /// Seconds from arrival to the end, for those that ended.
    pub finished_after: Vec<f64>,
    /// Hour of arrival of each inquiry.
    pub hour: Vec<usize>,
    /// Share of the slot time on shift in which each agent was busy.
    pub occupancy: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives(usize),
    /// A person has read it and named a skill.
    Triaged(usize),
    Finished(usize, usize),
    ComesBack(usize, usize),
    Tick,
}

struct Open {
    skills: Vec<SkillProbability>,
    rejected_by: BTreeSet<AgentId>,
    attempts: u32,
    queued_at: i64,
    waited: i64,
}

struct Run<'a> {
    scenario: &'a Scenario,
    tasks: &'a [Task],
    contender: &'a Contender,
    begins: DateTime<Utc>,
    agents: Vec<AgentSnapshot>,
    /// Place of each agent, by id.
    seats: BTreeMap<AgentId, usize>,
    busy: Vec<i64>,
    open: Vec<Open>,
    waiting: BTreeSet<usize>,
    events: BinaryHeap<Reverse<(i64, Event)>>,
    next_tick: Option<i64>,
    last_tick: i64,
    day: Day,
}

/// Plays the inquiries against the agents.
pub fn play(scenario: &Scenario, pool: &Pool, tasks: &[Task], contender: &Contender) -> Day {
    let agents = pool.agents.clone();
    let mut run = Run {
        scenario,
        tasks,
        contender,
        begins: scenario.begins(),
        seats: agents.iter().enumerate().map(|(seat, agent)| (agent.agent_id.clone(), seat)).collect(),
        busy: vec![0; agents.len()],
        agents,
        open: tasks.iter().map(opened).collect(),
        waiting: BTreeSet::new(),
        events: tasks
            .iter()
            .enumerate()
            .map(|(index, task)| Reverse((task.arrives, Event::Arrives(index))))
            .collect(),
        next_tick: None,
        last_tick: i64::MIN / 2,
        day: Day {
            inquiries: tasks.len(),
            first_wait: vec![f64::NAN; tasks.len()],
            all_waits: vec![f64::NAN; tasks.len()],
            hour: tasks.iter().map(|task| (task.arrives / 3_600_000) as usize).collect(),
            ..Day::default()
        },
    };
    while let Some(Reverse((now, event))) = run.events.pop() {
        if now > LAST_MS {
            break;
        }
        run.happens(event, now);
    }
    run.end(pool)
}

fn opened(task: &Task) -> Open {
    Open {
        skills: task.skills.clone(),
        rejected_by: BTreeSet::new(),
        attempts: 0,
        queued_at: task.arrives,
        waited: 0,
    }
}

impl Run<'_> {
    fn happens(&mut self, event: Event, now: i64) {
        let moment = self.moment(now);
        match event {
            Event::Arrives(index) => self.queue(index, now),
            Event::Triaged(index) => self.queue(index, now),
            Event::Finished(index, seat) => {
                self.agents[seat].give_back(1, moment);
                self.day.finished_after.push(seconds(now - self.tasks[index].arrives));
                self.day.all_waits[index] = seconds(self.open[index].waited);
            }
            Event::ComesBack(index, seat) => {
                self.agents[seat].give_back(1, moment);
                self.queue(index, now);
            }
            // Planned, and then put forward: what was planned first is void.
            Event::Tick if self.next_tick != Some(now) => return,
            Event::Tick => {
                self.next_tick = None;
                self.last_tick = now;
                self.tick(now);
            }
        }
        if !self.waiting.is_empty() {
            let soon = if event == Event::Tick { now + LOOK_AGAIN_MS } else { now };
            self.tick_at(soon.max(self.last_tick + i64::from(self.scenario.tick_ms)));
        }
    }

    fn moment(&self, milliseconds: i64) -> DateTime<Utc> {
        self.begins + TimeDelta::milliseconds(milliseconds)
    }

    fn tick_at(&mut self, at: i64) {
        if self.next_tick.is_none_or(|planned| planned > at) {
            self.next_tick = Some(at);
            self.events.push(Reverse((at, Event::Tick)));
        }
    }

    fn queue(&mut self, index: usize, now: i64) {
        self.open[index].queued_at = now;
        self.waiting.insert(index);
    }

    fn tick(&mut self, now: i64) {
        let moment = self.moment(now);
        let proposals = match self.contender {
            Contender::Baseline { confidence_floor } => self.baseline(*confidence_floor, moment),
            Contender::Engine(policy) => self.engine(policy, moment),
        };
        for (index, proposal) in proposals {
            match proposal {
                Some(agent) => self.give(index, agent, now),
                None => self.triage(index, now),
            }
        }
    }

    /// Agents, or none for triage, of those inquiries that do not go on waiting.
    fn engine(&self, policy: &Policy, moment: DateTime<Utc>) -> Vec<(usize, Option<AgentId>)> {
        let indexes: Vec<usize> = self.waiting.iter().copied().collect();
        let cases: Vec<Case> = indexes.iter().map(|index| self.case(*index)).collect();
        let decided = decide(&cases, &self.agents, policy, moment);
        let ends = indexes.into_iter().zip(decided).filter_map(|(index, decided)| match decided.proposal {
            Proposal::Offer { .. } => Some((index, decided.explanation.chosen)),
            Proposal::Triage => Some((index, None)),
            Proposal::Wait { .. } => None,
        });
        ends.collect()
    }

    fn case(&self, index: usize) -> Case {
        let (task, open) = (&self.tasks[index], &self.open[index]);
        Case {
            // The simulation's own numbers are no foreign ids: they are never empty or long.
            inquiry_id: InquiryId::new(format!("q-{index:06}")).expect("a short id"),
            skills: open.skills.clone(),
            language: task.language,
            priority: task.priority,
            weight: 1,
            received_at: self.moment(task.arrives),
            waiting_since: self.moment(task.arrives),
            flagged: false,
            rejected_by: open.rejected_by.clone(),
            set_aside: BTreeMap::new(),
            left: Left::Others,
            // Every customer of a played day comes once.
            preferred: None,
        }
    }

    fn baseline(&self, floor: f64, moment: DateTime<Utc>) -> Vec<(usize, Option<AgentId>)> {
        let mut agents: Vec<AgentSnapshot> = self.agents.clone();
        for agent in &mut agents {
            agent.available &= agent.hours.as_ref().is_none_or(|hours| hours.cover(moment));
        }
        let mut order: Vec<usize> = self.waiting.iter().copied().collect();
        order.sort_by_key(|index| (Reverse(self.tasks[*index].priority), self.tasks[*index].arrives, *index));
        let mut ends = Vec::new();
        for index in order {
            let open = &self.open[index];
            match first_guess_least_loaded(&open.skills, self.tasks[index].language, &agents, floor) {
                Proposal::Offer { candidates, .. } => {
                    let Some(free) = candidates.iter().find(|one| !open.rejected_by.contains(&one.agent_id))
                    else {
                        continue;
                    };
                    let seat = self.seats[&free.agent_id];
                    agents[seat].take(1, moment);
                    ends.push((index, Some(free.agent_id.clone())));
                }
                Proposal::Triage => ends.push((index, None)),
                Proposal::Wait { .. } => {}
            }
        }
        ends
    }

    fn leave_queue(&mut self, index: usize, now: i64) {
        self.waiting.remove(&index);
        let open = &mut self.open[index];
        open.waited += now - open.queued_at;
        open.attempts += 1;
    }

    fn give(&mut self, index: usize, agent: AgentId, now: i64) {
        self.leave_queue(index, now);
        let (seat, moment) = (self.seats[&agent], self.moment(now));
        self.agents[seat].take(1, moment);
        self.day.allocations += 1;
        let task = &self.tasks[index];
        let fails = self.wrong(seat, task.truth);
        let open = &mut self.open[index];
        if self.day.first_wait[index].is_nan() {
            self.day.first_wait[index] = seconds(open.waited);
        }
        let luck = task.luck(open.attempts, self.scenario.handling.spread);
        let proficiency = self.agents[seat].skills.get(&task.truth).map(|level| usize::from(*level) - 1);
        let (takes, end) = if luck.wrong < fails {
            self.day.wrong += 1;
            open.rejected_by.insert(agent);
            if luck.known < self.scenario.wrong.right_skill_known {
                open.skills = task.named(task.truth);
            }
            (luck.other_ms(self.scenario.wrong.discovered_minutes), Event::ComesBack(index, seat))
        } else {
            let handling = &self.scenario.handling;
            let times =
                proficiency.map_or(handling.by_proficiency[0], |level| handling.by_proficiency[level]);
            (luck.handling_ms(handling.minutes[&task.truth] * times), Event::Finished(index, seat))
        };
        self.busy[seat] += takes;
        self.events.push(Reverse((now + takes, end)));
    }

    /// How likely the agent in this seat cannot finish an inquiry that needs the skill.
    fn wrong(&self, seat: usize, truth: Skill) -> f64 {
        let (wrong, skills) = (&self.scenario.wrong, &self.agents[seat].skills);
        if let Some(level) = skills.get(&truth) {
            return wrong.by_proficiency[usize::from(*level) - 1];
        }
        let near = self.scenario.classifier.confusions.get(&truth);
        let helps = near.is_some_and(|near| near.iter().any(|skill| skills.contains_key(skill)));
        if helps { wrong.neighbour } else { 1.0 }
    }

    fn triage(&mut self, index: usize, now: i64) {
        self.leave_queue(index, now);
        self.day.triaged += 1;
        let (task, open) = (&self.tasks[index], &mut self.open[index]);
        let luck = task.luck(open.attempts, self.scenario.handling.spread);
        let triage = self.scenario.triage;
        let second = task.skills.iter().map(|entry| entry.skill).find(|skill| *skill != task.truth);
        let named = if luck.known < triage.right { task.truth } else { second.unwrap_or(task.truth) };
        open.skills = task.named(named);
        self.events.push(Reverse((now + luck.other_ms(triage.minutes), Event::Triaged(index))));
    }

    fn end(mut self, pool: &Pool) -> Day {
        for (index, wait) in self.day.all_waits.iter_mut().enumerate() {
            if wait.is_nan() {
                self.day.unfinished += 1;
                let open = &self.open[index];
                let last = if self.waiting.contains(&index) { LAST_MS - open.queued_at } else { 0 };
                *wait = seconds(open.waited + last);
                if self.day.first_wait[index].is_nan() {
                    self.day.first_wait[index] = *wait;
                }
            }
        }
        self.day.occupancy = self
            .busy
            .iter()
            .zip(&self.agents)
            .zip(&pool.on_shift)
            .map(|((busy, agent), on_shift)| *busy as f64 / (f64::from(agent.capacity.max(1)) * on_shift))
            .collect();
        self.day
    }
}

fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
