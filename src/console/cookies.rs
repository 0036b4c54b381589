//! The cookies that hold a session, and that hold the way to an OpenID provider and back.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::access::Secret;

/// What a cookie of ours is called: over TLS, and on loopback, where there is none.
struct Name {
    /// With this prefix a browser takes the cookie only over TLS, from this very host, for all of its paths.
    secure: &'static str,
    plain: &'static str,
}

const SESSION: Name = Name { secure: "__Host-mimamori", plain: "mimamori_session" };
const DETOUR: Name = Name { secure: "__Host-mimamori_oidc", plain: "mimamori_oidc" };

impl Name {
    fn get(&self, secure: bool) -> &'static str {
        if secure { self.secure } else { self.plain }
    }

    /// What the browser sent under this name; none if it sent none, or several.
    fn sent(&self, headers: &HeaderMap, secure: bool) -> Option<Secret> {
        // Bytes: a cookie of another program need not be ASCII.
        let lines = headers.get_all(header::COOKIE).iter().map(|line| line.as_bytes());
        let cookies = lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
        let mut found = cookies.filter_map(|cookie| {
            cookie.strip_prefix(self.get(secure).as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
        });
        let value = found.next()?;
        if found.next().is_some() { None } else { Secret::read(std::str::from_utf8(value).ok()?) }
    }

    fn written(&self, value: &str, end: &str, secure: bool) -> Option<HeaderValue> {
        let tls = if secure { "; Secure" } else { "" };
        let name = self.get(secure);
        let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{tls}{end}");
        let mut value = HeaderValue::from_str(&cookie).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// The session that the browser sent; none if there is none, or several.
pub(super) fn session(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    SESSION.sent(headers, secure)
}

/// Hands a session to the browser. `Lax`, so that a link from a chat finds its reader logged in; what changes something is a POST,
/// with which the cookie does not come from other sites.
pub(super) fn hand_out(secret: &Secret, secure: bool) -> Option<HeaderValue> {
    SESSION.written(secret.reveal(), "", secure)
}

/// Takes it back.
pub(super) fn take_back(secure: bool) -> Option<HeaderValue> {
    SESSION.written("", "; Max-Age=0", secure)
}

/// What a browser that comes back from an OpenID provider was sent away with.
pub(super) fn detour(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    DETOUR.sent(headers, secure)
}

/// Sends a browser away with this, for so many seconds. `Lax`: it comes back by a link from the provider's site.
pub(super) fn send_off(secret: &Secret, seconds: i64, secure: bool) -> Option<HeaderValue> {
    DETOUR.written(secret.reveal(), &format!("; Max-Age={seconds}"), secure)
}

/// It is back.
pub(super) fn welcome(secure: bool) -> Option<HeaderValue> {
    DETOUR.written("", "; Max-Age=0", secure)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn a_session_comes_back_and_beyond_loopback_only_over_tls() {
        let secret = Secret::new(&mut StdRng::seed_from_u64(3));
        for secure in [false, true] {
            let cookie = hand_out(&secret, secure).unwrap();
            let cookie = cookie.to_str().unwrap();
            assert_eq!(cookie.starts_with("__Host-") && cookie.contains("; Secure"), secure);
            assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.contains("; Path=/"));
            let sent = format!("mimamori_lang=ja; {}", cookie.split(';').next().unwrap());
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&sent).unwrap())]);
            assert_eq!(session(&headers, secure), Some(secret.clone()));
            assert_eq!(session(&headers, !secure), None);
            assert_eq!(detour(&headers, secure), None);
        }
    }

    #[test]
    fn the_way_to_a_provider_is_no_session_and_ends_by_itself() {
        let secret = Secret::new(&mut StdRng::seed_from_u64(4));
        for secure in [false, true] {
            let cookie = send_off(&secret, 600, secure).unwrap();
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.ends_with("; Max-Age=600"));
            let sent = cookie.split(';').next().unwrap();
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(sent).unwrap())]);
            assert_eq!((detour(&headers, secure), session(&headers, secure)), (Some(secret.clone()), None));
        }
    }

    #[test]
    fn a_cookie_of_another_program_does_not_matter() {
        let own = format!("{}={}", SESSION.plain, "a".repeat(64));
        let sent = [b"name=\xe3\x81\x82\xff; ".as_slice(), own.as_bytes()].concat();
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_bytes(&sent).unwrap())]);
        assert_eq!(session(&headers, false), Secret::read(&"a".repeat(64)));
        assert!(session(&headers, false).is_some());
    }

    #[test]
    fn two_sessions_are_none() {
        let value = format!("{0}={1}; {0}={1}", SESSION.plain, "a".repeat(64));
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&value).unwrap())]);
        assert_eq!(session(&headers, false), None);
    }
}
