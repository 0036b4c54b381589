//! The outbox: written inside other transactions, claimed and marked by the relay.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{Postgres, Transaction};

use super::PostgresStore;
use crate::store::StoreError;
use crate::store::fields::{Fields, Time};
use crate::store::prepare::{Event, target_columns};
use crate::store::types::OutboxRow;

impl PostgresStore {
    pub(super) async fn insert_events(
        &self,
        transaction: &mut Transaction<'static, Postgres>,
        events: &[Event],
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let targets: Vec<_> = events.iter().map(|event| target_columns(&event.outgoing.target)).collect();
        let insert = sqlx::query(include_str!("../sql/postgres/insert_events.sql"))
            .bind(events.iter().map(|event| event.key.as_str()).collect::<Vec<_>>())
            .bind(targets.iter().map(|(kind, _)| *kind).collect::<Vec<_>>())
            .bind(targets.iter().map(|(_, name)| *name).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.outgoing.id.as_str()).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.outgoing.body.as_slice()).collect::<Vec<_>>())
            .bind(events.iter().map(|event| Json(&event.outgoing.headers)).collect::<Vec<_>>());
        self.done(insert.execute(&mut **transaction).await)?;
        Ok(())
    }

    pub(super) async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<OutboxRow>, StoreError> {
        let claim = sqlx::query(include_str!("../sql/postgres/claim_outbox.sql"))
            .bind(i64::from(limit))
            .bind(lease.as_secs_f64());
        let rows = self.rows(claim).await?;
        let mut claimed: Vec<_> =
            rows.iter().map(|row| self.reader().outbox(row)).collect::<Result<_, _>>()?;
        // `returning` promises no order.
        claimed.sort_by_key(|row| row.id);
        Ok(claimed)
    }

    pub(super) async fn published(&self, rows: &[i64]) -> Result<(), StoreError> {
        let mark = sqlx::query(include_str!("../sql/postgres/mark_published.sql")).bind(rows);
        self.done(mark.execute(&self.pool).await)?;
        Ok(())
    }

    pub(super) async fn purge(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let purge = sqlx::query(include_str!("../sql/purge_published.sql")).bind(Time(before));
        Ok(self.done(purge.execute(&self.pool).await)?.rows_affected())
    }

    pub(super) async fn depth(&self) -> Result<u64, StoreError> {
        let row =
            self.row(sqlx::query("select count(*) as count from outbox where published_at is null")).await?;
        let count = row.map(|row| self.done(row.int("count"))).transpose()?.unwrap_or(0);
        Ok(count.unsigned_abs())
    }
}
