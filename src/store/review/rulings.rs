//! Decisions: made once, by whoever has the alert, and taken back by who made them.

use chrono::{DateTime, TimeDelta, Utc};

use super::claims::{STANDING, Told, locked, told};
use super::rows::Standing;
use super::types::*;
use crate::access::{Act, Actor, AuditEntry, Subject};
use crate::contract::{AlertReview, AlertState, Policy, Ruling};
use crate::store::StoreError;
use crate::store::accounts::trail;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::prepare::{self, Event};

/// An alert as it stands from now on.
struct Stands<'a> {
    state: AlertState,
    ruling: Option<Ruling>,
    policy: Option<&'a Policy>,
    subtype: Option<&'a str>,
    note: Option<&'a str>,
    claim: Option<(&'a str, DateTime<Utc>)>,
    by: &'a str,
    at: DateTime<Utc>,
}

pub(super) async fn decide<B: Books>(books: &B, order: &Order) -> Result<Result<Done, Refused>, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let Some(standing) = locked(&mut ledger, order.alert_id).await? else {
        return Ok(Err(Refused::Unknown));
    };
    if !standing.is_within(order.reach) {
        return Ok(Err(Refused::Escalated));
    }
    if !standing.is_held(&order.by.name, order.generation) {
        return Ok(Err(standing.refusal(&order.by.name, order.at)));
    }
    let mut all = alike(&mut ledger, &standing, order).await?;
    all.insert(0, standing);
    let batch = format!("{}.{}", order.alert_id, order.generation + 1);
    let mut events = Vec::with_capacity(all.len());
    for one in &all {
        match ruled(&mut ledger, one, order, &batch).await? {
            Some(event) => events.push(event),
            // It is locked, so nobody can have changed it.
            None => return Err(StoreError::Unexpected("a locked alert has changed".into())),
        }
    }
    ledger.tell_all(&events).await?;
    ledger.commit().await?;
    Ok(Ok(Done { alert_id: order.alert_id, count: all.len() as u32 }))
}

/// Those of the same text that the reviewer was told of and that nobody else works on.
async fn alike<L: Ledger>(
    ledger: &mut L,
    standing: &Standing,
    order: &Order,
) -> Result<Vec<Standing>, StoreError> {
    let (Some(key), Some(up_to)) = (&standing.text_key, order.alike_up_to) else { return Ok(Vec::new()) };
    let values = [
        Value::Text(key),
        Value::Text(standing.policy.as_str()),
        Value::Number(standing.alert_id),
        Value::Number(up_to),
        Value::Text(standing.state.as_str()),
        Value::Time(order.at),
        Value::Text(&order.by.name),
        Value::Number(i64::from(MOST_ALIKE)),
    ];
    let which = include_str!("../sql/review/alike_standing.sql");
    let rows = ledger.rows(format!("{STANDING}{which}{}", L::UNLOCKED_ONLY), &values).await?;
    rows.iter().map(|row| ledger.reader().alert_standing(row)).collect()
}

async fn ruled<L: Ledger>(
    ledger: &mut L,
    standing: &Standing,
    order: &Order,
    batch: &str,
) -> Result<Option<Event>, StoreError> {
    let (state, ruling, policy, subtype) = match &order.saying {
        Saying::Escalated => (AlertState::Escalated, None, None, None),
        Saying::Ruled { ruling: Ruling::Violation, policy, subtype } => (
            AlertState::Decided,
            Some(Ruling::Violation),
            Some(policy.as_ref().unwrap_or(&standing.policy)),
            subtype.as_deref(),
        ),
        Saying::Ruled { ruling, .. } => (AlertState::Decided, Some(*ruling), None, None),
    };
    let note = order.note.as_deref();
    let stands =
        Stands { state, ruling, policy, subtype, note, claim: None, by: &order.by.name, at: order.at };
    let Some(event) = stand(ledger, standing, &stands).await? else { return Ok(None) };
    let line = Told {
        act: if state == AlertState::Decided { "decided" } else { "escalated" },
        before: Some(standing.state),
        batch: Some(batch),
        ruling: ruling.map(Ruling::as_str),
        policy,
        subtype,
        note,
    };
    told(ledger, standing.alert_id, &order.by.name, standing.generation + 1, order.at, line).await?;
    let act = if state == AlertState::Decided { Act::AlertReviewed } else { Act::AlertEscalated };
    let mut entry =
        AuditEntry::new(order.by.clone(), act, Subject::new("alert", standing.alert_id), order.at)
            .with("batch", batch);
    if let Some(ruling) = ruling {
        entry = entry.with("ruling", ruling.as_str());
    }
    trail::write(ledger, &entry).await?;
    Ok(Some(event))
}

