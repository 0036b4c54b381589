//! How much the characters count beside the encoder: chosen on held-out data, where neither has seen the answers.

use super::calibrate::temperature_and_loss;
use super::logistic::fit;

/// A weak pull towards zero, as for the combination with the rules.
const RIDGE: f64 = 0.5;
/// Shares that are tried for classes: every twentieth.
const STEPS: u32 = 20;

/// The share for yes-or-no answers: that of the weights of a logistic regression on both logits. 0 where neither tells anything.
pub fn share_for_answers(encoder: &[f64], characters: &[f64], truths: &[bool]) -> f64 {
    let examples: Vec<(Vec<f64>, bool)> = encoder
        .iter()
        .zip(characters)
        .zip(truths)
        .map(|((encoder, characters), truth)| (vec![1.0, *encoder, *characters], *truth))
        .collect();
    let weights = fit(&examples, RIDGE, &[1, 2]);
    let both = weights[1] + weights[2];
    if both > 0.0 { weights[2] / both } else { 0.0 }
}

/// The share for classes: that with the lowest negative log-likelihood, each at its own best temperature.
pub fn share_for_classes(encoder: &[Vec<f64>], characters: &[Vec<f64>], truths: &[usize]) -> f64 {
    let shares = (0..=STEPS).map(|step| f64::from(step) / f64::from(STEPS));
    let loss = |share: f64| temperature_and_loss(&blended(encoder, characters, share), truths).1;
    shares.min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or(0.0)
}

/// `(1 − share) · encoder + share · characters`.
pub fn blended(encoder: &[Vec<f64>], characters: &[Vec<f64>], share: f64) -> Vec<Vec<f64>> {
    let both = |(e, c): (&f64, &f64)| (1.0 - share) * e + share * c;
    encoder.iter().zip(characters).map(|(e, c)| e.iter().zip(c).map(both).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_tells_nothing_has_no_share() {
        let truths: Vec<bool> = (0..200).map(|i| i % 2 == 0).collect();
        // Knows nine of ten.
        let good: Vec<f64> =
            (0..200).map(|i| if (i % 2 == 0) == (i % 10 != 3) { 2.0 } else { -2.0 }).collect();
        let none: Vec<f64> = (0..200).map(|i| if i % 4 < 2 { 2.0 } else { -2.0 }).collect();
        assert!(share_for_answers(&good, &none, &truths) < 0.1);
        assert!(share_for_answers(&none, &good, &truths) > 0.9);
        let classes: Vec<usize> = truths.iter().map(|truth| usize::from(*truth)).collect();
        let rows = |logits: &[f64]| logits.iter().map(|logit| vec![0.0, *logit]).collect::<Vec<_>>();
        assert!(share_for_classes(&rows(&good), &rows(&none), &classes) < 0.1);
        assert!(share_for_classes(&rows(&none), &rows(&good), &classes) > 0.9);
    }
}
