//! The rules as the console knows them: read as a worker reads them, and read again when their files change.
//!
//! Whatever is wrong with the files, the console goes on: it shows the rules that it read last, and says what is wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use crate::config::ReportFrom;
use crate::rules::{Fixture, PackFiles, RulePack, Settling, Snapshot, SourceFile, read_fixtures};
use crate::text::Tokenizer;

/// Most problems of the files that are shown.
const SHOWN_PROBLEMS: usize = 50;
/// Messages that are explained at once.
const EXPLAINED_AT_ONCE: usize = 2;

/// Where the console finds the rules, and what they are worth by themselves.
#[derive(Debug, Clone)]
pub struct RuleFolder {
    pub files: PackFiles,
    /// How often the files are looked at; none for never again.
    pub every: Option<Duration>,
    /// From which severity on a rule raises an alert by itself.
    pub report_from: ReportFrom,
    /// Characters of the longest message.
    pub longest_text: usize,
}

/// What was read last. Cheap to clone.
#[derive(Clone)]
pub(in crate::console) struct Book {
    inner: Arc<Inner>,
}

struct Inner {
    folder: Option<RuleFolder>,
    shelf: RwLock<Arc<Shelf>>,
    tokenizer: OnceLock<Arc<Tokenizer>>,
    explaining: Semaphore,
}

/// The rules at one moment.
#[derive(Default)]
pub(in crate::console) struct Shelf {
    /// With nothing switched off. None as long as the files could not be taken even once.
    pub(super) pack: Option<RulePack>,
    /// The files of the pack, by the path that its rules name.
    files: BTreeMap<String, RuleFile>,
    fixtures: Vec<Fixture>,
    /// What is wrong with the files as they stand now, one sentence each. Empty if they are what is shown.
    pub(super) problems: Vec<String>,
}

/// A rule file as its author wrote it.
#[derive(Clone)]
pub(super) struct RuleFile {
    pub(super) text: String,
    /// By the file's own time.
    pub(super) changed: Option<DateTime<Utc>>,
}

impl Shelf {
    /// The file of a rule.
    pub(super) fn file(&self, name: &str) -> Option<&RuleFile> {
        self.files.get(name)
    }

    pub(super) fn fixtures(&self) -> &[Fixture] {
        &self.fixtures
    }

    /// What the author of a rule says, as written.
    pub(in crate::console) fn message(&self, rule: &str) -> Option<&str> {
        Some(self.pack.as_ref()?.rule(rule)?.message.as_str())
    }
}

impl Book {
    /// Reads the rules for the first time. Takes as long as to compile them, on a thread of its own.
    pub(in crate::console) async fn open(folder: Option<RuleFolder>) -> Self {
        let inner = Inner {
            folder,
            shelf: RwLock::default(),
            tokenizer: OnceLock::new(),
            explaining: Semaphore::new(EXPLAINED_AT_ONCE),
        };
        let book = Self { inner: Arc::new(inner) };
        let reader = book.clone();
        // It blocks. A panic has been told by the runtime; then there are no rules.
        let _ = tokio::task::spawn_blocking(move || reader.read_first()).await;
        book
    }

    pub(in crate::console) fn now(&self) -> Arc<Shelf> {
        self.inner.shelf.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn folder(&self) -> Option<&RuleFolder> {
        self.inner.folder.as_ref()
    }

    pub(super) fn explaining(&self) -> &Semaphore {
        &self.inner.explaining
    }

    /// None if the program's dictionary is damaged, which the log then says.
    pub(super) fn tokenizer(&self) -> Option<Arc<Tokenizer>> {
        if let Some(tokenizer) = self.inner.tokenizer.get() {
            return Some(tokenizer.clone());
        }
        match Tokenizer::new() {
            Ok(tokenizer) => Some(self.inner.tokenizer.get_or_init(|| Arc::new(tokenizer)).clone()),
            Err(error) => {
                tracing::error!(%error, "the console cannot read messages as the rules do");
                None
            }
        }
    }

    /// Looks at the files again and again, for as long as it is polled.
    pub(in crate::console) async fn follow(self) {
        let Some((files, every)) =
            self.folder().and_then(|folder| Some((folder.files.clone(), folder.every?)))
        else {
            return;
        };
        let version = self.now().pack.as_ref().map_or(String::new(), |pack| pack.files_version().to_owned());
        let mut settling = Settling::since(&version);
        loop {
            tokio::time::sleep(every).await;
            let files = files.clone();
            let Ok(snapshot) = tokio::task::spawn_blocking(move || files.read()).await else { continue };
            if settling.is_due(snapshot.fingerprint(), false) {
                let book = self.clone();
                let _ = tokio::task::spawn_blocking(move || book.take(snapshot)).await;
            }
        }
    }

    /// As a worker starts: on rules that compile.
    fn read_first(&self) {
        let Some(folder) = self.folder() else { return };
        let snapshot = folder.files.read();
        let shelf = match snapshot.compiled() {
            Ok(pack) => shelf_of(pack, snapshot.rule_files(), snapshot.fixture_files()),
            Err(refusal) => {
                tracing::warn!(problems = refusal.problems.len(), "the console goes on without rules");
                Shelf { problems: shown(refusal.problems), ..Shelf::default() }
            }
        };
        self.put(shelf);
    }

    /// As a worker takes changed rules: those that compile and pass their fixtures.
    fn take(&self, snapshot: Snapshot) {
        let Some(tokenizer) = self.tokenizer() else { return };
        let (rules, fixtures) = (snapshot.rule_files().to_vec(), snapshot.fixture_files().to_vec());
        let shelf = match snapshot.pack(&tokenizer) {
            Ok(pack) => {
                tracing::info!(version = pack.version(), "the console shows other rules");
                shelf_of(pack, &rules, &fixtures)
            }
            Err(refusal) => {
                let kept = self.now();
                Shelf {
                    pack: kept.pack.clone(),
                    files: kept.files.clone(),
                    fixtures: kept.fixtures.clone(),
                    problems: shown(refusal.problems),
                }
            }
        };
        self.put(shelf);
    }

    fn put(&self, shelf: Shelf) {
        *self.inner.shelf.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shelf);
    }
}

fn shown(mut problems: Vec<String>) -> Vec<String> {
    problems.truncate(SHOWN_PROBLEMS);
    problems
}

fn shelf_of(pack: RulePack, rules: &[SourceFile], fixtures: &[SourceFile]) -> Shelf {
    let file = |file: &SourceFile| {
        let changed = std::fs::metadata(&file.name).and_then(|metadata| metadata.modified());
        let changed = changed.ok().map(DateTime::<Utc>::from);
        (file.name.clone(), RuleFile { text: file.text.clone(), changed })
    };
    Shelf {
        pack: Some(pack),
        files: rules.iter().map(file).collect(),
        // Damaged fixtures keep a worker from taking changed rules; here the readable ones are still of use.
        fixtures: fixtures.iter().flat_map(|file| read_fixtures(file).0).collect(),
        problems: Vec::new(),
    }
}
