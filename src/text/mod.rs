//! One message in several views, each with a way back to the text as sent.
//!
//! ```text
//! as sent ─ folded ─┬─ joined ─┬─ kana
//!                   │          └─ skeleton
//!                   ├─ digits
//!                   └─ tokens
//! ```
//!
//! A view undoes one family of disguises, so that a pattern needs one spelling. All are pure functions of the text, in
//! linear time.

mod classes;
mod confusables;
mod digits;
mod folded;
mod joined;
mod kana;
mod language;
mod line;
mod mecab;
#[cfg(test)]
mod properties;
mod skeleton;
mod table;
mod tokens;
mod view;
mod views;

pub use classes::{is_japanese, is_kana, is_kanji, is_latin};
pub use folded::MAX_GROWTH;
pub use kana::{MASK, fold_char as fold_kana};
pub use language::guess as guess_language;
pub use mecab::Mecab;
pub use skeleton::merge as merge_skeleton;
pub use tokens::{DictionaryError, Token, Tokenizer, Word};
pub use view::{View, slice_chars};
pub use views::{ViewKind, Views};
