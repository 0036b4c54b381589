//! The transactions in which who has an inquiry changes, and what wakes the desk.

use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, SqlSafeStr, Sqlite, Transaction};
use tokio::sync::watch;

use super::SqliteStore;
use crate::store::fields::Time;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::prepare::Event;
use crate::store::rows::Reader;
use crate::store::{DeskWatch, StoreError};

pub(in crate::store) struct SqliteLedger {
    store: SqliteStore,
    transaction: Transaction<'static, Sqlite>,
}

fn bound<'q>(sql: impl SqlSafeStr, values: &[Value<'q>]) -> Query<'q, Sqlite, SqliteArguments> {
    values.iter().fold(sqlx::query(sql), |query, value| match *value {
        Value::Text(text) => query.bind(text),
        Value::TextOrNull(text) => query.bind(text),
        Value::Number(number) => query.bind(number),
        Value::NumberOrNull(number) => query.bind(number),
        Value::Truth(truth) => query.bind(truth),
        Value::Float(number) => query.bind(number),
        Value::Time(time) => query.bind(Time(time)),
        Value::TimeOrNull(time) => query.bind(time.map(Time)),
        Value::Json(value) => query.bind(Json(value)),
        Value::Bytes(bytes) => query.bind(bytes),
    })
}

impl Ledger for SqliteLedger {
    type Row = SqliteRow;
    const LOCK_INQUIRY: &'static str = include_str!("../sql/lock_inquiry.sql");
    const LOCK_INQUIRY_IF_FREE: &'static str = Self::LOCK_INQUIRY;
    const LOCK_AGENTS: &'static str = include_str!("../sql/order_agents.sql");
    const STILL_AWAY: &'static str = include_str!("../sql/still_away.sql");
    const HOURS_OF: &'static str = include_str!("../sql/hours_of.sql");
    const TAKE_AGENT: &'static str = include_str!("../sql/sqlite/take_agent.sql");
    const FREE_AGENT: &'static str = include_str!("../sql/sqlite/free_agent.sql");

    const LOCKED: &'static str = "";
    const UNLOCKED_ONLY: &'static str = "";
    const LATERAL: bool = false;

    const DAY: (&'static str, &'static str) = ("(", " / 86400000000)");
    const SECONDS: (&'static str, &'static str) = ("((", ") / 1000000)");
    const LISTED: &'static str = "in (select value from json_each($1))";

    fn reader(&self) -> Reader<'_> {
        self.store.reader()
    }

    async fn write(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let done = bound(sql, values).execute(&mut *self.transaction).await;
        Ok(self.store.done(done)?.rows_affected())
    }

    async fn row(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<SqliteRow>, StoreError> {
        let row = bound(sql, values).fetch_optional(&mut *self.transaction).await;
        self.store.done(row)
    }

    async fn rows(&mut self, sql: String, values: &[Value<'_>]) -> Result<Vec<SqliteRow>, StoreError> {
        let rows = bound(AssertSqlSafe(sql), values).fetch_all(&mut *self.transaction).await;
        self.store.done(rows)
    }

    async fn tell_all(&mut self, events: &[Event]) -> Result<(), StoreError> {
        self.store.insert_events(&mut self.transaction, events).await
    }

    async fn tell(&mut self, event: Event) -> Result<(), StoreError> {
        self.store.insert_events(&mut self.transaction, &[event]).await
    }

    async fn commit_and_wake(self) -> Result<(), StoreError> {
        let desk = self.store.desk.clone();
        self.commit().await?;
        desk.send_replace(());
        Ok(())
    }

    async fn commit(self) -> Result<(), StoreError> {
        self.store.commit(self.transaction).await
    }
}

impl Books for SqliteStore {
    type Ledger = SqliteLedger;
    // There is one writer.
    const AT_ONCE: usize = 1;

    async fn begin_ledger(&self) -> Result<SqliteLedger, StoreError> {
        Ok(SqliteLedger { store: self.clone(), transaction: self.begin().await? })
    }

    fn place(&self) -> Reader<'_> {
        self.reader()
    }

    async fn act(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        Ok(self.done(bound(sql, values).execute(&self.writer).await)?.rows_affected())
    }

    async fn list(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<SqliteRow>, StoreError> {
        self.rows(bound(sql, values)).await
    }

    async fn list_built(&self, sql: String, values: &[Value<'_>]) -> Result<Vec<SqliteRow>, StoreError> {
        self.rows(bound(AssertSqlSafe(sql), values)).await
    }

    async fn labels_of(&self, messages: Vec<String>) -> Result<Vec<SqliteRow>, StoreError> {
        self.rows(sqlx::query(include_str!("../sql/sqlite/labels_of.sql")).bind(Json(messages))).await
    }

    async fn messages_of(&self, messages: Vec<String>) -> Result<Vec<SqliteRow>, StoreError> {
        self.rows(sqlx::query(include_str!("../sql/sqlite/messages_of.sql")).bind(Json(messages))).await
    }
}

/// Hears of what this store changed; changes of another process are found by the tick.
struct SqliteWatch(watch::Receiver<()>);

impl SqliteStore {
    pub(super) fn listen(&self) -> Box<dyn DeskWatch> {
        Box::new(SqliteWatch(self.desk.subscribe()))
    }
}

#[async_trait]
impl DeskWatch for SqliteWatch {
    async fn changed(&mut self) -> Result<(), StoreError> {
        if self.0.changed().await.is_err() {
            // Every handle of the store is gone: nothing will change any more.
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}
