//! The dense layer in integers: 8-bit weights with a scale for each output, 14-bit activations with a scale for each row.
//!
//! Products of 8 and 14 bits sum exactly in 32 bits, so the only rounding is that of the weights (1/127 of the largest in
//! their row) and of the activations (1/8191 of the largest in theirs). On AVX2 one `vpmaddwd` does 16 products, against 8
//! for a fused multiply-add in floats.

use super::Isa;
use crate::model::encoder::weights::Dense;

/// Outputs that are computed together: two registers of eight 32-bit sums.
const PANEL: usize = 16;
/// Rows that are computed together: 6 × 2 sums, two registers of weights and one of activations fill the sixteen registers.
const TILE: usize = 6;
/// Largest absolute activation after scaling. 127 · 8191 · k fits in 31 bits up to k = 2064; see [`MAX_INPUTS`].
const ACTIVATION_MAX: f32 = 8191.0;
/// Largest number of inputs for which the 32-bit sums cannot overflow: ⌊(2³¹ − 1) / (127 · 8191)⌋.
const MAX_INPUTS: usize = 2064;

/// A dense layer `y = x · Wᵀ + b`, ready to run.
#[derive(Debug, Clone)]
pub struct QuantisedDense {
    outputs: usize,
    inputs: usize,
    /// `[⌈outputs/16⌉][inputs/2][16][2]`: for a pair of inputs the weights of 16 outputs stand together.
    weight: Vec<i8>,
    /// For each output (padded to whole panels) the value of one step of its weights.
    scale: Vec<f32>,
    bias: Vec<f32>,
}

/// Room for quantised activations, kept between calls.
#[derive(Debug, Default)]
pub struct Activations {
    values: Vec<i16>,
    scales: Vec<f32>,
}

