//! What goes into the store and what comes out of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::change::*;
pub use crate::moderation::{AlertSources, Decision, PolicyAlert};

use crate::contract::{
    Action, AgentId, Assignment, Channel, Inquiry, InquiryId, Label, Language, MessageId, Policy, Priority,
    Rejection, Role, Skill, SkillProbability, TransactionId,
};
use crate::queue::{Inbound, Outgoing};
use crate::routing::{Explanation, Hours, Proposal};

/// What the store knows about a message that just came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The message has its verdict already: a second delivery.
    pub decided: bool,
    /// Earlier messages of the transaction, oldest first.
    pub context: Vec<ContextMessage>,
}

/// An earlier message of the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextMessage {
    pub message_id: MessageId,
    pub role: Role,
    pub text: String,
    pub sent_at: DateTime<Utc>,
}

/// Everything that one batch of the moderation queue writes, in one transaction.
#[derive(Debug, Clone, Default)]
pub struct ModerationBatch {
    pub decisions: Vec<Decision>,
    pub dead_letters: Vec<DeadLetter>,
}

/// How much of a batch was new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    pub new_verdicts: u64,
    pub new_alerts: u64,
}

/// A delivery that cannot be processed, on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Hash of queue and body: the same bad body delivered again is the same dead letter.
    pub id: String,
    pub queue: Inbound,
    pub body: Vec<u8>,
    pub rejection: Rejection,
    pub at: DateTime<Utc>,
}

/// A dead letter as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterRow {
    pub id: String,
    pub queue: Inbound,
    pub body: Vec<u8>,
    /// Code of the rejection, see [`crate::contract::RejectionCode`].
    pub code: String,
    pub detail: String,
    /// How often this body was rejected.
    pub rejections: u32,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    /// How often it was replayed.
    pub replays: u32,
    /// None while it is open, be it again.
    pub replayed_at: Option<DateTime<Utc>>,
}

/// A row of the outbox: what to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    pub id: i64,
    pub outgoing: Outgoing,
}

/// A stretch of a list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub offset: u32,
    pub limit: u32,
}

/// An alert with what a reviewer needs to see.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRow {
    pub alert_id: i64,
    pub policy: Policy,
    pub action: Action,
    /// Final probability of the policy.
    pub score: f64,
    pub message_id: MessageId,
    pub transaction_id: TransactionId,
    pub role: Role,
    pub text: String,
    /// The labels of this policy; the message may have others.
    pub labels: Vec<Label>,
    /// The earlier messages that the labels have parts in, oldest first.
    pub earlier: Vec<ContextMessage>,
    pub created_at: DateTime<Utc>,
}

/// An agent as seeded or edited.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct AgentProfile {
    pub agent_id: AgentId,
    pub name: String,
    /// Proficiency 1 (learning) to 5 (expert).
    pub skills: BTreeMap<Skill, u8>,
    pub languages: Vec<Language>,
    /// Places; an inquiry takes as many as its channel weighs (`routing.channel_weights`).
    pub capacity: u32,
    pub available: bool,
    /// Whose inquiries the agent takes first; see `routing.teams`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// When the agent works; without it, presence alone tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
}

impl From<AgentProfile> for crate::routing::AgentSnapshot {
    /// The agent without any work yet.
    fn from(profile: AgentProfile) -> Self {
        Self {
            agent_id: profile.agent_id,
            skills: profile.skills,
            languages: profile.languages,
            team: profile.team,
            hours: profile.hours,
            available: profile.available,
            open: 0,
            capacity: profile.capacity,
            last_assigned_at: None,
            mean_open: 0.0,
            open_changed_at: None,
        }
    }
}

/// A routing decision on its way into the store.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutingDecision {
    pub inquiry: Inquiry,
    pub language: Language,
    /// The whole distribution, best first.
    pub skills: Vec<SkillProbability>,
    pub proposal: Proposal,
    /// Why; stored beside the decision.
    pub explanation: Explanation,
    pub model_version: String,
    /// Places that it takes with its agent, if it is new; what was stored before keeps its own.
    pub weight: u32,
    /// The inquiry's generation that was decided on, 0 for one that came in just now. Any other by then, and nothing is written.
    pub generation: u32,
    /// What a person said that it needs.
    pub corrected_skill: Option<Skill>,
    /// When an agent has to have accepted it, if it is written at once; none if they have it at once.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was decided. What passes until it is written, by locks and retries, is added to the time to accept; none if `expires_at` holds
    /// as it stands.
    pub decided: Option<Instant>,
    pub at: DateTime<Utc>,
}

impl RoutingDecision {
    /// The assignment as it is published, once its agent is taken: from now on the time to accept runs.
    pub(super) fn assignment(
        &self,
        agent_id: Option<AgentId>,
        generation: u32,
        reason: String,
    ) -> Assignment {
        // As finely as the databases keep a time.
        let late = self.decided.map_or(0, |decided| decided.elapsed().as_micros() as i64);
        let expires_at = self.expires_at.map(|end| end + TimeDelta::microseconds(late));
        Assignment {
            inquiry_id: self.inquiry.inquiry_id.clone(),
            language: self.language,
            skills: self.effective_skills(),
            expires_at: expires_at.filter(|_| agent_id.is_some()),
            agent_id,
            reason,
            decided_at: self.at,
            generation: Some(generation),
        }
    }

