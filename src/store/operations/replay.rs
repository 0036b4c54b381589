//! Sending a dead letter again, by way of the outbox: what is marked is published, and nothing that is not marked.

use chrono::{DateTime, Utc};

use super::types::Replay;
use crate::access::{Act, Actor, AuditEntry, Subject};
use crate::store::StoreError;
use crate::store::accounts::trail;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::prepare;

pub(super) async fn replay<B: Books>(
    books: &B,
    id: &str,
    replays: Option<u32>,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<Replay, StoreError> {
    // PostgreSQL takes no NUL in a text, and so holds none.
    if id.contains('\0') {
        return Ok(Replay::Unknown);
    }
    let mut ledger = books.begin_ledger().await?;
    let values = [Value::Text(id), Value::Time(at), Value::NumberOrNull(replays.map(i64::from))];
    let Some(row) = ledger.row(include_str!("../sql/operations/replay.sql"), &values).await? else {
        let known = ledger.row(include_str!("../sql/operations/known.sql"), &[Value::Text(id)]).await?;
        return Ok(if known.is_some() { Replay::Changed } else { Replay::Unknown });
    };
    let reader = ledger.reader();
    let queue = prepare::inbound(&reader.get(row.text("queue"))?).ok_or(unreadable("queue"))?;
    let body = reader.get(row.bytes("body"))?;
    let life = reader.get(row.int("replays"))?;
    drop(row);
    ledger.tell(prepare::replay_event(id, queue, body, life)).await?;
    let entry = AuditEntry::new(by.clone(), Act::DeadLetterReplayed, Subject::new("dead_letter", id), at);
    trail::write(&mut ledger, &entry.with("queue", queue.as_str()).with("replays", life)).await?;
    ledger.commit().await?;
    Ok(Replay::Done)
}
