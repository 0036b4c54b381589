//! The networks, by candle-transformers, and the two layers that make a classifier of a BERT.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear};
use candle_transformers::models::bert::{self, BertModel, HiddenAct};
use candle_transformers::models::xlm_roberta::{self, XLMRobertaForSequenceClassification};

use super::config::{Activation, Architecture, Settings};

/// Token ids and types of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    pub ids: Vec<u32>,
    pub types: Vec<u32>,
}

/// A network that is ready to run. Immutable and shared between threads.
pub(super) enum Network {
    Bert { encoder: BertModel, pooler: Linear, classifier: Linear },
    Roberta(XLMRobertaForSequenceClassification),
}

impl Network {
    /// Takes the tensors that it knows by name; an error names the tensor and what was expected of it.
    pub fn new(settings: &Settings, tensors: HashMap<String, Tensor>) -> Result<Self> {
        let tensors = tensors.into_iter().map(|(name, tensor)| (of_today(&name), tensor)).collect();
        // Half precision is widened on the way.
        let weights = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        let outputs = settings.labels.len();
        Ok(match settings.architecture {
            Architecture::Bert => Self::Bert {
                encoder: BertModel::load(weights.pp("bert"), &bert_config(settings))?,
                pooler: linear(settings.hidden, settings.hidden, weights.pp("bert.pooler.dense"))?,
                classifier: linear(settings.hidden, outputs, weights.pp("classifier"))?,
            },
            Architecture::Roberta => {
                let config = roberta_config(settings);
                Self::Roberta(XLMRobertaForSequenceClassification::new(outputs, &config, weights)?)
            }
        })
    }

    /// Logits of each input, in the order of the outputs. Shorter inputs are padded with `padding` and masked.
    pub fn logits(&self, inputs: &[&Tokens], padding: u32) -> Result<Vec<Vec<f32>>> {
        let longest = inputs.iter().map(|input| input.ids.len()).max().unwrap_or(0);
        let padded = |values: &dyn Fn(&Tokens) -> Vec<u32>, fill: u32| {
            let rows = inputs.iter().flat_map(|input| {
                let mut row = values(input);
                row.resize(longest, fill);
                row
            });
            Tensor::from_vec(rows.collect::<Vec<u32>>(), (inputs.len(), longest), &Device::Cpu)
        };
        let ids = padded(&|input| input.ids.clone(), padding)?;
        let types = padded(&|input| input.types.clone(), 0)?;
        let mask = padded(&|input| vec![1; input.ids.len()], 0)?;
        let logits = match self {
            Self::Bert { encoder, pooler, classifier } => {
                let states = encoder.forward(&ids, &types, Some(&mask))?;
                let first = states.get_on_dim(1, 0)?.contiguous()?;
                classifier.forward(&pooler.forward(&first)?.tanh()?)?
            }
            Self::Roberta(network) => network.forward(&ids, &mask, &types)?,
        };
        logits.to_vec2()
    }
}

/// Older files name the parts of a layer norm as the first BERT did.
fn of_today(name: &str) -> String {
    match name.rsplit_once(".LayerNorm.") {
        Some((layer, "gamma")) => format!("{layer}.LayerNorm.weight"),
        Some((layer, "beta")) => format!("{layer}.LayerNorm.bias"),
        _ => name.to_owned(),
    }
}

fn bert_config(settings: &Settings) -> bert::Config {
    bert::Config {
        vocab_size: settings.vocabulary,
        hidden_size: settings.hidden,
        num_hidden_layers: settings.layers,
        num_attention_heads: settings.heads,
        intermediate_size: settings.intermediate,
        hidden_act: match settings.activation {
            Activation::Gelu => HiddenAct::Gelu,
            Activation::GeluTanh => HiddenAct::GeluApproximate,
            Activation::Relu => HiddenAct::Relu,
        },
        max_position_embeddings: settings.positions,
        type_vocab_size: settings.types,
        layer_norm_eps: settings.layer_norm_epsilon,
        pad_token_id: settings.padding as usize,
        // With a name it would look for its tensors under that name too, and report those as missing.
        model_type: None,
        ..bert::Config::default()
    }
}

fn roberta_config(settings: &Settings) -> xlm_roberta::Config {
    xlm_roberta::Config {
        hidden_size: settings.hidden,
        layer_norm_eps: settings.layer_norm_epsilon,
        attention_probs_dropout_prob: 0.0,
        hidden_dropout_prob: 0.0,
        num_attention_heads: settings.heads,
        position_embedding_type: "absolute".to_owned(),
        intermediate_size: settings.intermediate,
        hidden_act: match settings.activation {
            Activation::Gelu => candle_nn::Activation::Gelu,
            Activation::GeluTanh => candle_nn::Activation::GeluPytorchTanh,
            Activation::Relu => candle_nn::Activation::Relu,
        },
        num_hidden_layers: settings.layers,
        vocab_size: settings.vocabulary,
        max_position_embeddings: settings.positions,
        type_vocab_size: settings.types,
        pad_token_id: settings.padding,
    }
}
