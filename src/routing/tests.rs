//! What the engine promises, on made-up pools.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use rand::prelude::*;
use rand::rngs::StdRng;

use super::*;
use crate::config::Config;
use crate::contract::{AgentId, InquiryId, Language, Priority, Skill, SkillProbability};

fn now() -> DateTime<Utc> {
    "2026-11-23T03:00:00Z".parse().unwrap()
}

fn policy() -> Policy {
    Config::load(None, []).unwrap().routing.policy(0.5)
}

fn agent(id: &str, skills: &[(Skill, u8)], capacity: u32) -> AgentSnapshot {
    AgentSnapshot {
        agent_id: AgentId::new(id).unwrap(),
        skills: skills.iter().copied().collect(),
        languages: vec![Language::Ja],
        team: None,
        hours: None,
        available: true,
        open: 0,
        capacity,
        last_assigned_at: None,
        recent: 0.0,
    }
}

/// A Japanese inquiry that came just now.
fn case(id: &str, skills: &[(Skill, f64)]) -> Case {
    Case {
        inquiry_id: InquiryId::new(id).unwrap(),
        skills: skills
            .iter()
            .map(|(skill, probability)| SkillProbability { skill: *skill, probability: *probability })
            .collect(),
        language: Language::Ja,
        priority: Priority::Normal,
        received_at: now(),
        waiting_since: now(),
        flagged: false,
        rejected_by: BTreeSet::new(),
        preferred: None,
    }
}

fn waited(mut case: Case, seconds: i64) -> Case {
    case.received_at = now() - TimeDelta::seconds(seconds);
    case.waiting_since = case.received_at;
    case
}

fn chosen(decided: &Decided) -> Option<&str> {
    decided.explanation.chosen.as_ref().map(AgentId::as_str)
}

fn alone(case: Case, agents: &[AgentSnapshot], policy: &Policy) -> Decided {
    decide(&[case], agents, policy, now()).remove(0)
}

#[test]
fn the_whole_distribution_decides_and_not_the_first_guess() {
    let agents = [
        agent("first-guess", &[(Skill::Payment, 4)], 1),
        agent("both", &[(Skill::Payment, 3), (Skill::PointsCoupons, 5)], 1),
    ];
    let unsure = case("q", &[(Skill::Payment, 0.55), (Skill::PointsCoupons, 0.45)]);
    let decided = alone(unsure, &agents, &policy());
    assert_eq!(chosen(&decided), Some("both"));
    let [best, other] = &decided.explanation.candidates[..] else { panic!("both were candidates") };
    assert!((best.wrong - (1.0 - 0.55 * 0.85 - 0.45 * 0.97)).abs() < 1e-9);
    assert!((other.wrong - (1.0 - 0.55 * 0.93)).abs() < 1e-9, "a missing skill costs its whole probability");
}

#[test]
fn the_more_proficient_is_chosen_for_what_only_they_do_well() {
    let agents =
        [agent("a-learns", &[(Skill::Shipping, 2)], 3), agent("b-knows", &[(Skill::Shipping, 5)], 3)];
    let decided = alone(case("q", &[(Skill::Shipping, 1.0)]), &agents, &policy());
    assert_eq!(chosen(&decided), Some("b-knows"));
}

#[test]
fn people_with_rare_skills_are_kept_for_those_who_need_them() {
    let agents = [
        agent("a-rare", &[(Skill::Shipping, 4), (Skill::FraudSecurity, 4)], 1),
        agent("b-common", &[(Skill::Shipping, 4)], 1),
    ];
    let decided = alone(case("q", &[(Skill::Shipping, 1.0)]), &agents, &policy());
    assert_eq!(chosen(&decided), Some("b-common"));
    let price = |id: &str| {
        decided.explanation.candidates.iter().find(|one| one.agent_id.as_str() == id).unwrap().scarcity
    };
    assert!(price("a-rare") > price("b-common"));
}

