//! `/inquiries`: who asked what, who has it, and the end of the work on it.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use super::error::{ErrorPage, PageError};
use super::layout::{Frame, Moment, Room, bar, percent, render};
use super::locale::Locale;
use super::paging::{PageNumber, Pager};
use super::words::Words;
use crate::contract::{AgentId, InquiryId, Priority};
use crate::store::{InquiryRow, InquiryStatus, Store, StoreError};

/// So many of the predicted skills are shown.
const SKILLS_SHOWN: usize = 3;

#[derive(Template)]
#[template(path = "inquiries.html")]
struct View {
    frame: Frame,
    notice: Option<Notice>,
    inquiries: Vec<Inquiry>,
    pager: Pager,
}

/// What the button did.
struct Notice {
    text: String,
    resolved: bool,
}

/// An inquiry as the page shows it.
struct Inquiry {
    id: String,
    /// Where the button leads; none when nobody holds the inquiry.
    resolve: Option<Resolve>,
    subject: Option<String>,
    text: String,
    lang: &'static str,
    language: &'static str,
    status: &'static str,
    status_key: &'static str,
    priority: &'static str,
    priority_key: &'static str,
    /// Normal priority is not worth the reader's eye.
    stands_out: bool,
    skills: Vec<Skill>,
    agent: Option<Agent>,
    reason: String,
    received: Moment,
}

struct Agent {
    id: String,
    name: String,
}

