//! Which addresses of the web a webhook can have.

use std::net::IpAddr;

use url::{Host, Url};

/// Characters of an address.
pub const LONGEST_URL: usize = 2000;

/// Why a webhook cannot have an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("expected an address such as https://example.com/hooks, of at most {LONGEST_URL} characters")]
    NoAddress,
    #[error("expected https:// (http:// only for localhost and loopback addresses)")]
    NotEncrypted,
    #[error("expected an address without a name, a password or a fragment in it")]
    Surplus,
}

/// The address, if webhooks can go there: by HTTPS, or to this machine. What it resolves to is checked when it is connected to.
pub fn target(text: &str) -> Result<Url, TargetError> {
    if text.len() > LONGEST_URL {
        return Err(TargetError::NoAddress);
    }
    let url = Url::parse(text).map_err(|_| TargetError::NoAddress)?;
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => {}
        ("http", Some(host)) if is_loopback(&host) => {}
        ("http", Some(_)) => return Err(TargetError::NotEncrypted),
        _ => return Err(TargetError::NoAddress),
    }
    let surplus = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
    if surplus || url.as_str().len() > LONGEST_URL {
        return Err(if surplus { TargetError::Surplus } else { TargetError::NoAddress });
    }
    Ok(url)
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_go_by_https_or_to_this_machine() {
        for good in [
            "https://example.com/hooks?key=1",
            "https://例え.jp/",
            "https://10.0.0.1:8443/",
            "http://localhost:9/",
            "http://127.0.0.1/a",
            "http://[::1]:8080/",
        ] {
            assert!(target(good).is_ok(), "{good}");
        }
        // Written otherwise, it is still this machine, and checked as that when it is connected to.
        assert_eq!(target("http://0x7f.1/").unwrap().host_str(), Some("127.0.0.1"));
        for (wrong, why) in [
            ("", TargetError::NoAddress),
            ("example.com", TargetError::NoAddress),
            ("ftp://example.com/", TargetError::NoAddress),
            ("file:///etc/passwd", TargetError::NoAddress),
            ("https://", TargetError::NoAddress),
            ("http://example.com/", TargetError::NotEncrypted),
            ("http://10.0.0.1/", TargetError::NotEncrypted),
            ("http://localhost.example/", TargetError::NotEncrypted),
            ("https://me@example.com/", TargetError::Surplus),
            ("https://me:pass@example.com/", TargetError::Surplus),
            ("https://example.com/#a", TargetError::Surplus),
        ] {
            assert_eq!(target(wrong), Err(why), "{wrong}");
        }
        assert!(target(&format!("https://example.com/{}", "a".repeat(LONGEST_URL))).is_err());
    }
}
