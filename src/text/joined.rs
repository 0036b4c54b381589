//! The view `joined`: separators between single letters or kana are gone (L.I.N.E, ラ・イ・ン, 直_接).
//!
//! Two cases. In a row of single letters (`l i n e`, `ラ*イ*ン`) every separator goes, spaces included, when the row has at
//! least three members. Between two Japanese characters a separator that is neither a space nor a mask goes anywhere.

use super::classes::{is_flag_letter, is_japanese, is_kana, is_kanji, is_latin, is_mask, is_separator};
use super::folded::fold;
use super::line::{Line, Scratch, settle};
use super::table::Traits;

/// Members that a row of single letters needs, so that "a b" and 「は い」 stay as they are.
const MIN_ROW: usize = 3;
/// Separators that may stand between two members of a row.
const MAX_GAP: usize = 3;

/// Joins what separators keep apart. Takes the folded view. Says whether it changed anything.
pub fn join(line: &mut Line, scratch: &mut Scratch) -> bool {
    // Without a separator to drop the text is as folded as it was.
    if !once(line, scratch) {
        return false;
    }
    settle(line, scratch, |line, scratch| {
        let folded = fold(line, scratch);
        once(line, scratch) || folded
    });
    true
}

fn once(line: &mut Line, scratch: &mut Scratch) -> bool {
    let Some(first) = line.chars.iter().position(|&c| Traits::of(c).is_gap()) else { return false };
    mark_separators_in_rows(&line.chars, first, &mut scratch.dropped);
    let dropped = &scratch.dropped;
    let mut kept = first;
    let mut index = first;
    while index < line.len() {
        if dropped[index] {
            index += 1;
            continue;
        }
        let c = line.chars[index];
        // A run of separators between two Japanese characters.
        if Traits::of(c).is_plain_separator() && kept > 0 && Traits::of(line.chars[kept - 1]).is_japanese() {
            let run = run_length(&line.chars, index, Traits::is_plain_separator);
            let end = index + run;
            if run <= MAX_GAP
                && line.chars.get(end).is_some_and(|&next| Traits::of(next).is_japanese())
                && !is_kept(&line.chars, index, end)
            {
                index = end;
                continue;
            }
        }
        line.put(kept, c, index);
        kept += 1;
        index += 1;
    }
    let changed = kept < line.len();
    line.truncate(kept);
    changed
}

/// Separators that never stand for a hidden letter.
pub fn is_plain_separator(c: char) -> bool {
    is_separator(c) && !is_mask(c) && !matches!(c, '〜' | ':' | '|')
}

/// A dash between kanji joins dates and ranges: it stays.
fn is_kept(chars: &[char], start: usize, end: usize) -> bool {
    end - start == 1 && chars[start] == '-' && start > 0 && is_kanji(chars[start - 1])
}

/// Characters from `start` on that belong to a run, counted up to one more than matters.
fn run_length(chars: &[char], start: usize, belongs: fn(Traits) -> bool) -> usize {
    chars[start..].iter().take(MAX_GAP + 1).take_while(|&&c| belongs(Traits::of(c))).count()
}

pub fn is_member(c: char) -> bool {
    // The kanji zero is a letter to Unicode, but hides one here.
    if is_mask(c) {
        return false;
    }
    is_latin(c)
        || is_flag_letter(c)
        || is_kana(c)
        || is_kanji(c)
        || c == 'ー'
        || c.is_ascii_digit()
        || (c.is_alphabetic() && !c.is_ascii())
}

pub fn is_gap(c: char) -> bool {
    is_separator(c) || c == ' '
}

/// Marks the separators that stand between the members of a row of single letters.
fn mark_separators_in_rows(chars: &[char], first_gap: usize, dropped: &mut Vec<bool>) {
    let member = |at: usize| chars.get(at).is_some_and(|&c| Traits::of(c).is_member());
    dropped.clear();
    dropped.resize(chars.len(), false);
    let mut index = first_gap.saturating_sub(1);
    let mut after_member = first_gap >= 2 && member(first_gap - 2);
    while index < chars.len() {
        let opens = member(index) && !after_member;
        after_member = member(index);
        if !opens {
            index += 1;
            continue;
        }
        let mut members = 1;
        let mut letters = usize::from(!chars[index].is_ascii_digit());
        let mut at = index;
        loop {
            let gap = run_length(chars, at + 1, Traits::is_gap);
            let next = at + 1 + gap;
            if gap == 0 || gap > MAX_GAP || !member(next) {
                break;
            }
            let single = !member(next + 1);
            if !single && !ends_row(chars, next) {
                break;
            }
            members += 1;
            letters += usize::from(!chars[next].is_ascii_digit());
            at = next;
            if !single {
                break;
            }
        }
        if members >= MIN_ROW && letters >= 2 {
            for place in index..at {
                dropped[place] = Traits::of(chars[place]).is_gap();
            }
        }
        index = at + 1;
    }
}

/// The last letter of a row may touch a word of another script: 「L I N E交換」.
fn ends_row(chars: &[char], last: usize) -> bool {
    let (Some(&c), Some(&next)) = (chars.get(last), chars.get(last + 1)) else { return true };
    is_latin(c) && is_japanese(next) || is_kana(c) && is_kanji(next)
}

#[cfg(test)]
mod tests {
    use super::super::views::ViewKind;

    fn joined(text: &str) -> String {
        ViewKind::Joined.fold(text)
    }

    #[test]
    fn rows_of_single_letters_close_up() {
        for text in ["L.I.N.E", "L I N E", "l-i-n-e", "L🌟I🌟N🌟E", "L・I・N・E", "l__i__n__e"] {
            assert_eq!(joined(text), "line", "{text}");
        }
        assert_eq!(joined("L I N E交換"), "line交換");
        for text in ["ラ・イ・ン", "ラ イ ン", "ラ*イ*ン", "ラ.イ.ン", "ﾗ･ｲ･ﾝ", "ラ／イ／ン"]
        {
            assert_eq!(joined(text), "ライン", "{text}");
        }
        assert_eq!(joined("振/込で、直・接・取・引"), "振込で、直接取引");
    }

    #[test]
    fn ordinary_text_stays() {
        for text in [
            "is it a b-side?",
            "ラ○ンで",
            "5-7日",
            "11-12月",
            "はい そうです",
            "a b",
            "foo.bar@example.com",
            "vol.2 no.3",
        ] {
            assert_eq!(joined(text), text, "{text}");
        }
    }
}
