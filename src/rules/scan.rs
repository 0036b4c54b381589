//! One pass over a message for all patterns of a pack.
//!
//! For every view one automaton holds the literals of all patterns. A word is found with its literal. A regular expression
//! runs only on messages that contain one of its literals, so that the cost follows what the message says, not how many
//! rules there are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::pattern::Pattern;
use super::rule::{PatternKind, TokenPattern};
use crate::text::{Token, View, ViewKind, Views, is_japanese};

/// At most this many hits of one pattern are kept for a message: more say nothing new.
const MAX_HITS: usize = 64;

/// Literals of up to this many bytes are looked for with a table, which takes up to a kibibyte for each.
const MAX_TABLE: usize = 32 * 1024;

/// Index of a pattern of the pack.
pub type PatternId = u32;

/// Where patterns stand in one message, as ranges of Unicode scalar values of the text as sent.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// Sorted by pattern, then place; without repeats.
    hits: Vec<(PatternId, Range<usize>)>,
    /// Rules of which a pattern has a hit, ascending.
    pub(super) rules: Vec<u32>,
}

impl Scan {
    /// The hits of one pattern.
    pub fn of(&self, pattern: PatternId) -> impl Iterator<Item = &Range<usize>> {
        let from = self.hits.partition_point(|(id, _)| *id < pattern);
        self.hits[from..].iter().take_while(move |(id, _)| *id == pattern).map(|(_, range)| range)
    }

    /// Every pattern with a hit, ascending.
    pub fn patterns(&self) -> impl Iterator<Item = PatternId> {
        let mut last = None;
        self.hits.iter().filter_map(move |(id, _)| {
            let new = last != Some(*id);
            last = Some(*id);
            new.then_some(*id)
        })
    }
}

/// All patterns of a pack, ready to run.
pub struct Scanner {
    views: Vec<ViewScanner>,
    tokens: TokenScanner,
}

struct ViewScanner {
    kind: ViewKind,
    automaton: Option<AhoCorasick>,
    /// Which patterns a literal of the automaton belongs to.
    owners: Vec<Vec<u32>>,
    patterns: Vec<(PatternId, Pattern)>,
    /// Expressions without literals, which run on every message.
    always: Vec<u32>,
}

impl Scanner {
    /// Builds the automata. Ids are handed back by [`Scan`].
    pub fn new(
        texts: Vec<(PatternId, ViewKind, Pattern)>,
        sequences: Vec<(PatternId, Vec<TokenPattern>, usize)>,
    ) -> Result<Self, aho_corasick::BuildError> {
        let mut by_view: Vec<(ViewKind, Vec<(PatternId, Pattern)>)> = Vec::new();
        for (id, view, pattern) in texts {
            match by_view.iter_mut().find(|(kind, _)| *kind == view) {
                Some((_, patterns)) => patterns.push((id, pattern)),
                None => by_view.push((view, vec![(id, pattern)])),
            }
        }
        let views = by_view
            .into_iter()
            .map(|(kind, patterns)| ViewScanner::new(kind, patterns))
            .collect::<Result<_, _>>()?;
        Ok(Self { views, tokens: TokenScanner::new(sequences) })
    }

    /// Finds every pattern in a message.
    pub fn scan(&self, views: &Views) -> Scan {
        let mut hits = Vec::new();
        MARKS.with_borrow_mut(|marks| {
            for scanner in &self.views {
                scanner.scan(views.get(scanner.kind), views.tokens(), marks, &mut hits);
            }
        });
        self.tokens.scan(views.tokens(), &mut hits);
        hits.sort_unstable_by_key(|(pattern, hit)| (*pattern, hit.start, hit.end));
        hits.dedup();
        Scan { hits, rules: Vec::new() }
    }
}

