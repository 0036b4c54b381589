//! How soon inquiries were answered, and how often by the wrong team.

use chrono::{DateTime, Utc};

use super::days::date;
use super::types::*;
use crate::store::StoreError;
use crate::store::fields::Fields;
use crate::store::ledger::{Books, Ledger, Value};

/// The statement of [`first`], for those who look at its plan.
fn statement<L: Ledger>() -> String {
    let ((before_day, after_day), (before, after)) = (L::DAY, L::SECONDS);
    include_str!("../sql/evaluation/first_answers.sql")
        .replace("DAY", &format!("{before_day}i.received_at{after_day}"))
        .replace("ELAPSED", &format!("{before}i.first_response_at - i.received_at{after}"))
}

pub(super) async fn first<B: Books>(books: &B, days: Days) -> Result<Vec<FirstAnswers>, StoreError> {
    let values = [Value::Time(midnight(days.first)), Value::Time(midnight(days.end))];
    let rows = books.list_built(statement::<B::Ledger>(), &values).await?;
    let reader = books.place();
    rows.iter()
        .map(|row| {
            Ok(FirstAnswers {
                day: date(reader.get(row.int("day"))?)?,
                skill: reader.name(row, "skill")?,
                team: reader.get(row.text_or_null("team"))?,
                // Clocks differ: an answer may seem to come before its question.
                seconds: u64::try_from(reader.get(row.int("seconds"))?).unwrap_or(0),
                count: reader.number(row, "count")?,
            })
        })
        .collect()
}

pub(super) async fn ended<B: Books>(books: &B, since: DateTime<Utc>) -> Result<Vec<TeamEnded>, StoreError> {
    let rows = books.list(include_str!("../sql/evaluation/team_ended.sql"), &[Value::Time(since)]).await?;
    let reader = books.place();
    rows.iter()
        .map(|row| {
            Ok(TeamEnded {
                team: reader.get(row.text_or_null("team"))?,
                ended: reader.number(row, "ended")?,
                wrong: reader.number(row, "wrong")?,
            })
        })
        .collect()
}
