//! Holding deliveries: a consumer has a lease, renewed while it lives. What it holds comes back when it gives it back, when it is
//! dropped, or, if its process died, when the lease has run out.

use std::sync::Arc;

use sqlx::{Sqlite, Transaction};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::database::Shared;
use crate::queue::{Delivery, Inbound, QueueError, REASON_HEADER, Tag};

// `sql/bury.sql` has to write the name into a JSON path.
const _: () = assert!(matches!(REASON_HEADER.as_bytes(), b"x-mimamori-reason"));

/// The lease of one consumer, renewed in the background until this is dropped.
pub(super) struct Lease {
    pub consumer: i64,
    /// Turns true when the lease ran out before it could be renewed: what was held is in other hands.
    pub lost: watch::Receiver<bool>,
    renewal: AbortHandle,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Registers a consumer of a declared queue.
pub(super) async fn register(shared: &Arc<Shared>, of: Inbound) -> Result<Lease, QueueError> {
    let doing = "subscribing";
    let mut transaction = shared.begin(doing).await?;
    if !shared.is_declared(&mut transaction).await? {
        return Err(shared.not_declared(doing));
    }
    let statement = "INSERT INTO queue_consumer (queue, lease_until) VALUES ($1, $2) RETURNING consumer";
    let consumer: i64 = sqlx::query_scalar(statement)
        .bind(shared.queue_name(of))
        .bind(lease_end(shared))
        .fetch_one(&mut *transaction)
        .await
        .map_err(|error| shared.error(doing, &error))?;
    transaction.commit().await.map_err(|error| shared.error(doing, &error))?;
    let (losing, lost) = watch::channel(false);
    let renewal = tokio::spawn(renew(shared.clone(), consumer, losing)).abort_handle();
    Ok(Lease { consumer, lost, renewal })
}

/// Renews three times a lease, so that two failures in a row do no harm.
async fn renew(shared: Arc<Shared>, consumer: i64, losing: watch::Sender<bool>) {
    loop {
        tokio::time::sleep(shared.lease / 3).await;
        let renewed = sqlx::query("UPDATE queue_consumer SET lease_until = $2 WHERE consumer = $1")
            .bind(consumer)
            .bind(lease_end(&shared))
            .execute(&shared.writer)
            .await;
        match renewed {
            Ok(done) if done.rows_affected() == 0 => {
                losing.send_replace(true);
                return;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(file = shared.place, %error, "lease not renewed, will try again"),
        }
    }
}

/// Claims up to `room` ready deliveries, oldest first, after taking back what expired leases hold. Writes only if there is work.
pub(super) async fn claim(
    shared: &Shared,
    of: Inbound,
    consumer: i64,
    room: usize,
) -> Result<Vec<Delivery>, QueueError> {
    let doing = "consuming";
    let (queue, now) = (shared.queue_name(of), now_ms());
    let work: bool = sqlx::query_scalar(include_str!("sql/work.sql"))
        .bind(&queue)
        .bind(now)
        .fetch_one(&shared.reader)
        .await
        .map_err(|error| shared.error(doing, &error))?;
    if !work {
        return Ok(Vec::new());
    }
    let mut transaction = shared.begin(doing).await?;
    expire(shared, &mut transaction, &queue, now).await?;
    let rows: Vec<(i64, Vec<u8>, u32)> = sqlx::query_as(include_str!("sql/claim.sql"))
        .bind(consumer)
        .bind(&queue)
        .bind(i64::try_from(room).unwrap_or(i64::MAX))
        .fetch_all(&mut *transaction)
        .await
        .map_err(|error| shared.error(doing, &error))?;
    transaction.commit().await.map_err(|error| shared.error(doing, &error))?;
    let mut claimed: Vec<Delivery> = rows
        .into_iter()
        .map(|(sequence, body, earlier_attempts)| Delivery {
            tag: Tag(sequence.cast_unsigned()),
            body,
            earlier_attempts,
        })
        .collect();
    // SQLite returns updated rows in no particular order.
    claimed.sort_unstable_by_key(|delivery| delivery.tag);
    Ok(claimed)
}

/// Gives back handed-out deliveries; says how many of them the consumer still held.
pub(super) async fn give_back(
    shared: &Shared,
    of: Inbound,
    consumer: i64,
    tags: &[Tag],
) -> Result<usize, QueueError> {
    let mut transaction = shared.begin("giving back").await?;
    let given = take_back(shared, &mut transaction, of, consumer, tags).await?;
    transaction.commit().await.map_err(|error| shared.error("giving back", &error))?;
    shared.wake(of);
    Ok(given)
}

/// Ends a consumer: what it handed out counts as an attempt, what it only held in advance does not.
pub(super) async fn release(
    shared: &Shared,
    of: Inbound,
    consumer: i64,
    handed: &[Tag],
) -> Result<(), QueueError> {
    let doing = "ending a subscription";
    let mut transaction = shared.begin(doing).await?;
    take_back(shared, &mut transaction, of, consumer, handed).await?;
    for statement in [
        "UPDATE queue_delivery SET consumer = NULL WHERE consumer = $1",
        "DELETE FROM queue_consumer WHERE consumer = $1",
    ] {
        let done = sqlx::query(statement).bind(consumer).execute(&mut *transaction).await;
        done.map_err(|error| shared.error(doing, &error))?;
    }
    transaction.commit().await.map_err(|error| shared.error(doing, &error))?;
    shared.wake(of);
    Ok(())
}

/// The tags as a JSON array, for `json_each`.
pub(super) fn json_array(tags: &[Tag]) -> String {
    let numbers: Vec<String> = tags.iter().map(|tag| tag.0.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

async fn take_back(
    shared: &Shared,
    transaction: &mut Transaction<'static, Sqlite>,
    of: Inbound,
    consumer: i64,
    tags: &[Tag],
) -> Result<usize, QueueError> {
    let attempts: Vec<u32> = sqlx::query_scalar(include_str!("sql/give_back.sql"))
        .bind(consumer)
        .bind(json_array(tags))
        .fetch_all(&mut **transaction)
        .await
        .map_err(|error| shared.error("giving back", &error))?;
    bury(shared, transaction, &shared.queue_name(of), &attempts).await?;
    Ok(attempts.len())
}

async fn expire(
    shared: &Shared,
    transaction: &mut Transaction<'static, Sqlite>,
    queue: &str,
    now: i64,
) -> Result<(), QueueError> {
    let doing = "taking back expired deliveries";
    let attempts: Vec<u32> = sqlx::query_scalar(include_str!("sql/expire.sql"))
        .bind(queue)
        .bind(now)
        .fetch_all(&mut **transaction)
        .await
        .map_err(|error| shared.error(doing, &error))?;
    let done = sqlx::query("DELETE FROM queue_consumer WHERE queue = $1 AND lease_until < $2")
        .bind(queue)
        .bind(now)
        .execute(&mut **transaction)
        .await;
    done.map_err(|error| shared.error(doing, &error))?;
    bury(shared, transaction, queue, &attempts).await
}

/// Dead-letters what came back more often than the limit. `attempts` are those of what just came back.
async fn bury(
    shared: &Shared,
    transaction: &mut Transaction<'static, Sqlite>,
    queue: &str,
    attempts: &[u32],
) -> Result<(), QueueError> {
    if attempts.iter().all(|attempts| *attempts <= shared.delivery_limit) {
        return Ok(());
    }
    let reason = format!("delivery_limit: came back more than {} times", shared.delivery_limit);
    let copy = sqlx::query(include_str!("sql/bury.sql")).bind(queue).bind(shared.delivery_limit).bind(reason);
    let remove = sqlx::query(include_str!("sql/buried.sql")).bind(queue).bind(shared.delivery_limit);
    for statement in [copy, remove] {
        let done = statement.execute(&mut **transaction).await;
        done.map_err(|error| shared.error("dead-lettering", &error))?;
    }
    Ok(())
}

/// Wall-clock time, because processes share it. A clock that is set back by more than a lease delays what a dead process held.
fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

fn lease_end(shared: &Shared) -> i64 {
    now_ms().saturating_add(i64::try_from(shared.lease.as_millis()).unwrap_or(i64::MAX))
}
