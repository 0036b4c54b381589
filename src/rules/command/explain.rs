//! `rules explain`: a message as the rules see it.

use std::io::Write;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::super::explain::{RuleExplanation, explain_rule, touched_rules};
use super::super::pack::RulePack;
use super::super::turn::Turn;
use super::check::load;
use super::report::write_diagnostics;
use super::test::{describe_selection, explanation_json, truth};
use super::{CommandError, Exit, Format, Options};
use crate::contract::{Role, TransactionMessage};
use crate::text::{Tokenizer, ViewKind, Views};

/// What to explain.
#[derive(Debug, Clone)]
pub struct ExplainOptions {
    pub options: Options,
    /// The conversation, oldest first; the last message is explained.
    pub messages: Vec<TransactionMessage>,
    /// Only this rule, even if nothing of it was found.
    pub rule: Option<String>,
}

/// Writes views, tokens and every touched rule with its selections. An unknown rule is wrong usage.
pub fn explain(what: &ExplainOptions, out: &mut dyn Write) -> Result<Exit, CommandError> {
    let (pack, diagnostics) = load(&what.options);
    let Some(pack) = pack else {
        write_diagnostics(&diagnostics, what.options.format, out)?;
        return Ok(Exit::Usage);
    };
    let tokenizer = Tokenizer::new()?;
    let turns: Vec<Turn> = what
        .messages
        .iter()
        .map(|message| {
            let views = Arc::new(Views::new(&message.text, &tokenizer));
            Turn::new(&pack, message.sender_role, message.sent_at, views)
        })
        .collect();
    let Some(judged) = turns.len().checked_sub(1) else {
        writeln!(out, "there is no message to explain")?;
        return Ok(Exit::Usage);
    };
    if let Some(rule) = what.rule.as_deref().filter(|rule| pack.rule(rule).is_none()) {
        let meant = super::super::diagnostic::nearest(rule, pack.rules().map(|known| known.id.as_str()));
        let hint = meant.map(|id| format!("; did you mean `{id}`?")).unwrap_or_default();
        writeln!(out, "no rule is called `{rule}`{hint}")?;
        return Ok(Exit::Usage);
    }
    let names = match &what.rule {
        Some(rule) => vec![rule.clone()],
        None => touched_rules(&pack, &turns, judged),
    };
    let explained: Vec<RuleExplanation> =
        names.iter().filter_map(|name| explain_rule(&pack, name, &turns, judged, true)).collect();
    match what.options.format {
        Format::Json => json_report(&pack, &turns, judged, &explained, out)?,
        _ => pretty(&pack, &turns, judged, &explained, out)?,
    }
    Ok(Exit::Fine)
}

/// A text on the command line as a conversation of one message.
pub fn single_message(text: &str, role: Role) -> Result<TransactionMessage, crate::contract::IdError> {
    Ok(TransactionMessage {
        message_id: crate::contract::MessageId::new("explained")?,
        transaction_id: crate::contract::TransactionId::new("explained")?,
        sender_id: crate::contract::UserId::new("explained")?,
        sender_role: role,
        text: text.to_owned(),
        sent_at: DateTime::<Utc>::UNIX_EPOCH,
    })
}

fn pretty(
    pack: &RulePack,
    turns: &[Turn],
    judged: usize,
    explained: &[RuleExplanation],
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let views = &turns[judged].views;
    for kind in ViewKind::ALL {
        writeln!(out, "{:9} {}", kind.as_str(), views.get(kind).as_str().replace('\n', "⏎"))?;
    }
    let tokens: Vec<String> = views
        .tokens()
        .iter()
        .map(|token| format!("{} ({}, {}, {})", token.surface, token.base, token.reading, token.pos))
        .collect();
    writeln!(out, "tokens    {}", tokens.join(" | "))?;
    writeln!(out, "language  {}", views.language().map_or("unknown", |language| language.as_str()))?;
    for rule in explained {
        writeln!(out, "\n{}: {}", rule.rule_id, rule.truth)?;
        for selection in &rule.selections {
            let found: Vec<String> = selection.hits.iter().map(|hit| views.span(hit.clone()).text).collect();
            let quoted = if found.is_empty() { String::new() } else { format!("  `{}`", found.join("`, `")) };
            writeln!(out, "  {}{quoted}", describe_selection(selection))?;
        }
    }
    let evaluation = pack.evaluate(turns, judged, true);
    writeln!(out)?;
    for finding in &evaluation.findings {
        writeln!(
            out,
            "match: {} ({}, {}, {})",
            finding.rule_id, finding.policy, finding.severity, finding.mode
        )?;
    }
    for undecided in &evaluation.undecided {
        writeln!(out, "undecided: {} (unknown: {})", undecided.rule_id, undecided.selections.join(", "))?;
    }
    if evaluation.findings.is_empty() && evaluation.undecided.is_empty() {
        writeln!(out, "no rule matches")?;
    }
    Ok(())
}

fn json_report(
    pack: &RulePack,
    turns: &[Turn],
    judged: usize,
    explained: &[RuleExplanation],
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let views = &turns[judged].views;
    let evaluation = pack.evaluate(turns, judged, true);
    let all: serde_json::Map<_, _> = ViewKind::ALL
        .into_iter()
        .map(|kind| (kind.as_str().to_owned(), views.get(kind).as_str().into()))
        .collect();
    let report = json!({
        "rules_version": pack.version(),
        "views": all,
        "tokens": views.tokens().iter().map(|token| json!({
            "surface": token.surface, "base": token.base, "reading": token.reading, "pos": token.pos,
            "start": token.span.start, "end": token.span.end,
        })).collect::<Vec<_>>(),
        "language": views.language(),
        "rules": explained.iter().map(|rule| json!({
            "rule": rule.rule_id, "truth": truth(rule.truth), "selections": explanation_json(rule),
        })).collect::<Vec<_>>(),
        "findings": evaluation.findings.iter().map(|finding| json!({
            "rule": finding.rule_id, "policy": finding.policy, "subtype": finding.subtype,
            "spans": finding.spans,
            "parts": finding.parts.iter().map(|part| json!({"message": part.turn, "spans": part.spans})).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "undecided": evaluation.undecided.iter().map(|one| &one.rule_id).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)?;
    Ok(())
}
