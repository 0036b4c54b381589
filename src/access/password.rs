//! Passwords, as argon2id hashes.

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use unicode_normalization::UnicodeNormalization;

use super::Login;

/// The first of the equally strong choices in OWASP's Password Storage Cheat Sheet that needs less than 20 MiB: memory in KiB,
/// passes, lanes.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Characters of the shortest password. NIST SP 800-63B asks for length, not for kinds of characters.
const SHORTEST: usize = 12;
/// Characters of the longest: more than any password manager makes, and little enough to hash.
const LONGEST: usize = 256;

/// Bytes of salt.
pub(super) const SALT: usize = 16;

/// Why a password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("a password has at least {SHORTEST} characters")]
    TooShort,
    #[error("a password has at most {LONGEST} characters")]
    TooLong,
    #[error("a password must not be the log-in, nor one or two characters repeated")]
    TooSimple,
}

/// Whether somebody may choose this password.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_password(password: &str, login: &Login) -> Result<(), PasswordError> {
    let characters: Vec<char> = password.nfkc().collect();
    if characters.len() > LONGEST {
        return Err(PasswordError::TooLong);
    }
    if characters.len() < SHORTEST {
        return Err(PasswordError::TooShort);
    }
    let mut kinds = characters.clone();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.len() <= 2 || password.trim().to_lowercase() == login.as_str() {
        return Err(PasswordError::TooSimple);
    }
    Ok(())
}

/// An argon2id hash with its salt and parameters, in the PHC string format.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes some 20 ms and 19 MiB: not for a thread that serves others. `None` cannot happen with the parameters above; whoever
    /// gets it has found a bug.
    pub fn new(password: &str, salt: [u8; SALT]) -> Option<Self> {
        let hash: phc::PasswordHash =
            engine()?.hash_password_with_salt(normal(password).as_bytes(), &salt).ok()?;
        Some(Self(hash.to_string()))
    }

    /// As it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the password. As slow as [`PasswordHash::new`].
    pub fn is_of(&self, password: &str) -> bool {
        let Ok(hash) = phc::PasswordHash::new(&self.0) else { return false };
        engine().is_some_and(|engine| engine.verify_password(normal(password).as_bytes(), &hash).is_ok())
    }

    /// As much work as to look whether a password is right, for a log-in that nobody has: the time of an answer must not tell which
    /// log-ins there are.
    pub fn work_for_nothing(password: &str) {
        let _ = Self::new(password, [0; SALT]);
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

fn engine() -> Option<Argon2<'static>> {
    let parameters = Params::new(MEMORY, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

/// The same password typed on another keyboard is the same password: NFKC, as NIST SP 800-63B, 3.1.1.2 advises.
fn normal(password: &str) -> String {
    password.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_however_wide_it_was_typed() {
        let hash = PasswordHash::new("correct horse ﾊﾞｯﾃﾘｰ", [7; SALT]).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        let stored = PasswordHash::stored(hash.as_str().to_owned());
        assert!(stored.is_of("correct horse バッテリー"));
        assert!(!stored.is_of("correct horse バッテリ"));
        assert!(!PasswordHash::stored("nonsense".into()).is_of("correct horse"));
        assert_ne!(PasswordHash::new("correct horse ﾊﾞｯﾃﾘｰ", [8; SALT]).unwrap(), hash);
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
    }

    #[test]
    fn length_counts_and_the_obvious_is_refused() {
        let login: Login = "aki.tanaka@desk".parse().unwrap();
        let check = |password: &str| check_password(password, &login);
        assert_eq!(check("passphrase"), Err(PasswordError::TooShort));
        assert_eq!(check(&"xyz".repeat(100)), Err(PasswordError::TooLong));
        assert_eq!(check("abababababababab"), Err(PasswordError::TooSimple));
        assert_eq!(check("Aki.Tanaka@desk"), Err(PasswordError::TooSimple));
        assert_eq!(check("犬が西向きゃ尾は東だった"), Ok(()));
    }
}
