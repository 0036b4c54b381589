//! The buttons of `/inquiries`: who has an inquiry changes by the same compare-and-set as everywhere, and the list tells what came of it.
//!
//! Agents act as the agent that their account is linked to, and so only on what they hold; supervisors act as themselves.

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Form, FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::desk::Asked;
use super::error::{ErrorPage, PageError};
use super::locale::Locale;
use super::state::Desk;
use crate::access::{Act, AuditEntry, Principal, Subject};
use crate::contract::{AgentId, InquiryId, Skill};
use crate::store::{Change, DirectAssignment, Handover, Lost, Store};

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

/// A button that somebody pressed: on which inquiry, with what in its form, and where it stands.
pub(super) struct Pressed<T> {
    store: Arc<dyn Store>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: InquiryId,
    form: T,
}

impl<T: DeserializeOwned> FromRequest<Desk> for Pressed<T> {
    type Rejection = Response;

    async fn from_request(request: Request, desk: &Desk) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let locale = Locale::of_parts(&parts);
        let principal = Principal::from_request_parts(&mut parts, desk).await?;
        let asked = Asked::from_request_parts(&mut parts, desk).await?;
        let id = Path::from_request_parts(&mut parts, desk).await;
        let form = Form::from_request(Request::from_parts(parts, body), desk).await;
        let (id, form) = both(id, form, &locale).map_err(IntoResponse::into_response)?;
        Ok(Self { store: desk.store.clone(), principal, locale, asked, id, form })
    }
}

impl<T> Pressed<T> {
    fn own_agent(&self) -> Result<&AgentId, ErrorPage> {
        own_agent(&self.principal, &self.locale)
    }

    /// Takes the step, with its line in the audit trail (`detail`: name and value in it), and leads back to where the button stands,
    /// which tells what happened.
    async fn take(
        &self,
        deed: Deed,
        step: Handover<'_>,
        detail: Option<(&'static str, String)>,
    ) -> Result<Response, ErrorPage> {
        let line = line(&self.principal, &self.id, deed, detail);
        let change = self.store.hand_over(step, Some(&line)).await;
        let change = change.map_err(|error| PageError::Store(error).page(self.locale.clone()))?;
        let outcome = match change {
            Change::Done => format!("done={}", deed.as_str()),
            Change::Lost(Lost::Unknown) => return Err(PageError::UnknownInquiry.page(self.locale.clone())),
            Change::Lost(lost) => format!("lost={}", lost_name(lost)),
        };
        // What was accepted is worked on where it was accepted; everything else is done with.
        let stays = self.asked.on_page && deed == Deed::Accepted && change == Change::Done;
        let list = self.asked.back(&self.principal);
        let id = encoded(self.id.as_str());
        let page = if stays { format!("/inquiries/{id}") } else { "/inquiries".to_owned() };
        Ok(Redirect::to(&format!("{page}?{list}&inquiry={id}&{outcome}")).into_response())
    }
}

pub(super) async fn accept(pressed: Pressed<Held>) -> Result<Response, ErrorPage> {
    let (inquiry, agent) = (&pressed.id, pressed.own_agent()?);
    let step = Handover::Accept { inquiry, agent, generation: pressed.form.generation, at: Utc::now() };
    pressed.take(Deed::Accepted, step, None).await
}

pub(super) async fn pass_on(pressed: Pressed<Passing>) -> Result<Response, ErrorPage> {
    let (inquiry, agent) = (&pressed.id, pressed.own_agent()?);
    let right_skill: Option<Skill> = match pressed.form.right_skill.as_str() {
        "" => None,
        name => match name.parse() {
            Ok(skill) => Some(skill),
            Err(_) => return Err(PageError::Form.page(pressed.locale)),
        },
    };
    let generation = pressed.form.generation;
    let step = Handover::Reject { inquiry, agent, generation, right_skill, at: Utc::now() };
    pressed.take(Deed::PassedOn, step, right_skill.map(|skill| ("right_skill", skill.to_string()))).await
}

/// Ends the assignment. Safe to repeat.
pub(super) async fn resolve(pressed: Pressed<Held>) -> Result<Response, ErrorPage> {
    let (inquiry, agent) = (&pressed.id, pressed.own_agent()?);
    let generation = Some(pressed.form.generation);
    let step = Handover::Resolve { inquiry, agent, generation, at: Utc::now() };
    pressed.take(Deed::Resolved, step, None).await
}

pub(super) async fn classify(pressed: Pressed<Classification>) -> Result<Response, ErrorPage> {
    let Classification { skill, generation } = pressed.form;
    let by = pressed.principal.supervisor();
    let step = Handover::Classify { inquiry: &pressed.id, skill, generation, by: &by, at: Utc::now() };
    pressed.take(Deed::Classified, step, Some(("skill", skill.to_string()))).await
}

/// Gives it to an agent, whoever has it.
pub(super) async fn assign(pressed: Pressed<Order>) -> Result<Response, ErrorPage> {
    let order = DirectAssignment {
        inquiry_id: pressed.id.clone(),
        agent_id: pressed.form.agent_id.clone(),
        skill: None,
        generation: pressed.form.generation,
        by: pressed.principal.supervisor(),
        at: Utc::now(),
    };
    let detail = ("agent_id", order.agent_id.to_string());
    pressed.take(Deed::Assigned, Handover::Assign(&order), Some(detail)).await
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

/// What the audit trail tells of it.
pub(super) fn line(
    principal: &Principal,
    id: &InquiryId,
    deed: Deed,
    detail: Option<(&'static str, String)>,
) -> AuditEntry {
    let entry = AuditEntry::new(principal.actor(), deed.act(), Subject::new("inquiry", id), Utc::now());
    match detail {
        Some((name, value)) => entry.with(name, value),
        None => entry,
    }
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
