//! `/alerts`: what was flagged, newest first, with the words that gave it away.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::error::{ErrorPage, PageError};
use super::layout::{Frame, Moment, Room, percent, reading_language, render};
use super::locale::Locale;
use super::masking;
use super::paging::{PageNumber, Pager};
use super::spans::{self, Stretch};
use super::words::Words;
use crate::access::Principal;
use crate::contract::{Action, Label};
use crate::store::{AlertRow, ContextMessage, Store};

#[derive(Template)]
#[template(path = "alerts.html")]
struct View {
    frame: Frame,
    alerts: Vec<Alert>,
    masked: bool,
    pager: Pager,
}

/// An alert as the page shows it.
struct Alert {
    id: i64,
    policy: String,
    /// Name of the policy in rules and configuration.
    policy_key: String,
    action: &'static str,
    hides: bool,
    probability: String,
    sender: &'static str,
    transaction: String,
    message: String,
    created: Moment,
    lang: &'static str,
    stretches: Vec<Stretch>,
    /// Earlier messages that the finding has parts in, oldest first.
    earlier: Vec<Earlier>,
    sources: Vec<Source>,
}

/// An earlier message with its part of the finding marked.
struct Earlier {
    message: String,
    sender: &'static str,
    lang: &'static str,
    stretches: Vec<Stretch>,
}

/// One source that fired.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    name: String,
    subtype: String,
    score: String,
    /// The matched words, each once.
    matched: Vec<String>,
}

pub(super) async fn page(
    State(store): State<Arc<dyn Store>>,
    principal: Principal,
    locale: Locale,
    number: PageNumber,
) -> Result<Response, ErrorPage> {
    match store.alerts(number.wanted()).await {
        Ok(mut rows) => {
            let words = locale.words();
            let pager = Pager::over(number, &mut rows, "/alerts");
            let frame = Frame::new(&locale, Room::Alerts, words.alerts);
            let reads = masking::reads(&principal);
            let alerts = rows.into_iter().map(|row| alert(row, reads, words)).collect();
            Ok(render(StatusCode::OK, &View { frame, alerts, masked: !reads, pager }))
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

/// `reads`: whether the reader may read the text. Its language is told in any case.
fn alert(mut row: AlertRow, reads: bool, words: &Words) -> Alert {
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
    let own: Vec<Label> = labels
        .iter()
        .flat_map(|label| label.parts.iter().map(move |part| (label, part)))
        .filter(|(_, part)| part.message_id == message.message_id)
        .map(|(label, part)| Label { spans: part.spans.clone(), parts: Vec::new(), ..label.clone() })
        .collect();
    Earlier {
        message: message.message_id.to_string(),
        sender: (words.role_name)(message.role),
        lang,
        stretches: spans::mark(&message.text, &own),
    }
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
    use crate::contract::{MessageId, Part, Policy, Span};

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
