use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::contract::Role;
use crate::rules::{RulePack, SourceFile};
use crate::text::{Tokenizer, Views};
use Role::{Buyer, Seller};
use Truth::{False, True, Unknown};

/// A pack that only serves to make turns; whether rules hold is what each test says.
static PACK: LazyLock<RulePack> = LazyLock::new(|| {
    let text = "title: T\nstatus: test\npolicy: p\nlang: [ja]\nmessage: m\ndetection: {a: {any: [x]}, condition: a}\n";
    let file = SourceFile { name: "rules/a.yml".into(), stem: "a".into(), text: text.into() };
    RulePack::compile(&[file]).unwrap()
});
static VIEWS: LazyLock<Arc<Views>> = LazyLock::new(|| Arc::new(Views::new("", &Tokenizer::new().unwrap())));

fn turn(role: Role, minutes: i64) -> Turn {
    let at = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(minutes);
    Turn::new(&PACK, role, at, VIEWS.clone())
}

fn turns(spec: &[(Role, i64)]) -> Vec<Turn> {
    spec.iter().map(|(role, minutes)| turn(*role, *minutes)).collect()
}

fn rule(kind: CorrelationKind, minutes: i64) -> Correlation {
    Correlation { kind, steps: Vec::new(), timespan: TimeDelta::minutes(minutes) }
}

/// One step for each side, of the rules 0, 1, ….
fn steps(by: &[Side]) -> Vec<Step> {
    by.iter().zip(0..).map(|(by, rule)| Step { rules: vec![rule], by: *by }).collect()
}

/// `truths[turn][rule]`; the last turn is judged.
fn look(
    correlation: &Correlation,
    steps: &[Step],
    turns: &[Turn],
    unseen: usize,
    truths: &[Vec<Truth>],
) -> Correlated {
    let window = Window { turns, judged: turns.len() - 1, unseen };
    correlate(correlation, steps, window, &mut |turn, rule| truths[turn][rule as usize])
}

const ORDERED: CorrelationKind = CorrelationKind::TemporalOrdered;
const UNORDERED: CorrelationKind = CorrelationKind::Temporal;

#[test]
fn ordered_steps_stand_in_later_messages_and_point_at_every_part() {
    let (correlation, steps) = (rule(ORDERED, 60), steps(&[Side::Any, Side::Other]));
    let turns = turns(&[(Buyer, 0), (Buyer, 1), (Seller, 2)]);
    let first_then_second = [vec![True, False], vec![False, False], vec![False, True]];
    let parts = vec![(0, 0), (2, 1)];
    assert_eq!(look(&correlation, &steps, &turns, 0, &first_then_second), Correlated::Holds(parts));
    let second_then_first = [vec![False, True], vec![False, False], vec![True, False]];
    assert_eq!(look(&correlation, &steps, &turns, 0, &second_then_first), Correlated::Fails);
    let both_in_one = [vec![False, False], vec![False, False], vec![True, True]];
    assert_eq!(look(&correlation, &steps, &turns, 0, &both_in_one), Correlated::Fails, "a later message");
    let ends_before = [vec![True, False], vec![False, True], vec![False, False]];
    assert_eq!(look(&correlation, &steps, &turns, 0, &ends_before), Correlated::Fails, "not the judged one");
}

#[test]
fn ordered_steps_go_back_where_a_choice_leads_nowhere() {
    let (correlation, steps) = (rule(ORDERED, 60), steps(&[Side::Any, Side::Same, Side::Other]));
    // The latest middle (the seller's) has no beginning of its own side; the one before has.
    let steps = {
        let mut steps = steps;
        steps[2].by = Side::Any;
        steps
    };
    let turns = turns(&[(Buyer, 0), (Buyer, 1), (Seller, 2), (Seller, 3)]);
    let truths = [
        vec![True, False, False],
        vec![False, True, False],
        vec![False, True, False],
        vec![False, False, True],
    ];
    assert_eq!(
        look(&correlation, &steps, &turns, 0, &truths),
        Correlated::Holds(vec![(0, 0), (1, 1), (3, 2)])
    );
    let other_side = [vec![False, False, False], truths[1].clone(), truths[2].clone(), truths[3].clone()];
    assert_eq!(look(&correlation, &steps, &turns, 0, &other_side), Correlated::Fails);
}

