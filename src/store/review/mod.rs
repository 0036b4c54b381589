//! Alerts as a queue that people work on: claimed, decided once, undone, and what is done with the message and its sender.
//!
//! Every change is one transaction that locks the alert and writes only if it is still the one that the reviewer means (alert,
//! reviewer, generation); in the same transaction it adds to the alert's trail and puts the event into the outbox. A claim is a lease:
//! it is over at its time, without anybody sweeping up.

mod claims;
mod messages;
mod read;
mod rows;
mod rulings;
mod types;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

pub use read::statement;
pub(super) use read::{chosen_alerts, said_with_findings, with_findings};
pub use types::*;

use super::StoreError;
use super::ledger::Books;
use crate::access::Actor;
use crate::contract::{Language, TransactionId};

/// How long before a less risky alert an equally old one is looked at, for each unit of risk (of log-odds).
const PER_RISK: TimeDelta = TimeDelta::hours(2);

/// Where an alert stands in the queue: as if it had come in earlier by two hours for each unit of risk. The earliest is next. As both
/// parts are fixed, the order of two alerts never changes, and an alert that waits comes before every later one in the end.
pub fn queue_time(created_at: DateTime<Utc>, risk: f64) -> DateTime<Utc> {
    // Risk is bounded, so this is far from the ends of time. PostgreSQL keeps microseconds.
    created_at - TimeDelta::microseconds((risk * PER_RISK.num_seconds() as f64 * 1e6) as i64)
}

/// What reviewers do. Who claims is named by their log-in; how far they reach is checked against the alert that is locked. What is decided and done stands in the audit trail as well.
#[async_trait]
pub trait ReviewStore: Send + Sync {
    /// A page of the queue.
    async fn review_queue(&self, wanted: &Listing) -> Result<Vec<ReviewRow>, StoreError>;

    /// How many alerts stand in each state, counted up to `most`.
    async fn review_counts(&self, most: u32, at: DateTime<Utc>) -> Result<ReviewCounts, StoreError>;

    /// One alert with everything that a reviewer needs; at most `around` messages before and after, and so many earlier findings.
    async fn alert_file(&self, alert: i64, around: u32) -> Result<Option<AlertFile>, StoreError>;

