//! `/people`: accounts, for admins.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use super::error::{ErrorPage, PageError};
use super::handover::encoded;
use super::identities::{Bound, by_account};
use super::invitation::made;
use super::layout::{Frame, Room, render};
use super::locale::Locale;
use super::state::Desk;
use super::whom::Whom;
use crate::access::{AccountId, Login, Principal, Role};
use crate::contract::AgentId;
use crate::store::{AccountChange, AccountProfile, AccountRow, BoundIdentity, Edited, Seen, StoreError};

/// Accounts of one page.
const ROWS: u32 = 50;
/// Characters of the longest name of a person or a team.
const LONGEST_NAME: usize = 100;

#[derive(Template)]
#[template(path = "people.html")]
struct View {
    frame: Frame,
    told: Option<&'static str>,
    good: bool,
    people: Vec<Person>,
    roles: Vec<(&'static str, &'static str)>,
    more: Option<String>,
    /// Links for passwords lead somewhere.
    passwords: bool,
}

struct Person {
    id: AccountId,
    login: String,
    name: String,
    role_key: &'static str,
    role: &'static str,
    teams: String,
    agent: String,
    state: &'static str,
    disabled: bool,
    /// The reader.
    own: bool,
    /// Who they are to OpenID providers.
    bound: Vec<Bound>,
}

/// A page with a one-time link.
#[derive(Template)]
#[template(path = "link.html")]
struct LinkView {
    frame: Frame,
    about: String,
    link: String,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    after: Option<String>,
    saved: Option<String>,
}

pub(super) async fn page(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let Asked { after, saved } = asked.map_or(Asked { after: None, saved: None }, |Query(asked)| asked);
    let told = saved.map(|_| locale.words().access.saved);
    list(&desk, locale, &principal, after.and_then(|login| login.parse().ok()), told, StatusCode::OK).await
}

async fn list(
    desk: &Desk,
    locale: Locale,
    principal: &Principal,
    after: Option<Login>,
    told: Option<&'static str>,
    status: StatusCode,
) -> Result<Response, ErrorPage> {
    let (mut rows, identities) = match read(desk, after.as_ref()).await {
        Ok(read) => read,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let mut bound = by_account(identities);
    let words = locale.words().access;
    let more = rows.len() > ROWS as usize;
    rows.truncate(ROWS as usize);
    let last = rows.last().map(|row| row.profile.login.to_string()).filter(|_| more);
    let view = View {
        frame: Frame::new(&locale, Room::People, words.people),
        told,
        good: status == StatusCode::OK,
        more: last.map(|login| format!("/people?after={}", encoded(&login))),
        people: rows
            .into_iter()
            .map(|row| {
                let bound = bound.remove(&row.account_id).unwrap_or_default();
                person(row, bound, principal, &locale)
            })
            .collect(),
        roles: Role::ALL.map(|role| (role.as_str(), (words.role_name)(role))).to_vec(),
        passwords: desk.takes_passwords(),
    };
    Ok(render(status, &view))
}

async fn read(
    desk: &Desk,
    after: Option<&Login>,
) -> Result<(Vec<AccountRow>, Vec<BoundIdentity>), StoreError> {
    let rows = desk.store.accounts(after, ROWS + 1).await?;
    Ok((rows, desk.store.identities(after, ROWS + 1).await?))
}

fn person(row: AccountRow, bound: Vec<Bound>, reader: &Principal, locale: &Locale) -> Person {
    let words = locale.words().access;
    let AccountProfile { login, name, role, teams, agent_id } = row.profile;
    Person {
        id: row.account_id,
        login: login.to_string(),
        name,
        role_key: role.as_str(),
        role: (words.role_name)(role),
        teams: teams.into_iter().collect::<Vec<_>>().join(", "),
        agent: agent_id.map_or_else(String::new, |agent| agent.to_string()),
        state: match (row.disabled_at, row.has_password || !bound.is_empty()) {
            (Some(_), _) => words.state_disabled,
            (None, false) => words.state_invited,
            (None, true) => words.state_active,
        },
        disabled: row.disabled_at.is_some(),
        own: row.account_id == reader.account_id,
        bound,
    }
}

#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    login: String,
    name: String,
    role: String,
    #[serde(default)]
    teams: String,
    #[serde(default)]
    agent_id: String,
}

#[derive(Deserialize)]
pub(super) struct Retyped {
    name: String,
    /// Not sent for oneself.
    role: Option<String>,
    #[serde(default)]
    teams: String,
    #[serde(default)]
    agent_id: String,
    seen_role: String,
    seen_teams: String,
    seen_agent_id: String,
}

