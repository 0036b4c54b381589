#![allow(clippy::single_range_in_vec_init, reason = "hits are lists of ranges, here often of one")]
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::contract::Language;
use crate::rules::{RulePack, SourceFile};
use crate::text::{Tokenizer, Views};
use Role::{Buyer, Seller};
use Truth::{False, True};

static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| Tokenizer::new().unwrap());

fn pack(detection: &str) -> RulePack {
    let text = format!("title: T\nstatus: test\npolicy: p\nlang: [ja]\nmessage: m\ndetection: {detection}\n");
    RulePack::compile(&[SourceFile { name: "rules/a.yml".into(), stem: "a".into(), text }]).unwrap()
}

fn turn(pack: &RulePack, role: Role, text: &str) -> Turn {
    let views = Arc::new(Views::new(text, &TOKENIZER));
    Turn::new(pack, role, DateTime::<Utc>::UNIX_EPOCH, views)
}

fn scored(turn: Turn, score: f64) -> Turn {
    turn.with_scores(BTreeMap::from([("p".to_owned(), score)]))
}

/// The rule of the pack on the last turn.
fn judge(pack: &RulePack, turns: &[Turn], complete: bool) -> RuleResult {
    Evaluator::new(&pack.rules[0], turns, turns.len() - 1, complete).unwrap().run()
}

fn alone(detection: &str, text: &str) -> RuleResult {
    let pack = pack(detection);
    judge(&pack, &[turn(&pack, Buyer, text)], true)
}

#[test]
fn an_excuse_reaches_only_its_place() {
    let rule = "{app: {any: [LINE]}, ship: {any: [LINEスタンプ]}, condition: app and not ship}";
    assert_eq!(alone(rule, "LINEスタンプです").truth, False);
    let elsewhere = alone(rule, "LINEで。LINEスタンプも");
    assert_eq!((elsewhere.truth, elsewhere.hits), (True, vec![0..4]));
    let near =
        "{app: {any: [LINE]}, toy: {any: [人形], near: {of: app, chars: 2}}, condition: app and not toy}";
    assert_eq!(alone(near, "LINEの人形").truth, False);
    assert_eq!(alone(near, "LINEで話しましょう。人形もどうも").truth, True);
}

#[test]
fn a_hit_that_must_be_near_an_excused_one_is_excused_too() {
    let rule = "{app: {any: [LINE]}, ask: {any: [教え], near: {of: app, chars: 4}}, ship: {any: [LINEスタンプ]}, condition: ask and not ship}";
    assert_eq!(alone(rule, "LINE教えて").truth, True);
    assert_eq!(alone(rule, "LINEスタンプ教えて").truth, False);
}

#[test]
fn what_was_found_in_a_branch_that_does_not_hold_supports_nothing() {
    let rule = "{a: {any: [あか]}, b: {any: [あお]}, c: {any: [くろ]}, condition: (a and b) or c}";
    let found = alone(rule, "あかとくろ");
    assert_eq!((found.truth, found.hits), (True, vec![3..5]));
    let counted = "{a: {any: [あか]}, b: {any: [あお]}, c: {any: [くろ]}, condition: all of a or 2 of them}";
    assert_eq!(alone(counted, "あおとくろ").hits, vec![0..2, 3..5]);
}

#[test]
fn a_model_that_has_not_judged_is_unknown_under_not_as_well() {
    for (condition, known) in [("w and m", [False, True]), ("w and not m", [True, False])] {
        let pack = pack(&format!(
            "{{w: {{any: [送金]}}, m: {{model: {{policy: p, at_least: 0.5}}}}, condition: {condition}}}"
        ));
        let bare = turn(&pack, Buyer, "送金します");
        let unknown = judge(&pack, std::slice::from_ref(&bare), true);
        assert_eq!(unknown.truth, Truth::Unknown, "{condition}");
        let lacks = Unknown { name: "m".into(), missing: Missing::Model };
        assert_eq!(unknown.undecided, [lacks], "{condition}");
        let scores = [0.49, 0.5].map(|score| judge(&pack, &[scored(bare.clone(), score)], true).truth);
        assert_eq!(scores, known, "{condition}");
        let without = turn(&pack, Buyer, "発送します");
        assert_eq!(judge(&pack, &[without], true).truth, False, "what is ruled out needs no model");
    }
}

