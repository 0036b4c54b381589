//! Messages in: what the messaging backend and the inquiry form enqueue.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{Channel, InquiryId, MessageId, TransactionId, UserId};

/// Which side of the deal wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Buyer,
    Seller,
}

impl Role {
    pub const ALL: [Role; 2] = [Role::Buyer, Role::Seller];

    /// The other side of the deal.
    pub fn other(self) -> Self {
        match self {
            Role::Buyer => Role::Seller,
            Role::Seller => Role::Buyer,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Buyer => "buyer",
            Role::Seller => "seller",
        }
    }
}

/// One message between buyer and seller (routing key `message.created`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TransactionMessage {
    pub message_id: MessageId,
    pub transaction_id: TransactionId,
    pub sender_id: UserId,
    pub sender_role: Role,
    /// The text as sent. Every span of a verdict counts Unicode scalar values of this string.
    pub text: String,
    pub sent_at: DateTime<Utc>,
}

/// How soon the customer needs an answer, as the inquiry form or an earlier system judged it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
    Urgent,
}

impl Priority {
    pub fn as_str(self) -> &'static str {
        match self {
            Priority::Low => "low",
            Priority::Normal => "normal",
            Priority::High => "high",
            Priority::Urgent => "urgent",
        }
    }

    /// Order for queues: higher is served first.
    pub fn rank(self) -> i16 {
        self as i16
    }
}

/// One question of a customer to the support desk (routing key `inquiry.created`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inquiry {
    pub inquiry_id: InquiryId,
    pub customer_id: UserId,
    pub text: String,
    pub received_at: DateTime<Utc>,
    #[serde(default)]
    pub subject: Option<String>,
    #[serde(default)]
    pub transaction_id: Option<TransactionId>,
    #[serde(default)]
    pub priority: Priority,
    /// One of those that the configuration weighs (`routing.channel_weights`); `mail` if it is missing.
    #[serde(default)]
    pub channel: Channel,
}
