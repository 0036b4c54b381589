//! From rows of either database to what the trait returns.

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::contract::{
    Action, AgentId, Channel, IdError, Inquiry, InquiryId, Label, MessageId, Policy, Skill, TransactionId,
    UserId,
};
use crate::queue::{Outgoing, Target};
use crate::routing::{AgentSnapshot, Preferred};

use super::StoreError;
use super::fault::{Place, unreadable};
use super::fields::Fields;
use super::prepare;
use super::types::*;

/// Reads rows; knows the place for errors.
pub(super) struct Reader<'a>(pub &'a Place);

impl Reader<'_> {
    pub(super) fn get<T>(&self, value: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        value.map_err(|error| self.0.error(error))
    }

    pub(super) fn id<T>(
        &self,
        row: &impl Fields,
        column: &'static str,
        new: impl Fn(String) -> Result<T, IdError>,
    ) -> Result<T, StoreError> {
        new(self.get(row.text(column))?).map_err(|_| unreadable(column))
    }

    pub(super) fn id_or_null<T>(
        &self,
        row: &impl Fields,
        column: &'static str,
        new: impl Fn(String) -> Result<T, IdError>,
    ) -> Result<Option<T>, StoreError> {
        self.get(row.text_or_null(column))?.map(new).transpose().map_err(|_| unreadable(column))
    }

    /// A value of a closed list.
    pub(super) fn name<T: FromStr>(&self, row: &impl Fields, column: &'static str) -> Result<T, StoreError> {
        self.get(row.text(column))?.parse().map_err(|_| unreadable(column))
    }

    pub(super) fn number<T: TryFrom<i64>>(
        &self,
        row: &impl Fields,
        column: &'static str,
    ) -> Result<T, StoreError> {
        self.get(row.int(column))?.try_into().map_err(|_| unreadable(column))
    }

    pub(super) fn context(&self, row: &impl Fields) -> Result<ContextMessage, StoreError> {
        Ok(ContextMessage {
            message_id: self.id(row, "message_id", MessageId::new)?,
            role: self.name(row, "sender_role")?,
            text: self.get(row.text("text"))?,
            sent_at: self.get(row.time("sent_at"))?,
        })
    }

    /// Labels by the message that they are about.
    pub(super) fn labels<R: Fields>(&self, rows: &[R]) -> Result<BTreeMap<String, Vec<Label>>, StoreError> {
        let mut by_message: BTreeMap<String, Vec<Label>> = BTreeMap::new();
        for row in rows {
            by_message.entry(self.get(row.text("message_id"))?).or_default().push(self.label(row)?);
        }
        Ok(by_message)
    }

    /// Alerts with the labels of their messages, and the earlier messages that these point at.
    pub(super) fn alerts<R: Fields>(
        &self,
        alerts: &[R],
        labels: &BTreeMap<String, Vec<Label>>,
        earlier: &[R],
    ) -> Result<Vec<AlertRow>, StoreError> {
        let earlier = earlier.iter().map(|row| self.context(row)).collect::<Result<Vec<_>, _>>()?;
        alerts.iter().map(|row| self.alert(row, labels, &earlier)).collect()
    }

    fn alert(
        &self,
        row: &impl Fields,
        labels: &BTreeMap<String, Vec<Label>>,
        earlier: &[ContextMessage],
    ) -> Result<AlertRow, StoreError> {
        let message_id = self.id(row, "message_id", MessageId::new)?;
        let policy = Policy::new(self.get(row.text("policy"))?);
        let labels = labels.get(message_id.as_str()).into_iter().flatten();
        let labels: Vec<Label> = labels.filter(|label| label.policy == policy).cloned().collect();
        let points_at = |message: &&ContextMessage| {
            labels.iter().flat_map(|label| &label.parts).any(|part| part.message_id == message.message_id)
        };
        let earlier = earlier.iter().filter(points_at).cloned().collect();
        Ok(AlertRow {
            alert_id: self.get(row.int("alert_id"))?,
            action: self.name(row, "action")?,
            score: self.get(row.float("score"))?,
            transaction_id: self.id(row, "transaction_id", TransactionId::new)?,
            role: self.name(row, "sender_role")?,
            text: self.get(row.text("text"))?,
            earlier,
            labels,
            created_at: self.get(row.time("created_at"))?,
            message_id,
            policy,
        })
    }

    fn label(&self, row: &impl Fields) -> Result<Label, StoreError> {
        Ok(Label {
            policy: Policy::new(self.get(row.text("policy"))?),
            subtype: self.get(row.text_or_null("subtype"))?,
            score: self.get(row.float("score"))?,
            source: self.get(row.text("source"))?,
            spans: self.get(row.json("spans"))?,
            parts: self.get(row.json("parts"))?,
        })
    }

    pub(super) fn agents<R: Fields>(
        &self,
        agents: &[R],
        skills: &[R],
        languages: &[R],
    ) -> Result<Vec<AgentSnapshot>, StoreError> {
        let mut known: BTreeMap<AgentId, AgentSnapshot> = BTreeMap::new();
        for row in agents {
            let agent = self.agent(row)?;
            known.insert(agent.agent_id.clone(), agent);
        }
        // An agent who was added between the reads is not among the known ones yet; the next call sees them whole.
        for row in skills {
            if let Some(agent) = known.get_mut(&self.id(row, "agent_id", AgentId::new)?) {
                agent.skills.insert(self.name(row, "skill")?, self.number(row, "proficiency")?);
            }
        }
        for row in languages {
            if let Some(agent) = known.get_mut(&self.id(row, "agent_id", AgentId::new)?) {
                agent.languages.push(self.name(row, "language")?);
            }
        }
        Ok(known.into_values().collect())
    }

    /// Without skills and languages.
    pub(super) fn agent(&self, row: &impl Fields) -> Result<AgentSnapshot, StoreError> {
        Ok(AgentSnapshot {
            agent_id: self.id(row, "agent_id", AgentId::new)?,
            skills: BTreeMap::new(),
            languages: Vec::new(),
            team: self.get(row.text_or_null("team"))?,
            hours: self.get(row.json_or_null("hours"))?,
            available: self.get(row.truth("available"))?,
            open: self.number(row, "open_count")?,
            capacity: self.number(row, "capacity")?,
            last_assigned_at: self.get(row.time_or_null("last_assigned_at"))?,
            mean_open: self.get(row.float("mean_open"))?,
            open_changed_at: self.get(row.time_or_null("open_changed_at"))?,
        })
    }

    pub(super) fn received_inquiry(&self, row: &impl Fields) -> Result<Inquiry, StoreError> {
        Ok(Inquiry {
            inquiry_id: self.id(row, "inquiry_id", InquiryId::new)?,
            customer_id: self.id(row, "customer_id", UserId::new)?,
            text: self.get(row.text("text"))?,
            received_at: self.get(row.time("received_at"))?,
            subject: self.get(row.text_or_null("subject"))?,
            transaction_id: self.id_or_null(row, "transaction_id", TransactionId::new)?,
            priority: self.name(row, "priority")?,
            channel: self.id(row, "channel", Channel::new)?,
        })
    }

    pub(super) fn waiting(&self, row: &impl Fields) -> Result<WaitingInquiry, StoreError> {
        Ok(WaitingInquiry {
            inquiry: self.received_inquiry(row)?,
            language: self.name(row, "language")?,
            skills: self.get(row.json("skills"))?,
            model_version: self.get(row.text("model_version"))?,
            weight: self.number(row, "weight")?,
            generation: self.number(row, "generation")?,
            changed_at: self.get(row.time("decided_at"))?,
            corrected_skill: self.skill_or_null(row, "corrected_skill")?,
            rejected_by: self.get(row.json("rejected_by"))?,
            set_aside: self.times(row, "set_aside")?,
        })
    }

    /// Agents with a time each: microseconds since the Unix epoch, whichever the database.
    fn times(
        &self,
        row: &impl Fields,
        column: &'static str,
    ) -> Result<BTreeMap<AgentId, DateTime<Utc>>, StoreError> {
        let times: BTreeMap<AgentId, i64> = self.get(row.json(column))?;
        let time = |micros| DateTime::from_timestamp_micros(micros).ok_or(unreadable(column));
        times.into_iter().map(|(agent, micros)| Ok((agent, time(micros)?))).collect()
    }

    pub(super) fn decision(&self, row: &impl Fields) -> Result<DecisionRow, StoreError> {
        Ok(DecisionRow {
            decision_id: self.get(row.int("decision_id"))?,
            inquiry_id: self.id(row, "inquiry_id", InquiryId::new)?,
            decided_at: self.get(row.time("decided_at"))?,
            status: self.status(row)?,
            agent_id: self.id_or_null(row, "agent_id", AgentId::new)?,
            explanation: self.get(row.json("explanation"))?,
            language: self.name(row, "language")?,
            priority: self.name(row, "priority")?,
            received_at: self.get(row.time("received_at"))?,
            skills: self.get(row.json("skills"))?,
            finished_by: self.id_or_null(row, "finished_by", AgentId::new)?,
        })
    }

    pub(super) fn transaction(&self, row: &impl Fields) -> Result<TransactionId, StoreError> {
        self.id(row, "transaction_id", TransactionId::new)
    }

    pub(super) fn preferred(&self, row: &impl Fields) -> Result<(UserId, Preferred), StoreError> {
        let agent_id = self.id(row, "agent_id", AgentId::new)?;
        let open_matter = self.get(row.truth("open_matter"))?;
        Ok((self.id(row, "customer_id", UserId::new)?, Preferred { agent_id, open_matter }))
    }

    pub(super) fn status(&self, row: &impl Fields) -> Result<InquiryStatus, StoreError> {
        let name = self.get(row.text("status"))?;
        InquiryStatus::ALL.into_iter().find(|status| status.as_str() == name).ok_or(unreadable("status"))
    }

    pub(super) fn inquiry(&self, row: &impl Fields) -> Result<InquiryRow, StoreError> {
        Ok(InquiryRow {
            inquiry_id: self.id(row, "inquiry_id", InquiryId::new)?,
            subject: self.get(row.text_or_null("subject"))?,
            text: self.get(row.text("text"))?,
            language: self.name(row, "language")?,
            priority: self.name(row, "priority")?,
            channel: self.id(row, "channel", Channel::new)?,
            status: self.status(row)?,
            skills: self.get(row.json("skills"))?,
            agent_id: self.id_or_null(row, "agent_id", AgentId::new)?,
            agent_name: self.get(row.text_or_null("agent_name"))?,
            generation: self.number(row, "generation")?,
            corrected_skill: self.skill_or_null(row, "corrected_skill")?,
            accepted_at: self.get(row.time_or_null("accepted_at"))?,
            expires_at: self.get(row.time_or_null("expires_at"))?,
            reason: self.get(row.text("reason"))?,
            received_at: self.get(row.time("received_at"))?,
        })
    }

    pub(super) fn taken(&self, skill: Skill, row: &impl Fields) -> Result<super::reason::Taken, StoreError> {
        Ok(super::reason::Taken {
            skill,
            proficiency: self.number(row, "proficiency")?,
            open: self.number(row, "open_count")?,
            capacity: self.number(row, "capacity")?,
        })
    }

    pub(super) fn outbox(&self, row: &impl Fields) -> Result<OutboxRow, StoreError> {
        let name = self.get(row.text("target_name"))?;
        let queue = || prepare::inbound(&name).ok_or(unreadable("target_name"));
        let target = match self.get(row.text("target_kind"))?.as_str() {
            "inbound" => Target::Inbound(queue()?),
            "event" => Target::Event(name),
            "dead_letter" => Target::DeadLetter(queue()?),
            _ => return Err(unreadable("target_kind")),
        };
        Ok(OutboxRow {
            id: self.get(row.int("outbox_id"))?,
            outgoing: Outgoing {
                target,
                id: self.get(row.text("outgoing_id"))?,
                body: self.get(row.bytes("body"))?,
                headers: self.get(row.json("headers"))?,
            },
        })
    }

    pub(super) fn dead_letter(&self, row: &impl Fields) -> Result<DeadLetterRow, StoreError> {
        Ok(DeadLetterRow {
            id: self.get(row.text("dead_letter_id"))?,
            queue: prepare::inbound(&self.get(row.text("queue"))?).ok_or(unreadable("queue"))?,
            body: self.get(row.bytes("body"))?,
            code: self.get(row.text("code"))?,
            detail: self.get(row.text("detail"))?,
            rejections: self.number(row, "rejections")?,
            first_at: self.get(row.time("first_at"))?,
            last_at: self.get(row.time("last_at"))?,
            replays: self.number(row, "replays")?,
            replayed_at: self.get(row.time_or_null("replayed_at"))?,
        })
    }

    /// One row for each count: what is counted, up to two names, the count.
    pub(super) fn summary<R: Fields>(&self, rows: &[R]) -> Result<Summary, StoreError> {
        let mut summary = Summary::default();
        for row in rows {
            let (name, detail) = (self.get(row.text("name"))?, self.get(row.text("detail"))?);
            let count: u64 = self.number(row, "count")?;
            match self.get(row.text("counted"))?.as_str() {
                "messages" => summary.messages = count,
                "verdicts" => {
                    let action: Action = name.parse().map_err(|_| unreadable("action"))?;
                    summary.verdicts += count;
                    summary.actions.insert(action, count);
                }
                "alerts" => {
                    summary.alerts.insert((Policy::new(name), detail), count);
                }
                "inquiries" => {
                    summary.inquiries += count;
                    summary.inquiries_by_status.insert(name, count);
                }
                "skills" => {
                    let skill: Skill = name.parse().map_err(|_| unreadable("skills"))?;
                    summary.inquiries_by_skill.insert(skill, count);
                }
                "agents" => {
                    let agent = AgentId::new(name).map_err(|_| unreadable("agent_id"))?;
                    summary.inquiries_by_agent.insert((agent, detail), count);
                }
                "dead_letters" => summary.dead_letters = count,
                "outbox" => summary.unpublished_events = count,
                _ => return Err(unreadable("counted")),
            }
        }
        Ok(summary)
    }
}
