//! `rules test`: runs the fixtures and writes every mismatch.

use std::io::Write;

use serde_json::json;

use super::super::explain::{RuleExplanation, SelectionExplanation};
use super::super::suite::{CaseResult, Mismatch, MismatchKind, Outcome, run};
use super::super::truth::Truth;
use super::check::load_usable;
use super::report::{JunitCase, github, write_junit};
use super::{CommandError, Exit, Format, Options};
use crate::text::Tokenizer;

/// Which cases to run, and how to write.
#[derive(Debug, Clone, Default)]
pub struct TestOptions {
    pub options: Options,
    /// Only cases whose name (`rule#id`), file or description contains this.
    pub filter: Option<String>,
}

/// Runs the cases. Damaged files end it as wrong usage, mismatches as failures.
pub fn test(test: &TestOptions, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let options = &test.options;
    let Some((pack, mut fixtures)) = load_usable(options, out)? else { return Ok(Exit::Usage) };
    if let Some(filter) = &test.filter {
        fixtures.retain(|fixture| {
            [Some(&fixture.name), Some(&fixture.file), fixture.desc.as_ref()]
                .into_iter()
                .flatten()
                .any(|text| text.contains(filter.as_str()))
        });
    }
    let results = run(&pack, &fixtures, &Tokenizer::new()?);
    match options.format {
        Format::Pretty => pretty(&results, out)?,
        Format::Json => {
            let all: Vec<_> = results.iter().map(to_json).collect();
            serde_json::to_writer_pretty(&mut *out, &all)?;
            writeln!(out)?;
        }
        Format::Junit => write_junit("rules test", &results.iter().map(to_junit).collect::<Vec<_>>(), out)?,
        Format::Github => {
            for result in &results {
                for found in &result.mismatches {
                    let text = format!("{}\n{}", found.message, found.excerpt);
                    github(out, "error", &result.file, found.at.line, found.at.column, &result.name, &text)?;
                }
            }
        }
    }
    let failed = results.iter().any(|result| result.outcome == Outcome::Failed);
    Ok(if failed { Exit::Failures } else { Exit::Fine })
}

fn pretty(results: &[CaseResult], out: &mut dyn Write) -> Result<(), CommandError> {
    for result in results.iter().filter(|result| result.outcome == Outcome::Failed) {
        for found in &result.mismatches {
            write!(out, "{}", describe(result, found))?;
        }
    }
    let count = |outcome: Outcome| results.iter().filter(|result| result.outcome == outcome).count();
    writeln!(
        out,
        "{} cases: {} passed, {} failed, {} todo",
        results.len(),
        count(Outcome::Passed),
        count(Outcome::Failed),
        count(Outcome::Todo)
    )?;
    Ok(())
}

/// A mismatch for people: place, sentence, marked text, what the selections found.
fn describe(result: &CaseResult, found: &Mismatch) -> String {
    let mut text = format!("{}:{}: {}: {}\n", result.file, found.at.line, result.name, found.message);
    if let Some(desc) = &result.desc {
        text.push_str(&format!("    case: {desc}\n"));
    }
    text.push_str(&format!("    text: {}\n", found.excerpt));
    if let Some(explanation) = found.explanation.as_ref().filter(|_| found.kind != MismatchKind::TodoPassed) {
        for selection in &explanation.selections {
            text.push_str(&format!("    {}\n", describe_selection(selection)));
        }
    }
    text
}

/// One selection in one line.
pub fn describe_selection(selection: &SelectionExplanation) -> String {
    let not = if selection.negated { "not " } else { "" };
    let mut line = format!("{not}{} [{}]: {}", selection.name, selection.view, selection.truth);
    if !selection.hits.is_empty() {
        let places: Vec<_> = selection.hits.iter().map(|hit| format!("{}–{}", hit.start, hit.end)).collect();
        line.push_str(&format!(" at {}", places.join(", ")));
    }
    if !selection.earlier.is_empty() {
        let places: Vec<_> = selection
            .earlier
            .iter()
            .map(|(turn, hit)| format!("message {} {}–{}", turn + 1, hit.start, hit.end))
            .collect();
        line.push_str(&format!(" in {}", places.join(", ")));
    }
    for (hit, by) in &selection.excused {
        line.push_str(&format!("; {}–{} excused by `{by}`", hit.start, hit.end));
    }
    line
}

fn to_json(result: &CaseResult) -> serde_json::Value {
    json!({
        "name": result.name,
        "file": result.file,
        "line": result.at.line,
        "description": result.desc,
        "outcome": match result.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Todo => "todo",
        },
        "mismatches": result.mismatches.iter().map(|found| json!({
            "line": found.at.line,
            "rule": found.rule,
            "message": found.message,
            "excerpt": found.excerpt,
            "selections": found.explanation.as_ref().map(explanation_json),
        })).collect::<Vec<_>>(),
    })
}

/// The selections of an explained rule.
pub fn explanation_json(explanation: &RuleExplanation) -> serde_json::Value {
    let selections: Vec<_> = explanation
        .selections
        .iter()
        .map(|selection| {
            json!({
                "name": selection.name,
                "view": selection.view,
                "negated": selection.negated,
                "truth": truth(selection.truth),
                "hits": selection.hits.iter().map(|hit| [hit.start, hit.end]).collect::<Vec<_>>(),
                "earlier": selection.earlier.iter().map(|(turn, hit)| [*turn, hit.start, hit.end]).collect::<Vec<_>>(),
                "excused": selection.excused.iter()
                    .map(|(hit, by)| json!({"start": hit.start, "end": hit.end, "by": by})).collect::<Vec<_>>(),
            })
        })
        .collect();
    selections.into()
}

/// True, false, or null for unknown.
pub fn truth(truth: Truth) -> Option<bool> {
    match truth {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Unknown => None,
    }
}

fn to_junit(result: &CaseResult) -> JunitCase {
    let text: String = result.mismatches.iter().map(|found| describe(result, found)).collect();
    JunitCase {
        class: result.file.clone(),
        name: result.name.clone(),
        failure: (result.outcome == Outcome::Failed).then_some(text),
        skipped: result.outcome == Outcome::Todo,
    }
}
