//! Which of the two languages a message is written in, from its scripts alone.

use super::classes::{is_kana, is_kanji};
use crate::contract::Language;

/// A Japanese character says about as much as this many Latin letters, so that 「LINE IDはkenta_0412です」 is Japanese.
const LETTERS_PER_JAPANESE_CHARACTER: usize = 4;

/// The language of a folded text; `None` when it has neither Japanese characters nor two Latin letters in a row of words
/// (a bare number, an emoji), or only a handle.
pub fn guess(folded: &str) -> Option<Language> {
    let mut japanese = 0;
    let mut letters = 0;
    for c in folded.chars() {
        if is_kana(c) || is_kanji(c) {
            japanese += 1;
        } else if c.is_ascii_alphabetic() {
            letters += 1;
        }
    }
    if japanese == 0 && letters < 2 {
        return None;
    }
    if japanese * LETTERS_PER_JAPANESE_CHARACTER >= letters && japanese > 0 {
        return Some(Language::Ja);
    }
    if japanese == 0 && is_bare_name(folded) {
        return None;
    }
    Some(Language::En)
}

/// A single word with a digit, a dot or an underscore in it, or led by @: an ID, which belongs to no language.
fn is_bare_name(text: &str) -> bool {
    let text = text.trim();
    !text.contains(char::is_whitespace)
        && (text.starts_with('@') || text.chars().any(|c| c.is_ascii_digit() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_decide() {
        assert_eq!(guess("こんにちは"), Some(Language::Ja));
        assert_eq!(guess("line idはkenta_0412です"), Some(Language::Ja));
        assert_eq!(guess("hello, is this still available?"), Some(Language::En));
        assert_eq!(guess("i saw a 日本 print of this one in the shop"), Some(Language::En));
        assert_eq!(guess("kenta_0412"), None);
        assert_eq!(guess("090-1234-5678 🎉"), None);
        assert_eq!(guess(""), None);
        assert_eq!(guess("ok"), Some(Language::En));
    }
}
