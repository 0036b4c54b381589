//! `/rules/try`: a message on trial. It is read once and stored nowhere.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::judge::{Line, Policy, Tried, judge};
use crate::console::error::{ErrorPage, PageError};
use crate::console::layout::{Frame, Room, render};
use crate::console::locale::Locale;
use crate::console::state::Desk;
use crate::console::words::Words;
use crate::contract::Role;
use crate::rules::MAX_HISTORY;

/// Characters of the longest message that can be tried while no rules are known.
const LONGEST_TEXT: usize = 10_000;

#[derive(Template)]
#[template(path = "rule_try.html")]
struct View {
    frame: Frame,
    problems: Vec<String>,
    /// There are rules to try.
    ready: bool,
    told: Option<String>,
    text: String,
    seller: bool,
    earlier: String,
    longest_text: usize,
    outcome: Option<Outcome>,
}

/// What the rules say.
struct Outcome {
    version: String,
    lines: Vec<Line>,
    policies: Vec<Policy>,
    tried: Vec<Tried>,
    more: bool,
}

#[derive(Deserialize)]
pub(in crate::console) struct Typed {
    text: String,
    role: Role,
    #[serde(default)]
    earlier: String,
}

/// One message of what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) role: Role,
    pub(super) text: String,
}

pub(in crate::console) async fn page(State(desk): State<Desk>, locale: Locale) -> Response {
    render(StatusCode::OK, &empty(&desk, &locale))
}

fn empty(desk: &Desk, locale: &Locale) -> View {
    let shelf = desk.rules.now();
    View {
        frame: Frame::new(locale, Room::RuleTrial, locale.words().rules.try_title),
        problems: shelf.problems.clone(),
        ready: shelf.pack.is_some(),
        told: None,
        text: String::new(),
        seller: true,
        earlier: String::new(),
        longest_text: longest(desk),
        outcome: None,
    }
}

fn longest(desk: &Desk) -> usize {
    desk.rules.folder().map_or(LONGEST_TEXT, |folder| folder.longest_text)
}

/// Shows what the rules say about what was typed. A write only in that its text stands in no address, and so in no log.
pub(in crate::console) async fn try_message(
    State(desk): State<Desk>,
    locale: Locale,
    form: Result<Form<Typed>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let Ok(Form(typed)) = form else { return Err(PageError::Form.page(locale)) };
    let words = locale.words();
    let view = View {
        text: typed.text.clone(),
        seller: typed.role == Role::Seller,
        earlier: typed.earlier.clone(),
        ..empty(&desk, &locale)
    };
    let spoken = match conversation(&typed, longest(&desk), words) {
        Ok(spoken) => spoken,
        Err(told) => return Ok(render(StatusCode::BAD_REQUEST, &View { told: Some(told), ..view })),
    };
    let off = match desk.store.rules_off().await {
        Ok(off) => off,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let shelf = desk.rules.now();
    let Some(pack) = shelf.pack.as_ref().map(|pack| pack.without(&off)) else {
        return Ok(render(StatusCode::OK, &view));
    };
    // The semaphore is never closed, and the engine does not panic; both would be the program's fault.
    let turn = desk.rules.explaining().acquire().await;
    let (book, settings) = (desk.rules.clone(), desk.settings.clone());
    let judged = tokio::task::spawn_blocking(move || judge(&book, &settings.policies, &pack, &spoken, words));
    let judged = judged.await;
    drop(turn);
    let Ok(Some((version, lines, policies, tried, more))) = judged else {
        let broken = crate::store::StoreError::Unexpected("a message could not be tried; see the log".into());
        return Err(PageError::Store(broken).page(locale));
    };
    let outcome = Some(Outcome { version, lines, policies, tried, more });
    Ok(render(StatusCode::OK, &View { outcome, ..view }))
}

/// The earlier messages, a line each, and the message itself; or why that is none.
fn conversation(typed: &Typed, longest: usize, words: &Words) -> Result<Vec<Spoken>, String> {
    // Browsers send line breaks as CRLF.
    let text = typed.text.replace("\r\n", "\n");
    if text.trim().is_empty() {
        return Err(words.rules.no_text.to_owned());
    }
    let mut spoken: Vec<Spoken> = typed
        .earlier
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| said(line, typed.role.other()))
        .collect();
    if spoken.len() > MAX_HISTORY {
        return Err((words.rules.too_many_lines)(MAX_HISTORY));
    }
    spoken.push(Spoken { role: typed.role, text });
    if spoken.iter().any(|one| one.text.chars().count() > longest) {
        return Err((words.rules.too_long)(longest));
    }
    Ok(spoken)
}

/// `seller: …`, in either language; without that, it is the other side's.
fn said(line: &str, other: Role) -> Spoken {
    const SIDES: [(&str, Role); 6] = [
        ("seller", Role::Seller),
        ("buyer", Role::Buyer),
        ("出品者", Role::Seller),
        ("購入者", Role::Buyer),
        ("売り手", Role::Seller),
        ("買い手", Role::Buyer),
    ];
    let named = line.split_once([':', '：']).and_then(|(name, text)| {
        let name = name.trim().to_lowercase();
        let (_, role) = SIDES.into_iter().find(|(side, _)| *side == name)?;
        Some(Spoken { role, text: text.trim().to_owned() })
    });
    named.unwrap_or_else(|| Spoken { role: other, text: line.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Language;

    #[test]
    fn a_line_says_who_said_it_in_either_language() {
        let of = |line| said(line, Role::Buyer);
        let spoken = |role, text: &str| Spoken { role, text: text.into() };
        assert_eq!(of("Seller: see you at 10:30"), spoken(Role::Seller, "see you at 10:30"));
        assert_eq!(of("購入者：了解です"), spoken(Role::Buyer, "了解です"));
        assert_eq!(of("at 10:30"), spoken(Role::Buyer, "at 10:30"));
        assert_eq!(of("住所: 東京"), spoken(Role::Buyer, "住所: 東京"));
    }

    #[test]
    fn what_is_typed_is_bounded() {
        let words = Words::of(Language::En);
        let typed = |text: &str, earlier: &str| Typed {
            text: text.into(),
            role: Role::Seller,
            earlier: earlier.into(),
        };
        assert!(conversation(&typed(" \r\n", ""), 10, words).is_err());
        assert!(conversation(&typed("12345678901", ""), 10, words).is_err());
        assert!(conversation(&typed("1", &"a\n".repeat(MAX_HISTORY + 1)), 10, words).is_err());
        let spoken = conversation(&typed("1\r\n2", "\r\na\r\n\r\nb\r\n"), 10, words).unwrap();
        let texts: Vec<_> = spoken.iter().map(|one| (one.role, one.text.as_str())).collect();
        assert_eq!(texts, [(Role::Buyer, "a"), (Role::Buyer, "b"), (Role::Seller, "1\n2")]);
    }
}
