//! What more policies cost: whole conversations with 1 head, with 32, and with a classifier from elsewhere that has the size of
//! the shipped encoder and reads each message with up to four before it: `cargo bench --bench heads`.
//!
//! The heads are copies of a shipped one under names of their own, and the classifier was never trained; what they say does not
//! matter to the time.

use std::ops::Range;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mimamori::contract::Policy;
use mimamori::corpus::Corpus;
use mimamori::model::classifier::{Base, ConversationModel};
use mimamori::model::folder::{HEAD, PolicyDescription, read_description, write_description};
use mimamori::model::huggingface::Classifier;
use mimamori::model::input::Turn;
use mimamori::model::lexical::LEXICAL;
use mimamori::model::source::{Joined, PolicyClassifierDescription, PolicySource, Score};

#[path = "../tests/support/elsewhere.rs"]
mod elsewhere;

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/policies/external_induction");

/// Writes the folder of a policy.
type Write = fn(&Policy, &Path);

/// The shipped head under another name.
fn head(policy: &Policy, folder: &Path) {
    let mut description: PolicyDescription =
        read_description(Path::new(SHIPPED)).expect("the head is committed");
    description.policy = policy.clone();
    write_description(folder, &description).expect("the description can be written");
    for name in [HEAD, LEXICAL] {
        std::fs::copy(Path::new(SHIPPED).join(name), folder.join(name)).expect("the head can be copied");
    }
}

/// An XLM-RoBERTa of the shipped encoder's size, with a small vocabulary; its tokens are shorter, so there are more of them.
fn classifier(policy: &Policy, folder: &Path) {
    elsewhere::build("xlm-roberta", folder);
    let file = folder.join("config.json");
    let config = std::fs::read_to_string(&file).expect("the fixture is committed");
    let mut config: serde_json::Value = serde_json::from_str(&config).expect("it is JSON");
    for (key, value) in [
        ("hidden_size", 384),
        ("intermediate_size", 1536),
        ("num_hidden_layers", 12),
        ("num_attention_heads", 12),
        ("max_position_embeddings", 514),
    ] {
        config[key] = value.into();
    }
    std::fs::write(&file, config.to_string()).expect("the configuration can be written");
    elsewhere::write_weights(folder, |name, shape, index| elsewhere::weight(name, shape, index) / 8.0);
    let files = Classifier::open(folder, None).expect("the folder is whole").files().clone();
    let mut description: PolicyDescription =
        read_description(Path::new(SHIPPED)).expect("the head is committed");
    description.policy = policy.clone();
    description.source = PolicySource::Classifier(PolicyClassifierDescription {
        label: "violation".into(),
        score: Score::Difference,
        context: 4,
        joined: Joined::Pair,
        files,
    });
    write_description(folder, &description).expect("the description can be written");
}

fn heads(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let base =
        Base::open(&root.join("models/multilingual-e5-small-ja-en")).expect("the encoder is committed");
    let corpus = Corpus::read(&root.join("fixtures/corpus")).expect("the corpus is committed");
    let conversations: Vec<(Vec<Turn<'_>>, Range<usize>)> = corpus
        .test
        .conversations
        .iter()
        .take(64)
        .map(|conversation| {
            let turns = conversation.messages.iter();
            let turns: Vec<Turn<'_>> =
                turns.map(|message| Turn { role: message.from, text: &message.text }).collect();
            let all = 0..turns.len();
            (turns, all)
        })
        .collect();
    let messages: usize = conversations.iter().map(|(turns, _)| turns.len()).sum();
    // One thread: on a busy machine the ratio of two runs is then less disturbed.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("threads can be started");
    let mut group = criterion.benchmark_group(format!("conversations, {messages} messages"));
    group.sample_size(10).throughput(Throughput::Elements(messages as u64));
    let kinds: [(&str, usize, Write); 3] =
        [("1 head", 1, head), ("32 heads", 32, head), ("1 classifier from elsewhere", 1, classifier)];
    for (name, count, write) in kinds {
        let mut model = ConversationModel::open(&base, &root.join("models/conversation"))
            .expect("the reader is committed");
        for index in 0..count {
            let policy = Policy::new(format!("policy_{index}"));
            let folder = tempfile::tempdir().expect("a folder can be made");
            write(&policy, folder.path());
            model.add_head(folder.path(), &policy).expect("the model can be read");
        }
        group.bench_function(name, |bench| bench.iter(|| pool.install(|| model.logits(&conversations))));
    }
    group.finish();
}

criterion_group!(benches, heads);
criterion_main!(benches);
