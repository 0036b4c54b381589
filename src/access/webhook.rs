//! The secret of a webhook's endpoint, and what is signed with it: Standard Webhooks 1.0,
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rand::CryptoRng;
use sha2::Sha256;

/// Bytes of a secret; the specification wants 24 to 64.
const BYTES: usize = 32;
/// What a secret begins with, so that people and scanners know it when they see one.
const PREFIX: &str = "whsec_";

/// What the receiver knows, too. Unlike other secrets it is kept as it is: signing needs it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret([u8; BYTES]);

impl WebhookSecret {
    pub fn new(chance: &mut impl CryptoRng) -> Self {
        let mut bytes = [0u8; BYTES];
        chance.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Back from the database; none if it cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// For the receiver, and for the database.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0))
    }

    /// The signature of one attempt to send a body under this identifier, in the second since 1970.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// Says nothing: a secret must not get into a log.
impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn a_secret_is_read_back_and_never_shown() {
        let secret = WebhookSecret::new(&mut StdRng::seed_from_u64(7));
        let text = secret.reveal();
        assert_eq!(WebhookSecret::read(&text), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "WebhookSecret(…)");
        for wrong in ["", "whsec_", "whsec_AAAA", &text[6..], &text.replace('=', "!")] {
            assert_eq!(WebhookSecret::read(wrong), None, "{wrong}");
        }
    }

    /// The expected value was calculated with Python's `hmac`:
    /// `base64.b64encode(hmac.digest(bytes(range(32)), b'msg_1.1674087231.{"a":1}', 'sha256'))`.
    #[test]
    fn the_signature_is_what_others_calculate() {
        let secret = WebhookSecret(std::array::from_fn(|n| n as u8));
        assert_eq!(secret.sign("msg_1", 1_674_087_231, br#"{"a":1}"#), SIGNED);
    }

    const SIGNED: &str = "v1,fnNKWKn9YJSx7T/Ahsk/W5BQTp6PJzQosUoaMQK6sCQ=";
}
