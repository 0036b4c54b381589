//! A pack for a program that is running: read, compiled, checked and tried on its fixtures before it may take another's place.

use std::path::PathBuf;

use super::command::missing_fixtures;
use super::diagnostic::Diagnostic;
use super::files::{SourceFile, read_folder};
use super::fixture::{Fixture, read_fixtures};
use super::pack::{RulePack, version_of};
use super::review::review;
use super::suite::{CaseResult, Mismatch, MismatchKind, run};
use crate::text::Tokenizer;

/// Where a pack stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackFiles {
    pub rules: PathBuf,
    /// Fixtures that a pack has to pass.
    pub fixtures: Option<PathBuf>,
}

impl PackFiles {
    /// Reads everything at once, so that what is compiled is what was compared.
    pub fn read(&self) -> Snapshot {
        Snapshot {
            rules: read_folder(&self.rules),
            fixtures: self.fixtures.as_deref().map_or(Ok(Vec::new()), read_folder),
        }
    }
}

type Read = Result<Vec<SourceFile>, Vec<Diagnostic>>;

/// What stood in the folders at one moment.
pub struct Snapshot {
    rules: Read,
    fixtures: Read,
}

/// Tells two snapshots apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// The version of the pack, where its files can be read.
    pub rules: String,
    pub fixtures: String,
}

/// Why a pack is not taken, one sentence a problem, each with file and line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub problems: Vec<String>,
}

impl Snapshot {
    /// The rule files, if they could be read.
    pub fn rule_files(&self) -> &[SourceFile] {
        self.rules.as_deref().unwrap_or_default()
    }

    /// The fixture files, if they could be read.
    pub fn fixture_files(&self) -> &[SourceFile] {
        self.fixtures.as_deref().unwrap_or_default()
    }

    /// The rules alone, without a look at fixtures: what a worker starts on.
    pub fn compiled(&self) -> Result<RulePack, Refusal> {
        let files = self.rules.as_deref().map_err(|problems| refused(problems.to_vec()))?;
        RulePack::compile(files).map_err(refused)
    }

    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint { rules: fingerprint(&self.rules), fixtures: fingerprint(&self.fixtures) }
    }

    /// The pack, if nothing is wrong with its files and every fixture about its rules comes out as expected. Takes seconds for a
    /// large pack. Pure.
    pub fn pack(self, tokenizer: &Tokenizer) -> Result<RulePack, Refusal> {
        let pack = RulePack::compile(&self.rules.map_err(refused)?).map_err(refused)?;
        let fixtures = fixtures(&self.fixtures.map_err(refused)?)?;
        let mut found = review(&pack);
        if !fixtures.is_empty() {
            found.extend(missing_fixtures(&pack, &fixtures, tokenizer));
        }
        let mut problems: Vec<String> =
            found.iter().filter(|found| found.is_error()).map(ToString::to_string).collect();
        for case in run(&pack, &fixtures, tokenizer) {
            problems.extend(case.mismatches.iter().filter_map(|found| mismatch(&case, found)));
        }
        if problems.is_empty() { Ok(pack) } else { Err(Refusal { problems }) }
    }
}

fn fingerprint(read: &Read) -> String {
    match read {
        Ok(files) => version_of(files),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

fn fixtures(files: &[SourceFile]) -> Result<Vec<Fixture>, Refusal> {
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        let (found, complaints) = read_fixtures(file);
        all.extend(found);
        problems.extend(complaints.into_iter().filter(Diagnostic::is_error));
    }
    if problems.is_empty() { Ok(all) } else { Err(refused(problems)) }
}

fn refused(problems: Vec<Diagnostic>) -> Refusal {
    Refusal { problems: problems.iter().map(ToString::to_string).collect() }
}

/// A mismatch without the fixture's text. Cases about rules of another pack, and known misses that are none any more, say nothing
/// against this one.
fn mismatch(case: &CaseResult, found: &Mismatch) -> Option<String> {
    let what = match found.kind {
        MismatchKind::Missed => "should match and does not",
        MismatchKind::FalseAlarm => "should not match but does",
        MismatchKind::Spans => "marks other parts than expected",
        MismatchKind::Undecided => "should be undecided",
        MismatchKind::UnknownRule | MismatchKind::TodoPassed => return None,
    };
    Some(format!("{}:{}: fixture {}: `{}` {what}", case.file, found.at.line, case.name, found.rule))
}
