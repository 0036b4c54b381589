//! The switch of a rule.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use super::address;
use super::one::{self, Told};
use crate::access::Principal;
use crate::console::error::{ErrorPage, PageError};
use crate::console::locale::Locale;
use crate::console::state::Desk;
use crate::store::rules::{SwitchOrder, SwitchReason, Switched};

#[derive(Deserialize)]
pub(in crate::console) struct Typed {
    rule: String,
    /// `off` or `on`.
    to: String,
    #[serde(default)]
    reason: String,
    /// How the rule stood on the page.
    generation: u32,
}

pub(in crate::console) async fn switch(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    form: Result<Form<Typed>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Form(typed)) = form else { return Err(PageError::Form.page(locale)) };
    let off = match typed.to.as_str() {
        "off" => true,
        "on" => false,
        _ => return Err(PageError::Form.page(locale)),
    };
    let words = locale.words();
    let again = |status, text, reason| Told { status, text: Some((text, false)), reason };
    let Ok(reason) = typed.reason.parse::<SwitchReason>() else {
        let told = again(StatusCode::BAD_REQUEST, words.rules.no_reason, typed.reason);
        return one::answer(&desk, &principal, locale, &typed.rule, super::figures::LONGER, told).await;
    };
    match known(&desk, &typed.rule).await {
        Ok(true) => {}
        Ok(false) => return Err(PageError::UnknownRule.page(locale)),
        Err(error) => return Err(error.page(locale)),
    }
    let order = SwitchOrder {
        rule_id: typed.rule.clone(),
        off,
        reason,
        generation: typed.generation,
        by: principal.actor(),
        at: Utc::now(),
    };
    match desk.store.switch_rule(&order).await {
        Ok(Switched::Done) => {
            let to = if off { "off" } else { "on" };
            Ok(Redirect::to(&format!("{}?switched={to}", address(&typed.rule))).into_response())
        }
        Ok(Switched::Stale(_) | Switched::Already) => {
            let told = again(StatusCode::CONFLICT, words.rules.stale_switch, typed.reason);
            one::answer(&desk, &principal, locale, &typed.rule, super::figures::LONGER, told).await
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

async fn known(desk: &Desk, rule: &str) -> Result<bool, PageError> {
    if one::is_known(&desk.rules.now(), None, rule) {
        return Ok(true);
    }
    let figures = super::figures::Figures::read(&*desk.store, Utc::now()).await.map_err(PageError::Store)?;
    Ok(one::is_known(&desk.rules.now(), figures.switch(rule), rule))
}
