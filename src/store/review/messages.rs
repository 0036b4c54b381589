//! What is done with a flagged message and its sender. The backend, which owns both, does it when it hears the event.

use chrono::{DateTime, Utc};

use super::claims::{Told, locked, told};
use super::types::{Reach, Refused, WarningText};
use crate::access::{Act, Actor, AuditEntry, Subject};
use crate::contract::{Language, MessageVisibility, Ruling, SenderWarning};
use crate::store::StoreError;
use crate::store::accounts::trail;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::prepare;

pub(super) async fn set_hidden<B: Books>(
    books: &B,
    alert: i64,
    hidden: bool,
    by: &Actor,
    reach: Reach,
    at: DateTime<Utc>,
) -> Result<Result<bool, Refused>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let Some(standing) = locked(&mut ledger, alert).await? else { return Ok(Err(Refused::Unknown)) };
    if !standing.is_within(reach) {
        return Ok(Err(Refused::Escalated));
    }
    if let refused @ Refused::Held(_) = standing.refusal(&by.name, at) {
        return Ok(Err(refused));
    }
    let (sql, act) = if hidden {
        (include_str!("../sql/review/hide.sql"), "hidden")
    } else {
        (include_str!("../sql/review/restore.sql"), "restored")
    };
    let Some(row) = ledger.row(sql, &[Value::Text(standing.message_id.as_str())]).await? else {
        return Ok(Ok(false));
    };
    let change = ledger.reader().number(&row, "visibility")?;
    drop(row);
    told(&mut ledger, alert, &by.name, standing.generation, at, Told { act, ..Told::default() }).await?;
    let done = if hidden { Act::MessageHidden } else { Act::MessageRestored };
    let subject = Subject::new("message", &standing.message_id);
    trail::write(&mut ledger, &AuditEntry::new(by.clone(), done, subject, at).with("alert", alert)).await?;
    let event = prepare::visibility_event(&MessageVisibility {
        message_id: standing.message_id,
        transaction_id: standing.transaction_id,
        sender_id: standing.sender_id,
        hidden,
        alert_id: alert,
        by: by.name.clone(),
        at,
        change,
    })?;
    ledger.tell(event).await?;
    ledger.commit().await?;
    Ok(Ok(true))
}

pub(super) async fn warn<B: Books>(
    books: &B,
    alert: i64,
    language: Language,
    text: WarningText,
    by: &Actor,
    reach: Reach,
    at: DateTime<Utc>,
) -> Result<Result<bool, Refused>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let Some(standing) = locked(&mut ledger, alert).await? else { return Ok(Err(Refused::Unknown)) };
    if !standing.is_within(reach) {
        return Ok(Err(Refused::Escalated));
    }
    match standing.refusal(&by.name, at) {
        cleared @ Refused::Decided { ruling: Ruling::NotViolation, .. } => return Ok(Err(cleared)),
        held @ Refused::Held(_) => return Ok(Err(held)),
        _ => {}
    }
    // What the reviewer said that it is, if anybody has: not what it was flagged for.
    let policy = standing.ruled_policy.unwrap_or(standing.policy);
    let values = [Value::Number(alert), Value::Time(at)];
    let once = "update alerts set warned_at = $2 where alert_id = $1 and warned_at is null";
    if ledger.write(once, &values).await? == 0 {
        return Ok(Ok(false));
    }
    let line = Told { act: "warned", note: Some(language.as_str()), ..Told::default() };
    told(&mut ledger, alert, &by.name, standing.generation, at, line).await?;
    let subject = Subject::new("alert", alert);
    let entry = AuditEntry::new(by.clone(), Act::SenderWarned, subject, at);
    trail::write(&mut ledger, &entry.with("language", language.as_str())).await?;
    let event = prepare::warning_event(&SenderWarning {
        alert_id: alert,
        message_id: standing.message_id,
        transaction_id: standing.transaction_id,
        sender_id: standing.sender_id,
        text: text(&policy, language).to_owned(),
        policy,
        language,
        by: by.name.clone(),
        at,
    })?;
    ledger.tell(event).await?;
    ledger.commit().await?;
    Ok(Ok(true))
}
