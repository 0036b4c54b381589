//! The transactions in which who has an inquiry changes, and what wakes the desks.

use async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgListener, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, Transaction};

use super::{ACQUIRE_TIMEOUT, PostgresStore};
use crate::store::fault::Place;
use crate::store::fields::Time;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::prepare::Event;
use crate::store::rows::Reader;
use crate::store::{DeskWatch, StoreError};

/// Channel of `LISTEN` and `NOTIFY`, within one database.
const CHANNEL: &str = "mimamori_desk";
/// Told in the transaction that makes the change: nobody hears of what was rolled back.
pub(super) const NOTIFY: &str = "select pg_notify('mimamori_desk', '')";

pub(in crate::store) struct PostgresLedger {
    store: PostgresStore,
    transaction: Transaction<'static, Postgres>,
}

fn bound<'q>(sql: impl SqlSafeStr, values: &[Value<'q>]) -> Query<'q, Postgres, PgArguments> {
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

impl Ledger for PostgresLedger {
    type Row = PgRow;
    const LOCK_INQUIRY: &'static str = concat!(include_str!("../sql/lock_inquiry.sql"), "for update");
    const LOCK_INQUIRY_IF_FREE: &'static str =
        concat!(include_str!("../sql/lock_inquiry.sql"), "for update skip locked");
    const LOCK_AGENTS: &'static str =
        concat!(include_str!("../sql/order_agents.sql"), "collate \"C\" for no key update");
    const STILL_AWAY: &'static str = concat!(include_str!("../sql/still_away.sql"), "for no key update");
    const HOURS_OF: &'static str = concat!(include_str!("../sql/hours_of.sql"), "for no key update");
    const TAKE_AGENT: &'static str = include_str!("../sql/postgres/take_agent.sql");
    const FREE_AGENT: &'static str = include_str!("../sql/postgres/free_agent.sql");

    const LOCKED: &'static str = "\nfor no key update of a";
    const UNLOCKED_ONLY: &'static str = "\nfor no key update of a skip locked";
    const LATERAL: bool = true;

    const DAY: (&'static str, &'static str) = ("cast(floor(date_part('epoch', ", ") / 86400) as bigint)");
    const SECONDS: (&'static str, &'static str) = ("cast(floor(date_part('epoch', ", ")) as bigint)");
    const LISTED: &'static str = "in (select cast(value as bigint) from jsonb_array_elements_text($1) value)";

    fn reader(&self) -> Reader<'_> {
        self.store.reader()
    }

    async fn write(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let done = bound(sql, values).execute(&mut *self.transaction).await;
        Ok(self.store.done(done)?.rows_affected())
    }

    async fn row(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Option<PgRow>, StoreError> {
        let row = bound(sql, values).fetch_optional(&mut *self.transaction).await;
        self.store.done(row)
    }

    async fn rows(&mut self, sql: String, values: &[Value<'_>]) -> Result<Vec<PgRow>, StoreError> {
        let rows = bound(AssertSqlSafe(sql), values).fetch_all(&mut *self.transaction).await;
        self.store.done(rows)
    }

    async fn tell_all(&mut self, events: &[Event]) -> Result<(), StoreError> {
        self.store.insert_events(&mut self.transaction, events).await
    }

    async fn tell(&mut self, event: Event) -> Result<(), StoreError> {
        self.store.insert_events(&mut self.transaction, &[event]).await
    }

    async fn commit_and_wake(mut self) -> Result<(), StoreError> {
        self.write(NOTIFY, &[]).await?;
        self.commit().await
    }

    async fn commit(self) -> Result<(), StoreError> {
        self.store.commit(self.transaction).await
    }
}

impl Books for PostgresStore {
    type Ledger = PostgresLedger;
    const AT_ONCE: usize = 4;

    async fn begin_ledger(&self) -> Result<PostgresLedger, StoreError> {
        Ok(PostgresLedger { store: self.clone(), transaction: self.begin().await? })
    }

    fn place(&self) -> Reader<'_> {
        self.reader()
    }

    async fn act(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        Ok(self.done(bound(sql, values).execute(&self.pool).await)?.rows_affected())
    }

    async fn list(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<PgRow>, StoreError> {
        self.rows(bound(sql, values)).await
    }

    async fn list_built(&self, sql: String, values: &[Value<'_>]) -> Result<Vec<PgRow>, StoreError> {
        self.rows(bound(AssertSqlSafe(sql), values)).await
    }

    async fn labels_of(&self, messages: Vec<String>) -> Result<Vec<PgRow>, StoreError> {
        self.rows(sqlx::query(include_str!("../sql/postgres/labels_of.sql")).bind(messages)).await
    }

    async fn messages_of(&self, messages: Vec<String>) -> Result<Vec<PgRow>, StoreError> {
        self.rows(sqlx::query(include_str!("../sql/postgres/messages_of.sql")).bind(messages)).await
    }
}

/// Listens on a connection of its own, which the pool cannot lend to anybody else.
struct PostgresWatch {
    listener: PgListener,
    place: Place,
}

impl PostgresStore {
    pub(super) async fn listen(&self) -> Result<Box<dyn DeskWatch>, StoreError> {
        let options = self.pool.connect_options();
        let own = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(options.as_ref().clone());
        let mut listener = self.done(PgListener::connect_with(&own).await)?;
        self.done(listener.listen(CHANNEL).await)?;
        Ok(Box::new(PostgresWatch { listener, place: self.place.clone() }))
    }
}

#[async_trait]
impl DeskWatch for PostgresWatch {
    async fn changed(&mut self) -> Result<(), StoreError> {
        // None after a connection that was lost: something may have been missed, so that, too, is a change.
        self.listener.try_recv().await.map_err(|error| self.place.error(error))?;
        while self.listener.next_buffered().is_some() {}
        Ok(())
    }
}
