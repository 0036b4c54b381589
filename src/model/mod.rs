//! The classifier: an encoder that reads the conversation, and one small head for each policy.

pub mod adapter;
pub mod catalogue;
pub mod classifier;
pub mod encoder;
pub mod folder;
pub mod huggingface;
pub mod input;
pub mod lexical;
pub mod metrics;
pub mod neighbours;
pub mod source;
pub mod train;
pub mod versions;
