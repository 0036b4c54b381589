//! From rows of either database to what reviewers see and change.

use chrono::{DateTime, Utc};

use super::types::*;
use crate::contract::{AlertState, MessageId, Policy, Ruling, TransactionId, UserId};
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::rows::Reader;
use crate::store::{AlertRow, StoreError};

/// An alert that this transaction has locked.
#[derive(Debug)]
pub(super) struct Standing {
    pub alert_id: i64,
    pub policy: Policy,
    pub state: AlertState,
    pub generation: u32,
    pub claim: Option<Claim>,
    pub decided: Option<(Ruling, String, DateTime<Utc>)>,
    /// What the reviewer says that it is, if it is decided as a violation.
    pub ruled_policy: Option<Policy>,
    pub message_id: MessageId,
    pub transaction_id: TransactionId,
    pub sender_id: UserId,
    pub text_key: Option<String>,
}

impl Standing {
    /// Whether the reviewer has it. A claim that is over counts as long as nobody else has taken the alert.
    pub fn is_held(&self, by: &str, generation: u32) -> bool {
        self.state != AlertState::Decided
            && self.generation == generation
            && self.claim.as_ref().is_some_and(|claim| claim.by == by)
    }

    /// Whether somebody with this reach may change it.
    pub fn is_within(&self, reach: Reach) -> bool {
        self.state != AlertState::Escalated || reach == Reach::Escalated
    }

    /// Why somebody who does not hold it cannot change it.
    pub fn refusal(&self, by: &str, at: DateTime<Utc>) -> Refused {
        match (&self.decided, &self.claim) {
            (Some((ruling, who, when)), _) => {
                Refused::Decided { by: who.clone(), ruling: *ruling, at: *when }
            }
            (None, Some(claim)) if claim.by != by && claim.until > at => Refused::Held(claim.clone()),
            _ => Refused::NotHeld,
        }
    }
}

impl Reader<'_> {
    fn claim(&self, row: &impl Fields) -> Result<Option<Claim>, StoreError> {
        let by = self.get(row.text_or_null("claimed_by"))?;
        let until = self.get(row.time_or_null("claimed_until"))?;
        let generation = self.number(row, "generation")?;
        Ok(by.zip(until).map(|(by, until)| Claim { by, until, generation }))
    }

    pub(in crate::store) fn ruling(&self, row: &impl Fields) -> Result<Option<Ruling>, StoreError> {
        let name = self.get(row.text_or_null("ruling"))?;
        name.map(|name| name.parse().map_err(|_| unreadable("ruling"))).transpose()
    }

    fn sender(&self, row: &impl Fields) -> Result<UserId, StoreError> {
        self.id(row, "sender_id", UserId::new)
    }

    pub(super) fn alert_standing(&self, row: &impl Fields) -> Result<Standing, StoreError> {
        let ruling = self.ruling(row)?;
        let by = self.get(row.text_or_null("decided_by"))?;
        let at = self.get(row.time_or_null("decided_at"))?;
        Ok(Standing {
            alert_id: self.get(row.int("alert_id"))?,
            policy: Policy::new(self.get(row.text("policy"))?),
            state: self.name(row, "state")?,
            generation: self.number(row, "generation")?,
            claim: self.claim(row)?,
            decided: ruling.zip(by).zip(at).map(|((ruling, by), at)| (ruling, by, at)),
            ruled_policy: self.get(row.text_or_null("ruled_policy"))?.map(Policy::new),
            message_id: self.id(row, "message_id", MessageId::new)?,
            transaction_id: self.transaction(row)?,
            sender_id: self.sender(row)?,
            text_key: self.get(row.text_or_null("text_key"))?,
        })
    }

    fn decided(&self, row: &impl Fields) -> Result<Option<Decided>, StoreError> {
        let Some(ruling) = self.ruling(row)? else { return Ok(None) };
        Ok(Some(Decided {
            ruling,
            policy: self.get(row.text_or_null("ruled_policy"))?.map(Policy::new),
            subtype: self.get(row.text_or_null("ruled_subtype"))?,
            note: self.get(row.text_or_null("note"))?,
            by: self.get(row.text("decided_by"))?,
            at: self.get(row.time("decided_at"))?,
        }))
    }

    pub(super) fn review_row(&self, row: &impl Fields, alert: AlertRow) -> Result<ReviewRow, StoreError> {
        Ok(ReviewRow {
            alert,
            sender_id: self.sender(row)?,
            state: self.name(row, "state")?,
            queue_time: self.get(row.time("queue_time"))?,
            generation: self.number(row, "generation")?,
            claim: self.claim(row)?,
            decided: self.decided(row)?,
            warned_at: self.get(row.time_or_null("warned_at"))?,
            sources: self.name(row, "sources")?,
            language: self.name(row, "language")?,
            rules_version: self.get(row.text("rules_version"))?,
            model_version: self.get(row.text("model_version"))?,
        })
    }

    /// Without its labels.
    pub(in crate::store) fn said(&self, row: &impl Fields) -> Result<SaidMessage, StoreError> {
        let message = self.context(row)?;
        Ok(SaidMessage {
            message_id: message.message_id,
            sender_id: self.sender(row)?,
            role: message.role,
            text: message.text,
            sent_at: message.sent_at,
            hidden: self.get(row.truth("hidden"))?,
            labels: Vec::new(),
        })
    }

    pub(super) fn trail(&self, row: &impl Fields) -> Result<TrailRow, StoreError> {
        Ok(TrailRow {
            at: self.get(row.time("at"))?,
            reviewer: self.get(row.text("reviewer"))?,
            act: self.get(row.text("act"))?,
            ruling: self.ruling(row)?,
            policy: self.get(row.text_or_null("policy"))?.map(Policy::new),
            subtype: self.get(row.text_or_null("subtype"))?,
            note: self.get(row.text_or_null("note"))?,
            batch: self.get(row.text_or_null("batch"))?,
        })
    }

    pub(super) fn source_count(&self, row: &impl Fields) -> Result<SourceCount, StoreError> {
        Ok(SourceCount {
            policy: Policy::new(self.get(row.text("policy"))?),
            source: self.get(row.text("source"))?,
            violations: self.number(row, "violations")?,
            others: self.number(row, "others")?,
            unsure: self.number(row, "unsure")?,
        })
    }

    /// Rows of one message after the other, one for each alert.
    pub(super) fn reviewed<R: Fields>(&self, rows: &[R]) -> Result<Vec<ReviewedMessage>, StoreError> {
        let mut messages: Vec<ReviewedMessage> = Vec::new();
        for row in rows {
            let message_id = self.id(row, "message_id", MessageId::new)?;
            if messages.last().is_none_or(|last| last.message_id != message_id) {
                let language = self.get(row.text_or_null("language"))?;
                messages.push(ReviewedMessage {
                    message_id,
                    role: self.name(row, "sender_role")?,
                    text: self.get(row.text("text"))?,
                    language: language
                        .map(|name| name.parse().map_err(|_| unreadable("language")))
                        .transpose()?,
                    alerts: Vec::new(),
                });
            }
            if let (Some(policy), Some(last)) = (self.get(row.text_or_null("policy"))?, messages.last_mut()) {
                last.alerts.push((Policy::new(policy), self.decided(row)?));
            }
        }
        Ok(messages)
    }
}
