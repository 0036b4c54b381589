//! What the engine promises, case by case.

mod channels;
mod last_step;
mod pools;
mod replay;

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
        mean_open: 0.0,
        open_changed_at: None,
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
        weight: 1,
        received_at: now(),
        waiting_since: now(),
        flagged: false,
        rejected_by: BTreeSet::new(),
        set_aside: BTreeMap::new(),
        left: Left::Others,
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
fn whose_places_were_in_use_for_longer_costs_more() {
    let worked = |id: &str, minutes: i64| {
        let mut agent = agent(id, &[(Skill::Shipping, 4)], 2);
        agent.take(1, now() - TimeDelta::minutes(70));
        agent.give_back(1, now() - TimeDelta::minutes(70 - minutes));
        agent
    };
    let tired = worked("a-tired", 40);
    // As many inquiries, and idle for no longer, but it took less.
    let rested = worked("b-rested", 10);
    let decided = alone(case("q", &[(Skill::Shipping, 1.0)]), &[tired, rested], &policy());
    assert_eq!(chosen(&decided), Some("b-rested"));
}

#[test]
fn the_mean_of_places_in_use_stays_between_none_and_all() {
    let mut random = StdRng::seed_from_u64(5);
    let mut agent = agent("a", &[(Skill::Shipping, 4)], 3);
    let mut at = now();
    for _ in 0..500 {
        // Clocks of two routers: now and then the time goes back.
        at += TimeDelta::seconds(random.random_range(-20..4000));
        if agent.free() > 0 && random.random_bool(0.5) {
            agent.take(1, at);
        } else if agent.open > 0 {
            agent.give_back(1, at);
        }
        assert!((0.0..=3.0).contains(&agent.mean_open), "{}", agent.mean_open);
    }
    agent.give_back(agent.open, at);
    let later = |hours| agent.mean_open_at(at + TimeDelta::hours(hours));
    assert!((later(1) - later(0) / 2.0).abs() < 1e-9 && later(1000) < 0.01, "an hour without work halves it");
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
