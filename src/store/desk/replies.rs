//! An answer to the customer: one transaction that locks the inquiry, and writes only if the agent still holds it.

use super::types::*;
use crate::access::{Act, AuditEntry, Subject};
use crate::contract::InquiryReply;
use crate::store::StoreError;
use crate::store::accounts::trail;
use crate::store::change::{Ending, Lost};
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::prepare;
use crate::store::reservations::{End, claimed, ended};

pub(super) async fn send<B: Books>(
    books: &B,
    order: &ReplyOrder,
) -> Result<Result<i64, ReplyRefused>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let (id, agent) = (&order.inquiry_id, &order.agent_id);
    let (standing, held) = match claimed(&mut ledger, id, agent, Some(order.generation), order.at).await? {
        Ok(claimed) => claimed,
        Err(lost) => return Ok(Err(ReplyRefused::Lost(lost))),
    };
    let inquiry = Value::Text(id.as_str());
    let last = "select coalesce(max(reply_id), 0) as last from replies where inquiry_id = $1";
    let last = ledger.row(last, &[inquiry]).await?;
    let last: Option<i64> = last.map(|row| ledger.reader().number(&row, "last")).transpose()?;
    if last != Some(order.seen_reply) {
        return Ok(Err(ReplyRefused::Answered));
    }
    if !held.accepted {
        let values = [
            inquiry,
            Value::Text(agent.as_str()),
            Value::Number(i64::from(order.generation)),
            Value::Time(order.at),
        ];
        if ledger.write(include_str!("../sql/accept_assignment.sql"), &values).await? == 0 {
            return Ok(Err(ReplyRefused::Lost(Lost::Gone)));
        }
    }
    let reply_id = written(&mut ledger, order).await?;
    if order.resolves {
        let end = End { ending: Ending::Resolved, right_skill: None, by: agent.as_str(), at: order.at };
        if !ended(&mut ledger, id, &held, &end).await? {
            return Ok(Err(ReplyRefused::Lost(Lost::Gone)));
        }
        ledger.write(include_str!("../sql/desk/resolve.sql"), &[inquiry, Value::Time(order.at)]).await?;
    } else {
        ledger.write(include_str!("../sql/desk/answered.sql"), &[inquiry, Value::Time(order.at)]).await?;
    }
    told(&mut ledger, order, reply_id, standing.language).await?;
    if order.resolves {
        ledger.commit_and_wake().await?;
    } else {
        ledger.commit().await?;
    }
    Ok(Ok(reply_id))
}

async fn written<L: Ledger>(ledger: &mut L, order: &ReplyOrder) -> Result<i64, StoreError> {
    let values = [
        Value::Text(order.inquiry_id.as_str()),
        Value::Text(order.agent_id.as_str()),
        Value::Text(&order.by.name),
        Value::NumberOrNull(order.template_id),
        Value::Text(&order.text),
        Value::Truth(order.resolves),
        Value::Time(order.at),
    ];
    let row = ledger.row(include_str!("../sql/desk/reply.sql"), &values).await?;
    let row = row.ok_or_else(|| StoreError::Unexpected("a reply that was written has no number".into()))?;
    ledger.reader().get(row.int("reply_id"))
}

/// The event that the backend delivers by, and the line of the trail, which says nothing of the text.
async fn told<L: Ledger>(
    ledger: &mut L,
    order: &ReplyOrder,
    reply_id: i64,
    language: crate::contract::Language,
) -> Result<(), StoreError> {
    let id = Value::Text(order.inquiry_id.as_str());
    let row = ledger.row(include_str!("../sql/inquiry.sql"), &[id]).await?;
    let row = row.ok_or_else(|| StoreError::Unexpected("an inquiry that is locked is gone".into()))?;
    let inquiry = ledger.reader().received_inquiry(&row)?;
    drop(row);
    let event = prepare::reply_event(&InquiryReply {
        reply_id,
        inquiry_id: inquiry.inquiry_id,
        customer_id: inquiry.customer_id,
        channel: inquiry.channel,
        language,
        text: order.text.clone(),
        resolved: order.resolves,
        agent_id: order.agent_id.clone(),
        by: order.by.name.clone(),
        at: order.at,
    })?;
    ledger.tell(event).await?;
    let subject = Subject::new("inquiry", &order.inquiry_id);
    let mut entry = AuditEntry::new(order.by.clone(), Act::InquiryReplied, subject, order.at)
        .with("reply_id", reply_id)
        .with("resolved", order.resolves);
    if let Some(template) = order.template_id {
        entry = entry.with("template_id", template);
    }
    trail::write(ledger, &entry).await
}
