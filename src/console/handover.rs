//! The buttons of `/inquiries`: who has an inquiry changes by the same compare-and-set as everywhere, and the list tells what came of it.

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use super::error::{ErrorPage, PageError};
use super::locale::Locale;
use super::paging::{PageNumber, ROWS};
use crate::contract::{AgentId, InquiryId, Skill};
use crate::store::{Change, Lost, Store, StoreError};

/// There is no log-in yet that would tell who it was.
const BY: &str = "supervisor:console";

/// What a button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Accepted,
    PassedOn,
    Resolved,
    Classified,
}

impl Deed {
    const ALL: [Deed; 4] = [Deed::Accepted, Deed::PassedOn, Deed::Resolved, Deed::Classified];

    fn as_str(self) -> &'static str {
        match self {
            Deed::Accepted => "accepted",
            Deed::PassedOn => "passed_on",
            Deed::Resolved => "resolved",
            Deed::Classified => "classified",
        }
    }
}

/// What is left in the address after a button was pressed.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    inquiry: Option<String>,
    done: Option<String>,
    lost: Option<String>,
}

impl Outcome {
    /// The inquiry with what became of it; none for an address that no button leads to.
    pub(super) fn read(self) -> Option<(InquiryId, Result<Deed, Lost>)> {
        let inquiry = InquiryId::new(self.inquiry?).ok()?;
        let done = self.done.and_then(|name| Deed::ALL.into_iter().find(|deed| deed.as_str() == name));
        let lost = || {
            let named = self.lost.as_deref()?;
            [Lost::Gone, Lost::Expired].into_iter().find(|lost| lost_name(*lost) == named)
        };
        Some((inquiry, done.map(Ok).or_else(|| lost().map(Err))?))
    }
}

/// In an address.
fn lost_name(lost: Lost) -> &'static str {
    if lost == Lost::Expired { "expired" } else { "gone" }
}

type Id = Result<Path<InquiryId>, PathRejection>;

/// Who presses the button, and on what.
#[derive(Deserialize)]
pub(super) struct Held {
    agent_id: AgentId,
    generation: u32,
}

#[derive(Deserialize)]
pub(super) struct Passing {
    agent_id: AgentId,
    generation: u32,
    /// Empty if none of the skills fits, or the agent cannot do it now.
    right_skill: String,
}

#[derive(Deserialize)]
pub(super) struct Resolution {
    agent_id: AgentId,
    generation: Option<u32>,
}

#[derive(Deserialize)]
pub(super) struct Classification {
    skill: Skill,
    generation: u32,
}

pub(super) async fn accept(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    number: PageNumber,
    id: Id,
    form: Result<Form<Held>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let (id, form) = both(id, form, &locale)?;
    let change = store.accept(&id, &form.agent_id, form.generation, Utc::now()).await;
    back(&id, Deed::Accepted, change, number, locale)
}

pub(super) async fn pass_on(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    number: PageNumber,
    id: Id,
    form: Result<Form<Passing>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let (id, form) = both(id, form, &locale)?;
    let right = match form.right_skill.as_str() {
        "" => None,
        name => match name.parse() {
            Ok(skill) => Some(skill),
            Err(_) => return Err(PageError::Form.page(locale)),
        },
    };
    let change = store.reject(&id, &form.agent_id, form.generation, right, Utc::now()).await;
    back(&id, Deed::PassedOn, change, number, locale)
}

/// Ends the assignment. Safe to repeat.
pub(super) async fn resolve(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    number: PageNumber,
    id: Id,
    form: Result<Form<Resolution>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let (id, form) = both(id, form, &locale)?;
    let change = store.resolve_inquiry(&id, &form.agent_id, form.generation, Utc::now()).await;
    back(&id, Deed::Resolved, change, number, locale)
}

pub(super) async fn classify(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    number: PageNumber,
    id: Id,
    form: Result<Form<Classification>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let (id, form) = both(id, form, &locale)?;
    let change = store.classify(&id, form.skill, form.generation, BY, Utc::now()).await;
    back(&id, Deed::Classified, change, number, locale)
}

fn both<T>(
    id: Id,
    form: Result<Form<T>, FormRejection>,
    locale: &Locale,
) -> Result<(InquiryId, T), ErrorPage> {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownInquiry.page(locale.clone())) };
    let Ok(Form(form)) = form else { return Err(PageError::Form.page(locale.clone())) };
    Ok((id, form))
}

/// Back to the list, which tells what happened.
fn back(
    id: &InquiryId,
    deed: Deed,
    change: Result<Change, StoreError>,
    number: PageNumber,
    locale: Locale,
) -> Result<Response, ErrorPage> {
    let outcome = match change {
        Ok(Change::Done) => format!("done={}", deed.as_str()),
        Ok(Change::Lost(Lost::Unknown)) => return Err(PageError::UnknownInquiry.page(locale)),
        Ok(Change::Lost(lost)) => format!("lost={}", lost_name(lost)),
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let page = number.wanted().offset / ROWS + 1;
    let to = format!("/inquiries?page={page}&inquiry={}&{outcome}", encoded(id.as_str()));
    Ok(Redirect::to(&to).into_response())
}

/// For one segment of a path or one value of a query: everything but unreserved characters is escaped.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_needs_an_identifier_and_a_known_name() {
        let read = |inquiry: &str, done: Option<&str>, lost: Option<&str>| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            Outcome { inquiry: Some(inquiry.into()), done: text(done), lost: text(lost) }.read()
        };
        assert!(read("", Some("resolved"), None).is_none());
        assert!(read("q-1", Some("<b>"), None).is_none());
        assert!(read("q-1", None, None).is_none());
        let id = InquiryId::new("q-1").unwrap();
        assert_eq!(read("q-1", Some("passed_on"), None), Some((id.clone(), Ok(Deed::PassedOn))));
        assert_eq!(read("q-1", None, Some("expired")), Some((id, Err(Lost::Expired))));
    }
}
