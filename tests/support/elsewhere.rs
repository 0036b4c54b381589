//! Classifiers from elsewhere, built where a test needs them: the folders in `fixtures/huggingface` with weights from a formula.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde_json::Value;

/// What `transformers` wrote and said; see `fixtures/huggingface/make.py`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/huggingface").join(name)
}

/// A folder with everything that a fixture stands for, weights included.
pub fn build(name: &str, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in ["config.json", "tokenizer.json", "vocab.txt", "tokenizer_config.json"] {
        if fixture(name).join(file).is_file() {
            std::fs::copy(fixture(name).join(file), to.join(file)).unwrap();
        }
    }
    write_weights(to, weight);
}

/// Writes `model.safetensors` for the `config.json` of a folder; `value` gives every number, from the tensor's name, its shape and
/// the place in it.
pub fn write_weights(folder: &Path, value: impl Fn(&str, &[usize], usize) -> f32) {
    let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let tensors: HashMap<String, Tensor> = shapes(&serde_json::from_str(&config).unwrap())
        .into_iter()
        .map(|(name, shape)| {
            let values: Vec<f32> =
                (0..shape.iter().product()).map(|index| value(&name, &shape, index)).collect();
            let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
            (name, tensor)
        })
        .collect();
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
}

/// Every tensor of a sequence classification network, as PyTorch names them.
fn shapes(config: &Value) -> BTreeMap<String, Vec<usize>> {
    let number = |key: &str| config[key].as_u64().unwrap() as usize;
    let (hidden, inner) = (number("hidden_size"), number("intermediate_size"));
    let outputs = config["id2label"].as_object().unwrap().len();
    let roberta = config["model_type"] != "bert";
    let base = if roberta { "roberta" } else { "bert" };
    let mut all = BTreeMap::new();
    let mut dense = |name: String, outputs: usize, inputs: usize| {
        all.insert(format!("{name}.weight"), vec![outputs, inputs]);
        all.insert(format!("{name}.bias"), vec![outputs]);
    };
    for layer in 0..number("num_hidden_layers") {
        let layer = format!("{base}.encoder.layer.{layer}");
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            dense(format!("{layer}.attention.{part}"), hidden, hidden);
        }
        dense(format!("{layer}.intermediate.dense"), inner, hidden);
        dense(format!("{layer}.output.dense"), hidden, inner);
    }
    if roberta {
        dense("classifier.dense".into(), hidden, hidden);
        dense("classifier.out_proj".into(), outputs, hidden);
    } else {
        dense("bert.pooler.dense".into(), hidden, hidden);
        dense("classifier".into(), outputs, hidden);
    }
    let mut norms = vec![format!("{base}.embeddings")];
    for layer in 0..number("num_hidden_layers") {
        norms.push(format!("{base}.encoder.layer.{layer}.attention.output"));
        norms.push(format!("{base}.encoder.layer.{layer}.output"));
    }
    for norm in norms {
        all.insert(format!("{norm}.LayerNorm.weight"), vec![hidden]);
        all.insert(format!("{norm}.LayerNorm.bias"), vec![hidden]);
    }
    for (table, rows) in
        [("word", "vocab_size"), ("position", "max_position_embeddings"), ("token_type", "type_vocab_size")]
    {
        all.insert(format!("{base}.embeddings.{table}_embeddings.weight"), vec![number(rows), hidden]);
    }
    all
}

/// `weight` of `fixtures/huggingface/make.py`: FNV-1a over the name, SplitMix64 over the place, 24 bits in [-1, 1), scaled.
pub fn weight(name: &str, _: &[usize], index: usize) -> f32 {
    let mut state = name
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3));
    state = state.wrapping_add((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^= state >> 31;
    let unit = ((state >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32;
    if name.ends_with("LayerNorm.weight") {
        1.0 + 0.25 * unit
    } else if name.ends_with("bias") {
        0.25 * unit
    } else {
        0.5 * unit
    }
}

/// A Japanese BERT that was never trained but knows something: its first output (`outputs[0]`) rises with the share of these words
/// among the tokens. One layer looks at all tokens alike; all other outputs stay at zero.
#[allow(dead_code, reason = "not every test that includes this file needs it")]
pub fn build_word_spotter(words: &[&str], outputs: &[&str], to: &Path) {
    build("bert-japanese", to);
    let file = to.join("config.json");
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    for (key, value) in
        [("hidden_size", 4), ("intermediate_size", 4), ("num_hidden_layers", 1), ("num_attention_heads", 1)]
    {
        config[key] = value.into();
    }
    config["max_position_embeddings"] = 96.into();
    config["id2label"] =
        outputs.iter().enumerate().map(|(index, name)| (index.to_string(), Value::from(*name))).collect();
    std::fs::write(&file, config.to_string()).unwrap();
    let vocabulary = std::fs::read_to_string(to.join("vocab.txt")).unwrap();
    let marked: Vec<bool> = vocabulary.lines().map(|line| words.contains(&line)).collect();
    assert_eq!(marked.iter().filter(|marked| **marked).count(), words.len(), "words of the vocabulary");
    write_weights(to, |name, shape, index| {
        let (row, column) = (index / shape[shape.len() - 1], index % shape[shape.len() - 1]);
        let identity = if row == column { 1.0 } else { 0.0 };
        match name {
            "bert.embeddings.word_embeddings.weight" => match (marked[row], column) {
                (true, 0) | (false, 2) => 1.0,
                (true, 1) | (false, 3) => -1.0,
                _ => 0.0,
            },
            _ if name.ends_with("LayerNorm.weight") => 1.0,
            _ if name.ends_with("self.value.weight") || name.ends_with("attention.output.dense.weight") => {
                identity
            }
            "bert.pooler.dense.weight" => identity,
            "classifier.weight" if index == 0 => 8.0,
            _ => 0.0,
        }
    });
}
