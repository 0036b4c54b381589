//! What the API reads that no page does.

use super::types::{InquiryListing, StoredVerdict};
use crate::access::Sight;
use crate::contract::{InquiryId, MessageId};
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Value};
use crate::store::{InquiryRow, InquiryStatus, StoreError};

const INQUIRIES: &str = include_str!("../sql/api/inquiries.sql");

pub(in crate::store) async fn inquiries<B: Books>(
    books: &B,
    wanted: &InquiryListing,
    sight: &Sight,
) -> Result<Vec<InquiryRow>, StoreError> {
    let mut values = Vec::new();
    let mut filter = String::from("where true");
    if let Some(only) = &wanted.only {
        values.push(Value::Text(only.as_str()));
        filter.push_str(&format!(" and i.inquiry_id = ${}", values.len()));
    }
    if let Some(status) = wanted.status {
        values.push(Value::Text(InquiryStatus::as_str(status)));
        filter.push_str(&format!(" and i.status = ${}", values.len()));
    }
    if let Sight::Of { agent_id, teams } = sight {
        values.push(Value::TextOrNull(agent_id.as_ref().map(|agent| agent.as_str())));
        filter.push_str(&format!(" and (g.agent_id = ${}", values.len()));
        for team in teams {
            values.push(Value::Text(team));
            filter.push_str(&format!(" or g.team = ${}", values.len()));
        }
        filter.push(')');
    }
    if let Some((received, id)) = &wanted.after {
        values.extend([Value::Time(*received), Value::Text(InquiryId::as_str(id))]);
        let count = values.len();
        filter.push_str(&format!(" and (i.received_at, i.inquiry_id) < (${}, ${count})", count - 1));
    }
    values.push(Value::Number(i64::from(wanted.limit)));
    let order = "order by i.received_at desc, i.inquiry_id desc";
    let sql = format!("{INQUIRIES}{filter}\n{order}\nlimit ${}", values.len());
    let rows = books.list_built(sql, &values).await?;
    rows.iter().map(|row| books.place().inquiry(row)).collect()
}

pub(super) async fn verdict<B: Books>(
    books: &B,
    message: &MessageId,
) -> Result<Option<StoredVerdict>, StoreError> {
    let rows = books.list(include_str!("../sql/api/verdict.sql"), &[Value::Text(message.as_str())]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let labels = books.labels_of(vec![message.to_string()]).await?;
    let reader = books.place();
    let labels = reader.labels(&labels)?.remove(message.as_str()).unwrap_or_default();
    Ok(Some(StoredVerdict {
        message_id: reader.id(row, "message_id", MessageId::new)?,
        transaction_id: reader.transaction(row)?,
        action: reader.name(row, "action")?,
        labels,
        policies: reader.get(row.json("policies"))?,
        language: reader.name(row, "language")?,
        rules_version: reader.get(row.text("rules_version"))?,
        model_version: reader.get(row.text("model_version"))?,
        decided_at: reader.get(row.time("decided_at"))?,
    }))
}
