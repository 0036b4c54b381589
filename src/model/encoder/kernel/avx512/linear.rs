//! The dense layer.

use std::arch::x86_64::*;

use super::super::elementwise::{GELU, GELU_LIMIT};
use super::super::linear::{Activations, Before, QuantisedDense, STEPS, Wide};
use super::super::rotation::MIXED;
use super::{LANES, load, store};

/// Rows that are computed together: 12 × 2 sums, two registers of weights and one of activations, of 32.
const TILE: usize = 12;

/// See [`QuantisedDense::apply`], which checks the lengths and makes room for the scales and one row.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
pub(in super::super) fn apply(
    layer: &QuantisedDense,
    before: Before,
    x: &[f32],
    y: &mut [f32],
    room: &mut Activations,
) {
    let (inputs, outputs) = (layer.inputs, layer.outputs);
    room.bytes.resize(x.len(), 0);
    let rows = x.chunks_exact(inputs).zip(room.bytes.chunks_exact_mut(inputs)).zip(&mut room.scales);
    for ((row, bytes), scale) in rows {
        *scale = match before {
            Before::Nothing => quantise::<false>(row, &mut room.rotated, bytes),
            Before::Gelu => quantise::<true>(row, &mut room.rotated, bytes),
        };
    }
    let (corrections, _) = layer.correction.as_chunks::<{ Wide::PANEL }>();
    for (panel, (weight, correction)) in
        layer.weight.chunks_exact(Wide::PANEL * inputs).zip(corrections).enumerate()
    {
        let first = panel * Wide::PANEL;
        let tiles = room.bytes.chunks(TILE * inputs).zip(room.scales.chunks(TILE));
        for ((bytes, scales), y) in tiles.zip(y.chunks_mut(TILE * outputs)) {
            let mut sums = [[0i32; Wide::PANEL]; TILE];
            let sums = &mut sums;
            match scales.len() {
                12 => tile::<12>(weight, correction, bytes, inputs, sums),
                11 => tile::<11>(weight, correction, bytes, inputs, sums),
                10 => tile::<10>(weight, correction, bytes, inputs, sums),
                9 => tile::<9>(weight, correction, bytes, inputs, sums),
                8 => tile::<8>(weight, correction, bytes, inputs, sums),
                7 => tile::<7>(weight, correction, bytes, inputs, sums),
                6 => tile::<6>(weight, correction, bytes, inputs, sums),
                5 => tile::<5>(weight, correction, bytes, inputs, sums),
                4 => tile::<4>(weight, correction, bytes, inputs, sums),
                3 => tile::<3>(weight, correction, bytes, inputs, sums),
                2 => tile::<2>(weight, correction, bytes, inputs, sums),
                _ => tile::<1>(weight, correction, bytes, inputs, sums),
            }
            for ((sums, scale), y) in sums.iter().zip(scales).zip(y.chunks_exact_mut(outputs)) {
                layer.write(first, sums, *scale, y);
            }
        }
    }
}

