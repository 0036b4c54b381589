//! One permission for each kind of act, and which role has it.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::Role;

/// One kind of act. A role has it or not; an API token may be given those of its owner (see [`Permission::scopes`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// One's own password, language and log-out.
    OwnAccount,
    /// The first page: how much there is of everything.
    ReadOverview,
    ReadAlerts,
    /// Inquiries that are one's own or one's teams'.
    ReadInquiries,
    /// Inquiries of everybody.
    ReadAllInquiries,
    /// The text of messages and inquiries, and the words that gave them away. Without it they are masked.
    ReadText,
    ReviewAlerts,
    /// Accept, pass on and resolve what one holds oneself.
    WorkInquiries,
    /// Say what an inquiry needs, and give it to somebody.
    Supervise,
    /// Figures about alerts, reviews and allocation.
    ReadEvaluation,
    /// Draw samples of messages without an alert for reviewers to judge, and close them.
    DrawSamples,
    ReadRules,
    SwitchRules,
    ReadModels,
    /// Queues, workers and dead letters, without bodies.
    ReadOperations,
    OperateDeadLetters,
    ReadAuditTrail,
    ManagePeople,
    /// Who is told of events over HTTP.
    ManageWebhooks,
    /// API tokens of one's own, and what is done with them.
    UseApi,
}

use Permission::*;

const X: bool = true;
const O: bool = false;

/// Who may do what. The order of the columns is that of [`Role::ALL`].
#[rustfmt::skip] // A table.
const MATRIX: [(Permission, &str, [bool; Role::ALL.len()]); 20] = [
    //                                           agent, lead, rule author, model owner, admin
    (OwnAccount,         "own_account",          [X, X, X, X, X]),
    (ReadOverview,       "read_overview",        [X, X, X, X, X]),
    (ReadAlerts,         "read_alerts",          [X, X, X, X, X]),
    (ReadInquiries,      "read_inquiries",       [X, X, O, X, X]),
    (ReadAllInquiries,   "read_all_inquiries",   [O, X, O, X, X]),
    (ReadText,           "read_text",            [X, X, X, O, O]),
    (ReviewAlerts,       "review_alerts",        [X, X, O, O, O]),
    (WorkInquiries,      "work_inquiries",       [X, X, O, O, O]),
    (Supervise,          "supervise",            [O, X, O, O, O]),
    (ReadEvaluation,     "read_evaluation",      [O, X, X, X, X]),
    (DrawSamples,        "draw_samples",         [O, X, O, X, O]),
    (ReadRules,          "read_rules",           [X, X, X, X, X]),
    (SwitchRules,        "switch_rules",         [O, X, X, O, O]),
    (ReadModels,         "read_models",          [O, X, X, X, X]),
    (ReadOperations,     "read_operations",      [O, X, X, X, X]),
    (OperateDeadLetters, "operate_dead_letters", [O, O, O, O, X]),
    (ReadAuditTrail,     "read_audit_trail",     [O, X, O, O, X]),
    (ManagePeople,       "manage_people",        [O, O, O, O, X]),
    (ManageWebhooks,     "manage_webhooks",      [O, O, O, O, X]),
    (UseApi,             "use_api",              [X, X, X, X, X]),
];

impl Permission {
    /// Every permission, in the order of the table.
    pub fn all() -> impl Iterator<Item = Permission> {
        MATRIX.iter().map(|(permission, ..)| *permission)
    }

    /// Those that an API token can be given: what the API does, and what it shows. Whatever else stands in an older token allows nothing.
    pub fn scopes() -> impl Iterator<Item = Permission> {
        [
            ReadAlerts,
            ReadInquiries,
            ReadAllInquiries,
            ReadText,
            ReviewAlerts,
            WorkInquiries,
            Supervise,
            ManageWebhooks,
        ]
        .into_iter()
    }

    /// Its name in the database, in forms and in the API.
    pub fn as_str(self) -> &'static str {
        MATRIX[self as usize].1
    }

    pub(super) fn is_of(self, role: Role) -> bool {
        MATRIX[self as usize].2[role as usize]
    }
}

impl Role {
    /// Whether people of this role may do this.
    pub fn may(self, permission: Permission) -> bool {
        permission.is_of(self)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A name that is no permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a permission, such as read_alerts")]
pub struct UnknownPermission;

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(name: &str) -> Result<Self, UnknownPermission> {
        Self::all().find(|permission| permission.as_str() == name).ok_or(UnknownPermission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_both_lists() {
        for (index, permission) in Permission::all().enumerate() {
            assert_eq!(permission as usize, index, "{permission}");
            assert_eq!(permission.as_str().parse(), Ok(permission));
        }
        for (index, role) in Role::ALL.into_iter().enumerate() {
            assert_eq!(role as usize, index, "{role}");
        }
    }

    #[test]
    fn nobody_has_everything_and_people_who_run_the_place_read_no_text() {
        for role in Role::ALL {
            assert!(Permission::all().any(|permission| !role.may(permission)), "{role}");
            assert!(role.may(OwnAccount));
        }
        assert!(!Role::Admin.may(ReadText) && !Role::ModelOwner.may(ReadText));
        assert!(!Role::Agent.may(ReadAllInquiries) && Role::Lead.may(ReadAllInquiries));
    }
}
