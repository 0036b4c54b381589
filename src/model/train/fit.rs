//! The training loop: batches, epochs, early stopping on held-out examples, checkpoints.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use candle_core::{Device, Result, Tensor, Var};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

use super::adamw::{AdamW, rate_at};
use super::linear::fit_head_for;
use super::loss::{Weighing, loss};
use super::network::{Network, NetworkSettings, Packed};
use super::shards::{Shards, Work};
use crate::model::adapter::Adapter;
use crate::model::encoder::kernel::Segment;
use crate::model::encoder::weights::EncoderWeights;
use crate::model::encoder::{Encoder, Sequence};
use crate::model::folder::Head;

/// What a segment is: one truth value for each policy, or one class.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// 0 or 1 for each output; each is a yes-or-no question of its own.
    Labels(Vec<f32>),
    /// One of the outputs.
    Class(usize),
}

/// A sequence with the target of each of its segments.
#[derive(Debug, Clone)]
pub struct Example {
    pub sequence: Sequence,
    /// `None` for a segment that is only context.
    pub targets: Vec<Option<Target>>,
}

/// An earlier version to go on from.
#[derive(Debug, Clone)]
pub struct Start {
    pub adapter: Adapter,
    pub head: Head,
}

/// How to train.
#[derive(Debug, Clone)]
pub struct FitSettings {
    pub network: NetworkSettings,
    pub epochs: u32,
    /// Sequences that make one step together.
    pub batch: usize,
    pub peak_rate: f64,
    pub weight_decay: f64,
    /// Stop after this many epochs without a better held-out loss.
    pub patience: u32,
    /// What to start from, instead of the encoder as it is.
    pub start: Option<Start>,
    /// Share of the mean of a segment that is blotted out at random in each step (Srivastava et al. 2014).
    pub dropout: f64,
    /// Share of the truth that is spread over all classes (Szegedy et al. 2016); for classes only.
    pub smoothing: f64,
    /// How many of the outputs, the last ones, are asked for the training's sake only; for labels only.
    pub auxiliary: usize,
    /// Where to keep the newest state, if anywhere; a training that finds one there goes on from it.
    pub checkpoint: Option<PathBuf>,
}

/// Another form of the training example at an index, for a seed; `None` where there is none, and the example itself is read.
pub type Rewritten<'a> = &'a (dyn Fn(usize, u64) -> Option<Example> + Sync);

/// Penalty on the weights of the head that a training begins with; as many examples settle most of its directions.
const FIRST_PENALTY: f64 = 1.0;

/// What the mean over the auxiliary outputs counts beside that over the others: enough to be heard, too little to lead.
const AUXILIARY_WEIGHT: f64 = 0.5;

/// Called after every few steps and every epoch, with one line for people.
pub type Progress<'a> = &'a mut dyn FnMut(&str);

/// An example whose frozen layers have been computed.
struct Prepared {
    states: Vec<f32>,
    segments: Vec<Segment>,
    targets: Vec<Option<Target>>,
}

impl Work for Prepared {
    fn size(&self) -> usize {
        self.states.len()
    }

    fn targets(&self) -> usize {
        self.targets.iter().flatten().count()
    }
}

