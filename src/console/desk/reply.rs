//! An answer to the customer: written on the page of the inquiry, perhaps from a template. What was not sent is never lost.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use super::{Asked, file};
use crate::access::Principal;
use crate::console::error::{ErrorPage, PageError};
use crate::console::handover::{Deed, Id, both, encoded, own_agent};
use crate::console::layout::{Frame, Room, reading_language, render};
use crate::console::locale::Locale;
use crate::console::state::Desk;
use crate::console::words::{Told, Words};
use crate::contract::Skill;
use crate::store::desk::{InquiryFile, ReplyOrder, ReplyRefused, TemplateRow, Templates, filled};
use crate::store::{Lost, StoreError};

/// Characters of an answer.
const LONGEST: usize = 5_000;

/// What stands in the field.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) template: Option<i64>,
    pub(super) text: String,
}

/// A template to pick.
pub(super) struct Offered {
    pub(super) id: i64,
    pub(super) name: String,
    /// What it is for.
    pub(super) skill: &'static str,
    pub(super) chosen: bool,
}

/// The templates in the inquiry's language, those for what it needs first; and the one that was picked, filled in, unless there is a
/// draft already.
pub(super) async fn offered(
    desk: &Desk,
    file: &InquiryFile,
    asked: &Asked,
    draft: Option<Draft>,
    words: &Words,
) -> Result<(Vec<Offered>, Draft), StoreError> {
    let mut templates = desk.store.reply_templates(Templates::Offered(file.row.language)).await?;
    let likeliest = file.row.skills.first().map(|entry| entry.skill);
    let needs = file.row.corrected_skill.or(likeliest);
    let rank = |skill: Option<Skill>| match skill {
        Some(_) if skill == needs => 0,
        None => 1,
        Some(_) => 2,
    };
    templates.sort_by_key(|row| rank(row.template.skill));
    let draft = draft.unwrap_or_else(|| {
        let picked = templates.iter().find(|row| Some(row.template_id) == asked.template);
        picked.map_or_else(Draft::default, |row| from_template(row, file))
    });
    let offer = |row: TemplateRow| Offered {
        id: row.template_id,
        chosen: draft.template == Some(row.template_id),
        name: row.template.name,
        skill: row.template.skill.map_or(words.desk.any_skill, words.skill_name),
    };
    Ok((templates.into_iter().map(offer).collect(), draft))
}

fn from_template(row: &TemplateRow, file: &InquiryFile) -> Draft {
    let agent = file.row.agent_name.as_deref().unwrap_or_default();
    let (customer, inquiry) = (file.received.customer_id.as_str(), file.row.inquiry_id.as_str());
    Draft { template: Some(row.template_id), text: filled(&row.template.text, customer, inquiry, agent) }
}

#[derive(Deserialize)]
pub(in crate::console) struct Answer {
    generation: u32,
    /// The latest answer that the writer saw; 0 for none.
    seen: i64,
    /// Empty if none was picked.
    #[serde(default)]
    template: String,
    text: String,
    /// What the button says: `resolve` or nothing.
    #[serde(default)]
    then: String,
}

/// An answer that cannot be shown on the inquiry's page any more.
#[derive(Template)]
#[template(path = "reply_refused.html")]
struct RefusedPage {
    frame: Frame,
    told: Told,
    text: String,
    lang: &'static str,
    query: String,
}

