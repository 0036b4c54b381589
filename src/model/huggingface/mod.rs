//! Classifiers from elsewhere: folders of a BERT, RoBERTa or XLM-RoBERTa for sequence classification, as Hugging Face's
//! `transformers` saves them (`config.json`, `model.safetensors`, and `tokenizer.json` or `vocab.txt`).

mod config;
mod files;
mod inquiry;
mod network;
mod policy;
mod reader;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::Device;
use rayon::prelude::*;

use config::Settings;
use files::Files;
use network::Network;
pub use network::Tokens;
use reader::Reader;

use super::folder::FolderError;
use super::source::Joined;
pub use inquiry::InquiryClassifier;
pub use policy::PolicyClassifier;

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";
/// Inputs that are read together: enough to fill the matrices, few enough that sorted by length there is little padding.
const BATCH: usize = 16;

/// A classifier that is ready to run. Immutable and shared between threads.
pub struct Classifier {
    settings: Settings,
    reader: Reader,
    network: Network,
    files: BTreeMap<String, String>,
}

impl Classifier {
    /// Opens a folder and tries it. With `expected`, the hashes by name from a model's description, every file is checked first,
    /// and no other file is read.
    pub fn open(folder: &Path, expected: Option<&BTreeMap<String, String>>) -> Result<Self, FolderError> {
        // The libraries that read these files trust them in places; a damaged one must not take more out than itself.
        std::panic::catch_unwind(|| Self::open_files(folder, expected)).unwrap_or_else(|_| {
            Err(FolderError::new(
                folder,
                "expected files that fit each other; reading them failed inside a library",
            ))
        })
    }

    fn open_files(folder: &Path, expected: Option<&BTreeMap<String, String>>) -> Result<Self, FolderError> {
        let mut files = Files::new(folder, expected);
        let settings = Settings::read(&files.path(CONFIG), &files.read(CONFIG)?)?;
        let reader = Reader::open(&mut files, &settings)?;
        let path = files.path(WEIGHTS);
        if !files.has(WEIGHTS) {
            let detail = "expected this file: weights in another form, or in several files, have to be saved \
                          again in one as safetensors";
            return Err(FolderError::new(&path, detail));
        }
        let tensors = candle_core::safetensors::load_buffer(&files.read(WEIGHTS)?, &Device::Cpu)
            .map_err(|error| FolderError::new(&path, error))?;
        let network =
            Network::new(&settings, tensors).map_err(|error| FolderError::new(&path, plain(&error)))?;
        let classifier = Self { settings, reader, network, files: files.into_hashes() };
        classifier.try_out().map_err(|detail| FolderError::new(&path, detail))?;
        Ok(classifier)
    }

    /// Reads the longest input there can be, in both frames, beside a short one: whatever fails then would fail at work.
    fn try_out(&self) -> Result<(), String> {
        let longest = "a b ".repeat(self.settings.limit);
        let inputs = [
            self.reader.read(Some(&longest), "c", Joined::Pair),
            self.reader.read(None, &longest, Joined::Text),
            self.reader.read(None, "c", Joined::Text),
        ];
        let inputs: Vec<&Tokens> = inputs.iter().collect();
        let logits = self.network.logits(&inputs, self.settings.padding).map_err(|error| plain(&error))?;
        match logits.iter().flatten().find(|logit| !logit.is_finite()) {
            Some(logit) => Err(format!("expected weights that give finite outputs, found {logit}")),
            None => Ok(()),
        }
    }

    /// Names of the outputs, in their order.
    pub fn labels(&self) -> &[String] {
        &self.settings.labels
    }

    /// Whether exactly one of the outputs is meant to hold (a softmax), rather than each by itself.
    pub fn is_exclusive(&self) -> bool {
        self.settings.exclusive
    }

    /// SHA-256 of every file that was read, by name.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// What the network reads for a text with what stands before it.
    pub fn read(&self, before: Option<&str>, text: &str, joined: Joined) -> Tokens {
        self.reader.read(before, text, joined)
    }

    /// Logits of each input, in the order of the labels.
    pub fn logits(&self, inputs: &[Tokens]) -> Vec<Vec<f64>> {
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(inputs[*index].ids.len()));
        let done: Vec<(&[usize], Vec<Vec<f32>>)> = order
            .par_chunks(BATCH)
            .map(|indices| {
                let batch: Vec<&Tokens> = indices.iter().map(|index| &inputs[*index]).collect();
                let logits = self.network.logits(&batch, self.settings.padding);
                // Ids, types and lengths are within bounds by construction, and the longest input was read when it was opened.
                (
                    indices,
                    logits.unwrap_or_else(|error| panic!("a classifier fails at work: {}", plain(&error))),
                )
            })
            .collect();
        let mut results = vec![Vec::new(); inputs.len()];
        for (indices, logits) in done {
            for (index, logits) in indices.iter().zip(logits) {
                results[*index] = logits.into_iter().map(f64::from).collect();
            }
        }
        results
    }
}

/// An error of the tensor library without the backtrace that it may carry.
fn plain(error: &candle_core::Error) -> String {
    match error {
        candle_core::Error::WithBacktrace { inner, .. } => plain(inner),
        other => other.to_string(),
    }
}

/// ln Σ exp(values); −∞ of nothing.
fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let highest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if highest == f64::NEG_INFINITY {
        return highest;
    }
    highest + values.map(|value| (value - highest).exp()).sum::<f64>().ln()
}
