//! The cookie that holds a session.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::access::Secret;

/// With this prefix a browser takes the cookie only over TLS, from this very host, for all of its paths.
const SECURE_NAME: &str = "__Host-mimamori";
/// On loopback there is no TLS.
const PLAIN_NAME: &str = "mimamori_session";

fn name(secure: bool) -> &'static str {
    if secure { SECURE_NAME } else { PLAIN_NAME }
}

/// The session that the browser sent; none if there is none, or several.
pub(super) fn session(headers: &HeaderMap, secure: bool) -> Option<Secret> {
    // Bytes: a cookie of another program need not be ASCII.
    let lines = headers.get_all(header::COOKIE).iter().map(|line| line.as_bytes());
    let cookies = lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    let mut found = cookies.filter_map(|cookie| {
        cookie.strip_prefix(name(secure).as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
    });
    let value = found.next()?;
    if found.next().is_some() { None } else { Secret::read(std::str::from_utf8(value).ok()?) }
}

/// Hands a session to the browser. `Lax`, so that a link from a chat finds its reader logged in; what changes something is a POST,
/// with which the cookie does not come from other sites.
pub(super) fn hand_out(secret: &Secret, secure: bool) -> Option<HeaderValue> {
    written(secret.reveal(), "", secure)
}

/// Takes it back.
pub(super) fn take_back(secure: bool) -> Option<HeaderValue> {
    written("", "; Max-Age=0", secure)
}

fn written(value: &str, end: &str, secure: bool) -> Option<HeaderValue> {
    let tls = if secure { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{tls}{end}", name(secure));
    let mut value = HeaderValue::from_str(&cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
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
        }
    }

    #[test]
    fn a_cookie_of_another_program_does_not_matter() {
        let own = format!("{PLAIN_NAME}={}", "a".repeat(64));
        let sent = [b"name=\xe3\x81\x82\xff; ".as_slice(), own.as_bytes()].concat();
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_bytes(&sent).unwrap())]);
        assert_eq!(session(&headers, false), Secret::read(&"a".repeat(64)));
        assert!(session(&headers, false).is_some());
    }

    #[test]
    fn two_sessions_are_none() {
        let value = format!("{PLAIN_NAME}={0}; {PLAIN_NAME}={0}", "a".repeat(64));
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&value).unwrap())]);
        assert_eq!(session(&headers, false), None);
    }
}