#[test]
fn a_tick_is_decided_as_a_whole() {
    // One at a time, the first inquiry would take the only agent whom the second can have.
    let agents = [
        agent("a-both", &[(Skill::Shipping, 5), (Skill::Listing, 5)], 1),
        agent("b-shipping", &[(Skill::Shipping, 4)], 1),
    ];
    let cases = [case("q-1", &[(Skill::Shipping, 1.0)]), case("q-2", &[(Skill::Listing, 1.0)])];
    let mut policy = policy();
    policy.scarcity_weight = 0.0;
    let decided = decide(&cases, &agents, &policy, now());
    assert_eq!((chosen(&decided[0]), chosen(&decided[1])), (Some("b-shipping"), Some("a-both")));
    policy.exact_pairs = 0;
    let greedy = decide(&cases, &agents, &policy, now());
    assert_eq!((chosen(&greedy[0]), chosen(&greedy[1])), (Some("a-both"), None));
    assert_eq!(greedy[0].explanation.method, Method::Greedy);
}

#[test]
fn the_agent_who_knows_the_customer_gets_them_if_they_can() {
    let policy = policy();
    let knows = |open_matter| {
        let preferred = Preferred { agent_id: AgentId::new("familiar").unwrap(), open_matter };
        Case { preferred: Some(preferred), ..case("q", &[(Skill::Shipping, 1.0)]) }
    };
    let stranger = agent("a-better-one", &[(Skill::Shipping, 5)], 9);
    let familiar = |proficiency, open, capacity| AgentSnapshot {
        open,
        ..agent("familiar", &[(Skill::Shipping, proficiency)], capacity)
    };
    let gets = |case: Case, familiar: AgentSnapshot| {
        chosen(&alone(case, &[stranger.clone(), familiar], &policy)).map(str::to_owned)
    };
    let stays = Some("familiar".to_owned());
    // An open matter stays where it is, even with somebody busier and less proficient.
    assert_eq!(gets(knows(true), familiar(3, 8, 9)), stays);
    // Who returns is only preferred.
    assert_eq!(gets(knows(false), familiar(4, 0, 9)), stays);
    assert_ne!(gets(knows(false), familiar(3, 8, 9)), stays);
    // A hard constraint stands above both.
    assert_ne!(gets(knows(true), familiar(3, 9, 9)), stays);
    let away = AgentSnapshot { available: false, ..familiar(5, 0, 9) };
    assert_ne!(gets(knows(true), away), stays);
    let decided = alone(knows(true), &[stranger.clone(), familiar(3, 0, 9)], &policy);
    let prices: Vec<f64> = decided.explanation.candidates.iter().map(|one| one.familiarity).collect();
    assert_eq!(prices, [policy.open_matter_weight, 0.0]);
}

#[test]
fn when_agents_are_short_the_more_urgent_goes_first() {
    let agents = [agent("a", &[(Skill::Shipping, 3)], 1)];
    let shipping = |id: &str| case(id, &[(Skill::Shipping, 1.0)]);
    let late = waited(shipping("q-late"), 600);
    let decided = decide(&[shipping("q-new"), late.clone()], &agents, &policy(), now());
    assert_eq!((chosen(&decided[0]), chosen(&decided[1])), (None, Some("a")));
    let urgent = Case { priority: Priority::Urgent, ..shipping("q-urgent") };
    let decided = decide(&[urgent, late], &agents, &policy(), now());
    assert_eq!((chosen(&decided[0]), chosen(&decided[1])), (Some("a"), None));
}

#[test]
fn the_load_is_spread_and_the_longest_idle_breaks_a_tie() {
    let shipping = [(Skill::Shipping, 4)];
    let mut busy = agent("a-busy", &shipping, 4);
    busy.open = 2;
    let decided = alone(case("q", &[(Skill::Shipping, 1.0)]), &[busy, agent("b", &shipping, 4)], &policy());
    assert_eq!(chosen(&decided), Some("b"));

    let since = |id: &str, minutes: i64| {
        let mut agent = agent(id, &shipping, 1);
        agent.last_assigned_at = Some(now() - TimeDelta::minutes(minutes));
        agent
    };
    let agents = [since("a", 5), since("b", 50), since("c", 20)];
    assert_eq!(chosen(&alone(case("q", &[(Skill::Shipping, 1.0)]), &agents, &policy())), Some("b"));

    let four = (0..4).map(|n| case(&format!("q-{n}"), &[(Skill::Shipping, 1.0)])).collect::<Vec<_>>();
    let decided = decide(&four, &[agent("a", &shipping, 4), agent("b", &shipping, 4)], &policy(), now());
    let of_a = decided.iter().filter(|one| chosen(one) == Some("a")).count();
    assert_eq!(of_a, 2, "one tick does not fill one agent while another has nothing");
}

