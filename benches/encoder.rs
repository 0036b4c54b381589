//! Tokens per second of the encoder on the corpus' conversations: `cargo bench --bench encoder`.

use std::path::Path;
use std::time::Instant;

use mimamori::contract::Role;
use mimamori::model::encoder::{Encoder, Sequence, weights::EncoderWeights};
use mimamori::model::input::{Reader, Turn};

fn main() {
    let folder = Path::new("models/multilingual-e5-small-ja-en");
    let t = Instant::now();
    let weights = EncoderWeights::read(&folder.join("model.gguf")).unwrap();
    println!("read {:?}", t.elapsed());
    let encoder = Encoder::new(&weights).unwrap();
    println!("quantised {:?}", t.elapsed());
    let reader = Reader::open(&folder.join("tokenizer.json")).unwrap();
    println!("tokenizer {:?}", t.elapsed());
    let mut sequences: Vec<Sequence> = vec![];
    let mut messages = 0;
    for line in std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap().lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let texts: Vec<(Role, String)> = value["messages"].as_array().unwrap().iter().map(|m| (if m["from"] == "buyer" { Role::Buyer } else { Role::Seller }, m["text"].as_str().unwrap().to_owned())).collect();
        let turns: Vec<Turn> = texts.iter().map(|(role, text)| Turn { role: *role, text }).collect();
        messages += turns.len();
        sequences.extend(reader.conversation(&turns, 0..turns.len()).into_iter().map(|p| p.sequence));
    }
    let tokens: usize = sequences.iter().map(|s| s.tokens()).sum();
    println!("tokenised {:?}: {} sequences, {messages} messages, {tokens} tokens", t.elapsed(), sequences.len());
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for _ in 0..2 {
            let t = Instant::now();
            let r = pool.install(|| encoder.pooled(&sequences));
            let e = t.elapsed().as_secs_f64();
            println!("{threads} threads: {:.0} tokens/s, {:.0} messages/s  {}", tokens as f64 / e, messages as f64 / e, r[0][0][0]);
        }
    }
}
