//! What reviewers see.

use chrono::{DateTime, Utc};

use super::types::*;
use crate::contract::TransactionId;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::prepare;
use crate::store::{AlertRow, StoreError};

const ALERT: &str = include_str!("../sql/review/alert.sql");
/// Lines of an alert's trail that are read.
const TRAIL: i64 = 100;

type Row<B> = <<B as Books>::Ledger as Ledger>::Row;

/// Filter and order of a list, with their values: fixed parts only, so that each combination of filters has a plan of its own.
pub(super) fn chosen(wanted: &Listing) -> (String, String, Vec<Value<'_>>) {
    let mut values = Vec::new();
    let (mut filter, column) = match wanted.view {
        View::Open => ("where a.state = 'open'".to_owned(), "a.queue_time"),
        View::Escalated => ("where a.state = 'escalated'".to_owned(), "a.queue_time"),
        View::Decided => ("where a.state = 'decided'".to_owned(), "a.decided_at"),
        View::Claimed => {
            values.push(Value::Time(wanted.at));
            ("where a.claimed_by is not null and a.claimed_until > $1".to_owned(), "a.claimed_until")
        }
    };
    let mut equal = |column: &str, value| {
        values.push(Value::Text(value));
        filter.push_str(&format!(" and a.{column} = ${}", values.len()));
    };
    if let Some(policy) = &wanted.policy {
        equal("policy", policy.as_str());
    }
    if let Some(sources) = wanted.sources {
        equal("sources", sources.as_str());
    }
    match (&wanted.mine, wanted.view) {
        (Some(mine), View::Claimed) => equal("claimed_by", mine),
        (Some(mine), View::Decided) => equal("decided_by", mine),
        _ => {}
    }
    let rising = (wanted.view == View::Decided) == (wanted.direction == Direction::Backward);
    let (beyond, way) = if rising { (">", "asc") } else { ("<", "desc") };
    if let Some(cursor) = wanted.from {
        values.extend([Value::Time(cursor.time), Value::Number(cursor.alert_id)]);
        let count = values.len();
        filter.push_str(&format!(" and ({column}, a.alert_id) {beyond} (${}, ${count})", count - 1));
    }
    (filter, format!("order by {column} {way}, a.alert_id {way}"), values)
}

/// The statement of a list, for those who look at its plan. Its arguments: for `Claimed` the time, then policy, sources and reviewer as
/// far as they are asked for, time and alert of the cursor, the limit.
pub fn statement(wanted: &Listing) -> String {
    let (filter, order, values) = chosen(wanted);
    format!("{ALERT}{filter}\n{order}\nlimit ${}", values.len() + 1)
}

pub(super) async fn queue<B: Books>(books: &B, wanted: &Listing) -> Result<Vec<ReviewRow>, StoreError> {
    let (.., mut values) = chosen(wanted);
    values.push(Value::Number(i64::from(wanted.limit)));
    let rows = books.list_built(statement(wanted), &values).await?;
    review_rows(books, &rows).await
}

/// Alerts with the labels of their messages, and the earlier messages that these point at.
pub(in crate::store) async fn with_findings<B: Books>(
    books: &B,
    alerts: &[Row<B>],
) -> Result<Vec<AlertRow>, StoreError> {
    let messages = alerts.iter().map(|row| books.place().get(row.text("message_id")));
    let messages = messages.collect::<Result<Vec<_>, _>>()?;
    let labels = books.place().labels(&books.labels_of(messages).await?)?;
    let earlier = books.messages_of(prepare::earlier_messages(&labels)).await?;
    books.place().alerts(alerts, &labels, &earlier)
}

