//! What must hold whatever happens: eight writers of every kind at once, duplicates, rejections, offers that run out, people who leave,
//! and writers killed at every step.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use mimamori::access::Sight;
use mimamori::config::{Config, Database};
use mimamori::contract::*;
use mimamori::routing::{Case, Policy, Proposal, decide};
use mimamori::store::{self, *};
use mimamori::worker::Predicted;
use rand::prelude::*;
use rand::rngs::StdRng;
use tokio::time::timeout;

use crate::promises::Behind;
use crate::support::database::Fresh;
use crate::support::values::*;

const INQUIRIES: usize = 10_000;
const AGENTS: usize = 100;
const ROUTERS: u64 = 3;
const AGENT_WRITERS: u64 = 3;
const SEED: u64 = 20_261_122;
/// A new batch is taken up only while fewer wait.
const BACKLOG: usize = 150;
const BATCH: usize = 50;
/// Of a hundred writes, so many are killed at some step.
const KILLED: u32 = 2;
/// Supervisors and sweeps come to their work after so many seconds of the test's clock.
const EVERY: i64 = 60;
/// A supervisor looks at so many of the newest.
const RECENT: u32 = 400;
/// A router without work looks again after this time at the latest.
const TICK: Duration = Duration::from_millis(50);
const CHECKPOINT: usize = 2_000;

/// What all writers share.
struct World {
    stores: [Arc<dyn Store>; 2],
    database: Database,
    policy: Policy,
    profiles: Vec<AgentProfile>,
    /// The next inquiry that comes in.
    next: AtomicUsize,
    /// Seconds since the beginning; every write takes one.
    clock: AtomicI64,
    writes: AtomicUsize,
}

impl World {
    fn now(&self) -> DateTime<Utc> {
        at(self.clock.fetch_add(1, Ordering::Relaxed))
    }

    fn all_came_in(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= INQUIRIES
    }

