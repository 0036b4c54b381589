//! What an agent answers to a customer.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AgentId, Channel, InquiryId, Language, UserId};

/// An answer to an inquiry, to be delivered to the customer once. Body of the event `inquiry.replied`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InquiryReply {
    /// Grows with every answer.
    pub reply_id: i64,
    pub inquiry_id: InquiryId,
    pub customer_id: UserId,
    /// How the inquiry came in.
    pub channel: Channel,
    /// Of the inquiry.
    pub language: Language,
    /// What to tell the customer, as plain text.
    pub text: String,
    /// The inquiry was resolved with it.
    pub resolved: bool,
    pub agent_id: AgentId,
    /// The log-in of who wrote it.
    pub by: String,
    pub at: DateTime<Utc>,
}
