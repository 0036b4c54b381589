//! Alerts, as the API tells of them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::masked;
use crate::console::masking;
use crate::contract::{
    Action, AlertState, Label, Language, MessageId, Policy, Role, Ruling, TransactionId, UserId,
    is_known_subtype,
};
use crate::store::AlertSources;
use crate::store::review::{AlertFile, Claim, Decided, ReviewRow, SaidMessage, TrailRow};

/// What kind of source fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::console) enum Sources {
    Rule,
    Model,
    RuleAndModel,
}

impl From<AlertSources> for Sources {
    fn from(sources: AlertSources) -> Self {
        match sources {
            AlertSources::Rule => Sources::Rule,
            AlertSources::Model => Sources::Model,
            AlertSources::RuleAndModel => Sources::RuleAndModel,
        }
    }
}

impl From<Sources> for AlertSources {
    fn from(sources: Sources) -> Self {
        match sources {
            Sources::Rule => AlertSources::Rule,
            Sources::Model => AlertSources::Model,
            Sources::RuleAndModel => AlertSources::RuleAndModel,
        }
    }
}

/// Somebody reviews an alert.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Claim")]
pub(in crate::console) struct ClaimView {
    /// A log-in.
    by: String,
    /// The claim ends by itself.
    until: DateTime<Utc>,
}

impl From<&Claim> for ClaimView {
    fn from(claim: &Claim) -> Self {
        Self { by: claim.by.clone(), until: claim.until }
    }
}

/// How an alert was decided.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Decision")]
pub(in crate::console) struct DecisionView {
    ruling: Ruling,
    /// Which policy the message violates.
    policy: Option<Policy>,
    /// One that a reviewer made up is null without the permission `read_text`.
    subtype: Option<String>,
    /// Null without the permission `read_text`.
    note: Option<String>,
    by: String,
    at: DateTime<Utc>,
}

impl DecisionView {
    fn new(decided: Decided, reads: bool) -> Self {
        let Decided { ruling, policy, subtype, note, by, at } = decided;
        let subtype = subtype.filter(|name| reads || is_known_subtype(name));
        Self { ruling, policy, subtype, note: note.filter(|_| reads), by, at }
    }
}

/// A message that was flagged for one policy.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct Alert {
    alert_id: i64,
    state: AlertState,
    /// What the entity tag names.
    generation: u32,
    /// Who reviews it at this moment.
    claim: Option<ClaimView>,
    decision: Option<DecisionView>,
    policy: Policy,
    action: Action,
    /// Final probability of the policy.
    score: f64,
    sources: Sources,
    message_id: MessageId,
    transaction_id: TransactionId,
    sender_id: UserId,
    sender_role: Role,
    language: Language,
    /// Every letter masked without the permission `read_text`.
    text: String,
    /// What fired for this policy; without the words that it found if these are masked.
    labels: Vec<Label>,
    created_at: DateTime<Utc>,
    /// When the sender was warned because of this alert.
    warned_at: Option<DateTime<Utc>>,
    rules_version: String,
    model_version: String,
}

impl Alert {
    pub(in crate::console::api) fn new(mut row: ReviewRow, reads: bool, now: DateTime<Utc>) -> Self {
        if !reads {
            masking::alert(&mut row.alert);
        }
        let claim = row.holder(now).map(ClaimView::from);
        Self {
            claim,
            alert_id: row.alert.alert_id,
            state: row.state,
            generation: row.generation,
            decision: row.decided.map(|decided| DecisionView::new(decided, reads)),
            policy: row.alert.policy,
            action: row.alert.action,
            score: row.alert.score,
            sources: row.sources.into(),
            message_id: row.alert.message_id,
            transaction_id: row.alert.transaction_id,
            sender_id: row.sender_id,
            sender_role: row.alert.role,
            language: row.language,
            text: row.alert.text,
            labels: row.alert.labels,
            created_at: row.alert.created_at,
            warned_at: row.warned_at,
            rules_version: row.rules_version,
            model_version: row.model_version,
        }
    }
}

