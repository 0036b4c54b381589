//! `rules diff`: which messages of a corpus another version of the pack judges differently, and why.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::super::diff::{Change, Difference, RuleChange, Side, compare};
use super::super::pack::RulePack;
use super::super::rule::Mode;
use super::super::suite::mark;
use super::base::read_base;
use super::check::load;
use super::corpus::{Line, read};
use super::report::write_diagnostics;
use super::{CommandError, Exit, Format, Options};
use crate::contract::Limits;
use crate::text::Tokenizer;

/// What to compare, over which messages.
#[derive(Debug, Clone)]
pub struct DiffOptions {
    pub options: Options,
    /// A folder of rules or a git revision.
    pub base: String,
    /// JSON Lines, a file or a folder.
    pub corpus: PathBuf,
    pub limits: Limits,
}

/// One message that is judged differently.
struct Row {
    line: Line,
    difference: Difference,
}

/// Writes every message of the corpus that the two packs judge differently. Fine when there is none, otherwise a failure.
pub fn diff(what: &DiffOptions, out: &mut dyn Write) -> Result<Exit, CommandError> {
    what.options.only_pretty_or_json("rules diff")?;
    let files = read_base(&what.base, &what.options.rules)?;
    let (base, base_problems) = RulePack::compile_with_warnings(&files);
    let (new, problems) = load(&what.options);
    let (base, new) = match (base, new) {
        (Some(base), Some(new)) => (base, new),
        (base, _) => {
            let mut problems = if base.is_none() { base_problems } else { problems };
            problems.retain(|problem| problem.is_error());
            write_diagnostics(&problems, what.options.format, out)?;
            return Ok(Exit::Usage);
        }
    };
    let mut messages = 0;
    let mut rows = Vec::new();
    for talk in read(&what.corpus, what.limits, &Tokenizer::new()?)? {
        let (before, after) = (talk.turns(&base), talk.turns(&new));
        for (index, line) in talk.messages.iter().enumerate() {
            messages += 1;
            let base = Side { pack: &base, turns: &before };
            let new = Side { pack: &new, turns: &after };
            if let Some(difference) = compare(&base, &new, index) {
                rows.push(Row { line: line.clone(), difference });
            }
        }
    }
    rows.sort_by_key(|row| row.difference.change);
    match what.options.format {
        Format::Json => json(&rows, messages, &base, &new, out)?,
        _ => pretty(&rows, messages, out)?,
    }
    Ok(if rows.is_empty() { Exit::Fine } else { Exit::Failures })
}

/// How many messages each rule gained and lost.
fn by_rule(rows: &[Row]) -> BTreeMap<&str, (usize, usize)> {
    let mut rules: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for row in rows {
        for gain in &row.difference.gained {
            rules.entry(&gain.rule_id).or_default().0 += 1;
        }
        for loss in &row.difference.lost {
            rules.entry(&loss.rule_id).or_default().1 += 1;
        }
    }
    rules
}

fn count(rows: &[Row], change: Change) -> usize {
    rows.iter().filter(|row| row.difference.change == change).count()
}

fn excerpt(line: &Line, change: &RuleChange) -> String {
    let spans: Vec<_> = change.spans.iter().map(|span| span.start..span.end).collect();
    mark(&line.text, &spans)
}

fn pretty(rows: &[Row], messages: usize, out: &mut dyn Write) -> Result<(), CommandError> {
    for change in Change::ALL {
        if count(rows, change) > 0 {
            writeln!(out, "{}:", change.as_str())?;
        }
        for row in rows.iter().filter(|row| row.difference.change == change) {
            writeln!(out, "  {}", row.line.name)?;
            let changes = row.difference.gained.iter().map(|gain| ('+', gain));
            for (sign, rule) in changes.chain(row.difference.lost.iter().map(|loss| ('-', loss))) {
                let shadow = if rule.mode == Mode::Shadow { " (shadow)" } else { "" };
                writeln!(out, "    {sign} {}{shadow}: {}", rule.rule_id, excerpt(&row.line, rule))?;
                for reason in &rule.reasons {
                    writeln!(out, "        {reason}")?;
                }
            }
        }
    }
    if !rows.is_empty() {
        writeln!(out, "by rule:")?;
    }
    for (rule, (gained, lost)) in by_rule(rows) {
        writeln!(out, "  +{gained} -{lost}  {rule}")?;
    }
    let counts: Vec<_> =
        Change::ALL.iter().map(|change| format!("{} {}", count(rows, *change), change.as_str())).collect();
    writeln!(out, "{messages} messages: {}", counts.join(", "))?;
    Ok(())
}

fn json(
    rows: &[Row],
    messages: usize,
    base: &RulePack,
    new: &RulePack,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let changes = |line: &Line, list: &[RuleChange]| -> Vec<serde_json::Value> {
        list.iter()
            .map(|change| {
                json!({
                    "rule": change.rule_id, "mode": change.mode.as_str(), "spans": change.spans,
                    "excerpt": excerpt(line, change), "reasons": change.reasons,
                })
            })
            .collect()
    };
    let list: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "message": row.line.name, "change": row.difference.change.as_str(),
                "gained": changes(&row.line, &row.difference.gained),
                "lost": changes(&row.line, &row.difference.lost),
            })
        })
        .collect();
    let rules: serde_json::Map<_, _> = by_rule(rows)
        .into_iter()
        .map(|(rule, (gained, lost))| (rule.to_owned(), json!({"gained": gained, "lost": lost})))
        .collect();
    let report = json!({
        "base": base.version(), "new": new.version(), "messages": messages,
        "newly_flagged": count(rows, Change::Newly), "no_longer_flagged": count(rows, Change::NoLonger),
        "flagged_by_other_rules": count(rows, Change::Otherwise), "rules": rules, "differences": list,
    });
    super::write_json(&report, out)
}
