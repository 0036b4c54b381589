//! The encoder's parameters, read from the committed 4-bit GGUF file, with low-rank adapters merged in.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, gguf_file};
use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::embedding::WordEmbeddings;

/// Shape of a BERT encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EncoderShape {
    pub hidden: usize,
    pub heads: usize,
    pub layers: usize,
    pub intermediate: usize,
    pub max_positions: usize,
    pub layer_norm_epsilon: f32,
}

/// A dense layer: `weight` is row-major `[outputs, inputs]`, `bias` is `[outputs]`.
#[derive(Debug, Clone)]
pub struct Dense {
    pub outputs: usize,
    pub inputs: usize,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// Layer normalisation over the hidden dimension.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// One transformer layer.
#[derive(Debug, Clone)]
pub struct LayerWeights {
    pub query: Dense,
    pub key: Dense,
    pub value: Dense,
    pub attention_output: Dense,
    pub attention_norm: LayerNorm,
    pub intermediate: Dense,
    pub output: Dense,
    pub output_norm: LayerNorm,
}

/// The dense layers of a transformer layer that an adapter can change, by their names in Hugging Face's `BertModel`.
pub const ADAPTED: [&str; 6] = [
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
];

impl LayerWeights {
    /// The dense layer with one of the names in [`ADAPTED`].
    pub fn dense_mut(&mut self, name: &str) -> Option<&mut Dense> {
        Some(match name {
            "attention.self.query" => &mut self.query,
            "attention.self.key" => &mut self.key,
            "attention.self.value" => &mut self.value,
            "attention.output.dense" => &mut self.attention_output,
            "intermediate.dense" => &mut self.intermediate,
            "output.dense" => &mut self.output,
            _ => return None,
        })
    }

    /// The same, to read.
    pub fn dense(&self, name: &str) -> Option<&Dense> {
        Some(match name {
            "attention.self.query" => &self.query,
            "attention.self.key" => &self.key,
            "attention.self.value" => &self.value,
            "attention.output.dense" => &self.attention_output,
            "intermediate.dense" => &self.intermediate,
            "output.dense" => &self.output,
            _ => return None,
        })
    }
}

/// All parameters.
#[derive(Debug, Clone)]
pub struct EncoderWeights {
    pub shape: EncoderShape,
    pub embeddings: Embeddings,
    pub layers: Vec<LayerWeights>,
}

/// What turns tokens into the first hidden states. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Embeddings {
    pub words: WordEmbeddings,
    /// Position embedding plus the embedding of token type 0, `[max_positions, hidden]`: the two are always added together.
    pub positions: Arc<[f32]>,
    pub norm: LayerNorm,
}

/// The encoder file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("encoder {file}: {detail}")]
pub struct EncoderFileError {
    pub file: PathBuf,
    pub detail: String,
}

impl EncoderWeights {
    /// Reads a GGUF file whose tensors are named as in Hugging Face's `BertModel`.
    pub fn read(path: &Path) -> Result<Self, EncoderFileError> {
        let file = EncoderFile::read(path)?;
        let layers = (0..file.shape.layers).into_par_iter().map(|index| file.layer(index));
        Ok(Self {
            shape: file.shape,
            embeddings: file.embeddings.clone(),
            layers: layers.collect::<Result<_, _>>()?,
        })
    }
}

/// The encoder's file in memory. Its layers are widened one by one, as they are asked for: all of them in 32 bits take four times
/// the room of what an encoder keeps.
pub struct EncoderFile {
    path: PathBuf,
    bytes: Vec<u8>,
    content: gguf_file::Content,
    shape: EncoderShape,
    embeddings: Embeddings,
}

impl EncoderFile {
    /// Reads a GGUF file whose tensors are named as in Hugging Face's `BertModel`.
    pub fn read(path: &Path) -> Result<Self, EncoderFileError> {
        let read = || -> Result<Self, String> {
            let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
            let content = gguf_file::Content::read(&mut Cursor::new(&bytes))
                .map_err(|error| format!("expected a GGUF file: {error}"))?;
            let reader = Reader { bytes: &bytes, content: &content };
            let shape = reader.shape()?;
            let embeddings = reader.embeddings(&shape)?;
            Ok(Self { path: path.into(), bytes, content, shape, embeddings })
        };
        read().map_err(|detail| EncoderFileError { file: path.into(), detail })
    }

    /// The file as it was read.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn shape(&self) -> EncoderShape {
        self.shape
    }

    pub fn embeddings(&self) -> &Embeddings {
        &self.embeddings
    }

    /// Every tensor by its name, in 32 bits.
    pub fn tensors(&self) -> Result<HashMap<String, Tensor>, EncoderFileError> {
        let reader = Reader { bytes: &self.bytes, content: &self.content };
        let names = self.content.tensor_infos.keys();
        names
            .map(|name| Ok((name.clone(), reader.tensor(name)?)))
            .collect::<Result<_, String>>()
            .map_err(|detail| EncoderFileError { file: self.path.clone(), detail })
    }

    /// The parameters of one layer, counted from 0.
    pub fn layer(&self, index: usize) -> Result<LayerWeights, EncoderFileError> {
        Reader { bytes: &self.bytes, content: &self.content }
            .layer(index, &self.shape)
            .map_err(|detail| EncoderFileError { file: self.path.clone(), detail })
    }
}

