//! Pages of a list, newest first, numbered from one.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::error::PageError;
use super::locale::Locale;
use super::words::Words;
use crate::store;

/// Rows of one page: what one reads without losing the place.
pub(super) const ROWS: u32 = 25;
/// The last page that can be asked for; the offset stays small enough for every database.
const LAST: u32 = 1_000_000;

/// The number of the page that is asked for, from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageNumber(u32);

#[derive(Deserialize)]
struct Asked {
    page: Option<String>,
}

impl PageNumber {
    fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            None => Some(Self(1)),
            Some(text) => text.parse().ok().filter(|number| (1..=LAST).contains(number)).map(Self),
        }
    }

    /// What to ask the store for: one row more than is shown, which tells whether there is an older page.
    pub(super) fn wanted(self) -> store::Page {
        store::Page { offset: (self.0 - 1) * ROWS, limit: ROWS + 1 }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageNumber {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let asked = Query::<Asked>::from_request_parts(parts, state).await.ok();
        if let Some(number) = asked.and_then(|Query(asked)| Self::parse(asked.page.as_deref())) {
            return Ok(number);
        }
        Err(PageError::PageNumber.page(Locale::of_parts(parts)).into_response())
    }
}

/// The links below a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pager {
    pub(super) number: u32,
    pub(super) newer: Option<String>,
    pub(super) older: Option<String>,
    /// Number of the first row shown, from one.
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Pager {
    /// Cuts the surplus row off. `list` is the address of the list; it may have a query.
    pub(super) fn over<T>(number: PageNumber, rows: &mut Vec<T>, list: &str) -> Self {
        let more = rows.len() > ROWS as usize;
        rows.truncate(ROWS as usize);
        let joint = if list.contains('?') { '&' } else { '?' };
        let link = |page: u32| format!("{list}{joint}page={page}");
        let before = (number.0 - 1) * ROWS;
        Self {
            number: number.0,
            newer: (number.0 > 1).then(|| link(number.0 - 1)),
            older: (more && number.0 < LAST).then(|| link(number.0 + 1)),
            first: before + 1,
            // At most `ROWS` rows are left.
            last: before + rows.len() as u32,
        }
    }

    /// Which rows these are, as a sentence.
    pub(super) fn rows(&self, words: &Words) -> String {
        (words.rows)(self.number, self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_numbers_are_whole_and_from_one() {
        assert_eq!(PageNumber::parse(None), Some(PageNumber(1)));
        assert_eq!(PageNumber::parse(Some("7")), Some(PageNumber(7)));
        for wrong in ["0", "-1", "1.5", "", "x", "4294967296", "1000001"] {
            assert_eq!(PageNumber::parse(Some(wrong)), None, "{wrong}");
        }
        assert_eq!(PageNumber(3).wanted(), store::Page { offset: 50, limit: 26 });
        PageNumber(LAST).wanted();
    }

    #[test]
    fn the_surplus_row_is_not_shown_and_makes_the_link() {
        let mut rows: Vec<u32> = (0..26).collect();
        let pager = Pager::over(PageNumber(1), &mut rows, "/alerts");
        assert_eq!(rows.len(), 25);
        assert_eq!((pager.newer, pager.older), (None, Some("/alerts?page=2".into())));
        let mut rows: Vec<u32> = (0..3).collect();
        let pager = Pager::over(PageNumber(2), &mut rows, "/dead-letters?replayed=yes");
        assert_eq!((pager.newer, pager.older), (Some("/dead-letters?replayed=yes&page=1".into()), None));
        assert_eq!((pager.first, pager.last), (26, 28));
    }
}
