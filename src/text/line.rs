//! The working form of a text between two views: its characters, each with the part of the text as sent it came from.
//!
//! Foldings change a line in place and say whether they changed anything, so that ordinary text costs one look per stage.

/// Part of the text as sent, in Unicode scalar values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    pub start: u32,
    /// One past its last scalar value.
    pub end: u32,
}

/// A text while it is folded. Both lists have the same length.
#[derive(Debug, Default)]
pub struct Line {
    pub chars: Vec<char>,
    pub sources: Vec<Source>,
}

impl Line {
    /// Takes over a text as sent.
    pub fn read(&mut self, text: &str) {
        self.clear();
        self.chars.extend(text.chars());
        self.sources.extend((0..self.chars.len() as u32).map(|at| Source { start: at, end: at + 1 }));
    }

    pub fn len(&self) -> usize {
        self.chars.len()
    }

    pub fn clear(&mut self) {
        self.chars.clear();
        self.sources.clear();
    }

    pub fn push(&mut self, c: char, source: Source) {
        self.chars.push(c);
        self.sources.push(source);
    }

    /// Appends characters that all come from one place.
    pub fn push_all(&mut self, chars: &[char], source: Source) {
        self.chars.extend_from_slice(chars);
        self.sources.resize(self.chars.len(), source);
    }

    /// Becomes a copy of another line, in the memory it has.
    pub fn copy_from(&mut self, other: &Line) {
        self.clear();
        self.extend(other, 0..other.len());
    }

    /// Appends a part of another line.
    pub fn extend(&mut self, other: &Line, range: std::ops::Range<usize>) {
        self.chars.extend_from_slice(&other.chars[range.clone()]);
        self.sources.extend_from_slice(&other.sources[range]);
    }

    pub fn truncate(&mut self, len: usize) {
        self.chars.truncate(len);
        self.sources.truncate(len);
    }

    /// Moves one character to an earlier place, as `c`. For foldings that close gaps in place.
    pub fn put(&mut self, to: usize, c: char, from: usize) {
        self.chars[to] = c;
        self.sources[to] = self.sources[from];
    }
}

/// Characters for which buffers are kept between messages; longer messages give their memory back.
const KEPT: usize = 16 * 1024;

/// Memory that foldings use again and again.
#[derive(Debug, Default)]
pub struct Scratch {
    spare: Vec<Line>,
    /// Text of a stretch that is normalised as a whole.
    pub text: String,
    /// For every character whether it goes.
    pub dropped: Vec<bool>,
    /// For every character the Latin letter that it is known to be; 0 for none.
    pub letters: Vec<u8>,
    /// Places that are looked at again.
    pub places: Vec<u32>,
}

impl Scratch {
    /// An empty line; hand it back with [`Scratch::give_back`].
    pub fn lend(&mut self) -> Line {
        self.spare.pop().unwrap_or_default()
    }

    pub fn give_back(&mut self, mut line: Line) {
        line.clear();
        self.spare.push(line);
    }

    /// Gives back the memory of an unusually long message.
    pub fn shrink(&mut self, line: &mut Line) {
        if line.chars.capacity() > KEPT || self.spare.iter().any(|line| line.chars.capacity() > KEPT) {
            *self = Self::default();
            *line = Line::default();
        }
    }
}

/// How often a folding is repeated at most: what people write settles at once.
const MAX_ROUNDS: usize = 6;

/// Repeats a folding until it changes nothing more, so that folding twice is folding once. Says whether it changed anything.
pub fn settle(line: &mut Line, scratch: &mut Scratch, again: fn(&mut Line, &mut Scratch) -> bool) -> bool {
    let mut before = scratch.lend();
    let mut changed = false;
    for _ in 0..MAX_ROUNDS {
        before.copy_from(line);
        if !again(line, scratch) {
            break;
        }
        if before.chars == line.chars {
            // Back where it was, with the places of the first way.
            std::mem::swap(&mut before, line);
            break;
        }
        changed = true;
    }
    scratch.give_back(before);
    changed
}
