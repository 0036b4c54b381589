//! Two readings of a conversation, on the corpus' held-out and test parts: `cargo run --release --example compare_readings`.
//!
//! (a), shipped: the message and those before it in one pass of the encoder. (b): every message encoded once, by itself, by the same
//! adapted encoder, and a small recurrent network over the vectors, which is trained here on the training part. A third row is a
//! linear head on the vectors of (b): no context at all. The adapter was trained on the same training part, in reading (a): what (b)
//! learns from its vectors is worth less on other messages, and its row may show less than that reading can do.
//!
//! Average precision of the model alone, without rules. Cost in tokens that pass the encoder, and in processor time of one thread
//! (the readings take turns, and the best of the rounds counts).

#[path = "../../benches/generated/mod.rs"]
mod generated;
mod network;
mod talks;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use generated::process_time;
use mimamori::contract::{Language, Policy};
use mimamori::corpus::{Conversation, Corpus};
use mimamori::model::classifier::{Base, ConversationModel};
use mimamori::model::folder::Head;
use mimamori::model::input::{Reader, Turn};
use mimamori::model::metrics::average_precision;
use mimamori::model::train::{OtherHands, Target, fit_head};
use network::{Network, Settings};
use rand::SeedableRng;
use rand::rngs::StdRng;
use talks::{Talk, Vectors};

/// Other hands in which (b) sees every training conversation. Each costs a pass over all its messages.
const HANDS: u64 = 1;
/// Units of each recurrent layer.
const UNITS: usize = 256;
/// Penalty of the linear head without context; with 22,000 messages it hardly matters.
const PENALTY: f64 = 10.0;
const ROUNDS: usize = 3;

type Failure = Box<dyn std::error::Error>;

/// Logits by message, in the order of the policies.
type Logits = Vec<Vec<f64>>;

/// The whole conversation, every message judged.
type Input<'a> = (Vec<Turn<'a>>, Range<usize>);

fn main() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = Corpus::read(&root.join("fixtures/corpus"))?;
    let encoder = root.join("models/multilingual-e5-small-ja-en");
    let policies = ["external_induction", "harassment"].map(Policy::new).to_vec();
    let model = shipped(root, &Base::open(&encoder)?, &policies)?;

    let mut vectors = Vectors::default();
    let train = training_talks(&corpus.train.conversations, &policies, &model, &mut vectors);
    let (held_out, test) = (&corpus.held_out.conversations, &corpus.test.conversations);
    let held_out_talks = vectors.talks(held_out, &policies, &model);
    let test_talks = vectors.talks(test, &policies, &model);

    let settings = Settings { units: UNITS, outputs: policies.len(), seed: 7 };
    let network = Network::train(&settings, &vectors, &train, &held_out_talks)?;
    let alone = without_context(&vectors, &train, policies.len())?;

    for (part, conversations, talks) in [("held out", held_out, &held_out_talks), ("test", test, &test_talks)]
    {
        let rows = [
            ("(a) one pass", model.logits(&inputs(conversations)).into_iter().flatten().collect()),
            ("(b) vectors kept", network.logits(&vectors, &talks.iter().collect::<Vec<_>>())?),
            ("no context", messages(talks).map(|vector| alone.logits(vectors.get(vector))).collect()),
        ];
        for (name, logits) in rows {
            precision_row(part, name, conversations, &policies, &logits);
        }
    }
    costs(&Reader::open(&encoder.join("tokenizer.json"))?, test, &model, &network, &vectors, &test_talks)
}

fn shipped(root: &Path, base: &Base, policies: &[Policy]) -> Result<ConversationModel, Failure> {
    let mut model = ConversationModel::open(base, &root.join("models/conversation"))?;
    for policy in policies {
        let folder: PathBuf = root.join("models/policies").join(policy.as_str());
        model.add_head(&folder, policy)?;
    }
    Ok(model)
}

/// For every training conversation its forms: as it is, and in other hands.
fn training_talks(
    conversations: &[Conversation],
    policies: &[Policy],
    model: &ConversationModel,
    vectors: &mut Vectors,
) -> Vec<Vec<Talk>> {
    let hands = OtherHands::new(conversations);
    let mut forms: Vec<Vec<Talk>> =
        vectors.talks(conversations, policies, model).into_iter().map(|talk| vec![talk]).collect();
    for hand in 1..=HANDS {
        let rewritten: Vec<Conversation> = conversations
            .iter()
            .zip(0u64..)
            .map(|(conversation, index)| {
                hands.rewrite(conversation, &mut StdRng::seed_from_u64(hand << 32 | index))
            })
            .collect();
        let talks = vectors.talks(&rewritten, policies, model);
        forms.iter_mut().zip(talks).for_each(|(forms, talk)| forms.push(talk));
    }
    forms
}

