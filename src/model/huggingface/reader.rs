//! From texts to what a network reads.

use tokenizers::{Encoding, Tokenizer};

use super::config::Settings;
use super::files::Files;
use super::network::Tokens;
use super::words::{JapaneseWords, TokenizerConfig, VOCABULARY, from_vocabulary};
use crate::model::folder::FolderError;
use crate::model::source::Joined;

const TOKENIZER: &str = "tokenizer.json";

/// Turns texts into tokens, as the folder's own tokenizer would.
pub(super) struct Reader {
    tokenizer: Tokenizer,
    words: Option<JapaneseWords>,
    single: Frame,
    pair: Frame,
    /// Special tokens that frame texts or fill them up. No text may bring them along.
    reserved: Vec<u32>,
    limit: usize,
}

impl Reader {
    pub fn open(files: &mut Files<'_>, settings: &Settings) -> Result<Self, FolderError> {
        let mut config = TokenizerConfig::read(files)?;
        config.tokenizer_class = config.tokenizer_class.or_else(|| settings.tokenizer_class.clone());
        // The Japanese tokenizer has no other form; a `tokenizer.json` beside it is not what the model was trained with.
        let (name, tokenizer, words) = if files.has(TOKENIZER) && !config.is_japanese() {
            let tokenizer = Tokenizer::from_bytes(files.read(TOKENIZER)?)
                .map_err(|error| FolderError::new(&files.path(TOKENIZER), error))?;
            (TOKENIZER, tokenizer, None)
        } else if files.has(VOCABULARY) {
            let (tokenizer, words) = from_vocabulary(files, &config)?;
            (VOCABULARY, tokenizer, words)
        } else {
            let detail = format!("expected this file, or {VOCABULARY} of a BERT, found neither");
            return Err(FolderError::new(&files.path(TOKENIZER), detail));
        };
        Self::new(tokenizer, words, settings).map_err(|detail| FolderError::new(&files.path(name), detail))
    }

    fn new(
        mut tokenizer: Tokenizer,
        words: Option<JapaneseWords>,
        settings: &Settings,
    ) -> Result<Self, String> {
        // Length and padding are this module's work, and a text that spells a special token is a text.
        tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
        tokenizer.with_padding(None).set_encode_special_tokens(true);
        let highest = tokenizer.get_vocab(true).into_values().max().unwrap_or(0) as usize;
        if highest >= settings.vocabulary {
            return Err(format!(
                "expected token ids below the `vocab_size` of config.json, {}, found {highest}",
                settings.vocabulary
            ));
        }
        let (single, pair) =
            (Frame::of(&tokenizer, false, settings)?, Frame::of(&tokenizer, true, settings)?);
        let mut reserved: Vec<u32> = single.special().chain(pair.special()).collect();
        reserved.push(settings.padding);
        let reader = Self { tokenizer, words, single, pair, reserved, limit: settings.limit };
        // A private character is in no vocabulary.
        reader.encode("\u{10fffd}").map_err(|error| {
            format!("expected a token for what is not in the vocabulary, found none ({error})")
        })?;
        Ok(reader)
    }

    fn encode(&self, text: &str) -> tokenizers::Result<Vec<u32>> {
        let encoding = match &self.words {
            Some(words) => self.tokenizer.encode_fast(words.split(text), false)?,
            None => self.tokenizer.encode_fast(text, false)?,
        };
        Ok(encoding.get_ids().iter().copied().filter(|id| !self.reserved.contains(id)).collect())
    }

    /// Token ids of a text, without special tokens.
    fn ids(&self, text: &str) -> Vec<u32> {
        // The only failure for plain text is a model without an unknown token, and such a one was refused.
        self.encode(text).unwrap_or_default()
    }

    /// A text with what stands before it. The text is kept whole and the oldest of what stands before it is cut first; a text that
    /// is too long by itself loses its middle, since people put the matter first or last.
    pub fn read(&self, before: Option<&str>, text: &str, joined: Joined) -> Tokens {
        let mut text = self.ids(text);
        let frame = if joined == Joined::Pair { &self.pair } else { &self.single };
        let room = (self.limit - frame.special().count()).saturating_sub(text.len());
        let before = before.map(|before| self.ids(before)).unwrap_or_default();
        let before = &before[before.len().saturating_sub(room)..];
        if before.is_empty() {
            let room = self.limit - self.single.special().count();
            if text.len() > room {
                let tail = text.split_off(text.len() - room / 2);
                text.truncate(room - room / 2);
                text.extend(tail);
            }
            return self.single.around(&[], &text);
        }
        frame.around(before, &text)
    }
}

/// Where the texts stand between special tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Frame {
    places: Vec<(Place, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Special(u32),
    First,
    Second,
}

impl Frame {
    /// Learns the frame from what the tokenizer puts around two marks.
    fn of(tokenizer: &Tokenizer, pair: bool, settings: &Settings) -> Result<Self, String> {
        const FIRST: u32 = u32::MAX;
        const SECOND: u32 = u32::MAX - 1;
        let mark = |id| Encoding::from_tokens(vec![tokenizers::Token::new(id, "x".into(), (0, 1))], 0);
        let framed = tokenizer
            .post_process(mark(FIRST), pair.then(|| mark(SECOND)), true)
            .map_err(|error| error.to_string())?;
        // A network that knows one type only is told nothing else, whatever its tokenizer says.
        let untyped = settings.types == 1;
        let places: Vec<(Place, u32)> = framed
            .get_ids()
            .iter()
            .zip(framed.get_type_ids())
            .map(|(id, kind)| {
                let place = match *id {
                    FIRST => Place::First,
                    SECOND => Place::Second,
                    other => Place::Special(other),
                };
                (place, if untyped { 0 } else { *kind })
            })
            .collect();
        let frame = Self { places };
        let count = |place| frame.places.iter().filter(|(found, _)| *found == place).count();
        let opened = matches!(frame.places.first(), Some((Place::Special(_), _)));
        if !opened || count(Place::First) != 1 || count(Place::Second) != usize::from(pair) {
            return Err(
                "expected a post-processor that puts special tokens before, between and after texts".into()
            );
        }
        if frame.special().count() * 2 > settings.limit {
            return Err(format!("expected few special tokens around texts of {} at most", settings.limit));
        }
        if frame.places.iter().any(|(_, kind)| *kind as usize >= settings.types) {
            return Err(format!(
                "expected token types below the `type_vocab_size` of config.json, {}",
                settings.types
            ));
        }
        if frame.special().any(|id| id as usize >= settings.vocabulary) {
            return Err("expected special tokens that are in the vocabulary".into());
        }
        Ok(frame)
    }

    fn special(&self) -> impl Iterator<Item = u32> {
        self.places.iter().filter_map(|(place, _)| match place {
            Place::Special(id) => Some(*id),
            _ => None,
        })
    }

    /// The texts in their places. In a frame for one text the second follows the first at once.
    fn around(&self, before: &[u32], text: &[u32]) -> Tokens {
        let pair = self.places.iter().any(|(place, _)| *place == Place::Second);
        let mut tokens = Tokens { ids: Vec::new(), types: Vec::new() };
        let mut put = |ids: &[u32], kind: u32| {
            tokens.ids.extend_from_slice(ids);
            tokens.types.resize(tokens.ids.len(), kind);
        };
        for (place, kind) in &self.places {
            match place {
                Place::Special(id) => put(&[*id], *kind),
                Place::First if pair => put(before, *kind),
                Place::First => {
                    put(before, *kind);
                    put(text, *kind);
                }
                Place::Second => put(text, *kind),
            }
        }
        tokens
    }
}
