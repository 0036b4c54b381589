//! How an inquiry and its assignment stand, as read from either database.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::StoreError;
use super::change::{Correction, EndedCount, Ending, FreeAgents};
use super::fault::unreadable;
use super::fields::Fields;
use super::rows::Reader;
use super::types::InquiryStatus;
use crate::contract::{AgentId, InquiryId, Language, Skill, SkillProbability};
use crate::routing::{AgentSnapshot, Hours};

/// An inquiry that this transaction has locked.
#[derive(Debug)]
pub(super) struct Standing {
    pub status: InquiryStatus,
    pub generation: u32,
    pub language: Language,
    /// As the model predicted them.
    pub skills: Vec<SkillProbability>,
    /// What a person said that it needs.
    pub corrected: Option<Skill>,
}

/// A live assignment.
#[derive(Debug)]
pub(super) struct Held {
    pub agent_id: AgentId,
    pub skill: Skill,
    pub generation: u32,
    pub accepted: bool,
    pub expires_at: Option<DateTime<Utc>>,
}

impl Held {
    /// Whether the time to accept the offer is over. It is nobody's from then on, even before it is swept up.
    pub fn ran_out(&self, at: DateTime<Utc>) -> bool {
        !self.accepted && self.expires_at.is_some_and(|end| end <= at)
    }
}

/// A live assignment in a list, which may have ended since.
#[derive(Debug)]
pub(super) struct Listed {
    pub inquiry_id: InquiryId,
    pub agent_id: AgentId,
    pub generation: u32,
}

/// An assignment of an agent who has working hours.
#[derive(Debug)]
pub(super) struct OnHours {
    pub listed: Listed,
    pub assigned_at: DateTime<Utc>,
    pub hours: Hours,
}

impl OnHours {
    /// Whether the agent's shift ended after they got it, at `before` or earlier. What somebody gave them after their shift stays.
    pub fn left_behind(&self, before: DateTime<Utc>, at: DateTime<Utc>) -> bool {
        self.hours.off_since(at).is_some_and(|end| end <= before && end >= self.assigned_at)
    }
}

impl Reader<'_> {
    pub(super) fn standing(&self, row: &impl Fields) -> Result<Standing, StoreError> {
        Ok(Standing {
            status: self.status(row)?,
            generation: self.number(row, "generation")?,
            language: self.name(row, "language")?,
            skills: self.get(row.json("skills"))?,
            corrected: self.skill_or_null(row, "corrected_skill")?,
        })
    }

    pub(super) fn held(&self, row: &impl Fields) -> Result<Held, StoreError> {
        Ok(Held {
            agent_id: self.id(row, "agent_id", AgentId::new)?,
            skill: self.name(row, "skill")?,
            generation: self.number(row, "generation")?,
            accepted: self.get(row.time_or_null("accepted_at"))?.is_some(),
            expires_at: self.get(row.time_or_null("expires_at"))?,
        })
    }

    pub(super) fn listed(&self, row: &impl Fields) -> Result<Listed, StoreError> {
        Ok(Listed {
            inquiry_id: self.id(row, "inquiry_id", InquiryId::new)?,
            agent_id: self.id(row, "agent_id", AgentId::new)?,
            generation: self.number(row, "generation")?,
        })
    }

    pub(super) fn on_hours(&self, row: &impl Fields) -> Result<OnHours, StoreError> {
        Ok(OnHours {
            listed: self.listed(row)?,
            assigned_at: self.get(row.time("assigned_at"))?,
            hours: self.get(row.json("hours"))?,
        })
    }

    pub(super) fn hours(&self, row: &impl Fields) -> Result<Option<Hours>, StoreError> {
        self.get(row.json_or_null("hours"))
    }

    pub(super) fn ending(&self, row: &impl Fields) -> Result<Ending, StoreError> {
        let name = self.get(row.text("outcome"))?;
        Ending::ALL.into_iter().find(|ending| ending.as_str() == name).ok_or(unreadable("outcome"))
    }

    pub(super) fn is_full(&self, row: &impl Fields) -> Result<bool, StoreError> {
        Ok(self.get(row.int("wanted"))? > self.get(row.int("capacity"))?)
    }

    pub(super) fn skill_or_null(
        &self,
        row: &impl Fields,
        column: &'static str,
    ) -> Result<Option<Skill>, StoreError> {
        let name = self.get(row.text_or_null(column))?;
        name.map(|name| name.parse().map_err(|_| unreadable(column))).transpose()
    }

    pub(super) fn free_agents<R: Fields>(
        &self,
        agents: &[R],
        others: Option<&R>,
    ) -> Result<FreeAgents, StoreError> {
        let agents = agents.iter().map(|row| self.free_agent(row)).collect::<Result<_, _>>()?;
        let count = |column| others.map_or(Ok(0), |row| self.number(row, column));
        Ok(FreeAgents { agents, away: count("away")?, full: count("full_hands")? })
    }

    fn free_agent(&self, row: &impl Fields) -> Result<AgentSnapshot, StoreError> {
        let skills: BTreeMap<Skill, u8> = self.get(row.json("skills"))?;
        Ok(AgentSnapshot { skills, languages: self.get(row.json("languages"))?, ..self.agent(row)? })
    }

    pub(super) fn ended_count(&self, row: &impl Fields) -> Result<EndedCount, StoreError> {
        Ok(EndedCount {
            skill: self.name(row, "skill")?,
            ending: self.ending(row)?,
            wrong: self.get(row.int("wrong"))? != 0,
            count: self.number(row, "count")?,
        })
    }

    pub(super) fn correction(&self, row: &impl Fields) -> Result<Correction, StoreError> {
        Ok(Correction {
            inquiry_id: self.id(row, "inquiry_id", InquiryId::new)?,
            language: self.name(row, "language")?,
            subject: self.get(row.text_or_null("subject"))?,
            text: self.get(row.text("text"))?,
            received_at: self.get(row.time("received_at"))?,
            skill: self.name(row, "corrected_skill")?,
        })
    }
}
