//! `mimamori model train lexical`: heads over runs of characters beside a trained encoder.

use std::path::Path;

use crate::running::*;

/// Models of one's own, and a corpus of one file for each part.
fn place() -> tempfile::TempDir {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = tempfile::tempdir().unwrap();
    for folder in ["conversation", "inquiries", "policies/external_induction", "policies/harassment"] {
        copied(&root.join("models").join(folder), &place.path().join("models").join(folder));
    }
    let corpus = place.path().join("corpus");
    for file in ["conversations/ja16", "conversations/ja23", "conversations/en04"]
        .into_iter()
        .chain(["inquiries/qja04", "inquiries/qen03", "inquiries/qen04"])
        .map(|file| format!("{file}.jsonl"))
    {
        let to = corpus.join(&file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(root.join("fixtures/corpus").join(&file), to).unwrap();
    }
    let splits =
        "train = [\"ja16\", \"qja04\", \"qen03\"]\nheld_out = [\"en04\", \"qen04\"]\ntest = [\"ja23\"]\n";
    std::fs::write(corpus.join("splits.toml"), splits).unwrap();
    place
}

#[test]
fn fresh_labels_are_taken_up_without_training_the_encoder() {
    let place = place();
    let told = |file: &str| std::fs::read_to_string(place.path().join("models").join(file)).unwrap();
    let adapter = || std::fs::read(place.path().join("models/conversation/adapter.safetensors")).unwrap();
    let before = (told("policies/harassment/model.toml"), adapter());
    let train = |config: &str| {
        let file = place.path().join("mimamori.toml");
        std::fs::write(&file, config).unwrap();
        run(
            program()
                .arg("--config")
                .arg(&file)
                .args(["model", "train", "lexical", "--name", "fresh", "--corpus"])
                .arg(place.path().join("corpus"))
                .arg("--models")
                .arg(place.path().join("models")),
            b"",
        )
    };
    let output = train("");
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("harassment: ") && said.contains("runs of characters, share 0."), "{said}");
    let after = told("policies/harassment/model.toml");
    assert!(after.contains("version = \"fresh\"") && after.contains("[lexical]"), "{after}");
    assert_ne!(after, before.0);
    assert!(adapter() == before.1, "the encoder stays as it was");
    let lexicon = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("lexicon_sha256")).expect("a lexicon is named");
        line.to_owned()
    };
    assert_eq!(lexicon(&after), lexicon(&told("conversation/model.toml")));
    assert_ne!(lexicon(&after), lexicon(&before.0));

    // The last step of the training loaded what was written. A head of another lexicon is not loaded, and says why.
    std::fs::write(place.path().join("models/policies/harassment/model.toml"), &before.0).unwrap();
    let models = place.path().join("models");
    let output = run(
        program()
            .env("MIMAMORI__MODELS__CONVERSATION", models.join("conversation"))
            .env("MIMAMORI__MODELS__POLICIES", models.join("policies"))
            .arg("moderate"),
        message("m-1", "t-1", "buyer", "サイズを教えていただけますか", 1).as_bytes(),
    );
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("harassment") && said.contains("was trained on a lexicon of SHA-256"), "{said}");
}

#[test]
fn a_head_that_would_be_left_behind_keeps_the_lexicon_in_place() {
    let place = place();
    let heads = place.path().join("models/policies");
    copied(&heads.join("harassment"), &heads.join("rudeness"));
    let description = heads.join("rudeness/model.toml");
    let told = std::fs::read_to_string(&description).unwrap();
    std::fs::write(&description, told.replace("policy = \"harassment\"", "policy = \"rudeness\"")).unwrap();
    let reader = std::fs::read_to_string(place.path().join("models/conversation/model.toml")).unwrap();
    let output = run(
        program()
            .args(["model", "train", "lexical", "--corpus"])
            .arg(place.path().join("corpus"))
            .arg("--models")
            .arg(place.path().join("models")),
        b"",
    );
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("[moderation.policies.rudeness]"), "{}", text(&output.stderr));
    let after = std::fs::read_to_string(place.path().join("models/conversation/model.toml")).unwrap();
    assert_eq!(after, reader);
}
