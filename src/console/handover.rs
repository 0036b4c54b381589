//! The buttons of `/inquiries`: who has an inquiry changes by the same compare-and-set as everywhere, and the list tells what came of it.
//!
//! Agents act as the agent that their account is linked to, and so only on what they hold; supervisors act as themselves.

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use super::desk::Asked;
use super::error::{ErrorPage, PageError};
use super::locale::Locale;
use crate::access::{Act, AuditEntry, Principal, Subject};
use crate::contract::{AgentId, InquiryId, Skill};
use crate::store::{Change, DirectAssignment, Lost, Store, StoreError};

/// What a button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Accepted,
    PassedOn,
    Resolved,
    Classified,
    Assigned,
    /// Somebody answered the customer.
    Replied,
}

impl Deed {
    const ALL: [Deed; 6] =
        [Deed::Accepted, Deed::PassedOn, Deed::Resolved, Deed::Classified, Deed::Assigned, Deed::Replied];

    fn act(self) -> Act {
        match self {
            Deed::Accepted => Act::InquiryAccepted,
            Deed::PassedOn => Act::InquiryPassedOn,
            Deed::Resolved => Act::InquiryResolved,
            Deed::Classified => Act::InquiryClassified,
            Deed::Assigned => Act::InquiryAssigned,
            Deed::Replied => Act::InquiryReplied,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Deed::Accepted => "accepted",
            Deed::PassedOn => "passed_on",
            Deed::Resolved => "resolved",
            Deed::Classified => "classified",
            Deed::Assigned => "assigned",
            Deed::Replied => "replied",
        }
    }
}

/// What is left in the address after a button was pressed.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Outcome {
    inquiry: Option<String>,
    done: Option<String>,
    lost: Option<String>,
}

impl Outcome {
    /// The inquiry with what became of it; none for an address that no button leads to.
    pub(super) fn read(&self) -> Option<(InquiryId, Result<Deed, Lost>)> {
        let inquiry = InquiryId::new(self.inquiry.as_deref()?).ok()?;
        let done =
            self.done.as_deref().and_then(|name| Deed::ALL.into_iter().find(|deed| deed.as_str() == name));
        let lost = || {
            let named = self.lost.as_deref()?;
            [Lost::Gone, Lost::Expired, Lost::Full].into_iter().find(|lost| lost_name(*lost) == named)
        };
        Some((inquiry, done.map(Ok).or_else(|| lost().map(Err))?))
    }
}

/// In an address.
fn lost_name(lost: Lost) -> &'static str {
    match lost {
        Lost::Expired => "expired",
        Lost::Full | Lost::NotAllowed => "full",
        Lost::Gone | Lost::Unknown => "gone",
    }
}

pub(super) type Id = Result<Path<InquiryId>, PathRejection>;

/// What is held, as the page showed it.
#[derive(Deserialize)]
pub(super) struct Held {
    generation: u32,
}

#[derive(Deserialize)]
pub(super) struct Passing {
    generation: u32,
    /// Empty if none of the skills fits, or the agent cannot do it now.
    right_skill: String,
}

#[derive(Deserialize)]
pub(super) struct Classification {
    skill: Skill,
    generation: u32,
}

#[derive(Deserialize)]
pub(super) struct Order {
    agent_id: AgentId,
    generation: u32,
}

