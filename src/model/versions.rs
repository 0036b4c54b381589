//! Versions of the models beside the one that is live: put a new one in its place, and go back.
//!
//! ```text
//! models/conversation, models/policies, models/inquiries   what programs load
//! models/versions/<version>/…                              what was live before, in the same layout
//! models/versions/history.jsonl                            every change, oldest first
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::folder::{
    FolderError, InquiryDescription, PolicyDescription, ReaderDescription, read_description,
};
use crate::contract::Policy;

/// What is put in place together: heads belong to the reader whose vectors they were trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Conversation,
    Inquiries,
}

impl Part {
    pub const ALL: [Part; 2] = [Part::Conversation, Part::Inquiries];

    fn folders(self) -> &'static [&'static str] {
        match self {
            Part::Conversation => &["conversation", "policies"],
            Part::Inquiries => &["inquiries"],
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.folders()[0])
    }
}

/// One change of what is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub at: DateTime<Utc>,
    pub part: Part,
    pub from: String,
    pub to: String,
}

/// A version that is live or kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub part: Part,
    pub version: String,
    pub live: bool,
    /// Figures on the test part when it was trained, by name; for policies with the policy's name before it.
    pub metrics: BTreeMap<String, f64>,
}

/// Why a version was not put in place. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error("{part}: version {version} is live already")]
    Live { part: Part, version: String },
    #[error("{part}: there is nothing to go back to; see `mimamori model list`")]
    NoEarlier { part: Part },
    #[error("{}: {detail}", path.display())]
    History { path: PathBuf, detail: String },
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> VersionError + '_ {
    |error| VersionError::File { path: path.into(), error }
}

/// The version of a part in a folder with the layout of `models`.
pub fn version_of(models: &Path, part: Part) -> Result<String, VersionError> {
    let folder = models.join(part.folders()[0]);
    Ok(match part {
        Part::Conversation => read_description::<ReaderDescription>(&folder)?.version,
        Part::Inquiries => read_description::<InquiryDescription>(&folder)?.version,
    })
}

/// Everything live and kept, live ones first, then by version.
pub fn list(models: &Path) -> Result<Vec<Version>, VersionError> {
    let mut all = Vec::new();
    for part in Part::ALL {
        all.push(described(models, part, true)?);
        let mut kept = Vec::new();
        for folder in kept_folders(models)? {
            if folder.join(part.folders()[0]).is_dir() {
                kept.push(described(&folder, part, false)?);
            }
        }
        kept.sort_by(|a, b| b.version.cmp(&a.version));
        all.append(&mut kept);
    }
    Ok(all)
}

fn kept_folders(models: &Path) -> Result<Vec<PathBuf>, VersionError> {
    let versions = models.join("versions");
    if !versions.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&versions).map_err(file_error(&versions))?;
    Ok(entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        // Beside the versions stand the policies that were replaced by themselves; see [`place_policy`].
        .filter(|path| path.is_dir() && !path.ends_with("policies"))
        .collect())
}

fn described(models: &Path, part: Part, live: bool) -> Result<Version, VersionError> {
    let metrics = match part {
        Part::Inquiries => read_description::<InquiryDescription>(&models.join("inquiries"))?.metrics,
        Part::Conversation => {
            let mut all = BTreeMap::new();
            let heads = models.join("policies");
            let entries = fs::read_dir(&heads).map_err(file_error(&heads))?;
            for folder in
                entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(|p| p.is_dir())
            {
                let description: PolicyDescription = read_description(&folder)?;
                for (name, value) in description.metrics {
                    all.insert(format!("{} {name}", description.policy), value);
                }
            }
            all
        }
    };
    Ok(Version { part, version: version_of(models, part)?, live, metrics })
}

/// Puts the version in `source` in place of the live one, which is kept under `versions`. Programs take it up when they start.
pub fn promote(models: &Path, source: &Path, part: Part, at: DateTime<Utc>) -> Result<Change, VersionError> {
    let (from, to) = (version_of(models, part)?, version_of(source, part)?);
    if from == to {
        return Err(VersionError::Live { part, version: to });
    }
    let kept = models.join("versions").join(&from);
    // Everything is copied before anything is moved: a full disk leaves the live version as it is.
    for name in part.folders() {
        let staged = models.join(format!(".{name}.incoming"));
        clear(&staged)?;
        copy(&source.join(name), &staged)?;
        if !kept.join(name).is_dir() {
            copy(&models.join(name), &kept.join(name))?;
        }
    }
    for name in part.folders() {
        let (live, staged) = (models.join(name), models.join(format!(".{name}.incoming")));
        clear(&live)?;
        fs::rename(&staged, &live).map_err(file_error(&live))?;
    }
    let change = Change { at, part, from, to };
    record(models, &change)?;
    Ok(change)
}