    /// Runs a write to its end, or kills its process at some step: the transaction ends where it was, and nobody hears what came of it. Says
    /// whether it came to its end.
    async fn write<T, F>(
        &self,
        random: &mut StdRng,
        of: &Arc<dyn Store>,
        write: impl FnOnce(Arc<dyn Store>) -> F,
    ) -> bool
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        self.writes.fetch_add(1, Ordering::Relaxed);
        if random.random_range(0..100) >= KILLED {
            write(of.clone()).await.unwrap();
            return true;
        }
        // Connections of its own, which die with it.
        let doomed = store::open(&self.database, 1).await.unwrap();
        doomed.ping().await.unwrap();
        let mut steps = random.random_range(1..16);
        let mut write = std::pin::pin!(write(doomed));
        std::future::poll_fn(|context| {
            steps -= 1;
            match write.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(true),
                Poll::Pending if steps == 0 => Poll::Ready(false),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

/// Skills with one or two of high probability, or a flat distribution, which goes to triage.
fn incoming(index: usize, world: &World) -> Predicted {
    let mut random = StdRng::seed_from_u64(SEED ^ index as u64);
    let mut skills = Skill::ALL;
    skills.shuffle(&mut random);
    let best = if random.random_bool(0.03) { 0.2 } else { random.random_range(0.55..0.99) };
    let skills = vec![
        SkillProbability { skill: skills[0], probability: best },
        SkillProbability { skill: skills[1], probability: 1.0 - best },
    ];
    let language = if random.random_bool(0.8) { Language::Ja } else { Language::En };
    let priority = *[Priority::Low, Priority::Normal, Priority::High].choose(&mut random).unwrap();
    let channel = Channel::new(*["chat", "mail", "phone"].choose(&mut random).unwrap()).unwrap();
    let inquiry =
        Inquiry { priority, channel, received_at: world.now(), ..inquiry(&format!("q-{index}"), 0) };
    Predicted::new(inquiry, language, skills, "m1".into()).weighed(&world.policy)
}

async fn router(world: &World, number: u64) {
    let mut random = StdRng::seed_from_u64(SEED + number);
    let store = &world.stores[(number % 2) as usize];
    let mut watch = store.watch_desk().await.unwrap();
    let mut behind = Behind::open(&world.database).await;
    // What nobody acknowledged, the queue delivers again.
    let mut unacknowledged: Vec<Predicted> = Vec::new();
    while !world.all_came_in() {
        let mut all: Vec<Predicted> =
            store.waiting_inquiries(200).await.unwrap().into_iter().map(Predicted::from).collect();
        let waiting = all.len();
        if waiting < BACKLOG {
            let from = world.next.fetch_add(BATCH, Ordering::Relaxed);
            if from > 0 && from.is_multiple_of(CHECKPOINT) {
                // While the others write.
                assert_eq!(behind.broken().await, [], "after {from} inquiries");
            }
            all.extend((from..(from + BATCH).min(INQUIRIES)).map(|index| incoming(index, world)));
            all.append(&mut unacknowledged);
            // Delivered twice.
            let known = from.clamp(1, INQUIRIES);
            all.extend((0..3).map(|_| incoming(random.random_range(0..known), world)));
        }
        let agents = store.free_agents().await.unwrap().agents;
        let cases: Vec<Case> = all.iter().map(|one| one.case(false, None)).collect();
        let now = world.now();
        let decided = decide(&cases, &agents, &world.policy, now);
        let mut committed = 0;
        for (index, (one, decided)) in all.into_iter().zip(decided).enumerate() {
            if index < waiting && matches!(decided.proposal, Proposal::Wait { .. }) {
                continue;
            }
            let again = (index >= waiting).then(|| one.clone());
            let offer = random.random_bool(0.7).then(|| TimeDelta::seconds(random.random_range(200..20_000)));
            let decision = one.with(decided, offer, now);
            let commit = |store: Arc<dyn Store>| async move { store.commit_routing(&decision).await };
            if !world.write(&mut random, store, commit).await {
                unacknowledged.extend(again);
            }
            committed += 1;
        }
        if committed == 0 {
            // Until somebody is free; a killed process may have told nobody.
            let _ = timeout(TICK, watch.changed()).await;
        }
    }
    for one in unacknowledged {
        let decided = decide(&[one.case(false, None)], &[], &world.policy, world.now()).remove(0);
        store.commit_routing(&one.with(decided, None, world.now())).await.unwrap();
    }
}

async fn agents(world: &World, number: u64) {
    let mut random = StdRng::seed_from_u64(SEED + 100 + number);
    let store = &world.stores[(number % 2) as usize];
    let mut behind = Behind::open(&world.database).await;
    let mut watch = store.watch_desk().await.unwrap();
    while !world.all_came_in() {
        let mut live = behind.live().await;
        live.shuffle(&mut random);
        // Half of them: the others are still being worked on.
        live.truncate(live.len() / 2);
        if live.is_empty() {
            let _ = timeout(TICK, watch.changed()).await;
        }
        for (inquiry, agent, generation) in live {
            let now = world.now();
            match random.random_range(0..100) {
                0..12 => {
                    let accept = |store: Arc<dyn Store>| async move {
                        store.accept(&inquiry, &agent, generation, now).await
                    };
                    world.write(&mut random, store, accept).await;
                }
                12..72 => {
                    let generation = random.random_bool(0.5).then_some(generation);
                    let resolve = |store: Arc<dyn Store>| async move {
                        store.resolve_inquiry(&inquiry, &agent, generation, now).await
                    };
                    world.write(&mut random, store, resolve).await;
                }
                72..82 => {
                    let right = random.random_bool(0.5).then(|| *Skill::ALL.choose(&mut random).unwrap());
                    let reject = |store: Arc<dyn Store>| async move {
                        store.reject(&inquiry, &agent, generation, right, now).await
                    };
                    world.write(&mut random, store, reject).await;
                }
                82..85 => {
                    // On what they held once.
                    let stale = generation.saturating_sub(1);
                    let change = store.accept(&inquiry, &agent, stale, now).await.unwrap();
                    assert!(matches!(change, Change::Lost(_)), "{inquiry} generation {stale}");
                    let other = &world.profiles[random.random_range(0..AGENTS)].agent_id;
                    if *other != agent {
                        let change = store.reject(&inquiry, other, generation, None, now).await.unwrap();
                        assert!(matches!(change, Change::Lost(_)), "{inquiry} is not with {other}");
                    }
                }
                // Nothing: it may run out.
                _ => {}
            }
        }
    }
}

async fn supervisor(world: &World) {
    let mut random = StdRng::seed_from_u64(SEED + 200);
    let store = &world.stores[0];
    let mut watch = store.watch_desk().await.unwrap();
    let mut next = 0;
    while !world.all_came_in() {
        let _ = timeout(TICK, watch.changed()).await;
        let now = world.clock.load(Ordering::Relaxed);
        if now < next {
            continue;
        }
        next = now + EVERY;
        let offset = random.random_range(0..RECENT);
        for row in store.inquiries(Page { offset, limit: 20 }, &Sight::All).await.unwrap() {
            let now = world.now();
            let likeliest = row.corrected_skill.unwrap_or(row.skills[0].skill);
            let (id, by) = (&row.inquiry_id, "supervisor:s-1");
            if row.status == InquiryStatus::Triage || random.random_bool(0.02) {
                let classify = |store: Arc<dyn Store>| async move {
                    store.classify(id, likeliest, row.generation, by, now).await
                };
                world.write(&mut random, store, classify).await;
            } else if row.status != InquiryStatus::Resolved && random.random_bool(0.1) {
                let able = |one: &&AgentProfile| {
                    one.skills.contains_key(&likeliest) && one.languages.contains(&row.language)
                };
                let Some(agent) = world.profiles.iter().filter(able).choose(&mut random) else { continue };
                let order = DirectAssignment {
                    inquiry_id: id.clone(),
                    agent_id: agent.agent_id.clone(),
                    skill: Some(likeliest),
                    generation: row.generation,
                    by: by.into(),
                    at: now,
                };
                let assign = |store: Arc<dyn Store>| async move { store.assign(&order).await };
                world.write(&mut random, store, assign).await;
            }
        }
    }
}

/// Sweeps, people who leave and come back, and a bulk tool.
async fn housekeeper(world: &World) {
    let mut random = StdRng::seed_from_u64(SEED + 300);
    let store = &world.stores[1];
    let mut watch = store.watch_desk().await.unwrap();
    let mut next = 0;
    while !world.all_came_in() {
        let _ = timeout(TICK, watch.changed()).await;
        let now = world.clock.load(Ordering::Relaxed);
        if now < next {
            continue;
        }
        next = now + EVERY;
        let now = world.now();
        let expire = |store: Arc<dyn Store>| async move { store.expire(now, 20).await };
        world.write(&mut random, store, expire).await;
        let mut left = world.profiles.choose(&mut random).unwrap().clone();
        left.available = false;
        store.upsert_agents(std::slice::from_ref(&left)).await.unwrap();
        let sweep = |store: Arc<dyn Store>| async move { store.return_untouched(Utc::now(), 20, now).await };
        world.write(&mut random, store, sweep).await;
        if random.random_bool(0.1) {
            let agent = left.agent_id.clone();
            let withdraw =
                |store: Arc<dyn Store>| async move { store.withdraw_agent(&agent, "bulk", now).await };
            world.write(&mut random, store, withdraw).await;
        }
        left.available = true;
        store.upsert_agents(&[left]).await.unwrap();
    }
}

fn profiles() -> Vec<AgentProfile> {
    let mut random = StdRng::seed_from_u64(SEED);
    let profile = |n: usize| {
        // Every skill in both languages is with somebody.
        let own = Skill::ALL[n % Skill::ALL.len()];
        let other = *Skill::ALL.choose(&mut random).unwrap();
        let languages =
            if n.is_multiple_of(2) { vec![Language::Ja, Language::En] } else { vec![Language::Ja] };
        agent(&format!("a-{n:02}"), &[own, other], &languages, random.random_range(4..11))
    };
    (0..AGENTS).map(profile).collect()
}

pub async fn eight_writers_keep_every_promise(fresh: Fresh) {
    let store = fresh.migrated().await;
    let mut policy = Config::load(None, []).unwrap().routing.policy(0.5);
    // So that the skill of an assignment is one that its agent has.
    policy.neighbours.clear();
    let weight = |channel: &str, places| (Channel::new(channel).unwrap(), places);
    policy.channel_weights = [weight("chat", 1), weight("mail", 2), weight("phone", 3)].into();
    let profiles = profiles();
    store.upsert_agents(&profiles).await.unwrap();
    let world = Arc::new(World {
        stores: [store.clone(), fresh.open().await],
        database: fresh.config.clone(),
        policy,
        profiles,
        next: AtomicUsize::new(0),
        clock: AtomicI64::new(0),
        writes: AtomicUsize::new(0),
    });
    let began = Instant::now();
    let mut writers = Vec::new();
    for number in 0..ROUTERS {
        let world = world.clone();
        writers.push(tokio::spawn(async move { router(&world, number).await }));
    }
    for number in 0..AGENT_WRITERS {
        let world = world.clone();
        writers.push(tokio::spawn(async move { agents(&world, number).await }));
    }
    let (one, other) = (world.clone(), world.clone());
    writers.push(tokio::spawn(async move { supervisor(&one).await }));
    writers.push(tokio::spawn(async move { housekeeper(&other).await }));
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    let took = began.elapsed().as_secs_f64();

    let again = store.waiting_inquiries(u32::MAX).await.unwrap().len();
    assert_eq!(Behind::open(&fresh.config).await.broken().await, []);
    assert_eq!(fresh.number("select count(*) from inquiries").await, INQUIRIES as i64, "none is lost");
    let resolved = fresh.number("select count(*) from inquiries where status = 'resolved'").await;
    let (writes, rate) =
        (world.writes.load(Ordering::Relaxed), world.writes.load(Ordering::Relaxed) as f64 / took);
    println!("{writes} writes in {took:.1} s ({rate:.0}/s); {resolved} resolved, {again} waiting");
    assert!(
        resolved as usize > INQUIRIES / 2,
        "{resolved} were resolved: the writers got in each other's way"
    );
    for outcome in [
        "select count(*) from inquiries where weight = 3 and status = 'resolved'",
        "select count(*) from assignments where outcome = 'rejected'",
        "select count(*) from assignments where outcome = 'expired'",
        "select count(*) from assignments where outcome = 'returned'",
        "select count(*) from assignments where outcome = 'withdrawn'",
        "select count(*) from assignments where ended_by like 'supervisor:%'",
    ] {
        assert!(fresh.number(outcome).await > 0, "{outcome}");
    }
}
