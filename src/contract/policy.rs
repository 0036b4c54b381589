//! The names that labels are made of: policies, subtypes, actions, languages, skills.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A policy by name. Policies are data, not an enumeration: adding one is dropping a model folder and switching it on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Policy(pub String);

impl Policy {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Policy {
    type Err = String;

    /// A name that serves as a label, a configuration key and a folder's name alike.
    fn from_str(name: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.is_empty() && name.chars().all(allowed) {
            return Ok(Self(name.to_owned()));
        }
        Err("expected small letters, digits and underscores, such as `external_induction`".to_owned())
    }
}

/// What happens to a message. Ordered: a later action includes the earlier ones.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing: the message is cleared.
    #[default]
    None,
    /// An alert for a reviewer.
    Report,
    /// Hide the message, and report it.
    Hide,
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Action::None => "none",
            Action::Report => "report",
            Action::Hide => "hide",
        }
    }
}

/// The languages that the system reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Ja,
    En,
}

impl Language {
    pub const ALL: [Language; 2] = [Language::Ja, Language::En];

    pub fn as_str(self) -> &'static str {
        match self {
            Language::Ja => "ja",
            Language::En => "en",
        }
    }
}

/// The desk that can finish an inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Skill {
    Payment,
    SalesProceeds,
    Shipping,
    ReturnRefund,
    Cancellation,
    AccountAccess,
    IdentityVerification,
    Listing,
    UserTrouble,
    FraudSecurity,
    AppTechnical,
    PointsCoupons,
    Other,
}

impl Skill {
    pub const ALL: [Skill; 13] = [
        Skill::Payment,
        Skill::SalesProceeds,
        Skill::Shipping,
        Skill::ReturnRefund,
        Skill::Cancellation,
        Skill::AccountAccess,
        Skill::IdentityVerification,
        Skill::Listing,
        Skill::UserTrouble,
        Skill::FraudSecurity,
        Skill::AppTechnical,
        Skill::PointsCoupons,
        Skill::Other,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Skill::Payment => "payment",
            Skill::SalesProceeds => "sales_proceeds",
            Skill::Shipping => "shipping",
            Skill::ReturnRefund => "return_refund",
            Skill::Cancellation => "cancellation",
            Skill::AccountAccess => "account_access",
            Skill::IdentityVerification => "identity_verification",
            Skill::Listing => "listing",
            Skill::UserTrouble => "user_trouble",
            Skill::FraudSecurity => "fraud_security",
            Skill::AppTechnical => "app_technical",
            Skill::PointsCoupons => "points_coupons",
            Skill::Other => "other",
        }
    }
}

/// A name that is not in its closed list; the message shows what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} `{value}`: expected one of {expected}")]
pub struct UnknownName {
    pub kind: &'static str,
    pub value: String,
    pub expected: String,
}

macro_rules! named {
    ($name:ident, $kind:literal, $all:expr) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(value: &str) -> Result<Self, UnknownName> {
                $all.into_iter().find(|known| known.as_str() == value).ok_or_else(|| UnknownName {
                    kind: $kind,
                    value: value.to_owned(),
                    expected: $all.map(|known| known.as_str()).join(", "),
                })
            }
        }
    };
}

named!(Language, "language", Language::ALL);
named!(Skill, "skill", Skill::ALL);
named!(Action, "action", [Action::None, Action::Report, Action::Hide]);
named!(Role, "sender_role", Role::ALL);
named!(Priority, "priority", [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent]);

named!(Ruling, "ruling", Ruling::ALL);
named!(AlertState, "state", AlertState::ALL);
named!(WebhookEvent, "event", WebhookEvent::ALL);

use super::message::{Priority, Role};
use super::review::{AlertState, Ruling};
use super::webhook::WebhookEvent;
/// What rules call the subtypes of the shipped policies. A reviewer may write others.
pub const SUBTYPES: [&str; 8] =
    ["contact", "payment", "deal", "link", "insult", "threat", "sexual", "pressure"];

/// Whether a subtype is one of [`SUBTYPES`], and so no words of a message. Others are shown only to who may read text.
pub fn is_known_subtype(name: &str) -> bool {
    SUBTYPES.contains(&name)
}
