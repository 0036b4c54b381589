//! The list of endpoints, and the page of each with its deliveries.

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Utc;
use serde::Deserialize;

use crate::access::WebhookSecret;
use crate::console::error::{ErrorPage, PageError};
use crate::console::layout::{Frame, Moment, Room, grouped, render};
use crate::console::locale::Locale;
use crate::console::state::Desk;
use crate::console::words::WebhookWords;
use crate::contract::WebhookEvent;
use crate::store::webhooks::{Attempt, Delivery, DeliveryListing, DeliveryState, Endpoint};

/// Deliveries of one page.
const ROWS: u32 = 25;

#[derive(Template)]
#[template(path = "webhooks.html")]
struct ListView {
    frame: Frame,
    notice: Option<Notice>,
    endpoints: Vec<Shown>,
    /// What was typed for a new one.
    typed: String,
    choices: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "webhook.html")]
struct EndpointView {
    frame: Frame,
    notice: Option<Notice>,
    made: Option<String>,
    endpoint: Shown,
    choices: Vec<Choice>,
    views: Vec<ViewLink>,
    deliveries: Vec<Sent>,
    older: Option<String>,
}

/// What is told above the page.
pub(super) struct Notice {
    pub(super) text: &'static str,
    /// It went well.
    pub(super) good: bool,
}

/// An endpoint as pages show it.
struct Shown {
    id: i64,
    generation: u32,
    url: String,
    events: Vec<&'static str>,
    active: bool,
    state: &'static str,
    failing_since: Option<Moment>,
    previous_until: Option<Moment>,
    created: Moment,
    created_by: String,
}

/// An event to choose.
struct Choice {
    key: &'static str,
    name: &'static str,
    chosen: bool,
}

struct ViewLink {
    href: String,
    name: &'static str,
    here: bool,
}

/// A delivery as its endpoint's page shows it.
struct Sent {
    id: i64,
    event: String,
    message_id: String,
    created: Moment,
    state: &'static str,
    next: Option<Moment>,
    attempts: Vec<Tried>,
    may_repeat: bool,
}

struct Tried {
    number: u32,
    at: Moment,
    took: String,
    status: Option<u16>,
    failure: Option<&'static str>,
}

#[derive(Default, Deserialize)]
pub(in crate::console) struct Asked {
    told: Option<String>,
    state: Option<String>,
    before: Option<String>,
}

impl Asked {
    /// What the address says that has just been done.
    fn notice(&self, words: &WebhookWords) -> Option<Notice> {
        let good = |text| Some(Notice { text, good: true });
        match self.told.as_deref()? {
            "saved" => good(words.saved),
            "deleted" => good(words.deleted),
            "test" => good(words.test_sent),
            "again" => good(words.sent_again),
            _ => None,
        }
    }
}

pub(in crate::console) async fn page(
    State(desk): State<Desk>,
    locale: Locale,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let asked = asked.map_or(Asked::default(), |Query(asked)| asked);
    let notice = asked.notice(locale.words().webhooks);
    list(&desk, locale, notice, "", &[], StatusCode::OK).await
}

/// The list, with what was typed for a new endpoint.
pub(super) async fn list(
    desk: &Desk,
    locale: Locale,
    notice: Option<Notice>,
    typed: &str,
    chosen: &[WebhookEvent],
    status: StatusCode,
) -> Result<Response, ErrorPage> {
    let words = locale.words().webhooks;
    let endpoints = match desk.store.webhooks().await {
        Ok(endpoints) => endpoints,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let view = ListView {
        frame: Frame::new(&locale, Room::Webhooks, words.title),
        notice,
        endpoints: endpoints.into_iter().map(|endpoint| shown(endpoint, words)).collect(),
        typed: typed.to_owned(),
        choices: choices(words, |event| chosen.contains(&event)),
    };
    Ok(render(status, &view))
}

fn choices(words: &WebhookWords, chosen: impl Fn(WebhookEvent) -> bool) -> Vec<Choice> {
    let choice = |event: WebhookEvent| Choice {
        key: event.as_str(),
        name: (words.event_name)(event),
        chosen: chosen(event),
    };
    WebhookEvent::ALL.map(choice).into()
}

fn shown(endpoint: Endpoint, words: &WebhookWords) -> Shown {
    let active = endpoint.wish.active;
    Shown {
        id: endpoint.endpoint_id,
        generation: endpoint.generation,
        url: endpoint.wish.url,
        events: endpoint.wish.events.into_iter().map(WebhookEvent::as_str).collect(),
        active,
        state: match (active, endpoint.gone_at) {
            (true, _) => words.state_on,
            (false, Some(_)) => words.state_gone,
            (false, None) => words.state_off,
        },
        failing_since: endpoint.failing_since.filter(|_| active).map(Moment::from),
        previous_until: endpoint.previous_until.filter(|until| *until > Utc::now()).map(Moment::from),
        created: endpoint.created_at.into(),
        created_by: endpoint.created_by,
    }
}

pub(in crate::console) async fn endpoint_page(
    State(desk): State<Desk>,
    locale: Locale,
    id: Result<Path<i64>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownPage.page(locale)) };
    let asked = asked.map_or(Asked::default(), |Query(asked)| asked);
    let notice = asked.notice(locale.words().webhooks);
    one(&desk, locale, id, Head { notice, ..Head::default() }, &asked).await
}

