//! How much a text looks like those that a classifier was trained on: five published scores for refusing what belongs to no class.

use rayon::prelude::*;

use super::whitening::Whitening;

/// The neighbour that counts. Near duplicates are not rare among public training texts, so that the nearest alone says little.
const NEIGHBOUR: usize = 10;

/// A score; of every one, more is more familiar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Familiarity {
    /// The highest probability (Hendrycks and Gimpel 2017).
    Probability,
    /// The highest logit (Hendrycks et al. 2022).
    Logit,
    /// The log-sum-exp of the logits (Liu et al. 2020).
    Energy,
    /// The Mahalanobis distance of the vector to the nearest mean of a class, negative (Lee et al. 2018).
    Mahalanobis,
    /// The cosine of the vector to its tenth nearest neighbour among the training texts (Sun et al. 2022).
    Neighbour,
}

impl Familiarity {
    pub const ALL: [Self; 5] =
        [Self::Probability, Self::Logit, Self::Energy, Self::Mahalanobis, Self::Neighbour];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Probability => "highest probability",
            Self::Logit => "highest logit",
            Self::Energy => "energy",
            Self::Mahalanobis => "Mahalanobis distance",
            Self::Neighbour => "10th nearest neighbour",
        }
    }
}

/// Texts as a classifier reads them, in the same order.
#[derive(Debug, Clone)]
pub struct Readings {
    /// `[hidden]` each.
    pub vectors: Vec<Vec<f32>>,
    /// `[classes]` each.
    pub logits: Vec<Vec<f64>>,
}

/// The texts that a classifier was trained on, as the scores need them.
pub struct Known {
    whitening: Whitening,
    /// Whitened mean of every class that has a text.
    means: Vec<Vec<f32>>,
    /// Training vectors of length one.
    directions: Vec<Vec<f32>>,
}

impl Known {
    /// From the vectors of the training texts, `[hidden]` each, and their classes, counted from 0.
    pub fn new(vectors: &[Vec<f32>], classes: &[usize]) -> Self {
        let means = class_means(vectors, classes);
        let residuals: Vec<Vec<f32>> = vectors
            .iter()
            .zip(classes)
            .filter_map(|(vector, class)| Some(difference(vector, means[*class].as_ref()?)))
            .collect();
        let whitening = Whitening::of(&residuals);
        let means = means.iter().flatten().map(|mean| whitening.apply(mean)).collect();
        Self { whitening, means, directions: vectors.par_iter().map(|v| direction(v)).collect() }
    }

    /// The score of every text.
    pub fn scores(&self, score: Familiarity, texts: &Readings) -> Vec<f64> {
        texts.vectors.par_iter().zip(&texts.logits).map(|(v, l)| self.score(score, v, l)).collect()
    }

    fn score(&self, score: Familiarity, vector: &[f32], logits: &[f64]) -> f64 {
        let highest = || logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        match score {
            Familiarity::Logit => highest(),
            Familiarity::Energy => log_sum_exp(logits),
            Familiarity::Probability => (highest() - log_sum_exp(logits)).exp(),
            Familiarity::Mahalanobis => {
                let white = self.whitening.apply(vector);
                let distance = |mean: &Vec<f32>| -> f64 {
                    mean.iter().zip(&white).map(|(m, w)| f64::from(m - w).powi(2)).sum()
                };
                -self.means.iter().map(distance).fold(f64::INFINITY, f64::min).sqrt()
            }
            Familiarity::Neighbour => {
                let own = direction(vector);
                let mut cosines: Vec<f32> = self.directions.iter().map(|other| dot(other, &own)).collect();
                let Some(last) = cosines.len().checked_sub(1) else { return f64::NEG_INFINITY };
                let place = last.min(NEIGHBOUR - 1);
                f64::from(*cosines.select_nth_unstable_by(place, |a, b| b.total_cmp(a)).1)
            }
        }
    }
}

/// The score below which `share` of these texts lie.
pub fn rejection_threshold(scores: &[f64], share: f64) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() as f64 * share) as usize).copied().unwrap_or(f64::NEG_INFINITY)
}

