//! Words that came up: messages are split into words, off the threads that serve.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::evaluation::drift::{Occurrences, Risen, risen};
use crate::store::StoreError;
use crate::store::evaluation::PooledMessage;
use crate::text::{Tokenizer, Views};

/// Words that are shown.
const WORDS: usize = 20;
/// The dictionary, once somebody asks for words.
static TOKENIZER: LazyLock<Result<Tokenizer, String>> =
    LazyLock::new(|| Tokenizer::new().map_err(|error| error.to_string()));

/// Random messages of both periods.
pub(super) struct Both {
    pub(super) now: Vec<PooledMessage>,
    pub(super) before: Vec<PooledMessage>,
}

pub(super) struct Read {
    pub(super) all: Both,
    pub(super) flagged: Both,
}

/// Words that came up in all and in flagged messages.
pub(super) struct RisenWords {
    pub(super) all: Vec<Risen>,
    pub(super) flagged: Vec<Risen>,
}

/// Splits the messages into words, off the threads that serve.
pub(super) async fn came_up(read: Read) -> Result<(RisenWords, Read), StoreError> {
    let split = move || {
        let tokenizer = TOKENIZER.as_ref().map_err(|error| StoreError::Unexpected(error.clone()))?;
        let risen =
            RisenWords { all: risen_in(&read.all, tokenizer), flagged: risen_in(&read.flagged, tokenizer) };
        Ok((risen, read))
    };
    match tokio::task::spawn_blocking(split).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn risen_in(both: &Both, tokenizer: &Tokenizer) -> Vec<Risen> {
    let mut words: BTreeMap<String, Occurrences> = BTreeMap::new();
    for message in &both.now {
        words_of(&message.text, tokenizer)
            .into_iter()
            .for_each(|word| words.entry(word).or_default().now += 1);
    }
    for message in &both.before {
        words_of(&message.text, tokenizer)
            .into_iter()
            .for_each(|word| words.entry(word).or_default().before += 1);
    }
    let messages = Occurrences { now: both.now.len() as u64, before: both.before.len() as u64 };
    risen(&words, messages, WORDS)
}

/// The words that say what a message is about, in the form of the dictionary, each once: no particles, signs or numbers.
fn words_of(text: &str, tokenizer: &Tokenizer) -> BTreeSet<String> {
    const PASSED: [&str; 6] = ["助詞", "助動詞", "記号", "フィラー", "名詞-数", "名詞-非自立"];
    let views = Views::new(text, tokenizer);
    let telling = views.tokens().iter().filter(|token| {
        let passed = PASSED.iter().any(|kind| token.pos.starts_with(kind));
        !passed && token.base.chars().count() > 1 && token.base.chars().any(char::is_alphabetic)
    });
    telling.map(|token| token.base.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_tell_something_are_counted_once_a_message() {
        let tokenizer = TOKENIZER.as_ref().unwrap();
        let words = words_of("カカオで、カカオでお願いします。090-1234-5678", tokenizer);
        assert!(words.contains("カカオ"), "{words:?}");
        assert!(!words.iter().any(|word| word == "で" || word.contains('0') || word == "。"), "{words:?}");
    }
}
