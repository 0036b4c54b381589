//! What a rule that is switched off does: nothing, anywhere.

#![cfg(test)]

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};

use crate::contract::Role;
use crate::rules::{RulePack, SourceFile, Turn};
use crate::text::{Tokenizer, Views};

fn rule(id: &str, more: &str) -> SourceFile {
    let text = format!("title: T\nstatus: test\npolicy: p\nlang: [ja]\nmessage: m\n{more}\n");
    SourceFile { name: format!("rules/{id}.yml"), stem: id.into(), text }
}

/// Two rules on messages, one that follows either, one that counts both, and one that asks the model.
static PACK: LazyLock<RulePack> = LazyLock::new(|| {
    RulePack::compile(&[
        rule("a", "detection: {a: {any: [赤い]}, condition: a}"),
        rule("b", "detection: {b: {any: [青い]}, condition: b}"),
        rule(
            "c",
            "detection: {c: {any: [黒い]}, m: {model: {policy: p, at_least: 0.5}}, condition: c and m}",
        ),
        rule("follows", "kind: temporal_ordered\nsteps: [{rule: [a, b]}, {rule: b, by: any}]\ntimespan: 1h"),
        rule("twice", "kind: event_count\nrules: [a]\ncount: 2\nby: any\ntimespan: 1h"),
    ])
    .unwrap()
});
static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| Tokenizer::new().unwrap());

fn turns(pack: &RulePack, texts: &[&str]) -> Vec<Turn> {
    let turn = |(n, text): (i64, &&str)| {
        let at = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(n);
        Turn::new(pack, Role::Seller, at, Arc::new(Views::new(text, &TOKENIZER)))
    };
    (0..).zip(texts).map(turn).collect()
}

fn off(ids: &[&str]) -> RulePack {
    PACK.without(&ids.iter().map(|id| (*id).to_owned()).collect())
}

/// What the last of the texts matches, and what is undecided there.
fn found(pack: &RulePack, texts: &[&str]) -> (Vec<String>, Vec<String>) {
    // Scanned by the pack with everything on, as a turn that is kept from before the switch.
    let evaluation = pack.evaluate(&turns(&PACK, texts), texts.len() - 1, true);
    (
        evaluation.findings.into_iter().map(|finding| finding.rule_id).collect(),
        evaluation.undecided.into_iter().map(|one| one.rule_id).collect(),
    )
}

#[test]
fn a_rule_that_is_off_fires_nowhere_and_the_others_go_on() {
    let texts = ["赤いです", "青いです"];
    assert_eq!(found(&PACK, &texts).0, ["b", "follows"]);
    assert_eq!(found(&off(&["follows"]), &texts).0, ["b"]);
    assert_eq!(
        found(&off(&["b"]), &texts).0,
        Vec::<String>::new(),
        "its own, and as the step that ends the other"
    );
    assert_eq!(found(&off(&["a"]), &texts).0, ["b"], "false, not unknown: the first step is not there");
    assert_eq!(
        found(&off(&["a"]), &["青いです", "青いです"]).0,
        ["b", "follows"],
        "another rule fills the step"
    );
}

#[test]
fn nothing_that_needs_a_rule_that_is_off_is_undecided_for_that() {
    assert_eq!(found(&PACK, &["黒いです"]), (vec![], vec!["c".to_owned()]), "no model was asked");
    assert_eq!(found(&off(&["c"]), &["黒いです"]), (vec![], vec![]));
    assert_eq!(found(&off(&["a"]), &["赤いです", "赤いです"]), (vec![], vec![]));
    assert_eq!((PACK.model_reach(), off(&["c"]).model_reach()), (Some(0), None), "no model is asked for it");
}

#[test]
fn the_version_tells_what_is_off_and_only_that() {
    assert_eq!(off(&[]).version(), PACK.version());
    assert_eq!(off(&["gone/for/ever"]).version(), PACK.version(), "what is not there is not off");
    let versions: BTreeSet<String> =
        [&[][..], &["a"], &["b"], &["a", "b"]].iter().map(|ids| off(ids).version().to_owned()).collect();
    assert_eq!(versions.len(), 4);
    let a = off(&["a"]);
    assert!(a.version().starts_with(&format!("{}-off-", PACK.version())), "{}", a.version());
    assert_eq!((a.files_version(), a.off().count()), (PACK.version(), 1));
    assert_eq!(a.without(&BTreeSet::new()).version(), PACK.version(), "on again");
}

#[test]
fn references_are_told_both_ways() {
    let of = |id| PACK.references(id).unwrap();
    let ids = |ids: BTreeSet<String>| ids.into_iter().collect::<Vec<_>>();
    assert_eq!(ids(of("a").used_by), ["follows", "twice"]);
    assert_eq!(ids(of("follows").uses), ["a", "b"]);
    assert_eq!(ids(of("c").models), ["p"]);
    assert!(PACK.references("d").is_none());
}
