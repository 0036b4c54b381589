//! Conversations from data that only has their order, as the moderator takes them.

use chrono::{DateTime, TimeDelta, Utc};

use crate::contract::{MessageId, Role, TransactionId};
use crate::moderation::{Conversation, Turn};

/// A whole conversation, every message of which is to be judged. `None` for an id that the contract would refuse.
pub fn untimed<'a>(id: &str, messages: impl IntoIterator<Item = (Role, &'a str)>) -> Option<Conversation> {
    let turns: Option<Vec<Turn>> = messages
        .into_iter()
        .enumerate()
        .map(|(index, (role, text))| {
            Some(Turn {
                message_id: MessageId::new(format!("{id}#{index}")).ok()?,
                role,
                text: text.to_owned(),
                sent_at: minute(index),
            })
        })
        .collect();
    let turns = turns?;
    let transaction_id = TransactionId::new(id).ok()?;
    Some(Conversation { transaction_id, judged: 0..turns.len(), turns, complete: true })
}

/// The time of a message that has none: one a minute.
pub(super) fn minute(index: usize) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(index as i64)
}
