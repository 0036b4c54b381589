//! From contract types to what is written: events for the outbox, and rows in the order of their keys.
//!
//! Every statement that writes several rows takes them in this order, so that two workers with overlapping batches wait for
//! each other instead of ending in a deadlock.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::StoreError;
use super::types::{DeadLetter, Decision, InquiryStatus};
use crate::contract::{
    AlertReview, Assignment, InquiryReply, Label, MessageId, MessageVisibility, SenderWarning, Verdict,
};
use crate::queue::{DEAD_LETTER_ID_HEADER, Inbound, Outgoing, REASON_HEADER, Target};

/// An outbox row that is not written yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// Unique for what the event tells.
    pub key: String,
    pub outgoing: Outgoing,
}

/// The longest `message_id` of AMQP 0-9-1, a short string.
const MAX_OUTGOING_ID_BYTES: usize = 255;

pub(super) fn verdict_event(verdict: &Verdict) -> Result<Event, StoreError> {
    let key = format!("{}:{}", verdict.routing_key(), verdict.message_id);
    event(key, verdict.routing_key(), verdict)
}

/// Waiting and triage share a routing key but are two events: an inquiry may go from one to the other. Within one generation it comes
/// to stand in each of the ways at most once. The first decision's key names no generation.
pub(super) fn assignment_event(
    assignment: &Assignment,
    status: InquiryStatus,
    generation: u32,
) -> Result<Event, StoreError> {
    let first = if status == InquiryStatus::Assigned { 1 } else { 0 };
    let later = if generation == first { String::new() } else { format!(".{generation}") };
    let key = format!("inquiry.{}{later}:{}", status.as_str(), assignment.inquiry_id);
    event(key, assignment.routing_key(), assignment)
}

/// Each review of an alert is told once.
pub(super) fn review_event(review: &AlertReview) -> Result<Event, StoreError> {
    event(format!("alert.reviewed.{}:{}", review.generation, review.alert_id), "alert.reviewed", review)
}

pub(super) fn visibility_event(change: &MessageVisibility) -> Result<Event, StoreError> {
    let name = if change.hidden { "message.hidden" } else { "message.restored" };
    event(format!("{name}.{}:{}", change.change, change.message_id), name, change)
}

/// One for each alert.
pub(super) fn warning_event(warning: &SenderWarning) -> Result<Event, StoreError> {
    event(format!("sender.warned:{}", warning.alert_id), "sender.warned", warning)
}

/// Each answer is told once.
pub(super) fn reply_event(reply: &InquiryReply) -> Result<Event, StoreError> {
    event(format!("inquiry.replied.{}:{}", reply.reply_id, reply.inquiry_id), "inquiry.replied", reply)
}

/// `replays` counts how often the dead letter was replayed before: each of its lives is told once.
pub(super) fn dead_letter_event(letter: &DeadLetter, replays: i64) -> Event {
    let headers = BTreeMap::from([
        (REASON_HEADER.to_owned(), letter.rejection.to_string()),
        (DEAD_LETTER_ID_HEADER.to_owned(), letter.id.clone()),
    ]);
    Event {
        key: format!("dead_letter.{replays}:{}", letter.id),
        outgoing: Outgoing {
            target: Target::DeadLetter(letter.queue),
            id: letter.id.clone(),
            body: letter.body.clone(),
            headers,
        },
    }
}

/// The body of a dead letter on its way back to its queue. `life` counts the replays, this one included. The header lets the relay take the copy
/// off the broker's dead-letter queue.
pub(super) fn replay_event(id: &str, queue: Inbound, body: Vec<u8>, life: i64) -> Event {
    let headers = BTreeMap::from([(DEAD_LETTER_ID_HEADER.to_owned(), id.to_owned())]);
    let outgoing = Outgoing { target: Target::Inbound(queue), id: id.to_owned(), body, headers };
    Event { key: format!("dead_letter.replayed.{life}:{id}"), outgoing }
}

fn event(key: String, routing_key: &str, body: &impl serde::Serialize) -> Result<Event, StoreError> {
    let body = serde_json::to_vec(body)
        .map_err(|_| StoreError::Unexpected(format!("the body of an event {routing_key} is not JSON")))?;
    let id = if key.len() <= MAX_OUTGOING_ID_BYTES { key.clone() } else { hashed(&key) };
    let target = Target::Event(routing_key.to_owned());
    Ok(Event { key, outgoing: Outgoing { target, id, body, headers: BTreeMap::new() } })
}

/// The identifier of an event's webhooks, as `insert_events.sql` makes it as well. Receivers sign and compare it: it has no full stop.
pub(super) fn webhook_id(key: &str) -> String {
    format!("msg_{}", &hashed(key)[..32])
}

