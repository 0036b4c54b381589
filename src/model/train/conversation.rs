//! Training the reader of conversations and the heads of all policies together.

use std::collections::BTreeMap;
use std::path::Path;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};

use super::fit::{Example, FitSettings, Progress, Start, Target, fit};
use super::hands::OtherHands;
use super::network::NetworkSettings;
use super::questions::Questions;
use super::{TrainError, TrainOptions};
use crate::contract::Policy;
use crate::corpus::{Conversation, Corpus};
use crate::model::adapter::Adapter;
use crate::model::encoder::weights::EncoderWeights;
use crate::model::folder::{
    ADAPTER, Combination, HEAD, Head, PolicyDescription, PolicyThresholds, ReaderDescription, Training,
    hexadecimal, sha256_of, write_description,
};
use crate::model::input::{Reader, Turn};
use crate::model::source::PolicySource;

/// Trains on the corpus' training part with early stopping on its held-out part, and writes the folders
/// `<out>/conversation` and `<out>/policies/<policy>`. Calibration and thresholds are written by [`crate::model::calibrate`]
/// afterwards; until then a head reports nothing.
pub fn train_conversations(
    encoder: &Path,
    corpus: &Corpus,
    policies: &[Policy],
    out: &Path,
    options: &TrainOptions,
    progress: Progress<'_>,
) -> Result<(), TrainError> {
    let weights = EncoderWeights::read(&encoder.join("model.gguf"))?;
    let reader = Reader::open(&encoder.join("tokenizer.json"))?;
    let questions = Questions::of(policies, &corpus.train.conversations);
    let (train, sources) = examples(&reader, &corpus.train.conversations, &questions);
    let (held_out, _) = examples(&reader, &corpus.held_out.conversations, &questions);
    if train.is_empty() || held_out.is_empty() {
        return Err(TrainError::NoData(
            "expected conversations in the train and the held_out part of the corpus",
        ));
    }
    let settings = FitSettings {
        network: NetworkSettings {
            first_layer: options.first_layer,
            rank: options.rank,
            outputs: questions.outputs(),
            seed: options.seed,
        },
        epochs: options.epochs,
        batch: options.batch,
        peak_rate: options.peak_rate,
        weight_decay: options.weight_decay,
        patience: options.patience,
        dropout: options.dropout,
        smoothing: 0.0,
        auxiliary: questions.auxiliary(),
        start: options.from.as_deref().map(|from| start(from, policies, weights.shape.hidden)).transpose()?,
        checkpoint: options.checkpoint.clone(),
    };
    let hands = OtherHands::new(&corpus.train.conversations);
    let rewritten = |index: usize, seed: u64| {
        let Origin { conversation, passes_after } = sources[index];
        let conversation = hands.rewrite(conversation, &mut StdRng::seed_from_u64(seed));
        // Counted from the end, because what is put before a conversation adds passes at its beginning.
        examples(&reader, std::slice::from_ref(&conversation), &questions)
            .0
            .into_iter()
            .rev()
            .nth(passes_after)
    };
    let network = fit(&weights, &train, &rewritten, &held_out, &settings, progress)?;

    let folder = out.join("conversation");
    std::fs::create_dir_all(&folder).map_err(|error| TrainError::Write { path: folder.clone(), error })?;
    network.adapter()?.write(&folder.join(ADAPTER))?;
    let description = ReaderDescription {
        version: options.version.clone(),
        encoder_sha256: sha256_of(&encoder.join("model.gguf"))?,
        tokenizer_sha256: sha256_of(&encoder.join("tokenizer.json"))?,
        adapter_sha256: sha256_of(&folder.join(ADAPTER))?,
        lexicon_sha256: None,
        training: options.describe(&train),
    };
    write_description(&folder, &description)?;

    let (weight, bias) = network.head()?;
    for ((policy, weight), bias) in policies.iter().zip(weight).zip(bias) {
        let folder = out.join("policies").join(policy.as_str());
        std::fs::create_dir_all(&folder)
            .map_err(|error| TrainError::Write { path: folder.clone(), error })?;
        Head { weight: vec![weight], bias: vec![bias] }.write(&folder.join(HEAD))?;
        let description = PolicyDescription {
            policy: policy.clone(),
            version: options.version.clone(),
            source: PolicySource::Head {
                reader: options.version.clone(),
                head_sha256: sha256_of(&folder.join(HEAD))?,
                lexical: None,
            },
            combination: Combination {
                intercept: 0.0,
                model: 1.0,
                rules: BTreeMap::new(),
                rule_precision: BTreeMap::new(),
                alone_slope: 1.0,
                alone_intercept: 0.0,
            },
            thresholds: PolicyThresholds {
                report: 1.0,
                report_precision: 1.0,
                hide: 1.0,
                hide_precision: 1.0,
            },
            metrics: BTreeMap::new(),
        };
        write_description(&folder, &description)?;
    }
    Ok(())
}

