//! What is chosen from held-out data: how sources combine, thresholds, temperature, the confidence floor.

use std::collections::BTreeSet;

use super::logistic::fit;
use super::policies::Observation;
use crate::contract::Skill;
use crate::model::classifier::distribution;
use crate::model::folder::{Combination, PolicyThresholds};
use crate::model::metrics::threshold_for_precision;
use crate::moderation::final_probability;
use crate::rules::Severity;

/// The precision, on held-out conversations with their own rate of violations, that alerts are chosen for.
pub const REPORT_PRECISION: f64 = 0.90;
/// The same for hiding a message at once.
pub const HIDE_PRECISION: f64 = 0.995;
/// The rate of wrong first guesses that the confidence floor is chosen for.
pub const WRONG_ALLOCATION_RATE: f64 = 0.05;
/// A weak pull of the fitted weights towards zero: held-out parts are small, and some severities fire on a handful of messages.
const RIDGE: f64 = 0.5;

/// Combination and thresholds of the policy at `index`.
pub fn calibrate_policies(observations: &[Observation], index: usize) -> (Combination, PolicyThresholds) {
    let severities = Severity::NAMES;
    let with_rules: Vec<(Vec<f64>, bool)> = observations
        .iter()
        .map(|observation| {
            let mut features = vec![1.0, observation.logits[index]];
            features.extend(
                severities.iter().map(|s| f64::from(u8::from(observation.fired[index].contains(*s)))),
            );
            (features, observation.truths[index])
        })
        .collect();
    let alone: Vec<(Vec<f64>, bool)> =
        observations.iter().map(|o| (vec![1.0, o.logits[index]], o.truths[index])).collect();
    // No source may count against a violation: a rule that fires never makes a message look cleaner.
    let non_negative: Vec<usize> = (1..2 + severities.len()).collect();
    let weights = fit(&with_rules, RIDGE, &non_negative);
    let own = fit(&alone, RIDGE, &[1]);
    let combination = Combination {
        intercept: weights[0],
        model: weights[1],
        rules: severities.iter().zip(&weights[2..]).map(|(s, w)| ((*s).to_owned(), *w)).collect(),
        rule_precision: severities
            .iter()
            .map(|s| ((*s).to_owned(), precision_of(observations, index, s)))
            .collect(),
        alone_slope: own[1],
        alone_intercept: own[0],
    };
    let thresholds = thresholds(observations, index, &combination);
    (combination, thresholds)
}

/// Precision of a severity's rules with one success and one failure added (Laplace): honest for a handful of hits.
fn precision_of(observations: &[Observation], index: usize, severity: &str) -> f64 {
    let hits = observations.iter().filter(|o| o.fired[index].contains(severity));
    let (all, right) = hits.fold((0, 0), |(all, right), o| (all + 1, right + usize::from(o.truths[index])));
    (right as f64 + 1.0) / (all as f64 + 2.0)
}

fn thresholds(observations: &[Observation], index: usize, combination: &Combination) -> PolicyThresholds {
    let scored: Vec<(f64, bool)> = observations
        .iter()
        .map(|o| {
            let fired: BTreeSet<&str> = o.fired[index].iter().map(String::as_str).collect();
            (final_probability(combination, o.logits[index], &fired), o.truths[index])
        })
        .collect();
    let at =
        |precision: f64| threshold_for_precision(&scored, precision).map_or(1.0, |point| point.threshold);
    PolicyThresholds {
        report: at(REPORT_PRECISION),
        report_precision: REPORT_PRECISION,
        hide: at(HIDE_PRECISION),
        hide_precision: HIDE_PRECISION,
    }
}

/// Temperature (by the lowest negative log-likelihood) and confidence floor (the lowest at which the guesses above it are wrong at
/// most as often as stated) from logits and truths.
pub fn calibrate_inquiries(logits: &[Vec<f64>], truths: &[usize], skills: &[Skill]) -> (f64, f64) {
    let (temperature, _) = temperature_and_loss(logits, truths);
    let scored: Vec<(f64, bool)> = logits
        .iter()
        .zip(truths)
        .filter_map(|(logits, truth)| {
            let best = distribution(logits, skills, temperature).into_iter().next()?;
            Some((best.probability, best.skill == skills[*truth]))
        })
        .collect();
    let floor =
        threshold_for_precision(&scored, 1.0 - WRONG_ALLOCATION_RATE).map_or(1.0, |point| point.threshold);
    (temperature, floor)
}

/// The temperature with the lowest negative log-likelihood, and that likelihood, summed.
pub(super) fn temperature_and_loss(logits: &[Vec<f64>], truths: &[usize]) -> (f64, f64) {
    let loss = |temperature: f64| -> f64 {
        logits
            .iter()
            .zip(truths)
            .map(|(logits, truth)| {
                let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = logits.iter().map(|l| ((l - highest) / temperature).exp()).sum();
                total.ln() - (logits[*truth] - highest) / temperature
            })
            .sum()
    };
    // From 0.1 to 5 in steps of 2%: finer than the data can tell.
    let candidates = (0..198).map(|step| 0.1 * 1.02f64.powi(step));
    candidates
        .map(|temperature| (temperature, loss(temperature)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((1.0, f64::INFINITY))
}
