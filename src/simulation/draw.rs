//! What chance decides: who works, who asks what and when, and what happens to each inquiry.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use rand::prelude::*;
use rand::rngs::StdRng;

use super::scenario::{Group, Scenario};
use crate::contract::{AgentId, Language, Priority, Skill, SkillProbability};
use crate::routing::AgentSnapshot;

const MINUTE_MS: f64 = 60_000.0;
const HOUR_MS: f64 = 3_600_000.0;

/// The agents of a day, with the time that each is on shift.
#[derive(Debug, Clone)]
pub struct Pool {
    pub agents: Vec<AgentSnapshot>,
    /// Milliseconds on shift, for each agent.
    pub on_shift: Vec<f64>,
}

/// An inquiry with its truth.
#[derive(Debug, Clone)]
pub struct Task {
    /// Milliseconds from the beginning of the day.
    pub arrives: i64,
    pub language: Language,
    pub priority: Priority,
    /// What the classifier says, best first.
    pub skills: Vec<SkillProbability>,
    pub truth: Skill,
    seed: u64,
}

/// What happens when an inquiry comes to somebody.
pub(super) struct Luck {
    /// Uniform in 0 to 1: below the probability of a wrong allocation, it is one.
    pub wrong: f64,
    /// Factor on the mean handling time, of mean 1.
    handling: f64,
    /// The same for the time until a wrong allocation is noticed, or a person has read it in triage.
    other: f64,
    /// Uniform in 0 to 1.
    pub known: f64,
}

