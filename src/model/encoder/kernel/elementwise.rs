//! Layer normalisation, GELU and the exponential.

use super::{multiply_add, multiversion};

/// e^x to about 2 units in the last place for |x| ≤ 87, clamped beyond. Cephes' polynomial on the reduced argument; written so that
/// it vectorises: no branch, no table.
#[inline(always)]
pub(super) fn exp<const FUSED: bool>(x: f32) -> f32 {
    // Adding 1.5·2²³ rounds to the nearest integer in the default rounding mode, and leaves that integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let rounded = multiply_add::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = multiply_add::<FUSED>(-n, LN2_HIGH, x);
    let r = multiply_add::<FUSED>(-n, LN2_LOW, r);
    let mut p = EXP[0];
    for coefficient in &EXP[1..] {
        p = multiply_add::<FUSED>(p, r, *coefficient);
    }
    let p = multiply_add::<FUSED>(p * r, r, r + 1.0);
    p * f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23))
}

/// ln 2 in two parts, so that n · ln 2 loses nothing.
pub(super) const LN2_HIGH: f32 = 0.693_359_4;
pub(super) const LN2_LOW: f32 = -2.121_944_4e-4;
/// Cephes' coefficients of (e^r − 1 − r) / r² for |r| ≤ ½ ln 2, highest power first.
pub(super) const EXP: [f32; 6] =
    [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];

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
    let magnitude = 1.0 - p * t * exp::<false>(-z * z);
    magnitude.copysign(x)
}

/// Where [`gelu_one`]'s polynomial ends; beyond, Φ is what it is here, within 6e-6 of 0 or 1.
pub(super) const GELU_LIMIT: f32 = 4.5;
/// Coefficients of (Φ(x) − ½) / x in powers of x², highest first, for |x| ≤ [`GELU_LIMIT`]: fitted so that the largest error of
/// x·Φ(x) is smallest (weighted least squares, weights raised where the error is large until it was even).
pub(super) const GELU: [f32; 10] = [
    -1.400_070_1e-12,
    1.697_306_3e-10,
    -9.193_759_5e-9,
    2.958_901e-7,
    -6.365_259e-6,
    9.787_139_4e-5,
    -1.122_678_6e-3,
    9.833_185e-3,
    -6.633_706e-2,
    3.988_838e-1,
];

/// GELU, x·Φ(x), with an error of at most 6e-5 for |x| ≤ 9 (tested at every 2⁻¹⁴) and 6e-6·|x| beyond. The integers that are made
/// of it have steps of 1/127 of the largest value in their row, commonly a hundred times that.
#[inline(always)]
pub(super) fn gelu_one<const FUSED: bool>(x: f32) -> f32 {
    let z = x.clamp(-GELU_LIMIT, GELU_LIMIT);
    let square = z * z;
    let mut p = GELU[0];
    for coefficient in &GELU[1..] {
        p = multiply_add::<FUSED>(p, square, *coefficient);
    }
    x * multiply_add::<FUSED>(p, z, 0.5)
}

multiversion! {
    /// GELU in place.
    pub fn gelu(values: &mut [f32]) => gelu_body
}

#[inline(always)]
fn gelu_body<const FUSED: bool>(values: &mut [f32]) {
    for value in values {
        *value = gelu_one::<FUSED>(*value);
    }
}

multiversion! {
    /// Normalises every row of `rows` (each as long as `weight`) in place.
    pub fn layer_norm(rows: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) => layer_norm_body
}

#[inline(always)]
fn layer_norm_body<const FUSED: bool>(rows: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    for row in rows.chunks_exact_mut(weight.len()) {
        normalise::<FUSED>(row, weight, bias, epsilon);
    }
}

multiversion! {
    /// rows = norm(rows + other), row by row.
    pub fn add_layer_norm(rows: &mut [f32], other: &[f32], weight: &[f32], bias: &[f32], epsilon: f32) => add_layer_norm_body
}