#[test]
fn who_has_just_received_a_lot_costs_more() {
    let mut tired = agent("a-tired", &[(Skill::Shipping, 4)], 2);
    (tired.recent, tired.last_assigned_at) = (8.0, Some(now() - TimeDelta::minutes(10)));
    let mut rested = agent("b-rested", &[(Skill::Shipping, 4)], 2);
    (rested.recent, rested.last_assigned_at) = (1.0, Some(now() - TimeDelta::minutes(9)));
    let decided = alone(case("q", &[(Skill::Shipping, 1.0)]), &[tired, rested], &policy());
    assert_eq!(chosen(&decided), Some("b-rested"));
}

#[test]
fn every_hard_constraint_excludes_and_is_named() {
    let shipping = [(Skill::Shipping, 4)];
    let with = |id: &str, change: &dyn Fn(&mut AgentSnapshot)| {
        let mut agent = agent(id, &shipping, 1);
        change(&mut agent);
        agent
    };
    let night = r#"{"time_zone":"Asia/Tokyo","shifts":[{"days":["Mon"],"from":"22:00","to":"06:00"}]}"#;
    let agents = [
        with("absent", &|agent| agent.available = false),
        with("full", &|agent| agent.open = 1),
        with("off-shift", &|agent| agent.hours = Some(serde_json::from_str(night).unwrap())),
        with("english", &|agent| agent.languages = vec![Language::En]),
        with("rejected", &|_| {}),
        with("other-skill", &|agent| agent.skills = BTreeMap::from([(Skill::Listing, 5)])),
        with("beginner", &|agent| agent.skills = BTreeMap::from([(Skill::Shipping, 1)])),
        with("other-team", &|agent| agent.team = Some("safety".into())),
    ];
    let mut policy = policy();
    policy.teams = BTreeMap::from([("parcels".into(), vec![Skill::Shipping])]);
    let mut case = case("q", &[(Skill::Shipping, 1.0)]);
    case.rejected_by.insert(AgentId::new("rejected").unwrap());
    let decided = alone(case, &agents, &policy);
    assert_eq!(decided.proposal, Proposal::Wait { skill: Skill::Shipping });
    let named: Vec<_> = decided
        .explanation
        .excluded
        .iter()
        .map(|(constraint, who)| (*constraint, who.agents, who.first[0].as_str()))
        .collect();
    let expected = [
        (Constraint::Absent, 1, "absent"),
        (Constraint::OffShift, 1, "off-shift"),
        (Constraint::Full, 1, "full"),
        (Constraint::Language, 1, "english"),
        (Constraint::Rejected, 1, "rejected"),
        (Constraint::Skill, 1, "other-skill"),
        (Constraint::Proficiency, 1, "beginner"),
        (Constraint::Team, 1, "other-team"),
    ];
    assert_eq!(named, expected);
    let kept: Vec<_> = decided.explanation.candidates.iter().map(|one| one.agent_id.as_str()).collect();
    assert_eq!(kept.len(), 3, "those whom a later step may allow are told: {kept:?}");
}

#[test]
fn requirements_are_given_up_step_by_step() {
    let policy = Policy {
        teams: BTreeMap::from([("parcels".into(), vec![Skill::Shipping])]),
        steps: vec![
            Step { after_seconds: 0, min_proficiency: 3, neighbours: false, any_team: false },
            Step { after_seconds: 60, min_proficiency: 1, neighbours: false, any_team: false },
            Step { after_seconds: 120, min_proficiency: 1, neighbours: false, any_team: true },
            Step { after_seconds: 180, min_proficiency: 1, neighbours: true, any_team: true },
        ],
        ..policy()
    };
    let beginner = agent("beginner", &[(Skill::Shipping, 1)], 1);
    let mut elsewhere = agent("elsewhere", &[(Skill::Shipping, 5)], 1);
    elsewhere.team = Some("listings".into());
    let neighbour = agent("neighbour", &[(Skill::ReturnRefund, 5)], 1);
    let first_step = |agent: &AgentSnapshot| {
        [0, 60, 120, 180].into_iter().position(|seconds| {
            let case = waited(case("q", &[(Skill::Shipping, 1.0)]), seconds);
            let decided = alone(case, std::slice::from_ref(agent), &policy);
            assert_eq!(decided.explanation.step as i64, seconds / 60);
            chosen(&decided).is_some()
        })
    };
    assert_eq!(first_step(&beginner), Some(1));
    assert_eq!(first_step(&elsewhere), Some(2));
    assert_eq!(first_step(&neighbour), Some(3));
    let decided = alone(waited(case("q", &[(Skill::Shipping, 1.0)]), 200), &[neighbour], &policy);
    let Proposal::Offer { skill, candidates } = decided.proposal else { panic!("an offer") };
    assert_eq!((skill, candidates[0].skill), (Skill::Shipping, Skill::ReturnRefund));
}

