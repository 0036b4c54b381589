//! Figures of days, and what differs between two policies on the same seeds.

use serde::Serialize;

use super::day::Day;

/// What is told of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Wrong allocations for each 100 inquiries.
    Wrong,
    MeanWait,
    WaitP90,
    MeanWaitInAll,
    MeanUntilFinished,
    /// Coefficient of variation of the agents' occupancy.
    LoadSpread,
}

impl Measure {
    pub const ALL: [Measure; 6] = [
        Measure::Wrong,
        Measure::MeanWait,
        Measure::WaitP90,
        Measure::MeanWaitInAll,
        Measure::MeanUntilFinished,
        Measure::LoadSpread,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Measure::Wrong => "wrong allocations per 100 inquiries",
            Measure::MeanWait => "mean wait until the first agent, s",
            Measure::WaitP90 => "90th percentile of that wait, s",
            Measure::MeanWaitInAll => "mean wait in all queues, s",
            Measure::MeanUntilFinished => "mean time until finished, min",
            Measure::LoadSpread => "spread of load (coefficient of variation)",
        }
    }

    pub fn of(self, day: &Day) -> f64 {
        match self {
            Measure::Wrong => 100.0 * day.wrong as f64 / day.inquiries.max(1) as f64,
            Measure::MeanWait => mean(&day.first_wait),
            Measure::WaitP90 => quantile(&day.first_wait, 0.9),
            Measure::MeanWaitInAll => mean(&day.all_waits),
            Measure::MeanUntilFinished => mean(&day.finished_after) / 60.0,
            Measure::LoadSpread => deviation(&day.occupancy) / mean(&day.occupancy).max(f64::MIN_POSITIVE),
        }
    }
}

/// A mean with the ends of its 95% interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// One figure under both policies.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    pub measure: Measure,
    /// Means over the seeds.
    pub reference: f64,
    pub policy: f64,
    /// Policy less reference, paired by seed.
    pub difference: Interval,
    /// The same as a share of the reference's mean.
    pub relative: Interval,
}

/// Compares days that were played with the same seeds, in the same order.
pub fn compare(reference: &[Day], policy: &[Day]) -> Vec<Comparison> {
    let of = |measure: Measure| {
        let figures = |days: &[Day]| days.iter().map(|day| measure.of(day)).collect::<Vec<f64>>();
        let (before, after) = (figures(reference), figures(policy));
        let differences: Vec<f64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
        let difference = interval(&differences);
        let base = mean(&before);
        let share = |value: f64| if base == 0.0 { 0.0 } else { value / base };
        Comparison {
            measure,
            reference: base,
            policy: mean(&after),
            difference,
            relative: Interval {
                mean: share(difference.mean),
                low: share(difference.low),
                high: share(difference.high),
            },
        }
    };
    Measure::ALL.into_iter().map(of).collect()
}

fn interval(values: &[f64]) -> Interval {
    let mean = mean(values);
    let half = if values.len() < 2 {
        f64::INFINITY
    } else {
        let count = values.len() as f64;
        // The sample's deviation, with one degree of freedom less.
        let error = deviation(values) * (count / (count - 1.0)).sqrt() / count.sqrt();
        student(values.len() - 1) * error
    };
    Interval { mean, low: mean - half, high: mean + half }
}

/// Two-sided 95% quantile of Student's t: a table for few degrees of freedom, then the expansion of Cornish and Fisher (Abramowitz
/// and Stegun 26.7.5).
fn student(freedom: usize) -> f64 {
    const FEW: [f64; 5] = [12.706, 4.303, 3.182, 2.776, 2.571];
    if let Some(value) = FEW.get(freedom - 1) {
        return *value;
    }
    let (z, n) = (1.959_964_f64, freedom as f64);
    let (z3, z5, z7) = (z.powi(3), z.powi(5), z.powi(7));
    z + (z3 + z) / (4.0 * n)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * n * n)
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * n.powi(3))
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / values.len().max(1) as f64).sqrt()
}

pub(super) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_of_student_is_that_of_the_tables() {
        for (freedom, value) in [(1, 12.706), (6, 2.447), (19, 2.093), (100, 1.984)] {
            assert!((student(freedom) - value).abs() < 2e-3, "{freedom}: {}", student(freedom));
        }
    }

    #[test]
    fn a_paired_difference_has_the_interval_of_its_differences() {
        let day = |wrong: usize| Day { inquiries: 100, wrong, ..Day::default() };
        let compared = compare(&[day(10), day(20), day(30)], &[day(8), day(16), day(27)]);
        let wrong = &compared[0];
        assert_eq!((wrong.reference, wrong.policy), (20.0, 17.0));
        assert!((wrong.difference.mean + 3.0).abs() < 1e-9 && (wrong.relative.mean + 0.15).abs() < 1e-9);
        assert!((wrong.difference.high - wrong.difference.mean - 4.303 / 3f64.sqrt()).abs() < 1e-3);
        assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], 0.5), 2.0);
    }
}