#[test]
fn the_span_of_time_includes_its_edge() {
    let (correlation, steps) = (rule(ORDERED, 10), steps(&[Side::Any, Side::Any]));
    let truths = [vec![True, False], vec![False, True]];
    let at = |minutes: i64| look(&correlation, &steps, &turns(&[(Buyer, 0), (Buyer, minutes)]), 0, &truths);
    assert_eq!(at(10), Correlated::Holds(vec![(0, 0), (1, 1)]));
    assert_eq!(at(11), Correlated::Fails);
}

#[test]
fn unordered_steps_need_the_judged_message_and_the_right_side() {
    let (correlation, steps) = (rule(UNORDERED, 60), steps(&[Side::Any, Side::Other]));
    let turns = turns(&[(Buyer, 0), (Seller, 1), (Buyer, 2)]);
    let second_by_other = [vec![False, False], vec![False, True], vec![True, False]];
    assert_eq!(
        look(&correlation, &steps, &turns, 0, &second_by_other),
        Correlated::Holds(vec![(1, 1), (2, 0)])
    );
    let second_by_same = [vec![False, True], vec![False, False], vec![True, False]];
    assert_eq!(look(&correlation, &steps, &turns, 0, &second_by_same), Correlated::Fails);
    let without_the_judged = [vec![True, False], vec![False, True], vec![False, False]];
    assert_eq!(look(&correlation, &steps, &turns, 0, &without_the_judged), Correlated::Fails);
}

#[test]
fn events_are_counted_by_side_within_the_span() {
    let (correlation, steps) = (rule(CorrelationKind::EventCount(3), 10), steps(&[Side::Same]));
    let all = vec![vec![True]; 4];
    let counted = |spec: &[(Role, i64)]| look(&correlation, &steps, &turns(spec), 0, &all[..spec.len()]);
    assert_eq!(
        counted(&[(Buyer, 0), (Seller, 1), (Buyer, 2), (Buyer, 10)]),
        Correlated::Holds(vec![(0, 0), (2, 0), (3, 0)])
    );
    assert_eq!(counted(&[(Buyer, 0), (Seller, 1), (Buyer, 2), (Buyer, 11)]), Correlated::Fails, "too old");
    assert_eq!(counted(&[(Seller, 0), (Seller, 1), (Buyer, 2), (Buyer, 3)]), Correlated::Fails, "other side");
    let not_now = [vec![True], vec![True], vec![True], vec![False]];
    let turns = turns(&[(Buyer, 0), (Buyer, 1), (Buyer, 2), (Buyer, 3)]);
    assert_eq!(look(&correlation, &steps, &turns, 0, &not_now), Correlated::Fails, "not the judged one");
}

#[test]
fn an_undecided_part_makes_the_rule_undecided() {
    let (correlation, steps) = (rule(ORDERED, 60), steps(&[Side::Any, Side::Any]));
    let turns = turns(&[(Buyer, 0), (Buyer, 1)]);
    let may = |undecided: &[Part]| Correlated::MayHold {
        undecided: undecided.iter().copied().collect(),
        beyond: false,
    };
    let first = [vec![Unknown, False], vec![False, True]];
    assert_eq!(look(&correlation, &steps, &turns, 0, &first), may(&[(0, 0)]));
    let last = [vec![True, False], vec![False, Unknown]];
    assert_eq!(look(&correlation, &steps, &turns, 0, &last), may(&[(1, 1)]));
    let hopeless = [vec![False, False], vec![False, Unknown]];
    assert_eq!(
        look(&correlation, &steps, &turns, 0, &hopeless),
        Correlated::Fails,
        "the other step is ruled out"
    );
}

#[test]
fn a_beginning_that_is_not_known_makes_it_undecided_only_within_the_span() {
    let (correlation, two) = (rule(ORDERED, 60), steps(&[Side::Any, Side::Any]));
    let beyond = Correlated::MayHold { undecided: BTreeSet::new(), beyond: true };
    let truths = [vec![False, False], vec![False, True]];
    let with = |minutes: i64, unseen: usize| {
        look(&correlation, &two, &turns(&[(Buyer, 0), (Buyer, minutes)]), unseen, &truths)
    };
    assert_eq!(with(60, 1), beyond);
    assert_eq!(with(61, 1), Correlated::Fails, "what is not known is older still");
    assert_eq!(with(60, 0), Correlated::Fails);
    let three = steps(&[Side::Any, Side::Any, Side::Any]);
    let truths = [vec![False, False, False], vec![False, False, True]];
    let pair = turns(&[(Buyer, 0), (Buyer, 1)]);
    assert_eq!(look(&correlation, &three, &pair, 1, &truths), Correlated::Fails, "two steps, one message");
    assert_eq!(look(&correlation, &three, &pair, 2, &truths), beyond);
    let count = rule(CorrelationKind::EventCount(3), 60);
    let truths = [vec![True], vec![True]];
    assert_eq!(look(&count, &steps(&[Side::Any]), &pair, 0, &truths), Correlated::Fails);
    assert_eq!(look(&count, &steps(&[Side::Any]), &pair, 1, &truths), beyond);
}

