//! Log-in by an OpenID provider: who is on their way, and whom accounts are bound to.

use chrono::{DateTime, Utc};

use super::people::forget_links;
use super::tokens::revoke_each;
use super::{BoundIdentity, Detour, NewDetour, NewSession, Vouched, sessions, trail};
use crate::access::{AccountId, Act, Actor, AuditEntry, Identity, Login, SecretHash, Subject};
use crate::store::StoreError;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::rows::Reader;

pub(super) async fn begin<B: Books>(books: &B, new: &NewDetour, at: DateTime<Utc>) -> Result<(), StoreError> {
    let values = [
        Value::Text(new.secret.as_str()),
        Value::TextOrNull(new.detour.page.as_deref()),
        Value::Number(new.detour.attempt),
        Value::Time(new.expires_at),
    ];
    let mut ledger = books.begin_ledger().await?;
    ledger.write("delete from log_in_detours where expires_at <= $1", &[Value::Time(at)]).await?;
    ledger.write(include_str!("../sql/access/begin_detour.sql"), &values).await?;
    ledger.commit().await
}

pub(super) async fn end<B: Books>(
    books: &B,
    secret: &SecretHash,
    at: DateTime<Utc>,
) -> Result<Option<Detour>, StoreError> {
    let values = [Value::Text(secret.as_str()), Value::Time(at)];
    let mut ledger = books.begin_ledger().await?;
    let row = ledger.row(include_str!("../sql/access/end_detour.sql"), &values).await?;
    let Some(row) = row else { return Ok(None) };
    let reader = ledger.reader();
    let detour =
        Detour { page: reader.get(row.text_or_null("page"))?, attempt: reader.get(row.int("attempt_id"))? };
    ledger.commit().await?;
    Ok(Some(detour))
}

pub(super) async fn open<B: Books>(
    books: &B,
    session: &NewSession,
    identity: &Identity,
    named: bool,
    replaces: Option<&SecretHash>,
    by: &Actor,
) -> Result<Vouched, StoreError> {
    let account = session.account_id;
    let mut ledger = books.begin_ledger().await?;
    // Changes nothing but locks the account: two who come for the first time bind it one after the other.
    let lock = "update accounts set name = name where account_id = $1 and disabled_at is null";
    if ledger.write(lock, &[Value::Number(account.0)]).await? == 0 {
        return Ok(Vouched::Disabled);
    }
    let values = [
        Value::Text(identity.issuer()),
        Value::Text(identity.subject()),
        Value::Number(account.0),
        Value::Time(session.at),
    ];
    if ledger.row(include_str!("../sql/access/is_bound.sql"), &values[..3]).await?.is_none() {
        if !named || ledger.write(include_str!("../sql/access/bind_identity.sql"), &values).await? == 0 {
            return Ok(Vouched::SomebodyElse);
        }
        let entry = entry(by, Act::IdentityBound, account, identity, session.at);
        trail::write(&mut ledger, &entry).await?;
    }
    sessions::begin(&mut ledger, session, replaces, by, "openid_connect").await?;
    ledger.commit().await?;
    Ok(Vouched::In)
}

fn entry(by: &Actor, act: Act, account: AccountId, identity: &Identity, at: DateTime<Utc>) -> AuditEntry {
    AuditEntry::new(by.clone(), act, Subject::account(account), at)
        .with("issuer", identity.issuer())
        .with("subject", identity.subject())
}

pub(super) async fn identities<B: Books>(
    books: &B,
    after: Option<&Login>,
    limit: u32,
) -> Result<Vec<BoundIdentity>, StoreError> {
    let values = [Value::Text(after.map_or("", Login::as_str)), Value::Number(i64::from(limit))];
    let rows = books.list(include_str!("../sql/access/identities.sql"), &values).await?;
    rows.iter().map(|row| bound(&books.place(), row)).collect()
}

fn bound(reader: &Reader<'_>, row: &impl Fields) -> Result<BoundIdentity, StoreError> {
    Ok(BoundIdentity {
        account_id: AccountId(reader.get(row.int("account_id"))?),
        identity: identity(reader, row)?,
        bound_at: reader.get(row.time("bound_at"))?,
    })
}

fn identity(reader: &Reader<'_>, row: &impl Fields) -> Result<Identity, StoreError> {
    let (issuer, subject) = (reader.get(row.text("issuer"))?, reader.get(row.text("subject"))?);
    Identity::new(&issuer, &subject).map_err(|_| unreadable("subject"))
}

pub(super) async fn unbind<B: Books>(
    books: &B,
    account: AccountId,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    // As whoever binds it does.
    let lock = "update accounts set name = name where account_id = $1";
    ledger.write(lock, &[Value::Number(account.0)]).await?;
    let unbind = "delete from account_identities where account_id = $1 returning issuer, subject";
    let rows = ledger.rows(unbind.to_owned(), &[Value::Number(account.0)]).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    for row in &rows {
        let identity = identity(&ledger.reader(), row)?;
        let entry = entry(by, Act::IdentityUnbound, account, &identity, at);
        trail::write(&mut ledger, &entry).await?;
    }
    // Whoever came in so may be the wrong one, and may have made tokens and a link for a password.
    ledger.write("delete from sessions where account_id = $1", &[Value::Number(account.0)]).await?;
    forget_links(&mut ledger, account).await?;
    revoke_each(&mut ledger, account, by, at).await?;
    ledger.commit().await?;
    Ok(rows.len())
}
