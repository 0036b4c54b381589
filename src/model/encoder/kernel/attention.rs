//! Attention over packed sequences in which a segment sees itself and every segment before it.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::avx512::attention as avx512;
use super::elementwise::{exp, largest, sum};
use super::{Isa, Level, multiply_add, multiversion};

/// A stretch of tokens that are read together (one message): rows `start..end` of the packed matrix. It attends to the rows
/// `context..end`: the segments before it in the same sequence, and itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub context: usize,
    pub start: usize,
    pub end: usize,
}

/// Multi-head attention. `qkv` is `[tokens, 3·hidden]` (queries, keys, values side by side), `out` is `[tokens, hidden]`;
/// `segments` are disjoint, in order, cover both, and those of a sequence follow one another. Heads divide the hidden size.
pub fn attend(isa: Isa, qkv: &[f32], segments: &[Segment], heads: usize, out: &mut [f32]) {
    match isa.0 {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if out.len() == rows(segments) * heads * avx512::SIZE => {
            // SAFETY: an `Isa` of this level is only made after the processor's features were found.
            unsafe { avx512::attend(qkv, segments, heads, out) }
        }
        _ => attend_any(isa, qkv, segments, heads, out),
    }
}

fn rows(segments: &[Segment]) -> usize {
    segments.iter().map(|segment| segment.end).max().unwrap_or(0)
}

multiversion! {
    /// The same for heads of any size.
    pub fn attend_any(qkv: &[f32], segments: &[Segment], heads: usize, out: &mut [f32]) => attend_body
}

/// Queries that are worked on together, so that every value that is loaded serves four of them.
const QUERIES: usize = 4;
/// Dimensions of a value that are added up together; keys are padded to a multiple.
const WIDE: usize = 16;

#[inline(always)]
fn attend_body<const FUSED: bool>(qkv: &[f32], segments: &[Segment], heads: usize, out: &mut [f32]) {
    let tokens = rows(segments);
    if tokens == 0 || heads == 0 {
        return;
    }
    let hidden = out.len() / tokens;
    let size = hidden / heads;
    let scale = 1.0 / (size as f32).sqrt();
    let (mut keys, mut scores) = (Vec::new(), Vec::new());
    for sequence in segments.chunk_by(|a, b| a.context == b.context) {
        let context = sequence[0].context;
        let padded = (rows(sequence) - context).next_multiple_of(WIDE);
        scores.resize(QUERIES * padded, 0.0);
        for head in 0..heads {
            transpose_keys(qkv, context..rows(sequence), hidden, head * size..(head + 1) * size, &mut keys);
            for segment in sequence {
                let seen = segment.end - context;
                for first in (segment.start..segment.end).step_by(QUERIES) {
                    // A last, incomplete block repeats its last query; the copies are computed and not written.
                    let queried: [usize; QUERIES] =
                        std::array::from_fn(|offset| (first + offset).min(segment.end - 1));
                    for (row, scores) in queried.iter().zip(scores.chunks_exact_mut(padded)) {
                        let query = &qkv[row * 3 * hidden + head * size..][..size];
                        score::<FUSED>(query, &keys, padded, &mut scores[..seen]);
                        softmax::<FUSED>(&mut scores[..seen], scale);
                    }
                    let values = &qkv[context * 3 * hidden + 2 * hidden + head * size..];
                    for part in (0..size).step_by(WIDE) {
                        let width = WIDE.min(size - part);
                        let sums = weigh::<FUSED>(&scores, seen, &values[part..], 3 * hidden, width);
                        for (row, sums) in queried.iter().zip(&sums) {
                            out[row * hidden + head * size + part..][..width].copy_from_slice(&sums[..width]);
                        }
                    }
                }
            }
        }
    }
}

/// Keys of one head as `[size][padded]`, so that the products of a query with all keys run over contiguous memory.
#[inline(always)]
fn transpose_keys(
    qkv: &[f32],
    rows: Range<usize>,
    hidden: usize,
    dimensions: Range<usize>,
    keys: &mut Vec<f32>,
) {
    let padded = rows.len().next_multiple_of(WIDE);
    keys.resize(dimensions.len() * padded, 0.0);
    for (column, row) in rows.enumerate() {
        let key = &qkv[row * 3 * hidden + hidden..][dimensions.clone()];
        for (keys, value) in keys.chunks_exact_mut(padded).zip(key) {
            keys[column] = *value;
        }
    }
}

/// Products of a query with the first keys, one for each score. Four dimensions at a time, so that scores are seldom loaded and
/// stored.
#[inline(always)]
fn score<const FUSED: bool>(query: &[f32], keys: &[f32], padded: usize, scores: &mut [f32]) {
    scores.fill(0.0);
    let (fours, rest) = query.as_chunks::<4>();
    let (keys_of_fours, keys_of_rest) = keys.split_at(fours.len() * 4 * padded);
    for (q, keys) in fours.iter().zip(keys_of_fours.chunks_exact(4 * padded)) {
        let (first, rest) = keys.split_at(padded);
        let (second, rest) = rest.split_at(padded);
        let (third, fourth) = rest.split_at(padded);
        for ((((score, a), b), c), d) in scores.iter_mut().zip(first).zip(second).zip(third).zip(fourth) {
            let sum = multiply_add::<FUSED>(q[0], *a, *score);
            let sum = multiply_add::<FUSED>(q[1], *b, sum);
            let sum = multiply_add::<FUSED>(q[2], *c, sum);
            *score = multiply_add::<FUSED>(q[3], *d, sum);
        }
    }
    for (q, keys) in rest.iter().zip(keys_of_rest.chunks_exact(padded)) {
        for (score, key) in scores.iter_mut().zip(keys) {
            *score = multiply_add::<FUSED>(*q, *key, *score);
        }
    }
}

