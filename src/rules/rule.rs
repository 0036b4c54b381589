//! A rule as its author means it, after reading and checking, before compiling.

use std::fmt;

use super::condition::Condition;
use super::diagnostic::Position;
use crate::contract::{Language, Role};
use crate::text::ViewKind;

macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            pub const NAMES: &'static [&'static str] = &[$($text,)*];

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)* _ => None }
            }

            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

closed_list!(
    /// How far the rule has come.
    Status {
        Experimental = "experimental",
        Test = "test",
        Stable = "stable",
        /// Kept for its history; never evaluated.
        Deprecated = "deprecated",
    }
);
closed_list!(
    /// Whether a match counts.
    Mode {
        /// Recorded, never an alert.
        Shadow = "shadow",
        Enforce = "enforce",
    }
);
closed_list!(
    Severity {
        Low = "low",
        Medium = "medium",
        High = "high",
        Critical = "critical",
    }
);
closed_list!(
    /// Which side wrote a message, seen from another one.
    Side {
        Same = "same",
        Other = "other",
        Any = "any",
    }
);
closed_list!(
    /// Where a `near` selection stands, seen from the selection it names.
    Place {
        Before = "before",
        After = "after",
        Around = "around",
    }
);

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The path below the pack's folder without `.yml`, and `/name` for a member of a family.
    pub id: String,
    pub file: String,
    pub at: Position,
    pub title: String,
    pub status: Status,
    pub mode: Mode,
    pub policy: String,
    pub subtype: Option<String>,
    pub severity: Severity,
    /// The languages that the rule is written for. Each needs fixtures.
    pub lang: Vec<Language>,
    pub tags: Vec<String>,
    /// What matched, why it matters, what the agent does.
    pub message: String,
    pub falsepositives: Vec<String>,
    pub body: Body,
}

impl Rule {
    /// Whether the rule only serves conversation rules and is never reported by itself.
    pub fn is_part(&self) -> bool {
        matches!(&self.body, Body::Message { part: true, .. })
    }
}

#[derive(Debug, Clone)]
pub enum Body {
    /// Judges one message, read with those before it.
    Message { selections: Vec<Selection>, condition: Condition, condition_at: Position, part: bool },
    /// Judges how matches of other rules follow each other.
    Conversation(Correlation),
}

/// Matches of other rules within one transaction and a span of time.
#[derive(Debug, Clone)]
pub struct Correlation {
    pub kind: CorrelationKind,
    pub steps: Vec<Step>,
    pub timespan: chrono::TimeDelta,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrelationKind {
    /// Every step in any order.
    Temporal,
    /// Every step, each in a later message than the one before.
    TemporalOrdered,
    /// At least this many messages that match any of the steps.
    EventCount(usize),
}

/// One step: any of these rules.
#[derive(Debug, Clone)]
pub struct Step {
    /// Ids, or patterns that end in `*`.
    pub rules: Vec<(String, Position)>,
    /// Which side must have written it, seen from the step before (for `event_count`: from the judged message).
    pub by: Side,
}

/// One named selection.
#[derive(Debug, Clone)]
pub struct Selection {
    pub name: String,
    pub at: Position,
    pub matcher: Matcher,
    pub near: Option<Near>,
    /// Holds only for messages of this side.
    pub role: Option<Role>,
    /// Holds only for messages in this language.
    pub lang: Option<Language>,
    /// Looks at earlier messages instead of the judged one.
    pub previous: Option<Previous>,
}

impl Selection {
    /// Whether a hit has a place in the judged message.
    pub fn has_place(&self) -> bool {
        self.previous.is_none() && matches!(self.matcher, Matcher::Text { .. } | Matcher::Tokens { .. })
    }
}

#[derive(Debug, Clone)]
pub enum Matcher {
    /// Words or a pattern in a view.
    Text { view: ViewKind, patterns: Vec<TextPattern> },
    /// A sequence of words, with at most `gap` other words between two of them.
    Tokens { sequence: Vec<TokenPattern>, gap: usize },
    /// The model's probability for a policy, where it is known.
    Model { policy: String, at_least: f64 },
    /// Nothing but `role` and `lang`.
    Fact,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TextPattern {
    pub source: String,
    pub kind: PatternKind,
    pub at: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PatternKind {
    /// A regular expression.
    Regex,
    /// This text anywhere.
    Plain,
    /// This text as a word of its own.
    Word,
}

/// Which words one element of a token sequence accepts: all given fields must hold, each by any of its values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TokenPattern {
    pub surface: Vec<String>,
    pub base: Vec<String>,
    pub reading: Vec<String>,
    /// Beginnings of the part of speech: `名詞` accepts `名詞-一般`.
    pub pos: Vec<String>,
}

/// How far a hit may stand from a hit of another selection.
#[derive(Debug, Clone)]
pub struct Near {
    pub of: Vec<(String, Position)>,
    pub distance: Distance,
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    /// Words between the two.
    Tokens(usize),
    /// Characters of the text as sent between the two.
    Chars(usize),
}

/// Which earlier messages are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Previous {
    pub by: Side,
    /// At most this many messages back, counting every message of the conversation.
    pub within: usize,
}
