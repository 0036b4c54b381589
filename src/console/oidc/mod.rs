//! `/log-in/oidc`: to an OpenID provider, and back.
//!
//! The browser is sent away with a secret in a cookie, whose hash stands in the database until it comes back, to whichever console. State,
//! nonce and the verifier of PKCE follow from the secret ([`provider`]).

mod provider;
mod refusal;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{TimeDelta, Utc};
use serde::Deserialize;

use super::cookies;
use super::error::{ErrorPage, PageError};
use super::gate::{Address, to_the_log_in};
use super::guard::is_from_elsewhere;
use super::locale::Locale;
use super::log_in::{counted_way, inside, new_session, too_often, with_cookie};
use super::state::Desk;
use crate::access::{AccountId, Act, Actor, AuditEntry, Secret, Subject, Way, login_of};
use crate::config::ConsoleConfig;
use crate::store::{AccountRow, Attempt, Detour, NewDetour, StoreError, Vouched};
use provider::{CALLBACK, Trouble, Vouch, is_state_of};

pub(super) use provider::Provider;
pub(super) use refusal::Refusal;

/// How long somebody may take at the provider's.
const LONGEST_WAY: TimeDelta = TimeDelta::minutes(10);
/// Bytes of the longest address of a page that is remembered meanwhile.
const LONGEST_PAGE: usize = 2000;

/// Where the provider sends people back to, for a console that listens at its configured address; none without a provider.
pub fn callback_url(config: &ConsoleConfig) -> Option<String> {
    config.oidc.is_on().then(|| format!("{}{CALLBACK}", config.base_url(config.http)))
}

#[derive(Deserialize)]
pub(super) struct Asked {
    to: Option<String>,
}

/// Sends somebody to the provider.
pub(super) async fn begin(
    State(desk): State<Desk>,
    locale: Locale,
    Address(address): Address,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let Some(provider) = desk.provider.clone() else { return Err(PageError::UnknownPage.page(locale)) };
    let page = asked.ok().and_then(|Query(asked)| inside(asked.to));
    let page = page.filter(|page| page.len() <= LONGEST_PAGE);
    // Nobody is logged in anew because of a page elsewhere: who means it presses the button.
    if is_from_elsewhere(&headers) {
        return Ok(to_the_log_in(page.as_deref()));
    }
    match sent_off(&desk, &provider, &address, page).await {
        Ok(response) => Ok(response),
        Err(stop) => stop.told(&desk, at_the_log_in(locale), &address).await,
    }
}

async fn sent_off(
    desk: &Desk,
    provider: &Provider,
    address: &str,
    page: Option<String>,
) -> Result<Response, Stop> {
    let at = Utc::now();
    let attempt = match counted_way(desk, address, at).await? {
        Attempt::Allowed(attempts) => attempts.first().copied(),
        Attempt::Limited(until) => return Err(Stop::TooOften(until)),
    };
    let attempt = attempt.ok_or_else(|| StoreError::Unexpected("an attempt has no number".into()))?;
    let secret = Secret::new(&mut rand::rng());
    let way = provider.way(&secret).await?;
    let detour =
        NewDetour { secret: secret.hash(), detour: Detour { page, attempt }, expires_at: at + LONGEST_WAY };
    desk.store.begin_detour(&detour, at).await?;
    let cookie = cookies::send_off(&secret, LONGEST_WAY.num_seconds(), desk.settings.secure);
    Ok(with_cookie(Redirect::to(way.as_str()).into_response(), cookie))
}

/// What the provider sends somebody back with.
#[derive(Default, Deserialize)]
pub(super) struct Back {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// Somebody comes back from the provider.
pub(super) async fn finish(
    State(desk): State<Desk>,
    locale: Locale,
    Address(address): Address,
    headers: HeaderMap,
    back: Result<Query<Back>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let Some(provider) = desk.provider.clone() else { return Err(PageError::UnknownPage.page(locale)) };
    let locale = at_the_log_in(locale);
    let back = back.map_or_else(|_| Back::default(), |Query(back)| back);
    let (secret, detour) = match expected(&desk, &headers, &back, &address).await {
        Ok(expected) => expected,
        // The cookie stays: they may be on their way in another tab.
        Err(stop) => return stop.told(&desk, locale, &address).await,
    };
    let response = match come_in(&desk, &provider, back, &secret, &detour, &headers).await {
        Ok(session) => {
            let to = detour.page.as_deref().unwrap_or("/");
            let cookie = cookies::hand_out(&session, desk.settings.secure);
            with_cookie(Redirect::to(to).into_response(), cookie)
        }
        Err(stop) => stop.told(&desk, locale, &address).await.into_response(),
    };
    Ok(with_cookie(response, cookies::welcome(desk.settings.secure)))
}

/// The address of the page that answers holds a code, which no link on it should.
fn at_the_log_in(locale: Locale) -> Locale {
    Locale { here: "/log-in".to_owned(), ..locale }
}

/// Why somebody does not come in now.
enum Stop {
    /// With the account that is meant, if it is known.
    Refused(Refusal, Option<AccountId>),
    TooOften(chrono::DateTime<Utc>),
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Stop::Store(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal, None)
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        tracing::warn!(%trouble, "somebody could not log in by OpenID Connect");
        Refusal::from(&trouble).into()
    }
}