#[test]
fn what_comes_back_is_asked_again_of_those_who_can_do_it() {
    let policy = policy();
    let beginner = agent("beginner", &[(Skill::Shipping, 1)], 1);
    let long_ago = waited(case("q", &[(Skill::Shipping, 1.0)]), 100_000);
    assert!(alone(long_ago.clone(), std::slice::from_ref(&beginner), &policy).explanation.chosen.is_some());
    let back = Case { waiting_since: now(), ..long_ago.clone() };
    let decided = alone(back.clone(), &[beginner], &policy);
    assert_eq!((chosen(&decided), decided.explanation.step), (None, 0));
    // The customer has waited all the same: nobody goes before them.
    assert_eq!(decided.explanation.urgency, alone(long_ago, &[], &policy).explanation.urgency);
}

#[test]
fn a_flagged_inquiry_goes_to_a_safety_skill_or_waits_however_long() {
    let policy = policy();
    let flagged = |seconds| Case { flagged: true, ..waited(case("q", &[(Skill::Payment, 0.9)]), seconds) };
    let payment = agent("a-payment", &[(Skill::Payment, 5)], 1);
    for seconds in [0, 100_000] {
        let decided = alone(flagged(seconds), std::slice::from_ref(&payment), &policy);
        assert_eq!(chosen(&decided), None);
        assert_eq!(decided.explanation.excluded[&Constraint::Training].agents, 1);
    }
    let safety = agent("b-safety", &[(Skill::FraudSecurity, 2)], 1);
    let decided = alone(flagged(0), &[payment, safety], &policy);
    assert_eq!(chosen(&decided), Some("b-safety"));
    assert_eq!(decided.explanation.needs, [Skill::FraudSecurity]);
}

#[test]
fn below_the_floor_a_person_decides() {
    let agents = [agent("a", &[(Skill::Shipping, 5)], 1)];
    let decided = alone(case("q", &[(Skill::Shipping, 0.49), (Skill::Payment, 0.3)]), &agents, &policy());
    assert_eq!((decided.proposal, decided.explanation.method), (Proposal::Triage, Method::Abstained));
    assert_eq!(alone(case("q", &[]), &agents, &policy()).proposal, Proposal::Triage);
}

#[test]
fn an_explanation_stays_small_and_survives_being_stored() {
    let agents: Vec<_> = (0..300)
        .map(|n| {
            let skills: Vec<_> = Skill::ALL.iter().map(|skill| (*skill, 1 + (n % 5) as u8)).collect();
            agent(&format!("agent-with-a-rather-long-name-{n:04}"), &skills, 3)
        })
        .collect();
    let decided = alone(case("q", &[(Skill::Shipping, 1.0)]), &agents, &policy());
    let json = serde_json::to_string(&decided.explanation).unwrap();
    assert!(json.len() < 8_000, "{} bytes", json.len());
    let back: Explanation = serde_json::from_str(&json).unwrap();
    assert_eq!(back.chosen, decided.explanation.chosen);
    assert_eq!(back.candidates.len(), 12);
    assert_eq!(back.candidates[0].agent_id, back.chosen.unwrap());
}

