//! From several sources to one probability for each policy.

use std::collections::BTreeSet;

use crate::config::ReportFrom;
use crate::contract::{Action, Policy};
use crate::model::classifier::sigmoid;
use crate::model::folder::Combination;
use crate::rules::Severity;

/// How one policy turns evidence into an action.
#[derive(Debug, Clone)]
pub struct PolicySettings {
    pub policy: Policy,
    /// Version of the head, for the source of its labels.
    pub version: String,
    pub combination: Combination,
    /// Final probability from which a reviewer is alerted.
    pub report: f64,
    /// Final probability from which the message is hidden.
    pub hide: f64,
    /// From which severity on an enforced rule reports by itself.
    pub rules_report_from: ReportFrom,
    /// How much worse a violation is than one of severity 0, as log-odds.
    pub severity: f64,
}

impl PolicySettings {
    /// What happens at a final probability, given the severest enforced rule that fired.
    pub fn action(&self, probability: f64, severest: Option<Severity>) -> Action {
        action(self.report, self.hide, self.rules_report_from, probability, severest)
    }

    /// Probability according to the model alone.
    pub fn model_probability(&self, logit: f64) -> f64 {
        sigmoid(self.combination.alone_slope * logit + self.combination.alone_intercept)
    }

    /// Probability according to a fired rule of this severity alone: its precision on held-out conversations.
    pub fn rule_probability(&self, severity: &str) -> f64 {
        self.combination.rule_precision.get(severity).copied().unwrap_or(0.5)
    }
}

/// A policy that is switched on but has no usable head: what its rules find still counts.
#[derive(Debug, Clone)]
pub struct RulesOnly {
    pub policy: Policy,
    /// As [`PolicySettings::report`]; infinite where the configuration leaves it to the head.
    pub report: f64,
    pub hide: f64,
    pub rules_report_from: ReportFrom,
    /// How much worse a violation is than one of severity 0, as log-odds.
    pub severity: f64,
}

impl RulesOnly {
    /// What happens at a probability, given the severest enforced rule that fired.
    pub fn action(&self, probability: f64, severest: Option<Severity>) -> Action {
        action(self.report, self.hide, self.rules_report_from, probability, severest)
    }
}

fn action(
    report: f64,
    hide: f64,
    rules_report_from: ReportFrom,
    probability: f64,
    severest: Option<Severity>,
) -> Action {
    if probability >= hide {
        Action::Hide
    } else if probability >= report || severest.is_some_and(|severity| rules_report_from.includes(severity)) {
        Action::Report
    } else {
        Action::None
    }
}

/// The calibrated probability of a violation from the model's logit and the severities of the rules that fired: a logistic
/// regression whose weights were fitted on held-out conversations. Two rules of one severity count once: they mostly say the same.
pub fn final_probability(combination: &Combination, logit: f64, fired: &BTreeSet<&str>) -> f64 {
    let rules: f64 = fired.iter().filter_map(|severity| combination.rules.get(*severity)).sum();
    sigmoid(combination.intercept + combination.model * logit + rules)
}
