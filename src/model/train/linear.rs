//! Training a head alone, on vectors that are already there: logistic regression with a quadratic penalty.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::adamw::{AdamW, rate_at};
use super::fit::{Target, loss};
use crate::model::folder::Head;

/// Passes over all vectors. The loss is convex; on standardised features it has settled by then.
const STEPS: u32 = 400;
const PEAK_RATE: f64 = 0.02;

/// Fits a head of `outputs` outputs. `vectors` are `[hidden]` each, `targets` stand in the same order and are of one kind.
/// `penalty` multiplies half the squared weights on standardised features, averaged over the examples.
pub fn fit_head(vectors: &[Vec<f32>], targets: &[Target], outputs: usize, penalty: f64) -> Result<Head> {
    let hidden = vectors.first().map_or(0, Vec::len);
    let (means, deviations) = moments(vectors, hidden);
    let standardised: Vec<f32> = vectors
        .iter()
        .flat_map(|vector| vector.iter().enumerate().map(|(i, x)| (x - means[i]) / deviations[i]))
        .collect();
    let features = Tensor::from_vec(standardised, (vectors.len(), hidden), &Device::Cpu)?;
    let weight = Var::zeros((hidden, outputs), DType::F32, &Device::Cpu)?;
    let bias = Var::zeros(outputs, DType::F32, &Device::Cpu)?;
    let targets: Vec<&Target> = targets.iter().collect();
    let mut optimiser =
        AdamW::new(vec![("weight".into(), weight.clone()), ("bias".into(), bias.clone())], 0.0)?;
    for step in 0..STEPS {
        let logits = features.matmul(weight.as_tensor())?.broadcast_add(bias.as_tensor())?;
        let squares = weight.as_tensor().sqr()?.sum_all()?;
        let total = (loss(&logits, &targets, 0.0)? + (squares * (penalty / 2.0 / vectors.len() as f64))?)?;
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
}
