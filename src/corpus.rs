//! The composed corpus under `fixtures/corpus/`: labelled conversations and inquiries, split by author batch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::contract::{Language, Role, Skill};

/// A labelled conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    pub conversation: String,
    pub language: Language,
    /// How it came to be: `composed` for everything in this repository.
    pub origin: String,
    /// The hand that wrote it; parts are split by it.
    pub author_batch: String,
    pub messages: Vec<LabelledMessage>,
}

/// A message with its labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledMessage {
    pub from: Role,
    pub text: String,
    /// `policy` or `policy.subtype`; empty for a clean message.
    pub labels: Vec<String>,
    /// What kind of evasion or near miss it is, for figures by kind.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Tag of a message whose labels nobody knows: it is read, but nothing is learned from it.
pub const CONTEXT: &str = "context";

impl LabelledMessage {
    /// Whether the message is context only.
    pub fn is_context(&self) -> bool {
        self.tags.iter().any(|tag| tag == CONTEXT)
    }

    /// Whether the message violates a policy.
    pub fn violates(&self, policy: &str) -> bool {
        self.labels.iter().any(|label| label.split('.').next() == Some(policy))
    }
}

/// A labelled inquiry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledInquiry {
    pub inquiry: String,
    pub language: Language,
    pub origin: String,
    pub author_batch: String,
    #[serde(default)]
    pub subject: Option<String>,
    pub text: String,
    pub skill: Skill,
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Which author batches serve for what. A batch is never in two parts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Splits {
    train: Vec<String>,
    /// Early stopping, calibration, thresholds.
    held_out: Vec<String>,
    /// Figures only.
    test: Vec<String>,
}

/// A part of the corpus.
#[derive(Debug, Clone, Default)]
pub struct Part {
    pub conversations: Vec<Conversation>,
    pub inquiries: Vec<LabelledInquiry>,
}

/// The whole corpus by part.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    pub train: Part,
    pub held_out: Part,
    pub test: Part,
}

/// A corpus file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("corpus {}{}: {detail}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct CorpusError {
    pub file: PathBuf,
    pub line: Option<usize>,
    pub detail: String,
}

impl Corpus {
    /// Reads a folder with `splits.toml`, `conversations/*.jsonl` and `inquiries/*.jsonl`.
    pub fn read(folder: &Path) -> Result<Self, CorpusError> {
        let file = folder.join("splits.toml");
        let fail = |detail: String| CorpusError { file: file.clone(), line: None, detail };
        let text = std::fs::read_to_string(&file).map_err(|error| fail(error.to_string()))?;
        let splits: Splits = toml::from_str(&text).map_err(|error| fail(error.to_string()))?;
        let mut part_of: BTreeMap<&str, usize> = BTreeMap::new();
        for (part, batches) in [&splits.train, &splits.held_out, &splits.test].into_iter().enumerate() {
            for batch in batches {
                if part_of.insert(batch, part).is_some() {
                    return Err(fail(format!("batch `{batch}` is named twice")));
                }
            }
        }
        let mut parts = [Part::default(), Part::default(), Part::default()];
        for conversation in read_folder::<Conversation>(&folder.join("conversations"))? {
            let part = part_of.get(conversation.author_batch.as_str());
            let part =
                part.ok_or_else(|| fail(format!("batch `{}` is in no part", conversation.author_batch)))?;
            parts[*part].conversations.push(conversation);
        }
        for inquiry in read_folder::<LabelledInquiry>(&folder.join("inquiries"))? {
            let part = part_of.get(inquiry.author_batch.as_str());
            let part = part.ok_or_else(|| fail(format!("batch `{}` is in no part", inquiry.author_batch)))?;
            parts[*part].inquiries.push(inquiry);
        }
        let [train, held_out, test] = parts;
        Ok(Self { train, held_out, test })
    }