impl ViewScanner {
    fn new(kind: ViewKind, patterns: Vec<(PatternId, Pattern)>) -> Result<Self, aho_corasick::BuildError> {
        let mut index: HashMap<&str, usize> = HashMap::new();
        let mut literals: Vec<&str> = Vec::new();
        let mut owners: Vec<Vec<u32>> = Vec::new();
        let mut always = Vec::new();
        for (position, (_, pattern)) in patterns.iter().enumerate() {
            if pattern.literals.is_empty() {
                always.push(position as u32);
            }
            for literal in &pattern.literals {
                let slot = *index.entry(literal).or_insert_with(|| {
                    literals.push(literal);
                    owners.push(Vec::new());
                    literals.len() - 1
                });
                owners[slot].push(position as u32);
            }
        }
        let automaton = if literals.is_empty() {
            None
        } else {
            // Overlapping matches need the standard semantics. A table of every state and byte is the fastest; the
            // contiguous form keeps many literals small.
            let bytes: usize = literals.iter().map(|literal| literal.len()).sum();
            let kind = if bytes <= MAX_TABLE { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
            let builder =
                AhoCorasick::builder().match_kind(MatchKind::Standard).kind(Some(kind)).build(&literals)?;
            Some(builder)
        };
        Ok(Self { kind, automaton, owners, patterns, always })
    }

    fn scan(
        &self,
        view: &View,
        tokens: &[Token],
        marks: &mut Marks,
        hits: &mut Vec<(PatternId, Range<usize>)>,
    ) {
        let text = view.as_str();
        marks.begin(self.patterns.len());
        if let Some(automaton) = &self.automaton {
            for found in automaton.find_overlapping_iter(text) {
                for &owner in &self.owners[found.pattern().as_usize()] {
                    self.met(owner, found.start()..found.end(), view, tokens, marks, hits);
                }
            }
        }
        for &owner in self.always.iter().chain(&marks.expressions) {
            let (id, pattern) = &self.patterns[owner as usize];
            let Some(regex) = &pattern.regex else { continue };
            for found in regex.find_iter(text).take(MAX_HITS) {
                hits.push((*id, view.original(found.range())));
            }
        }
    }

    /// A literal of a pattern stands in the text.
    fn met(
        &self,
        owner: u32,
        literal: Range<usize>,
        view: &View,
        tokens: &[Token],
        marks: &mut Marks,
        hits: &mut Vec<(PatternId, Range<usize>)>,
    ) {
        let (id, pattern) = &self.patterns[owner as usize];
        let mark = marks.of(owner);
        match (&pattern.chain, &pattern.regex) {
            (None, Some(_)) => {
                if mark.hits == 0 {
                    mark.hits = 1;
                    marks.expressions.push(owner);
                }
            }
            _ if mark.hits as usize >= MAX_HITS => {}
            (Some(chain), _) => {
                if literal.start >= mark.end
                    && let Some(end) = chain.end(view.as_str(), literal.end)
                {
                    mark.hits += 1;
                    mark.end = end;
                    hits.push((*id, view.original(literal.start..end)));
                }
            }
            (None, None) => {
                if pattern.kind != PatternKind::Word || is_word(view, tokens, literal.clone()) {
                    mark.hits += 1;
                    hits.push((*id, view.original(literal)));
                }
            }
        }
    }
}

/// What is known of every pattern of a view while one message is read. Kept between messages, never cleared: a mark of an
/// earlier message has an earlier number.
#[derive(Default)]
struct Marks {
    round: u64,
    marks: Vec<(u64, Mark)>,
    /// Expressions to run, in the order in which their literals were met.
    expressions: Vec<u32>,
}

#[derive(Clone, Copy, Default)]
struct Mark {
    hits: u32,
    /// Where the last match of a chain ends.
    end: usize,
}

impl Marks {
    fn begin(&mut self, patterns: usize) {
        self.round += 1;
        self.expressions.clear();
        if self.marks.len() < patterns {
            self.marks.resize(patterns, Default::default());
        }
    }

