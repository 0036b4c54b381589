//! The view `folded`: NFKC and lower case, invisible characters gone, dashes, waves and long-vowel marks as one.
//!
//! Every other view starts here. The text keeps its words: Japanese that was written plainly stays readable, and the
//! dictionary understands it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_normalization::{IsNormalized, is_nfkc_quick};

use super::classes::{is_japanese, is_kana, is_katakana};
use super::view::{View, ViewBuilder};

/// Folding grows a message by at most this factor, counted in characters: U+FDFA becomes 18 of them under NFKC.
pub const MAX_GROWTH: usize = 18;

/// Folds the text as sent.
pub fn fold(sent: &View) -> View {
    unify_marks(&normalise(sent))
}

/// Characters without a shape of their own: zero-width, variation selectors, direction marks, tags, fillers. Enclosing
/// marks (the box of a key-cap) go too, because the character inside is what the reader sees.
fn is_invisible(c: char) -> bool {
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
fn normalise(sent: &View) -> View {
    let mut out = ViewBuilder::with_capacity(sent.as_str().len());
    let mut pending = String::new();
    let mut pending_source = 0..0;
    for (index, original) in sent.as_str().chars().enumerate() {
        if original.is_ascii() {
            flush(&mut out, sent, &mut pending, &pending_source);
            match original {
                '\n' | '\r' => out.copy('\n', sent, index),
                '\t' => out.copy(' ', sent, index),
                c if c.is_ascii_control() => {}
                c => {
                    // An ASCII letter may still take a combining mark after it, so it opens a stretch.
                    pending.push(c.to_ascii_lowercase());
                    pending_source = index..index + 1;
                }
            }
            continue;
        }
        if is_invisible(original) {
            continue;
        }
        let c = preset(original).unwrap_or(original);
        if begins_stretch(c) {
            flush(&mut out, sent, &mut pending, &pending_source);
            pending_source = index..index + 1;
        } else if pending.is_empty() {
            pending_source = index..index + 1;
        }
        pending.push(c);
        pending_source.end = index + 1;
    }
    flush(&mut out, sent, &mut pending, &pending_source);
    out.finish()
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

fn flush(out: &mut ViewBuilder, sent: &View, pending: &mut String, source: &std::ops::Range<usize>) {
    if pending.is_empty() {
        return;
    }
    if pending.len() == 1 {
        out.push_str(pending, sent, source.clone());
    } else {
        let lower: String = pending.nfkc().flat_map(char::to_lowercase).collect();
        let mut composed = lower.nfkc().filter(|c| !is_invisible(*c)).map(|c| preset(c).unwrap_or(c));
        // One character of the source that gives several keeps one place; several that give as many keep one each.
        let one_each = source.len() > 1 && lower.nfkc().filter(|c| !is_invisible(*c)).count() == source.len();
        if one_each {
            for (offset, c) in composed.by_ref().enumerate() {
                out.push(c, sent, source.start + offset..source.start + offset + 1);
            }
        } else {
            for c in composed {
                out.push(c, sent, source.clone());
            }
        }
    }
    pending.clear();
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

/// Dashes become `-`, waves 〜; after a kana both are the long-vowel mark ー, of which a row is one. Repeat marks of kana
/// are written out, and 々 stands for its variants.
fn unify_marks(text: &View) -> View {
    let chars = text.chars();
    let mut out = ViewBuilder::with_capacity(text.as_str().len());
    let mut previous = '\0';
    for (index, &c) in chars.iter().enumerate() {
        let next = chars.get(index + 1).copied().unwrap_or('\0');
        let made = match c {
            _ if is_dash(c) || is_wave(c) => {
                // A dash after katakana is a long-vowel mark when the word goes on; a wave after any kana draws the vowel.
                let long = match c {
                    'ー' => is_kana(previous) || previous == 'ー',
                    '-' => is_katakana(previous) && is_katakana(next),
                    _ if is_dash(c) => {
                        is_katakana(previous) && (is_japanese(next) || !next.is_alphanumeric())
                    }
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
            '〻' | '仝' | '\u{16FE3}' => '々',
            '‘' | '’' | '‚' | '‛' | '′' | '`' | '´' => '\'',
            '“' | '”' | '„' | '‟' | '″' => '"',
            '･' => '・',
            '\u{2044}' | '\u{2215}' => '/',
            _ if c.is_whitespace() && c != '\n' => ' ',
            _ => c,
        };
        if !(made == 'ー' && previous == 'ー') {
            out.copy(made, text, index);
        }
        previous = made;
    }
    out.finish()
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
    use super::*;

    fn folded(text: &str) -> String {
        fold(&View::identity(text)).as_str().to_owned()
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
        let view = fold(&View::identity("ﾃﾞﾝﾜ番号"));
        assert_eq!(view.as_str(), "デンワ番号");
        assert_eq!(view.source(0), 0..2);
        assert_eq!(view.original(0..9), 0..4);
    }
}
