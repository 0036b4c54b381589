//! Who comes in: every route but those for everybody passes here, with the permission that the table of routes names.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Form, FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;

use super::cookies;
use super::error::{PageError, is_api};
use super::handover::encoded;
use super::locale::{self, Locale};
use super::state::Desk;
use crate::access::{Permission, Principal, Secret, SecretHash};
use crate::store::StoreError;

/// The longest form.
const LONGEST_FORM: usize = 512 * 1024;
/// Name of the form's token, and of the header for scripts.
const FORM_TOKEN: &str = "csrf";
const FORM_TOKEN_HEADER: &str = "x-csrf-token";

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Everybody,
    Needs(Permission),
    /// The same, but the page's script sends it by itself: it does not tell that somebody is there.
    ByScript(Permission),
}

impl Access {
    pub(super) fn permission(self) -> Option<Permission> {
        match self {
            Access::Everybody => None,
            Access::Needs(permission) | Access::ByScript(permission) => Some(permission),
        }
    }
}

/// Somebody who came in, and what the pages need for them.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) principal: Principal,
    /// Only for those with a session.
    pub(super) session: Option<Session>,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) secret: SecretHash,
    /// What every form of this session must carry.
    pub(super) form_token: Secret,
}

/// Lets a request through to its handler, or says why not. The handler finds the [`Principal`] by its extractor.
pub(super) async fn gate(
    State((desk, access)): State<(Desk, Access)>,
    request: Request,
    next: Next,
) -> Response {
    let (permission, used) = match access {
        Access::Everybody => return next.run(request).await,
        Access::Needs(permission) => (permission, true),
        Access::ByScript(permission) => (permission, false),
    };
    match checked(&desk, permission, used, request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => *refused,
    }
}

async fn checked(
    desk: &Desk,
    permission: Permission,
    used: bool,
    request: Request,
) -> Result<Request, Box<Response>> {
    let locale = Locale::of(&request);
    let refuse = |error: PageError, locale: Locale| Box::new(error.page(locale).into_response());
    let (mut parts, body) = request.into_parts();
    let visit = match recognise(desk, &parts, used).await {
        Ok(Some(visit)) => Arc::new(visit),
        Ok(None) => return Err(Box::new(stranger(&parts, locale))),
        Err(error) => return Err(refuse(PageError::Store(error), locale)),
    };
    admit(&mut parts, visit.clone());
    let locale = Locale::of_parts(&parts);
    let mut body = body;
    if let Some(session) = visit.session.as_ref().filter(|_| !is_read(&parts.method)) {
        let whole = to_bytes(body, LONGEST_FORM).await;
        let Ok(whole) = whole else { return Err(refuse(PageError::Form, locale)) };
        if !carries_token(&parts, whole.clone(), &session.form_token).await {
            return Err(refuse(PageError::StaleForm, locale));
        }
        body = Body::from(whole);
    }
    if !visit.principal.may(permission) {
        return Err(refuse(PageError::Forbidden, locale));
    }
    if let Err(error) = keep_language(desk, &parts, &visit).await {
        return Err(refuse(PageError::Store(error), locale));
    }
    Ok(Request::from_parts(parts, body))
}

pub(super) fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Who sent it: under `/api/` by a token alone, elsewhere by a session alone, which goes on for longer if this is `used`.
pub(super) async fn recognise(desk: &Desk, parts: &Parts, used: bool) -> Result<Option<Visit>, StoreError> {
    let now = Utc::now();
    if is_api(parts.uri.path()) {
        let Some(secret) = bearer(&parts.headers) else { return Ok(None) };
        let principal = desk.store.token(&secret.hash(), now).await?;
        return Ok(principal.map(|principal| Visit { principal, session: None }));
    }
    let Some(secret) = cookies::session(&parts.headers, desk.settings.secure) else { return Ok(None) };
    let hash = secret.hash();
    let principal = desk.store.session(&hash, now - desk.settings.idle, now, used).await?;
    Ok(principal.map(|principal| Visit {
        principal,
        session: Some(Session { secret: hash, form_token: secret.derived("form") }),
    }))
}

/// What an API token begins with, so that people and scanners know it when they see one.
pub(super) const TOKEN_PREFIX: &str = "mimamori_";

fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Secret::read(token.trim().strip_prefix(TOKEN_PREFIX)?)
}

/// Makes who came in known to the extractors behind.
pub(super) fn admit(parts: &mut Parts, visit: Arc<Visit>) {
    parts.extensions.insert(visit);
}

/// The answer to somebody who is not known.
fn stranger(parts: &Parts, locale: Locale) -> Response {
    if is_api(parts.uri.path()) || !is_read(&parts.method) {
        return PageError::Unauthenticated.page(locale).into_response();
    }
    to_the_log_in(Some(locale.here.as_str()).filter(|page| *page != "/"))
}

