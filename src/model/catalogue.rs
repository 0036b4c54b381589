//! What the model folders tell of themselves: descriptions and cards of what is live, in shadow, and kept. Nothing is loaded.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::folder::{
    Combination, FolderError, InquiryDescription, PolicyDescription, ReaderDescription, Training,
    read_description,
};
use super::source::{InquirySource, PolicySource};
use super::versions::{Change, history};
use crate::contract::Policy;

/// Longest part of a card that is shown.
const LONGEST_CARD: u64 = 64 * 1024;
/// Versions that were kept and are listed, the newest names first.
const KEPT: usize = 20;

/// Where the models are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFolders {
    pub conversation: PathBuf,
    pub policies: PathBuf,
    pub inquiries: PathBuf,
    /// A folder with `conversation` and `policies`, if models judge in shadow.
    pub shadow: Option<PathBuf>,
}

/// Everything that the folders tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue {
    pub live: Vec<Card>,
    pub shadow: Vec<Card>,
    /// By the name of the version's folder, or `policies` for those that were replaced by themselves.
    pub kept: Vec<(String, Vec<Card>)>,
    /// Oldest first.
    pub history: Vec<Change>,
}

/// What a model is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Conversation,
    Policy(Policy),
    Inquiries,
}

/// One model as its folder tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    pub kind: Kind,
    /// What its description says; else what is wrong with it.
    pub told: Result<Told, String>,
    /// Its README.md, as it is written.
    pub readme: Option<String>,
}

/// What a description says.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub version: String,
    /// The reader whose vectors a policy's head reads.
    pub reader: Option<String>,
    /// It came from elsewhere, whole.
    pub classifier: bool,
    /// Thresholds and numbers of the calibration, by their names in the description.
    pub settings: Vec<(String, f64)>,
    /// Figures on the test part when it was trained.
    pub metrics: BTreeMap<String, f64>,
    pub training: Option<Training>,
}

/// Reads every description and card. What cannot be read says so in its place.
pub fn catalogue(folders: &ModelFolders) -> Catalogue {
    let ModelFolders { conversation, policies, inquiries, shadow } = folders;
    let mut live = of_conversation(conversation, policies);
    live.push(card(Kind::Inquiries, inquiries, inquiry));
    let root = conversation.parent().unwrap_or(Path::new("."));
    Catalogue {
        live,
        shadow: shadow
            .as_ref()
            .map(|folder| of_conversation(&folder.join("conversation"), &folder.join("policies")))
            .unwrap_or_default(),
        kept: kept(&root.join("versions")),
        history: history(root).unwrap_or_default(),
    }
}

/// The reader and the heads beside it.
fn of_conversation(conversation: &Path, policies: &Path) -> Vec<Card> {
    let mut cards = vec![card(Kind::Conversation, conversation, reader)];
    cards.extend(
        folders_in(policies)
            .into_iter()
            .map(|(name, folder)| card(Kind::Policy(Policy::new(name)), &folder, policy)),
    );
    cards
}

fn kept(versions: &Path) -> Vec<(String, Vec<Card>)> {
    let mut all = Vec::new();
    for (name, folder) in folders_in(versions).into_iter().rev().take(KEPT) {
        if name == "policies" {
            let single = folders_in(&folder).into_iter().flat_map(|(name, folder)| {
                let kind = Kind::Policy(Policy::new(name));
                let versions = folders_in(&folder).into_iter().rev().take(KEPT);
                versions.map(move |(_, folder)| card(kind.clone(), &folder, policy)).collect::<Vec<_>>()
            });
            all.push((name, single.collect()));
            continue;
        }
        let mut cards = Vec::new();
        if folder.join("conversation").is_dir() {
            cards = of_conversation(&folder.join("conversation"), &folder.join("policies"));
        }
        if folder.join("inquiries").is_dir() {
            cards.push(card(Kind::Inquiries, &folder.join("inquiries"), inquiry));
        }
        all.push((name, cards));
    }
    all
}

/// Folders in a folder by name; none if it cannot be read. Hidden ones are being put in place.
fn folders_in(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut named: Vec<(String, PathBuf)> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .filter(|(name, path)| !name.starts_with('.') && path.is_dir())
        .collect();
    named.sort();
    named
}

