//! `rules check`: everything that is wrong with the rules and their fixtures.

use std::io::Write;

use super::super::coverage::cover;
use super::super::diagnostic::{Code, Diagnostic, Position};
use super::super::files::read_folder;
use super::super::fixture::{Fixture, read_fixtures};
use super::super::pack::RulePack;
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
            if *positive == 0 {
                found.push(
                    complain(
                        Code::NoPositive,
                        format!("`{}` has no fixture in {language} that it matches", rule.id),
                    )
                    .help("add one under `match` in fixtures/rules"),
                );
            }
            if *negative == 0 {
                found.push(
                    complain(Code::NoNearMiss, format!("`{}` has no near miss in {language}", rule.id))
                        .help("add an ordinary text that looks alike under `no_match`"),
                );
            }
        }
        if rule.status == Status::Stable && !covered.is_complete() {
            let names = [covered.unreached, covered.unexcused].concat().join(", ");
            found.push(complain(
                Code::Uncovered,
                format!("`{}` is stable, but no fixture reaches: {names}", rule.id),
            ));
        }
    }
    found
}
