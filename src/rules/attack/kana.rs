//! Kana written another way: the other script, other sizes, a hidden or confused letter, other marks.

use std::ops::Range;

use rand::RngExt;
use rand::rngs::StdRng;

use super::{Target, choose, map_chars, replace_at, some_of};
use crate::text::{is_japanese, is_kana};

/// From hiragana to katakana in Unicode.
const TO_KATAKANA: u32 = 0x60;
/// Letters that a word needs before one of them may be hidden or confused: what `docs/rules.md` promises.
const MIN_WORD: usize = 3;
/// A part that is one row of kana and no longer than this is a name (らいん, いんすた); longer rows are sentences.
const MAX_NAME: usize = 4;

const MASKS: &[char] = &['○', '●', '◯', '〇', '×', '＊', '※', '△'];

fn is_katakana(c: char) -> bool {
    ('ァ'..='ヶ').contains(&c)
}

fn is_hiragana(c: char) -> bool {
    ('ぁ'..='ゖ').contains(&c)
}

/// Hiragana as katakana.
pub fn katakana(target: &Target<'_>, _: &mut StdRng) -> Option<String> {
    map_chars(target, |c| is_hiragana(c).then(|| char::from_u32(c as u32 + TO_KATAKANA)).flatten())
}

/// Katakana as hiragana.
pub fn hiragana(target: &Target<'_>, _: &mut StdRng) -> Option<String> {
    map_chars(target, |c| is_katakana(c).then(|| char::from_u32(c as u32 - TO_KATAKANA)).flatten())
}

const SIZES: &[(char, char)] = &[
    ('ァ', 'ア'),
    ('ィ', 'イ'),
    ('ゥ', 'ウ'),
    ('ェ', 'エ'),
    ('ォ', 'オ'),
    ('ッ', 'ツ'),
    ('ャ', 'ヤ'),
    ('ュ', 'ユ'),
    ('ョ', 'ヨ'),
    ('ヮ', 'ワ'),
];

/// Small kana as large ones and the other way round.
pub fn size(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let swapped = |c: char| -> Option<char> {
        let shift = if is_hiragana(c) { TO_KATAKANA } else { 0 };
        let katakana = char::from_u32(c as u32 + shift)?;
        let other = SIZES.iter().find_map(|(small, large)| match katakana {
            _ if katakana == *small => Some(*large),
            _ if katakana == *large => Some(*small),
            _ => None,
        })?;
        char::from_u32(other as u32 - shift)
    };
    let places: Vec<(usize, char)> = target
        .chars()
        .iter()
        .enumerate()
        .filter_map(|(offset, c)| swapped(*c).map(|new| (offset, new)))
        .collect();
    let changes: Vec<_> =
        some_of(&places, chance).into_iter().map(|(at, new)| (at, new.to_string())).collect();
    replace_at(target, &changes)
}

/// Names in kana: words of katakana, or a part that is one short word of kana.
fn names(target: &Target<'_>) -> Vec<Range<usize>> {
    let chars = target.chars();
    let katakana = target.words(MIN_WORD, |c| is_katakana(c) || c == 'ー');
    let kana = |c: char| is_kana(c) || c == 'ー';
    if katakana.is_empty() && chars.len() <= MAX_NAME {
        return target.words(MIN_WORD, kana);
    }
    katakana
}

/// One letter of a name hidden, never the first: ら○ん.
pub fn masked(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let changes: Vec<_> = names(target)
        .into_iter()
        .filter_map(|name| {
            let hidden = chance.random_range(name.start + 1..name.end);
            choose(MASKS, chance).map(|mask| (hidden, mask.to_string()))
        })
        .collect();
    replace_at(target, &changes)
}

const KANJI: &[(char, char)] = &[
    ('エ', '工'),
    ('ロ', '口'),
    ('カ', '力'),
    ('タ', '夕'),
    ('ニ', '二'),
    ('ミ', '三'),
    ('ハ', '八'),
    ('ト', '卜'),
    ('チ', '千'),
    ('オ', '才'),
    ('ヌ', '又'),
    ('ム', '厶'),
    ('メ', '〆'),
    ('ー', '一'),
];

