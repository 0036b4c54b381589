//! Models in shadow: counts of what they and the live models agreed on, and the first messages of each day on which they did not.

mod types;

use std::ops::Range;

use async_trait::async_trait;
use chrono::{DateTime, NaiveTime, Utc};

pub use types::*;

use super::StoreError;
use super::fault::unreadable;
use super::fields::Fields;
use super::ledger::{Books, Ledger, Value};
use super::rows::Reader;
use super::types::Page;
use crate::contract::{MessageId, Policy};

/// Differences that are kept of one day, pair, policy and side. With several workers it can be a few more.
pub const MOST_DIFFERENCES: u64 = 500;
/// Pairs and policies that are listed.
const LISTED: i64 = 100;

/// What the shadow is compared by.
#[async_trait]
pub trait ShadowStore: Send + Sync {
    /// Adds to the counts of the day, and keeps differences as long as the day has fewer than [`MOST_DIFFERENCES`] of their kind.
    async fn add_comparison(&self, comparison: &Comparison) -> Result<(), StoreError>;

    /// What pairs agreed on in a period of whole days (the one of `start` included, `end` not), the last compared first.
    async fn shadow_counts(&self, period: Range<DateTime<Utc>>) -> Result<Vec<ShadowCount>, StoreError>;

    /// What reviewers decided about the differences of the same period.
    async fn shadow_rulings(&self, period: Range<DateTime<Utc>>) -> Result<Vec<ShadowRuling>, StoreError>;

    /// Messages that only one side would report, newest first.
    async fn shadow_differences(
        &self,
        pair: &Pair,
        policy: &Policy,
        side: Side,
        page: Page,
    ) -> Result<Vec<DifferenceRow>, StoreError>;

    /// Deletes differences and counts from before these times, and says how many rows that were.
    async fn purge_shadow(
        &self,
        differences_before: DateTime<Utc>,
        counts_before: DateTime<Utc>,
    ) -> Result<u64, StoreError>;
}

/// Both databases, by the same statements.
#[async_trait]
impl<B: Books + Send> ShadowStore for B {
    async fn add_comparison(&self, comparison: &Comparison) -> Result<(), StoreError> {
        add(self, comparison).await
    }

    async fn shadow_counts(&self, period: Range<DateTime<Utc>>) -> Result<Vec<ShadowCount>, StoreError> {
        let values = [Value::Time(midnight(period.start)), Value::Time(period.end), Value::Number(LISTED)];
        let rows = self.list(include_str!("../sql/shadow/counts.sql"), &values).await?;
        rows.iter().map(|row| count(&self.place(), row)).collect()
    }

    async fn shadow_rulings(&self, period: Range<DateTime<Utc>>) -> Result<Vec<ShadowRuling>, StoreError> {
        let values = [Value::Time(midnight(period.start)), Value::Time(period.end)];
        let rows = self.list(include_str!("../sql/shadow/rulings.sql"), &values).await?;
        rows.iter().map(|row| ruling(&self.place(), row)).collect()
    }

    async fn shadow_differences(
        &self,
        pair: &Pair,
        policy: &Policy,
        side: Side,
        page: Page,
    ) -> Result<Vec<DifferenceRow>, StoreError> {
        // PostgreSQL takes no NUL in a text, and so holds none.
        if [&pair.shadow, &pair.live, &policy.0].into_iter().any(|text| text.contains('\0')) {
            return Ok(Vec::new());
        }
        let values = [
            Value::Text(&pair.shadow),
            Value::Text(&pair.live),
            Value::Text(policy.as_str()),
            Value::Text(side.as_str()),
            Value::Number(i64::from(page.limit)),
            Value::Number(i64::from(page.offset)),
        ];
        let rows = self.list(include_str!("../sql/shadow/differences.sql"), &values).await?;
        rows.iter().map(|row| difference(&self.place(), row)).collect()
    }

    async fn purge_shadow(
        &self,
        differences_before: DateTime<Utc>,
        counts_before: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let old = "delete from shadow_differences where judged_at < $1";
        let differences = self.act(old, &[Value::Time(differences_before)]).await?;
        let old = "delete from shadow_counts where day < $1";
        Ok(differences + self.act(old, &[Value::Time(counts_before)]).await?)
    }
}

