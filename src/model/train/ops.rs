//! Differentiable operations that candle lacks or does at a loss on a CPU: frozen dense layers that compute no gradient for their
//! weights, layer normalisation and GELU with a backward pass, and attention over packed segments.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, CustomOp3, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use crate::model::encoder::kernel::{Isa, Segment, attend, erf, gelu, layer_norm};

fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (start, end) =
        layout.contiguous_offsets().ok_or_else(|| Error::Msg("expected contiguous input".into()))?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}

fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// A frozen dense layer with a low-rank adapter, as one operation: `x·W + b + (x·down)·up`. candle's own product also computes
/// the gradient of `W`, a third of the work, for nothing; and six small operations would each pass over the whole matrix.
pub(super) struct AdaptedDense {
    product: Tensor,
    low: Tensor,
    transposed: Tensor,
    scale: f64,
}

/// `x` is `[rows, inputs]`, `weight` is `[inputs, outputs]`, `down` is `[inputs, rank]`, `up` is `[rank, outputs]`; the adapter's
/// part is multiplied by `scale`.
pub(super) fn adapted_dense(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    (down, up): (&Tensor, &Tensor),
    scale: f64,
) -> Result<Tensor> {
    let rows = x.detach();
    let low = rows.matmul(&down.detach())?;
    let product = (rows.matmul(weight)? + low.matmul(&(up.detach() * scale)?)?)?.broadcast_add(bias)?;
    x.apply_op3(down, up, AdaptedDense { product, low, transposed: weight.t()?, scale })
}

impl CustomOp3 for AdaptedDense {
    fn name(&self) -> &'static str {
        "adapted-dense"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(values(&self.product)?), self.product.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        down: &Tensor,
        up: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let x = x.detach();
        let low_gradient = (gradient.matmul(&up.detach().t()?)? * self.scale)?;
        let of_x = (gradient.matmul(&self.transposed)? + low_gradient.matmul(&down.detach().t()?)?)?;
        let of_down = x.t()?.matmul(&low_gradient)?;
        let of_up = (self.low.t()?.matmul(gradient)? * self.scale)?;
        Ok((Some(of_x), Some(of_down), Some(of_up)))
    }
}

/// Layer normalisation with frozen parameters.
pub(super) struct Normalise {
    pub weight: Arc<Vec<f32>>,
    pub bias: Arc<Vec<f32>>,
    pub epsilon: f32,
    pub isa: Isa,
}

impl CustomOp1 for Normalise {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut rows = floats(storage, layout)?.to_vec();
        layer_norm(self.isa, &mut rows, &self.weight, &self.bias, self.epsilon);
        Ok((CpuStorage::F32(rows), layout.shape().clone()))
    }

    /// With x̂ the normalised row and g = gradient · weight: (g − mean(g) − x̂ · mean(g · x̂)) / σ.
    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let hidden = self.weight.len();
        let (x, gradient) = (values(input)?, values(gradient)?);
        let mut result = vec![0f32; x.len()];
        result.par_chunks_mut(hidden).zip(x.par_chunks(hidden)).zip(gradient.par_chunks(hidden)).for_each(
            |((result, x), gradient)| {
                let count = hidden as f32;
                let mean = x.iter().sum::<f32>() / count;
                let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / count;
                let inverse = 1.0 / (variance + self.epsilon).sqrt();
                let (mut mean_g, mut mean_gx) = (0f32, 0f32);
                for ((x, gradient), weight) in x.iter().zip(gradient).zip(self.weight.iter()) {
                    let g = gradient * weight;
                    mean_g += g;
                    mean_gx += g * (x - mean) * inverse;
                }
                (mean_g, mean_gx) = (mean_g / count, mean_gx / count);
                for (((result, x), gradient), weight) in
                    result.iter_mut().zip(x).zip(gradient).zip(self.weight.iter())
                {
                    *result = inverse * (gradient * weight - mean_g - (x - mean) * inverse * mean_gx);
                }
            },
        );
        Ok(Some(Tensor::from_vec(result, input.shape(), input.device())?))
    }
}

