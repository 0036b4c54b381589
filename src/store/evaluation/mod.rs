//! What the room of evaluation asks: alerts and decisions by day, audit samples of messages without an alert, how long inquiries waited for
//! a first answer, and random messages of two periods. Written once for both databases.

mod answers;
mod days;
mod judging;
mod pool;
mod samples;
mod types;

use std::ops::Range;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

pub use days::counted;
pub use types::*;

use super::StoreError;
use super::ledger::Books;
use crate::access::Actor;

/// Figures over time, and samples that people judge.
#[async_trait]
pub trait EvaluationStore: Send + Sync {
    /// Alerts of these days by policy and sources, without how they were decided.
    async fn alerts_by_day(&self, days: Days) -> Result<Vec<DayAlerts>, StoreError>;

    /// Decided alerts of these days (by the day of the alert, whenever it was decided), and how.
    async fn judged_by_day(&self, days: Days) -> Result<Vec<DayAlerts>, StoreError>;

    /// Counts the alerts of days that are over, for [`EvaluationStore::alerts_by_day`]; says how many days. To repeat it is harmless.
    async fn roll_up(&self, now: DateTime<Utc>) -> Result<u64, StoreError>;

    /// At most `most` random messages with a verdict that came in during the period, each as likely as any other.
    async fn random_messages(
        &self,
        period: Range<DateTime<Utc>>,
        most: u32,
        seed: u32,
    ) -> Result<Pool, StoreError>;

    /// The same of messages with an alert of the period, by the alerts.
    async fn random_flagged(
        &self,
        period: Range<DateTime<Utc>>,
        most: u32,
        seed: u32,
    ) -> Result<Pool, StoreError>;

    /// Keeps a sample, and gives its number.
    async fn add_sample(&self, sample: &NewSample) -> Result<i64, StoreError>;

    /// The latest samples, newest first.
    async fn samples(&self, limit: u32) -> Result<Vec<Sample>, StoreError>;

    async fn sample(&self, sample: i64) -> Result<Option<SampleFile>, StoreError>;

    /// Nothing more of the sample is judged. `false` if it is closed, or there is no such.
    async fn close_sample(&self, sample: i64, by: &Actor, at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Claims the next message of an open sample that nobody else has; what the reviewer has already comes first. None if there is none.
    async fn claim_sampled(
        &self,
        by: &str,
        lease: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Option<(i64, u32)>, StoreError>;

    /// Gives back what the reviewer has. `false` if that is nothing.
    async fn release_sampled(&self, by: &str) -> Result<bool, StoreError>;

    /// What the reviewer has, and how many messages of open samples nobody has judged.
    async fn judging_of(&self, by: &str) -> Result<(Option<(i64, u32)>, u64), StoreError>;

    /// A message of a sample with at most `before` messages before it.
    async fn sampled(
        &self,
        sample: i64,
        position: u32,
        before: u32,
    ) -> Result<Option<SampledFile>, StoreError>;

    /// Judges what the reviewer has claimed.
    async fn judge(&self, judging: &Judging) -> Result<Result<(), NotJudged>, StoreError>;

    /// Takes back the reviewer's last judgement if it was made at `since` or later, and claims that message again.
    async fn undo_judgement(
        &self,
        by: &Actor,
        since: DateTime<Utc>,
        lease: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Result<(), NotJudged>, StoreError>;

    /// How long inquiries that were received in these days waited until an agent accepted or resolved them for the first time.
    async fn first_answers(&self, days: Days) -> Result<Vec<FirstAnswers>, StoreError>;

    /// Assignments that ended since then, by the team of the agent.
    async fn ended_by_team(&self, since: DateTime<Utc>) -> Result<Vec<TeamEnded>, StoreError>;
}

#[async_trait]
impl<B: Books + Send> EvaluationStore for B {
    async fn alerts_by_day(&self, days: Days) -> Result<Vec<DayAlerts>, StoreError> {
        days::alerts(self, days).await
    }

    async fn judged_by_day(&self, days: Days) -> Result<Vec<DayAlerts>, StoreError> {
        days::judged(self, days).await
    }

    async fn roll_up(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        days::roll_up(self, now).await
    }

    async fn random_messages(
        &self,
        period: Range<DateTime<Utc>>,
        most: u32,
        seed: u32,
    ) -> Result<Pool, StoreError> {
        pool::messages(self, period, most, seed).await
    }

    async fn random_flagged(
        &self,
        period: Range<DateTime<Utc>>,
        most: u32,
        seed: u32,
    ) -> Result<Pool, StoreError> {
        pool::flagged(self, period, most, seed).await
    }

    async fn add_sample(&self, sample: &NewSample) -> Result<i64, StoreError> {
        samples::add(self, sample).await
    }

    async fn samples(&self, limit: u32) -> Result<Vec<Sample>, StoreError> {
        samples::latest(self, limit).await
    }

    async fn sample(&self, sample: i64) -> Result<Option<SampleFile>, StoreError> {
        samples::file(self, sample).await
    }

    async fn close_sample(&self, sample: i64, by: &Actor, at: DateTime<Utc>) -> Result<bool, StoreError> {
        samples::close(self, sample, by, at).await
    }

    async fn claim_sampled(
        &self,
        by: &str,
        lease: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Option<(i64, u32)>, StoreError> {
        judging::claim(self, by, lease, at).await
    }

    async fn release_sampled(&self, by: &str) -> Result<bool, StoreError> {
        judging::release(self, by).await
    }

    async fn judging_of(&self, by: &str) -> Result<(Option<(i64, u32)>, u64), StoreError> {
        judging::standing_of(self, by).await
    }

    async fn sampled(
        &self,
        sample: i64,
        position: u32,
        before: u32,
    ) -> Result<Option<SampledFile>, StoreError> {
        judging::file(self, sample, position, before).await
    }

    async fn judge(&self, judging: &Judging) -> Result<Result<(), NotJudged>, StoreError> {
        judging::judge(self, judging).await
    }

    async fn undo_judgement(
        &self,
        by: &Actor,
        since: DateTime<Utc>,
        lease: TimeDelta,
        at: DateTime<Utc>,
    ) -> Result<Result<(), NotJudged>, StoreError> {
        judging::undo(self, by, since, lease, at).await
    }

    async fn first_answers(&self, days: Days) -> Result<Vec<FirstAnswers>, StoreError> {
        answers::first(self, days).await
    }

    async fn ended_by_team(&self, since: DateTime<Utc>) -> Result<Vec<TeamEnded>, StoreError> {
        answers::ended(self, since).await
    }
}
