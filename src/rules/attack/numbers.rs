//! Numbers in other dress: ⓪⑨⓪, 0️⃣9️⃣, 〇九〇, ゼロキュウゼロ, oh nine oh, 0.9.0.

use std::ops::Range;

use rand::RngExt;
use rand::rngs::StdRng;

use super::{Target, choose};

/// Digits that a row needs to be a telephone or account number; shorter ones are prices and sizes.
const MIN_DIGITS: usize = 7;

/// Rows of digits with separators between them, as offsets into the part, that touch no Latin letter.
fn numbers(target: &Target<'_>) -> Vec<Range<usize>> {
    let chars = target.chars();
    target
        .runs(MIN_DIGITS, |c| c.is_ascii_digit() || matches!(c, '-' | ' ' | '.' | '(' | ')'))
        .into_iter()
        .filter_map(|run| {
            let digit = |at: &usize| chars[*at].is_ascii_digit();
            let start = run.clone().find(digit)?;
            let end = run.clone().rev().find(digit)? + 1;
            let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
            let free = !letter(target.at(start as isize - 1)) && !letter(target.at(end as isize));
            let count = (start..end).filter(digit).count();
            (free && count >= MIN_DIGITS).then_some(start..end)
        })
        .collect()
}

/// Rewrites every number of the part, given its digits and whether a separator stands before each.
fn rewrite(target: &Target<'_>, mut dress: impl FnMut(&[(u32, bool)]) -> String) -> Option<String> {
    let chars = target.chars();
    let found = numbers(target);
    if found.is_empty() {
        return None;
    }
    let mut out = String::new();
    let mut at = 0;
    for number in found {
        out.extend(&chars[at..number.start]);
        at = number.end;
        let mut digits = Vec::new();
        let mut separated = false;
        for c in &chars[number.clone()] {
            match c.to_digit(10) {
                Some(value) => {
                    digits.push((value, std::mem::take(&mut separated)));
                }
                None => separated = true,
            }
        }
        out.push_str(&dress(&digits));
    }
    out.extend(&chars[at..]);
    Some(out)
}

/// Each digit by a word of a list, with `group` where a separator stood and `within` between other digits.
fn spell(digits: &[(u32, bool)], words: &[&str], group: &str, within: &str) -> String {
    let mut out = String::new();
    for (index, (value, separated)) in digits.iter().enumerate() {
        if index > 0 {
            out.push_str(if *separated { group } else { within });
        }
        out.push_str(words[*value as usize]);
    }
    out
}

pub fn circled(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    const CIRCLES: [&str; 10] = ["⓪", "①", "②", "③", "④", "⑤", "⑥", "⑦", "⑧", "⑨"];
    const BLACK: [&str; 10] = ["⓿", "❶", "❷", "❸", "❹", "❺", "❻", "❼", "❽", "❾"];
    let words = if chance.random_bool(0.5) { CIRCLES } else { BLACK };
    rewrite(target, |digits| spell(digits, &words, "-", ""))
}

pub fn key_cap(target: &Target<'_>, _: &mut StdRng) -> Option<String> {
    const CAPS: [&str; 10] = ["0️⃣", "1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣", "7️⃣", "8️⃣", "9️⃣"];
    rewrite(target, |digits| spell(digits, &CAPS, " ", ""))
}

pub fn kanji(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    const KANJI: [&str; 10] = ["〇", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let group = choose(&["-", "の", "", "・"], chance)?;
    rewrite(target, |digits| spell(digits, &KANJI, group, ""))
}

pub fn spelled_ja(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    const KATAKANA: [&str; 10] =
        ["ゼロ", "イチ", "ニー", "サン", "ヨン", "ゴー", "ロク", "ナナ", "ハチ", "キュウ"];
    const HIRAGANA: [&str; 10] =
        ["ぜろ", "いち", "にい", "さん", "よん", "ごう", "ろく", "なな", "はち", "きゅう"];
    let words = if chance.random_bool(0.5) { KATAKANA } else { HIRAGANA };
    let group = choose(&["、", " ", "の", ""], chance)?;
    rewrite(target, |digits| spell(digits, &words, group, ""))
}

pub fn spelled_en(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    const WORDS: [&str; 10] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let mut words = WORDS;
    words[0] = choose(&["zero", "oh"], chance)?;
    let within = choose(&[" ", "-"], chance)?;
    rewrite(target, |digits| spell(digits, &words, " ", within))
}

/// Separators after every one to three digits.
pub fn separated(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let sign = choose(&['-', '.', ' ', '・', 'の', '/', '_', '🌟'], chance)?;
    rewrite(target, |digits| {
        let mut out = String::new();
        let mut left = chance.random_range(1..=3);
        for (value, _) in digits {
            if left == 0 {
                out.push(sign);
                left = chance.random_range(1..=3);
            }
            left -= 1;
            out.extend(char::from_digit(*value, 10));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::whole;

    #[test]
    fn numbers_are_dressed_whole() {
        assert_eq!(whole("090-0000-1212", "key_cap_digits", 0).unwrap().matches('\u{20E3}').count(), 11);
        assert!(whole("tel 090-0000-1212", "spelled_digits_en", 0).unwrap().contains("nine"));
        let new = whole("09000001212", "separated_digits", 1).unwrap();
        assert_eq!(new.chars().filter(char::is_ascii_digit).collect::<String>(), "09000001212");
        assert_ne!(new, "09000001212");
    }

    #[test]
    fn prices_and_handles_stay() {
        for text in ["12,000", "kenta_04121234", "2026-11"] {
            assert_eq!(whole(text, "kanji_digits", 0), None, "{text}");
        }
    }
}