/// GELU in its exact form.
pub(super) struct Gelu {
    pub isa: Isa,
}

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut all = floats(storage, layout)?.to_vec();
        all.par_chunks_mut(16_384).for_each(|part| gelu(self.isa, part));
        Ok((CpuStorage::F32(all), layout.shape().clone()))
    }

    /// d/dx x·Φ(x) = Φ(x) + x·φ(x).
    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let x = values(input)?;
        let mut result = values(gradient)?;
        result.par_chunks_mut(16_384).zip(x.par_chunks(16_384)).for_each(|(result, x)| {
            const INVERSE_SQRT_TAU: f32 = 0.398_942_3;
            for (result, x) in result.iter_mut().zip(x) {
                let cumulative = 0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
                *result *= cumulative + x * INVERSE_SQRT_TAU * (-0.5 * x * x).exp();
            }
        });
        Ok(Some(Tensor::from_vec(result, input.shape(), input.device())?))
    }
}

/// Attention over packed sequences; see [`attend`]. Input `[tokens, 3·hidden]`, output `[tokens, hidden]`.
pub(super) struct Attention {
    /// Segments of each sequence, rows counted from the start of that sequence.
    pub sequences: Arc<Vec<Vec<Segment>>>,
    pub heads: usize,
    pub isa: Isa,
}

impl Attention {
    /// Splits the rows of a matrix (`width` values a row) by sequence.
    fn split<'a>(&self, mut rest: &'a mut [f32], width: usize) -> Vec<&'a mut [f32]> {
        let mut parts = Vec::with_capacity(self.sequences.len());
        for sequence in self.sequences.iter() {
            let rows = sequence.last().map_or(0, |segment| segment.end);
            let (part, after) = rest.split_at_mut(rows * width);
            parts.push(part);
            rest = after;
        }
        parts
    }

    fn offsets(&self) -> Vec<usize> {
        let mut row = 0;
        self.sequences
            .iter()
            .map(|sequence| {
                let start = row;
                row += sequence.last().map_or(0, |segment| segment.end);
                start
            })
            .collect()
    }
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "segment-attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let qkv = floats(storage, layout)?;
        let (tokens, width) = layout.shape().dims2()?;
        let hidden = width / 3;
        let mut out = vec![0f32; tokens * hidden];
        let offsets = self.offsets();
        self.split(&mut out, hidden).into_par_iter().zip(self.sequences.par_iter()).zip(offsets).for_each(
            |((out, segments), start)| {
                let rows = out.len() / hidden;
                attend(self.isa, &qkv[start * width..][..rows * width], segments, self.heads, out);
            },
        );
        Ok((CpuStorage::F32(out), (tokens, hidden).into()))
    }

    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (tokens, width) = input.dims2()?;
        let hidden = width / 3;
        let (qkv, gradient) = (values(input)?, values(gradient)?);
        let mut result = vec![0f32; tokens * width];
        let offsets = self.offsets();
        self.split(&mut result, width).into_par_iter().zip(self.sequences.par_iter()).zip(offsets).for_each(
            |((result, segments), start)| {
                let rows = result.len() / width;
                let qkv = &qkv[start * width..][..rows * width];
                let gradient = &gradient[start * hidden..][..rows * hidden];
                for segment in segments {
                    for head in 0..self.heads {
                        backward_of_head(
                            qkv,
                            gradient,
                            segment,
                            hidden,
                            head * hidden / self.heads,
                            hidden / self.heads,
                            result,
                        );
                    }
                }
            },
        );
        Ok(Some(Tensor::from_vec(result, input.shape(), input.device())?))
    }
}

