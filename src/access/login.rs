//! What somebody logs in with.

use std::fmt;
use std::str::FromStr;

/// The longest log-in, in characters.
const LONGEST: usize = 64;

/// A log-in: letters `a` to `z`, digits, `.`, `_`, `-` and `@`, so that no two look alike. Capitals are taken as small letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Login(String);

impl Login {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no log-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a log-in has 1 to {LONGEST} letters a to z, digits, `.`, `_`, `-` or `@`")]
pub struct LoginError;

impl FromStr for Login {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Self, LoginError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST || !text.chars().all(allowed) {
            return Err(LoginError);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_are_refused_and_capitals_are_small_letters() {
        assert_eq!("Aki.Tanaka@Desk".parse::<Login>().unwrap().as_str(), "aki.tanaka@desk");
        for wrong in ["", " ", "a b", "аki", "a/b", "ａki", &"a".repeat(65)] {
            assert_eq!(wrong.parse::<Login>(), Err(LoginError), "{wrong}");
        }
    }
}
