//! `/inquiries/{id}`: one inquiry with everything around it, and what can be done.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Utc;

use super::Asked;
use super::reply::{Draft, Offered, offered};
use crate::access::{Permission, Principal, masked};
use crate::console::error::{ErrorPage, PageError};
use crate::console::handover::{Id, encoded};
use crate::console::inquiries::{self, Inquiry, Notice, Taker};
use crate::console::layout::{Frame, Moment, Room, percent, reading_language, render};
use crate::console::locale::Locale;
use crate::console::masking;
use crate::console::review::{self, Other, Said};
use crate::console::state::Desk;
use crate::console::words::{Told, Words};
use crate::contract::{InquiryId, UserId};
use crate::routing::Explanation;
use crate::store::desk::{
    AssignmentRow, DeskView, InquiryFile, LinkedTransaction, OfCustomer, ReplyRow, ResolvedCase,
};
use crate::store::{InquiryStatus, StoreError};

#[derive(Template)]
#[template(path = "inquiry.html")]
struct View {
    frame: Frame,
    title: String,
    notice: Option<Notice>,
    /// Why an answer was not sent.
    refused: Option<Told>,
    masked: bool,
    /// The query of the list from which it was opened.
    query: String,
    /// The next one that is the reader's.
    next: Option<String>,
    inquiry: Inquiry,
    all_skills: Vec<(&'static str, &'static str)>,
    takers: Vec<Taker>,
    customer: String,
    answered: Option<Moment>,
    why: Vec<String>,
    assignments: Vec<Assignment>,
    of_customer: Vec<Another>,
    transaction: Option<Transaction>,
    replies: Vec<Reply>,
    similar: Vec<Like>,
    /// For who holds it.
    writing: Option<Writing>,
}

/// The form of an answer.
struct Writing {
    /// Of the page, without its query.
    href: String,
    view: String,
    generation: u32,
    /// How many answers the writer sees.
    /// The latest answer that the page shows; 0 for none.
    seen: i64,
    template: Option<i64>,
    text: String,
    offered: Vec<Offered>,
    lang: &'static str,
}