fn messages(talks: &[Talk]) -> impl Iterator<Item = usize> {
    talks.iter().flat_map(|talk| talk.vectors.iter().copied())
}

/// A linear head on the training messages as they are.
fn without_context(vectors: &Vectors, train: &[Vec<Talk>], outputs: usize) -> Result<Head, Failure> {
    let own = || train.iter().filter_map(|forms| forms.first());
    let inputs: Vec<Vec<f32>> =
        own().flat_map(|talk| &talk.vectors).map(|vector| vectors.get(*vector).to_vec()).collect();
    let targets: Vec<Target> =
        own().flat_map(|talk| &talk.labels).map(|labels| Target::Labels(labels.clone())).collect();
    Ok(fit_head(&inputs, &targets, outputs, PENALTY)?)
}

fn inputs(conversations: &[Conversation]) -> Vec<Input<'_>> {
    let turn = |message| {
        let message: &mimamori::corpus::LabelledMessage = message;
        Turn { role: message.from, text: &message.text }
    };
    conversations
        .iter()
        .map(|conversation| {
            let turns: Vec<Turn<'_>> = conversation.messages.iter().map(turn).collect();
            let all = 0..turns.len();
            (turns, all)
        })
        .collect()
}

/// One line: average precision by policy, over all messages and by language.
fn precision_row(
    part: &str,
    name: &str,
    conversations: &[Conversation],
    policies: &[Policy],
    logits: &Logits,
) {
    let judged: Vec<(Language, &mimamori::corpus::LabelledMessage)> = conversations
        .iter()
        .flat_map(|conversation| {
            conversation.messages.iter().map(move |message| (conversation.language, message))
        })
        .collect();
    print!("{part:<9} {name:<17}");
    for (index, policy) in policies.iter().enumerate() {
        print!("  {policy}:");
        for slice in [None, Some(Language::Ja), Some(Language::En)] {
            let scored: Vec<(f64, bool)> = judged
                .iter()
                .zip(logits)
                .filter(|((language, _), _)| slice.is_none_or(|slice| slice == *language))
                .map(|((_, message), logits)| (logits[index], message.violates(policy.as_str())))
                .collect();
            let name = slice.map_or("all", Language::as_str);
            print!(" {name} {:.4}", average_precision(&scored));
        }
    }
    println!();
}

/// What a message of the test part costs in each reading.
fn costs(
    reader: &Reader,
    conversations: &[Conversation],
    model: &ConversationModel,
    network: &Network,
    vectors: &Vectors,
    talks: &[Talk],
) -> Result<(), Failure> {
    let whole = inputs(conversations);
    let arriving: Vec<Input<'_>> = whole
        .iter()
        .flat_map(|(turns, _)| (0..turns.len()).map(|last| (turns[..=last].to_vec(), last..last + 1)))
        .collect();
    let single: Vec<Input<'_>> =
        whole.iter().flat_map(|(turns, _)| turns.iter().map(|turn| (vec![*turn], 0..1))).collect();
    let count = single.len() as f64;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let talks: Vec<&Talk> = talks.iter().collect();
    let rows: [(&str, &[Input<'_>]); 3] = [
        ("(a) one pass, whole conversations", &whole),
        ("(a) one pass, message by message", &arriving),
        ("(b) vectors kept, encoder", &single),
    ];
    let mut best = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        for ((_, inputs), best) in rows.iter().zip(&mut best) {
            *best = (*best).min(timed(|| drop(pool.install(|| model.vectors(inputs)))));
        }
        let mut failed = None;
        let time = timed(|| failed = pool.install(|| network.logits(vectors, &talks)).err());
        if let Some(error) = failed {
            return Err(error.into());
        }
        best[3] = best[3].min(time);
    }
    for ((name, inputs), best) in rows.iter().zip(best) {
        let passes = inputs.iter().flat_map(|(turns, judged)| reader.conversation(turns, judged.clone()));
        let tokens: usize = passes.map(|pass| pass.sequence.tokens()).sum();
        println!(
            "{name:<35} {:>6.1} tokens a message, {:>6.0} messages/s",
            tokens as f64 / count,
            count / best.as_secs_f64()
        );
    }
    println!(
        "{:<35} {:>6} tokens a message, {:>6.0} messages/s",
        "(b) vectors kept, network",
        0,
        count / best[3].as_secs_f64()
    );
    Ok(())
}

/// Processor time of all threads; only one is at work.
fn timed(run: impl FnOnce()) -> Duration {
    let start = process_time();
    run();
    process_time().saturating_sub(start)
}
