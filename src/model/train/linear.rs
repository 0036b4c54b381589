//! Training a head alone, on vectors that are already there: logistic regression with a quadratic penalty.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::adamw::{AdamW, rate_at};
use super::fit::Target;
use super::loss::{Weighing, loss};
use crate::model::folder::Head;

/// Passes over all vectors. The loss is convex; on standardised features it has settled by then.
const STEPS: u32 = 400;
const PEAK_RATE: f64 = 0.02;

/// Fits a head of `outputs` outputs. `vectors` are `[hidden]` each, `targets` stand in the same order and are of one kind.
/// `penalty` multiplies half the squared weights on standardised features, averaged over the examples.
pub fn fit_head(vectors: &[Vec<f32>], targets: &[Target], outputs: usize, penalty: f64) -> Result<Head> {
    fit_head_for(vectors, targets, outputs, penalty, 0.0)
}

/// [`fit_head`] for a training that blots out the share `dropout` of every vector. To the second order that costs what
/// `dropout / (1 − dropout) · p(1 − p) · Σ x² w² / 2` costs (Wager et al. 2013, "Dropout Training as Adaptive Regularization"); for
/// p(1 − p) its bound, a quarter. A feature of large mean and small deviation must not weigh what it would weigh by itself.
pub fn fit_head_for(
    vectors: &[Vec<f32>],
    targets: &[Target],
    outputs: usize,
    penalty: f64,
    dropout: f64,
) -> Result<Head> {
    let hidden = vectors.first().map_or(0, Vec::len);
    let (means, deviations) = moments(vectors, hidden);
    let standardised: Vec<f32> = vectors
        .iter()
        .flat_map(|vector| vector.iter().enumerate().map(|(i, x)| (x - means[i]) / deviations[i]))
        .collect();
    let features = Tensor::from_vec(standardised, (vectors.len(), hidden), &Device::Cpu)?;
    let (even, noise) = (penalty / vectors.len() as f64, dropout / (1.0 - dropout) / 4.0);
    let of_feature = |(mean, deviation): (&f32, &f32)| {
        let squared = f64::from(mean / deviation).powi(2) + 1.0;
        ((even + noise * squared) / 2.0) as f32
    };
    let penalties: Vec<f32> = means.iter().zip(&deviations).map(of_feature).collect();
    let penalties = Tensor::from_vec(penalties, (hidden, 1), &Device::Cpu)?;
    let weight = Var::zeros((hidden, outputs), DType::F32, &Device::Cpu)?;
    let bias = Var::zeros(outputs, DType::F32, &Device::Cpu)?;
    let targets: Vec<&Target> = targets.iter().collect();
    let mut optimiser =
        AdamW::new(vec![("weight".into(), weight.clone()), ("bias".into(), bias.clone())], 0.0)?;
    for step in 0..STEPS {
        let logits = features.matmul(weight.as_tensor())?.broadcast_add(bias.as_tensor())?;
        let squares = weight.as_tensor().sqr()?.broadcast_mul(&penalties)?.sum_all()?;
        let total = (loss(&logits, &targets, Weighing::default())? + squares)?;
        optimiser.step(&total.backward()?, rate_at(step, STEPS, STEPS / 20, PEAK_RATE), 10.0)?;
    }
    unstandardised(&weight.t()?.to_vec2()?, &bias.to_vec1()?, &means, &deviations)
}

/// Mean and standard deviation of every feature; a constant feature keeps its scale.
fn moments(vectors: &[Vec<f32>], hidden: usize) -> (Vec<f32>, Vec<f32>) {
    let count = vectors.len().max(1) as f32;
    let mut means = vec![0f32; hidden];
    for vector in vectors {
        means.iter_mut().zip(vector).for_each(|(mean, x)| *mean += x / count);
    }
    let mut variances = vec![0f32; hidden];
    for vector in vectors {
        for (variance, (x, mean)) in variances.iter_mut().zip(vector.iter().zip(&means)) {
            *variance += (x - mean).powi(2) / count;
        }
    }
    let deviations = variances.into_iter().map(|v| if v > 1e-12 { v.sqrt() } else { 1.0 }).collect();
    (means, deviations)
}

