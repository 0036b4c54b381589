//! The audit trail: lines are added, never changed.

use super::{AuditFilter, AuditRow};
use crate::access::{AccountId, Actor, AuditEntry, Subject, Way};
use crate::store::StoreError;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::rows::Reader;

/// Adds a line in the transaction of what it tells about.
pub(in crate::store) async fn write<L: Ledger>(ledger: &mut L, entry: &AuditEntry) -> Result<(), StoreError> {
    let token = match entry.actor.way {
        Way::Token(id) => Some(id),
        Way::Session | Way::Link | Way::Program | Way::Nobody => None,
    };
    let detail = serde_json::Value::Object(entry.detail.clone());
    let values = [
        Value::Time(entry.at),
        Value::NumberOrNull(entry.actor.account_id.map(|id| id.0)),
        Value::Text(&entry.actor.name),
        Value::Text(entry.actor.way.as_str()),
        Value::NumberOrNull(token),
        Value::Text(entry.act.as_str()),
        Value::Text(&entry.subject.kind),
        Value::Text(&entry.subject.id),
        Value::Json(&detail),
    ];
    ledger.write(include_str!("../sql/access/record.sql"), &values).await.map(drop)
}

pub(super) async fn record<B: Books>(books: &B, entry: &AuditEntry) -> Result<(), StoreError> {
    let mut ledger = books.begin_ledger().await?;
    write(&mut ledger, entry).await?;
    ledger.commit().await
}

pub(super) async fn lines<B: Books>(
    books: &B,
    wanted: &AuditFilter,
    limit: u32,
) -> Result<Vec<AuditRow>, StoreError> {
    // PostgreSQL takes no NUL in a text, and so holds none: nothing can match.
    let texts = [&wanted.actor, &wanted.act, &wanted.subject_kind, &wanted.subject_id];
    if texts.into_iter().flatten().any(|text| text.contains('\0')) {
        return Ok(Vec::new());
    }
    let values = [
        Value::Number(wanted.before.unwrap_or(i64::MAX)),
        Value::TextOrNull(wanted.actor.as_deref()),
        Value::TextOrNull(wanted.act.as_deref()),
        Value::TextOrNull(wanted.subject_kind.as_deref()),
        Value::TextOrNull(wanted.subject_id.as_deref()),
        Value::Number(i64::from(limit)),
    ];
    let rows = books.list(include_str!("../sql/access/audit_trail.sql"), &values).await?;
    rows.iter().map(|row| line(&books.place(), row)).collect()
}

fn line(reader: &Reader<'_>, row: &impl Fields) -> Result<AuditRow, StoreError> {
    let token = reader.get(row.int_or_null("token_id"))?;
    let way = Way::read(&reader.get(row.text("way"))?, token).ok_or(unreadable("way"))?;
    Ok(AuditRow {
        audit_id: reader.get(row.int("audit_id"))?,
        entry: AuditEntry {
            at: reader.get(row.time("at"))?,
            actor: Actor {
                account_id: reader.get(row.int_or_null("account_id"))?.map(AccountId),
                name: reader.get(row.text("actor"))?,
                way,
            },
            act: reader.get(row.text("act"))?.parse().map_err(|()| unreadable("act"))?,
            subject: Subject {
                kind: reader.get(row.text("subject_kind"))?,
                id: reader.get(row.text("subject_id"))?,
            },
            detail: reader.get(row.json("detail"))?,
        },
    })
}