/// Adds the gradient of one head of one segment to `result` (`[rows, 3·hidden]`). With P the attention weights and S the scaled
/// scores: dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P ∘ (dP − Σ dP∘P), dQ = dS·K·scale, dK = dSᵀ·Q·scale.
fn backward_of_head(
    qkv: &[f32],
    gradient: &[f32],
    segment: &Segment,
    hidden: usize,
    offset: usize,
    size: usize,
    result: &mut [f32],
) {
    let width = 3 * hidden;
    let scale = 1.0 / (size as f32).sqrt();
    let seen = segment.context..segment.end;
    let query = |row: usize| &qkv[row * width + offset..][..size];
    let key = |row: usize| &qkv[row * width + hidden + offset..][..size];
    let value = |row: usize| &qkv[row * width + 2 * hidden + offset..][..size];
    let mut weights = vec![0f32; seen.len()];
    let mut slopes = vec![0f32; seen.len()];
    for row in segment.start..segment.end {
        let (q, g) = (query(row), &gradient[row * hidden + offset..][..size]);
        let mut highest = f32::NEG_INFINITY;
        for (weight, other) in weights.iter_mut().zip(seen.clone()) {
            *weight = dot(q, key(other)) * scale;
            highest = highest.max(*weight);
        }
        let mut total = 0.0;
        for weight in &mut weights {
            *weight = (*weight - highest).exp();
            total += *weight;
        }
        let mut mixed = 0.0;
        for ((weight, slope), other) in weights.iter_mut().zip(&mut slopes).zip(seen.clone()) {
            *weight /= total;
            *slope = dot(g, value(other));
            mixed += *slope * *weight;
        }
        for ((weight, slope), other) in weights.iter().zip(&slopes).zip(seen.clone()) {
            let slope = weight * (slope - mixed) * scale;
            add_scaled(&mut result[row * width + offset..][..size], key(other), slope);
            add_scaled(&mut result[other * width + hidden + offset..][..size], q, slope);
            add_scaled(&mut result[other * width + 2 * hidden + offset..][..size], g, *weight);
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest = a.len() / 8 * 8;
    lanes.iter().sum::<f32>() + a[rest..].iter().zip(&b[rest..]).map(|(a, b)| a * b).sum::<f32>()
}

fn add_scaled(to: &mut [f32], from: &[f32], factor: f32) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    /// Compares the backward pass with finite differences of Σ f(x)·w.
    fn check(shape: (usize, usize), f: impl Fn(&Tensor) -> Result<Tensor>) {
        let count = shape.0 * shape.1;
        let start: Vec<f32> = (0..count).map(|i| ((i * 29 % 23) as f32 - 11.0) / 9.0).collect();
        let var = Var::from_vec(start.clone(), shape, &Device::Cpu).unwrap();
        let out = f(var.as_tensor()).unwrap();
        let weights: Vec<f32> = (0..out.elem_count()).map(|i| ((i * 31 % 17) as f32 - 8.0) / 8.0).collect();
        let weights = Tensor::from_vec(weights, out.shape(), &Device::Cpu).unwrap();
        let loss = |x: &Tensor| (f(x).unwrap() * &weights).unwrap().sum_all().unwrap();
        let gradients = loss(var.as_tensor()).backward().unwrap();
        let gradient: Vec<f32> =
            gradients.get(var.as_tensor()).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        for i in (0..count).step_by(7) {
            let at = |delta: f32| {
                let mut x = start.clone();
                x[i] += delta;
                let x = Tensor::from_vec(x, shape, &Device::Cpu).unwrap();
                f64::from(loss(&x).to_scalar::<f32>().unwrap())
            };
            let numeric = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((numeric - f64::from(gradient[i])).abs() < 2e-2, "at {i}: {numeric} and {}", gradient[i]);
        }
    }

    #[test]
    fn gradients_match_finite_differences() {
        let isa = Isa::detect();
        check((4, 8), |x| x.apply_op1(Gelu { isa }));
        let weight = Arc::new((0..8).map(|i| 0.5 + i as f32 / 8.0).collect::<Vec<f32>>());
        let bias = Arc::new(vec![0.1; 8]);
        check((4, 8), |x| {
            x.apply_op1(Normalise { weight: weight.clone(), bias: bias.clone(), epsilon: 1e-5, isa })
        });
        let matrix = |rows: usize, columns: usize| {
            let values: Vec<f32> = (0..rows * columns).map(|i| ((i * 13 % 19) as f32 - 9.0) / 12.0).collect();
            Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
        };
        let (weight, bias) = (matrix(8, 3), matrix(1, 3).squeeze(0).unwrap());
        check((4, 8), |x| adapted_dense(x, &weight, &bias, (&matrix(8, 2), &matrix(2, 3)), 1.5));
        check((8, 2), |down| adapted_dense(&matrix(4, 8), &weight, &bias, (down, &matrix(2, 3)), 1.5));
        check((2, 3), |up| adapted_dense(&matrix(4, 8), &weight, &bias, (&matrix(8, 2), up), 1.5));
        let sequences = Arc::new(vec![
            vec![Segment { context: 0, start: 0, end: 2 }, Segment { context: 0, start: 2, end: 3 }],
            vec![Segment { context: 0, start: 0, end: 2 }],
        ]);
        check((5, 24), |x| x.apply_op1(Attention { sequences: sequences.clone(), heads: 2, isa }));
    }
}
