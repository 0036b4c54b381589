//! SQLite, embedded.
//!
//! One connection writes, in transactions that take the write lock at their beginning, so that writers of this process queue
//! up in order instead of polling the lock; other processes are waited for with SQLite's busy time-out. Readers see the last
//! commit (write-ahead log) and never wait.

mod dead_letters;
mod moderation;
mod outbox;
mod reservations;
mod routing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::types::Json;
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::watch;

use super::fault::{Place, is_busy};
use super::fields::{Fields, Time};
use super::rows::Reader;
use super::types::*;
use super::{Handover, Store, StoreError, desk, handover, reservations as life, schema};
use crate::access::{AuditEntry, Sight};
use crate::contract::{AgentId, Inquiry, InquiryId, TransactionId, TransactionMessage, UserId};
use crate::routing::{AgentSnapshot, Preferred};

/// How long a call waits for a connection of this process.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a write waits for another process to finish its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The store in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    readers: SqlitePool,
    writer: SqlitePool,
    place: Place,
    /// Wakes the desks of this process.
    desk: watch::Sender<()>,
}

impl SqliteStore {
    /// Opens the file, and creates it if need be (its folder must be there). Up to `max_connections` read at once.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be opened or written, `Refused` for `:memory:`, which several connections cannot
    /// share.
    pub async fn open(path: &Path, max_connections: u32) -> Result<Self, StoreError> {
        if path == Path::new(":memory:") {
            return Err(StoreError::Refused(
                "`:memory:` cannot be shared: expected the name of a file".into(),
            ));
        }
        let place = Place(path.display().to_string());
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A committed transaction survives a power cut: acknowledged means stored.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options.clone());
        into_write_ahead_log(&writer, &place).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options);
        Ok(Self { readers, writer, place, desk: watch::Sender::new(()) })
    }

    fn reader(&self) -> Reader<'_> {
        Reader(&self.place)
    }

    /// A transaction that may write. Taking the lock at once is what keeps a reading transaction from failing when it starts
    /// to write after another one did.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.done(self.writer.begin_with("begin immediate").await)
    }

    async fn commit(&self, transaction: Transaction<'static, Sqlite>) -> Result<(), StoreError> {
        self.done(transaction.commit().await)
    }

    fn done<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|error| self.place.error(error))
    }

    async fn rows(&self, query: Query<'_, Sqlite, SqliteArguments>) -> Result<Vec<SqliteRow>, StoreError> {
        self.done(query.fetch_all(&self.readers).await)
    }

    async fn row(&self, query: Query<'_, Sqlite, SqliteArguments>) -> Result<Option<SqliteRow>, StoreError> {
        self.done(query.fetch_optional(&self.readers).await)
    }
}

