//! Against what `transformers` says of the same folders; see `fixtures/huggingface/make.py`.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::contract::Role;
use crate::model::input::Turn;
use crate::model::source::{PolicyClassifierDescription, Score};

#[path = "../../../tests/support/elsewhere.rs"]
mod elsewhere;

#[derive(Deserialize)]
struct Case {
    context: Option<String>,
    text: String,
    ids: Vec<u32>,
    types: Vec<u32>,
    #[serde(default)]
    logits: Vec<f64>,
}

fn cases(fixture: &str) -> Vec<Case> {
    let file = elsewhere::fixture(fixture).join("expected.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn read(classifier: &Classifier, case: &Case) -> Tokens {
    classifier.read(case.context.as_deref(), &case.text, Joined::Pair)
}

fn assert_like_transformers(fixture: &str) {
    let folder = tempfile::tempdir().unwrap();
    elsewhere::build(fixture, folder.path());
    let classifier = Classifier::open(folder.path(), None).unwrap();
    assert_eq!(classifier.labels(), ["clean", "violation", "unsure"]);
    assert!(classifier.is_exclusive());
    let cases = cases(fixture);
    let inputs: Vec<Tokens> = cases.iter().map(|case| read(&classifier, case)).collect();
    for (case, input) in cases.iter().zip(&inputs) {
        assert_eq!((&input.ids, &input.types), (&case.ids, &case.types), "{}", case.text);
    }
    // Together, with padding; and alone.
    let together = classifier.logits(&inputs);
    for ((case, input), together) in cases.iter().zip(&inputs).zip(together) {
        let alone = &classifier.logits(std::slice::from_ref(input))[0];
        for found in [&together, alone] {
            let distance = found.iter().zip(&case.logits).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(distance < 1e-4, "{}: {found:?} instead of {:?}", case.text, case.logits);
        }
    }
    assert!(inputs.iter().any(|input| input.ids.len() == classifier.settings.limit), "one case is cut");
}

#[test]
fn bert_with_a_tokenizer_file() {
    assert_like_transformers("bert");
}

#[test]
fn xlm_roberta() {
    assert_like_transformers("xlm-roberta");
}

#[test]
fn japanese_bert_with_a_vocabulary_and_mecab() {
    assert_like_transformers("bert-japanese");
}

#[test]
fn a_vocabulary_is_read_as_its_settings_say() {
    #[derive(Deserialize)]
    struct Way {
        settings: Value,
        expected: Vec<Case>,
    }
    let folder = tempfile::tempdir().unwrap();
    elsewhere::build("bert-japanese", folder.path());
    let file = elsewhere::fixture("bert-japanese").join("ways.json");
    let ways: Vec<Way> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(ways.len(), 6);
    for Way { settings, expected } in ways {
        std::fs::write(folder.path().join("tokenizer_config.json"), settings.to_string()).unwrap();
        let classifier = Classifier::open(folder.path(), None).unwrap();
        // Without a pair `transformers` cut nothing.
        let limit = classifier.settings.limit;
        for case in expected.into_iter().filter(|case| case.ids.len() <= limit) {
            let tokens = read(&classifier, &case);
            assert_eq!((tokens.ids, tokens.types), (case.ids, case.types), "{settings}: {}", case.text);
        }
    }
}

#[test]
fn the_newest_message_is_kept_and_no_text_brings_special_tokens() {
    let folder = tempfile::tempdir().unwrap();
    elsewhere::build("bert-japanese", folder.path());
    let classifier = Classifier::open(folder.path(), None).unwrap();
    let read = |before: Option<&str>, text: &str, joined| classifier.read(before, text, joined).ids;
    let message = read(None, "了解です", Joined::Pair);
    let (long, limit) = ("写真を追加できますか。".repeat(30), 48);
    for joined in [Joined::Pair, Joined::Text] {
        let cut = read(Some(&long), "了解です", joined);
        assert_eq!(cut.len(), limit);
        assert!(cut.ends_with(&message[1..]), "{cut:?}");
    }
    // A message that is too long by itself loses its middle and all context.
    let middle = read(Some("はい"), &format!("送料{long}発送"), Joined::Pair);
    assert_eq!(middle.len(), limit);
    assert_eq!(middle, read(None, &format!("送料{long}発送"), Joined::Pair));
    let ends = [read(None, "送料", Joined::Pair), read(None, "発送", Joined::Pair)];
    assert_eq!(middle[..2], ends[0][..2]);
    assert_eq!(middle[limit - 2..], ends[1][ends[1].len() - 2..]);

    for fixture in ["bert", "xlm-roberta", "bert-japanese"] {
        let folder = tempfile::tempdir().unwrap();
        elsewhere::build(fixture, folder.path());
        let classifier = Classifier::open(folder.path(), None).unwrap();
        let plain = classifier.read(None, "a", Joined::Pair).ids;
        let ends = [plain[0], plain[plain.len() - 1]];
        let tokens = classifier.read(None, "a [SEP] [CLS] [PAD] </s> <s> <pad> b", Joined::Pair).ids;
        let inside = &tokens[1..tokens.len() - 1];
        assert!(!inside.iter().any(|id| ends.contains(id)), "{fixture}: {tokens:?}");
    }
}

#[test]
fn a_conversation_is_handed_over_as_the_description_says() {
    let folder = tempfile::tempdir().unwrap();
    elsewhere::build("bert", folder.path());
    let classifier = Classifier::open(folder.path(), None).unwrap();
    let texts = ["写真を追加できますか", "LINEでやりとりしませんか", "了解です、フォローしました"];
    let turns: Vec<Turn<'_>> = texts
        .iter()
        .zip([Role::Buyer, Role::Seller, Role::Buyer])
        .map(|(text, role)| Turn { role, text })
        .collect();
    let description = |score, context, joined| PolicyClassifierDescription {
        label: "violation".into(),
        score,
        context,
        joined,
        files: classifier.files().clone(),
    };
    let logits = |score, context, joined, judged: Range<usize>| {
        let own = PolicyClassifier::open(folder.path(), &description(score, context, joined)).unwrap();
        own.logits(&[(turns.clone(), judged), (turns[..1].to_vec(), 0..1)])
    };
    // The fifth case of the fixture is this very conversation.
    let case = &cases("bert")[4];
    assert_eq!(case.text, texts[2]);
    let own = logits(Score::Logit, 2, Joined::Pair, 2..3);
    assert_eq!(own.len(), 2);
    assert!((own[0] - case.logits[1]).abs() < 1e-4);
    let difference = case.logits[1] - (case.logits[0].exp() + case.logits[2].exp()).ln();
    assert!((logits(Score::Difference, 2, Joined::Pair, 2..3)[0] - difference).abs() < 1e-4);

    let direct = |before: Option<&str>, text: &str, joined| {
        classifier.logits(&[classifier.read(before, text, joined)])[0][1]
    };
    let all = logits(Score::Logit, 1, Joined::Text, 0..3);
    let expected = [
        direct(None, "buyer: 写真を追加できますか", Joined::Text),
        direct(None, "buyer: 写真を追加できますか\nseller: LINEでやりとりしませんか", Joined::Text),
        direct(None, "seller: LINEでやりとりしませんか\nbuyer: 了解です、フォローしました", Joined::Text),
    ];
    for (found, expected) in all.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4, "{all:?} instead of {expected:?}");
    }
    let alone = logits(Score::Logit, 0, Joined::Text, 2..3)[0];
    assert!((alone - direct(None, texts[2], Joined::Pair)).abs() < 1e-4);
}

