//! The files of a folder, each read once and checked against the hash that the model's description gives for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::model::folder::{FolderError, check_sha256, hexadecimal};

/// Reads files and keeps the hash of each.
pub(super) struct Files<'a> {
    folder: &'a Path,
    /// Hashes by name. Without them everything is taken as it is: the folder is being adopted.
    expected: Option<&'a BTreeMap<String, String>>,
    read: BTreeMap<String, String>,
}

impl<'a> Files<'a> {
    pub fn new(folder: &'a Path, expected: Option<&'a BTreeMap<String, String>>) -> Self {
        Self { folder, expected, read: BTreeMap::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether the model has this file. A file that was laid beside it later is not part of it.
    pub fn has(&self, name: &str) -> bool {
        self.expected.map_or_else(|| self.path(name).is_file(), |expected| expected.contains_key(name))
    }

    pub fn read(&mut self, name: &str) -> Result<Vec<u8>, FolderError> {
        let path = self.path(name);
        let bytes = fs::read(&path).map_err(|error| FolderError::new(&path, error))?;
        let sha256 = hexadecimal(&Sha256::digest(&bytes));
        if let Some(expected) = self.expected {
            let expected = expected.get(name).ok_or_else(|| {
                FolderError::new(
                    &path,
                    "expected its SHA-256 in model.toml, found none; adopt the folder again",
                )
            })?;
            check_sha256(&path, expected, &sha256)?;
        }
        self.read.insert(name.to_owned(), sha256);
        Ok(bytes)
    }

    /// Hashes of everything that was read, by name.
    pub fn into_hashes(self) -> BTreeMap<String, String> {
        self.read
    }
}