/// To the page with which logging in begins; from there to the given one.
pub(super) fn to_the_log_in(page: Option<&str>) -> Response {
    let to = page.map_or_else(String::new, |page| format!("?to={}", encoded(page)));
    Redirect::to(&format!("/log-in{to}")).into_response()
}

async fn carries_token(parts: &Parts, body: axum::body::Bytes, expected: &Secret) -> bool {
    if let Some(token) = parts.headers.get(FORM_TOKEN_HEADER).and_then(|value| value.to_str().ok()) {
        return expected.is(token);
    }
    let request = Request::from_parts(parts.clone(), Body::from(body));
    let Ok(Form(fields)) = Form::<Vec<(String, String)>>::from_request(request, &()).await else {
        return false;
    };
    fields.iter().any(|(name, value)| name == FORM_TOKEN && expected.is(value))
}

/// A language that somebody chose on one of the console's own pages is kept with the account.
async fn keep_language(desk: &Desk, parts: &Parts, visit: &Visit) -> Result<(), StoreError> {
    let own = parts.headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    match locale::asked(&parts.uri) {
        Some(language) if own && visit.session.is_some() && visit.principal.language != Some(language) => {
            desk.store.set_language(visit.principal.account_id, language).await
        }
        _ => Ok(()),
    }
}

/// There only behind the gate: a handler of a route for everybody that asks for it is a bug, and lets nobody in.
impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        match parts.extensions.get::<Arc<Visit>>() {
            Some(visit) => Ok(visit.principal.clone()),
            None => Err(PageError::Unauthenticated.page(Locale::of_parts(parts)).into_response()),
        }
    }
}

/// Where a request comes from, for counting attempts: the peer, or what the configured number of proxies says. Of IPv6 the network,
/// within which one person has any number of addresses.
pub(super) struct Address(pub(super) String);

impl FromRequestParts<Desk> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let address = forwarded(&parts.headers, desk.settings.proxies).or(peer);
        Ok(Self(address.map_or_else(|| "unknown".to_owned(), network)))
    }
}

/// The entry that the outermost of our own proxies wrote; whatever stands before it anybody can have written.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    // Bytes: what is not text in an entry that anybody can have written must not take the line away with it.
    let lines = headers.get_all("x-forwarded-for").iter().map(|value| value.as_bytes());
    let entries = lines.flat_map(|line| line.split(|byte| *byte == b','));
    let entry = std::str::from_utf8(entries.rev().nth(proxies.checked_sub(1)?)?).ok()?.trim();
    // Some proxies write the port as well.
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    entry.parse().ok().or_else(with_port)
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn only_what_our_own_proxies_wrote_is_believed() {
        let headers = with("x-forwarded-for", "6.6.6.6, 203.0.113.7, 10.0.0.1");
        assert_eq!(forwarded(&headers, 0), None);
        assert_eq!(forwarded(&headers, 1).unwrap().to_string(), "10.0.0.1");
        assert_eq!(forwarded(&headers, 2).unwrap().to_string(), "203.0.113.7");
        assert_eq!(forwarded(&headers, 4), None);
        let odd = b"\xff, 203.0.113.7:4711, [2001:db8::1]:443";
        let odd = HeaderMap::from_iter([(
            header::HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_bytes(odd).unwrap(),
        )]);
        assert_eq!(forwarded(&odd, 1).unwrap().to_string(), "2001:db8::1");
        assert_eq!(forwarded(&odd, 2).unwrap().to_string(), "203.0.113.7");
        assert_eq!(forwarded(&odd, 3), None);
        let mut lines = with("x-forwarded-for", "6.6.6.6, 203.0.113.7");
        lines.append("x-forwarded-for", HeaderValue::from_static("10.0.0.1"));
        assert_eq!(forwarded(&lines, 2).unwrap().to_string(), "203.0.113.7");
        assert_eq!(network("::ffff:203.0.113.7".parse().unwrap()), "203.0.113.7");
        assert_eq!(network("2001:db8:1:2:3::4".parse().unwrap()), "2001:db8:1:2::/64");
    }

    #[test]
    fn a_token_comes_with_its_prefix_by_the_bearer_scheme() {
        let secret = "0".repeat(64);
        assert!(bearer(&with("authorization", &format!("Bearer mimamori_{secret}"))).is_some());
        for wrong in
            [format!("Basic mimamori_{secret}"), format!("Bearer {secret}"), "Bearer mimamori_1".into()]
        {
            assert!(bearer(&with("authorization", &wrong)).is_none(), "{wrong}");
        }
    }
}
