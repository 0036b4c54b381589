//! What a verdict says about findings over several messages, and about rules that lack something.

use std::path::Path;

use serde_json::{Value, json};

use crate::running::*;

fn moderate(lines: &[String], settings: &[(&str, &Path)]) -> (Vec<Value>, String) {
    let mut command = program();
    command.arg("moderate");
    for (name, value) in settings {
        command.env(format!("MIMAMORI__{name}"), value);
    }
    let output = run(&mut command, lines.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    (json_lines(&output.stdout), text(&output.stderr))
}

/// The one label of a source.
fn label<'a>(verdict: &'a Value, source: &str) -> &'a Value {
    let labels: Vec<&Value> =
        verdict["labels"].as_array().unwrap().iter().filter(|label| label["source"] == source).collect();
    assert_eq!(labels.len(), 1, "one finding of {source}: {verdict}");
    labels[0]
}

fn texts(spans: &Value) -> Vec<&str> {
    spans.as_array().unwrap().iter().map(|span| span["text"].as_str().unwrap()).collect()
}

#[test]
fn a_finding_over_several_messages_points_at_every_part() {
    let announced = "消されるので、名前は分けて書きますね";
    let (verdicts, _) = moderate(
        &[
            message("a-1", "t-1", "buyer", announced, 1),
            message("a-2", "t-1", "buyer", "hana", 2),
            message("b-1", "t-2", "seller", "よければLINE交換しませんか", 3),
            message("b-2", "t-2", "buyer", "了解です", 4),
        ],
        &[],
    );
    let split = label(&verdicts[1], "rule:conversation/split_contact");
    assert_eq!(texts(&split["spans"]), ["hana"]);
    let parts = split["parts"].as_array().unwrap();
    assert_eq!((parts.len(), &parts[0]["message_id"]), (1, &json!("a-1")));
    for span in parts[0]["spans"].as_array().unwrap() {
        let (start, end) = (span["start"].as_u64().unwrap() as usize, span["end"].as_u64().unwrap() as usize);
        let cut: String = announced.chars().skip(start).take(end - start).collect();
        assert_eq!(span["text"], cut, "offsets count in the earlier message");
    }

    let agreed = label(&verdicts[3], "rule:conversation/agreed");
    assert_eq!(texts(&agreed["spans"]), ["了解です"]);
    let parts = agreed["parts"].as_array().unwrap();
    assert_eq!((parts.len(), &parts[0]["message_id"]), (1, &json!("b-1")));
    assert!(texts(&parts[0]["spans"]).iter().any(|part| part.contains("LINE")), "{agreed}");
    let plain = verdicts[2]["labels"].as_array().unwrap();
    assert!(
        !plain.is_empty() && plain.iter().all(|label| label.get("parts").is_none()),
        "left out: {plain:?}"
    );
}

fn rules(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, detection) in files {
        let policy = name.split('-').next().unwrap();
        let text = format!(
            "title: T\nstatus: test\npolicy: {policy}\nseverity: high\nlang: [ja]\nmessage: m\ndetection: {detection}\n"
        );
        std::fs::write(folder.path().join(format!("{name}.yml")), text).unwrap();
    }
    folder
}

const PROPOSAL: &str = "続きはLINEでお願いします。IDは kurumi_0412 です";

#[test]
fn rules_ask_what_the_model_says_of_this_message_and_of_earlier_ones() {
    let rules = rules(&[
        (
            "external_induction-now",
            "{w: {any: [LINE]}, m: {model: {policy: external_induction, at_least: 0.3}}, condition: w and m}",
        ),
        (
            "external_induction-not",
            "{w: {any: [LINE]}, m: {model: {policy: external_induction, at_least: 0.3}}, condition: w and not m}",
        ),
        (
            "external_induction-before",
            "{w: {any: [はい]}, m: {model: {policy: external_induction, at_least: 0.3}, previous: {by: other, within: 2}}, condition: w and m}",
        ),
    ]);
    // The first batch ends with the proposal; the answer comes in the next, so that the proposal is only context.
    let mut lines: Vec<String> =
        (0..7).map(|n| message(&format!("f-{n}"), &format!("f-{n}"), "buyer", "発送しました", n)).collect();
    lines.push(message("m-1", "t", "seller", PROPOSAL, 10));
    lines.push(message("m-2", "t", "buyer", "はい", 11));
    let (verdicts, _) = moderate(&lines, &[("MODERATION__RULES", rules.path())]);
    label(&verdicts[7], "rule:external_induction-now");
    let all: Vec<&Value> = verdicts[7]["labels"].as_array().unwrap().iter().collect();
    assert!(all.iter().all(|label| label["source"] != "rule:external_induction-not"), "{all:?}");
    label(&verdicts[8], "rule:external_induction-before");
    assert!(verdicts.iter().all(|verdict| verdict.get("undecided").is_none()), "nothing was missing");
}

