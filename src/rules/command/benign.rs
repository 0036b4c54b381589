//! `rules benign`: how often the pack raises an alert on ordinary messages.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::super::engine::Finding;
use super::super::rule::Mode;
use super::super::suite::mark;
use super::check::load_usable;
use super::corpus::{Line, read};
use super::{CommandError, Exit, Format, Options};
use crate::contract::Limits;
use crate::text::Tokenizer;

/// Enforced alerts that a thousand ordinary messages may raise.
pub const MAX_ALERTS_PER_THOUSAND: f64 = 1.0;

/// Which messages are ordinary.
#[derive(Debug, Clone)]
pub struct BenignOptions {
    pub options: Options,
    /// JSON Lines, a file or a folder.
    pub corpus: PathBuf,
    pub limits: Limits,
}

/// An ordinary message on which an enforced rule fired.
struct Alert {
    line: Line,
    finding: Finding,
}

/// Runs the pack over ordinary messages and writes every alert. Fails when there are more than
/// [`MAX_ALERTS_PER_THOUSAND`]. A message with alerts of several rules counts once.
pub fn benign(what: &BenignOptions, out: &mut dyn Write) -> Result<Exit, CommandError> {
    what.options.only_pretty_or_json("rules benign")?;
    let Some((pack, _)) = load_usable(&what.options, out)? else { return Ok(Exit::Usage) };
    let talks = read(&what.corpus, what.limits, &Tokenizer::new()?)?;
    let mut messages = 0;
    let mut alerted = 0;
    let mut alerts = Vec::new();
    for talk in &talks {
        let turns = talk.turns(&pack);
        for (index, line) in talk.messages.iter().enumerate() {
            messages += 1;
            let mut findings = pack.evaluate(&turns, index, true).findings;
            findings.retain(|finding| finding.mode == Mode::Enforce);
            alerted += usize::from(!findings.is_empty());
            alerts.extend(findings.into_iter().map(|finding| Alert { line: line.clone(), finding }));
        }
    }
    let rate = 1_000.0 * alerted as f64 / messages as f64;
    if what.options.format == Format::Json {
        let list: Vec<_> = alerts
            .iter()
            .map(|alert| {
                json!({
                    "message": alert.line.name, "rule": alert.finding.rule_id,
                    "spans": alert.finding.spans, "excerpt": excerpt(alert),
                })
            })
            .collect();
        let report = json!({
            "messages": messages, "alerted": alerted, "per_thousand": rate,
            "allowed_per_thousand": MAX_ALERTS_PER_THOUSAND, "alerts": list,
        });
        super::write_json(&report, out)?;
    } else {
        for alert in &alerts {
            writeln!(out, "{}: {}", alert.line.name, alert.finding.rule_id)?;
            writeln!(out, "    {}", excerpt(alert))?;
        }
        writeln!(
            out,
            "{messages} ordinary messages, {alerted} with an enforced alert: {rate:.2} per 1,000 (allowed: {MAX_ALERTS_PER_THOUSAND})"
        )?;
    }
    Ok(if rate > MAX_ALERTS_PER_THOUSAND { Exit::Failures } else { Exit::Fine })
}

fn excerpt(alert: &Alert) -> String {
    let spans: Vec<_> = alert.finding.spans.iter().map(|span| span.start..span.end).collect();
    mark(&alert.line.text, &spans)
}
