//! Plain words, each line as the first message of its transaction: what somebody writes who does not disguise anything. Kept because
//! veiled examples had once crowded plain ones out of what the models learn from: half of the proposals went unseen.

use serde_json::Value;

use crate::running::*;

#[test]
fn most_plain_proposals_are_reported() {
    let (missed, all) = missed("fixtures/plain/proposals.jsonl", "external_induction");
    assert!(missed.len() * 3 <= all, "more than a third of {all} missed: {missed:#?}");
}

#[test]
fn most_plain_insults_are_reported() {
    let (missed, all) = missed("fixtures/plain/insults.jsonl", "harassment");
    assert!(missed.len() * 5 <= all, "more than a fifth of {all} missed: {missed:#?}");
}

/// The texts of a file that raise no alert for the policy, and how many texts there are.
fn missed(file: &str, policy: &str) -> (Vec<String>, usize) {
    let lines = json_lines(&std::fs::read(file).unwrap());
    let text_of = |line: &Value| line["text"].as_str().unwrap().to_owned();
    let messages: Vec<String> = (1_u32..)
        .zip(&lines)
        .map(|(n, line)| {
            let role = line["from"].as_str().unwrap();
            message(&format!("m-{n}"), &format!("t-{n}"), role, &text_of(line), n)
        })
        .collect();
    let output = run(program().arg("moderate"), messages.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let verdicts = json_lines(&output.stdout);
    assert_eq!(verdicts.len(), lines.len());
    let reported = |verdict: &Value| {
        let labels = verdict["labels"].as_array().unwrap();
        verdict["action"] != "none" && labels.iter().any(|label| label["policy"] == policy)
    };
    let missed =
        verdicts.iter().zip(&lines).filter(|(verdict, _)| !reported(verdict)).map(|(_, line)| text_of(line));
    (missed.collect(), lines.len())
}
