//! What people did with alerts, out: events for the backend, which owns messages and senders.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{MessageId, TransactionId, UserId};
use super::policy::{Language, Policy};

/// What a reviewer decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    Violation,
    NotViolation,
    /// The reviewer cannot tell.
    Unsure,
}

impl Ruling {
    pub const ALL: [Ruling; 3] = [Ruling::Violation, Ruling::NotViolation, Ruling::Unsure];

    pub fn as_str(self) -> &'static str {
        match self {
            Ruling::Violation => "violation",
            Ruling::NotViolation => "not_violation",
            Ruling::Unsure => "unsure",
        }
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    Open,
    /// Put before somebody who decides what others cannot.
    Escalated,
    Decided,
}

impl AlertState {
    pub const ALL: [AlertState; 3] = [AlertState::Open, AlertState::Escalated, AlertState::Decided];

    pub fn as_str(self) -> &'static str {
        match self {
            AlertState::Open => "open",
            AlertState::Escalated => "escalated",
            AlertState::Decided => "decided",
        }
    }
}

/// An alert was decided, escalated, or opened again. Body of the event `alert.reviewed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertReview {
    pub alert_id: i64,
    pub message_id: MessageId,
    pub transaction_id: TransactionId,
    pub sender_id: UserId,
    /// The policy that the alert was raised for.
    pub flagged: Policy,
    /// Where the alert stands from now on. `open` after an undo.
    pub state: AlertState,
    /// Null unless the alert is decided.
    pub ruling: Option<Ruling>,
    /// Which policy the reviewer says that the message violates; null unless the ruling is `violation`.
    pub policy: Option<Policy>,
    pub subtype: Option<String>,
    /// Who did it: a log-in.
    pub by: String,
    pub at: DateTime<Utc>,
    /// Grows with every review of the alert: of two events the one with the greater generation holds.
    pub generation: u32,
}

/// A message was hidden or shown again. Body of the events `message.hidden` and `message.restored`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageVisibility {
    pub message_id: MessageId,
    pub transaction_id: TransactionId,
    pub sender_id: UserId,
    pub hidden: bool,
    /// On whose page it was done.
    pub alert_id: i64,
    pub by: String,
    pub at: DateTime<Utc>,
    /// Grows with every hiding and restoring of the message: of two events the one with the greater number holds.
    pub change: u32,
}

/// The sender of a message is to be warned, once for each alert. Body of the event `sender.warned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SenderWarning {
    pub alert_id: i64,
    pub message_id: MessageId,
    pub transaction_id: TransactionId,
    pub sender_id: UserId,
    pub policy: Policy,
    pub language: Language,
    /// What to tell the sender, in that language.
    pub text: String,
    pub by: String,
    pub at: DateTime<Utc>,
}
