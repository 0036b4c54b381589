//! Figures of merit. Pure functions over scores and truths.

/// Area under the precision-recall curve as the mean precision at each true example (average precision, without interpolation).
/// Ties share the precision at the end of their group. `NaN` without a true example.
pub fn average_precision(scored: &[(f64, bool)]) -> f64 {
    let positives = scored.iter().filter(|(_, truth)| *truth).count();
    if positives == 0 {
        return f64::NAN;
    }
    let mut total = 0.0;
    for point in curve(scored) {
        total += point.precision * point.gained as f64;
    }
    total / positives as f64
}

/// One point of a precision-recall curve: everything with at least this score is flagged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub threshold: f64,
    pub precision: f64,
    pub recall: f64,
    /// True examples with exactly this score.
    gained: usize,
}

/// The precision-recall curve from the highest score to the lowest, one point for each distinct score.
pub fn curve(scored: &[(f64, bool)]) -> Vec<Point> {
    let positives = scored.iter().filter(|(_, truth)| *truth).count().max(1);
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut points = Vec::new();
    let (mut flagged, mut found) = (0usize, 0usize);
    for group in sorted.chunk_by(|a, b| a.0 == b.0) {
        let gained = group.iter().filter(|(_, truth)| *truth).count();
        flagged += group.len();
        found += gained;
        points.push(Point {
            threshold: group[0].0,
            precision: found as f64 / flagged as f64,
            recall: found as f64 / positives as f64,
            gained,
        });
    }
    points
}

/// The lowest threshold from which on the precision is at least `precision`, and the recall there. `None` if no threshold has it.
pub fn threshold_for_precision(scored: &[(f64, bool)], precision: f64) -> Option<Point> {
    curve(scored).into_iter().rfind(|point| point.precision >= precision)
}

/// Precision and recall when everything from `threshold` on is flagged. Precision is `NaN` if nothing is flagged.
pub fn at_threshold(scored: &[(f64, bool)], threshold: f64) -> (f64, f64) {
    let flagged = scored.iter().filter(|(score, _)| *score >= threshold).count();
    let found = scored.iter().filter(|(score, truth)| *score >= threshold && *truth).count();
    let positives = scored.iter().filter(|(_, truth)| *truth).count();
    (found as f64 / flagged as f64, found as f64 / positives as f64)
}

/// Expected calibration error: the mean gap between probability and frequency over ten bins of equal width, weighted by size.
pub fn calibration_error(scored: &[(f64, bool)]) -> f64 {
    const BINS: usize = 10;
    let mut bins = [(0usize, 0.0f64, 0usize); BINS];
    for (probability, truth) in scored {
        let bin = ((probability * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += 1;
        bins[bin].1 += probability;
        bins[bin].2 += usize::from(*truth);
    }
    let total = scored.len().max(1) as f64;
    bins.iter()
        .filter(|(count, _, _)| *count > 0)
        .map(|(count, sum, truths)| (sum - *truths as f64).abs() / *count as f64 * *count as f64 / total)
        .sum()
}

/// Area under the receiver operating characteristic: the chance that a true example scores above a false one, ties counting half.
/// `NaN` without both kinds.
pub fn auroc(scored: &[(f64, bool)]) -> f64 {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = sorted.iter().filter(|(_, truth)| *truth).count() as f64;
    let negatives = sorted.len() as f64 - positives;
    let (mut below, mut area) = (0.0, 0.0);
    for group in sorted.chunk_by(|a, b| a.0 == b.0) {
        let truths = group.iter().filter(|(_, truth)| *truth).count() as f64;
        let others = group.len() as f64 - truths;
        area += truths * (below + others / 2.0);
        below += others;
    }
    area / (positives * negatives)
}

/// Mean over the classes of the harmonic mean of precision and recall. Pairs of truth and guess.
pub fn macro_f1(pairs: &[(usize, usize)], classes: usize) -> f64 {
    let f1 = |class: usize| {
        let both = pairs.iter().filter(|(truth, guess)| *truth == class && *guess == class).count() as f64;
        let true_count = pairs.iter().filter(|(truth, _)| *truth == class).count() as f64;
        let guessed = pairs.iter().filter(|(_, guess)| *guess == class).count() as f64;
        if true_count + guessed == 0.0 { None } else { Some(2.0 * both / (true_count + guessed)) }
    };
    let scores: Vec<f64> = (0..classes).filter_map(f1).collect();
    scores.iter().sum::<f64>() / scores.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_precision_of_known_orders() {
        assert_eq!(average_precision(&[(0.9, true), (0.8, true), (0.1, false)]), 1.0);
        // Precision 1 at the first true example, 2/3 at the second.
        let value = average_precision(&[(0.9, true), (0.8, false), (0.7, true)]);
        assert!((value - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        // All tied: the share of true examples, whatever the order.
        assert_eq!(average_precision(&[(0.5, true), (0.5, false)]), 0.5);
        assert!(average_precision(&[(0.5, false)]).is_nan());
    }

    #[test]
    fn ranking_of_known_orders() {
        assert_eq!(auroc(&[(0.9, true), (0.8, true), (0.1, false)]), 1.0);
        assert_eq!(auroc(&[(0.5, true), (0.5, false)]), 0.5);
        assert_eq!(auroc(&[(0.1, true), (0.2, false), (0.3, true)]), 0.5);
    }

    #[test]
    fn a_threshold_keeps_its_precision() {
        let scored = [(0.9, true), (0.8, true), (0.7, false), (0.6, true), (0.5, false)];
        let point = threshold_for_precision(&scored, 0.75).unwrap();
        assert_eq!(point.threshold, 0.6);
        assert_eq!(at_threshold(&scored, 0.6), (0.75, 1.0));
        assert!(threshold_for_precision(&[(0.9, false)], 0.5).is_none());
    }

    #[test]
    fn perfect_and_poor_calibration() {
        let honest: Vec<(f64, bool)> = (0..100).map(|i| (0.25, i % 4 == 0)).collect();
        assert!(calibration_error(&honest) < 1e-9);
        assert!((calibration_error(&[(1.0, false), (1.0, false)]) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn macro_f1_counts_every_class_alike() {
        assert_eq!(macro_f1(&[(0, 0), (1, 1)], 3), 1.0);
        assert_eq!(macro_f1(&[(0, 0), (0, 0), (1, 0)], 2), 0.4);
    }
}
