//! `/alerts`: what was flagged, in the order in which it is reviewed, with the words that gave it away.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::error::{ErrorPage, PageError};
use super::layout::{Frame, Moment, Room, percent, reading_language, render};
use super::locale::Locale;
use super::masking;
use super::review::{Asked, COUNTED, ROWS, bounded, place};
use super::spans::{self, Stretch};
use super::state::Desk;
use super::words::Words;
use crate::access::{Permission, Principal};
use crate::contract::{Action, AlertState, Label, MessageId, Policy};
use crate::store::review::{Direction, ReviewCounts, ReviewRow, View as Of};
use crate::store::{AlertRow, AlertSources, ContextMessage};

#[derive(Template)]
#[template(path = "alerts.html")]
struct View {
    frame: Frame,
    notice: Option<String>,
    views: [ViewLink; 4],
    /// The filters as they are set.
    policies: Vec<Choice>,
    source: &'static str,
    mine: bool,
    view: &'static str,
    has_mine: bool,
    may_review: bool,
    masked: bool,
    alerts: Vec<Queued>,
    first: Option<String>,
    newer: Option<String>,
    older: Option<String>,
    /// The query of this list.
    query: String,
}

/// A policy to choose: its key, its name, and whether it is chosen.
pub(super) type Choice = (String, String, bool);

/// A list to choose.
struct ViewLink {
    href: String,
    name: &'static str,
    count: String,
    here: bool,
}

/// An alert in the list.
struct Queued {
    alert: Alert,
    standing: Option<String>,
    reviewable: bool,
}

/// An alert as the page shows it.
pub(super) struct Alert {
    pub(super) id: i64,
    pub(super) policy: String,
    /// Name of the policy in rules and configuration.
    pub(super) policy_key: String,
    pub(super) action: &'static str,
    pub(super) hides: bool,
    pub(super) probability: String,
    pub(super) sender: &'static str,
    pub(super) transaction: String,
    pub(super) message: String,
    pub(super) created: Moment,
    pub(super) lang: &'static str,
    pub(super) stretches: Vec<Stretch>,
    /// Earlier messages that the finding has parts in, oldest first.
    pub(super) earlier: Vec<Earlier>,
    pub(super) sources: Vec<Source>,
}

/// An earlier message with its part of the finding marked.
pub(super) struct Earlier {
    pub(super) message: String,
    pub(super) sender: &'static str,
    pub(super) lang: &'static str,
    pub(super) stretches: Vec<Stretch>,
}

/// One source that fired.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) subtype: String,
    pub(super) score: String,
    /// The matched words, each once.
    pub(super) matched: Vec<String>,
}

