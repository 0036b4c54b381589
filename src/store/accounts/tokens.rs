//! API tokens.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::people::principal;
use super::sessions::NOTED_EVERY;
use super::{NewToken, TokenRow, trail};
use crate::access::{
    AccountId, Act, Actor, AuditEntry, Entrance, Permission, Principal, SecretHash, Subject,
};
use crate::store::StoreError;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::rows::Reader;

pub(super) async fn token<B: Books>(
    books: &B,
    secret: &SecretHash,
    now: DateTime<Utc>,
) -> Result<Option<Principal>, StoreError> {
    let values = [Value::Text(secret.as_str()), Value::Time(now)];
    let rows = books.list(include_str!("../sql/access/token.sql"), &values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let reader = books.place();
    let token_id = reader.get(row.int("token_id"))?;
    let entrance = Entrance::Token { token_id, scopes: scopes(&reader, row)? };
    let principal = principal(&reader, row, entrance)?;
    let noted = reader.get(row.time_or_null("last_used_at"))?;
    if noted.is_none_or(|noted| noted <= now - NOTED_EVERY) {
        let mut ledger = books.begin_ledger().await?;
        let note = "update api_tokens set last_used_at = $2 where token_id = $1";
        ledger.write(note, &[Value::Number(token_id), Value::Time(now)]).await?;
        ledger.commit().await?;
    }
    Ok(Some(principal))
}

/// A permission that this program does not know any more is none.
fn scopes(reader: &Reader<'_>, row: &impl Fields) -> Result<BTreeSet<Permission>, StoreError> {
    let names: Vec<String> = reader.get(row.json("scopes"))?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

pub(super) async fn tokens<B: Books>(books: &B, account: AccountId) -> Result<Vec<TokenRow>, StoreError> {
    let rows = books.list(include_str!("../sql/access/tokens.sql"), &[Value::Number(account.0)]).await?;
    rows.iter().map(|row| token_row(&books.place(), row)).collect()
}

fn token_row(reader: &Reader<'_>, row: &impl Fields) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        token_id: reader.get(row.int("token_id"))?,
        name: reader.get(row.text("name"))?,
        scopes: scopes(reader, row)?,
        created_at: reader.get(row.time("created_at"))?,
        expires_at: reader.get(row.time("expires_at"))?,
        last_used_at: reader.get(row.time_or_null("last_used_at"))?,
        revoked_at: reader.get(row.time_or_null("revoked_at"))?,
    })
}

pub(super) async fn add<B: Books>(
    books: &B,
    token: &NewToken,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let scopes = serde_json::json!(token.scopes);
    let values = [
        Value::Number(token.account_id.0),
        Value::Text(&token.name),
        Value::Text(token.secret.as_str()),
        Value::Json(&scopes),
        Value::Time(at),
        Value::Time(token.expires_at),
    ];
    let mut ledger = books.begin_ledger().await?;
    let row = ledger.row(include_str!("../sql/access/add_token.sql"), &values).await?;
    let row = row.ok_or_else(|| StoreError::Unexpected("an insert returned no row".into()))?;
    let id = ledger.reader().get(row.int("token_id"))?;
    let entry = AuditEntry::new(by.clone(), Act::TokenAdded, Subject::new("token", id), at)
        .with("name", token.name.as_str())
        .with("scopes", scopes)
        .with("expires_at", token.expires_at.to_rfc3339());
    trail::write(&mut ledger, &entry).await?;
    ledger.commit().await?;
    Ok(id)
}

pub(super) async fn revoke<B: Books>(
    books: &B,
    account: AccountId,
    token_id: i64,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let revoke = "update api_tokens set revoked_at = $3 where token_id = $1 and account_id = $2 and revoked_at is null";
    let values = [Value::Number(token_id), Value::Number(account.0), Value::Time(at)];
    if ledger.write(revoke, &values).await? == 0 {
        return Ok(false);
    }
    write_revoked(&mut ledger, token_id, by, at).await?;
    ledger.commit().await?;
    Ok(true)
}

async fn write_revoked<L: Ledger>(
    ledger: &mut L,
    token_id: i64,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let entry = AuditEntry::new(by.clone(), Act::TokenRevoked, Subject::new("token", token_id), at);
    trail::write(ledger, &entry).await
}

pub(super) async fn revoke_all<B: Books>(
    books: &B,
    account: AccountId,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let revoked = revoke_each(&mut ledger, account, by, at).await?;
    ledger.commit().await?;
    Ok(revoked)
}

/// Revokes the account's tokens; whoever calls commits.
pub(super) async fn revoke_each<L: Ledger>(
    ledger: &mut L,
    account: AccountId,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let values = [Value::Number(account.0), Value::Time(at)];
    let revoke = include_str!("../sql/access/revoke_tokens.sql").to_owned();
    let rows = ledger.rows(revoke, &values).await?;
    for row in &rows {
        let token_id = ledger.reader().get(row.int("token_id"))?;
        write_revoked(ledger, token_id, by, at).await?;
    }
    Ok(rows.len())
}
