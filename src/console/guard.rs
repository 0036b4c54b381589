//! What keeps other sites out, before anybody is known: host names, writes from elsewhere, and the headers of every answer.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::{PageError, is_api};
use super::gate::is_read;
use super::locale::Locale;

/// No script, style, picture or form target but the console's own files, and never inside another site's frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
     img-src 'self';      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Under which host names the console answers.
///
/// A page of another site can make a browser send requests to a loopback address under the site's own name (DNS rebinding),
/// and would then read the answers. A listener on loopback therefore answers only to names that mean loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hosts {
    /// `localhost` or any loopback address, whatever the port (which may be forwarded).
    Loopback,
    /// The host of `console.public_url`, and loopback names.
    Named(String),
    /// Bound to an address of the network: whoever runs it there decides by what name it is reached.
    Any,
}

impl Hosts {
    pub(super) fn new(address: IpAddr, public_url: Option<&str>) -> Self {
        let public = public_url.and_then(|url| url.split_once("://")?.1.parse::<Authority>().ok());
        match public {
            Some(authority) => Hosts::Named(authority.host().to_owned()),
            None if address.is_loopback() => Hosts::Loopback,
            None => Hosts::Any,
        }
    }

    fn accepts(&self, headers: &HeaderMap) -> bool {
        let name = || host(headers);
        match self {
            Hosts::Any => true,
            Hosts::Loopback => name().is_some_and(|authority| is_loopback(authority.host())),
            Hosts::Named(public) => name().is_some_and(|authority| {
                authority.host().eq_ignore_ascii_case(public) || is_loopback(authority.host())
            }),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The one `Host` of the request; none when it is missing, repeated or no authority.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut values = headers.get_all(header::HOST).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    // User information has no place in `Host`, and would make `localhost@elsewhere` look familiar.
    let text = value.to_str().ok().filter(|text| !text.contains('@'))?;
    text.parse().ok()
}

/// Refuses requests under a host name that is not the console's.
pub(super) async fn known_host(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if hosts.accepts(request.headers()) {
        return next.run(request).await;
    }
    PageError::ForeignHost.page(Locale::of(&request)).into_response()
}

/// Refuses writes that do not come from the console's own pages. Under `/api/` no cookie is taken, so that no browser can be made to
/// write there in somebody's name.
pub(super) async fn same_site_writes(request: Request, next: Next) -> Response {
    if is_read(request.method()) || is_api(request.uri().path()) || is_own(request.headers()) {
        return next.run(request).await;
    }
    PageError::CrossSite.page(Locale::of(&request)).into_response()
}

/// Whether the browser says that a page of this very host sent the request. Browsers send `Sec-Fetch-Site` to loopback and over
/// TLS, and `Origin` with every form; what is sent must agree, and a request with neither is refused.
fn is_own(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(|value| value == "same-origin");
    let origin = headers.get(header::ORIGIN).map(|origin| is_own_origin(origin, headers));
    match (site, origin) {
        (None, None) => false,
        (site, origin) => site.unwrap_or(true) && origin.unwrap_or(true),
    }
}

/// Whether the browser says that a page of another site, or of another host of this one, sent it here. An address that somebody
/// typed, and a browser that says nothing, do not count.
pub(super) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

fn is_own_origin(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let Some((scheme, authority)) = origin.to_str().ok().and_then(|text| text.split_once("://")) else {
        return false;
    };
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let (Ok(origin), Some(host)) = (authority.parse::<Authority>(), host(headers)) else { return false };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    origin.host().eq_ignore_ascii_case(host.host()) && port(&origin) == port(&host)
}

/// The headers of every answer. Pages hold message text: no cache keeps them.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with it, browsers would send `Origin: null` with the console's own forms.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The status of a refused request.
pub(super) const REFUSED: StatusCode = StatusCode::FORBIDDEN;

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn a_loopback_listener_answers_only_to_loopback_names() {
        for own in ["localhost", "LocalHost:8080", "127.0.0.1:8080", "127.3.2.1", "[::1]:8080", "[::1]"] {
            assert!(Hosts::Loopback.accepts(&map(&[("host", own)])), "{own}");
        }
        let foreign = ["evil.example", "localhost.evil.example", "192.168.0.1", "localhost@evil.example", ""];
        for foreign in foreign {
            assert!(!Hosts::Loopback.accepts(&map(&[("host", foreign)])), "{foreign}");
        }
        assert!(!Hosts::Loopback.accepts(&map(&[])));
        assert!(!Hosts::Loopback.accepts(&map(&[("host", "localhost"), ("host", "evil.example")])));
        assert!(Hosts::Any.accepts(&map(&[("host", "console.example")])));
        let new = |address: &str, url| Hosts::new(address.parse().unwrap(), url);
        assert_eq!(new("127.0.0.1", None), Hosts::Loopback);
        assert_eq!(new("0.0.0.0", None), Hosts::Any);
        let named = new("0.0.0.0", Some("https://desk.example:8443"));
        assert!(named.accepts(&map(&[("host", "Desk.Example")])));
        assert!(named.accepts(&map(&[("host", "localhost:8080")])));
        assert!(!named.accepts(&map(&[("host", "evil.example")])));
    }

    #[test]
    fn only_the_console_s_own_forms_may_write() {
        let here = ("host", "localhost:8080");
        assert!(is_own(&map(&[here, ("sec-fetch-site", "same-origin")])));
        assert!(is_own(&map(&[here, ("origin", "http://localhost:8080")])));
        assert!(is_own(&map(&[("host", "desk.example"), ("origin", "https://desk.example:443")])));
        let foreign: [&[(&str, &str)]; 7] = [
            &[here],
            &[here, ("sec-fetch-site", "cross-site")],
            &[here, ("sec-fetch-site", "same-site")],
            &[here, ("origin", "http://localhost:9090")],
            &[here, ("origin", "null")],
            &[here, ("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "http://localhost:8080")],
        ];
        for headers in foreign {
            assert!(!is_own(&map(headers)), "{headers:?}");
        }
    }
}
