//! The table that the demo ends with.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::super::error::CliError;
use crate::contract::{Label, Policy};
use crate::store::{AlertRow, Page, Store};

/// Alerts that are looked at for the examples.
const LOOK_AT: u32 = 400;
const EXAMPLES: usize = 3;

/// Counts, three marked examples, times.
pub async fn summary(
    store: &dyn Store,
    events: &BTreeMap<String, u64>,
    loaded: Duration,
    took: Duration,
) -> Result<String, CliError> {
    let counts = store.summary().await?;
    let mut text = String::new();
    let rate = counts.verdicts as f64 / took.as_secs_f64();
    let _ = writeln!(text, "\nmessages                     {:>7}", counts.messages);
    for (action, count) in &counts.actions {
        let _ = writeln!(text, "  {:<26} {count:>7}", action.as_str());
    }
    let _ = writeln!(text, "\nalerts by policy and source");
    for ((policy, source), count) in &counts.alerts {
        let _ = writeln!(text, "  {:<19} {source:<11} {count:>5}", policy.as_str());
    }
    let _ = writeln!(text, "\nthree of them, with what the rules matched in 【】");
    for alert in examples(store.alerts(Page { offset: 0, limit: LOOK_AT }).await?) {
        let _ = writeln!(text, "  {} {:.2}  {}", alert.policy, alert.score, marked(&alert));
        let _ = writeln!(text, "      {}", sources(&alert));
    }
    let _ = writeln!(text, "\ninquiries                    {:>7}", counts.inquiries);
    for (status, count) in &counts.inquiries_by_status {
        let _ = writeln!(text, "  {status:<26} {count:>7}");
    }
    let _ = writeln!(text, "\ninquiries by skill");
    for (skill, count) in &counts.inquiries_by_skill {
        let _ = writeln!(text, "  {:<26} {count:>7}", skill.as_str());
    }
    let _ = writeln!(text, "\ninquiries by agent");
    for ((id, name), count) in &counts.inquiries_by_agent {
        let _ = writeln!(text, "  {:<26} {count:>7}", format!("{id} {name}"));
    }
    let _ = writeln!(text, "\ndead letters                 {:>7}", counts.dead_letters);
    let _ = writeln!(text, "events published");
    for (routing_key, count) in events {
        let _ = writeln!(text, "  {routing_key:<26} {count:>7}");
    }
    let _ = writeln!(
        text,
        "\nloaded in {:.1} s, worked for {:.1} s ({rate:.0} messages/s with the inquiries beside them)",
        loaded.as_secs_f64(),
        took.as_secs_f64()
    );
    Ok(text)
}

/// One alert for each policy first, then others; those where a rule shows a place before those without, short texts first.
fn examples(mut alerts: Vec<AlertRow>) -> Vec<AlertRow> {
    alerts
        .sort_by_key(|alert| (spans(alert).is_empty(), alert.text.chars().count(), alert.message_id.clone()));
    let mut chosen: Vec<AlertRow> = Vec::new();
    let mut per_policy: BTreeMap<Policy, usize> = BTreeMap::new();
    for most in 1..=EXAMPLES {
        for alert in &alerts {
            let taken = per_policy.entry(alert.policy.clone()).or_default();
            let known = chosen.iter().any(|other| other.message_id == alert.message_id);
            if chosen.len() < EXAMPLES && *taken < most && !known && alert.text.chars().count() >= 12 {
                *taken += 1;
                chosen.push(alert.clone());
            }
        }
    }
    chosen
}

/// Spans of the alert's policy, merged where they overlap, as pairs of scalar values.
fn spans(alert: &AlertRow) -> Vec<(usize, usize)> {
    let own = |label: &&Label| label.policy == alert.policy;
    let mut all: Vec<(usize, usize)> = alert
        .labels
        .iter()
        .filter(own)
        .flat_map(|label| &label.spans)
        .map(|span| (span.start, span.end))
        .collect();
    all.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (start, end) in all {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

fn marked(alert: &AlertRow) -> String {
    let spans = spans(alert);
    let mut out = String::new();
    for (index, character) in alert.text.chars().enumerate() {
        if spans.iter().any(|(start, _)| *start == index) {
            out.push('【');
        }
        out.push(if character.is_control() { ' ' } else { character });
        if spans.iter().any(|(_, end)| *end == index + 1) {
            out.push('】');
        }
    }
    out
}

fn sources(alert: &AlertRow) -> String {
    let own = alert.labels.iter().filter(|label| label.policy == alert.policy);
    own.map(|label| format!("{} {:.2}", label.source, label.score)).collect::<Vec<_>>().join(", ")
}
