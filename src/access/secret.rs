//! Secrets that a browser or a program carries: sessions, one-time links, API tokens.

use std::fmt;

use rand::CryptoRng;
use sha2::{Digest, Sha256};

/// Bytes of a secret: 256 bits, which nobody guesses.
const BYTES: usize = 32;

/// A secret as it was given out. It is shown once, and stored only as its [`SecretHash`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What is stored of a secret: SHA-256 in hexadecimal. A fast hash is enough, since there is nothing to guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretHash(String);

impl Secret {
    pub fn new(chance: &mut impl CryptoRng) -> Self {
        let mut bytes = [0u8; BYTES];
        chance.fill_bytes(&mut bytes);
        Self(hexadecimal(&bytes))
    }

    /// A secret that somebody brought; none if it cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        let fits = text.len() == 2 * BYTES && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// To be given out, and kept nowhere.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> SecretHash {
        SecretHash(hexadecimal(&Sha256::digest(self.0.as_bytes())))
    }

    /// Another secret that follows from this one for a purpose, and does not lead back to it.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> Secret {
        let hash = Sha256::new().chain_update(purpose).chain_update([0]).chain_update(&self.0).finalize();
        Secret(hexadecimal(&hash))
    }

    /// Whether the text is this secret, in a time that does not depend on where they differ.
    pub fn is(&self, text: &str) -> bool {
        Sha256::digest(self.0.as_bytes()) == Sha256::digest(text.as_bytes())
    }
}

/// Says nothing: a secret must not get into a log.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl SecretHash {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn a_secret_is_read_back_and_never_shown() {
        let secret = Secret::new(&mut StdRng::seed_from_u64(7));
        assert_eq!(Secret::read(secret.reveal()), Some(secret.clone()));
        assert_eq!(secret.reveal().len(), 64);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_ne!(secret.hash().as_str(), secret.reveal());
        for wrong in ["", "abc", &"g".repeat(64), &"A".repeat(64)] {
            assert_eq!(Secret::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_derived_differs_by_purpose() {
        let secret = Secret::new(&mut StdRng::seed_from_u64(7));
        let form = secret.derived("form");
        assert!(form.is(form.reveal()) && !form.is(secret.reveal()));
        assert_ne!(form, secret.derived("other"));
    }
}
