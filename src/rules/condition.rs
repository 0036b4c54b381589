//! Conditions over selections: `app and (ask or 1 of pay_*) and not goods`.

use super::diagnostic::nearest;

/// A condition; selections are indices into the rule's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Selection(usize),
    Not(Box<Condition>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
    /// At least `count` of these.
    Count {
        count: usize,
        of: Vec<usize>,
    },
}

/// Why a condition cannot be read. The offset counts characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionError {
    pub offset: usize,
    pub length: usize,
    pub message: String,
    pub help: Option<String>,
    pub unknown_selection: bool,
}

/// Conditions deeper than this are refused: nobody can read them.
const MAX_DEPTH: usize = 16;

impl Condition {
    /// Reads a condition over the named selections.
    pub fn parse(text: &str, names: &[&str]) -> Result<Condition, ConditionError> {
        let words = split(text)?;
        let mut parser = Parser { words: &words, at: 0, names, end: text.chars().count(), depth: 0 };
        let condition = parser.or()?;
        match parser.words.get(parser.at) {
            None => Ok(condition),
            Some(extra) => Err(extra.error("expected `and`, `or` or the end here")),
        }
    }

    /// Every selection that is mentioned, in order, with whether it stands under an odd number of `not`.
    pub fn mentions(&self) -> Vec<(usize, bool)> {
        let mut found = Vec::new();
        self.visit(false, &mut found);
        found
    }