pub(in crate::console) async fn send(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
    form: Result<Form<Answer>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let (id, form) = both(id, form, &locale)?;
    let agent = own_agent(&principal, &locale)?.clone();
    let words = locale.words().desk;
    let template = form.template.parse().ok();
    let Some(text) = readable(&form.text) else {
        let draft = Draft { template, text: form.text };
        return Ok(refused(&desk, &principal, &locale, &asked, &id, (draft, words.not_sent_empty)).await);
    };
    let order = ReplyOrder {
        inquiry_id: id.clone(),
        agent_id: agent,
        generation: form.generation,
        seen_reply: form.seen,
        template_id: template,
        text,
        resolves: form.then == "resolve",
        by: principal.actor(),
        at: Utc::now(),
    };
    let told = match desk.store.send_reply(&order).await {
        Ok(Ok(_)) => return Ok(onward(&order, &principal, &asked)),
        Ok(Err(ReplyRefused::Lost(Lost::Unknown))) => return Err(PageError::UnknownInquiry.page(locale)),
        Ok(Err(ReplyRefused::Lost(_))) => words.not_sent_lost,
        Ok(Err(ReplyRefused::Answered)) => words.not_sent_answered,
        Err(error) => {
            tracing::error!(%error, "whether an answer was written is not known");
            let status = PageError::Store(error).status();
            return Ok(kept(&principal, &locale, &asked, order.text, status, words.not_sent_unknown));
        }
    };
    let draft = Draft { template, text: order.text };
    Ok(refused(&desk, &principal, &locale, &asked, &id, (draft, told)).await)
}

/// Without what nobody reads; none if nothing is left, or too much.
fn readable(text: &str) -> Option<String> {
    // Forms end lines with CR LF. PostgreSQL stores no NUL.
    let text: String = text.chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect();
    let text = text.trim();
    (1..=LONGEST).contains(&text.chars().count()).then(|| text.to_owned())
}

/// What is resolved is done with; else the page stays.
fn onward(order: &ReplyOrder, principal: &Principal, asked: &Asked) -> Response {
    let id = encoded(order.inquiry_id.as_str());
    let list = asked.back(principal);
    let to = if order.resolves {
        format!("/inquiries?{list}&inquiry={id}&done={}", Deed::Resolved.as_str())
    } else {
        format!("/inquiries/{id}?{list}&inquiry={id}&done={}", Deed::Replied.as_str())
    };
    Redirect::to(&to).into_response()
}

/// The page once more, with what was written; for who does not see the inquiry any more, what was written alone.
async fn refused(
    desk: &Desk,
    principal: &Principal,
    locale: &Locale,
    asked: &Asked,
    id: &crate::contract::InquiryId,
    (draft, told): (Draft, Told),
) -> Response {
    let text = draft.text.clone();
    match again(desk, principal, locale, asked, id, (draft, told)).await {
        Ok(Some(page)) => page,
        // What was written outweighs why the page around it cannot be read.
        Ok(None) | Err(_) => kept(principal, locale, asked, text, StatusCode::CONFLICT, told),
    }
}

/// The inquiry's page with the draft; none for who does not hold it any more.
async fn again(
    desk: &Desk,
    principal: &Principal,
    locale: &Locale,
    asked: &Asked,
    id: &crate::contract::InquiryId,
    unsent: (Draft, Told),
) -> Result<Option<Response>, ErrorPage> {
    let file = desk.store.inquiry_file(id, &principal.sight()).await;
    let file = file.map_err(|error| PageError::Store(error).page(locale.clone()))?;
    let holds = file.is_some_and(|file| {
        file.row.agent_id == principal.agent_id && file.row.status == crate::store::InquiryStatus::Assigned
    });
    if !holds {
        return Ok(None);
    }
    file::shown(desk, principal, locale, asked, id, Some(unsent)).await
}

/// What was written, and why it was not sent.
fn kept(
    principal: &Principal,
    locale: &Locale,
    asked: &Asked,
    text: String,
    status: StatusCode,
    told: Told,
) -> Response {
    let page = RefusedPage {
        frame: Frame::new(locale, Room::Inquiries, locale.words().desk.not_sent),
        told,
        lang: reading_language(&text).as_str(),
        text,
        query: asked.back(principal),
    };
    render(status, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_words_and_is_not_too_long() {
        assert_eq!(readable(" a\r\nb\0\u{7}\t \r\n").as_deref(), Some("a\nb"));
        assert_eq!(readable(" \r\n\0"), None);
        assert_eq!(readable(&"あ".repeat(LONGEST)).map(|text| text.chars().count()), Some(LONGEST));
        assert_eq!(readable(&"あ".repeat(LONGEST + 1)), None);
    }
}
