//! Something between the letters of a word: L.I.N.E, ラ・イ・ン, 直✨接.

use rand::rngs::StdRng;

use super::{Target, choose, insert_after, some_of};
use crate::text::{is_japanese, is_kana, is_kanji};

/// Letters that a Latin word needs to be read as one when its letters stand apart.
const MIN_LATIN: usize = 3;

const MARKS: &[char] = &['・', '.', '_', '/', '．', '･'];
const EMOJI: &[char] = &['✨', '🌟', '🎀', '💬', '🍀', '🔥', '💗'];

/// Full stops, middle dots, strokes.
pub fn marks(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    between(target, MARKS, chance)
}

/// Pictures.
pub fn emoji(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    between(target, EMOJI, chance)
}

/// One sign between all letters of a Latin word, or here and there inside a Japanese one.
fn between(target: &Target<'_>, signs: &[char], chance: &mut StdRng) -> Option<String> {
    let sign = choose(signs, chance)?;
    let inside: Vec<usize> =
        target.runs(2, is_japanese).into_iter().flat_map(|run| run.start..run.end - 1).collect();
    let mut places = some_of(&inside, chance);
    places.extend(gaps(&latin_words(target), chance));
    insert_after(target, &places, || sign)
}

/// Spaces between all letters of a word that stands by itself: l i n e, ラ イ ン. Beside a single letter (a, I, don't) nobody
/// can tell which letters belong together, so there the kind does not apply.
pub fn spaces(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let mut words = latin_words(target);
    words.retain(|(start, end)| !beside_single_letter(target, *start as isize, *end as isize));
    let mut places = gaps(&words, chance);
    if places.is_empty() {
        // A row of kana ends where a kanji or no letter follows, and begins after no letter.
        let kana = |c: char| is_kana(c) || c == 'ー';
        let words: Vec<_> = target
            .words(MIN_LATIN, kana)
            .into_iter()
            .filter(|word| {
                !target.at(word.start as isize - 1).is_some_and(char::is_alphanumeric)
                    && target.at(word.end as isize).is_none_or(|c| is_kanji(c) || !c.is_alphanumeric())
            })
            .collect();
        let index = choose(&(0..words.len()).collect::<Vec<_>>(), chance)?;
        places.extend(words[index].start..words[index].end - 1);
    }
    insert_after(target, &places, || ' ')
}

/// Latin words of the part, as beginnings and ends.
fn latin_words(target: &Target<'_>) -> Vec<(usize, usize)> {
    target
        .words(MIN_LATIN, |c| c.is_ascii_alphanumeric() || c == '\'' || c == '_')
        .into_iter()
        .filter(|word| target.chars()[word.clone()].iter().all(char::is_ascii_alphabetic))
        .map(|word| (word.start, word.end))
        .collect()
}

/// The places between the letters of one of the words: two words pulled apart could not be told from each other.
fn gaps(words: &[(usize, usize)], chance: &mut StdRng) -> Vec<usize> {
    choose(words, chance).map(|(start, end)| (start..end - 1).collect()).unwrap_or_default()
}

/// Whether the word before or after a word is a single letter.
fn beside_single_letter(target: &Target<'_>, start: isize, end: isize) -> bool {
    let letter = |offset: isize| target.at(offset).is_some_and(char::is_alphanumeric);
    let before = !letter(start - 1) && letter(start - 2) && !letter(start - 3);
    let after = !letter(end) && letter(end + 1) && !letter(end + 2);
    before || after
}

#[cfg(test)]
mod tests {
    use super::super::tests::whole;

    #[test]
    fn a_latin_word_is_pulled_apart_whole() {
        let new = whole("line", "filler", 4).unwrap();
        assert_eq!(new.chars().filter(char::is_ascii_alphabetic).collect::<String>(), "line");
        assert_eq!(new.chars().count(), 7, "{new}");
        assert_eq!(whole("line", "spaced", 4).as_deref(), Some("l i n e"));
        assert_eq!(whole("me", "spaced", 4), None);
        for ambiguous in ["a bank", "don't line", "line I"] {
            assert_eq!(whole(ambiguous, "spaced", 4), None, "{ambiguous}");
        }
    }

    #[test]
    fn japanese_words_get_marks_inside() {
        for seed in 0..20 {
            let new = whole("直接取引", "filler", seed).unwrap();
            assert!(new.starts_with('直') && new.ends_with('引') && new.chars().count() > 4, "{new}");
        }
        assert_eq!(whole("ライン", "spaced", 1).as_deref(), Some("ラ イ ン"));
        assert_eq!(whole("直接", "spaced", 1), None);
    }
}
