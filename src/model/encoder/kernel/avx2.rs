//! Products of 16-bit integers with AVX2: 16 an instruction.

use std::arch::x86_64::*;

use super::linear::{NARROW_TILE, Narrow};

/// Sums of `ROWS` rows with the 16 outputs of one panel.
///
/// # Panics
/// If the slices are shorter than `inputs` says; every unchecked access below lies within what is checked here.
#[target_feature(enable = "avx2")]
pub(super) fn tile<const ROWS: usize>(
    weight: &[i8],
    rows: &[i16],
    inputs: usize,
    sums: &mut [[i32; Narrow::PANEL]; NARROW_TILE],
) {
    const { assert!(ROWS >= 1 && ROWS <= NARROW_TILE) };
    assert!(
        inputs.is_multiple_of(2) && weight.len() >= inputs * Narrow::PANEL && rows.len() >= ROWS * inputs
    );
    let mut low = [_mm256_setzero_si256(); ROWS];
    let mut high = [_mm256_setzero_si256(); ROWS];
    for pair in 0..inputs / 2 {
        // SAFETY: `pair` ≤ inputs/2 − 1, so the 32 bytes at `pair`·32 end at inputs·16 ≤ weight.len(); and for every row
        // the two activations at row·inputs + pair·2 end at (row + 1)·inputs ≤ rows.len(). Loads are unaligned.
        unsafe {
            let at = weight.as_ptr().add(pair * 2 * Narrow::PANEL).cast::<__m128i>();
            let first = _mm256_cvtepi8_epi16(_mm_loadu_si128(at));
            let second = _mm256_cvtepi8_epi16(_mm_loadu_si128(at.add(1)));
            for row in 0..ROWS {
                let activations = rows.as_ptr().add(row * inputs + pair * 2).cast::<i32>().read_unaligned();
                let activations = _mm256_set1_epi32(activations);
                low[row] = _mm256_add_epi32(low[row], _mm256_madd_epi16(activations, first));
                high[row] = _mm256_add_epi32(high[row], _mm256_madd_epi16(activations, second));
            }
        }
    }
    for row in 0..ROWS {
        let to = sums[row].as_mut_ptr().cast::<__m256i>();
        // SAFETY: a row of `sums` holds 16 integers, two registers.
        unsafe {
            _mm256_storeu_si256(to, low[row]);
            _mm256_storeu_si256(to.add(1), high[row]);
        }
    }
}