fn hashed(key: &str) -> String {
    Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Kind and name of a target, as the columns of the outbox hold them.
pub(super) fn target_columns(target: &Target) -> (&'static str, &str) {
    match target {
        Target::Inbound(queue) => ("inbound", queue.as_str()),
        Target::Event(routing_key) => ("event", routing_key),
        Target::DeadLetter(queue) => ("dead_letter", queue.as_str()),
    }
}

pub(super) fn inbound(name: &str) -> Option<Inbound> {
    Inbound::ALL.into_iter().find(|queue| queue.as_str() == name)
}

/// The earlier messages that labels have parts in, each once.
pub(super) fn earlier_messages(labels: &BTreeMap<String, Vec<Label>>) -> Vec<String> {
    let ids: BTreeSet<&str> = labels
        .values()
        .flatten()
        .flat_map(|label| &label.parts)
        .map(|part| part.message_id.as_str())
        .collect();
    ids.into_iter().map(str::to_owned).collect()
}

/// One decision for each message, by id; of two for the same message the first one counts, as it would across batches.
pub(super) fn in_order(decisions: &[Decision]) -> Vec<&Decision> {
    let mut sorted: BTreeMap<&MessageId, &Decision> = BTreeMap::new();
    for decision in decisions {
        sorted.entry(&decision.verdict.message_id).or_insert(decision);
    }
    sorted.into_values().collect()
}

/// A row of the findings by day: one for each day, rule and mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleOfDay<'a> {
    pub day: i64,
    pub rule_id: &'a str,
    pub shadow: bool,
}

/// How much each rule found in these messages, in the order of the rows.
pub(super) fn rule_days<'a>(decisions: &[&'a Decision]) -> Vec<(RuleOfDay<'a>, i64)> {
    let mut counted: BTreeMap<RuleOfDay<'a>, i64> = BTreeMap::new();
    for decision in decisions {
        let day = day_of(decision.verdict.decided_at);
        let live = decision.verdict.labels.iter().filter_map(|label| label.source.strip_prefix("rule:"));
        let shadow = decision.shadow.iter().map(|found| found.rule_id.as_str());
        let all = live.map(|rule_id| (rule_id, false)).chain(shadow.map(|rule_id| (rule_id, true)));
        for (rule_id, shadow) in all {
            *counted.entry(RuleOfDay { day, rule_id, shadow }).or_default() += 1;
        }
    }
    counted.into_iter().collect()
}

/// Days since the first of 1970, in UTC.
pub(super) fn day_of(time: DateTime<Utc>) -> i64 {
    time.timestamp().div_euclid(24 * 60 * 60)
}

/// Rows into which the count of one day is split, so that workers seldom wait for each other.
const SHARDS: u64 = 8;

/// The row for these decisions: the same for the same ones.
pub(super) fn shard(decisions: &[&Decision]) -> i64 {
    let first = decisions.first().map_or("", |decision| decision.verdict.message_id.as_str());
    let sum: u64 = first.bytes().map(u64::from).sum();
    i64::try_from(sum % SHARDS).unwrap_or(0)
}

/// The rejections of one body within a batch.
#[derive(Debug)]
pub(super) struct Rejected<'a> {
    /// The latest one; its reason is kept.
    pub letter: &'a DeadLetter,
    pub count: i64,
    pub first_at: DateTime<Utc>,
}

/// Dead letters by id, repeated ones counted.
pub(super) fn counted(letters: &[DeadLetter]) -> Vec<Rejected<'_>> {
    let mut sorted: BTreeMap<&str, Rejected<'_>> = BTreeMap::new();
    for letter in letters {
        sorted
            .entry(&letter.id)
            .and_modify(|known| {
                known.count += 1;
                known.first_at = known.first_at.min(letter.at);
                if letter.at >= known.letter.at {
                    known.letter = letter;
                }
            })
            .or_insert(Rejected { letter, count: 1, first_at: letter.at });
    }
    sorted.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Rejection, RejectionCode};

    fn letter(id: &str, second: i64) -> DeadLetter {
        DeadLetter {
            id: id.into(),
            queue: Inbound::Messages,
            body: b"{".to_vec(),
            rejection: Rejection::new(RejectionCode::InvalidJson, "body: expected one JSON object"),
            at: DateTime::from_timestamp(second, 0).unwrap(),
        }
    }

    #[test]
    fn repeated_rejections_are_counted_and_ordered() {
        let letters = [letter("b", 3), letter("a", 2), letter("b", 1)];
        let counted = counted(&letters);
        let seen: Vec<_> = counted
            .iter()
            .map(|r| (r.letter.id.as_str(), r.count, r.first_at.timestamp(), r.letter.at.timestamp()))
            .collect();
        assert_eq!(seen, [("a", 1, 2, 2), ("b", 2, 1, 3)]);
    }

    #[test]
    fn every_life_of_a_dead_letter_is_another_event() {
        let letter = letter("a", 1);
        let (first, second) = (dead_letter_event(&letter, 0), dead_letter_event(&letter, 1));
        assert_ne!(first.key, second.key);
        assert_eq!(first.outgoing, second.outgoing);
        assert!(first.outgoing.headers[REASON_HEADER].starts_with("invalid_json: "));
    }

    #[test]
    fn an_event_id_fits_into_an_amqp_short_string() {
        let long = "m".repeat(256);
        let event = event(format!("message.flagged:{long}"), "message.flagged", &1).unwrap();
        assert!(event.outgoing.id.len() <= MAX_OUTGOING_ID_BYTES);
        assert!(event.key.ends_with(&long));
    }
}