async fn add<B: Books>(books: &B, comparison: &Comparison) -> Result<(), StoreError> {
    let Comparison { pair, agreements, differences, at } = comparison;
    let mut ledger = books.begin_ledger().await?;
    // By policy: two workers take the rows in one order.
    let mut agreements: Vec<_> = agreements.iter().collect();
    agreements.sort_by(|a, b| a.0.cmp(&b.0));
    for (policy, agreement) in agreements {
        let number = |count: u64| Value::Number(i64::try_from(count).unwrap_or(i64::MAX));
        let values = [
            Value::Time(midnight(*at)),
            Value::Text(&pair.live),
            Value::Text(&pair.shadow),
            Value::Text(policy.as_str()),
            number(agreement.flagged),
            number(agreement.clear),
            number(agreement.only_live),
            number(agreement.only_shadow),
        ];
        let row = ledger.row(include_str!("../sql/shadow/count.sql"), &values).await?;
        let Some(row) = row else {
            return Err(StoreError::Unexpected("a count came back without a row".into()));
        };
        let so_far: [u64; 2] =
            [ledger.reader().number(&row, "only_live")?, ledger.reader().number(&row, "only_shadow")?];
        drop(row);
        for (side, so_far) in Side::ALL.into_iter().zip(so_far) {
            let own: Vec<_> =
                differences.iter().filter(|one| one.policy == *policy && one.side == side).collect();
            // Those of before are counted already.
            let before = so_far.saturating_sub(own.len() as u64);
            let room = MOST_DIFFERENCES.saturating_sub(before) as usize;
            for one in own.into_iter().take(room) {
                let values = [
                    Value::Text(&pair.shadow),
                    Value::Text(&pair.live),
                    Value::Text(policy.as_str()),
                    Value::Text(side.as_str()),
                    Value::Text(one.message_id.as_str()),
                    Value::Float(one.live_probability),
                    Value::Float(one.shadow_probability),
                    Value::Time(*at),
                ];
                ledger.write(include_str!("../sql/shadow/difference.sql"), &values).await?;
            }
        }
    }
    ledger.commit().await
}

/// The beginning of the day, UTC.
fn midnight(at: DateTime<Utc>) -> DateTime<Utc> {
    at.with_time(NaiveTime::MIN).single().unwrap_or(at)
}

fn pair(reader: &Reader<'_>, row: &impl Fields) -> Result<Pair, StoreError> {
    Ok(Pair { live: reader.get(row.text("live"))?, shadow: reader.get(row.text("shadow"))? })
}

fn count(reader: &Reader<'_>, row: &impl Fields) -> Result<ShadowCount, StoreError> {
    Ok(ShadowCount {
        pair: pair(reader, row)?,
        policy: Policy::new(reader.get(row.text("policy"))?),
        last_day: reader.get(row.time("last_day"))?,
        agreement: Agreement {
            flagged: reader.number(row, "agreed_flagged")?,
            clear: reader.number(row, "agreed_clear")?,
            only_live: reader.number(row, "only_live")?,
            only_shadow: reader.number(row, "only_shadow")?,
        },
    })
}

fn ruling(reader: &Reader<'_>, row: &impl Fields) -> Result<ShadowRuling, StoreError> {
    let side = reader.get(row.text("side"))?;
    Ok(ShadowRuling {
        pair: pair(reader, row)?,
        policy: Policy::new(reader.get(row.text("policy"))?),
        side: Side::ALL.into_iter().find(|one| one.as_str() == side).ok_or(unreadable("side"))?,
        kept: reader.number(row, "kept")?,
        violations: reader.number(row, "violations")?,
        others: reader.number(row, "others")?,
        unsure: reader.number(row, "unsure")?,
    })
}

fn difference(reader: &Reader<'_>, row: &impl Fields) -> Result<DifferenceRow, StoreError> {
    let ruling = reader.get(row.text_or_null("ruling"))?;
    let ruling = ruling.map(|name| name.parse()).transpose().map_err(|_| unreadable("ruling"))?;
    let ruled_policy = reader.get(row.text_or_null("ruled_policy"))?.map(Policy::new);
    Ok(DifferenceRow {
        message_id: reader.id(row, "message_id", MessageId::new)?,
        transaction_id: reader.transaction(row)?,
        role: reader.name(row, "sender_role")?,
        text: reader.get(row.text("text"))?,
        live_probability: reader.get(row.float("live_probability"))?,
        shadow_probability: reader.get(row.float("shadow_probability"))?,
        judged_at: reader.get(row.time("judged_at"))?,
        alert_id: reader.get(row.int_or_null("alert_id"))?,
        ruling: ruling.map(|ruling| (ruling, ruled_policy)),
    })
}
