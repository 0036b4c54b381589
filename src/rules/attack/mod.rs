//! Rewrites a text with the evasions that the views claim to undo, to see whether a rule still finds it.
//!
//! Every kind of evasion is a pure function of the text, the part to rewrite and a seeded source of chance. It gives nothing
//! where the evasion does not apply: a circled letter needs a Latin letter, ら○ん needs kana.

mod filler;
mod invisible;
mod kana;
mod letters;
mod numbers;
mod run;
mod width;

use std::fmt;
use std::ops::Range;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub use run::{AttackReport, Attempt, Tally, attack};

/// One evasion: its name, the view that undoes it, and how a part of a text is rewritten.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    /// The first view that undoes it; the views built upon that one undo it too.
    pub undone_by: &'static str,
    rewrite: fn(&Target<'_>, &mut StdRng) -> Option<String>,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every kind, in the order of reports.
#[rustfmt::skip]
pub const KINDS: &[Kind] = &[
    Kind { name: "case", undone_by: "folded", rewrite: width::case },
    Kind { name: "full_width", undone_by: "folded", rewrite: width::full },
    Kind { name: "half_width_kana", undone_by: "folded", rewrite: width::half_kana },
    Kind { name: "zero_width", undone_by: "folded", rewrite: invisible::zero_width },
    Kind { name: "variation_selector", undone_by: "folded", rewrite: invisible::variation_selector },
    Kind { name: "enclosed_letters", undone_by: "folded", rewrite: letters::enclosed },
    Kind { name: "long_vowel", undone_by: "folded", rewrite: kana::long_vowel },
    Kind { name: "iteration_mark", undone_by: "folded", rewrite: kana::iteration_mark },
    Kind { name: "circled_digits", undone_by: "folded", rewrite: numbers::circled },
    Kind { name: "key_cap_digits", undone_by: "folded", rewrite: numbers::key_cap },
    Kind { name: "katakana", undone_by: "kana", rewrite: kana::katakana },
    Kind { name: "hiragana", undone_by: "kana", rewrite: kana::hiragana },
    Kind { name: "kana_size", undone_by: "kana", rewrite: kana::size },
    Kind { name: "masked_kana", undone_by: "kana", rewrite: kana::masked },
    Kind { name: "look_alike_kanji", undone_by: "kana", rewrite: kana::look_alike_kanji },
    Kind { name: "look_alike_kana", undone_by: "kana", rewrite: kana::look_alike_kana },
    Kind { name: "filler", undone_by: "joined", rewrite: filler::marks },
    Kind { name: "spaced", undone_by: "joined", rewrite: filler::spaces },
    Kind { name: "emoji_between", undone_by: "joined", rewrite: filler::emoji },
    Kind { name: "look_alike_letters", undone_by: "skeleton", rewrite: letters::foreign },
    Kind { name: "latin_twins", undone_by: "skeleton", rewrite: letters::twins },
    Kind { name: "leet", undone_by: "skeleton", rewrite: letters::leet },
    Kind { name: "kanji_letters", undone_by: "skeleton", rewrite: letters::kanji },
    Kind { name: "flag_letters", undone_by: "skeleton", rewrite: letters::flags },
    Kind { name: "combining_marks", undone_by: "skeleton", rewrite: invisible::combining },
    Kind { name: "kanji_digits", undone_by: "digits", rewrite: numbers::kanji },
    Kind { name: "spelled_digits_ja", undone_by: "digits", rewrite: numbers::spelled_ja },
    Kind { name: "spelled_digits_en", undone_by: "digits", rewrite: numbers::spelled_en },
    Kind { name: "separated_digits", undone_by: "digits", rewrite: numbers::separated },
];

/// A part of a text that is to be rewritten, with what stands around it.
struct Target<'a> {
    text: &'a [char],
    part: Range<usize>,
}

impl Target<'_> {
    fn chars(&self) -> &[char] {
        &self.text[self.part.clone()]
    }

    /// The character at an offset from the beginning of the part, which may lie outside it.
    fn at(&self, offset: isize) -> Option<char> {
        let index = self.part.start.checked_add_signed(offset)?;
        self.text.get(index).copied()
    }

    /// Runs of at least `least` characters of a class, as ranges of offsets into the part. A run that goes on outside the
    /// part is a piece of a longer word and left out.
    fn words(&self, least: usize, belongs: impl Fn(char) -> bool) -> Vec<Range<usize>> {
        let outside = |c: Option<char>| c.is_some_and(&belongs);
        self.runs(least, &belongs)
            .into_iter()
            .filter(|run| {
                let cut_before = run.start == 0 && outside(self.at(-1));
                let cut_after = run.end == self.chars().len() && outside(self.at(run.end as isize));
                !cut_before && !cut_after
            })
            .collect()
    }

    /// The same without looking outside the part.
    fn runs(&self, least: usize, belongs: impl Fn(char) -> bool) -> Vec<Range<usize>> {
        let chars = self.chars();
        let mut runs = Vec::new();
        let mut start = 0;
        while start < chars.len() {
            let length = chars[start..].iter().take_while(|c| belongs(**c)).count();
            if length >= least.max(1) {
                runs.push(start..start + length);
            }
            start += length.max(1);
        }
        runs
    }
}