/// Sums of up to 16 dimensions of `seen` values, weighted by the scores of four queries. Values stand `stride` apart.
#[inline(always)]
fn weigh<const FUSED: bool>(
    scores: &[f32],
    seen: usize,
    values: &[f32],
    stride: usize,
    width: usize,
) -> [[f32; WIDE]; QUERIES] {
    let padded = scores.len() / QUERIES;
    let mut sums = [[0f32; WIDE]; QUERIES];
    for key in 0..seen {
        let value = &values[key * stride..][..width];
        if width == WIDE {
            for (query, sums) in sums.iter_mut().enumerate() {
                let score = scores[query * padded + key];
                for lane in 0..WIDE {
                    sums[lane] = multiply_add::<FUSED>(score, value[lane], sums[lane]);
                }
            }
        } else {
            for (query, sums) in sums.iter_mut().enumerate() {
                let score = scores[query * padded + key];
                sums.iter_mut().zip(value).for_each(|(sum, value)| *sum += score * value);
            }
        }
    }
    sums
}

/// softmax(scale · scores) in place.
#[inline(always)]
fn softmax<const FUSED: bool>(scores: &mut [f32], scale: f32) {
    let highest = largest(scores, f32::NEG_INFINITY, |score| score);
    for score in scores.iter_mut() {
        *score = exp::<FUSED>((*score - highest) * scale);
    }
    let inverse = 1.0 / sum(scores, |score| score);
    for score in scores.iter_mut() {
        *score *= inverse;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_never_sees_a_later_one() {
        let (hidden, heads) = (8, 2);
        let qkv = |change: f32| -> Vec<f32> {
            (0..5 * 3 * hidden)
                .map(|i| ((i * 7 % 11) as f32 - 5.0) / 5.0 + if i >= 3 * 3 * hidden { change } else { 0.0 })
                .collect()
        };
        let segments = [Segment { context: 0, start: 0, end: 3 }, Segment { context: 0, start: 3, end: 5 }];
        let (mut a, mut b) = (vec![0f32; 5 * hidden], vec![0f32; 5 * hidden]);
        attend(Isa::detect(), &qkv(0.0), &segments, heads, &mut a);
        attend(Isa::detect(), &qkv(1.0), &segments, heads, &mut b);
        assert_eq!(a[..3 * hidden], b[..3 * hidden], "the first segment does not depend on the second");
        assert_ne!(a[3 * hidden..], b[3 * hidden..]);
    }

    #[test]
    fn every_path_agrees_with_the_definition() {
        for (heads, size) in [(2, 32), (3, 16), (2, 20)] {
            let hidden = heads * size;
            // Two sequences; one longer than a block of keys, segments of one to 40 tokens.
            let bounds = [(0, 0, 1), (0, 1, 41), (0, 41, 43), (0, 43, 76), (76, 76, 92), (76, 92, 97)];
            let segments = bounds.map(|(context, start, end)| Segment { context, start, end });
            let qkv: Vec<f32> = (0..97 * 3 * hidden).map(|i| ((i * 37 % 101) as f32 - 50.0) / 25.0).collect();
            let part = |row: usize, which: usize, head: usize| {
                &qkv[row * 3 * hidden + which * hidden + head * size..][..size]
            };
            let mut expected = vec![0f64; 97 * hidden];
            for segment in &segments {
                for (row, head) in
                    (segment.start..segment.end).flat_map(|row| (0..heads).map(move |head| (row, head)))
                {
                    let weights: Vec<f64> = (segment.context..segment.end)
                        .map(|key| {
                            let products = part(row, 0, head).iter().zip(part(key, 1, head));
                            let score: f64 = products.map(|(q, k)| f64::from(*q) * f64::from(*k)).sum();
                            (score / (size as f64).sqrt()).exp()
                        })
                        .collect();
                    let total: f64 = weights.iter().sum();
                    for (key, weight) in (segment.context..segment.end).zip(weights) {
                        let to = &mut expected[row * hidden + head * size..][..size];
                        for (to, value) in to.iter_mut().zip(part(key, 2, head)) {
                            *to += weight / total * f64::from(*value);
                        }
                    }
                }
            }
            for isa in Isa::available() {
                let mut out = vec![0f32; 97 * hidden];
                attend(isa, &qkv, &segments, heads, &mut out);
                for (out, expected) in out.iter().zip(&expected) {
                    assert!((f64::from(*out) - expected).abs() < 1e-4, "{isa:?}: {out} {expected}");
                }
            }
        }
    }
}
