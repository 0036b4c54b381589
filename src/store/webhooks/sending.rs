//! Deliveries as the worker sends them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::endpoints::{cancel, line};
use super::types::*;
use crate::access::{Act, Actor, WebhookSecret};
use crate::store::StoreError;
use crate::store::accounts::trail;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::rows::Reader;

const CLAIMABLE: &str = include_str!("../sql/webhooks/claimable.sql");

pub(super) async fn due<B: Books>(books: &B, at: DateTime<Utc>) -> Result<Vec<i64>, StoreError> {
    let rows = books.list(include_str!("../sql/webhooks/due.sql"), &[Value::Time(at)]).await?;
    rows.iter().map(|row| books.place().get(row.int("endpoint_id"))).collect()
}

pub(super) async fn claim<B: Books>(
    books: &B,
    endpoint: i64,
    limit: u32,
    lease: Duration,
    at: DateTime<Utc>,
) -> Result<Option<Claimed>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let key = Value::Number(endpoint);
    let values = [key, Value::Time(at), Value::Number(i64::from(limit))];
    let free = <B::Ledger as Ledger>::UNLOCKED_ONLY;
    let rows = ledger.rows(format!("{CLAIMABLE}{free}"), &values).await?;
    let mut deliveries: Vec<ClaimedDelivery> =
        rows.iter().map(|row| claimed(&ledger.reader(), row)).collect::<Result<_, _>>()?;
    if deliveries.is_empty() {
        return Ok(None);
    }
    // After the deliveries: whoever gives the endpoint another address now waits for them, and then takes them back.
    let signing = ledger.row(include_str!("../sql/webhooks/signing.sql"), &[key]).await?;
    let Some(signing) = signing else { return Ok(None) };
    let until = at + TimeDelta::from_std(lease).unwrap_or(TimeDelta::zero());
    for delivery in &mut deliveries {
        let take = "update webhook_deliveries set claims = claims + 1, due_at = $2 where delivery_id = $1";
        ledger.write(take, &[Value::Number(delivery.delivery_id), Value::Time(until)]).await?;
        delivery.claim += 1;
    }
    let reader = ledger.reader();
    let mut secrets = vec![reader.get(signing.text("secret"))?];
    if reader.get(signing.time_or_null("previous_until"))?.is_some_and(|until| until > at) {
        secrets.extend(reader.get(signing.text_or_null("previous_secret"))?);
    }
    let claimed = Claimed {
        url: reader.get(signing.text("url"))?,
        secrets: secrets.iter().filter_map(|secret| WebhookSecret::read(secret)).collect(),
        deliveries,
    };
    ledger.commit().await?;
    Ok(Some(claimed))
}

fn claimed(reader: &Reader<'_>, row: &impl Fields) -> Result<ClaimedDelivery, StoreError> {
    let count = |column| reader.get(row.int(column))?.try_into().map_err(|_| unreadable(column));
    Ok(ClaimedDelivery {
        delivery_id: reader.get(row.int("delivery_id"))?,
        claim: count("claims")?,
        failures: count("failures")?,
        webhook_id: reader.get(row.text("webhook_id"))?,
        event: reader.get(row.text("event"))?,
        told_at: reader.get(row.time("told_at"))?,
        body: reader.get(row.bytes_or_null("body"))?,
    })
}

pub(super) async fn finish<B: Books>(
    books: &B,
    delivery: i64,
    attempt: &Attempt,
    next: Next,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let id = Value::Number(delivery);
    let (state, due) = match next {
        Next::Delivered => (DeliveryState::Delivered, at),
        Next::Retry(due) => (DeliveryState::Pending, due),
        Next::Failed => (DeliveryState::Failed, at),
        Next::Gone => (DeliveryState::Cancelled, at),
    };
    let done = (state != DeliveryState::Pending).then_some(at);
    let failed = next != Next::Delivered;
    let values = [
        id,
        Value::Number(i64::from(attempt.attempt)),
        Value::Text(state.as_str()),
        Value::Time(due),
        Value::TimeOrNull(done),
        Value::Number(i64::from(failed)),
    ];
    let endpoint =
        ledger.row("select endpoint_id from webhook_deliveries where delivery_id = $1", &[id]).await?;
    let Some(endpoint) = endpoint else { return Ok(false) };
    let endpoint = ledger.reader().get(endpoint.int("endpoint_id"))?;
    // The endpoint first, as whoever switches it off does: two that lock the other way round would wait for each other.
    note(&mut ledger, endpoint, next, at).await?;
    if ledger.write(include_str!("../sql/webhooks/finish.sql"), &values).await? == 0 {
        return Ok(false);
    }
    let values = [
        id,
        Value::Number(i64::from(attempt.attempt)),
        Value::Time(attempt.at),
        Value::Number(i64::from(attempt.took_ms)),
        Value::NumberOrNull(attempt.status.map(i64::from)),
        Value::TextOrNull(attempt.failure.map(Failure::as_str)),
    ];
    ledger.write(include_str!("../sql/webhooks/add_attempt.sql"), &values).await?;
    if next == Next::Gone {
        cancel(&mut ledger, endpoint, at).await?;
    }
    ledger.commit().await?;
    Ok(true)
}

/// Keeps how the endpoint is, if that has changed.
async fn note<L: Ledger>(
    ledger: &mut L,
    endpoint: i64,
    next: Next,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (key, time) = (Value::Number(endpoint), Value::Time(at));
    match next {
        Next::Delivered => {
            let well = "update webhook_endpoints set failing_since = null where endpoint_id = $1 and failing_since is not null";
            ledger.write(well, &[key]).await?;
        }
        Next::Retry(_) | Next::Failed => {
            let failing = "update webhook_endpoints set failing_since = $2 where endpoint_id = $1 and failing_since is null";
            ledger.write(failing, &[key, time]).await?;
        }
        Next::Gone => {
            let gone = ledger
                .write(include_str!("../sql/webhooks/gone.sql"), &[key, time, Value::Truth(false)])
                .await?;
            if gone > 0 {
                trail::write(ledger, &line(Act::WebhookGone, endpoint, &Actor::program(), at)).await?;
            }
        }
    }
    Ok(())
}

pub(super) async fn sweep<B: Books>(
    books: &B,
    keep_from: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Result<Swept, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let given_up = ledger.write(include_str!("../sql/webhooks/give_up.sql"), &[Value::Time(at)]).await?;
    let tests = "delete from webhook_deliveries where outbox_id is null and created_at < $1";
    let deleted = ledger.write(tests, &[Value::Time(keep_from)]).await?;
    ledger.commit().await?;
    Ok(Swept { given_up, deleted })
}
