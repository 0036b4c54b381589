//! What the demo puts into the queue: the test part of the corpus (which no model was trained on) as contract messages, and a few
//! deliveries that cannot be read.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::enqueue::inbound;
use crate::corpus::Part;
use crate::queue::{Inbound, Outgoing};

/// Bodies that end as dead letters: not JSON, a missing field, an empty id, not UTF-8.
const BAD_MESSAGES: [&[u8]; 4] = [
    b"{\"message_id\": ",
    br#"{"message_id":"bad-2","transaction_id":"t-bad","sender_id":"u-1","sender_role":"buyer","sent_at":"2026-11-21T09:00:00Z"}"#,
    br#"{"message_id":"","transaction_id":"t-bad","sender_id":"u-1","sender_role":"buyer","text":"hello","sent_at":"2026-11-21T09:00:00Z"}"#,
    b"{\"message_id\":\"bad-4\",\"text\":\"\xff\xfe\"}",
];

/// Everything that goes in, with its counts.
pub struct Feed {
    pub outgoing: Vec<Outgoing>,
    pub messages: usize,
    pub inquiries: usize,
    pub bad: usize,
}

/// Messages of a conversation stand a minute apart, conversations begin a minute apart, as if they had all been written one
/// morning.
pub fn feed(part: &Part) -> Feed {
    let morning = DateTime::<Utc>::from_timestamp(1_795_251_600, 0).unwrap_or_default();
    let mut outgoing = Vec::new();
    let mut messages = 0;
    for (number, conversation) in part.conversations.iter().enumerate() {
        for (index, message) in conversation.messages.iter().enumerate() {
            let body = serde_json::json!({
                "message_id": format!("{}#{index}", conversation.conversation),
                "transaction_id": conversation.conversation,
                "sender_id": format!("{}-{}", message.from.as_str(), number),
                "sender_role": message.from,
                "text": message.text,
                "sent_at": morning + TimeDelta::minutes((number + index) as i64),
            });
            outgoing.push(inbound(Inbound::Messages, body.to_string().into_bytes()));
            messages += 1;
        }
    }
    for (number, inquiry) in part.inquiries.iter().enumerate() {
        let body = serde_json::json!({
            "inquiry_id": inquiry.inquiry,
            "customer_id": format!("customer-{number}"),
            "text": inquiry.text,
            "subject": inquiry.subject,
            "received_at": morning + TimeDelta::seconds(20 * number as i64),
        });
        outgoing.push(inbound(Inbound::Inquiries, body.to_string().into_bytes()));
    }
    outgoing.extend(BAD_MESSAGES.iter().map(|body| inbound(Inbound::Messages, body.to_vec())));
    Feed { outgoing, messages, inquiries: part.inquiries.len(), bad: BAD_MESSAGES.len() }
}
