//! Why somebody does not come in by an OpenID provider.

use axum::http::StatusCode;

use super::provider::Trouble;
use crate::access::ClaimError;

/// Characters of the longest code of an error that is shown.
const LONGEST_CODE: usize = 60;

/// Why somebody does not come in by an OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) enum Refusal {
    /// They were not sent from here, took too long, or have come back before.
    Astray,
    /// The provider sends them back with an error, by its code in OAuth or OpenID Connect.
    Said(String),
    /// The provider cannot be asked.
    Away,
    /// What the provider answers makes no sense.
    Answer,
    /// The ID token does not hold: what of it.
    Token(&'static str),
    /// The claim that names the log-in is missing.
    NoClaim,
    /// The provider does not say that the address is theirs.
    Unverified,
    /// Nobody has the log-in that the claim names.
    NoAccount,
    Disabled,
    /// The account is somebody else's at the provider, or they have another one here.
    SomebodyElse,
}

impl Refusal {
    /// An error that the provider sent somebody back with: whoever made the address can have written anything there.
    pub(super) fn said(code: &str) -> Self {
        let fits = (1..=LONGEST_CODE).contains(&code.len())
            && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        Refusal::Said(if fits { code.to_owned() } else { "unknown".to_owned() })
    }

    /// For the audit trail.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Refusal::Astray => "astray",
            Refusal::Said(_) => "provider_error",
            Refusal::Away => "provider_away",
            Refusal::Answer => "provider_answer",
            Refusal::Token(_) => "token",
            Refusal::NoClaim => "no_claim",
            Refusal::Unverified => "email_not_verified",
            Refusal::NoAccount => "no_account",
            Refusal::Disabled => "disabled",
            Refusal::SomebodyElse => "somebody_else",
        }
    }

    /// What exactly, in English.
    pub(in crate::console) fn detail(&self) -> Option<String> {
        match self {
            Refusal::Said(code) => Some(format!("error={code}")),
            Refusal::Token(what) => Some(format!("ID token: {what}")),
            _ => None,
        }
    }

    pub(in crate::console) fn status(&self) -> StatusCode {
        match self {
            Refusal::Astray => StatusCode::BAD_REQUEST,
            Refusal::Away => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Answer | Refusal::Token(_) => StatusCode::BAD_GATEWAY,
            Refusal::Said(_)
            | Refusal::NoClaim
            | Refusal::Unverified
            | Refusal::NoAccount
            | Refusal::Disabled
            | Refusal::SomebodyElse => StatusCode::FORBIDDEN,
        }
    }
}

impl From<&Trouble> for Refusal {
    fn from(trouble: &Trouble) -> Self {
        match trouble {
            Trouble::Away(_) => Refusal::Away,
            Trouble::Answer(_) => Refusal::Answer,
            Trouble::Token(what) => Refusal::Token(what),
        }
    }
}

impl From<ClaimError> for Refusal {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Missing => Refusal::NoClaim,
            ClaimError::Unverified => Refusal::Unverified,
            ClaimError::NoLogin => Refusal::NoAccount,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_an_address_says_only_a_code_is_shown() {
        assert_eq!(Refusal::said("access_denied").detail().as_deref(), Some("error=access_denied"));
        for odd in ["", "<b>", "ACCESS DENIED", "a\r\nb", &"a".repeat(61)] {
            assert_eq!(Refusal::said(odd), Refusal::Said("unknown".into()), "{odd:?}");
        }
    }
}
