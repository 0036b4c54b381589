//! Attention over packed sequences in which a segment sees itself and every segment before it.

use super::elementwise::exp;
use super::multiversion;

/// A stretch of tokens that are read together (one message): rows `start..end` of the packed matrix. It attends to the rows
/// `context..end`: the segments before it in the same sequence, and itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub context: usize,
    pub start: usize,
    pub end: usize,
}

multiversion! {
    /// Multi-head attention. `qkv` is `[tokens, 3·hidden]` (queries, keys, values side by side), `out` is `[tokens, hidden]`;
    /// `segments` are disjoint and lie within both. Heads divide the hidden size.
    pub fn attend(qkv: &[f32], segments: &[Segment], heads: usize, out: &mut [f32]) => attend_body
}

/// Queries that are worked on together, so that every key and value that is loaded serves four of them.
const QUERIES: usize = 4;
/// Keys whose scores are summed together, and halves of which a value is added up: one register, two registers.
const LANES: usize = 8;
const WIDE: usize = 16;

#[inline(always)]
fn attend_body(qkv: &[f32], segments: &[Segment], heads: usize, out: &mut [f32]) {
    let tokens: usize = segments.iter().map(|segment| segment.end).max().unwrap_or(0);
    if tokens == 0 || heads == 0 {
        return;
    }
    let hidden = out.len() / tokens;
    let size = hidden / heads;
    let scale = 1.0 / (size as f32).sqrt();
    let longest = segments.iter().map(|segment| segment.end - segment.context).max().unwrap_or(0);
    let longest = longest.next_multiple_of(LANES);
    let mut keys = vec![0f32; size * longest];
    let mut scores = vec![0f32; QUERIES * longest];
    for segment in segments {
        let seen = segment.end - segment.context;
        let padded = seen.next_multiple_of(LANES);
        let (keys, scores) = (&mut keys[..size * padded], &mut scores[..QUERIES * padded]);
        for head in 0..heads {
            transpose_keys(qkv, segment, hidden, head, keys);
            for first in (segment.start..segment.end).step_by(QUERIES) {
                // A last, incomplete block repeats its last query; the copies are computed and not written.
                let rows: [usize; QUERIES] =
                    std::array::from_fn(|offset| (first + offset).min(segment.end - 1));
                let queries = rows.map(|row| &qkv[row * 3 * hidden + head * size..][..size]);
                score(queries, keys, scores);
                for scores in scores.chunks_exact_mut(padded) {
                    softmax(&mut scores[..seen], scale);
                }
                let values = &qkv[segment.context * 3 * hidden + 2 * hidden + head * size..];
                for part in (0..size).step_by(WIDE) {
                    let sums = weigh(scores, seen, &values[part..], 3 * hidden, WIDE.min(size - part));
                    for (row, sums) in rows.iter().zip(&sums) {
                        let width = WIDE.min(size - part);
                        out[row * hidden + head * size + part..][..width].copy_from_slice(&sums[..width]);
                    }
                }
            }
        }
    }
}

/// Keys of one head as `[size][padded]`, so that the products of a query with all keys run over contiguous memory.
#[inline(always)]
fn transpose_keys(qkv: &[f32], segment: &Segment, hidden: usize, head: usize, keys: &mut [f32]) {
    let seen = segment.end - segment.context;
    let padded = seen.next_multiple_of(LANES);
    let size = keys.len() / padded;
    for (column, row) in (segment.context..segment.end).enumerate() {
        let key = &qkv[row * 3 * hidden + hidden + head * size..][..size];
        for (dimension, value) in key.iter().enumerate() {
            keys[dimension * padded + column] = *value;
        }
    }
}

/// Products of four queries with all keys: `scores` is `[4][padded]`.
#[inline(always)]
fn score(queries: [&[f32]; QUERIES], keys: &[f32], scores: &mut [f32]) {
    let padded = scores.len() / QUERIES;
    for block in (0..padded).step_by(LANES) {
        let mut sums = [[0f32; LANES]; QUERIES];
        for (dimension, keys) in keys.chunks_exact(padded).enumerate() {
            let keys = &keys[block..][..LANES];
            for (sums, query) in sums.iter_mut().zip(queries) {
                let query = query[dimension];
                for (sum, key) in sums.iter_mut().zip(keys) {
                    *sum += query * key;
                }
            }
        }
        for (scores, sums) in scores.chunks_exact_mut(padded).zip(&sums) {
            scores[block..][..LANES].copy_from_slice(sums);
        }
    }
}

/// Sums of up to 16 dimensions of `seen` values, weighted by the scores of four queries. Values stand `stride` apart.
#[inline(always)]
fn weigh(scores: &[f32], seen: usize, values: &[f32], stride: usize, width: usize) -> [[f32; WIDE]; QUERIES] {
    let padded = scores.len() / QUERIES;
    let mut sums = [[0f32; WIDE]; QUERIES];
    for key in 0..seen {
        let value = &values[key * stride..][..width];
        if width == WIDE {
            for (query, sums) in sums.iter_mut().enumerate() {
                let score = scores[query * padded + key];
                for lane in 0..WIDE {
                    sums[lane] += score * value[lane];
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
fn softmax(scores: &mut [f32], scale: f32) {
    let highest = scores.iter().fold(f32::NEG_INFINITY, |highest, score| highest.max(*score));
    for score in scores.iter_mut() {
        *score = exp((*score - highest) * scale);
    }
    let inverse = 1.0 / scores.iter().sum::<f32>();
    for score in scores.iter_mut() {
        *score *= inverse;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
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
        let mut portable = vec![0f32; 5 * hidden];
        attend(Isa::Portable, &qkv(0.0), &segments, heads, &mut portable);
        assert!(a.iter().zip(&portable).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}
