//! Pages for what went wrong. Each says what happened and what to do.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::layout::{Frame, Room, render};
use super::locale::Locale;
use super::oidc::Refusal;
use super::state::Desk;
use super::{gate, guard};
use crate::error::{Class, Classified};
use crate::store::StoreError;

/// After so many seconds it is worth trying again when the database is out of reach.
pub(super) const RETRY_AFTER: &str = "5";

/// Why a page cannot be shown.
#[derive(Debug)]
pub(super) enum PageError {
    UnknownPage,
    UnknownInquiry,
    UnknownAlert,
    UnknownRule,
    /// What was decided, or on which claim, is missing or wrong.
    ReviewForm,
    /// A filter or a place in a list of alerts cannot be read.
    Cursor,
    WrongMethod,
    /// `page=` is not a page number.
    PageNumber,
    /// A form without what it must have.
    Form,
    /// An answer, a template or a switch of the desk that cannot be read.
    DeskForm,
    UnknownTemplate,
    ForeignHost,
    CrossSite,
    /// Nobody is known to ask.
    Unauthenticated,
    /// Who asks may not.
    Forbidden,
    /// What agents do, by somebody who is none.
    NoAgent,
    /// A form of another session.
    StaleForm,
    /// A one-time link that does not hold any more.
    Link,
    /// An account without what it must have.
    AccountForm,
    UnknownAccount,
    /// What nobody does to themselves.
    OwnAccount,
    /// Nobody logs in by a password here.
    PasswordsOff,
    /// Somebody does not come in by an OpenID provider.
    Oidc(Refusal),
    Store(StoreError),
}

/// Whether the address is that of the API, whose errors are for programs.
pub(super) fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

impl PageError {
    pub(super) fn page(self, locale: Locale) -> ErrorPage {
        ErrorPage { error: self, locale }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            PageError::UnknownPage
            | PageError::UnknownInquiry
            | PageError::UnknownAlert
            | PageError::UnknownRule
            | PageError::UnknownTemplate
            | PageError::UnknownAccount => StatusCode::NOT_FOUND,
            PageError::Link => StatusCode::GONE,
            PageError::Unauthenticated => StatusCode::UNAUTHORIZED,
            PageError::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            PageError::PageNumber
            | PageError::Form
            | PageError::DeskForm
            | PageError::ReviewForm
            | PageError::Cursor
            | PageError::AccountForm => StatusCode::BAD_REQUEST,
            PageError::ForeignHost
            | PageError::CrossSite
            | PageError::Forbidden
            | PageError::NoAgent
            | PageError::StaleForm
            | PageError::OwnAccount
            | PageError::PasswordsOff => guard::REFUSED,
            PageError::Oidc(refusal) => refusal.status(),
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
    /// Logging in helps.
    log_in: bool,
}

/// An error for programs, as RFC 9457 has it.
fn problem(status: StatusCode, (title, detail): (&str, &str)) -> Response {
    let body = serde_json::json!({
        "type": "about:blank",
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
    });
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
    (status, kind, body.to_string()).into_response()
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        let words = self.locale.words();
        let status = self.error.status();
        let api = is_api(&self.locale.here);
        let told = match &self.error {
            PageError::UnknownPage => words.error_unknown_page,
            PageError::UnknownInquiry => words.error_unknown_inquiry,
            PageError::UnknownAlert => words.review.error_unknown_alert,
            PageError::UnknownRule => words.rules.error_unknown_rule,
            PageError::ReviewForm => words.review.error_form,
            PageError::Cursor => words.review.error_cursor,
            PageError::WrongMethod => words.error_wrong_method,
            PageError::PageNumber => words.error_page_number,
            PageError::Form => words.error_form,
            PageError::DeskForm => words.desk.error_form,
            PageError::UnknownTemplate => words.desk.error_unknown_template,
            PageError::ForeignHost => words.error_foreign_host,
            PageError::CrossSite => words.error_cross_site,
            PageError::Unauthenticated if api => words.access.error_token,
            PageError::Unauthenticated => words.access.error_session,
            PageError::Forbidden => words.access.error_forbidden,
            PageError::NoAgent => words.access.error_no_agent,
            PageError::StaleForm => words.access.error_stale_form,
            PageError::Link => words.access.error_link,
            PageError::AccountForm => words.access.error_account_form,
            PageError::UnknownAccount => words.access.error_unknown_account,
            PageError::OwnAccount => words.access.error_own_account,
            PageError::PasswordsOff => words.access.error_passwords_off,
            PageError::Oidc(refusal) => (words.access.oidc_refusal)(refusal),
            PageError::Store(StoreError::Unavailable { .. }) => words.error_unavailable,
            PageError::Store(StoreError::Schema(_)) => words.error_schema,
            PageError::Store(_) => words.error_program,
        };
        let mut detail = match &self.error {
            PageError::Oidc(refusal) => refusal.detail(),
            _ => None,
        };
        let mut transient = false;
        if let PageError::Store(error) = &self.error {
            // Errors of the store name places, never the text of a message.
            tracing::error!(%error, "a page of the console could not be read from the database");
            detail = Some(error.to_string());
            transient = error.class() == Class::Transient;
        }
        let mut response = if api {
            problem(status, told)
        } else {
            let page = View {
                frame: Frame::new(&self.locale, Room::Nowhere, told.0),
                status: status.as_u16(),
                what: told.0,
                advice: told.1,
                detail,
                retry: transient.then(|| self.locale.here.clone()),
                log_in: matches!(
                    self.error,
                    PageError::Unauthenticated | PageError::PasswordsOff | PageError::Oidc(_)
                ),
            };
            render(status, &page)
        };
        if api && status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if transient {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        response
    }
}

pub(super) async fn unknown_page(State(desk): State<Desk>, request: Request) -> ErrorPage {
    PageError::UnknownPage.page(known(&desk, request).await)
}

pub(super) async fn wrong_method(State(desk): State<Desk>, request: Request) -> ErrorPage {
    PageError::WrongMethod.page(known(&desk, request).await)
}

/// The locale with who asks, if that can be told: the page is the same without.
async fn known(desk: &Desk, request: Request) -> Locale {
    let (mut parts, _) = request.into_parts();
    if let Ok(Some(visit)) = gate::recognise(desk, &parts, true).await {
        gate::admit(&mut parts, Arc::new(visit));
    }
    Locale::of_parts(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Language;

    fn answer(error: StoreError) -> Response {
        let locale = Locale { language: Language::En, here: "/alerts?page=2".into(), visit: None };
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
