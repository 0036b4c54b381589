//! The customer-support database: a narrow trait with two real implementations, PostgreSQL for production and SQLite embedded.
//!
//! Every write that must not be done twice is idempotent by the contract's ids. Events are not published from here: they are
//! rows of the outbox, written in the same transaction as what they tell about, and relayed by the worker.

pub mod types;

mod accounts;
mod api;
mod change;
pub mod desk;
pub mod evaluation;
mod explanations;
mod fault;
mod fields;
mod handover;
mod ledger;
pub mod operations;
mod postgres;
mod prepare;
mod reason;
mod reservations;
pub mod review;
mod rows;
pub mod rules;
mod schema;
pub mod shadow;
mod sqlite;
mod standing;
mod supervision;
pub mod webhooks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

pub use accounts::*;
use api::inquiries as api_inquiries;
pub use api::*;
pub use desk::DeskStore;
pub use evaluation::EvaluationStore;
pub use explanations::*;
pub use handover::Handover;
pub use operations::OperationsStore;
pub use postgres::PostgresStore;
pub use review::ReviewStore;
pub use rules::RuleStore;
pub use shadow::ShadowStore;
pub use sqlite::SqliteStore;
pub use types::*;
pub use webhooks::WebhookStore;

use crate::access::{AuditEntry, Sight};
use crate::config::Database;
use crate::contract::{AgentId, Inquiry, InquiryId, Skill, TransactionId, TransactionMessage, UserId};
use crate::error::{Class, Classified};
use crate::routing::Preferred;

/// Connects to the configured database. Does not migrate it.
///
/// # Errors
/// `Unavailable` when PostgreSQL does not answer or the SQLite file cannot be opened, `Refused` when the URL cannot be read.
pub async fn open(database: &Database, max_connections: u32) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match database {
        Database::Postgres(url) => Arc::new(PostgresStore::connect(url, max_connections).await?),
        Database::Sqlite(path) => Arc::new(SqliteStore::open(path, max_connections).await?),
    })
}

