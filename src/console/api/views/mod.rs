//! What the API answers: one type for each schema of the document.

mod alerts;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

pub(in crate::console) use alerts::{Alert, AlertDetail, AlertStanding, Sources};

use crate::console::masking;
use crate::contract::{
    AgentId, Channel, InquiryId, Language, Priority, Skill, SkillProbability, TransactionId, UserId,
};
use crate::routing::AgentSnapshot;
use crate::store::{InquiryRow, InquiryStatus};

/// Who the token is.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct Me {
    pub(super) account_id: i64,
    pub(super) login: String,
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) teams: BTreeSet<String>,
    /// The agent as whom the account works on inquiries.
    pub(super) agent_id: Option<AgentId>,
    /// What both the role and the token's scopes allow.
    pub(super) permissions: Vec<&'static str>,
}

/// A stretch of a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub(in crate::console) struct List<T> {
    pub(super) items: Vec<T>,
    /// Send it as `cursor` to get what comes next; null at the end.
    pub(super) next: Option<String>,
}

/// A question of a customer, and who has it.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct Inquiry {
    inquiry_id: InquiryId,
    status: InquiryStatus,
    /// What the entity tag names.
    generation: u32,
    /// Who has it, or has resolved it.
    agent_id: Option<AgentId>,
    agent_name: Option<String>,
    /// When the agent accepted it; null while it is only offered.
    accepted_at: Option<DateTime<Utc>>,
    /// When the offer ends if the agent does not accept it.
    expires_at: Option<DateTime<Utc>>,
    priority: Priority,
    /// How the customer asked, such as `mail` or `chat`.
    channel: Channel,
    language: Language,
    /// Every letter masked without the permission `read_text`, as in `text`.
    subject: Option<String>,
    text: String,
    /// What the model says that it needs, best first.
    skills: Vec<SkillProbability>,
    /// What a person said that it needs.
    corrected_skill: Option<Skill>,
    /// Why it stands so: a sentence for people.
    reason: String,
    received_at: DateTime<Utc>,
}

impl Inquiry {
    pub(super) fn new(mut row: InquiryRow, reads: bool) -> Self {
        if !reads {
            masking::inquiry(&mut row);
        }
        Self {
            inquiry_id: row.inquiry_id,
            status: row.status,
            generation: row.generation,
            agent_id: row.agent_id,
            agent_name: row.agent_name,
            accepted_at: row.accepted_at,
            expires_at: row.expires_at,
            priority: row.priority,
            channel: row.channel,
            language: row.language,
            subject: row.subject,
            text: row.text,
            skills: row.skills,
            corrected_skill: row.corrected_skill,
            reason: row.reason,
            received_at: row.received_at,
        }
    }
}

/// An inquiry with whom and what it is about.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct InquiryDetail {
    pub(super) inquiry: Inquiry,
    pub(super) customer_id: UserId,
    pub(super) transaction_id: Option<TransactionId>,
}

/// How an inquiry stands after a change.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct InquiryStanding {
    inquiry_id: InquiryId,
    status: InquiryStatus,
    /// What the entity tag names.
    pub(super) generation: u32,
    agent_id: Option<AgentId>,
    accepted_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    corrected_skill: Option<Skill>,
}

impl From<InquiryRow> for InquiryStanding {
    fn from(row: InquiryRow) -> Self {
        Self {
            inquiry_id: row.inquiry_id,
            status: row.status,
            generation: row.generation,
            agent_id: row.agent_id,
            accepted_at: row.accepted_at,
            expires_at: row.expires_at,
            corrected_skill: row.corrected_skill,
        }
    }
}

/// Somebody who works on inquiries.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct Agent {
    agent_id: AgentId,
    /// Whether they are there to take inquiries.
    available: bool,
    /// Places that the inquiries in hand take.
    open: u32,
    /// All places; an inquiry takes as many as its channel weighs.
    capacity: u32,
    /// Proficiency by skill, from 1 (learning) to 5 (expert).
    skills: BTreeMap<Skill, u8>,
    languages: Vec<Language>,
    team: Option<String>,
}

impl From<AgentSnapshot> for Agent {
    fn from(agent: AgentSnapshot) -> Self {
        Self {
            agent_id: agent.agent_id,
            available: agent.available,
            open: agent.open,
            capacity: agent.capacity,
            skills: agent.skills,
            languages: agent.languages,
            team: agent.team,
        }
    }
}
