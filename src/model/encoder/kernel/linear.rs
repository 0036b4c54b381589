//! The dense layer in integers: 8-bit weights with a scale for each output, 8-bit activations with a scale for each row, both rotated
//! (see [`super::rotation`]).
//!
//! The products are exact in 32 bits, so the only rounding is that of the weights (1/127 of the largest in their row) and of the
//! activations (1/127 of the largest in theirs). AVX-512's `vpdpbusd` does 64 products an instruction; the other variants widen
//! the same integers to 16 bits, of which AVX2's `vpmaddwd` does 16 products, against 8 for a fused multiply-add in floats.

#[cfg(target_arch = "x86_64")]
use super::avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::linear as avx512;
use super::elementwise::{gelu_one, largest};
use super::rotation::{MIXED, rotate};
use super::{Isa, Level, multiversion};
use crate::model::encoder::weights::Dense;

/// Largest absolute weight and activation after scaling.
pub(super) const STEPS: f32 = 127.0;
/// Largest number of inputs: sums of products below 255 · 127 fit in 31 bits up to 66,311.
const MAX_INPUTS: usize = 1 << 16;
/// Inputs come in multiples of this: [`MIXED`] stretches of whole 512-bit registers.
const INPUTS: usize = MIXED * 16;

/// How weights stand in memory: for each panel of `PANEL` outputs and each group of `GROUP` inputs, `PANEL` times `GROUP` weights, so
/// that one step of the loop over the inputs reads one stretch.
pub(super) trait Layout {
    const PANEL: usize;
    const GROUP: usize;
}

/// For products of 16 bits: two registers of eight 32-bit sums.
pub(super) struct Narrow;
/// For `vpdpbusd`: two registers of sixteen.
pub(super) struct Wide;

impl Narrow {
    pub(super) const PANEL: usize = 16;
    pub(super) const GROUP: usize = 2;
}
impl Wide {
    pub(super) const PANEL: usize = 32;
    pub(super) const GROUP: usize = 4;
}
impl Layout for Narrow {
    const PANEL: usize = Self::PANEL;
    const GROUP: usize = Self::GROUP;
}
impl Layout for Wide {
    const PANEL: usize = Self::PANEL;
    const GROUP: usize = Self::GROUP;
}

/// Rows that are computed together with 16-bit products: 6 × 2 sums, two registers of weights and one of activations fill the
/// sixteen registers.
pub(super) const NARROW_TILE: usize = 6;

/// What is done to the activations before they are multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Nothing,
    Gelu,
}

/// A dense layer `y = x · Wᵀ + b`, ready to run.
#[derive(Debug, Clone)]
pub struct QuantisedDense {
    isa: Isa,
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    /// Whole panels, as [`Layout`] says; which layout is up to `isa`.
    pub(super) weight: Vec<i8>,
    /// For each output (padded to whole panels) the value of one step of its weights.
    pub(super) scale: Vec<f32>,
    pub(super) bias: Vec<f32>,
    /// For each output −128 · the sum of its weights: what has to be added when the activations are stored with 128 added.
    pub(super) correction: Vec<i32>,
}

/// Room for quantised activations, kept between calls.
#[derive(Debug, Default)]
pub struct Activations {
    /// With 128 added, for [`Wide`].
    pub(super) bytes: Vec<u8>,
    /// For [`Narrow`].
    words: Vec<i16>,
    /// For each row the value of one step.
    pub(super) scales: Vec<f32>,
    /// One row, rotated.
    pub(super) rotated: Vec<f32>,
}