fn card<T: DeserializeOwned>(kind: Kind, folder: &Path, tell: fn(T) -> Told) -> Card {
    // Its file is named by its kind: the path is the machine's business.
    let told = read_description(folder).map(tell).map_err(|FolderError { detail, .. }| detail);
    Card { kind, told, readme: readme(folder) }
}

fn readme(folder: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    fs::File::open(folder.join("README.md")).ok()?.take(LONGEST_CARD).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn reader(description: ReaderDescription) -> Told {
    Told {
        version: description.version,
        reader: None,
        classifier: false,
        settings: Vec::new(),
        metrics: BTreeMap::new(),
        training: Some(description.training),
    }
}

fn policy(description: PolicyDescription) -> Told {
    let thresholds = &description.thresholds;
    let mut settings = vec![
        ("report".to_owned(), thresholds.report),
        ("report_precision".to_owned(), thresholds.report_precision),
        ("hide".to_owned(), thresholds.hide),
        ("hide_precision".to_owned(), thresholds.hide_precision),
    ];
    settings.extend(calibration(&description.combination));
    let (reader, classifier) = match description.source {
        PolicySource::Head { reader, .. } => (Some(reader), false),
        PolicySource::Classifier(_) => (None, true),
    };
    Told {
        version: description.version,
        reader,
        classifier,
        settings,
        metrics: description.metrics,
        training: None,
    }
}

fn calibration(combination: &Combination) -> Vec<(String, f64)> {
    let mut all = vec![
        ("combination.intercept".to_owned(), combination.intercept),
        ("combination.model".to_owned(), combination.model),
        ("combination.alone_slope".to_owned(), combination.alone_slope),
        ("combination.alone_intercept".to_owned(), combination.alone_intercept),
    ];
    let named = |group: &'static str, values: &BTreeMap<String, f64>| {
        let name = |(severity, value): (&String, &f64)| (format!("{group}.{severity}"), *value);
        values.iter().map(name).collect::<Vec<_>>()
    };
    all.extend(named("combination.rules", &combination.rules));
    all.extend(named("combination.rule_precision", &combination.rule_precision));
    all
}

fn inquiry(description: InquiryDescription) -> Told {
    let (classifier, training) = match description.source {
        InquirySource::Head { training, .. } => (false, Some(training)),
        InquirySource::Classifier(_) => (true, None),
    };
    Told {
        version: description.version,
        reader: None,
        classifier,
        settings: vec![
            ("temperature".to_owned(), description.temperature),
            ("confidence_floor".to_owned(), description.confidence_floor),
            ("wrong_allocation_rate".to_owned(), description.wrong_allocation_rate),
        ],
        metrics: description.metrics,
        training,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_told_and_what_is_broken_says_so() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let place = tempfile::tempdir().unwrap();
        let broken = place.path().join("policies/harassment");
        fs::create_dir_all(&broken).unwrap();
        fs::write(broken.join("model.toml"), "version = 1").unwrap();
        let folders = ModelFolders {
            conversation: shipped.join("conversation"),
            policies: shipped.join("policies"),
            inquiries: shipped.join("inquiries"),
            shadow: Some(place.path().to_path_buf()),
        };
        let all = catalogue(&folders);
        let kinds: Vec<&Kind> = all.live.iter().map(|card| &card.kind).collect();
        assert_eq!((kinds[0], *kinds.last().unwrap()), (&Kind::Conversation, &Kind::Inquiries));
        assert!(all.live.iter().all(|card| card.told.is_ok() && card.readme.is_some()), "{:?}", all.live);
        let head = all.live.iter().find(|card| card.kind == Kind::Policy(Policy::new("harassment"))).unwrap();
        let told = head.told.as_ref().unwrap();
        assert!(told.settings.iter().any(|(name, value)| name == "report" && *value > 0.0));
        assert!(told.metrics.contains_key("average_precision") && told.reader.is_some());
        assert_eq!(all.shadow.len(), 2, "the reader that is not there, and the broken head");
        assert!(all.shadow.iter().all(|card| card.told.is_err()));
    }
}