#[test]
fn a_missing_head_takes_only_its_policy_s_model_out_and_says_so() {
    let heads = tempfile::tempdir().unwrap();
    let policy = "external_induction";
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/policies").join(policy);
    std::fs::create_dir(heads.path().join(policy)).unwrap();
    for file in std::fs::read_dir(&source).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), heads.path().join(policy).join(file.file_name())).unwrap();
    }
    let rules = rules(&[
        (
            "harassment-model",
            "{w: {any: [ばか]}, m: {model: {policy: harassment, at_least: 0.5}}, condition: w and m}",
        ),
        ("harassment-word", "{w: {any: [あほ]}, condition: w}"),
    ]);
    let lines = [
        message("m-1", "t-1", "buyer", "ばかですか", 1),
        message("m-2", "t-2", "buyer", "あほですか", 2),
        message("m-3", "t-3", "buyer", PROPOSAL, 3),
    ];
    let (verdicts, log) =
        moderate(&lines, &[("MODERATION__RULES", rules.path()), ("MODELS__POLICIES", heads.path())]);
    assert!(log.contains("harassment") && log.contains("model.toml"), "{log}");
    let undecided = json!([{"source": "rule:harassment-model", "missing": ["model"]}]);
    assert_eq!(verdicts[0]["undecided"], undecided, "{}", verdicts[0]);
    assert_eq!(
        (&verdicts[0]["action"], &verdicts[0]["policies"]["harassment"]),
        (&json!("none"), &json!(0.0))
    );
    label(&verdicts[1], "rule:harassment-word");
    assert_eq!(verdicts[1]["action"], "report", "its rules go on");
    assert!(verdicts[2]["policies"][policy].as_f64().unwrap() > 0.5, "the other policy is as it was");

    let none = tempfile::tempdir().unwrap();
    let output = run(program().arg("moderate").env("MIMAMORI__MODELS__POLICIES", none.path()), b"");
    assert_eq!(output.status.code(), Some(2), "not one head: {}", text(&output.stderr));
}

#[test]
fn explain_names_what_an_undecided_rule_lacks() {
    let rules = rules(&[(
        "harassment-model",
        "{w: {any: [ばか]}, m: {model: {policy: harassment, at_least: 0.5}}, condition: w and m}",
    )]);
    let output = run(program().args(["rules", "explain", "ばかですか", "--rules"]).arg(rules.path()), b"");
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", text(&output.stderr));
    assert!(shown.contains("undecided: harassment-model (unknown: m)"), "{shown}");
}

#[test]
fn on_request_a_verdict_says_which_words_and_messages_weighed_most() {
    let lines = [
        message("a-1", "t-1", "seller", "よければLINEで直接やりとりしませんか", 1),
        message("a-2", "t-1", "buyer", "了解です、追加しました", 2),
        message("b-1", "t-2", "buyer", "明日発送していただけますか", 3),
    ];
    let output = run(program().args(["moderate", "--explain", "4"]), lines.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let verdicts = json_lines(&output.stdout);

    let of_proposal = verdicts[0]["explanation"].as_array().expect("a flagged message is explained");
    assert!((1..=4).contains(&of_proposal.len()), "{of_proposal:?}");
    for weight in of_proposal {
        let (start, end) =
            (weight["start"].as_u64().unwrap() as usize, weight["end"].as_u64().unwrap() as usize);
        let cut: String =
            "よければLINEで直接やりとりしませんか".chars().skip(start).take(end - start).collect();
        assert_eq!((&weight["text"], &weight["message_id"]), (&json!(cut), &json!("a-1")));
        assert!(weight["weight"].as_f64().unwrap() > 0.0, "{weight}");
    }
    let weights: Vec<f64> = of_proposal.iter().map(|weight| weight["weight"].as_f64().unwrap()).collect();
    assert!(weights.is_sorted_by(|a, b| a >= b), "heaviest first: {weights:?}");

    let of_agreement = verdicts[1]["explanation"].as_array().expect("a flagged message is explained");
    assert!(
        of_agreement.iter().any(|weight| weight["message_id"] == "a-1"),
        "an agreement leans on the proposal: {of_agreement:?}"
    );
    assert!(verdicts[2].get("explanation").is_none(), "nothing happened to it: {}", verdicts[2]);

    let (plain, _) = moderate(&lines, &[]);
    assert!(plain.iter().all(|verdict| verdict.get("explanation").is_none()), "only on request");
}
