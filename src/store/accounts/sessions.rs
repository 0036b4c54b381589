//! Attempts to log in, and sessions.

use chrono::{DateTime, TimeDelta, Utc};

use super::people::{principal, set_password};
use super::{Attempt, Counted, Credentials, NewSession, trail};
use crate::access::{
    AccountId, Act, Actor, AuditEntry, Entrance, Login, PasswordHash, Principal, SecretHash, Subject,
};
use crate::store::StoreError;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};

/// Use is noted this often: a page that loads ten things writes once.
pub(super) const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

pub(super) async fn count_attempt<B: Books>(
    books: &B,
    counted: &[Counted],
    window: TimeDelta,
    at: DateTime<Utc>,
) -> Result<Attempt, StoreError> {
    let since = at - window;
    let mut ledger = books.begin_ledger().await?;
    ledger.write("delete from log_in_attempts where at <= $1", &[Value::Time(since)]).await?;
    let mut attempts = Vec::new();
    for each in counted {
        let insert = "insert into log_in_attempts (counted, at) values ($1, $2) returning attempt_id";
        let row = ledger.row(insert, &[Value::Text(&each.name), Value::Time(at)]).await?;
        let row = row.ok_or_else(|| StoreError::Unexpected("an insert returned no row".into()))?;
        attempts.push(books.place().get(row.int("attempt_id"))?);
    }
    // Committed before it is looked at: attempts that come at the same moment count each other.
    ledger.commit().await?;
    let mut until: Option<DateTime<Utc>> = None;
    for each in counted {
        let values = [Value::Text(&each.name), Value::Time(since)];
        let rows = books.list(include_str!("../sql/access/attempts.sql"), &values).await?;
        let Some(row) = rows.first() else { continue };
        let count: u64 = books.place().number(row, "attempts")?;
        if count > u64::from(each.limit) {
            let oldest = books.place().get(row.time_or_null("oldest"))?.unwrap_or(at);
            until = until.max(Some(oldest + window));
        }
    }
    let Some(until) = until else { return Ok(Attempt::Allowed(attempts)) };
    // What was refused does not prolong the wait.
    let mut ledger = books.begin_ledger().await?;
    forget(&mut ledger, &attempts).await?;
    ledger.commit().await?;
    Ok(Attempt::Limited(until))
}

async fn forget<L: Ledger>(ledger: &mut L, attempts: &[i64]) -> Result<(), StoreError> {
    for attempt in attempts {
        let delete = "delete from log_in_attempts where attempt_id = $1";
        ledger.write(delete, &[Value::Number(*attempt)]).await?;
    }
    Ok(())
}

pub(super) async fn forget_attempts<B: Books>(
    books: &B,
    attempts: &[i64],
    name: Option<&str>,
) -> Result<(), StoreError> {
    let mut ledger = books.begin_ledger().await?;
    forget(&mut ledger, attempts).await?;
    if let Some(name) = name {
        ledger.write("delete from log_in_attempts where counted = $1", &[Value::Text(name)]).await?;
    }
    ledger.commit().await
}

pub(super) async fn credentials<B: Books>(
    books: &B,
    login: &Login,
) -> Result<Option<Credentials>, StoreError> {
    let values = [Value::Text(login.as_str())];
    let rows = books.list(include_str!("../sql/access/credentials.sql"), &values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let reader = books.place();
    let password = reader.get(row.text_or_null("password_hash"))?;
    let disabled = reader.get(row.time_or_null("disabled_at"))?.is_some();
    let account_id = AccountId(reader.get(row.int("account_id"))?);
    Ok(password.filter(|_| !disabled).map(|password| Credentials {
        account_id,
        login: login.clone(),
        password: PasswordHash::stored(password),
    }))
}

pub(super) async fn open<B: Books>(
    books: &B,
    session: &NewSession,
    compared: &PasswordHash,
    replaces: Option<&SecretHash>,
    by: &Actor,
) -> Result<bool, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    if !still_has(&mut ledger, session.account_id, compared).await? {
        return Ok(false);
    }
    begin(&mut ledger, session, replaces, by, "password").await?;
    ledger.commit().await?;
    Ok(true)
}

