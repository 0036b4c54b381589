//! A linear head over runs of characters, and how it is blended with the encoder's.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::lexicon::{Features, Lexicon};
use crate::model::folder::{DESCRIPTION, FolderError, verify};

/// Name of the file of a head over runs of characters.
pub const LEXICAL: &str = "lexical.safetensors";

/// The characters' part of a model: section `[lexical]` of `model.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LexicalDescription {
    /// SHA-256 of the lexicon that the head was trained on.
    pub lexicon_sha256: String,
    pub head_sha256: String,
    /// Between 0 and 1; see [`Blend`].
    pub share: f64,
}

/// A head over runs of characters at work beside one over the encoder's vectors.
#[derive(Debug)]
pub struct LexicalPart {
    head: LexicalHead,
    blend: Blend,
}

impl LexicalPart {
    /// Reads the head of `outputs` outputs that a description names, which has to belong to this lexicon.
    ///
    /// # Errors
    /// When the head is damaged, was trained on another lexicon, or its share is none.
    pub fn open(
        folder: &Path,
        description: &LexicalDescription,
        lexicon: &Lexicon,
        outputs: usize,
    ) -> Result<Self, FolderError> {
        let file = folder.join(LEXICAL);
        if description.lexicon_sha256 != lexicon.sha256() {
            let detail = format!(
                "was trained on a lexicon of SHA-256 {}, but {} is loaded; train the head again",
                description.lexicon_sha256,
                lexicon.sha256()
            );
            return Err(FolderError::new(&file, detail));
        }
        let blend = Blend::new(description.share).ok_or_else(|| {
            let detail =
                format!("[lexical] share: expected a number from 0 to 1, found {}", description.share);
            FolderError::new(&folder.join(DESCRIPTION), detail)
        })?;
        verify(&file, &description.head_sha256)?;
        Ok(Self { head: LexicalHead::read(&file, lexicon.len(), outputs)?, blend })
    }

    /// The encoder's logits and those of the characters, blended.
    pub fn blended(&self, encoder: &[f64], features: &Features) -> Vec<f64> {
        let characters = self.head.logits(features);
        encoder.iter().zip(characters).map(|(encoder, own)| self.blend.of(*encoder, own)).collect()
    }
}

/// `(1 − share) · encoder + share · characters`, of two logits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blend {
    share: f64,
}

impl Blend {
    /// None unless `share` lies between 0 and 1.
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self { share })
    }

    pub fn of(self, encoder: f64, characters: f64) -> f64 {
        (1.0 - self.share) * encoder + self.share * characters
    }
}

/// A linear output layer over the runs of a lexicon.
#[derive(Debug, Clone, PartialEq)]
pub struct LexicalHead {
    outputs: usize,
    /// `[runs][outputs]`, one run after the other: the outputs of a run lie side by side in memory.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl LexicalHead {
    /// `weight` is `[runs · outputs]`, `bias` `[outputs]`.
    pub fn new(weight: Vec<f32>, bias: Vec<f32>) -> Self {
        Self { outputs: bias.len(), weight, bias }
    }

    /// Logits, one for each output.
    pub fn logits(&self, features: &Features) -> Vec<f64> {
        let mut logits: Vec<f64> = self.bias.iter().map(|bias| f64::from(*bias)).collect();
        for (index, value) in features {
            let start = *index as usize * self.outputs;
            let row = &self.weight[start..start + self.outputs];
            logits.iter_mut().zip(row).for_each(|(logit, weight)| *logit += f64::from(weight * value));
        }
        logits
    }

    /// Writes `weight` `[runs, outputs]` with half precision and `bias` `[outputs]`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), FolderError> {
        let fail = |error: candle_core::Error| FolderError::new(file, error);
        let runs = self.weight.len() / self.outputs.max(1);
        let weight = Tensor::from_vec(self.weight.clone(), (runs, self.outputs), &Device::Cpu);
        let tensors = HashMap::from([
            ("weight".to_owned(), weight.and_then(|weight| weight.to_dtype(DType::F16)).map_err(fail)?),
            ("bias".to_owned(), Tensor::new(self.bias.clone(), &Device::Cpu).map_err(fail)?),
        ]);
        candle_core::safetensors::save(&tensors, file).map_err(fail)
    }

    /// Reads a head of `outputs` outputs over `runs` runs.
    ///
    /// # Errors
    /// When the file cannot be read, or is a head of another shape.
    pub fn read(file: &Path, runs: usize, outputs: usize) -> Result<Self, FolderError> {
        let fail = |detail: String| FolderError::new(file, detail);
        let plain = |error: candle_core::Error| fail(error.to_string());
        let tensors = candle_core::safetensors::load(file, &Device::Cpu).map_err(plain)?;
        let tensor =
            |name: &str| tensors.get(name).ok_or_else(|| fail(format!("expected a tensor `{name}`")));
        let (weight, bias) = (tensor("weight")?, tensor("bias")?);
        if weight.dims() != [runs, outputs] || bias.dims() != [outputs] {
            return Err(fail(format!(
                "expected {outputs} outputs over {runs} runs of characters, found {:?} and {:?}",
                weight.dims(),
                bias.dims()
            )));
        }
        let weight = weight.to_dtype(DType::F32).and_then(|weight| weight.flatten_all()?.to_vec1());
        Ok(Self::new(weight.map_err(plain)?, bias.to_vec1().map_err(plain)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighs_what_is_there() {
        let head = LexicalHead::new(vec![1.0, -1.0, 0.5, 0.0, 2.0, 2.0], vec![0.25, 0.0]);
        assert_eq!(head.logits(&vec![]), [0.25, 0.0]);
        assert_eq!(head.logits(&vec![(0, 1.0), (2, 0.5)]), [2.25, 0.0]);
        let blend = Blend::new(0.25).unwrap();
        assert_eq!(blend.of(4.0, -4.0), 2.0);
        assert_eq!([Blend::new(-0.1), Blend::new(1.1), Blend::new(f64::NAN)], [None, None, None]);
    }

    #[test]
    fn is_read_back_and_a_head_of_another_lexicon_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(LEXICAL);
        let head = LexicalHead::new(vec![1.0, -1.5, 0.5, 0.0, 2.0, 2.0], vec![0.25, 0.0]);
        head.write(&file).unwrap();
        assert_eq!(LexicalHead::read(&file, 3, 2).unwrap(), head);
        let error = LexicalHead::read(&file, 4, 2).unwrap_err().to_string();
        assert!(error.contains("over 4 runs") && error.contains("[3, 2]"), "{error}");
    }
}
