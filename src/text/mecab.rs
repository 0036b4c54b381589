//! Words as MeCab cuts them with IPADIC, without the words of the marketplace: what Japanese BERT models were trained on.

use std::borrow::Cow;

use lindera::mode::Mode;
use lindera::segmenter::Segmenter;

use super::tokens::{DictionaryError, dictionary};

/// MeCab's `max-grouping-size` where its options say nothing: an unknown word has at most this many characters beyond its first.
const MAX_GROUPING: usize = 24;

/// Cuts text into words. Immutable and shared between threads.
pub struct Mecab {
    segmenter: Segmenter,
}

impl Mecab {
    /// Loads the dictionary that the program carries.
    pub fn new() -> Result<Self, DictionaryError> {
        let segmenter =
            Segmenter::new(Mode::Normal, dictionary()?, None).max_grouping_len(Some(MAX_GROUPING));
        Ok(Self { segmenter })
    }

    /// The words as they stand in the text; space between them is left out. A text that the dictionary cannot read is one word.
    pub fn words(&self, text: &str) -> Vec<String> {
        let Ok(segments) = self.segmenter.segment(Cow::Borrowed(text)) else {
            return vec![text.to_owned()];
        };
        let words = segments.into_iter().map(|segment| segment.surface.into_owned());
        words.filter(|word| !word.trim().is_empty()).collect()
    }
}

impl std::fmt::Debug for Mecab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mecab")
    }
}
