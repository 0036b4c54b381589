//! From a conversation to what the encoder reads: speaker-marked segments, newest kept whole, oldest cut first.

use std::ops::Range;
use std::path::{Path, PathBuf};

use tokenizers::Tokenizer;

use super::encoder::Sequence;
use crate::contract::Role;

/// Most tokens of one pass.
pub const MAX_TOKENS: usize = 384;
/// Most tokens of a message with those before it; a conversation that is longer is read in several passes. The conversations that
/// the reader was trained on are about as long. Farther back it has seen little, and grew more suspicious with every message of
/// harmless talk (`docs/measurements.md`). A single longer message is still read whole, alone.
const WINDOW_TOKENS: usize = 192;
/// Most tokens of one message; what is longer loses its middle, since people put the matter first or last.
const MAX_MESSAGE_TOKENS: usize = 256;
/// The prefix that multilingual-e5 was trained with.
const PREFIX: &str = "query:";

/// A message as the reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'a> {
    pub role: Role,
    /// Folded lightly (NFKC, invisible characters removed); see [`crate::text`].
    pub text: &'a str,
}

/// One pass over (part of) a conversation, and which messages it decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    pub sequence: Sequence,
    /// For each judged message its index in the conversation and its segment in the sequence.
    pub judged: Vec<(usize, usize)>,
}

/// The tokenizer file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("tokenizer {file}: {detail}")]
pub struct TokenizerError {
    pub file: PathBuf,
    pub detail: String,
}

/// Turns text into token ids.
pub struct Reader {
    tokenizer: Tokenizer,
    begin: u32,
    end: u32,
    prefix: Vec<u32>,
    buyer: Vec<u32>,
    seller: Vec<u32>,
}

impl Reader {
    /// Reads `tokenizer.json` of the encoder's folder.
    pub fn open(file: &Path) -> Result<Self, TokenizerError> {
        let fail = |detail: String| TokenizerError { file: file.into(), detail };
        let tokenizer = Tokenizer::from_file(file).map_err(|error| fail(error.to_string()))?;
        let special = |token: &str| {
            tokenizer.token_to_id(token).ok_or_else(|| fail(format!("expected a special token `{token}`")))
        };
        let (begin, end) = (special("<s>")?, special("</s>")?);
        let words = |text: &str| {
            tokenizer
                .encode_fast(text, false)
                .map(|encoding| encoding.get_ids().to_vec())
                .map_err(|error| fail(error.to_string()))
        };
        let (prefix, buyer, seller) = (words(PREFIX)?, words("buyer:")?, words("seller:")?);
        Ok(Self { tokenizer, begin, end, prefix, buyer, seller })
    }

    /// Token ids of a text, without special tokens, cut to [`MAX_MESSAGE_TOKENS`].
    fn tokens(&self, text: &str) -> Vec<u32> {
        // The only failure the library knows for plain text is a model without an unknown token; such a message is read as empty.
        let mut ids = self
            .tokenizer
            .encode_fast(text, false)
            .map(|encoding| encoding.get_ids().to_vec())
            .unwrap_or_default();
        if ids.len() > MAX_MESSAGE_TOKENS {
            let tail = ids.split_off(ids.len() - MAX_MESSAGE_TOKENS / 2);
            ids.truncate(MAX_MESSAGE_TOKENS / 2);
            ids.extend(tail);
        }
        ids
    }

    /// The segment of one message: speaker, text, end mark.
    fn segment(&self, turn: Turn<'_>) -> Vec<u32> {
        let speaker = match turn.role {
            Role::Buyer => &self.buyer,
            Role::Seller => &self.seller,
        };
        let mut segment = speaker.clone();
        segment.extend(self.tokens(turn.text));
        segment.push(self.end);
        segment
    }

    fn opening(&self) -> Vec<u32> {
        let mut opening = vec![self.begin];
        opening.extend(&self.prefix);
        opening
    }

    /// An inquiry as one segment; the subject, if any, stands first.
    pub fn inquiry(&self, subject: Option<&str>, text: &str) -> Sequence {
        let mut segment = self.opening();
        if let Some(subject) = subject {
            segment.extend(self.tokens(subject));
            segment.push(self.end);
        }
        segment.extend(self.tokens(text));
        segment.push(self.end);
        segment.truncate(MAX_TOKENS);
        Sequence { segments: vec![segment] }
    }

    /// The passes that judge the messages `judged` of a conversation. Which earlier messages a message is read with depends only
    /// on the conversation up to it, so it makes no difference whether messages are judged together or one by one.
    pub fn conversation(&self, turns: &[Turn<'_>], judged: Range<usize>) -> Vec<Pass> {
        let segments: Vec<Vec<u32>> = turns[..judged.end].iter().map(|turn| self.segment(*turn)).collect();
        let lengths: Vec<usize> = segments.iter().map(Vec::len).collect();
        let room = WINDOW_TOKENS - self.opening().len();
        let mut passes: Vec<(usize, Pass)> = Vec::new();
        for index in judged {
            let start = window_start(&lengths, index, room);
            match passes.last_mut() {
                // The same window only grew: one pass reads both.
                Some((begun, pass)) if *begun == start => {
                    pass.sequence
                        .segments
                        .extend_from_slice(&segments[start + pass.sequence.segments.len()..=index]);
                    pass.judged.push((index, index - start));
                }
                _ => {
                    let mut window = segments[start..=index].to_vec();
                    window[0].splice(..0, self.opening());
                    let pass = Pass {
                        sequence: Sequence { segments: window },
                        judged: vec![(index, index - start)],
                    };
                    passes.push((start, pass));
                }
            }
        }
        passes.into_iter().map(|(_, pass)| pass).collect()
    }
}

/// The first message of the window that ends with `last`: 0 while everything fits. Beyond that the window drops half of what it
/// can hold at once, so that a long conversation needs a new pass only every few messages.
fn window_start(lengths: &[usize], last: usize, room: usize) -> usize {
    let mut start = 0;
    let mut held = 0;
    for index in 0..=last {
        held += lengths[index];
        if held > room {
            while held > room.max(lengths[index] * 2) / 2 && start < index {
                held -= lengths[start];
                start += 1;
            }
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_never_exceeds_its_room_and_keeps_the_newest_whole() {
        let lengths: Vec<usize> = (0..200).map(|i| 1 + (i * 37 % 255)).collect();
        for last in 0..lengths.len() {
            let start = window_start(&lengths, last, 380);
            assert!(start <= last);
            assert!(lengths[start..=last].iter().sum::<usize>() <= 380, "window {start}..={last}");
        }
    }

    #[test]
    fn a_window_depends_only_on_what_came_before() {
        let lengths: Vec<usize> = (0..50).map(|i| 5 + (i * 13 % 90)).collect();
        for last in 0..50 {
            assert_eq!(window_start(&lengths, last, 300), window_start(&lengths[..=last], last, 300));
        }
    }
}
