//! The characters themselves, beside the encoder: which runs of one to four characters a text holds, weighed by a linear head.
//!
//! The encoder reads meaning, but it sees sub-words of a vocabulary that was made for tidy text, and it was adapted on a few
//! thousand examples. Runs of characters are tidy nowhere: a set phrase, a name in pieces, a mistyped word keep most of theirs. The two
//! err on different messages, so their logits are blended: `share` of the characters, the rest of the encoder, chosen on held-out data.

mod grams;
mod head;
mod lexicon;

pub use head::{Blend, LEXICAL, LexicalDescription, LexicalHead, LexicalPart};
pub use lexicon::{Features, LEXICON, Lexicon};

use super::input::Turn;

/// Messages before the judged one whose characters are read with it. A yes is judged by what it answers.
const BEFORE: usize = 3;

/// What is read for one decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<'a> {
    /// The text to be judged; with a subject, that too.
    pub own: Vec<&'a str>,
    /// What was said before it.
    pub before: Vec<&'a str>,
}

impl<'a> Document<'a> {
    /// The message at `index` with those before it.
    pub fn message(turns: &[Turn<'a>], index: usize) -> Self {
        let before = &turns[index.saturating_sub(BEFORE)..index];
        Self { own: vec![turns[index].text], before: before.iter().map(|turn| turn.text).collect() }
    }

    pub fn inquiry(subject: Option<&'a str>, text: &'a str) -> Self {
        Self { own: subject.into_iter().chain([text]).collect(), before: Vec::new() }
    }
}
