//! Shares with their intervals.

/// Quantile of the normal distribution for a 95% interval.
pub const Z: f64 = 1.959_963_984_540_054;

/// Wilson's 95% interval of a share: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), 209. `of` is at least 1.
pub fn wilson(count: u64, of: u64) -> (f64, f64) {
    let (n, share) = (of as f64, count as f64 / of as f64);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    (((middle - half) / whole).max(0.0), ((middle + half) / whole).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_s_interval_is_that_of_the_literature() {
        // Newcombe, Statistics in Medicine 17 (1998), 857, table I, method 3: 81/263, 15/148, 0/20, 1/29.
        for (count, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let (found_low, found_high) = wilson(count, of);
            assert!((found_low - low).abs() < 5e-5, "{count}/{of}: {found_low}");
            assert!((found_high - high).abs() < 5e-5, "{count}/{of}: {found_high}");
        }
    }
}
