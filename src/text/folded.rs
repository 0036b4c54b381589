//! The view `folded`: NFKC and lower case, invisible characters gone, dashes, waves and long-vowel marks as one.
//!
//! Every other view starts here. The text keeps its words: Japanese that was written plainly stays readable, and the
//! dictionary understands it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_normalization::{IsNormalized, is_nfkc_quick};

use super::classes::{is_japanese, is_kana, is_katakana};
use super::line::{Line, Scratch, Source};
use super::table::Traits;

/// Folding grows a message by at most this factor, counted in characters: ㌖ becomes キロメートル. The few characters that
/// would grow more (U+FDFA becomes 18 under NFKC) stay as they are, so that no message costs much more than its length.
pub const MAX_GROWTH: usize = 6;

/// Folds a text as sent, or one that was changed since. Says whether it changed anything.
pub fn fold(line: &mut Line, scratch: &mut Scratch) -> bool {
    let normalised = normalise(line, scratch);
    let unified = unify_marks(line);
    normalised || unified
}

/// Characters without a shape of their own: zero-width, variation selectors, direction marks, tags, fillers. Enclosing
/// marks (the box of a key-cap) go too, because the character inside is what the reader sees.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{20DD}'..='\u{20E0}'
        | '\u{20E2}'..='\u{20E4}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
        || (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// Letters and digits in circles and boxes that NFKC leaves alone, and voicing marks typed as characters of their own.
fn preset(c: char) -> Option<char> {
    let letter = |base: u32| char::from_u32(u32::from('a') + (c as u32 - base));
    let digit = |base: u32| char::from_u32(u32::from('1') + (c as u32 - base));
    match c {
        '\u{1F150}'..='\u{1F169}' => letter(0x1F150),
        '\u{1F170}'..='\u{1F189}' => letter(0x1F170),
        '\u{2776}'..='\u{277E}' => digit(0x2776),
        '\u{2780}'..='\u{2788}' => digit(0x2780),
        '\u{278A}'..='\u{2792}' => digit(0x278A),
        '\u{24F5}'..='\u{24FD}' => digit(0x24F5),
        '\u{24FF}' | '\u{1F10B}' | '\u{1F10C}' => Some('0'),
        '\u{309B}' => Some('\u{3099}'),
        '\u{309C}' => Some('\u{309A}'),
        '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => Some('\n'),
        '\t' => Some(' '),
        _ => None,
    }
}

/// NFKC and lower case over stretches that cannot influence each other, so that each keeps its own source.
fn normalise(line: &mut Line, scratch: &mut Scratch) -> bool {
    let Some(first) = first_unsettled(&line.chars) else { return false };
    let mut out = scratch.lend();
    out.extend(line, 0..first);
    let mut index = first;
    while index < line.len() {
        let traits = Traits::of(line.chars[index]);
        let combines =
            !traits.is_alone() && line.chars.get(index + 1).is_some_and(|&next| !Traits::of(next).closes());
        match traits.alone {
            Some(c) if !combines => {
                out.push(c, line.sources[index]);
                index += 1;
            }
            None if traits.is_invisible() => index += 1,
            None if traits.gives_several() && !combines => {
                out.push_all(Traits::several(line.chars[index]), line.sources[index]);
                index += 1;
            }
            _ => index = normalise_stretch(line, index, &mut out, &mut scratch.text),
        }
    }
    let changed = out.chars != line.chars;
    if changed {
        std::mem::swap(line, &mut out);
    }
    scratch.give_back(out);
    changed
}

/// The first character that normalising may change.
fn first_unsettled(chars: &[char]) -> Option<usize> {
    let mut open = false;
    for (index, &c) in chars.iter().enumerate() {
        let traits = Traits::of(c);
        if open && !traits.closes() {
            return Some(index - 1);
        }
        if traits.alone != Some(c) {
            return Some(index);
        }
        open = !traits.is_alone();
    }
    None
}

/// Whether no character before `c` can combine with it, as normalising sees them.
pub fn closes(c: char) -> bool {
    !is_invisible(c) && (c.is_ascii() || grows_too_much(c) || begins_stretch(preset(c).unwrap_or(c)))
}

/// Line ends and tabs, which become one character whatever follows, and what would grow too much.
pub fn is_alone(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t') || grows_too_much(c)
}

/// Phrases in one Arabic character, of 8 and 18 letters.
fn grows_too_much(c: char) -> bool {
    matches!(c, '\u{FDFA}' | '\u{FDFB}')
}

/// What normalising makes of a character with which nothing combines.
pub fn alone(c: char) -> Vec<char> {
    match c {
        '\n' | '\r' => vec!['\n'],
        '\t' => vec![' '],
        _ if is_invisible(c) => Vec::new(),
        _ if c.is_ascii() => vec![c.to_ascii_lowercase()],
        _ if grows_too_much(c) => vec![c],
        _ => nfkc_lower(preset(c).unwrap_or(c).encode_utf8(&mut [0; 4])),
    }
}

fn nfkc_lower(stretch: &str) -> Vec<char> {
    let lower: String = stretch.nfkc().flat_map(char::to_lowercase).collect();
    lower.nfkc().filter(|c| !is_invisible(*c)).map(|c| preset(c).unwrap_or(c)).collect()
}

/// Whether no character before `c` can combine with it.
fn begins_stretch(c: char) -> bool {
    let mut first = None;
    decompose_compatible(c, |part| {
        first.get_or_insert(part);
    });
    let first = first.unwrap_or(c);
    canonical_combining_class(first) == 0 && is_nfkc_quick(std::iter::once(first)) != IsNormalized::Maybe
}

/// Normalises the characters from `start` on that may combine, as one text. Gives the index after them.
fn normalise_stretch(line: &Line, start: usize, out: &mut Line, text: &mut String) -> usize {
    text.clear();
    let mut end = start;
    let mut last = start;
    let mut members = 0;
    while end < line.len() {
        let c = line.chars[end];
        let traits = Traits::of(c);
        if end > start && traits.closes() {
            break;
        }
        if !traits.is_invisible() {
            text.push(if c.is_ascii() { c.to_ascii_lowercase() } else { preset(c).unwrap_or(c) });
            last = end;
            members += 1;
        }
        end += 1;
    }
    if members == 1 {
        // Only invisible characters follow: as if it stood alone.
        match Traits::of(line.chars[start]).alone {
            Some(c) => out.push(c, line.sources[start]),
            None => out.push_all(Traits::several(line.chars[start]), line.sources[start]),
        }
        return end;
    }
    let made = nfkc_lower(text);
    let sources = &line.sources[start..=last];
    // One character of the source that gives several keeps one place; several that give as many keep one each.
    if sources.len() > 1 && made.len() == sources.len() {
        made.iter().zip(sources).for_each(|(&c, &source)| out.push(c, source));
    } else {
        let source = Source { start: sources[0].start, end: sources[last - start].end };
        out.push_all(&made, source);
    }
    end
}

fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '‐'
            | '‑'
            | '‒'
            | '–'
            | '—'
            | '―'
            | '−'
            | '\u{2043}'
            | '\u{2E3A}'
            | '\u{2E3B}'
            | 'ー'
            | '─'
            | '━'
            | '⁻'
            | '₋'
    )
}

