//! One view of a message: folded text, and for every one of its characters the part of the text as sent it came from.

use std::ops::Range;

use super::line::Line;

/// Where one character of a view comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Byte offset of the character in the view's own text.
    byte: u32,
    /// First Unicode scalar value of the source in the text as sent.
    start: u32,
    /// One past its last Unicode scalar value.
    end: u32,
}

/// A folded form of a message with the way back to the text as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    text: String,
    places: Vec<Place>,
}

impl View {
    /// The text as sent, mapped to itself.
    pub fn identity(text: &str) -> Self {
        let mut line = Line::default();
        line.read(text);
        Self::of(&line)
    }

    /// Keeps a line as it stands.
    pub(super) fn of(line: &Line) -> Self {
        let mut text = String::with_capacity(line.chars.iter().map(|c| c.len_utf8()).sum());
        let mut places = Vec::with_capacity(line.len());
        for (&c, source) in line.chars.iter().zip(&line.sources) {
            places.push(Place { byte: text.len() as u32, start: source.start, end: source.end });
            text.push(c);
        }
        Self { text, places }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Number of characters (Unicode scalar values) of the view.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Range of Unicode scalar values of the text as sent from which character `index` of the view was made.
    pub fn source(&self, index: usize) -> Range<usize> {
        self.places.get(index).map_or(0..0, |place| place.start as usize..place.end as usize)
    }

    /// Maps a byte range of the view, such as a match, back to the text as sent: from the first scalar value of its first
    /// character to the last of its last. An empty range gives an empty range at the right place.
    pub fn original(&self, bytes: Range<usize>) -> Range<usize> {
        if self.places.is_empty() {
            return 0..0;
        }
        let first = self.index_of(bytes.start);
        if bytes.is_empty() {
            let at = match self.places.get(first) {
                Some(place) if (place.byte as usize) >= bytes.start => place.start,
                _ => self.places[self.places.len() - 1].end,
            };
            return at as usize..at as usize;
        }
        let last = self.index_of(bytes.end - 1);
        let covered = &self.places[first..=last.max(first)];
        // A view may reorder nothing, but one source may give several characters: the widest bounds are right in every case.
        let start = covered.iter().map(|place| place.start).min().unwrap_or(0);
        let end = covered.iter().map(|place| place.end).max().unwrap_or(0);
        start as usize..end as usize
    }

    /// Index of the character that holds the byte, clamped to the last one.
    fn index_of(&self, byte: usize) -> usize {
        self.places.partition_point(|place| place.byte as usize <= byte).saturating_sub(1)
    }
}

/// The characters `range` of a text, as sent. Costs one pass up to the end of the range.
pub fn slice_chars(text: &str, range: Range<usize>) -> &str {
    let mut offsets = text.char_indices().map(|(byte, _)| byte).chain(std::iter::once(text.len()));
    let start = offsets.clone().nth(range.start).unwrap_or(text.len());
    let end = offsets.nth(range.end).unwrap_or(text.len());
    text.get(start..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_maps_back_to_scalar_values() {
        let view = View::identity("あLINE交換");
        let at = view.as_str().find("LINE").unwrap();
        assert_eq!(view.original(at..at + 4), 1..5);
        assert_eq!(slice_chars("あLINE交換", 1..5), "LINE");
    }

    #[test]
    fn empty_ranges_and_views_stay_in_bounds() {
        let view = View::identity("ab");
        assert_eq!(view.original(0..0), 0..0);
        assert_eq!(view.original(1..1), 1..1);
        assert_eq!(view.original(2..2), 2..2);
        assert_eq!(View::identity("").original(0..0), 0..0);
        assert_eq!(slice_chars("", 0..3), "");
    }
}
