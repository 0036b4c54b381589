//! Training the model that tells which skill an inquiry needs.

use std::collections::BTreeMap;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::augment::rewrite;
use super::fit::{Example, FitSettings, Progress, Start, Target, fit};
use super::network::NetworkSettings;
use super::{TrainError, TrainOptions};
use crate::contract::Skill;
use crate::corpus::{Corpus, LabelledInquiry};
use crate::model::adapter::Adapter;
use crate::model::encoder::weights::EncoderWeights;
use crate::model::folder::{ADAPTER, HEAD, Head, InquiryDescription, sha256_of, write_description};
use crate::model::input::Reader;
use crate::model::source::InquirySource;

/// Desks border on each other, and a few thousand inquiries are learnt by heart in a few epochs.
const SMOOTHING: f64 = 0.1;

/// Trains on the corpus' inquiries and writes `<out>/inquiries`. Temperature and floor are written by calibration afterwards;
/// until then the model abstains from everything.
pub fn train_inquiries(
    encoder: &Path,
    corpus: &Corpus,
    out: &Path,
    options: &TrainOptions,
    progress: Progress<'_>,
) -> Result<(), TrainError> {
    let weights = EncoderWeights::read(&encoder.join("model.gguf"))?;
    let reader = Reader::open(&encoder.join("tokenizer.json"))?;
    let train = examples(&reader, &corpus.train.inquiries);
    let held_out = examples(&reader, &corpus.held_out.inquiries);
    if train.is_empty() || held_out.is_empty() {
        return Err(TrainError::NoData(
            "expected inquiries in the train and the held_out part of the corpus",
        ));
    }
    let settings = FitSettings {
        network: NetworkSettings {
            first_layer: options.first_layer,
            rank: options.rank,
            outputs: Skill::ALL.len(),
            seed: options.seed,
        },
        epochs: options.epochs,
        batch: options.batch,
        peak_rate: options.peak_rate,
        weight_decay: options.weight_decay,
        patience: options.patience,
        dropout: options.dropout,
        smoothing: SMOOTHING,
        start: options.from.as_deref().map(|from| start(from, weights.shape.hidden)).transpose()?,
        checkpoint: options.checkpoint.clone(),
    };
    let sources: Vec<&LabelledInquiry> = corpus.train.inquiries.iter().collect();
    let rewritten = |index: usize, seed: u64| {
        Some(example(&reader, &rewritten(sources[index], &mut StdRng::seed_from_u64(seed))))
    };
    let network = fit(&weights, &train, &rewritten, &held_out, &settings, progress)?;

    let folder = out.join("inquiries");
    std::fs::create_dir_all(&folder).map_err(|error| TrainError::Write { path: folder.clone(), error })?;
    network.adapter()?.write(&folder.join(ADAPTER))?;
    let (weight, bias) = network.head()?;
    Head { weight, bias }.write(&folder.join(HEAD))?;
    let description = InquiryDescription {
        version: options.version.clone(),
        source: InquirySource::Head {
            encoder_sha256: sha256_of(&encoder.join("model.gguf"))?,
            tokenizer_sha256: sha256_of(&encoder.join("tokenizer.json"))?,
            adapter_sha256: sha256_of(&folder.join(ADAPTER))?,
            head_sha256: sha256_of(&folder.join(HEAD))?,
            training: options.describe(&train),
        },
        skills: Skill::ALL.to_vec(),
        temperature: 1.0,
        confidence_floor: 1.0,
        wrong_allocation_rate: 0.0,
        metrics: BTreeMap::new(),
    };
    write_description(&folder, &description)?;
    Ok(())
}

/// Adapter and head of an earlier version.
fn start(from: &Path, hidden: usize) -> Result<Start, TrainError> {
    let folder = from.join("inquiries");
    let adapter = Adapter::read(&folder.join(ADAPTER))?;
    let head = Head::read(&folder.join(HEAD), Skill::ALL.len(), hidden)?;
    Ok(Start { adapter, head })
}

/// The inquiry in another hand; a subject is sometimes left out, since many customers write none.
fn rewritten(inquiry: &LabelledInquiry, random: &mut StdRng) -> LabelledInquiry {
    let mut inquiry = inquiry.clone();
    if random.random_bool(0.4) {
        inquiry.subject = None;
    }
    if random.random_bool(0.8) {
        inquiry.text = rewrite(&inquiry.text, random);
    }
    inquiry
}

fn example(reader: &Reader, inquiry: &LabelledInquiry) -> Example {
    let class = Skill::ALL.iter().position(|skill| *skill == inquiry.skill).unwrap_or(0);
    let sequence = reader.inquiry(inquiry.subject.as_deref(), &inquiry.text);
    Example { sequence, targets: vec![Some(Target::Class(class))] }
}

fn examples(reader: &Reader, inquiries: &[LabelledInquiry]) -> Vec<Example> {
    inquiries.iter().map(|inquiry| example(reader, inquiry)).collect()
}