#[test]
fn earlier_messages_that_are_missing_are_unknown_and_never_a_silent_false() {
    let pack =
        pack("{w: {any: [了解]}, p: {any: [LINE], previous: {by: other, within: 2}}, condition: w and p}");
    let [said, other, yes] =
        [(Seller, "LINEで"), (Seller, "はい"), (Buyer, "了解")].map(|(r, t)| turn(&pack, r, t));
    let found = judge(&pack, &[said.clone(), other.clone(), yes.clone()], false);
    assert_eq!((found.truth, found.hits, found.earlier), (True, vec![0..2], vec![(0, 0..4)]));
    let short = judge(&pack, &[other.clone(), yes.clone()], false);
    assert_eq!(short.undecided, [Unknown { name: "p".into(), missing: Missing::History }]);
    assert_eq!(judge(&pack, &[other.clone(), yes.clone()], true).truth, False, "it began here");
    assert_eq!(judge(&pack, &[other.clone(), other, yes], false).truth, False, "further back does not count");
}

#[test]
fn a_message_that_does_not_tell_its_language_neither_matches_nor_is_excused_for_certain() {
    let wanted = "{n: {any: ['0415'], lang: ja}, condition: n}";
    let unknown = alone(wanted, "0415");
    assert_eq!(unknown.undecided, [Unknown { name: "n".into(), missing: Missing::Language }]);
    assert_eq!(alone(wanted, "0415です").truth, True);
    assert_eq!(alone(wanted, "it is 0415 there").truth, False);
    let excused = "{n: {any: ['0415']}, x: {any: ['04157'], lang: ja}, condition: n and not x}";
    assert_eq!(alone(excused, "04157").truth, Truth::Unknown);
    assert_eq!(alone(excused, "04157です").truth, False);
    assert_eq!(alone(excused, "the number 04157").truth, True);
    let certain = alone(excused, "04157 / 0415");
    assert_eq!((certain.truth, certain.hits), (True, vec![8..12]), "one hit stands whatever the language is");
}

#[test]
fn near_asks_for_a_hit_that_counts() {
    let rule =
        "{app: {any: ['11'], lang: en}, ask: {any: ['22'], near: {of: app, chars: 3}}, condition: ask}";
    assert_eq!(alone(rule, "11 22 です").truth, False, "`app` only counts in English");
    assert_eq!(alone(rule, "number 11 22 there").truth, True);
    assert_eq!(alone(rule, "11 22").truth, Truth::Unknown);
}

/// Selections of every kind, over digits, so that a suffix decides the language and nothing else.
static KINDS: LazyLock<RulePack> = LazyLock::new(|| {
    pack(
        "{one: {any: ['1']}, near: {any: ['2'], near: {of: one, chars: 1}}, ja: {any: ['3'], lang: ja}, \
         by_ja: {any: ['2'], near: {of: ja, chars: 1}}, over: {any: ['12', '21'], lang: en}, \
         excuse: {any: ['4'], lang: ja, near: {of: [one, near], chars: 0}}, model: {model: {policy: p, at_least: 0.5}}, \
         is_en: {lang: en}, seller: {role: seller}, said: {any: ['5'], previous: {by: other, within: 2}}, \
         said_ja: {any: ['5'], lang: ja, previous: {by: any, within: 1}}, \
         judged: {model: {policy: p, at_least: 0.5}, previous: {by: same, within: 1}}, condition: one}",
    )
});

fn selections() -> &'static [Selection] {
    match &KINDS.rules[0].rule.body {
        Body::Message { selections, .. } => selections,
        Body::Conversation(_) => &[],
    }
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = (0..12usize).prop_map(Condition::Selection);
    leaf.prop_recursive(3, 12, 3, |inner| {
        let many = || prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.clone().prop_map(|one| Condition::Not(Box::new(one))),
            many().prop_map(Condition::And),
            many().prop_map(Condition::Or),
            (1..3usize, prop::collection::vec(0..12usize, 2..4))
                .prop_map(|(count, of)| Condition::Count { count, of }),
        ]
    })
}

