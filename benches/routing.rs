//! One tick of many inquiries and agents, in processor time of the thread: `cargo bench --bench routing`.

mod generated;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use generated::{ThreadTime, criterion as configured};
use mimamori::config::Config;
use mimamori::contract::{AgentId, InquiryId, Language, Priority, Skill, SkillProbability};
use mimamori::routing::{AgentSnapshot, Case, Left, Policy, decide};
use rand::prelude::*;
use rand::rngs::StdRng;

fn now() -> DateTime<Utc> {
    "2026-11-23T03:00:00Z".parse().expect("a moment")
}

fn agents(random: &mut StdRng, count: usize, capacity: u32) -> Vec<AgentSnapshot> {
    (0..count)
        .map(|n| AgentSnapshot {
            agent_id: AgentId::new(format!("a-{n}")).expect("an id"),
            skills: Skill::ALL.sample(random, 4).map(|skill| (*skill, random_proficiency(n))).collect(),
            languages: if n % 4 == 0 { vec![Language::Ja, Language::En] } else { vec![Language::Ja] },
            team: None,
            hours: None,
            available: true,
            open: 0,
            capacity,
            last_assigned_at: Some(now() - TimeDelta::seconds(7 * n as i64 % 3600)),
            mean_open: f64::from(capacity) * (n % 9) as f64 / 9.0,
            open_changed_at: Some(now() - TimeDelta::seconds(7 * n as i64 % 3600)),
        })
        .collect()
}

fn random_proficiency(n: usize) -> u8 {
    1 + (n * 7 % 5) as u8
}

fn cases(random: &mut StdRng, count: usize) -> Vec<Case> {
    (0..count)
        .map(|n| {
            let best = random.random_range(0.77..0.99);
            let mut skills: Vec<SkillProbability> = Skill::ALL
                .iter()
                .map(|skill| SkillProbability { skill: *skill, probability: (1.0 - best) / 12.0 })
                .collect();
            skills.shuffle(random);
            skills[0].probability = best;
            Case {
                inquiry_id: InquiryId::new(format!("q-{n}")).expect("an id"),
                skills,
                language: if random.random_bool(0.2) { Language::En } else { Language::Ja },
                priority: [Priority::Normal, Priority::High][random.random_range(0..2)],
                weight: 1,
                received_at: now() - TimeDelta::seconds(random.random_range(0..1200)),
                waiting_since: now(),
                flagged: random.random_bool(0.02),
                rejected_by: BTreeSet::new(),
                set_aside: BTreeMap::new(),
                left: Left::Others,
                preferred: None,
            }
        })
        .collect()
}

fn ticks(criterion: &mut Criterion<ThreadTime>) {
    let policy = Config::load(None, []).expect("the defaults are valid").routing.policy(0.76);
    let exact = Policy { exact_pairs: usize::MAX, ..policy.clone() };
    let mut group = criterion.benchmark_group("a tick of 500 inquiries");
    group.throughput(Throughput::Elements(500));
    for (name, count, capacity, policy) in [
        ("1500 free slots: 500 agents with 3, exact", 500, 3, &exact),
        ("1500 free slots: 1500 agents with 1, exact", 1500, 1, &exact),
        ("1500 free slots: 500 agents with 3, as shipped", 500, 3, &policy),
        ("1500 free slots: 1500 agents with 1, as shipped", 1500, 1, &policy),
        ("too few: 300 free slots of 100 agents, exact", 100, 3, &exact),
    ] {
        let random = &mut StdRng::seed_from_u64(7);
        let (agents, cases) = (agents(random, count, capacity), cases(random, 500));
        group.bench_function(name, |bench| bench.iter(|| decide(&cases, &agents, policy, now())));
    }
    group.finish();
}

criterion_group! { name = benches; config = configured(); targets = ticks }
criterion_main!(benches);
