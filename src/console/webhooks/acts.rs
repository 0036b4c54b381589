//! What admins do with endpoints and deliveries.

use std::collections::BTreeSet;

use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, FromRequest, FromRequestParts, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;

use super::page::{Asked, Head, Notice, list, one};
use super::{PREVIOUS_HOLDS, test_id};
use crate::access::{Principal, WebhookSecret};
use crate::console::error::{ErrorPage, PageError};
use crate::console::locale::Locale;
use crate::console::state::Desk;
use crate::console::words::WebhookWords;
use crate::contract::WebhookEvent;
use crate::store::StoreError;
use crate::store::webhooks::{Again, Edit, EndpointWish};
use crate::webhook::target;

type Fields = Vec<(String, String)>;
type Id = Result<Path<i64>, PathRejection>;
type Typed = Result<Form<Fields>, FormRejection>;

fn value<'a>(fields: &'a Fields, key: &str) -> Option<&'a str> {
    fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.trim())
}

fn events(fields: &Fields) -> BTreeSet<WebhookEvent> {
    let chosen = fields.iter().filter(|(name, _)| name == "event");
    chosen.filter_map(|(_, value)| value.parse().ok()).collect()
}

/// An endpoint as a form wishes it, or what is wrong.
fn wished(fields: &Fields, active: bool, words: &WebhookWords) -> Result<EndpointWish, &'static str> {
    let url = target(value(fields, "url").unwrap_or_default()).map_err(words.target_error)?;
    let events = events(fields);
    if events.is_empty() {
        return Err(words.no_events);
    }
    Ok(EndpointWish { url: url.into(), events, active })
}

pub(in crate::console) async fn add(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    form: Typed,
) -> Result<Response, ErrorPage> {
    let fields = form.map_or(Fields::new(), |Form(fields)| fields);
    let words = locale.words().webhooks;
    let secret = WebhookSecret::new(&mut rand::rng());
    let (text, status) = match wished(&fields, true, words) {
        Ok(wish) => match desk.store.add_webhook(&wish, &secret, &principal.actor(), Utc::now()).await {
            Ok(Edit::Done(endpoint)) => {
                let head = Head { made: Some(secret), ..Head::default() };
                return one(&desk, locale, endpoint.endpoint_id, head, &Asked::default()).await;
            }
            Ok(Edit::TooMany | Edit::Unknown | Edit::Stale(_)) => (words.too_many, StatusCode::CONFLICT),
            Err(error) => return Err(PageError::Store(error).page(locale)),
        },
        Err(wrong) => (wrong, StatusCode::BAD_REQUEST),
    };
    let chosen: Vec<WebhookEvent> = events(&fields).into_iter().collect();
    let notice = Some(Notice { text, good: false });
    list(&desk, locale, notice, value(&fields, "url").unwrap_or_default(), &chosen, status).await
}

/// The endpoint that a form means, as its page showed it, with whatever else the form holds.
pub(in crate::console) struct Meant {
    id: i64,
    generation: u32,
    fields: Fields,
}

impl<S: Send + Sync> FromRequest<S> for Meant {
    type Rejection = ErrorPage;

    async fn from_request(request: Request, state: &S) -> Result<Self, ErrorPage> {
        let (mut parts, body) = request.into_parts();
        let locale = Locale::of_parts(&parts);
        let Ok(Path(id)) = Path::from_request_parts(&mut parts, state).await else {
            return Err(PageError::UnknownPage.page(locale));
        };
        let form = Form::<Fields>::from_request(Request::from_parts(parts, body), state).await;
        let fields = form.map_or(Fields::new(), |Form(fields)| fields);
        let generation = value(&fields, "generation").and_then(|text| text.parse().ok());
        match generation {
            Some(generation) => Ok(Self { id, generation, fields }),
            None => Err(PageError::Form.page(locale)),
        }
    }
}

