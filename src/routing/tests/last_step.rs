//! What becomes of an inquiry that nobody took, however much was given up.

use super::*;

const LATE: i64 = 100_000;

fn id(agent: &str) -> AgentId {
    AgentId::new(agent).unwrap()
}

/// Decided with what is found out about who is left.
fn decided(case: &Case, everybody: &[AgentSnapshot], policy: &Policy) -> Decided {
    let case = Case { left: left(case, everybody, policy, now()), ..case.clone() };
    alone(case, everybody, policy)
}

#[test]
fn what_everybody_rejected_is_for_a_person_to_decide_at_the_last_step() {
    let (policy, shipping) = (policy(), [(Skill::Shipping, 4)]);
    let asked = |seconds| {
        let mut case = waited(case("q", &[(Skill::Shipping, 1.0)]), seconds);
        case.rejected_by = ["a", "b"].map(id).into();
        case
    };
    let mut everybody = vec![agent("a", &shipping, 1), agent("b", &shipping, 1)];
    everybody.push(agent("other-skill", &[(Skill::Listing, 5)], 1));
    let proposal =
        |seconds, everybody: &[AgentSnapshot]| decided(&asked(seconds), everybody, &policy).proposal;
    let waits = Proposal::Wait { skill: Skill::Shipping };
    assert_eq!(proposal(600, &everybody), waits, "something can still be given up");
    assert_eq!(proposal(LATE, &everybody), Proposal::Triage);
    let told = decided(&asked(LATE), &everybody, &policy).explanation;
    assert_eq!((told.method, told.needs, told.step), (Method::Exhausted, vec![Skill::Shipping], 3));
    assert_eq!(told.excluded[&Constraint::Rejected].agents, 2);
    assert_eq!(proposal(LATE, &[]), waits, "nobody works here yet");

    // Whoever could take it one day is waited for: who is away, full or off shift, and who helps with a neighbouring skill.
    let mut absent = agent("c", &shipping, 1);
    absent.available = false;
    let full = AgentSnapshot { open: 1, ..agent("c", &shipping, 1) };
    let busy_neighbour = AgentSnapshot { open: 1, ..agent("c", &[(Skill::ReturnRefund, 1)], 1) };
    for somebody in [absent, full, busy_neighbour] {
        let all = [everybody.clone(), vec![somebody]].concat();
        assert_eq!(proposal(LATE, &all), waits);
    }
    let never = agent("c", &shipping, 0);
    assert_eq!(proposal(LATE, &[everybody, vec![never]].concat()), Proposal::Triage);
}

#[test]
fn a_flagged_inquiry_needs_somebody_with_a_safety_skill_to_be_left() {
    let flagged = Case { flagged: true, ..waited(case("q", &[(Skill::Payment, 0.9)]), LATE) };
    let payment = agent("a", &[(Skill::Payment, 5)], 1);
    assert_eq!(decided(&flagged, std::slice::from_ref(&payment), &policy()).proposal, Proposal::Triage);
    let mut safety = agent("b", &[(Skill::FraudSecurity, 1)], 1);
    safety.available = false;
    let decided = decided(&flagged, &[payment, safety], &policy());
    assert!(matches!(decided.proposal, Proposal::Wait { .. }));
}

#[test]
fn who_let_it_run_out_is_asked_again_after_a_while_and_only_if_nobody_else_is_left() {
    let (mut policy, shipping) = (policy(), [(Skill::Shipping, 4)]);
    let wait = i64::from(policy.set_aside_seconds);
    let (late, other) =
        (agent("late", &shipping, 1), AgentSnapshot { open: 1, ..agent("other", &shipping, 1) });
    let asked = |seconds| {
        let mut case = waited(case("q", &[(Skill::Shipping, 1.0)]), LATE);
        case.set_aside = BTreeMap::from([(id("late"), now() - TimeDelta::seconds(seconds))]);
        case
    };
    let alone = std::slice::from_ref(&late);
    let two = [late.clone(), other];
    let soon = decided(&asked(wait - 1), alone, &policy);
    assert_eq!(soon.explanation.excluded[&Constraint::SetAside].agents, 1);
    assert!(matches!(soon.proposal, Proposal::Wait { .. }));
    let Proposal::Offer { candidates, .. } = decided(&asked(wait), alone, &policy).proposal else {
        panic!("nobody else is left")
    };
    assert!(candidates[0].again);
    assert_eq!(chosen(&decided(&asked(LATE), &two, &policy)), None, "somebody else could take it");
    policy.set_aside_seconds = 0;
    assert_eq!(decided(&asked(LATE), alone, &policy).proposal, Proposal::Triage, "never again");
}