impl Stop {
    /// The page that says so, after the line of the audit trail.
    async fn told(self, desk: &Desk, locale: Locale, address: &str) -> Result<Response, ErrorPage> {
        let (refusal, account) = match self {
            Stop::Refused(refusal, account) => (refusal, account),
            Stop::TooOften(until) => return Ok(too_often(desk, &locale, until)),
            Stop::Store(error) => return Err(PageError::Store(error).page(locale)),
        };
        let subject = account.map_or_else(|| Subject::new("account", "unknown"), Subject::account);
        let entry = AuditEntry::new(Actor::stranger(address), Act::LogInRefused, subject, Utc::now())
            .with("with", "openid_connect")
            .with("reason", refusal.name());
        match desk.store.record(&entry).await {
            Ok(()) => Err(PageError::Oidc(refusal).page(locale)),
            Err(error) => Err(PageError::Store(error).page(locale)),
        }
    }
}

/// The browser that comes back is one that was sent away, and comes back for the first time.
async fn expected(
    desk: &Desk,
    headers: &HeaderMap,
    back: &Back,
    address: &str,
) -> Result<(Secret, Detour), Stop> {
    let at = Utc::now();
    let sent = cookies::detour(headers, desk.settings.secure);
    let known = sent.filter(|sent| back.state.as_ref().is_some_and(|state| is_state_of(sent, state)));
    if let Some(secret) = known
        && let Some(detour) = desk.store.end_detour(&secret.hash(), at).await?
    {
        return Ok((secret, detour));
    }
    // Who was sent away was counted then.
    match counted_way(desk, address, at).await? {
        Attempt::Allowed(_) => Err(Refusal::Astray.into()),
        Attempt::Limited(until) => Err(Stop::TooOften(until)),
    }
}

/// The session of whom the provider vouches for.
async fn come_in(
    desk: &Desk,
    provider: &Provider,
    back: Back,
    secret: &Secret,
    detour: &Detour,
    headers: &HeaderMap,
) -> Result<Secret, Stop> {
    let code = match back {
        Back { error: Some(error), .. } => return Err(Refusal::said(&error).into()),
        Back { code, .. } => code.ok_or(Refusal::Astray)?,
    };
    let vouch = provider.vouch(code, secret).await?;
    let (account, named) = account(desk, provider, &vouch).await?;
    let id = account.account_id;
    if account.disabled_at.is_some() {
        return Err(Stop::Refused(Refusal::Disabled, Some(id)));
    }
    let name = account.profile.login.to_string();
    let by = Actor { account_id: Some(id), name, way: Way::Session };
    let (session_secret, session) = new_session(desk, id, Utc::now());
    let old = cookies::session(headers, desk.settings.secure).map(|old| old.hash());
    let who = &vouch.identity;
    match desk.store.open_vouched_session(&session, who, named, old.as_ref(), &by).await? {
        Vouched::In => {}
        Vouched::Disabled => return Err(Stop::Refused(Refusal::Disabled, Some(id))),
        Vouched::SomebodyElse => return Err(Stop::Refused(Refusal::SomebodyElse, Some(id))),
    }
    desk.store.forget_attempts(&[detour.attempt], None).await?;
    Ok(session_secret)
}

/// The account that is bound to who they are, or else the one whose log-in the claim names; and whether it is that.
async fn account(desk: &Desk, provider: &Provider, vouch: &Vouch) -> Result<(AccountRow, bool), Stop> {
    if let Some(bound) = desk.store.account_by_identity(&vouch.identity).await? {
        return Ok((bound, false));
    }
    let login = login_of(&vouch.claims, provider.claim()).map_err(Refusal::from)?;
    let named = desk.store.account_by_login(&login).await?;
    named.map(|account| (account, true)).ok_or_else(|| Refusal::NoAccount.into())
}
