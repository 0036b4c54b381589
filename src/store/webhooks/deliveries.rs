//! Deliveries as people see them and ask for them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::endpoints::{line, locked};
use super::types::*;
use crate::access::{Act, Actor};
use crate::contract::TEST_EVENT;
use crate::store::StoreError;
use crate::store::accounts::trail;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::rows::Reader;

const DELIVERIES: &str = include_str!("../sql/webhooks/deliveries.sql");
const ATTEMPTS: &str = include_str!("../sql/webhooks/attempts.sql");

/// How long something that is sent again is tried at most; the default of the column, too.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(5);

pub(super) async fn list<B: Books>(books: &B, wanted: &DeliveryListing) -> Result<Vec<Delivery>, StoreError> {
    let mut values = Vec::new();
    let mut filter = String::from("where true");
    let mut only = |condition: &str, value: Option<Value<'static>>| {
        if let Some(value) = value {
            values.push(value);
            filter.push_str(&format!(" and {condition} ${}", values.len()));
        }
    };
    only("d.delivery_id =", wanted.only.map(Value::Number));
    only("d.endpoint_id =", wanted.endpoint_id.map(Value::Number));
    only("d.state =", wanted.state.map(|state| Value::Text(state.as_str())));
    only("d.delivery_id <", wanted.before.map(Value::Number));
    values.push(Value::Number(i64::from(wanted.limit)));
    let sql = format!("{DELIVERIES}{filter}\norder by d.delivery_id desc\nlimit ${}", values.len());
    let rows = books.list_built(sql, &values).await?;
    let reader = books.place();
    let mut deliveries: Vec<Delivery> =
        rows.iter().map(|row| delivery(&reader, row)).collect::<Result<_, _>>()?;
    let ids: Vec<Value<'_>> = deliveries.iter().map(|delivery| Value::Number(delivery.delivery_id)).collect();
    let mut attempts = attempts(books, &ids).await?;
    for delivery in &mut deliveries {
        delivery.attempts = attempts.remove(&delivery.delivery_id).unwrap_or_default();
    }
    Ok(deliveries)
}

async fn attempts<B: Books>(books: &B, ids: &[Value<'_>]) -> Result<BTreeMap<i64, Vec<Attempt>>, StoreError> {
    let mut found: BTreeMap<i64, Vec<Attempt>> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let places: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let sql =
        format!("{ATTEMPTS}where delivery_id in ({})\norder by delivery_id, attempt", places.join(", "));
    let reader = books.place();
    for row in books.list_built(sql, ids).await? {
        let failure = reader.get(row.text_or_null("failure"))?;
        let number = |column: &'static str, value: i64| value.try_into().map_err(|_| unreadable(column));
        let status = reader.get(row.int_or_null("status"))?;
        found.entry(reader.get(row.int("delivery_id"))?).or_default().push(Attempt {
            attempt: number("attempt", reader.get(row.int("attempt"))?)?,
            at: reader.get(row.time("at"))?,
            took_ms: number("took_ms", reader.get(row.int("took_ms"))?)?,
            status: status.map(u16::try_from).transpose().map_err(|_| unreadable("status"))?,
            failure: match failure {
                Some(name) => Some(Failure::read(&name).ok_or(unreadable("failure"))?),
                None => None,
            },
        });
    }
    Ok(found)
}

fn delivery(reader: &Reader<'_>, row: &impl Fields) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        delivery_id: reader.get(row.int("delivery_id"))?,
        endpoint_id: reader.get(row.int("endpoint_id"))?,
        webhook_id: reader.get(row.text("webhook_id"))?,
        event: reader.get(row.text("event"))?,
        state: DeliveryState::read(&reader.get(row.text("state"))?).ok_or(unreadable("state"))?,
        due_at: reader.get(row.time("due_at"))?,
        created_at: reader.get(row.time("created_at"))?,
        done_at: reader.get(row.time_or_null("done_at"))?,
        attempts: Vec::new(),
    })
}

async fn one<B: Books>(books: &B, id: i64) -> Result<Option<Delivery>, StoreError> {
    let wanted = DeliveryListing { only: Some(id), limit: 1, ..DeliveryListing::default() };
    Ok(list(books, &wanted).await?.into_iter().next())
}

pub(super) async fn test<B: Books>(
    books: &B,
    endpoint: i64,
    webhook_id: &str,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<Again, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    match locked(&mut ledger, endpoint).await? {
        None => return Ok(Again::Unknown),
        Some(endpoint) if !endpoint.wish.active => return Ok(Again::Inactive),
        Some(_) => {}
    }
    let values = [Value::Number(endpoint), Value::Text(webhook_id), Value::Text(TEST_EVENT), Value::Time(at)];
    let row = ledger.row(include_str!("../sql/webhooks/add_test.sql"), &values).await?;
    let row = row.ok_or_else(|| StoreError::Unexpected("an insert returned no row".into()))?;
    let id = ledger.reader().get(row.int("delivery_id"))?;
    trail::write(&mut ledger, &line(Act::WebhookTested, endpoint, by, at)).await?;
    ledger.commit().await?;
    Ok(one(books, id).await?.map_or(Again::Unknown, Again::Done))
}

pub(super) async fn again<B: Books>(
    books: &B,
    id: i64,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<Again, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let which = ledger
        .row("select endpoint_id from webhook_deliveries where delivery_id = $1", &[Value::Number(id)])
        .await?;
    let Some(which) = which else { return Ok(Again::Unknown) };
    let endpoint = ledger.reader().get(which.int("endpoint_id"))?;
    // The endpoint first, as whoever switches it off does.
    match locked(&mut ledger, endpoint).await? {
        None => return Ok(Again::Unknown),
        Some(endpoint) if !endpoint.wish.active => return Ok(Again::Inactive),
        Some(_) => {}
    }
    let values = [Value::Number(id), Value::Time(at), Value::Time(at + GIVE_UP_AFTER)];
    if ledger.write(include_str!("../sql/webhooks/again.sql"), &values).await? == 0 {
        return Ok(Again::Pending);
    }
    let entry = line(Act::WebhookSentAgain, endpoint, by, at).with("delivery", id);
    trail::write(&mut ledger, &entry).await?;
    ledger.commit().await?;
    Ok(one(books, id).await?.map_or(Again::Unknown, Again::Done))
}
