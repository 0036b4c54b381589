//! PostgreSQL.

mod dead_letters;
mod moderation;
mod outbox;
mod reservations;
mod routing;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{ConnectOptions, Connection, PgPool, Postgres, Transaction};

use super::fault::Place;
use super::fields::{Fields, Time};
use super::rows::Reader;
use super::types::*;
use super::{Handover, Store, StoreError, desk, handover, reservations as life, schema};
use crate::access::{AuditEntry, Sight};
use crate::contract::{
    AgentId, Inquiry, InquiryId, Language, Skill, TransactionId, TransactionMessage, UserId,
};
use crate::routing::{AgentSnapshot, Preferred};

/// How long a call waits for a connection of the pool, and for the server to accept a new one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The store on PostgreSQL (15 or later is tested).
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: PgPool,
    place: Place,
}

impl PostgresStore {
    /// Connects once, to tell at once when that is not possible; later connections are opened when they are needed.
    ///
    /// # Errors
    /// `Refused` when the URL cannot be read (it is never quoted: it may hold a password), `Unavailable` when the server does
    /// not answer or does not accept the login.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url).map_err(|_| {
            StoreError::Refused(
                "URL cannot be read: expected postgres://user:password@host:port/database".into(),
            )
        })?;
        let place = Place(match options.get_socket() {
            Some(socket) => format!("{}/{}", socket.display(), database_of(&options)),
            None => format!("{}:{}/{}", options.get_host(), options.get_port(), database_of(&options)),
        });
        // The pool would try a refused connection again until its time-out, and then tell only of the time-out.
        let first = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect())
            .await
            .map_err(|_| place.unavailable("the server did not accept a connection in time"))?
            .map_err(|error| place.error(error))?;
        first.close().await.map_err(|error| place.error(error))?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options);
        Ok(Self { pool, place })
    }

    fn reader(&self) -> Reader<'_> {
        Reader(&self.place)
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.done(self.pool.begin().await)
    }

    async fn commit(&self, transaction: Transaction<'static, Postgres>) -> Result<(), StoreError> {
        self.done(transaction.commit().await)
    }

    fn done<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|error| self.place.error(error))
    }

    async fn rows(&self, query: Query<'_, Postgres, PgArguments>) -> Result<Vec<PgRow>, StoreError> {
        self.done(query.fetch_all(&self.pool).await)
    }

    async fn row(&self, query: Query<'_, Postgres, PgArguments>) -> Result<Option<PgRow>, StoreError> {
        self.done(query.fetch_optional(&self.pool).await)
    }
}

fn database_of(options: &PgConnectOptions) -> &str {
    options.get_database().unwrap_or(options.get_username())
}

#[async_trait]
impl Store for PostgresStore {
    async fn migrate(&self) -> Result<(), StoreError> {
        // A connection of its own: when a migration fails, its advisory lock goes away together with the session.
        let options = self.pool.connect_options();
        let mut connection = self.done(options.connect().await)?;
        let migrated = schema::POSTGRES.run_direct(None, &mut connection, false).await;
        self.done(connection.close().await)?;
        migrated.map_err(|error| self.place.migration(error))?;
        desk::install(self).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let rows = self.rows(sqlx::query(schema::APPLIED)).await?;
        let applied: Result<Vec<_>, _> =
            rows.iter().map(|row| Ok((row.int("version")?, row.bytes("checksum")?))).collect();
        schema::compare(&schema::POSTGRES, &self.done(applied)?)
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
        let agents = self.rows(sqlx::query(include_str!("../sql/postgres/free_agents.sql"))).await?;
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
        let ids: Vec<String> = transactions.iter().map(|id| id.as_str().to_owned()).collect();
        let query = sqlx::query(include_str!("../sql/postgres/alerted.sql")).bind(ids);
        self.rows(query).await?.iter().map(|row| self.reader().transaction(row)).collect()
    }

    async fn preferred_agents(
        &self,
        customers: &[UserId],
        since: DateTime<Utc>,
    ) -> Result<BTreeMap<UserId, Preferred>, StoreError> {
        let ids: Vec<String> = customers.iter().map(|id| id.as_str().to_owned()).collect();
        let query = sqlx::query(include_str!("../sql/postgres/preferred.sql")).bind(ids).bind(Time(since));
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
        Ok(self.done(purge.execute(&self.pool).await)?.rows_affected())
    }

    async fn waiting_inquiries(&self, limit: u32) -> Result<Vec<WaitingInquiry>, StoreError> {
        let query = sqlx::query(concat!(
            include_str!("../sql/postgres/waiting_columns.sql"),
            include_str!("../sql/postgres/waiting.sql")
        ))
        .bind(i64::from(limit))
        .bind(Language::ALL.map(Language::as_str).to_vec())
        .bind(Skill::ALL.map(Skill::as_str).to_vec());
        self.rows(query).await?.iter().map(|row| self.reader().waiting(row)).collect()
    }

    async fn waiting_in_turn(
        &self,
        limit: u32,
        after: Option<&InquiryId>,
    ) -> Result<Vec<WaitingInquiry>, StoreError> {
        let query = sqlx::query(concat!(
            include_str!("../sql/postgres/waiting_columns.sql"),
            include_str!("../sql/postgres/waiting_in_turn.sql")
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
        self.listen().await
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
            Sight::Of { agent_id, teams } => sqlx::query(include_str!("../sql/postgres/inquiries_seen.sql"))
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
