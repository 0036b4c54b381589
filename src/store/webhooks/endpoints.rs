//! Endpoints: added, changed under their lock by who saw them as they are, and deleted.

use chrono::{DateTime, Utc};

use super::types::*;
use crate::access::{Act, Actor, AuditEntry, Subject, WebhookSecret};
use crate::store::StoreError;
use crate::store::accounts::trail;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::rows::Reader;

const ENDPOINTS: &str = include_str!("../sql/webhooks/endpoints.sql");

/// What is done to an endpoint.
pub(super) enum Step<'a> {
    Change(&'a EndpointWish),
    Rotate { secret: &'a WebhookSecret, previous_until: DateTime<Utc> },
    Delete,
}

pub(super) async fn all<B: Books>(books: &B) -> Result<Vec<Endpoint>, StoreError> {
    let rows = books.list_built(format!("{ENDPOINTS}\norder by a.endpoint_id"), &[]).await?;
    rows.iter().map(|row| endpoint(&books.place(), row)).collect()
}

pub(super) async fn one<B: Books>(books: &B, id: i64) -> Result<Option<Endpoint>, StoreError> {
    let rows = books.list_built(format!("{ENDPOINTS} and a.endpoint_id = $1"), &[Value::Number(id)]).await?;
    rows.first().map(|row| endpoint(&books.place(), row)).transpose()
}

fn endpoint(reader: &Reader<'_>, row: &impl Fields) -> Result<Endpoint, StoreError> {
    let events: Vec<String> = reader.get(row.json("events"))?;
    Ok(Endpoint {
        endpoint_id: reader.get(row.int("endpoint_id"))?,
        generation: reader.get(row.int("generation"))?.try_into().map_err(|_| unreadable("generation"))?,
        wish: EndpointWish {
            url: reader.get(row.text("url"))?,
            // An event that this program does not know any more is none.
            events: events.iter().filter_map(|name| name.parse().ok()).collect(),
            active: reader.get(row.truth("active"))?,
        },
        gone_at: reader.get(row.time_or_null("gone_at"))?,
        failing_since: reader.get(row.time_or_null("failing_since"))?,
        previous_until: reader.get(row.time_or_null("previous_until"))?,
        created_by: reader.get(row.text("created_by"))?,
        created_at: reader.get(row.time("created_at"))?,
    })
}

/// The endpoint, locked until the transaction ends.
pub(super) async fn locked<L: Ledger>(ledger: &mut L, id: i64) -> Result<Option<Endpoint>, StoreError> {
    let sql = format!("{ENDPOINTS} and a.endpoint_id = $1{}", L::LOCKED);
    let rows = ledger.rows(sql, &[Value::Number(id)]).await?;
    rows.first().map(|row| endpoint(&ledger.reader(), row)).transpose()
}

pub(super) async fn add<B: Books>(
    books: &B,
    wish: &EndpointWish,
    secret: &WebhookSecret,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<Edit, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let count = ledger.rows("select 1 from webhook_endpoints where deleted_at is null".into(), &[]).await?;
    if count.len() >= MOST_ENDPOINTS {
        return Ok(Edit::TooMany);
    }
    let (events, secret) = (serde_json::json!(wish.events), secret.reveal());
    let values = [
        Value::Text(&wish.url),
        Value::Json(&events),
        Value::Truth(wish.active),
        Value::Text(&secret),
        Value::Text(&by.name),
        Value::Time(at),
    ];
    let row = ledger.row(include_str!("../sql/webhooks/add_endpoint.sql"), &values).await?;
    let row = row.ok_or_else(|| StoreError::Unexpected("an insert returned no row".into()))?;
    let id = ledger.reader().get(row.int("endpoint_id"))?;
    trail::write(&mut ledger, &wished(line(Act::WebhookAdded, id, by, at), wish)).await?;
    done(ledger, id).await
}

pub(super) async fn edit<B: Books>(
    books: &B,
    id: i64,
    generation: u32,
    step: Step<'_>,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<Edit, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let Some(endpoint) = locked(&mut ledger, id).await? else { return Ok(Edit::Unknown) };
    if endpoint.generation != generation {
        return Ok(Edit::Stale(endpoint.generation));
    }
    let key = Value::Number(id);
    match step {
        Step::Change(wish) => {
            let events = serde_json::json!(wish.events);
            let values = [key, Value::Text(&wish.url), Value::Json(&events), Value::Truth(wish.active)];
            ledger.write(include_str!("../sql/webhooks/change_endpoint.sql"), &values).await?;
            if !wish.active {
                cancel(&mut ledger, id, at).await?;
            } else if wish.url != endpoint.wish.url {
                ledger.write(include_str!("../sql/webhooks/readdress.sql"), &[key, Value::Time(at)]).await?;
            }
            trail::write(&mut ledger, &wished(line(Act::WebhookChanged, id, by, at), wish)).await?;
        }
        Step::Rotate { secret, previous_until } => {
            let secret = secret.reveal();
            let values = [key, Value::Text(&secret), Value::Time(previous_until)];
            ledger.write(include_str!("../sql/webhooks/rotate_secret.sql"), &values).await?;
            trail::write(&mut ledger, &line(Act::WebhookSecretRotated, id, by, at)).await?;
        }
        Step::Delete => {
            let values = [key, Value::Time(at), Value::Truth(false)];
            ledger.write(include_str!("../sql/webhooks/delete_endpoint.sql"), &values).await?;
            cancel(&mut ledger, id, at).await?;
            trail::write(&mut ledger, &wished(line(Act::WebhookDeleted, id, by, at), &endpoint.wish)).await?;
            ledger.commit().await?;
            return Ok(Edit::Done(endpoint));
        }
    }
    done(ledger, id).await
}

/// Commits, and tells the endpoint as it is from now on.
async fn done<L: Ledger>(mut ledger: L, id: i64) -> Result<Edit, StoreError> {
    let endpoint = locked(&mut ledger, id).await?;
    ledger.commit().await?;
    endpoint.map(Edit::Done).ok_or_else(|| StoreError::Unexpected("a locked endpoint is gone".into()))
}

/// What is to be sent to the endpoint is not sent.
pub(super) async fn cancel<L: Ledger>(ledger: &mut L, id: i64, at: DateTime<Utc>) -> Result<(), StoreError> {
    let values = [Value::Number(id), Value::Time(at)];
    ledger.write(include_str!("../sql/webhooks/cancel.sql"), &values).await.map(drop)
}

pub(super) fn line(act: Act, id: i64, by: &Actor, at: DateTime<Utc>) -> AuditEntry {
    AuditEntry::new(by.clone(), act, Subject::new("webhook", id), at)
}

fn wished(entry: AuditEntry, wish: &EndpointWish) -> AuditEntry {
    entry
        .with("to", origin(&wish.url))
        .with("events", serde_json::json!(wish.events))
        .with("active", wish.active)
}

/// Scheme, host and port: what stands behind them may let its bearer in.
fn origin(url: &str) -> String {
    url.splitn(4, ['/', '?']).take(3).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn the_trail_tells_whom_and_not_by_which_key() {
        assert_eq!(origin("https://example.com:8443/hooks/secret?key=1"), "https://example.com:8443");
        assert_eq!(origin("https://example.com?key=1"), "https://example.com");
    }
}
