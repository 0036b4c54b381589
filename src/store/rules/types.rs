//! What is known about rules beside their files.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};

use crate::access::Actor;
use crate::contract::{Action, AlertState, Policy, Ruling};

/// Characters of the longest reason: the audit trail keeps no more.
pub const LONGEST_REASON: usize = 500;

/// Why a rule is switched: one to 500 characters without control characters, not only white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchReason(String);

/// A text that is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a reason of 1 to {LONGEST_REASON} characters")]
pub struct NoReason;

impl SwitchReason {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SwitchReason {
    type Err = NoReason;

    /// Control characters become spaces: PostgreSQL stores no NUL, and a reason is one line.
    fn from_str(text: &str) -> Result<Self, NoReason> {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST_REASON {
            return Err(NoReason);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SwitchReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a rule stands that was switched at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSwitch {
    pub rule_id: String,
    pub off: bool,
    pub reason: String,
    /// The log-in at that time.
    pub by: String,
    pub at: DateTime<Utc>,
    pub generation: u32,
}

/// Switches a rule off, or on again.
#[derive(Debug, Clone, PartialEq)]
pub struct SwitchOrder {
    pub rule_id: String,
    pub off: bool,
    pub reason: SwitchReason,
    /// The generation that was seen; 0 for a rule that was never switched.
    pub generation: u32,
    pub by: Actor,
    pub at: DateTime<Utc>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switched {
    /// It is committed, with its line in the audit trail.
    Done,
    /// Somebody was faster: how it stands now. Nothing was written.
    Stale(Option<RuleSwitch>),
    /// It stands so already. Nothing was written.
    Already,
}

/// How much a rule found, by whether it counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleVolume {
    pub rule_id: String,
    /// Found while the rule was in shadow.
    pub shadow: bool,
    /// In the shorter period, and in the longer one that includes it.
    pub shorter: u64,
    pub longer: u64,
}

/// Findings of one rule on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleDay {
    /// In UTC.
    pub day: NaiveDate,
    pub shadow: bool,
    pub findings: u64,
}

/// An alert that a rule took part in.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleAlert {
    pub alert_id: i64,
    pub policy: Policy,
    pub action: Action,
    pub score: f64,
    pub created_at: DateTime<Utc>,
    pub state: AlertState,
    pub ruling: Option<Ruling>,
}

/// What reviewers decided about messages in which a rule in shadow found something that something else flagged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowCount {
    pub rule_id: String,
    pub violations: u64,
    pub others: u64,
    pub unsure: u64,
}