/// Rewrites parts of a text, given as ranges of Unicode scalar values that do not overlap. `None` when the kind applies to
/// none of them. The same seed gives the same text.
pub fn rewrite(text: &str, parts: &[Range<usize>], kind: &Kind, seed: u64) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut chance = StdRng::seed_from_u64(seed);
    let mut out = String::with_capacity(text.len() * 2);
    let mut at = 0;
    let mut changed = false;
    for part in parts {
        if part.start < at || part.end > chars.len() {
            continue;
        }
        out.extend(&chars[at..part.start]);
        at = part.end;
        let original: String = chars[part.clone()].iter().collect();
        let rewritten = (kind.rewrite)(&Target { text: &chars, part: part.clone() }, &mut chance);
        changed |= rewritten.as_ref().is_some_and(|new| *new != original);
        out.push_str(&rewritten.unwrap_or(original));
    }
    out.extend(&chars[at..]);
    changed.then_some(out)
}

/// Maps characters one by one; `None` if nothing was mapped.
fn map_chars(target: &Target<'_>, mut map: impl FnMut(char) -> Option<char>) -> Option<String> {
    let mut changed = false;
    let text = target
        .chars()
        .iter()
        .map(|&c| {
            let new = map(c);
            changed |= new.is_some();
            new.unwrap_or(c)
        })
        .collect();
    changed.then_some(text)
}

/// Replaces characters at offsets; `None` without any.
fn replace_at(target: &Target<'_>, changes: &[(usize, String)]) -> Option<String> {
    if changes.is_empty() {
        return None;
    }
    let mut out = String::new();
    for (offset, c) in target.chars().iter().enumerate() {
        match changes.iter().find(|(at, _)| *at == offset) {
            Some((_, new)) => out.push_str(new),
            None => out.push(*c),
        }
    }
    Some(out)
}

/// Puts something after the characters at offsets; `None` without any.
fn insert_after(target: &Target<'_>, offsets: &[usize], mut what: impl FnMut() -> char) -> Option<String> {
    if offsets.is_empty() {
        return None;
    }
    let mut out = String::new();
    for (offset, c) in target.chars().iter().enumerate() {
        out.push(*c);
        if offsets.contains(&offset) {
            out.push(what());
        }
    }
    Some(out)
}

/// One of a list.
fn choose<T: Copy>(from: &[T], chance: &mut StdRng) -> Option<T> {
    (!from.is_empty()).then(|| from[chance.random_range(0..from.len())])
}

/// About half of a list, at least one, in order.
fn some_of<T: Copy>(from: &[T], chance: &mut StdRng) -> Vec<T> {
    let sure = if from.is_empty() { 0 } else { chance.random_range(0..from.len()) };
    from.iter()
        .enumerate()
        .filter(|(index, _)| *index == sure || chance.random_bool(0.5))
        .map(|(_, one)| *one)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ViewKind;

    /// Rewrites the whole text with one kind.
    pub fn whole(text: &str, name: &str, seed: u64) -> Option<String> {
        let kind = KINDS.iter().find(|kind| kind.name == name).unwrap();
        let all = 0..text.chars().count();
        rewrite(text, std::slice::from_ref(&all), kind, seed)
    }

    #[test]
    fn only_the_part_is_rewritten_and_repeatably() {
        let kind = KINDS.iter().find(|kind| kind.name == "full_width").unwrap();
        let part = 1..5;
        let new = rewrite("xLINEx", std::slice::from_ref(&part), kind, 1).unwrap();
        assert_eq!(new, "xＬＩＮＥx");
        for kind in KINDS {
            let again = || whole("ライン LINE 090-1234-5678 こころ", kind.name, 7);
            assert_eq!(again(), again(), "{}", kind.name);
        }
    }

    #[test]
    fn a_kind_without_its_script_does_not_apply() {
        for name in ["leet", "enclosed_letters", "case", "combining_marks", "circled_digits"] {
            assert_eq!(whole("口座", name, 1), None, "{name}");
        }
        for name in ["katakana", "hiragana", "masked_kana", "long_vowel", "half_width_kana"] {
            assert_eq!(whole("cash app", name, 1), None, "{name}");
        }
        assert_eq!(whole("no 12 here", "kanji_digits", 1), None);
    }

    /// The claim itself: the view that a kind names gives the rewritten word and the plain word the same form.
    #[test]
    fn the_named_view_undoes_the_kind() {
        for (text, names) in [
            (
                "whatsapp",
                &[
                    "case",
                    "full_width",
                    "zero_width",
                    "variation_selector",
                    "enclosed_letters",
                    "filler",
                    "spaced",
                    "emoji_between",
                    "look_alike_letters",
                    "latin_twins",
                    "leet",
                    "kanji_letters",
                    "flag_letters",
                    "combining_marks",
                ][..],
            ),
            (
                "インスタグラム",
                &[
                    "half_width_kana",
                    "zero_width",
                    "hiragana",
                    "kana_size",
                    "filler",
                    "spaced",
                    "emoji_between",
                ],
            ),
            ("カカオ", &["look_alike_kanji"]),
            ("メールアドレス", &["long_vowel"]),
            ("こころ", &["iteration_mark", "katakana"]),
            (
                "09012345678",
                &[
                    "circled_digits",
                    "key_cap_digits",
                    "kanji_digits",
                    "spelled_digits_ja",
                    "spelled_digits_en",
                    "separated_digits",
                ],
            ),
        ] {
            for name in names {
                let kind = KINDS.iter().find(|kind| kind.name == *name).unwrap();
                let view: ViewKind = kind.undone_by.parse().unwrap();
                for seed in 0..40 {
                    let new =
                        whole(text, name, seed).unwrap_or_else(|| panic!("{name} does not apply to {text}"));
                    assert_ne!(new, text, "{name}");
                    assert_eq!(view.fold(&new), view.fold(text), "{name}: {new}");
                }
            }
        }
    }
}