/// Different numbers for neighbouring seeds (the finaliser of SplitMix64).
fn mixed(seed: u64, number: u64) -> u64 {
    let mut z =
        seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(number.wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Draws the agents of a day.
pub fn pool(scenario: &Scenario, seed: u64) -> Pool {
    let mut random = StdRng::seed_from_u64(mixed(seed, 1));
    let mut pool = Pool { agents: Vec::new(), on_shift: Vec::new() };
    for group in &scenario.agents {
        for _ in 0..group.count {
            let Ok(agent_id) = AgentId::new(format!("agent-{:03}", pool.agents.len() + 1)) else { continue };
            pool.agents.push(AgentSnapshot {
                agent_id,
                skills: skills(group, &mut random),
                languages: group.languages.clone(),
                team: group.team.clone(),
                hours: Some(scenario.hours(group)),
                available: true,
                open: 0,
                capacity: group.capacity,
                last_assigned_at: None,
                mean_open: 0.0,
                open_changed_at: None,
            });
            pool.on_shift.push(scenario.shift_minutes(group) * MINUTE_MS);
        }
    }
    pool
}

fn skills(group: &Group, random: &mut StdRng) -> BTreeMap<Skill, u8> {
    let level = |weights: &[f64; 5], random: &mut StdRng| weighted(weights, random) as u8 + 1;
    let mut skills: BTreeMap<Skill, u8> =
        group.main.iter().map(|skill| (*skill, level(&group.main_proficiency, random))).collect();
    let mut others: Vec<Skill> = Skill::ALL.into_iter().filter(|skill| !skills.contains_key(skill)).collect();
    others.shuffle(random);
    for skill in others.into_iter().take(group.side_skills as usize) {
        skills.insert(skill, level(&group.side_proficiency, random));
    }
    skills
}

/// Draws the inquiries of a day, in the order in which they come.
pub fn tasks(scenario: &Scenario, load: f64, seed: u64) -> Vec<Task> {
    let mut random = StdRng::seed_from_u64(mixed(seed, 2));
    let by_hour = &scenario.arrivals.by_hour;
    let total: f64 = by_hour.iter().sum();
    let mut tasks = Vec::new();
    for (hour, share) in by_hour.iter().enumerate() {
        // Inquiries an hour; exponential gaps make a Poisson stream.
        let rate = scenario.inquiries(load) * share / total;
        if rate <= 0.0 {
            continue;
        }
        let mut at = 0.0;
        loop {
            at += -(1.0 - random.random::<f64>()).ln() / rate;
            if at >= 1.0 {
                break;
            }
            let arrives = ((hour as f64 + at) * HOUR_MS) as i64;
            tasks.push(task(scenario, arrives, mixed(seed, 1000 + tasks.len() as u64)));
        }
    }
    tasks
}

fn task(scenario: &Scenario, arrives: i64, seed: u64) -> Task {
    let mut random = StdRng::seed_from_u64(mixed(seed, 3));
    let arrivals = &scenario.arrivals;
    let guess = of(&arrivals.skills, &mut random).unwrap_or(Skill::Other);
    let distribution = distribution(scenario, guess, &mut random);
    let probabilities: Vec<f64> = distribution.iter().map(|entry| entry.probability).collect();
    // The truth is drawn from what the classifier says: that is what calibrated means.
    let truth = distribution[weighted(&probabilities, &mut random)].skill;
    Task {
        arrives,
        language: of(&arrivals.languages, &mut random).unwrap_or(Language::Ja),
        priority: of(&arrivals.priorities, &mut random).unwrap_or_default(),
        skills: distribution,
        truth,
        seed,
    }
}

/// A distribution with this first guess: how sure is drawn, the rest is split unevenly.
fn distribution(scenario: &Scenario, guess: Skill, random: &mut StdRng) -> Vec<SkillProbability> {
    let classifier = &scenario.classifier;
    let shares: Vec<f64> = classifier.confidence.iter().map(|range| range.share).collect();
    let range = classifier.confidence[weighted(&shares, random)];
    let sure = range.from + (range.to - range.from) * random.random::<f64>();
    let near = classifier.confusions.get(&guess).map(Vec::as_slice).unwrap_or_default();
    let weights: Vec<(Skill, f64, bool)> = Skill::ALL
        .into_iter()
        .filter(|skill| *skill != guess)
        // Exponential weights split a whole uniformly over all ways to split it.
        .map(|skill| (skill, -(1.0 - random.random::<f64>()).ln(), near.contains(&skill)))
        .collect();
    let sum = |is_near: bool| -> f64 {
        weights.iter().filter(|(_, _, near)| *near == is_near).map(|(_, weight, _)| weight).sum()
    };
    let (near_sum, far_sum) = (sum(true), sum(false));
    let near_share = if near_sum > 0.0 { classifier.near } else { 0.0 };
    let rest = weights.iter().map(|(skill, weight, near)| {
        let share =
            if *near { near_share * weight / near_sum } else { (1.0 - near_share) * weight / far_sum };
        SkillProbability { skill: *skill, probability: (1.0 - sure) * share }
    });
    let mut all: Vec<SkillProbability> =
        std::iter::once(SkillProbability { skill: guess, probability: sure }).chain(rest).collect();
    all.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    all
}

impl Task {
    /// The same for every policy that brings the inquiry to somebody for the nth time.
    pub(super) fn luck(&self, attempt: u32, spread: f64) -> Luck {
        let mut random = StdRng::seed_from_u64(mixed(self.seed, 100 + u64::from(attempt)));
        Luck {
            wrong: random.random(),
            handling: log_normal(spread, &mut random),
            other: log_normal(spread, &mut random),
            known: random.random(),
        }
    }

    /// What is known once a person has named the skill.
    pub(super) fn named(&self, skill: Skill) -> Vec<SkillProbability> {
        const SURE: f64 = 0.97;
        let rest = self.skills.iter().filter(|entry| entry.skill != skill);
        let total: f64 = rest.clone().map(|entry| entry.probability).sum::<f64>().max(f64::MIN_POSITIVE);
        let rest = rest.map(|entry| SkillProbability {
            skill: entry.skill,
            probability: (1.0 - SURE) * entry.probability / total,
        });
        std::iter::once(SkillProbability { skill, probability: SURE }).chain(rest).collect()
    }
}

impl Luck {
    pub fn handling_ms(&self, minutes: f64) -> i64 {
        (minutes * self.handling * MINUTE_MS).max(1.0) as i64
    }

    pub fn other_ms(&self, minutes: f64) -> i64 {
        (minutes * self.other * MINUTE_MS).max(1.0) as i64
    }
}

/// Log-normal of mean 1 (normal numbers by Box and Muller).
fn log_normal(spread: f64, random: &mut StdRng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
    let normal = (-2.0 * u.ln()).sqrt() * (TAU * v).cos();
    (spread * normal - spread * spread / 2.0).exp()
}

fn weighted(weights: &[f64], random: &mut StdRng) -> usize {
    let mut left = random.random::<f64>() * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    weights.len() - 1
}

fn of<T: Copy>(weights: &BTreeMap<T, f64>, random: &mut StdRng) -> Option<T> {
    let (values, weights): (Vec<T>, Vec<f64>) =
        weights.iter().map(|(value, weight)| (*value, *weight)).unzip();
    values.get(weighted(&weights, random)).copied()
}
