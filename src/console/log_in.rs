//! `/log-in` and `/log-out`.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::{ErrorPage, PageError};
use super::gate::{Address, Visit};
use super::handover::encoded;
use super::layout::{Frame, Room, render};
use super::locale::Locale;
use super::state::Desk;
use super::{cookies, passwords};
use crate::access::{AccountId, Act, Actor, AuditEntry, Login, Secret, Subject, Way};
use crate::store::{Attempt, Counted, Credentials, NewSession, StoreError};

/// Attempts within [`WINDOW`] for one account, wherever they come from, and from one address, for whatever accounts.
const PER_ACCOUNT: u32 = 10;
const PER_ADDRESS: u32 = 50;
const WINDOW: TimeDelta = TimeDelta::minutes(15);

#[derive(Template)]
#[template(path = "log_in.html")]
struct View {
    frame: Frame,
    /// What went wrong, or what was done before.
    told: Option<String>,
    good: bool,
    login: String,
    to: String,
    /// Asks for log-in and password.
    passwords: bool,
    provider: Option<Button>,
}

/// Leads to the OpenID provider.
struct Button {
    href: String,
    title: String,
}

/// The page without anything told.
fn view(desk: &Desk, locale: &Locale, login: String, to: Option<String>) -> View {
    let words = locale.words().access;
    let to = inside(to).unwrap_or_default();
    let button = |label: &str| Button {
        href: match to.as_str() {
            "" => "/log-in/oidc".to_owned(),
            to => format!("/log-in/oidc?to={}", encoded(to)),
        },
        title: (words.log_in_with)(label),
    };
    View {
        frame: Frame::new(locale, Room::Nowhere, words.log_in),
        told: None,
        good: false,
        passwords: desk.takes_passwords(),
        provider: desk.provider.as_ref().map(|provider| button(provider.label())),
        login,
        to,
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    to: Option<String>,
    set: Option<String>,
}

pub(super) async fn page(
    State(desk): State<Desk>,
    locale: Locale,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let Asked { to, set } = asked.map_or(Asked { to: None, set: None }, |Query(asked)| asked);
    let words = locale.words().access;
    let done = if desk.takes_passwords() { words.password_set } else { words.password_set_aside };
    let told = set.map(|_| done.to_owned());
    let view = View { good: told.is_some(), told, ..view(&desk, &locale, String::new(), to) };
    render(StatusCode::OK, &view)
}

/// An address of this console, and of nobody else.
pub(super) fn inside(to: Option<String>) -> Option<String> {
    let fits = |to: &String| {
        to.starts_with('/')
            && !to.starts_with("//")
            && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    to.filter(fits)
}

#[derive(Deserialize)]
pub(super) struct Typed {
    login: String,
    password: String,
    to: Option<String>,
}

pub(super) async fn log_in(
    State(desk): State<Desk>,
    locale: Locale,
    Address(address): Address,
    headers: HeaderMap,
    form: Result<Form<Typed>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Form(typed)) = form else { return Err(PageError::AccountForm.page(locale)) };
    if !desk.takes_passwords() {
        return Err(PageError::PasswordsOff.page(locale));
    }
    let Typed { login, password, to } = typed;
    let old = cookies::session(&headers, desk.settings.secure);
    match attempt(&desk, &login, password, &address, old).await {
        Ok(Came::In(secret)) => {
            let to = inside(to).unwrap_or_else(|| "/".to_owned());
            Ok(with_cookie(
                Redirect::to(&to).into_response(),
                cookies::hand_out(&secret, desk.settings.secure),
            ))
        }
        Ok(Came::Wrong) => {
            let told = locale.words().access.log_in_wrong.to_owned();
            let view = View { told: Some(told), ..view(&desk, &locale, login, to) };
            Ok(render(StatusCode::FORBIDDEN, &view))
        }
        Ok(Came::TooOften(until)) => Ok(limited(view(&desk, &locale, login, to), until)),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

/// What came of an attempt.
enum Came {
    In(Secret),
    Wrong,
    TooOften(DateTime<Utc>),
}

/// The page for somebody who has tried too often.
pub(super) fn too_often(desk: &Desk, locale: &Locale, until: DateTime<Utc>) -> Response {
    limited(view(desk, locale, String::new(), None), until)
}

fn limited(view: View, until: DateTime<Utc>) -> Response {
    let seconds = (until - Utc::now()).num_seconds().max(1);
    let minutes = seconds.div_euclid(60) + 1;
    let told = (view.frame.words.access.log_in_limited)(minutes);
    let mut response = render(StatusCode::TOO_MANY_REQUESTS, &View { told: Some(told), ..view });
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

async fn attempt(
    desk: &Desk,
    typed: &str,
    password: String,
    address: &str,
    old: Option<Secret>,
) -> Result<Came, StoreError> {
    let at = Utc::now();
    let attempts = match counted(desk, typed, address, at).await? {
        Attempt::Allowed(attempts) => attempts,
        Attempt::Limited(until) => return Ok(Came::TooOften(until)),
    };
    let credentials = match typed.parse::<Login>() {
        Ok(login) => desk.store.credentials(&login).await?,
        Err(_) => None,
    };
    let expected = credentials.as_ref().map(|credentials| credentials.password.clone());
    if !passwords::is_right(desk, expected, password).await {
        refused(desk, credentials, address, at).await?;
        return Ok(Came::Wrong);
    }
    let Some(found) = credentials else { return Ok(Came::Wrong) };
    let by = Actor { account_id: Some(found.account_id), name: found.login.to_string(), way: Way::Session };
    let (secret, session) = new_session(desk, found.account_id, at);
    let old = old.map(|old| old.hash());
    // The password may have been changed while it was compared.
    if !desk.store.open_session(&session, &found.password, old.as_ref(), &by).await? {
        refused(desk, Some(found), address, at).await?;
        return Ok(Came::Wrong);
    }
    desk.store.forget_attempts(&attempts, Some(&account_name(typed))).await?;
    Ok(Came::In(secret))
}

async fn counted(desk: &Desk, typed: &str, address: &str, at: DateTime<Utc>) -> Result<Attempt, StoreError> {
    let counted = [Counted { name: account_name(typed), limit: PER_ACCOUNT }, of_address(address)];
    desk.store.count_attempt(&counted, WINDOW, at).await
}

fn of_address(address: &str) -> Counted {
    Counted { name: format!("address:{address}"), limit: PER_ADDRESS }
}

/// Counts a way to a provider, apart from passwords: a provider that is away, or a page elsewhere that sends a browser there again and
/// again, must not keep anybody from typing theirs.
pub(super) async fn counted_way(
    desk: &Desk,
    address: &str,
    at: DateTime<Utc>,
) -> Result<Attempt, StoreError> {
    let counted = Counted { name: format!("way:{address}"), limit: PER_ADDRESS };
    desk.store.count_attempt(&[counted], WINDOW, at).await
}

/// Counts an attempt of somebody who is logged in to give their password.
pub(super) async fn counted_for(
    desk: &Desk,
    login: &Login,
    address: &str,
    at: DateTime<Utc>,
) -> Result<Attempt, StoreError> {
    counted(desk, login.as_str(), address, at).await
}

/// Under what attempts for a log-in count; a hash, for people type passwords where the log-in belongs.
pub(super) fn account_name(typed: &str) -> String {
    let hash = Sha256::digest(typed.trim().to_lowercase());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("account:{hash}")
}

async fn refused(
    desk: &Desk,
    credentials: Option<Credentials>,
    address: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let subject = credentials.map_or_else(
        || Subject::new("account", "unknown"),
        |credentials| Subject::account(credentials.account_id),
    );
    let entry = AuditEntry::new(Actor::stranger(address), Act::LogInRefused, subject, at);
    desk.store.record(&entry.with("with", "password")).await
}

/// A session that begins now, and its secret.
pub(super) fn new_session(desk: &Desk, account_id: AccountId, at: DateTime<Utc>) -> (Secret, NewSession) {
    let secret = Secret::new(&mut rand::rng());
    let expires_at = at + desk.settings.longest;
    let session = NewSession { secret: secret.hash(), account_id, at, expires_at };
    (secret, session)
}

pub(super) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

pub(super) async fn log_out(
    State(desk): State<Desk>,
    locale: Locale,
    Extension(visit): Extension<Arc<Visit>>,
) -> Result<Response, ErrorPage> {
    if let Some(session) = &visit.session {
        let by = visit.principal.actor();
        if let Err(error) = desk.store.close_session(&session.secret, &by, Utc::now()).await {
            return Err(PageError::Store(error).page(locale));
        }
    }
    let out = Redirect::to("/log-in").into_response();
    Ok(with_cookie(out, cookies::take_back(desk.settings.secure)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_in_leads_only_to_addresses_of_the_console() {
        let inside = |to: &str| inside(Some(to.to_owned()));
        assert_eq!(inside("/alerts?page=2").as_deref(), Some("/alerts?page=2"));
        for outside in
            ["", "alerts", "//evil.example", "/\\evil.example", "https://evil.example", "/a b", "/a\r\nb"]
        {
            assert_eq!(inside(outside), None, "{outside:?}");
        }
    }

    #[test]
    fn an_attempt_counts_for_the_account_however_it_is_written() {
        assert_eq!(account_name(" Aki "), account_name("aki"));
        assert!(!account_name("hunter2hunter2").contains("hunter2"));
    }
}
