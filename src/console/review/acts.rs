//! What the buttons of an alert's page do. Every one is a form; a script may press it, and keeps a claim while the page is open.

use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;

use super::Asked;
use super::warnings;
use crate::access::{Permission, Principal};
use crate::console::error::{ErrorPage, PageError};
use crate::console::layout::{Frame, Moment, Room, render};
use crate::console::locale::Locale;
use crate::console::state::Desk;
use crate::contract::{Language, Policy, Ruling};
use crate::store::StoreError;
use crate::store::review::{AlertFile, Claim, Direction, Order, Reach, Refused, Saying, View as Of};

/// A page that is left keeps its alert for so long: it may only be loaded anew.
const LEAVING: TimeDelta = TimeDelta::seconds(15);
/// Characters of a note and of a subtype.
pub(in crate::console) const LONGEST_NOTE: usize = 500;
pub(in crate::console) const LONGEST_SUBTYPE: usize = 60;

type Id = Result<Path<i64>, PathRejection>;
type Answer = Result<Response, ErrorPage>;

/// The claim that the page showed.
#[derive(Deserialize)]
pub(in crate::console) struct Held {
    generation: u32,
}

#[derive(Deserialize)]
pub(in crate::console) struct Decision {
    generation: u32,
    /// A ruling, or `escalated`.
    decision: String,
    #[serde(default)]
    policy: String,
    #[serde(default)]
    subtype: String,
    #[serde(default)]
    note: String,
    /// Those of the same text up to this alert; absent for this one alone.
    alike: Option<i64>,
}

#[derive(Deserialize)]
pub(in crate::console) struct Warning {
    language: Language,
}

#[derive(Template)]
#[template(path = "alert_refused.html")]
struct RefusedPage {
    frame: Frame,
    what: &'static str,
    advice: &'static str,
    /// Who has it now.
    holder: Option<String>,
    alert: Option<i64>,
    query: String,
}

/// Takes an alert.
pub(in crate::console) async fn claim(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
) -> Answer {
    let id = number(id, &locale)?;
    let (login, lease) = (principal.login.as_str(), desk.settings.lease);
    let claimed = desk.store.claim_alert(id, login, reach(&principal), lease, Utc::now()).await;
    match told(claimed, &locale)? {
        Ok(_) => Ok(to_alert(id, &asked, "")),
        Err(refused) => refusal(&locale, refused, Some(id), &asked),
    }
}

/// Takes the first alert of the list.
pub(in crate::console) async fn next(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
) -> Answer {
    onward(&desk, &principal, locale, &asked, "").await
}

/// Puts the alert back and takes the one after it, or the first one if it was the last.
pub(in crate::console) async fn next_of(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Held>, FormRejection>,
) -> Answer {
    beside(desk, principal, locale, asked, id, form, Direction::Forward).await
}

pub(in crate::console) async fn previous_of(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Held>, FormRejection>,
) -> Answer {
    beside(desk, principal, locale, asked, id, form, Direction::Backward).await
}

async fn beside(
    desk: Desk,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Held>, FormRejection>,
    direction: Direction,
) -> Answer {
    let (id, form) = both(id, form, &locale)?;
    let asked = asked.to_work();
    work_allowed(&principal, &locale, &asked)?;
    let Some(file) = file(&desk, &locale, id).await? else {
        return Err(PageError::UnknownAlert.page(locale));
    };
    let now = Utc::now();
    let login = principal.login.as_str();
    told(desk.store.release_claim(id, login, form.generation, now).await, &locale)?;
    let wanted = Asked { from: Some(file.row.cursor(Of::Open)), direction, ..asked.clone() };
    let listing = wanted.listing(login, 1, now);
    match told(desk.store.claim_next(&listing, login, desk.settings.lease, now).await, &locale)? {
        Some((next, _)) => Ok(to_alert(next, &asked, "")),
        None => onward(&desk, &principal, locale, &asked, "").await,
    }
}

/// Tells that the page is still open. For scripts: no page comes back.
pub(in crate::console) async fn renew(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    id: Id,
    form: Result<Form<Held>, FormRejection>,
) -> Answer {
    let until = Utc::now() + desk.settings.lease;
    until_then(&desk, &principal, locale, id, form, until).await
}

/// Tells that the page was left: the alert is free soon, but not at once, as the page may only be loaded anew.
pub(in crate::console) async fn leave(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    id: Id,
    form: Result<Form<Held>, FormRejection>,
) -> Answer {
    let until = Utc::now() + LEAVING.min(desk.settings.lease);
    until_then(&desk, &principal, locale, id, form, until).await
}

