//! Low-rank adapters: what training adds to the encoder, a few hundred kilobytes beside its 27 megabytes.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};

use super::encoder::weights::LayerWeights;

/// One adapted dense layer: its weight gains (down · up)ᵀ.
#[derive(Debug, Clone, PartialEq)]
pub struct LowRank {
    pub inputs: usize,
    pub rank: usize,
    pub outputs: usize,
    /// `[inputs, rank]`, row-major.
    pub down: Vec<f32>,
    /// `[rank, outputs]`, row-major, with the adapter's scale already in it.
    pub up: Vec<f32>,
}

/// All adapted dense layers by layer number and name (see [`super::encoder::weights::ADAPTED`]).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Adapter {
    pub parts: BTreeMap<(usize, String), LowRank>,
}

/// An adapter file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("adapter {file}: {detail}")]
pub struct AdapterError {
    pub file: PathBuf,
    pub detail: String,
}

impl Adapter {
    /// Adds what the adapter has for a layer of the encoder to its weights.
    pub fn merge(&self, layer: usize, weights: &mut LayerWeights) -> Result<(), String> {
        for ((_, name), part) in self.parts.iter().filter(|((number, _), _)| *number == layer) {
            let dense = weights
                .dense_mut(name)
                .ok_or_else(|| format!("the encoder has no layer {layer} `{name}`"))?;
            if (dense.inputs, dense.outputs) != (part.inputs, part.outputs) {
                return Err(format!(
                    "layer {layer} `{name}`: expected {} inputs and {} outputs, found {} and {}",
                    dense.inputs, dense.outputs, part.inputs, part.outputs
                ));
            }
            // Rank by rank along the rows of the weights, which is how they stand in memory.
            for rank in 0..part.rank {
                let down: Vec<f32> = part.down.iter().skip(rank).step_by(part.rank).copied().collect();
                let up = &part.up[rank * part.outputs..][..part.outputs];
                for (row, up) in dense.weight.chunks_exact_mut(dense.inputs).zip(up) {
                    row.iter_mut().zip(&down).for_each(|(weight, down)| *weight += down * up);
                }
            }
        }
        Ok(())
    }

    /// Fails if the adapter changes a layer that an encoder of so many layers has not.
    pub fn fits(&self, layers: usize) -> Result<(), String> {
        match self.parts.keys().find(|(layer, _)| *layer >= layers) {
            Some((layer, name)) => Err(format!("the encoder has no layer {layer} `{name}`")),
            None => Ok(()),
        }
    }

    /// Writes half-precision safetensors: an adapter's values are small corrections, and the file is committed.
    pub fn write(&self, file: &Path) -> Result<(), AdapterError> {
        let fail = |detail: String| AdapterError { file: file.into(), detail };
        let mut tensors = HashMap::new();
        for ((layer, name), part) in &self.parts {
            for (suffix, values, shape) in
                [("down", &part.down, (part.inputs, part.rank)), ("up", &part.up, (part.rank, part.outputs))]
            {
                let tensor = Tensor::from_slice(values, shape, &Device::Cpu)
                    .and_then(|tensor| tensor.to_dtype(candle_core::DType::F16))
                    .map_err(|error| fail(error.to_string()))?;
                tensors.insert(format!("{layer}.{name}.{suffix}"), tensor);
            }
        }
        candle_core::safetensors::save(&tensors, file).map_err(|error| fail(error.to_string()))
    }

    /// Reads what [`Adapter::write`] wrote.
    pub fn read(file: &Path) -> Result<Self, AdapterError> {
        let fail = |detail: String| AdapterError { file: file.into(), detail };
        let tensors =
            candle_core::safetensors::load(file, &Device::Cpu).map_err(|error| fail(error.to_string()))?;
        let mut parts = BTreeMap::new();
        for (name, down) in &tensors {
            let Some(stem) = name.strip_suffix(".down") else { continue };
            let up = tensors
                .get(&format!("{stem}.up"))
                .ok_or_else(|| fail(format!("expected a tensor `{stem}.up`")))?;
            let (layer, dense) = stem
                .split_once('.')
                .and_then(|(layer, dense)| Some((layer.parse().ok()?, dense.to_owned())))
                .ok_or_else(|| {
                    fail(format!("expected a name such as `6.output.dense.down`, found `{name}`"))
                })?;
            let part = low_rank(down, up).map_err(|error| fail(format!("tensor `{stem}`: {error}")))?;
            parts.insert((layer, dense), part);
        }
        Ok(Self { parts })
    }
}

fn low_rank(down: &Tensor, up: &Tensor) -> candle_core::Result<LowRank> {
    let (inputs, rank) = down.dims2()?;
    let (up_rank, outputs) = up.dims2()?;
    if rank != up_rank {
        candle_core::bail!("expected both factors of one rank, found {rank} and {up_rank}");
    }
    let values = |tensor: &Tensor| tensor.to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1::<f32>();
    Ok(LowRank { inputs, rank, outputs, down: values(down)?, up: values(up)? })
}