/// Share of the scores below a threshold.
pub fn share_below(scores: &[f64], threshold: f64) -> f64 {
    scores.iter().filter(|score| **score < threshold).count() as f64 / scores.len().max(1) as f64
}

/// Mean vector of each class; `None` for a class without a text.
fn class_means(vectors: &[Vec<f32>], classes: &[usize]) -> Vec<Option<Vec<f32>>> {
    let size = vectors.first().map_or(0, Vec::len);
    let count = classes.iter().max().map_or(0, |highest| highest + 1);
    let mut sums = vec![(0usize, vec![0f32; size]); count];
    for (vector, class) in vectors.iter().zip(classes) {
        sums[*class].0 += 1;
        sums[*class].1.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
    }
    let mean = |(count, sum): (usize, Vec<f32>)| {
        (count > 0).then(|| sum.iter().map(|value| value / count as f32).collect())
    };
    sums.into_iter().map(mean).collect()
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// The vector scaled to length one; a vector of zeros stays.
fn direction(vector: &[f32]) -> Vec<f32> {
    let length = dot(vector, vector).sqrt().max(f32::MIN_POSITIVE);
    vector.iter().map(|value| value / length).collect()
}

/// In eight lanes, which the compiler turns into vector instructions; a plain sum has a fixed order and stays scalar.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(lane, (a, b))| *lane += a * b);
    }
    lanes.iter().sum::<f32>() + rest
}

fn log_sum_exp(logits: &[f64]) -> f64 {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    highest + logits.iter().map(|logit| (logit - highest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// Two classes about (4, 0) and (0, 4), ten times as wide along a third axis.
    fn cloud() -> (Vec<Vec<f32>>, Vec<usize>) {
        let mut random = StdRng::seed_from_u64(5);
        (0..400)
            .map(|index| {
                let class = index % 2;
                let mut noise = |width: f32| random.random_range(-width..width);
                let at = |axis: usize| if axis == class { 4.0 } else { 0.0 };
                (vec![at(0) + noise(0.5), at(1) + noise(0.5), noise(5.0)], class)
            })
            .unzip()
    }

    #[test]
    fn every_score_finds_a_text_between_the_classes_less_familiar() {
        let (vectors, classes) = cloud();
        let known = Known::new(&vectors, &classes);
        let texts = Readings {
            vectors: vec![vec![4.0, 0.0, 0.1], vec![0.9, 0.9, 4.9]],
            logits: vec![vec![4.0, -4.0], vec![0.0, 0.0]],
        };
        for score in Familiarity::ALL {
            let scores = known.scores(score, &texts);
            assert!(scores[0] > scores[1], "{score:?}: {scores:?}");
        }
    }

    #[test]
    fn a_distance_counts_for_less_where_a_class_is_wide() {
        let (vectors, classes) = cloud();
        let known = Known::new(&vectors, &classes);
        let texts = Readings {
            vectors: vec![vec![4.0, 0.0, 2.0], vec![4.0, 2.0, 0.0]],
            logits: vec![vec![0.0; 2]; 2],
        };
        let scores = known.scores(Familiarity::Mahalanobis, &texts);
        // The standard deviations are 5/√3 and 0.5/√3.
        assert!((scores[0] + 0.69).abs() < 0.1 && (scores[1] + 6.9).abs() < 1.0, "{scores:?}");
    }

    #[test]
    fn a_threshold_refuses_its_share_of_what_it_was_chosen_on() {
        let scores: Vec<f64> = (0..1_000).map(|i| f64::from((i * 617) % 1_000)).collect();
        let threshold = rejection_threshold(&scores, 0.01);
        assert_eq!((threshold, share_below(&scores, threshold)), (10.0, 0.01));
        assert_eq!(share_below(&[], rejection_threshold(&[], 0.01)), 0.0);
    }

    #[test]
    fn probabilities_are_those_of_the_softmax() {
        let known = Known::new(&[vec![1.0], vec![-1.0]], &[0, 1]);
        let texts = Readings { vectors: vec![vec![2.0]], logits: vec![vec![2.0, -2.0]] };
        let p = known.scores(Familiarity::Probability, &texts)[0];
        assert!((p - 1.0 / (1.0 + (-4f64).exp())).abs() < 1e-12);
    }
}
