//! Training on a CPU: low-rank adapters on the upper layers of the encoder, and the heads.

mod adamw;
mod augment;
mod classes;
mod conversation;
mod fit;
mod hands;
mod inquiry;
mod lbfgs;
mod lexical;
mod linear;
mod loss;
mod network;
mod ops;
mod questions;
mod shards;

use std::path::PathBuf;

pub use augment::mistype;
pub use classes::train_texts;
pub use conversation::train_conversations;
pub use fit::{Progress, Target};
pub use hands::OtherHands;
pub use inquiry::{in_another_hand, train_inquiries};
pub use lexical::{Truths, fit_lexical};
pub use linear::fit_head;

use super::adapter::AdapterError;
use super::encoder::weights::EncoderFileError;
use super::folder::FolderError;
use super::input::TokenizerError;

/// Settings of a training.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// Name of the version that comes out.
    pub version: String,
    /// First layer that is trained; those below are frozen.
    pub first_layer: usize,
    pub rank: usize,
    pub epochs: u32,
    /// Sequences that make one step together.
    pub batch: usize,
    pub peak_rate: f64,
    pub weight_decay: f64,
    /// Share of the vector before the heads that is blotted out at random in each step.
    pub dropout: f64,
    /// Stop after this many epochs without a better held-out loss.
    pub patience: u32,
    pub seed: u64,
    /// Folder of models whose newest version is the start, instead of the encoder as it is.
    pub from: Option<PathBuf>,
    /// File that keeps the newest state; a training that finds one goes on from it.
    pub checkpoint: Option<PathBuf>,
}

/// Why a training did not end with a model.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(transparent)]
    Encoder(#[from] EncoderFileError),
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("no data to train on: {0}")]
    NoData(&'static str),
    #[error("cannot write {}: {error}", path.display())]
    Write { path: PathBuf, error: std::io::Error },
    #[error("training: {0}")]
    Compute(#[from] candle_core::Error),
}
