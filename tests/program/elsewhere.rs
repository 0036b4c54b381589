//! Classifiers from elsewhere in the place of a head and of the inquiry model.

use std::path::{Path, PathBuf};

use crate::elsewhere::{build, build_word_spotter};
use crate::running::*;

/// Models and a corpus of one file for each part, where `off_platform` stands for external induction.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["conversation", "inquiries", "policies/external_induction", "policies/harassment"] {
            copied(&root.join("models").join(name), &place.models().join(name));
        }
        for (kind, files) in
            [("conversations", ["ja08.jsonl", "ja07.jsonl"]), ("inquiries", ["qja04.jsonl", "qja03.jsonl"])]
        {
            std::fs::create_dir_all(place.corpus().join(kind)).unwrap();
            for file in files {
                let text =
                    std::fs::read_to_string(root.join("fixtures/corpus").join(kind).join(file)).unwrap();
                let text = text.replace("\"external_induction", "\"off_platform");
                std::fs::write(place.corpus().join(kind).join(file), text).unwrap();
            }
        }
        let splits = "train = []\nheld_out = [\"ja08\", \"qja04\"]\ntest = [\"ja07\", \"qja03\"]\n";
        std::fs::write(place.corpus().join("splits.toml"), splits).unwrap();
        place
    }

    fn models(&self) -> PathBuf {
        self.folder.path().join("models")
    }

    fn corpus(&self) -> PathBuf {
        self.folder.path().join("corpus")
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    fn adopt(&self, what: &str, arguments: &[&str]) -> std::process::Output {
        run(
            program()
                .args(["model", "adopt", what])
                .arg(self.source())
                .args(arguments)
                .arg("--models")
                .arg(self.models())
                .arg("--corpus")
                .arg(self.corpus()),
            b"",
        )
    }

    /// Verdicts on two messages with the policy switched on, and what was said beside them.
    fn moderate(&self) -> (Vec<serde_json::Value>, String) {
        let config = self.folder.path().join("mimamori.toml");
        std::fs::write(
            &config,
            "[moderation.policies.off_platform]\nreport = \"shipped\"\nhide = \"never\"\n",
        )
        .unwrap();
        let lines = [
            message("m-1", "t-1", "buyer", "サイズを教えていただけますか", 1),
            message("m-2", "t-2", "buyer", "続きは https://example.com/shop_1 でお願いします", 1),
        ];
        let output = run(
            program()
                .arg("--config")
                .arg(&config)
                .arg("moderate")
                .env("MIMAMORI__MODELS__POLICIES", self.models().join("policies")),
            lines.join("\n").as_bytes(),
        );
        assert!(output.status.success(), "{}", text(&output.stderr));
        (json_lines(&output.stdout), text(&output.stderr))
    }

    /// What is in the folder of models.
    fn listing(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut folders = vec![self.models()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                all.push(path.strip_prefix(self.models()).unwrap().display().to_string());
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        all.sort();
        all
    }
}

/// Pieces of links and handles in the fixture's vocabulary: held-out invitations hold them, other messages seldom do.
const WORDS: [&str; 3] = ["_", "example", "https"];

#[test]
fn an_adopted_classifier_judges_its_policy_and_a_damaged_one_takes_only_that_out() {
    let place = Place::new();
    build_word_spotter(&WORDS, &["invitation", "harmless"], &place.source());
    let adopt = |version: &str| {
        place.adopt("off_platform", &["--label", "invitation", "--context", "2", "--name", version])
    };
    let output = adopt("first");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("off_platform, test") && printed.contains("[moderation.policies.off_platform]"),
        "{printed}"
    );
    let folder = place.models().join("policies/off_platform");
    let told = std::fs::read_to_string(folder.join("model.toml")).unwrap();
    for part in [
        "label = \"invitation\"",
        "score = \"difference\"",
        "joined = \"pair\"",
        "report_precision",
        "\"vocab.txt\"",
    ] {
        assert!(told.contains(part), "`{part}` is not in\n{told}");
    }

    let (verdicts, _) = place.moderate();
    let score = |verdicts: &[serde_json::Value], index: usize| {
        verdicts[index]["policies"]["off_platform"].as_f64().expect("a number for the policy")
    };
    assert!(score(&verdicts, 1) > score(&verdicts, 0), "{verdicts:?}");
    let of_others = verdicts[1]["policies"]["harassment"].clone();

    // The next version takes its place; the first is kept, and both models are listed as before.
    let output = adopt("second");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(place.models().join("versions/policies/off_platform/first/model.safetensors").is_file());
    let listed = run(program().args(["model", "list", "--models"]).arg(place.models()), b"");
    assert!(text(&listed.stdout).contains("off_platform average_precision"), "{}", text(&listed.stderr));

    // Damage takes out this policy's model alone, and the log names the file.
    let weights = folder.join("model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let (verdicts, log) = place.moderate();
    assert!(log.contains("off_platform") && log.contains("model.safetensors"), "{log}");
    assert!(log.contains("judged by its rules alone"), "{log}");
    assert_eq!(score(&verdicts, 1), 0.0);
    assert_eq!(verdicts[1]["policies"]["harassment"], of_others);
}

#[test]
fn what_cannot_be_used_is_refused_before_anything_is_put_in_place() {
    let place = Place::new();
    build("bert", &place.source());
    let before = place.listing();
    let refused = |what: &str, arguments: &[&str], expected: &str| {
        let output = place.adopt(what, arguments);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
        assert_eq!(place.listing(), before);
    };
    refused("off_platform", &[], "one of clean, violation, unsure; found none");
    refused("off_platform", &["--label", "bad"], "found bad");
    refused("unheard_of", &["--label", "violation"], "held-out messages with the label `unheard_of`");
    refused("inquiries", &["--label", "payment=clean"], "found none for violation, unsure");
    refused("inquiries", &["--label", "money=clean"], "unknown skill `money`");
    std::fs::remove_file(place.source().join("tokenizer.json")).unwrap();
    refused("off_platform", &["--label", "violation"], "expected this file, or vocab.txt");
}

#[test]
fn an_adopted_classifier_tells_skills_and_is_taken_back() {
    let place = Place::new();
    // One output is called after no skill, and two stand for one.
    let outputs = [
        "parcel",
        "payment",
        "sales_proceeds",
        "shipping",
        "return_refund",
        "cancellation",
        "account_access",
        "identity_verification",
        "listing",
        "user_trouble",
        "fraud_security",
        "app_technical",
        "points_coupons",
        "other",
    ];
    build_word_spotter(&["発送", "荷物", "配送"], &outputs, &place.source());
    let output = place.adopt("inquiries", &["--label", "shipping=parcel", "--name", "elsewhere"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("elsewhere is live"), "{}", text(&output.stdout));
    let lines = [
        inquiry("i-1", "荷物がまだ届かないのですが、発送されたのでしょうか"),
        inquiry("i-2", "ありがとうございます"),
    ];
    let output = run(
        program()
            .args(["route", "--predict-only"])
            .env("MIMAMORI__MODELS__INQUIRIES", place.models().join("inquiries")),
        lines.join("\n").as_bytes(),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let predicted = json_lines(&output.stdout);
    let shipping = |index: usize| {
        let skills = predicted[index]["skills"].as_array().expect("a distribution");
        let entry =
            skills.iter().find(|entry| entry["skill"] == "shipping").expect("every skill has a number");
        entry["probability"].as_f64().expect("a number")
    };
    assert!(shipping(0) > shipping(1), "{predicted:?}");

    let output = run(program().args(["model", "rollback", "inquiries", "--models"]).arg(place.models()), b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(place.models().join("inquiries/adapter.safetensors").is_file());
}
