//! What agents and leads ask of the desk, and what they get.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::access::{Actor, Sight};
use crate::contract::{AgentId, Inquiry, InquiryId, Language, Skill};
use crate::routing::Explanation;
use crate::store::review::{Direction, ReviewRow, SaidMessage};
use crate::store::{Ending, InquiryRow, InquiryStatus, Lost};

/// A list of inquiries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeskView {
    /// What one's agent holds: offers first, by the time that is left.
    Mine,
    /// What agents of one's teams hold, oldest first.
    Teams,
    /// Everything, newest first.
    All,
    /// Oldest first.
    Triage,
    /// Oldest first.
    Waiting,
    /// What was resolved last comes first.
    Resolved,
}

impl DeskView {
    pub const ALL: [DeskView; 6] = [
        DeskView::Mine,
        DeskView::Teams,
        DeskView::All,
        DeskView::Triage,
        DeskView::Waiting,
        DeskView::Resolved,
    ];

    /// Its name in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            DeskView::Mine => "mine",
            DeskView::Teams => "teams",
            DeskView::All => "all",
            DeskView::Triage => "triage",
            DeskView::Waiting => "waiting",
            DeskView::Resolved => "resolved",
        }
    }
}

/// A stretch of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskListing {
    pub view: DeskView,
    /// Who asks: the agent that they are, their teams, and what they see.
    pub agent_id: Option<AgentId>,
    pub teams: BTreeSet<String>,
    pub sight: Sight,
    /// The place in the list after which it begins, or before which it ends.
    pub from: Option<DeskCursor>,
    pub direction: Direction,
    pub limit: u32,
}

/// A place in a list: the time by which it is ordered, and the inquiry.
pub type DeskCursor = (DateTime<Utc>, InquiryId);

/// An inquiry in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct DeskRow {
    pub inquiry: InquiryRow,
    /// By what the list is ordered.
    pub listed_at: DateTime<Utc>,
}

impl DeskRow {
    pub fn cursor(&self) -> DeskCursor {
        (self.listed_at, self.inquiry.inquiry_id.clone())
    }
}

/// How much there is to do. A count that reached the bound may be greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeskCounts {
    pub mine: u32,
    pub teams: u32,
    pub triage: u32,
    pub waiting: u32,
}

/// An agent, as they and their colleagues know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentStanding {
    pub agent_id: AgentId,
    pub name: String,
    pub available: bool,
    pub open: u32,
    pub capacity: u32,
    pub away_since: Option<DateTime<Utc>>,
}

/// An inquiry with everything around it.
#[derive(Debug, Clone, PartialEq)]
pub struct InquiryFile {
    pub row: InquiryRow,
    pub received: Inquiry,
    pub first_response_at: Option<DateTime<Utc>>,
    /// Why the router decided as it did the last time; none if that is not kept any more.
    pub explanation: Option<Explanation>,
    /// Newest first.
    pub assignments: Vec<AssignmentRow>,
    /// Other inquiries of the customer, newest first.
    pub of_customer: Vec<OfCustomer>,
    pub transaction: Option<LinkedTransaction>,
    /// Oldest first.
    pub replies: Vec<ReplyRow>,
}

/// Who had an inquiry, and how that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentRow {
    pub generation: u32,
    pub agent_id: AgentId,
    pub agent_name: String,
    /// What was asked for.
    pub skill: Skill,
    pub assigned_at: DateTime<Utc>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub ended: Option<EndedRow>,
}

/// How an assignment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedRow {
    pub at: DateTime<Utc>,
    pub ending: Ending,
    pub right_skill: Option<Skill>,
    pub by: Option<String>,
}

/// Another inquiry of the same customer.
#[derive(Debug, Clone, PartialEq)]
pub struct OfCustomer {
    pub status: InquiryStatus,
    /// What it needs, as a person or else the model says.
    pub skill: Option<Skill>,
    pub received_at: DateTime<Utc>,
    /// The inquiry itself, for who sees it.
    pub seen: Option<InquiryRow>,
}

/// The transaction that an inquiry names.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkedTransaction {
    /// The newest messages, oldest first.
    pub messages: Vec<SaidMessage>,
    /// There are older ones.
    pub more: bool,
    /// Newest first.
    pub alerts: Vec<ReviewRow>,
}

/// An answer that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyRow {
    pub reply_id: i64,
    pub agent_id: AgentId,
    pub agent_name: String,
    /// The log-in of who wrote it.
    pub by: String,
    pub text: String,
    pub resolves: bool,
    pub at: DateTime<Utc>,
}

/// An answer on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyOrder {
    pub inquiry_id: InquiryId,
    pub agent_id: AgentId,
    /// Of the assignment.
    pub generation: u32,
    /// The latest reply that the writer had seen, 0 for none: pressed twice, a button sends once.
    pub seen_reply: i64,
    pub template_id: Option<i64>,
    pub text: String,
    /// Ends the assignment as well.
    pub resolves: bool,
    pub by: Actor,
    pub at: DateTime<Utc>,
}

/// Why an answer was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyRefused {
    /// The agent does not hold the inquiry (any more).
    Lost(Lost),
    /// An answer was sent meanwhile.
    Answered,
}

/// What a template says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateText {
    pub name: String,
    pub language: Language,
    /// None for whatever an inquiry needs.
    pub skill: Option<Skill>,
    pub text: String,
}

/// A template of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRow {
    pub template_id: i64,
    pub template: TemplateText,
    pub generation: u32,
    pub changed_by: String,
    pub changed_at: DateTime<Utc>,
    pub retired_at: Option<DateTime<Utc>>,
}

/// Which templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Templates {
    /// Those that are offered to who answers in this language.
    Offered(Language),
    /// Those in use, of both languages.
    InUse,
    /// Those that are not used any more, the last one first.
    Retired,
}

/// What became of a change of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateChange {
    Done,
    /// There is no such template.
    Unknown,
    /// Somebody else changed or retired it since it was looked at.
    Changed,
}

/// What the encoder made of an inquiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InquiryVector {
    pub inquiry_id: InquiryId,
    /// Of the encoder: only vectors of the same version can be compared.
    pub version: String,
    pub vector: Vec<u8>,
}

/// The vector of an inquiry that was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedVector {
    pub resolved_at: DateTime<Utc>,
    pub vector: InquiryVector,
}

/// How an inquiry ended.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedCase {
    pub inquiry_id: InquiryId,
    /// What was asked for of who resolved it.
    pub skill: Skill,
    pub team: Option<String>,
    pub received_at: DateTime<Utc>,
    pub resolved_at: DateTime<Utc>,
    /// The inquiry itself with the last answer, for who sees it.
    pub seen: Option<(InquiryRow, Option<ReplyRow>)>,
}
