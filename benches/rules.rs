//! Scanning and judging: the shipped pack, packs of 100 and 3,000 rules, 3,000 patterns alone beside Hyperscan (see
//! `peers/README.md`), and inputs made to be slow: `cargo bench --bench rules`.

mod generated;

use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use generated::{Generator, MESSAGES, ThreadTime, criterion as configured, shapes, shipped};
use mimamori::contract::Role;
use mimamori::rules::{RulePack, Turn};
use mimamori::text::{Tokenizer, Views};

fn tokenizer() -> Tokenizer {
    Tokenizer::new().expect("the dictionary is built in")
}

/// Scans and judges a message that begins a conversation.
fn judge(pack: &RulePack, views: Arc<Views>) -> usize {
    let turn = Turn::new(pack, Role::Buyer, DateTime::UNIX_EPOCH, views);
    pack.evaluate(std::slice::from_ref(&turn), 0, true).findings.len()
}

fn whole(criterion: &mut Criterion<ThreadTime>) {
    let (pack, tokenizer) = (shipped(), tokenizer());
    let mut group = criterion.benchmark_group(format!("shipped pack of {}, 40 characters", pack.len()));
    group.throughput(Throughput::Elements(MESSAGES.len() as u64));
    group.bench_function("views, tokens, scan, evaluate", |bench| {
        bench.iter(|| MESSAGES.map(|text| judge(&pack, Arc::new(Views::new(text, &tokenizer)))))
    });
    let views = MESSAGES.map(|text| Arc::new(Views::new(text, &tokenizer)));
    group.bench_function("scan", |bench| {
        bench.iter(|| views.iter().map(|views| pack.scan(views).patterns().count()).sum::<usize>())
    });
    group.bench_function("scan, evaluate", |bench| {
        bench.iter(|| views.iter().map(|views| judge(&pack, Arc::clone(views))).sum::<usize>())
    });
    group.finish();
}

fn growth(criterion: &mut Criterion<ThreadTime>) {
    let tokenizer = tokenizer();
    let patterns = Generator::new(7).patterns(3_000);
    let texts = Generator::new(8).messages(1_000, &patterns);
    let views: Vec<_> = texts.iter().map(|text| Arc::new(Views::new(text, &tokenizer))).collect();
    let mut group = criterion.benchmark_group("generated pack, scan and evaluate");
    group.throughput(Throughput::Elements(views.len() as u64));
    for rules in [100, 1_000, 3_000] {
        let pack = Generator::new(9).pack(&patterns[..rules]);
        group.bench_function(format!("{rules} rules"), |bench| {
            bench.iter(|| views.iter().map(|views| judge(&pack, Arc::clone(views))).sum::<usize>())
        });
    }
    group.finish();
}

/// The pass over the patterns alone, on texts that are written out for the peer.
fn patterns(criterion: &mut Criterion<ThreadTime>) {
    let tokenizer = tokenizer();
    let patterns = Generator::new(7).patterns(3_000);
    let texts = Generator::new(8).messages(19_428, &patterns);
    let views: Vec<_> = texts.iter().map(|text| Views::new(text, &tokenizer)).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folded: Vec<&str> =
        views.iter().map(|views| views.get(mimamori::text::ViewKind::Folded).as_str()).collect();
    std::fs::write(folder.join("patterns.txt"), patterns.join("\n"))
        .expect("the target folder can be written");
    std::fs::write(folder.join("texts.txt"), folded.join("\n")).expect("the target folder can be written");
    let mut group = criterion.benchmark_group("pattern pass");
    group.sample_size(10).throughput(Throughput::Elements(views.len() as u64));
    for count in [100, 1_000, 3_000] {
        let pack = Generator::bare_pack(&patterns[..count]);
        let matched = |views: &Views| pack.scan(views).patterns().count();
        println!("{count} patterns: {} of them match", views.iter().map(matched).sum::<usize>());
        group.bench_function(format!("{count} patterns"), |bench| {
            bench.iter(|| views.iter().map(matched).sum::<usize>())
        });
    }
    group.finish();
}

fn slow(criterion: &mut Criterion<ThreadTime>) {
    let (pack, tokenizer) = (shipped(), tokenizer());
    let mut group = criterion.benchmark_group("100 kB, all of it with the shipped pack");
    group.sample_size(10);
    let baits = [
        ("names of apps", "line カカオ らいん いんすた "),
        ("words that begin a pattern", "you your are going to pay 円 振込 口座 "),
        ("hits of every kind", "LINE交換 死ね 090-1234-5678 paypay kill you バカ "),
    ];
    let baits = baits.map(|(name, unit)| (name, unit.repeat(100_000 / unit.len())));
    for (name, text) in shapes().into_iter().chain(baits) {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bench| {
            bench.iter(|| judge(&pack, Arc::new(Views::new(&text, &tokenizer))))
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = configured(); targets = whole, growth, patterns, slow }
criterion_main!(benches);
