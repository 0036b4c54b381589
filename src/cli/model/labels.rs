//! `mimamori model labels`: conversations with what reviewers decided, as lines of the corpus.

use std::process::ExitCode;

use chrono::{DateTime, Utc};

use crate::cli::error::CliError;
use crate::cli::lines::Output;
use crate::config::Config;
use crate::contract::{Language, Ruling, TransactionId};
use crate::corpus::{CONTEXT, Conversation, LabelledMessage};
use crate::store::review::ReviewedMessage;

/// Transactions that are looked up together.
const PAGE: u32 = 200;
/// Messages of one conversation that are written.
const LONGEST: u32 = 200;
/// Origin, and author batch, of these lines.
const ORIGIN: &str = "review";
const BATCH: &str = "reviews";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Decided at or after this time (RFC 3339), such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<DateTime<Utc>>,
    /// Decided before this time
    #[arg(long, value_name = "TIME")]
    to: Option<DateTime<Utc>>,
}

pub async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, CliError> {
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    let from = arguments.from.unwrap_or(DateTime::UNIX_EPOCH);
    let period = from..arguments.to.unwrap_or_else(Utc::now);
    let mut output = Output::new();
    let mut after: Option<TransactionId> = None;
    loop {
        let transactions = store.reviewed_transactions(period.clone(), after.as_ref(), PAGE).await?;
        for transaction in &transactions {
            let messages = store.reviewed_messages(transaction, LONGEST).await?;
            if let Some(line) = conversation(transaction, messages) {
                output.write(&line)?;
            }
        }
        output.flush()?;
        match transactions.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// Up to the last message that somebody decided on. None if nobody was sure about any.
fn conversation(transaction: &TransactionId, messages: Vec<ReviewedMessage>) -> Option<Conversation> {
    let last = messages.iter().rposition(is_decided)?;
    let language = messages[..=last].iter().rev().find_map(|message| message.language);
    Some(Conversation {
        conversation: format!("review-{transaction}"),
        language: language.unwrap_or(Language::Ja),
        origin: ORIGIN.into(),
        author_batch: BATCH.into(),
        messages: messages.into_iter().take(last + 1).map(labelled).collect(),
    })
}

/// Whether every alert of the message is decided without doubt: then the message is known for all policies.
fn is_decided(message: &ReviewedMessage) -> bool {
    let sure = |ruling: Ruling| ruling != Ruling::Unsure;
    !message.alerts.is_empty()
        && message.alerts.iter().all(|(_, decided)| decided.as_ref().is_some_and(|one| sure(one.ruling)))
}

fn labelled(message: ReviewedMessage) -> LabelledMessage {
    let known = is_decided(&message);
    let mut labels: Vec<String> = Vec::new();
    for (flagged, decided) in message.alerts.into_iter().filter(|_| known) {
        let Some(decided) = decided.filter(|decided| decided.ruling == Ruling::Violation) else { continue };
        let policy = decided.policy.unwrap_or(flagged);
        let label = match decided.subtype {
            Some(subtype) => format!("{policy}.{subtype}"),
            None => policy.to_string(),
        };
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    let tags = if known { Vec::new() } else { vec![CONTEXT.to_owned()] };
    LabelledMessage { from: message.role, text: message.text, labels, tags }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{MessageId, Policy, Role};
    use crate::store::review::Decided;

    fn message(id: &str, rulings: &[Option<Ruling>]) -> ReviewedMessage {
        let decided = |ruling: &Option<Ruling>| {
            let decided = ruling.map(|ruling| Decided {
                ruling,
                policy: (ruling == Ruling::Violation).then(|| Policy::new("harassment")),
                subtype: (ruling == Ruling::Violation).then(|| "threat".to_owned()),
                note: None,
                by: "aki".into(),
                at: DateTime::UNIX_EPOCH,
            });
            (Policy::new("external_induction"), decided)
        };
        ReviewedMessage {
            message_id: MessageId::new(id).unwrap(),
            role: Role::Seller,
            text: id.into(),
            language: Some(Language::En),
            alerts: rulings.iter().map(decided).collect(),
        }
    }

    #[test]
    fn only_what_is_decided_without_doubt_is_an_example() {
        let transaction = TransactionId::new("t-1").unwrap();
        let messages = vec![
            message("m-0", &[]),
            message("m-1", &[Some(Ruling::Violation)]),
            message("m-2", &[Some(Ruling::NotViolation)]),
            message("m-3", &[Some(Ruling::Violation), None]),
            message("m-4", &[Some(Ruling::NotViolation), Some(Ruling::Violation)]),
            message("m-5", &[Some(Ruling::Unsure)]),
        ];
        let line = conversation(&transaction, messages).unwrap();
        let shown: Vec<(&str, Vec<&str>, usize)> = line
            .messages
            .iter()
            .map(|m| (m.text.as_str(), m.labels.iter().map(String::as_str).collect(), m.tags.len()))
            .collect();
        let expected = [
            ("m-0", vec![], 1),
            ("m-1", vec!["harassment.threat"], 0),
            ("m-2", vec![], 0),
            ("m-3", vec![], 1),
            ("m-4", vec!["harassment.threat"], 0),
        ];
        assert_eq!(shown, expected);
        assert_eq!((line.conversation.as_str(), line.language), ("review-t-1", Language::En));
        let unsure = vec![message("m-1", &[Some(Ruling::Unsure)])];
        assert!(conversation(&transaction, unsure).is_none());
    }
}
