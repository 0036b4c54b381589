//! Publishing: one transaction for a batch, so that all of it is stored or nothing.

use sqlx::{Sqlite, Transaction};

use super::database::Shared;
use crate::queue::{DEAD_LETTER_ID_HEADER, Inbound, Outgoing, QueueError, Target};

const DOING: &str = "publishing";

/// Stores all and wakes the consumers of this process. Without a declared topology nothing is routable.
pub(super) async fn publish(shared: &Shared, batch: &[Outgoing]) -> Result<(), QueueError> {
    if batch.is_empty() {
        return Ok(());
    }
    let mut transaction = shared.begin(DOING).await?;
    if !shared.is_declared(&mut transaction).await? {
        let detail = format!(
            "nothing is declared under the prefix {}; declare the topology, then try again",
            shared.prefix
        );
        return Err(QueueError::NotConfirmed { place: shared.place.clone(), detail });
    }
    for outgoing in batch {
        insert(shared, &mut transaction, outgoing).await?;
    }
    transaction.commit().await.map_err(|error| shared.error(DOING, &error))?;
    for of in Inbound::ALL {
        if batch.iter().any(|outgoing| outgoing.target == Target::Inbound(of)) {
            shared.wake(of);
        }
    }
    Ok(())
}

async fn insert(
    shared: &Shared,
    transaction: &mut Transaction<'static, Sqlite>,
    outgoing: &Outgoing,
) -> Result<(), QueueError> {
    let headers = serde_json::to_string(&outgoing.headers).map_err(|error| QueueError::Refused {
        place: shared.place.clone(),
        detail: format!("{DOING}: headers cannot be written as JSON: {error}"),
    })?;
    let (id, body) = (&outgoing.id, &outgoing.body);
    let statement = match &outgoing.target {
        Target::Inbound(of) => {
            let queue = shared.queue_name(*of);
            sqlx::query(include_str!("sql/publish.sql")).bind(queue).bind(id).bind(body).bind(headers)
        }
        Target::Event(key) => sqlx::query(include_str!("sql/publish_event.sql"))
            .bind(&shared.prefix)
            .bind(key)
            .bind(id)
            .bind(body)
            .bind(headers),
        Target::DeadLetter(of) => sqlx::query(include_str!("sql/publish_dead_letter.sql"))
            .bind(shared.queue_name(*of))
            .bind(id)
            .bind(body)
            .bind(headers)
            .bind(outgoing.headers.get(DEAD_LETTER_ID_HEADER)),
    };
    statement.execute(&mut **transaction).await.map_err(|error| shared.error(DOING, &error))?;
    Ok(())
}
