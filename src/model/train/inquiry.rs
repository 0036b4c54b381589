//! Training the model that tells which skill an inquiry needs.

use std::collections::BTreeMap;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::augment::rewrite;
use super::classes::{ClassData, class_example, fit_classes};
use super::fit::{Example, Progress, Start};
use super::{TrainError, TrainOptions};
use crate::contract::Skill;
use crate::corpus::{Corpus, LabelledInquiry};
use crate::model::adapter::Adapter;
use crate::model::encoder::weights::EncoderWeights;
use crate::model::folder::{ADAPTER, HEAD, Head, InquiryDescription, sha256_of, write_description};
use crate::model::input::Reader;
use crate::model::source::InquirySource;

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
    let sources: Vec<&LabelledInquiry> = corpus.train.inquiries.iter().collect();
    let rewritten = |index: usize, seed: u64| {
        Some(example(&reader, &in_another_hand(sources[index], &mut StdRng::seed_from_u64(seed))))
    };
    let start = options.from.as_deref().map(|from| start(from, weights.shape.hidden)).transpose()?;
    let data =
        ClassData { classes: Skill::ALL.len(), train: &train, rewritten: &rewritten, held_out: &held_out };
    let network = fit_classes(&weights, &data, start, options, progress)?;

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
            lexical: None,
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
pub fn in_another_hand(inquiry: &LabelledInquiry, random: &mut StdRng) -> LabelledInquiry {
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
    class_example(reader.inquiry(inquiry.subject.as_deref(), &inquiry.text), class)
}

fn examples(reader: &Reader, inquiries: &[LabelledInquiry]) -> Vec<Example> {
    inquiries.iter().map(|inquiry| example(reader, inquiry)).collect()
}
