//! Training adapters and a head that tell which of several classes a text has: skills of inquiries, intents of public data sets.

use std::path::Path;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::augment::mistype;
use super::fit::{Example, FitSettings, Progress, Rewritten, Start, Target, fit};
use super::network::{Network, NetworkSettings};
use super::{TrainError, TrainOptions};
use crate::model::adapter::Adapter;
use crate::model::encoder::Sequence;
use crate::model::encoder::weights::EncoderWeights;
use crate::model::folder::Head;
use crate::model::input::Reader;

/// Classes border on each other, and a few thousand texts are learnt by heart in a few epochs.
const SMOOTHING: f64 = 0.1;

/// What a training of classes reads.
pub(super) struct ClassData<'a> {
    /// Number of classes.
    pub classes: usize,
    pub train: &'a [Example],
    /// The training texts in another hand.
    pub rewritten: Rewritten<'a>,
    /// Decides when to stop.
    pub held_out: &'a [Example],
}

/// Trains adapters on the upper layers, and a head with one output for each class.
pub(super) fn fit_classes(
    weights: &EncoderWeights,
    data: &ClassData<'_>,
    start: Option<Start>,
    options: &TrainOptions,
    progress: Progress<'_>,
) -> Result<Network, TrainError> {
    if data.train.is_empty() || data.held_out.is_empty() {
        return Err(TrainError::NoData("expected texts to train on and texts that are held out"));
    }
    let settings = FitSettings {
        network: NetworkSettings {
            first_layer: options.first_layer,
            rank: options.rank,
            outputs: data.classes,
            seed: options.seed,
        },
        epochs: options.epochs,
        batch: options.batch,
        peak_rate: options.peak_rate,
        weight_decay: options.weight_decay,
        patience: options.patience,
        dropout: options.dropout,
        smoothing: SMOOTHING,
        auxiliary: 0,
        start,
        checkpoint: options.checkpoint.clone(),
    };
    Ok(fit(weights, data.train, data.rewritten, data.held_out, &settings, progress)?)
}

/// A sequence of one segment with its class.
pub(super) fn class_example(sequence: Sequence, class: usize) -> Example {
    Example { sequence, targets: vec![Some(Target::Class(class))] }
}

/// Trains on English texts with their classes, counted from 0, and returns what [`crate::model::classifier::Base::vectors`] and a
/// classification need. Nothing is written: a public data set is for measuring.
pub fn train_texts(
    encoder: &Path,
    classes: usize,
    train: &[(&str, usize)],
    held_out: &[(&str, usize)],
    options: &TrainOptions,
    progress: Progress<'_>,
) -> Result<(Adapter, Head), TrainError> {
    let weights = EncoderWeights::read(&encoder.join("model.gguf"))?;
    let reader = Reader::open(&encoder.join("tokenizer.json"))?;
    let examples = |texts: &[(&str, usize)]| -> Vec<Example> {
        texts.iter().map(|(text, class)| class_example(reader.inquiry(None, text), *class)).collect()
    };
    let rewritten = |index: usize, seed: u64| {
        let (text, class) = train[index];
        let text = mistype(text, &mut StdRng::seed_from_u64(seed));
        Some(class_example(reader.inquiry(None, &text), class))
    };
    let data =
        ClassData { classes, train: &examples(train), rewritten: &rewritten, held_out: &examples(held_out) };
    let network = fit_classes(&weights, &data, None, options, progress)?;
    let (weight, bias) = network.head()?;
    Ok((network.adapter()?, Head { weight, bias }))
}
