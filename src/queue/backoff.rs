//! Waiting times between attempts: exponential, jittered, bounded.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Doubles a ceiling with every attempt and draws each wait from its upper half, so that many workers that lost the same broker
/// do not all come back in the same moment.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    attempts: u32,
    random: StdRng,
}

impl Backoff {
    /// The first wait is at most `first`, none is longer than `longest`. The same seed gives the same waits.
    pub fn new(first: Duration, longest: Duration, seed: u64) -> Self {
        Self { first, longest, attempts: 0, random: StdRng::seed_from_u64(seed) }
    }

    /// How long to wait before the next attempt.
    pub fn next_wait(&mut self) -> Duration {
        let factor = 2_u32.checked_pow(self.attempts).unwrap_or(u32::MAX);
        let ceiling = self.first.saturating_mul(factor).min(self.longest);
        self.attempts = self.attempts.saturating_add(1);
        ceiling.mul_f64(self.random.random_range(0.5..=1.0))
    }

    /// After a success: the next wait is short again.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(5);

    #[test]
    fn waits_grow_to_the_bound_and_start_over_after_a_reset() {
        let mut backoff = Backoff::new(FIRST, LONGEST, 7);
        for attempt in 0..100_u32 {
            let ceiling = FIRST.saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST);
            let wait = backoff.next_wait();
            assert!(wait >= ceiling / 2 && wait <= ceiling, "attempt {attempt}: {wait:?} of {ceiling:?}");
        }
        backoff.reset();
        assert!(backoff.next_wait() <= FIRST);
    }

    #[test]
    fn seeds_repeat_and_differ() {
        let waits = |seed| {
            let mut backoff = Backoff::new(FIRST, LONGEST, seed);
            (0..8).map(|_| backoff.next_wait()).collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }
}
