//! The encoder as it is shipped, each variant that this processor runs, beside candle-transformers' BertModel with the same
//! weights: `cargo bench --bench encoder`.
//!
//! Sentences and tokens a second of processor time: with two threads that is twice what the clock of the threads says, on a machine
//! that has two cores to itself what the wall clock says. The engines take turns, and the best of the rounds counts.
//!
//! `cargo bench --bench encoder -- --serve FOLDER` runs rounds on request for `benches/peers/onnxruntime.py`.

mod generated;

use std::fs;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Duration;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use generated::process_time;
use mimamori::corpus::Corpus;
use mimamori::model::encoder::kernel::Isa;
use mimamori::model::encoder::weights::EncoderWeights;
use mimamori::model::encoder::{Encoder, Sequence};
use mimamori::model::input::{Reader, Turn};

const ROUNDS: usize = 5;
/// Sentences of a padded batch, for the peers.
const BATCH: usize = 32;
/// Sentences for the comparison with peers, and how many of them candle reads: it takes its time.
const SENTENCES: usize = 512;
const FOR_CANDLE: usize = 128;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--serve") {
        Some(place) => serve(Path::new(&arguments[place + 1])),
        None => compare(),
    }
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/multilingual-e5-small-ja-en")
}

fn weights() -> EncoderWeights {
    EncoderWeights::read(&folder().join("model.gguf")).expect("the encoder is committed")
}

/// Single messages of the test part, sorted by length, and its conversations with the number of messages that they decide.
fn texts() -> (Vec<Sequence>, Vec<Sequence>, usize) {
    let reader = Reader::open(&folder().join("tokenizer.json")).expect("the tokenizer is committed");
    let corpus = Corpus::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpus"))
        .expect("the corpus is committed");
    let conversations = &corpus.test.conversations;
    let messages = conversations.iter().flat_map(|conversation| &conversation.messages);
    let stride = messages.clone().count() / SENTENCES;
    let mut sentences: Vec<Sequence> = messages
        .clone()
        .step_by(stride.max(1))
        .take(SENTENCES)
        .map(|message| reader.inquiry(None, &message.text))
        .collect();
    sentences.sort_by_key(Sequence::tokens);
    let passes = conversations.iter().flat_map(|conversation| {
        let turn = |message| {
            let message: &mimamori::corpus::LabelledMessage = message;
            Turn { role: message.from, text: &message.text }
        };
        let turns: Vec<Turn<'_>> = conversation.messages.iter().map(turn).collect();
        reader.conversation(&turns, 0..turns.len())
    });
    (sentences, passes.map(|pass| pass.sequence).collect(), messages.count())
}

fn tokens(sequences: &[Sequence]) -> usize {
    sequences.iter().map(Sequence::tokens).sum()
}

/// Something that reads texts; how many texts, or messages, and tokens it reads; and the best time so far.
struct Engine<'a> {
    name: String,
    texts: usize,
    tokens: usize,
    run: Box<dyn Fn() + 'a>,
    best: Duration,
}

fn compare() {
    let weights = weights();
    let (sentences, conversations, messages) = texts();
    let encoders: Vec<Encoder> = Isa::available()
        .map(|isa| Encoder::with_isa(&weights, isa).expect("the encoder has usual dimensions"))
        .collect();
    let some: Vec<Sequence> = sentences.iter().step_by(SENTENCES / FOR_CANDLE).cloned().collect();
    let mut engines = Vec::new();
    let mut add = |name: String, texts: usize, tokens: usize, run: Box<dyn Fn()>| {
        engines.push(Engine { name, texts, tokens, run, best: Duration::MAX });
    };
    let pools = [1, 2].map(|threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started")
    });
    // Leaked: the program ends with the measurement, and the boxed runs then own nothing that is borrowed.
    let pools: &'static [_; 2] = Box::leak(Box::new(pools));
    let (sentences, conversations): (&'static [_], &'static [_]) = (sentences.leak(), conversations.leak());
    let some: &'static [Sequence] = some.leak();
    for (isa, encoder) in Isa::available().zip(encoders.leak().iter()) {
        // The portable variant takes its time: fewer texts, one thread.
        if isa == Isa::PORTABLE {
            let run = move || drop(pools[0].install(|| encoder.pooled(some)));
            add(format!("{isa:?}, sentences, 1 thread"), some.len(), tokens(some), Box::new(run));
            continue;
        }
        for pool in pools {
            let threads = pool.current_num_threads();
            let run = move || drop(pool.install(|| encoder.pooled(sentences)));
            let name = format!("{isa:?}, sentences, {threads} threads");
            add(name, sentences.len(), tokens(sentences), Box::new(run));
            let run = move || drop(pool.install(|| encoder.pooled(conversations)));
            let name = format!("{isa:?}, conversations by message, {threads} threads");
            add(name, messages, tokens(conversations), Box::new(run));
        }
    }
    let model = candle();
    let run = move || candle_run(&model, some);
    add(
        "candle BertModel, sentences, batches of 32, its threads".into(),
        some.len(),
        tokens(some),
        Box::new(run),
    );
    for _ in 0..ROUNDS {
        for engine in &mut engines {
            let start = process_time();
            (engine.run)();
            engine.best = engine.best.min(process_time() - start);
        }
    }
    println!("processor time, best of {ROUNDS} rounds:");
    for engine in &engines {
        let seconds = engine.best.as_secs_f64();
        println!(
            "{:58} {:9.1} texts/s {:9.0} tokens/s per core ({} texts, {} tokens)",
            engine.name,
            engine.texts as f64 / seconds,
            engine.tokens as f64 / seconds,
            engine.texts,
            engine.tokens
        );
    }
}

