//! AVX-512: the dense layer by `vpdpbusd` (VNNI) and attention over packed sequences.

pub(super) mod attention;
pub(super) mod linear;

use std::arch::x86_64::*;

/// Floats of a register.
const LANES: usize = 16;

#[inline]
#[target_feature(enable = "avx512f")]
fn load(from: &[f32; LANES]) -> __m512 {
    // SAFETY: sixteen floats are 64 bytes; the load needs no alignment.
    unsafe { _mm512_loadu_ps(from.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(to: &mut [f32; LANES], value: __m512) {
    // SAFETY: sixteen floats are 64 bytes; the store needs no alignment.
    unsafe { _mm512_storeu_ps(to.as_mut_ptr(), value) }
}
