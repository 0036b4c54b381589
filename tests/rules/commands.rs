//! The authors' commands as a person runs them: the real program, its output and its exit code.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn mimamori(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mimamori"));
    command.current_dir(folder).arg("rules").args(arguments);
    for variable in std::env::vars().filter(|(name, _)| name.starts_with("MIMAMORI")) {
        command.env_remove(variable.0);
    }
    command.output().unwrap()
}

/// Runs a command in the repository and expects an exit code.
fn in_repository(arguments: &[&str], exit: i32) -> String {
    expect(Path::new(ROOT), arguments, exit)
}

fn expect(folder: &Path, arguments: &[&str], exit: i32) -> String {
    let output = mimamori(folder, arguments);
    let out = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}\n{out}\n{complaint}");
    if out.is_empty() { complaint.into_owned() } else { out }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What `stable` promises, held for the shipped pack.
#[test]
fn stable_rules_withstand_the_attack_and_leave_ordinary_messages_alone() {
    let attack = json(&in_repository(&["attack", "--format", "json"], 0));
    let rules = attack["rules"].as_array().unwrap();
    let stable: Vec<&Value> = rules.iter().filter(|rule| rule["status"] == "stable").collect();
    assert!(stable.len() >= 60, "only {} stable rules", stable.len());
    for rule in &stable {
        assert!(rule["tally"]["recall"].as_f64().unwrap() >= 0.95, "{rule}");
    }
    let benign = json(&in_repository(&["benign", "--format", "json"], 0));
    assert!(benign["messages"].as_u64().unwrap() >= 2_000);
    assert!(benign["per_thousand"].as_f64().unwrap() <= 1.0);
    // Coverage is held by `rules check` (E019).
    in_repository(&["check"], 0);
    let coverage = json(&in_repository(&["coverage", "--format", "json"], 0));
    for rule in coverage.as_array().unwrap().iter().filter(|rule| rule["status"] == "stable") {
        assert_eq!(rule["reached"], rule["total"], "{rule}");
    }
}

#[test]
fn stable_rules_are_of_both_policies_all_subtypes_and_both_languages() {
    let pack = mimamori::rules::RulePack::load(&Path::new(ROOT).join("rules")).unwrap();
    let stable: Vec<_> = pack.rules().filter(|rule| rule.status.as_str() == "stable").collect();
    let subtypes = [
        ("external_induction", ["contact", "payment", "deal", "link"].as_slice()),
        ("harassment", &["insult", "threat", "demeaning", "sexual", "pressure"]),
    ];
    for (policy, subtypes) in subtypes {
        for subtype in subtypes {
            for language in [mimamori::contract::Language::Ja, mimamori::contract::Language::En] {
                assert!(
                    stable.iter().any(|rule| rule.policy == policy
                        && rule.subtype.as_deref() == Some(subtype)
                        && rule.lang.contains(&language)),
                    "no stable rule for {policy}.{subtype} in {language}"
                );
            }
        }
    }
}

const RULE: &str = "title: T\nstatus: test\npolicy: external_induction\nsubtype: payment\nlang: [ja]\nmessage: M\ndetection:\n  pay: {view: VIEW, any: [ペイペイ]}\n  condition: pay\n";

/// A folder with one rule, its fixtures and a corpus in each of the three forms.
fn small_pack() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["rules", "fixtures/rules", "corpus"] {
        fs::create_dir_all(folder.path().join(part)).unwrap();
    }
    let write = |path: &str, text: &str| fs::write(folder.path().join(path), text).unwrap();
    write("rules/pay.yml", &RULE.replace("VIEW", "folded"));
    write("fixtures/rules/pay.yml", "match: [ペイペイで払います]\nno_match: [現金で払います]\n");
    write("corpus/a.jsonl", "{\"text\":\"ぺいぺいで\"}\n{\"text\":\"ペイペイで\"}\n");
    write(
        "corpus/b.jsonl",
        "{\"message_id\":\"m-1\",\"transaction_id\":\"t-1\",\"sender_id\":\"u-7\",\"sender_role\":\"buyer\",\"text\":\"ペ・イ・ペ・イ\",\"sent_at\":\"2026-11-21T09:00:00Z\"}\n",
    );
    write(
        "corpus/c.jsonl",
        "{\"conversation\":\"c-1\",\"language\":\"ja\",\"origin\":\"composed\",\"author_batch\":\"x\",\"messages\":[{\"from\":\"buyer\",\"text\":\"こんにちは\",\"labels\":[]}]}\n",
    );
    folder
}

#[test]
fn an_attack_names_the_kinds_that_a_rule_misses_and_repeats_itself() {
    let folder = small_pack();
    let out = expect(folder.path(), &["attack", "--misses"], 0);
    for needle in [
        "hiragana",
        "pay (test)",
        "missed:",
        "as written: ペイペイで払います",
        "rewritten:  ぺいぺいで払います",
    ] {
        assert!(out.contains(needle), "`{needle}` is not in\n{out}");
    }
    assert_eq!(out, expect(folder.path(), &["attack", "--misses"], 0));
    assert_ne!(out, expect(folder.path(), &["attack", "--misses", "--seed", "2"], 0));
    // The same rule as `stable` is refused by the attack.
    fs::write(folder.path().join("rules/pay.yml"), RULE.replace("VIEW", "folded").replace("test", "stable"))
        .unwrap();
    assert!(expect(folder.path(), &["attack"], 1).contains("TOO LOW for stable"));
    fs::write(folder.path().join("rules/pay.yml"), RULE.replace("VIEW", "kana").replace("test", "stable"))
        .unwrap();
    expect(folder.path(), &["attack", "--rule", "pay"], 0);
    assert!(expect(folder.path(), &["attack", "--rule", "payy"], 2).contains("did you mean `pay`"));
    assert!(expect(folder.path(), &["attack", "--format", "junit"], 2).contains("--format pretty or json"));
}