impl QuantisedDense {
    /// Quantises a dense layer, or several with the same inputs side by side (query, key and value). `Err` if the inputs are not a
    /// multiple of 128, or more than 65,536, or differ among the layers.
    pub fn new(parts: &[&Dense], isa: Isa) -> Result<Self, String> {
        let inputs = parts.first().map_or(0, |part| part.inputs);
        if inputs == 0
            || !inputs.is_multiple_of(INPUTS)
            || inputs > MAX_INPUTS
            || parts.iter().any(|part| part.inputs != inputs)
        {
            return Err(format!(
                "expected a multiple of {INPUTS} inputs up to {MAX_INPUTS}, the same for all, found {inputs}"
            ));
        }
        Ok(match isa.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Self::laid_out::<Wide>(parts, inputs, isa),
            _ => Self::laid_out::<Narrow>(parts, inputs, isa),
        })
    }

    fn laid_out<L: Layout>(parts: &[&Dense], inputs: usize, isa: Isa) -> Self {
        let outputs: usize = parts.iter().map(|part| part.outputs).sum();
        let padded = outputs.next_multiple_of(L::PANEL);
        let mut weight = vec![0i8; padded * inputs];
        let mut scale = vec![0f32; padded];
        let mut bias = vec![0f32; padded];
        let mut correction = vec![0i32; padded];
        let (mut rotated, mut quantised) = (vec![0f32; inputs], vec![0i16; inputs]);
        let rows = parts.iter().flat_map(|part| part.weight.chunks_exact(inputs).zip(&part.bias));
        for (output, (row, row_bias)) in rows.enumerate() {
            let mut step = [0f32];
            quantise(isa, row, Before::Nothing, &mut rotated, &mut quantised, &mut step);
            // Activations are rotated by √8 times an orthogonal matrix, weights by the same: that makes 8.
            scale[output] = step[0] / MIXED as f32;
            bias[output] = *row_bias;
            correction[output] = -128 * quantised.iter().map(|weight| i32::from(*weight)).sum::<i32>();
            let (panel, lane) = (output / L::PANEL, output % L::PANEL);
            let steps = weight[panel * L::PANEL * inputs..].chunks_exact_mut(L::PANEL * L::GROUP);
            for (to, from) in steps.zip(quantised.chunks_exact(L::GROUP)) {
                for (to, from) in to[lane * L::GROUP..][..L::GROUP].iter_mut().zip(from) {
                    *to = *from as i8;
                }
            }
        }
        Self { isa, outputs, inputs, weight, scale, bias, correction }
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `x` is `[rows, inputs]`, `y` is `[rows, outputs]`. Some dozens of rows at a time keep everything in the caches.
    ///
    /// # Panics
    /// If the lengths do not fit each other: a bug of the caller, never of the input text.
    pub fn apply(&self, before: Before, x: &[f32], y: &mut [f32], room: &mut Activations) {
        let rows = x.len() / self.inputs;
        assert_eq!(x.len(), rows * self.inputs, "activations are not whole rows");
        assert_eq!(y.len(), rows * self.outputs, "outputs do not fit the activations");
        room.scales.resize(rows, 0.0);
        room.rotated.resize(self.inputs, 0.0);
        match self.isa.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `Isa` of this level is only made after the processor's features were found.
            Level::Avx512 => unsafe { avx512::apply(self, before, x, y, room) },
            _ => self.apply_narrow(before, x, y, room),
        }
    }

    fn apply_narrow(&self, before: Before, x: &[f32], y: &mut [f32], room: &mut Activations) {
        room.words.resize(x.len(), 0);
        quantise(self.isa, x, before, &mut room.rotated, &mut room.words, &mut room.scales);
        for (panel, weight) in self.weight.chunks_exact(Narrow::PANEL * self.inputs).enumerate() {
            let tiles = room.words.chunks(NARROW_TILE * self.inputs).zip(room.scales.chunks(NARROW_TILE));
            for ((words, scales), y) in tiles.zip(y.chunks_mut(NARROW_TILE * self.outputs)) {
                let mut sums = [[0i32; Narrow::PANEL]; NARROW_TILE];
                self.tile(weight, words, &mut sums);
                for ((sums, scale), y) in sums.iter().zip(scales).zip(y.chunks_exact_mut(self.outputs)) {
                    self.write(panel * Narrow::PANEL, sums, *scale, y);
                }
            }
        }
    }

    /// Sums of one panel for up to [`NARROW_TILE`] rows of activations.
    #[inline(always)]
    fn tile(&self, weight: &[i8], rows: &[i16], sums: &mut [[i32; Narrow::PANEL]; NARROW_TILE]) {
        match self.isa.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: an `Isa` above the portable one is only made after AVX2 was found. The callee checks the lengths.
            Level::Avx2 | Level::Avx512 => unsafe {
                match rows.len() / self.inputs {
                    6 => avx2::tile::<6>(weight, rows, self.inputs, sums),
                    5 => avx2::tile::<5>(weight, rows, self.inputs, sums),
                    4 => avx2::tile::<4>(weight, rows, self.inputs, sums),
                    3 => avx2::tile::<3>(weight, rows, self.inputs, sums),
                    2 => avx2::tile::<2>(weight, rows, self.inputs, sums),
                    _ => avx2::tile::<1>(weight, rows, self.inputs, sums),
                }
            },
            Level::Portable => portable(weight, rows, self.inputs, sums),
        }
    }

    /// Writes the outputs `first..` of a row as far as the sums and the row go.
    #[inline(always)]
    pub(super) fn write(&self, first: usize, sums: &[i32], row_scale: f32, y: &mut [f32]) {
        let outputs = y[first..].iter_mut().zip(sums).zip(&self.scale[first..]).zip(&self.bias[first..]);
        for (((y, sum), scale), bias) in outputs {
            *y = *sum as f32 * (scale * row_scale) + bias;
        }
    }
}

multiversion! {
    /// Each row, after what is to be done before, rotated and rounded to integers of at most [`STEPS`], with the value of one step in
    /// `scales`. `rotated` has room for one row.
    pub fn quantise(
        x: &[f32],
        before: Before,
        rotated: &mut [f32],
        values: &mut [i16],
        scales: &mut [f32],
    ) => quantise_body
}

