//! `/evaluation/sample`: messages of a sample, one after the other, for reviewers to judge. What rules and model said of a message is not
//! shown: people judge what they read.

use askama::Template;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;

use super::{Answer, told};
use crate::access::{Principal, masked};
use crate::console::alerts::{Choice, policy_choices};
use crate::console::error::PageError;
use crate::console::layout::{Frame, Moment, Room, grouped, reading_language, render};
use crate::console::locale::Locale;
use crate::console::masking;
use crate::console::state::Desk;
use crate::console::words::Words;
use crate::contract::Ruling;
use crate::store::evaluation::{Judging, NotJudged, SampledFile};
use crate::store::review::SaidMessage;

/// Messages before the sampled one that are shown.
const BEFORE: u32 = 20;

#[derive(Template)]
#[template(path = "sampled.html")]
struct View {
    frame: Frame,
    notice: Option<&'static str>,
    /// What was not written, and why.
    refused: Option<&'static str>,
    masked: bool,
    waiting: String,
    /// The reader may judge; otherwise they look at one message.
    judges: bool,
    message: Option<Message>,
    policies: Vec<Choice>,
}

/// The message that is looked at.
struct Message {
    sample: i64,
    position: u32,
    generation: u32,
    title: String,
    conversation: Vec<Said>,
    more_before: bool,
    judged: Option<String>,
}

struct Said {
    sender: &'static str,
    sent: Moment,
    lang: &'static str,
    text: String,
    own: bool,
    same_sender: bool,
}

#[derive(Deserialize, Default)]
pub(in crate::console) struct Done {
    #[serde(default)]
    done: String,
}

/// A judgement as the form sends it.
#[derive(Deserialize)]
pub(in crate::console) struct Decision {
    sample: i64,
    position: u32,
    generation: u32,
    decision: String,
    #[serde(default)]
    policy: String,
}

/// What the reader has; nothing is claimed by reading.
pub(in crate::console) async fn page(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    done: Result<Query<Done>, QueryRejection>,
) -> Answer {
    let Query(Done { done }) = done.unwrap_or_default();
    shown(&desk, &principal, &locale, StatusCode::OK, &done).await
}

async fn shown(
    desk: &Desk,
    principal: &Principal,
    locale: &Locale,
    status: StatusCode,
    done: &str,
) -> Answer {
    let (own, waiting) = told(desk.store.judging_of(principal.login.as_str()).await, locale)?;
    let file = match own {
        Some((sample, position)) => told(desk.store.sampled(sample, position, BEFORE).await, locale)?,
        None => None,
    };
    let words = locale.words();
    let (notice, refused) = if status == StatusCode::OK {
        ((words.measured.judged_done)(done), None)
    } else {
        (None, (words.measured.judged_done)(done))
    };
    let reads = masking::reads(principal);
    let view = View {
        frame: Frame::new(locale, Room::Sample, words.measured.judging),
        notice,
        refused,
        masked: !reads,
        waiting: (words.measured.waiting)(&grouped(waiting)),
        judges: true,
        message: file.map(|file| message(file, reads, words)),
        policies: policy_choices(&desk.settings.policies, None, words),
    };
    Ok(render(status, &view))
}

/// One message of a sample, for who reads the figures.
pub(in crate::console) async fn message_page(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    id: Result<Path<String>, PathRejection>,
) -> Answer {
    let place = id.ok().and_then(|Path(id)| {
        let (sample, position) = id.split_once('.')?;
        Some((sample.parse().ok()?, position.parse().ok()?))
    });
    let Some((sample, position)) = place else { return Err(PageError::UnknownPage.page(locale)) };
    let file = told(desk.store.sampled(sample, position, BEFORE).await, &locale)?;
    let Some(file) = file else { return Err(PageError::UnknownPage.page(locale)) };
    let words = locale.words();
    let reads = masking::reads(&principal);
    let view = View {
        frame: Frame::new(&locale, Room::Recall, words.measured.recall_title),
        notice: None,
        refused: None,
        masked: !reads,
        waiting: String::new(),
        judges: false,
        message: Some(message(file, reads, words)),
        policies: Vec::new(),
    };
    Ok(render(StatusCode::OK, &view))
}

