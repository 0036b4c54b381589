//! Layer normalisation, GELU and the exponential.

use super::multiversion;

/// e^x to about 2 units in the last place for |x| ≤ 87, clamped beyond. Cephes' polynomial on the reduced argument; written so that
/// it vectorises: no branch, no table.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding and subtracting 1.5·2²³ rounds to the nearest integer in the default rounding mode.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 87.0);
    let n = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    p * f32::from_bits(((n as i32 + 127) << 23) as u32)
}

/// The error function, Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let z = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut p = 1.061_405_4;
    p = p * t - 1.453_152;
    p = p * t + 1.421_413_7;
    p = p * t - 0.284_496_74;
    p = p * t + 0.254_829_6;
    let magnitude = 1.0 - p * t * exp(-z * z);
    magnitude.copysign(x)
}

/// GELU in its exact form, x·Φ(x).
#[inline(always)]
fn gelu_one(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

multiversion! {
    /// GELU in place.
    pub fn gelu(values: &mut [f32]) => gelu_body
}

#[inline(always)]
fn gelu_body(values: &mut [f32]) {
    for value in values {
        *value = gelu_one(*value);
    }
}

multiversion! {
    /// Normalises every row of `rows` (each as long as `weight`) in place.
    pub fn layer_norm(rows: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) => layer_norm_body
}

#[inline(always)]
fn layer_norm_body(rows: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    for row in rows.chunks_exact_mut(weight.len()) {
        normalise(row, weight, bias, epsilon);
    }
}

multiversion! {
    /// rows = norm(rows + other), row by row.
    pub fn add_layer_norm(rows: &mut [f32], other: &[f32], weight: &[f32], bias: &[f32], epsilon: f32) => add_layer_norm_body
}

#[inline(always)]
fn add_layer_norm_body(rows: &mut [f32], other: &[f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let hidden = weight.len();
    for (row, other) in rows.chunks_exact_mut(hidden).zip(other.chunks_exact(hidden)) {
        for (value, other) in row.iter_mut().zip(other) {
            *value += other;
        }
        normalise(row, weight, bias, epsilon);
    }
}

#[inline(always)]
fn normalise(row: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let count = row.len() as f32;
    let mean = sum(row, |value| value) / count;
    let variance = sum(row, |value| (value - mean) * (value - mean)) / count;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for ((value, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
        *value = (*value - mean) * scale * weight + bias;
    }
}

/// A sum in eight lanes, which vectorises and rounds less than one running sum.
#[inline(always)]
fn sum(row: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; 8];
    let chunks = row.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += term(*value);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|value| term(*value)).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::*;

    #[test]
    fn exp_and_erf_are_close_to_the_library() {
        for i in -800..=800 {
            let x = i as f32 / 10.0;
            let expected = f64::from(x).exp();
            assert!((f64::from(exp(x)) / expected - 1.0).abs() < 3e-7, "exp({x})");
        }
        // Values from Abramowitz and Stegun, table 7.1.
        for (x, expected) in
            [(0.0, 0.0), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (2.0, 0.995_322_3), (-1.0, -0.842_700_8)]
        {
            assert!((erf(x) - expected).abs() < 1e-6, "erf({x})");
        }
    }

    #[test]
    fn both_variants_agree() {
        let mut a: Vec<f32> = (0..64).map(|i| (i as f32 - 30.0) / 7.0).collect();
        let mut b = a.clone();
        gelu(Isa::Portable, &mut a);
        gelu(Isa::detect(), &mut b);
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5));
        let (weight, bias) = (vec![1.5; 32], vec![0.25; 32]);
        layer_norm(Isa::Portable, &mut a, &weight, &bias, 1e-12);
        layer_norm(Isa::detect(), &mut b, &weight, &bias, 1e-12);
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
