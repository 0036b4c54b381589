//! The two models at work: policies for messages, skills for inquiries.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::adapter::{Adapter, AdapterError};
use super::encoder::weights::{EncoderFile, EncoderFileError};
use super::encoder::{Encoder, Sequence};
use super::folder::{
    ADAPTER, FolderError, HEAD, Head, InquiryDescription, PolicyDescription, ReaderDescription, hexadecimal,
    read_description, sha256_of, verify,
};
use super::huggingface::{InquiryClassifier, PolicyClassifier};
use super::input::{Reader, TokenizerError, Turn};
use super::source::{InquirySource, PolicySource};
use crate::contract::{Policy, Skill, SkillProbability};

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
        Ok(Self { folder: folder.into(), file, reader: Arc::new(reader?), sha256 })
    }

    /// The encoder with an adapter merged in, after checking that the adapter was trained for this very encoder.
    fn adapted(
        &self,
        folder: &Path,
        adapter_sha256: &str,
        encoder: &str,
        tokenizer: &str,
    ) -> Result<Encoder, ModelError> {
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
            .and_then(|()| Encoder::from_file(&self.file, |index, layer| adapter.merge(index, layer)))
            .map_err(|detail| ModelError::mismatch(folder, detail))
    }

    /// Vectors of single texts, `[hidden]` each: from the encoder as it is, or with an adapter that belongs to no model folder.
    pub fn vectors(&self, texts: &[&str], adapter: Option<&Adapter>) -> Result<Vec<Vec<f32>>, ModelError> {
        let encoder = Encoder::from_file(&self.file, |index, layer| {
            adapter.map_or(Ok(()), |adapter| adapter.merge(index, layer))
        })
        .map_err(|detail| ModelError::mismatch(&self.folder, detail))?;
        let sequences: Vec<Sequence> = texts.iter().map(|text| self.reader.inquiry(None, text)).collect();
        Ok(encoder.pooled(&sequences).into_iter().map(|mut segments| segments.swap_remove(0)).collect())
    }
}

/// What judges one policy.
pub struct PolicyHead {
    pub description: PolicyDescription,
    judge: Judge,
}

/// Where the logits of a policy come from.
enum Judge {
    /// The shared reader's vectors: one pass, whatever the number of heads.
    Head(Head),
    /// A pass of its own.
    Classifier(Box<PolicyClassifier>),
}

/// Reads conversations and judges messages for every policy that has a head.
pub struct ConversationModel {
    reader: Arc<Reader>,
    encoder: Encoder,
    version: String,
    heads: Vec<PolicyHead>,
}

impl ConversationModel {
    /// Loads the reader. Its heads are added one by one with [`ConversationModel::add_head`], so that a broken head takes out only
    /// its own policy.
    pub fn open(base: &Base, folder: &Path) -> Result<Self, ModelError> {
        let description: ReaderDescription = read_description(folder)?;
        let encoder = base.adapted(
            folder,
            &description.adapter_sha256,
            &description.encoder_sha256,
            &description.tokenizer_sha256,
        )?;
        Ok(Self { reader: base.reader.clone(), encoder, version: description.version, heads: Vec::new() })
    }

    /// Adds the head of a policy from its folder.
    pub fn add_head(&mut self, folder: &Path, policy: &Policy) -> Result<(), ModelError> {
        let description: PolicyDescription = read_description(folder)?;
        if description.policy != *policy {
            let detail =
                format!("expected the head of policy `{policy}`, found that of `{}`", description.policy);
            return Err(ModelError::mismatch(folder, detail));
        }
        let judge = match &description.source {
            PolicySource::Head { reader, head_sha256 } => {
                Judge::Head(self.head(folder, reader, head_sha256)?)
            }
            PolicySource::Classifier(classifier) => {
                Judge::Classifier(Box::new(PolicyClassifier::open(folder, classifier)?))
            }
        };
        self.heads.push(PolicyHead { description, judge });
        Ok(())
    }

    fn head(&self, folder: &Path, reader: &str, head_sha256: &str) -> Result<Head, ModelError> {
        if reader != self.version {
            let detail = format!(
                "was trained on reader version {reader}, but version {} is loaded; train the head again",
                self.version
            );
            return Err(ModelError::mismatch(folder, detail));
        }
        let file = folder.join(HEAD);
        verify(&file, head_sha256)?;
        Ok(Head::read(&file, 1, self.encoder.shape().hidden)?)
    }

