//! What the API asks for, and what it gets.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::access::AccountId;
use crate::contract::{Action, InquiryId, Label, Language, MessageId, Policy, TransactionId};
use crate::store::InquiryStatus;

/// A stretch of the list of inquiries, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InquiryListing {
    pub status: Option<InquiryStatus>,
    /// This inquiry alone.
    pub only: Option<InquiryId>,
    /// What comes after the one that was received then.
    pub after: Option<(DateTime<Utc>, InquiryId)>,
    pub limit: u32,
}

impl InquiryListing {
    /// One inquiry.
    pub fn one(id: &InquiryId) -> Self {
        Self { status: None, only: Some(id.clone()), after: None, limit: 1 }
    }
}

/// The verdict on a message as it is kept. Rules that could not be decided are told in the event only.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StoredVerdict {
    pub message_id: MessageId,
    pub transaction_id: TransactionId,
    pub action: Action,
    /// Every source that fired.
    pub labels: Vec<Label>,
    /// The final probability for each policy from all sources together, fired or not.
    pub policies: BTreeMap<Policy, f64>,
    pub language: Language,
    pub rules_version: String,
    pub model_version: String,
    pub decided_at: DateTime<Utc>,
}

/// A request that is to be answered once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Keys of one account mean nothing to another.
    pub account: AccountId,
    pub key: String,
    /// The same for the same request.
    pub fingerprint: String,
    pub at: DateTime<Utc>,
}

/// How a request with a key begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is to be worked on.
    New,
    /// It is being worked on.
    Running,
    /// It was answered.
    Kept(KeptAnswer),
    /// The key came with another request.
    Other,
}

/// An answer as it is given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    pub status: u16,
    pub content_type: Option<String>,
    pub etag: Option<String>,
    pub body: String,
}
