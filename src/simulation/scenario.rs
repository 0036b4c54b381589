//! The file that describes a day.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use crate::contract::{Language, Priority, Skill};
use crate::routing::{Hours, Shift};

/// A day of customer support.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub title: String,
    pub day: NaiveDate,
    time_zone: String,
    /// How often waiting inquiries are matched with agents, in milliseconds.
    pub tick_ms: u32,
    /// Work that comes in, as shares of what the agents can do: inquiries × mean handling time of somebody of proficiency 3 ×
    /// `handling.overhead`, over the time of all slots on shift.
    pub loads: Vec<f64>,
    /// Stands for "shipped", as no model is at hand.
    pub confidence_floor: f64,
    pub arrivals: Arrivals,
    pub classifier: Classifier,
    pub handling: Handling,
    pub wrong: Wrong,
    pub triage: Triage,
    pub agents: Vec<Group>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// Relative, for each hour of the day from 0 to 23.
    pub by_hour: Vec<f64>,
    /// Relative.
    pub skills: BTreeMap<Skill, f64>,
    pub languages: BTreeMap<Language, f64>,
    pub priorities: BTreeMap<Priority, f64>,
}

/// The classifier is taken to be calibrated: the truth is drawn from the distribution that it gives.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classifier {
    /// How sure it is of its first guess: shares of the inquiries, with a range of probability each.
    pub confidence: Vec<Confidence>,
    /// Share of the rest that falls on skills that are easily taken for the first guess.
    pub near: f64,
    pub confusions: BTreeMap<Skill, Vec<Skill>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confidence {
    pub share: f64,
    pub from: f64,
    pub to: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handling {
    /// Mean for somebody of proficiency 3.
    pub minutes: BTreeMap<Skill, f64>,
    /// Times the mean, what an inquiry takes in all: what beginners and wrong allocations add.
    pub overhead: f64,
    /// Standard deviation of the logarithm.
    pub spread: f64,
    /// Times the mean, for proficiency 1 to 5.
    pub by_proficiency: [f64; 5],
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrong {
    /// Probability that somebody who has the skill, with proficiency 1 to 5, cannot finish it all the same.
    pub by_proficiency: [f64; 5],
    /// The same for somebody who has only an easily confused skill; anybody else cannot finish it.
    pub neighbour: f64,
    /// Mean time until it is noticed.
    pub discovered_minutes: f64,
    /// How often the person who gives it back knows the right skill.
    pub right_skill_known: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triage {
    /// Mean time until a person has read it.
    pub minutes: f64,
    /// How often that person names the right skill.
    pub right: f64,
}

/// Agents who work alike.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub count: u32,
    pub capacity: u32,
    pub languages: Vec<Language>,
    /// Every one of them has these.
    pub main: Vec<Skill>,
    /// Shares of proficiency 1 to 5 in the main skills.
    pub main_proficiency: [f64; 5],
    /// So many others are drawn for each of them.
    pub side_skills: u32,
    pub side_proficiency: [f64; 5],
    /// `HH:MM`.
    pub from: String,
    pub to: String,
    #[serde(default)]
    pub team: Option<String>,
}

/// What is wrong with a scenario.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ScenarioError(String);

impl Scenario {
    /// Reads and checks the text of a file.
    ///
    /// # Errors
    /// What cannot be read names its key, what cannot be meant says what was expected.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let deserializer =
            toml::Deserializer::parse(text).map_err(|error| ScenarioError(error.to_string()))?;
        let scenario: Scenario = serde_path_to_error::deserialize(deserializer)
            .map_err(|error| ScenarioError(format!("`{}`: {}", error.path(), error.inner().message())))?;
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), ScenarioError> {
        let expect = |holds: bool, what: &str| {
            if holds { Ok(()) } else { Err(ScenarioError(format!("expected {what}"))) }
        };
        let share = |value: &f64| (0.0..=1.0).contains(value);
        let weights = |weights: &mut dyn Iterator<Item = &f64>| {
            let (mut total, mut usable) = (0.0, true);
            for weight in weights {
                total += weight;
                usable &= *weight >= 0.0 && weight.is_finite();
            }
            usable && total > 0.0
        };
        expect(self.tick_ms > 0, "`tick_ms` of at least 1")?;
        expect(self.time_zone.parse::<Tz>().is_ok(), "`time_zone` such as \"Asia/Tokyo\"")?;
        expect(!self.loads.is_empty() && self.loads.iter().all(|load| *load > 0.0), "`loads` above 0")?;
        expect(share(&self.confidence_floor), "`confidence_floor` from 0 to 1")?;
        expect(self.arrivals.by_hour.len() == 24, "24 numbers in `arrivals.by_hour`")?;
        expect(weights(&mut self.arrivals.by_hour.iter()), "`arrivals.by_hour` of at least 0, not all 0")?;
        expect(weights(&mut self.arrivals.skills.values()), "`arrivals.skills` of at least 0, not all 0")?;
        expect(weights(&mut self.arrivals.languages.values()), "`arrivals.languages`, not all 0")?;
        expect(weights(&mut self.arrivals.priorities.values()), "`arrivals.priorities`, not all 0")?;
        let confidence = &self.classifier.confidence;
        let ranges =
            confidence.iter().all(|range| share(&range.from) && range.from <= range.to && share(&range.to));
        expect(
            ranges && weights(&mut confidence.iter().map(|range| &range.share)),
            "`classifier.confidence` with `from` up to `to`, 0 to 1",
        )?;
        expect(share(&self.classifier.near), "`classifier.near` from 0 to 1")?;
        let known = |skill: &Skill| self.handling.minutes.get(skill).is_some_and(|minutes| *minutes > 0.0);
        expect(Skill::ALL.iter().all(known), "`handling.minutes` above 0 for every skill")?;
        expect(
            self.handling.by_proficiency.iter().all(|times| *times > 0.0),
            "`handling.by_proficiency` above 0",
        )?;
        expect(self.handling.overhead > 0.0, "`handling.overhead` above 0")?;
        expect((0.0..=2.0).contains(&self.handling.spread), "`handling.spread` from 0 to 2")?;
        expect(self.wrong.by_proficiency.iter().all(share), "`wrong.by_proficiency` from 0 to 1")?;
        expect(share(&self.wrong.neighbour) && share(&self.wrong.right_skill_known), "shares in `wrong`")?;
        expect(self.wrong.discovered_minutes > 0.0, "`wrong.discovered_minutes` above 0")?;
        expect(self.triage.minutes > 0.0 && share(&self.triage.right), "`triage` above 0, and a share")?;
        expect(self.agents.iter().any(|group| group.count > 0 && group.capacity > 0), "agents")?;
        for group in &self.agents {
            expect(weights(&mut group.main_proficiency.iter()), "`main_proficiency`, not all 0")?;
            expect(weights(&mut group.side_proficiency.iter()), "`side_proficiency`, not all 0")?;
            expect(clock(&group.from).is_some() && clock(&group.to).is_some(), "`from` and `to` as HH:MM")?;
        }
        Ok(())
    }

    /// The moment when the day begins.
    pub fn begins(&self) -> DateTime<Utc> {
        let midnight = self.day.and_time(NaiveTime::MIN);
        let zone = self.zone();
        let local = midnight.and_local_timezone(zone).earliest();
        // A zone that skips midnight on this day begins it in UTC.
        local.map_or_else(|| midnight.and_utc(), |local| local.with_timezone(&Utc))
    }

    fn zone(&self) -> Tz {
        self.time_zone.parse().unwrap_or(Tz::UTC)
    }

    /// Hours of a group, on every day of the week.
    pub(super) fn hours(&self, group: &Group) -> Hours {
        use chrono::Weekday::*;
        let time = |text: &str| clock(text).unwrap_or(NaiveTime::MIN);
        let shift = Shift {
            days: vec![Mon, Tue, Wed, Thu, Fri, Sat, Sun],
            from: time(&group.from),
            to: time(&group.to),
        };
        Hours { time_zone: self.zone(), shifts: vec![shift] }
    }

    /// Minutes of a group's shift.
    pub(super) fn shift_minutes(&self, group: &Group) -> f64 {
        let time = |text: &str| clock(text).unwrap_or(NaiveTime::MIN);
        let minutes = (time(&group.to) - time(&group.from)).num_minutes() as f64;
        if minutes <= 0.0 { minutes + 24.0 * 60.0 } else { minutes }
    }

    /// Inquiries that are expected at a load.
    pub(super) fn inquiries(&self, load: f64) -> f64 {
        let slots: f64 = self
            .agents
            .iter()
            .map(|group| f64::from(group.count * group.capacity) * self.shift_minutes(group))
            .sum();
        let weight: f64 = self.arrivals.skills.values().sum();
        let minutes: f64 =
            self.arrivals.skills.iter().map(|(skill, share)| share * self.handling.minutes[skill]).sum();
        load * slots * weight / (minutes * self.handling.overhead)
    }
}

fn clock(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M").ok()
}
