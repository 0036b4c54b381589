//! Vectors in units of their own spread: after the change of coordinates, lengths are Mahalanobis distances.

use rayon::prelude::*;

/// Share of the mean variance that is added to every direction. Trained vectors hardly vary in some of them, and a distance must
/// not be decided there.
const RIDGE: f64 = 1e-3;

/// The lower triangle L of the covariance Σ = L·Lᵀ, row by row; a vector x becomes L⁻¹·x.
pub struct Whitening {
    rows: Vec<Vec<f64>>,
}

impl Whitening {
    /// From vectors whose mean is zero.
    pub fn of(residuals: &[Vec<f32>]) -> Self {
        let size = residuals.first().map_or(0, Vec::len);
        let mut rows: Vec<Vec<f64>> =
            (0..size).into_par_iter().map(|row| covariances(residuals, row)).collect();
        let mean_variance = rows.iter().filter_map(|row| row.last()).sum::<f64>() / size.max(1) as f64;
        // Where nothing varies at all every direction counts alike.
        let ridge = if mean_variance > 0.0 { RIDGE * mean_variance } else { 1.0 };
        for row in &mut rows {
            if let Some(variance) = row.last_mut() {
                *variance += ridge;
            }
        }
        decompose(&mut rows);
        Self { rows }
    }

    /// The vector in the new coordinates, by forward substitution.
    pub fn apply(&self, vector: &[f32]) -> Vec<f32> {
        let mut white: Vec<f64> = Vec::with_capacity(vector.len());
        for (row, value) in self.rows.iter().zip(vector) {
            let known: f64 = row.iter().zip(&white).map(|(l, w)| l * w).sum();
            white.push((f64::from(*value) - known) / row[white.len()]);
        }
        white.into_iter().map(|value| value as f32).collect()
    }
}

/// Covariances of a coordinate with those up to it.
fn covariances(residuals: &[Vec<f32>], row: usize) -> Vec<f64> {
    let mut sums = vec![0f64; row + 1];
    for vector in residuals {
        let own = f64::from(vector[row]);
        sums.iter_mut().zip(vector).for_each(|(sum, value)| *sum += own * f64::from(*value));
    }
    sums.iter().map(|sum| sum / residuals.len() as f64).collect()
}

/// Cholesky's decomposition in place, row by row. The ridge keeps the matrix positive definite.
fn decompose(rows: &mut [Vec<f64>]) {
    for index in 0..rows.len() {
        let (above, rest) = rows.split_at_mut(index);
        let row = &mut rest[0];
        for (column, other) in above.iter().enumerate() {
            let known: f64 = row[..column].iter().zip(other).map(|(a, b)| a * b).sum();
            row[column] = (row[column] - known) / other[column];
        }
        let known: f64 = row[..index].iter().map(|value| value * value).sum();
        row[index] = (row[index] - known).max(f64::MIN_POSITIVE).sqrt();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_become_distances_in_units_of_the_spread() {
        // x = 2a and y = a + b with a, b = ±1: the covariance is [[4, 2], [2, 2]].
        let points: Vec<Vec<f32>> = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)]
            .iter()
            .map(|(a, b)| vec![2.0 * a, a + b])
            .collect();
        let whitening = Whitening::of(&points);
        for point in &points {
            // In the coordinates (a, b) every point is √2 away; the ridge makes it a little less.
            let length = whitening.apply(point).iter().map(|v| v * v).sum::<f32>().sqrt();
            assert!((length - 2f32.sqrt()).abs() < 0.01, "{length}");
        }
    }

    #[test]
    fn without_spread_lengths_stay() {
        let whitening = Whitening::of(&[vec![0.0, 0.0], vec![0.0, 0.0]]);
        assert_eq!(whitening.apply(&[3.0, 4.0]), [3.0, 4.0]);
        assert!(Whitening::of(&[]).apply(&[]).is_empty());
    }
}
