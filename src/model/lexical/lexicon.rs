//! Which runs of characters are known, and how much each tells by being rare.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;

use candle_core::{Device, Tensor};
use sha2::{Digest, Sha256};

use super::Document;
use super::grams::{Field, fingerprints};
use crate::model::folder::{FolderError, hexadecimal};

/// Name of the lexicon's file.
pub const LEXICON: &str = "lexicon.safetensors";
/// Training examples that a run of the judged text has to stand in; what is rarer is somebody's own words. Every text is trained on in
/// two hands, so this means three texts.
const FEWEST_OWN: u32 = 6;
/// The same for what was said before.
const FEWEST_BEFORE: u32 = 10;
/// Length of the vector of what was said before, where that of the judged text has length 1.
const BEFORE_LENGTH: f32 = 0.7;

/// Known runs by their fingerprint. Each has an index and a weight, its inverse document frequency
/// `ln((1 + n) / (1 + df)) + 1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lexicon {
    indices: HashMap<u64, u32, BuildHasherDefault<Fingerprint>>,
    fingerprints: Vec<u64>,
    weights: Vec<f32>,
    sha256: String,
}

/// A sparse vector: `(index of a run, value)`, by index.
pub type Features = Vec<(u32, f32)>;

impl Lexicon {
    /// The runs that stand in enough of the documents.
    pub fn learn(documents: &[Document<'_>]) -> Self {
        let count = documents.len();
        let mut frequencies: HashMap<u64, (u32, Field), BuildHasherDefault<Fingerprint>> = HashMap::default();
        for document in documents {
            for (field, texts) in fields(document) {
                let mut runs: Vec<u64> = texts.iter().flat_map(|text| fingerprints(field, text)).collect();
                runs.sort_unstable();
                runs.dedup();
                for run in runs {
                    frequencies.entry(run).or_insert((0, field)).0 += 1;
                }
            }
        }
        let mut known: Vec<(u64, u32)> = frequencies
            .into_iter()
            .filter(|(_, (frequency, field))| {
                *frequency >= if *field == Field::Own { FEWEST_OWN } else { FEWEST_BEFORE }
            })
            .map(|(run, (frequency, _))| (run, frequency))
            .collect();
        known.sort_unstable();
        let weight = |frequency: u32| ((1.0 + count as f64) / (1.0 + f64::from(frequency))).ln() as f32 + 1.0;
        Self::of(
            known.iter().map(|(run, _)| *run).collect(),
            known.iter().map(|(_, frequency)| weight(*frequency)).collect(),
        )
    }

    fn of(fingerprints: Vec<u64>, weights: Vec<f32>) -> Self {
        let indices = fingerprints.iter().zip(0..).map(|(run, index)| (*run, index)).collect();
        let mut hash = Sha256::new();
        fingerprints.iter().for_each(|run| hash.update(run.to_le_bytes()));
        weights.iter().for_each(|weight| hash.update(weight.to_le_bytes()));
        Self { indices, fingerprints, weights, sha256: hexadecimal(&hash.finalize()) }
    }

    /// Of the fingerprints and weights: heads name the lexicon by it that they belong to.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Number of known runs.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// `(1 + ln n) · weight` for a run that stands `n` times in the text, scaled to length 1 for the judged text and to
    /// [`BEFORE_LENGTH`] for what was said before. Unknown runs are left out.
    pub fn features(&self, document: &Document<'_>) -> Features {
        let mut features = Features::new();
        for (field, texts) in fields(document) {
            let runs = texts.iter().flat_map(|text| fingerprints(field, text));
            let mut known: Vec<u32> = runs.filter_map(|run| self.indices.get(&run).copied()).collect();
            known.sort_unstable();
            let start = features.len();
            for same in known.chunk_by(|a, b| a == b) {
                let value = (1.0 + (same.len() as f32).ln()) * self.weights[same[0] as usize];
                features.push((same[0], value));
            }
            let length = features[start..].iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
            let wanted = if field == Field::Own { 1.0 } else { BEFORE_LENGTH };
            features[start..].iter_mut().for_each(|(_, value)| *value *= wanted / length);
        }
        features.sort_unstable_by_key(|(index, _)| *index);
        features
    }

    /// Writes `fingerprints` (as signed numbers) and `weights`, both `[runs]`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), FolderError> {
        let fail = |error: candle_core::Error| FolderError::new(file, error);
        let signed: Vec<i64> = self.fingerprints.iter().map(|run| run.cast_signed()).collect();
        let tensors = HashMap::from([
            ("fingerprints".to_owned(), Tensor::new(signed, &Device::Cpu).map_err(fail)?),
            ("weights".to_owned(), Tensor::new(self.weights.clone(), &Device::Cpu).map_err(fail)?),
        ]);
        candle_core::safetensors::save(&tensors, file).map_err(fail)
    }

