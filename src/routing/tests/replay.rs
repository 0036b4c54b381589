//! Past decisions taken again.

use super::pools::made_up;
use super::*;

fn past(case: &Case, decided: Decided) -> PastDecision {
    // Through JSON, as the store keeps it.
    let stored = serde_json::to_string(&decided.explanation).unwrap();
    PastDecision {
        inquiry_id: case.inquiry_id.clone(),
        language: case.language,
        priority: case.priority,
        received_at: case.received_at,
        skills: case.skills.clone(),
        became: Fate::of(&decided.explanation),
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
fn an_agent_who_was_chosen_but_taken_by_then_is_not_given_anything() {
    let agents = [agent("a", &[(Skill::Shipping, 5)], 1), agent("b", &[(Skill::Shipping, 2)], 1)];
    let case = case("q", &[(Skill::Shipping, 1.0)]);
    let mut policy = policy();
    let decided = alone(case.clone(), &agents, &policy);
    assert_eq!(chosen(&decided), Some("a"));
    let taken = PastDecision { became: Fate::Waits, ..past(&case, decided) };
    let again = replay(vec![taken.clone()], &policy).remove(0);
    assert_eq!((again.then, again.now), (Fate::Waits, Fate::Waits), "as it was");
    policy.suitability = [0.9, 0.9, 0.9, 0.1, 0.1];
    let other = replay(vec![taken.clone()], &policy).remove(0);
    assert_eq!(other.now, Fate::Agent(AgentId::new("b").unwrap()));
    let mut tally = Tally::default();
    tally.add(&replay(vec![taken], &policy));
    assert_eq!((tally.then.assigned(), tally.then.waits), (0, 1));
}

#[test]
fn a_period_without_safety_skills_is_replayed_with_its_flags() {
    let agents = [agent("a", &[(Skill::Payment, 5)], 1), agent("b", &[(Skill::FraudSecurity, 5)], 1)];
    let flagged = Case { flagged: true, ..case("q", &[(Skill::Payment, 0.9)]) };
    let mut off = policy();
    off.safety_skills.clear();
    let decided = alone(flagged.clone(), &agents, &off);
    assert_eq!((chosen(&decided), decided.explanation.flagged), (Some("a"), true));
    assert_eq!(
        decided.explanation.urgency,
        alone(case("q", &[(Skill::Payment, 0.9)]), &agents, &off).explanation.urgency
    );
    let tick = vec![past(&flagged, decided)];
    let same = replay(tick.clone(), &off).remove(0);
    assert_eq!(same.then, same.now);
    let safe = replay(tick, &policy()).remove(0);
    assert_ne!(safe.now, safe.then, "an agent without a safety skill may not have it");
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
