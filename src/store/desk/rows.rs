//! From rows of either database to what the desk shows.

use super::types::*;
use crate::access::Sight;
use crate::contract::AgentId;
use crate::store::StoreError;
use crate::store::fields::Fields;
use crate::store::rows::Reader;

impl Reader<'_> {
    pub(super) fn desk_row(&self, row: &impl Fields) -> Result<DeskRow, StoreError> {
        Ok(DeskRow { inquiry: self.inquiry(row)?, listed_at: self.get(row.time("listed_at"))? })
    }

    pub(super) fn agent_standing(&self, row: &impl Fields) -> Result<AgentStanding, StoreError> {
        Ok(AgentStanding {
            agent_id: self.id(row, "agent_id", AgentId::new)?,
            name: self.get(row.text("name"))?,
            available: self.get(row.truth("available"))?,
            open: self.number(row, "open_count")?,
            capacity: self.number(row, "capacity")?,
            away_since: self.get(row.time_or_null("away_since"))?,
        })
    }

    pub(super) fn assignment_row(&self, row: &impl Fields) -> Result<AssignmentRow, StoreError> {
        let ended = match self.get(row.time_or_null("ended_at"))? {
            Some(at) => Some(EndedRow {
                at,
                ending: self.ending(row)?,
                right_skill: self.skill_or_null(row, "right_skill")?,
                by: self.get(row.text_or_null("ended_by"))?,
            }),
            None => None,
        };
        Ok(AssignmentRow {
            generation: self.number(row, "generation")?,
            agent_id: self.id(row, "agent_id", AgentId::new)?,
            agent_name: self.get(row.text("agent_name"))?,
            skill: self.name(row, "skill")?,
            assigned_at: self.get(row.time("assigned_at"))?,
            accepted_at: self.get(row.time_or_null("accepted_at"))?,
            ended,
        })
    }

    /// What lies outside of the sight is left out.
    pub(super) fn of_customer(&self, row: &impl Fields, sight: &Sight) -> Result<OfCustomer, StoreError> {
        let team = self.get(row.text_or_null("agent_team"))?;
        let inquiry = self.inquiry(row)?;
        let likeliest = inquiry.skills.first().map(|entry| entry.skill);
        Ok(OfCustomer {
            status: inquiry.status,
            skill: inquiry.corrected_skill.or(likeliest),
            received_at: inquiry.received_at,
            seen: sight.sees(inquiry.agent_id.as_ref(), team.as_deref()).then_some(inquiry),
        })
    }

    pub(super) fn reply(&self, row: &impl Fields) -> Result<ReplyRow, StoreError> {
        Ok(ReplyRow {
            reply_id: self.get(row.int("reply_id"))?,
            agent_id: self.id(row, "agent_id", AgentId::new)?,
            agent_name: self.get(row.text("agent_name"))?,
            by: self.get(row.text("replied_by"))?,
            text: self.get(row.text("text"))?,
            resolves: self.get(row.truth("resolves"))?,
            at: self.get(row.time("replied_at"))?,
        })
    }

    pub(super) fn template(&self, row: &impl Fields) -> Result<TemplateRow, StoreError> {
        Ok(TemplateRow {
            template_id: self.get(row.int("template_id"))?,
            template: TemplateText {
                name: self.get(row.text("name"))?,
                language: self.name(row, "language")?,
                skill: self.skill_or_null(row, "skill")?,
                text: self.get(row.text("text"))?,
            },
            generation: self.number(row, "generation")?,
            changed_by: self.get(row.text("changed_by"))?,
            changed_at: self.get(row.time("changed_at"))?,
            retired_at: self.get(row.time_or_null("retired_at"))?,
        })
    }
}
