//! The same words written another way: width, case, punctuation, typing mistakes, hidden letters. A label does not depend on
//! these, so a training that reads every example in a new hand each time learns what is said rather than how it is typed.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::text::{is_japanese, is_kana};

/// Rewrites a text with one to three small changes. Never empties it.
pub fn rewrite(text: &str, random: &mut StdRng) -> String {
    changed(text, CHANGES, random)
}

/// The same with what happens to English that nobody tries to hide: case, punctuation, mistyped words.
pub fn mistype(text: &str, random: &mut StdRng) -> String {
    changed(text, SLIPS, random)
}

fn changed(text: &str, changes: &[Change], random: &mut StdRng) -> String {
    let mut text = text.to_owned();
    for _ in 0..random.random_range(1..=3) {
        let Some(change) = changes.choose(random) else { continue };
        let changed = change(&text, random);
        if !changed.trim().is_empty() {
            text = changed;
        }
    }
    text
}

type Change = fn(&str, &mut StdRng) -> String;

const CHANGES: &[Change] =
    &[case, width, punctuation, ending, mistyped_word, disguised_word, other_kana, number, spaces];
const SLIPS: &[Change] = &[case, punctuation, mistyped_word, spaces];

fn case(text: &str, random: &mut StdRng) -> String {
    if random.random_bool(0.7) { text.to_lowercase() } else { text.to_uppercase() }
}

/// Letters and digits to full width or back.
fn width(text: &str, random: &mut StdRng) -> String {
    let widen = random.random_bool(0.5);
    text.chars()
        .map(|c| match c {
            '0'..='9' | 'A'..='Z' | 'a'..='z' if widen => shifted(c, 0xFEE0),
            '\u{FF10}'..='\u{FF19}' | '\u{FF21}'..='\u{FF3A}' | '\u{FF41}'..='\u{FF5A}' if !widen => {
                shifted(c, -0xFEE0)
            }
            c => c,
        })
        .collect()
}

fn shifted(c: char, by: i32) -> char {
    u32::try_from(c as i32 + by).ok().and_then(char::from_u32).unwrap_or(c)
}

/// Commas and stops left out, or made spaces or line breaks.
fn punctuation(text: &str, random: &mut StdRng) -> String {
    let instead = ["", " ", "\n", "！", "…"].choose(random).copied().unwrap_or("");
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '。' | '、' | '！' => out.push_str(instead),
            '\'' | ',' | '!' if instead.len() <= 1 => {}
            c => out.push(c),
        }
    }
    out
}

fn ending(text: &str, random: &mut StdRng) -> String {
    const ENDINGS: &[&str] =
        &["", "", "。", "…", "！", "!", "〜", " 😊", "🙏", "✨", "💦", "(^^)", "m(__)m", "^_^", "笑", "."];
    let bare = text.trim_end_matches(['。', '！', '!', '.', '…', '〜', ' ', '😊', '🙏', '✨']);
    if bare.is_empty() {
        return text.to_owned();
    }
    format!("{bare}{}", ENDINGS.choose(random).copied().unwrap_or(""))
}

/// Runs of characters of one kind, as byte ranges.
fn runs(text: &str, kind: impl Fn(char) -> bool, shortest: usize) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    for (at, c) in text.char_indices().chain(std::iter::once((text.len(), '\0'))) {
        match (kind(c), open) {
            (true, None) => open = Some((at, 1)),
            (true, Some((start, count))) => open = Some((start, count + 1)),
            (false, Some((start, count))) => {
                if count >= shortest {
                    found.push(start..at);
                }
                open = None;
            }
            (false, None) => {}
        }
    }
    found
}

/// Rewrites one run, chosen at random.
fn one_run(
    text: &str,
    random: &mut StdRng,
    kind: impl Fn(char) -> bool,
    shortest: usize,
    with: impl Fn(&[char], &mut StdRng) -> String,
) -> String {
    let Some(range) = runs(text, kind, shortest).choose(random).cloned() else { return text.to_owned() };
    let word: Vec<char> = text[range.clone()].chars().collect();
    format!("{}{}{}", &text[..range.start], with(&word, random), &text[range.end..])
}

/// Two letters swapped, one lost or one twice.
fn mistyped_word(text: &str, random: &mut StdRng) -> String {
    one_run(
        text,
        random,
        |c| c.is_ascii_alphabetic(),
        4,
        |word, random| {
            let mut word = word.to_vec();
            let at = random.random_range(1..word.len() - 1);
            match random.random_range(0..3) {
                0 => word.swap(at, at + 1),
                1 => drop(word.remove(at)),
                _ => word.insert(at, word[at]),
            }
            word.into_iter().collect()
        },
    )
}