/// One row, after GELU if asked, rotated as `rotation` says and rounded to integers of at most 127, with 128 added. Gives the value
/// of one step.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn quantise<const GELU_FIRST: bool>(row: &[f32], rotated: &mut [f32], bytes: &mut [u8]) -> f32 {
    let (row, _) = row.as_chunks::<LANES>();
    let (rotated, _) = rotated.as_chunks_mut::<LANES>();
    let (bytes, _) = bytes.as_chunks_mut::<LANES>();
    let part = row.len() / MIXED;
    assert!(row.len() == part * MIXED && rotated.len() == row.len() && bytes.len() == row.len());
    let mut largest = _mm512_set1_ps(f32::MIN_POSITIVE);
    for column in 0..part {
        let mut mixed = [_mm512_setzero_ps(); MIXED];
        for (index, value) in mixed.iter_mut().enumerate() {
            *value = load(&row[index * part + column]);
            if GELU_FIRST {
                *value = gelu(*value);
            }
        }
        for distance in [4, 2, 1] {
            for index in 0..MIXED {
                if index & distance == 0 {
                    let (first, second) = (mixed[index], mixed[index + distance]);
                    mixed[index] = _mm512_add_ps(first, second);
                    mixed[index + distance] = _mm512_sub_ps(first, second);
                }
            }
        }
        for (index, value) in mixed.iter().enumerate() {
            largest = _mm512_max_ps(largest, _mm512_abs_ps(*value));
            store(&mut rotated[index * part + column], *value);
        }
    }
    let largest = _mm512_reduce_max_ps(largest);
    let factor = _mm512_set1_ps(STEPS / largest);
    for (value, bytes) in rotated.iter().zip(bytes) {
        // Rounds to nearest, ties to even, as adding 1.5·2²³ does.
        let rounded = _mm512_cvtps_epi32(_mm512_mul_ps(load(value), factor));
        let shifted = _mm512_add_epi32(rounded, _mm512_set1_epi32(128));
        // SAFETY: sixteen bytes are a register of 128 bits; the store needs no alignment.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(shifted)) };
    }
    largest / STEPS
}

/// See [`super::super::elementwise::gelu_one`].
#[inline]
#[target_feature(enable = "avx512f")]
fn gelu(x: __m512) -> __m512 {
    let limit = _mm512_set1_ps(GELU_LIMIT);
    let z = _mm512_max_ps(_mm512_min_ps(x, limit), _mm512_set1_ps(-GELU_LIMIT));
    let square = _mm512_mul_ps(z, z);
    let mut p = _mm512_set1_ps(GELU[0]);
    for coefficient in &GELU[1..] {
        p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(*coefficient));
    }
    _mm512_mul_ps(x, _mm512_fmadd_ps(p, z, _mm512_set1_ps(0.5)))
}

/// Sums of `ROWS` rows with the 32 outputs of one panel. The sums start from the corrections of the panel.
///
/// # Panics
/// If the slices are shorter than `inputs` says; every unchecked access below lies within what is checked here.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn tile<const ROWS: usize>(
    weight: &[i8],
    correction: &[i32; Wide::PANEL],
    rows: &[u8],
    inputs: usize,
    sums: &mut [[i32; Wide::PANEL]; TILE],
) {
    const { assert!(ROWS >= 1 && ROWS <= TILE) };
    assert!(inputs.is_multiple_of(4) && weight.len() >= inputs * Wide::PANEL && rows.len() >= ROWS * inputs);
    let start = correction.as_ptr().cast::<__m512i>();
    // SAFETY: 32 integers are two registers. Loads are unaligned.
    let start = unsafe { [_mm512_loadu_si512(start), _mm512_loadu_si512(start.add(1))] };
    let mut low = [start[0]; ROWS];
    let mut high = [start[1]; ROWS];
    for four in 0..inputs / 4 {
        // SAFETY: `four` ≤ inputs/4 − 1, so the 128 bytes at `four`·128 end at inputs·32 ≤ weight.len(); and for every row the
        // four activations at row·inputs + four·4 end at (row + 1)·inputs ≤ rows.len(). Loads are unaligned.
        unsafe {
            let at = weight.as_ptr().add(four * 4 * Wide::PANEL).cast::<__m512i>();
            let (first, second) = (_mm512_loadu_si512(at), _mm512_loadu_si512(at.add(1)));
            for row in 0..ROWS {
                let activations = rows.as_ptr().add(row * inputs + four * 4).cast::<i32>().read_unaligned();
                let activations = _mm512_set1_epi32(activations);
                low[row] = _mm512_dpbusd_epi32(low[row], activations, first);
                high[row] = _mm512_dpbusd_epi32(high[row], activations, second);
            }
        }
    }
    for row in 0..ROWS {
        let to = sums[row].as_mut_ptr().cast::<__m512i>();
        // SAFETY: a row of `sums` holds 32 integers, two registers.
        unsafe {
            _mm512_storeu_si512(to, low[row]);
            _mm512_storeu_si512(to.add(1), high[row]);
        }
    }
}
