//! `rules coverage`: which branches of the rules no fixture reaches.

use std::io::Write;

use serde_json::json;

use super::super::coverage::{RuleCoverage, cover};
use super::super::rule::Status;
use super::check::load_usable;
use super::report::{JunitCase, github, write_junit};
use super::{CommandError, Exit, Format, Options};
use crate::text::Tokenizer;

/// Writes the coverage of every rule. Fails when a stable rule has a branch that no fixture reaches.
pub fn coverage(options: &Options, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let Some((pack, fixtures)) = load_usable(options, out)? else { return Ok(Exit::Usage) };
    let covered = cover(&pack, &fixtures, &Tokenizer::new()?);
    let lacking = |rule: &RuleCoverage| rule.status == Status::Stable && !rule.is_complete();
    match options.format {
        Format::Pretty => pretty(&covered, out)?,
        Format::Json => {
            let all: Vec<_> = covered.iter().map(to_json).collect();
            serde_json::to_writer_pretty(&mut *out, &all)?;
            writeln!(out)?;
        }
        Format::Junit => {
            let cases: Vec<_> = covered
                .iter()
                .map(|rule| JunitCase {
                    class: "coverage".into(),
                    name: rule.rule_id.clone(),
                    failure: lacking(rule).then(|| missing(rule)),
                    skipped: false,
                })
                .collect();
            write_junit("rules coverage", &cases, out)?;
        }
        Format::Github => {
            for rule in covered.iter().filter(|rule| !rule.is_complete()) {
                let kind = if lacking(rule) { "error" } else { "warning" };
                let file = pack.rule(&rule.rule_id).map_or("rules", |rule| rule.file.as_str());
                github(out, kind, file, 1, 1, "coverage", &missing(rule))?;
            }
        }
    }
    Ok(if covered.iter().any(lacking) { Exit::Failures } else { Exit::Fine })
}

fn missing(rule: &RuleCoverage) -> String {
    let mut parts = Vec::new();
    if !rule.unreached.is_empty() {
        parts.push(format!("nothing found by {}", rule.unreached.join(", ")));
    }
    if !rule.unexcused.is_empty() {
        parts.push(format!("nothing excused by not {}", rule.unexcused.join(", not ")));
    }
    format!("{}: {}", rule.rule_id, parts.join("; "))
}

fn pretty(covered: &[RuleCoverage], out: &mut dyn Write) -> Result<(), CommandError> {
    for rule in covered {
        let languages: Vec<_> =
            rule.by_language.iter().map(|(language, yes, no)| format!("{language} +{yes} −{no}")).collect();
        writeln!(out, "{}/{}  {}  ({})", rule.reached, rule.total, rule.rule_id, languages.join(", "))?;
        if !rule.is_complete() {
            writeln!(out, "      {}", missing(rule))?;
        }
    }
    let complete = covered.iter().filter(|rule| rule.is_complete()).count();
    writeln!(out, "{complete} of {} rules are covered completely", covered.len())?;
    Ok(())
}

fn to_json(rule: &RuleCoverage) -> serde_json::Value {
    let languages: serde_json::Map<_, _> = rule
        .by_language
        .iter()
        .map(|(language, yes, no)| (language.to_string(), json!({"match": yes, "no_match": no})))
        .collect();
    json!({
        "rule": rule.rule_id, "status": rule.status.as_str(), "reached": rule.reached, "total": rule.total,
        "unreached": rule.unreached, "unexcused": rule.unexcused, "cases": languages,
    })
}