/// The same head over the features as they are.
fn unstandardised(weight: &[Vec<f32>], bias: &[f32], means: &[f32], deviations: &[f32]) -> Result<Head> {
    let scaled: Vec<Vec<f32>> =
        weight.iter().map(|row| row.iter().zip(deviations).map(|(w, d)| w / d).collect()).collect();
    let bias = scaled
        .iter()
        .zip(bias)
        .map(|(row, bias)| bias - row.iter().zip(means).map(|(w, mean)| w * mean).sum::<f32>())
        .collect();
    Ok(Head { weight: scaled, bias })
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn tells_classes_apart_on_features_of_any_scale() {
        let mut random = StdRng::seed_from_u64(3);
        let scales = [1.0f32, 100.0, 0.01, 1.0];
        let mut draw = |class: usize| -> Vec<f32> {
            let at = |i: usize| if i == class { 3.0 } else { 0.0 };
            (0..4).map(|i| (at(i) + random.random_range(-1.0..1.0f32)) * scales[i]).collect()
        };
        let classes: Vec<usize> = (0..300).map(|i| i % 3).collect();
        let vectors: Vec<Vec<f32>> = classes.iter().map(|class| draw(*class)).collect();
        let targets: Vec<Target> = classes.iter().map(|class| Target::Class(*class)).collect();
        let head = fit_head(&vectors, &targets, 3, 1.0).unwrap();
        let right = vectors.iter().zip(&classes).filter(|(vector, class)| {
            let logits = head.logits(vector);
            logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i) == Some(**class)
        });
        assert!(right.count() > 290);
    }

    #[test]
    fn answers_yes_or_no_questions() {
        let vectors: Vec<Vec<f32>> = (0..100).map(|i| vec![i as f32, 7.0]).collect();
        let targets: Vec<Target> =
            (0..100).map(|i| Target::Labels(vec![f32::from(u8::from(i >= 50))])).collect();
        let head = fit_head(&vectors, &targets, 1, 0.1).unwrap();
        assert!(head.logits(&[10.0, 7.0])[0] < 0.0 && head.logits(&[90.0, 7.0])[0] > 0.0);
        // A vector far outside still has a finite answer, and so has the training that meets one.
        let far: Vec<Vec<f32>> = vec![vec![1e6, 0.0], vec![-1e6, 0.0], vec![0.0, 1.0], vec![0.0, -1.0]];
        let targets: Vec<Target> = (0..4).map(|i| Target::Labels(vec![(i % 2) as f32])).collect();
        let head = fit_head(&far, &targets, 1, 0.0).unwrap();
        assert!(head.bias[0].is_finite() && head.weight[0].iter().all(|w| w.is_finite()));
    }

    #[test]
    fn what_is_blotted_out_costs_a_head_little_that_was_fitted_for_it() {
        const DROPOUT: f64 = 0.1;
        let mut random = StdRng::seed_from_u64(5);
        let classes: Vec<usize> = (0..200).map(|i| i % 2).collect();
        // Far from zero, and the classes close together: blotting one feature out moves a sharp head by tens.
        let near = |class: &usize| 5.0 + 0.1 * *class as f32;
        let vectors: Vec<Vec<f32>> = classes
            .iter()
            .map(|class| (0..8).map(|_| near(class) + random.random_range(-0.1..0.1f32)).collect())
            .collect();
        let targets: Vec<Target> = classes.iter().map(|class| Target::Labels(vec![*class as f32])).collect();
        let mut blotted = |head: &Head| -> f64 {
            let costs = vectors.iter().zip(&classes).map(|(vector, class)| {
                let left: Vec<f32> = vector
                    .iter()
                    .map(|x| if random.random_bool(DROPOUT) { 0.0 } else { x / (1.0 - DROPOUT) as f32 })
                    .collect();
                let logit = head.logits(&left)[0];
                (if *class == 1 { -logit } else { logit }).exp().ln_1p()
            });
            costs.sum::<f64>() / vectors.len() as f64
        };
        let plain = blotted(&fit_head(&vectors, &targets, 1, 1.0).unwrap());
        let fitted = blotted(&fit_head_for(&vectors, &targets, 1, 1.0, DROPOUT).unwrap());
        assert!(fitted < 0.75 && plain > 2.0 * fitted, "{fitted} beside {plain}");
    }
}
