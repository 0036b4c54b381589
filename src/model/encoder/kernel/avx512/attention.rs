//! Attention for heads of 32 dimensions.

use std::arch::x86_64::*;

use super::super::attention::Segment;
use super::super::elementwise::{EXP, LN2_HIGH, LN2_LOW};
use super::{LANES, load, store};

/// Dimensions of a head: two registers.
pub(in super::super) const SIZE: usize = 2 * LANES;
/// Queries that are worked on together, so that every key and value that is loaded serves four of them.
const QUERIES: usize = 4;
/// Keys whose scores are summed together: two registers for each query.
const KEYS: usize = 2 * LANES;

/// Keys and values of one head of one sequence.
struct Head {
    /// `[size][padded]`: the products of a query with all keys run over contiguous memory. Zero beyond the last key.
    keys: Vec<[f32; KEYS]>,
    /// `[tokens][size]`.
    values: Vec<[f32; SIZE]>,
}

/// See [`super::super::attention::attend`]; the hidden size is `heads` · 32.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,fma")]
pub(in super::super) fn attend(qkv: &[f32], segments: &[Segment], heads: usize, out: &mut [f32]) {
    let hidden = heads * SIZE;
    let mut room = Head { keys: Vec::new(), values: Vec::new() };
    let mut scores: [Vec<[f32; KEYS]>; QUERIES] = Default::default();
    for sequence in segments.chunk_by(|a, b| a.context == b.context) {
        let context = sequence[0].context;
        let end = sequence.iter().map(|segment| segment.end).max().unwrap_or(context);
        let blocks = (end - context).div_ceil(KEYS);
        scores.iter_mut().for_each(|scores| scores.resize(blocks, [0.0; KEYS]));
        for head in 0..heads {
            let part = |row: usize, which: usize| -> &[f32; SIZE] {
                let start = row * 3 * hidden + which * hidden + head * SIZE;
                (&qkv[start..][..SIZE]).try_into().expect("a slice of that length")
            };
            room.keys.clear();
            room.keys.resize(SIZE * blocks, [0.0; KEYS]);
            room.values.clear();
            for row in context..end {
                let column = row - context;
                for (dimension, key) in part(row, 1).iter().enumerate() {
                    room.keys[dimension * blocks + column / KEYS][column % KEYS] = *key;
                }
                room.values.push(*part(row, 2));
            }
            for segment in sequence {
                let seen = segment.end - context;
                for first in (segment.start..segment.end).step_by(QUERIES) {
                    // A last, incomplete block repeats its last query; the copies are computed and not written.
                    let rows: [usize; QUERIES] =
                        std::array::from_fn(|offset| (first + offset).min(segment.end - 1));
                    let queries = rows.map(|row| part(row, 0));
                    let highest = score(queries, &room.keys, seen, &mut scores);
                    let sums = soften(highest, seen, &mut scores);
                    let weighed = weigh(&scores, &room.values[..seen]);
                    for ((row, sum), weighed) in rows.iter().zip(sums).zip(weighed) {
                        let inverse = _mm512_set1_ps(1.0 / sum);
                        let (to, _) = out[row * hidden + head * SIZE..][..SIZE].as_chunks_mut::<LANES>();
                        store(&mut to[0], _mm512_mul_ps(weighed[0], inverse));
                        store(&mut to[1], _mm512_mul_ps(weighed[1], inverse));
                    }
                }
            }
        }
    }
}

