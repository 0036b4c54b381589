//! How much rules find, and what came of it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::types::*;
use crate::contract::Policy;
use crate::store::StoreError;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::prepare::day_of;

/// So many findings of a rule are looked at for those that an alert came of.
const LOOKED_AT: i64 = 500;

fn day_number(day: NaiveDate) -> Value<'static> {
    Value::Number(day_of(day.and_time(chrono::NaiveTime::MIN).and_utc()))
}

fn day(number: i64) -> Option<NaiveDate> {
    DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::try_days(number)?).map(|time| time.date_naive())
}

pub(super) async fn volumes<B: Books>(
    books: &B,
    longer: NaiveDate,
    shorter: NaiveDate,
) -> Result<Vec<RuleVolume>, StoreError> {
    let values = [day_number(longer), day_number(shorter)];
    let rows = books.list(include_str!("../sql/rules/volumes.sql"), &values).await?;
    let reader = books.place();
    rows.iter()
        .map(|row| {
            Ok(RuleVolume {
                rule_id: reader.get(row.text("rule_id"))?,
                shadow: reader.get(row.truth("shadow"))?,
                shorter: reader.number(row, "shorter")?,
                longer: reader.number(row, "longer")?,
            })
        })
        .collect()
}

pub(super) async fn days<B: Books>(
    books: &B,
    rule_id: &str,
    since: NaiveDate,
) -> Result<Vec<RuleDay>, StoreError> {
    let values = [Value::Text(rule_id), day_number(since)];
    let rows = books.list(include_str!("../sql/rules/days.sql"), &values).await?;
    let reader = books.place();
    rows.iter()
        .map(|row| {
            Ok(RuleDay {
                day: day(reader.get(row.int("day"))?).ok_or(unreadable("day"))?,
                shadow: reader.get(row.truth("shadow"))?,
                findings: reader.number(row, "findings")?,
            })
        })
        .collect()
}

pub(super) async fn alerts<B: Books>(
    books: &B,
    rule_id: &str,
    limit: u32,
) -> Result<Vec<RuleAlert>, StoreError> {
    let source = format!("rule:{rule_id}");
    let values = [Value::Text(&source), Value::Number(i64::from(limit)), Value::Number(LOOKED_AT)];
    let rows = books.list(include_str!("../sql/rules/alerts.sql"), &values).await?;
    let reader = books.place();
    rows.iter()
        .map(|row| {
            Ok(RuleAlert {
                alert_id: reader.get(row.int("alert_id"))?,
                policy: Policy::new(reader.get(row.text("policy"))?),
                action: reader.name(row, "action")?,
                score: reader.get(row.float("score"))?,
                created_at: reader.get(row.time("created_at"))?,
                state: reader.name(row, "state")?,
                ruling: reader
                    .get(row.text_or_null("ruling"))?
                    .map(|name| name.parse().map_err(|_| unreadable("ruling")))
                    .transpose()?,
            })
        })
        .collect()
}

pub(super) async fn shadow<B: Books>(
    books: &B,
    since: DateTime<Utc>,
) -> Result<Vec<ShadowCount>, StoreError> {
    let rows = books.list(include_str!("../sql/rules/shadow_figures.sql"), &[Value::Time(since)]).await?;
    let reader = books.place();
    rows.iter()
        .map(|row| {
            Ok(ShadowCount {
                rule_id: reader.get(row.text("rule_id"))?,
                violations: reader.number(row, "violations")?,
                others: reader.number(row, "others")?,
                unsure: reader.number(row, "unsure")?,
            })
        })
        .collect()
}

pub(super) async fn purge_shadow<B: Books>(books: &B, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let mut ledger = books.begin_ledger().await?;
    let gone =
        ledger.write("delete from shadow_findings where decided_at < $1", &[Value::Time(before)]).await?;
    ledger.commit().await?;
    Ok(gone)
}
