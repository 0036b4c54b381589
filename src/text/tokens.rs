//! The view `tokens`: the words of a message with base form, reading and part of speech, by IPADIC and a list of
//! marketplace words.

use std::collections::HashMap;
use std::ops::{Deref, Range};
use std::sync::{Arc, Mutex};

use lindera::dictionary::Dictionary;
use lindera::mode::Mode;
use lindera::segmenter::Segmenter;
use lindera::token::Token as Segment;
use lindera::worker::SegmentWorker;
use lindera_dictionary::builder::DictionaryBuilder;

use super::view::View;
use crate::error::{Class, Classified};

mod ipadic {
    #![allow(missing_docs)]
    lindera_dictionary::embedded_dictionary!("/ipadic", Ipadic);
}

/// Marketplace words that IPADIC does not know, in its 13 columns, written as the view `folded` writes them.
const MARKETPLACE_WORDS: &str = include_str!("../../dictionary/user.csv");

/// The dictionary inside the program could not be read: the build is damaged.
#[derive(Debug, thiserror::Error)]
#[error("the built-in Japanese dictionary cannot be loaded ({0}): build the program again")]
pub struct DictionaryError(String);

impl Classified for DictionaryError {
    fn class(&self) -> Class {
        Class::Bug
    }
}

/// The dictionary that the program carries (below a millisecond).
pub(super) fn dictionary() -> Result<Dictionary, DictionaryError> {
    ipadic::load().map_err(|error| DictionaryError(error.to_string()))
}

/// One word of a message. What the dictionary says of it is shared with every other place where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    word: Arc<Word>,
    /// Scalar values of the text as sent.
    pub span: Range<usize>,
}

impl Deref for Token {
    type Target = Word;

    fn deref(&self) -> &Word {
        &self.word
    }
}

/// What the dictionary says of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// As it stands in the folded view.
    pub surface: String,
    /// Dictionary form; the surface for unknown words.
    pub base: String,
    /// Reading in katakana; the surface where the dictionary has none.
    pub reading: String,
    /// Part of speech, its levels joined by `-`, for instance `名詞-固有名詞-一般`; `未知語` for unknown words.
    pub pos: String,
}

/// Splits folded text into words. Holds the dictionary; one is enough for a program.
pub struct Tokenizer {
    segmenter: Segmenter,
    // Workers keep their lattice and words between messages; rebuilding them for each costs more than the message does.
    idle: Mutex<Vec<Worker>>,
}

impl Tokenizer {
    /// Loads the dictionary that the program carries and the marketplace words.
    pub fn new() -> Result<Self, DictionaryError> {
        let dictionary = dictionary()?;
        let user = DictionaryBuilder::new((*dictionary.metadata).clone())
            .build_user_dict_from_reader(MARKETPLACE_WORDS.as_bytes())
            .map_err(|error| DictionaryError(error.to_string()))?;
        let segmenter = Segmenter::new(Mode::Normal, dictionary, Some(user));
        Ok(Self { segmenter, idle: Mutex::new(Vec::new()) })
    }

    /// The words of a folded view. A stretch that the dictionary cannot read is one unknown word.
    pub fn tokenize(&self, folded: &View) -> Vec<Token> {
        let idle = self.idle.lock().map(|mut idle| idle.pop()).unwrap_or_default();
        let mut worker =
            idle.unwrap_or_else(|| Worker { segments: self.segmenter.new_worker(), words: HashMap::new() });
        let tokens = split(&mut worker, folded);
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(worker);
        }
        tokens
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokenizer")
    }
}

struct Worker {
    segments: SegmentWorker,
    /// Words that were met before.
    words: HashMap<Key, Arc<Word>>,
}

/// Which word of a dictionary; of unknown words the kind of character and, where it is a single one, that character.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    System(u32),
    Marketplace(u32),
    Unknown(u32, char),
}

