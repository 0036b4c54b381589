//! The transformer encoder: packed tokens, no padding, several segments a sequence.

mod arithmetic;
mod embedding;
pub mod kernel;
mod reference;
pub mod weights;

use rayon::prelude::*;

pub use arithmetic::{AnyEncoder, Arithmetic};
pub use reference::ReferenceEncoder;

use kernel::{Activations, Before, Isa, QuantisedDense, Segment, add_layer_norm, attend, layer_norm};
use weights::{Embeddings, EncoderFile, EncoderShape, EncoderWeights, LayerNorm, LayerWeights};

/// Most tokens that one thread packs into one matrix: enough that short texts share the loading of the weights.
const PACK_TOKENS: usize = 256;
/// Rows of a matrix that pass through the dense layers together: as many as leave the activations in the second-level cache
/// beside the weights, and a whole number of the kernels' tiles.
const BLOCK: usize = 48;

/// What is read in one pass: segments (messages) of token ids, oldest first. A segment attends to itself and to those before it,
/// so one pass over a conversation reads every message as it stood when it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sequence {
    pub segments: Vec<Vec<u32>>,
}

impl Sequence {
    pub fn tokens(&self) -> usize {
        self.segments.iter().map(Vec::len).sum()
    }
}

/// For every segment of a sequence a pooled vector, `[hidden]`.
pub type Pooled = Vec<Vec<f32>>;

struct Layer {
    qkv: QuantisedDense,
    attention_output: QuantisedDense,
    attention_norm: LayerNorm,
    intermediate: QuantisedDense,
    output: QuantisedDense,
    output_norm: LayerNorm,
}

impl Layer {
    fn new(layer: &LayerWeights, isa: Isa) -> Result<Self, String> {
        Ok(Self {
            qkv: QuantisedDense::new(&[&layer.query, &layer.key, &layer.value], isa)?,
            attention_output: QuantisedDense::new(&[&layer.attention_output], isa)?,
            attention_norm: layer.attention_norm.clone(),
            intermediate: QuantisedDense::new(&[&layer.intermediate], isa)?,
            output: QuantisedDense::new(&[&layer.output], isa)?,
            output_norm: layer.output_norm.clone(),
        })
    }
}

/// An encoder that is ready to run. Immutable and shared between threads.
pub struct Encoder {
    shape: EncoderShape,
    embeddings: Embeddings,
    layers: Vec<Layer>,
    isa: Isa,
}

/// Buffers of one thread: of all rows, and of a block of them.
#[derive(Default)]
struct Room {
    qkv: Vec<f32>,
    context: Vec<f32>,
    block: Vec<f32>,
    intermediate: Vec<f32>,
    activations: Activations,
}

impl Encoder {
    /// Quantises the weights for the processor at hand.
    pub fn new(weights: &EncoderWeights) -> Result<Self, String> {
        Self::with_isa(weights, Isa::detect())
    }

    /// The same with a chosen variant of the arithmetic; tests and benches compare them.
    pub fn with_isa(weights: &EncoderWeights, isa: Isa) -> Result<Self, String> {
        let layers =
            weights.layers.par_iter().map(|layer| Layer::new(layer, isa)).collect::<Result<_, _>>()?;
        Ok(Self { shape: weights.shape, embeddings: weights.embeddings.clone(), layers, isa })
    }