struct Assignment {
    agent: String,
    id: String,
    skill: &'static str,
    assigned: Moment,
    accepted: Option<Moment>,
    ended: Option<(&'static str, Moment)>,
    right_skill: Option<&'static str>,
    by: Option<String>,
}

/// Another inquiry of the customer.
struct Another {
    status: &'static str,
    status_key: &'static str,
    skill: &'static str,
    received: Moment,
    /// Address, identifier, language and text for who sees it.
    seen: Option<(String, String, &'static str, String)>,
}

struct Transaction {
    id: String,
    more: bool,
    said: Vec<Said>,
    alerts: Vec<Other>,
}

/// An inquiry like this one that was resolved.
struct Like {
    near: String,
    skill: &'static str,
    team: String,
    took: String,
    resolved: Moment,
    /// For who sees it.
    seen: Option<SeenLike>,
}

struct SeenLike {
    href: String,
    id: String,
    agent: String,
    lang: &'static str,
    text: String,
    /// The last answer, with the language to read it in.
    reply: Option<(&'static str, String)>,
}

struct Reply {
    agent: String,
    by: String,
    at: Moment,
    text: String,
    lang: &'static str,
    resolves: bool,
}

pub(in crate::console) async fn page(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Id,
) -> Result<Response, ErrorPage> {
    let Ok(axum::extract::Path(id)) = id else { return Err(PageError::UnknownInquiry.page(locale)) };
    match shown(&desk, &principal, &locale, &asked, &id, None).await? {
        Some(response) => Ok(response),
        None => Err(PageError::UnknownInquiry.page(locale)),
    }
}

/// The page, or none for who does not see the inquiry. With an answer that was not sent, and why.
pub(super) async fn shown(
    desk: &Desk,
    principal: &Principal,
    locale: &Locale,
    asked: &Asked,
    id: &InquiryId,
    unsent: Option<(Draft, Told)>,
) -> Result<Option<Response>, ErrorPage> {
    let failed = |error: StoreError| PageError::Store(error).page(locale.clone());
    let Some(file) = desk.store.inquiry_file(id, &principal.sight()).await.map_err(failed)? else {
        return Ok(None);
    };
    let takers = inquiries::takers(desk, principal).await.map_err(failed)?;
    let next = next(desk, principal, id).await.map_err(failed)?;
    let similar = similar(desk, principal, locale, asked, id).await.map_err(failed)?;
    let (draft, refused) = unsent.map_or((None, None), |(draft, told)| (Some(draft), Some(told)));
    let holds = principal.may(Permission::WorkInquiries)
        && masking::reads(principal)
        && file.row.status == InquiryStatus::Assigned
        && principal.agent_id.is_some()
        && principal.agent_id == file.row.agent_id;
    let words = locale.words();
    let mut writing = None;
    if holds {
        let (offered, draft) = offered(desk, &file, asked, draft, words).await.map_err(failed)?;
        writing = Some(Writing {
            href: format!("/inquiries/{}", encoded(id.as_str())),
            view: asked.back(principal).split('&').next().unwrap_or_default().replace("view=", ""),
            generation: file.row.generation,
            seen: file.replies.iter().map(|reply| reply.reply_id).max().unwrap_or(0),
            template: draft.template,
            lang: reading_language(&draft.text).as_str(),
            text: draft.text,
            offered,
        });
    }
    let status = if refused.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let view = view(file, principal, locale, asked, Around { takers, next, similar, refused, writing });
    Ok(Some(render(status, &view)))
}

/// What does not come from the inquiry's own file.
struct Around {
    takers: Vec<Taker>,
    next: Option<String>,
    similar: Vec<Like>,
    refused: Option<Told>,
    writing: Option<Writing>,
}

/// Inquiries like this one that were resolved, the most alike first, and how they ended.
async fn similar(
    desk: &Desk,
    principal: &Principal,
    locale: &Locale,
    asked: &Asked,
    id: &InquiryId,
) -> Result<Vec<Like>, StoreError> {
    let near = desk.similar.to(&*desk.store, id).await?;
    let ids: Vec<InquiryId> = near.iter().map(|(id, _)| id.clone()).collect();
    let cases = desk.store.resolved_cases(&ids, &principal.sight()).await?;
    let (list, reads, words) = (asked.back(principal), masking::reads(principal), locale.words());
    let near = |case: &ResolvedCase| {
        near.iter().find(|(id, _)| *id == case.inquiry_id).map_or(0.0, |(_, near)| *near)
    };
    Ok(cases.into_iter().map(|case| like(near(&case), case, &list, reads, words)).collect())
}

fn like(near: f32, case: ResolvedCase, list: &str, reads: bool, words: &Words) -> Like {
    let seen = case.seen.map(|(mut row, reply)| {
        if !reads {
            masking::inquiry(&mut row);
        }
        let id = row.inquiry_id.to_string();
        let reply = reply.map(|reply| {
            let lang = reading_language(&reply.text).as_str();
            (lang, if reads { reply.text } else { masked(&reply.text) })
        });
        SeenLike {
            href: format!("/inquiries/{}?{list}", encoded(&id)),
            agent: row.agent_name.unwrap_or_default(),
            lang: row.language.as_str(),
            text: row.subject.filter(|subject| !subject.trim().is_empty()).unwrap_or(row.text),
            reply,
            id,
        }
    });
    let minutes = (case.resolved_at - case.received_at).num_minutes().max(0);
    Like {
        near: percent(f64::from(near)),
        skill: (words.skill_name)(case.skill),
        team: case.team.unwrap_or_default(),
        took: (words.desk.took)(minutes),
        resolved: case.resolved_at.into(),
        seen,
    }
}

/// The next of what the reader holds: the one after this, or the first.
async fn next(desk: &Desk, principal: &Principal, id: &InquiryId) -> Result<Option<String>, StoreError> {
    if principal.agent_id.is_none() || !principal.may(Permission::WorkInquiries) {
        return Ok(None);
    }
    let mine = Asked::default().listing(DeskView::Mine, principal, inquiries::MOST_HELD);
    let held = desk.store.desk_list(&mine).await?;
    let at = held.iter().position(|row| row.inquiry.inquiry_id == *id);
    let next = at.and_then(|at| held.get(at + 1)).or_else(|| held.first());
    let next = next.filter(|row| row.inquiry.inquiry_id != *id);
    Ok(next.map(|row| format!("/inquiries/{}?view=mine", encoded(row.inquiry.inquiry_id.as_str()))))
}

fn view(
    file: InquiryFile,
    principal: &Principal,
    locale: &Locale,
    asked: &Asked,
    Around { takers, next, similar, refused, writing }: Around,
) -> View {
    let words = locale.words();
    let reads = masking::reads(principal);
    let list = asked.back(principal);
    let query = format!("{list}&on=page");
    let customer = file.received.customer_id;
    let others = file.of_customer.into_iter().map(|other| another(other, &list, reads, words));
    let transaction_id = file.received.transaction_id;
    let transaction = file.transaction.zip(transaction_id).map(|(linked, id)| {
        let said = transaction(linked, &customer, reads, words);
        Transaction { id: id.to_string(), ..said }
    });
    View {
        frame: Frame::new(locale, Room::Inquiries, words.inquiries),
        title: (words.desk.inquiry)(file.row.inquiry_id.as_str()),
        notice: inquiries::notice(&asked.outcome, words),
        refused,
        masked: !reads,
        next,
        why: file.explanation.as_ref().map_or_else(Vec::new, |why| reasons(why, words)),
        inquiry: inquiries::inquiry(file.row, principal, &query, Utc::now(), words),
        query: list.clone(),
        all_skills: inquiries::all_skills(words),
        takers,
        answered: file.first_response_at.map(Moment::from),
        assignments: file.assignments.into_iter().map(|row| assignment(row, words)).collect(),
        of_customer: others.collect(),
        transaction,
        replies: file.replies.into_iter().map(|row| reply(row, reads)).collect(),
        similar,
        writing,
        customer: customer.to_string(),
    }
}

/// What the router's last decision rests on, in words.
fn reasons(why: &Explanation, words: &Words) -> Vec<String> {
    let minutes = (why.waited_seconds / 60.0).max(0.0) as i64;
    let mut told = vec![(words.desk.decided_at_step)(why.step, minutes, why.allowed)];
    if why.flagged {
        told.push(words.desk.was_flagged.to_owned());
    }
    if let Some(preferred) = &why.preferred {
        told.push((words.desk.known_to)(preferred.agent_id.as_str(), preferred.open_matter));
    }
    told
}

fn assignment(row: AssignmentRow, words: &Words) -> Assignment {
    let by = row.ended.as_ref().and_then(|ended| ended.by.clone());
    Assignment {
        by: by.filter(|by| by != row.agent_id.as_str()),
        agent: row.agent_name,
        id: row.agent_id.to_string(),
        skill: (words.skill_name)(row.skill),
        assigned: row.assigned_at.into(),
        accepted: row.accepted_at.map(Moment::from),
        right_skill: row.ended.as_ref().and_then(|ended| ended.right_skill).map(words.skill_name),
        ended: row.ended.map(|ended| ((words.desk.ending_name)(ended.ending), ended.at.into())),
    }
}

fn another(row: OfCustomer, list: &str, reads: bool, words: &Words) -> Another {
    let seen = row.seen.map(|mut seen| {
        if !reads {
            masking::inquiry(&mut seen);
        }
        let id = seen.inquiry_id.to_string();
        let text = seen.subject.filter(|subject| !subject.trim().is_empty()).unwrap_or(seen.text);
        (format!("/inquiries/{}?{list}", encoded(&id)), id, seen.language.as_str(), text)
    });
    Another {
        status: (words.status_name)(row.status),
        status_key: row.status.as_str(),
        skill: row.skill.map_or("", words.skill_name),
        received: row.received_at.into(),
        seen,
    }
}

fn transaction(linked: LinkedTransaction, customer: &UserId, reads: bool, words: &Words) -> Transaction {
    let said = linked.messages.into_iter().map(|message| {
        let same_sender = message.sender_id == *customer;
        review::said(message, &[], None, same_sender, reads, words)
    });
    Transaction {
        id: String::new(),
        more: linked.more,
        said: said.collect(),
        alerts: linked.alerts.into_iter().map(|row| review::other(row, reads, words)).collect(),
    }
}

fn reply(row: ReplyRow, reads: bool) -> Reply {
    Reply {
        agent: row.agent_name,
        by: row.by,
        at: row.at.into(),
        lang: reading_language(&row.text).as_str(),
        text: if reads { row.text } else { masked(&row.text) },
        resolves: row.resolves,
    }
}
