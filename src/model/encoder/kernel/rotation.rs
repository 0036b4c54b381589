//! The rotation that makes activations fit 8 bits.
//!
//! Outputs of a layer normalisation have a few channels that are many times larger than the rest, and with one scale for the whole
//! row those few leave the others only a handful of steps. Before it is quantised, every row is therefore multiplied by an
//! orthogonal matrix that spreads each channel over eight (Walsh and Hadamard's; see QuaRot, Ashkboos et al. 2024), and every row
//! of the weights by the same matrix: the product stays what it was, while both factors lose their outliers.

/// Channels that are mixed with one another: those that stand an eighth of the row apart. The stages then add and subtract whole
/// stretches of memory, without shuffles. Mixing 16 to 128 channels was no more accurate.
pub(super) const MIXED: usize = 8;

/// Multiplies a row by the Hadamard matrix of order 8, eight times over. The matrix is not normalised: applied twice it gives the row
/// times eight. The length of the row is a multiple of eight.
#[inline(always)]
pub(super) fn rotate(row: &mut [f32]) {
    let mut half = row.len() / 2;
    for _ in 0..MIXED.ilog2() {
        for pair in row.chunks_exact_mut(2 * half) {
            let (first, second) = pair.split_at_mut(half);
            for (first, second) in first.iter_mut().zip(second) {
                (*first, *second) = (*first + *second, *first - *second);
            }
        }
        half /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_gives_eight_times_the_row_and_products_stay() {
        let row: Vec<f32> = (0..48).map(|i| (i * 7 % 13) as f32 - 6.0).collect();
        let other: Vec<f32> = (0..48).map(|i| (i * 5 % 11) as f32 - 5.0).collect();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (mut a, mut b) = (row.clone(), other.clone());
        rotate(&mut a);
        rotate(&mut b);
        assert_eq!(dot(&a, &b), 8.0 * dot(&row, &other));
        rotate(&mut a);
        assert!(a.iter().zip(&row).all(|(a, row)| *a == 8.0 * row));
    }

    #[test]
    fn an_outlier_is_spread_over_eight_places() {
        let mut row = vec![0f32; 64];
        row[11] = 80.0;
        rotate(&mut row);
        assert_eq!(row.iter().filter(|value| value.abs() == 80.0).count(), 8);
        assert_eq!(row.iter().filter(|value| **value == 0.0).count(), 56);
    }
}
