//! Texts that an expression finds, made from the expression, and hostile texts made from those.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind};

/// Which of the texts that an expression finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every repetition as seldom as it may be.
    Least,
    /// Every repetition as often as it may be, those without a bound [`OPEN_REPEATS`] times.
    Most,
}

/// How often a repetition without a bound is written out.
const OPEN_REPEATS: u32 = 8;
/// The longest sample, in characters; nested repetitions would make them arbitrarily long.
const MAX_CHARS: usize = 400;

/// The branches of an expression: the members of its outermost alternation, or itself.
pub fn branches(hir: &Hir) -> Vec<&Hir> {
    match hir.kind() {
        HirKind::Alternation(parts) => parts.iter().collect(),
        HirKind::Capture(capture) => branches(&capture.sub),
        _ => vec![hir],
    }
}

/// A text that the expression finds, but for what it asks of the text around it.
pub fn sample(hir: &Hir, extent: Extent) -> String {
    let mut out = String::new();
    write(hir, extent, &mut out);
    out.chars().take(MAX_CHARS).collect()
}

fn write(hir: &Hir, extent: Extent, out: &mut String) {
    if out.len() > 4 * MAX_CHARS {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => out.extend(member(class)),
        HirKind::Class(Class::Bytes(_)) => {}
        HirKind::Repetition(repetition) => {
            let times = match extent {
                Extent::Least => repetition.min,
                Extent::Most => repetition.max.unwrap_or(repetition.min.max(OPEN_REPEATS)),
            };
            for _ in 0..times.min(MAX_CHARS as u32) {
                write(&repetition.sub, extent, out);
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, extent, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, extent, out)),
        HirKind::Alternation(parts) => {
            // An empty branch says nothing about the pattern.
            if let Some(part) =
                parts.iter().find(|part| part.properties().minimum_len() != Some(0)).or(parts.first())
            {
                write(part, extent, out);
            }
        }
    }
}

/// A plain member of a class, if it has one: a letter or digit rather than a sign.
fn member(class: &ClassUnicode) -> Option<char> {
    let holds = |c: char| class.ranges().iter().any(|range| range.start() <= c && c <= range.end());
    ['a', 'あ', '漢', '0', ' ']
        .into_iter()
        .find(|c| holds(*c))
        .or_else(|| class.ranges().first().map(|range| range.start()))
}

/// Length of hostile texts, in characters.
pub const HOSTILE_CHARS: usize = 600;

/// Texts that make an expression begin often and finish late or never: its samples again and again, whole and without
/// their ends, and their first characters.
pub fn hostile(hir: &Hir) -> Vec<String> {
    let mut seeds = Vec::new();
    for branch in branches(hir) {
        for extent in [Extent::Least, Extent::Most] {
            let whole = sample(branch, extent);
            let mut short = whole.clone();
            short.pop();
            let first: String = whole.chars().take(1).collect();
            seeds.extend([whole, short, first]);
        }
    }
    seeds.retain(|seed| !seed.is_empty());
    seeds.sort();
    seeds.dedup();
    // Many branches differ little. The longest come far into the expression; the shortest, a first character, begin it everywhere.
    seeds.sort_by_key(|seed| std::cmp::Reverse(seed.chars().count()));
    if seeds.len() > 8 {
        seeds.drain(6..seeds.len() - 2);
    }
    seeds.into_iter().map(|seed| seed.chars().cycle().take(HOSTILE_CHARS).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_found_by_their_expression() {
        for source in [
            "振り?込(?:んで|み)",
            "[0-9]{2,4}円.{0,6}払",
            "(?:line|kakao)(?: id)?",
            r"\b0[5789]0[0-9]{8}\b",
            "[^a-z]x",
        ] {
            let hir = regex_syntax::parse(source).unwrap();
            let regex = regex::Regex::new(source).unwrap();
            for extent in [Extent::Least, Extent::Most] {
                let text = sample(&hir, extent);
                assert!(regex.is_match(&text), "{source}: {text}");
            }
        }
        let hir = regex_syntax::parse("a|b|c").unwrap();
        assert!(!branches(&hir).is_empty());
        assert!(hostile(&hir).iter().all(|text| text.chars().count() == HOSTILE_CHARS));
    }
}