#[inline(always)]
fn add_layer_norm_body<const FUSED: bool>(
    rows: &mut [f32],
    other: &[f32],
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
) {
    let hidden = weight.len();
    for (row, other) in rows.chunks_exact_mut(hidden).zip(other.chunks_exact(hidden)) {
        for (value, other) in row.iter_mut().zip(other) {
            *value += other;
        }
        normalise::<FUSED>(row, weight, bias, epsilon);
    }
}

#[inline(always)]
fn normalise<const FUSED: bool>(row: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
    let count = row.len() as f32;
    let mean = sum(row, |value| value) / count;
    let variance = sum(row, |value| (value - mean) * (value - mean)) / count;
    let scale = 1.0 / (variance + epsilon).sqrt();
    for ((value, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
        *value = multiply_add::<FUSED>((*value - mean) * scale, *weight, *bias);
    }
}

/// A sum in eight lanes, which vectorises and rounds less than one running sum.
#[inline(always)]
pub(super) fn sum(row: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; 8];
    let (chunks, rest) = row.as_chunks::<8>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += term(*value);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|value| term(*value)).sum::<f32>()
}

/// The largest `term`, or `least` if none is larger, in eight lanes as above.
#[inline(always)]
pub(super) fn largest(row: &[f32], least: f32, term: impl Fn(f32) -> f32) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [least; 8];
    let (chunks, rest) = row.as_chunks::<8>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, term(*value));
        }
    }
    let rest = rest.iter().fold(least, |most, value| larger(most, term(*value)));
    lanes.iter().fold(rest, |most, value| larger(most, *value))
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
            assert!((f64::from(exp::<false>(x)) / expected - 1.0).abs() < 3e-7, "exp({x})");
        }
        // Values from Abramowitz and Stegun, table 7.1.
        for (x, expected) in
            [(0.0, 0.0), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (2.0, 0.995_322_3), (-1.0, -0.842_700_8)]
        {
            assert!((erf(x) - expected).abs() < 1e-6, "erf({x})");
        }
    }

    /// Φ(x) by its power series (Abramowitz and Stegun 26.2.11), which has no cancellation: every term has the sign of x.
    fn cumulative(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for k in 1..200 {
            term *= x * x / f64::from(2 * k + 1);
            sum += term;
        }
        0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
    }

    #[test]
    fn gelu_is_as_close_as_it_says() {
        for step in -(9 << 14)..=9 << 14 {
            let x = step as f32 / 16384.0;
            let exact = f64::from(x) * cumulative(f64::from(x));
            assert!((f64::from(gelu_one::<false>(x)) - exact).abs() < 6e-5, "gelu({x})");
        }
        for x in [10f32, 50.0, 1e4] {
            assert!((gelu_one::<false>(x) / x - 1.0).abs() < 6e-6, "gelu({x})");
            assert!((gelu_one::<false>(-x) / x).abs() < 6e-6, "gelu(-{x})");
        }
    }

    #[test]
    fn the_variants_agree() {
        let start: Vec<f32> = (0..70).map(|i| (i as f32 - 30.0) / 7.0).collect();
        let (weight, bias) = (vec![1.5; 35], vec![0.25; 35]);
        let run = |isa| {
            let mut values = start.clone();
            gelu(isa, &mut values);
            layer_norm(isa, &mut values, &weight, &bias, 1e-12);
            add_layer_norm(isa, &mut values, &start, &weight, &bias, 1e-12);
            values
        };
        let expected = run(Isa::PORTABLE);
        for isa in Isa::available() {
            assert!(run(isa).iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4), "{isa:?}");
        }
    }

    #[test]
    fn the_largest_is_found_wherever_it_stands() {
        for place in 0..20 {
            let mut row = vec![1f32; 20];
            row[place] = -7.0;
            assert_eq!(largest(&row, 0.5, f32::abs), 7.0);
            assert_eq!(largest(&row[..place], 0.5, |value| value), if place == 0 { 0.5 } else { 1.0 });
        }
    }
}
