//! Runs of characters as numbers.

use unicode_normalization::UnicodeNormalization;

/// Stands before and after every text, so that a short answer is told from the same word inside a sentence.
const EDGE: char = '\n';

/// What a run of characters belongs to; the same run counts apart in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Own,
    Before,
}

impl Field {
    /// Characters of the longest run. What was said before only has to be recognised.
    fn longest(self) -> usize {
        match self {
            Field::Own => 4,
            Field::Before => 3,
        }
    }

    fn seed(self) -> u64 {
        match self {
            Field::Own => 0xcbf2_9ce4_8422_2325,
            Field::Before => 0x9e37_79b9_7f4a_7c15,
        }
    }
}

/// The fingerprints of all runs of one text, in order, repeated as often as they stand there. Width, case and the number of spaces
/// make no difference.
pub(super) fn fingerprints(field: Field, text: &str) -> Vec<u64> {
    let characters = folded(text);
    let mut fingerprints = Vec::with_capacity(characters.len() * field.longest());
    for start in 0..characters.len() {
        let mut state = field.seed();
        for character in characters[start..].iter().take(field.longest()) {
            // FNV-1a over code points: its state after each is the fingerprint of a run, before mixing.
            state = (state ^ u64::from(u32::from(*character))).wrapping_mul(0x0000_0100_0000_01b3);
            fingerprints.push(mixed(state));
        }
    }
    fingerprints
}

fn folded(text: &str) -> Vec<char> {
    let mut characters = vec![EDGE];
    for character in text.nfkc().flat_map(char::to_lowercase) {
        match character.is_whitespace() {
            true if characters.last().is_some_and(|last| last.is_whitespace()) => {}
            true => characters.push(' '),
            false => characters.push(character),
        }
    }
    if characters.last() == Some(&' ') {
        characters.pop();
    }
    characters.push(EDGE);
    characters
}

/// The finaliser of MurmurHash3: every bit of the state reaches every bit of the fingerprint.
fn mixed(mut state: u64) -> u64 {
    state ^= state >> 33;
    state = state.wrapping_mul(0xff51_afd7_ed55_8ccd);
    state ^= state >> 33;
    state = state.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    state ^ (state >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_has_every_run_up_to_the_longest() {
        // ⏎ a b ⏎: four characters, so 4 + 3 + 2 + 1 runs.
        assert_eq!(fingerprints(Field::Own, "ab").len(), 10);
        assert_eq!(fingerprints(Field::Before, "ab").len(), 9);
        let apart: BTreeSet<u64> = fingerprints(Field::Own, "了解です").into_iter().collect();
        assert!(fingerprints(Field::Before, "了解です").iter().all(|run| !apart.contains(run)));
    }

    #[test]
    fn width_case_and_spaces_make_no_difference() {
        assert_eq!(fingerprints(Field::Own, "ＬＩＮＥ  交換"), fingerprints(Field::Own, "line\u{3000}交換 "));
        assert_ne!(fingerprints(Field::Own, "line交換"), fingerprints(Field::Own, "line 交換"));
    }

    proptest! {
        #[test]
        fn a_longer_text_keeps_the_runs_of_its_beginning(text in "[a-zぁ-ん]{4,12}", more in "[a-zぁ-ん]{1,4}") {
            let longer: BTreeSet<u64> = fingerprints(Field::Own, &format!("{text}{more}")).into_iter().collect();
            // All but those that hold the end of the text.
            let inside = text.chars().count() - 3;
            let runs = fingerprints(Field::Own, &text);
            prop_assert!(runs[..4 * inside].iter().all(|run| longer.contains(run)));
        }
    }
}
