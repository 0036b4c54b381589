//! Proposals in plain words, each as the first message of its transaction: what an attacker writes who does not disguise anything.

use serde_json::Value;

use crate::running::*;

/// Kept because veiled examples had once crowded plain ones out of what the models learn from: half of these went unseen.
#[test]
fn most_plain_proposals_are_reported() {
    let texts: Vec<Value> = json_lines(&std::fs::read("fixtures/plain/proposals.jsonl").unwrap());
    let lines: Vec<String> = (1_u32..)
        .zip(&texts)
        .map(|(n, line)| {
            let role = line["from"].as_str().unwrap();
            message(&format!("m-{n}"), &format!("t-{n}"), role, line["text"].as_str().unwrap(), n)
        })
        .collect();
    let output = run(program().arg("moderate"), lines.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let verdicts = json_lines(&output.stdout);
    assert_eq!(verdicts.len(), texts.len());
    let missed: Vec<&str> = verdicts
        .iter()
        .zip(&texts)
        .filter(|(verdict, _)| verdict["action"] == "none")
        .filter_map(|(_, line)| line["text"].as_str())
        .collect();
    assert!(missed.len() * 3 <= texts.len(), "more than a third of {} missed: {missed:#?}", texts.len());
}
