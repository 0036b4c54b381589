//! The language of a page: `?lang=`, then the account's, then the cookie that remembers it, then the browser's wish.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use super::gate::Visit;
use super::words::Words;
use crate::contract::Language;

const COOKIE: &str = "mimamori_lang";
/// One year, in seconds.
const COOKIE_AGE: u32 = 31_536_000;
/// For a browser that wishes for neither language: that of most of the desk.
const FALLBACK: Language = Language::Ja;

/// Language and address of the page that is asked for, and who asks.
#[derive(Debug, Clone)]
pub(super) struct Locale {
    pub(super) language: Language,
    /// Path and query without `lang`, for the links that switch the language.
    pub(super) here: String,
    /// None for somebody who is not known (yet).
    pub(super) visit: Option<Arc<Visit>>,
}

impl Locale {
    pub(super) fn of(request: &Request) -> Self {
        Self::read(request.uri(), request.headers(), request.extensions().get().cloned())
    }

    pub(super) fn of_parts(parts: &Parts) -> Self {
        Self::read(&parts.uri, &parts.headers, parts.extensions.get().cloned())
    }

    fn read(uri: &Uri, headers: &HeaderMap, visit: Option<Arc<Visit>>) -> Self {
        let language = asked(uri)
            .or_else(|| visit.as_ref()?.principal.language)
            .or_else(|| remembered(headers))
            .or_else(|| wished(headers))
            .unwrap_or(FALLBACK);
        Self { language, here: here(uri), visit }
    }

    pub(super) fn words(&self) -> &'static Words {
        Words::of(self.language)
    }

    /// The same page in another language.
    pub(super) fn switch(&self, language: Language) -> String {
        let joint = if self.here.contains('?') { '&' } else { '?' };
        format!("{}{joint}lang={language}", self.here)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Locale {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of_parts(parts))
    }
}

/// Keeps a language that was asked for in the query.
pub(super) async fn remember(request: Request, next: Next) -> Response {
    let language = asked(request.uri());
    let mut response = next.run(request).await;
    if let Some(language) = language {
        let cookie = format!("{COOKIE}={language}; Path=/; Max-Age={COOKIE_AGE}; SameSite=Lax; HttpOnly");
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}

fn pairs(uri: &Uri) -> impl Iterator<Item = &str> {
    uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty())
}

pub(super) fn asked(uri: &Uri) -> Option<Language> {
    pairs(uri).filter_map(|pair| pair.strip_prefix("lang=")).find_map(|value| value.parse().ok())
}

fn here(uri: &Uri) -> String {
    let kept: Vec<_> = pairs(uri).filter(|pair| !pair.starts_with("lang=")).collect();
    // A path that begins with two slashes would be a link to another host.
    let path = format!("/{}", uri.path().trim_start_matches('/'));
    if kept.is_empty() { path } else { format!("{path}?{}", kept.join("&")) }
}

fn remembered(headers: &HeaderMap) -> Option<Language> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then(|| value.parse().ok()).flatten())
}

/// The language with the highest weight in `Accept-Language`; of equal ones the first.
fn wished(headers: &HeaderMap) -> Option<Language> {
    let header = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut best: Option<(f32, Language)> = None;
    for entry in header.split(',') {
        let mut parts = entry.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
        let Ok(language) = tag.split('-').next().unwrap_or_default().parse() else { continue };
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if weight > 0.0 && best.is_none_or(|(heaviest, _)| weight > heaviest) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(uri: &str, cookie: &'static str, accept: &'static str) -> Locale {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static(cookie));
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accept));
        Locale::read(&uri.parse().unwrap(), &headers, None)
    }

    #[test]
    fn the_query_wins_over_the_cookie_and_the_cookie_over_the_browser() {
        assert_eq!(read("/?lang=en", "mimamori_lang=ja", "ja").language, Language::En);
        assert_eq!(read("/?lang=fr", "a=b; mimamori_lang=en", "ja").language, Language::En);
        assert_eq!(read("/", "", "fr, en;q=0.5, ja-JP;q=0.8").language, Language::Ja);
        assert_eq!(read("/", "", "en-GB,ja").language, Language::En);
        assert_eq!(read("/", "", "ja;q=0, en;q=0.1").language, Language::En);
        assert_eq!(read("/", "", "fr").language, FALLBACK);
    }

    #[test]
    fn the_switch_keeps_the_page_and_never_leaves_the_host() {
        assert_eq!(read("/alerts?lang=ja&page=2", "", "").switch(Language::En), "/alerts?page=2&lang=en");
        assert_eq!(read("/", "", "").switch(Language::Ja), "/?lang=ja");
        assert_eq!(read("//evil.example/x", "", "").switch(Language::Ja), "/evil.example/x?lang=ja");
    }
}
