//! `mimamori model train lexical`, and a step of every training: heads over runs of characters, and how much they count beside the
//! encoder.

use std::path::Path;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rayon::prelude::*;

use super::super::error::CliError;
use super::super::parts;
use super::{inputs, model_error, with_models};
use crate::config::{Config, locate};
use crate::contract::Skill;
use crate::corpus::{Conversation, Corpus, LabelledInquiry, LabelledMessage};
use crate::evaluation::{share_for_answers, share_for_classes};
use crate::model::classifier::{ConversationModel, InquiryModel};
use crate::model::folder::{
    FolderError, InquiryDescription, PolicyDescription, ReaderDescription, read_description, sha256_of,
    write_description,
};
use crate::model::lexical::{Document, Features, LEXICAL, LEXICON, LexicalDescription, LexicalHead, Lexicon};
use crate::model::source::{InquirySource, PolicySource};
use crate::model::train::{OtherHands, Truths, fit_lexical, in_another_hand, mistype};

/// Pull of the weights towards zero, for policies and for skills. A study tried 0.3, 0.1 and 0.03 for policies (0.1 within a point of the
/// best average precision on the held-out part) and 0.1 and 0.02 for skills.
const POLICY_PENALTY: f32 = 0.1;
const SKILL_PENALTY: f32 = 0.02;
/// Of the other hands.
const SEED: u64 = 7;

/// Trains the lexicon of conversations, and a head for every configured policy whose head was trained here. `version` names the
/// policies' new versions.
pub(super) fn conversations(
    config: &Config,
    models: &Path,
    corpus: &Corpus,
    version: &str,
) -> Result<(), CliError> {
    let config = with_models(config, models);
    let base = parts::base(&config)?;
    let folder = locate(&config.models.conversation, "model folder", "models.conversation")?;
    let heads = locate(&config.models.policies, "folder of policy heads", "models.policies")?;
    let mut model = ConversationModel::open(&base, &folder)?;
    for policy in config.moderation.policies.keys() {
        model.add_head(&heads.join(policy.as_str()), policy)?;
    }
    let model = model.encoder_alone();
    refuse_strangers(&heads, &model)?;
    let (train, held_out) = (&corpus.train.conversations, &corpus.held_out.conversations);

    let train: Vec<Conversation> = train.iter().cloned().chain(in_other_hands(train)).collect();
    let documents = of_conversations(&train);
    let lexicon = Lexicon::learn(&documents);
    let features = of_documents(&lexicon, &documents);
    let unseen = of_documents(&lexicon, &of_conversations(held_out));
    let encoder = model.logits(&inputs(held_out)).into_iter().flatten();
    let messages = held_out.iter().flat_map(|conversation| &conversation.messages);
    let encoder: Vec<Vec<f64>> = encoder
        .zip(messages)
        .filter(|(_, message)| !message.is_context())
        .map(|(logits, _)| logits)
        .collect();
    let mut trained = Vec::new();
    for (index, head) in model.heads().iter().enumerate() {
        let policy = &head.description.policy;
        if matches!(head.description.source, PolicySource::Classifier(_)) {
            continue;
        }
        let truths = |conversations: &[Conversation]| -> Vec<bool> {
            known(conversations).map(|message| message.violates(policy.as_str())).collect()
        };
        let own = fit_lexical(&features, Truths::YesNo(&truths(&train)), lexicon.len(), POLICY_PENALTY);
        let encoder: Vec<f64> = encoder.iter().map(|logits| logits[index]).collect();
        let characters: Vec<f64> = unseen.iter().map(|features| own.logits(features)[0]).collect();
        let share = share_for_answers(&encoder, &characters, &truths(held_out));
        eprintln!("{policy}: {} runs of characters, share {share:.2}", lexicon.len());
        trained.push((head.description.clone(), own, share));
    }

    // Written only now that everything is there: a head does not load with another lexicon than its own.
    lexicon.write(&folder.join(LEXICON)).map_err(model_error)?;
    let mut reader: ReaderDescription = read_description(&folder).map_err(model_error)?;
    reader.lexicon_sha256 = Some(lexicon.sha256().to_owned());
    write_description(&folder, &reader).map_err(model_error)?;
    for (mut description, own, share) in trained {
        let folder = heads.join(description.policy.as_str());
        let written = write(&folder, &lexicon, &own, share).map_err(model_error)?;
        if let PolicySource::Head { lexical, .. } = &mut description.source {
            *lexical = Some(written);
        }
        description.version = version.to_owned();
        write_description(&folder, &description).map_err(model_error)?;
    }
    Ok(())
}

/// Fails if a head that nobody asked to train belongs to the lexicon that is about to be replaced: it would not load any more.
fn refuse_strangers(heads: &Path, model: &ConversationModel) -> Result<(), CliError> {
    let entries = std::fs::read_dir(heads)
        .map_err(|error| CliError::Failed(format!("{}: {error}", heads.display())))?;
    for folder in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        // What cannot be read belongs to no lexicon; whoever loads it says why.
        let Ok(description) = read_description::<PolicyDescription>(&folder) else { continue };
        let trained = model.heads().iter().any(|head| head.description.policy == description.policy);
        if !trained && matches!(description.source, PolicySource::Head { lexical: Some(_), .. }) {
            return Err(CliError::Usage(format!(
                "{}: reads runs of characters, but the configuration has no section [moderation.policies.{}]: a new lexicon would \
                 take it out. Add the section, or move the folder away",
                folder.display(),
                description.policy
            )));
        }
    }
    Ok(())
}

