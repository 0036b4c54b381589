//! How much was missed, from a random sample of messages without an alert that people judge.
//!
//! The sample is drawn in two phases (J. Neyman, J. Am. Stat. Assoc. 33 (1938), 101; W. G. Cochran, Sampling Techniques, 3rd ed. 1977,
//! chapter 12): a large uniform pool, whose probabilities are known, and from each stratum of the pool a smaller uniform sample, which is
//! looked at. A message of stratum *h* comes into the sample with probability (pool / all) · (chosen_h / pool_h); its weight is the
//! inverse.

use rand::prelude::*;
use rand::rngs::StdRng;
use rand::seq::index;

use super::shares::{Z, wilson};

/// Upper ends of the strata, by the highest probability of any policy: what the model held for likely is worth more looks.
pub const STRATA: [f64; 4] = [0.02, 0.1, 0.3, 1.0];

/// The stratum of a message with this highest probability.
pub fn stratum_of(probability: f64) -> usize {
    STRATA.iter().position(|below| probability < *below).unwrap_or(STRATA.len() - 1)
}

/// What was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Messages of the pool, by stratum.
    pub pool: [usize; STRATA.len()],
    /// Those of them that are to be judged, by stratum.
    pub chosen: [usize; STRATA.len()],
    /// Index in the pool and stratum of each, in random order: any beginning of the list is a random sample of each stratum too.
    pub order: Vec<(usize, usize)>,
}

/// Chooses at most `size` of a pool with these probabilities.
pub fn choose(probabilities: &[f64], size: usize, rng: &mut StdRng) -> Chosen {
    let mut members: [Vec<usize>; STRATA.len()] = Default::default();
    let mut sums = [0.0; STRATA.len()];
    for (index, probability) in probabilities.iter().enumerate() {
        let stratum = stratum_of(*probability);
        members[stratum].push(index);
        sums[stratum] += probability;
    }
    let pool = [0, 1, 2, 3].map(|stratum: usize| members[stratum].len());
    let means = [0, 1, 2, 3].map(|stratum: usize| sums[stratum] / pool[stratum].max(1) as f64);
    let chosen = allocate(&pool, &means, size);
    let mut order: Vec<(usize, usize)> = Vec::with_capacity(size);
    for (stratum, members) in members.iter().enumerate() {
        let drawn = index::sample(rng, members.len(), chosen[stratum]);
        order.extend(drawn.into_iter().map(|at| (members[at], stratum)));
    }
    order.shuffle(rng);
    Chosen { pool, chosen, order }
}

/// How many of each stratum: Neyman's allocation (J. R. Stat. Soc. 97 (1934), 558), in proportion to size · √(p(1 − p)) with the mean
/// probability as a guess of p, but a tenth of the sample at least for each stratum that has so many.
fn allocate(pool: &[usize; STRATA.len()], means: &[f64; STRATA.len()], size: usize) -> [usize; STRATA.len()] {
    let least = size / 10;
    let mut chosen = pool.map(|count| count.min(least));
    let worth = |stratum: usize| {
        let p = means[stratum].clamp(0.001, 0.5);
        pool[stratum] as f64 * (p * (1.0 - p)).sqrt()
    };
    // One after the other to the stratum that has least for its worth: ends with the proportions, and passes over those that are used up.
    while chosen.iter().sum::<usize>() < size {
        let next = (0..STRATA.len()).filter(|stratum| chosen[*stratum] < pool[*stratum]).max_by(|a, b| {
            let wanting = |stratum: usize| worth(stratum) / (chosen[stratum] + 1) as f64;
            wanting(*a).total_cmp(&wanting(*b))
        });
        let Some(next) = next else { break };
        chosen[next] += 1;
    }
    chosen
}

/// One stratum as far as it was judged without doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stratum {
    /// Messages of the pool.
    pub pool: u64,
    pub judged: u64,
    /// Violations of the policy among them.
    pub violations: u64,
}

