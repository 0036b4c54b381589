//! `rules check`: everything that is wrong with the rules and their fixtures.

use std::io::Write;

use super::super::coverage::cover;
use super::super::diagnostic::{Code, Diagnostic, Position};
use super::super::files::read_folder;
use super::super::fixture::{Fixture, read_fixtures};
use super::super::pack::RulePack;
use super::super::review::review;
use super::super::rule::Status;
use super::report::write_diagnostics;
use super::{CommandError, Exit, Options};
use crate::text::Tokenizer;

/// Reads and compiles everything and writes every diagnostic. Errors fail; warnings do not.
pub fn check(options: &Options, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let tokenizer = Tokenizer::new()?;
    let (pack, mut diagnostics) = load(options);
    let (fixtures, complaints) = load_fixtures(options);
    diagnostics.extend(complaints);
    if let Some(pack) = &pack {
        diagnostics.extend(review(pack));
        diagnostics.extend(missing_fixtures(pack, &fixtures, &tokenizer));
    }
    diagnostics.sort_by(|a, b| (&a.file, a.at, a.code).cmp(&(&b.file, b.at, b.code)));
    write_diagnostics(&diagnostics, options.format, out)?;
    Ok(if diagnostics.iter().any(Diagnostic::is_error) { Exit::Failures } else { Exit::Fine })
}

/// The pack, where it compiles, and everything that is wrong with it.
pub fn load(options: &Options) -> (Option<RulePack>, Vec<Diagnostic>) {
    match read_folder(&options.rules) {
        Ok(files) => RulePack::compile_with_warnings(&files),
        Err(problems) => (None, problems),
    }
}

/// The pack and its fixtures; `None`, with what is wrong written out, when they cannot be used.
pub fn load_usable(
    options: &Options,
    out: &mut dyn Write,
) -> Result<Option<(RulePack, Vec<Fixture>)>, CommandError> {
    let (pack, diagnostics) = load(options);
    let (fixtures, complaints) = load_fixtures(options);
    let broken: Vec<_> = diagnostics.into_iter().chain(complaints).filter(Diagnostic::is_error).collect();
    match pack.filter(|_| broken.is_empty()) {
        Some(pack) => Ok(Some((pack, fixtures))),
        None => {
            write_diagnostics(&broken, options.format, out)?;
            Ok(None)
        }
    }
}

pub fn load_fixtures(options: &Options) -> (Vec<Fixture>, Vec<Diagnostic>) {
    let files = match read_folder(&options.fixtures) {
        Ok(files) => files,
        Err(problems) => return (Vec::new(), problems),
    };
    let mut fixtures = Vec::new();
    let mut diagnostics = Vec::new();
    for file in &files {
        let (found, complaints) = read_fixtures(file);
        fixtures.extend(found);
        diagnostics.extend(complaints);
    }
    (fixtures, diagnostics)
}

/// Every language of a rule needs a case that matches and a near miss; a stable rule needs every branch reached.
pub fn missing_fixtures(pack: &RulePack, fixtures: &[Fixture], tokenizer: &Tokenizer) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for covered in cover(pack, fixtures, tokenizer) {
        let Some(rule) = pack.rule(&covered.rule_id).filter(|rule| !rule.is_part()) else { continue };
        let complain = |code: Code, message: String| {
            let at = Position { line: rule.at.line.max(1), column: rule.at.column.max(1) };
            Diagnostic::new(code, &rule.file, at, message)
        };
        for (language, positive, negative) in &covered.by_language {
            // What only a warning asks for elsewhere, a stable rule must have.
            let stable = rule.status == Status::Stable;
            if *positive == 0 {
                let code = if stable { Code::Uncovered } else { Code::NoPositive };
                let message = format!("`{}` has no fixture in {language} that it matches", rule.id);
                found.push(complain(code, message).help("add one under `match` in fixtures/rules"));
            }
            if *negative == 0 {
                let code = if stable { Code::Uncovered } else { Code::NoNearMiss };
                let message = format!("`{}` has no near miss in {language}", rule.id);
                let help = "add an ordinary text that looks alike under `no_match`";
                found.push(complain(code, message).help(help));
            }
        }
        if rule.status == Status::Stable && !covered.is_complete() {
            let excused = covered.unexcused.iter().map(|name| format!("not {name}"));
            let names: Vec<_> = covered.unreached.iter().cloned().chain(excused).collect();
            let message = format!("`{}` is stable, but no fixture reaches: {}", rule.id, names.join(", "));
            let help = "add a fixture for each, delete what cannot be reached, or make the rule `test`";
            found.push(complain(Code::Uncovered, message).help(help));
        }
    }
    found
}