#[test]
fn too_many_alerts_on_ordinary_messages_fail() {
    let folder = small_pack();
    let out = expect(folder.path(), &["benign", "corpus/a.jsonl"], 1);
    assert!(
        out.contains("a.jsonl:2: pay") && out.contains("«ペイペイ»で") && out.contains("500.00 per 1,000"),
        "{out}"
    );
    assert_eq!(
        json(&expect(folder.path(), &["benign", "corpus/c.jsonl", "--format", "json"], 0))["alerted"],
        0
    );
    assert!(expect(folder.path(), &["benign", "corpus/none.jsonl"], 2).contains("none.jsonl"));
    fs::write(folder.path().join("corpus/bad.jsonl"), "{\"txet\":\"x\"}\n").unwrap();
    assert!(expect(folder.path(), &["benign", "corpus/bad.jsonl"], 2).contains("bad.jsonl:1: "));
}

#[test]
fn a_difference_says_which_message_and_why() {
    let folder = small_pack();
    fs::create_dir(folder.path().join("old")).unwrap();
    fs::copy(folder.path().join("rules/pay.yml"), folder.path().join("old/pay.yml")).unwrap();
    assert!(
        expect(folder.path(), &["diff", "--base", "old", "corpus"], 0)
            .contains("4 messages: 0 newly flagged")
    );
    fs::write(folder.path().join("rules/pay.yml"), RULE.replace("VIEW", "kana")).unwrap();
    let out = expect(folder.path(), &["diff", "--base", "old", "corpus"], 1);
    for needle in [
        "newly flagged:",
        "a.jsonl:1",
        "+ pay: «ぺいぺい»で",
        "`pay` finds 0–4 now, not before",
        "b.jsonl:1",
        "+2 -0  pay",
        "4 messages: 2 newly flagged, 0 no longer",
    ] {
        assert!(out.contains(needle), "`{needle}` is not in\n{out}");
    }
    let back = json(&expect(
        folder.path(),
        &["--rules", "old", "diff", "--base", "rules", "corpus", "--format", "json"],
        1,
    ));
    assert_eq!(back["no_longer_flagged"], 2);
    assert_eq!(back["differences"][0]["lost"][0]["reasons"][0], "`pay` finds 0–4 before, not now");
}

#[test]
fn a_difference_to_an_earlier_revision() {
    let folder = small_pack();
    let missing = expect(folder.path(), &["diff", "--base", "HEAD", "corpus"], 2);
    assert!(missing.contains("not inside a git repository"), "{missing}");
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
        let done =
            Command::new("git").current_dir(folder.path()).args(identity).args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "rules"]);
    git(&["commit", "-q", "-m", "rules"]);
    assert!(expect(folder.path(), &["diff", "--base", "HEAD", "corpus"], 0).contains("0 newly"));
    fs::write(folder.path().join("rules/pay.yml"), RULE.replace("VIEW", "kana")).unwrap();
    assert!(expect(folder.path(), &["diff", "--base", "HEAD", "corpus"], 1).contains("2 newly flagged"));
    let unknown = expect(folder.path(), &["diff", "--base", "no-such-rev", "corpus"], 2);
    assert!(unknown.contains("neither a folder nor a revision"), "{unknown}");
    fs::rename(folder.path().join("rules"), folder.path().join("moved")).unwrap();
    let elsewhere = expect(folder.path(), &["--rules", "moved", "diff", "--base", "HEAD", "corpus"], 2);
    assert!(elsewhere.contains("has no rules in moved"), "{elsewhere}");
}

#[test]
fn a_bench_lists_every_rule_with_its_cost() {
    let folder = small_pack();
    let report = json(&expect(folder.path(), &["bench", "corpus", "--format", "json"], 0));
    assert_eq!(report["messages"], 4);
    assert_eq!(report["rules"][0]["rule"], "pay");
    assert!(report["rules"][0]["ns_per_message"].as_f64().unwrap() > 0.0);
    assert!(expect(folder.path(), &["bench", "corpus"], 0).contains("messages/s on one core"));
}

#[test]
fn a_link_in_a_circle_is_named_and_hidden_files_are_not_read() {
    let folder = small_pack();
    fs::write(folder.path().join("rules/.draft.yml"), "not a rule").unwrap();
    expect(folder.path(), &["check"], 0);
    std::os::unix::fs::symlink("..", folder.path().join("rules/again")).unwrap();
    let out = expect(folder.path(), &["check"], 1);
    assert!(out.contains("rules/again") && out.contains("leads back"), "{out}");
}

#[test]
fn check_and_test_write_every_format() {
    let folder = small_pack();
    fs::write(folder.path().join("rules/pay.yml"), RULE.replace("VIEW", "kama")).unwrap();
    assert!(expect(folder.path(), &["check", "--format", "github"], 1).starts_with("::error file="));
    assert!(expect(folder.path(), &["check", "--format", "junit"], 1).contains("failures=\"1\""));
    assert_eq!(json(&expect(folder.path(), &["check", "--format", "json"], 1))[0]["code"], "E005");
    fs::write(folder.path().join("rules/pay.yml"), RULE.replace("VIEW", "folded")).unwrap();
    fs::write(folder.path().join("fixtures/rules/pay.yml"), "match: [ぺいぺい]\nno_match: [現金]\n").unwrap();
    assert!(expect(folder.path(), &["test", "--format", "github"], 1).starts_with("::error file="));
    assert!(expect(folder.path(), &["test", "--format", "junit"], 1).contains("failures=\"1\""));
    assert_eq!(json(&expect(folder.path(), &["test", "--format", "json"], 1))[0]["outcome"], "failed");
}