/// What was done, and what is left to tell of it.
struct Done {
    id: InquiryId,
    deed: Deed,
    change: Result<Change, StoreError>,
    /// Name and value for the audit trail.
    detail: Option<(&'static str, String)>,
}

pub(super) async fn accept(
    State(store): State<Arc<dyn Store>>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Held>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let (id, form) = both(id, form, &locale)?;
    let agent = own_agent(&principal, &locale)?;
    let change = store.accept(&id, agent, form.generation, Utc::now()).await;
    back(&*store, &principal, Done { id, deed: Deed::Accepted, change, detail: None }, &asked, locale).await
}

pub(super) async fn pass_on(
    State(store): State<Arc<dyn Store>>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Passing>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let (id, form) = both(id, form, &locale)?;
    let agent = own_agent(&principal, &locale)?;
    let right: Option<Skill> = match form.right_skill.as_str() {
        "" => None,
        name => match name.parse() {
            Ok(skill) => Some(skill),
            Err(_) => return Err(PageError::Form.page(locale)),
        },
    };
    let change = store.reject(&id, agent, form.generation, right, Utc::now()).await;
    let detail = right.map(|skill| ("right_skill", skill.to_string()));
    back(&*store, &principal, Done { id, deed: Deed::PassedOn, change, detail }, &asked, locale).await
}

/// Ends the assignment. Safe to repeat.
pub(super) async fn resolve(
    State(store): State<Arc<dyn Store>>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Held>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let (id, form) = both(id, form, &locale)?;
    let agent = own_agent(&principal, &locale)?;
    let change = store.resolve_inquiry(&id, agent, Some(form.generation), Utc::now()).await;
    back(&*store, &principal, Done { id, deed: Deed::Resolved, change, detail: None }, &asked, locale).await
}

pub(super) async fn classify(
    State(store): State<Arc<dyn Store>>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Classification>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let (id, form) = both(id, form, &locale)?;
    let by = principal.supervisor();
    let change = store.classify(&id, form.skill, form.generation, &by, Utc::now()).await;
    let detail = Some(("skill", form.skill.to_string()));
    back(&*store, &principal, Done { id, deed: Deed::Classified, change, detail }, &asked, locale).await
}

/// Gives it to an agent, whoever has it.
pub(super) async fn assign(
    State(store): State<Arc<dyn Store>>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Order>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let (id, form) = both(id, form, &locale)?;
    let order = DirectAssignment {
        inquiry_id: id.clone(),
        agent_id: form.agent_id,
        skill: None,
        generation: form.generation,
        by: principal.supervisor(),
        at: Utc::now(),
    };
    let change = store.assign(&order).await;
    let detail = Some(("agent_id", order.agent_id.to_string()));
    back(&*store, &principal, Done { id, deed: Deed::Assigned, change, detail }, &asked, locale).await
}

/// The agent as whom the principal works.
pub(super) fn own_agent<'a>(principal: &'a Principal, locale: &Locale) -> Result<&'a AgentId, ErrorPage> {
    principal.agent_id.as_ref().ok_or_else(|| PageError::NoAgent.page(locale.clone()))
}

pub(super) fn both<T>(
    id: Id,
    form: Result<Form<T>, FormRejection>,
    locale: &Locale,
) -> Result<(InquiryId, T), ErrorPage> {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownInquiry.page(locale.clone())) };
    let Ok(Form(form)) = form else { return Err(PageError::Form.page(locale.clone())) };
    Ok((id, form))
}

/// Back to where the button stands, which tells what happened.
async fn back(
    store: &dyn Store,
    principal: &Principal,
    done: Done,
    asked: &Asked,
    locale: Locale,
) -> Result<Response, ErrorPage> {
    let Done { id, deed, change, detail } = done;
    let change = match change {
        Ok(change) => recorded(store, principal, &id, deed, change, detail).await,
        Err(error) => Err(error),
    };
    let change = change.map_err(|error| PageError::Store(error).page(locale.clone()))?;
    let outcome = match change {
        Change::Done => format!("done={}", deed.as_str()),
        Change::Lost(Lost::Unknown) => return Err(PageError::UnknownInquiry.page(locale)),
        Change::Lost(lost) => format!("lost={}", lost_name(lost)),
    };
    // What was accepted is worked on where it was accepted; everything else is done with.
    let stays = asked.on_page && deed == Deed::Accepted && change == Change::Done;
    let list = asked.back(principal);
    let id = encoded(id.as_str());
    let page = if stays { format!("/inquiries/{id}") } else { "/inquiries".to_owned() };
    Ok(Redirect::to(&format!("{page}?{list}&inquiry={id}&{outcome}")).into_response())
}

/// The change, with its line in the audit trail: after it, in a transaction of its own. Who held the inquiry when stands in its
/// assignments in any case.
pub(super) async fn recorded(
    store: &dyn Store,
    principal: &Principal,
    id: &InquiryId,
    deed: Deed,
    change: Change,
    detail: Option<(&'static str, String)>,
) -> Result<Change, StoreError> {
    if change == Change::Done {
        let subject = Subject::new("inquiry", id);
        let mut entry = AuditEntry::new(principal.actor(), deed.act(), subject, Utc::now());
        if let Some((name, value)) = detail {
            entry = entry.with(name, value);
        }
        store.record(&entry).await?;
    }
    Ok(change)
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