/// The support team's database.
#[async_trait]
pub trait Store:
    Accounts
    + ApiStore
    + DeskStore
    + EvaluationStore
    + ExplanationStore
    + OperationsStore
    + ReviewStore
    + RuleStore
    + ShadowStore
    + WebhookStore
{
    /// Brings the schema to the version of this program. Safe to repeat and to run from several processes at once.
    async fn migrate(&self) -> Result<(), StoreError>;

    /// A cheap round trip that tells whether the database answers and its schema is the one this program knows.
    async fn ping(&self) -> Result<(), StoreError>;

    // --- moderation -------------------------------------------------------------------------------------------------

    /// Stores the messages (those whose id is known are left as they are) and returns, in the same order, what is known
    /// about each: whether it has its verdict already, and the messages before it in its transaction, oldest first, at
    /// most `context` of them. "Before" is by `sent_at`, then by order of arrival.
    async fn receive_messages(
        &self,
        messages: &[TransactionMessage],
        context: usize,
    ) -> Result<Vec<Received>, StoreError>;

    /// One transaction for a batch: verdicts with their labels, alerts, dead letters, and one outbox row for each verdict and
    /// each dead letter. A verdict that is there already is left as it is and writes no second alert and no second event; a
    /// dead letter that is there already only counts one more rejection, unless it was replayed: then it is opened again.
    /// The messages must have been received before. One row that is refused refuses the whole batch.
    async fn commit_moderation(&self, batch: &ModerationBatch) -> Result<Committed, StoreError>;

    /// Alerts, newest first, with the message and its sender.
    async fn alerts(&self, page: Page) -> Result<Vec<AlertRow>, StoreError>;

    // --- routing ----------------------------------------------------------------------------------------------------

    /// Every agent with skills, languages and load.
    async fn agents(&self) -> Result<Vec<crate::routing::AgentSnapshot>, StoreError>;

    /// Those who can take something now, and how many cannot.
    async fn free_agents(&self) -> Result<FreeAgents, StoreError>;

    /// Adds agents, or replaces those with the same id (their load is kept).
    async fn upsert_agents(&self, agents: &[AgentProfile]) -> Result<(), StoreError>;

    /// One transaction for one inquiry: stores it with its distribution; takes the first candidate of the proposal who is
    /// *still* available, has the skill and the language, and has capacity left, by a conditional update that counts the
    /// inquiry in; writes the assignment, the decision with its reasons, and the outbox row. When no candidate is left the inquiry waits. An
    /// inquiry that is already decided, or of another generation than was decided on, is left as it is and `AlreadyDecided` comes back.
    async fn commit_routing(&self, decision: &RoutingDecision) -> Result<RoutingOutcome, StoreError>;

    /// Those of the transactions that have an alert.
    async fn alerted_transactions(
        &self,
        transactions: &[TransactionId],
    ) -> Result<BTreeSet<TransactionId>, StoreError>;

    /// Who knows each of the customers: the agent who has an inquiry of theirs in hand, or else who last resolved one, `since` then.
    async fn preferred_agents(
        &self,
        customers: &[UserId],
        since: DateTime<Utc>,
    ) -> Result<BTreeMap<UserId, Preferred>, StoreError>;

    /// Decisions of a period (`from` included, `to` not) after the given one, in the order in which they were made.
    async fn routing_decisions(
        &self,
        period: std::ops::Range<DateTime<Utc>>,
        after: Option<(DateTime<Utc>, i64)>,
        limit: u32,
    ) -> Result<Vec<DecisionRow>, StoreError>;

    /// Deletes decisions that were made before this time, and says how many.
    async fn purge_decisions(&self, before: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Inquiries that wait for an agent (not those in triage), highest priority first, oldest first, with what was predicted. When
    /// more wait than `limit`, every language and most likely skill takes its turn.
    async fn waiting_inquiries(&self, limit: u32) -> Result<Vec<WaitingInquiry>, StoreError>;

    /// Inquiries that wait for an agent, in a fixed order without regard to who is first, after the given one: who asks on and on sees each of
    /// them, however many stand before it in its desk.
    async fn waiting_in_turn(
        &self,
        limit: u32,
        after: Option<&InquiryId>,
    ) -> Result<Vec<WaitingInquiry>, StoreError>;

    // --- who has an inquiry: each is one transaction for each inquiry, by compare-and-set -----------------------------

    /// One step from hand to hand. `line` is written to the audit trail in the same transaction.
    async fn hand_over(&self, step: Handover<'_>, line: Option<&AuditEntry>) -> Result<Change, StoreError>;

    /// [`Handover::Accept`], without a line.
    async fn accept(
        &self,
        inquiry: &InquiryId,
        agent: &AgentId,
        generation: u32,
        at: DateTime<Utc>,
    ) -> Result<Change, StoreError> {
        self.hand_over(Handover::Accept { inquiry, agent, generation, at }, None).await
    }

    /// [`Handover::Reject`], without a line.
    async fn reject(
        &self,
        inquiry: &InquiryId,
        agent: &AgentId,
        generation: u32,
        right_skill: Option<Skill>,
        at: DateTime<Utc>,
    ) -> Result<Change, StoreError> {
        self.hand_over(Handover::Reject { inquiry, agent, generation, right_skill, at }, None).await
    }

    /// [`Handover::Resolve`], without a line.
    async fn resolve_inquiry(
        &self,
        inquiry: &InquiryId,
        agent: &AgentId,
        generation: Option<u32>,
        at: DateTime<Utc>,
    ) -> Result<Change, StoreError> {
        self.hand_over(Handover::Resolve { inquiry, agent, generation, at }, None).await
    }

    /// [`Handover::Assign`], without a line.
    async fn assign(&self, order: &DirectAssignment) -> Result<Change, StoreError> {
        self.hand_over(Handover::Assign(order), None).await
    }

    /// [`Handover::Classify`], without a line.
    async fn classify(
        &self,
        inquiry: &InquiryId,
        skill: Skill,
        generation: u32,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<Change, StoreError> {
        self.hand_over(Handover::Classify { inquiry, skill, generation, by, at }, None).await
    }

    /// Ends up to `limit` offers whose time is over, and says how many. They wait again, and come back to the same
    /// agent only if nobody else is left.
    async fn expire(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// Ends up to `limit` assignments that were not accepted and whose agent is away since `away_before` or longer, and says how many.
    async fn return_untouched(
        &self,
        away_before: DateTime<Utc>,
        limit: u32,
        at: DateTime<Utc>,
    ) -> Result<u64, StoreError>;

    /// Ends up to `limit` assignments that were not accepted and whose agent's shift was over after they got them, `grace` ago or longer, and
    /// says how many.
    async fn return_off_shift(
        &self,
        grace: TimeDelta,
        limit: u32,
        at: DateTime<Utc>,
    ) -> Result<u64, StoreError>;

    /// Everything that the agent holds waits again, for others; says how much that was.
    async fn withdraw_agent(&self, agent: &AgentId, by: &str, at: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Begins to watch for what the desk should know at once: an agent has become free, or an inquiry waits anew.
    async fn watch_desk(&self) -> Result<Box<dyn DeskWatch>, StoreError>;

    /// Assignments that ended since then.
    async fn ended_counts(&self, since: DateTime<Utc>) -> Result<Vec<EndedCount>, StoreError>;

    /// Inquiries received in a period (`from` included, `to` not) whose need a person told, after the given one, oldest first.
    async fn corrections(
        &self,
        period: std::ops::Range<DateTime<Utc>>,
        after: Option<(DateTime<Utc>, InquiryId)>,
        limit: u32,
    ) -> Result<Vec<Correction>, StoreError>;

    /// Inquiries that somebody sees, newest first, with their assignment.
    async fn inquiries(&self, page: Page, sight: &Sight) -> Result<Vec<InquiryRow>, StoreError>;

    /// The inquiry as it was received, if it is known.
    async fn inquiry(&self, id: &InquiryId) -> Result<Option<Inquiry>, StoreError>;

    // --- outbox -----------------------------------------------------------------------------------------------------

    /// Claims up to `limit` unpublished rows, oldest first, for `lease`: no other relay gets them before the lease ends or
    /// they are marked as published.
    async fn claim_outbox(
        &self,
        limit: u32,
        lease: std::time::Duration,
    ) -> Result<Vec<OutboxRow>, StoreError>;

    /// Marks rows as published, after the broker confirmed them.
    async fn mark_published(&self, rows: &[i64]) -> Result<(), StoreError>;

    /// Deletes rows that were published before this time, and says how many. Published rows are kept until then, as the record
    /// of what was told when.
    async fn purge_published(&self, before: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Rows that are not published yet.
    async fn outbox_depth(&self) -> Result<u64, StoreError>;

    // --- dead letters -----------------------------------------------------------------------------------------------

    /// Dead letters, newest first. `include_replayed` also lists those that were replayed.
    async fn dead_letters(
        &self,
        page: Page,
        include_replayed: bool,
    ) -> Result<Vec<DeadLetterRow>, StoreError>;

    async fn dead_letter(&self, id: &str) -> Result<Option<DeadLetterRow>, StoreError>;

    /// Writes dead letters that came without a batch (inquiries, exhausted attempts), with their outbox rows.
    async fn commit_dead_letters(&self, dead_letters: &[DeadLetter]) -> Result<(), StoreError>;

    // --- summary ----------------------------------------------------------------------------------------------------

    /// The counts that the demo's summary and the console's first page show.
    async fn summary(&self) -> Result<Summary, StoreError>;
}

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Out of reach, restarting, overloaded, or a transaction that lost a race and may be repeated.
    #[error("database at {place} is out of reach or busy: {detail}")]
    Unavailable { place: String, detail: String },
    /// A row that the database refuses, however often it is sent.
    #[error("database refuses: {0}")]
    Refused(String),
    /// The schema is older or newer than this program.
    #[error("database schema: {0}; run `mimamori db migrate`")]
    Schema(String),
    /// The program and its schema disagree: a bug.
    #[error("database and program disagree: {0}")]
    Unexpected(String),
}

impl Classified for StoreError {
    fn class(&self) -> Class {
        match self {
            StoreError::Unavailable { .. } => Class::Transient,
            StoreError::Refused(_) | StoreError::Schema(_) => Class::Permanent,
            StoreError::Unexpected(_) => Class::Bug,
        }
    }
}