/// Trains a network and leaves it with the variables of its best epoch. In every epoch some examples are read in another form.
pub fn fit(
    weights: &EncoderWeights,
    train: &[Example],
    rewritten: Rewritten<'_>,
    held_out: &[Example],
    settings: &FitSettings,
    progress: Progress<'_>,
) -> Result<Network> {
    let network = Network::new(weights, settings.network)?;
    let encoder = Encoder::new(weights).map_err(candle_core::Error::Msg)?;
    let checkpoint = settings.checkpoint.as_ref().filter(|file| file.exists());
    match &settings.start {
        // It holds everything that is trained.
        _ if checkpoint.is_some() => {}
        Some(start) => {
            let head = with_auxiliary(weights, train, start, settings)?;
            network.take_up(&start.adapter, &head)?;
        }
        None => {
            progress(&format!("fitting a head to {} sequences as the encoder reads them", train.len()));
            network.take_up(&Adapter::default(), &first_head(&encoder, train, settings)?)?;
        }
    }
    progress(&format!(
        "computing the frozen layers 0 to {} of {} sequences",
        settings.network.first_layer,
        train.len() + held_out.len()
    ));
    let train = prepare(&encoder, train, settings.network.first_layer);
    let held_out = prepare(&encoder, held_out, settings.network.first_layer);

    let steps_per_epoch = train.len().div_ceil(settings.batch) as u32;
    let total = steps_per_epoch * settings.epochs;
    let variables = network.variables();
    let shards = Shards::new()?;
    let mut optimiser = AdamW::new(variables.clone(), settings.weight_decay)?;
    if let Some(file) = checkpoint {
        optimiser.load(file)?;
        progress(&format!("resumed at step {} of {total} from {}", optimiser.steps(), file.display()));
    }

    let hidden = weights.shape.hidden;
    let started = Instant::now();
    let steps_before = optimiser.steps();
    let mut best: Option<(f32, Vec<Tensor>)> = None;
    let mut without_gain = 0;
    for epoch in optimiser.steps() / steps_per_epoch.max(1)..settings.epochs {
        let mut losses = Vec::new();
        let seed = settings.network.seed ^ u64::from(epoch);
        let other_forms = prepare_rewritten(&encoder, rewritten, train.len(), seed, settings);
        let read: Vec<&Prepared> =
            train.iter().zip(&other_forms).map(|(own, other)| other.as_ref().unwrap_or(own)).collect();
        for batch in batches(read, settings.batch, seed) {
            let rate = rate_at(optimiser.steps(), total, total / 10, settings.peak_rate);
            let noise = Noise {
                dropout: settings.dropout,
                weighing: Weighing {
                    smoothing: settings.smoothing,
                    auxiliary: settings.auxiliary,
                    auxiliary_weight: AUXILIARY_WEIGHT,
                },
                seed: seed ^ (u64::from(optimiser.steps()) << 20),
            };
            let (loss, gradient) = shards.gradient(&batch, &variables, |share, index| {
                loss_of(&network, share, hidden, Noise { seed: noise.seed ^ index, ..noise })
            })?;
            optimiser.step(&gradient, rate, 1.0)?;
            losses.push(loss);
            if optimiser.steps() % 20 == 0 {
                let done = optimiser.steps() - steps_before;
                let left =
                    started.elapsed().as_secs_f64() / f64::from(done) * f64::from(total - optimiser.steps());
                progress(&format!(
                    "step {}/{total} loss {:.4}, {:.0} min left",
                    optimiser.steps(),
                    mean(&losses),
                    left / 60.0
                ));
            }
        }
        // Without noise, and of the policies alone: what early stopping and people look at.
        let weighing = Weighing { auxiliary: settings.auxiliary, ..Weighing::default() };
        let quiet = Noise { dropout: 0.0, weighing, seed: 0 };
        let mut held_out_losses = Vec::new();
        for batch in batches(held_out.iter().collect(), settings.batch, 0) {
            held_out_losses.push(loss_of(&network, &batch, hidden, quiet)?.to_scalar::<f32>()?);
        }
        let held_out_loss = mean(&held_out_losses);
        progress(&format!("epoch {}: loss {:.4}, held out {held_out_loss:.4}", epoch + 1, mean(&losses)));
        if let Some(file) = &settings.checkpoint {
            optimiser.save(file)?;
        }
        if best.as_ref().is_none_or(|(lowest, _)| held_out_loss < *lowest) {
            best = Some((held_out_loss, snapshot(&network)?));
            without_gain = 0;
        } else {
            without_gain += 1;
            if without_gain >= settings.patience {
                progress(&format!("no gain for {without_gain} epochs: stopping"));
                break;
            }
        }
    }
    if let Some((_, variables)) = best {
        for ((_, var), value) in network.variables().iter().zip(variables) {
            var.set(&value)?;
        }
    }
    Ok(network)
}

/// The head to begin with: fitted to the encoder as it is. With a head that knows nothing the adapters would first learn what
/// confuses it (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features").
fn first_head(encoder: &Encoder, examples: &[Example], settings: &FitSettings) -> Result<Head> {
    let sequences: Vec<Sequence> = examples.iter().map(|example| example.sequence.clone()).collect();
    let segments = encoder.pooled(&sequences).into_iter().flatten();
    let targets = examples.iter().flat_map(|example| &example.targets);
    let judged = segments.zip(targets).filter_map(|(vector, target)| Some((vector, target.clone()?)));
    let (vectors, targets): (Vec<Vec<f32>>, Vec<Target>) = judged.unzip();
    fit_head_for(&vectors, &targets, settings.network.outputs, FIRST_PENALTY, settings.dropout)
}

