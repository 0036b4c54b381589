//! Training a head over runs of characters: logistic regression on sparse vectors, by L-BFGS.

use rayon::prelude::*;

use super::lbfgs::minimise;
use crate::model::lexical::{Features, LexicalHead};

/// Examples are added up in so many parts, whatever the number of threads, so that the same data gives the same head.
const PARTS: usize = 8;

/// What the examples are.
#[derive(Debug, Clone, Copy)]
pub enum Truths<'a> {
    /// Each is of one of so many classes, counted from 0.
    Classes(&'a [usize], usize),
    /// Each is one or is none.
    YesNo(&'a [bool]),
}

impl Truths<'_> {
    fn outputs(self) -> usize {
        match self {
            Truths::Classes(_, classes) => classes,
            Truths::YesNo(_) => 1,
        }
    }

    /// Negative log-likelihood of the example's truth; `logits` become its derivatives.
    fn loss(self, example: usize, logits: &mut [f32]) -> f64 {
        match self {
            Truths::Classes(classes, _) => {
                let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let truth = logits[classes[example]];
                logits.iter_mut().for_each(|logit| *logit = (*logit - highest).exp());
                let total: f32 = logits.iter().sum();
                logits.iter_mut().for_each(|weight| *weight /= total);
                logits[classes[example]] -= 1.0;
                f64::from(total.ln() + highest - truth)
            }
            Truths::YesNo(truths) => {
                let (logit, truth) = (logits[0], f32::from(u8::from(truths[example])));
                logits[0] = 1.0 / (1.0 + (-logit).exp()) - truth;
                // ln(1 + e^logit) − truth · logit, without overflow.
                f64::from(logit.max(0.0) + (-logit.abs()).exp().ln_1p() - truth * logit)
            }
        }
    }
}

/// Fits a head over `runs` runs by maximum likelihood, with half the squared weights (not the biases) times `penalty` added to the sum
/// over the examples. `features` and truths stand in the same order.
pub fn fit_lexical(features: &[Features], truths: Truths<'_>, runs: usize, penalty: f32) -> LexicalHead {
    let outputs = truths.outputs();
    let weights = runs * outputs;
    // Parameters: weights `[runs][outputs]`, then biases.
    let objective = |parameters: &[f32]| -> (f64, Vec<f32>) {
        let part = features.len().div_ceil(PARTS).max(1);
        let sums: Vec<(f64, Vec<f32>)> = features
            .par_chunks(part)
            .enumerate()
            .map(|(index, chunk)| add_up(chunk, index * part, truths, parameters, outputs))
            .collect();
        let mut total = 0.0;
        let mut gradient = vec![0.0; parameters.len()];
        for (loss, slopes) in sums {
            total += loss;
            gradient.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
        }
        for (slope, weight) in gradient[..weights].iter_mut().zip(parameters) {
            total += f64::from(penalty * weight * weight) / 2.0;
            *slope += penalty * weight;
        }
        (total, gradient)
    };
    let mut parameters = minimise(objective, vec![0.0; weights + outputs]);
    let bias = parameters.split_off(weights);
    LexicalHead::new(parameters, bias)
}

/// Loss and gradient of some of the examples, the first of which has the number `first`.
fn add_up(
    features: &[Features],
    first: usize,
    truths: Truths<'_>,
    parameters: &[f32],
    outputs: usize,
) -> (f64, Vec<f32>) {
    let (weights, bias) = parameters.split_at(parameters.len() - outputs);
    let mut total = 0.0;
    let mut gradient = vec![0.0; parameters.len()];
    let (slopes, bias_slopes) = gradient.split_at_mut(weights.len());
    for (offset, example) in features.iter().enumerate() {
        let mut logits = bias.to_vec();
        for (run, value) in example {
            let row = &weights[*run as usize * outputs..][..outputs];
            logits.iter_mut().zip(row).for_each(|(logit, weight)| *logit += weight * value);
        }
        total += truths.loss(first + offset, &mut logits);
        for (run, value) in example {
            let row = &mut slopes[*run as usize * outputs..][..outputs];
            row.iter_mut().zip(&logits).for_each(|(slope, derivative)| *slope += derivative * value);
        }
        bias_slopes.iter_mut().zip(&logits).for_each(|(slope, derivative)| *slope += derivative);
    }
    (total, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_classes_apart_by_what_stands_in_them() {
        let example = |class: usize, other: u32| vec![(class as u32, 1.0f32), (3 + other, 1.0)];
        let classes: Vec<usize> = (0..120).map(|i| i % 3).collect();
        let features: Vec<Features> = (0..120).map(|i| example(i % 3, (i / 3 % 5) as u32)).collect();
        let head = fit_lexical(&features, Truths::Classes(&classes, 3), 8, 0.1);
        for (features, class) in features.iter().zip(&classes) {
            let logits = head.logits(features);
            assert!(
                (0..3).all(|other| other == *class || logits[other] < logits[*class] - 2.0),
                "{logits:?}"
            );
        }
    }

    #[test]
    fn a_coin_that_nothing_tells_about_has_its_rate_as_probability() {
        // Three of four are one; no run says which, so the bias alone answers: ln(3).
        let truths: Vec<bool> = (0..400).map(|i| i % 4 != 0).collect();
        let features: Vec<Features> = vec![vec![]; 400];
        let head = fit_lexical(&features, Truths::YesNo(&truths), 1, 1.0);
        assert!((head.logits(&vec![])[0] - 3f64.ln()).abs() < 1e-3);
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let features: Vec<Features> = vec![vec![(0, 1.0), (1, 0.5)], vec![(1, 2.0)], vec![(0, -1.0)]];
        let at = [0.3f32, -0.2, 0.1, 0.4, 0.05, -0.1];
        for truths in [Truths::Classes(&[0, 1, 1], 2), Truths::YesNo(&[true, false, true])] {
            let at = &at[..3 * truths.outputs()];
            let (_, gradient) = add_up(&features, 0, truths, at, truths.outputs());
            for index in 0..at.len() {
                let moved = |by: f32| {
                    let mut at = at.to_vec();
                    at[index] += by;
                    add_up(&features, 0, truths, &at, truths.outputs()).0
                };
                let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                assert!(
                    (slope - f64::from(gradient[index])).abs() < 1e-3,
                    "{truths:?} {index}: {slope} {gradient:?}"
                );
            }
        }
    }
}
