//! The two models at work: policies for messages, skills for inquiries.

mod conversation;
mod inquiry;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use conversation::{ConversationModel, PolicyHead};
pub use inquiry::{InquiryModel, Reading, distribution};

use super::adapter::{Adapter, AdapterError};
use super::encoder::weights::{EncoderFile, EncoderFileError};
use super::encoder::{AnyEncoder, Arithmetic, Sequence};
use super::folder::{ADAPTER, FolderError, check_sha256, hexadecimal, sha256_of, verify};
use super::input::{Reader, TokenizerError};
use super::lexical::{LEXICON, Lexicon};

/// A model that cannot be used. Names the file and what was expected.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(transparent)]
    Encoder(#[from] EncoderFileError),
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("model folder {}: {detail}", folder.display())]
    Mismatch { folder: PathBuf, detail: String },
    #[error("threads of the model: {0}")]
    Threads(String),
}

impl ModelError {
    fn mismatch(folder: &Path, detail: impl Into<String>) -> Self {
        ModelError::Mismatch { folder: folder.into(), detail: detail.into() }
    }
}

/// The encoder's folder, read once and shared by both models.
pub struct Base {
    folder: PathBuf,
    file: EncoderFile,
    reader: Arc<Reader>,
    sha256: (String, String),
    arithmetic: Arithmetic,
}

impl Base {
    /// Reads the encoder's file and the tokenizer, side by side, since both take a noticeable part of the start.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let tokenizer = folder.join("tokenizer.json");
        let (reader, file) = rayon::join(
            || Reader::open(&tokenizer),
            || -> Result<_, ModelError> {
                let file = EncoderFile::read(&folder.join("model.gguf"))?;
                let sha256 = (hexadecimal(&Sha256::digest(file.bytes())), sha256_of(&tokenizer)?);
                Ok((file, sha256))
            },
        );
        let (file, sha256) = file?;
        let (folder, arithmetic) = (folder.into(), Arithmetic::default());
        Ok(Self { folder, file, reader: Arc::new(reader?), sha256, arithmetic })
    }

    /// The same for models that compute in another arithmetic.
    pub fn in_arithmetic(self, arithmetic: Arithmetic) -> Self {
        Self { arithmetic, ..self }
    }

    pub fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    /// The encoder with an adapter merged in, after checking that the adapter was trained for this very encoder.
    fn adapted(
        &self,
        folder: &Path,
        adapter_sha256: &str,
        encoder: &str,
        tokenizer: &str,
    ) -> Result<AnyEncoder, ModelError> {
        for (file, expected, found) in
            [("model.gguf", encoder, &self.sha256.0), ("tokenizer.json", tokenizer, &self.sha256.1)]
        {
            if expected != found {
                let detail = format!(
                    "was trained with a {file} of SHA-256 {expected}, but {} holds {found}",
                    self.folder.join(file).display()
                );
                return Err(ModelError::mismatch(folder, detail));
            }
        }
        let file = folder.join(ADAPTER);
        verify(&file, adapter_sha256)?;
        let adapter = Adapter::read(&file)?;
        adapter
            .fits(self.file.shape().layers)
            .and_then(|()| self.encoder(Some(&adapter)))
            .map_err(|detail| ModelError::mismatch(folder, detail))
    }

    fn encoder(&self, adapter: Option<&Adapter>) -> Result<AnyEncoder, String> {
        AnyEncoder::from_file(&self.file, self.arithmetic, |index, layer| {
            adapter.map_or(Ok(()), |adapter| adapter.merge(index, layer))
        })
    }

    /// Vectors of single texts, `[hidden]` each: from the encoder as it is, or with an adapter that belongs to no model folder.
    pub fn vectors(&self, texts: &[&str], adapter: Option<&Adapter>) -> Result<Vec<Vec<f32>>, ModelError> {
        let encoder = self.encoder(adapter).map_err(|detail| ModelError::mismatch(&self.folder, detail))?;
        let sequences: Vec<Sequence> = texts.iter().map(|text| self.reader.inquiry(None, text)).collect();
        Ok(encoder.pooled(&sequences).into_iter().map(|mut segments| segments.swap_remove(0)).collect())
    }
}

/// The lexicon of a model's folder, if it is the one that the description names.
fn lexicon(folder: &Path, sha256: &str) -> Result<Lexicon, ModelError> {
    let file = folder.join(LEXICON);
    let lexicon = Lexicon::read(&file)?;
    check_sha256(&file, sha256, lexicon.sha256())?;
    Ok(lexicon)
}

/// The logistic function.
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