pub(in crate::console) async fn change(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    Meant { id, generation, fields }: Meant,
) -> Result<Response, ErrorPage> {
    let words = locale.words().webhooks;
    let wish = match wished(&fields, value(&fields, "active").is_some(), words) {
        Ok(wish) => wish,
        Err(wrong) => return refused(&desk, locale, id, wrong, StatusCode::BAD_REQUEST).await,
    };
    let edit = desk.store.change_webhook(id, generation, &wish, &principal.actor(), Utc::now()).await;
    edited(&desk, locale, id, edit, format!("/webhooks/{id}?told=saved")).await
}

pub(in crate::console) async fn rotate(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    Meant { id, generation, .. }: Meant,
) -> Result<Response, ErrorPage> {
    let (secret, now) = (WebhookSecret::new(&mut rand::rng()), Utc::now());
    let (until, by) = (now + PREVIOUS_HOLDS, principal.actor());
    match desk.store.rotate_webhook_secret(id, generation, &secret, until, &by, now).await {
        Ok(Edit::Done(_)) => {
            let head = Head { made: Some(secret), ..Head::default() };
            one(&desk, locale, id, head, &Asked::default()).await
        }
        edit => edited(&desk, locale, id, edit, format!("/webhooks/{id}")).await,
    }
}

pub(in crate::console) async fn delete(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    Meant { id, generation, .. }: Meant,
) -> Result<Response, ErrorPage> {
    let edit = desk.store.delete_webhook(id, generation, &principal.actor(), Utc::now()).await;
    edited(&desk, locale, id, edit, "/webhooks?told=deleted".into()).await
}

/// Leads on after a change, or says why there was none.
async fn edited(
    desk: &Desk,
    locale: Locale,
    id: i64,
    edit: Result<Edit, StoreError>,
    to: String,
) -> Result<Response, ErrorPage> {
    match edit {
        Ok(Edit::Done(_)) => Ok(Redirect::to(&to).into_response()),
        Ok(Edit::Unknown) => Err(PageError::UnknownPage.page(locale)),
        Ok(Edit::Stale(_) | Edit::TooMany) => {
            let stale = locale.words().webhooks.stale;
            refused(desk, locale, id, stale, StatusCode::CONFLICT).await
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

/// The endpoint's page, with why nothing was done.
async fn refused(
    desk: &Desk,
    locale: Locale,
    id: i64,
    text: &'static str,
    status: StatusCode,
) -> Result<Response, ErrorPage> {
    let head = Head { notice: Some(Notice { text, good: false }), made: None, status };
    one(desk, locale, id, head, &Asked::default()).await
}

pub(in crate::console) async fn test(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    id: Id,
) -> Result<Response, ErrorPage> {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownPage.page(locale)) };
    match desk.store.test_webhook(id, &test_id(), &principal.actor(), Utc::now()).await {
        Ok(Again::Done(_)) => {
            Ok(Redirect::to(&format!("/webhooks/{id}?told=test#deliveries")).into_response())
        }
        Ok(Again::Inactive | Again::Pending) => {
            let inactive = locale.words().webhooks.inactive;
            refused(&desk, locale, id, inactive, StatusCode::CONFLICT).await
        }
        Ok(Again::Unknown) => Err(PageError::UnknownPage.page(locale)),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

pub(in crate::console) async fn send_again(
    State(desk): State<Desk>,
    locale: Locale,
    principal: Principal,
    id: Id,
    form: Typed,
) -> Result<Response, ErrorPage> {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownPage.page(locale)) };
    let fields = form.map_or(Fields::new(), |Form(fields)| fields);
    let words = locale.words().webhooks;
    let why = match desk.store.send_webhook_again(id, &principal.actor(), Utc::now()).await {
        Ok(Again::Done(delivery)) => {
            let to = format!("/webhooks/{}?told=again#deliveries", delivery.endpoint_id);
            return Ok(Redirect::to(&to).into_response());
        }
        Ok(Again::Inactive) => words.inactive,
        Ok(Again::Pending) => words.pending,
        Ok(Again::Unknown) => return Err(PageError::UnknownPage.page(locale)),
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    // On whose page the button was.
    let endpoint = value(&fields, "endpoint").and_then(|text| text.parse().ok());
    let Some(endpoint) = endpoint else { return Err(PageError::Form.page(locale)) };
    refused(&desk, locale, endpoint, why, StatusCode::CONFLICT).await
}