/// The same for the skills of inquiries.
pub(super) fn inquiries(
    config: &Config,
    models: &Path,
    corpus: &Corpus,
    version: &str,
) -> Result<(), CliError> {
    let config = with_models(config, models);
    let base = parts::base(&config)?;
    let folder = locate(&config.models.inquiries, "model folder", "models.inquiries")?;
    let model = InquiryModel::open(&base, &folder)?.encoder_alone();
    let mut description: InquiryDescription = read_description(&folder).map_err(model_error)?;
    let InquirySource::Head { lexical, .. } = &mut description.source else {
        return Err(CliError::Usage(format!(
            "{}: a classifier from elsewhere reads for itself; only a model that was trained here reads characters too",
            folder.display()
        )));
    };
    let (train, held_out) = (&corpus.train.inquiries, &corpus.held_out.inquiries);
    let mut random = StdRng::seed_from_u64(SEED);
    let again = train.iter().map(|inquiry| in_another_hand(inquiry, &mut random));
    let train: Vec<LabelledInquiry> = train.iter().cloned().chain(again).collect();
    let documents = of_inquiries(&train);
    let lexicon = Lexicon::learn(&documents);
    let features = of_documents(&lexicon, &documents);
    let classes = |inquiries: &[LabelledInquiry]| -> Result<Vec<usize>, CliError> {
        let place = |skill: Skill| description.skills.iter().position(|known| *known == skill);
        let places: Option<Vec<usize>> = inquiries.iter().map(|inquiry| place(inquiry.skill)).collect();
        places.ok_or_else(|| {
            CliError::Usage(format!(
                "{}: the corpus has a skill that the model does not know",
                folder.display()
            ))
        })
    };
    let truths = classes(&train)?;
    let own = fit_lexical(
        &features,
        Truths::Classes(&truths, description.skills.len()),
        lexicon.len(),
        SKILL_PENALTY,
    );
    let texts: Vec<(Option<&str>, &str)> =
        held_out.iter().map(|inquiry| (inquiry.subject.as_deref(), inquiry.text.as_str())).collect();
    let unseen = of_documents(&lexicon, &of_inquiries(held_out));
    let characters: Vec<Vec<f64>> = unseen.iter().map(|features| own.logits(features)).collect();
    let share = share_for_classes(&model.logits(&texts), &characters, &classes(held_out)?);
    lexicon.write(&folder.join(LEXICON)).map_err(model_error)?;
    *lexical = Some(write(&folder, &lexicon, &own, share).map_err(model_error)?);
    description.version = version.to_owned();
    write_description(&folder, &description).map_err(model_error)?;
    eprintln!("skills: {} runs of characters, share {share:.2}", lexicon.len());
    Ok(())
}

/// Runs of characters of English texts with their classes: for public data sets, of which nothing is written.
pub(super) struct Characters {
    lexicon: Lexicon,
    head: LexicalHead,
}

impl Characters {
    /// `truths` are counted from 0.
    pub(super) fn learn(texts: &[&str], truths: &[usize], classes: usize) -> Self {
        let mut random = StdRng::seed_from_u64(SEED);
        let again: Vec<String> = texts.iter().map(|text| mistype(text, &mut random)).collect();
        let documents: Vec<Document<'_>> = texts
            .iter()
            .copied()
            .chain(again.iter().map(String::as_str))
            .map(|text| Document::inquiry(None, text))
            .collect();
        let lexicon = Lexicon::learn(&documents);
        let truths = [truths, truths].concat();
        let features = of_documents(&lexicon, &documents);
        let head = fit_lexical(&features, Truths::Classes(&truths, classes), lexicon.len(), SKILL_PENALTY);
        Self { lexicon, head }
    }

    pub(super) fn logits(&self, texts: &[&str]) -> Vec<Vec<f64>> {
        let logits = |text: &&str| self.head.logits(&self.lexicon.features(&Document::inquiry(None, text)));
        texts.par_iter().map(logits).collect()
    }
}

/// Every conversation once more as somebody else would have typed it, so that no single spelling settles a message.
fn in_other_hands(conversations: &[Conversation]) -> impl Iterator<Item = Conversation> {
    let hands = OtherHands::new(conversations);
    let mut random = StdRng::seed_from_u64(SEED);
    conversations.iter().map(move |conversation| hands.rewrite(conversation, &mut random))
}

/// Messages whose labels somebody knows.
fn known(conversations: &[Conversation]) -> impl Iterator<Item = &LabelledMessage> {
    conversations
        .iter()
        .flat_map(|conversation| &conversation.messages)
        .filter(|message| !message.is_context())
}

/// Every message of every conversation with those before it, but for those whose labels nobody knows.
fn of_conversations(conversations: &[Conversation]) -> Vec<Document<'_>> {
    inputs(conversations)
        .iter()
        .zip(conversations)
        .flat_map(|((turns, judged), conversation)| {
            let judged = judged.clone().filter(move |index| !conversation.messages[*index].is_context());
            judged.map(move |index| Document::message(turns, index))
        })
        .collect()
}

fn of_inquiries(inquiries: &[LabelledInquiry]) -> Vec<Document<'_>> {
    inquiries.iter().map(|inquiry| Document::inquiry(inquiry.subject.as_deref(), &inquiry.text)).collect()
}

fn of_documents(lexicon: &Lexicon, documents: &[Document<'_>]) -> Vec<Features> {
    documents.par_iter().map(|document| lexicon.features(document)).collect()
}

fn write(
    folder: &Path,
    lexicon: &Lexicon,
    head: &LexicalHead,
    share: f64,
) -> Result<LexicalDescription, FolderError> {
    let file = folder.join(LEXICAL);
    head.write(&file)?;
    Ok(LexicalDescription {
        lexicon_sha256: lexicon.sha256().to_owned(),
        head_sha256: sha256_of(&file)?,
        share,
    })
}
