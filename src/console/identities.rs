//! Who the people of `/people` are to OpenID providers, for admins.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;

use super::error::{ErrorPage, PageError};
use super::layout::Moment;
use super::locale::Locale;
use super::state::Desk;
use super::whom::Whom;
use crate::access::{AccountId, Principal};
use crate::store::BoundIdentity;

/// Who somebody is to an OpenID provider.
pub(super) struct Bound {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) since: Moment,
}

pub(super) fn by_account(identities: Vec<BoundIdentity>) -> BTreeMap<AccountId, Vec<Bound>> {
    let mut bound: BTreeMap<AccountId, Vec<Bound>> = BTreeMap::new();
    for BoundIdentity { account_id, identity, bound_at } in identities {
        bound.entry(account_id).or_default().push(Bound {
            issuer: identity.issuer().to_owned(),
            subject: identity.subject().to_owned(),
            since: bound_at.into(),
        });
    }
    bound
}

/// Whoever comes next by an OpenID provider with the account's log-in gets it. Safe to repeat.
pub(super) async fn unbind(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    Whom(row): Whom,
) -> Result<Response, ErrorPage> {
    // The claim may no longer name the account, and nobody else might be there to let them in.
    if row.account_id == principal.account_id {
        return Err(PageError::OwnAccount.page(locale));
    }
    match desk.store.unbind(row.account_id, &principal.actor(), Utc::now()).await {
        Ok(_) => Ok(Redirect::to("/people?saved=yes").into_response()),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}