/// Alerts that what follows the columns chooses and orders.
pub(in crate::store) async fn chosen_alerts<B: Books>(
    books: &B,
    chosen: &'static str,
    values: &[Value<'_>],
) -> Result<Vec<ReviewRow>, StoreError> {
    let rows = books.list_built(format!("{ALERT}{chosen}"), values).await?;
    review_rows(books, &rows).await
}

async fn review_rows<B: Books>(books: &B, rows: &[Row<B>]) -> Result<Vec<ReviewRow>, StoreError> {
    let alerts = with_findings(books, rows).await?;
    rows.iter().zip(alerts).map(|(row, alert)| books.place().review_row(row, alert)).collect()
}

pub(super) async fn file<B: Books>(
    books: &B,
    alert: i64,
    around: u32,
) -> Result<Option<AlertFile>, StoreError> {
    let found = books.list_built(format!("{ALERT}where a.alert_id = $1"), &[Value::Number(alert)]).await?;
    let Some(row) = review_rows(books, &found).await?.pop() else { return Ok(None) };
    let text_key = found.first().map(|row| books.place().get(row.text_or_null("text_key")));
    let text_key = text_key.transpose()?.flatten();
    drop(found);
    let (conversation, more_before, more_after) = conversation(books, &row, around).await?;
    let alike = match &text_key {
        Some(key) => alike(books, &row, key).await?,
        None => Alike::default(),
    };
    let values =
        [Value::Text(row.sender_id.as_str()), Value::Number(alert), Value::Number(i64::from(around))];
    let others =
        "where a.sender_id = $1 and a.alert_id <> $2\norder by a.created_at desc, a.alert_id desc\nlimit $3";
    let others = books.list_built(format!("{ALERT}{others}"), &values).await?;
    let of_sender = review_rows(books, &others).await?;
    drop(others);
    let values = [Value::Number(alert), Value::Number(TRAIL)];
    let lines = books.list(include_str!("../sql/review/trail_of.sql"), &values).await?;
    let trail = lines.iter().rev().map(|line| books.place().trail(line)).collect::<Result<_, _>>()?;
    Ok(Some(AlertFile { row, conversation, more_before, more_after, alike, of_sender, trail }))
}

async fn conversation<B: Books>(
    books: &B,
    row: &ReviewRow,
    around: u32,
) -> Result<(Vec<SaidMessage>, bool, bool), StoreError> {
    let around = around as usize;
    let id = Value::Text(row.alert.message_id.as_str());
    // The message itself is among those before; one more tells whether there is more.
    let before = [id, Value::Number(around as i64 + 2)];
    let before = books.list(include_str!("../sql/review/said_before.sql"), &before).await?;
    let after = [id, Value::Number(around as i64 + 1)];
    let after = books.list(include_str!("../sql/review/said_after.sql"), &after).await?;
    let (more_before, more_after) = (before.len() > around + 1, after.len() > around);
    let rows = before.iter().take(around + 1).rev().chain(after.iter().take(around));
    let said = rows.map(|row| books.place().said(row)).collect::<Result<Vec<_>, _>>()?;
    drop((before, after));
    Ok((labelled(books, said).await?, more_before, more_after))
}

/// Messages, the latest first, with what was found in them; they come back with the oldest first.
pub(in crate::store) async fn said_with_findings<B: Books>(
    books: &B,
    rows: &[Row<B>],
) -> Result<Vec<SaidMessage>, StoreError> {
    let said = rows.iter().rev().map(|row| books.place().said(row)).collect::<Result<Vec<_>, _>>()?;
    labelled(books, said).await
}

async fn labelled<B: Books>(books: &B, mut said: Vec<SaidMessage>) -> Result<Vec<SaidMessage>, StoreError> {
    let ids = said.iter().map(|message| message.message_id.to_string()).collect();
    let mut labels = books.place().labels(&books.labels_of(ids).await?)?;
    for message in &mut said {
        message.labels = labels.remove(message.message_id.as_str()).unwrap_or_default();
    }
    Ok(said)
}

async fn alike<B: Books>(books: &B, row: &ReviewRow, key: &str) -> Result<Alike, StoreError> {
    let values = [
        Value::Text(key),
        Value::Text(row.alert.policy.as_str()),
        Value::Number(row.alert.alert_id),
        Value::Text(row.state.as_str()),
        Value::Number(i64::from(MOST_ALIKE)),
    ];
    let rows = books.list(include_str!("../sql/review/alike.sql"), &values).await?;
    let Some(found) = rows.first() else { return Ok(Alike::default()) };
    Ok(Alike { count: books.place().number(found, "count")?, up_to: books.place().get(found.int("up_to"))? })
}

pub(super) async fn counts<B: Books>(
    books: &B,
    most: u32,
    at: DateTime<Utc>,
) -> Result<ReviewCounts, StoreError> {
    let values = [Value::Number(i64::from(most)), Value::Time(at)];
    let rows = books.list(include_str!("../sql/review/counts.sql"), &values).await?;
    let Some(row) = rows.first() else { return Ok(ReviewCounts::default()) };
    let count = |column| books.place().number(row, column);
    Ok(ReviewCounts {
        open: count("open_count")?,
        claimed: count("claimed_count")?,
        escalated: count("escalated_count")?,
        decided: count("decided_count")?,
    })
}

pub(super) async fn figures<B: Books>(
    books: &B,
    since: DateTime<Utc>,
) -> Result<Vec<SourceCount>, StoreError> {
    let rows = books.list(include_str!("../sql/review/figures.sql"), &[Value::Time(since)]).await?;
    rows.iter().map(|row| books.place().source_count(row)).collect()
}

pub(super) async fn transactions<B: Books>(
    books: &B,
    period: std::ops::Range<DateTime<Utc>>,
    after: Option<&TransactionId>,
    limit: u32,
) -> Result<Vec<TransactionId>, StoreError> {
    let values = [
        Value::Time(period.start),
        Value::Time(period.end),
        // No identifier is empty: everything comes after it.
        Value::Text(after.map_or("", TransactionId::as_str)),
        Value::Number(i64::from(limit)),
    ];
    let rows = books.list(include_str!("../sql/review/transactions.sql"), &values).await?;
    rows.iter().map(|row| books.place().transaction(row)).collect()
}

pub(super) async fn reviewed<B: Books>(
    books: &B,
    transaction: &TransactionId,
    limit: u32,
) -> Result<Vec<ReviewedMessage>, StoreError> {
    let values = [Value::Text(transaction.as_str()), Value::Number(i64::from(limit))];
    let rows = books.list(include_str!("../sql/review/reviewed.sql"), &values).await?;
    books.place().reviewed(&rows)
}
