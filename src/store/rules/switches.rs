//! Which rules are switched off.

use std::collections::BTreeSet;

use super::types::*;
use crate::access::{Act, AuditEntry, Subject};
use crate::store::StoreError;
use crate::store::accounts::trail;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::rows::Reader;

const COLUMNS: &str = "select rule_id, is_off, reason, switched_by, switched_at, generation from rule_switches where rule_id = $1";

pub(super) async fn off<B: Books>(books: &B) -> Result<BTreeSet<String>, StoreError> {
    let rows = books.list(include_str!("../sql/rules/off.sql"), &[]).await?;
    rows.iter().map(|row| books.place().get(row.text("rule_id"))).collect()
}

pub(super) async fn all<B: Books>(books: &B, limit: u32) -> Result<Vec<RuleSwitch>, StoreError> {
    let values = [Value::Number(i64::from(limit))];
    let rows = books.list(include_str!("../sql/rules/switches.sql"), &values).await?;
    rows.iter().map(|row| switch_of(&books.place(), row)).collect()
}

fn switch_of(reader: &Reader<'_>, row: &impl Fields) -> Result<RuleSwitch, StoreError> {
    Ok(RuleSwitch {
        rule_id: reader.get(row.text("rule_id"))?,
        off: reader.get(row.truth("is_off"))?,
        reason: reader.get(row.text("reason"))?,
        by: reader.get(row.text("switched_by"))?,
        at: reader.get(row.time("switched_at"))?,
        generation: reader.number(row, "generation")?,
    })
}

pub(super) async fn switch<B: Books>(books: &B, order: &SwitchOrder) -> Result<Switched, StoreError> {
    let id = Value::Text(&order.rule_id);
    let mut ledger = books.begin_ledger().await?;
    let row = ledger.row(COLUMNS, &[id]).await?;
    let seen = row.map(|row| switch_of(&ledger.reader(), &row)).transpose()?;
    let stands =
        (seen.as_ref().map_or(0, |seen| seen.generation), seen.as_ref().is_some_and(|seen| seen.off));
    if stands.0 != order.generation {
        return Ok(Switched::Stale(seen));
    }
    if stands.1 == order.off {
        return Ok(Switched::Already);
    }
    let first = [
        id,
        Value::Truth(order.off),
        Value::Text(order.reason.as_str()),
        Value::Text(&order.by.name),
        Value::Time(order.at),
    ];
    // Whoever else has read the same row writes first or after: the other one then changes nothing here.
    let written = if order.generation == 0 {
        ledger.write(include_str!("../sql/rules/switch_first.sql"), &first).await?
    } else {
        let generation = [Value::Number(i64::from(order.generation))];
        let values: Vec<Value<'_>> = first.into_iter().chain(generation).collect();
        ledger.write(include_str!("../sql/rules/switch.sql"), &values).await?
    };
    if written == 0 {
        let row = ledger.row(COLUMNS, &[id]).await?;
        return Ok(Switched::Stale(row.map(|row| switch_of(&ledger.reader(), &row)).transpose()?));
    }
    let subject = Subject::new("rule", &order.rule_id);
    let entry = AuditEntry::new(order.by.clone(), Act::RuleSwitched, subject, order.at)
        .with("off", order.off)
        .with("reason", order.reason.as_str())
        .with("generation", order.generation + 1);
    trail::write(&mut ledger, &entry).await?;
    ledger.commit().await?;
    Ok(Switched::Done)
}