    fn visit(&self, negated: bool, found: &mut Vec<(usize, bool)>) {
        match self {
            Condition::Selection(index) => found.push((*index, negated)),
            Condition::Not(inner) => inner.visit(!negated, found),
            Condition::And(parts) | Condition::Or(parts) => {
                parts.iter().for_each(|part| part.visit(negated, found))
            }
            Condition::Count { of, .. } => found.extend(of.iter().map(|index| (*index, negated))),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    text: String,
    offset: usize,
}

impl Word {
    fn error(&self, message: impl Into<String>) -> ConditionError {
        ConditionError {
            offset: self.offset,
            length: self.text.chars().count(),
            message: format!("{}, found `{}`", message.into(), self.text),
            help: None,
            unknown_selection: false,
        }
    }
}

fn split(text: &str) -> Result<Vec<Word>, ConditionError> {
    let mut words: Vec<Word> = Vec::new();
    let mut open = false;
    for (offset, c) in text.chars().enumerate() {
        match c {
            '(' | ')' => {
                words.push(Word { text: c.to_string(), offset });
                open = false;
            }
            _ if c.is_whitespace() => open = false,
            _ if c.is_alphanumeric() || matches!(c, '_' | '*' | '-') => match words.last_mut() {
                Some(word) if open => word.text.push(c),
                _ => {
                    words.push(Word { text: c.to_string(), offset });
                    open = true;
                }
            },
            _ => {
                return Err(ConditionError {
                    offset,
                    length: 1,
                    message: format!("`{c}` has no meaning in a condition"),
                    help: Some("use selection names, `and`, `or`, `not`, parentheses, `1 of name_*`, `all of name_*`".into()),
                    unknown_selection: false,
                });
            }
        }
    }
    Ok(words)
}

struct Parser<'a> {
    words: &'a [Word],
    at: usize,
    names: &'a [&'a str],
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).map(|word| word.text.as_str())
    }

    fn take(&mut self, expected: &str) -> Result<&'a Word, ConditionError> {
        let word = self.words.get(self.at).ok_or_else(|| ConditionError {
            offset: self.end,
            length: 0,
            message: format!("the condition ends where {expected} was expected"),
            help: None,
            unknown_selection: false,
        })?;
        self.at += 1;
        Ok(word)
    }

    fn or(&mut self) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.and()?];
        while self.peek() == Some("or") {
            self.at += 1;
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Or(parts) })
    }

    fn and(&mut self) -> Result<Condition, ConditionError> {
        let mut parts = vec![self.not()?];
        while self.peek() == Some("and") {
            self.at += 1;
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::And(parts) })
    }

    fn not(&mut self) -> Result<Condition, ConditionError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let word = self.take("a selection")?;
            return Err(word.error(format!("a condition nests at most {MAX_DEPTH} levels deep")));
        }
        let result = if self.peek() == Some("not") {
            self.at += 1;
            self.not().map(|inner| Condition::Not(Box::new(inner)))
        } else {
            self.atom()
        };
        self.depth -= 1;
        result
    }

    fn atom(&mut self) -> Result<Condition, ConditionError> {
        let word = self.take("a selection")?;
        match word.text.as_str() {
            "(" => {
                let inner = self.or()?;
                let close = self.take("`)`")?;
                if close.text == ")" { Ok(inner) } else { Err(close.error("expected `)`")) }
            }
            "and" | "or" | "of" | ")" => Err(word.error("expected a selection, `not` or `(`")),
            text if self.peek() == Some("of") => {
                self.at += 1;
                let pattern = self.take("the name of selections, such as `app_*`")?;
                let of = self.matching(pattern)?;
                let count = match text {
                    "all" => of.len(),
                    "any" => 1,
                    _ => match text.parse::<usize>() {
                        Ok(count) if count >= 1 && count <= of.len() => count,
                        Ok(_) => return Err(word.error(format!("expected a number from 1 to {}", of.len()))),
                        Err(_) => return Err(word.error("expected a number, `any` or `all` before `of`")),
                    },
                };
                Ok(Condition::Count { count, of })
            }
            text if text.contains('*') => {
                let mut error = word.error("a name with `*` stands for several selections");
                error.help = Some(format!("write `1 of {text}` or `all of {text}`"));
                Err(error)
            }
            text => match self.names.iter().position(|name| *name == text) {
                Some(index) => Ok(Condition::Selection(index)),
                None => Err(self.unknown(word)),
            },
        }
    }

    fn matching(&self, pattern: &Word) -> Result<Vec<usize>, ConditionError> {
        let found: Vec<usize> = match pattern.text.strip_suffix('*') {
            Some(prefix) => {
                (0..self.names.len()).filter(|index| self.names[*index].starts_with(prefix)).collect()
            }
            None if pattern.text == "them" => (0..self.names.len()).collect(),
            None => (0..self.names.len()).filter(|index| self.names[*index] == pattern.text).collect(),
        };
        if found.is_empty() { Err(self.unknown(pattern)) } else { Ok(found) }
    }

    fn unknown(&self, word: &Word) -> ConditionError {
        let meant = nearest(&word.text, self.names.iter().copied());
        ConditionError {
            offset: word.offset,
            length: word.text.chars().count(),
            message: format!("no selection is called `{}`; there are {}", word.text, self.names.join(", ")),
            help: meant.map(|name| format!("did you mean `{name}`?")),
            unknown_selection: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Condition::*;

    const NAMES: [&str; 4] = ["app", "ask", "pay_a", "pay_b"];

    #[test]
    fn and_binds_stronger_than_or_and_not_strongest() {
        assert_eq!(
            Condition::parse("app and not ask or 1 of pay_*", &NAMES).unwrap(),
            Or(vec![
                And(vec![Selection(0), Not(Box::new(Selection(1)))]),
                Count { count: 1, of: vec![2, 3] }
            ])
        );
        assert_eq!(
            Condition::parse("app and (ask or all of pay_*)", &NAMES).unwrap(),
            And(vec![Selection(0), Or(vec![Selection(1), Count { count: 2, of: vec![2, 3] }])])
        );
    }

    #[test]
    fn mistakes_point_at_their_place() {
        for (text, offset, needle) in [
            ("app and", 7, "ends where"),
            ("app ask", 4, "expected `and`"),
            ("(app", 4, "ends where `)`"),
            ("app and apq", 8, "no selection is called `apq`"),
            ("app & ask", 4, "no meaning"),
            ("3 of pay_*", 0, "1 to 2"),
            ("pay_*", 0, "several selections"),
            ("", 0, "ends where"),
        ] {
            let error = Condition::parse(text, &NAMES).unwrap_err();
            assert_eq!(error.offset, offset, "{text}: {error:?}");
            assert!(error.message.contains(needle), "{text}: {error:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}app", "not ".repeat(10_000));
        assert!(Condition::parse(&deep, &NAMES).is_err());
        let deep = format!("{}app", "(".repeat(10_000));
        assert!(Condition::parse(&deep, &NAMES).is_err());
    }
}