/// The head of an earlier version, which has no auxiliary outputs, with such ones fitted to the encoder with that version's adapters.
fn with_auxiliary(
    weights: &EncoderWeights,
    train: &[Example],
    start: &Start,
    settings: &FitSettings,
) -> Result<Head> {
    let mut head = start.head.clone();
    if head.bias.len() == settings.network.outputs {
        return Ok(head);
    }
    let mut adapted = weights.clone();
    for (index, layer) in adapted.layers.iter_mut().enumerate() {
        start.adapter.merge(index, layer).map_err(candle_core::Error::Msg)?;
    }
    let encoder = Encoder::new(&adapted).map_err(candle_core::Error::Msg)?;
    let fitted = first_head(&encoder, train, settings)?;
    let own = head.bias.len();
    head.weight.extend(fitted.weight.into_iter().skip(own));
    head.bias.extend(fitted.bias.into_iter().skip(own));
    Ok(head)
}

fn snapshot(network: &Network) -> Result<Vec<Tensor>> {
    network.variables().iter().map(|(_, var): &(String, Var)| var.as_tensor().copy()).collect()
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

fn prepare(encoder: &Encoder, examples: &[Example], layers: usize) -> Vec<Prepared> {
    examples.par_iter().map(|example| prepare_one(encoder, example, layers)).collect()
}

/// Half of the examples in another form, a different half in every epoch.
fn prepare_rewritten(
    encoder: &Encoder,
    rewritten: Rewritten<'_>,
    count: usize,
    seed: u64,
    settings: &FitSettings,
) -> Vec<Option<Prepared>> {
    (0..count)
        .into_par_iter()
        .map(|index| {
            let seed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(index as u64);
            let chosen = StdRng::seed_from_u64(seed).random_bool(0.5);
            let example = chosen.then(|| rewritten(index, seed)).flatten()?;
            Some(prepare_one(encoder, &example, settings.network.first_layer))
        })
        .collect()
}

fn prepare_one(encoder: &Encoder, example: &Example, layers: usize) -> Prepared {
    let mut start = 0;
    let segments = example
        .sequence
        .segments
        .iter()
        .map(|segment| {
            let segment = Segment { context: 0, start, end: start + segment.len() };
            start = segment.end;
            segment
        })
        .collect();
    Prepared { states: encoder.states(&example.sequence, layers), segments, targets: example.targets.clone() }
}

/// Shuffled batches, the same for the same seed.
fn batches(mut order: Vec<&Prepared>, size: usize, seed: u64) -> Vec<Vec<&Prepared>> {
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    order.chunks(size.max(1)).map(<[&Prepared]>::to_vec).collect()
}

/// What makes a training step harder than a reading, so that the network does not learn its examples by heart.
#[derive(Debug, Clone, Copy)]
struct Noise {
    dropout: f64,
    weighing: Weighing,
    seed: u64,
}

fn loss_of(network: &Network, batch: &[&Prepared], hidden: usize, noise: Noise) -> Result<Tensor> {
    let states: Vec<f32> = batch.iter().flat_map(|example| example.states.iter().copied()).collect();
    let tokens = states.len() / hidden;
    let packed = Packed {
        states: Tensor::from_vec(states, (tokens, hidden), &Device::Cpu)?,
        sequences: Arc::new(batch.iter().map(|example| example.segments.clone()).collect()),
    };
    let mut pooled = network.pooled(&packed)?;
    if noise.dropout > 0.0 {
        pooled = (&pooled * dropout_mask(&pooled, noise)?)?;
    }
    let logits = network.logits(&pooled)?;
    let targets: Vec<&Option<Target>> = batch.iter().flat_map(|example| &example.targets).collect();
    let judged: Vec<u32> =
        (0..targets.len() as u32).filter(|index| targets[*index as usize].is_some()).collect();
    let logits = logits.index_select(&Tensor::new(judged, &Device::Cpu)?, 0)?;
    loss(&logits, &targets.into_iter().flatten().collect::<Vec<_>>(), noise.weighing)
}

/// Zero for what is left out, and more than one for the rest, so that the mean stays.
fn dropout_mask(like: &Tensor, noise: Noise) -> Result<Tensor> {
    let mut random = StdRng::seed_from_u64(noise.seed);
    let kept = (1.0 / (1.0 - noise.dropout)) as f32;
    let mask: Vec<f32> =
        (0..like.elem_count()).map(|_| if random.random_bool(noise.dropout) { 0.0 } else { kept }).collect();
    Tensor::from_vec(mask, like.shape(), &Device::Cpu)
}
