//! Thresholds for a number of reviewers instead of a precision.

use crate::model::metrics::curve;

/// The traffic that reviewers face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    pub messages_a_day: f64,
    /// Share of violations among the messages, 0 to 1.
    pub base_rate: f64,
}

/// What a threshold means for reviewers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Workload {
    pub threshold: f64,
    pub alerts_a_day: f64,
    /// Share of violations among the alerts at the traffic's base rate.
    pub precision: f64,
    pub recall: f64,
}

/// The workload of every threshold, highest first, from pairs of probability and truth: rates among violations and among clean
/// messages, weighted by the base rate. Empty unless there are both.
pub fn workloads(scored: &[(f64, bool)], traffic: Traffic) -> Vec<Workload> {
    let violations = scored.iter().filter(|(_, truth)| *truth).count() as f64;
    let clean = scored.len() as f64 - violations;
    if violations == 0.0 || clean == 0.0 {
        return Vec::new();
    }
    curve(scored)
        .into_iter()
        .map(|point| {
            let found = point.recall * violations;
            // From precision = found / flagged.
            let false_alarms = found / point.precision.max(f64::MIN_POSITIVE) - found;
            let false_alarms = if found == 0.0 { flagged(scored, point.threshold) } else { false_alarms };
            let right = traffic.base_rate * point.recall;
            let wrong = (1.0 - traffic.base_rate) * false_alarms / clean;
            Workload {
                threshold: point.threshold,
                alerts_a_day: traffic.messages_a_day * (right + wrong),
                precision: right / (right + wrong),
                recall: point.recall,
            }
        })
        .collect()
}

fn flagged(scored: &[(f64, bool)], threshold: f64) -> f64 {
    scored.iter().filter(|(score, _)| *score >= threshold).count() as f64
}

/// The lowest threshold that raises at most so many alerts a day.
pub fn within_capacity(workloads: &[Workload], alerts_a_day: f64) -> Option<Workload> {
    workloads.iter().copied().take_while(|load| load.alerts_a_day <= alerts_a_day).last()
}

/// The lowest threshold from which on the precision at the traffic's base rate is at least this.
pub fn with_precision(workloads: &[Workload], precision: f64) -> Option<Workload> {
    workloads.iter().copied().rfind(|load| load.precision >= precision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_follow_from_rates_and_traffic() {
        // 10 violations, 100 clean messages; above 0.5 stand 8 violations and 1 clean message.
        let mut scored = vec![(0.9, true); 8];
        scored.extend([(0.9, false)]);
        scored.extend(vec![(0.1, true); 2]);
        scored.extend(vec![(0.1, false); 99]);
        let traffic = Traffic { messages_a_day: 10_000.0, base_rate: 0.01 };
        let loads = workloads(&scored, traffic);
        let load = within_capacity(&loads, 200.0).unwrap();
        assert_eq!(load.threshold, 0.9);
        // 100 violations a day, 8 in 10 found; 9,900 clean messages, 1 in 100 flagged.
        assert!((load.alerts_a_day - (80.0 + 99.0)).abs() < 1e-9);
        assert!((load.precision - 80.0 / 179.0).abs() < 1e-9);
        assert!(within_capacity(&loads, 100.0).is_none());
        assert_eq!(with_precision(&loads, 0.4).unwrap().threshold, 0.9);
        assert!(with_precision(&loads, 0.5).is_none());
        assert!(workloads(&[(0.3, true)], traffic).is_empty());
    }
}
