//! `config.json`: which network a folder holds, its dimensions and the names of its outputs.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::model::folder::FolderError;

/// The networks that can be read, by the name that `transformers` gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    Bert,
    /// XLM-RoBERTa is RoBERTa with another vocabulary.
    Roberta,
}

/// What is read of `config.json`. Defaults are those of `transformers`, which leaves them out when it saves.
#[derive(Debug, Deserialize)]
struct ConfigFile {
    #[serde(default)]
    architectures: Vec<String>,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    hidden_act: Option<String>,
    type_vocab_size: Option<usize>,
    layer_norm_eps: Option<f64>,
    pad_token_id: Option<u32>,
    position_embedding_type: Option<String>,
    #[serde(default)]
    is_decoder: bool,
    id2label: Option<BTreeMap<String, String>>,
    num_labels: Option<usize>,
    problem_type: Option<String>,
    tokenizer_class: Option<String>,
}

/// `config.json`, checked.
#[derive(Debug)]
pub(super) struct Settings {
    pub architecture: Architecture,
    pub vocabulary: usize,
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    pub intermediate: usize,
    pub activation: Activation,
    pub types: usize,
    pub layer_norm_epsilon: f64,
    pub padding: u32,
    /// Rows of the table of positions.
    pub positions: usize,
    /// Most tokens of one pass, special ones included.
    pub limit: usize,
    /// Names of the outputs, in their order.
    pub labels: Vec<String>,
    /// Whether exactly one output is meant to hold.
    pub exclusive: bool,
    pub tokenizer_class: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    Gelu,
    /// With the hyperbolic tangent in place of the error function.
    GeluTanh,
    Relu,
}

impl Settings {
    pub fn read(file: &Path, bytes: &[u8]) -> Result<Self, FolderError> {
        let fail = |detail: String| FolderError::new(file, detail);
        let config: ConfigFile = serde_json::from_slice(bytes).map_err(|error| fail(error.to_string()))?;
        let (architecture, network) = match config.architectures.first().map(String::as_str) {
            Some("BertForSequenceClassification") => (Architecture::Bert, "BERT"),
            Some("XLMRobertaForSequenceClassification") => (Architecture::Roberta, "XLM-RoBERTa"),
            Some("RobertaForSequenceClassification") => (Architecture::Roberta, "RoBERTa"),
            found => {
                return Err(fail(format!(
                    "`architectures`: expected BertForSequenceClassification, XLMRobertaForSequenceClassification or \
                     RobertaForSequenceClassification, found {}",
                    found.unwrap_or("nothing")
                )));
            }
        };
        let roberta = architecture == Architecture::Roberta;
        let activation = match config.hidden_act.as_deref().unwrap_or("gelu") {
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Activation::GeluTanh,
            "relu" => Activation::Relu,
            other => {
                let expected = "expected gelu, gelu_new, gelu_pytorch_tanh or relu";
                return Err(fail(format!("`hidden_act`: {expected}, found {other}")));
            }
        };
        let position = config.position_embedding_type.as_deref().unwrap_or("absolute");
        if position != "absolute" {
            return Err(fail(format!("`position_embedding_type`: expected absolute, found {position}")));
        }
        if config.is_decoder {
            return Err(fail(format!("expected an encoder, found a {network} with `is_decoder`")));
        }
        for (name, value) in [
            ("vocab_size", config.vocab_size),
            ("hidden_size", config.hidden_size),
            ("intermediate_size", config.intermediate_size),
        ] {
            if value == 0 {
                return Err(fail(format!("`{name}`: expected more than 0")));
            }
        }
        if config.num_attention_heads == 0 || !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            return Err(fail(format!(
                "expected `hidden_size` to be a multiple of `num_attention_heads`, found {} and {}",
                config.hidden_size, config.num_attention_heads
            )));
        }
        let padding = config.pad_token_id.unwrap_or(u32::from(roberta));
        if padding as usize >= config.vocab_size {
            let expected = format!("expected an id below `vocab_size`, {}", config.vocab_size);
            return Err(fail(format!("`pad_token_id`: {expected}, found {padding}")));
        }
        // RoBERTa counts positions from the one after that of padding.
        let reserved = if roberta { padding as usize + 1 } else { 0 };
        let limit = config.max_position_embeddings.saturating_sub(reserved);
        if limit < FEWEST_POSITIONS {
            return Err(fail(format!(
                "`max_position_embeddings`: expected room for {FEWEST_POSITIONS} tokens, found {limit}"
            )));
        }
        let labels = labels(config.id2label, config.num_labels).map_err(fail)?;
        Ok(Self {
            architecture,
            vocabulary: config.vocab_size,
            hidden: config.hidden_size,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            intermediate: config.intermediate_size,
            activation,
            types: config.type_vocab_size.unwrap_or(2),
            layer_norm_epsilon: config.layer_norm_eps.unwrap_or(1e-12),
            padding,
            positions: config.max_position_embeddings,
            limit: limit.min(MOST_TOKENS),
            exclusive: labels.len() > 1
                && config.problem_type.as_deref() != Some("multi_label_classification"),
            labels,
            tokenizer_class: config.tokenizer_class,
        })
    }
}

/// Most tokens of one input, whatever the positions would allow: attention costs their square, in memory too.
const MOST_TOKENS: usize = 512;
/// More outputs than this are a damaged file.
const MOST_LABELS: usize = 10_000;
/// With less room no message can be read.
const FEWEST_POSITIONS: usize = 8;

/// The outputs' names by their numbers; `transformers` leaves them out where there are two that nobody named.
fn labels(named: Option<BTreeMap<String, String>>, count: Option<usize>) -> Result<Vec<String>, String> {
    let Some(named) = named else {
        let count = count.unwrap_or(2);
        if !(1..=MOST_LABELS).contains(&count) {
            return Err(format!("`num_labels`: expected 1 to {MOST_LABELS}, found {count}"));
        }
        return Ok((0..count).map(|index| format!("LABEL_{index}")).collect());
    };
    let labels: Vec<String> =
        (0..named.len()).filter_map(|index| named.get(&index.to_string()).cloned()).collect();
    let mut distinct = labels.clone();
    distinct.sort();
    distinct.dedup();
    if labels.is_empty() || labels.len() != named.len() || distinct.len() != labels.len() {
        return Err(format!(
            "`id2label`: expected a name of its own for every number from 0 on, found {named:?}"
        ));
    }
    Ok(labels)
}