    fn of(&mut self, pattern: u32) -> &mut Mark {
        let (round, mark) = &mut self.marks[pattern as usize];
        if *round != self.round {
            *round = self.round;
            *mark = Mark::default();
        }
        mark
    }
}

thread_local! {
    static MARKS: RefCell<Marks> = RefCell::default();
}

/// Whether a found word stands for itself: not inside a longer Latin word or number, and not across the edge of a
/// Japanese word.
fn is_word(view: &View, tokens: &[Token], bytes: Range<usize>) -> bool {
    let text = view.as_str();
    let (head, tail) = (text[..bytes.start].chars().next_back(), text[bytes.end..].chars().next());
    let (first, last) = (
        text[bytes.clone()].chars().next().unwrap_or(' '),
        text[bytes.clone()].chars().next_back().unwrap_or(' '),
    );
    let latin = |c: char| c.is_ascii_alphanumeric();
    if latin(first) && head.is_some_and(latin) || latin(last) && tail.is_some_and(latin) {
        return false;
    }
    let range = view.original(bytes);
    // Tokens stand in order, so the only one that can be cut is the last that begins before the place.
    let cuts = |place: usize| {
        let after = tokens.partition_point(|token| token.span.start < place);
        after > 0 && place < tokens[after - 1].span.end
    };
    let cut_head = is_japanese(first) && head.is_some_and(is_japanese) && cuts(range.start);
    let cut_tail = is_japanese(last) && tail.is_some_and(is_japanese) && cuts(range.end);
    !cut_head && !cut_tail
}

/// Sequences of words, found by their first element.
struct TokenScanner {
    sequences: Vec<(PatternId, Vec<TokenPattern>, usize)>,
    /// Which sequences may begin with a word of this base form, surface or reading.
    by_base: HashMap<String, Vec<u32>>,
    by_surface: HashMap<String, Vec<u32>>,
    by_reading: HashMap<String, Vec<u32>>,
    /// Sequences whose first element names only a part of speech.
    always: Vec<u32>,
}

impl TokenScanner {
    fn new(sequences: Vec<(PatternId, Vec<TokenPattern>, usize)>) -> Self {
        let mut scanner = Self {
            sequences: Vec::new(),
            by_base: HashMap::new(),
            by_surface: HashMap::new(),
            by_reading: HashMap::new(),
            always: Vec::new(),
        };
        for (index, (_, sequence, _)) in sequences.iter().enumerate() {
            let Some(first) = sequence.first() else { continue };
            let keys = [
                (&first.base, &mut scanner.by_base),
                (&first.surface, &mut scanner.by_surface),
                (&first.reading, &mut scanner.by_reading),
            ];
            match keys.into_iter().find(|(words, _)| !words.is_empty()) {
                Some((words, by_word)) => {
                    for word in words {
                        by_word.entry(word.clone()).or_default().push(index as u32);
                    }
                }
                None => scanner.always.push(index as u32),
            }
        }
        scanner.sequences = sequences;
        scanner
    }

    fn scan(&self, tokens: &[Token], hits: &mut Vec<(PatternId, Range<usize>)>) {
        if self.sequences.is_empty() {
            return;
        }
        for (start, token) in tokens.iter().enumerate() {
            let mut try_all = |candidates: &[u32]| {
                for candidate in candidates {
                    let (id, sequence, gap) = &self.sequences[*candidate as usize];
                    if let Some(end) = sequence_end(sequence, tokens, start, *gap) {
                        hits.push((*id, token.span.start..tokens[end].span.end));
                    }
                }
            };
            try_all(&self.always);
            for (by_word, word) in [
                (&self.by_base, &token.base),
                (&self.by_surface, &token.surface),
                (&self.by_reading, &token.reading),
            ] {
                if !by_word.is_empty()
                    && let Some(candidates) = by_word.get(word.as_str())
                {
                    try_all(candidates);
                }
            }
        }
    }
}

/// Index of the last token of a sequence that begins at `start`; the nearest continuation is taken.
fn sequence_end(sequence: &[TokenPattern], tokens: &[Token], start: usize, gap: usize) -> Option<usize> {
    let (first, rest) = sequence.split_first()?;
    if !accepts(first, &tokens[start]) {
        return None;
    }
    let mut at = start;
    for pattern in rest {
        let window = tokens.get(at + 1..)?.iter().take(gap + 1);
        at = at + 1 + window.into_iter().position(|token| accepts(pattern, token))?;
    }
    Some(at)
}

fn accepts(pattern: &TokenPattern, token: &Token) -> bool {
    let any = |wanted: &[String], found: &str| wanted.is_empty() || wanted.iter().any(|word| word == found);
    any(&pattern.surface, &token.surface)
        && any(&pattern.base, &token.base)
        && any(&pattern.reading, &token.reading)
        && (pattern.pos.is_empty() || pattern.pos.iter().any(|pos| token.pos.starts_with(pos.as_str())))
}
