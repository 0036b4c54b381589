//! The agents' desk: queues, an inquiry with everything around it, replies and their templates. Written once for both databases.

mod lists;
mod placeholders;
mod read;
mod replies;
mod rows;
mod starters;
mod templates;
mod types;
mod vectors;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use lists::statement;
pub use placeholders::{PLACEHOLDERS, UnknownPlaceholder, check, filled};
pub(super) use starters::install;
pub use types::*;

use super::StoreError;
use super::ledger::Books;
use crate::access::{Actor, Sight};
use crate::contract::{AgentId, InquiryId};

/// What agents and leads do with inquiries, beside who has one.
#[async_trait]
pub trait DeskStore: Send + Sync {
    /// A stretch of a list.
    async fn desk_list(&self, wanted: &DeskListing) -> Result<Vec<DeskRow>, StoreError>;

    /// How much stands in the lists of this person, each counted up to `most`.
    async fn desk_counts(&self, wanted: &DeskListing, most: u32) -> Result<DeskCounts, StoreError>;

    async fn agent_standing(&self, agent: &AgentId) -> Result<Option<AgentStanding>, StoreError>;

    /// Agents with a free place, by name, at most `limit`.
    async fn agents_to_give_to(&self, limit: u32) -> Result<Vec<AgentStanding>, StoreError>;

    /// One inquiry with everything around it; none for who does not see it.
    async fn inquiry_file(
        &self,
        inquiry: &InquiryId,
        sight: &Sight,
    ) -> Result<Option<InquiryFile>, StoreError>;

    /// Sends an answer: stores it, has the backend deliver it, and ends the assignment if that is wished. Who had not accepted the
    /// inquiry has now.
    async fn send_reply(&self, order: &ReplyOrder) -> Result<Result<i64, ReplyRefused>, StoreError>;

    /// Keeps the vectors of inquiries that are there. One that was kept before stays as it is.
    async fn keep_vectors(&self, vectors: &[InquiryVector]) -> Result<(), StoreError>;

    async fn inquiry_vector(&self, inquiry: &InquiryId) -> Result<Option<InquiryVector>, StoreError>;

    /// Vectors of inquiries that were resolved after a place in their order, by the time of the resolution.
    async fn resolved_vectors(
        &self,
        after: &DeskCursor,
        limit: u32,
    ) -> Result<Vec<ResolvedVector>, StoreError>;

    /// How these inquiries ended, as far as somebody sees it; those that are not resolved are left out.
    async fn resolved_cases(
        &self,
        inquiries: &[InquiryId],
        sight: &Sight,
    ) -> Result<Vec<ResolvedCase>, StoreError>;

    async fn reply_templates(&self, wanted: Templates) -> Result<Vec<TemplateRow>, StoreError>;

    /// Adds a template, and returns its number.
    async fn add_template(
        &self,
        template: &TemplateText,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<i64, StoreError>;

    /// Changes a template that is still of this generation.
    async fn change_template(
        &self,
        id: i64,
        generation: u32,
        template: &TemplateText,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<TemplateChange, StoreError>;

    /// Takes a template that is still of this generation out of use.
    async fn retire_template(
        &self,
        id: i64,
        generation: u32,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<TemplateChange, StoreError>;
}

/// Both databases, by the same statements.
#[async_trait]
impl<B: Books + Send> DeskStore for B {
    async fn desk_list(&self, wanted: &DeskListing) -> Result<Vec<DeskRow>, StoreError> {
        lists::list(self, wanted).await
    }

    async fn desk_counts(&self, wanted: &DeskListing, most: u32) -> Result<DeskCounts, StoreError> {
        lists::counts(self, wanted, most).await
    }

    async fn agent_standing(&self, agent: &AgentId) -> Result<Option<AgentStanding>, StoreError> {
        read::agent(self, agent).await
    }

    async fn agents_to_give_to(&self, limit: u32) -> Result<Vec<AgentStanding>, StoreError> {
        read::free_agents(self, limit).await
    }

    async fn inquiry_file(
        &self,
        inquiry: &InquiryId,
        sight: &Sight,
    ) -> Result<Option<InquiryFile>, StoreError> {
        read::file(self, inquiry, sight).await
    }

    async fn send_reply(&self, order: &ReplyOrder) -> Result<Result<i64, ReplyRefused>, StoreError> {
        replies::send(self, order).await
    }

    async fn keep_vectors(&self, vectors: &[InquiryVector]) -> Result<(), StoreError> {
        vectors::keep(self, vectors).await
    }

    async fn inquiry_vector(&self, inquiry: &InquiryId) -> Result<Option<InquiryVector>, StoreError> {
        vectors::of(self, inquiry).await
    }

    async fn resolved_vectors(
        &self,
        after: &DeskCursor,
        limit: u32,
    ) -> Result<Vec<ResolvedVector>, StoreError> {
        vectors::resolved(self, after, limit).await
    }

    async fn resolved_cases(
        &self,
        inquiries: &[InquiryId],
        sight: &Sight,
    ) -> Result<Vec<ResolvedCase>, StoreError> {
        vectors::cases(self, inquiries, sight).await
    }

    async fn reply_templates(&self, wanted: Templates) -> Result<Vec<TemplateRow>, StoreError> {
        templates::list(self, wanted).await
    }

    async fn add_template(
        &self,
        template: &TemplateText,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        templates::add(self, template, by, at).await
    }

    async fn change_template(
        &self,
        id: i64,
        generation: u32,
        template: &TemplateText,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<TemplateChange, StoreError> {
        templates::change(self, id, generation, template, by, at).await
    }

    async fn retire_template(
        &self,
        id: i64,
        generation: u32,
        by: &Actor,
        at: DateTime<Utc>,
    ) -> Result<TemplateChange, StoreError> {
        templates::retire(self, id, generation, by, at).await
    }
}
