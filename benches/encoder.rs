//! The encoder on whole conversations of the corpus' test part: `cargo bench --bench encoder`.
//!
//! Reported in tokens a second; the number of messages read is printed beside it.

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mimamori::corpus::Corpus;
use mimamori::model::encoder::weights::EncoderWeights;
use mimamori::model::encoder::{Encoder, Sequence};
use mimamori::model::input::{Reader, Turn};

fn encoder(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("models/multilingual-e5-small-ja-en");
    let weights = EncoderWeights::read(&folder.join("model.gguf")).expect("the encoder is committed");
    let encoder = Encoder::new(&weights).expect("the encoder has usual dimensions");
    let reader = Reader::open(&folder.join("tokenizer.json")).expect("the tokenizer is committed");
    let corpus = Corpus::read(&root.join("fixtures/corpus")).expect("the corpus is committed");
    let mut messages = 0;
    let mut sequences: Vec<Sequence> = Vec::new();
    for conversation in corpus.test.conversations.iter().take(64) {
        let turns: Vec<Turn<'_>> = conversation
            .messages
            .iter()
            .map(|message| Turn { role: message.from, text: &message.text })
            .collect();
        messages += turns.len();
        sequences.extend(reader.conversation(&turns, 0..turns.len()).into_iter().map(|pass| pass.sequence));
    }
    let tokens: usize = sequences.iter().map(Sequence::tokens).sum();
    let mut group = criterion.benchmark_group(format!("encoder, {messages} messages in {tokens} tokens"));
    group.sample_size(10).throughput(Throughput::Elements(tokens as u64));
    for threads in [1, 2] {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        group.bench_function(format!("{threads} threads"), |bench| {
            bench.iter(|| pool.install(|| encoder.pooled(&sequences)))
        });
    }
    group.finish();
}

criterion_group!(benches, encoder);
criterion_main!(benches);
