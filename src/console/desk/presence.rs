//! Whether one's own agent is there to take inquiries.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use super::Asked;
use crate::access::{Permission, Principal};
use crate::console::error::{ErrorPage, PageError};
use crate::console::layout::Moment;
use crate::console::locale::Locale;
use crate::console::state::Desk;
use crate::store::StoreError;

/// What the switch shows.
pub(in crate::console) struct Here {
    pub(in crate::console) available: bool,
    pub(in crate::console) open: u32,
    pub(in crate::console) capacity: u32,
    pub(in crate::console) away_since: Option<Moment>,
}

/// The reader's own agent; none for somebody who is none.
pub(in crate::console) async fn here(desk: &Desk, principal: &Principal) -> Result<Option<Here>, StoreError> {
    let Some(agent) = principal.agent_id.as_ref().filter(|_| principal.may(Permission::WorkInquiries)) else {
        return Ok(None);
    };
    let standing = desk.store.agent_standing(agent).await?;
    Ok(standing.map(|standing| Here {
        available: standing.available,
        open: standing.open,
        capacity: standing.capacity,
        away_since: standing.away_since.map(Moment::from),
    }))
}

#[derive(Deserialize)]
pub(in crate::console) struct Presence {
    available: bool,
}

pub(in crate::console) async fn set(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    form: Result<Form<Presence>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Form(form)) = form else { return Err(PageError::DeskForm.page(locale)) };
    let Some(agent) = &principal.agent_id else { return Err(PageError::NoAgent.page(locale)) };
    match desk.store.set_available(agent, form.available, &principal.actor(), Utc::now()).await {
        Ok(_) => Ok(Redirect::to(&format!("/inquiries?{}", asked.back(&principal))).into_response()),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}
