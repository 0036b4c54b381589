//! The view `skeleton`: Latin words as they look. Accents, look-alike letters and leet become one letter each; `l` and `i`
//! are one (both `i`), `rn` is `m`, `vv` is `w`. Japanese outside a Latin word is never touched. Starts from the joined view.

use unicode_normalization::char::{canonical_combining_class, decompose_canonical};

use super::classes::{is_japanese, is_latin};
use super::confusables::{foreign_letter, kanji_letter, leet};
use super::view::{View, ViewBuilder};

/// Folds the joined view to its skeleton.
pub fn to_skeleton(joined: &View) -> View {
    pair_up(&single_letters(joined))
}

/// The letter that a character certainly is, whatever stands beside it.
fn certain(c: char) -> Option<char> {
    if c.is_ascii_lowercase() {
        return Some(c);
    }
    if let Some(letter) = foreign_letter(c) {
        return Some(letter);
    }
    match c {
        '\u{1F1E6}'..='\u{1F1FF}' => char::from_u32(u32::from('a') + (c as u32 - 0x1F1E6)),
        _ if is_latin(c) => {
            let mut base = None;
            decompose_canonical(c, |part| {
                base.get_or_insert(part);
            });
            base.map(|letter| letter.to_ascii_lowercase()).filter(char::is_ascii_lowercase).or(match c {
                'æ' => Some('a'),
                'ß' => Some('b'),
                'þ' => Some('p'),
                'ð' => Some('o'),
                _ => None,
            })
        }
        _ => None,
    }
}

/// `l` and `i` look alike in most typefaces once case is gone (Iine, lnsta), so the view knows only one of them.
pub fn merge(letter: char) -> char {
    if letter == 'l' { 'i' } else { letter }
}

/// How often the letters around a sign are looked at again after it became a letter itself ($$nap). Two sweeps settle
/// everything that people write.
const MAX_SWEEPS: usize = 4;

fn single_letters(joined: &View) -> View {
    let bare = without_marks(joined);
    let chars: Vec<char> = bare.chars();
    let mut known: Vec<Option<char>> = chars.iter().map(|&c| certain(c)).collect();
    for _ in 0..MAX_SWEEPS {
        let mut settled = true;
        for index in (0..chars.len()).rev().chain(0..chars.len()) {
            if known[index].is_none() {
                if let Some(letter) = in_word(&chars, &known, index) {
                    known[index] = Some(letter);
                    settled = false;
                }
            }
        }
        if settled {
            break;
        }
    }
    let mut out = ViewBuilder::with_capacity(bare.as_str().len());
    for (index, &c) in chars.iter().enumerate() {
        out.copy_as(known[index].map_or(c, merge), &bare, index);
    }
    out.finish()
}

/// Drops marks over or through Latin letters and digits: l̲i̲n̲e̲. Voicing marks of kana are not touched.
fn without_marks(joined: &View) -> View {
    let mut out = ViewBuilder::with_capacity(joined.as_str().len());
    for (index, c) in joined.as_str().chars().enumerate() {
        let mark = canonical_combining_class(c) != 0;
        if !(mark && out.last().is_some_and(|last| last.is_ascii_alphanumeric() || certain(last).is_some())) {
            out.copy(c, joined, index);
        }
    }
    out.finish()
}

/// The letter that a digit, a sign or a kanji stands for where it stands, if it is part of a Latin word there.
fn in_word(chars: &[char], known: &[Option<char>], index: usize) -> Option<char> {
    let c = chars[index];
    let letter_at = |i: Option<usize>| i.and_then(|i| known.get(i)).is_some_and(Option::is_some);
    let left = letter_at(index.checked_sub(1));
    let right = letter_at(Some(index + 1));
    let right_two = right && letter_at(Some(index + 2));
    let before = index.checked_sub(1).map_or(' ', |i| chars[i]);
    let after = chars.get(index + 1).copied().unwrap_or(' ');

    if c.is_ascii_digit() {
        let letter = leet(c)?;
        let lone = !before.is_ascii_digit() && !after.is_ascii_digit();
        // Inside a word, at its head (0pen, 1ine), or alone at its tail (paypa1, venm0); two digits inside only (c00l).
        let head = matches!(c, '0' | '1') && right_two && !is_word_part(before);
        let tail = left && lone && letter_at(index.checked_sub(2)) && !is_word_part(after);
        let pair = digits_inside(chars, known, index);
        return ((lone && ((left && right) || head || tail)) || pair).then_some(letter);
    }
    match c {
        '@' => ((left && right) && !is_mail(chars, index)).then_some('a'),
        '$' | '€' | '|' | '!' | '¡' => {
            let head = right_two && !is_word_part(before) && c != '€';
            ((left && right) || head).then(|| leet(c)).flatten()
        }
        _ => {
            let letter = kanji_letter(c)?;
            let like = |c: char| kanji_letter(c).is_some();
            // Between Latin letters, possibly two look-alikes in a row (ㄥ工几乇 needs one certain neighbour each).
            let between = (left || (like(before) && letter_at(index.checked_sub(2))))
                && (right || (like(after) && letter_at(Some(index + 2))));
            let head = right_two && !is_japanese(before) && !is_word_part(before);
            let tail = left && letter_at(index.checked_sub(2)) && !is_japanese(after) && !is_word_part(after) && !is_kana_like(c);
            (between || head || tail).then_some(letter)
        }
    }
}

