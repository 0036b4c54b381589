//! What has changed between two samples of messages: scores, and words.

use std::collections::BTreeMap;

/// Bins of the population stability index.
const BINS: usize = 10;
/// Messages in which a word has to stand before it is looked at.
const LEAST: u64 = 3;
/// z from which a word is told: what is less is chance in a vocabulary of thousands.
const TOLD: f64 = 3.0;

/// The population stability index of `now` beside `before`, over bins between the deciles of `before`: Σ (aᵢ − bᵢ) ln(aᵢ / bᵢ), the symmetric
/// Kullback–Leibler divergence (S. Kullback, Information Theory and Statistics, 1959; N. Siddiqi, Credit Risk Scorecards, 2006, for
/// the name). Half a message is added to each bin, so that an empty one is no infinity. None if either is empty.
pub fn stability(before: &[f64], now: &[f64]) -> Option<f64> {
    let edges: Vec<f64> =
        (1..BINS).map(|tenth| quantile(before, tenth as f64 / BINS as f64)).collect::<Option<_>>()?;
    if now.is_empty() {
        return None;
    }
    let shares = |scores: &[f64]| {
        let mut counts = [0.5; BINS];
        for score in scores {
            counts[edges.iter().filter(|edge| *score > **edge).count()] += 1.0;
        }
        counts.map(|count| count / (scores.len() as f64 + 0.5 * BINS as f64))
    };
    Some(shares(now).iter().zip(shares(before)).map(|(a, b)| (a - b) * (a / b).ln()).sum())
}

/// The value below which this share of the numbers lies, nearest rank. None of nothing.
pub fn quantile(numbers: &[f64], share: f64) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = ((share * sorted.len() as f64).ceil() as usize).max(1);
    sorted.get(rank - 1).copied()
}

/// In how many messages a word stands, now and before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Occurrences {
    pub now: u64,
    pub before: u64,
}

/// A word that stands in more messages than before.
#[derive(Debug, Clone, PartialEq)]
pub struct Risen {
    pub word: String,
    pub occurrences: Occurrences,
    /// Of the log-odds ratio.
    pub z: f64,
}

/// Words that stand in clearly more of the messages than before, the clearest first: log-odds ratio with an informative Dirichlet prior
/// (B. L. Monroe, M. P. Colaresi, K. M. Quinn, Political Analysis 16 (2008), 372, equations 15–22), the prior being both samples together,
/// scaled to a tenth of their messages; each message counts a word once.
pub fn risen(words: &BTreeMap<String, Occurrences>, messages: Occurrences, most: usize) -> Vec<Risen> {
    let all = (messages.now + messages.before) as f64;
    if messages.now == 0 || messages.before == 0 {
        return Vec::new();
    }
    let weight = 0.1;
    let mut risen: Vec<Risen> = words
        .iter()
        .filter(|(_, occurrences)| occurrences.now >= LEAST)
        .map(|(word, occurrences)| {
            // At least a twentieth of a message: a word that stood nowhere else is no infinity.
            let prior = (weight * (occurrences.now + occurrences.before) as f64).max(0.05);
            let odds = |count: u64, of: u64| {
                let count = count as f64 + prior;
                let rest = (of as f64 + weight * all - count).max(0.5);
                (count / rest).ln()
            };
            let difference = odds(occurrences.now, messages.now) - odds(occurrences.before, messages.before);
            let variance = 1.0 / (occurrences.now as f64 + prior) + 1.0 / (occurrences.before as f64 + prior);
            Risen { word: word.clone(), occurrences: *occurrences, z: difference / variance.sqrt() }
        })
        .filter(|word| word.z >= TOLD)
        .collect();
    risen.sort_by(|a, b| b.z.total_cmp(&a.z));
    risen.truncate(most);
    risen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::prelude::*;
    use rand::rngs::StdRng;

    fn table(rows: &[(&str, u64, u64)]) -> BTreeMap<String, Occurrences> {
        rows.iter()
            .map(|(word, now, before)| ((*word).into(), Occurrences { now: *now, before: *before }))
            .collect()
    }

    #[test]
    fn a_word_that_became_frequent_is_told_and_one_that_did_not_is_not() {
        let words = table(&[("カカオ", 40, 2), ("です", 900, 3_600), ("一度", 1, 0), ("発送", 20, 100)]);
        let found = risen(&words, Occurrences { now: 1_000, before: 4_000 }, 10);
        assert_eq!(found.iter().map(|word| word.word.as_str()).collect::<Vec<_>>(), ["カカオ"]);
        assert!(found[0].z > 6.0, "{found:?}");
        assert!(risen(&words, Occurrences { now: 1_000, before: 0 }, 10).is_empty());
    }

    #[test]
    fn chance_alone_tells_hardly_any_word() {
        // 2,000 words whose frequencies are the same before and now.
        let mut rng = StdRng::seed_from_u64(5);
        let mut words = BTreeMap::new();
        for n in 0..2_000 {
            let rate = 0.2 / f64::from(n + 1) + 0.002;
            let mut count = |of: u32| (0..of).filter(|_| rng.random_bool(rate)).count() as u64;
            words.insert(format!("w{n}"), Occurrences { now: count(2_000), before: count(2_000) });
        }
        let told = risen(&words, Occurrences { now: 2_000, before: 2_000 }, 2_000);
        assert!(told.len() <= 6, "{} of 2,000 by chance", told.len());
    }

    #[test]
    fn the_same_scores_are_stable_and_others_are_not() {
        let before: Vec<f64> = (0..1_000).map(|n| f64::from(n) / 1_000.0).collect();
        let shifted: Vec<f64> = before.iter().map(|score| score * 0.5).collect();
        assert!(stability(&before, &before).unwrap() < 0.001);
        assert!(stability(&before, &shifted).unwrap() > 0.25, "a shift that is called large");
        assert_eq!(stability(&before, &[]), None);
        assert_eq!(stability(&[], &before), None);
        assert_eq!(quantile(&before, 0.5), Some(0.499));
        assert_eq!(quantile(&[], 0.5), None);
    }

    proptest! {
        #[test]
        fn stability_is_never_negative_nor_infinite(
            before in proptest::collection::vec(0.0..=1.0_f64, 1..80),
            now in proptest::collection::vec(0.0..=1.0_f64, 1..80),
        ) {
            let index = stability(&before, &now).unwrap();
            prop_assert!(index >= -1e-12 && index.is_finite());
        }
    }
}