/// A pool and inquiries of all sorts.
fn made_up(random: &mut StdRng) -> (Vec<Case>, Vec<AgentSnapshot>, Policy) {
    let skill = |random: &mut StdRng| Skill::ALL[random.random_range(0..Skill::ALL.len())];
    let agents: Vec<AgentSnapshot> = (0..random.random_range(0..25))
        .map(|n| {
            let skills: Vec<_> =
                (0..random.random_range(0..6)).map(|_| (skill(random), random.random_range(1..=5))).collect();
            let mut agent = agent(&format!("a-{n}"), &skills, random.random_range(0..4));
            agent.languages = Language::ALL.into_iter().filter(|_| random.random_bool(0.7)).collect();
            agent.available = random.random_bool(0.9);
            agent.open = random.random_range(0..3);
            agent.recent = random.random_range(0.0..9.0);
            agent.team = [None, Some("safety".to_owned()), Some("parcels".to_owned())]
                .choose(random)
                .cloned()
                .flatten();
            let minutes = random.random_range(0..100);
            agent.last_assigned_at = random.random_bool(0.8).then(|| now() - TimeDelta::minutes(minutes));
            agent
        })
        .collect();
    let cases = (0..random.random_range(0..30))
        .map(|n| {
            let best = random.random_range(0.3..1.0);
            let mut case = case(&format!("q-{n}"), &[(skill(random), best), (skill(random), 1.0 - best)]);
            case.language = Language::ALL[random.random_range(0..2)];
            case.flagged = random.random_bool(0.2);
            case.priority = [Priority::Low, Priority::Normal, Priority::Urgent][random.random_range(0..3)];
            case.rejected_by = agents
                .iter()
                .filter(|_| random.random_bool(0.1))
                .map(|agent| agent.agent_id.clone())
                .collect();
            case.preferred = agents.choose(random).filter(|_| random.random_bool(0.3)).map(|agent| {
                Preferred { agent_id: agent.agent_id.clone(), open_matter: random.random_bool(0.5) }
            });
            waited(case, random.random_range(0..3000))
        })
        .collect();
    let mut policy = policy();
    policy.teams = BTreeMap::from([
        ("safety".into(), vec![Skill::FraudSecurity]),
        ("parcels".into(), vec![Skill::Shipping, Skill::ReturnRefund]),
    ]);
    (cases, agents, policy)
}

#[test]
fn nobody_gets_what_they_must_not_have() {
    for seed in 0..400 {
        let (cases, agents, mut policy) = made_up(&mut StdRng::seed_from_u64(seed));
        policy.exact_pairs = if seed % 2 == 0 { 0 } else { policy.exact_pairs };
        let decided = decide(&cases, &agents, &policy, now());
        assert_eq!(decided.len(), cases.len());
        let mut taken: BTreeMap<&AgentId, u32> = BTreeMap::new();
        for (case, decided) in cases.iter().zip(&decided) {
            assert_eq!(case.inquiry_id, decided.inquiry_id);
            let Proposal::Offer { candidates, .. } = &decided.proposal else { continue };
            let agent = agents.iter().find(|agent| agent.agent_id == candidates[0].agent_id).unwrap();
            *taken.entry(&agent.agent_id).or_default() += 1;
            assert!(agent.available && agent.languages.contains(&case.language), "seed {seed}");
            assert!(!case.rejected_by.contains(&agent.agent_id), "seed {seed}");
            assert_eq!(
                agent.skills.get(&candidates[0].skill),
                Some(&candidates[0].proficiency),
                "seed {seed}"
            );
            assert!(!case.flagged || agent.skills.contains_key(&Skill::FraudSecurity), "seed {seed}");
        }
        for agent in &agents {
            let more = taken.get(&agent.agent_id).copied().unwrap_or(0);
            assert!(more <= agent.free(), "seed {seed}: {} is over capacity", agent.agent_id);
        }
    }
}

#[test]
fn the_order_of_the_lists_makes_no_difference() {
    for seed in 0..200 {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut cases, mut agents, policy) = made_up(&mut random);
        let by_id = |decided: Vec<Decided>| {
            decided.into_iter().map(|one| (one.inquiry_id.clone(), one)).collect::<BTreeMap<_, _>>()
        };
        let before = by_id(decide(&cases, &agents, &policy, now()));
        cases.shuffle(&mut random);
        agents.shuffle(&mut random);
        assert_eq!(by_id(decide(&cases, &agents, &policy, now())), before, "seed {seed}");
    }
}

