//! Alerts by day. How many there were on days that are over stands in a table that a sweep fills; how they were decided is always read
//! from the alerts themselves, as an old one may be decided today.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::types::{DayAlerts, Days, midnight};
use crate::contract::Policy;
use crate::store::StoreError;
use crate::store::fault::unreadable;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::rows::Reader;

/// Days back that the sweep fills.
const FILLED_DAYS: u32 = 92;
/// Days that are filled again and again, for alerts that came into the database late, and how often.
const UNSETTLED_DAYS: i64 = 3;
const AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);

/// Counts the alerts of a period by day, policy and sources; `decided` counts the decided ones only, and how they were decided.
pub fn counted(day: (&str, &str), decided: bool) -> String {
    let what = if decided {
        include_str!("../sql/evaluation/judged.sql")
    } else {
        include_str!("../sql/evaluation/alerts.sql")
    };
    what.replace("DAY", &format!("{}created_at{}", day.0, day.1))
}

pub(super) async fn alerts<B: Books>(books: &B, days: Days) -> Result<Vec<DayAlerts>, StoreError> {
    let values = [Value::Number(number(days.first)), Value::Number(number(days.end))];
    let filled = books.list("select day from rolled_days where day >= $1 and day < $2", &values).await?;
    let filled: BTreeSet<i64> =
        filled.iter().map(|row| books.place().get(row.int("day"))).collect::<Result<_, _>>()?;
    let rows = books.list(include_str!("../sql/evaluation/rolled.sql"), &values).await?;
    let mut counts = rows.iter().map(|row| read(&books.place(), row)).collect::<Result<Vec<_>, _>>()?;
    drop(rows);
    for period in gaps(days, &filled) {
        counts.extend(live(books, period, false).await?);
    }
    Ok(counts)
}

/// Stretches of days that are not filled: today, and those that no sweep has come to.
fn gaps(days: Days, filled: &BTreeSet<i64>) -> Vec<Range<DateTime<Utc>>> {
    let mut gaps: Vec<Range<DateTime<Utc>>> = Vec::new();
    for date in days.dates().filter(|date| !filled.contains(&number(*date))) {
        let (start, end) = (midnight(date), midnight(date + TimeDelta::days(1)));
        match gaps.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => gaps.push(start..end),
        }
    }
    gaps
}

pub(super) async fn judged<B: Books>(books: &B, days: Days) -> Result<Vec<DayAlerts>, StoreError> {
    live(books, midnight(days.first)..midnight(days.end), true).await
}

async fn live<B: Books>(
    books: &B,
    period: Range<DateTime<Utc>>,
    decided: bool,
) -> Result<Vec<DayAlerts>, StoreError> {
    let values = [Value::Time(period.start), Value::Time(period.end)];
    let rows = books.list_built(counted(B::Ledger::DAY, decided), &values).await?;
    rows.iter().map(|row| read(&books.place(), row)).collect()
}

fn read(reader: &Reader<'_>, row: &impl Fields) -> Result<DayAlerts, StoreError> {
    let fired = reader.get(row.text("fired"))?;
    Ok(DayAlerts {
        day: date(reader.get(row.int("day"))?)?,
        policy: Policy::new(reader.get(row.text("policy"))?),
        sources: reader.name(row, "sources")?,
        fired: fired.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        alerts: reader.number(row, "alerts")?,
        violations: reader.number(row, "violations")?,
        others: reader.number(row, "others")?,
        unsure: reader.number(row, "unsure")?,
    })
}

/// Fills the days that are over and are not filled yet, and once more those that may have grown. Says how many.
pub(super) async fn roll_up<B: Books>(books: &B, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let today = now.date_naive();
    let values = [Value::Number(number(today) - i64::from(FILLED_DAYS)), Value::Number(number(today))];
    let sql = "select day, rolled_at from rolled_days where day >= $1 and day < $2";
    let rows = books.list(sql, &values).await?;
    let mut settled = BTreeSet::new();
    for row in &rows {
        let day = books.place().get(row.int("day"))?;
        let recent = books.place().get(row.time("rolled_at"))? > now - AGAIN_AFTER;
        if recent || day < number(today) - UNSETTLED_DAYS {
            settled.insert(day);
        }
    }
    drop(rows);
    let due = Days { first: today - TimeDelta::days(i64::from(FILLED_DAYS)), end: today };
    let mut done = 0;
    for date in due.dates().filter(|date| !settled.contains(&number(*date))) {
        fill(books, date, now).await?;
        done += 1;
    }
    Ok(done)
}

/// Two who fill the same day wait for each other at the first statement, and write the same.
async fn fill<B: Books>(books: &B, date: NaiveDate, now: DateTime<Utc>) -> Result<(), StoreError> {
    let day = Value::Number(number(date));
    let mut ledger = books.begin_ledger().await?;
    ledger.write(include_str!("../sql/evaluation/mark_day.sql"), &[day, Value::Time(now)]).await?;
    ledger.write("delete from alert_days where day = $1", &[day]).await?;
    let values = [day, Value::Time(midnight(date)), Value::Time(midnight(date + TimeDelta::days(1)))];
    ledger.write(include_str!("../sql/evaluation/fill_day.sql"), &values).await?;
    ledger.commit().await
}

/// Days since 1970-01-01.
pub(super) fn number(date: NaiveDate) -> i64 {
    midnight(date).timestamp().div_euclid(86_400)
}

pub(super) fn date(number: i64) -> Result<NaiveDate, StoreError> {
    let time = number.checked_mul(86_400).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.map(|time| time.date_naive()).ok_or(unreadable("day"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_without_a_filled_day_are_read_together() {
        let today: NaiveDate = "2026-11-22".parse().unwrap();
        assert_eq!(date(number(today)).unwrap(), today);
        let days = Days::until(today, 5);
        let filled = BTreeSet::from([number(today) - 3, number(today) - 2]);
        let day = |text: &str| midnight(text.parse().unwrap());
        let expected = [day("2026-11-18")..day("2026-11-19"), day("2026-11-21")..day("2026-11-23")];
        assert_eq!(gaps(days, &filled), expected);
    }
}
