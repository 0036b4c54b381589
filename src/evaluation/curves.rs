//! What figures alone do not show: precision against recall, and probability against frequency.

use crate::model::metrics::curve;

/// Points to draw.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Curves {
    /// From the highest threshold to the lowest.
    pub precision_recall: Vec<CurvePoint>,
    /// Ten bins of equal width, empty ones left out.
    pub reliability: Vec<ReliabilityBin>,
}

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct CurvePoint {
    pub threshold: f64,
    pub precision: f64,
    pub recall: f64,
}

/// Messages whose probability fell into one bin.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct ReliabilityBin {
    pub mean_probability: f64,
    /// Share of true violations among them.
    pub frequency: f64,
    pub messages: usize,
}

/// More points than this are not told apart in a picture.
const POINTS: usize = 200;

impl Curves {
    /// Curves over pairs of probability and truth.
    pub fn of(scored: &[(f64, bool)]) -> Self {
        let all = curve(scored);
        let step = all.len().div_ceil(POINTS).max(1);
        let last = all.len().saturating_sub(1);
        let precision_recall = all
            .iter()
            .enumerate()
            .filter(|(index, _)| index % step == 0 || *index == last)
            .map(|(_, point)| CurvePoint {
                threshold: point.threshold,
                precision: point.precision,
                recall: point.recall,
            })
            .collect();
        Self { precision_recall, reliability: reliability(scored) }
    }
}

fn reliability(scored: &[(f64, bool)]) -> Vec<ReliabilityBin> {
    const BINS: usize = 10;
    let bin_of = |probability: f64| ((probability * BINS as f64) as usize).min(BINS - 1);
    (0..BINS)
        .filter_map(|bin| {
            let members: Vec<&(f64, bool)> = scored.iter().filter(|(p, _)| bin_of(*p) == bin).collect();
            let count = members.len() as f64;
            (!members.is_empty()).then(|| ReliabilityBin {
                mean_probability: members.iter().map(|(p, _)| p).sum::<f64>() / count,
                frequency: members.iter().filter(|(_, truth)| *truth).count() as f64 / count,
                messages: members.len(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_end_where_everything_is_flagged_and_bins_hold_everything() {
        let scored: Vec<(f64, bool)> = (0..1_000).map(|i| (f64::from(i) / 1_000.0, i % 3 == 0)).collect();
        let curves = Curves::of(&scored);
        assert!(curves.precision_recall.len() <= POINTS + 1);
        assert_eq!(curves.precision_recall.last().unwrap().recall, 1.0);
        assert_eq!(curves.reliability.iter().map(|bin| bin.messages).sum::<usize>(), 1_000);
        assert!((curves.reliability[0].mean_probability - 0.0495).abs() < 1e-9);
    }
}