fn message(file: SampledFile, reads: bool, words: &Words) -> Message {
    let SampledFile { sampled, conversation, more_before } = file;
    let sender = conversation.last().map(|said| said.sender_id.clone());
    let said = |said: SaidMessage| Said {
        sender: (words.role_name)(said.role),
        sent: said.sent_at.into(),
        lang: reading_language(&said.text).as_str(),
        own: said.message_id == sampled.message_id,
        same_sender: sender.as_ref() == Some(&said.sender_id),
        text: if reads { said.text } else { masked(&said.text) },
    };
    let judged = sampled.judged.as_ref().map(|judged| {
        let policy = judged.policy.as_ref().map(|policy| format!(" · {}", words.policy(policy.as_str())));
        format!("{}{} · {}", (words.review.ruling_name)(judged.ruling), policy.unwrap_or_default(), judged.by)
    });
    Message {
        sample: sampled.sample_id,
        position: sampled.position,
        generation: sampled.generation,
        title: (words.measured.sampled_title)(sampled.sample_id, sampled.position),
        conversation: conversation.into_iter().map(said).collect(),
        more_before,
        judged,
    }
}

/// Takes the next message.
pub(in crate::console) async fn next(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
) -> Answer {
    onward(&desk, &principal, &locale, "").await
}

async fn onward(desk: &Desk, principal: &Principal, locale: &Locale, done: &str) -> Answer {
    let login = principal.login.as_str();
    let claimed = desk.store.claim_sampled(login, desk.settings.lease, Utc::now()).await;
    let done = if told(claimed, locale)?.is_none() && done.is_empty() { "none" } else { done };
    Ok(to_page(done))
}

pub(in crate::console) async fn decide(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    form: Result<Form<Decision>, FormRejection>,
) -> Answer {
    let Some(judging) = form.ok().and_then(|Form(form)| judging(&form, &desk, &principal)) else {
        return Err(PageError::ReviewForm.page(locale));
    };
    match told(desk.store.judge(&judging).await, &locale)? {
        Ok(()) => onward(&desk, &principal, &locale, judging.ruling.as_str()).await,
        Err(refused) => refusal(&desk, &principal, &locale, refused).await,
    }
}

fn judging(form: &Decision, desk: &Desk, principal: &Principal) -> Option<Judging> {
    let ruling: Ruling = form.decision.parse().ok()?;
    let policy = match ruling {
        Ruling::Violation => {
            let policy = form.policy.parse().ok()?;
            Some(policy).filter(|policy| desk.settings.policies.contains(policy))?.into()
        }
        Ruling::NotViolation | Ruling::Unsure => None,
    };
    Some(Judging {
        sample_id: form.sample,
        position: form.position,
        generation: form.generation,
        ruling,
        policy,
        by: principal.actor(),
        at: Utc::now(),
    })
}

pub(in crate::console) async fn undo(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
) -> Answer {
    let now = Utc::now();
    let since = now - desk.settings.undo;
    let undone = desk.store.undo_judgement(&principal.actor(), since, desk.settings.lease, now).await;
    match told(undone, &locale)? {
        Ok(()) => Ok(to_page("undone")),
        Err(refused) => refusal(&desk, &principal, &locale, refused).await,
    }
}

pub(in crate::console) async fn release(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
) -> Answer {
    told(desk.store.release_sampled(principal.login.as_str()).await, &locale)?;
    Ok(to_page("released"))
}

/// The page as it stands now, with why nothing was written.
async fn refusal(desk: &Desk, principal: &Principal, locale: &Locale, refused: NotJudged) -> Answer {
    let done = match refused {
        NotJudged::Unknown | NotJudged::Gone => "gone",
        NotJudged::NothingToUndo => "nothing",
    };
    shown(desk, principal, locale, StatusCode::CONFLICT, done).await
}

fn to_page(done: &str) -> Response {
    let query = if done.is_empty() { String::new() } else { format!("?done={done}") };
    Redirect::to(&format!("/evaluation/sample{query}")).into_response()
}