/// A katakana replaced by the kanji that looks like it: カカ才. It stands between katakana or ends a word of them.
pub fn look_alike_kanji(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let chars = target.chars();
    let mut changes = Vec::new();
    for word in target.words(MIN_WORD, |c| is_katakana(c) || c == 'ー') {
        let after = target.at(word.end as isize);
        let places: Vec<(usize, char)> = word
            .clone()
            .skip(1)
            .filter(|at| *at + 1 < word.end || (chars[*at] != 'ー' && !after.is_some_and(is_japanese)))
            .filter_map(|at| KANJI.iter().find(|(kana, _)| *kana == chars[at]).map(|(_, kanji)| (at, *kanji)))
            .collect();
        changes.extend(choose(&places, chance).map(|(at, kanji)| (at, kanji.to_string())));
    }
    replace_at(target, &changes)
}

const TWINS: &[(char, char)] = &[('ン', 'ソ'), ('ソ', 'ン'), ('ツ', 'シ'), ('シ', 'ツ')];

/// ン for ソ, シ for ツ, and the other way round: イソスタ.
pub fn look_alike_kana(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let chars = target.chars();
    let mut changes = Vec::new();
    for word in target.words(MIN_WORD, |c| is_katakana(c) || c == 'ー') {
        let places: Vec<(usize, char)> = word
            .filter_map(|at| TWINS.iter().find(|(kana, _)| *kana == chars[at]).map(|(_, twin)| (at, *twin)))
            .collect();
        changes.extend(choose(&places, chance).map(|(at, twin)| (at, twin.to_string())));
    }
    replace_at(target, &changes)
}

/// Other signs for the long vowel: a wave, a dash, two marks.
pub fn long_vowel(target: &Target<'_>, chance: &mut StdRng) -> Option<String> {
    let mut changes = Vec::new();
    for (offset, c) in target.chars().iter().enumerate() {
        let (before, after) = (target.at(offset as isize - 1), target.at(offset as isize + 1));
        if *c != 'ー' || !before.is_some_and(is_kana) {
            continue;
        }
        let mut forms = vec!["ーー"];
        if after.is_some_and(is_kana) {
            forms.extend(["〜", "～"]);
        }
        if before.is_some_and(is_katakana) && after.is_none_or(|c| is_japanese(c) || !c.is_alphanumeric()) {
            forms.extend(["―", "─", "－"].iter().take(if after.is_some_and(is_katakana) { 3 } else { 2 }));
        }
        changes.extend(choose(&forms, chance).map(|form| (offset, form.to_owned())));
    }
    replace_at(target, &changes)
}

/// Repeat marks for a repeated kana, and other forms of 々.
pub fn iteration_mark(target: &Target<'_>, _: &mut StdRng) -> Option<String> {
    let chars = target.chars();
    let mut changes: Vec<(usize, String)> = Vec::new();
    for offset in 1..chars.len() {
        let new_before = changes.last().is_some_and(|(at, _)| *at == offset - 1);
        let mark = match chars[offset] {
            '々' => '〻',
            c if new_before || c != chars[offset - 1] => continue,
            c if is_hiragana(c) => 'ゝ',
            c if is_katakana(c) => 'ヽ',
            _ => continue,
        };
        changes.push((offset, mark.to_string()));
    }
    replace_at(target, &changes)
}

#[cfg(test)]
mod tests {
    use super::super::tests::whole;

    #[test]
    fn scripts_and_sizes_are_swapped() {
        assert_eq!(whole("らいん交換", "katakana", 0).as_deref(), Some("ライン交換"));
        assert_eq!(whole("ライン交換", "hiragana", 0).as_deref(), Some("らいん交換"));
        assert_eq!(whole("キャ", "kana_size", 0).as_deref(), Some("キヤ"));
        assert_eq!(whole("ち", "kana_size", 0), None);
    }

    #[test]
    fn a_mask_never_hides_the_first_letter_or_a_short_word() {
        for seed in 0..30 {
            let new = whole("らいん", "masked_kana", seed).unwrap();
            assert!(new.starts_with('ら') && new != "らいん" && new.chars().count() == 3, "{new}");
        }
        assert_eq!(whole("しね", "masked_kana", 0), None);
        assert_eq!(whole("教えてください", "masked_kana", 0), None);
    }

    #[test]
    fn marks_are_varied() {
        assert_eq!(whole("こころ色々", "iteration_mark", 0).as_deref(), Some("こゝろ色〻"));
        assert!(whole("カカオ", "look_alike_kanji", 0).unwrap().contains(['力', '才']));
        assert_eq!(whole("インスタ", "look_alike_kana", 0).as_deref(), Some("イソスタ"));
        assert_ne!(whole("メール", "long_vowel", 0).unwrap(), "メール");
    }
}