/// What stands above an endpoint's page.
#[derive(Default)]
pub(super) struct Head {
    pub(super) notice: Option<Notice>,
    /// Shown once.
    pub(super) made: Option<WebhookSecret>,
    pub(super) status: StatusCode,
}

/// The page of one endpoint.
pub(super) async fn one(
    desk: &Desk,
    locale: Locale,
    id: i64,
    head: Head,
    asked: &Asked,
) -> Result<Response, ErrorPage> {
    let words = locale.words().webhooks;
    let state = asked.state.as_deref().and_then(DeliveryState::read);
    let wanted = DeliveryListing {
        only: None,
        endpoint_id: Some(id),
        state,
        before: asked.before.as_deref().and_then(|number| number.parse().ok()),
        limit: ROWS + 1,
    };
    let read = async {
        let endpoint = desk.store.webhook(id).await?;
        Ok((endpoint, desk.store.webhook_deliveries(&wanted).await?))
    };
    let (endpoint, mut rows) = match read.await {
        Ok((Some(endpoint), rows)) => (endpoint, rows),
        Ok((None, _)) => return Err(PageError::UnknownPage.page(locale)),
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let more = rows.len() > ROWS as usize;
    rows.truncate(ROWS as usize);
    let query = state.map_or(String::new(), |state| format!("state={}&", state.as_str()));
    let older = rows.last().filter(|_| more);
    let older = older.map(|row| format!("/webhooks/{id}?{query}before={}#deliveries", row.delivery_id));
    let events = endpoint.wish.events.clone();
    let active = endpoint.wish.active;
    let view = EndpointView {
        frame: Frame::new(&locale, Room::Webhooks, words.title),
        notice: head.notice,
        made: head.made.map(|secret| secret.reveal()),
        endpoint: shown(endpoint, words),
        choices: choices(words, |event| events.contains(&event)),
        views: views(id, state, words),
        deliveries: rows.into_iter().map(|row| sent(row, active, words)).collect(),
        older,
    };
    Ok(render(head.status, &view))
}

fn views(id: i64, here: Option<DeliveryState>, words: &WebhookWords) -> Vec<ViewLink> {
    let all = ViewLink { href: format!("/webhooks/{id}#deliveries"), name: words.all, here: here.is_none() };
    let of = |state: DeliveryState| ViewLink {
        href: format!("/webhooks/{id}?state={}#deliveries", state.as_str()),
        name: (words.state_name)(state),
        here: here == Some(state),
    };
    std::iter::once(all).chain(DeliveryState::ALL.map(of)).collect()
}

fn sent(row: Delivery, active: bool, words: &WebhookWords) -> Sent {
    let pending = row.state == DeliveryState::Pending;
    Sent {
        id: row.delivery_id,
        event: row.event,
        message_id: row.webhook_id,
        created: row.created_at.into(),
        state: (words.state_name)(row.state),
        next: pending.then(|| row.due_at.into()),
        attempts: row.attempts.into_iter().map(|attempt| tried(attempt, words)).collect(),
        may_repeat: active && !pending,
    }
}

fn tried(attempt: Attempt, words: &WebhookWords) -> Tried {
    Tried {
        number: attempt.attempt,
        at: attempt.at.into(),
        took: grouped(u64::from(attempt.took_ms)),
        status: attempt.status,
        failure: attempt.failure.map(|failure| (words.failure_name)(failure)),
    }
}
