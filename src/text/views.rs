//! All views of one message.

use std::fmt;
use std::str::FromStr;

use super::digits::to_digits;
use super::folded::fold;
use super::joined::join;
use super::kana::to_kana;
use super::language::guess;
use super::skeleton::to_skeleton;
use super::tokens::{Token, Tokenizer};
use super::view::View;
use crate::contract::{Language, Span};

/// The views that a pattern can look at. Tokens have patterns of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ViewKind {
    /// The text as sent, untouched.
    Sent,
    Folded,
    Joined,
    Kana,
    Skeleton,
    Digits,
}

impl ViewKind {
    pub const ALL: [ViewKind; 6] = [
        ViewKind::Sent,
        ViewKind::Folded,
        ViewKind::Joined,
        ViewKind::Kana,
        ViewKind::Skeleton,
        ViewKind::Digits,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            ViewKind::Sent => "sent",
            ViewKind::Folded => "folded",
            ViewKind::Joined => "joined",
            ViewKind::Kana => "kana",
            ViewKind::Skeleton => "skeleton",
            ViewKind::Digits => "digits",
        }
    }

    /// Folds a text of its own, such as a word of a rule, the way this view folds a message.
    pub fn fold(self, text: &str) -> String {
        let sent = View::identity(text);
        let view = match self {
            ViewKind::Sent => sent,
            ViewKind::Folded => fold(&sent),
            ViewKind::Joined => join(&fold(&sent)),
            ViewKind::Kana => to_kana(&join(&fold(&sent))),
            ViewKind::Skeleton => to_skeleton(&join(&fold(&sent))),
            ViewKind::Digits => to_digits(&fold(&sent)),
        };
        view.as_str().to_owned()
    }
}

impl fmt::Display for ViewKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ViewKind {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        ViewKind::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or(())
    }
}

/// One message with all its views, computed once.
#[derive(Debug, Clone)]
pub struct Views {
    sent: View,
    folded: View,
    joined: View,
    kana: View,
    skeleton: View,
    digits: View,
    tokens: Vec<Token>,
    language: Option<Language>,
}

impl Views {
    /// Folds the text and splits it into words. Linear in the length of the text.
    pub fn new(text: &str, tokenizer: &Tokenizer) -> Self {
        let sent = View::identity(text);
        let folded = fold(&sent);
        let joined = join(&folded);
        Self {
            kana: to_kana(&joined),
            skeleton: to_skeleton(&joined),
            digits: to_digits(&folded),
            tokens: tokenizer.tokenize(&folded),
            language: guess(folded.as_str()),
            joined,
            folded,
            sent,
        }
    }

    pub fn get(&self, kind: ViewKind) -> &View {
        match kind {
            ViewKind::Sent => &self.sent,
            ViewKind::Folded => &self.folded,
            ViewKind::Joined => &self.joined,
            ViewKind::Kana => &self.kana,
            ViewKind::Skeleton => &self.skeleton,
            ViewKind::Digits => &self.digits,
        }
    }

    /// The text as sent.
    pub fn text(&self) -> &str {
        self.sent.as_str()
    }

    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// `None` when the scripts do not tell: a bare number, a handle, an emoji.
    pub fn language(&self) -> Option<Language> {
        self.language
    }

    /// The contract's form of a range of scalar values of the text as sent.
    pub fn span(&self, range: std::ops::Range<usize>) -> Span {
        let text = super::view::slice_chars(self.text(), range.clone()).to_owned();
        Span { start: range.start, end: range.end, text }
    }
}
