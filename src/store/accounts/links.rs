//! One-time links: for the first admin, and for a password that is new or forgotten.

use chrono::{DateTime, Utc};

use super::people::{forget_links, insert, set_password};
use super::tokens::revoke_each;
use super::{AccountProfile, Edited, Link, NewLink, trail};
use crate::access::{AccountId, Act, Actor, AuditEntry, Login, PasswordHash, SecretHash, Subject, Way};
use crate::store::StoreError;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};

const HAS_ADMIN: &str = include_str!("../sql/access/has_admin.sql");

pub(super) async fn has_admin<B: Books>(books: &B) -> Result<bool, StoreError> {
    Ok(!books.list(HAS_ADMIN, &[]).await?.is_empty())
}

pub(super) async fn add<B: Books>(
    books: &B,
    link: &NewLink,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let subject = match link.account_id {
        Some(id) => {
            // Changes nothing but locks the account, as whoever changes its password does before its links.
            let lock = "update accounts set name = name where account_id = $1 and disabled_at is null";
            if ledger.write(lock, &[Value::Number(id.0)]).await? == 0 {
                return Ok(false);
            }
            forget_links(&mut ledger, id).await?;
            Subject::account(id)
        }
        None => {
            if ledger.row(HAS_ADMIN, &[]).await?.is_some() {
                return Ok(false);
            }
            forget_first_links(&mut ledger).await?;
            Subject::new("account", "first admin")
        }
    };
    let values = [
        Value::Text(link.secret.as_str()),
        Value::NumberOrNull(link.account_id.map(|id| id.0)),
        Value::Time(at),
        Value::Time(link.expires_at),
    ];
    ledger.write(include_str!("../sql/access/add_link.sql"), &values).await?;
    trail::write(&mut ledger, &AuditEntry::new(by.clone(), Act::LinkMade, subject, at)).await?;
    ledger.commit().await?;
    Ok(true)
}

async fn forget_first_links<L: Ledger>(ledger: &mut L) -> Result<(), StoreError> {
    let delete = "delete from set_up_links where account_id is null and used_at is null";
    ledger.write(delete, &[]).await.map(drop)
}

pub(super) async fn link<B: Books>(
    books: &B,
    secret: &SecretHash,
    now: DateTime<Utc>,
) -> Result<Option<Link>, StoreError> {
    let values = [Value::Text(secret.as_str()), Value::Time(now)];
    let rows = books.list(include_str!("../sql/access/link.sql"), &values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let reader = books.place();
    if reader.get(row.int_or_null("account_id"))?.is_some() {
        return Ok(Some(Link::Password(reader.name::<Login>(row, "login")?)));
    }
    Ok((!has_admin(books).await?).then_some(Link::FirstAdmin))
}

pub(super) async fn use_first<B: Books>(
    books: &B,
    secret: &SecretHash,
    profile: &AccountProfile,
    password: &PasswordHash,
    at: DateTime<Utc>,
) -> Result<Edited, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let values = [Value::Text(secret.as_str()), Value::Time(at)];
    if ledger.write(include_str!("../sql/access/use_first_link.sql"), &values).await? == 0 {
        return Ok(Edited::Unknown);
    }
    // Two consoles that start at once may each have made a link. Whoever uses one takes the other away, so that of two who use both
    // at the same moment one waits for the other and finds nothing, or both wait and the database ends one of them.
    forget_first_links(&mut ledger).await?;
    let by = Actor { account_id: None, name: profile.login.to_string(), way: Way::Link };
    let edited = insert(&mut ledger, profile, Some(password), &by, at).await?;
    if let Edited::Done(id) = edited {
        trail::write(&mut ledger, &AuditEntry::new(by, Act::LinkUsed, Subject::account(id), at)).await?;
        ledger.commit().await?;
    }
    Ok(edited)
}

pub(super) async fn use_one<B: Books>(
    books: &B,
    secret: &SecretHash,
    password: &PasswordHash,
    at: DateTime<Utc>,
) -> Result<Option<AccountId>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    // Changes nothing but locks the account before the link, as whoever changes the password does.
    let lock = include_str!("../sql/access/lock_account_of_link.sql");
    ledger.write(lock, &[Value::Text(secret.as_str())]).await?;
    let values = [Value::Text(secret.as_str()), Value::Time(at)];
    let Some(row) = ledger.row(include_str!("../sql/access/use_link.sql"), &values).await? else {
        return Ok(None);
    };
    let id = AccountId(ledger.reader().get(row.int("account_id"))?);
    set_password(&mut ledger, id, password).await?;
    let login =
        ledger.row("select login from accounts where account_id = $1", &[Value::Number(id.0)]).await?;
    let name = match &login {
        Some(row) => ledger.reader().get(row.text("login"))?,
        None => id.to_string(),
    };
    let by = Actor { account_id: Some(id), name, way: Way::Link };
    // Whoever had the old password may have made tokens with it.
    revoke_each(&mut ledger, id, &by, at).await?;
    trail::write(&mut ledger, &AuditEntry::new(by, Act::LinkUsed, Subject::account(id), at)).await?;
    ledger.commit().await?;
    Ok(Some(id))
}
