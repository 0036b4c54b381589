//! Literals that every match of an expression contains at least one of, so that the engine need not try it elsewhere.

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Class, Hir, HirKind};

/// More literals than this cost more in the automaton than they save.
pub const MAX_LITERALS: usize = 400;
/// Classes with more members are not written out.
const MAX_CLASS: usize = 12;

/// A set of texts of which every match contains one; `None` when there is no useful set.
pub fn required(hir: &Hir) -> Option<Vec<String>> {
    let mut found = best(hir)?;
    found.sort();
    found.dedup();
    Some(found).filter(|set| usable(set))
}

fn usable(set: &[String]) -> bool {
    !set.is_empty() && set.len() <= MAX_LITERALS && set.iter().all(|literal| !literal.trim().is_empty())
}

fn best(hir: &Hir) -> Option<Vec<String>> {
    let mut candidates = vec![inner(hir)];
    for kind in [ExtractKind::Prefix, ExtractKind::Suffix] {
        candidates.push(extracted(hir, kind));
    }
    candidates.into_iter().flatten().filter(|set| usable(set)).max_by_key(|set| worth(set))
}

/// Longer shortest literals first, then fewer. A single digit or letter is worth little.
fn worth(set: &[String]) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = set.iter().map(|literal| literal.len()).min().unwrap_or(0);
    (shortest.min(9), std::cmp::Reverse(set.len()))
}

fn extracted(hir: &Hir, kind: ExtractKind) -> Option<Vec<String>> {
    let mut extractor = Extractor::new();
    extractor.kind(kind).limit_class(MAX_CLASS).limit_total(MAX_LITERALS).limit_repeat(8).limit_literal_len(64);
    let sequence = extractor.extract(hir);
    let literals = sequence.literals()?;
    literals.iter().map(|literal| std::str::from_utf8(literal.as_bytes()).ok().map(str::to_owned)).collect()
}

/// Literals from inside the expression, which neither its beginning nor its end gives.
fn inner(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(|text| vec![text.to_owned()]),
        HirKind::Class(Class::Unicode(class)) => {
            let size: usize = class.ranges().iter().map(|range| range.len()).sum();
            (size <= MAX_CLASS).then(|| {
                class.ranges().iter().flat_map(|range| range.start()..=range.end()).map(String::from).collect()
            })
        }
        HirKind::Capture(capture) => best(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min >= 1 => best(&repetition.sub),
        HirKind::Concat(parts) => {
            parts.iter().filter_map(best).filter(|set| usable(set)).max_by_key(|set| worth(set))
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(best(part)?);
            }
            Some(all)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literals(source: &str) -> Option<Vec<String>> {
        required(&regex_syntax::parse(source).unwrap())
    }

    #[test]
    fn the_most_telling_part_is_found() {
        assert_eq!(literals("借金.{0,12}返済"), Some(vec!["返済".to_owned()]));
        assert_eq!(literals("[0-9]{2,8}円.{0,9}振込"), Some(vec!["振込".to_owned()]));
        assert_eq!(literals("(line|カカオ)交換").map(|set| set.len()), Some(2));
        assert_eq!(literals("(?:line)?交換"), Some(vec!["交換".to_owned()]));
        assert_eq!(literals(r"\w{3,9}"), None);
    }

    #[test]
    fn whatever_is_required_really_is() {
        for (source, text) in [("a[bc]d", "xacdx"), ("(?:foo|bar)+baz", "barfoobaz"), ("x{2,3}y", "xxxy")] {
            let set = literals(source).unwrap();
            assert!(regex::Regex::new(source).unwrap().is_match(text));
            assert!(set.iter().any(|literal| text.contains(literal.as_str())), "{source}: {set:?}");
        }
    }
}
