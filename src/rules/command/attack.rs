//! `rules attack`: how many rewritten fixtures the rules still find.

use std::io::Write;

use serde_json::json;

use super::super::attack::{AttackReport, Attempt, Tally, attack as run};
use super::super::rule::Status;
use super::check::load_usable;
use super::{CommandError, Exit, Format, Options};
use crate::text::Tokenizer;

/// The share of rewritten fixtures that a stable rule must find.
pub const STABLE_RECALL: f64 = 0.95;

/// What to attack, and how much to tell.
#[derive(Debug, Clone, Default)]
pub struct AttackOptions {
    pub options: Options,
    /// Only this rule.
    pub rule: Option<String>,
    pub seed: u64,
    /// Whether every miss is written with its text.
    pub misses: bool,
}

/// Attacks the fixtures and writes recall by kind and by rule. Fails when a stable rule finds less than [`STABLE_RECALL`].
pub fn attack(what: &AttackOptions, out: &mut dyn Write) -> Result<Exit, CommandError> {
    what.options.only_pretty_or_json("rules attack")?;
    let Some((pack, fixtures)) = load_usable(&what.options, out)? else { return Ok(Exit::Usage) };
    if let Some(rule) = what.rule.as_deref().filter(|rule| pack.rule(rule).is_none()) {
        return Err(super::unknown_rule(&pack, rule));
    }
    let report = run(&pack, &fixtures, &Tokenizer::new()?, what.rule.as_deref(), what.seed);
    match what.options.format {
        Format::Json => json(&report, what, out)?,
        _ => pretty(&report, what, out)?,
    }
    let weak = report.by_rule().values().any(|(status, tally)| is_weak(*status, *tally));
    Ok(if weak { Exit::Failures } else { Exit::Fine })
}

fn is_weak(status: Status, tally: Tally) -> bool {
    status == Status::Stable && tally.recall() < STABLE_RECALL
}

fn percent(tally: Tally) -> String {
    format!("{:5.1}% {:>5}/{}", 100.0 * tally.recall(), tally.caught, tally.total)
}

fn misses(report: &AttackReport) -> impl Iterator<Item = &Attempt> {
    report.attempts.iter().filter(|attempt| !attempt.caught)
}

fn pretty(report: &AttackReport, what: &AttackOptions, out: &mut dyn Write) -> Result<(), CommandError> {
    writeln!(out, "by kind of evasion (all rules | stable rules):")?;
    for (kind, tally) in report.by_kind() {
        let stable = report.tally(|one| one.kind == kind.name && one.status == Status::Stable);
        let stable = if stable.total == 0 { "—".to_owned() } else { percent(stable) };
        writeln!(out, "  {:20} {:15} | {}", kind.name, percent(tally), stable)?;
    }
    writeln!(out, "by rule:")?;
    for (rule, (status, tally)) in report.by_rule() {
        let mark = if is_weak(status, tally) { "  TOO LOW for stable" } else { "" };
        writeln!(out, "  {}  {rule} ({status}){mark}", percent(tally))?;
        if tally.caught < tally.total {
            let weak: Vec<_> = report
                .weak_kinds(rule)
                .into_iter()
                .map(|(kind, tally)| format!("{kind} {}/{}", tally.total - tally.caught, tally.total))
                .collect();
            writeln!(out, "        missed: {}", weak.join(", "))?;
        }
    }
    if what.misses {
        writeln!(out, "misses:")?;
        for miss in misses(report) {
            writeln!(out, "  {}:{}: {} [{}]", miss.file, miss.at.line, miss.rule_id, miss.kind)?;
            writeln!(out, "      as written: {}", one_line(&miss.original))?;
            writeln!(out, "      rewritten:  {}", one_line(&miss.rewritten))?;
        }
    }
    let all = report.tally(|_| true);
    let stable = report.tally(|one| one.status == Status::Stable);
    writeln!(
        out,
        "seed {}: all rules {}, stable rules {}",
        what.seed,
        percent(all).trim(),
        percent(stable).trim()
    )?;
    let weak = report.by_rule().values().filter(|(status, tally)| is_weak(*status, *tally)).count();
    if weak > 0 {
        let least = 100.0 * STABLE_RECALL;
        writeln!(
            out,
            "{weak} stable rules are under {least}%: choose a view that undoes the missed kinds, or make them `test`"
        )?;
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn json(report: &AttackReport, what: &AttackOptions, out: &mut dyn Write) -> Result<(), CommandError> {
    let tally =
        |tally: Tally| json!({"caught": tally.caught, "total": tally.total, "recall": tally.recall()});
    let kinds: Vec<_> = report
        .by_kind()
        .into_iter()
        .map(|(kind, all)| {
            let stable = report.tally(|one| one.kind == kind.name && one.status == Status::Stable);
            json!({"kind": kind.name, "undone_by": kind.undone_by, "all": tally(all), "stable": tally(stable)})
        })
        .collect();
    let rules: Vec<_> = report
        .by_rule()
        .into_iter()
        .map(|(rule, (status, all))| {
            let missed: serde_json::Map<_, _> = report
                .weak_kinds(rule)
                .into_iter()
                .map(|(kind, tally)| (kind.to_owned(), json!(tally.total - tally.caught)))
                .collect();
            json!({
                "rule": rule, "status": status.as_str(), "tally": tally(all), "missed": missed,
                "too_low": is_weak(status, all),
            })
        })
        .collect();
    let mut whole = json!({
        "seed": what.seed,
        "stable_recall": STABLE_RECALL,
        "all": tally(report.tally(|_| true)),
        "stable": tally(report.tally(|one| one.status == Status::Stable)),
        "kinds": kinds,
        "rules": rules,
    });
    if what.misses {
        whole["misses"] = misses(report)
            .map(|miss| {
                json!({
                    "rule": miss.rule_id, "kind": miss.kind, "case": miss.case, "file": miss.file,
                    "line": miss.at.line, "text": miss.original, "rewritten": miss.rewritten,
                })
            })
            .collect();
    }
    super::write_json(&whole, out)
}
