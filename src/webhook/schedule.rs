//! When a delivery that failed is tried again: the schedule that Standard Webhooks 1.0 suggests, over three days.

use std::time::Duration;

/// Between one attempt and the next, in seconds.
const WAITS: [u64; 9] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600];

/// How often a delivery is tried, the first time included.
pub const ATTEMPTS: u32 = WAITS.len() as u32 + 1;

/// How much longer than planned a wait may be, as a share of it: what failed together does not come back together.
const JITTER: f64 = 0.2;

/// How long to wait after so many failures, the last one included; none if that was the last attempt. `chance` lies between 0 and 1.
/// `asked` is what the receiver's `Retry-After` says: it makes a wait longer, but no longer than the longest.
pub fn next_wait(failures: u32, chance: f64, asked: Option<Duration>) -> Option<Duration> {
    let index = usize::try_from(failures).ok()?.checked_sub(1)?;
    let planned = Duration::from_secs(*WAITS.get(index)?);
    let longest = Duration::from_secs(WAITS[WAITS.len() - 1]);
    let least = planned.max(asked.unwrap_or_default().min(longest));
    Some(least.mul_f64(1.0 + JITTER * chance.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_delivery_is_tried_ten_times_over_three_days() {
        let waits: Vec<u64> =
            (1..).map_while(|n| next_wait(n, 0.0, None)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits.len() as u32 + 1, ATTEMPTS);
        assert_eq!(waits[..6], [5, 300, 1800, 7200, 18_000, 36_000]);
        assert_eq!(waits.iter().sum::<u64>(), 75 * 3600 + 35 * 60 + 5);
        assert_eq!((next_wait(0, 0.5, None), next_wait(u32::MAX, 0.5, None)), (None, None));
    }

    proptest! {
        #[test]
        fn waits_grow_by_more_than_their_jitter_and_keep_within_it(failures in 1..ATTEMPTS, a in 0.0..=1.0, b in 0.0..=1.0) {
            let wait = next_wait(failures, a, None).unwrap();
            let planned = next_wait(failures, 0.0, None).unwrap();
            prop_assert!(wait >= planned && wait <= planned.mul_f64(1.0 + JITTER + 1e-9));
            match next_wait(failures + 1, b, None) {
                // The last two are 20 and 24 hours: with jitter they can meet.
                Some(next) => prop_assert!(next >= wait.mul_f64(1.0 - 1e-9)),
                None => prop_assert_eq!(failures + 1, ATTEMPTS),
            }
        }

        #[test]
        fn a_receiver_can_ask_for_more_time_but_not_for_less_nor_for_ever(
            failures in 1..ATTEMPTS, seconds in 0u64..10_000_000, chance in -1.0..=2.0,
        ) {
            let asked = next_wait(failures, chance, Some(Duration::from_secs(seconds))).unwrap();
            prop_assert!(asked >= next_wait(failures, 0.0, None).unwrap());
            prop_assert!(asked.as_secs() >= seconds.min(24 * 3600));
            prop_assert!(asked <= Duration::from_secs(24 * 3600).mul_f64(1.0 + JITTER + 1e-9));
        }
    }
}
