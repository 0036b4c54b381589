//! What somebody is at the desk.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// What somebody is at the desk; each account has one. What it allows stands in one table, see [`super::Permission`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Answers inquiries and reviews alerts.
    Agent,
    /// Leads agents: sees all teams, and decides who gets what.
    Lead,
    /// Writes rules.
    RuleAuthor,
    /// Trains and promotes models.
    ModelOwner,
    /// Runs the installation: people and dead letters. Reads no message text.
    Admin,
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Agent, Role::Lead, Role::RuleAuthor, Role::ModelOwner, Role::Admin];

    /// Its name in the database, in forms and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Agent => "agent",
            Role::Lead => "lead",
            Role::RuleAuthor => "rule_author",
            Role::ModelOwner => "model_owner",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected agent, lead, rule_author, model_owner or admin")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or(UnknownRole)
    }
}
