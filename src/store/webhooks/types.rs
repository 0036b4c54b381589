//! What goes into webhooks and what comes out.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::WebhookSecret;
use crate::contract::WebhookEvent;

/// So many endpoints there are at most: each event is written once for each that wants it.
pub const MOST_ENDPOINTS: usize = 32;

/// Where somebody wants to be told of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub endpoint_id: i64,
    pub generation: u32,
    pub wish: EndpointWish,
    /// The receiver said that it is gone for good.
    pub gone_at: Option<DateTime<Utc>>,
    /// No attempt has succeeded since.
    pub failing_since: Option<DateTime<Utc>>,
    /// So long the secret before the last one signs, too.
    pub previous_until: Option<DateTime<Utc>>,
    /// A log-in.
    pub created_by: String,
    pub created_at: DateTime<Utc>,
}

/// An endpoint as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointWish {
    /// An address that was checked.
    pub url: String,
    pub events: BTreeSet<WebhookEvent>,
    /// What happens while it is not is never told to it.
    pub active: bool,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    Done(Endpoint),
    Unknown,
    /// It is of this generation by now.
    Stale(u32),
    /// There are [`MOST_ENDPOINTS`] already.
    TooMany,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is to be sent, for the first time or again.
    Pending,
    Delivered,
    /// It was tried as often and as long as it is tried.
    Failed,
    /// The endpoint was switched off before.
    Cancelled,
}

impl DeliveryState {
    pub const ALL: [DeliveryState; 4] =
        [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Failed, DeliveryState::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Failed => "failed",
            DeliveryState::Cancelled => "cancelled",
        }
    }

    pub fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The host has no address that webhooks may go to.
    Address,
    /// The host's name has no address.
    Resolve,
    /// Nobody took the connection.
    Connect,
    /// The receiver has no certificate for its name that is trusted here.
    Tls,
    /// No answer in time.
    Timeout,
    /// What came back was no HTTP.
    Http,
    /// Another status than 2xx.
    Status,
    /// The event cannot be read, or the endpoint's address or secret.
    Event,
}

impl Failure {
    pub const ALL: [Failure; 8] = [
        Failure::Address,
        Failure::Resolve,
        Failure::Connect,
        Failure::Tls,
        Failure::Timeout,
        Failure::Http,
        Failure::Status,
        Failure::Event,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Failure::Address => "address",
            Failure::Resolve => "resolve",
            Failure::Connect => "connect",
            Failure::Tls => "tls",
            Failure::Timeout => "timeout",
            Failure::Http => "http",
            Failure::Status => "status",
            Failure::Event => "event",
        }
    }

    pub(super) fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.as_str() == name)
    }
}

/// One attempt to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "WebhookAttempt")]
pub struct Attempt {
    /// Grows with every attempt; one whose sender died is missing.
    pub attempt: u32,
    pub at: DateTime<Utc>,
    /// Milliseconds until the answer, or until it was given up.
    pub took_ms: u32,
    /// What the receiver answered, if it did.
    pub status: Option<u16>,
    /// Null if it was taken.
    pub failure: Option<Failure>,
}

/// An event for an endpoint, with what was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub delivery_id: i64,
    pub endpoint_id: i64,
    /// `webhook-id` of every attempt.
    pub webhook_id: String,
    pub event: String,
    pub state: DeliveryState,
    /// When it is sent next, as long as it is pending.
    pub due_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub done_at: Option<DateTime<Utc>>,
    /// First to last.
    pub attempts: Vec<Attempt>,
}

/// Which deliveries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryListing {
    /// This one alone.
    pub only: Option<i64>,
    pub endpoint_id: Option<i64>,
    pub state: Option<DeliveryState>,
    /// Those before this number.
    pub before: Option<i64>,
    pub limit: u32,
}

/// What became of the wish to send a delivery again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    Done(Delivery),
    Unknown,
    /// It waits to be sent already.
    Pending,
    /// The endpoint is switched off.
    Inactive,
}

/// Deliveries that are to be sent now, by whoever has claimed them.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub url: String,
    /// Each signs. Empty if the one in the database is none.
    pub secrets: Vec<WebhookSecret>,
    pub deliveries: Vec<ClaimedDelivery>,
}

#[derive(Debug, Clone)]
pub struct ClaimedDelivery {
    pub delivery_id: i64,
    /// Fences what is written of it; also the attempt's number.
    pub claim: u32,
    pub failures: u32,
    pub webhook_id: String,
    pub event: String,
    /// When the event was told.
    pub told_at: DateTime<Utc>,
    /// The event's body as it goes into the queue; none for a test.
    pub body: Option<Vec<u8>>,
}

/// What comes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Delivered,
    /// It is tried again then.
    Retry(DateTime<Utc>),
    /// That was the last attempt.
    Failed,
    /// The receiver is gone for good: its endpoint is switched off.
    Gone,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Given up, as they had waited for days.
    pub given_up: u64,
    /// Tests that were deleted.
    pub deleted: u64,
}
