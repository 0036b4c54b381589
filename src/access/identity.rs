//! Who somebody is to an OpenID provider, and which log-in its claims name.

use serde_json::{Map, Value};

use super::Login;

/// Bytes of the longest subject: OpenID Connect Core 1.0, section 2.
const LONGEST_SUBJECT: usize = 255;

/// Somebody as their provider knows them: the pair stays with them for good, whatever their name or address becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    issuer: String,
    subject: String,
}

/// Why a text is no subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a subject has 1 to {LONGEST_SUBJECT} characters of ASCII")]
pub struct IdentityError;

impl Identity {
    /// # Errors
    /// When no provider names anybody so.
    pub fn new(issuer: &str, subject: &str) -> Result<Self, IdentityError> {
        let fits = (1..=LONGEST_SUBJECT).contains(&subject.len())
            && subject.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        fits.then(|| Self { issuer: issuer.to_owned(), subject: subject.to_owned() }).ok_or(IdentityError)
    }

    /// The provider, as it calls itself.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    pub fn subject(&self) -> &str {
        &self.subject
    }
}

/// The claim whose truth the provider itself may be unsure of.
const EMAIL: &str = "email";
const EMAIL_VERIFIED: &str = "email_verified";

/// Why claims name no log-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    #[error("the claim is not there")]
    Missing,
    #[error("the provider does not say that the address is theirs")]
    Unverified,
    #[error("no log-in is written so")]
    NoLogin,
}

/// The log-in that this claim names. An address counts only if the provider has verified it: many let people enter any.
///
/// # Errors
/// Says why there is none.
pub fn login_of(claims: &Map<String, Value>, claim: &str) -> Result<Login, ClaimError> {
    let Some(Value::String(named)) = claims.get(claim) else { return Err(ClaimError::Missing) };
    if claim == EMAIL && claims.get(EMAIL_VERIFIED) != Some(&Value::Bool(true)) {
        return Err(ClaimError::Unverified);
    }
    // A log-in that is typed is trimmed. What a provider keeps apart must stay two.
    if named.trim() != named {
        return Err(ClaimError::NoLogin);
    }
    named.parse().map_err(|_| ClaimError::NoLogin)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(claims: Value, claim: &str) -> Result<String, ClaimError> {
        login_of(claims.as_object().unwrap(), claim).map(|login| login.to_string())
    }

    #[test]
    fn an_address_counts_only_once_it_is_verified() {
        let verified = |verified: Value| json!({"email": "Aki@desk.example", "email_verified": verified});
        assert_eq!(named(verified(json!(true)), "email").as_deref(), Ok("aki@desk.example"));
        for unsure in [json!(false), json!("true"), json!(1), Value::Null] {
            assert_eq!(named(verified(unsure), "email"), Err(ClaimError::Unverified));
        }
        assert_eq!(named(json!({"email": "a@b"}), "email"), Err(ClaimError::Unverified));
    }

    #[test]
    fn a_claim_has_to_be_there_and_to_be_a_log_in() {
        let claims = json!({"preferred_username": "aki", "groups": ["a"], "name": "秋山"});
        assert_eq!(named(claims.clone(), "preferred_username").as_deref(), Ok("aki"));
        assert_eq!(named(claims.clone(), "groups"), Err(ClaimError::Missing));
        assert_eq!(named(claims.clone(), "email"), Err(ClaimError::Missing));
        assert_eq!(named(claims, "name"), Err(ClaimError::NoLogin));
        let beside = json!({"preferred_username": "aki\u{3000}"});
        assert_eq!(named(beside, "preferred_username"), Err(ClaimError::NoLogin), "another than `aki`");
    }

    #[test]
    fn a_subject_is_short_and_plain() {
        let longest = "a".repeat(LONGEST_SUBJECT);
        for subject in ["248289761001", "auth0|5f7c", "a b", &longest] {
            assert_eq!(Identity::new("https://login.example", subject).unwrap().subject(), subject);
        }
        for wrong in ["", "a\0b", "a\nb", "秋", &format!("{longest}a")] {
            assert_eq!(Identity::new("https://login.example", wrong), Err(IdentityError), "{wrong:?}");
        }
    }
}
