//! What a table of figures shows, on several pages.

use crate::console::layout::{grouped, percent};
use crate::console::routing::tenths;
use crate::evaluation::audit::Estimate;
use crate::evaluation::wilson;

/// A share with its interval, in words; empty of nothing.
pub(super) fn shown_share(count: u64, of: u64) -> (String, String) {
    if of == 0 {
        return (String::new(), String::new());
    }
    let (low, high) = wilson(count, of);
    (tenths(count as f64 / of as f64), format!("{}–{}", tenths(low), tenths(high)))
}

/// For a spreadsheet: share, low, high.
pub(super) fn written_share(count: u64, of: u64) -> [String; 3] {
    if of == 0 {
        return [const { String::new() }; 3];
    }
    let (low, high) = wilson(count, of);
    [count as f64 / of as f64, low, high].map(super::share)
}

/// An estimated count with its interval: `120 (40–310)`.
pub(super) fn shown_count(estimate: Estimate) -> String {
    let [value, low, high] =
        [estimate.value, estimate.low, estimate.high].map(|count| grouped(count.max(0.0).round() as u64));
    format!("{value} ({low}–{high})")
}

/// An estimated share with its interval: `91% (80%–97%)`.
pub(super) fn shown_estimate(estimate: Estimate) -> String {
    format!("{} ({}–{})", percent(estimate.value), percent(estimate.low), percent(estimate.high))
}