fn is_wave(c: char) -> bool {
    matches!(c, '~' | '〜' | '～' | '∼' | '∿' | '〰' | '\u{2053}')
}

/// What [`unify_marks`] looks at.
pub fn is_mark(c: char) -> bool {
    is_dash(c)
        || is_wave(c)
        || unified(c) != c
        || matches!(c, 'ゝ' | 'ヽ' | '〱' | 'ゞ' | 'ヾ' | '〲')
        || (c.is_whitespace() && !matches!(c, '\n' | ' '))
}

/// Variants of a mark as one, whatever stands beside it.
fn unified(c: char) -> char {
    match c {
        '〻' | '仝' | '\u{16FE3}' => '々',
        '‘' | '’' | '‚' | '‛' | '′' | '`' | '´' => '\'',
        '“' | '”' | '„' | '‟' | '″' => '"',
        '･' => '・',
        '\u{2044}' | '\u{2215}' => '/',
        _ if c.is_whitespace() && c != '\n' => ' ',
        _ => c,
    }
}

/// Dashes become `-`, waves 〜; after a kana both are the long-vowel mark ー, of which a row is one. Repeat marks of kana
/// are written out, and 々 stands for its variants.
fn unify_marks(line: &mut Line) -> bool {
    let Some(first) = line.chars.iter().position(|&c| Traits::of(c).is_mark()) else { return false };
    let mut changed = false;
    let mut previous = if first == 0 { '\0' } else { line.chars[first - 1] };
    let mut kept = first;
    for index in first..line.len() {
        let c = line.chars[index];
        let next = line.chars.get(index + 1).copied().unwrap_or('\0');
        let made = if Traits::of(c).is_mark() { mark_between(previous, c, next) } else { c };
        changed |= made != c;
        if !(made == 'ー' && previous == 'ー') {
            line.put(kept, made, index);
            kept += 1;
        }
        previous = made;
    }
    changed |= kept < line.len();
    line.truncate(kept);
    changed
}

