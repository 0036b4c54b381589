//! The view `skeleton`: Latin words as they look. Accents, look-alike letters and leet become one letter each; `l` and `i`
//! are one (both `i`), `rn` is `m`, `vv` is `w`. Japanese outside a Latin word is never touched. Starts from the joined view.

use unicode_normalization::char::decompose_canonical;

use super::classes::{is_japanese, is_latin};
use super::confusables::{foreign_letter, kanji_letter, leet};
use super::folded::fold;
use super::joined::join;
use super::line::{Line, Scratch, settle};
use super::table::Traits;

/// Folds the joined view to its skeleton. Says whether it changed anything.
pub fn to_skeleton(line: &mut Line, scratch: &mut Scratch) -> bool {
    if !once(line, scratch) {
        return false;
    }
    // A sign that became a letter may close a row of single letters, which is then joined, and so on.
    settle(line, scratch, |line, scratch| {
        let folded = fold(line, scratch);
        let joined = join(line, scratch);
        once(line, scratch) || folded || joined
    });
    true
}

fn once(line: &mut Line, scratch: &mut Scratch) -> bool {
    let bare = drop_marks(line);
    // Only beside a letter can anything else be one.
    if !line.chars.iter().any(|&c| Traits::of(c).letter != 0) {
        return bare;
    }
    let lettered = to_letters(line, scratch);
    // A sign that became a letter may carry a mark of its own.
    let bare_letters = drop_marks(line);
    let paired = pair_up(line);
    bare || lettered || bare_letters || paired
}

/// The letter that a character certainly is, whatever stands beside it.
pub fn certain(c: char) -> Option<char> {
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

/// Whether a character may stand for a letter inside a Latin word.
pub fn is_sign(c: char) -> bool {
    certain(c).is_none() && (leet(c).is_some() || kanji_letter(c).is_some())
}

/// How often the letters around a sign are looked at again after it became a letter itself ($$nap). Two sweeps settle
/// everything that people write.
const MAX_SWEEPS: usize = 4;

/// Turns every letter, and every sign that stands for one, into a plain letter.
fn to_letters(line: &mut Line, scratch: &mut Scratch) -> bool {
    let known = &mut scratch.letters;
    known.clear();
    known.extend(line.chars.iter().map(|&c| Traits::of(c).letter));
    let open = &mut scratch.places;
    open.clear();
    let signs = line.chars.iter().enumerate().filter(|&(_, &c)| Traits::of(c).is_sign());
    open.extend(signs.map(|(index, _)| index as u32));
    for _ in 0..MAX_SWEEPS {
        let mut settled = true;
        for turn in (0..open.len()).rev().chain(0..open.len()) {
            let index = open[turn] as usize;
            if known[index] == 0
                && let Some(letter) = in_word(&line.chars, known, index)
            {
                known[index] = letter as u8;
                settled = false;
            }
        }
        if settled {
            break;
        }
    }
    let mut changed = false;
    for (c, &letter) in line.chars.iter_mut().zip(known.iter()) {
        if letter != 0 {
            let merged = merge(char::from(letter));
            changed |= *c != merged;
            *c = merged;
        }
    }
    changed
}

/// Drops marks over or through Latin letters and digits: l̲i̲n̲e̲. Voicing marks of kana are not touched.
fn drop_marks(line: &mut Line) -> bool {
    let Some(first) = line.chars.iter().position(|&c| Traits::of(c).is_combining()) else { return false };
    let mut kept = first;
    for index in first..line.len() {
        let c = line.chars[index];
        let bears = |last: char| last.is_ascii_alphanumeric() || Traits::of(last).letter != 0;
        if Traits::of(c).is_combining() && kept > 0 && bears(line.chars[kept - 1]) {
            continue;
        }
        line.put(kept, c, index);
        kept += 1;
    }
    let changed = kept < line.len();
    line.truncate(kept);
    changed
}

/// The letter that a digit, a sign or a kanji stands for where it stands, if it is part of a Latin word there.
fn in_word(chars: &[char], known: &[u8], index: usize) -> Option<char> {
    let c = chars[index];
    let letter_at = |i: Option<usize>| i.and_then(|i| known.get(i)).is_some_and(|&letter| letter != 0);
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
            let tail = left
                && letter_at(index.checked_sub(2))
                && !is_japanese(after)
                && !is_word_part(after)
                && !is_kana_like(c);
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
fn digits_inside(chars: &[char], known: &[u8], index: usize) -> bool {
    let start = if index > 0 && chars[index - 1].is_ascii_digit() { index - 1 } else { index };
    let end = if chars.get(index + 1).is_some_and(char::is_ascii_digit) { index + 2 } else { index + 1 };
    end - start <= 2
        && start > 0
        && known[start - 1] != 0
        && known.get(end).is_some_and(|&letter| letter != 0)
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
fn pair_up(line: &mut Line) -> bool {
    let Some(first) = line.chars.windows(2).position(|two| pair(two[0], Some(two[1])).is_some()) else {
        return false;
    };
    let mut kept = first;
    let mut index = first;
    while index < line.len() {
        let (c, next) = (line.chars[index], line.chars.get(index + 1).copied());
        match pair(c, next) {
            Some(one) => {
                let end = line.sources[index + 1].end;
                line.put(kept, one, index);
                line.sources[kept].end = end.max(line.sources[kept].start);
                index += 2;
            }
            None => {
                line.put(kept, c, index);
                index += 1;
            }
        }
        kept += 1;
    }
    line.truncate(kept);
    true
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
    use super::super::views::ViewKind;

    fn skeleton(text: &str) -> String {
        ViewKind::Skeleton.fold(text)
    }

    #[test]
    fn every_disguise_of_line_has_one_skeleton() {
        for text in [
            "LINE",
            "Ｌｉｎｅ",
            "L1NE",
            "Iine",
            "lιne",
            "LΙNE",
            "lіnе",
            "ʟɪɴᴇ",
            "L.I.N.E",
            "Ł1NE",
            "l!ne",
            "l|ne",
            "🇱🇮🇳🇪",
            "L工NE",
            "LエNE",
            "ĹÏŇÉ",
            "l̲i̲n̲e̲",
            "LIN3",
            "1ine",
            "L 1 N E",
            "ㄥine",
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
        for text in [
            "日本刀",
            "ライン",
            "口座",
            "工事中",
            "1,200円",
            "2026-11-21",
            "〇〇様",
            "ok!",
            "〒150-0001",
            "力士",
            "5×7",
        ] {
            assert_eq!(skeleton(text), text, "{text}");
        }
        assert_eq!(skeleton("kenta@gmail.com"), "kenta@gmaii.com");
        assert_eq!(skeleton("iphone12"), "iphone12");
        assert_eq!(skeleton("加工line"), "加工iine");
        assert_eq!(skeleton("lineし"), "iineし");
    }
}