/// Adapters and heads of an earlier version.
fn start(from: &Path, policies: &[Policy], hidden: usize) -> Result<Start, TrainError> {
    let adapter = Adapter::read(&from.join("conversation").join(ADAPTER))?;
    let (mut weight, mut bias) = (Vec::new(), Vec::new());
    for policy in policies {
        let head = Head::read(&from.join("policies").join(policy.as_str()).join(HEAD), 1, hidden)?;
        weight.extend(head.weight);
        bias.extend(head.bias);
    }
    Ok(Start { adapter, head: Head { weight, bias } })
}

/// Where an example comes from.
#[derive(Clone, Copy)]
struct Origin<'a> {
    conversation: &'a Conversation,
    /// Passes over the same conversation that come after this one.
    passes_after: usize,
}

/// One example for each pass over a conversation, with its origin; a message is a target in exactly one pass.
fn examples<'a>(
    reader: &Reader,
    conversations: &'a [Conversation],
    questions: &Questions,
) -> (Vec<Example>, Vec<Origin<'a>>) {
    let mut all = Vec::new();
    let mut sources = Vec::new();
    for conversation in conversations {
        let turns: Vec<Turn<'_>> = conversation
            .messages
            .iter()
            .map(|message| Turn { role: message.from, text: &message.text })
            .collect();
        let passes = reader.conversation(&turns, 0..turns.len());
        let count = passes.len();
        for (index, pass) in passes.into_iter().enumerate() {
            let mut targets = vec![None; pass.sequence.segments.len()];
            let known = |message: &usize| !conversation.messages[*message].is_context();
            for (message, segment) in pass.judged.iter().filter(|(message, _)| known(message)) {
                targets[*segment] = Some(Target::Labels(questions.answers(conversation, *message)));
            }
            all.push(Example { sequence: pass.sequence, targets });
            sources.push(Origin { conversation, passes_after: count - 1 - index });
        }
    }
    (all, sources)
}

/// Hash of token ids and targets: two trainings with the same hash saw the same data.
pub(super) fn hash_of(examples: &[Example]) -> String {
    let mut hash = Sha256::new();
    for example in examples {
        for segment in &example.sequence.segments {
            for token in segment {
                hash.update(token.to_le_bytes());
            }
            hash.update([0xff]);
        }
        hash.update(format!("{:?}", example.targets));
    }
    hexadecimal(&hash.finalize())
}

impl TrainOptions {
    pub(super) fn describe(&self, train: &[Example]) -> Training {
        Training {
            data_sha256: hash_of(train),
            examples: train.len(),
            first_layer: self.first_layer,
            rank: self.rank,
            epochs: self.epochs,
            batch: self.batch,
            peak_rate: self.peak_rate,
            weight_decay: self.weight_decay,
            dropout: self.dropout,
            seed: self.seed,
        }
    }
}
