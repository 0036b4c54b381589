//! Skills for inquiries.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{Base, ModelError, lexicon};
use crate::contract::{Skill, SkillProbability};
use crate::model::encoder::{AnyEncoder, Sequence};
use crate::model::folder::{HEAD, Head, InquiryDescription, hexadecimal, read_description, verify};
use crate::model::huggingface::InquiryClassifier;
use crate::model::input::Reader;
use crate::model::lexical::{Document, LexicalPart, Lexicon};
use crate::model::source::InquirySource;

/// Tells which skill an inquiry needs.
pub struct InquiryModel {
    judge: InquiryJudge,
    description: InquiryDescription,
}

/// The encoder's head, perhaps with one over runs of characters beside it.
struct InquiryHead {
    reader: Arc<Reader>,
    encoder: AnyEncoder,
    head: Head,
    lexical: Option<(Lexicon, LexicalPart)>,
}

enum InquiryJudge {
    Head(Box<InquiryHead>),
    Classifier(Box<InquiryClassifier>),
}

/// What the model makes of an inquiry.
pub struct Reading {
    /// In the order of the description's skills.
    pub logits: Vec<f64>,
    /// What the head reads: the encoder's mean over the text. None where the model is no encoder with a head.
    pub vector: Option<Vec<f32>>,
}

impl InquiryModel {
    pub fn open(base: &Base, folder: &Path) -> Result<Self, ModelError> {
        let description: InquiryDescription = read_description(folder)?;
        let skills = &description.skills;
        let mut sorted = skills.clone();
        sorted.sort();
        sorted.dedup();
        if sorted.len() != skills.len() || sorted.is_empty() || !is_positive(description.temperature) {
            return Err(ModelError::mismatch(
                folder,
                "expected each skill at most once, at least one, and a positive temperature",
            ));
        }
        let judge = match &description.source {
            InquirySource::Head {
                adapter_sha256,
                encoder_sha256,
                tokenizer_sha256,
                head_sha256,
                lexical,
                training: _,
            } => {
                let encoder = base.adapted(folder, adapter_sha256, encoder_sha256, tokenizer_sha256)?;
                let file = folder.join(HEAD);
                verify(&file, head_sha256)?;
                let head = Head::read(&file, skills.len(), encoder.shape().hidden)?;
                let lexical = lexical.as_ref().map(|lexical| -> Result<_, ModelError> {
                    let lexicon = lexicon(folder, &lexical.lexicon_sha256)?;
                    let part = LexicalPart::open(folder, lexical, &lexicon, skills.len())?;
                    Ok((lexicon, part))
                });
                let (reader, lexical) = (base.reader.clone(), lexical.transpose()?);
                InquiryJudge::Head(Box::new(InquiryHead { reader, encoder, head, lexical }))
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

    /// The same model without the characters: what their share is measured against.
    pub fn encoder_alone(mut self) -> Self {
        if let InquiryJudge::Head(head) = &mut self.judge {
            head.lexical = None;
        }
        self
    }

    /// Names the encoder with what it was trained to: only vectors of one version can be compared. A new head alone changes nothing.
    pub fn vector_version(&self) -> Option<String> {
        let InquirySource::Head { adapter_sha256, encoder_sha256, tokenizer_sha256, .. } =
            &self.description.source
        else {
            return None;
        };
        let parts = [encoder_sha256, adapter_sha256, tokenizer_sha256].map(String::as_str).join(" ");
        Some(hexadecimal(&Sha256::digest(parts))[..16].to_owned())
    }

    /// Logits in the order of the description's skills, for pairs of subject and text.
    pub fn logits(&self, inquiries: &[(Option<&str>, &str)]) -> Vec<Vec<f64>> {
        self.read(inquiries).into_iter().map(|reading| reading.logits).collect()
    }

    /// Logits and vectors, for pairs of subject and text.
    pub fn read(&self, inquiries: &[(Option<&str>, &str)]) -> Vec<Reading> {
        match &self.judge {
            InquiryJudge::Head(judge) => {
                let InquiryHead { reader, encoder, head, lexical } = &**judge;
                let sequences: Vec<Sequence> =
                    inquiries.par_iter().map(|(subject, text)| reader.inquiry(*subject, text)).collect();
                let vectors = encoder.pooled(&sequences);
                let read = |((subject, text), segments): (&(Option<&str>, &str), Vec<Vec<f32>>)| {
                    let vector = segments.into_iter().next().unwrap_or_default();
                    let encoder = head.logits(&vector);
                    let logits = match lexical {
                        None => encoder,
                        Some((lexicon, part)) => {
                            part.blended(&encoder, &lexicon.features(&Document::inquiry(*subject, text)))
                        }
                    };
                    Reading { logits, vector: Some(vector) }
                };
                inquiries.iter().zip(vectors).map(read).collect()
            }
            InquiryJudge::Classifier(classifier) => {
                let logits = classifier.logits(inquiries).into_iter();
                logits.map(|logits| Reading { logits, vector: None }).collect()
            }
        }
    }

    /// The calibrated distribution of each inquiry, best first; each sums to one.
    pub fn distributions(&self, inquiries: &[(Option<&str>, &str)]) -> Vec<Vec<SkillProbability>> {
        self.logits(inquiries).iter().map(|logits| self.distribution_of(logits)).collect()
    }

    /// The calibrated distribution, best first.
    pub fn distribution_of(&self, logits: &[f64]) -> Vec<SkillProbability> {
        distribution(logits, &self.description.skills, self.description.temperature)
    }
}

/// TOML has infinities and `nan`, too.
fn is_positive(temperature: f64) -> bool {
    temperature.is_finite() && temperature > 0.0
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
