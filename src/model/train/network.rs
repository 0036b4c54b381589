//! The part of the network that is trained: low-rank adapters on the upper layers, and a linear output over the mean of a segment.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, Var};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::ops::{Attention, Gelu, Normalise, adapted_dense};
use crate::model::adapter::{Adapter, LowRank};
use crate::model::encoder::kernel::{Isa, Segment};
use crate::model::encoder::weights::{ADAPTED, Dense, EncoderShape, EncoderWeights, LayerNorm};
use crate::model::folder::Head;

/// Which layers are trained, and how freely.
#[derive(Debug, Clone, Copy)]
pub struct NetworkSettings {
    /// First layer that carries adapters; those below are frozen and computed once.
    pub first_layer: usize,
    /// Rank of every adapter.
    pub rank: usize,
    /// Outputs of the head: policies or skills.
    pub outputs: usize,
    pub seed: u64,
}

/// Adapters scale their product by this over the rank, as in the paper (Hu et al. 2021, "LoRA", α/r).
const ALPHA: f64 = 16.0;

struct FrozenDense {
    /// `[inputs, outputs]`.
    weight: Tensor,
    bias: Tensor,
    /// Trained factors `[inputs, rank]` and `[rank, outputs]`.
    down: Var,
    up: Var,
}

struct Layer {
    dense: BTreeMap<&'static str, FrozenDense>,
    attention_norm: (Arc<Vec<f32>>, Arc<Vec<f32>>),
    output_norm: (Arc<Vec<f32>>, Arc<Vec<f32>>),
}

/// Segments of a batch, sequence by sequence, with rows counted from the start of each sequence.
pub struct Packed {
    /// `[tokens, hidden]` after the frozen layers.
    pub states: Tensor,
    pub sequences: Arc<Vec<Vec<Segment>>>,
}

/// The trainable network.
pub struct Network {
    shape: EncoderShape,
    settings: NetworkSettings,
    layers: Vec<Layer>,
    head_weight: Var,
    head_bias: Var,
    isa: Isa,
}

impl Network {
    pub fn new(weights: &EncoderWeights, settings: NetworkSettings) -> Result<Self> {
        let mut random = StdRng::seed_from_u64(settings.seed);
        let shape = weights.shape;
        let layers = weights.layers[settings.first_layer..]
            .iter()
            .map(|layer| {
                let dense = ADAPTED
                    .iter()
                    .filter_map(|name| layer.dense(name).map(|dense| (*name, dense)))
                    .map(|(name, dense)| Ok((name, frozen_dense(dense, settings.rank, &mut random)?)))
                    .collect::<Result<_>>()?;
                Ok(Layer {
                    dense,
                    attention_norm: shared(&layer.attention_norm),
                    output_norm: shared(&layer.output_norm),
                })
            })
            .collect::<Result<_>>()?;
        let head = uniform(&mut random, shape.hidden * settings.outputs, 0.02);
        Ok(Self {
            shape,
            settings,
            layers,
            head_weight: Var::from_vec(head, (shape.hidden, settings.outputs), &Device::Cpu)?,
            head_bias: Var::zeros(settings.outputs, DType::F32, &Device::Cpu)?,
            isa: Isa::detect(),
        })
    }

