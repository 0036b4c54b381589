//! Latin letters that look like others: circles, boxes, flags, other alphabets, digits, kanji.

use rand::RngExt;
use rand::rngs::StdRng;

use super::{Target, choose, map_chars, replace_at, some_of};

/// First small letter (or capital, where there are no small ones) of rows of 26 letters in circles, boxes and mathematical
/// styles.
const STYLES: &[u32] = &[0x24B6, 0x24D0, 0x1F130, 0x1F150, 0x1F170, 0x1D400, 0x1D5D4];
/// The letters of which flags are made.
const FLAGS: u32 = 0x1F1E6;

fn styled(c: char, first: u32) -> Option<char> {
    c.is_ascii_alphabetic()
        .then(|| char::from_u32(first + c.to_ascii_lowercase() as u32 - u32::from('a')))
        .flatten()
}

/// Letters in circles or boxes, all in one style.
pub fn enclosed(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let style = choose(STYLES, chance)?;
    map_chars(target, |c| styled(c, style))
}

/// Letters of flags. Two of them in a row show a flag; a reader still reads the letters.
pub fn flags(target: &Target<'_>, _: &mut StdRng) -> Option<String> {
    map_chars(target, |c| styled(c, FLAGS))
}

/// Letters of Cyrillic, Greek and Armenian that look like a Latin one (Unicode TR39, confusables).
const FOREIGN: &[(char, &[char])] = &[
    ('a', &['а', 'α', 'А']),
    ('b', &['Ь', 'В', 'Β']),
    ('c', &['с', 'С', 'ϲ']),
    ('d', &['ԁ']),
    ('e', &['е', 'Е', 'Ε']),
    ('g', &['ɡ']),
    ('h', &['һ', 'Н']),
    ('i', &['і', 'ι', 'І']),
    ('j', &['ј', 'Ј']),
    ('k', &['к', 'κ', 'К']),
    ('l', &['ӏ']),
    ('m', &['м', 'М']),
    ('n', &['ո', 'η']),
    ('o', &['о', 'ο', 'О']),
    ('p', &['р', 'ρ', 'Р']),
    ('q', &['ԛ']),
    ('s', &['ѕ', 'Ѕ']),
    ('t', &['т', 'τ', 'Т']),
    ('u', &['υ', 'ս']),
    ('v', &['ν', 'ѵ']),
    ('w', &['ѡ', 'ԝ']),
    ('x', &['х', 'χ', 'Х']),
    ('y', &['у', 'ү', 'У']),
];

/// Look-alike letters of other alphabets.
pub fn foreign(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let places: Vec<(usize, &[char])> = target
        .chars()
        .iter()
        .enumerate()
        .filter_map(|(offset, c)| {
            let letter = c.to_ascii_lowercase();
            FOREIGN.iter().find(|(latin, _)| *latin == letter).map(|(_, forms)| (offset, *forms))
        })
        .collect();
    let changes: Vec<_> = some_of(&places, chance)
        .into_iter()
        .filter_map(|(offset, forms)| choose(forms, chance).map(|c| (offset, c.to_string())))
        .collect();
    replace_at(target, &changes)
}

/// Latin letters that look like other Latin letters: I for l, rn for m, vv for w.
pub fn twins(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let places: Vec<(usize, &str)> = target
        .chars()
        .iter()
        .enumerate()
        .filter_map(|(offset, c)| {
            let twin = match c {
                'l' => "I",
                'I' | 'i' => "l",
                'm' => "rn",
                'w' => "vv",
                _ => return None,
            };
            Some((offset, twin))
        })
        .collect();
    let changes: Vec<_> =
        some_of(&places, chance).into_iter().map(|(at, twin)| (at, twin.to_owned())).collect();
    replace_at(target, &changes)
}

const LEET: &[(char, &[char])] = &[
    ('a', &['4', '@']),
    ('b', &['8']),
    ('e', &['3']),
    ('g', &['9']),
    ('i', &['1', '!', '|']),
    ('l', &['1', '|']),
    ('o', &['0']),
    ('s', &['5', '$']),
    ('t', &['7']),
];

/// Kanji and katakana that net cant puts for a letter.
const KANJI: &[(char, &[char])] = &[
    ('i', &['工']),
    ('o', &['口', '〇']),
    ('n', &['几']),
    ('t', &['丁']),
    ('w', &['山']),
    ('e', &['乇']),
    ('c', &['匚']),
];

/// A digit or sign for one letter inside each Latin word: paypa1, c@sh.
pub fn leet(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    inside_words(target, LEET, chance)
}

/// A kanji for one letter inside each Latin word: L工NE.
pub fn kanji(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    inside_words(target, KANJI, chance)
}

/// Replaces one letter with a letter on both sides in every word that has one.
fn inside_words(target: &Target<'_>, table: &[(char, &[char])], chance: &mut StdRng) -> Option<String> {
    let chars = target.chars();
    let mut changes = Vec::new();
    for word in target.words(3, |c| c.is_ascii_alphabetic()) {
        let places: Vec<(usize, &[char])> = (word.start + 1..word.end - 1)
            .filter_map(|at| {
                let letter = chars[at].to_ascii_lowercase();
                table.iter().find(|(latin, _)| *latin == letter).map(|(_, forms)| (at, *forms))
            })
            .collect();
        if places.is_empty() {
            continue;
        }
        let (at, forms) = places[chance.random_range(0..places.len())];
        changes.extend(choose(forms, chance).map(|c| (at, c.to_string())));
    }
    replace_at(target, &changes)
}

#[cfg(test)]
mod tests {
    use super::super::tests::whole;

    #[test]
    fn every_letter_of_a_style_is_dressed() {
        for seed in 0..20 {
            let new = whole("paypal", "enclosed_letters", seed).unwrap();
            assert!(!new.contains(|c: char| c.is_ascii()), "{new}");
        }
        assert_eq!(whole("line", "flag_letters", 0).as_deref(), Some("🇱🇮🇳🇪"));
    }

    #[test]
    fn the_ends_of_a_word_stay_letters() {
        for name in ["leet", "kanji_letters"] {
            for seed in 0..20 {
                let new = whole("telegram ok", name, seed).unwrap();
                assert!(new.starts_with('t') && new.ends_with("m ok") && new != "telegram ok", "{new}");
            }
        }
        assert_eq!(whole("modem", "latin_twins", 1).map(|new| new.contains("rn")), Some(true));
    }
}
