//! Self-describing model folders: what a model predicts, from which encoder and data it came, how it is calibrated; every file is
//! checked against its hash before it is used.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::source::{InquiryFile, InquirySource, PolicyFile, PolicySource};
use crate::contract::{Policy, Skill};

/// Name of the description in every model folder.
pub const DESCRIPTION: &str = "model.toml";
/// Name of the adapter file.
pub const ADAPTER: &str = "adapter.safetensors";
/// Name of the head file.
pub const HEAD: &str = "head.safetensors";

/// A file or folder of a model that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("model file {}: {detail}", file.display())]
pub struct FolderError {
    pub file: PathBuf,
    pub detail: String,
}

impl FolderError {
    pub fn new(file: &Path, detail: impl ToString) -> Self {
        Self { file: file.to_path_buf(), detail: detail.to_string() }
    }
}

/// `model.toml` of the reader of conversations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReaderDescription {
    pub version: String,
    /// SHA-256 of the encoder's `model.gguf`.
    pub encoder_sha256: String,
    /// SHA-256 of the encoder's `tokenizer.json`.
    pub tokenizer_sha256: String,
    pub adapter_sha256: String,
    /// [`Lexicon::sha256`](super::lexical::Lexicon::sha256) of the lexicon that heads over runs of characters share; none if none
    /// has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lexicon_sha256: Option<String>,
    pub training: Training,
}

/// How a model came to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// SHA-256 of the training examples as they were read, in order.
    pub data_sha256: String,
    pub examples: usize,
    pub first_layer: usize,
    pub rank: usize,
    pub epochs: u32,
    pub batch: usize,
    pub peak_rate: f64,
    pub weight_decay: f64,
    /// Versions from before it was a setting had none.
    #[serde(default)]
    pub dropout: f64,
    pub seed: u64,
}

/// `model.toml` of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PolicyFile", into = "PolicyFile")]
pub struct PolicyDescription {
    pub policy: Policy,
    pub version: String,
    pub source: PolicySource,
    pub combination: Combination,
    pub thresholds: PolicyThresholds,
    /// Figures on the test part, by name.
    pub metrics: BTreeMap<String, f64>,
}

/// How the model's logit and the fired rules become one probability: a logistic regression fitted on held-out data, so that the
/// number is calibrated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Combination {
    pub intercept: f64,
    /// Weight of the model's logit.
    pub model: f64,
    /// Weight of a fired rule, by its severity.
    pub rules: BTreeMap<String, f64>,
    /// Precision of a fired rule alone, by its severity; one half where no held-out message decided it.
    pub rule_precision: BTreeMap<String, f64>,
    /// Calibration of the model alone: probability = σ(slope · logit + intercept).
    pub alone_slope: f64,
    pub alone_intercept: f64,
}

/// Thresholds on the final probability, chosen on held-out data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyThresholds {
    /// From here on a reviewer sees the message.
    pub report: f64,
    /// The precision that `report` was chosen for, at the held-out part's own rate of violations.
    pub report_precision: f64,
    /// From here on the message can be hidden at once.
    pub hide: f64,
    pub hide_precision: f64,
}

/// `model.toml` of the inquiry model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "InquiryFile", into = "InquiryFile")]
pub struct InquiryDescription {
    pub version: String,
    pub source: InquirySource,
    /// Order of the logits.
    pub skills: Vec<Skill>,
    /// Logits are divided by this before the softmax.
    pub temperature: f64,
    /// Below this probability of the best skill the model abstains.
    pub confidence_floor: f64,
    /// The rate of wrong first guesses above the floor that it was chosen for.
    pub wrong_allocation_rate: f64,
    pub metrics: BTreeMap<String, f64>,
}

/// Reads a description.
pub fn read_description<T: DeserializeOwned>(folder: &Path) -> Result<T, FolderError> {
    let file = folder.join(DESCRIPTION);
    let text = fs::read_to_string(&file).map_err(|error| FolderError::new(&file, error))?;
    toml::from_str(&text).map_err(|error| FolderError::new(&file, error))
}

/// Writes a description.
pub fn write_description<T: Serialize>(folder: &Path, description: &T) -> Result<(), FolderError> {
    let file = folder.join(DESCRIPTION);
    let text = toml::to_string_pretty(description).map_err(|error| FolderError::new(&file, error))?;
    fs::write(&file, text).map_err(|error| FolderError::new(&file, error))
}

/// SHA-256 of a file, in hexadecimal.
pub fn sha256_of(file: &Path) -> Result<String, FolderError> {
    let bytes = fs::read(file).map_err(|error| FolderError::new(file, error))?;
    Ok(hexadecimal(&Sha256::digest(&bytes)))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fails unless the file has the hash that a description gives for it.
pub fn verify(file: &Path, expected: &str) -> Result<(), FolderError> {
    check_sha256(file, expected, &sha256_of(file)?)
}

/// The same for a file whose hash is known already.
pub fn check_sha256(file: &Path, expected: &str, found: &str) -> Result<(), FolderError> {
    if found == expected {
        return Ok(());
    }
    Err(FolderError::new(
        file,
        format!(
            "expected SHA-256 {expected}, found {found}: the file is damaged or belongs to another version"
        ),
    ))
}

/// A linear output layer over a pooled vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// `[outputs][hidden]`.
    pub weight: Vec<Vec<f32>>,
    pub bias: Vec<f32>,
}

impl Head {
    /// Logits, one for each output.
    pub fn logits(&self, pooled: &[f32]) -> Vec<f64> {
        self.weight
            .iter()
            .zip(&self.bias)
            .map(|(row, bias)| {
                row.iter().zip(pooled).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>()
                    + f64::from(*bias)
            })
            .collect()
    }

    /// Reads a head of `outputs` outputs over `hidden` values.
    pub fn read(file: &Path, outputs: usize, hidden: usize) -> Result<Self, FolderError> {
        let fail = |detail: String| FolderError::new(file, detail);
        let tensors =
            candle_core::safetensors::load(file, &Device::Cpu).map_err(|error| fail(error.to_string()))?;
        let tensor =
            |name: &str| tensors.get(name).ok_or_else(|| fail(format!("expected a tensor `{name}`")));
        let weight: Vec<Vec<f32>> = tensor("weight")?.to_vec2().map_err(|error| fail(error.to_string()))?;
        let bias: Vec<f32> = tensor("bias")?.to_vec1().map_err(|error| fail(error.to_string()))?;
        if weight.len() != outputs || bias.len() != outputs || weight.iter().any(|row| row.len() != hidden) {
            return Err(fail(format!(
                "expected {outputs} outputs over {hidden} values, found {} and {}",
                weight.len(),
                bias.len()
            )));
        }
        Ok(Self { weight, bias })
    }

    /// Writes the head.
    pub fn write(&self, file: &Path) -> Result<(), FolderError> {
        let fail = |error: candle_core::Error| FolderError::new(file, error);
        let tensors = std::collections::HashMap::from([
            ("weight".to_owned(), Tensor::new(self.weight.clone(), &Device::Cpu).map_err(fail)?),
            ("bias".to_owned(), Tensor::new(self.bias.clone(), &Device::Cpu).map_err(fail)?),
        ]);
        candle_core::safetensors::save(&tensors, file).map_err(fail)
    }
}
