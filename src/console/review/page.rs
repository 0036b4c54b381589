//! `/alerts/{id}`: one alert with the conversation around it, why it was flagged, and what can be done.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::Asked;
use crate::access::{Permission, Principal, masked};
use crate::console::alerts::{self, Alert, Choice, policy_choices};
use crate::console::error::{ErrorPage, PageError};
use crate::console::layout::{Frame, Moment, Room, percent, reading_language, render};
use crate::console::locale::Locale;
use crate::console::masking;
use crate::console::rules::Shelf;
use crate::console::spans::{self, Stretch};
use crate::console::state::Desk;
use crate::console::words::Words;
use crate::contract::{AlertState, Label, MessageId, Policy, Ruling, SUBTYPES, Span, is_known_subtype};
use crate::store::WeighedPart;
use crate::store::review::{AlertFile, ReviewRow, SaidMessage, TrailRow};

/// Characters of an earlier message that are quoted among what moved the model.
const QUOTED: usize = 24;
/// Messages before and after the alert's own, and earlier findings, that are shown.
const AROUND: u32 = 20;

#[derive(Template)]
#[template(path = "alert.html")]
struct View {
    frame: Frame,
    masked: bool,
    notice: Option<String>,
    title: String,
    alert: Alert,
    /// The query of the list from which the alert was opened.
    query: String,
    about: Option<&'static str>,
    reasons: Vec<Reason>,
    has_model: bool,
    /// What moved the model, the heaviest first.
    moved: Vec<Moved>,
    conversation: Vec<Said>,
    more_before: bool,
    more_after: bool,
    hidden: bool,
    state: Standing,
    /// How long a claim lasts.
    lease_seconds: i64,
    warned: Option<Moment>,
    /// Nobody has decided that it is no violation.
    may_warn: bool,
    may_review: bool,
    alike: Option<AlikeBox>,
    policies: Vec<Choice>,
    /// What the first source says.
    subtype: String,
    subtypes: [&'static str; SUBTYPES.len()],
    of_sender: Vec<Other>,
    trail: Vec<Line>,
    versions: String,
}

/// What the reader can do with the alert.
enum Standing {
    /// Theirs: the generation of the claim, and its end.
    Mine { generation: u32, until: Moment },
    /// Somebody else's.
    Theirs(String),
    /// Nobody's.
    Free,
    /// Decided: who, what, when, and a note.
    Decided { by: String, ruling: &'static str, what: String, note: String, at: Moment },
}

/// A source in words.
struct Reason {
    source: String,
    /// What the rule's author says, as written.
    message: Option<String>,
    lang: &'static str,
}

/// A word that moved the model, or the beginning of an earlier message that did.
struct Moved {
    text: String,
    lang: &'static str,
}

pub(in crate::console) struct Said {
    pub(in crate::console) sender: &'static str,
    pub(in crate::console) sent: Moment,
    pub(in crate::console) lang: &'static str,
    pub(in crate::console) stretches: Vec<Stretch>,
    pub(in crate::console) hidden: bool,
    /// The alert's own message.
    pub(in crate::console) own: bool,
    /// Said by the sender of that message.
    pub(in crate::console) same_sender: bool,
}

struct AlikeBox {
    up_to: i64,
    label: String,
}

/// Another alert about the sender.
pub(in crate::console) struct Other {
    pub(in crate::console) id: i64,
    pub(in crate::console) policy: String,
    pub(in crate::console) probability: String,
    pub(in crate::console) state: String,
    pub(in crate::console) created: Moment,
    pub(in crate::console) text: String,
    pub(in crate::console) lang: &'static str,
}

struct Line {
    at: Moment,
    who: String,
    what: String,
    detail: String,
}

pub(in crate::console) async fn page(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Path(id)) = id else { return Err(PageError::UnknownAlert.page(locale)) };
    let read = async {
        let Some(file) = desk.store.alert_file(id, AROUND).await? else { return Ok(None) };
        let moved = desk.store.explanation(&file.row.alert.message_id, &file.row.alert.policy).await?;
        Ok(Some((file, moved.map_or_else(Vec::new, |explanation| explanation.parts))))
    };
    let (file, moved) = match read.await {
        Ok(Some(read)) => read,
        Ok(None) => return Err(PageError::UnknownAlert.page(locale)),
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    Ok(render(StatusCode::OK, &view(file, &moved, &desk, &principal, &locale, &asked, Utc::now())))
}

fn view(
    file: AlertFile,
    parts: &[WeighedPart],
    desk: &Desk,
    principal: &Principal,
    locale: &Locale,
    asked: &Asked,
    now: DateTime<Utc>,
) -> View {
    let words = locale.words();
    let reads = masking::reads(principal);
    let AlertFile { row, conversation, more_before, more_after, alike, of_sender, trail } = file;
    let may_review = principal.may(Permission::ReviewAlerts)
        && (row.state != AlertState::Escalated || principal.may(Permission::Supervise));
    let policy = row.alert.policy.clone();
    let own = row.alert.message_id.clone();
    let moved = if reads { moved(parts, &conversation) } else { Vec::new() };
    let by_model = by_model(parts, &own, &policy, words);
    let said = |message: SaidMessage| {
        let same_sender = message.sender_id == row.sender_id;
        let found: Vec<Label> = row.alert.labels.iter().chain(&by_model).cloned().collect();
        said(message, &found, Some(&own), same_sender, reads, words)
    };
    let conversation: Vec<(Said, bool)> = conversation
        .into_iter()
        .map(|message| {
            let hidden = message.hidden && message.message_id == own;
            (said(message), hidden)
        })
        .collect();
    let hidden = conversation.iter().any(|(_, hidden)| *hidden);
    let rules = desk.rules.now();
    let reasons = row.alert.labels.iter().map(|label| reason(label, &rules)).collect();
    let has_model = row.alert.labels.iter().any(|label| label.source.starts_with("model:"));
    let notice = asked.done.as_ref().and_then(|(name, count)| (words.review.done)(name, *count));
    View {
        frame: Frame::new(locale, Room::Alerts, words.alerts),
        masked: !reads,
        notice,
        title: (words.review.alert)(row.alert.alert_id),
        query: asked.query(),
        about: (words.review.policy_about)(policy.as_str()),
        reasons,
        has_model,
        moved,
        conversation: conversation.into_iter().map(|(said, _)| said).collect(),
        more_before,
        more_after,
        hidden,
        state: standing(&row, principal, reads, words, now),
        lease_seconds: desk.settings.lease.num_seconds(),
        warned: row.warned_at.map(Moment::from),
        may_warn: row.decided.as_ref().is_none_or(|decided| decided.ruling != Ruling::NotViolation),
        may_review,
        alike: (alike.count > 0)
            .then(|| AlikeBox { up_to: alike.up_to, label: (words.review.same_text)(alike.count) }),
        policies: policy_choices(&desk.settings.policies, Some(&policy), words),
        subtype: row.alert.labels.iter().find_map(|label| label.subtype.clone()).unwrap_or_default(),
        subtypes: SUBTYPES,
        of_sender: of_sender.into_iter().map(|row| other(row, reads, words)).collect(),
        trail: trail.into_iter().map(|line| self::line(line, reads, words)).collect(),
        versions: format!("{} · {}", row.rules_version, row.model_version),
        alert: alerts::alert(row.alert, reads, words),
    }
}

/// The words of the message that moved the model, as spans to be marked.
fn by_model(parts: &[WeighedPart], own: &MessageId, policy: &Policy, words: &Words) -> Option<Label> {
    let spans: Vec<Span> = parts
        .iter()
        .filter(|part| part.message_id == *own)
        .map(|part| Span { start: part.start, end: part.end, text: String::new() })
        .collect();
    (!spans.is_empty()).then(|| Label {
        policy: policy.clone(),
        subtype: None,
        score: 1.0,
        source: format!("model: {}", words.review.moved_note),
        spans,
        parts: Vec::new(),
    })
}

/// The parts in words; of earlier messages, which are weighed whole, the beginning.
fn moved(parts: &[WeighedPart], conversation: &[SaidMessage]) -> Vec<Moved> {
    let text = |part: &WeighedPart| {
        let said = conversation.iter().find(|said| said.message_id == part.message_id)?;
        let length = part.end.saturating_sub(part.start);
        let mut text: String = said.text.chars().skip(part.start).take(length.min(QUOTED)).collect();
        if length > QUOTED {
            text.push('…');
        }
        Some(Moved { lang: reading_language(&said.text).as_str(), text })
    };
    parts.iter().filter_map(text).collect()
}

fn standing(
    row: &ReviewRow,
    principal: &Principal,
    reads: bool,
    words: &Words,
    now: DateTime<Utc>,
) -> Standing {
    if let Some(decided) = &row.decided {
        let policy = decided.policy.as_ref().map(|policy| words.policy(policy.as_str()));
        let what: Vec<String> =
            policy.into_iter().chain(shown_subtype(decided.subtype.clone(), reads)).collect();
        return Standing::Decided {
            by: decided.by.clone(),
            ruling: (words.review.ruling_name)(decided.ruling),
            what: what.join(" · "),
            note: decided.note.clone().filter(|_| reads).unwrap_or_default(),
            at: decided.at.into(),
        };
    }
    match row.holder(now) {
        Some(claim) if claim.by == principal.login.as_str() => {
            Standing::Mine { generation: claim.generation, until: claim.until.into() }
        }
        Some(claim) => Standing::Theirs((words.review.held_by)(&claim.by)),
        None => Standing::Free,
    }
}

fn reason(label: &Label, rules: &Shelf) -> Reason {
    let rule = label.source.strip_prefix("rule:");
    let message = rule.and_then(|rule| rules.message(rule));
    Reason {
        source: label.source.clone(),
        message: message.map(str::to_owned),
        lang: reading_language(message.unwrap_or_default()).as_str(),
    }
}

/// A message of a conversation; `own` is the one that the conversation is shown for, if there is one.
pub(in crate::console) fn said(
    message: SaidMessage,
    found: &[Label],
    own: Option<&MessageId>,
    same_sender: bool,
    reads: bool,
    words: &Words,
) -> Said {
    let lang = reading_language(&message.text).as_str();
    // What the message was flagged for itself, and the parts that it has in the finding of this alert.
    let mut labels = message.labels;
    labels.extend(alerts::parts_in(&message.message_id, found));
    if own == Some(&message.message_id) {
        labels.extend(found.iter().filter(|label| label.source.starts_with("model:")).cloned());
    }
    Said {
        sender: (words.role_name)(message.role),
        sent: message.sent_at.into(),
        lang,
        stretches: if reads {
            spans::mark(&message.text, &labels)
        } else {
            spans::mark(&masked(&message.text), &[])
        },
        hidden: message.hidden,
        own: own == Some(&message.message_id),
        same_sender,
    }
}

pub(in crate::console) fn other(row: ReviewRow, reads: bool, words: &Words) -> Other {
    let state = match &row.decided {
        Some(decided) => (words.review.ruling_name)(decided.ruling),
        None if row.state == AlertState::Escalated => {
            (words.review.view_name)(crate::store::review::View::Escalated)
        }
        None => (words.review.view_name)(crate::store::review::View::Open),
    };
    Other {
        id: row.alert.alert_id,
        policy: words.policy(row.alert.policy.as_str()),
        probability: percent(row.alert.score),
        state: state.to_owned(),
        created: row.alert.created_at.into(),
        lang: reading_language(&row.alert.text).as_str(),
        text: if reads { row.alert.text } else { masked(&row.alert.text) },
    }
}

/// Who reads no messages is shown the known names only: a reviewer may have written anything.
fn shown_subtype(subtype: Option<String>, reads: bool) -> Option<String> {
    subtype.filter(|name| reads || is_known_subtype(name))
}

fn line(row: TrailRow, reads: bool, words: &Words) -> Line {
    let ruling = row.ruling.map(|ruling| (words.review.ruling_name)(ruling).to_owned());
    let policy = row.policy.map(|policy| words.policy(policy.as_str()));
    let note = row.note.filter(|_| reads);
    let detail: Vec<String> =
        ruling.into_iter().chain(policy).chain(shown_subtype(row.subtype, reads)).chain(note).collect();
    Line {
        at: row.at.into(),
        who: row.reviewer,
        what: (words.review.act_name)(&row.act).map_or(row.act.clone(), str::to_owned),
        detail: detail.join(" · "),
    }
}