/// Whether it can be a name: PostgreSQL keeps no NUL, and pages no other control characters.
pub(super) fn fits(text: &str) -> bool {
    text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

fn name_of(typed: &str) -> Option<String> {
    Some(typed.trim()).filter(|name| !name.is_empty() && fits(name)).map(str::to_owned)
}

fn teams_of(typed: &str) -> Option<BTreeSet<String>> {
    let teams = typed.split([',', '、']).map(str::trim).filter(|team| !team.is_empty());
    teams.map(|team| fits(team).then(|| team.to_owned())).collect()
}

/// The agent, if one was typed; none of both if it cannot be one.
fn agent_of(typed: &str) -> Option<Option<AgentId>> {
    match typed.trim() {
        "" => Some(None),
        id => AgentId::new(id).ok().map(Some),
    }
}

/// What was typed, as an account of this log-in.
fn profile(typed: &Typed, login: Login) -> Option<AccountProfile> {
    Some(AccountProfile {
        login,
        name: name_of(&typed.name)?,
        role: typed.role.parse().ok()?,
        teams: teams_of(&typed.teams)?,
        agent_id: agent_of(&typed.agent_id)?,
    })
}

fn wished(typed: &Retyped) -> Option<AccountChange> {
    Some(AccountChange {
        name: name_of(&typed.name)?,
        role: typed.role.as_deref().map(str::parse).transpose().ok()?,
        teams: teams_of(&typed.teams)?,
        agent_id: agent_of(&typed.agent_id)?,
        seen: Seen {
            role: typed.seen_role.parse().ok()?,
            teams: teams_of(&typed.seen_teams)?,
            agent_id: agent_of(&typed.seen_agent_id)?,
        },
    })
}

pub(super) async fn add(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    headers: HeaderMap,
    form: Result<Form<Typed>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let typed = form.ok().map(|Form(typed)| typed);
    let typed = typed.and_then(|typed| Some((typed.login.parse::<Login>().ok()?, typed)));
    let Some(new) = typed.and_then(|(login, typed)| profile(&typed, login)) else {
        return Err(PageError::AccountForm.page(locale));
    };
    match desk.store.add_account(&new, None, &principal.actor(), Utc::now()).await {
        Ok(Edited::Done(id)) if desk.takes_passwords() => {
            link_page(&desk, locale, &principal, &headers, id, &new.login).await
        }
        Ok(Edited::Done(_)) => Ok(Redirect::to("/people?saved=yes").into_response()),
        Ok(refused) => {
            let told = (locale.words().access.edit_error)(refused);
            list(&desk, locale, &principal, None, Some(told), StatusCode::CONFLICT).await
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

pub(super) async fn change(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    Whom(row): Whom,
    form: Result<Form<Retyped>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let own = row.account_id == principal.account_id;
    let change = form.ok().and_then(|Form(typed)| wished(&typed));
    let Some(change) = change else { return Err(PageError::AccountForm.page(locale)) };
    // Everybody else's form has to say which.
    match change.role {
        Some(_) if own => return Err(PageError::OwnAccount.page(locale)),
        None if !own => return Err(PageError::AccountForm.page(locale)),
        _ => {}
    }
    match desk.store.change_account(row.account_id, &change, &principal.actor(), Utc::now()).await {
        Ok(Edited::Done(_)) => Ok(Redirect::to("/people?saved=yes").into_response()),
        Ok(Edited::Unknown) => Err(PageError::UnknownAccount.page(locale)),
        Ok(refused) => {
            let told = (locale.words().access.edit_error)(refused);
            list(&desk, locale, &principal, None, Some(told), StatusCode::CONFLICT).await
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

pub(super) async fn disable(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    Whom(row): Whom,
) -> Result<Response, ErrorPage> {
    set_disabled(&desk, locale, &principal, row, true).await
}

pub(super) async fn enable(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    Whom(row): Whom,
) -> Result<Response, ErrorPage> {
    set_disabled(&desk, locale, &principal, row, false).await
}

/// Safe to repeat.
async fn set_disabled(
    desk: &Desk,
    locale: Locale,
    principal: &Principal,
    row: AccountRow,
    disabled: bool,
) -> Result<Response, ErrorPage> {
    if row.account_id == principal.account_id {
        return Err(PageError::OwnAccount.page(locale));
    }
    match desk.store.set_disabled(row.account_id, disabled, &principal.actor(), Utc::now()).await {
        Ok(Edited::Done(_) | Edited::Unknown) => Ok(Redirect::to("/people?saved=yes").into_response()),
        Ok(refused) => {
            let told = (locale.words().access.edit_error)(refused);
            list(desk, locale, principal, None, Some(told), StatusCode::CONFLICT).await
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

/// All of somebody's API tokens. Safe to repeat.
pub(super) async fn revoke_tokens(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    Whom(row): Whom,
) -> Result<Response, ErrorPage> {
    match desk.store.revoke_tokens(row.account_id, &principal.actor(), Utc::now()).await {
        Ok(_) => Ok(Redirect::to("/people?saved=yes").into_response()),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

/// A link for a new password. The old one goes on until the link is used.
pub(super) async fn reset(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    headers: HeaderMap,
    Whom(row): Whom,
) -> Result<Response, ErrorPage> {
    if !desk.takes_passwords() {
        return Err(PageError::PasswordsOff.page(locale));
    }
    link_page(&desk, locale, &principal, &headers, row.account_id, &row.profile.login).await
}

async fn link_page(
    desk: &Desk,
    locale: Locale,
    principal: &Principal,
    headers: &HeaderMap,
    id: AccountId,
    login: &Login,
) -> Result<Response, ErrorPage> {
    let base = base(desk, headers);
    match made(&*desk.store, Some(id), &base, &principal.actor()).await {
        Ok(Some(link)) => {
            let words = locale.words().access;
            let view = LinkView {
                frame: Frame::new(&locale, Room::People, words.one_time_link),
                about: (words.one_time_link_about)(login.as_str()),
                link,
            };
            Ok(render(StatusCode::OK, &view))
        }
        Ok(None) => Err(PageError::UnknownAccount.page(locale)),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

/// Under what address the reader has the console open. The guard has checked that the origin is the console's own.
fn base(desk: &Desk, headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = || text(header::ORIGIN).map(str::to_owned);
    let host = || format!("http://{}", text(header::HOST).unwrap_or_default());
    desk.settings.public_url.clone().or_else(origin).unwrap_or_else(host)
}
