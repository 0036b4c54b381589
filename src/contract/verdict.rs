//! Verdicts out: what was found in a message, and what happens to it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{MessageId, TransactionId};
use super::policy::{Action, Language, Policy};

/// A part of the text as sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// First Unicode scalar value of the part.
    pub start: usize,
    /// One past the last Unicode scalar value.
    pub end: usize,
    /// The part itself, exactly as sent.
    pub text: String,
}

/// One source that fired, with its own score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Label {
    pub policy: Policy,
    /// For instance `contact`; null when the source does not tell.
    pub subtype: Option<String>,
    /// Probability that the message violates the policy, judged by this source alone.
    pub score: f64,
    /// `rule:<rule id>` or `model:<policy>@<version>`.
    pub source: String,
    pub spans: Vec<Span>,
    /// What the source found in earlier messages of the transaction, oldest first: the other parts of a finding that several
    /// messages make together. Left out when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// A part of a finding in an earlier message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    pub message_id: MessageId,
    /// Offsets count in that message's text.
    pub spans: Vec<Span>,
}

/// A rule that could be neither confirmed nor ruled out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undecided {
    /// `rule:<rule id>`.
    pub source: String,
    /// What would have to be known.
    pub missing: Vec<Missing>,
}

/// What kind of input an undecided rule lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// The model's probability: the policy has no usable head.
    Model,
    /// Earlier messages of the transaction that are not at hand.
    History,
    /// The language of the message, which it does not tell.
    Language,
}

impl Missing {
    pub fn as_str(self) -> &'static str {
        match self {
            Missing::Model => "model",
            Missing::History => "history",
            Missing::Language => "language",
        }
    }
}

/// The decision on one message. Also the body of the events `message.flagged` and `message.cleared`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    pub message_id: MessageId,
    pub transaction_id: TransactionId,
    pub action: Action,
    /// Every source that fired.
    pub labels: Vec<Label>,
    /// Enforced rules that lacked something; they are neither true nor false. Left out when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<Undecided>,
    /// The final probability for each policy from all sources together, fired or not.
    pub policies: BTreeMap<Policy, f64>,
    pub language: Language,
    pub rules_version: String,
    pub model_version: String,
    pub decided_at: DateTime<Utc>,
}

impl Verdict {
    /// Routing key of the event that carries this verdict.
    pub fn routing_key(&self) -> &'static str {
        match self.action {
            Action::None => "message.cleared",
            Action::Report | Action::Hide => "message.flagged",
        }
    }
}