impl Key {
    /// Unknown words of several characters are what people made up, names and numbers among them: they are never kept.
    fn of(segment: &Segment<'_>) -> Option<Self> {
        let id = segment.word_id.id();
        if !segment.word_id.is_unknown() {
            return Some(if segment.word_id.is_system() { Key::System(id) } else { Key::Marketplace(id) });
        }
        let mut chars = segment.surface.chars();
        match (chars.next(), chars.next()) {
            (Some(one), None) => Some(Key::Unknown(id, one)),
            _ => None,
        }
    }
}

/// Words that a worker keeps, about 200 bytes each. What people write in a day is fewer.
const MAX_WORDS: usize = 20_000;

fn split(worker: &mut Worker, folded: &View) -> Vec<Token> {
    let text = folded.as_str();
    let Ok(segments) = worker.segments.segment(text) else {
        return unknown(text, folded);
    };
    if worker.words.len() > MAX_WORDS {
        worker.words.clear();
    }
    let mut tokens = Vec::with_capacity(segments.len());
    for mut segment in segments {
        if segment.surface.trim().is_empty() {
            continue;
        }
        let span = folded.original(segment.byte_start..segment.byte_end);
        let key = Key::of(&segment);
        let met =
            key.as_ref().and_then(|key| worker.words.get(key)).filter(|word| word.surface == segment.surface);
        let word = match met {
            Some(word) => Arc::clone(word),
            None => {
                let word = Arc::new(describe(&mut segment));
                if let Some(key) = key {
                    worker.words.insert(key, Arc::clone(&word));
                }
                word
            }
        };
        tokens.push(Token { word, span });
    }
    tokens
}

fn describe(segment: &mut Segment<'_>) -> Word {
    let surface = segment.surface.to_string();
    let details = segment.details();
    let field = |index: usize| details.get(index).copied().filter(|value| *value != "*" && !value.is_empty());
    let known = details.len() > 6;
    let mut pos = String::new();
    for level in (0..3).map_while(field) {
        if !pos.is_empty() {
            pos.push('-');
        }
        pos.push_str(level);
    }
    Word {
        base: field(6).unwrap_or(&surface).to_owned(),
        reading: field(7).unwrap_or(&surface).to_owned(),
        pos: if known && !pos.is_empty() { pos } else { "未知語".to_owned() },
        surface,
    }
}

fn unknown(text: &str, folded: &View) -> Vec<Token> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let word = Word {
        surface: text.to_owned(),
        base: text.to_owned(),
        reading: text.to_owned(),
        pos: "未知語".to_owned(),
    };
    vec![Token { word: Arc::new(word), span: folded.original(0..text.len()) }]
}

#[cfg(test)]
mod tests {
    use super::super::views::ViewKind;
    use super::*;

    fn words(text: &str) -> Vec<Token> {
        Tokenizer::new().unwrap().tokenize(&ViewKind::Folded.view(text))
    }

    #[test]
    fn base_forms_readings_and_marketplace_words() {
        let tokens = words("よろしければLINEを教えてください");
        let line = tokens.iter().find(|token| token.surface == "line").expect("line is a word of the list");
        assert_eq!(line.span, 6..10);
        assert!(line.pos.starts_with("名詞-固有名詞"), "{}", line.pos);
        assert!(tokens.iter().any(|token| token.base == "教える"), "{tokens:?}");
        assert!(words("メルペイで払います").iter().any(|token| token.surface == "メルペイ"));
        assert!(words("オンラインで").iter().any(|token| token.surface == "オンライン"));
    }

    #[test]
    fn every_marketplace_word_is_one_token_and_stands_folded() {
        for row in MARKETPLACE_WORDS.lines() {
            let word = row.split(',').next().unwrap();
            assert_eq!(ViewKind::Folded.fold(word), word, "write it as `folded` does");
            let tokens = words(word);
            assert_eq!(tokens.len(), 1, "{word}: {tokens:?}");
        }
    }

    #[test]
    fn nothing_gives_nothing() {
        assert!(words("").is_empty());
        assert!(words("  \u{3000}").is_empty());
    }
}