/// A number with its 95% interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// How many violations there are among `all` messages without an alert: the Horvitz–Thompson estimate (J. Am. Stat. Assoc. 47 (1952),
/// 663) of the two phases, all · Σ w_h p̂_h with w_h the share of the stratum in the pool. None as long as a stratum of the pool has
/// nothing judged.
///
/// The interval adds up the distances from p̂_h to the ends of each stratum's Wilson interval in quadrature (MOVER: G. Y. Zou, W. Huang,
/// X. Zhang, Comput. Stat. Data Anal. 53 (2009), 1080; X. Yan, X. G. Su, Stat. Biopharm. Res. 2 (2010), 329), so that nothing found is not
/// taken for nothing there; and what the pool itself varies, Σ w_h (p̂_h − p̂)² / pool (Cochran, 12.2). The number of messages
/// is taken as known: with thousands of numbers asked for, its error is far below that of the rest.
pub fn missed(all: f64, strata: &[Stratum]) -> Option<Estimate> {
    let pool: u64 = strata.iter().map(|stratum| stratum.pool).sum();
    if pool == 0 {
        return None;
    }
    let mut parts = Vec::new();
    for stratum in strata.iter().filter(|stratum| stratum.pool > 0) {
        if stratum.judged == 0 {
            return None;
        }
        let share = stratum.violations as f64 / stratum.judged as f64;
        // Where everything was looked at, nothing is left to vary.
        let known = stratum.judged >= stratum.pool && pool as f64 >= all;
        let ends = if known { (share, share) } else { wilson(stratum.violations, stratum.judged) };
        parts.push((stratum.pool as f64 / pool as f64, share, ends));
    }
    let share: f64 = parts.iter().map(|(weight, share, _)| weight * share).sum();
    let first = parts.iter().map(|(weight, of, _)| weight * (of - share).powi(2)).sum::<f64>() / pool as f64;
    let first = if all > pool as f64 { first * Z * Z * (1.0 - pool as f64 / all) } else { 0.0 };
    let below: f64 = parts.iter().map(|(weight, of, (low, _))| (weight * (of - low)).powi(2)).sum();
    let above: f64 = parts.iter().map(|(weight, of, (_, high))| (weight * (high - of)).powi(2)).sum();
    Some(Estimate {
        value: all * share,
        low: all * (share - (below + first).sqrt()).max(0.0),
        high: all * (share + (above + first).sqrt()).min(1.0),
    })
}

