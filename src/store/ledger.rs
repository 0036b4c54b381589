//! One transaction on inquiries, assignments and agents: what both databases must offer, so that the rules of who has an inquiry are
//! written once.

use chrono::{DateTime, Utc};

use super::StoreError;
use super::fields::Fields;
use super::prepare::Event;
use super::rows::Reader;

/// An argument of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Text(&'a str),
    TextOrNull(Option<&'a str>),
    Number(i64),
    NumberOrNull(Option<i64>),
    Truth(bool),
    Float(f64),
    Time(DateTime<Utc>),
    TimeOrNull(Option<DateTime<Utc>>),
    Json(&'a serde_json::Value),
    Bytes(&'a [u8]),
}

/// A transaction. Dropped without a commit, it leaves nothing behind.
pub(super) trait Ledger: Send + Sized {
    type Row: Fields + Send + Sync;
    /// `lock_inquiry.sql`, with the lock.
    const LOCK_INQUIRY: &'static str;
    /// The same for an inquiry that nobody else has locked; otherwise no row comes back.
    const LOCK_INQUIRY_IF_FREE: &'static str;
    /// `order_agents.sql`, with the locks.
    const LOCK_AGENTS: &'static str;
    /// `still_away.sql`, with the lock.
    const STILL_AWAY: &'static str;
    /// `hours_of.sql`, with the lock.
    const HOURS_OF: &'static str;
    const TAKE_AGENT: &'static str;
    const FREE_AGENT: &'static str;
    /// Ends a query that locks the rows that it finds.
    const LOCKED: &'static str;
    /// The same, but passes over those that somebody else has locked.
    const UNLOCKED_ONLY: &'static str;
    /// What stands before and after a time to make of it the days since 1970-01-01, UTC.
    const DAY: (&'static str, &'static str);
    /// What stands before and after the difference of two times to make whole seconds of it.
    const SECONDS: (&'static str, &'static str);
    /// Whether a number is in the list of `$1`, which is JSON.
    const LISTED: &'static str;
    /// Whether a part of `from` may look at those before it.
    const LATERAL: bool;

    fn reader(&self) -> Reader<'_>;

    /// Rows that were changed.
    fn write(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// The one row of a query that has at most one.
    fn row(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Option<Self::Row>, StoreError>> + Send;

    /// The rows of a query that was put together from fixed parts.
    fn rows(
        &mut self,
        sql: String,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, StoreError>> + Send;

    /// Writes events into the outbox.
    fn tell_all(&mut self, events: &[Event]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes an event into the outbox.
    fn tell(&mut self, event: Event) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends the transaction, and wakes the desks.
    fn commit_and_wake(self) -> impl Future<Output = Result<(), StoreError>> + Send;

    fn commit(self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Where transactions begin.
pub(super) trait Books: Sync {
    type Ledger: Ledger;
    /// Transactions of a sweep under way at once.
    const AT_ONCE: usize;

    fn begin_ledger(&self) -> impl Future<Output = Result<Self::Ledger, StoreError>> + Send;

    fn place(&self) -> Reader<'_>;

    /// One statement that writes, as a transaction of its own; rows that were changed.
    fn act(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// The rows of a query, outside of a transaction.
    fn list(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<<Self::Ledger as Ledger>::Row>, StoreError>> + Send;

    /// The same, of a query that was put together from fixed parts.
    fn list_built(
        &self,
        sql: String,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<<Self::Ledger as Ledger>::Row>, StoreError>> + Send;

    /// `labels_of.sql`: the labels of these messages.
    fn labels_of(
        &self,
        messages: Vec<String>,
    ) -> impl Future<Output = Result<Vec<<Self::Ledger as Ledger>::Row>, StoreError>> + Send;

    /// `messages_of.sql`: these messages, oldest first.
    fn messages_of(
        &self,
        messages: Vec<String>,
    ) -> impl Future<Output = Result<Vec<<Self::Ledger as Ledger>::Row>, StoreError>> + Send;
}
