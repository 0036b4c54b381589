//! `/set-up/SECRET`: what a one-time link opens. For the first admin, or for a password.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use super::error::{ErrorPage, PageError};
use super::layout::{Frame, Room, render};
use super::locale::Locale;
use super::passwords;
use super::people::fits;
use super::state::Desk;
use crate::access::{Login, Role, Secret, SecretHash, check_password};
use crate::store::{AccountProfile, Edited, Link, StoreError};

#[derive(Template)]
#[template(path = "set_up.html")]
struct View {
    frame: Frame,
    title: String,
    /// Asks for log-in and name as well.
    first: bool,
    told: Option<&'static str>,
    login: String,
    name: String,
}

#[derive(Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    login: String,
    #[serde(default)]
    name: String,
    password: String,
    again: String,
}

/// The link as it holds now.
async fn opened(desk: &Desk, secret: &str) -> Result<(SecretHash, Link), PageError> {
    let Some(secret) = Secret::read(secret) else { return Err(PageError::Link) };
    let hash = secret.hash();
    match desk.store.link(&hash, Utc::now()).await {
        Ok(Some(link)) => Ok((hash, link)),
        Ok(None) => Err(PageError::Link),
        Err(error) => Err(PageError::Store(error)),
    }
}

fn view(locale: &Locale, link: &Link, typed: Typed, told: Option<&'static str>) -> Response {
    let words = locale.words().access;
    let view = View {
        frame: Frame::new(locale, Room::Nowhere, words.new_password),
        title: match link {
            Link::FirstAdmin => words.first_admin.to_owned(),
            Link::Password(login) => (words.set_password)(login.as_str()),
        },
        first: *link == Link::FirstAdmin,
        told,
        login: typed.login,
        name: typed.name,
    };
    render(if told.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &view)
}

pub(super) async fn page(
    State(desk): State<Desk>,
    locale: Locale,
    Path(secret): Path<String>,
) -> Result<Response, ErrorPage> {
    match opened(&desk, &secret).await {
        Ok((_, link)) => Ok(view(&locale, &link, Typed::default(), None)),
        Err(error) => Err(error.page(locale)),
    }
}

pub(super) async fn set_up(
    State(desk): State<Desk>,
    locale: Locale,
    Path(secret): Path<String>,
    form: Result<Form<Typed>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Form(typed)) = form else { return Err(PageError::AccountForm.page(locale)) };
    let words = locale.words().access;
    let (hash, link) = match opened(&desk, &secret).await {
        Ok(opened) => opened,
        Err(error) => return Err(error.page(locale)),
    };
    let login = match &link {
        Link::Password(login) => login.clone(),
        Link::FirstAdmin => match typed.login.parse::<Login>() {
            Ok(login) => login,
            Err(_) => return Ok(view(&locale, &link, typed, Some(words.login_hint))),
        },
    };
    if !fits(typed.name.trim()) {
        return Err(PageError::AccountForm.page(locale));
    }
    let wrong = if typed.password == typed.again {
        check_password(&typed.password, &login).err().map(words.password_error)
    } else {
        Some(words.passwords_differ)
    };
    if wrong.is_some() {
        return Ok(view(&locale, &link, typed, wrong));
    }
    match used(&desk, &hash, &link, login, &typed).await {
        Ok(Edited::Done(_)) => Ok(Redirect::to("/log-in?set=yes").into_response()),
        Ok(Edited::Unknown) => Err(PageError::Link.page(locale)),
        Ok(refused) => Ok(view(&locale, &link, typed, Some((words.edit_error)(refused)))),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

/// Uses the link up.
async fn used(
    desk: &Desk,
    secret: &SecretHash,
    link: &Link,
    login: Login,
    typed: &Typed,
) -> Result<Edited, StoreError> {
    let password = passwords::hashed(desk, typed.password.clone()).await?;
    let at = Utc::now();
    match link {
        Link::Password(_) => {
            Ok(desk.store.use_link(secret, &password, at).await?.map_or(Edited::Unknown, Edited::Done))
        }
        Link::FirstAdmin => {
            let name = typed.name.trim();
            let profile = AccountProfile {
                name: if name.is_empty() { login.to_string() } else { name.to_owned() },
                login,
                role: Role::Admin,
                teams: Default::default(),
                agent_id: None,
            };
            desk.store.use_first_link(secret, &profile, &password, at).await
        }
    }
}