/// Begins a session, with its line of the audit trail that says what opened it; whoever calls commits, and has locked the account.
pub(super) async fn begin<L: Ledger>(
    ledger: &mut L,
    session: &NewSession,
    replaces: Option<&SecretHash>,
    by: &Actor,
    key: &'static str,
) -> Result<(), StoreError> {
    if let Some(old) = replaces {
        ledger.write("delete from sessions where secret_hash = $1", &[Value::Text(old.as_str())]).await?;
    }
    ledger.write("delete from sessions where expires_at <= $1", &[Value::Time(session.at)]).await?;
    insert(ledger, session).await?;
    let entry = AuditEntry::new(by.clone(), Act::LoggedIn, Subject::account(session.account_id), session.at);
    trail::write(ledger, &entry.with("with", key)).await
}

/// Whether the account still has the password that was compared outside of this transaction, and is not disabled; if so, both stay
/// as they are until the transaction ends. The update changes nothing: it is the lock that both databases have, and one that does
/// not hold up those who only name the account, as every line of the audit trail does.
async fn still_has<L: Ledger>(
    ledger: &mut L,
    id: AccountId,
    compared: &PasswordHash,
) -> Result<bool, StoreError> {
    let values = [Value::Number(id.0), Value::Text(compared.as_str())];
    Ok(ledger.write(include_str!("../sql/access/still_has_password.sql"), &values).await? > 0)
}

async fn insert<L: Ledger>(ledger: &mut L, session: &NewSession) -> Result<(), StoreError> {
    let values = [
        Value::Text(session.secret.as_str()),
        Value::Number(session.account_id.0),
        Value::Time(session.at),
        Value::Time(session.expires_at),
    ];
    ledger.write(include_str!("../sql/access/open_session.sql"), &values).await.map(drop)
}

pub(super) async fn session<B: Books>(
    books: &B,
    secret: &SecretHash,
    idle_since: DateTime<Utc>,
    now: DateTime<Utc>,
    used: bool,
) -> Result<Option<Principal>, StoreError> {
    let values = [Value::Text(secret.as_str()), Value::Time(now), Value::Time(idle_since)];
    let rows = books.list(include_str!("../sql/access/session.sql"), &values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let principal = principal(&books.place(), row, Entrance::Session)?;
    if used && books.place().get(row.time("last_seen_at"))? <= now - NOTED_EVERY {
        let mut ledger = books.begin_ledger().await?;
        let note = "update sessions set last_seen_at = $2 where secret_hash = $1";
        ledger.write(note, &[Value::Text(secret.as_str()), Value::Time(now)]).await?;
        ledger.commit().await?;
    }
    Ok(Some(principal))
}

pub(super) async fn close<B: Books>(
    books: &B,
    secret: &SecretHash,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let delete = "delete from sessions where secret_hash = $1";
    if ledger.write(delete, &[Value::Text(secret.as_str())]).await? == 0 {
        return Ok(());
    }
    if let Some(account) = by.account_id {
        let entry = AuditEntry::new(by.clone(), Act::LoggedOut, Subject::account(account), at);
        trail::write(&mut ledger, &entry).await?;
    }
    ledger.commit().await
}

pub(super) async fn change_password<B: Books>(
    books: &B,
    compared: &PasswordHash,
    password: &PasswordHash,
    session: &NewSession,
    by: &Actor,
) -> Result<bool, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    if !still_has(&mut ledger, session.account_id, compared).await? {
        return Ok(false);
    }
    set_password(&mut ledger, session.account_id, password).await?;
    insert(&mut ledger, session).await?;
    let subject = Subject::account(session.account_id);
    let entry = AuditEntry::new(by.clone(), Act::PasswordChanged, subject, session.at);
    trail::write(&mut ledger, &entry).await?;
    ledger.commit().await?;
    Ok(true)
}
