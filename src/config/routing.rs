//! The section `[routing]`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde::Deserialize;

use super::values::{self, Threshold};
use crate::contract::{Channel, Priority, Skill};
use crate::routing::{Policy, Step};

/// Weights beyond this are slips of the pen.
const HEAVIEST: f64 = 10.0;

const MOST_PLACES: u32 = 100;

/// Who gets an inquiry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingConfig {
    pub confidence_floor: Threshold,
    pub suitability: [f64; 5],
    pub neighbour_share: f64,
    pub scarcity_weight: f64,
    pub fairness_weight: f64,
    pub open_matter_weight: f64,
    pub returning_weight: f64,
    pub returning_days: u32,
    pub urgency_weight: f64,
    pub safety_skills: BTreeSet<Skill>,
    pub exact_pairs: usize,
    #[serde(deserialize_with = "values::at_least_one")]
    pub keep_decisions_days: u32,
    pub offer_s: u32,
    pub expired_excludes_s: u32,
    pub away_grace_s: u32,
    pub target_s: BTreeMap<Priority, u32>,
    pub channel_weights: BTreeMap<Channel, u32>,
    pub neighbours: BTreeMap<Skill, Vec<Skill>>,
    pub teams: BTreeMap<String, Vec<Skill>>,
    pub steps: Vec<StepConfig>,
}

/// What is asked of an agent from some time of waiting on.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepConfig {
    pub after_s: u32,
    pub min_proficiency: u8,
    pub neighbours: bool,
    pub any_team: bool,
}

impl RoutingConfig {
    /// The policy of the engine, given the confidence floor that came with the model.
    pub fn policy(&self, shipped_floor: f64) -> Policy {
        let step = |step: &StepConfig| Step {
            after_seconds: step.after_s,
            min_proficiency: step.min_proficiency,
            neighbours: step.neighbours,
            any_team: step.any_team,
        };
        Policy {
            confidence_floor: self.confidence_floor.resolve(shipped_floor),
            suitability: self.suitability,
            neighbour_share: self.neighbour_share,
            scarcity_weight: self.scarcity_weight,
            fairness_weight: self.fairness_weight,
            open_matter_weight: self.open_matter_weight,
            returning_weight: self.returning_weight,
            urgency_weight: self.urgency_weight,
            target_seconds: self.target_s.iter().map(|(priority, s)| (priority.as_str(), *s)).collect(),
            safety_skills: self.safety_skills.clone(),
            channel_weights: self.channel_weights.clone(),
            neighbours: self.neighbours.clone(),
            teams: self.teams.clone(),
            steps: self.steps.iter().map(step).collect(),
            set_aside_seconds: self.expired_excludes_s,
            exact_pairs: self.exact_pairs,
        }
    }

    /// How long an agent may think about an offer; none if they have it at once.
    pub fn offer(&self) -> Option<TimeDelta> {
        seconds(self.offer_s)
    }

    /// How long an agent counts as knowing a customer whose inquiry they finished.
    pub fn returning(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.returning_days))
    }

    /// How long somebody has to be away before what they have not begun goes back; none for never.
    pub fn away_grace(&self) -> Option<TimeDelta> {
        seconds(self.away_grace_s)
    }

    /// Key and complaint of the first value that cannot be meant.
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        let complain = |key: &str, detail: &str| Err((key.to_owned(), detail.to_owned()));
        let share = |value: f64| (0.0..=1.0).contains(&value);
        if !self.suitability.iter().all(|value| share(*value)) || !self.suitability.is_sorted() {
            return complain(
                "suitability",
                "expected five numbers from 0 to 1, none below the one before it",
            );
        }
        if !share(self.neighbour_share) {
            return complain("neighbour_share", "expected a number from 0 to 1");
        }
        for (key, weight) in [
            ("scarcity_weight", self.scarcity_weight),
            ("fairness_weight", self.fairness_weight),
            ("open_matter_weight", self.open_matter_weight),
            ("returning_weight", self.returning_weight),
            ("urgency_weight", self.urgency_weight),
        ] {
            if !(0.0..=HEAVIEST).contains(&weight) {
                return complain(key, "expected a number from 0 to 10");
            }
        }
        if self.target_s.values().any(|seconds| *seconds == 0) {
            return complain("target_s", "expected seconds, at least 1, for each priority");
        }
        if !self.channel_weights.values().all(|weight| (1..=MOST_PLACES).contains(weight)) {
            return complain("channel_weights", "expected a whole number from 1 to 100 for each channel");
        }
        if !self.channel_weights.contains_key(&Channel::default()) {
            return complain(
                "channel_weights",
                "expected a weight for `mail`, which an inquiry without a channel has",
            );
        }
        if self.steps.first().is_none_or(|first| first.after_s != 0)
            || !self.steps.is_sorted_by(|a, b| a.after_s < b.after_s)
        {
            return complain("steps", "expected a first step with after_s = 0 and each next one later");
        }
        if self.steps.iter().any(|step| !(1..=5).contains(&step.min_proficiency)) {
            return complain("steps", "expected min_proficiency from 1 to 5");
        }
        Ok(())
    }
}

fn seconds(setting: u32) -> Option<TimeDelta> {
    (setting > 0).then(|| TimeDelta::seconds(i64::from(setting)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::config::Config;

    fn with(toml: &str) -> Result<Config, crate::config::ConfigError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "[routing]\n{toml}").unwrap();
        Config::load(Some(file.path()), [])
    }

    #[test]
    fn what_cannot_be_meant_names_its_key() {
        for (toml, key) in [
            ("suitability = [0.5, 0.4, 0.8, 0.9, 1.0]", "routing.suitability"),
            ("fairness_weight = -1.0", "routing.fairness_weight"),
            ("steps = []", "routing.steps"),
            (
                "steps = [{after_s = 5, min_proficiency = 1, neighbours = false, any_team = false}]",
                "routing.steps",
            ),
            (
                "steps = [{after_s = 0, min_proficiency = 6, neighbours = false, any_team = false}]",
                "routing.steps",
            ),
            ("safety_skills = [\"safety\"]", "routing.safety_skills"),
            ("channel_weights = {mail = 0}", "routing.channel_weights"),
        ] {
            let error = with(toml).unwrap_err().to_string();
            assert!(error.contains(key), "{error} does not name {key}");
        }
    }

    #[test]
    fn another_setting_is_another_version_and_the_same_is_the_same() {
        let version = |toml: &str| with(toml).unwrap().routing.policy(0.7).version();
        assert_eq!(version(""), version("scarcity_weight = 0.5"));
        assert_ne!(version(""), version("scarcity_weight = 0.6"));
        assert_ne!(version(""), version("confidence_floor = 0.8"));
    }
}