/// Products of four queries with the first `seen` keys (and with what fills the last block), and each query's largest among the
/// former.
#[inline]
#[target_feature(enable = "avx512f")]
fn score(
    queries: [&[f32; SIZE]; QUERIES],
    keys: &[[f32; KEYS]],
    seen: usize,
    scores: &mut [Vec<[f32; KEYS]>; QUERIES],
) -> [f32; QUERIES] {
    let blocks = keys.len() / SIZE;
    let mut highest = [_mm512_set1_ps(f32::NEG_INFINITY); QUERIES];
    for block in 0..seen.div_ceil(KEYS) {
        let mut sums = [[_mm512_setzero_ps(); 2]; QUERIES];
        for (dimension, keys) in keys.chunks_exact(blocks).enumerate().take(SIZE) {
            let (keys, _) = keys[block].as_chunks::<LANES>();
            let (low, high) = (load(&keys[0]), load(&keys[1]));
            for query in 0..QUERIES {
                let value = _mm512_set1_ps(queries[query][dimension]);
                sums[query][0] = _mm512_fmadd_ps(value, low, sums[query][0]);
                sums[query][1] = _mm512_fmadd_ps(value, high, sums[query][1]);
            }
        }
        let (low, high) = masks(seen - block * KEYS);
        for query in 0..QUERIES {
            highest[query] = _mm512_mask_max_ps(highest[query], low, highest[query], sums[query][0]);
            highest[query] = _mm512_mask_max_ps(highest[query], high, highest[query], sums[query][1]);
            let (to, _) = scores[query][block].as_chunks_mut::<LANES>();
            store(&mut to[0], sums[query][0]);
            store(&mut to[1], sums[query][1]);
        }
    }
    let mut most = [0f32; QUERIES];
    for query in 0..QUERIES {
        most[query] = _mm512_reduce_max_ps(highest[query]);
    }
    most
}

/// Which of the next 32 keys are among the `left` that are left.
#[inline(always)]
fn masks(left: usize) -> (__mmask16, __mmask16) {
    let all = if left >= KEYS { u32::MAX } else { (1 << left) - 1 };
    (all as u16, (all >> 16) as u16)
}

/// exp((score − highest) / √32) in place, zero beyond the keys that are seen; gives the sums.
#[inline]
#[target_feature(enable = "avx512f")]
fn soften(highest: [f32; QUERIES], seen: usize, scores: &mut [Vec<[f32; KEYS]>; QUERIES]) -> [f32; QUERIES] {
    let scale = _mm512_set1_ps(1.0 / (SIZE as f32).sqrt());
    let mut sums = [0f32; QUERIES];
    for ((highest, scores), sum) in highest.iter().zip(scores).zip(&mut sums) {
        let highest = _mm512_set1_ps(*highest);
        let mut total = _mm512_setzero_ps();
        for (block, scores) in scores[..seen.div_ceil(KEYS)].iter_mut().enumerate() {
            let masks = masks(seen - block * KEYS);
            for (scores, mask) in scores.as_chunks_mut::<LANES>().0.iter_mut().zip([masks.0, masks.1]) {
                let below = _mm512_mul_ps(_mm512_sub_ps(load(scores), highest), scale);
                let weight = _mm512_maskz_mov_ps(mask, exp(below));
                total = _mm512_add_ps(total, weight);
                store(scores, weight);
            }
        }
        *sum = _mm512_reduce_add_ps(total);
    }
    sums
}

/// Sums of the values, weighted by the scores of four queries.
#[inline]
#[target_feature(enable = "avx512f")]
fn weigh(scores: &[Vec<[f32; KEYS]>; QUERIES], values: &[[f32; SIZE]]) -> [[__m512; 2]; QUERIES] {
    let mut sums = [[_mm512_setzero_ps(); 2]; QUERIES];
    for (block, values) in values.chunks(KEYS).enumerate() {
        let scores: [&[f32; KEYS]; QUERIES] = std::array::from_fn(|query| &scores[query][block]);
        for (key, value) in values.iter().enumerate().take(KEYS) {
            let (value, _) = value.as_chunks::<LANES>();
            let (low, high) = (load(&value[0]), load(&value[1]));
            for query in 0..QUERIES {
                let score = _mm512_set1_ps(scores[query][key]);
                sums[query][0] = _mm512_fmadd_ps(score, low, sums[query][0]);
                sums[query][1] = _mm512_fmadd_ps(score, high, sums[query][1]);
            }
        }
    }
    sums
}

/// e^x for x ≤ 88 to about 2 units in the last place, by the polynomial of [`super::super::elementwise`].
#[inline]
#[target_feature(enable = "avx512f")]
fn exp(x: __m512) -> __m512 {
    const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    let n = _mm512_roundscale_ps::<NEAREST>(_mm512_mul_ps(x, _mm512_set1_ps(std::f32::consts::LOG2_E)));
    let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(LN2_HIGH), x);
    let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(LN2_LOW), r);
    let mut p = _mm512_set1_ps(EXP[0]);
    for coefficient in &EXP[1..] {
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(*coefficient));
    }
    let p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1.0)));
    _mm512_scalef_ps(p, n)
}
