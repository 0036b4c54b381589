//! Who somebody is.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::audit::{Actor, Way};
use super::{Login, Permission, Role};
use crate::contract::{AgentId, Language};

/// An account, by its number in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct AccountId(pub i64);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Somebody who is known: came in by a session or by an API token, and is not disabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub account_id: AccountId,
    /// What they log in with.
    pub login: Login,
    /// What people call them.
    pub name: String,
    pub role: Role,
    /// Names of teams as agents have them.
    pub teams: BTreeSet<String>,
    /// The agent whose inquiries they work on; none for somebody who is no agent.
    pub agent_id: Option<AgentId>,
    /// The language of their pages, if they have chosen one.
    pub language: Option<Language>,
    pub entrance: Entrance,
}

/// How somebody came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entrance {
    /// Logged in, in a browser.
    Session,
    /// By an API token, which may do no more than its scopes.
    Token { token_id: i64, scopes: BTreeSet<Permission> },
}

/// Which inquiries somebody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    All,
    /// Those that this agent or an agent of these teams has, or had when they were resolved.
    Of {
        agent_id: Option<AgentId>,
        teams: BTreeSet<String>,
    },
}

impl Sight {
    /// Whether an inquiry is within the sight that this agent, of this team, has or had when it was resolved.
    pub fn sees(&self, agent: Option<&AgentId>, team: Option<&str>) -> bool {
        match self {
            Sight::All => true,
            Sight::Of { agent_id, teams } => {
                agent.is_some()
                    && (agent == agent_id.as_ref() || team.is_some_and(|team| teams.contains(team)))
            }
        }
    }
}

impl Principal {
    /// Whether the role allows it and, for a token, its scopes do as well.
    pub fn may(&self, permission: Permission) -> bool {
        let scoped = match &self.entrance {
            Entrance::Session => true,
            Entrance::Token { scopes, .. } => {
                permission == Permission::UseApi || scopes.contains(&permission)
            }
        };
        scoped && self.role.may(permission)
    }

    /// Which inquiries they see.
    pub fn sight(&self) -> Sight {
        if self.may(Permission::ReadAllInquiries) {
            return Sight::All;
        }
        Sight::Of { agent_id: self.agent_id.clone(), teams: self.teams.clone() }
    }

    /// Who it was, for what a supervisor does: `supervisor:LOGIN`.
    pub fn supervisor(&self) -> String {
        format!("supervisor:{}", self.login)
    }

    /// Who it was, for the audit trail.
    pub fn actor(&self) -> Actor {
        Actor {
            account_id: Some(self.account_id),
            name: self.login.to_string(),
            way: match self.entrance {
                Entrance::Session => Way::Session,
                Entrance::Token { token_id, .. } => Way::Token(token_id),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(role: Role, entrance: Entrance) -> Principal {
        Principal {
            account_id: AccountId(1),
            login: "aki".parse().unwrap(),
            name: "Aki".into(),
            role,
            teams: BTreeSet::from(["safety".into()]),
            agent_id: Some(AgentId::new("a-1").unwrap()),
            language: None,
            entrance,
        }
    }

    #[test]
    fn a_token_does_what_both_its_scopes_and_the_role_allow() {
        let scopes = BTreeSet::from([Permission::ReadAlerts, Permission::ManagePeople]);
        let token = principal(Role::Lead, Entrance::Token { token_id: 7, scopes });
        assert!(token.may(Permission::ReadAlerts) && token.may(Permission::UseApi));
        assert!(!token.may(Permission::ManagePeople), "no lead may");
        assert!(!token.may(Permission::ReadInquiries), "not in the scopes");
        assert!(matches!(token.sight(), Sight::Of { .. }));
        assert_eq!(token.actor().way, Way::Token(7));
    }

    #[test]
    fn an_agent_sees_their_own_and_their_teams_and_a_lead_sees_all() {
        let Sight::Of { agent_id, teams } = principal(Role::Agent, Entrance::Session).sight() else {
            panic!("an agent sees all");
        };
        assert_eq!((agent_id.unwrap().as_str(), teams.len()), ("a-1", 1));
        assert_eq!(principal(Role::Lead, Entrance::Session).sight(), Sight::All);
    }
}