    /// The distribution that counts.
    pub(super) fn effective_skills(&self) -> Vec<SkillProbability> {
        super::reservations::effective(&self.skills, self.corrected_skill)
    }
}

/// What became of a routing decision.
#[derive(Debug, Clone, PartialEq)]
pub enum RoutingOutcome {
    /// Committed: assigned, waiting or in triage, as the assignment says. Its event is in the outbox, unless the inquiry was
    /// waiting already and still is.
    Decided(Assignment),
    /// The inquiry was assigned, put into triage or resolved before, or has changed since it was read.
    AlreadyDecided,
}

/// An inquiry that waits for an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingInquiry {
    pub inquiry: Inquiry,
    pub language: Language,
    /// As the model predicted them.
    pub skills: Vec<SkillProbability>,
    pub model_version: String,
    /// Places that it takes with its agent.
    pub weight: u32,
    pub generation: u32,
    /// When it was last decided on, given back, or told what it needs.
    pub changed_at: DateTime<Utc>,
    /// What a person said that it needs; that is certain.
    pub corrected_skill: Option<Skill>,
    /// Who rejected it, and never gets it again.
    pub rejected_by: BTreeSet<AgentId>,
    /// Who let it run out, or from whom it was taken back, with the last time.
    pub set_aside: BTreeMap<AgentId, DateTime<Utc>>,
}

/// A decision as it was stored, for looking at it again.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRow {
    pub decision_id: i64,
    pub inquiry_id: InquiryId,
    pub decided_at: DateTime<Utc>,
    pub status: InquiryStatus,
    pub agent_id: Option<AgentId>,
    pub explanation: Explanation,
    pub language: Language,
    pub priority: Priority,
    pub received_at: DateTime<Utc>,
    pub skills: Vec<SkillProbability>,
    /// Who finished the inquiry in the end; none if that is not known yet.
    pub finished_by: Option<AgentId>,
}

/// Where an inquiry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InquiryStatus {
    /// The skill is clear; nobody was free.
    Waiting,
    /// The model abstained, or nobody is left who could take it; a person decides.
    Triage,
    Assigned,
    Resolved,
}

impl InquiryStatus {
    pub const ALL: [InquiryStatus; 4] =
        [InquiryStatus::Waiting, InquiryStatus::Triage, InquiryStatus::Assigned, InquiryStatus::Resolved];

    pub fn as_str(self) -> &'static str {
        match self {
            InquiryStatus::Waiting => "waiting",
            InquiryStatus::Triage => "triage",
            InquiryStatus::Assigned => "assigned",
            InquiryStatus::Resolved => "resolved",
        }
    }
}

/// An inquiry with its assignment, for the console.
#[derive(Debug, Clone, PartialEq)]
pub struct InquiryRow {
    pub inquiry_id: InquiryId,
    pub subject: Option<String>,
    pub text: String,
    pub language: Language,
    pub priority: Priority,
    pub channel: Channel,
    pub status: InquiryStatus,
    pub skills: Vec<SkillProbability>,
    /// Who has it, or has resolved it.
    pub agent_id: Option<AgentId>,
    pub agent_name: Option<String>,
    pub generation: u32,
    /// What a person said that it needs.
    pub corrected_skill: Option<Skill>,
    /// When the agent accepted it.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the offer ends if the agent does not accept it.
    pub expires_at: Option<DateTime<Utc>>,
    pub reason: String,
    pub received_at: DateTime<Utc>,
}

/// Counts for the summary.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    pub messages: u64,
    pub verdicts: u64,
    /// Verdicts by action.
    pub actions: BTreeMap<Action, u64>,
    /// Alerts by policy and by kind of source: `rule`, `model`, or `rule+model` when both fired.
    pub alerts: BTreeMap<(Policy, String), u64>,
    pub inquiries: u64,
    pub inquiries_by_status: BTreeMap<String, u64>,
    /// Best predicted skill of every inquiry.
    pub inquiries_by_skill: BTreeMap<Skill, u64>,
    /// Assigned or resolved inquiries by agent, with the agent's name.
    pub inquiries_by_agent: BTreeMap<(AgentId, String), u64>,
    /// Dead letters that were not replayed.
    pub dead_letters: u64,
    pub unpublished_events: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_an_alert_are_those_of_its_policy() {
        let label = |policy: &str, source: &str| Label {
            policy: Policy::new(policy),
            subtype: None,
            score: 0.9,
            source: source.into(),
            spans: vec![],
            parts: vec![],
        };
        let labels = [
            label("a", "rule:a/x"),
            label("b", "rule:b/x"),
            label("b", "model:b@1"),
            label("c", "model:c@1"),
        ];
        let of = |policy: &str| AlertSources::of(&labels, &Policy::new(policy)).map(AlertSources::as_str);
        assert_eq!(
            [of("a"), of("b"), of("c"), of("d")],
            [Some("rule"), Some("rule+model"), Some("model"), None]
        );
    }
}
