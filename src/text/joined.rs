//! The view `joined`: separators between single letters or kana are gone (L.I.N.E, ラ・イ・ン, 直_接).
//!
//! Two cases. In a row of single letters (`l i n e`, `ラ*イ*ン`) every separator goes, spaces included, when the row has at
//! least three members. Between two Japanese characters a separator that is neither a space nor a mask goes anywhere.

use super::classes::{is_flag_letter, is_japanese, is_kana, is_kanji, is_latin, is_mask, is_separator};
use super::view::{View, ViewBuilder};

/// Members that a row of single letters needs, so that "a b" and 「は い」 stay as they are.
const MIN_ROW: usize = 3;
/// Separators that may stand between two members of a row.
const MAX_GAP: usize = 3;

/// Joins what separators keep apart. Takes the folded view.
pub fn join(folded: &View) -> View {
    let chars = folded.chars();
    let dropped = separators_in_rows(&chars);
    let mut out = ViewBuilder::with_capacity(folded.as_str().len());
    let mut index = 0;
    while index < chars.len() {
        if dropped[index] {
            index += 1;
            continue;
        }
        // A run of separators between two Japanese characters.
        if is_plain_separator(chars[index]) && out.last().is_some_and(is_japanese) {
            let end = run_end(&chars, index, |c| is_plain_separator(c));
            if end - index <= MAX_GAP && chars.get(end).is_some_and(|&c| is_japanese(c)) && !is_kept(&chars, index, end) {
                index = end;
                continue;
            }
        }
        out.copy(chars[index], folded, index);
        index += 1;
    }
    out.finish()
}

/// Separators that never stand for a hidden letter.
fn is_plain_separator(c: char) -> bool {
    is_separator(c) && !is_mask(c) && !matches!(c, '〜' | ':' | '|')
}

/// A dash between kanji joins dates and ranges: it stays.
fn is_kept(chars: &[char], start: usize, end: usize) -> bool {
    end - start == 1 && chars[start] == '-' && start > 0 && is_kanji(chars[start - 1])
}

fn run_end(chars: &[char], start: usize, belongs: impl Fn(char) -> bool) -> usize {
    start + chars[start..].iter().take_while(|&&c| belongs(c)).count()
}

fn is_member(c: char) -> bool {
    is_latin(c) || is_flag_letter(c) || is_kana(c) || is_kanji(c) || c == 'ー' || c.is_ascii_digit() || (c.is_alphabetic() && !c.is_ascii())
}

fn is_gap(c: char) -> bool {
    is_separator(c) || c == ' '
}

/// Marks the separators that stand between the members of a row of single letters.
fn separators_in_rows(chars: &[char]) -> Vec<bool> {
    let mut dropped = vec![false; chars.len()];
    let mut index = 0;
    while index < chars.len() {
        let opens = is_member(chars[index]) && (index == 0 || !is_member(chars[index - 1]));
        if !opens {
            index += 1;
            continue;
        }
        let mut members = vec![index];
        let mut at = index;
        loop {
            let gap = run_end(chars, at + 1, is_gap) - (at + 1);
            let next = at + 1 + gap;
            if gap == 0 || gap > MAX_GAP || !chars.get(next).is_some_and(|&c| is_member(c)) {
                break;
            }
            let single = !chars.get(next + 1).is_some_and(|&c| is_member(c));
            if !single && !ends_row(chars, next) {
                break;
            }
            members.push(next);
            at = next;
            if !single {
                break;
            }
        }
        let letters = members.iter().filter(|&&m| !chars[m].is_ascii_digit()).count();
        if members.len() >= MIN_ROW && letters >= 2 {
            for (position, c) in chars.iter().enumerate().take(at).skip(index) {
                dropped[position] = is_gap(*c);
            }
        }
        index = at.max(index) + 1;
    }
    dropped
}

/// The last letter of a row may touch a word of another script: 「L I N E交換」.
fn ends_row(chars: &[char], last: usize) -> bool {
    let (Some(&c), Some(&next)) = (chars.get(last), chars.get(last + 1)) else { return true };
    is_latin(c) && is_japanese(next) || is_kana(c) && is_kanji(next)
}

#[cfg(test)]
mod tests {
    use super::super::folded::fold;
    use super::*;

    fn joined(text: &str) -> String {
        join(&fold(&View::identity(text))).as_str().to_owned()
    }

    #[test]
    fn rows_of_single_letters_close_up() {
        for text in ["L.I.N.E", "L I N E", "l-i-n-e", "L🌟I🌟N🌟E", "L・I・N・E", "l__i__n__e"] {
            assert_eq!(joined(text), "line", "{text}");
        }
        assert_eq!(joined("L I N E交換"), "line交換");
        for text in ["ラ・イ・ン", "ラ イ ン", "ラ*イ*ン", "ラ.イ.ン", "ﾗ･ｲ･ﾝ", "ラ／イ／ン"] {
            assert_eq!(joined(text), "ライン", "{text}");
        }
        assert_eq!(joined("振/込で、直・接・取・引"), "振込で、直接取引");
    }

    #[test]
    fn ordinary_text_stays() {
        for text in ["is it a b-side?", "ラ○ンで", "5-7日", "11-12月", "はい そうです", "a b", "foo.bar@example.com", "vol.2 no.3"] {
            assert_eq!(joined(text), text, "{text}");
        }
    }
}
