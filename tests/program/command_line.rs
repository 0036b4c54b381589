//! Commands that need no server: what they print, and how they end.

use crate::running::*;

#[test]
fn moderate_gives_one_line_for_every_line_in_order() {
    let lines = [
        message("m-1", "t-1", "buyer", "はじめまして。サイズを教えてください。", 1),
        "{\"message_id\":".to_owned(),
        message("m-2", "t-1", "seller", "LINEのIDを教えていただけますか？そちらでやり取りしたいです", 2),
        message("m-3", "t-2", "buyer", "Thank you, the jacket arrived today!", 3),
        message("", "t-2", "buyer", "empty id", 4),
    ];
    let output = run(program().arg("moderate"), lines.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(1), "bad lines make it end with 1: {}", text(&output.stderr));
    let verdicts = json_lines(&output.stdout);
    assert_eq!(verdicts.len(), 5);
    let ids: Vec<_> = verdicts.iter().map(|verdict| verdict["message_id"].as_str()).collect();
    assert_eq!(ids, [Some("m-1"), None, Some("m-2"), Some("m-3"), None]);
    assert_eq!((&verdicts[1]["line"], &verdicts[4]["line"]), (&2.into(), &5.into()));
    assert_eq!((&verdicts[0]["action"], &verdicts[2]["action"]), (&"none".into(), &"report".into()));
    assert_eq!((&verdicts[0]["language"], &verdicts[3]["language"]), (&"ja".into(), &"en".into()));
    for verdict in [&verdicts[0], &verdicts[2], &verdicts[3]] {
        for policy in ["external_induction", "harassment"] {
            let probability = verdict["policies"][policy].as_f64().expect("one number for each policy");
            assert!((0.0..=1.0).contains(&probability));
        }
    }
    let spans: Vec<_> = verdicts[2]["labels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|l| l["spans"].as_array().unwrap())
        .collect();
    assert!(
        spans.iter().any(|span| span["text"].as_str().is_some_and(|text| text.contains("LINE"))),
        "{spans:?}"
    );
}

#[test]
fn the_conversation_so_far_decides() {
    let answer = "了解です、さっそく追加しました！";
    let after = |question: &str| {
        let lines =
            [message("a", "t", "buyer", question, 1), message("b", "t", "seller", answer, 2)].join("\n");
        let output = run(program().arg("moderate"), lines.as_bytes());
        json_lines(&output.stdout)[1]["policies"]["external_induction"].as_f64().unwrap()
    };
    let outside = after("続きはLINEでお願いします。IDは kurumi_0412 です");
    let inside = after("出品ページに写真を一枚追加していただけますか？");
    assert!(outside > inside + 0.3, "{outside} after a proposal, {inside} after an ordinary wish");
}

#[test]
fn judging_line_by_line_or_together_makes_no_difference() {
    let lines: Vec<String> = (0..12)
        .map(|i| {
            message(
                &format!("m-{i}"),
                &format!("t-{}", i % 3),
                ["buyer", "seller"][i % 2],
                &format!("{i}番の発送はいつごろでしょうか"),
                i as u32,
            )
        })
        .collect();
    let together = json_lines(&run(program().arg("moderate"), lines.join("\n").as_bytes()).stdout);
    for transaction in 0..3 {
        let own: Vec<&str> = lines.iter().map(String::as_str).skip(transaction).step_by(3).collect();
        let alone = json_lines(&run(program().arg("moderate"), own.join("\n").as_bytes()).stdout);
        for (index, verdict) in alone.iter().enumerate() {
            assert_eq!(verdict["policies"], together[transaction + 3 * index]["policies"]);
        }
    }
}

#[test]
fn route_predicts_whole_distributions_without_agents() {
    let lines = [
        inquiry("q-1", "荷物の追跡が三日前から動いていません"),
        "nonsense".into(),
        inquiry("q-2", "I forgot my password and the code never comes"),
    ];
    let output = run(program().args(["route", "--predict-only"]), lines.join("\n").as_bytes());
    assert_eq!(output.status.code(), Some(1));
    let assignments = json_lines(&output.stdout);
    assert_eq!(assignments.len(), 3);
    assert_eq!(assignments[1]["line"], 2);
    for (assignment, skill, language) in
        [(&assignments[0], "shipping", "ja"), (&assignments[2], "account_access", "en")]
    {
        let skills = assignment["skills"].as_array().unwrap();
        assert_eq!(skills.len(), 13);
        let total: f64 = skills.iter().map(|skill| skill["probability"].as_f64().unwrap()).sum();
        assert!((total - 1.0).abs() < 1e-6);
        assert_eq!((&skills[0]["skill"], &assignment["language"]), (&skill.into(), &language.into()));
        assert!(assignment["agent_id"].is_null());
    }
}

#[test]
fn a_wrong_setting_names_itself_and_ends_with_2() {
    let output = run(program().arg("worker").env("MIMAMORI__WORKER__BATCH_SIZE", "none"), b"");
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("worker.batch_size") && error.contains("MIMAMORI__WORKER__BATCH_SIZE"), "{error}");
}

#[test]
fn a_dependency_out_of_reach_ends_with_3_and_shows_no_password() {
    let output = run(
        program().args(["db", "migrate"]).env("DATABASE_URL", "postgres://anna:geheim@127.0.0.1:1/none"),
        b"",
    );
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("127.0.0.1:1") && !text(&output.stderr).contains("geheim"));
    let output = run(
        program().args(["enqueue", "messages"]).env("AMQP_URL", "amqp://anna:geheim@127.0.0.1:1/%2f"),
        b"{}",
    );
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("geheim"));
}

#[test]
fn a_damaged_rule_file_stops_the_start_with_file_line_and_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.yml"), "title: T\nstatus: tset\n").unwrap();
    let output = run(program().arg("moderate").env("MIMAMORI__MODERATION__RULES", folder.path()), b"");
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("broken.yml:2:") && error.contains("experimental"), "{error}");
}

#[test]
fn a_damaged_model_folder_stops_the_start_with_the_file_and_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models/conversation");
    for file in ["model.toml", "adapter.safetensors"] {
        std::fs::copy(source.join(file), folder.path().join(file)).unwrap();
    }
    let adapter = folder.path().join("adapter.safetensors");
    let mut bytes = std::fs::read(&adapter).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&adapter, bytes).unwrap();
    let output = run(program().arg("moderate").env("MIMAMORI__MODELS__CONVERSATION", folder.path()), b"");
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("adapter.safetensors") && error.contains("expected SHA-256"), "{error}");

    std::fs::write(folder.path().join("model.toml"), "version = 5\n").unwrap();
    let output = run(program().arg("moderate").env("MIMAMORI__MODELS__CONVERSATION", folder.path()), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("model.toml"), "{}", text(&output.stderr));
}

#[test]
fn the_bundled_rules_pass_their_own_checks_and_fixtures() {
    for command in ["check", "test"] {
        let output = run(program().args(["rules", command]), b"");
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    }
}