/// A kana after a Latin word is nearly always a particle, so it only counts inside or before one.
fn is_kana_like(c: char) -> bool {
    super::classes::is_kana(c)
}

fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() && !is_japanese(c) || c == '_'
}

/// One or two digits with letters on both sides.
fn digits_inside(chars: &[char], known: &[Option<char>], index: usize) -> bool {
    let start = if index > 0 && chars[index - 1].is_ascii_digit() { index - 1 } else { index };
    let end = if chars.get(index + 1).is_some_and(char::is_ascii_digit) { index + 2 } else { index + 1 };
    end - start <= 2
        && start > 0
        && known[start - 1].is_some()
        && known.get(end).is_some_and(Option::is_some)
}

/// Whether the `@` at `index` belongs to a mail address: the word after it goes on with a dot and a letter.
fn is_mail(chars: &[char], index: usize) -> bool {
    let mut at = index + 1;
    while chars.get(at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '-') {
        at += 1;
    }
    chars.get(at) == Some(&'.') && chars.get(at + 1).is_some_and(char::is_ascii_alphabetic)
}

/// Two letters that look like one: `rn` is `m`, `vv` is `w`.
fn pair_up(letters: &View) -> View {
    let chars = letters.chars();
    let mut out = ViewBuilder::with_capacity(letters.as_str().len());
    let mut index = 0;
    while index < chars.len() {
        match pair(chars[index], chars.get(index + 1).copied()) {
            Some(one) => {
                out.push(one, letters, index..index + 2);
                index += 2;
            }
            None => {
                out.copy(chars[index], letters, index);
                index += 1;
            }
        }
    }
    out.finish()
}

fn pair(first: char, second: Option<char>) -> Option<char> {
    match (first, second) {
        ('r', Some('n')) => Some('m'),
        ('v', Some('v')) => Some('w'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::folded::fold;
    use super::super::joined::join;
    use super::*;

    fn skeleton(text: &str) -> String {
        to_skeleton(&join(&fold(&View::identity(text)))).as_str().to_owned()
    }

    #[test]
    fn every_disguise_of_line_has_one_skeleton() {
        for text in [
            "LINE", "Ｌｉｎｅ", "L1NE", "Iine", "lιne", "LΙNE", "lіnе", "ʟɪɴᴇ", "L.I.N.E", "Ł1NE", "l!ne", "l|ne", "🇱🇮🇳🇪", "L工NE", "LエNE",
            "ĹÏŇÉ", "l̲i̲n̲e̲", "LIN3", "1ine", "L 1 N E", "ㄥine",
        ] {
            assert_eq!(skeleton(text), "iine", "{text}");
        }
        assert_eq!(skeleton("LINE交換"), "iine交換");
        assert_eq!(skeleton("lnsta"), skeleton("Insta"));
        assert_eq!(skeleton("工nsta"), skeleton("insta"));
        assert_eq!(skeleton("p@ypa1"), skeleton("PayPal"));
        assert_eq!(skeleton("Venrno venm0"), "venmo venmo");
        assert_eq!(skeleton("$napchat"), skeleton("snapchat"));
        assert_eq!(skeleton("tеlеgrаm"), skeleton("telegram"));
        assert_eq!(skeleton("c00l"), skeleton("cool"));
    }

    #[test]
    fn japanese_numbers_and_addresses_stay() {
        for text in ["日本刀", "ライン", "口座", "工事中", "1,200円", "2026-11-21", "〇〇様", "ok!", "〒150-0001", "力士", "5×7"] {
            assert_eq!(skeleton(text), text, "{text}");
        }
        assert_eq!(skeleton("kenta@gmail.com"), "kenta@gmaii.com");
        assert_eq!(skeleton("iphone12"), "iphone12");
        assert_eq!(skeleton("加工line"), "加工iine");
        assert_eq!(skeleton("lineし"), "iineし");
    }
}