pub(super) async fn undo<B: Books>(
    books: &B,
    actor: &Actor,
    since: DateTime<Utc>,
    lease: TimeDelta,
    at: DateTime<Utc>,
) -> Result<Result<Done, Refused>, StoreError> {
    let by = actor.name.as_str();
    let mut ledger = books.begin_ledger().await?;
    let last = ledger.row(include_str!("../sql/review/last_decision.sql"), &[Value::Text(by)]).await?;
    let Some(last) = last else { return Ok(Err(Refused::NothingToUndo)) };
    let reader = ledger.reader();
    let (act, made_at) = (reader.get(last.text("act"))?, reader.get(last.time("at"))?);
    let batch = reader.get(last.text("batch"))?;
    drop(last);
    if act == "undone" {
        return Ok(Err(Refused::NothingToUndo));
    }
    if made_at < since {
        return Ok(Err(Refused::TooLate));
    }
    let alert_id = batch.split('.').next().and_then(|id| id.parse().ok()).ok_or(unreadable("batch"))?;
    let rows =
        ledger.rows(include_str!("../sql/review/batch.sql").to_owned(), &[Value::Text(&batch)]).await?;
    let reader = ledger.reader();
    let lines = rows
        .iter()
        .map(|row| {
            let generation: u32 = reader.number(row, "generation")?;
            Ok((reader.get(row.int("alert_id"))?, generation, reader.name(row, "state_before")?))
        })
        .collect::<Result<Vec<(i64, u32, AlertState)>, StoreError>>()?;
    drop(rows);
    let mut events = Vec::with_capacity(lines.len());
    for (one, generation, before) in &lines {
        // All or nothing: what was decided together is taken back together.
        let Some(standing) = locked(&mut ledger, *one).await?.filter(|now| now.generation == *generation)
        else {
            return Ok(Err(Refused::Changed));
        };
        let claim = (*one == alert_id).then_some((by, at + lease));
        let stands =
            Stands { state: *before, ruling: None, policy: None, subtype: None, note: None, claim, by, at };
        let Some(event) = stand(&mut ledger, &standing, &stands).await? else {
            return Ok(Err(Refused::Changed));
        };
        events.push(event);
        let line =
            Told { act: "undone", before: Some(standing.state), batch: Some(&batch), ..Told::default() };
        told(&mut ledger, *one, by, generation + 1, at, line).await?;
        let entry = AuditEntry::new(actor.clone(), Act::AlertReviewUndone, Subject::new("alert", *one), at)
            .with("batch", batch.as_str());
        trail::write(&mut ledger, &entry).await?;
    }
    ledger.tell_all(&events).await?;
    ledger.commit().await?;
    Ok(Ok(Done { alert_id, count: lines.len() as u32 }))
}

/// Writes where the alert stands, and what to tell of it. None if it is of another generation by now.
async fn stand<L: Ledger>(
    ledger: &mut L,
    before: &Standing,
    now: &Stands<'_>,
) -> Result<Option<Event>, StoreError> {
    let generation = before.generation + 1;
    let values = [
        Value::Number(before.alert_id),
        Value::Number(i64::from(before.generation)),
        Value::Text(now.state.as_str()),
        Value::Number(i64::from(generation)),
        Value::TextOrNull(now.ruling.map(Ruling::as_str)),
        Value::TextOrNull(now.policy.map(Policy::as_str)),
        Value::TextOrNull(now.subtype),
        Value::TextOrNull(now.note),
        Value::TextOrNull(now.ruling.map(|_| now.by)),
        Value::TimeOrNull(now.ruling.map(|_| now.at)),
        Value::TextOrNull(now.claim.map(|(by, _)| by)),
        Value::TimeOrNull(now.claim.map(|(_, until)| until)),
    ];
    if ledger.write(include_str!("../sql/review/rule.sql"), &values).await? == 0 {
        return Ok(None);
    }
    let review = AlertReview {
        alert_id: before.alert_id,
        message_id: before.message_id.clone(),
        transaction_id: before.transaction_id.clone(),
        sender_id: before.sender_id.clone(),
        flagged: before.policy.clone(),
        state: now.state,
        ruling: now.ruling,
        policy: now.policy.cloned(),
        subtype: now.subtype.map(str::to_owned),
        by: now.by.to_owned(),
        at: now.at,
        generation,
    };
    prepare::review_event(&review).map(Some)
}
