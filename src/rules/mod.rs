//! The rule engine: files that authors write, compiled into one pass over the views of a message.
//!
//! `docs/rules.md` is the authors' guide. The engine is pure; [`files`] reads the folder, [`command`] serves the command line.

mod attack;
mod chain;
mod check;
pub mod command;
mod condition;
mod conversation;
mod cost;
mod coverage;
mod diagnostic;
mod diff;
mod engine;
mod evaluate;
mod explain;
mod files;
mod fixture;
mod literals;
mod pack;
mod pattern;
mod places;
mod reach;
mod read;
mod references;
mod review;
mod rule;
mod sample;
mod scan;
mod selftest;
mod settling;
mod suite;
mod switched;
mod truth;
mod turn;
mod variants;
mod yaml;

pub use attack::{AttackReport, Attempt, KINDS, Kind, Tally, attack};
pub use coverage::{RuleCoverage, cover};
pub use diagnostic::{Code, Diagnostic, Gravity, Position, nearest};
pub use diff::{Change, Difference, RuleChange, Side, compare};
pub use engine::{EarlierPart, Evaluation, Finding, MAX_HISTORY, Undecided};
pub use evaluate::Hit;
pub use explain::{RuleExplanation, SelectionExplanation, explain_rule, touched_rules};
pub use files::{SourceFile, read_folder};
pub use fixture::{Expect, Fixture, Stage, read_fixtures};
pub use pack::RulePack;
pub use references::References;
pub use rule::{Body, Mode, Rule, Severity, Status};
pub use scan::Scan;
pub use selftest::{Fingerprint, PackFiles, Refusal, Snapshot};
pub use settling::Settling;
pub use suite::{CaseResult, Mismatch, MismatchKind, Outcome, run as run_fixtures};
pub use truth::Truth;
pub use turn::Turn;
