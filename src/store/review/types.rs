//! What goes into and comes out of the review of alerts.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::access::Actor;
use crate::contract::{AlertState, Label, Language, MessageId, Policy, Role, Ruling, UserId};
use crate::store::{AlertRow, AlertSources};

/// Which alerts are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AlertView")]
pub enum View {
    /// Undecided and not escalated, claimed or not.
    #[default]
    Open,
    /// Claimed by somebody at this moment.
    Claimed,
    Escalated,
    Decided,
}

impl View {
    pub const ALL: [View; 4] = [View::Open, View::Claimed, View::Escalated, View::Decided];

    pub fn as_str(self) -> &'static str {
        match self {
            View::Open => "open",
            View::Claimed => "claimed",
            View::Escalated => "escalated",
            View::Decided => "decided",
        }
    }
}

/// A place in a list: the time that it is ordered by, and the alert. Open and escalated alerts are ordered by [`super::queue_time`],
/// claimed ones by the end of the claim, decided ones by the time of the decision, the latest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub time: DateTime<Utc>,
    pub alert_id: i64,
}

/// Which alerts a reviewer may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All but escalated ones.
    Usual,
    /// Escalated ones as well.
    Escalated,
}

/// Which way to read a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    #[default]
    Forward,
    /// What comes before the cursor, nearest first.
    Backward,
}

/// A stretch of a list of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub view: View,
    pub policy: Option<Policy>,
    pub sources: Option<AlertSources>,
    /// Only what this reviewer has claimed, or decided. Of no meaning for `Open` and `Escalated`.
    pub mine: Option<String>,
    pub from: Option<Cursor>,
    pub direction: Direction,
    pub limit: u32,
    /// The time by which claims are over.
    pub at: DateTime<Utc>,
}

/// Somebody works on an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub by: String,
    pub until: DateTime<Utc>,
    /// What the reviewer has to name.
    pub generation: u32,
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// There is no such alert.
    Unknown,
    /// Somebody else has it.
    Held(Claim),
    /// It is decided.
    Decided { by: String, ruling: Ruling, at: DateTime<Utc> },
    /// The reviewer does not have it (any more), and nobody else has.
    NotHeld,
    /// There is no decision to take back.
    NothingToUndo,
    /// The time to take the decision back is over.
    TooLate,
    /// Something that was decided has been taken up by somebody else since.
    Changed,
    /// It is escalated, and not for this reviewer.
    Escalated,
}

/// What a reviewer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saying {
    /// Policy and subtype count for a violation only.
    Ruled {
        ruling: Ruling,
        policy: Option<Policy>,
        subtype: Option<String>,
    },
    Escalated,
}

/// A decision on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub alert_id: i64,
    /// Of the claim.
    pub generation: u32,
    pub by: Actor,
    pub reach: Reach,
    pub saying: Saying,
    pub note: Option<String>,
    /// Decides those of the same text and policy as well, up to this number of an alert: the newest that the reviewer was told of.
    pub alike_up_to: Option<i64>,
    pub at: DateTime<Utc>,
}

/// What a sender is told, by policy and language.
pub type WarningText = fn(&Policy, Language) -> &'static str;

/// What was decided or undone together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// The alert that was on the page.
    pub alert_id: i64,
    /// How many alerts, this one included.
    pub count: u32,
}

/// How an alert was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub ruling: Ruling,
    pub policy: Option<Policy>,
    pub subtype: Option<String>,
    pub note: Option<String>,
    pub by: String,
    pub at: DateTime<Utc>,
}

/// An alert as it stands in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewRow {
    pub alert: AlertRow,
    pub sender_id: UserId,
    pub state: AlertState,
    pub queue_time: DateTime<Utc>,
    pub generation: u32,
    /// May be over.
    pub claim: Option<Claim>,
    pub decided: Option<Decided>,
    pub warned_at: Option<DateTime<Utc>>,
    pub sources: AlertSources,
    pub language: Language,
    pub rules_version: String,
    pub model_version: String,
}

impl ReviewRow {
    /// Who works on it at this moment.
    pub fn holder(&self, at: DateTime<Utc>) -> Option<&Claim> {
        self.claim.as_ref().filter(|claim| claim.until > at)
    }

    /// Its place in the list of this view.
    pub fn cursor(&self, view: View) -> Cursor {
        let time = match view {
            View::Open | View::Escalated => self.queue_time,
            View::Claimed => self.claim.as_ref().map_or(self.queue_time, |claim| claim.until),
            View::Decided => self.decided.as_ref().map_or(self.queue_time, |decided| decided.at),
        };
        Cursor { time, alert_id: self.alert.alert_id }
    }
}

/// A message of the conversation around an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct SaidMessage {
    pub message_id: MessageId,
    pub sender_id: UserId,
    pub role: Role,
    pub text: String,
    pub sent_at: DateTime<Utc>,
    pub hidden: bool,
    /// Everything that was found in it, for whatever policy.
    pub labels: Vec<Label>,
}

/// Undecided alerts of the same text and policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alike {
    /// Without the alert itself; at most [`MOST_ALIKE`].
    pub count: u32,
    /// The newest of them; what comes later is not decided with them.
    pub up_to: i64,
}

/// So many alerts are decided together at most.
pub const MOST_ALIKE: u32 = 500;

/// What was done with an alert, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailRow {
    pub at: DateTime<Utc>,
    pub reviewer: String,
    /// `claimed`, `released`, `decided`, `escalated`, `undone`, `hidden`, `restored` or `warned`.
    pub act: String,
    pub ruling: Option<Ruling>,
    pub policy: Option<Policy>,
    pub subtype: Option<String>,
    pub note: Option<String>,
    /// What was decided or undone together has the same name here.
    pub batch: Option<String>,
}

/// One alert with everything around it.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertFile {
    pub row: ReviewRow,
    /// Oldest first, with the alert's own message.
    pub conversation: Vec<SaidMessage>,
    /// The transaction has more messages before, or after.
    pub more_before: bool,
    pub more_after: bool,
    pub alike: Alike,
    /// Other alerts about the same sender, newest first.
    pub of_sender: Vec<ReviewRow>,
    /// Oldest first; the last hundred.
    pub trail: Vec<TrailRow>,
}

/// How many alerts stand where. A count that reached the bound may be greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReviewCounts {
    pub open: u32,
    pub claimed: u32,
    pub escalated: u32,
    pub decided: u32,
}

/// Decided alerts of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCount {
    pub policy: Policy,
    /// `rule`, `model` or `rule+model` for all of a kind; else the source of a label, such as `rule:harassment/threat`.
    pub source: String,
    /// Violations of the policy that the alert was raised for.
    pub violations: u64,
    /// Not a violation, or one of another policy only.
    pub others: u64,
    pub unsure: u64,
}

/// A message with what people decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewedMessage {
    pub message_id: MessageId,
    pub role: Role,
    pub text: String,
    pub language: Option<Language>,
    /// Its alerts: what each was raised for, and how it was decided.
    pub alerts: Vec<(Policy, Option<Decided>)>,
}
