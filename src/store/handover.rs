//! What people do about who has an inquiry, each in one transaction, with its line in the audit trail where somebody is named in it.

use chrono::{DateTime, Utc};

use super::accounts::trail;
use super::change::{Change, DirectAssignment};
use super::ledger::{Books, Ledger};
use super::{StoreError, reservations, supervision};
use crate::access::AuditEntry;
use crate::contract::{AgentId, InquiryId, Skill};

/// One step of an inquiry from hand to hand, by compare-and-set: it changes nothing if the inquiry is not where it is meant to be.
#[derive(Debug, Clone, Copy)]
pub enum Handover<'a> {
    /// The agent takes the offer; to repeat it is harmless, and leaves no second line.
    Accept { inquiry: &'a InquiryId, agent: &'a AgentId, generation: u32, at: DateTime<Utc> },
    /// The agent passes it on, accepted or not: it waits again, and never comes back to them by the router. `right_skill` is what it
    /// really needs; if that is another skill than was asked for, the inquiry was wrongly allocated and is routed by it from then on.
    Reject {
        inquiry: &'a InquiryId,
        agent: &'a AgentId,
        generation: u32,
        right_skill: Option<Skill>,
        at: DateTime<Utc>,
    },
    /// Ends an assignment: the inquiry is resolved and the agent's place is free, once. Without a generation, whichever the agent holds.
    Resolve { inquiry: &'a InquiryId, agent: &'a AgentId, generation: Option<u32>, at: DateTime<Utc> },
    /// A supervisor gives an inquiry that waits, is in triage or is with somebody to an agent, who must be available, have a free place,
    /// speak the language and not have rejected it. Whoever says a skill with it asks anew: what was rejected before does not count.
    Assign(&'a DirectAssignment),
    /// A supervisor says what an inquiry needs that waits or is in triage: it waits for that, and whoever gave it back may be asked again.
    Classify { inquiry: &'a InquiryId, skill: Skill, generation: u32, by: &'a str, at: DateTime<Utc> },
}

/// `line` is written in the same transaction, if anything is.
pub(super) async fn hand_over<B: Books>(
    books: &B,
    step: Handover<'_>,
    line: Option<&AuditEntry>,
) -> Result<Change, StoreError> {
    match step {
        Handover::Accept { inquiry, agent, generation, at } => {
            reservations::accept(books, inquiry, agent, generation, at, line).await
        }
        Handover::Reject { inquiry, agent, generation, right_skill, at } => {
            reservations::reject(books, inquiry, agent, generation, right_skill, at, line).await
        }
        Handover::Resolve { inquiry, agent, generation, at } => {
            reservations::resolve(books, inquiry, agent, generation, at, line).await
        }
        Handover::Assign(order) => supervision::assign(books, order, line).await,
        Handover::Classify { inquiry, skill, generation, by, at } => {
            supervision::classify(books, inquiry, skill, generation, by, at, line).await
        }
    }
}

/// The line, in the transaction of what it tells about.
pub(super) async fn told<L: Ledger>(ledger: &mut L, line: Option<&AuditEntry>) -> Result<(), StoreError> {
    match line {
        Some(line) => trail::write(ledger, line).await,
        None => Ok(()),
    }
}
