//! Accounts.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{AccountChange, AccountProfile, AccountRow, Edited, Seen, trail};
use crate::access::{
    AccountId, Act, Actor, AuditEntry, Entrance, Identity, Login, PasswordHash, Principal, Role, Subject,
};
use crate::contract::{AgentId, Language};
use crate::store::StoreError;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::rows::Reader;

/// Somebody who came in, from a row that has the account.
pub(super) fn principal(
    reader: &Reader<'_>,
    row: &impl Fields,
    entrance: Entrance,
) -> Result<Principal, StoreError> {
    let AccountProfile { login, name, role, teams, agent_id } = profile(reader, row)?;
    Ok(Principal {
        account_id: AccountId(reader.get(row.int("account_id"))?),
        language: language(reader, row)?,
        login,
        name,
        role,
        teams,
        agent_id,
        entrance,
    })
}

fn profile(reader: &Reader<'_>, row: &impl Fields) -> Result<AccountProfile, StoreError> {
    Ok(AccountProfile {
        login: reader.name::<Login>(row, "login")?,
        name: reader.get(row.text("name"))?,
        role: reader.name::<Role>(row, "role")?,
        teams: reader.get(row.json::<BTreeSet<String>>("teams"))?,
        agent_id: reader.id_or_null(row, "agent_id", AgentId::new)?,
    })
}

fn language(reader: &Reader<'_>, row: &impl Fields) -> Result<Option<Language>, StoreError> {
    let name = reader.get(row.text_or_null("language"))?;
    name.map(|name| name.parse().map_err(|_| unreadable("language"))).transpose()
}

fn account_row(reader: &Reader<'_>, row: &impl Fields) -> Result<AccountRow, StoreError> {
    Ok(AccountRow {
        account_id: AccountId(reader.get(row.int("account_id"))?),
        profile: profile(reader, row)?,
        language: language(reader, row)?,
        has_password: reader.get(row.truth("has_password"))?,
        created_at: reader.get(row.time("created_at"))?,
        disabled_at: reader.get(row.time_or_null("disabled_at"))?,
    })
}

pub(super) async fn accounts<B: Books>(
    books: &B,
    after: Option<&Login>,
    limit: u32,
) -> Result<Vec<AccountRow>, StoreError> {
    let values = [Value::Text(after.map_or("", Login::as_str)), Value::Number(i64::from(limit))];
    let rows = books.list(include_str!("../sql/access/accounts.sql"), &values).await?;
    rows.iter().map(|row| account_row(&books.place(), row)).collect()
}

pub(super) async fn account<B: Books>(books: &B, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
    let rows = books.list(include_str!("../sql/access/account.sql"), &[Value::Number(id.0)]).await?;
    rows.first().map(|row| account_row(&books.place(), row)).transpose()
}

pub(super) async fn account_by_login<B: Books>(
    books: &B,
    login: &Login,
) -> Result<Option<AccountRow>, StoreError> {
    let values = [Value::Text(login.as_str())];
    let rows = books.list(include_str!("../sql/access/account_by_login.sql"), &values).await?;
    rows.first().map(|row| account_row(&books.place(), row)).transpose()
}

pub(super) async fn account_by_identity<B: Books>(
    books: &B,
    identity: &Identity,
) -> Result<Option<AccountRow>, StoreError> {
    let values = [Value::Text(identity.issuer()), Value::Text(identity.subject())];
    let rows = books.list(include_str!("../sql/access/account_by_identity.sql"), &values).await?;
    rows.first().map(|row| account_row(&books.place(), row)).transpose()
}

pub(super) async fn add<B: Books>(
    books: &B,
    profile: &AccountProfile,
    password: Option<&PasswordHash>,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<Edited, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let edited = insert(&mut ledger, profile, password, by, at).await?;
    if matches!(edited, Edited::Done(_)) {
        ledger.commit().await?;
    }
    Ok(edited)
}

