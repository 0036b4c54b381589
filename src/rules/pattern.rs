//! A word or regular expression of a rule, brought into the normal form of its view and compiled.
//!
//! The view folds the message; the pattern must be folded alike, or it could never match. Words are folded as text.
//! Regular expressions are folded literal by literal in their syntax tree, so that `LINE` in a pattern for the skeleton
//! meets the skeleton `iine` of every disguise.

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

use super::chain::Chain;
use super::literals::{MAX_LITERALS, required};
use super::rule::PatternKind;
use super::variants::variants;
use crate::text::{ViewKind, fold_kana, is_japanese};

/// A compiled expression uses at most this much memory, in bytes: `\w{0,50}交換` would need over a mebibyte.
pub const SIZE_LIMIT: usize = 256 * 1024;
/// The longest source of a pattern, in characters.
const MAX_SOURCE: usize = 2_000;
/// Classes with at most this many characters are folded character by character; larger ones already hold both forms.
const MAX_FOLDED_CLASS: u32 = 512;
/// From this many characters on a class counts as "nearly everything" for the check on unbounded repetitions.
const WIDE_CLASS: u32 = 100;
/// The largest bound of a repetition over a wide class.
const MAX_REPEAT: u32 = 100;

/// A pattern ready for the engine.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub kind: PatternKind,
    /// What a message must contain for the pattern to have a chance. Empty: it must always be tried. For words these are
    /// the word and its disguises, and finding one is finding the word.
    pub literals: Vec<String>,
    /// The program; `None` for words.
    pub regex: Option<Regex>,
    /// The same as a chain, where the expression is one. Its head is then the only literal.
    pub chain: Option<Chain>,
}

/// What is wrong with a pattern. The offset counts characters of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    pub problem: Problem,
    pub offset: usize,
    pub length: usize,
    pub message: String,
    pub help: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    Syntax,
    WordBoundary,
    TooLarge,
    Unbounded,
    EmptyMatch,
}

impl Pattern {
    /// Folds and compiles a pattern for a view.
    pub fn compile(source: &str, kind: PatternKind, view: ViewKind) -> Result<Pattern, PatternError> {
        if source.chars().count() > MAX_SOURCE {
            return Err(error(Problem::TooLarge, format!("a pattern has at most {MAX_SOURCE} characters")));
        }
        match kind {
            PatternKind::Regex => compile_regex(source, view),
            PatternKind::Plain | PatternKind::Word => compile_word(source, kind, view),
        }
    }
}

fn error(problem: Problem, message: impl Into<String>) -> PatternError {
    PatternError { problem, offset: 0, length: 0, message: message.into(), help: None }
}

/// How a literal is folded for a view. Unlike [`ViewKind::fold`] this looks at no neighbours that the pattern does not have.
fn fold_literal(text: &str, view: ViewKind) -> String {
    match view {
        ViewKind::Sent => text.to_owned(),
        ViewKind::Folded | ViewKind::Joined | ViewKind::Digits => fold_plain(text),
        ViewKind::Kana => fold_plain(text).chars().map(fold_kana).collect(),
        ViewKind::Skeleton => ViewKind::Skeleton.fold(text),
    }
}

/// The folded form; a lone mark that folding would unite with its neighbour keeps its own form.
fn fold_plain(text: &str) -> String {
    ViewKind::Folded.fold(text)
}

fn compile_word(source: &str, kind: PatternKind, view: ViewKind) -> Result<Pattern, PatternError> {
    let folded = match view {
        // Words of the joined and digits views are folded whole, so that an author may write 090-1234 there.
        ViewKind::Joined | ViewKind::Digits => view.fold(source),
        _ => fold_literal(source, view),
    };
    if folded.trim().is_empty() {
        return Err(error(Problem::EmptyMatch, format!("nothing is left of this word in the view {view}")));
    }
    let literals = variants(&folded, view);
    Ok(Pattern { kind, literals, regex: None, chain: None })
}