/// A word as people hide it from filters.
fn disguised_word(text: &str, random: &mut StdRng) -> String {
    if random.random_bool(0.5) {
        return one_run(text, random, |c| c.is_ascii_alphabetic(), 3, disguised_letters);
    }
    one_run(text, random, |c| is_kana(c) && !('\u{3041}'..='\u{3096}').contains(&c), 3, disguised_kana)
}

fn disguised_letters(word: &[char], random: &mut StdRng) -> String {
    match random.random_range(0..4) {
        0 => spread(word, random),
        1 => word
            .iter()
            .map(|c| match c.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                'e' => '3',
                'a' => '4',
                's' => '5',
                _ => *c,
            })
            .collect(),
        2 => masked(word, random),
        _ => word.iter().map(|c| shifted(c.to_ascii_lowercase(), 0x24D0 - 'a' as i32)).collect(),
    }
}

fn disguised_kana(word: &[char], random: &mut StdRng) -> String {
    match random.random_range(0..3) {
        0 => spread(word, random),
        1 => masked(word, random),
        _ => word.iter().map(|c| other_syllabary(*c)).collect(),
    }
}

fn spread(word: &[char], random: &mut StdRng) -> String {
    let between = ["・", ".", " ", "-", "\u{200B}", "_"].choose(random).copied().unwrap_or(" ");
    word.iter().map(char::to_string).collect::<Vec<_>>().join(between)
}

fn masked(word: &[char], random: &mut StdRng) -> String {
    let mut word = word.to_vec();
    let at = random.random_range(1..word.len());
    word[at] = ['○', '●', '*', '×', '〇'].choose(random).copied().unwrap_or('○');
    word.into_iter().collect()
}

/// Hiragana as katakana and the other way round.
fn other_syllabary(c: char) -> char {
    match c {
        '\u{3041}'..='\u{3096}' => shifted(c, 0x60),
        '\u{30A1}'..='\u{30F6}' => shifted(c, -0x60),
        c => c,
    }
}

fn other_kana(text: &str, random: &mut StdRng) -> String {
    one_run(text, random, is_kana, 2, |word, random| {
        let from = random.random_range(0..word.len());
        let to = (from + random.random_range(1..=4)).min(word.len());
        let change = |(at, c): (usize, &char)| {
            if (from..to).contains(&at) { other_syllabary(*c) } else { *c }
        };
        word.iter().enumerate().map(change).collect()
    })
}

/// The digits of a number in another script, or apart.
fn number(text: &str, random: &mut StdRng) -> String {
    one_run(
        text,
        random,
        |c| c.is_ascii_digit(),
        2,
        |digits, random| {
            let value = |c: &char| c.to_digit(10).unwrap_or(0) as usize;
            let kanji = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
            match random.random_range(0..3) {
                0 => digits.iter().map(|c| kanji[value(c)]).collect(),
                1 => digits.iter().map(|c| shifted(*c, 0xFEE0)).collect(),
                _ => spread(digits, random),
            }
        },
    )
}

/// Spaces gone between Japanese words, or one that slipped in.
fn spaces(text: &str, random: &mut StdRng) -> String {
    if text.contains([' ', '\u{3000}']) && text.chars().any(is_japanese) {
        return text.replace([' ', '\u{3000}'], "");
    }
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).skip(1).collect();
    match places.choose(random) {
        Some(&at) => format!("{} {}", &text[..at], &text[at..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    proptest! {
        #[test]
        fn never_empty_never_panics_and_repeatable(text in "\\PC{1,60}", seed in any::<u64>()) {
            let once = rewrite(&text, &mut StdRng::seed_from_u64(seed));
            prop_assert_eq!(&once, &rewrite(&text, &mut StdRng::seed_from_u64(seed)));
            prop_assert!(text.trim().is_empty() || !once.trim().is_empty());
        }
    }

    #[test]
    fn writes_in_many_ways() {
        let all: std::collections::BTreeSet<String> = (0..200)
            .map(|seed| rewrite("LINE交換、カカオでも。id は kenta0412", &mut StdRng::seed_from_u64(seed)))
            .collect();
        assert!(all.len() > 120, "{}", all.len());
    }

    #[test]
    fn a_slip_hides_nothing() {
        for seed in 0..200 {
            let slipped = mistype("Why was I charged $1.20 twice?", &mut StdRng::seed_from_u64(seed));
            assert!(slipped.is_ascii() && slipped.contains('2'), "{slipped}");
        }
    }
}