/// Adds an account and its line of the audit trail; whoever calls commits.
pub(super) async fn insert<L: Ledger>(
    ledger: &mut L,
    profile: &AccountProfile,
    password: Option<&PasswordHash>,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<Edited, StoreError> {
    take_turn(ledger).await?;
    if let Some(refused) = agent_refused(ledger, None, profile).await? {
        return Ok(refused);
    }
    let teams = serde_json::json!(profile.teams);
    let values = [
        Value::Text(profile.login.as_str()),
        Value::Text(&profile.name),
        Value::Text(profile.role.as_str()),
        Value::Json(&teams),
        Value::TextOrNull(profile.agent_id.as_ref().map(AgentId::as_str)),
        Value::TextOrNull(None),
        Value::TextOrNull(password.map(PasswordHash::as_str)),
        Value::Time(at),
    ];
    let Some(row) = ledger.row(include_str!("../sql/access/add_account.sql"), &values).await? else {
        return Ok(Edited::LoginTaken);
    };
    let id = AccountId(ledger.reader().get(row.int("account_id"))?);
    trail::write(ledger, &entry(by, Act::AccountAdded, id, profile, at)).await?;
    Ok(Edited::Done(id))
}

/// Changes of people wait for one another, and each looks at what the one before has left: two admins who take each other's role, or
/// give one agent to two accounts, at the same moment. The lock is the oldest account, which is never deleted, locked by a change to
/// nothing as both databases know it.
async fn take_turn<L: Ledger>(ledger: &mut L) -> Result<(), StoreError> {
    let oldest = "update accounts set name = name where account_id = (select min(account_id) from accounts)";
    ledger.write(oldest, &[]).await.map(drop)
}

async fn row_of<L: Ledger>(ledger: &mut L, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
    let row = ledger.row(include_str!("../sql/access/account.sql"), &[Value::Number(id.0)]).await?;
    row.map(|row| account_row(&ledger.reader(), &row)).transpose()
}

/// Whether the account is an admin's, not disabled, and the only such.
async fn is_last_admin<L: Ledger>(ledger: &mut L, id: AccountId) -> Result<bool, StoreError> {
    let last = include_str!("../sql/access/is_last_admin.sql");
    Ok(ledger.row(last, &[Value::Number(id.0)]).await?.is_some())
}

/// Why the account cannot have its agent.
async fn agent_refused<L: Ledger>(
    ledger: &mut L,
    own: Option<AccountId>,
    profile: &AccountProfile,
) -> Result<Option<Edited>, StoreError> {
    let Some(agent) = &profile.agent_id else { return Ok(None) };
    let values = [Value::Text(agent.as_str())];
    if ledger.row("select agent_id from agents where agent_id = $1", &values).await?.is_none() {
        return Ok(Some(Edited::UnknownAgent));
    }
    let taken = ledger.row("select account_id from accounts where agent_id = $1", &values).await?;
    let by = taken.map(|row| ledger.reader().get(row.int("account_id"))).transpose()?;
    Ok(by.filter(|by| own != Some(AccountId(*by))).map(|_| Edited::AgentTaken))
}

fn entry(by: &Actor, act: Act, id: AccountId, profile: &AccountProfile, at: DateTime<Utc>) -> AuditEntry {
    AuditEntry::new(by.clone(), act, Subject::account(id), at)
        .with("login", profile.login.as_str())
        .with("role", profile.role.as_str())
        .with("teams", serde_json::json!(profile.teams))
        .with("agent_id", profile.agent_id.as_ref().map(AgentId::as_str))
}

pub(super) async fn change<B: Books>(
    books: &B,
    id: AccountId,
    change: &AccountChange,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<Edited, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    take_turn(&mut ledger).await?;
    let Some(old) = row_of(&mut ledger, id).await? else { return Ok(Edited::Unknown) };
    let AccountProfile { login, role, teams, agent_id, .. } = old.profile;
    if (Seen { role, teams, agent_id }) != change.seen {
        return Ok(Edited::Changed);
    }
    let profile = &AccountProfile {
        login,
        name: change.name.clone(),
        role: change.role.unwrap_or(role),
        teams: change.teams.clone(),
        agent_id: change.agent_id.clone(),
    };
    if profile.role != Role::Admin && is_last_admin(&mut ledger, id).await? {
        return Ok(Edited::LastAdmin);
    }
    if let Some(refused) = agent_refused(&mut ledger, Some(id), profile).await? {
        return Ok(refused);
    }
    let teams = serde_json::json!(profile.teams);
    let values = [
        Value::Number(id.0),
        Value::Text(&profile.name),
        Value::Text(profile.role.as_str()),
        Value::Json(&teams),
        Value::TextOrNull(profile.agent_id.as_ref().map(AgentId::as_str)),
    ];
    if ledger.write(include_str!("../sql/access/change_account.sql"), &values).await? == 0 {
        return Ok(Edited::Unknown);
    }
    trail::write(&mut ledger, &entry(by, Act::AccountChanged, id, profile, at)).await?;
    ledger.commit().await?;
    Ok(Edited::Done(id))
}

pub(super) async fn set_disabled<B: Books>(
    books: &B,
    id: AccountId,
    disabled: bool,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<Edited, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    take_turn(&mut ledger).await?;
    if disabled && is_last_admin(&mut ledger, id).await? {
        return Ok(Edited::LastAdmin);
    }
    let (sql, act) = if disabled {
        (
            "update accounts set disabled_at = $2 where account_id = $1 and disabled_at is null",
            Act::AccountDisabled,
        )
    } else {
        (
            "update accounts set disabled_at = $2 where account_id = $1 and disabled_at is not null",
            Act::AccountEnabled,
        )
    };
    let values = [Value::Number(id.0), Value::TimeOrNull(disabled.then_some(at))];
    if ledger.write(sql, &values).await? == 0 {
        return Ok(Edited::Unknown);
    }
    if disabled {
        ledger.write("delete from sessions where account_id = $1", &[Value::Number(id.0)]).await?;
        forget_links(&mut ledger, id).await?;
    }
    trail::write(&mut ledger, &AuditEntry::new(by.clone(), act, Subject::account(id), at)).await?;
    ledger.commit().await?;
    Ok(Edited::Done(id))
}

/// Sets the password, and ends every session and every link for another one; whoever calls commits, and has locked the account.
pub(super) async fn set_password<L: Ledger>(
    ledger: &mut L,
    id: AccountId,
    password: &PasswordHash,
) -> Result<(), StoreError> {
    let set = "update accounts set password_hash = $2 where account_id = $1";
    ledger.write(set, &[Value::Number(id.0), Value::Text(password.as_str())]).await?;
    ledger.write("delete from sessions where account_id = $1", &[Value::Number(id.0)]).await?;
    forget_links(ledger, id).await
}

/// Links of the account that were not used yet do not hold any more.
pub(super) async fn forget_links<L: Ledger>(ledger: &mut L, id: AccountId) -> Result<(), StoreError> {
    let unused = "delete from set_up_links where account_id = $1 and used_at is null";
    ledger.write(unused, &[Value::Number(id.0)]).await.map(drop)
}

pub(super) async fn set_language<B: Books>(
    books: &B,
    id: AccountId,
    language: Language,
) -> Result<(), StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let set = "update accounts set language = $2 where account_id = $1";
    ledger.write(set, &[Value::Number(id.0), Value::Text(language.as_str())]).await?;
    ledger.commit().await
}