fn compile_regex(source: &str, view: ViewKind) -> Result<Pattern, PatternError> {
    let hir = ParserBuilder::new()
        .nest_limit(64)
        .build()
        .parse(source)
        .map_err(|found| syntax_error(source, &found))?;
    if hir.properties().minimum_len() == Some(0) {
        return Err(PatternError {
            help: Some("require at least one character".into()),
            ..error(Problem::EmptyMatch, "the pattern matches the empty text, so it would match everywhere")
        });
    }
    if let Some(bad) = boundary_beside_japanese(&hir) {
        let offset = source.find("\\b").map_or(0, |byte| source[..byte].chars().count());
        return Err(PatternError {
            offset,
            length: 2,
            help: Some("leave it out, or use `word:` instead, which knows where Japanese words end".into()),
            ..error(
                Problem::WordBoundary,
                format!("`\\b` beside `{bad}`: Japanese has no spaces, so this never marks a word's edge"),
            )
        });
    }
    if let Some(message) = too_wide(&hir) {
        return Err(PatternError {
            help: Some("give it a bound, such as `.{0,20}`".into()),
            ..error(Problem::Unbounded, message)
        });
    }
    let folded = fold_hir(hir, view);
    let normal = folded.to_string();
    let regex = RegexBuilder::new(&normal)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(2 * SIZE_LIMIT)
        .build()
        .map_err(|found| compile_error(&found))?;
    let chain = Chain::of(&folded);
    let literals = match &chain {
        Some(chain) => vec![chain.head().to_owned()],
        None => required(&folded).unwrap_or_default(),
    };
    debug_assert!(literals.len() <= MAX_LITERALS);
    Ok(Pattern { kind: PatternKind::Regex, literals, regex: Some(regex), chain })
}

fn syntax_error(source: &str, found: &regex_syntax::Error) -> PatternError {
    let (span, message) = match found {
        regex_syntax::Error::Parse(error) => (Some(*error.span()), error.kind().to_string()),
        regex_syntax::Error::Translate(error) => (Some(*error.span()), error.kind().to_string()),
        _ => (None, "not a regular expression".to_owned()),
    };
    let (offset, length) = span.map_or((0, 0), |span| {
        let chars = |byte: usize| source.get(..byte).map_or(0, |head| head.chars().count());
        (chars(span.start.offset), chars(span.end.offset).saturating_sub(chars(span.start.offset)))
    });
    let help = message.contains("look-around").then(|| {
        "look-around is not available: make a selection of its own with `near`, or excuse with `not`"
            .to_owned()
    });
    PatternError { problem: Problem::Syntax, offset, length, message, help }
}

fn compile_error(found: &regex::Error) -> PatternError {
    match found {
        regex::Error::CompiledTooBig(limit) => PatternError {
            help: Some("shorten repetitions of wide classes: `\\w{0,50}` alone is over a mebibyte; `.{0,12}` is cheap".into()),
            ..error(Problem::TooLarge, format!("the compiled pattern is over {} KiB", limit / 1024))
        },
        other => error(Problem::Syntax, other.to_string().lines().last().unwrap_or("not a regular expression").trim()),
    }
}

/// The Japanese character that stands directly beside a `\b`.
fn boundary_beside_japanese(hir: &Hir) -> Option<char> {
    match hir.kind() {
        HirKind::Concat(parts) => {
            for (index, part) in parts.iter().enumerate() {
                if let HirKind::Look(
                    Look::WordUnicode | Look::WordAscii | Look::WordStartUnicode | Look::WordEndUnicode,
                ) = part.kind()
                {
                    let before = index.checked_sub(1).and_then(|i| edge(&parts[i], true));
                    let after = parts.get(index + 1).and_then(|next| edge(next, false));
                    // `\b` between Latin and Japanese is fine as long as the Latin side is what is bounded.
                    let bad = match (before, after) {
                        (Some(b), Some(a)) if is_japanese(b) != is_japanese(a) => None,
                        (Some(c), _) | (_, Some(c)) if is_japanese(c) => Some(c),
                        (_, Some(c)) if is_japanese(c) => Some(c),
                        _ => None,
                    };
                    if bad.is_some() {
                        return bad;
                    }
                }
            }
            parts.iter().find_map(boundary_beside_japanese)
        }
        HirKind::Alternation(parts) => parts.iter().find_map(boundary_beside_japanese),
        HirKind::Capture(capture) => boundary_beside_japanese(&capture.sub),
        HirKind::Repetition(repetition) => boundary_beside_japanese(&repetition.sub),
        _ => None,
    }
}

/// The last (or first) character of a part, where it is certain.
fn edge(hir: &Hir, last: bool) -> Option<char> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            if last { text.chars().next_back() } else { text.chars().next() }
        }
        HirKind::Capture(capture) => edge(&capture.sub, last),
        HirKind::Concat(parts) => edge(if last { parts.last()? } else { parts.first()? }, last),
        HirKind::Alternation(parts) => {
            parts.iter().find_map(|part| edge(part, last).filter(|c| is_japanese(*c)))
        }
        _ => None,
    }
}

fn class_size(class: &ClassUnicode) -> u32 {
    class
        .ranges()
        .iter()
        .map(|range| u32::from(range.end()) - u32::from(range.start()) + 1)
        .fold(0, u32::saturating_add)
}

