//! The conversation network of reading (b): gated recurrent units (Cho et al. 2014) over the vectors of the messages, and a linear
//! output that sees both the message's own vector and the state.

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::optim::{AdamW, Optimizer, ParamsAdamW};
use mimamori::contract::Role;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use super::talks::{Talk, Vectors};

const LAYERS: usize = 2;
const EPOCHS: usize = 12;
const BATCH: usize = 32;
const RATE: f64 = 1e-3;
const WEIGHT_DECAY: f64 = 0.01;
/// Share of what the output sees that is blotted out at random in each step.
const DROPOUT: f64 = 0.2;
/// Stop after so many epochs without a better held-out loss.
const PATIENCE: usize = 3;
/// How often a conversation is read in another hand, as the shipped reader's training does.
const REWRITTEN: f64 = 0.5;

pub struct Settings {
    /// Units of each recurrent layer.
    pub units: usize,
    pub outputs: usize,
    pub seed: u64,
}

/// One recurrent layer; the gates stand side by side: reset, update, candidate.
struct Layer {
    units: usize,
    /// `[inputs, 3·units]`.
    input: Var,
    input_bias: Var,
    /// `[units, 3·units]`.
    state: Var,
    state_bias: Var,
}

pub struct Network {
    layers: Vec<Layer>,
    weight: Var,
    bias: Var,
    /// Mean and standard deviation of every value of the training vectors.
    moments: (Vec<f32>, Vec<f32>),
}

impl Layer {
    fn new(inputs: usize, units: usize, random: &mut StdRng) -> Result<Self> {
        let bound = 1.0 / (units as f32).sqrt();
        Ok(Self {
            units,
            input: uniform(random, (inputs, 3 * units), bound)?,
            input_bias: Var::zeros(3 * units, DType::F32, &Device::Cpu)?,
            state: uniform(random, (units, 3 * units), bound)?,
            state_bias: Var::zeros(3 * units, DType::F32, &Device::Cpu)?,
        })
    }

    fn variables(&self) -> [Var; 4] {
        [&self.input, &self.input_bias, &self.state, &self.state_bias].map(Var::clone)
    }

    /// From one message of every talk to the next: `[talks, inputs]` each, and `[talks, units]`.
    fn run(&self, messages: &[Tensor]) -> Result<Vec<Tensor>> {
        let talks = messages.first().map_or(Ok(0), |message| message.dim(0))?;
        let mut state = Tensor::zeros((talks, self.units), DType::F32, &Device::Cpu)?;
        let mut states = Vec::with_capacity(messages.len());
        for message in messages {
            let own = message.matmul(&self.input)?.broadcast_add(&self.input_bias)?;
            let before = state.matmul(&self.state)?.broadcast_add(&self.state_bias)?;
            let gate = |of: &Tensor, index: usize| of.narrow(1, index * self.units, self.units);
            let reset = candle_nn::ops::sigmoid(&(gate(&own, 0)? + gate(&before, 0)?)?)?;
            let update = candle_nn::ops::sigmoid(&(gate(&own, 1)? + gate(&before, 1)?)?)?;
            let candidate = (gate(&own, 2)? + (reset * gate(&before, 2)?)?)?.tanh()?;
            state = (&candidate + (update * (state - &candidate)?)?)?;
            states.push(state.clone());
        }
        Ok(states)
    }
}

impl Network {
    /// Trains on one form of every conversation an epoch, and keeps the epoch with the lowest held-out loss.
    pub fn train(
        settings: &Settings,
        vectors: &Vectors,
        train: &[Vec<Talk>],
        held_out: &[Talk],
    ) -> Result<Self> {
        let mut random = StdRng::seed_from_u64(settings.seed);
        let network = Self::new(settings, vectors, train, &mut random)?;
        let variables = network.variables();
        let parameters = ParamsAdamW { lr: RATE, weight_decay: WEIGHT_DECAY, ..ParamsAdamW::default() };
        let mut optimiser = AdamW::new(variables.clone(), parameters)?;
        let mut best: Option<(f32, Vec<Tensor>)> = None;
        let mut without_gain = 0;
        for epoch in 0..EPOCHS {
            // Half a cosine down to a tenth.
            let cosine = 0.5 * (1.0 + (std::f64::consts::PI * epoch as f64 / EPOCHS as f64).cos());
            optimiser.set_learning_rate(RATE * (0.1 + 0.9 * cosine));
            let mut read: Vec<&Talk> = train.iter().map(|forms| form(forms, &mut random)).collect();
            read.shuffle(&mut random);
            let mut losses = Vec::new();
            for batch in read.chunks(BATCH) {
                let loss = loss(&network.forward(vectors, batch, Some(&mut random))?, batch)?;
                optimiser.backward_step(&loss)?;
                losses.push(loss.to_scalar::<f32>()?);
            }
            let all: Vec<&Talk> = held_out.iter().collect();
            let held_out_loss = loss(&network.forward(vectors, &all, None)?, &all)?.to_scalar::<f32>()?;
            let mean = losses.iter().sum::<f32>() / losses.len().max(1) as f32;
            eprintln!(
                "{} units, epoch {}: loss {mean:.4}, held out {held_out_loss:.4}",
                settings.units,
                epoch + 1
            );
            if best.as_ref().is_none_or(|(lowest, _)| held_out_loss < *lowest) {
                let values = variables.iter().map(|var| var.as_tensor().copy()).collect::<Result<_>>()?;
                best = Some((held_out_loss, values));
                without_gain = 0;
            } else {
                without_gain += 1;
                if without_gain == PATIENCE {
                    break;
                }
            }
        }
        if let Some((_, values)) = best {
            for (var, value) in variables.iter().zip(&values) {
                var.set(value)?;
            }
        }
        Ok(network)
    }

