//! Pages for what went wrong. Each says what happened and what to do.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::guard;
use super::layout::{Frame, Room, render};
use super::locale::Locale;
use crate::error::{Class, Classified};
use crate::store::StoreError;

/// After so many seconds it is worth trying again when the database is out of reach.
const RETRY_AFTER: &str = "5";

/// Why a page cannot be shown.
#[derive(Debug)]
pub(super) enum PageError {
    UnknownPage,
    UnknownInquiry,
    WrongMethod,
    /// `page=` is not a page number.
    PageNumber,
    /// A form without what it must have.
    Form,
    ForeignHost,
    CrossSite,
    Store(StoreError),
}

impl PageError {
    pub(super) fn page(self, locale: Locale) -> ErrorPage {
        ErrorPage { error: self, locale }
    }

    fn status(&self) -> StatusCode {
        match self {
            PageError::UnknownPage | PageError::UnknownInquiry => StatusCode::NOT_FOUND,
            PageError::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            PageError::PageNumber | PageError::Form => StatusCode::BAD_REQUEST,
            PageError::ForeignHost | PageError::CrossSite => guard::REFUSED,
            PageError::Store(StoreError::Unavailable { .. } | StoreError::Schema(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            PageError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A page that says what went wrong.
pub(super) struct ErrorPage {
    error: PageError,
    locale: Locale,
}

#[derive(Template)]
#[template(path = "error.html")]
struct View {
    frame: Frame,
    status: u16,
    what: &'static str,
    advice: &'static str,
    /// In the program's own words, which are English.
    detail: Option<String>,
    /// An address to try again, where trying again can help.
    retry: Option<String>,
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        let words = self.locale.words();
        let status = self.error.status();
        let told = match &self.error {
            PageError::UnknownPage => words.error_unknown_page,
            PageError::UnknownInquiry => words.error_unknown_inquiry,
            PageError::WrongMethod => words.error_wrong_method,
            PageError::PageNumber => words.error_page_number,
            PageError::Form => words.error_form,
            PageError::ForeignHost => words.error_foreign_host,
            PageError::CrossSite => words.error_cross_site,
            PageError::Store(StoreError::Unavailable { .. }) => words.error_unavailable,
            PageError::Store(StoreError::Schema(_)) => words.error_schema,
            PageError::Store(_) => words.error_program,
        };
        let mut detail = None;
        let mut transient = false;
        if let PageError::Store(error) = &self.error {
            // Errors of the store name places, never the text of a message.
            tracing::error!(%error, "a page of the console could not be read from the database");
            detail = Some(error.to_string());
            transient = error.class() == Class::Transient;
        }
        let page = View {
            frame: Frame::new(&self.locale, Room::Nowhere, told.0),
            status: status.as_u16(),
            what: told.0,
            advice: told.1,
            detail,
            retry: transient.then(|| self.locale.here.clone()),
        };
        let mut response = render(status, &page);
        if transient {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        response
    }
}

pub(super) async fn unknown_page(locale: Locale) -> ErrorPage {
    PageError::UnknownPage.page(locale)
}

pub(super) async fn wrong_method(locale: Locale) -> ErrorPage {
    PageError::WrongMethod.page(locale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Language;

    fn answer(error: StoreError) -> Response {
        let locale = Locale { language: Language::En, here: "/alerts?page=2".into() };
        PageError::Store(error).page(locale).into_response()
    }

    #[test]
    fn a_database_out_of_reach_is_worth_another_try_and_a_fault_is_not() {
        let lost = answer(StoreError::Unavailable { place: "db:5432/cs".into(), detail: "refused".into() });
        assert_eq!(lost.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(lost.headers()[header::RETRY_AFTER], RETRY_AFTER);
        let bug = answer(StoreError::Unexpected("no column `x` in a result".into()));
        assert_eq!(bug.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!bug.headers().contains_key(header::RETRY_AFTER));
    }
}