    /// All parts together, in the order train, held out, test.
    pub fn parts(&self) -> [(&'static str, &Part); 3] {
        [("train", &self.train), ("held_out", &self.held_out), ("test", &self.test)]
    }
}

/// Every line of every `.jsonl` file of a folder, files in order of their names.
pub fn read_folder<T: serde::de::DeserializeOwned>(folder: &Path) -> Result<Vec<T>, CorpusError> {
    let fail = |detail: String| CorpusError { file: folder.into(), line: None, detail };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(|error| fail(error.to_string()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        all.extend(read_lines(&file)?);
    }
    Ok(all)
}

/// Every line of one JSON Lines file.
pub fn read_lines<T: serde::de::DeserializeOwned>(file: &Path) -> Result<Vec<T>, CorpusError> {
    let fail = |line: Option<usize>, detail: String| CorpusError { file: file.into(), line, detail };
    let text = std::fs::read_to_string(file).map_err(|error| fail(None, error.to_string()))?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| fail(Some(index + 1), error.to_string()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashMap};

    use super::*;

    fn corpus() -> Corpus {
        Corpus::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpus")).unwrap()
    }

    #[test]
    fn labels_are_known_and_ids_are_unique() {
        let mut ids = BTreeSet::new();
        for (_, part) in corpus().parts() {
            for conversation in &part.conversations {
                assert!(ids.insert(conversation.conversation.clone()), "{}", conversation.conversation);
                assert!(!conversation.messages.is_empty(), "{}", conversation.conversation);
                for label in conversation.messages.iter().flat_map(|message| &message.labels) {
                    let known = [
                        "external_induction.contact",
                        "external_induction.payment",
                        "external_induction.deal",
                        "external_induction.link",
                        "harassment",
                    ];
                    assert!(known.contains(&label.as_str()), "{}: {label}", conversation.conversation);
                }
            }
            for inquiry in &part.inquiries {
                assert!(ids.insert(inquiry.inquiry.clone()), "{}", inquiry.inquiry);
            }
        }
    }

    /// Composed, not multiplied: no example shares more than two thirds of the five-character grams of the shorter of the two with
    /// another. Grams that stand in very many examples (set phrases) tell nothing and are left out, as are very short texts.
    #[test]
    fn no_example_is_another_one_with_a_word_changed() {
        let (mut conversations, mut inquiries) = (Vec::new(), Vec::new());
        for (_, part) in corpus().parts() {
            for conversation in &part.conversations {
                let whole: String =
                    conversation.messages.iter().map(|message| message.text.as_str()).collect();
                conversations.push((conversation.conversation.clone(), whole));
            }
            inquiries
                .extend(part.inquiries.iter().map(|inquiry| (inquiry.inquiry.clone(), inquiry.text.clone())));
        }
        let near = [near_duplicates(&conversations), near_duplicates(&inquiries)].concat();
        assert!(near.is_empty(), "near-duplicates: {near:?}");
    }

    fn near_duplicates(texts: &[(String, String)]) -> Vec<String> {
        let grams: Vec<BTreeSet<String>> = texts.iter().map(|(_, text)| grams(text)).collect();
        let mut holders: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, grams) in grams.iter().enumerate() {
            grams.iter().for_each(|gram| holders.entry(gram).or_default().push(index));
        }
        let mut near = Vec::new();
        for (index, own) in grams.iter().enumerate().filter(|(_, own)| own.len() >= 12) {
            let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
            for others in own.iter().map(|gram| &holders[gram.as_str()]).filter(|others| others.len() < 200) {
                others
                    .iter()
                    .filter(|other| **other < index)
                    .for_each(|other| *shared.entry(*other).or_default() += 1);
            }
            for (other, count) in shared {
                let shorter = own.len().min(grams[other].len());
                if shorter >= 12 && count * 3 > shorter * 2 {
                    near.push(format!("{} and {}", texts[index].0, texts[other].0));
                }
            }
        }
        near
    }

    fn grams(text: &str) -> BTreeSet<String> {
        let characters: Vec<char> = text.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
        characters.windows(5).map(|window| window.iter().collect()).collect()
    }
}