    fn new(settings: &Settings, vectors: &Vectors, train: &[Vec<Talk>], random: &mut StdRng) -> Result<Self> {
        let size = vectors.size();
        let layers = (0..LAYERS)
            .map(|layer| {
                Layer::new(if layer == 0 { size + 1 } else { settings.units }, settings.units, random)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            layers,
            weight: uniform(random, (size + 1 + settings.units, settings.outputs), 0.02)?,
            bias: Var::zeros(settings.outputs, DType::F32, &Device::Cpu)?,
            moments: moments(vectors, train),
        })
    }

    fn variables(&self) -> Vec<Var> {
        let layers = self.layers.iter().flat_map(Layer::variables);
        layers.chain([self.weight.clone(), self.bias.clone()]).collect()
    }

    /// Logits of every message, talk by talk.
    pub fn logits(&self, vectors: &Vectors, talks: &[&Talk]) -> Result<Vec<Vec<f64>>> {
        let logits: Vec<Vec<f32>> = self.forward(vectors, talks, None)?.to_vec2()?;
        Ok(logits.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect())
    }

    /// `[messages of all talks, outputs]`. Shorter talks are filled up at their end, which no earlier message sees.
    fn forward(&self, vectors: &Vectors, talks: &[&Talk], noise: Option<&mut StdRng>) -> Result<Tensor> {
        let longest = talks.iter().map(|talk| talk.vectors.len()).max().unwrap_or(0);
        let width = vectors.size() + 1;
        let mut values = vec![0f32; talks.len() * longest * width];
        let mut filled: Vec<u32> = Vec::new();
        for (index, talk) in talks.iter().enumerate() {
            for (message, (vector, role)) in talk.vectors.iter().zip(&talk.roles).enumerate() {
                let row = index * longest + message;
                let place = &mut values[row * width..][..width];
                let (means, deviations) = &self.moments;
                for (i, value) in vectors.get(*vector).iter().enumerate() {
                    place[i] = (value - means[i]) / deviations[i];
                }
                place[width - 1] = if *role == Role::Buyer { 1.0 } else { -1.0 };
                filled.push(row as u32);
            }
        }
        let x = Tensor::from_vec(values, (talks.len(), longest, width), &Device::Cpu)?;
        // Message by message, each a tensor of its own: the gradient of a slice of one large tensor would be as large as that.
        let mut states: Vec<Tensor> = (0..longest)
            .map(|message| x.narrow(1, message, 1)?.squeeze(1)?.contiguous())
            .collect::<Result<_>>()?;
        for layer in &self.layers {
            states = layer.run(&states)?;
        }
        let seen = Tensor::cat(&[x, Tensor::stack(&states, 1)?], 2)?.flatten_to(1)?;
        let mut seen = seen.index_select(&Tensor::new(filled, &Device::Cpu)?, 0)?;
        if let Some(random) = noise {
            seen = (&seen * dropout_mask(&seen, random)?)?;
        }
        seen.matmul(&self.weight)?.broadcast_add(&self.bias)
    }
}

/// A conversation as it is, or in one of its other hands.
fn form<'a>(forms: &'a [Talk], random: &mut StdRng) -> &'a Talk {
    let (own, others) = forms.split_first().expect("every conversation has its own form");
    match others.choose(random) {
        Some(other) if random.random_bool(REWRITTEN) => other,
        _ => own,
    }
}

fn uniform(random: &mut StdRng, shape: (usize, usize), bound: f32) -> Result<Var> {
    let values = (0..shape.0 * shape.1).map(|_| random.random_range(-bound..bound)).collect();
    Var::from_vec(values, shape, &Device::Cpu)
}

/// Mean and standard deviation of every value over the messages of the conversations as they are.
fn moments(vectors: &Vectors, train: &[Vec<Talk>]) -> (Vec<f32>, Vec<f32>) {
    let own = || train.iter().filter_map(|forms| forms.first()).flat_map(|talk| &talk.vectors);
    let count = own().count().max(1) as f32;
    let mut means = vec![0f32; vectors.size()];
    for number in own() {
        means.iter_mut().zip(vectors.get(*number)).for_each(|(mean, value)| *mean += value / count);
    }
    let mut variances = vec![0f32; vectors.size()];
    for number in own() {
        for ((variance, mean), value) in variances.iter_mut().zip(&means).zip(vectors.get(*number)) {
            *variance += (value - mean).powi(2) / count;
        }
    }
    (means, variances.into_iter().map(|variance| variance.max(1e-12).sqrt()).collect())
}

/// Zero for what is left out, and more than one for the rest, so that the mean stays.
fn dropout_mask(like: &Tensor, random: &mut StdRng) -> Result<Tensor> {
    let kept = (1.0 / (1.0 - DROPOUT)) as f32;
    let mask: Vec<f32> =
        (0..like.elem_count()).map(|_| if random.random_bool(DROPOUT) { 0.0 } else { kept }).collect();
    Tensor::from_vec(mask, like.shape(), &Device::Cpu)
}

/// Cross entropy over yes-or-no questions, in the form that stays finite however far out a logit is.
fn loss(logits: &Tensor, talks: &[&Talk]) -> Result<Tensor> {
    let labels: Vec<f32> = talks.iter().flat_map(|talk| talk.labels.iter().flatten().copied()).collect();
    let labels = Tensor::from_vec(labels, logits.shape(), &Device::Cpu)?;
    let softplus = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    ((logits.relu()? - (logits * labels)?)? + softplus)?.mean_all()
}
