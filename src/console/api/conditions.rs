//! `If-Match`: what is changed must be what was read.
//!
//! The entity tag of an alert or an inquiry is its generation, which fences every change of who has it and how it stands. It does not
//! tell of the rest, such as the end of a claim: it is for `If-Match`, not for caches, and answers are never cached.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use super::problem::{Kind, Problem};

/// What `If-Match` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) enum IfMatch {
    /// There is none.
    Absent,
    /// Anything that is there.
    Any,
    /// One of these generations. A tag that is none is of no generation.
    These(Vec<u32>),
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(header::IF_MATCH);
        let tags: Vec<&str> = values
            .iter()
            .flat_map(|value| value.to_str().unwrap_or_default().split(','))
            .map(str::trim)
            .collect();
        Ok(Self::read(&tags))
    }
}

impl IfMatch {
    fn read(tags: &[&str]) -> Self {
        match tags {
            [] => IfMatch::Absent,
            ["*"] => IfMatch::Any,
            // A weak tag never matches.
            _ => IfMatch::These(tags.iter().filter_map(|tag| generation(tag)).collect()),
        }
    }

    /// The one generation that a write means.
    ///
    /// # Errors
    /// 428 when there is no `If-Match`, or one that names no generation or several.
    pub(super) fn required(&self) -> Result<u32, Problem> {
        match self {
            IfMatch::These(generations) if generations.len() == 1 => Ok(generations[0]),
            // Nothing has such a tag.
            IfMatch::These(_) => Err(stale()),
            IfMatch::Absent | IfMatch::Any => Err(Kind::NoCondition
                .of_field("If-Match", "expected the ETag of what is to be changed, as it was read")),
        }
    }

    /// # Errors
    /// 412 when there is an `If-Match` and it is of another generation.
    pub(super) fn check(&self, now: u32) -> Result<(), Problem> {
        match self {
            IfMatch::These(generations) if !generations.contains(&now) => Err(stale().now_at(now)),
            _ => Ok(()),
        }
    }
}

pub(super) fn stale() -> Problem {
    Kind::Stale.of_field("If-Match", "is not the ETag that this has now; read it again and decide anew")
}

fn generation(tag: &str) -> Option<u32> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    // One way to write each.
    digits.parse().ok().filter(|number: &u32| number.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_means_one_generation() {
        assert_eq!(IfMatch::read(&["\"7\""]).required().ok(), Some(7));
        for wrong in [&["7"][..], &["W/\"7\""], &["\"07\""], &["\"x\""], &["\"7\"", "\"8\""], &["*"], &[]] {
            assert!(IfMatch::read(wrong).required().is_err(), "{wrong:?}");
        }
        assert!(IfMatch::read(&["\"6\"", "\"7\""]).check(7).is_ok());
        assert!(IfMatch::Absent.check(7).is_ok() && IfMatch::Any.check(7).is_ok());
        assert!(IfMatch::read(&["\"6\""]).check(7).is_err() && IfMatch::read(&["x"]).check(7).is_err());
    }
}
