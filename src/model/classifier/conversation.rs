//! Policies for messages: one reading of a conversation, and one small head for each policy.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Base, ModelError, lexicon};
use crate::contract::Policy;
use crate::model::encoder::{AnyEncoder, Sequence};
use crate::model::folder::{HEAD, Head, PolicyDescription, ReaderDescription, read_description, verify};
use crate::model::huggingface::PolicyClassifier;
use crate::model::input::{Reader, Turn};
use crate::model::lexical::{Document, Features, LexicalDescription, LexicalPart, Lexicon};
use crate::model::source::PolicySource;

/// What judges one policy.
pub struct PolicyHead {
    pub description: PolicyDescription,
    judge: Judge,
}

/// Where the logits of a policy come from.
enum Judge {
    /// The shared reader's vectors: one pass, whatever the number of heads. Beside it perhaps the characters, read once too.
    Head(Head, Option<LexicalPart>),
    /// A pass of its own.
    Classifier(Box<PolicyClassifier>),
}

/// Reads conversations and judges messages for every policy that has a head.
pub struct ConversationModel {
    reader: Arc<Reader>,
    encoder: AnyEncoder,
    version: String,
    /// Runs of characters that heads share.
    lexicon: Option<Lexicon>,
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
        Ok(Self {
            reader: base.reader.clone(),
            encoder,
            version: description.version,
            lexicon: description.lexicon_sha256.map(|sha256| lexicon(folder, &sha256)).transpose()?,
            heads: Vec::new(),
        })
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
            PolicySource::Head { reader, head_sha256, lexical } => {
                let head = self.head(folder, reader, head_sha256)?;
                let lexical = lexical.as_ref().map(|lexical| self.lexical(folder, lexical)).transpose()?;
                Judge::Head(head, lexical)
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

    fn lexical(&self, folder: &Path, description: &LexicalDescription) -> Result<LexicalPart, ModelError> {
        let lexicon = self.lexicon.as_ref().ok_or_else(|| {
            ModelError::mismatch(
                folder,
                "has a section [lexical], but the reader's model.toml names no lexicon",
            )
        })?;
        Ok(LexicalPart::open(folder, description, lexicon, 1)?)
    }

    /// Version of the reader; each head has its own beside it.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn heads(&self) -> &[PolicyHead] {
        &self.heads
    }

    /// The same model without the characters: what their share is measured against.
    pub fn encoder_alone(mut self) -> Self {
        for head in &mut self.heads {
            if let Judge::Head(_, lexical) = &mut head.judge {
                *lexical = None;
            }
        }
        self
    }

    /// For each conversation and each of its judged messages the logit of every head, in the order of [`Self::heads`]. One pass of
    /// the encoder reads a whole conversation, whatever the number of messages and heads; only classifiers from elsewhere read
    /// for themselves.
    pub fn logits(&self, conversations: &[(Vec<Turn<'_>>, Range<usize>)]) -> Vec<Vec<Vec<f64>>> {
        let mut results: Vec<Vec<Vec<f64>>> = conversations
            .iter()
            .map(|(_, judged)| vec![Vec::with_capacity(self.heads.len()); judged.len()])
            .collect();
        let any = |wanted: fn(&Judge) -> bool| self.heads.iter().any(|head| wanted(&head.judge));
        let vectors = if any(|judge| matches!(judge, Judge::Head(..))) {
            self.vectors(conversations)
        } else {
            Vec::new()
        };
        let features = if any(|judge| matches!(judge, Judge::Head(_, Some(_)))) {
            self.features(conversations)
        } else {
            Vec::new()
        };
        for head in &self.heads {
            let logits: Vec<f64> = match &head.judge {
                Judge::Head(head, None) => {
                    vectors.iter().flatten().flat_map(|vector| head.logits(vector)).collect()
                }
                Judge::Head(head, Some(lexical)) => vectors
                    .iter()
                    .flatten()
                    .zip(&features)
                    .flat_map(|(vector, features)| lexical.blended(&head.logits(vector), features))
                    .collect(),
                Judge::Classifier(classifier) => classifier.logits(conversations),
            };
            results.iter_mut().flatten().zip(logits).for_each(|(message, logit)| message.push(logit));
        }
        results
    }

    /// The runs of characters of each judged message, one conversation after the other.
    fn features(&self, conversations: &[(Vec<Turn<'_>>, Range<usize>)]) -> Vec<Features> {
        let Some(lexicon) = &self.lexicon else { return Vec::new() };
        conversations
            .par_iter()
            .flat_map_iter(|(turns, judged)| {
                judged.clone().map(|index| lexicon.features(&Document::message(turns, index)))
            })
            .collect()
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