/// candle-transformers' model over the same file, dequantised.
fn candle() -> BertModel {
    let mut file = fs::File::open(folder().join("model.gguf")).expect("the encoder is committed");
    let content = candle_core::quantized::gguf_file::Content::read(&mut file).expect("it is a GGUF file");
    let tensors = content
        .tensor_infos
        .keys()
        .map(|name| {
            let tensor = content.tensor(&mut file, name, &Device::Cpu).expect("the tensor is there");
            (name.clone(), tensor.dequantize(&Device::Cpu).expect("candle knows the format"))
        })
        .collect();
    let config = fs::read_to_string(folder().join("config.json")).expect("the configuration is committed");
    let config: Config = serde_json::from_str(&config).expect("it is candle's");
    BertModel::load(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu), &config)
        .expect("the names are candle's")
}

fn candle_run(model: &BertModel, sequences: &[Sequence]) {
    for batch in sequences.chunks(BATCH) {
        let width = batch.iter().map(Sequence::tokens).max().unwrap_or(0);
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for sequence in batch {
            let known = &sequence.segments[0];
            ids.extend(known.iter().copied().chain(std::iter::repeat(1)).take(width));
            mask.extend((0..width).map(|place| u32::from(place < known.len())));
        }
        let tensor =
            |values| Tensor::from_vec(values, (batch.len(), width), &Device::Cpu).expect("the lengths fit");
        let (ids, mask) = (tensor(ids), tensor(mask));
        let types = ids.zeros_like().expect("a tensor of zeros");
        std::hint::black_box(model.forward(&ids, &types, Some(&mask)).expect("candle reads the batch"));
    }
}

/// Writes the sentences' token ids to the folder, then answers requests, one a line: `THREADS` runs a round and gives the seconds of
/// processor and wall time; `vectors` writes the pooled vectors.
fn serve(folder: &Path) {
    fs::create_dir_all(folder).expect("the folder can be made");
    let (sentences, _, _) = texts();
    let lines: Vec<String> = sentences
        .iter()
        .map(|sentence| sentence.segments[0].iter().map(u32::to_string).collect::<Vec<_>>().join(" "))
        .collect();
    fs::write(folder.join("sentences.txt"), lines.join("\n")).expect("the folder can be written");
    let encoder = Encoder::new(&weights()).expect("the encoder has usual dimensions");
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("requests are text");
        if line == "vectors" {
            let vectors = encoder.pooled(&sentences);
            let bytes: Vec<u8> = vectors
                .iter()
                .flat_map(|segments| &segments[0])
                .flat_map(|value| value.to_le_bytes())
                .collect();
            fs::write(folder.join("vectors.f32"), bytes).expect("the folder can be written");
            println!("written");
        } else {
            let threads = line.parse().expect("a request is a number of threads");
            let pool =
                rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
            let (start, wall) = (process_time(), std::time::Instant::now());
            pool.install(|| std::hint::black_box(encoder.pooled(&sentences)));
            println!("{} {}", (process_time() - start).as_secs_f64(), wall.elapsed().as_secs_f64());
        }
        std::io::stdout().flush().expect("someone listens");
    }
}