/// Moves the folder `staged` in place of a policy's folder. What was there is kept under `versions/policies`, and its place is
/// returned. Heads that belong to a reader are not touched by this: each policy stands by itself.
pub fn place_policy(models: &Path, staged: &Path, policy: &Policy) -> Result<Option<PathBuf>, VersionError> {
    let live = models.join("policies").join(policy.as_str());
    let mut kept = None;
    if live.is_dir() {
        let version = read_description::<PolicyDescription>(&live).map(|description| description.version);
        // A folder that cannot be read is kept as well.
        let version = version.unwrap_or_else(|_| "unreadable".to_owned());
        let place = models.join("versions/policies").join(policy.as_str()).join(version);
        clear(&place)?;
        copy(&live, &place)?;
        clear(&live)?;
        kept = Some(place);
    }
    let parent = models.join("policies");
    fs::create_dir_all(&parent).map_err(file_error(&parent))?;
    fs::rename(staged, &live).map_err(file_error(&live))?;
    Ok(kept)
}

/// Puts back the version that was live before the newest change of this part.
pub fn roll_back(models: &Path, part: Part, at: DateTime<Utc>) -> Result<Change, VersionError> {
    let live = version_of(models, part)?;
    let newest = history(models)?.into_iter().rev().find(|change| change.part == part && change.to == live);
    let earlier = newest.ok_or(VersionError::NoEarlier { part })?.from;
    promote(models, &models.join("versions").join(earlier), part, at)
}

/// Every change so far, oldest first.
pub fn history(models: &Path) -> Result<Vec<Change>, VersionError> {
    let file = history_file(models);
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&file).map_err(file_error(&file))?;
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| VersionError::History {
                path: file.clone(),
                detail: format!("line {}: {error}", index + 1),
            })
        })
        .collect()
}

fn history_file(models: &Path) -> PathBuf {
    models.join("versions").join("history.jsonl")
}

fn record(models: &Path, change: &Change) -> Result<(), VersionError> {
    let path = history_file(models);
    let line = serde_json::to_string(change)
        .map_err(|error| VersionError::History { path: path.clone(), detail: error.to_string() })?;
    let mut file = fs::OpenOptions::new().create(true).append(true).open(&path).map_err(file_error(&path))?;
    writeln!(file, "{line}").map_err(file_error(&path))
}

fn clear(folder: &Path) -> Result<(), VersionError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_error(folder)(error)),
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), VersionError> {
    fs::create_dir_all(to).map_err(file_error(to))?;
    for entry in fs::read_dir(from).map_err(file_error(from))? {
        let path = entry.map_err(file_error(from))?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).map_err(file_error(&path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy of the shipped inquiry model under another version's name.
    fn inquiries(models: &Path, version: &str) {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/inquiries");
        let folder = models.join("inquiries");
        copy(&shipped, &folder).unwrap();
        let mut description: InquiryDescription = read_description(&folder).unwrap();
        description.version = version.into();
        super::super::folder::write_description(&folder, &description).unwrap();
    }

    #[test]
    fn a_version_is_put_in_place_and_taken_back() {
        let (live, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        inquiries(live.path(), "a");
        inquiries(new.path(), "b");
        let now = DateTime::UNIX_EPOCH;
        let version = || version_of(live.path(), Part::Inquiries).unwrap();
        let error = roll_back(live.path(), Part::Inquiries, now).unwrap_err();
        assert!(matches!(error, VersionError::NoEarlier { .. }), "{error}");

        promote(live.path(), new.path(), Part::Inquiries, now).unwrap();
        assert_eq!(version(), "b");
        let error = promote(live.path(), new.path(), Part::Inquiries, now).unwrap_err();
        assert!(matches!(error, VersionError::Live { .. }), "{error}");

        let change = roll_back(live.path(), Part::Inquiries, now).unwrap();
        assert_eq!((change.from.as_str(), change.to.as_str()), ("b", "a"));
        assert_eq!(version(), "a");
        // Going back once more returns to what was live before that.
        roll_back(live.path(), Part::Inquiries, now).unwrap();
        assert_eq!(version(), "b");
        assert_eq!(history(live.path()).unwrap().len(), 3);
    }

    #[test]
    fn a_source_that_lacks_a_file_changes_nothing() {
        let (live, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        inquiries(live.path(), "a");
        assert!(promote(live.path(), new.path(), Part::Inquiries, DateTime::UNIX_EPOCH).is_err());
        assert_eq!(version_of(live.path(), Part::Inquiries).unwrap(), "a");
        assert!(history(live.path()).unwrap().is_empty());
    }
}