struct Resolve {
    href: String,
    agent_id: String,
    label: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Skill {
    name: &'static str,
    probability: String,
    bar: u8,
}

/// What is left in the address after a resolution: the inquiry it was about.
#[derive(Deserialize)]
pub(super) struct Outcome {
    resolved: Option<String>,
    not_held: Option<String>,
}

pub(super) async fn page(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    number: PageNumber,
    outcome: Result<Query<Outcome>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    match store.inquiries(number.wanted()).await {
        Ok(mut rows) => {
            let words = locale.words();
            let pager = Pager::over(number, &mut rows, "/inquiries");
            let frame = Frame::new(&locale, Room::Inquiries, words.inquiries);
            let notice = outcome.ok().and_then(|Query(outcome)| notice(outcome, words));
            let page = pager.number;
            let inquiries = rows.into_iter().map(|row| inquiry(row, page, words)).collect();
            Ok(render(StatusCode::OK, &View { frame, notice, inquiries, pager }))
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

fn notice(outcome: Outcome, words: &Words) -> Option<Notice> {
    // What is no identifier did not come from `resolve`.
    let id = |text: Option<String>| text.and_then(|text| InquiryId::new(text).ok());
    if let Some(id) = id(outcome.resolved) {
        return Some(Notice { text: (words.was_resolved)(id.as_str()), resolved: true });
    }
    id(outcome.not_held).map(|id| Notice { text: (words.was_not_held)(id.as_str()), resolved: false })
}

/// What the button sends.
#[derive(Deserialize)]
pub(super) struct Resolution {
    agent_id: AgentId,
}

/// Ends the assignment and goes back to the list, which tells what happened. Safe to repeat.
pub(super) async fn resolve(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    number: PageNumber,
    id: Result<Path<InquiryId>, PathRejection>,
    form: Result<Form<Resolution>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownInquiry.page(locale)) };
    let Ok(Form(Resolution { agent_id })) = form else { return Err(PageError::Form.page(locale)) };
    match end(&*store, &id, &agent_id).await {
        Ok(Some(resolved)) => {
            let outcome = if resolved { "resolved" } else { "not_held" };
            let page = number.wanted().offset / super::paging::ROWS + 1;
            let to = format!("/inquiries?page={page}&{outcome}={}", encoded(id.as_str()));
            Ok(Redirect::to(&to).into_response())
        }
        Ok(None) => Err(PageError::UnknownInquiry.page(locale)),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

/// Whether the assignment ended by this request; none when there is no such inquiry.
async fn end(store: &dyn Store, id: &InquiryId, agent: &AgentId) -> Result<Option<bool>, StoreError> {
    if store.resolve_inquiry(id, agent, Utc::now()).await? {
        return Ok(Some(true));
    }
    Ok(store.inquiry(id).await?.map(|_| false))
}

/// For one segment of a path or one value of a query: everything but unreserved characters is escaped.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn inquiry(row: InquiryRow, page: u32, words: &Words) -> Inquiry {
    let id = row.inquiry_id.to_string();
    let held = row.agent_id.as_ref().filter(|_| row.status == InquiryStatus::Assigned);
    let resolve = held.map(|agent| Resolve {
        href: format!("/inquiries/{}/resolve?page={page}", encoded(&id)),
        agent_id: agent.to_string(),
        label: (words.resolve_inquiry)(&id),
    });
    let skills = row.skills.iter().take(SKILLS_SHOWN).map(|entry| Skill {
        name: (words.skill_name)(entry.skill),
        probability: percent(entry.probability),
        bar: bar(entry.probability),
    });
    Inquiry {
        resolve,
        skills: skills.collect(),
        agent: row.agent_id.map(|agent| Agent {
            name: row.agent_name.unwrap_or_else(|| agent.to_string()),
            id: agent.to_string(),
        }),
        id,
        subject: row.subject.filter(|subject| !subject.trim().is_empty()),
        text: row.text,
        lang: row.language.as_str(),
        language: (words.language_name)(row.language),
        status: (words.status_name)(row.status),
        status_key: row.status.as_str(),
        priority: (words.priority_name)(row.priority),
        priority_key: row.priority.as_str(),
        stands_out: row.priority != Priority::Normal,
        reason: row.reason,
        received: row.received_at.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{self, Language, SkillProbability};

    fn row(status: InquiryStatus, agent: Option<&str>) -> InquiryRow {
        let skill = |skill, probability| SkillProbability { skill, probability };
        InquiryRow {
            inquiry_id: InquiryId::new("q/1 #あ").unwrap(),
            subject: Some(" ".into()),
            text: "Where is it?".into(),
            language: Language::En,
            priority: Priority::Normal,
            status,
            skills: vec![
                skill(contract::Skill::Shipping, 0.7),
                skill(contract::Skill::Payment, 0.2),
                skill(contract::Skill::Other, 0.06),
                skill(contract::Skill::Listing, 0.04),
            ],
            agent_id: agent.map(|id| AgentId::new(id).unwrap()),
            agent_name: None,
            reason: String::new(),
            received_at: "2026-11-21T09:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn only_what_an_agent_holds_can_be_resolved() {
        let words = Words::of(Language::En);
        let held = inquiry(row(InquiryStatus::Assigned, Some("a-1")), 2, words);
        let resolve = held.resolve.unwrap();
        assert_eq!(resolve.href, "/inquiries/q%2F1%20%23%E3%81%82/resolve?page=2");
        assert_eq!(resolve.agent_id, "a-1");
        assert_eq!(held.agent.unwrap().name, "a-1");
        assert!(inquiry(row(InquiryStatus::Resolved, Some("a-1")), 1, words).resolve.is_none());
        assert!(inquiry(row(InquiryStatus::Waiting, None), 1, words).resolve.is_none());
    }

    #[test]
    fn the_three_best_skills_are_shown_and_an_empty_subject_is_not() {
        let shown = inquiry(row(InquiryStatus::Triage, None), 1, Words::of(Language::Ja));
        let skills: Vec<_> = shown.skills.iter().map(|skill| (skill.name, skill.bar)).collect();
        assert_eq!(skills, [("配送", 70), ("支払い", 20), ("その他", 6)]);
        assert_eq!((shown.subject, shown.language), (None, "英語"));
    }

    #[test]
    fn a_notice_needs_an_identifier() {
        let words = Words::of(Language::En);
        let outcome = |resolved: &str| Outcome { resolved: Some(resolved.into()), not_held: None };
        assert!(notice(outcome(""), words).is_none());
        assert!(
            notice(outcome("q-1"), words)
                .is_some_and(|notice| notice.resolved && notice.text.contains("q-1"))
        );
    }
}
