//! All views of one message.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::digits::to_digits;
use super::folded::fold;
use super::joined::join;
use super::kana::to_kana;
use super::language::guess;
use super::line::{Line, Scratch};
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
        self.view(text).as_str().to_owned()
    }

    /// The view of a text of its own.
    pub(super) fn view(self, text: &str) -> View {
        with_buffers(|line, scratch| {
            line.read(text);
            if self != ViewKind::Sent {
                fold(line, scratch);
            }
            match self {
                ViewKind::Sent | ViewKind::Folded => {}
                ViewKind::Digits => _ = to_digits(line, scratch),
                ViewKind::Joined => _ = join(line, scratch),
                ViewKind::Kana => {
                    join(line, scratch);
                    to_kana(line, scratch);
                }
                ViewKind::Skeleton => {
                    join(line, scratch);
                    to_skeleton(line, scratch);
                }
            }
            View::of(line)
        })
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

thread_local! {
    /// Memory for folding, kept between the messages of a thread.
    static BUFFERS: RefCell<(Line, Scratch)> = RefCell::default();
}

fn with_buffers<R>(work: impl FnOnce(&mut Line, &mut Scratch) -> R) -> R {
    BUFFERS.with_borrow_mut(|(line, scratch)| {
        let result = work(line, scratch);
        scratch.shrink(line);
        result
    })
}

/// One message with all its views, computed once. Views that are alike share their memory, and so do clones.
#[derive(Debug, Clone)]
pub struct Views {
    sent: Arc<View>,
    folded: Arc<View>,
    joined: Arc<View>,
    kana: Arc<View>,
    skeleton: Arc<View>,
    digits: Arc<View>,
    tokens: Vec<Token>,
    language: Option<Language>,
}

impl Views {
    /// Folds the text and splits it into words. Linear in the length of the text.
    pub fn new(text: &str, tokenizer: &Tokenizer) -> Self {
        with_buffers(|line, scratch| {
            line.read(text);
            let sent = Arc::new(View::of(line));
            let folded = next_view(fold(line, scratch), line, &sent);
            let mut branch = scratch.lend();
            branch.copy_from(line);
            let digits = next_view(to_digits(&mut branch, scratch), &branch, &folded);
            let joined = next_view(join(line, scratch), line, &folded);
            branch.copy_from(line);
            let kana = next_view(to_kana(&mut branch, scratch), &branch, &joined);
            let skeleton = next_view(to_skeleton(line, scratch), line, &joined);
            scratch.give_back(branch);
            let tokens = tokenizer.tokenize(&folded);
            let language = guess(folded.as_str());
            Self { sent, folded, joined, kana, skeleton, digits, tokens, language }
        })
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

/// A folding's result, or the view it started from where it changed nothing.
fn next_view(changed: bool, line: &Line, from: &Arc<View>) -> Arc<View> {
    if changed { Arc::new(View::of(line)) } else { Arc::clone(from) }
}