async fn until_then(
    desk: &Desk,
    principal: &Principal,
    locale: Locale,
    id: Id,
    form: Result<Form<Held>, FormRejection>,
    until: DateTime<Utc>,
) -> Answer {
    let (id, form) = both(id, form, &locale)?;
    let (login, reach) = (principal.login.as_str(), reach(principal));
    let renewed = desk.store.renew_claim(id, login, reach, form.generation, until).await;
    Ok(match told(renewed, &locale)? {
        Ok(Claim { until, .. }) => {
            (StatusCode::OK, until.to_rfc3339_opts(SecondsFormat::Secs, true)).into_response()
        }
        Err(_) => StatusCode::CONFLICT.into_response(),
    })
}

/// Puts the alert back.
pub(in crate::console) async fn release(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Held>, FormRejection>,
) -> Answer {
    let (id, form) = both(id, form, &locale)?;
    let login = principal.login.as_str();
    told(desk.store.release_claim(id, login, form.generation, Utc::now()).await, &locale)?;
    Ok(to_queue(&asked, "&done=released"))
}

/// Decides, and opens the next one.
pub(in crate::console) async fn decide(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Decision>, FormRejection>,
) -> Answer {
    let (id, form) = both(id, form, &locale)?;
    // Before anything is written: the next alert of this list opens afterwards.
    work_allowed(&principal, &locale, &asked)?;
    let Some((saying, name)) = saying(&form) else { return Err(PageError::ReviewForm.page(locale)) };
    if let Saying::Ruled { policy: Some(policy), .. } = &saying
        && !desk.settings.policies.contains(policy)
    {
        // What it was flagged for stands on the page, configured still or not.
        let flagged = file(&desk, &locale, id).await?.is_some_and(|file| file.row.alert.policy == *policy);
        if !flagged {
            return Err(PageError::ReviewForm.page(locale));
        }
    }
    let order = Order {
        alert_id: id,
        generation: form.generation,
        by: principal.actor(),
        reach: reach(&principal),
        saying,
        note: cut(&form.note, LONGEST_NOTE),
        alike_up_to: form.alike,
        at: Utc::now(),
    };
    match told(desk.store.decide_alert(&order).await, &locale)? {
        Ok(done) => {
            let asked = asked.to_work();
            onward(&desk, &principal, locale, &asked, &format!("&done={name}&count={}", done.count)).await
        }
        Err(refused) => refusal(&locale, refused, Some(id), &asked),
    }
}

fn saying(form: &Decision) -> Option<(Saying, &'static str)> {
    if form.decision == "escalated" {
        return Some((Saying::Escalated, "escalated"));
    }
    let ruling: Ruling = form.decision.parse().ok()?;
    let policy: Option<Policy> = if form.policy.is_empty() { None } else { Some(form.policy.parse().ok()?) };
    let subtype = cut(&form.subtype, LONGEST_SUBTYPE);
    Some((Saying::Ruled { ruling, policy, subtype }, ruling.as_str()))
}

fn cut(text: &str, longest: usize) -> Option<String> {
    // PostgreSQL stores no NUL, and nobody reads the others.
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let text: String = text.trim().chars().take(longest).collect();
    (!text.is_empty()).then_some(text)
}

/// Takes back the last decision and opens that alert again.
pub(in crate::console) async fn undo(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
) -> Answer {
    let now = Utc::now();
    let since = now - desk.settings.undo;
    let undone = desk.store.undo_decision(&principal.actor(), since, desk.settings.lease, now).await;
    match told(undone, &locale)? {
        Ok(done) => Ok(to_alert(done.alert_id, &asked, &format!("&done=undone&count={}", done.count))),
        Err(refused) => refusal(&locale, refused, None, &asked),
    }
}

pub(in crate::console) async fn hide(
    desk: State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
) -> Answer {
    set_hidden(desk, principal, locale, asked, id, true).await
}

pub(in crate::console) async fn restore(
    desk: State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
) -> Answer {
    set_hidden(desk, principal, locale, asked, id, false).await
}

async fn set_hidden(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    hidden: bool,
) -> Answer {
    let id = number(id, &locale)?;
    let (by, now) = (principal.actor(), Utc::now());
    let changed = desk.store.set_hidden(id, hidden, &by, reach(&principal), now).await;
    let name = if hidden { "hidden" } else { "restored" };
    acted(told(changed, &locale)?, name, id, &locale, &asked)
}

pub(in crate::console) async fn warn(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Warning>, FormRejection>,
) -> Answer {
    let (id, form) = both(id, form, &locale)?;
    let (by, now) = (principal.actor(), Utc::now());
    let reach = reach(&principal);
    let warned = desk.store.warn_sender(id, form.language, warnings::text, &by, reach, now).await;
    acted(told(warned, &locale)?, "warned", id, &locale, &asked)
}

fn acted(changed: Result<bool, Refused>, name: &str, id: i64, locale: &Locale, asked: &Asked) -> Answer {
    match changed {
        Ok(true) => Ok(to_alert(id, asked, &format!("&done={name}"))),
        Ok(false) => Ok(to_alert(id, asked, "&done=already")),
        Err(refused) => refusal(locale, refused, Some(id), asked),
    }
}

