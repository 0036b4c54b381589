//! What two sets of models said about the same messages.

use chrono::{DateTime, Utc};

use crate::contract::{MessageId, Policy, Role, Ruling, TransactionId};

/// Who judged: the live models, and those in shadow. Each is named by version and fingerprint; see
/// [`Moderator::judging`](crate::moderation::Moderator::judging).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair {
    pub live: String,
    pub shadow: String,
}

/// Which of the two would report a message that the other would not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    Live,
    Shadow,
}

impl Side {
    pub const ALL: [Side; 2] = [Side::Live, Side::Shadow];

    pub fn as_str(self) -> &'static str {
        match self {
            Side::Live => "live",
            Side::Shadow => "shadow",
        }
    }
}

/// How often the two agreed on a policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Both would report.
    pub flagged: u64,
    /// Neither would.
    pub clear: u64,
    pub only_live: u64,
    pub only_shadow: u64,
}

impl Agreement {
    pub fn total(&self) -> u64 {
        self.flagged + self.clear + self.only_live + self.only_shadow
    }
}

/// A message that only one of the two would report.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub policy: Policy,
    pub side: Side,
    pub message_id: MessageId,
    pub live_probability: f64,
    pub shadow_probability: f64,
}

/// What came of comparing some messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub pair: Pair,
    pub agreements: Vec<(Policy, Agreement)>,
    pub differences: Vec<Difference>,
    pub at: DateTime<Utc>,
}

/// The agreement of a pair on a policy over a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowCount {
    pub pair: Pair,
    pub policy: Policy,
    /// Midnight of the last day on which they were compared.
    pub last_day: DateTime<Utc>,
    pub agreement: Agreement,
}

/// What reviewers decided about messages that only one side would report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowRuling {
    pub pair: Pair,
    pub policy: Policy,
    pub side: Side,
    /// Messages that are kept.
    pub kept: u64,
    /// Violations of this policy.
    pub violations: u64,
    /// Not a violation, or one of another policy only.
    pub others: u64,
    pub unsure: u64,
}

/// A differing message as the console shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct DifferenceRow {
    pub message_id: MessageId,
    pub transaction_id: TransactionId,
    pub role: Role,
    pub text: String,
    pub live_probability: f64,
    pub shadow_probability: f64,
    pub judged_at: DateTime<Utc>,
    /// The message's alert about the policy, if it raised one.
    pub alert_id: Option<i64>,
    pub ruling: Option<(Ruling, Option<Policy>)>,
}