    /// # Errors
    /// When the file cannot be read, or does not hold as many weights as fingerprints, each once and in order.
    pub fn read(file: &Path) -> Result<Self, FolderError> {
        let fail = |detail: String| FolderError::new(file, detail);
        let tensors =
            candle_core::safetensors::load(file, &Device::Cpu).map_err(|error| fail(error.to_string()))?;
        let tensor =
            |name: &str| tensors.get(name).ok_or_else(|| fail(format!("expected a tensor `{name}`")));
        let signed: Vec<i64> = tensor("fingerprints")?.to_vec1().map_err(|error| fail(error.to_string()))?;
        let weights: Vec<f32> = tensor("weights")?.to_vec1().map_err(|error| fail(error.to_string()))?;
        let fingerprints: Vec<u64> = signed.into_iter().map(i64::cast_unsigned).collect();
        let ordered = fingerprints.windows(2).all(|pair| pair[0] < pair[1]);
        if fingerprints.len() != weights.len() || !ordered || weights.iter().any(|weight| !weight.is_finite())
        {
            return Err(fail(
                "expected as many finite weights as fingerprints, each once and in order".into(),
            ));
        }
        Ok(Self::of(fingerprints, weights))
    }
}

fn fields<'d, 'a>(document: &'d Document<'a>) -> [(Field, &'d [&'a str]); 2] {
    [(Field::Own, &document.own), (Field::Before, &document.before)]
}

/// A fingerprint is its own hash.
#[derive(Debug, Clone, Default)]
struct Fingerprint(u64);

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only numbers are hashed; anything else still gets a hash.
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents<'a>(texts: &[&'a str]) -> Vec<Document<'a>> {
        texts.iter().map(|text| Document { own: vec![*text], before: vec![] }).collect()
    }

    fn length(features: &Features) -> f32 {
        features.iter().map(|(_, value)| value * value).sum::<f32>().sqrt()
    }

    #[test]
    fn knows_what_stands_often_enough_and_weighs_it_by_being_rare() {
        let texts = documents(&["ab", "ab", "ab", "ab", "ab", "ab", "abc", "xyz", "xyz"]);
        let lexicon = Lexicon::learn(&texts);
        let of = |text: &str| lexicon.features(&Document { own: vec![text], before: vec![] });
        assert!(
            of("xyz").len() < of("ab").len(),
            "what stands in two examples only is not known, its edges are"
        );
        assert!((length(&of("ab")) - 1.0).abs() < 1e-5);
        assert!(of("").iter().all(|(_, value)| value.is_finite()));
        let again = Document { own: vec!["ab"], before: vec!["ab"] };
        assert_eq!(
            lexicon.features(&again),
            of("ab"),
            "what was said before counts apart, and nothing of it is known here"
        );
    }

    #[test]
    fn what_was_said_before_counts_less_than_the_message() {
        let documents: Vec<Document<'_>> =
            (0..12).map(|_| Document { own: vec!["はい"], before: vec!["LINEで"] }).collect();
        let lexicon = Lexicon::learn(&documents);
        let whole = lexicon.features(&documents[0]);
        let own = lexicon.features(&Document { own: vec!["はい"], before: vec![] });
        assert!((length(&own) - 1.0).abs() < 1e-5);
        assert!((length(&whole).powi(2) - 1.0 - BEFORE_LENGTH.powi(2)).abs() < 1e-4);
    }

    #[test]
    fn is_read_back_as_it_was_written_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(LEXICON);
        let texts = documents(&["了解です"; 7]);
        let lexicon = Lexicon::learn(&texts);
        lexicon.write(&file).unwrap();
        assert_eq!(Lexicon::read(&file).unwrap(), lexicon);
        let twice = Lexicon { fingerprints: vec![7, 7], weights: vec![1.0, 1.0], ..lexicon };
        twice.write(&file).unwrap();
        assert!(Lexicon::read(&file).unwrap_err().to_string().contains("each once"));
    }
}
