//! Views and tokens of one message, and of 100 kB in many shapes: `cargo bench --bench text`.

mod generated;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use generated::{MESSAGES, ThreadTime, criterion as configured, shapes};
use mimamori::text::{Tokenizer, ViewKind, Views};

fn messages(criterion: &mut Criterion<ThreadTime>) {
    let tokenizer = Tokenizer::new().expect("the dictionary is built in");
    let mut group = criterion.benchmark_group("40 characters");
    group.throughput(Throughput::Elements(MESSAGES.len() as u64));
    group.bench_function("all views and tokens", |bench| {
        bench.iter(|| MESSAGES.map(|text| Views::new(text, &tokenizer)))
    });
    let views = MESSAGES.map(|text| Views::new(text, &tokenizer));
    group.bench_function("tokens alone", |bench| {
        bench.iter(|| {
            views.iter().map(|views| tokenizer.tokenize(views.get(ViewKind::Folded)).len()).sum::<usize>()
        })
    });
    group.finish();
}

/// A hostile message of 100 kB. Views and tokens as a message makes them, and what the words alone take of that: the difference
/// is folding.
fn long(criterion: &mut Criterion<ThreadTime>) {
    let tokenizer = Tokenizer::new().expect("the dictionary is built in");
    let mut group = criterion.benchmark_group("100 kB, views and tokens");
    group.sample_size(10);
    for (name, text) in shapes() {
        group.bench_function(name, |bench| bench.iter(|| Views::new(&text, &tokenizer).tokens().len()));
    }
    group.finish();
    let mut group = criterion.benchmark_group("100 kB, tokens alone");
    group.sample_size(10);
    for (name, text) in shapes() {
        let views = Views::new(&text, &tokenizer);
        let folded = views.get(ViewKind::Folded);
        group.bench_function(name, |bench| bench.iter(|| tokenizer.tokenize(folded).len()));
    }
    group.finish();
}

criterion_group! { name = benches; config = configured(); targets = messages, long }
criterion_main!(benches);