/// A message before what is not known of it is filled in.
#[derive(Debug, Clone)]
struct Vague {
    role: Role,
    digits: String,
    score: Option<bool>,
}

fn vague() -> impl Strategy<Value = Vague> {
    let role = prop_oneof![Just(Buyer), Just(Seller)];
    let score = prop_oneof![2 => Just(None), 1 => any::<bool>().prop_map(Some)];
    (role, "[12345 ]{0,5}", score).prop_map(|(role, digits, score)| Vague { role, digits, score })
}

impl Vague {
    fn turn(&self, language: Option<Language>, score: Option<bool>) -> Turn {
        let suffix = match language {
            None => "",
            Some(Language::Ja) => " ののの",
            Some(Language::En) => " the cat is here",
        };
        let turn = turn(&KINDS, self.role, &format!("{}{suffix}", self.digits));
        assert_eq!(turn.language(), language);
        match score {
            Some(high) => scored(turn, f64::from(u8::from(high))),
            None => turn,
        }
    }

    fn completions(&self) -> Vec<Turn> {
        let scores = self.score.map_or(vec![false, true], |score| vec![score]);
        [Language::Ja, Language::En]
            .into_iter()
            .flat_map(|language| scores.iter().map(move |score| self.turn(Some(language), Some(*score))))
            .collect()
    }
}

/// What may stand before the first message that is known: nothing, one message, or two.
static UNSEEN: LazyLock<Vec<Vec<Turn>>> = LazyLock::new(|| {
    let mut one: Vec<Turn> = Vec::new();
    for role in [Buyer, Seller] {
        for digits in ["5", "6"] {
            one.extend(Vague { role, digits: digits.into(), score: None }.completions());
        }
    }
    let pairs = one.iter().flat_map(|a| one.iter().map(|b| vec![a.clone(), b.clone()]));
    std::iter::once(Vec::new()).chain(one.iter().map(|turn| vec![turn.clone()])).chain(pairs).collect()
});

fn truth_of(condition: &Condition, turns: &[Turn], complete: bool) -> Truth {
    let compiled = &KINDS.rules[0];
    let judged = turns.len() - 1;
    Evaluator { compiled, selections: selections(), condition, turns, judged, complete }.run().truth
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// True and false are only said where every completion of what is unknown agrees.
    #[test]
    fn it_claims_nothing_that_a_completion_contradicts(
        condition in condition(),
        known in prop::collection::vec(vague(), 1..3),
        complete in any::<bool>(),
    ) {
        let bare: Vec<Turn> = known.iter().map(|message| message.turn(None, message.score)).collect();
        let claimed = truth_of(&condition, &bare, complete);
        let mut conversations: Vec<Vec<Turn>> = if complete { vec![Vec::new()] } else { UNSEEN.clone() };
        for message in &known {
            let next = message.completions();
            conversations = conversations
                .iter()
                .flat_map(|before| next.iter().map(|turn| [before.as_slice(), std::slice::from_ref(turn)].concat()))
                .collect();
        }
        for turns in conversations {
            let whole = truth_of(&condition, &turns, true);
            prop_assert_ne!(whole, Truth::Unknown, "nothing is unknown");
            prop_assert!(claimed == Truth::Unknown || claimed == whole, "claimed {}, came out {}", claimed, whole);
        }
    }
}

#[test]
fn evidence_in_earlier_messages_is_sorted_and_said_once() {
    let pack = pack(
        "{a: {any: [LINE], previous: {by: any, within: 3}}, b: {any: [LINE, ID], previous: {by: any, within: 3}}, condition: a and b}",
    );
    let mut later = turn(&pack, Seller, "はい");
    later.sent_at += TimeDelta::minutes(1);
    let found = judge(&pack, &[turn(&pack, Buyer, "IDはLINEで"), later], true);
    assert_eq!(found.earlier, [(0, 0..2), (0, 3..7)]);
}