/// The share of the violations that were found; what was found is counted, not estimated. None if there is none of either.
pub fn recall(found: u64, missed: Estimate) -> Option<Estimate> {
    let found = found as f64;
    let of = |missed: f64| found / (found + missed);
    (found + missed.value > 0.0).then(|| Estimate {
        value: of(missed.value),
        low: of(missed.high),
        high: if found + missed.low > 0.0 { of(missed.low) } else { 1.0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_chosen_is_of_its_stratum_once_and_as_much_as_there_is(
            probabilities in proptest::collection::vec(0.0..=1.0_f64, 0..400),
            size in 0_usize..120,
            seed in any::<u64>(),
        ) {
            let chosen = choose(&probabilities, size, &mut StdRng::seed_from_u64(seed));
            prop_assert_eq!(chosen.order.len(), size.min(probabilities.len()));
            prop_assert_eq!(chosen.chosen.iter().sum::<usize>(), chosen.order.len());
            prop_assert_eq!(chosen.pool.iter().sum::<usize>(), probabilities.len());
            let mut indices: Vec<usize> = chosen.order.iter().map(|(index, _)| *index).collect();
            indices.sort_unstable();
            indices.dedup();
            prop_assert_eq!(indices.len(), chosen.order.len());
            for (index, stratum) in &chosen.order {
                prop_assert_eq!(stratum_of(probabilities[*index]), *stratum);
            }
            for stratum in 0..STRATA.len() {
                prop_assert!(chosen.chosen[stratum] >= chosen.pool[stratum].min(size / 10));
            }
        }

        #[test]
        fn an_estimate_lies_in_its_interval_and_within_what_there_is(
            strata in proptest::collection::vec((1_u64..500, 1_u64..60, 0.0..=1.0_f64), 1..5),
            scale in 1.0..1000.0_f64,
            found in 0_u64..500,
        ) {
            let strata: Vec<Stratum> = strata
                .into_iter()
                .map(|(pool, judged, share)| {
                    let judged = judged.min(pool);
                    Stratum { pool, judged, violations: (share * judged as f64) as u64 }
                })
                .collect();
            let all = scale * strata.iter().map(|stratum| stratum.pool).sum::<u64>() as f64;
            let missed = missed(all, &strata).unwrap();
            prop_assert!(0.0 <= missed.low && missed.low <= missed.value + 1e-9 * all);
            prop_assert!(missed.value <= missed.high + 1e-9 * all && missed.high <= all);
            if let Some(recall) = recall(found, missed) {
                prop_assert!(0.0 <= recall.low && recall.low <= recall.value + 1e-9);
                prop_assert!(recall.value <= recall.high + 1e-9 && recall.high <= 1.0);
            }
        }
    }

    #[test]
    fn a_stratum_without_a_judgement_leaves_it_open() {
        let judged = Stratum { pool: 10, judged: 5, violations: 1 };
        assert_eq!(missed(100.0, &[judged, Stratum { judged: 0, violations: 0, ..judged }]), None);
        assert!(missed(100.0, &[judged, Stratum { pool: 0, judged: 0, violations: 0 }]).is_some());
        assert_eq!(missed(0.0, &[]), None);
    }

    #[test]
    fn nothing_found_is_not_nothing_there_unless_all_was_looked_at() {
        let estimate = missed(10_000.0, &[Stratum { pool: 1_000, judged: 100, violations: 0 }]).unwrap();
        assert_eq!((estimate.value, estimate.low), (0.0, 0.0));
        assert!((estimate.high - 10_000.0 * wilson(0, 100).1).abs() < 1e-6);
        let whole = missed(100.0, &[Stratum { pool: 100, judged: 100, violations: 3 }]).unwrap();
        for end in [whole.value, whole.low, whole.high] {
            assert!((end - 3.0).abs() < 1e-9, "{whole:?}");
        }
    }

    /// Populations like those of messages: nearly all unlikely, few of those violations.
    fn population(rates: [f64; 4], rng: &mut StdRng) -> Vec<(f64, bool)> {
        let shares = [0.95, 0.035, 0.01, 0.005];
        let middles = [0.01, 0.05, 0.2, 0.5];
        (0..20_000)
            .map(|_| {
                let mut at = rng.random::<f64>();
                let stratum = shares
                    .iter()
                    .position(|share| {
                        at -= share;
                        at < 0.0
                    })
                    .unwrap_or(3);
                (middles[stratum], rng.random_bool(rates[stratum]))
            })
            .collect()
    }

    #[test]
    fn the_interval_covers_the_truth_as_often_as_it_says() {
        for (case, rates) in
            [[0.001, 0.03, 0.2, 0.5], [0.0, 0.01, 0.1, 0.4], [0.02, 0.1, 0.3, 0.6]].into_iter().enumerate()
        {
            let mut rng = StdRng::seed_from_u64(11 + case as u64);
            let messages = population(rates, &mut rng);
            let truth = messages.iter().filter(|(_, violation)| *violation).count() as f64;
            let (rounds, mut covered, mut sum) = (600, 0, 0.0);
            for _ in 0..rounds {
                let pool: Vec<usize> = index::sample(&mut rng, messages.len(), 4_000).into_iter().collect();
                let probabilities: Vec<f64> = pool.iter().map(|at| messages[*at].0).collect();
                let drawn = choose(&probabilities, 300, &mut rng);
                let mut strata = [Stratum { pool: 0, judged: 0, violations: 0 }; STRATA.len()];
                for (stratum, of) in strata.iter_mut().enumerate() {
                    (of.pool, of.judged) = (drawn.pool[stratum] as u64, drawn.chosen[stratum] as u64);
                }
                for (at, stratum) in &drawn.order {
                    strata[*stratum].violations += u64::from(messages[pool[*at]].1);
                }
                let estimate = missed(messages.len() as f64, &strata).unwrap();
                covered += u32::from(estimate.low <= truth && truth <= estimate.high);
                sum += estimate.value;
            }
            let share = f64::from(covered) / f64::from(rounds);
            assert!(share >= 0.93, "case {case}: covered {share}");
            let mean = sum / f64::from(rounds);
            assert!((mean - truth).abs() < 0.1 * truth, "case {case}: {mean} for {truth} on the average");
        }
    }
}
