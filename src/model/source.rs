//! Where a model's numbers come from: a head that was trained here over the shared reader, or a classifier from elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::folder::{Combination, InquiryDescription, PolicyDescription, PolicyThresholds, Training};
use super::lexical::LexicalDescription;
use crate::contract::{Policy, Skill};

/// What judges a policy.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicySource {
    Head {
        /// Version of the reader whose vectors this head was trained on.
        reader: String,
        head_sha256: String,
        /// None for a head that reads by the encoder alone.
        lexical: Option<LexicalDescription>,
    },
    Classifier(PolicyClassifierDescription),
}

/// What tells the skill of an inquiry.
#[derive(Debug, Clone, PartialEq)]
pub enum InquirySource {
    Head {
        encoder_sha256: String,
        tokenizer_sha256: String,
        adapter_sha256: String,
        head_sha256: String,
        /// None for a model that reads by the encoder alone.
        lexical: Option<LexicalDescription>,
        training: Training,
    },
    Classifier(InquiryClassifierDescription),
}

/// How a classifier from elsewhere judges messages: section `[classifier]` of a policy's `model.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyClassifierDescription {
    /// Name of the output that stands for a violation.
    pub label: String,
    pub score: Score,
    /// Most messages before the judged one that are read with it.
    pub context: usize,
    pub joined: Joined,
    /// SHA-256 of every file that is read, by name.
    pub files: BTreeMap<String, String>,
}

/// How a classifier from elsewhere reads inquiries: section `[classifier]` of the inquiry model's `model.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InquiryClassifierDescription {
    /// The skill of every output, by the output's name. Several outputs may stand for one skill.
    pub labels: BTreeMap<String, Skill>,
    /// SHA-256 of every file that is read, by name.
    pub files: BTreeMap<String, String>,
}

/// From a classifier's outputs to the logit of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Score {
    /// The output itself: outputs that do not exclude each other, or a single one.
    Logit,
    /// The output less the logarithm of the sum of the others' exponentials: the log-odds under a softmax.
    Difference,
}

/// How a message and those before it are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Joined {
    /// The earlier messages, a line each with its speaker, as the first text of a pair; the message, as it is, as the second.
    Pair,
    /// All in one text, a line each with its speaker, the message last.
    Text,
}

/// A policy's `model.toml` as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyFile {
    policy: Policy,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reader: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lexical: Option<LexicalDescription>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classifier: Option<PolicyClassifierDescription>,
    combination: Combination,
    thresholds: PolicyThresholds,
    metrics: BTreeMap<String, f64>,
}

impl TryFrom<PolicyFile> for PolicyDescription {
    type Error = &'static str;

    fn try_from(file: PolicyFile) -> Result<Self, &'static str> {
        let source = match (file.reader, file.head_sha256, file.lexical, file.classifier) {
            (Some(reader), Some(head_sha256), lexical, None) => {
                PolicySource::Head { reader, head_sha256, lexical }
            }
            (None, None, None, Some(classifier)) => PolicySource::Classifier(classifier),
            _ => {
                return Err("expected either `reader`, `head_sha256` and perhaps a section [lexical], or a \
                            section [classifier]");
            }
        };
        Ok(Self {
            policy: file.policy,
            version: file.version,
            source,
            combination: file.combination,
            thresholds: file.thresholds,
            metrics: file.metrics,
        })
    }
}

impl From<PolicyDescription> for PolicyFile {
    fn from(description: PolicyDescription) -> Self {
        let (reader, head_sha256, lexical, classifier) = match description.source {
            PolicySource::Head { reader, head_sha256, lexical } => {
                (Some(reader), Some(head_sha256), lexical, None)
            }
            PolicySource::Classifier(classifier) => (None, None, None, Some(classifier)),
        };
        Self {
            policy: description.policy,
            version: description.version,
            reader,
            head_sha256,
            lexical,
            classifier,
            combination: description.combination,
            thresholds: description.thresholds,
            metrics: description.metrics,
        }
    }
}

/// The inquiry model's `model.toml` as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InquiryFile {
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoder_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokenizer_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adapter_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_sha256: Option<String>,
    skills: Vec<Skill>,
    temperature: f64,
    confidence_floor: f64,
    wrong_allocation_rate: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lexical: Option<LexicalDescription>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classifier: Option<InquiryClassifierDescription>,
    #[serde(skip_serializing_if = "Option::is_none")]
    training: Option<Training>,
    metrics: BTreeMap<String, f64>,
}

impl TryFrom<InquiryFile> for InquiryDescription {
    type Error = &'static str;

    fn try_from(file: InquiryFile) -> Result<Self, &'static str> {
        let hashes = (file.encoder_sha256, file.tokenizer_sha256, file.adapter_sha256, file.head_sha256);
        let source = match (hashes, file.training, file.lexical, file.classifier) {
            ((Some(encoder), Some(tokenizer), Some(adapter), Some(head)), Some(training), lexical, None) => {
                InquirySource::Head {
                    encoder_sha256: encoder,
                    tokenizer_sha256: tokenizer,
                    adapter_sha256: adapter,
                    head_sha256: head,
                    lexical,
                    training,
                }
            }
            ((None, None, None, None), None, None, Some(classifier)) => InquirySource::Classifier(classifier),
            _ => {
                return Err(
                    "expected either the SHA-256 of encoder, tokenizer, adapter and head and a section \
                            [training], with or without a section [lexical], or a section [classifier]",
                );
            }
        };
        Ok(Self {
            version: file.version,
            source,
            skills: file.skills,
            temperature: file.temperature,
            confidence_floor: file.confidence_floor,
            wrong_allocation_rate: file.wrong_allocation_rate,
            metrics: file.metrics,
        })
    }
}

impl From<InquiryDescription> for InquiryFile {
    fn from(description: InquiryDescription) -> Self {
        let mut file = Self {
            version: description.version,
            encoder_sha256: None,
            tokenizer_sha256: None,
            adapter_sha256: None,
            head_sha256: None,
            skills: description.skills,
            temperature: description.temperature,
            confidence_floor: description.confidence_floor,
            wrong_allocation_rate: description.wrong_allocation_rate,
            lexical: None,
            classifier: None,
            training: None,
            metrics: description.metrics,
        };
        match description.source {
            InquirySource::Head {
                encoder_sha256,
                tokenizer_sha256,
                adapter_sha256,
                head_sha256,
                lexical,
                training,
            } => {
                file.encoder_sha256 = Some(encoder_sha256);
                file.tokenizer_sha256 = Some(tokenizer_sha256);
                file.adapter_sha256 = Some(adapter_sha256);
                file.head_sha256 = Some(head_sha256);
                file.lexical = lexical;
                file.training = Some(training);
            }
            InquirySource::Classifier(classifier) => file.classifier = Some(classifier),
        }
        file
    }
}
