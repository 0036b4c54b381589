//! The outbox: written inside other transactions, claimed and marked by the relay.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::SqliteStore;
use crate::store::StoreError;
use crate::store::fields::{Fields, Time};
use crate::store::prepare::{Event, target_columns, webhook_id};
use crate::store::types::OutboxRow;

impl SqliteStore {
    pub(super) async fn insert_events(
        &self,
        connection: &mut SqliteConnection,
        events: &[Event],
    ) -> Result<(), StoreError> {
        for event in events {
            let (kind, name) = target_columns(&event.outgoing.target);
            let insert = sqlx::query(include_str!("../sql/sqlite/insert_event.sql"))
                .bind(&event.key)
                .bind(kind)
                .bind(name)
                .bind(&event.outgoing.id)
                .bind(&event.outgoing.body)
                .bind(Json(&event.outgoing.headers));
            self.done(insert.execute(&mut *connection).await)?;
        }
        self.insert_deliveries(connection, events).await
    }

    /// Who wants an event gets a delivery of it in the same transaction: none is lost, none doubled.
    async fn insert_deliveries(
        &self,
        connection: &mut SqliteConnection,
        events: &[Event],
    ) -> Result<(), StoreError> {
        let wanted = sqlx::query("select 1 from webhook_endpoints where active limit 1");
        if self.done(wanted.fetch_optional(&mut *connection).await)?.is_none() {
            return Ok(());
        }
        for event in events {
            let insert = sqlx::query(include_str!("../sql/sqlite/insert_deliveries.sql"))
                .bind(&event.key)
                .bind(webhook_id(&event.key));
            self.done(insert.execute(&mut *connection).await)?;
        }
        Ok(())
    }

    pub(super) async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<OutboxRow>, StoreError> {
        let now = Utc::now();
        let until = TimeDelta::from_std(lease).ok().and_then(|lease| now.checked_add_signed(lease));
        let claim = sqlx::query(include_str!("../sql/sqlite/claim_outbox.sql"))
            .bind(i64::from(limit))
            .bind(Time(now))
            .bind(Time(until.unwrap_or(DateTime::<Utc>::MAX_UTC)));
        let rows = self.done(claim.fetch_all(&self.writer).await)?;
        let mut claimed: Vec<_> =
            rows.iter().map(|row| self.reader().outbox(row)).collect::<Result<_, _>>()?;
        // `returning` promises no order.
        claimed.sort_by_key(|row| row.id);
        Ok(claimed)
    }

    pub(super) async fn published(&self, rows: &[i64]) -> Result<(), StoreError> {
        let mark = sqlx::query(include_str!("../sql/sqlite/mark_published.sql"))
            .bind(Json(rows))
            .bind(Time(Utc::now()));
        self.done(mark.execute(&self.writer).await)?;
        Ok(())
    }

    pub(super) async fn purge(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let purge = sqlx::query(include_str!("../sql/purge_published.sql")).bind(Time(before));
        Ok(self.done(purge.execute(&self.writer).await)?.rows_affected())
    }

    pub(super) async fn depth(&self) -> Result<u64, StoreError> {
        let row =
            self.row(sqlx::query("select count(*) as count from outbox where published_at is null")).await?;
        let count = row.map(|row| self.done(row.int("count"))).transpose()?.unwrap_or(0);
        Ok(count.unsigned_abs())
    }
}