impl QuantisedDense {
    /// Quantises a dense layer, or several with the same inputs side by side (query, key and value). `Err` if the inputs are odd
    /// in number or more than 2064, or differ among the layers.
    pub fn new(parts: &[&Dense]) -> Result<Self, String> {
        let inputs = parts.first().map_or(0, |part| part.inputs);
        if inputs == 0
            || !inputs.is_multiple_of(2)
            || inputs > MAX_INPUTS
            || parts.iter().any(|part| part.inputs != inputs)
        {
            return Err(format!(
                "expected an even number of inputs up to {MAX_INPUTS}, the same for all, found {inputs}"
            ));
        }
        let outputs: usize = parts.iter().map(|part| part.outputs).sum();
        let panels = outputs.div_ceil(PANEL);
        let mut weight = vec![0i8; panels * PANEL * inputs];
        let mut scale = vec![0f32; panels * PANEL];
        let mut bias = vec![0f32; panels * PANEL];
        let rows = parts.iter().flat_map(|part| part.weight.chunks_exact(inputs).zip(&part.bias));
        for (output, (row, row_bias)) in rows.enumerate() {
            let largest = row.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
            scale[output] = largest / 127.0;
            bias[output] = *row_bias;
            let (panel, lane) = (output / PANEL, output % PANEL);
            for (input, value) in row.iter().enumerate() {
                let index = (panel * inputs / 2 + input / 2) * PANEL * 2 + lane * 2 + input % 2;
                weight[index] = (value * 127.0 / largest).round() as i8;
            }
        }
        Ok(Self { outputs, inputs, weight, scale, bias })
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `x` is `[rows, inputs]`, `y` is `[rows, outputs]`.
    ///
    /// # Panics
    /// If the lengths do not fit each other: a bug of the caller, never of the input text.
    pub fn apply(&self, isa: Isa, x: &[f32], y: &mut [f32], room: &mut Activations) {
        let rows = x.len() / self.inputs;
        assert_eq!(x.len(), rows * self.inputs, "activations are not whole rows");
        assert_eq!(y.len(), rows * self.outputs, "outputs do not fit the activations");
        room.values.resize(x.len(), 0);
        room.scales.resize(rows, 0.0);
        quantise(isa, x, self.inputs, &mut room.values, &mut room.scales);
        for panel in 0..self.outputs.div_ceil(PANEL) {
            let mut row = 0;
            while row < rows {
                let tile = TILE.min(rows - row);
                let mut sums = [[0i32; PANEL]; TILE];
                self.tile(isa, panel, &room.values[row * self.inputs..][..tile * self.inputs], &mut sums);
                for (offset, sums) in sums[..tile].iter().enumerate() {
                    self.write(
                        panel,
                        sums,
                        room.scales[row + offset],
                        &mut y[(row + offset) * self.outputs..][..self.outputs],
                    );
                }
                row += tile;
            }
        }
    }

    /// Sums of one panel for up to [`TILE`] rows of activations.
    #[inline(always)]
    fn tile(&self, isa: Isa, panel: usize, rows: &[i16], sums: &mut [[i32; PANEL]; TILE]) {
        let weight = &self.weight[panel * PANEL * self.inputs..][..PANEL * self.inputs];
        match isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Isa::Avx2` is only made by `Isa::detect` after it found the feature. The callee checks the lengths.
            Isa::Avx2 => unsafe {
                match rows.len() / self.inputs {
                    6 => avx2::tile::<6>(weight, rows, self.inputs, sums),
                    5 => avx2::tile::<5>(weight, rows, self.inputs, sums),
                    4 => avx2::tile::<4>(weight, rows, self.inputs, sums),
                    3 => avx2::tile::<3>(weight, rows, self.inputs, sums),
                    2 => avx2::tile::<2>(weight, rows, self.inputs, sums),
                    _ => avx2::tile::<1>(weight, rows, self.inputs, sums),
                }
            },
            _ => portable(weight, rows, self.inputs, sums),
        }
    }

    #[inline(always)]
    fn write(&self, panel: usize, sums: &[i32; PANEL], row_scale: f32, y: &mut [f32]) {
        let first = panel * PANEL;
        let width = PANEL.min(self.outputs - first);
        let (scale, bias) = (&self.scale[first..][..width], &self.bias[first..][..width]);
        for (((y, sum), scale), bias) in y[first..][..width].iter_mut().zip(sums).zip(scale).zip(bias) {
            *y = *sum as f32 * (scale * row_scale) + bias;
        }
    }
}

super::multiversion! {
    /// Each row to integers of at most [`ACTIVATION_MAX`], with the value of one step in `scales`.
    pub fn quantise(x: &[f32], inputs: usize, values: &mut [i16], scales: &mut [f32]) => quantise_body
}

#[inline(always)]
fn quantise_body(x: &[f32], inputs: usize, values: &mut [i16], scales: &mut [f32]) {
    for ((row, values), scale) in x.chunks_exact(inputs).zip(values.chunks_exact_mut(inputs)).zip(scales) {
        let largest = row.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
        let factor = ACTIVATION_MAX / largest;
        *scale = largest / ACTIVATION_MAX;
        for (value, x) in values.iter_mut().zip(row) {
            // Adding 1.5·2²³ rounds to nearest and leaves the integer in the low bits: cheaper than `round`, and it vectorises.
            let rounded = x * factor + 12_582_912.0;
            *value = rounded.to_bits() as i16;
        }
    }
}

/// The same sums as [`avx2::tile`], on any processor.
fn portable(weight: &[i8], rows: &[i16], inputs: usize, sums: &mut [[i32; PANEL]; TILE]) {
    for (row, sums) in rows.chunks_exact(inputs).zip(sums.iter_mut()) {
        for (pair, weight) in row.chunks_exact(2).zip(weight.chunks_exact(PANEL * 2)) {
            let (first, second) = (i32::from(pair[0]), i32::from(pair[1]));
            for (sum, weight) in sums.iter_mut().zip(weight.chunks_exact(2)) {
                *sum += first * i32::from(weight[0]) + second * i32::from(weight[1]);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{PANEL, TILE};

    /// Sums of `ROWS` rows with the 16 outputs of one panel.
    ///
    /// # Panics
    /// If the slices are shorter than `inputs` says; every unchecked access below lies within what is checked here.
    #[target_feature(enable = "avx2")]
    pub(super) fn tile<const ROWS: usize>(
        weight: &[i8],
        rows: &[i16],
        inputs: usize,
        sums: &mut [[i32; PANEL]; TILE],
    ) {
        const { assert!(ROWS >= 1 && ROWS <= TILE) };
        assert!(inputs.is_multiple_of(2) && weight.len() >= inputs * PANEL && rows.len() >= ROWS * inputs);
        let mut low = [_mm256_setzero_si256(); ROWS];
        let mut high = [_mm256_setzero_si256(); ROWS];
        for pair in 0..inputs / 2 {
            // SAFETY: `pair` ≤ inputs/2 − 1, so the 32 bytes at `pair`·32 end at inputs·16 ≤ weight.len(); and for every row
            // the two activations at row·inputs + pair·2 end at (row + 1)·inputs ≤ rows.len(). Loads are unaligned.
            unsafe {
                let at = weight.as_ptr().add(pair * 2 * PANEL).cast::<__m128i>();
                let first = _mm256_cvtepi8_epi16(_mm_loadu_si128(at));
                let second = _mm256_cvtepi8_epi16(_mm_loadu_si128(at.add(1)));
                for row in 0..ROWS {
                    let activations =
                        rows.as_ptr().add(row * inputs + pair * 2).cast::<i32>().read_unaligned();
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dense(outputs: usize, inputs: usize) -> Dense {
        Dense {
            outputs,
            inputs,
            weight: (0..outputs * inputs).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0).collect(),
            bias: (0..outputs).map(|i| i as f32 / 10.0).collect(),
        }
    }

    #[test]
    fn close_to_floats_and_equal_on_every_path_for_every_number_of_rows() {
        // 20 outputs: not a whole number of panels.
        let dense = dense(20, 34);
        let quantised = QuantisedDense::new(&[&dense]).unwrap();
        for rows in 1..=13 {
            let x: Vec<f32> = (0..rows * 34).map(|i| ((i * 53 % 97) as f32 - 48.0) / 9.0).collect();
            let (mut fast, mut slow) = (vec![0f32; rows * 20], vec![0f32; rows * 20]);
            quantised.apply(Isa::detect(), &x, &mut fast, &mut Activations::default());
            quantised.apply(Isa::Portable, &x, &mut slow, &mut Activations::default());
            for row in 0..rows {
                for output in 0..20 {
                    let exact: f32 =
                        (0..34).map(|i| x[row * 34 + i] * dense.weight[output * 34 + i]).sum::<f32>()
                            + dense.bias[output];
                    let (fast, slow) = (fast[row * 20 + output], slow[row * 20 + output]);
                    assert!((fast - slow).abs() <= 1e-4 * slow.abs().max(1.0), "{fast} {slow}");
                    assert!((fast - exact).abs() < 0.02 * 34.0, "{fast} {exact}");
                }
            }
        }
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        let dense = Dense {
            outputs: 16,
            inputs: MAX_INPUTS,
            weight: vec![1.0; 16 * MAX_INPUTS],
            bias: vec![0.0; 16],
        };
        let quantised = QuantisedDense::new(&[&dense]).unwrap();
        let x = vec![3.0; MAX_INPUTS];
        let mut y = vec![0f32; 16];
        quantised.apply(Isa::detect(), &x, &mut y, &mut Activations::default());
        assert!(y.iter().all(|y| (y / (3.0 * MAX_INPUTS as f32) - 1.0).abs() < 1e-3), "{y:?}");
    }

    #[test]
    fn odd_or_too_many_inputs_are_refused() {
        assert!(QuantisedDense::new(&[&dense(4, 7)]).is_err());
        assert!(QuantisedDense::new(&[&dense(1, 2066)]).is_err());
        assert!(QuantisedDense::new(&[]).is_err());
    }
}
