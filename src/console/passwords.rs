//! Hashing, away from the threads that serve.

use rand::Rng;

use super::state::Desk;
use crate::access::PasswordHash;
use crate::store::StoreError;

/// The hash of a password that was checked.
pub(super) async fn hashed(desk: &Desk, password: String) -> Result<PasswordHash, StoreError> {
    let mut salt = [0u8; 16];
    rand::rng().fill_bytes(&mut salt);
    let hash = off_thread(desk, move || PasswordHash::new(&password, salt)).await;
    hash.flatten().ok_or_else(|| StoreError::Unexpected("a password could not be hashed".into()))
}

/// Whether it is the password; without anything to compare with, `false` after the same time.
pub(super) async fn is_right(desk: &Desk, expected: Option<PasswordHash>, password: String) -> bool {
    let compared = off_thread(desk, move || match expected {
        Some(hash) => hash.is_of(&password),
        None => {
            PasswordHash::work_for_nothing(&password);
            false
        }
    });
    compared.await.unwrap_or(false)
}

/// None only while the process ends.
async fn off_thread<T: Send + 'static>(desk: &Desk, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let _turn = desk.hashing.acquire().await.ok()?;
    tokio::task::spawn_blocking(work).await.ok()
}
