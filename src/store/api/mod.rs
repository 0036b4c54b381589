//! What only the HTTP API asks of the database: lists by a place in them, one row of what pages show as lists, whether agents are there,
//! and answers that are given once. Written once for both databases.

mod answers;
mod reads;
mod types;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub(super) use reads::inquiries;
pub use types::*;

use super::ledger::{Books, Ledger, Value};
use super::{InquiryRow, StoreError, accounts::trail};
use crate::access::{AccountId, Act, Actor, AuditEntry, Sight, Subject};
use crate::contract::{AgentId, MessageId};

/// For programs.
#[async_trait]
pub trait ApiStore: Send + Sync {
    /// Inquiries that somebody sees, newest first.
    async fn inquiry_list(
        &self,
        wanted: &InquiryListing,
        sight: &Sight,
    ) -> Result<Vec<InquiryRow>, StoreError>;

    /// The verdict on a message; none if there is none (yet).
    async fn verdict(&self, message: &MessageId) -> Result<Option<StoredVerdict>, StoreError>;

    /// Says whether the agent is there to take inquiries. `false` if that was so already, none for an agent who is not known.
    async fn set_available(
        &self,
        agent: &AgentId,
        available: bool,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Option<bool>, StoreError>;

    /// Begins the work on a request with a key, unless it was begun before. Forgets keys that are older than a day.
    async fn begin_answer(&self, request: &KeyedRequest) -> Result<Begun, StoreError>;

    /// Keeps the answer to a request that was begun at that time.
    async fn keep_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<(), StoreError>;

    /// The request came to nothing: sent again, it is worked on anew.
    async fn forget_answer(&self, account: AccountId, key: &str) -> Result<(), StoreError>;
}

#[async_trait]
impl<B: Books + Send> ApiStore for B {
    async fn inquiry_list(
        &self,
        wanted: &InquiryListing,
        sight: &Sight,
    ) -> Result<Vec<InquiryRow>, StoreError> {
        reads::inquiries(self, wanted, sight).await
    }

    async fn verdict(&self, message: &MessageId) -> Result<Option<StoredVerdict>, StoreError> {
        reads::verdict(self, message).await
    }

    async fn set_available(
        &self,
        agent: &AgentId,
        available: bool,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<Option<bool>, StoreError> {
        set_available(self, agent, available, by, at).await
    }

    async fn begin_answer(&self, request: &KeyedRequest) -> Result<Begun, StoreError> {
        answers::begin(self, request).await
    }

    async fn keep_answer(&self, request: &KeyedRequest, answer: &KeptAnswer) -> Result<(), StoreError> {
        answers::keep(self, request, answer).await
    }

    async fn forget_answer(&self, account: AccountId, key: &str) -> Result<(), StoreError> {
        answers::forget(self, account, key).await
    }
}

async fn set_available<B: Books>(
    books: &B,
    agent: &AgentId,
    available: bool,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<Option<bool>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let id = Value::Text(agent.as_str());
    let changed = if available {
        let here =
            "update agents set available = true, away_since = null where agent_id = $1 and not available";
        ledger.write(here, &[id]).await?
    } else {
        let away = "update agents set available = false, away_since = $2 where agent_id = $1 and available";
        ledger.write(away, &[id, Value::Time(at)]).await?
    };
    if changed == 0 {
        let known = ledger.row("select agent_id from agents where agent_id = $1", &[id]).await?;
        return Ok(known.map(|_| false));
    }
    let subject = Subject::new("agent", agent);
    let entry = AuditEntry::new(by.clone(), Act::AgentAvailabilityChanged, subject, at);
    trail::write(&mut ledger, &entry.with("available", available)).await?;
    // Somebody is free, or what the desk is about to propose is out of date.
    ledger.commit_and_wake().await?;
    Ok(Some(true))
}