/// Opens the first alert of the list that nobody has.
async fn onward(desk: &Desk, principal: &Principal, locale: Locale, asked: &Asked, done: &str) -> Answer {
    let asked = asked.to_work();
    work_allowed(principal, &locale, &asked)?;
    let (login, now) = (principal.login.as_str(), Utc::now());
    let listing = asked.listing(login, 1, now);
    match told(desk.store.claim_next(&listing, login, desk.settings.lease, now).await, &locale)? {
        Some((id, _)) => Ok(to_alert(id, &asked, done)),
        None => Ok(to_queue(&asked, if done.is_empty() { "&done=none" } else { done })),
    }
}

/// Whoever escalates leaves the decision to those who supervise.
fn work_allowed(principal: &Principal, locale: &Locale, asked: &Asked) -> Result<(), ErrorPage> {
    if asked.view == Of::Escalated && reach(principal) == Reach::Usual {
        return Err(PageError::Forbidden.page(locale.clone()));
    }
    Ok(())
}

/// Which alerts somebody who reviews may change.
pub(in crate::console) fn reach(principal: &Principal) -> Reach {
    if principal.may(Permission::Supervise) { Reach::Escalated } else { Reach::Usual }
}

async fn file(desk: &Desk, locale: &Locale, id: i64) -> Result<Option<AlertFile>, ErrorPage> {
    told(desk.store.alert_file(id, 0).await, locale)
}

fn told<T>(result: Result<T, StoreError>, locale: &Locale) -> Result<T, ErrorPage> {
    result.map_err(|error| PageError::Store(error).page(locale.clone()))
}

fn number(id: Id, locale: &Locale) -> Result<i64, ErrorPage> {
    id.map(|Path(id)| id).map_err(|_| PageError::UnknownAlert.page(locale.clone()))
}

fn both<T>(id: Id, form: Result<Form<T>, FormRejection>, locale: &Locale) -> Result<(i64, T), ErrorPage> {
    let id = number(id, locale)?;
    let Ok(Form(form)) = form else { return Err(PageError::ReviewForm.page(locale.clone())) };
    Ok((id, form))
}

fn to_alert(id: i64, asked: &Asked, done: &str) -> Response {
    Redirect::to(&format!("/alerts/{id}?{}{done}", asked.query())).into_response()
}

fn to_queue(asked: &Asked, done: &str) -> Response {
    Redirect::to(&format!("/alerts?{}{done}", asked.query())).into_response()
}

/// A page that says why nothing was written, and who has the alert now.
fn refusal(locale: &Locale, refused: Refused, alert: Option<i64>, asked: &Asked) -> Answer {
    match refused {
        Refused::Unknown => return Err(PageError::UnknownAlert.page(locale.clone())),
        Refused::Escalated => return Err(PageError::Forbidden.page(locale.clone())),
        _ => {}
    }
    let words = locale.words();
    let (what, advice) = (words.review.refused)(&refused);
    let holder = match &refused {
        Refused::Held(claim) => Some((words.review.held_now)(&claim.by, &Moment::from(claim.until).shown)),
        Refused::Decided { by, ruling, .. } => {
            Some(format!("{}: {}", (words.review.decided_by)(by), (words.review.ruling_name)(*ruling)))
        }
        _ => None,
    };
    let page = RefusedPage {
        frame: Frame::new(locale, Room::Alerts, what),
        what,
        advice,
        holder,
        alert,
        query: asked.query(),
    };
    Ok(render(StatusCode::CONFLICT, &page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(decision: &str, policy: &str) -> Decision {
        Decision {
            generation: 1,
            decision: decision.into(),
            policy: policy.into(),
            subtype: "  contact ".into(),
            note: " ".into(),
            alike: None,
        }
    }

    #[test]
    fn a_decision_is_one_of_four_and_names_a_policy_or_none() {
        assert_eq!(saying(&form("escalated", "")), Some((Saying::Escalated, "escalated")));
        let (ruled, name) = saying(&form("violation", "harassment")).unwrap();
        let policy = Some(Policy::new("harassment"));
        let expected = Saying::Ruled { ruling: Ruling::Violation, policy, subtype: Some("contact".into()) };
        assert_eq!((ruled, name), (expected, "violation"));
        assert_eq!(saying(&form("guilty", "")), None);
        assert_eq!(saying(&form("violation", "<b>")), None);
        assert_eq!(cut("\0 a\u{7}b\n", LONGEST_NOTE).as_deref(), Some("ab"));
        assert_eq!(cut(&"あ".repeat(600), LONGEST_NOTE).unwrap().chars().count(), LONGEST_NOTE);
    }
}
