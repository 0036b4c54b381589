//! Inquiries that take more than one place.

use super::pools::made_up;
use super::*;

fn weighing(weight: u32, case: Case) -> Case {
    Case { weight, ..case }
}

fn shipping(id: &str) -> Case {
    case(id, &[(Skill::Shipping, 1.0)])
}

#[test]
fn no_agent_takes_more_places_than_they_have() {
    for seed in 0..400 {
        let mut random = StdRng::seed_from_u64(seed);
        let (cases, agents, mut policy) = made_up(&mut random);
        policy.exact_pairs = if seed % 2 == 0 { 0 } else { policy.exact_pairs };
        let cases: Vec<Case> =
            cases.into_iter().map(|case| weighing(random.random_range(1..4), case)).collect();
        let decided = decide(&cases, &agents, &policy, now());
        let mut free: BTreeMap<&AgentId, u32> =
            agents.iter().map(|agent| (&agent.agent_id, agent.free())).collect();
        for (case, decided) in cases.iter().zip(&decided) {
            let Some(agent) = &decided.explanation.chosen else { continue };
            let left = free.get_mut(agent).unwrap();
            *left = left.checked_sub(case.weight).expect("a place for each");
        }
    }
}

#[test]
fn the_heavier_finds_its_place_before_the_lighter_fill_the_rest() {
    let agents = [agent("a", &[(Skill::Shipping, 4)], 2), agent("b", &[(Skill::Shipping, 3)], 1)];
    let cases = [shipping("q-1"), weighing(2, shipping("q-2")), shipping("q-3")];
    let decided = decide(&cases, &agents, &policy(), now());
    let got: Vec<_> = decided.iter().map(chosen).collect();
    assert_eq!(got[1], Some("a"));
    assert_eq!([got[0], got[2]].into_iter().flatten().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_place_is_kept_for_a_heavier_one_that_is_more_urgent() {
    let one_free = AgentSnapshot { open: 1, ..agent("a", &[(Skill::Shipping, 4)], 2) };
    let agents = std::slice::from_ref(&one_free);
    let call = weighing(2, waited(shipping("q-call"), 500));
    let mails = [shipping("q-new"), waited(shipping("q-old"), 900)];
    let decided = decide(&[call.clone(), mails[0].clone()], agents, &policy(), now());
    assert_eq!([chosen(&decided[0]), chosen(&decided[1])], [None, None]);
    assert_eq!(decided[0].explanation.excluded[&Constraint::Full].agents, 1);
    let decided = decide(&[call, mails[1].clone()], agents, &policy(), now());
    assert_eq!(
        [chosen(&decided[0]), chosen(&decided[1])],
        [None, Some("a")],
        "who is more urgent goes first"
    );
    // Nothing is kept with somebody who could never take it.
    let never = weighing(3, waited(shipping("q-heavy"), 500));
    assert_eq!(chosen(&decide(&[never, mails[0].clone()], agents, &policy(), now())[1]), Some("a"));
}

#[test]
fn what_is_too_heavy_for_everybody_is_for_a_person_to_decide() {
    let heavy = weighing(3, waited(shipping("q"), 100_000));
    let everybody = [agent("a", &[(Skill::Shipping, 4)], 2)];
    assert_eq!(left(&heavy, &everybody, &policy(), now()), Left::Nobody);
    assert_eq!(left(&weighing(2, heavy), &everybody, &policy(), now()), Left::Others);
}