/// A message of the conversation around an alert.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct Message {
    message_id: MessageId,
    sender_id: UserId,
    sender_role: Role,
    text: String,
    sent_at: DateTime<Utc>,
    hidden: bool,
    /// Everything that was found in it, for whatever policy.
    labels: Vec<Label>,
}

impl Message {
    fn new(said: SaidMessage, reads: bool) -> Self {
        let mut labels = said.labels;
        if !reads {
            masking::labels(&mut labels);
        }
        Self {
            message_id: said.message_id,
            sender_id: said.sender_id,
            sender_role: said.role,
            text: if reads { said.text } else { masked(&said.text) },
            sent_at: said.sent_at,
            hidden: said.hidden,
            labels,
        }
    }
}

/// Undecided alerts of the same text and policy.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct SameText {
    /// Without the alert itself.
    count: u32,
    /// Send it as `alike_up_to` to decide them as well.
    up_to: i64,
}

/// A line of an alert's trail.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct TrailLine {
    at: DateTime<Utc>,
    by: String,
    /// `claimed`, `released`, `decided`, `escalated`, `undone`, `hidden`, `restored` or `warned`.
    act: String,
    ruling: Option<Ruling>,
    policy: Option<Policy>,
    /// One that a reviewer made up is null without the permission `read_text`.
    subtype: Option<String>,
    /// Null without the permission `read_text`.
    note: Option<String>,
}

impl TrailLine {
    fn new(row: TrailRow, reads: bool) -> Self {
        let note = row.note.filter(|_| reads);
        let TrailRow { at, reviewer: by, act, ruling, policy, subtype, .. } = row;
        let subtype = subtype.filter(|name| reads || is_known_subtype(name));
        Self { at, by, act, ruling, policy, subtype, note }
    }
}

/// An alert with everything around it.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct AlertDetail {
    pub(in crate::console::api) alert: Alert,
    /// Oldest first, with the alert's own message.
    conversation: Vec<Message>,
    /// The transaction has more messages before, or after.
    more_before: bool,
    more_after: bool,
    same_text: SameText,
    /// Other alerts about the sender, newest first.
    of_sender: Vec<Alert>,
    /// What was done with it, oldest first.
    trail: Vec<TrailLine>,
}

impl AlertDetail {
    pub(in crate::console::api) fn new(file: AlertFile, reads: bool, now: DateTime<Utc>) -> Self {
        let conversation = file.conversation.into_iter().map(|said| Message::new(said, reads));
        Self {
            alert: Alert::new(file.row, reads, now),
            conversation: conversation.collect(),
            more_before: file.more_before,
            more_after: file.more_after,
            same_text: SameText { count: file.alike.count, up_to: file.alike.up_to },
            of_sender: file.of_sender.into_iter().map(|row| Alert::new(row, reads, now)).collect(),
            trail: file.trail.into_iter().map(|row| TrailLine::new(row, reads)).collect(),
        }
    }
}

/// How an alert stands after a change.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct AlertStanding {
    alert_id: i64,
    state: AlertState,
    /// What the entity tag names.
    pub(in crate::console::api) generation: u32,
    claim: Option<ClaimView>,
    decision: Option<DecisionView>,
    /// The message is hidden.
    hidden: bool,
    warned_at: Option<DateTime<Utc>>,
    /// How many alerts were changed, with those of the same text; 0 if it was so already.
    changed: u32,
}

impl AlertStanding {
    pub(in crate::console::api) fn new(
        file: AlertFile,
        changed: u32,
        reads: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let own = |said: &&SaidMessage| said.message_id == file.row.alert.message_id;
        Self {
            alert_id: file.row.alert.alert_id,
            state: file.row.state,
            generation: file.row.generation,
            claim: file.row.holder(now).map(ClaimView::from),
            hidden: file.conversation.iter().find(own).is_some_and(|said| said.hidden),
            decision: file.row.decided.map(|decided| DecisionView::new(decided, reads)),
            warned_at: file.row.warned_at,
            changed,
        }
    }
}