    /// Straight from the file, with `change` applied to each layer (its number, its weights) before it is quantised. No more
    /// layers stand in memory in 32 bits than threads work on them.
    pub fn from_file(
        file: &EncoderFile,
        change: impl Fn(usize, &mut LayerWeights) -> Result<(), String> + Sync,
    ) -> Result<Self, String> {
        let isa = Isa::detect();
        let layers = (0..file.shape().layers)
            .into_par_iter()
            .map(|index| {
                let mut layer = file.layer(index).map_err(|error| error.to_string())?;
                change(index, &mut layer)?;
                Layer::new(&layer, isa)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { shape: file.shape(), embeddings: file.embeddings().clone(), layers, isa })
    }

    pub fn shape(&self) -> EncoderShape {
        self.shape
    }

    /// For every sequence and every segment the mean of its last hidden states, `[hidden]` each. Sequences are spread over the
    /// threads of the current rayon pool.
    ///
    /// # Panics
    /// If a sequence is longer than the encoder's positions: callers cut before (see `input`).
    pub fn pooled(&self, sequences: &[Sequence]) -> Vec<Pooled> {
        let mut results: Vec<Pooled> = vec![Vec::new(); sequences.len()];
        let packs = pack(sequences);
        let done: Vec<(Vec<usize>, Vec<Pooled>)> = packs
            .into_par_iter()
            .map_init(Room::default, |room, indices| {
                let members: Vec<&Sequence> = indices.iter().map(|index| &sequences[*index]).collect();
                let states = self.run(&members, self.layers.len(), room);
                let pooled = mean_by_segment(&members, &states, self.shape.hidden);
                (indices, pooled)
            })
            .collect();
        for (indices, pooled) in done {
            for (index, pooled) in indices.into_iter().zip(pooled) {
                results[index] = pooled;
            }
        }
        results
    }

    /// Hidden states `[tokens, hidden]` of one sequence after the first `layers` layers. Training keeps those of the frozen
    /// layers instead of computing them again in every epoch.
    pub fn states(&self, sequence: &Sequence, layers: usize) -> Vec<f32> {
        self.run(&[sequence], layers.min(self.layers.len()), &mut Room::default())
    }

    fn run(&self, sequences: &[&Sequence], layers: usize, room: &mut Room) -> Vec<f32> {
        let hidden = self.shape.hidden;
        let epsilon = self.shape.layer_norm_epsilon;
        let (mut x, segments) = self.embed(sequences);
        let tokens = x.len() / hidden;
        room.qkv.resize(tokens * 3 * hidden, 0.0);
        room.context.resize(tokens * hidden, 0.0);
        for layer in &self.layers[..layers] {
            for (x, qkv) in x.chunks(BLOCK * hidden).zip(room.qkv.chunks_mut(BLOCK * 3 * hidden)) {
                layer.qkv.apply(Before::Nothing, x, qkv, &mut room.activations);
            }
            attend(self.isa, &room.qkv, &segments, self.shape.heads, &mut room.context);
            for (x, context) in x.chunks_mut(BLOCK * hidden).zip(room.context.chunks(BLOCK * hidden)) {
                room.block.resize(x.len(), 0.0);
                room.intermediate.resize(x.len() / hidden * self.shape.intermediate, 0.0);
                let (block, intermediate) = (&mut room.block, &mut room.intermediate);
                layer.attention_output.apply(Before::Nothing, context, block, &mut room.activations);
                let norm = &layer.attention_norm;
                add_layer_norm(self.isa, x, block, &norm.weight, &norm.bias, epsilon);
                layer.intermediate.apply(Before::Nothing, x, intermediate, &mut room.activations);
                layer.output.apply(Before::Gelu, intermediate, block, &mut room.activations);
                let norm = &layer.output_norm;
                add_layer_norm(self.isa, x, block, &norm.weight, &norm.bias, epsilon);
            }
        }
        x
    }

    fn embed(&self, sequences: &[&Sequence]) -> (Vec<f32>, Vec<Segment>) {
        let hidden = self.shape.hidden;
        let tokens: usize = sequences.iter().map(|sequence| sequence.tokens()).sum();
        let mut x = vec![0f32; tokens * hidden];
        let mut segments = Vec::new();
        let mut row = 0;
        for sequence in sequences {
            assert!(
                sequence.tokens() <= self.shape.max_positions,
                "a sequence is longer than the encoder's positions"
            );
            let context = row;
            for segment in &sequence.segments {
                let start = row;
                for token in segment {
                    let target = &mut x[row * hidden..][..hidden];
                    self.embeddings.words.widen(*token, target);
                    let position = &self.embeddings.positions[(row - context) * hidden..][..hidden];
                    target.iter_mut().zip(position).for_each(|(value, position)| *value += position);
                    row += 1;
                }
                segments.push(Segment { context, start, end: row });
            }
        }
        let norm = &self.embeddings.norm;
        layer_norm(self.isa, &mut x, &norm.weight, &norm.bias, self.shape.layer_norm_epsilon);
        (x, segments)
    }
}

/// Groups sequences into packs of about [`PACK_TOKENS`] tokens, but at least one pack for each thread if there is enough to do.
/// Longest first, so that the threads finish together.
fn pack(sequences: &[Sequence]) -> Vec<Vec<usize>> {
    let total: usize = sequences.iter().map(Sequence::tokens).sum();
    let share = total.div_ceil(rayon::current_num_threads().max(1));
    let limit = share.clamp(1, PACK_TOKENS);
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(sequences[*index].tokens()));
    let mut packs: Vec<Vec<usize>> = Vec::new();
    let mut room = 0usize;
    for index in order {
        let tokens = sequences[index].tokens();
        match packs.last_mut() {
            Some(last) if tokens <= room => {
                last.push(index);
                room -= tokens;
            }
            _ => {
                packs.push(vec![index]);
                room = limit.saturating_sub(tokens);
            }
        }
    }
    packs
}