/// Opens the first connection, which turns a new file to the write-ahead log.
///
/// When several processes do this at once, SQLite answers `SQLITE_BUSY` to some of them without waiting for the busy time-out
/// (waiting could be a deadlock), so the waiting is done here.
async fn into_write_ahead_log(writer: &SqlitePool, place: &Place) -> Result<(), StoreError> {
    const PAUSE: Duration = Duration::from_millis(5);
    let opened = tokio::time::timeout(BUSY_TIMEOUT, async {
        loop {
            match writer.acquire().await {
                Err(error) if is_busy(&error) => tokio::time::sleep(PAUSE).await,
                other => return other.map(drop),
            }
        }
    });
    match opened.await {
        Ok(opened) => opened.map_err(|error| place.error(error)),
        Err(_) => Err(place.unavailable("another process kept the file locked")),
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn migrate(&self) -> Result<(), StoreError> {
        // sqlx takes no lock of its own for SQLite: this transaction is the lock, and undoes a migration that fails half-way.
        let mut transaction = self.begin().await?;
        let migrated = schema::SQLITE.run_direct(None, &mut *transaction, false).await;
        migrated.map_err(|error| self.place.migration(error))?;
        self.commit(transaction).await?;
        desk::install(self).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let rows = self.rows(sqlx::query(schema::APPLIED)).await?;
        let applied: Result<Vec<_>, _> =
            rows.iter().map(|row| Ok((row.int("version")?, row.bytes("checksum")?))).collect();
        schema::compare(&schema::SQLITE, &self.done(applied)?)
    }

    async fn receive_messages(
        &self,
        messages: &[TransactionMessage],
        context: usize,
    ) -> Result<Vec<Received>, StoreError> {
        self.receive(messages, context).await
    }

    async fn commit_moderation(&self, batch: &ModerationBatch) -> Result<Committed, StoreError> {
        self.decide_messages(batch).await
    }

    async fn alerts(&self, page: Page) -> Result<Vec<AlertRow>, StoreError> {
        self.alert_rows(page).await
    }

    async fn agents(&self) -> Result<Vec<AgentSnapshot>, StoreError> {
        self.agent_snapshots().await
    }

    async fn free_agents(&self) -> Result<FreeAgents, StoreError> {
        let agents = self.rows(sqlx::query(include_str!("../sql/sqlite/free_agents.sql"))).await?;
        let others = self.row(sqlx::query(include_str!("../sql/other_agents.sql"))).await?;
        self.reader().free_agents(&agents, others.as_ref())
    }

    async fn upsert_agents(&self, agents: &[AgentProfile]) -> Result<(), StoreError> {
        self.replace_agents(agents).await
    }

    async fn commit_routing(&self, decision: &RoutingDecision) -> Result<RoutingOutcome, StoreError> {
        self.decide_inquiry(decision).await
    }

    async fn alerted_transactions(
        &self,
        transactions: &[TransactionId],
    ) -> Result<BTreeSet<TransactionId>, StoreError> {
        let ids: Vec<&str> = transactions.iter().map(|id| id.as_str()).collect();
        let query = sqlx::query(include_str!("../sql/sqlite/alerted.sql")).bind(Json(ids));
        self.rows(query).await?.iter().map(|row| self.reader().transaction(row)).collect()
    }

    async fn preferred_agents(
        &self,
        customers: &[UserId],
        since: DateTime<Utc>,
    ) -> Result<BTreeMap<UserId, Preferred>, StoreError> {
        let ids: Vec<&str> = customers.iter().map(|id| id.as_str()).collect();
        let query =
            sqlx::query(include_str!("../sql/sqlite/preferred.sql")).bind(Json(ids)).bind(Time(since));
        self.rows(query).await?.iter().map(|row| self.reader().preferred(row)).collect()
    }

    async fn routing_decisions(
        &self,
        period: std::ops::Range<DateTime<Utc>>,
        after: Option<(DateTime<Utc>, i64)>,
        limit: u32,
    ) -> Result<Vec<DecisionRow>, StoreError> {
        // No decision has number 0: at the beginning of the period everything comes after it.
        let (time, number) = after.unwrap_or((period.start, 0));
        let query = sqlx::query(include_str!("../sql/decisions.sql"))
            .bind(Time(period.start))
            .bind(Time(period.end))
            .bind(Time(time))
            .bind(number)
            .bind(i64::from(limit));
        self.rows(query).await?.iter().map(|row| self.reader().decision(row)).collect()
    }

    async fn purge_decisions(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let purge = sqlx::query("delete from routing_decisions where decided_at < $1").bind(Time(before));
        Ok(self.done(purge.execute(&self.writer).await)?.rows_affected())
    }

    async fn waiting_inquiries(&self, limit: u32) -> Result<Vec<WaitingInquiry>, StoreError> {
        let query = sqlx::query(concat!(
            include_str!("../sql/sqlite/waiting_columns.sql"),
            include_str!("../sql/sqlite/waiting.sql")
        ))
        .bind(i64::from(limit));
        self.rows(query).await?.iter().map(|row| self.reader().waiting(row)).collect()
    }

    async fn waiting_in_turn(
        &self,
        limit: u32,
        after: Option<&InquiryId>,
    ) -> Result<Vec<WaitingInquiry>, StoreError> {
        let query = sqlx::query(concat!(
            include_str!("../sql/sqlite/waiting_columns.sql"),
            include_str!("../sql/sqlite/waiting_in_turn.sql")
        ))
        .bind(i64::from(limit))
        // No identifier is empty: everything comes after it.
        .bind(after.map_or("", InquiryId::as_str));
        self.rows(query).await?.iter().map(|row| self.reader().waiting(row)).collect()
    }

    async fn hand_over(&self, step: Handover<'_>, line: Option<&AuditEntry>) -> Result<Change, StoreError> {
        handover::hand_over(self, step, line).await
    }

    async fn expire(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        life::expire(self, now, limit).await
    }

    async fn return_untouched(
        &self,
        away_before: DateTime<Utc>,
        limit: u32,
        at: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        life::return_untouched(self, away_before, limit, at).await
    }

    async fn return_off_shift(
        &self,
        grace: TimeDelta,
        limit: u32,
        at: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        life::return_off_shift(self, grace, limit, at).await
    }

    async fn withdraw_agent(&self, agent: &AgentId, by: &str, at: DateTime<Utc>) -> Result<u64, StoreError> {
        life::withdraw(self, agent, by, at).await
    }

    async fn watch_desk(&self) -> Result<Box<dyn DeskWatch>, StoreError> {
        Ok(self.listen())
    }

    async fn ended_counts(&self, since: DateTime<Utc>) -> Result<Vec<EndedCount>, StoreError> {
        let query = sqlx::query(include_str!("../sql/ended_counts.sql")).bind(Time(since));
        self.rows(query).await?.iter().map(|row| self.reader().ended_count(row)).collect()
    }

    async fn corrections(
        &self,
        period: std::ops::Range<DateTime<Utc>>,
        after: Option<(DateTime<Utc>, InquiryId)>,
        limit: u32,
    ) -> Result<Vec<Correction>, StoreError> {
        // No identifier is empty: at the beginning of the period everything comes after it.
        let (time, id) = match &after {
            Some((time, id)) => (*time, id.as_str()),
            None => (period.start, ""),
        };
        let query = sqlx::query(include_str!("../sql/corrections.sql"))
            .bind(Time(period.start))
            .bind(Time(period.end))
            .bind(Time(time))
            .bind(id)
            .bind(i64::from(limit));
        self.rows(query).await?.iter().map(|row| self.reader().correction(row)).collect()
    }

    async fn inquiries(&self, page: Page, sight: &Sight) -> Result<Vec<InquiryRow>, StoreError> {
        let query = match sight {
            Sight::All => sqlx::query(include_str!("../sql/inquiries.sql"))
                .bind(i64::from(page.limit))
                .bind(i64::from(page.offset)),
            Sight::Of { agent_id, teams } => sqlx::query(include_str!("../sql/sqlite/inquiries_seen.sql"))
                .bind(i64::from(page.limit))
                .bind(i64::from(page.offset))
                .bind(agent_id.as_ref().map(|id| id.as_str().to_owned()))
                .bind(Json(teams.clone())),
        };
        self.rows(query).await?.iter().map(|row| self.reader().inquiry(row)).collect()
    }

    async fn inquiry(&self, id: &InquiryId) -> Result<Option<Inquiry>, StoreError> {
        let query = sqlx::query(include_str!("../sql/inquiry.sql")).bind(id.as_str());
        self.row(query).await?.map(|row| self.reader().received_inquiry(&row)).transpose()
    }

    async fn claim_outbox(&self, limit: u32, lease: Duration) -> Result<Vec<OutboxRow>, StoreError> {
        self.claim(limit, lease).await
    }

    async fn mark_published(&self, rows: &[i64]) -> Result<(), StoreError> {
        self.published(rows).await
    }

    async fn purge_published(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        self.purge(before).await
    }

    async fn outbox_depth(&self) -> Result<u64, StoreError> {
        self.depth().await
    }

    async fn dead_letters(
        &self,
        page: Page,
        include_replayed: bool,
    ) -> Result<Vec<DeadLetterRow>, StoreError> {
        self.dead_letter_rows(page, include_replayed).await
    }

    async fn dead_letter(&self, id: &str) -> Result<Option<DeadLetterRow>, StoreError> {
        self.dead_letter_row(id).await
    }

    async fn commit_dead_letters(&self, dead_letters: &[DeadLetter]) -> Result<(), StoreError> {
        self.bury(dead_letters).await
    }

    async fn summary(&self) -> Result<Summary, StoreError> {
        let rows = self.rows(sqlx::query(include_str!("../sql/summary.sql"))).await?;
        self.reader().summary(&rows)
    }
}
