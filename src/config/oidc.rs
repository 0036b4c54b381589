//! Log-in by OpenID Connect.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::values;
use crate::webhook::target;

/// Log-in by OpenID Connect; off without an issuer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// The provider, exactly as it calls itself.
    #[serde(deserialize_with = "issuer")]
    pub issuer: Option<String>,
    pub client_id: String,
    /// Empty for a client without one.
    pub client_secret: Hidden,
    /// What is asked for beside `openid`, with blanks in between.
    #[serde(deserialize_with = "scopes")]
    pub scopes: String,
    /// The claim that names the log-in.
    #[serde(deserialize_with = "claim")]
    pub claim: String,
    /// What people call the provider.
    #[serde(deserialize_with = "label")]
    pub label: String,
    /// Nobody logs in by a password.
    pub only: bool,
}

impl OidcConfig {
    pub fn is_on(&self) -> bool {
        self.issuer.is_some()
    }

    /// The key below `console`, and what was expected.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.is_on() && self.client_id.is_empty() {
            return Err((
                "oidc.client_id",
                "expected what the provider calls this console, since console.oidc.issuer is set",
            ));
        }
        if self.only && !self.is_on() {
            return Err((
                "oidc.only",
                "expected false while console.oidc.issuer is \"\": nobody could log in",
            ));
        }
        Ok(())
    }
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Says nothing: a secret must not get into a log.
impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The usual message would show the value.
        let text = String::deserialize(deserializer);
        text.map(Self).map_err(|_| D::Error::custom("expected a text in quotes"))
    }
}

fn issuer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    const EXPECTED: &str = "expected the issuer as the provider writes it, https://HOST… (http:// for loopback addresses only) without `?` or `#`, or \"\"";
    match target(&text) {
        Ok(url) if url.query().is_none() => Ok(Some(text)),
        _ => Err(D::Error::custom(EXPECTED)),
    }
}

fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let scopes = String::deserialize(deserializer)?;
    // RFC 6749, section 3.3.
    let allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\') || c == ' ';
    if scopes.chars().all(allowed) {
        return Ok(scopes);
    }
    Err(D::Error::custom("expected scopes with blanks in between, such as \"email profile\""))
}

fn claim<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let claim = String::deserialize(deserializer)?;
    if claim.is_empty() {
        return Err(D::Error::custom("expected the name of a claim, such as \"email\""));
    }
    Ok(claim)
}

fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let label = values::short_name(deserializer)?;
    if label.trim().is_empty() {
        return Err(D::Error::custom("expected what people call the provider"));
    }
    Ok(label)
}
