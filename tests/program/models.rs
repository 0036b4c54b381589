//! What model owners do: a new policy from labelled messages, and figures on public data sets.

use std::path::Path;

use crate::running::*;

#[test]
fn a_new_policy_is_a_folder_and_a_section_in_the_configuration() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = tempfile::tempdir().unwrap();
    let heads = place.path().join("policies");
    for policy in ["external_induction", "harassment"] {
        copied(&root.join("models/policies").join(policy), &heads.join(policy));
    }
    // The corpus' own labels under another name.
    let labels = std::fs::read_to_string(root.join("fixtures/corpus/conversations/ja08.jsonl")).unwrap();
    let file = place.path().join("labels.jsonl");
    std::fs::write(&file, labels.replace("\"harassment\"", "\"rudeness\"")).unwrap();
    let output = run(
        program()
            .args(["model", "policy", "rudeness", "--name", "v1", "--labels"])
            .arg(&file)
            .arg("--out")
            .arg(&heads),
        b"",
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("rudeness, cross-fitted") && printed.contains("[moderation.policies.rudeness]"),
        "{printed}"
    );

    let config = place.path().join("mimamori.toml");
    std::fs::write(&config, "[moderation.policies.rudeness]\nreport = \"shipped\"\nhide = \"never\"\n")
        .unwrap();
    let lines = [
        message("m-1", "t-1", "buyer", "サイズを教えていただけますか", 1),
        message("m-2", "t-2", "buyer", "おまえ頭おかしいんじゃねえの、さっさと返事しろクズ", 1),
    ];
    let output = run(
        program().arg("--config").arg(&config).arg("moderate").env("MIMAMORI__MODELS__POLICIES", &heads),
        lines.join("\n").as_bytes(),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let verdicts = json_lines(&output.stdout);
    let of =
        |index: usize| verdicts[index]["policies"]["rudeness"].as_f64().expect("a number for the new policy");
    assert!(of(1) > of(0) + 0.3, "{} and {}", of(0), of(1));
}

#[test]
fn too_few_labels_are_refused_with_what_is_needed() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("labels.jsonl");
    std::fs::write(
        &file,
        r#"{"conversation":"c","language":"ja","origin":"composed","author_batch":"x","messages":[{"from":"buyer","text":"a","labels":["rudeness"]}]}"#,
    )
    .unwrap();
    let output = run(
        program().args(["model", "policy", "rudeness", "--labels"]).arg(&file).arg("--out").arg(place.path()),
        b"",
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("at least 20 messages"), "{}", text(&output.stderr));
    let output = run(program().args(["model", "policy", "../up", "--labels"]).arg(&file), b"");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn public_data_sets_are_read_as_they_are_published() {
    let place = tempfile::tempdir().unwrap();
    let rows = |questions: &[(&str, &str)]| -> String {
        let rows = (0..4).flat_map(|_| questions).map(|(text, intent)| format!("\"{text}\",{intent}\n"));
        format!("text,category\n{}", rows.collect::<String>())
    };
    let train = [
        ("My card has not arrived yet", "card_arrival"),
        ("When will I get my card?", "card_arrival"),
        ("How do I change my PIN?", "change_pin"),
        ("I want a new PIN code", "change_pin"),
        ("What is the exchange rate today?", "exchange_rate"),
        ("Which rate do you use for euros?", "exchange_rate"),
    ];
    let test = [("Still waiting for the card", "card_arrival"), ("Let me set another PIN", "change_pin")];
    std::fs::write(place.path().join("train.csv"), rows(&train)).unwrap();
    std::fs::write(place.path().join("test.csv"), rows(&test)).unwrap();
    let output = run(program().args(["model", "eval", "--data"]).arg(place.path()), b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("Banking77")
            && printed.contains("accuracy in scope            1.0000 of 8 texts, 3 intents"),
        "{printed}"
    );
    let output = run(program().args(["model", "eval", "--reference", "--data"]).arg(place.path()), b"");
    let printed = text(&output.stdout);
    let rows = |what: &str| printed.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!(rows("Banking77, encoder as it is with"), 2, "{printed}");
    assert_eq!(rows("Banking77, encoder as it is in 32-bit floats with"), 2, "{printed}");

    let talk = tempfile::tempdir().unwrap();
    let lines = [
        r#"{"dialogue":"1","turn":0,"speaker":"operator_1","text":"ご宿泊のご相談を承ります。"}"#,
        r#"{"dialogue":"1","turn":1,"speaker":"customer_1","text":"お盆に二人で泊まりたいです。"}"#,
    ];
    std::fs::write(talk.path().join("dialogues.jsonl"), lines.join("\n")).unwrap();
    let output = run(program().args(["model", "eval", "--data"]).arg(talk.path()), b"");
    let printed = text(&output.stdout);
    assert!(
        printed.contains("2 messages in 1 dialogues") && printed.contains("0 alerts, 0.00 in 1,000"),
        "{printed}"
    );

    let empty = tempfile::tempdir().unwrap();
    let output = run(program().args(["model", "eval", "--data"]).arg(empty.path()), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("expected train.csv and test.csv"), "{}", text(&output.stderr));
}