/// Reads tensors by name; every failure is a sentence that names the tensor.
struct Reader<'a> {
    bytes: &'a [u8],
    content: &'a gguf_file::Content,
}

impl Reader<'_> {
    fn embeddings(&self, shape: &EncoderShape) -> Result<Embeddings, String> {
        let hidden = shape.hidden;
        let types = self.vector("embeddings.token_type_embeddings.weight", None)?;
        let mut positions =
            self.vector("embeddings.position_embeddings.weight", Some(shape.max_positions * hidden))?;
        for row in positions.chunks_exact_mut(hidden) {
            row.iter_mut().zip(&types).for_each(|(position, kind)| *position += kind);
        }
        let norm = self.norm("embeddings.LayerNorm", hidden)?;
        Ok(Embeddings { words: self.words(hidden)?, positions: positions.into(), norm })
    }

    fn shape(&self) -> Result<EncoderShape, String> {
        let number = |key: &str| -> Result<usize, String> {
            let value =
                self.content.metadata.get(key).ok_or_else(|| format!("metadata `{key}` is missing"))?;
            let value = value.to_u32().map_err(|error| format!("metadata `{key}`: {error}"))?;
            Ok(value as usize)
        };
        let shape = EncoderShape {
            hidden: number("bert.hidden_size")?,
            heads: number("bert.num_attention_heads")?,
            layers: number("bert.num_hidden_layers")?,
            intermediate: number("bert.intermediate_size")?,
            max_positions: number("bert.max_position_embeddings")?,
            // Every published BERT uses this; the GGUF key holds the same number.
            layer_norm_epsilon: self
                .content
                .metadata
                .get("bert.layer_norm_eps")
                .and_then(|value| value.to_f32().ok())
                .unwrap_or(1e-12),
        };
        let fits = shape.heads > 0
            && shape.hidden.is_multiple_of(shape.heads)
            && shape.hidden.is_multiple_of(128)
            && shape.intermediate.is_multiple_of(128);
        if !fits {
            return Err(format!("expected sizes that heads and 128 divide, found {shape:?}"));
        }
        Ok(shape)
    }

    fn tensor(&self, name: &str) -> Result<Tensor, String> {
        let quantised = self
            .content
            .tensor(&mut Cursor::new(self.bytes), name, &Device::Cpu)
            .map_err(|error| format!("tensor `{name}`: {error}"))?;
        quantised.dequantize(&Device::Cpu).map_err(|error| format!("tensor `{name}`: {error}"))
    }

    fn vector(&self, name: &str, length: Option<usize>) -> Result<Vec<f32>, String> {
        let values = self
            .tensor(name)?
            .flatten_all()
            .and_then(|tensor| tensor.to_vec1::<f32>())
            .map_err(|error| format!("tensor `{name}`: {error}"))?;
        match length {
            Some(expected) if values.len() != expected => {
                Err(format!("tensor `{name}`: expected {expected} values, found {}", values.len()))
            }
            _ => Ok(values),
        }
    }

    fn dense(&self, prefix: &str, outputs: usize, inputs: usize) -> Result<Dense, String> {
        let weight = self.vector(&format!("{prefix}.weight"), Some(outputs * inputs))?;
        let bias = self.vector(&format!("{prefix}.bias"), Some(outputs))?;
        Ok(Dense { outputs, inputs, weight, bias })
    }

    fn norm(&self, prefix: &str, hidden: usize) -> Result<LayerNorm, String> {
        let weight = self.vector(&format!("{prefix}.weight"), Some(hidden))?;
        let bias = self.vector(&format!("{prefix}.bias"), Some(hidden))?;
        Ok(LayerNorm { weight, bias })
    }

    fn layer(&self, index: usize, shape: &EncoderShape) -> Result<LayerWeights, String> {
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let (hidden, intermediate) = (shape.hidden, shape.intermediate);
        Ok(LayerWeights {
            query: self.dense(&name("attention.self.query"), hidden, hidden)?,
            key: self.dense(&name("attention.self.key"), hidden, hidden)?,
            value: self.dense(&name("attention.self.value"), hidden, hidden)?,
            attention_output: self.dense(&name("attention.output.dense"), hidden, hidden)?,
            attention_norm: self.norm(&name("attention.output.LayerNorm"), hidden)?,
            intermediate: self.dense(&name("intermediate.dense"), intermediate, hidden)?,
            output: self.dense(&name("output.dense"), hidden, intermediate)?,
            output_norm: self.norm(&name("output.LayerNorm"), hidden)?,
        })
    }

    /// The word embeddings stay in 4 bits: they are two thirds of all parameters, and a message needs a few rows.
    fn words(&self, hidden: usize) -> Result<WordEmbeddings, String> {
        let name = "embeddings.word_embeddings.weight";
        let tensor = self
            .content
            .tensor(&mut Cursor::new(self.bytes), name, &Device::Cpu)
            .map_err(|error| format!("tensor `{name}`: {error}"))?;
        if tensor.dtype() != GgmlDType::Q4_0 {
            return Err(format!("tensor `{name}`: expected type Q4_0, found {:?}", tensor.dtype()));
        }
        let blocks = tensor.data().map_err(|error| format!("tensor `{name}`: {error}"))?;
        WordEmbeddings::new(&blocks, hidden).map_err(|detail| format!("tensor `{name}`: {detail}"))
    }
}
