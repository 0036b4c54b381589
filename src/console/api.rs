//! `/api/v1`: for programs, by API tokens.

use axum::Json;
use axum::response::IntoResponse;

use crate::access::{Permission, Principal};

/// Who the token is, and what it may do.
pub(super) async fn me(principal: Principal) -> impl IntoResponse {
    let permissions: Vec<Permission> = Permission::all().filter(|each| principal.may(*each)).collect();
    Json(serde_json::json!({
        "account_id": principal.account_id,
        "login": principal.login.as_str(),
        "name": principal.name,
        "role": principal.role,
        "teams": principal.teams,
        "agent_id": principal.agent_id,
        "permissions": permissions,
    }))
}