/// A folder with one thing changed, and what its refusal has to say.
fn refused(change: impl Fn(&Path), expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    elsewhere::build("bert-japanese", folder.path());
    change(folder.path());
    let error = Classifier::open(folder.path(), None).err().expect("it is refused").to_string();
    for part in expected {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

fn set(folder: &Path, file: &str, key: &str, value: Value) {
    let path = folder.join(file);
    let mut settings: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    settings[key] = value;
    std::fs::write(path, settings.to_string()).unwrap();
}

#[test]
fn what_cannot_be_read_is_refused_with_file_and_reason() {
    let config =
        |key: &'static str, value: Value| move |folder: &Path| set(folder, "config.json", key, value.clone());
    let words = |key: &'static str, value: Value| {
        move |folder: &Path| set(folder, "tokenizer_config.json", key, value.clone())
    };
    refused(
        config("architectures", json!(["T5ForSequenceClassification"])),
        &["config.json", "expected BertForSequenceClassification", "found T5ForSequenceClassification"],
    );
    refused(config("position_embedding_type", json!("relative_key")), &["expected absolute"]);
    refused(config("hidden_size", json!(33)), &["config.json", "multiple of `num_attention_heads`"]);
    refused(config("id2label", json!({"0": "a", "2": "b"})), &["config.json", "id2label"]);
    refused(config("vocab_size", json!(100)), &["vocab.txt", "below the `vocab_size`", "100, found 1"]);
    refused(config("num_hidden_layers", json!(3)), &["model.safetensors", "bert.encoder.layer.2"]);
    refused(config("intermediate_size", json!(65)), &["model.safetensors", "shape mismatch"]);
    refused(words("mecab_kwargs", json!({"mecab_dic": "unidic_lite"})), &["mecab_dic", "found unidic_lite"]);
    refused(words("word_tokenizer_type", json!("sudachi")), &["tokenizer_config.json", "found sudachi"]);
    refused(words("subword_tokenizer_type", json!("sentencepiece")), &["found sentencepiece"]);
    refused(words("tokenizer_class", json!("LukeTokenizer")), &["found LukeTokenizer"]);
    let without = |name: &'static str| move |folder: &Path| std::fs::remove_file(folder.join(name)).unwrap();
    refused(without("vocab.txt"), &["tokenizer.json", "vocab.txt", "found neither"]);
    refused(without("model.safetensors"), &["model.safetensors", "saved again in one"]);
    refused(
        |folder| std::fs::write(folder.join("vocab.txt"), "[UNK]\n[CLS]\nあ\n").unwrap(),
        &["vocab.txt", "expected a line `[SEP]`"],
    );
    refused(
        |folder| std::fs::write(folder.join("model.safetensors"), b"damaged").unwrap(),
        &["model.safetensors"],
    );
    refused(
        |folder| elsewhere::write_weights(folder, |_, _, _| f32::NAN),
        &["model.safetensors", "finite outputs"],
    );
}

#[test]
fn every_file_is_checked_against_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    elsewhere::build("bert-japanese", folder.path());
    let files = Classifier::open(folder.path(), None).unwrap().files().clone();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"]);
    // A file that came later is not part of the model.
    std::fs::write(folder.path().join("tokenizer.json"), "{}").unwrap();
    Classifier::open(folder.path(), Some(&files)).unwrap();
    for name in names {
        let path = folder.path().join(name);
        let sound = std::fs::read(&path).unwrap();
        let mut damaged = sound.clone();
        damaged.push(b'\n');
        std::fs::write(&path, damaged).unwrap();
        let error = Classifier::open(folder.path(), Some(&files)).err().expect("refused").to_string();
        assert!(error.contains(name) && error.contains("expected SHA-256"), "{error}");
        std::fs::write(&path, sound).unwrap();
    }
}
