//! The embedded queue: the same promises as RabbitMQ's, kept by one SQLite file. For one machine, for the demo and for tests.
//!
//! Several processes may share the file. A delivery is handed out under a lease; `publish` returns once the file is on
//! the disk. Events have no consumers here and are kept until the topology is deleted.

mod consumer;
mod database;
mod lease;
mod publish;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::consumer::EmbeddedConsumer;
use self::database::Shared;
use super::{Consumer, Depth, Inbound, Outgoing, Queue, QueueError};

/// How long deliveries of a process that died stay out of reach. Renewed three times as often: a process that is busy or
/// suspended for less than this keeps what it holds.
const LEASE: Duration = Duration::from_secs(30);

/// The queue in one file, under one prefix.
pub struct EmbeddedQueue {
    shared: Arc<Shared>,
}

impl EmbeddedQueue {
    /// Opens the file, or makes it. `delivery_limit`: how often a delivery may come back before it becomes a dead letter.
    pub async fn open(path: &Path, prefix: &str, delivery_limit: u32) -> Result<Self, QueueError> {
        Self::open_with_lease(path, prefix, delivery_limit, LEASE).await
    }

    /// Like [`EmbeddedQueue::open`], with another lease for the consumers made here.
    pub async fn open_with_lease(
        path: &Path,
        prefix: &str,
        delivery_limit: u32,
        lease: Duration,
    ) -> Result<Self, QueueError> {
        let shared = Shared::open(path, prefix, delivery_limit, lease).await?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Number of events that were published, by routing key.
    pub async fn events(&self) -> Result<BTreeMap<String, u64>, QueueError> {
        let counts: Vec<(String, i64)> = sqlx::query_as(include_str!("sql/events.sql"))
            .bind(&self.shared.prefix)
            .fetch_all(&self.shared.reader)
            .await
            .map_err(|error| self.shared.error("counting events", &error))?;
        Ok(counts.into_iter().map(|(key, count)| (key, count.unsigned_abs())).collect())
    }

    /// Waits until dropped consumers have given back what they held, then closes the file. Drop the consumers first.
    pub async fn close(&self) {
        let mut releases = self.shared.releases.subscribe();
        // Cannot fail: the sender lives in `self`.
        let _ = releases.wait_for(|running| *running == 0).await;
        self.shared.writer.close().await;
        self.shared.reader.close().await;
    }

    /// Deletes everything under the prefix. For tests, and for operators who give an installation up.
    pub async fn delete_topology(&self) -> Result<(), QueueError> {
        let doing = "deleting the topology";
        let mut transaction = self.shared.begin(doing).await?;
        if !self.shared.is_declared(&mut transaction).await? {
            return Ok(());
        }
        let mut statements = Vec::new();
        for of in Inbound::ALL {
            let queue = self.shared.queue_name(of);
            statements.push(sqlx::query("DELETE FROM queue_delivery WHERE queue = $1").bind(queue.clone()));
            statements
                .push(sqlx::query("DELETE FROM queue_dead_letter WHERE queue = $1").bind(queue.clone()));
            statements.push(sqlx::query("DELETE FROM queue_consumer WHERE queue = $1").bind(queue));
        }
        let prefix = &self.shared.prefix;
        statements.push(sqlx::query("DELETE FROM queue_event WHERE prefix = $1").bind(prefix));
        statements.push(sqlx::query("DELETE FROM queue_topology WHERE prefix = $1").bind(prefix));
        for statement in statements {
            let done = statement.execute(&mut *transaction).await;
            done.map_err(|error| self.shared.error(doing, &error))?;
        }
        transaction.commit().await.map_err(|error| self.shared.error(doing, &error))
    }
}

#[async_trait]
impl Queue for EmbeddedQueue {
    async fn declare(&self) -> Result<(), QueueError> {
        let doing = "declaring the topology";
        let mut transaction = self.shared.begin(doing).await?;
        let schema = sqlx::raw_sql(include_str!("sql/schema.sql")).execute(&mut *transaction).await;
        schema.map_err(|error| self.shared.error(doing, &error))?;
        let known = sqlx::query("INSERT INTO queue_topology (prefix) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(&self.shared.prefix)
            .execute(&mut *transaction)
            .await;
        known.map_err(|error| self.shared.error(doing, &error))?;
        transaction.commit().await.map_err(|error| self.shared.error(doing, &error))
    }

    async fn publish(&self, batch: &[Outgoing], timeout: Duration) -> Result<(), QueueError> {
        match tokio::time::timeout(timeout, publish::publish(&self.shared, batch)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(QueueError::Unreachable {
                place: self.shared.place.clone(),
                detail: format!("publishing: not stored within {} ms", timeout.as_millis()),
            }),
        }
    }

    async fn consume(&self, from: Inbound, prefetch: u16) -> Result<Box<dyn Consumer>, QueueError> {
        let consumer = EmbeddedConsumer::subscribe(self.shared.clone(), from, prefetch).await?;
        Ok(Box::new(consumer))
    }

    async fn depth(&self, of: Inbound) -> Result<Depth, QueueError> {
        let doing = "reading a queue's depth";
        let (declared, ready, held, dead): (bool, i64, i64, i64) =
            sqlx::query_as(include_str!("sql/depth.sql"))
                .bind(self.shared.queue_name(of))
                .bind(&self.shared.prefix)
                .fetch_one(&self.shared.reader)
                .await
                .map_err(|error| self.shared.error(doing, &error))?;
        if !declared {
            return Err(self.shared.not_declared(doing));
        }
        Ok(Depth {
            ready: ready.unsigned_abs(),
            unacknowledged: Some(held.unsigned_abs()),
            dead_letters: dead.unsigned_abs(),
        })
    }

    async fn remove_dead_letter(&self, of: Inbound, id: &str) -> Result<bool, QueueError> {
        let removed = sqlx::query(include_str!("sql/remove_dead_letter.sql"))
            .bind(self.shared.queue_name(of))
            .bind(id)
            .execute(&self.shared.writer)
            .await
            .map_err(|error| self.shared.error("removing a dead letter", &error))?;
        Ok(removed.rows_affected() > 0)
    }
}