fn mean_by_segment(sequences: &[&Sequence], states: &[f32], hidden: usize) -> Vec<Pooled> {
    let mut rows = states.chunks_exact(hidden);
    sequences
        .iter()
        .map(|sequence| {
            let pool = |segment: &Vec<u32>| {
                let mut mean = vec![0f32; hidden];
                for row in rows.by_ref().take(segment.len()) {
                    mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value);
                }
                let count = segment.len().max(1) as f32;
                mean.iter_mut().for_each(|value| *value /= count);
                mean
            };
            sequence.segments.iter().map(pool).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::input::Reader;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/multilingual-e5-small-ja-en");
    const TEXTS: [&str; 4] = [
        "商品が届きました。ありがとうございます！",
        "Could you send me your number? I'd rather talk outside the app.",
        "はい",
        "サイズはXLで、肩幅48cm、着丈70cmです。素人採寸ですので多少の誤差はご容赦ください🙇",
    ];

    fn sequences() -> Vec<Sequence> {
        let reader = Reader::open(&std::path::Path::new(FOLDER).join("tokenizer.json")).unwrap();
        TEXTS.iter().map(|text| reader.inquiry(None, text)).collect()
    }

    fn weights() -> EncoderWeights {
        EncoderWeights::read(&std::path::Path::new(FOLDER).join("model.gguf")).unwrap()
    }

    pub(super) fn cosine(a: &[f32], b: &[f32]) -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    #[test]
    fn close_to_the_reference_on_every_path() {
        let (weights, sequences) = (weights(), sequences());
        let file = EncoderFile::read(&std::path::Path::new(FOLDER).join("model.gguf")).unwrap();
        let expected = ReferenceEncoder::from_file(&file, |_, _| Ok(())).unwrap().pooled(&sequences);
        for isa in Isa::available() {
            // The portable path takes its time.
            let count = if isa == Isa::PORTABLE { 2 } else { sequences.len() };
            let found = Encoder::with_isa(&weights, isa).unwrap().pooled(&sequences[..count]);
            for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let similarity = cosine(&found[0], &expected[0]);
                assert!(similarity > 0.9995, "{isa:?}, text {index}: cosine {similarity}");
            }
        }
    }

    #[test]
    fn the_paths_agree() {
        let (weights, sequences) = (weights(), sequences());
        let all: Vec<_> = Isa::available()
            .map(|isa| Encoder::with_isa(&weights, isa).unwrap().pooled(&sequences[..2]))
            .collect();
        for (found, expected) in all[1..].iter().flatten().zip(all[0].iter().cycle()) {
            // A float that differs in its last bit can fall on the other side of a half; twelve layers later the vectors of two
            // variants are about as far from one another as from the reference.
            let similarity = cosine(&found[0], &expected[0]);
            assert!(similarity > 0.9995, "cosine {similarity}");
        }
    }

    #[test]
    fn packing_changes_nothing_and_later_segments_change_no_earlier_ones() {
        let (weights, mut sequences) = (weights(), sequences());
        let encoder = Encoder::new(&weights).unwrap();
        let together = encoder.pooled(&sequences);
        let alone = encoder.pooled(&sequences[..1]);
        assert!(cosine(&together[0][0], &alone[0][0]) > 0.999_999);
        let more = sequences[1].segments[0].clone();
        sequences[0].segments.push(more);
        let longer = encoder.pooled(&sequences[..1]);
        assert!(cosine(&longer[0][0], &alone[0][0]) > 0.999_999);
        assert_eq!(longer[0].len(), 2);
    }
}
