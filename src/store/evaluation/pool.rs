//! Random messages of a period. Messages have numbers in the order of their arrival: random numbers between the first and the last of the
//! period are looked up by an index, so that the cost does not grow with the period. A number that has no message (it was given out
//! to a delivery that was there already) is a miss, and makes no other message likelier.

use std::ops::Range;

use chrono::{DateTime, Utc};
use rand::prelude::*;
use rand::rngs::StdRng;
use rand::seq::index;

use super::types::{Pool, PooledMessage};
use crate::contract::MessageId;
use crate::store::StoreError;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};

/// Numbers that are looked up by one statement.
const CHUNK: usize = 2_000;

pub(super) async fn messages<B: Books>(
    books: &B,
    period: Range<DateTime<Utc>>,
    most: u32,
    seed: u32,
) -> Result<Pool, StoreError> {
    let first = since(books, period.start).await?;
    let end = since(books, period.end).await?;
    let sql = include_str!("../sql/evaluation/pool.sql");
    look_up(books, sql, first..end, most, seed).await
}

pub(super) async fn flagged<B: Books>(
    books: &B,
    period: Range<DateTime<Utc>>,
    most: u32,
    seed: u32,
) -> Result<Pool, StoreError> {
    let values = [Value::Time(period.start), Value::Time(period.end)];
    let (first, last) = ends(books, include_str!("../sql/evaluation/alert_numbers.sql"), &values).await?;
    let sql = include_str!("../sql/evaluation/flagged.sql");
    look_up(books, sql, first..last + 1, most, seed).await
}

async fn look_up<B: Books>(
    books: &B,
    sql: &str,
    numbers: Range<i64>,
    most: u32,
    seed: u32,
) -> Result<Pool, StoreError> {
    let count = usize::try_from(numbers.end - numbers.start).unwrap_or(0);
    let asked = count.min(most as usize);
    let mut rng = StdRng::seed_from_u64(u64::from(seed));
    let mut drawn: Vec<i64> =
        index::sample(&mut rng, count, asked).into_iter().map(|at| numbers.start + at as i64).collect();
    // Neighbours are found together.
    drawn.sort_unstable();
    let sql = sql.replace("LISTED", B::Ledger::LISTED);
    let mut pool = Pool { numbers: count as u64, asked: asked as u64, messages: Vec::with_capacity(asked) };
    for chunk in drawn.chunks(CHUNK) {
        let list = serde_json::Value::from(chunk.to_vec());
        for row in books.list_built(sql.clone(), &[Value::Json(&list)]).await? {
            pool.messages.push(message(books, &row)?);
        }
    }
    // The order of the rows is the database's own; that of the pool is the same for the same seed.
    pool.messages.sort_by(|a, b| a.message_id.cmp(&b.message_id));
    pool.messages.shuffle(&mut rng);
    Ok(pool)
}

fn message<B: Books>(books: &B, row: &impl Fields) -> Result<PooledMessage, StoreError> {
    let reader = books.place();
    Ok(PooledMessage {
        message_id: reader.id(row, "message_id", MessageId::new)?,
        text: reader.get(row.text("text"))?,
        language: reader.name(row, "language")?,
        policies: reader.get(row.json("policies"))?,
        alerted: reader.get(row.int("alerted"))? != 0,
    })
}

async fn ends<B: Books>(
    books: &B,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<(i64, i64), StoreError> {
    let rows = books.list(sql, values).await?;
    let Some(row) = rows.first() else { return Ok((0, -1)) };
    Ok((books.place().get(row.int("first"))?, books.place().get(row.int("last"))?))
}

/// The first number of those that came in at this time or later, by halving: numbers grow with the time of arrival, but for the moments by
/// which transactions under way at once overtake each other.
async fn since<B: Books>(books: &B, time: DateTime<Utc>) -> Result<i64, StoreError> {
    let (mut low, last) = ends(books, include_str!("../sql/evaluation/numbers.sql"), &[]).await?;
    let mut high = last + 1;
    while low < high {
        let middle = low + (high - low) / 2;
        let sql = include_str!("../sql/evaluation/next_number.sql");
        let rows = books.list(sql, &[Value::Number(middle)]).await?;
        let Some(row) = rows.first() else {
            high = middle;
            continue;
        };
        let reader = books.place();
        if reader.get(row.time("received_at"))? < time {
            low = reader.get(row.int("arrival"))? + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
