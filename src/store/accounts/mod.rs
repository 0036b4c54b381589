//! People and how they come in, and what they did: a narrow trait of its own, written once for both databases.
//!
//! Every change writes its line of the audit trail in the same transaction.

mod identities;
mod links;
mod people;
mod sessions;
mod tokens;
pub(super) mod trail;
mod types;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

pub use types::*;

use super::StoreError;
use super::ledger::Books;
use crate::access::{AccountId, Actor, AuditEntry, Identity, Login, PasswordHash, Principal, SecretHash};
use crate::contract::Language;

/// Accounts, sessions, API tokens, one-time links and the audit trail.
#[async_trait]
pub trait Accounts: Send + Sync {
    // --- log-in -----------------------------------------------------------------------------------------------------

    /// Counts an attempt to log in under each of the names, unless one of them has had its number of attempts within `window` already.
    /// Shared by all consoles on this database.
    async fn count_attempt(
        &self,
        counted: &[Counted],
        window: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Attempt, StoreError>;

    /// The attempt was no attack: it does not count any more, nor does anything under `name`.
    async fn forget_attempts(&self, attempts: &[i64], name: Option<&str>) -> Result<(), StoreError>;

    /// What the password of this log-in is compared with; none if nobody has it or it cannot be used.
    async fn credentials(&self, login: &Login) -> Result<Option<Credentials>, StoreError>;

    /// Begins a session, in place of the one that the browser had. `false` if the password that was compared is not the account's any
    /// more, or the account was disabled meanwhile; then there is no session.
    async fn open_session(
        &self,
        session: &NewSession,
        compared: &PasswordHash,
        replaces: Option<&SecretHash>,
        by: &Actor,
    ) -> Result<bool, StoreError>;

    /// Somebody goes to an OpenID provider. Those who have not come back in time are forgotten.
    async fn begin_detour(&self, detour: &NewDetour, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// They come back, once. None if nobody went with this secret, or too long ago, or they have come back already.
    async fn end_detour(&self, secret: &SecretHash, at: DateTime<Utc>) -> Result<Option<Detour>, StoreError>;

    /// The account that is bound to who they are.
    async fn account_by_identity(&self, identity: &Identity) -> Result<Option<AccountRow>, StoreError>;

    /// Begins a session of somebody whom an OpenID provider vouches for, in place of the one that the browser had. If their claim named the
    /// account (`named`) and it is not bound at this provider, it is from then on.
    async fn open_vouched_session(
        &self,
        session: &NewSession,
        identity: &Identity,
        named: bool,
        replaces: Option<&SecretHash>,
        by: &Actor,
    ) -> Result<Vouched, StoreError>;

    /// Whose session it is. None if it is unknown, has ended, was not used since `idle_since`, or the account is disabled.
    /// Unless `used` is false, this is noted as a use.
    async fn session(
        &self,
        secret: &SecretHash,
        idle_since: DateTime<Utc>,
        now: DateTime<Utc>,
        used: bool,
    ) -> Result<Option<Principal>, StoreError>;

    async fn close_session(
        &self,
        secret: &SecretHash,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    // --- one's own account ------------------------------------------------------------------------------------------

    /// Sets a password. Every session of the account ends but the new one. `false`, and nothing changed, if the password that was compared
    /// is not the account's any more, or the account was disabled meanwhile.
    async fn change_password(
        &self,
        compared: &PasswordHash,
        password: &PasswordHash,
        session: &NewSession,
        by: &Actor,
    ) -> Result<bool, StoreError>;

    async fn set_language(&self, account: AccountId, language: Language) -> Result<(), StoreError>;

    // --- API tokens -------------------------------------------------------------------------------------------------

    /// Whose token it is, with its scopes. None if it is unknown, has ended, was revoked, or the account is disabled.
    async fn token(&self, secret: &SecretHash, now: DateTime<Utc>) -> Result<Option<Principal>, StoreError>;

    /// The account's tokens, newest first, those that have ended included.
    async fn tokens(&self, account: AccountId) -> Result<Vec<TokenRow>, StoreError>;

    /// Returns the number of the new token.
    async fn add_token(&self, token: &NewToken, by: &Actor, at: DateTime<Utc>) -> Result<i64, StoreError>;

    /// `false` if the account has no such token in force.
    async fn revoke_token(
        &self,
        account: AccountId,
        token_id: i64,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Revokes every token of the account that holds, each with its line of the audit trail. Returns how many.
    async fn revoke_tokens(
        &self,
        account: AccountId,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<usize, StoreError>;

    // --- people -----------------------------------------------------------------------------------------------------

    /// Up to `limit` accounts by log-in, those after the given one.
    async fn accounts(&self, after: Option<&Login>, limit: u32) -> Result<Vec<AccountRow>, StoreError>;

    async fn account(&self, id: AccountId) -> Result<Option<AccountRow>, StoreError>;

    async fn account_by_login(&self, login: &Login) -> Result<Option<AccountRow>, StoreError>;

    /// Who the people of [`Accounts::accounts`] are to OpenID providers, the latest binding first.
    async fn identities(&self, after: Option<&Login>, limit: u32) -> Result<Vec<BoundIdentity>, StoreError>;

    /// The account is bound to nobody any more; its sessions end. Returns how many bindings there were.
    async fn unbind(&self, account: AccountId, by: &Actor, at: DateTime<Utc>) -> Result<usize, StoreError>;

    /// Adds somebody, who can log in once they have a password or come by an OpenID provider.
    async fn add_account(
        &self,
        profile: &AccountProfile,
        password: Option<&PasswordHash>,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edited, StoreError>;

    /// Changes name, role, teams and agent, if nobody else did so since they were looked at; the log-in stays.
    async fn change_account(
        &self,
        id: AccountId,
        change: &AccountChange,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edited, StoreError>;

    /// Nobody gets in by a disabled account: its sessions and links end at once, its tokens rest. [`Edited::Unknown`] if there is nothing
    /// to change.
    async fn set_disabled(
        &self,
        id: AccountId,
        disabled: bool,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edited, StoreError>;

    // --- one-time links ---------------------------------------------------------------------------------------------

    /// Whether an admin can log in, or could after using a link.
    async fn has_admin(&self) -> Result<bool, StoreError>;

    /// Makes a link for a new password, or for the first admin; earlier ones for the same end. `false` if the account is unknown or
    /// disabled, or there is an admin already.
    async fn add_link(&self, link: &NewLink, by: &Actor, at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// For whom the link is. None if it is unknown, has ended or was used.
    async fn link(&self, secret: &SecretHash, now: DateTime<Utc>) -> Result<Option<Link>, StoreError>;

    /// The first admin comes in by their link, once. [`Edited::Unknown`] if it does not hold any more.
    async fn use_first_link(
        &self,
        secret: &SecretHash,
        profile: &AccountProfile,
        password: &PasswordHash,
        at: DateTime<Utc>,
    ) -> Result<Edited, StoreError>;

    /// Sets a password by a link, once; every session of the account ends, and its tokens are revoked. None if the link does not hold any more.
    async fn use_link(
        &self,
        secret: &SecretHash,
        password: &PasswordHash,
        at: DateTime<Utc>,
    ) -> Result<Option<AccountId>, StoreError>;

    // --- audit trail ------------------------------------------------------------------------------------------------

    /// Writes one line that no other change of this trait writes.
    async fn record(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// Lines, newest first.
    async fn audit_trail(&self, wanted: &AuditFilter, limit: u32) -> Result<Vec<AuditRow>, StoreError>;
}

#[async_trait]
impl<B: Books + Send> Accounts for B {
    async fn count_attempt(
        &self,
        counted: &[Counted],
        window: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Attempt, StoreError> {
        sessions::count_attempt(self, counted, window, at).await
    }

    async fn forget_attempts(&self, attempts: &[i64], name: Option<&str>) -> Result<(), StoreError> {
        sessions::forget_attempts(self, attempts, name).await
    }

    async fn credentials(&self, login: &Login) -> Result<Option<Credentials>, StoreError> {
        sessions::credentials(self, login).await
    }

    async fn open_session(
        &self,
        session: &NewSession,
        compared: &PasswordHash,
        replaces: Option<&SecretHash>,
        by: &Actor,
    ) -> Result<bool, StoreError> {
        sessions::open(self, session, compared, replaces, by).await
    }

    async fn begin_detour(&self, detour: &NewDetour, at: DateTime<Utc>) -> Result<(), StoreError> {
        identities::begin(self, detour, at).await
    }

    async fn end_detour(&self, secret: &SecretHash, at: DateTime<Utc>) -> Result<Option<Detour>, StoreError> {
        identities::end(self, secret, at).await
    }

    async fn account_by_identity(&self, identity: &Identity) -> Result<Option<AccountRow>, StoreError> {
        people::account_by_identity(self, identity).await
    }

    async fn open_vouched_session(
        &self,
        session: &NewSession,
        identity: &Identity,
        named: bool,
        replaces: Option<&SecretHash>,
        by: &Actor,
    ) -> Result<Vouched, StoreError> {
        identities::open(self, session, identity, named, replaces, by).await
    }

    async fn session(
        &self,
        secret: &SecretHash,
        idle_since: DateTime<Utc>,
        now: DateTime<Utc>,
        used: bool,
    ) -> Result<Option<Principal>, StoreError> {
        sessions::session(self, secret, idle_since, now, used).await
    }

    async fn close_session(
        &self,
        secret: &SecretHash,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sessions::close(self, secret, by, at).await
    }

    async fn change_password(
        &self,
        compared: &PasswordHash,
        password: &PasswordHash,
        session: &NewSession,
        by: &Actor,
    ) -> Result<bool, StoreError> {
        sessions::change_password(self, compared, password, session, by).await
    }

    async fn set_language(&self, account: AccountId, language: Language) -> Result<(), StoreError> {
        people::set_language(self, account, language).await
    }

    async fn token(&self, secret: &SecretHash, now: DateTime<Utc>) -> Result<Option<Principal>, StoreError> {
        tokens::token(self, secret, now).await
    }

    async fn tokens(&self, account: AccountId) -> Result<Vec<TokenRow>, StoreError> {
        tokens::tokens(self, account).await
    }

    async fn add_token(&self, token: &NewToken, by: &Actor, at: DateTime<Utc>) -> Result<i64, StoreError> {
        tokens::add(self, token, by, at).await
    }

    async fn revoke_token(
        &self,
        account: AccountId,
        token_id: i64,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        tokens::revoke(self, account, token_id, by, at).await
    }

    async fn revoke_tokens(
        &self,
        account: AccountId,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        tokens::revoke_all(self, account, by, at).await
    }

    async fn accounts(&self, after: Option<&Login>, limit: u32) -> Result<Vec<AccountRow>, StoreError> {
        people::accounts(self, after, limit).await
    }

    async fn account(&self, id: AccountId) -> Result<Option<AccountRow>, StoreError> {
        people::account(self, id).await
    }

    async fn account_by_login(&self, login: &Login) -> Result<Option<AccountRow>, StoreError> {
        people::account_by_login(self, login).await
    }

    async fn identities(&self, after: Option<&Login>, limit: u32) -> Result<Vec<BoundIdentity>, StoreError> {
        identities::identities(self, after, limit).await
    }

    async fn unbind(&self, account: AccountId, by: &Actor, at: DateTime<Utc>) -> Result<usize, StoreError> {
        identities::unbind(self, account, by, at).await
    }

    async fn add_account(
        &self,
        profile: &AccountProfile,
        password: Option<&PasswordHash>,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edited, StoreError> {
        people::add(self, profile, password, by, at).await
    }

    async fn change_account(
        &self,
        id: AccountId,
        change: &AccountChange,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edited, StoreError> {
        people::change(self, id, change, by, at).await
    }

    async fn set_disabled(
        &self,
        id: AccountId,
        disabled: bool,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Edited, StoreError> {
        people::set_disabled(self, id, disabled, by, at).await
    }

    async fn has_admin(&self) -> Result<bool, StoreError> {
        links::has_admin(self).await
    }

    async fn add_link(&self, link: &NewLink, by: &Actor, at: DateTime<Utc>) -> Result<bool, StoreError> {
        links::add(self, link, by, at).await
    }

    async fn link(&self, secret: &SecretHash, now: DateTime<Utc>) -> Result<Option<Link>, StoreError> {
        links::link(self, secret, now).await
    }

    async fn use_first_link(
        &self,
        secret: &SecretHash,
        profile: &AccountProfile,
        password: &PasswordHash,
        at: DateTime<Utc>,
    ) -> Result<Edited, StoreError> {
        links::use_first(self, secret, profile, password, at).await
    }

    async fn use_link(
        &self,
        secret: &SecretHash,
        password: &PasswordHash,
        at: DateTime<Utc>,
    ) -> Result<Option<AccountId>, StoreError> {
        links::use_one(self, secret, password, at).await
    }

    async fn record(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        trail::record(self, entry).await
    }

    async fn audit_trail(&self, wanted: &AuditFilter, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        trail::lines(self, wanted, limit).await
    }
}