/// The form of a mark between its neighbours.
fn mark_between(previous: char, c: char, next: char) -> char {
    match c {
        _ if is_dash(c) || is_wave(c) => {
            // A dash after katakana is a long-vowel mark when the word goes on; a wave after any kana draws the vowel.
            let long = match c {
                'ー' => is_kana(previous) || previous == 'ー',
                '-' => is_katakana(previous) && is_katakana(next),
                _ if is_dash(c) => is_katakana(previous) && (is_japanese(next) || !next.is_alphanumeric()),
                _ => is_kana(previous) && is_kana(next),
            };
            if long || (previous == 'ー' && c != '-') {
                'ー'
            } else if is_wave(c) {
                '〜'
            } else {
                '-'
            }
        }
        'ゝ' | 'ヽ' | '〱' if is_kana(previous) => previous,
        'ゞ' | 'ヾ' | '〲' if is_kana(previous) => voiced(previous),
        _ => unified(c),
    }
}

/// The voiced form of a kana, itself where it has none.
fn voiced(c: char) -> char {
    let mut composed = [c, '\u{3099}'].into_iter().nfc();
    match (composed.next(), composed.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::super::views::ViewKind;
    use super::*;

    fn folded(text: &str) -> String {
        ViewKind::Folded.fold(text)
    }

    #[test]
    fn widths_case_and_enclosures_are_one() {
        for text in ["ＬＩＮＥ", "Ⓛⓘⓝⓔ", "🅻🅸🅽🅴", "🅛🅘🅝🅔", "🄻🄸🄽🄴", "ℒ𝐼𝓝𝔼", "L\u{200B}I\u{FE0F}N\u{AD}E"]
        {
            assert_eq!(folded(text), "line", "{text}");
        }
        assert_eq!(folded("０９０①⓪❸0️⃣"), "0901030");
    }

    #[test]
    fn half_width_kana_and_separate_voicing_marks_compose() {
        assert_eq!(folded("ﾗｲﾝ"), "ライン");
        assert_eq!(folded("ﾃﾞﾝﾜ"), "デンワ");
        assert_eq!(folded("か゛"), "が");
        assert_eq!(folded("ハ\u{309A}イ"), "パイ");
        assert_eq!(folded("か\u{7F}゛"), "が");
    }

    #[test]
    fn long_vowels_dashes_and_waves_are_unified() {
        assert_eq!(folded("メ―ル メ－ル メーーール ﾒｰﾙ メ-ル"), "メール メール メール メール メール");
        assert_eq!(folded("090‐1234－5678"), "090-1234-5678");
        assert_eq!(folded("5～7 5〜7"), "5〜7 5〜7");
        assert_eq!(folded("らーめん ら〜めん"), "らーめん らーめん");
    }

    #[test]
    fn repeat_marks() {
        assert_eq!(folded("こゝろ いすゞ 佐々木 色々"), "こころ いすず 佐々木 色々");
    }

    #[test]
    fn spans_survive_composition() {
        let view = ViewKind::Folded.view("ﾃﾞﾝﾜ番号");
        assert_eq!(view.as_str(), "デンワ番号");
        assert_eq!(view.source(0), 0..2);
        assert_eq!(view.original(0..9), 0..4);
    }

    #[test]
    fn no_character_grows_more_than_stated() {
        let grown = |c: char| ViewKind::Folded.fold(c.encode_utf8(&mut [0; 4])).chars().count();
        assert!(('\0'..=char::MAX).all(|c| grown(c) <= MAX_GROWTH));
        assert_eq!(folded("\u{FDFA}"), "\u{FDFA}");
        assert_eq!(folded("㌖"), "キロメートル");
    }
}