pub(super) async fn page(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
) -> Result<Response, ErrorPage> {
    let now = Utc::now();
    let read = async {
        // One more than is shown tells whether there is another page.
        let rows = desk.store.review_queue(&asked.listing(principal.login.as_str(), ROWS + 1, now)).await?;
        Ok((rows, desk.store.review_counts(COUNTED, now).await?))
    };
    match read.await {
        Ok((rows, counts)) => {
            let policies = policy_choices(&desk.settings.policies, asked.policy.as_ref(), locale.words());
            let view = view(rows, &counts, policies, &principal, &locale, &asked, now);
            Ok(render(StatusCode::OK, &view))
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

fn view(
    mut rows: Vec<ReviewRow>,
    counts: &ReviewCounts,
    policies: Vec<Choice>,
    principal: &Principal,
    locale: &Locale,
    asked: &Asked,
    now: DateTime<Utc>,
) -> View {
    let words = locale.words();
    let more = rows.len() > ROWS as usize;
    rows.truncate(ROWS as usize);
    let (mut before, mut after) = (asked.from.is_some(), more);
    if asked.direction == Direction::Backward {
        rows.reverse();
        (before, after) = (more, true);
    }
    let query = asked.query();
    let link = |name: &str, row: Option<&ReviewRow>| {
        row.map(|row| format!("/alerts?{query}&{name}={}", place(row.cursor(asked.view))))
    };
    let may_review = principal.may(Permission::ReviewAlerts);
    let may_decide = |row: &ReviewRow| {
        may_review && (row.state != AlertState::Escalated || principal.may(Permission::Supervise))
    };
    let newer = link("before", rows.first().filter(|_| before));
    let older = link("after", rows.last().filter(|_| after));
    let reads = masking::reads(principal);
    let count = |of: Of| match of {
        Of::Open => counts.open,
        Of::Claimed => counts.claimed,
        Of::Escalated => counts.escalated,
        Of::Decided => counts.decided,
    };
    let views = Of::ALL.map(|of| ViewLink {
        href: format!("/alerts?{}", Asked { view: of, ..asked.clone() }.query()),
        name: (words.review.view_name)(of),
        count: bounded(count(of), words),
        here: of == asked.view,
    });
    let queued = |row: ReviewRow| Queued {
        reviewable: may_decide(&row)
            && row.decided.is_none()
            && row.holder(now).is_none_or(|claim| claim.by == principal.login.as_str()),
        standing: standing(&row, principal.login.as_str(), words, now),
        alert: alert(row.alert, reads, words),
    };
    View {
        frame: Frame::new(locale, Room::Alerts, words.alerts),
        notice: asked.done.as_ref().and_then(|(name, count)| (words.review.done)(name, *count)),
        views,
        policies,
        source: asked.sources.map_or("", AlertSources::as_str),
        mine: asked.mine,
        view: asked.view.as_str(),
        has_mine: matches!(asked.view, Of::Claimed | Of::Decided),
        may_review,
        masked: !reads,
        alerts: rows.into_iter().map(queued).collect(),
        first: asked.from.is_some().then(|| format!("/alerts?{query}")),
        newer,
        older,
        query,
    }
}

/// The policies that the console knows, and the chosen one even if it is none of them.
pub(super) fn policy_choices(known: &[Policy], chosen: Option<&Policy>, words: &Words) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    for policy in known.iter().chain(chosen) {
        if !choices.iter().any(|(key, ..)| key == policy.as_str()) {
            choices.push((policy.to_string(), words.policy(policy.as_str()), Some(policy) == chosen));
        }
    }
    choices
}

/// Who has it, or what became of it.
fn standing(row: &ReviewRow, login: &str, words: &Words, now: DateTime<Utc>) -> Option<String> {
    if let Some(decided) = &row.decided {
        return Some(format!("{} · {}", (words.review.ruling_name)(decided.ruling), decided.by));
    }
    let claim = row.holder(now)?;
    Some(if claim.by == login {
        words.review.held_by_you.to_owned()
    } else {
        (words.review.held_by)(&claim.by)
    })
}

/// `reads`: whether the reader may read the text. Its language is told in any case.
pub(super) fn alert(mut row: AlertRow, reads: bool, words: &Words) -> Alert {
    let lang = reading_language(&row.text).as_str();
    let earlier_langs: Vec<_> =
        row.earlier.iter().map(|message| reading_language(&message.text).as_str()).collect();
    if !reads {
        masking::alert(&mut row);
    }
    let earlier = row.earlier.iter().zip(earlier_langs);
    Alert {
        id: row.alert_id,
        policy: words.policy(row.policy.as_str()),
        policy_key: row.policy.0,
        action: (words.action_name)(row.action),
        hides: row.action == Action::Hide,
        probability: percent(row.score),
        sender: (words.role_name)(row.role),
        transaction: row.transaction_id.to_string(),
        message: row.message_id.to_string(),
        created: row.created_at.into(),
        lang,
        stretches: spans::mark(&row.text, &row.labels),
        earlier: earlier.map(|(message, lang)| self::earlier(message, lang, &row.labels, words)).collect(),
        sources: row.labels.iter().map(source).collect(),
    }
}

fn earlier(message: &ContextMessage, lang: &'static str, labels: &[Label], words: &Words) -> Earlier {
    let own: Vec<Label> = parts_in(&message.message_id, labels).collect();
    Earlier {
        message: message.message_id.to_string(),
        sender: (words.role_name)(message.role),
        lang,
        stretches: spans::mark(&message.text, &own),
    }
}

/// The parts of findings that stand in one earlier message, as findings of their own.
pub(super) fn parts_in(message: &MessageId, labels: &[Label]) -> impl Iterator<Item = Label> {
    labels
        .iter()
        .flat_map(|label| label.parts.iter().map(move |part| (label, part)))
        .filter(move |(_, part)| part.message_id == *message)
        .map(|(label, part)| Label { spans: part.spans.clone(), parts: Vec::new(), ..label.clone() })
}

fn source(label: &Label) -> Source {
    let mut matched: Vec<String> = Vec::new();
    for span in label.parts.iter().flat_map(|part| &part.spans).chain(&label.spans) {
        if !matched.contains(&span.text) {
            matched.push(span.text.clone());
        }
    }
    Source {
        name: label.source.clone(),
        subtype: label.subtype.clone().unwrap_or_default(),
        score: percent(label.score),
        matched,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Part, Policy, Span};

    #[test]
    fn a_source_names_each_matched_word_once() {
        let span = |start, text: &str| Span { start, end: start + 1, text: text.into() };
        let label = Label {
            policy: Policy::new("harassment"),
            subtype: None,
            score: 0.5,
            source: "rule:harassment/insult".into(),
            spans: vec![span(0, "馬"), span(4, "馬"), span(8, "鹿")],
            parts: vec![Part { message_id: MessageId::new("m-0").unwrap(), spans: vec![span(2, "牛")] }],
        };
        let source = source(&label);
        assert_eq!(source.matched, ["牛", "馬", "鹿"]);
        assert_eq!((source.subtype.as_str(), source.score.as_str()), ("", "50%"));
    }
}
