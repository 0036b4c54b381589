//! What is wrong with a rule or fixture file, where, and what to do about it.

use std::fmt;

/// A place in a file; lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    /// The same line, `columns` characters further right.
    pub fn right(self, columns: usize) -> Self {
        Self { line: self.line, column: self.column + columns }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gravity {
    /// The pack is refused.
    Error,
    /// The pack works, but not as well as it should.
    Warning,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $gravity:ident;)*) => {
        /// What kind of mistake. Codes never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            pub fn gravity(self) -> Gravity {
                match self { $(Code::$name => Gravity::$gravity,)* }
            }
        }
    };
}

codes! {
    /// The file is not readable or not YAML.
    Syntax = "E001", Error;
    UnknownKey = "E002", Error;
    MissingKey = "E003", Error;
    WrongType = "E004", Error;
    /// A value outside a closed list.
    UnknownValue = "E005", Error;
    /// The same name or id twice.
    Duplicate = "E006", Error;
    /// The condition cannot be read.
    ConditionSyntax = "E007", Error;
    /// The condition or `near` names a selection that does not exist.
    UnknownSelection = "E008", Error;
    BadPattern = "E009", Error;
    /// `\b` beside Japanese never means what it says.
    WordBoundary = "E010", Error;
    PatternTooLarge = "E011", Error;
    /// A repetition without an upper bound over many characters: slow on hostile input.
    Unbounded = "E012", Error;
    /// A selection looks for nothing, or for two things at once.
    Matcher = "E013", Error;
    /// `near` that cannot be measured: a circle, or a selection without a place in the text.
    Near = "E014", Error;
    ConstantCondition = "E015", Error;
    /// `not` that has no hit to excuse.
    NotLocal = "E016", Error;
    UnknownRule = "E017", Error;
    /// A pattern that matches the empty text.
    EmptyMatch = "E018", Error;
    /// A word or pattern can never match, because the view folds such text away.
    NormalForm = "W101", Warning;
    UnusedSelection = "W102", Warning;
    /// No literal to look for first: the pattern runs on every message.
    NoLiteral = "W103", Warning;
    NoPositive = "W104", Warning;
    NoNearMiss = "W105", Warning;
    /// A stable rule with a branch that no fixture reaches.
    Uncovered = "E019", Error;
    /// A part that no conversation rule uses.
    UnusedPart = "W107", Warning;
    /// The same pattern twice in a list, or the same selection in two rules.
    RepeatedPattern = "W108", Warning;
    /// A pattern whose counted work on hostile texts is over the limit.
    SlowPattern = "E020", Error;
}

/// One finding of `rules check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    /// Path of the file below the pack's folder, with its folder, for instance `rules/harassment/threat.yml`.
    pub file: String,
    pub at: Position,
    /// Length of the marked part in characters; 0 marks the place only.
    pub length: usize,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn new(code: Code, file: &str, at: Position, message: impl Into<String>) -> Self {
        Self { code, file: file.to_owned(), at, length: 0, message: message.into(), help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub fn length(mut self, length: usize) -> Self {
        self.length = length;
        self
    }

    pub fn is_error(&self) -> bool {
        self.code.gravity() == Gravity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, at, message, .. } = self;
        let kind = if self.is_error() { "error" } else { "warning" };
        write!(f, "{file}:{}:{}: {kind}[{}]: {message}", at.line, at.column, self.code.as_str())?;
        if let Some(help) = &self.help {
            write!(f, " (help: {help})")?;
        }
        Ok(())
    }
}

/// The known name closest to a mistyped one, if it is close enough to be meant.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (distance(typed, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edits (insert, delete, replace) between two short names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name() {
        assert_eq!(nearest("conditon", ["condition", "detection"]), Some("condition"));
        assert_eq!(nearest("serverity", ["severity", "status"]), Some("severity"));
        assert_eq!(nearest("colour", ["severity", "status"]), None);
    }

    #[test]
    fn codes_are_distinct() {
        let codes: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
    }
}