#[test]
fn the_shipped_arithmetic_is_measured_beside_floats() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = tempfile::tempdir().unwrap();
    for (kind, file) in [("conversations", "ja07.jsonl"), ("inquiries", "qja03.jsonl")] {
        let all = std::fs::read_to_string(root.join("fixtures/corpus").join(kind).join(file)).unwrap();
        let some: Vec<&str> = all.lines().take(24).collect();
        std::fs::create_dir_all(place.path().join(kind)).unwrap();
        std::fs::write(place.path().join(kind).join(file), some.join("\n")).unwrap();
    }
    let splits = "train = []\nheld_out = []\ntest = [\"ja07\", \"qja03\"]\n";
    std::fs::write(place.path().join("splits.toml"), splits).unwrap();
    let json = place.path().join("figures.json");
    let eval = |arguments: &[&str]| {
        let output = run(
            program()
                .args(["model", "eval", "--corpus"])
                .arg(place.path())
                .arg("--json")
                .arg(&json)
                .args(arguments),
            b"",
        );
        assert!(output.status.success(), "{}", text(&output.stderr));
        let figures: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
        (text(&output.stdout), figures)
    };
    let (printed, shipped) = eval(&[]);
    assert!(!printed.contains("floats") && shipped.get("reference").is_none(), "{printed}");

    let (printed, figures) = eval(&["--reference"]);
    assert!(printed.contains("beside 32-bit floats") && printed.contains("largest differences in points"));
    let rows = figures["reference"]["figures"].as_array().unwrap();
    // Two policies with six figures, over all and in Japanese; five of the skills, and the accuracy in Japanese.
    assert_eq!(rows.len(), 2 * 2 * 6 + 5 + 1, "{printed}");
    for row in rows {
        let (ours, floats) = (row["shipped"].as_f64(), row["reference"].as_f64());
        assert!((ours.unwrap() - floats.unwrap()).abs() < 0.1, "{row}");
    }
    // The shipped side is what the evaluation without the reference says.
    assert_eq!(rows[0]["slice"], "external_induction all");
    assert_eq!(rows[0]["shipped"], shipped["external_induction all"]["average_precision"]);
    for policy in ["external_induction", "harassment"] {
        let apart = &figures["reference"]["apart"][policy];
        // Another arithmetic, so not the same numbers; the same weights, so nearly.
        let (mean, largest) = (apart["mean"].as_f64().unwrap(), apart["largest"].as_f64().unwrap());
        assert!(mean > 0.0 && mean < 0.1 && largest < 1.0, "{policy}: {apart}");
    }
}

#[test]
fn a_public_set_trains_adapters_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    let part = |texts: &[&str], intent: &str| -> Vec<[String; 2]> {
        texts.iter().map(|text| [(*text).to_owned(), intent.to_owned()]).collect()
    };
    let cards =
        ["where is my card", "my card has not come", "has the card been posted", "card still missing"];
    let pins = ["change my pin", "i forgot the pin", "set another pin please", "how do i reset a pin"];
    let inside = |from: usize, to: usize| {
        [part(&cards[from..to], "card_arrival"), part(&pins[from..to], "change_pin")].concat()
    };
    let set = serde_json::json!({
        "train": vec![inside(0, 3); 3].concat(),
        "val": inside(0, 3),
        "test": inside(3, 4),
        "oos_train": part(&["who won the cup"], "oos"),
        "oos_val": part(&["how tall is an oak"], "oos"),
        "oos_test": part(&["sing me a song", "what do whales eat"], "oos"),
    });
    std::fs::write(place.path().join("data_full.json"), set.to_string()).unwrap();
    let eval = |arguments: &[&str]| {
        run(program().args(["model", "eval", "--data"]).arg(place.path()).args(arguments), b"")
    };
    let output = eval(&["--train", "2", "--first-layer", "11", "--rank", "2", "--batch", "8"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    let rows: Vec<&str> = printed.lines().filter(|line| line.starts_with("CLINC150, ")).collect();
    // The encoder, and the encoder with runs of characters beside it: as it is, then trained.
    assert_eq!(rows.len(), 4, "{printed}");
    assert!(rows[1].contains("runs of characters beside it, share "), "{printed}");
    assert!(rows[2].contains("rank 2 from layer 11 and a head, trained on 16 texts, 2 decide"), "{printed}");
    assert_eq!(printed.matches("chosen on 2 validation texts out of scope").count(), 4, "{printed}");
    assert!(text(&output.stderr).contains("epoch 2: loss"), "{}", text(&output.stderr));

    // What belongs to a training is refused where none was asked for.
    let output = eval(&["--rank", "2"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("--train"), "{}", text(&output.stderr));
}

#[test]
fn a_version_is_listed_promoted_and_rolled_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (live, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for place in [&live, &new] {
        for folder in ["conversation", "inquiries", "policies/external_induction", "policies/harassment"] {
            copied(&root.join("models").join(folder), &place.path().join(folder));
        }
    }
    let description = new.path().join("inquiries/model.toml");
    let told = std::fs::read_to_string(&description).unwrap();
    let version = told.lines().next().unwrap().to_owned();
    std::fs::write(&description, told.replacen(&version, "version = \"next\"", 1)).unwrap();
    let model = |arguments: &[&str]| {
        run(program().arg("model").args(arguments).arg("--models").arg(live.path()), b"")
    };

    let source = new.path().display().to_string();
    let output = model(&["promote", "inquiries", &source]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let listed = text(&model(&["list"]).stdout);
    assert!(listed.contains("next                live") && listed.contains("kept"), "{listed}");
    let output = model(&["rollback", "inquiries"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!text(&model(&["list"]).stdout).contains("next                live"));

    // A damaged version is not put in place.
    let head = new.path().join("inquiries/head.safetensors");
    std::fs::write(&head, b"damaged").unwrap();
    let output = model(&["promote", "inquiries", &source]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert_eq!(text(&model(&["rollback", "conversation"]).stdout), "");
}
