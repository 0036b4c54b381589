//! Vectors of inquiries, and how inquiries like another one ended.

use super::types::*;
use crate::access::Sight;
use crate::contract::InquiryId;
use crate::store::StoreError;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::rows::Reader;

const COLUMNS: &str = include_str!("../sql/desk/columns.sql");
const WHOLE: &str = include_str!("../sql/desk/whole.sql");

pub(super) async fn keep<B: Books>(books: &B, vectors: &[InquiryVector]) -> Result<(), StoreError> {
    if vectors.is_empty() {
        return Ok(());
    }
    let mut sorted: Vec<&InquiryVector> = vectors.iter().collect();
    sorted.sort_by(|a, b| a.inquiry_id.cmp(&b.inquiry_id));
    let mut ledger = books.begin_ledger().await?;
    for vector in sorted {
        let values = [
            Value::Text(vector.inquiry_id.as_str()),
            Value::Text(&vector.version),
            Value::Bytes(&vector.vector),
        ];
        ledger.write(include_str!("../sql/desk/keep_vector.sql"), &values).await?;
    }
    ledger.commit().await
}

pub(super) async fn of<B: Books>(
    books: &B,
    inquiry: &InquiryId,
) -> Result<Option<InquiryVector>, StoreError> {
    let sql = "select inquiry_id, version, vector from inquiry_vectors where inquiry_id = $1";
    let rows = books.list(sql, &[Value::Text(inquiry.as_str())]).await?;
    rows.first().map(|row| vector(&books.place(), row)).transpose()
}

pub(super) async fn resolved<B: Books>(
    books: &B,
    (time, id): &DeskCursor,
    limit: u32,
) -> Result<Vec<ResolvedVector>, StoreError> {
    let values = [Value::Time(*time), Value::Text(id.as_str()), Value::Number(i64::from(limit))];
    let rows = books.list(include_str!("../sql/desk/resolved_vectors.sql"), &values).await?;
    let read = |row| {
        let resolved_at = books.place().get(Fields::time(row, "ended_at"))?;
        Ok(ResolvedVector { resolved_at, vector: vector(&books.place(), row)? })
    };
    rows.iter().map(read).collect()
}

fn vector(reader: &Reader<'_>, row: &impl Fields) -> Result<InquiryVector, StoreError> {
    Ok(InquiryVector {
        inquiry_id: reader.id(row, "inquiry_id", InquiryId::new)?,
        version: reader.get(row.text("version"))?,
        vector: reader.get(row.bytes("vector"))?,
    })
}

pub(super) async fn cases<B: Books>(
    books: &B,
    inquiries: &[InquiryId],
    sight: &Sight,
) -> Result<Vec<ResolvedCase>, StoreError> {
    let mut cases = Vec::with_capacity(inquiries.len());
    for inquiry in inquiries {
        let id = Value::Text(inquiry.as_str());
        let sql = format!(
            "{COLUMNS}, a.skill, a.ended_at\n{WHOLE}where i.inquiry_id = $1 and i.status = 'resolved'"
        );
        let rows = books.list_built(sql, &[id]).await?;
        let Some(row) = rows.first() else { continue };
        let mut case = books.place().resolved_case(row, sight)?;
        drop(rows);
        if let Some((_, reply)) = &mut case.seen {
            let last = books.list(include_str!("../sql/desk/replies.sql"), &[id, Value::Number(1)]).await?;
            *reply = last.first().map(|row| books.place().reply(row)).transpose()?;
        }
        cases.push(case);
    }
    Ok(cases)
}

impl Reader<'_> {
    fn resolved_case(&self, row: &impl Fields, sight: &Sight) -> Result<ResolvedCase, StoreError> {
        let team = self.get(row.text_or_null("agent_team"))?;
        let inquiry = self.inquiry(row)?;
        Ok(ResolvedCase {
            inquiry_id: inquiry.inquiry_id.clone(),
            skill: self.name(row, "skill")?,
            received_at: inquiry.received_at,
            resolved_at: self.get(row.time("ended_at"))?,
            seen: sight.sees(inquiry.agent_id.as_ref(), team.as_deref()).then_some((inquiry, None)),
            team,
        })
    }
}
