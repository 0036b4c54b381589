//! Logistic regression with few features, by Newton's method; weights that must not be negative are held at zero.

use crate::model::classifier::sigmoid;

/// Fits `p = σ(Σ wᵢ·xᵢ)` by maximum likelihood with a quadratic penalty `ridge` on every weight but the first (the intercept;
/// give every example a first feature of 1). Weights in `non_negative` are clamped at zero between the steps.
pub fn fit(examples: &[(Vec<f64>, bool)], ridge: f64, non_negative: &[usize]) -> Vec<f64> {
    let size = examples.first().map_or(0, |(features, _)| features.len());
    let mut weights = vec![0.0; size];
    for _ in 0..50 {
        let mut gradient = vec![0.0; size];
        let mut hessian = vec![vec![0.0; size]; size];
        for (features, truth) in examples {
            let p = sigmoid(dot(&weights, features));
            let slope = p - f64::from(u8::from(*truth));
            let curvature = (p * (1.0 - p)).max(1e-9);
            for i in 0..size {
                gradient[i] += slope * features[i];
                for j in 0..size {
                    hessian[i][j] += curvature * features[i] * features[j];
                }
            }
        }
        for i in 1..size {
            gradient[i] += ridge * weights[i];
            hessian[i][i] += ridge;
        }
        // Held weights that would go further down stay out of the step.
        for &held in non_negative {
            if weights[held] <= 0.0 && gradient[held] > 0.0 {
                hessian[held].fill(0.0);
                hessian.iter_mut().for_each(|row| row[held] = 0.0);
                hessian[held][held] = 1.0;
                gradient[held] = 0.0;
            }
        }
        for (i, row) in hessian.iter_mut().enumerate() {
            row[i] += 1e-9;
        }
        let step = solve(hessian, gradient);
        let largest = step.iter().fold(0f64, |largest, value| largest.max(value.abs()));
        // A bounded step keeps separable data from running away in one leap.
        let shrink = (2.0 / largest.max(1e-12)).min(1.0);
        for (weight, step) in weights.iter_mut().zip(&step) {
            *weight -= step * shrink;
        }
        for &held in non_negative {
            weights[held] = weights[held].max(0.0);
        }
        if largest < 1e-8 {
            break;
        }
    }
    weights
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Gaussian elimination with partial pivoting.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))
            .unwrap_or(column);
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        if matrix[column][column].abs() < 1e-300 {
            continue;
        }
        let (above, below) = matrix.split_at_mut(column + 1);
        let pivot_row = &above[column];
        for (offset, row) in below.iter_mut().enumerate() {
            let factor = row[column] / pivot_row[column];
            row.iter_mut().zip(pivot_row).for_each(|(value, pivot)| *value -= factor * pivot);
            right[column + 1 + offset] -= factor * right[column];
        }
    }
    let mut solution = vec![0.0; size];
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| matrix[row][column] * solution[column]).sum();
        let pivot = matrix[row][row];
        solution[row] = if pivot.abs() < 1e-300 { 0.0 } else { (right[row] - known) / pivot };
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovers_the_weights_that_made_the_data() {
        // Expected frequencies of σ(−1 + 2x) at x = 0 and x = 1: 0.2689 and 0.7311 of 10,000 examples each.
        let mut examples = Vec::new();
        for (x, yes) in [(0.0, 2689), (1.0, 7311)] {
            for i in 0..10_000 {
                examples.push((vec![1.0, x], i < yes));
            }
        }
        let weights = fit(&examples, 0.0, &[]);
        assert!((weights[0] + 1.0).abs() < 1e-2 && (weights[1] - 2.0).abs() < 1e-2, "{weights:?}");
    }

    #[test]
    fn a_weight_that_must_not_be_negative_stays_at_zero() {
        let examples: Vec<(Vec<f64>, bool)> =
            (0..100).map(|i| (vec![1.0, f64::from(i % 2)], i % 2 == 0 || i % 10 == 1)).collect();
        let weights = fit(&examples, 0.1, &[1]);
        assert_eq!(weights[1], 0.0);
        assert!(weights[0] > 0.0);
    }
}