/// A repetition that could run over the whole message, or a very long bounded one.
fn too_wide(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Repetition(Repetition { max, sub, .. }) => {
            let wide = match sub.kind() {
                HirKind::Class(Class::Unicode(class)) => class_size(class) >= WIDE_CLASS,
                HirKind::Class(Class::Bytes(_)) => true,
                HirKind::Literal(_) => false,
                _ => true,
            };
            match max {
                None if wide => Some("a repetition without an end over nearly any character".into()),
                Some(max) if wide && *max > MAX_REPEAT => Some(format!(
                    "a repetition of up to {max} over nearly any character; at most {MAX_REPEAT}"
                )),
                _ => too_wide(sub),
            }
        }
        HirKind::Capture(capture) => too_wide(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().find_map(too_wide),
        _ => None,
    }
}

/// Folds every literal and every small class; makes `\b` mean the edge of a Latin word.
fn fold_hir(hir: Hir, view: ViewKind) -> Hir {
    match hir.into_kind() {
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => {
                let folded = fold_literal(text, view);
                let forms = variants(&folded, view);
                if forms.len() <= 1 {
                    Hir::literal(folded.into_bytes())
                } else {
                    Hir::alternation(forms.into_iter().map(|form| Hir::literal(form.into_bytes())).collect())
                }
            }
            Err(_) => Hir::literal(literal.0),
        },
        HirKind::Class(Class::Unicode(class)) => Hir::class(Class::Unicode(fold_class(class, view))),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            other => other,
        }),
        HirKind::Repetition(repetition) => {
            let sub = Box::new(fold_hir(*repetition.sub, view));
            Hir::repetition(Repetition { sub, ..repetition })
        }
        HirKind::Capture(capture) => fold_hir(*capture.sub, view),
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(|part| fold_hir(part, view)).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.into_iter().map(|part| fold_hir(part, view)).collect())
        }
        HirKind::Empty => Hir::empty(),
    }
}

fn fold_class(mut class: ClassUnicode, view: ViewKind) -> ClassUnicode {
    if view == ViewKind::Sent || class_size(&class) > MAX_FOLDED_CLASS {
        return class;
    }
    let members: Vec<char> = class.ranges().iter().flat_map(|range| range.start()..=range.end()).collect();
    for c in members {
        let folded = fold_literal(c.encode_utf8(&mut [0; 4]), view);
        let mut chars = folded.chars();
        if let (Some(one), None) = (chars.next(), chars.next()) {
            class.push(ClassUnicodeRange::new(one, one));
        }
    }
    class
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(source: &str, view: ViewKind, text: &str) -> bool {
        let pattern = Pattern::compile(source, PatternKind::Regex, view).unwrap();
        pattern.regex.unwrap().is_match(&view.fold(text))
    }

    #[test]
    fn patterns_meet_the_view_in_its_normal_form() {
        assert!(matches(r"\bLINE\b", ViewKind::Skeleton, "L1NE交換"));
        assert!(!matches(r"\bLINE\b", ViewKind::Skeleton, "online"));
        assert!(matches("ライン", ViewKind::Kana, "ﾗ･ｲ･ﾝ"));
        assert!(matches("ライン", ViewKind::Kana, "ら○ん"));
        assert!(matches("インスタ", ViewKind::Kana, "イソスタ"));
        assert!(matches("0[789]0[0-9]{8}", ViewKind::Digits, "零九零一二三四五六七八"));
        assert!(matches("[A-Z]{3}", ViewKind::Folded, "ＡＢＣ"));
        assert!(matches("Venmo", ViewKind::Skeleton, "Venrno"));
    }

    #[test]
    fn dangerous_and_empty_patterns_are_refused() {
        let problem = |source: &str| {
            Pattern::compile(source, PatternKind::Regex, ViewKind::Folded).unwrap_err().problem
        };
        assert_eq!(problem("a(b"), Problem::Syntax);
        assert_eq!(problem("(?=a)b"), Problem::Syntax);
        assert_eq!(problem(r"\bライン"), Problem::WordBoundary);
        assert_eq!(problem(r"line\b交換|\b交換"), Problem::WordBoundary);
        assert_eq!(problem("a.*b"), Problem::Unbounded);
        assert_eq!(problem(r"\w{0,500}x"), Problem::Unbounded);
        assert_eq!(problem(r"\w{0,90}交換"), Problem::TooLarge);
        assert_eq!(problem("a?"), Problem::EmptyMatch);
        assert!(Pattern::compile(r"line\b交換", PatternKind::Regex, ViewKind::Folded).is_ok());
    }
}