    /// Everything that is trained, in a fixed order, with names.
    pub fn variables(&self) -> Vec<(String, Var)> {
        let mut all = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let index = index + self.settings.first_layer;
            for (name, dense) in &layer.dense {
                all.push((format!("encoder.layer.{index}.{name}.lora_down"), dense.down.clone()));
                all.push((format!("encoder.layer.{index}.{name}.lora_up"), dense.up.clone()));
            }
        }
        all.push(("head.weight".into(), self.head_weight.clone()));
        all.push(("head.bias".into(), self.head_bias.clone()));
        all
    }

    /// The mean of every segment of the batch, `[segments, hidden]`.
    pub fn pooled(&self, batch: &Packed) -> Result<Tensor> {
        let mut x = batch.states.clone();
        for layer in &self.layers {
            let query = self.dense(layer, "attention.self.query", &x)?;
            let key = self.dense(layer, "attention.self.key", &x)?;
            let value = self.dense(layer, "attention.self.value", &x)?;
            let qkv = Tensor::cat(&[query, key, value], 1)?;
            let context = qkv.apply_op1(Attention {
                sequences: batch.sequences.clone(),
                heads: self.shape.heads,
                isa: self.isa,
            })?;
            let projected = self.dense(layer, "attention.output.dense", &context)?;
            x = self.norm(&(x + projected)?, &layer.attention_norm)?;
            let middle = self.dense(layer, "intermediate.dense", &x)?.apply_op1(Gelu { isa: self.isa })?;
            let projected = self.dense(layer, "output.dense", &middle)?;
            x = self.norm(&(x + projected)?, &layer.output_norm)?;
        }
        averaging(&batch.sequences)?.matmul(&x)
    }

    /// Logits `[segments, outputs]` of the means of segments.
    pub fn logits(&self, pooled: &Tensor) -> Result<Tensor> {
        pooled.matmul(self.head_weight.as_tensor())?.broadcast_add(self.head_bias.as_tensor())
    }

    fn dense(&self, layer: &Layer, name: &'static str, x: &Tensor) -> Result<Tensor> {
        let dense = &layer.dense[name];
        let factors = (dense.down.as_tensor(), dense.up.as_tensor());
        adapted_dense(x, &dense.weight, &dense.bias, factors, ALPHA / self.settings.rank as f64)
    }

    fn norm(&self, x: &Tensor, (weight, bias): &(Arc<Vec<f32>>, Arc<Vec<f32>>)) -> Result<Tensor> {
        x.apply_op1(Normalise {
            weight: weight.clone(),
            bias: bias.clone(),
            epsilon: self.shape.layer_norm_epsilon,
            isa: self.isa,
        })
    }

    /// Takes up adapters and head of an earlier version, to go on from there. The adapters must be of this rank; layers that they do
    /// not have start from the encoder as it is.
    pub fn take_up(&self, adapter: &Adapter, head: &Head) -> Result<()> {
        let scale = ALPHA / self.settings.rank as f64;
        for (index, layer) in self.layers.iter().enumerate() {
            for (name, dense) in &layer.dense {
                let place = (index + self.settings.first_layer, (*name).to_owned());
                let Some(part) = adapter.parts.get(&place) else { continue };
                dense.down.set(&Tensor::from_slice(&part.down, (part.inputs, part.rank), &Device::Cpu)?)?;
                let up = Tensor::from_slice(&part.up, (part.rank, part.outputs), &Device::Cpu)?;
                dense.up.set(&(up / scale)?)?;
            }
        }
        let weight: Vec<f32> = head.weight.iter().flatten().copied().collect();
        let outputs = self.settings.outputs;
        self.head_weight
            .set(&Tensor::from_vec(weight, (outputs, self.shape.hidden), &Device::Cpu)?.t()?.contiguous()?)?;
        self.head_bias.set(&Tensor::from_slice(&head.bias, outputs, &Device::Cpu)?)
    }

    /// The adapters as they stand, ready to be written or merged.
    pub fn adapter(&self) -> Result<Adapter> {
        let scale = (ALPHA / self.settings.rank as f64) as f32;
        let mut parts = BTreeMap::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for (name, dense) in &layer.dense {
                let up = (dense.up.as_tensor() * f64::from(scale))?;
                let (inputs, rank) = dense.down.dims2()?;
                parts.insert(
                    (index + self.settings.first_layer, (*name).to_owned()),
                    LowRank {
                        inputs,
                        rank,
                        outputs: up.dim(1)?,
                        down: dense.down.flatten_all()?.to_vec1()?,
                        up: up.flatten_all()?.to_vec1()?,
                    },
                );
            }
        }
        Ok(Adapter { parts })
    }

    /// The head: weight `[outputs, hidden]` row by row, and bias.
    pub fn head(&self) -> Result<(Vec<Vec<f32>>, Vec<f32>)> {
        Ok((self.head_weight.t()?.to_vec2()?, self.head_bias.to_vec1()?))
    }
}

fn frozen_dense(dense: &Dense, rank: usize, random: &mut StdRng) -> Result<FrozenDense> {
    let weight =
        Tensor::from_slice(&dense.weight, (dense.outputs, dense.inputs), &Device::Cpu)?.t()?.contiguous()?;
    let bias = Tensor::from_slice(&dense.bias, dense.outputs, &Device::Cpu)?;
    // Kaiming's bound for the first factor, zero for the second: training starts from the encoder as it is.
    let bound = (3.0 / dense.inputs as f32).sqrt();
    let down =
        Var::from_vec(uniform(random, dense.inputs * rank, bound), (dense.inputs, rank), &Device::Cpu)?;
    let up = Var::zeros((rank, dense.outputs), DType::F32, &Device::Cpu)?;
    Ok(FrozenDense { weight, bias, down, up })
}

fn uniform(random: &mut StdRng, count: usize, bound: f32) -> Vec<f32> {
    (0..count).map(|_| random.random_range(-bound..bound)).collect()
}

fn shared(norm: &LayerNorm) -> (Arc<Vec<f32>>, Arc<Vec<f32>>) {
    (Arc::new(norm.weight.clone()), Arc::new(norm.bias.clone()))
}

/// `[segments, tokens]`: the mean of each segment as a product.
fn averaging(sequences: &[Vec<Segment>]) -> Result<Tensor> {
    let tokens: usize = sequences.iter().filter_map(|sequence| sequence.last()).map(|last| last.end).sum();
    let segments: usize = sequences.iter().map(Vec::len).sum();
    let mut matrix = vec![0f32; segments * tokens];
    let (mut row, mut offset) = (0, 0);
    for sequence in sequences {
        for segment in sequence {
            let share = 1.0 / (segment.end - segment.start).max(1) as f32;
            matrix[row * tokens + offset + segment.start..row * tokens + offset + segment.end].fill(share);
            row += 1;
        }
        offset += sequence.last().map_or(0, |last| last.end);
    }
    Tensor::from_vec(matrix, (segments, tokens), &Device::Cpu)
}
