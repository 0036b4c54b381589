//! The account that an address below `/people` names.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::error::PageError;
use super::locale::Locale;
use super::state::Desk;
use crate::access::AccountId;
use crate::store::AccountRow;

/// As it stands; nobody by that number is answered with a page.
pub(super) struct Whom(pub AccountRow);

impl FromRequestParts<Desk> for Whom {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Response> {
        let told = |error: PageError, parts: &Parts| error.page(Locale::of_parts(parts)).into_response();
        let Ok(Path(id)) = Path::<i64>::from_request_parts(parts, desk).await else {
            return Err(told(PageError::UnknownAccount, parts));
        };
        match desk.store.account(AccountId(id)).await {
            Ok(Some(row)) => Ok(Self(row)),
            Ok(None) => Err(told(PageError::UnknownAccount, parts)),
            Err(error) => Err(told(PageError::Store(error), parts)),
        }
    }
}
