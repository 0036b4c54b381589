//! From a batch of messages and what the store knows about each to conversations that are read once. Pure.

use std::collections::BTreeMap;

use crate::contract::{TransactionId, TransactionMessage};
use crate::moderation::{Conversation, Turn};
use crate::store::Received;

/// Conversations whose judged messages cover every undecided message of the batch. Messages of one transaction that share the
/// beginning of their context are judged in one conversation; a message between them that has its verdict already is judged
/// again, and the store leaves the first verdict as it is.
///
/// `context` is how many messages the store was asked for: with that many, the conversation may have begun earlier.
pub fn conversations(
    messages: &[TransactionMessage],
    received: &[Received],
    context: usize,
) -> Vec<Conversation> {
    let mut by_transaction: BTreeMap<&TransactionId, Vec<(&TransactionMessage, &Received)>> = BTreeMap::new();
    for (message, received) in messages.iter().zip(received) {
        if !received.decided {
            by_transaction.entry(&message.transaction_id).or_default().push((message, received));
        }
    }
    let mut all = Vec::new();
    for (transaction, mut members) in by_transaction {
        // The longest context first: it holds the others, unless the window has moved on between them.
        members.sort_by(|a, b| {
            b.1.context.len().cmp(&a.1.context.len()).then_with(|| b.0.sent_at.cmp(&a.0.sent_at))
        });
        let mut own: Vec<Conversation> = Vec::new();
        for (message, received) in members {
            if own.iter_mut().any(|conversation| joins(conversation, message, received)) {
                continue;
            }
            own.push(conversation(transaction, message, received, context));
        }
        all.append(&mut own);
    }
    all
}

fn conversation(
    transaction: &TransactionId,
    message: &TransactionMessage,
    received: &Received,
    context: usize,
) -> Conversation {
    let mut turns: Vec<Turn> = received
        .context
        .iter()
        .map(|earlier| Turn {
            message_id: earlier.message_id.clone(),
            role: earlier.role,
            text: earlier.text.clone(),
            sent_at: earlier.sent_at,
        })
        .collect();
    turns.push(Turn {
        message_id: message.message_id.clone(),
        role: message.sender_role,
        text: message.text.clone(),
        sent_at: message.sent_at,
    });
    let last = turns.len() - 1;
    Conversation {
        transaction_id: transaction.clone(),
        turns,
        judged: last..last + 1,
        complete: received.context.len() < context,
    }
}

/// Extends the judged range to the message, if the conversation holds it with just its own context before it.
fn joins(conversation: &mut Conversation, message: &TransactionMessage, received: &Received) -> bool {
    let position = received.context.len();
    let held = conversation.turns.get(position).is_some_and(|turn| turn.message_id == message.message_id);
    let same_start = match received.context.first() {
        Some(first) => conversation.turns.first().is_some_and(|turn| turn.message_id == first.message_id),
        None => true,
    };
    if held && same_start {
        conversation.judged.start = conversation.judged.start.min(position);
        conversation.judged.end = conversation.judged.end.max(position + 1);
    }
    held && same_start
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{MessageId, Role, UserId};
    use crate::store::ContextMessage;

    fn message(id: usize, transaction: &str) -> TransactionMessage {
        TransactionMessage {
            message_id: MessageId::new(format!("{transaction}-{id}")).unwrap(),
            transaction_id: TransactionId::new(transaction).unwrap(),
            sender_id: UserId::new("u").unwrap(),
            sender_role: Role::Buyer,
            text: format!("text {id}"),
            sent_at: chrono::DateTime::from_timestamp(id as i64, 0).unwrap(),
        }
    }

    fn received(ids: std::ops::Range<usize>, transaction: &str) -> Received {
        let context = ids
            .map(|id| {
                let message = message(id, transaction);
                ContextMessage {
                    message_id: message.message_id,
                    role: message.sender_role,
                    text: message.text,
                    sent_at: message.sent_at,
                }
            })
            .collect();
        Received { decided: false, context }
    }

    #[test]
    fn messages_of_one_transaction_are_read_together() {
        let messages = [message(2, "a"), message(0, "b"), message(3, "a"), message(4, "a")];
        let known = [received(0..2, "a"), received(0..0, "b"), received(0..3, "a"), received(0..4, "a")];
        let all = conversations(&messages, &known, 40);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].turns.len(), all[0].judged.clone()), (5, 2..5));
        assert!(all[0].complete);
        assert_eq!(all[1].judged, 0..1);
    }

    #[test]
    fn a_moved_window_and_a_decided_message_stand_alone_or_fall_out() {
        let messages = [message(4, "a"), message(5, "a"), message(6, "a")];
        let mut known = [received(0..4, "a"), received(1..5, "a"), received(2..6, "a")];
        known[2].decided = true;
        let all = conversations(&messages, &known, 4);
        assert_eq!(all.len(), 2, "the windows of 4 and 5 begin at different messages");
        assert!(all.iter().all(|conversation| conversation.judged == (4..5) && !conversation.complete));
    }
}
