//! Reads conversation rules: `temporal`, `temporal_ordered`, `event_count`.

use chrono::TimeDelta;

use super::super::diagnostic::Code;
use super::super::rule::{Correlation, CorrelationKind, Side, Step};
use super::super::yaml::{Node, Value};
use super::fields::{Complaints, Fields, text, texts};

/// The longest span of time that a conversation rule may cover.
const MAX_DAYS: i64 = 90;

pub fn read(fields: &Fields<'_>, kind: &str, log: &mut Complaints) -> Option<Correlation> {
    let timespan = read_span(fields.require("timespan", log)?, log)?;
    if kind == "event_count" {
        let count = fields.require("count", log).and_then(|_| fields.count("count", 50, log))?;
        if count < 2 {
            log.add(
                Code::WrongType,
                fields.at,
                "`count` is at least 2: one match is what the rule itself reports",
            );
            return None;
        }
        let rules = texts(fields.require("rules", log)?, "rules", log);
        let by = fields.choice("by", Side::NAMES, Side::parse, log).unwrap_or(Side::Any);
        let steps = vec![Step { rules, by }];
        return Some(Correlation { kind: CorrelationKind::EventCount(count), steps, timespan });
    }
    for key in ["rules", "count", "by"] {
        if let Some(node) = fields.get(key) {
            log.add(
                Code::UnknownKey,
                node.at,
                format!("`{key}` does not belong into a rule of kind {kind}"),
            )
            .help = Some("list the rules under `steps`".into());
        }
    }
    let node = fields.require("steps", log)?;
    let Value::List(items) = &node.value else {
        log.add(Code::WrongType, node.at, "`steps` must be a list of rules");
        return None;
    };
    if items.len() < 2 {
        log.add(Code::WrongType, node.at, "`steps` needs at least two entries");
        return None;
    }
    let steps: Vec<Step> = items.iter().filter_map(|item| read_step(item, log)).collect();
    let kind = if kind == "temporal" { CorrelationKind::Temporal } else { CorrelationKind::TemporalOrdered };
    (steps.len() == items.len()).then_some(Correlation { kind, steps, timespan })
}

fn read_step(node: &Node, log: &mut Complaints) -> Option<Step> {
    if let Value::Text(rule) = &node.value {
        return Some(Step { rules: vec![(rule.clone(), node.at)], by: Side::Any });
    }
    let fields = Fields::new(node, "a step", &["rule", "by"], log)?;
    let rules = texts(fields.require("rule", log)?, "rule", log);
    let by = fields.choice("by", Side::NAMES, Side::parse, log).unwrap_or(Side::Any);
    (!rules.is_empty()).then_some(Step { rules, by })
}

/// `90s`, `10m`, `6h`, `2d`.
fn read_span(node: &Node, log: &mut Complaints) -> Option<TimeDelta> {
    let source = text(node, "timespan", log)?;
    let span =
        parse_span(source).filter(|span| *span > TimeDelta::zero() && *span <= TimeDelta::days(MAX_DAYS));
    if span.is_none() {
        log.add(
            Code::UnknownValue,
            node.at,
            format!("`{source}` is not a span of time up to {MAX_DAYS} days"),
        )
        .help = Some("write a number and s, m, h or d, such as 30m or 2d".into());
    }
    span
}

/// A number with a unit (s, m, h, d) as a span of time.
pub fn parse_span(source: &str) -> Option<TimeDelta> {
    let source = source.trim();
    let unit = source.chars().next_back()?;
    let number: i64 = source.strip_suffix(unit)?.trim().parse().ok()?;
    if !(0..=100_000_000).contains(&number) {
        return None;
    }
    match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    }
}
