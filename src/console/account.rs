//! `/account`: who one is, and one's password.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use super::error::{ErrorPage, PageError};
use super::gate::Address;
use super::layout::{Frame, Room, render};
use super::locale::Locale;
use super::log_in::{account_name, counted_for, new_session, with_cookie};
use super::state::Desk;
use super::words::AccessWords;
use super::{cookies, passwords};
use crate::access::{Act, AuditEntry, Permission, Principal, Secret, Subject, check_password};
use crate::contract::AgentId;
use crate::store::{Attempt, StoreError};

#[derive(Template)]
#[template(path = "account.html")]
struct View {
    frame: Frame,
    login: String,
    name: String,
    role: &'static str,
    teams: String,
    agent: String,
    permissions: Vec<&'static str>,
    /// They have one, and it lets them in.
    password: bool,
    told: Option<String>,
    good: bool,
}

fn view(locale: &Locale, principal: &Principal, told: Option<String>, good: bool) -> View {
    let words = locale.words().access;
    let may = |permission: &Permission| principal.may(*permission);
    View {
        frame: Frame::new(locale, Room::Nowhere, words.your_account),
        login: principal.login.to_string(),
        name: principal.name.clone(),
        role: (words.role_name)(principal.role),
        teams: principal.teams.iter().cloned().collect::<Vec<_>>().join(", "),
        agent: principal.agent_id.as_ref().map_or_else(String::new, AgentId::to_string),
        permissions: Permission::all().filter(may).map(words.permission_name).collect(),
        password: true,
        told,
        good,
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    changed: Option<String>,
}

pub(super) async fn page(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let changed = asked.is_ok_and(|Query(asked)| asked.changed.is_some());
    let told = changed.then(|| locale.words().access.password_changed.to_owned());
    let password = match desk.store.credentials(&principal.login).await {
        Ok(credentials) => desk.takes_passwords() && credentials.is_some(),
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    Ok(render(StatusCode::OK, &View { password, ..view(&locale, &principal, told, changed) }))
}

#[derive(Deserialize)]
pub(super) struct Typed {
    current: String,
    password: String,
    again: String,
}

/// What came of the wish for another password.
enum Wish {
    Granted(Secret),
    Refused(StatusCode, String),
}

pub(super) async fn change_password(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    address: Address,
    form: Result<Form<Typed>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Form(typed)) = form else { return Err(PageError::AccountForm.page(locale)) };
    if !desk.takes_passwords() {
        return Err(PageError::PasswordsOff.page(locale));
    }
    match changed(&desk, &locale, &principal, &address.0, typed).await {
        Ok(Wish::Granted(secret)) => {
            // Not the page itself: it would belong to the session before, and its forms be out of date.
            let response = Redirect::to("/account?changed=yes").into_response();
            Ok(with_cookie(response, cookies::hand_out(&secret, desk.settings.secure)))
        }
        Ok(Wish::Refused(status, told)) => Ok(render(status, &view(&locale, &principal, Some(told), false))),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

async fn changed(
    desk: &Desk,
    locale: &Locale,
    principal: &Principal,
    address: &str,
    typed: Typed,
) -> Result<Wish, StoreError> {
    let words = locale.words().access;
    let refused = |told: &str| Ok(Wish::Refused(StatusCode::BAD_REQUEST, told.to_owned()));
    if typed.password != typed.again {
        return refused(words.passwords_differ);
    }
    if let Err(error) = check_password(&typed.password, &principal.login) {
        return refused((words.password_error)(error));
    }
    let at = Utc::now();
    let attempts = match counted_for(desk, &principal.login, address, at).await? {
        Attempt::Allowed(attempts) => attempts,
        Attempt::Limited(until) => {
            let told = (words.log_in_limited)((until - at).num_minutes() + 1);
            return Ok(Wish::Refused(StatusCode::TOO_MANY_REQUESTS, told));
        }
    };
    let expected = desk.store.credentials(&principal.login).await?.map(|credentials| credentials.password);
    let right = passwords::is_right(desk, expected.clone(), typed.current).await;
    let Some(compared) = expected.filter(|_| right) else {
        return wrong_current(desk, principal, address, words).await;
    };
    let password = passwords::hashed(desk, typed.password).await?;
    let (secret, session) = new_session(desk, principal.account_id, Utc::now());
    // It may have been changed while it was compared.
    if !desk.store.change_password(&compared, &password, &session, &principal.actor()).await? {
        return wrong_current(desk, principal, address, words).await;
    }
    desk.store.forget_attempts(&attempts, Some(&account_name(principal.login.as_str()))).await?;
    Ok(Wish::Granted(secret))
}

/// Refuses, with a line of the audit trail: it may be somebody else at the browser.
async fn wrong_current(
    desk: &Desk,
    principal: &Principal,
    address: &str,
    words: &AccessWords,
) -> Result<Wish, StoreError> {
    let subject = Subject::account(principal.account_id);
    let entry = AuditEntry::new(principal.actor(), Act::PasswordRefused, subject, Utc::now());
    desk.store.record(&entry.with("address", address)).await?;
    Ok(Wish::Refused(StatusCode::BAD_REQUEST, words.current_password_wrong.to_owned()))
}