    /// Version of the reader; each head has its own beside it.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn heads(&self) -> &[PolicyHead] {
        &self.heads
    }

    /// For each conversation and each of its judged messages the logit of every head, in the order of [`Self::heads`]. One pass of
    /// the encoder reads a whole conversation, whatever the number of messages and heads; only classifiers from elsewhere read
    /// for themselves.
    pub fn logits(&self, conversations: &[(Vec<Turn<'_>>, Range<usize>)]) -> Vec<Vec<Vec<f64>>> {
        let mut results: Vec<Vec<Vec<f64>>> = conversations
            .iter()
            .map(|(_, judged)| vec![Vec::with_capacity(self.heads.len()); judged.len()])
            .collect();
        let shared = self.heads.iter().any(|head| matches!(head.judge, Judge::Head(_)));
        let vectors = if shared { self.vectors(conversations) } else { Vec::new() };
        for head in &self.heads {
            let logits: Vec<f64> = match &head.judge {
                Judge::Head(head) => {
                    vectors.iter().flatten().flat_map(|vector| head.logits(vector)).collect()
                }
                Judge::Classifier(classifier) => classifier.logits(conversations),
            };
            results.iter_mut().flatten().zip(logits).for_each(|(message, logit)| message.push(logit));
        }
        results
    }

    /// For each conversation and each of its judged messages the vector that heads are trained on, `[hidden]`.
    pub fn vectors(&self, conversations: &[(Vec<Turn<'_>>, Range<usize>)]) -> Vec<Vec<Vec<f32>>> {
        let passes: Vec<_> = conversations
            .par_iter()
            .enumerate()
            .flat_map_iter(|(index, (turns, judged))| {
                self.reader.conversation(turns, judged.clone()).into_iter().map(move |pass| (index, pass))
            })
            .collect();
        let (places, sequences): (Vec<_>, Vec<Sequence>) =
            passes.into_iter().map(|(index, pass)| ((index, pass.judged), pass.sequence)).unzip();
        let mut results: Vec<Vec<Vec<f32>>> =
            conversations.iter().map(|(_, judged)| vec![Vec::new(); judged.len()]).collect();
        for ((index, judged), mut segments) in places.into_iter().zip(self.encoder.pooled(&sequences)) {
            let first = conversations[index].1.start;
            for (message, segment) in judged {
                results[index][message - first] = std::mem::take(&mut segments[segment]);
            }
        }
        results
    }
}

/// Tells which skill an inquiry needs.
pub struct InquiryModel {
    judge: InquiryJudge,
    description: InquiryDescription,
}

enum InquiryJudge {
    Head { reader: Arc<Reader>, encoder: Box<Encoder>, head: Head },
    Classifier(Box<InquiryClassifier>),
}

impl InquiryModel {
    pub fn open(base: &Base, folder: &Path) -> Result<Self, ModelError> {
        let description: InquiryDescription = read_description(folder)?;
        let skills = &description.skills;
        let mut sorted = skills.clone();
        sorted.sort();
        sorted.dedup();
        if sorted.len() != skills.len() || sorted.is_empty() || description.temperature <= 0.0 {
            return Err(ModelError::mismatch(
                folder,
                "expected each skill at most once, at least one, and a positive temperature",
            ));
        }
        let judge = match &description.source {
            InquirySource::Head { adapter_sha256, encoder_sha256, tokenizer_sha256, head_sha256, .. } => {
                let encoder = base.adapted(folder, adapter_sha256, encoder_sha256, tokenizer_sha256)?;
                let file = folder.join(HEAD);
                verify(&file, head_sha256)?;
                let head = Head::read(&file, skills.len(), encoder.shape().hidden)?;
                InquiryJudge::Head { reader: base.reader.clone(), encoder: Box::new(encoder), head }
            }
            InquirySource::Classifier(classifier) => {
                InquiryJudge::Classifier(Box::new(InquiryClassifier::open(folder, classifier, skills)?))
            }
        };
        Ok(Self { judge, description })
    }

    pub fn description(&self) -> &InquiryDescription {
        &self.description
    }

    /// Logits in the order of the description's skills, for pairs of subject and text.
    pub fn logits(&self, inquiries: &[(Option<&str>, &str)]) -> Vec<Vec<f64>> {
        match &self.judge {
            InquiryJudge::Head { reader, encoder, head } => {
                let sequences: Vec<Sequence> =
                    inquiries.par_iter().map(|(subject, text)| reader.inquiry(*subject, text)).collect();
                encoder.pooled(&sequences).iter().map(|segments| head.logits(&segments[0])).collect()
            }
            InquiryJudge::Classifier(classifier) => classifier.logits(inquiries),
        }
    }

    /// The calibrated distribution of each inquiry, best first; each sums to one.
    pub fn distributions(&self, inquiries: &[(Option<&str>, &str)]) -> Vec<Vec<SkillProbability>> {
        self.logits(inquiries)
            .iter()
            .map(|logits| distribution(logits, &self.description.skills, self.description.temperature))
            .collect()
    }
}

/// softmax(logits / temperature), best first; equal probabilities in the order of the skills.
pub fn distribution(logits: &[f64], skills: &[Skill], temperature: f64) -> Vec<SkillProbability> {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|logit| ((logit - highest) / temperature).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut all: Vec<SkillProbability> = skills
        .iter()
        .zip(weights)
        .map(|(skill, weight)| SkillProbability { skill: *skill, probability: weight / total })
        .collect();
    all.sort_by(|a, b| b.probability.total_cmp(&a.probability).then_with(|| a.skill.cmp(&b.skill)));
    all
}

/// The logistic function.
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
