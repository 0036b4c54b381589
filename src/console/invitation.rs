//! One-time links: made on the command line and by admins, opened at `/set-up/SECRET`.

use chrono::{TimeDelta, Utc};

use crate::access::{AccountId, Actor, Secret};
use crate::config::ConsoleConfig;
use crate::store::{Accounts, NewLink, StoreError};

/// The link for the first admin: somebody sits before the terminal.
const FIRST_HOURS: i64 = 1;
/// A link for a password has to reach its owner.
const PASSWORD_HOURS: i64 = 24;

/// A link that makes the first admin, for an hour; earlier ones do not hold any more. None if there is an admin.
///
/// # Errors
/// Those of the store.
pub async fn first_admin_link(
    accounts: &(impl Accounts + ?Sized),
    config: &ConsoleConfig,
) -> Result<Option<String>, StoreError> {
    made(accounts, None, &config.base_url(config.http), &Actor::program()).await
}

/// A link by which the account sets a password, for a day; earlier ones do not hold any more. None if the account is unknown or disabled.
///
/// # Errors
/// Those of the store.
pub async fn password_link(
    accounts: &(impl Accounts + ?Sized),
    config: &ConsoleConfig,
    account: AccountId,
) -> Result<Option<String>, StoreError> {
    made(accounts, Some(account), &config.base_url(config.http), &Actor::program()).await
}

/// Makes the link below an address of the console.
pub(super) async fn made(
    accounts: &(impl Accounts + ?Sized),
    account_id: Option<AccountId>,
    base: &str,
    by: &Actor,
) -> Result<Option<String>, StoreError> {
    let secret = Secret::new(&mut rand::rng());
    let at = Utc::now();
    let hours = if account_id.is_some() { PASSWORD_HOURS } else { FIRST_HOURS };
    let link = NewLink { secret: secret.hash(), account_id, expires_at: at + TimeDelta::hours(hours) };
    let made = accounts.add_link(&link, by, at).await?;
    Ok(made.then(|| format!("{base}/set-up/{}", secret.reveal())))
}