#[test]
fn nobody_waits_while_somebody_allowed_stays_free() {
    for seed in 0..200 {
        let (cases, agents, policy) = made_up(&mut StdRng::seed_from_u64(seed));
        let decided = decide(&cases, &agents, &policy, now());
        let mut free: BTreeMap<&AgentId, u32> =
            agents.iter().map(|agent| (&agent.agent_id, agent.free())).collect();
        for one in &decided {
            if let Some(agent) = &one.explanation.chosen {
                *free.get_mut(agent).unwrap() -= 1;
            }
        }
        for one in decided.iter().filter(|one| matches!(one.proposal, Proposal::Wait { .. })) {
            let idle = one
                .explanation
                .candidates
                .iter()
                .find(|agent| agent.excluded.is_none() && free[&agent.agent_id] > 0);
            assert!(idle.is_none(), "seed {seed}: {} waits beside {idle:?}", one.inquiry_id);
        }
    }
}

fn past(case: &Case, decided: Decided) -> PastDecision {
    // Through JSON, as the store keeps it.
    let stored = serde_json::to_string(&decided.explanation).unwrap();
    PastDecision {
        inquiry_id: case.inquiry_id.clone(),
        language: case.language,
        priority: case.priority,
        received_at: case.received_at,
        skills: case.skills.clone(),
        explanation: serde_json::from_str(&stored).unwrap(),
        finished_by: None,
    }
}

#[test]
fn a_replay_under_the_same_policy_decides_as_it_was_decided() {
    let mut given = 0;
    for seed in 0..400 {
        let (cases, agents, mut policy) = made_up(&mut StdRng::seed_from_u64(seed));
        policy.exact_pairs = if seed % 4 == 0 { 0 } else { policy.exact_pairs };
        let decided = decide(&cases, &agents, &policy, now());
        let tick = cases.iter().zip(decided).map(|(case, decided)| past(case, decided)).collect();
        for one in replay(tick, &policy) {
            assert_eq!(one.then, one.now, "seed {seed}: {}", one.past.inquiry_id);
            assert_eq!(one.wrong_then, one.wrong_now);
            given += usize::from(one.now.agent().is_some());
        }
    }
    assert!(given > 1000, "the made-up pools give agents something to do: {given}");
}

#[test]
fn a_replay_under_another_policy_says_what_it_would_have_done() {
    let agents = [
        agent("generalist", &[(Skill::Shipping, 3), (Skill::Payment, 5)], 1),
        agent("specialist", &[(Skill::Shipping, 4)], 1),
        agent("beginner", &[(Skill::Listing, 1)], 1),
    ];
    let cases =
        [case("q-1", &[(Skill::Shipping, 1.0)]), case("q-2", &[(Skill::Listing, 0.9)]), case("q-3", &[])];
    let mut then = policy();
    then.scarcity_weight = 0.0;
    then.steps[0].min_proficiency = 2;
    let decided = decide(&cases, &agents, &then, now());
    let tick: Vec<_> = cases.iter().zip(decided).map(|(case, decided)| past(case, decided)).collect();
    let mut now = then.clone();
    now.steps[0].min_proficiency = 1;
    now.suitability = [0.9, 0.9, 0.9, 0.1, 0.1];
    let replayed = replay(tick, &now);
    let fates: Vec<_> = replayed.iter().map(|one| (one.then.clone(), one.now.clone())).collect();
    let to = |id: &str| Fate::Agent(AgentId::new(id).unwrap());
    assert_eq!(
        fates,
        [(to("specialist"), to("generalist")), (Fate::Waits, to("beginner")), (Fate::Triage, Fate::Triage)]
    );
    let near = |wrong: Option<f64>, wanted: f64| (wrong.unwrap() - wanted).abs() < 1e-9;
    assert!(near(replayed[0].wrong_then, 0.9) && near(replayed[0].wrong_now, 0.1));

    let mut tally = Tally::default();
    let mut finished = replayed.clone();
    finished[0].past.finished_by = Some(AgentId::new("generalist").unwrap());
    tally.add(&finished);
    assert_eq!((tally.decisions, tally.ticks, tally.same), (3, 1, 1));
    assert_eq!((tally.then.finished, tally.then.not_finished), (0, 1));
    assert_eq!((tally.now.finished, tally.now.not_finished), (1, 0));
    assert_eq!((tally.then.assigned(), tally.now.assigned(), tally.then.waits), (1, 2, 1));
    // One of three people has one inquiry: mean 1/3, deviation √2/3.
    assert!((tally.then.spread(3).unwrap() - 2f64.sqrt()).abs() < 1e-9);
    assert_eq!(Side::default().spread(3), None);
}
