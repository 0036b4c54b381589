//! What the room of evaluation reads and writes.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::access::Actor;
use crate::contract::{Language, MessageId, Policy, Ruling, Skill};
use crate::store::AlertSources;
use crate::store::review::{Claim, SaidMessage};

/// Days of UTC: those from the first to before the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    pub first: NaiveDate,
    pub end: NaiveDate,
}

impl Days {
    /// So many days up to today, which is among them.
    pub fn until(today: NaiveDate, count: u32) -> Self {
        let first = today - TimeDelta::days(i64::from(count) - 1);
        Self { first, end: today + TimeDelta::days(1) }
    }

    pub fn dates(self) -> impl Iterator<Item = NaiveDate> {
        self.first.iter_days().take_while(move |date| *date < self.end)
    }
}

/// The beginning of a day.
pub fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// Alerts of one day, one policy and the same sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayAlerts {
    pub day: NaiveDate,
    pub policy: Policy,
    pub sources: AlertSources,
    /// Each rule and model that fired: `rule:harassment/threat`, `model:harassment@1`.
    pub fired: Vec<String>,
    pub alerts: u64,
    /// How they were decided, if they are counted by that: violations of the policy of the alert, no such ones, and doubts.
    pub violations: u64,
    pub others: u64,
    pub unsure: u64,
}

/// A message of a random pool.
#[derive(Debug, Clone, PartialEq)]
pub struct PooledMessage {
    pub message_id: MessageId,
    pub text: String,
    pub language: Language,
    /// Final probability of every policy.
    pub policies: BTreeMap<Policy, f64>,
    /// It has an alert.
    pub alerted: bool,
}

/// Random messages of a period.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pool {
    /// Numbers of arrival in the period, and how many of them were asked for; not every number has a message.
    pub numbers: u64,
    pub asked: u64,
    pub messages: Vec<PooledMessage>,
}

/// A stratum of a sample, as it was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DrawnStratum {
    /// Probabilities below this; the last one holds 1 as well.
    pub below: f64,
    /// Messages of the pool, and those of them that are to be judged.
    pub pool: u64,
    pub chosen: u64,
}

/// A sample on its way into the store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSample {
    pub period: std::ops::Range<DateTime<Utc>>,
    pub seed: u32,
    pub numbers: u64,
    pub asked: u64,
    /// Messages without an alert among them.
    pub pool: u64,
    pub strata: Vec<DrawnStratum>,
    /// In the order in which they are judged, with the stratum of each.
    pub messages: Vec<(MessageId, usize)>,
    pub by: Actor,
    pub at: DateTime<Utc>,
}

/// A sample that was drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub sample_id: i64,
    pub drawn_at: DateTime<Utc>,
    pub drawn_by: String,
    pub period: std::ops::Range<DateTime<Utc>>,
    pub seed: u32,
    pub numbers: u64,
    pub asked: u64,
    pub pool: u64,
    pub strata: Vec<DrawnStratum>,
    pub closed_at: Option<DateTime<Utc>>,
    /// Messages that are to be judged, and those that are.
    pub size: u64,
    pub judged: u64,
}

impl Sample {
    /// How many messages without an alert the period has, by the share of the numbers asked for that led to one.
    pub fn all(&self) -> f64 {
        self.numbers as f64 * self.pool as f64 / (self.asked as f64).max(1.0)
    }
}

/// Judgements of one stratum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgements {
    pub stratum: usize,
    pub ruling: Ruling,
    /// Of a violation.
    pub policy: Option<Policy>,
    pub count: u64,
}

/// A message that should have had an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    pub position: u32,
    pub policy: Policy,
    pub by: String,
    pub at: DateTime<Utc>,
}

/// What alerts found in a period, by policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub policy: Policy,
    /// Messages whose alert people decided to be a violation of this policy.
    pub violations: u64,
    /// Alerts for this policy that nobody has decided.
    pub undecided: u64,
}

/// A sample with everything that its page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleFile {
    pub sample: Sample,
    pub judgements: Vec<Judgements>,
    /// In order; the first hundred.
    pub missed: Vec<Missed>,
    pub found: Vec<Found>,
}

/// A message of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    pub sample_id: i64,
    pub position: u32,
    pub message_id: MessageId,
    /// Of the claim.
    pub generation: u32,
    pub claim: Option<Claim>,
    pub judged: Option<Judged>,
}

/// How a message was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub ruling: Ruling,
    pub policy: Option<Policy>,
    pub by: String,
    pub at: DateTime<Utc>,
}

/// A message of a sample with what was said before it, oldest first; the message itself is the last one.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledFile {
    pub sampled: Sampled,
    pub conversation: Vec<SaidMessage>,
    pub more_before: bool,
}

/// A judgement on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judging {
    pub sample_id: i64,
    pub position: u32,
    pub generation: u32,
    pub ruling: Ruling,
    /// Of a violation, and of nothing else.
    pub policy: Option<Policy>,
    pub by: Actor,
    pub at: DateTime<Utc>,
}

/// Why a judgement was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotJudged {
    Unknown,
    /// It is somebody else's by now, is judged, or its sample is closed.
    Gone,
    /// There is nothing (any more) that the reviewer could take back.
    NothingToUndo,
}

/// Inquiries received on one day that were answered for the first time after about this long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstAnswers {
    pub day: NaiveDate,
    pub skill: Skill,
    /// Of the agent who answered.
    pub team: Option<String>,
    pub seconds: u64,
    pub count: u64,
}

/// Assignments of a team that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamEnded {
    pub team: Option<String>,
    pub ended: u64,
    /// The agent said that another skill was needed.
    pub wrong: u64,
}