    /// Claims an alert for `lease`, or renews the reviewer's own claim.
    async fn claim_alert(
        &self,
        alert: i64,
        by: &str,
        reach: Reach,
        lease: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Result<Claim, Refused>, StoreError>;

    /// Claims the first alert of the list that nobody has claimed, beginning after its cursor. None if there is none.
    async fn claim_next(
        &self,
        among: &Listing,
        by: &str,
        lease: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Option<(i64, Claim)>, StoreError>;

    /// Moves the end of a claim to `until`. Fails once somebody else has it, or it is decided.
    async fn renew_claim(
        &self,
        alert: i64,
        by: &str,
        reach: Reach,
        generation: u32,
        until: DateTime<Utc>,
    ) -> Result<Result<Claim, Refused>, StoreError>;

    /// Gives a claimed alert back. `false` if the reviewer does not have it.
    async fn release_claim(
        &self,
        alert: i64,
        by: &str,
        generation: u32,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Decides or escalates an alert that the reviewer has claimed, and with it those of the same text that nobody else has claimed.
    async fn decide_alert(&self, order: &Order) -> Result<Result<Done, Refused>, StoreError>;

    /// Takes back the reviewer's last decision if it was made at `since` or later, with everything that was decided together; the
    /// alert that was on the page is claimed by the reviewer again.
    async fn undo_decision(
        &self,
        by: &Actor,
        since: DateTime<Utc>,
        lease: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Result<Done, Refused>, StoreError>;

    /// Hides the alert's message, or shows it again. `false` if it was so already.
    async fn set_hidden(
        &self,
        alert: i64,
        hidden: bool,
        by: &Actor,
        reach: Reach,
        at: DateTime<Utc>,
    ) -> Result<Result<bool, Refused>, StoreError>;

    /// Has the sender warned, once for each alert, for the policy that was ruled or else the one that was flagged; `text` says what they
    /// are told. `false` if that was done before; refused if the alert is decided as no violation.
    async fn warn_sender(
        &self,
        alert: i64,
        language: Language,
        text: WarningText,
        by: &Actor,
        reach: Reach,
        at: DateTime<Utc>,
    ) -> Result<Result<bool, Refused>, StoreError>;

    /// Decisions since then, by kind of source and by single source.
    async fn review_figures(&self, since: DateTime<Utc>) -> Result<Vec<SourceCount>, StoreError>;

    /// Transactions with an alert that was decided in a period (`from` included, `to` not), after the given one, by their identifiers.
    async fn reviewed_transactions(
        &self,
        period: std::ops::Range<DateTime<Utc>>,
        after: Option<&TransactionId>,
        limit: u32,
    ) -> Result<Vec<TransactionId>, StoreError>;

    /// The first `limit` messages of a transaction, oldest first, with what was decided about each.
    async fn reviewed_messages(
        &self,
        transaction: &TransactionId,
        limit: u32,
    ) -> Result<Vec<ReviewedMessage>, StoreError>;
}

/// Both databases, by the same statements.
#[async_trait]
impl<B: Books + Send> ReviewStore for B {
    async fn review_queue(&self, wanted: &Listing) -> Result<Vec<ReviewRow>, StoreError> {
        read::queue(self, wanted).await
    }

    async fn review_counts(&self, most: u32, at: DateTime<Utc>) -> Result<ReviewCounts, StoreError> {
        read::counts(self, most, at).await
    }

    async fn alert_file(&self, alert: i64, around: u32) -> Result<Option<AlertFile>, StoreError> {
        read::file(self, alert, around).await
    }

    async fn claim_alert(
        &self,
        alert: i64,
        by: &str,
        reach: Reach,
        lease: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Result<Claim, Refused>, StoreError> {
        claims::claim(self, alert, by, reach, lease, at).await
    }

    async fn claim_next(
        &self,
        among: &Listing,
        by: &str,
        lease: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Option<(i64, Claim)>, StoreError> {
        claims::claim_next(self, among, by, lease, at).await
    }

    async fn renew_claim(
        &self,
        alert: i64,
        by: &str,
        reach: Reach,
        generation: u32,
        until: DateTime<Utc>,
    ) -> Result<Result<Claim, Refused>, StoreError> {
        claims::renew(self, alert, by, reach, generation, until).await
    }

    async fn release_claim(
        &self,
        alert: i64,
        by: &str,
        generation: u32,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        claims::release(self, alert, by, generation, at).await
    }

    async fn decide_alert(&self, order: &Order) -> Result<Result<Done, Refused>, StoreError> {
        rulings::decide(self, order).await
    }

    async fn undo_decision(
        &self,
        by: &Actor,
        since: DateTime<Utc>,
        lease: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Result<Done, Refused>, StoreError> {
        rulings::undo(self, by, since, lease, at).await
    }

    async fn set_hidden(
        &self,
        alert: i64,
        hidden: bool,
        by: &Actor,
        reach: Reach,
        at: DateTime<Utc>,
    ) -> Result<Result<bool, Refused>, StoreError> {
        messages::set_hidden(self, alert, hidden, by, reach, at).await
    }

    async fn warn_sender(
        &self,
        alert: i64,
        language: Language,
        text: WarningText,
        by: &Actor,
        reach: Reach,
        at: DateTime<Utc>,
    ) -> Result<Result<bool, Refused>, StoreError> {
        messages::warn(self, alert, language, text, by, reach, at).await
    }

    async fn review_figures(&self, since: DateTime<Utc>) -> Result<Vec<SourceCount>, StoreError> {
        read::figures(self, since).await
    }

    async fn reviewed_transactions(
        &self,
        period: std::ops::Range<DateTime<Utc>>,
        after: Option<&TransactionId>,
        limit: u32,
    ) -> Result<Vec<TransactionId>, StoreError> {
        read::transactions(self, period, after, limit).await
    }

    async fn reviewed_messages(
        &self,
        transaction: &TransactionId,
        limit: u32,
    ) -> Result<Vec<ReviewedMessage>, StoreError> {
        read::reviewed(self, transaction, limit).await
    }
}
