//! Answers that are given once.

use chrono::TimeDelta;

use super::types::{Begun, KeptAnswer, KeyedRequest};
use crate::access::AccountId;
use crate::store::StoreError;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::days(1);
/// Who works on a request for longer has died.
const LONGEST_WORK: TimeDelta = TimeDelta::minutes(1);

pub(super) async fn begin<B: Books>(books: &B, request: &KeyedRequest) -> Result<Begun, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    ledger.write("delete from api_answers where begun_at <= $1", &[Value::Time(request.at - KEPT)]).await?;
    let (account, key) = (Value::Number(request.account.0), Value::Text(&request.key));
    let dead = "delete from api_answers where account_id = $1 and idempotency_key = $2 and status is null and begun_at <= $3";
    ledger.write(dead, &[account, key, Value::Time(request.at - LONGEST_WORK)]).await?;
    let values = [account, key, Value::Text(&request.fingerprint), Value::Time(request.at)];
    let begun = ledger.write(include_str!("../sql/api/begin.sql"), &values).await?;
    if begun == 1 {
        ledger.commit().await?;
        return Ok(Begun::New);
    }
    let row = ledger.row(include_str!("../sql/api/kept.sql"), &[account, key]).await?;
    // Whoever had the key has just given it up.
    let Some(row) = row else { return Ok(Begun::Running) };
    let reader = ledger.reader();
    if reader.get(row.text("fingerprint"))? != request.fingerprint {
        return Ok(Begun::Other);
    }
    let Some(status) = reader.get(row.int_or_null("status"))? else { return Ok(Begun::Running) };
    Ok(Begun::Kept(KeptAnswer {
        status: status.try_into().map_err(|_| unreadable("status"))?,
        content_type: reader.get(row.text_or_null("content_type"))?,
        etag: reader.get(row.text_or_null("etag"))?,
        body: reader.get(row.text_or_null("body"))?.unwrap_or_default(),
    }))
}

pub(super) async fn keep<B: Books>(
    books: &B,
    request: &KeyedRequest,
    answer: &KeptAnswer,
) -> Result<(), StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let values = [
        Value::Number(request.account.0),
        Value::Text(&request.key),
        Value::Time(request.at),
        Value::Number(i64::from(answer.status)),
        Value::TextOrNull(answer.content_type.as_deref()),
        Value::TextOrNull(answer.etag.as_deref()),
        Value::Text(&answer.body),
    ];
    ledger.write(include_str!("../sql/api/keep.sql"), &values).await?;
    ledger.commit().await
}

pub(super) async fn forget<B: Books>(books: &B, account: AccountId, key: &str) -> Result<(), StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let unanswered =
        "delete from api_answers where account_id = $1 and idempotency_key = $2 and status is null";
    ledger.write(unanswered, &[Value::Number(account.0), Value::Text(key)]).await?;
    ledger.commit().await
}