#[inline(always)]
fn quantise_body<const FUSED: bool>(
    x: &[f32],
    before: Before,
    rotated: &mut [f32],
    values: &mut [i16],
    scales: &mut [f32],
) {
    let inputs = rotated.len();
    for ((row, values), scale) in x.chunks_exact(inputs).zip(values.chunks_exact_mut(inputs)).zip(scales) {
        match before {
            Before::Nothing => rotated.copy_from_slice(row),
            Before::Gelu => {
                rotated.iter_mut().zip(row).for_each(|(to, value)| *to = gelu_one::<FUSED>(*value))
            }
        }
        rotate(rotated);
        let largest = largest(rotated, f32::MIN_POSITIVE, f32::abs);
        let factor = STEPS / largest;
        *scale = largest / STEPS;
        for (value, rotated) in values.iter_mut().zip(rotated.iter()) {
            // Adding 1.5·2²³ rounds to nearest and leaves the integer in the low bits: cheaper than `round`, and it vectorises.
            let rounded = rotated * factor + 12_582_912.0;
            *value = rounded.to_bits() as i16;
        }
    }
}

/// The same sums as [`avx2::tile`], on any processor.
fn portable(weight: &[i8], rows: &[i16], inputs: usize, sums: &mut [[i32; Narrow::PANEL]; NARROW_TILE]) {
    for (row, sums) in rows.chunks_exact(inputs).zip(sums.iter_mut()) {
        for (pair, weight) in row.chunks_exact(2).zip(weight.chunks_exact(Narrow::PANEL * 2)) {
            let (first, second) = (i32::from(pair[0]), i32::from(pair[1]));
            for (sum, weight) in sums.iter_mut().zip(weight.chunks_exact(2)) {
                *sum += first * i32::from(weight[0]) + second * i32::from(weight[1]);
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

    fn run(dense: &Dense, isa: Isa, before: Before, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0f32; x.len() / dense.inputs * dense.outputs];
        QuantisedDense::new(&[dense], isa).unwrap().apply(before, x, &mut y, &mut Activations::default());
        y
    }

    #[test]
    fn close_to_floats_and_equal_on_every_path_for_every_number_of_rows() {
        // 44 outputs: not a whole number of panels in either layout.
        let dense = dense(44, 256);
        for before in [Before::Nothing, Before::Gelu] {
            for rows in 1..=26 {
                let x: Vec<f32> = (0..rows * 256).map(|i| ((i * 53 % 97) as f32 - 48.0) / 9.0).collect();
                let seen = |x: f32| if before == Before::Gelu { gelu_one::<false>(x) } else { x };
                let expected = run(&dense, Isa::PORTABLE, before, &x);
                for (row, expected) in x.chunks(256).zip(expected.chunks(44)) {
                    for ((weight, bias), y) in dense.weight.chunks(256).zip(&dense.bias).zip(expected) {
                        let exact: f32 =
                            row.iter().zip(weight).map(|(x, w)| seen(*x) * w).sum::<f32>() + bias;
                        assert!((y - exact).abs() < 2.0, "{y} {exact}");
                    }
                }
                for isa in Isa::available() {
                    for (fast, slow) in run(&dense, isa, before, &x).iter().zip(&expected) {
                        // After GELU an activation can fall on the other side of a half: then it is a step apart.
                        let allowed = if before == Before::Gelu { 0.2 } else { 1e-4 * slow.abs().max(1.0) };
                        assert!((fast - slow).abs() <= allowed, "{isa:?}, {rows} rows: {fast} {slow}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        // What is all ones after the rotation.
        let mut ones = vec![1f32; MAX_INPUTS];
        rotate(&mut ones);
        let dense = Dense { outputs: 1, inputs: MAX_INPUTS, weight: ones.clone(), bias: vec![0.0] };
        let exact: f32 = ones.iter().map(|one| one * one).sum();
        for isa in Isa::available() {
            for sign in [1.0, -1.0] {
                let x: Vec<f32> = ones.iter().map(|one| sign * one).collect();
                let y = run(&dense, isa, Before::Nothing, &x)[0];
                assert!((y / (sign * exact) - 1.0).abs() < 1e-5, "{isa:?}: {y} {exact}");
            }
        }
    }

    #[test]
    fn empty_rows_are_nothing() {
        let dense = dense(4, 128);
        for isa in Isa::available() {
            assert_eq!(run(&dense, isa, Before::Nothing, &[0.0; 128]), dense.bias);
        }
    }

    #[test]
    fn odd_or_too_many_inputs_are_refused() {
        assert!(QuantisedDense::new(&[&dense(4, 64)], Isa::PORTABLE).is_err());
        assert!(QuantisedDense::new(&[&dense(1, MAX_INPUTS + 128)], Isa::PORTABLE).is_err());
        assert!(QuantisedDense::new(&[], Isa::PORTABLE).is_err());
    }
}
