//! Two shapes of expression that authors write most, checked by hand where their first literal stands: `借金.{0,12}返済` and
//! `word[0-9]*`. That is ten times cheaper than starting the expression's program, and finds the same.

use regex_syntax::hir::{Class, Dot, Hir, HirKind, Repetition};

/// A literal, then a bounded stretch of any characters up to another literal, or a run of ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    head: String,
    min: u32,
    max: u32,
    rest: Rest,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rest {
    /// Any characters but line ends, then this text; as far on as possible, or as near.
    Until { tail: Vec<u8>, greedy: bool },
    /// As many as there are of these ASCII characters, one bit each.
    Run(u128),
}

/// Shorter heads stand in too many messages to be looked at one by one.
const MIN_HEAD: usize = 2;
/// Longer stretches are left to the program, which reads each character once.
const MAX_GAP: u32 = 64;

impl Chain {
    /// The expression as a chain, if it is one.
    pub fn of(hir: &Hir) -> Option<Chain> {
        let HirKind::Concat(parts) = hir.kind() else { return None };
        let (first, rest) = parts.split_first()?;
        let head = literal(first)?;
        if head.chars().count() < MIN_HEAD {
            return None;
        }
        let HirKind::Repetition(repetition) = rest.first()?.kind() else { return None };
        let (rest, max) = match &rest[1..] {
            [] if repetition.greedy => {
                (Rest::Run(ascii_members(&repetition.sub)?), repetition.max.unwrap_or(u32::MAX))
            }
            [last] => (until(repetition, last)?, repetition.max.filter(|max| *max <= MAX_GAP)?),
            _ => return None,
        };
        Some(Chain { head: head.to_owned(), min: repetition.min, max, rest })
    }

    /// What every match begins with.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// End of the match whose head ends at this byte.
    pub fn end(&self, text: &str, head_end: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        match &self.rest {
            Rest::Run(members) => {
                let most = usize::try_from(self.max).unwrap_or(usize::MAX);
                let belongs = |byte: &&u8| byte.is_ascii() && members >> **byte & 1 == 1;
                let length = bytes[head_end..].iter().take(most).take_while(belongs).count();
                (length >= self.min as usize).then_some(head_end + length)
            }
            Rest::Until { tail, greedy } => {
                let mut found = None;
                let mut at = head_end;
                for passed in 0..=self.max {
                    if passed >= self.min && bytes[at..].starts_with(tail) {
                        found = Some(at + tail.len());
                        if !greedy {
                            break;
                        }
                    }
                    match bytes.get(at) {
                        None | Some(b'\n') => break,
                        Some(first) => at += width(*first),
                    }
                }
                found
            }
        }
    }
}

fn until(repetition: &Repetition, last: &Hir) -> Option<Rest> {
    let tail = literal(last)?.as_bytes().to_vec();
    (*repetition.sub == Hir::dot(Dot::AnyCharExceptLF))
        .then_some(Rest::Until { tail, greedy: repetition.greedy })
}

fn literal(hir: &Hir) -> Option<&str> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok(),
        _ => None,
    }
}

fn ascii_members(hir: &Hir) -> Option<u128> {
    let HirKind::Class(Class::Unicode(class)) = hir.kind() else { return None };
    let mut members = 0;
    for range in class.ranges() {
        if !range.end().is_ascii() {
            return None;
        }
        (range.start()..=range.end()).for_each(|c| members |= 1_u128 << u32::from(c));
    }
    Some(members)
}

/// Bytes of the UTF-8 character that begins with this byte.
fn width(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chain(source: &str) -> Option<Chain> {
        Chain::of(&regex_syntax::parse(source).unwrap())
    }

    /// As the engine does it: heads from left to right, none inside an earlier match.
    fn matches(chain: &Chain, text: &str) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        for start in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let free = found.last().is_none_or(|last| start >= last.1);
            if free
                && text[start..].starts_with(chain.head())
                && let Some(end) = chain.end(text, start + chain.head().len())
            {
                found.push((start, end));
            }
        }
        found
    }

    #[test]
    fn only_these_shapes_are_chains() {
        for source in ["借金.{0,12}返済", "ab.{2,3}?cd", "word[0-9]*", "word[a-z_]{1,3}"] {
            assert!(chain(source).is_some(), "{source}");
        }
        for source in
            ["借.{0,12}返済", "ab.*", "ab[あい]+", "(?:ab|cd).{0,3}ef", "ab.{0,3}[ef]", "word[0-9]*?", "ab"]
        {
            assert!(chain(source).is_none(), "{source}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

        #[test]
        fn a_chain_finds_what_its_expression_finds(text in "[abあい1\n]{0,40}") {
            for source in ["ab.{0,3}ab", "ab.{1,4}?いa", "あい.{0,6}ab", "ab[ab1]*", "ab[1b]{1,2}", "aa.{2}b"] {
                let regex = regex::Regex::new(source).unwrap();
                let expected: Vec<_> = regex.find_iter(&text).map(|found| (found.start(), found.end())).collect();
                prop_assert_eq!(matches(&chain(source).unwrap(), &text), expected, "{} in {:?}", source, &text);
            }
        }
    }
}
