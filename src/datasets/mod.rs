//! Public data sets in the files they are published in, for figures that can be compared with papers. None of them is part of
//! this repository; `docs/measurements.md` says where each comes from.

mod banking77;
mod clinc150;
mod dialogues;

use std::path::{Path, PathBuf};

pub use dialogues::{Dialogue, Utterance};

/// A text with its intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledText {
    pub text: String,
    pub intent: String,
}

/// Texts that each have one of many intents.
#[derive(Debug, Clone, Default)]
pub struct Intents {
    pub train: Vec<LabelledText>,
    /// Empty where the set has none; a part of `train` then serves for choices.
    pub validation: Vec<LabelledText>,
    pub test: Vec<LabelledText>,
    /// Texts that have none of the intents, for choices; the set's own parts for training and validation.
    pub out_of_scope_validation: Vec<String>,
    /// Test texts that have none of the intents.
    pub out_of_scope: Vec<String>,
}

/// What a folder holds.
#[derive(Debug, Clone)]
pub enum Dataset {
    Intents {
        name: &'static str,
        intents: Intents,
    },
    /// Talk that breaks no policy: everything that is flagged in it is a false alarm.
    Benign {
        name: &'static str,
        dialogues: Vec<Dialogue>,
    },
}

/// A data set that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("data set {}: {detail}", place.display())]
pub struct DatasetError {
    pub place: PathBuf,
    pub detail: String,
}

impl DatasetError {
    fn new(place: &Path, detail: impl ToString) -> Self {
        Self { place: place.into(), detail: detail.to_string() }
    }
}

impl Dataset {
    /// Tells the format by the files in the folder.
    pub fn read(folder: &Path) -> Result<Self, DatasetError> {
        let has = |name: &str| folder.join(name).is_file();
        if has("train.csv") && has("test.csv") {
            return Ok(Dataset::Intents { name: "Banking77", intents: banking77::read(folder)? });
        }
        if has("data_full.json") {
            let intents = clinc150::read(&folder.join("data_full.json"))?;
            return Ok(Dataset::Intents { name: "CLINC150", intents });
        }
        if has("dialogues.jsonl") {
            let dialogues = dialogues::read(&folder.join("dialogues.jsonl"))?;
            return Ok(Dataset::Benign { name: "benign dialogues", dialogues });
        }
        Err(DatasetError::new(
            folder,
            "expected train.csv and test.csv (Banking77), data_full.json (CLINC150) or dialogues.jsonl (benign talk)",
        ))
    }
}
