//! What goes into accounts and what comes out.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::access::{AccountId, AuditEntry, Identity, Login, PasswordHash, Permission, Role, SecretHash};
use crate::contract::{AgentId, Language};

/// Under what an attempt to log in counts, and how many of them are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// `account:HASH` or `address:ADDRESS`.
    pub name: String,
    pub limit: u32,
}

/// What became of an attempt to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// Counted, under these numbers.
    Allowed(Vec<i64>),
    /// Too many; the next is allowed after this time.
    Limited(DateTime<Utc>),
}

/// What a password is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub account_id: AccountId,
    pub login: Login,
    pub password: PasswordHash,
}

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    pub secret: SecretHash,
    pub account_id: AccountId,
    pub at: DateTime<Utc>,
    /// However much it is used.
    pub expires_at: DateTime<Utc>,
}

/// A log-in by an OpenID provider that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDetour {
    /// What the browser holds until it comes back.
    pub secret: SecretHash,
    pub detour: Detour,
    pub expires_at: DateTime<Utc>,
}

/// A log-in that is under way by an OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detour {
    /// The page that was asked for, if it was any.
    pub page: Option<String>,
    /// Under which number the attempt counts.
    pub attempt: i64,
}

/// Who somebody with an account is to an OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundIdentity {
    pub account_id: AccountId,
    pub identity: Identity,
    pub bound_at: DateTime<Utc>,
}

/// What became of somebody whom an OpenID provider vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouched {
    /// They have a session.
    In,
    /// The account is disabled, or not there any more.
    Disabled,
    /// The account is bound to somebody else at this provider, they are bound to another account, or were unbound meanwhile.
    SomebodyElse,
}

/// An API token that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    pub secret: SecretHash,
    pub account_id: AccountId,
    /// What its owner calls it.
    pub name: String,
    pub scopes: BTreeSet<Permission>,
    pub expires_at: DateTime<Utc>,
}

/// An API token as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    pub token_id: i64,
    pub name: String,
    pub scopes: BTreeSet<Permission>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Somebody, as an admin enters them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountProfile {
    pub login: Login,
    pub name: String,
    pub role: Role,
    pub teams: BTreeSet<String>,
    pub agent_id: Option<AgentId>,
}

/// What an admin changes of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountChange {
    pub name: String,
    /// None leaves it as it is.
    pub role: Option<Role>,
    pub teams: BTreeSet<String>,
    pub agent_id: Option<AgentId>,
    pub seen: Seen,
}

/// What an account could do when the admin looked at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub role: Role,
    pub teams: BTreeSet<String>,
    pub agent_id: Option<AgentId>,
}

/// Somebody, as an admin sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    pub account_id: AccountId,
    pub profile: AccountProfile,
    pub language: Option<Language>,
    /// They have used their link.
    pub has_password: bool,
    pub created_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
}

/// What became of a change to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    Done(AccountId),
    /// There is no such account, or the link does not hold any more.
    Unknown,
    /// Somebody else changed the account since it was looked at.
    Changed,
    /// Nobody who is not disabled would be admin any more.
    LastAdmin,
    LoginTaken,
    UnknownAgent,
    /// Another account has the agent.
    AgentTaken,
}

/// A one-time link that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    pub secret: SecretHash,
    /// Whose password it sets; none for the first admin.
    pub account_id: Option<AccountId>,
    pub expires_at: DateTime<Utc>,
}

/// For whom a link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    FirstAdmin,
    Password(Login),
}

/// Which lines of the audit trail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only lines before this number.
    pub before: Option<i64>,
    pub actor: Option<String>,
    pub act: Option<String>,
    pub subject_kind: Option<String>,
    pub subject_id: Option<String>,
}

/// A line of the audit trail with its number, which grows with time.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    pub audit_id: i64,
    pub entry: AuditEntry,
}
