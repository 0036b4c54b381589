//! Who has an inquiry: what can be asked for, what came of it, and how it ends.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::contract::{AgentId, InquiryId, Language, Skill};
use crate::routing::AgentSnapshot;

/// How an assignment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// The agent finished the inquiry.
    Resolved,
    /// The agent passed it on. They never get it again, unless a supervisor says anew what it needs.
    Rejected,
    /// Nobody accepted the offer in time. The agent gets it again only if nobody else is left.
    Expired,
    /// The agent is away, or off shift, and had not begun.
    Returned,
    /// A supervisor or a bulk tool took it back. The agent gets it again only if nobody else is left, or if a supervisor says so.
    Withdrawn,
}

impl Ending {
    pub const ALL: [Ending; 5] =
        [Ending::Resolved, Ending::Rejected, Ending::Expired, Ending::Returned, Ending::Withdrawn];

    pub fn as_str(self) -> &'static str {
        match self {
            Ending::Resolved => "resolved",
            Ending::Rejected => "rejected",
            Ending::Expired => "expired",
            Ending::Returned => "returned",
            Ending::Withdrawn => "withdrawn",
        }
    }
}

/// What came of the attempt to change who has an inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is committed, with its event.
    Done,
    /// Nothing was written.
    Lost(Lost),
}

/// Why nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It is with somebody else by now, waits, is finished, or its need was told anew.
    Gone,
    /// The time to accept the offer is over.
    Expired,
    /// The agent has as many inquiries in hand as they work on at once.
    Full,
    /// The agent is away, does not speak the language, or rejected the inquiry before.
    NotAllowed,
    /// There is no such inquiry or agent.
    Unknown,
}

/// A supervisor gives an inquiry to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectAssignment {
    pub inquiry_id: InquiryId,
    pub agent_id: AgentId,
    /// What the inquiry needs, if the supervisor knows better than the model. Who rejected it before may then be asked again.
    pub skill: Option<Skill>,
    /// The generation that the supervisor saw.
    pub generation: u32,
    /// Who does it, such as `supervisor:s-1`.
    pub by: String,
    pub at: DateTime<Utc>,
}

/// The agents as a tick needs them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FreeAgents {
    /// Available, with a free place.
    pub agents: Vec<AgentSnapshot>,
    /// How many are not available.
    pub away: usize,
    /// How many are available, but have no free place.
    pub full: usize,
}

/// Assignments that ended, by the skill that was asked for and by how they ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedCount {
    pub skill: Skill,
    pub ending: Ending,
    /// The agent said that the inquiry needs another skill.
    pub wrong: bool,
    pub count: u64,
}

/// An inquiry whose need a person told.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    pub inquiry_id: InquiryId,
    pub language: Language,
    pub subject: Option<String>,
    pub text: String,
    pub received_at: DateTime<Utc>,
    /// What the person said.
    pub skill: Skill,
}

/// Tells the desk when to look again.
#[async_trait]
pub trait DeskWatch: Send {
    /// Completes when an agent has become free or an inquiry waits anew, since the last call or since the watch began. Several
    /// changes may be told as one, and one that was not told at all is found by the next tick.
    async fn changed(&mut self) -> Result<(), StoreError>;
}
