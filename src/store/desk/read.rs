//! One inquiry with everything around it.

use super::types::*;
use crate::access::Sight;
use crate::contract::{AgentId, Inquiry, InquiryId, TransactionId};
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Value};
use crate::store::{InquiryListing, StoreError, api_inquiries, review};

/// Assignments and replies of one inquiry that are read.
const MOST_PARTS: i64 = 50;
/// Other inquiries of the customer.
const OF_CUSTOMER: i64 = 20;
/// Messages of the transaction, and as many alerts.
const OF_TRANSACTION: i64 = 50;
const COLUMNS: &str = include_str!("../sql/desk/columns.sql");
const WHOLE: &str = include_str!("../sql/desk/whole.sql");
const OTHERS: &str = include_str!("../sql/desk/of_customer.sql");

pub(super) async fn agent<B: Books>(books: &B, agent: &AgentId) -> Result<Option<AgentStanding>, StoreError> {
    let rows = books.list(include_str!("../sql/desk/agent.sql"), &[Value::Text(agent.as_str())]).await?;
    rows.first().map(|row| books.place().agent_standing(row)).transpose()
}

pub(super) async fn free_agents<B: Books>(books: &B, limit: u32) -> Result<Vec<AgentStanding>, StoreError> {
    let limit = [Value::Number(i64::from(limit))];
    let rows = books.list(include_str!("../sql/desk/free_agents.sql"), &limit).await?;
    rows.iter().map(|row| books.place().agent_standing(row)).collect()
}

pub(super) async fn file<B: Books>(
    books: &B,
    inquiry: &InquiryId,
    sight: &Sight,
) -> Result<Option<InquiryFile>, StoreError> {
    let Some(row) = api_inquiries(books, &InquiryListing::one(inquiry), sight).await?.pop() else {
        return Ok(None);
    };
    let id = Value::Text(inquiry.as_str());
    let found = books.list(include_str!("../sql/inquiry.sql"), &[id]).await?;
    let received = found.first().map(|row| books.place().received_inquiry(row)).transpose()?;
    let Some(received) = received else { return Ok(None) };
    let response = books.list(include_str!("../sql/desk/response.sql"), &[id]).await?;
    let response = response.first().map(|row| books.place().get(row.time_or_null("first_response_at")));
    let decision = books.list(include_str!("../sql/desk/decision.sql"), &[id]).await?;
    let explanation = decision.first().map(|row| books.place().get(row.json("explanation")));
    let parts = [id, Value::Number(MOST_PARTS)];
    let assignments = books.list(include_str!("../sql/desk/assignments.sql"), &parts).await?;
    let assignments =
        assignments.iter().map(|row| books.place().assignment_row(row)).collect::<Result<_, _>>()?;
    let replies = books.list(include_str!("../sql/desk/replies.sql"), &parts).await?;
    let replies = replies.iter().rev().map(|row| books.place().reply(row)).collect::<Result<_, _>>()?;
    Ok(Some(InquiryFile {
        row,
        first_response_at: response.transpose()?.flatten(),
        explanation: explanation.transpose()?,
        assignments,
        of_customer: of_customer(books, &received, sight).await?,
        transaction: match &received.transaction_id {
            Some(id) => Some(transaction(books, id).await?),
            None => None,
        },
        received,
        replies,
    }))
}

async fn of_customer<B: Books>(
    books: &B,
    received: &Inquiry,
    sight: &Sight,
) -> Result<Vec<OfCustomer>, StoreError> {
    let values = [
        Value::Text(received.customer_id.as_str()),
        Value::Text(received.inquiry_id.as_str()),
        Value::Number(OF_CUSTOMER),
    ];
    let rows = books.list_built(format!("{COLUMNS}{WHOLE}{OTHERS}"), &values).await?;
    rows.iter().map(|row| books.place().of_customer(row, sight)).collect()
}

async fn transaction<B: Books>(books: &B, id: &TransactionId) -> Result<LinkedTransaction, StoreError> {
    // One more tells whether there are older ones.
    let values = [Value::Text(id.as_str()), Value::Number(OF_TRANSACTION + 1)];
    let rows = books.list(include_str!("../sql/desk/said.sql"), &values).await?;
    let more = rows.len() as i64 > OF_TRANSACTION;
    let newest = &rows[..rows.len().min(OF_TRANSACTION as usize)];
    let messages = review::said_with_findings(books, newest).await?;
    drop(rows);
    let values = [Value::Text(id.as_str()), Value::Number(OF_TRANSACTION)];
    let alerts = review::chosen_alerts(books, include_str!("../sql/desk/alerts.sql"), &values).await?;
    Ok(LinkedTransaction { messages, more, alerts })
}
