//! `/account/tokens`: API tokens of one's own.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};

use super::error::{ErrorPage, PageError};
use super::gate::TOKEN_PREFIX;
use super::layout::{Frame, Moment, Room, render};
use super::locale::Locale;
use super::people::fits;
use super::state::Desk;
use super::words::Words;
use crate::access::{Permission, Principal, Secret};
use crate::store::{NewToken, StoreError, TokenRow};

/// Days that a token holds at most.
const LONGEST_DAYS: u32 = 366;

#[derive(Template)]
#[template(path = "tokens.html")]
struct View {
    frame: Frame,
    /// Shown once.
    made: Option<String>,
    told: Option<&'static str>,
    tokens: Vec<Token>,
    /// What a token of this person could do, by name in the form and in the page's language.
    scopes: Vec<(&'static str, &'static str)>,
}

struct Token {
    id: i64,
    name: String,
    scopes: Vec<&'static str>,
    created: Moment,
    expires: Moment,
    used: Option<Moment>,
    state: &'static str,
    in_force: bool,
}

pub(super) async fn page(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
) -> Result<Response, ErrorPage> {
    shown(&desk, locale, &principal, None, None).await
}

async fn shown(
    desk: &Desk,
    locale: Locale,
    principal: &Principal,
    made: Option<String>,
    told: Option<&'static str>,
) -> Result<Response, ErrorPage> {
    let words = locale.words();
    let rows = match desk.store.tokens(principal.account_id).await {
        Ok(rows) => rows,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let now = Utc::now();
    let own = Permission::scopes().filter(|scope| principal.role.may(*scope));
    let view = View {
        frame: Frame::new(&locale, Room::Nowhere, words.access.tokens),
        made,
        told,
        tokens: rows.into_iter().map(|row| token(row, now, words)).collect(),
        scopes: own.map(|scope| (scope.as_str(), (words.access.permission_name)(scope))).collect(),
    };
    Ok(render(if told.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &view))
}

fn token(row: TokenRow, now: DateTime<Utc>, words: &Words) -> Token {
    let (state, in_force) = match (row.revoked_at, row.expires_at > now) {
        (Some(_), _) => (words.access.revoked, false),
        (None, false) => (words.access.expired, false),
        (None, true) => (words.access.in_force, true),
    };
    Token {
        id: row.token_id,
        name: row.name,
        scopes: row.scopes.into_iter().map(Permission::as_str).collect(),
        created: row.created_at.into(),
        expires: row.expires_at.into(),
        used: row.last_used_at.map(Moment::from),
        state,
        in_force,
    }
}

/// A token as its form wishes it; none if something is missing or not one's own.
fn wished(
    fields: &[(String, String)],
    principal: &Principal,
    now: DateTime<Utc>,
) -> Option<(NewToken, Secret)> {
    let of = |key: &str| fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.trim());
    let name = of("name").filter(|name| !name.is_empty() && fits(name))?;
    let days: u32 = of("days")?.parse().ok().filter(|days| (1..=LONGEST_DAYS).contains(days))?;
    let chosen = fields.iter().filter(|(name, _)| name == "scope").map(|(_, value)| value.parse().ok());
    let scopes: BTreeSet<Permission> = chosen.collect::<Option<_>>()?;
    let grantable = |scope: &Permission| {
        principal.role.may(*scope) && Permission::scopes().any(|allowed| allowed == *scope)
    };
    if scopes.is_empty() || !scopes.iter().all(grantable) {
        return None;
    }
    let secret = Secret::new(&mut rand::rng());
    let token = NewToken {
        secret: secret.hash(),
        account_id: principal.account_id,
        name: name.to_owned(),
        scopes,
        expires_at: now + TimeDelta::days(i64::from(days)),
    };
    Some((token, secret))
}

pub(super) async fn add(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let fields = form.map_or(Vec::new(), |Form(fields)| fields);
    let now = Utc::now();
    let Some((token, secret)) = wished(&fields, &principal, now) else {
        let told = Some(locale.words().access.token_incomplete);
        return shown(&desk, locale, &principal, None, told).await;
    };
    match desk.store.add_token(&token, &principal.actor(), now).await {
        Ok(_) => {
            let made = format!("{TOKEN_PREFIX}{}", secret.reveal());
            shown(&desk, locale, &principal, Some(made), None).await
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

/// Safe to repeat, and nothing to others' tokens.
pub(super) async fn revoke(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownPage.page(locale)) };
    let revoked: Result<bool, StoreError> =
        desk.store.revoke_token(principal.account_id, id, &principal.actor(), Utc::now()).await;
    match revoked {
        Ok(_) => Ok(Redirect::to("/account/tokens").into_response()),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}