fn truth() -> impl Strategy<Value = Truth> {
    prop_oneof![3 => Just(False), 2 => Just(Unknown), 3 => Just(True)]
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Buyer), Just(Seller)]
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Any), Just(Side::Same), Just(Side::Other)]
}

fn kind() -> impl Strategy<Value = CorrelationKind> {
    prop_oneof![Just(ORDERED), Just(UNORDERED), (2usize..4).prop_map(CorrelationKind::EventCount)]
}

/// Every way in which the unknown entries may turn out.
fn completions(truths: &[Vec<Truth>]) -> Vec<Vec<Vec<Truth>>> {
    let cells: Vec<(usize, usize)> = truths
        .iter()
        .enumerate()
        .flat_map(|(turn, row)| (0..row.len()).map(move |rule| (turn, rule)))
        .filter(|(turn, rule)| truths[*turn][*rule] == Unknown)
        .collect();
    (0..1usize << cells.len())
        .map(|bits| {
            let mut whole = truths.to_vec();
            for (bit, (turn, rule)) in cells.iter().enumerate() {
                whole[*turn][*rule] = (bits >> bit & 1 == 1).into();
            }
            whole
        })
        .collect()
}

/// Every message that may stand before the first one that is known: side, time, which rules it matches.
fn unseen_messages(first: i64) -> Vec<(Turn, Vec<Truth>)> {
    let mut all = Vec::new();
    for role in [Buyer, Seller] {
        for minutes in [first, first - 1_000] {
            for bits in 0..4 {
                all.push((turn(role, minutes), vec![(bits & 1 == 1).into(), (bits & 2 == 2).into()]));
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// What is claimed holds for everything that the unknown may turn out to be.
    #[test]
    fn it_claims_nothing_that_a_completion_contradicts(
        spec in prop::collection::vec((role(), 0i64..3), 1..4),
        truths in prop::collection::vec(prop::collection::vec(truth(), 2), 3),
        by in prop::collection::vec(side(), 2),
        kind in kind(),
        minutes in 1i64..6,
        unseen in 0usize..2,
    ) {
        let mut clock = 0;
        let turns: Vec<Turn> = spec.iter().map(|(role, later)| { clock += later; turn(*role, clock) }).collect();
        let truths = &truths[..turns.len()];
        let correlation = rule(kind, minutes);
        let steps = match kind { CorrelationKind::EventCount(_) => steps(&by[..1]), _ => steps(&by) };
        let claimed = look(&correlation, &steps, &turns, unseen, truths);
        let holds = |turns: &[Turn], truths: &[Vec<Truth>]| match look(&correlation, &steps, turns, 0, truths) {
            Correlated::Holds(_) => true,
            Correlated::Fails => false,
            Correlated::MayHold { .. } => panic!("nothing is unknown"),
        };
        let mut outcomes = Vec::new();
        for whole in completions(truths) {
            outcomes.push(holds(&turns, &whole));
            if unseen > 0 {
                for (message, matches) in unseen_messages(spec[0].1) {
                    let longer: Vec<Turn> = std::iter::once(message).chain(turns.iter().cloned()).collect();
                    let rows: Vec<Vec<Truth>> = std::iter::once(matches).chain(whole.iter().cloned()).collect();
                    outcomes.push(holds(&longer, &rows));
                }
            }
        }
        match claimed {
            Correlated::Holds(_) => prop_assert!(outcomes.iter().all(|holds| *holds)),
            Correlated::Fails => prop_assert!(!outcomes.iter().any(|holds| *holds)),
            // Undecided is no excuse for laziness: it may indeed hold.
            Correlated::MayHold { .. } => prop_assert!(outcomes.iter().any(|holds| *holds)),
        }
    }
}
