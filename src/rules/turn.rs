//! One message of a conversation, scanned once, as often as it is then looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::pack::RulePack;
use super::scan::Scan;
use crate::contract::{Language, Role};
use crate::text::Views;

/// A message with its views and the hits of one pack's patterns.
#[derive(Debug, Clone)]
pub struct Turn {
    pub role: Role,
    pub sent_at: DateTime<Utc>,
    pub views: Arc<Views>,
    /// The model's probability for each policy, where the model has judged the message.
    pub scores: Option<BTreeMap<String, f64>>,
    pub(super) scan: Arc<Scan>,
    /// Of the files: what is switched off is still looked for.
    pub(super) version: Arc<str>,
}

impl Turn {
    /// Scans a message with a pack. Clones share the views and the hits.
    pub fn new(pack: &RulePack, role: Role, sent_at: DateTime<Utc>, views: Arc<Views>) -> Self {
        let scan = Arc::new(pack.scan(&views));
        Self { role, sent_at, views, scores: None, scan, version: pack.shared_files_version() }
    }

    /// Adds what the model says, for rules that ask it.
    pub fn with_scores(mut self, scores: BTreeMap<String, f64>) -> Self {
        self.scores = Some(scores);
        self
    }

    /// Scans again when the pack has been replaced since.
    pub fn rescan(&mut self, pack: &RulePack) {
        if *self.version != *pack.files_version() {
            self.scan = Arc::new(pack.scan(&self.views));
            self.version = pack.shared_files_version();
        }
    }

    pub fn language(&self) -> Option<Language> {
        self.views.language()
    }
}
