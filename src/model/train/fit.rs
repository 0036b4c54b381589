//! The training loop: batches, epochs, early stopping on held-out examples, checkpoints.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use candle_core::{Device, Result, Tensor, Var};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::adamw::{AdamW, rate_at};
use super::network::{Network, NetworkSettings, Packed};
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
    /// Where to keep the newest state, if anywhere; a training that finds one there goes on from it.
    pub checkpoint: Option<PathBuf>,
}

/// Called after every few steps and every epoch, with one line for people.
pub type Progress<'a> = &'a mut dyn FnMut(&str);

/// An example whose frozen layers have been computed.
struct Prepared {
    states: Vec<f32>,
    segments: Vec<Segment>,
    targets: Vec<Option<Target>>,
}

/// Trains a network and leaves it with the variables of its best epoch.
pub fn fit(
    weights: &EncoderWeights,
    train: &[Example],
    held_out: &[Example],
    settings: &FitSettings,
    progress: Progress<'_>,
) -> Result<Network> {
    let network = Network::new(weights, settings.network)?;
    if let Some(Start { adapter, head }) = &settings.start {
        network.take_up(adapter, &head.weight, &head.bias)?;
    }
    let encoder = Encoder::new(weights).map_err(candle_core::Error::Msg)?;
    progress(&format!(
        "computing the frozen layers 0 to {} of {} sequences",
        settings.network.first_layer,
        train.len() + held_out.len()
    ));
    let train = prepare(&encoder, train, settings.network.first_layer);
    let held_out = prepare(&encoder, held_out, settings.network.first_layer);
    drop(encoder);

    let steps_per_epoch = train.len().div_ceil(settings.batch) as u32;
    let total = steps_per_epoch * settings.epochs;
    let mut optimiser = AdamW::new(network.variables(), settings.weight_decay)?;
    if let Some(file) = settings.checkpoint.as_ref().filter(|file| file.exists()) {
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
        for batch in batches(&train, settings.batch, settings.network.seed ^ u64::from(epoch)) {
            let rate = rate_at(optimiser.steps(), total, total / 10, settings.peak_rate);
            let loss = loss_of(&network, &batch, hidden, settings.network.outputs)?;
            optimiser.step(&loss.backward()?, rate, 1.0)?;
            losses.push(loss.to_scalar::<f32>()?);
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
        let mut held_out_losses = Vec::new();
        for batch in batches(&held_out, settings.batch, 0) {
            held_out_losses
                .push(loss_of(&network, &batch, hidden, settings.network.outputs)?.to_scalar::<f32>()?);
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

fn snapshot(network: &Network) -> Result<Vec<Tensor>> {
    network.variables().iter().map(|(_, var): &(String, Var)| var.as_tensor().copy()).collect()
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

fn prepare(encoder: &Encoder, examples: &[Example], layers: usize) -> Vec<Prepared> {
    examples
        .par_iter()
        .map(|example| {
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
            Prepared {
                states: encoder.states(&example.sequence, layers),
                segments,
                targets: example.targets.clone(),
            }
        })
        .collect()
}

/// Shuffled batches, the same for the same seed.
fn batches(examples: &[Prepared], size: usize, seed: u64) -> Vec<Vec<&Prepared>> {
    let mut order: Vec<&Prepared> = examples.iter().collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    order.chunks(size.max(1)).map(<[&Prepared]>::to_vec).collect()
}

fn loss_of(network: &Network, batch: &[&Prepared], hidden: usize, outputs: usize) -> Result<Tensor> {
    let states: Vec<f32> = batch.iter().flat_map(|example| example.states.iter().copied()).collect();
    let tokens = states.len() / hidden;
    let packed = Packed {
        states: Tensor::from_vec(states, (tokens, hidden), &Device::Cpu)?,
        sequences: Arc::new(batch.iter().map(|example| example.segments.clone()).collect()),
    };
    let logits = network.logits(&packed)?;
    let targets: Vec<&Option<Target>> = batch.iter().flat_map(|example| &example.targets).collect();
    let judged: Vec<u32> =
        (0..targets.len() as u32).filter(|index| targets[*index as usize].is_some()).collect();
    let logits = logits.index_select(&Tensor::new(judged, &Device::Cpu)?, 0)?;
    let targets: Vec<&Target> = targets.into_iter().flatten().collect();
    if targets.iter().any(|target| matches!(target, Target::Class(_))) {
        let classes: Vec<u32> = targets
            .iter()
            .map(|target| match target {
                Target::Class(class) => *class as u32,
                Target::Labels(_) => 0,
            })
            .collect();
        return candle_nn::loss::cross_entropy(&logits, &Tensor::new(classes, &Device::Cpu)?);
    }
    let labels: Vec<f32> = targets
        .iter()
        .flat_map(|target| match target {
            Target::Labels(labels) => labels.clone(),
            Target::Class(_) => vec![0.0; outputs],
        })
        .collect();
    let labels = Tensor::from_vec(labels, (targets.len(), outputs), &Device::Cpu)?;
    candle_nn::loss::binary_cross_entropy_with_logit(&logits, &labels)
}
