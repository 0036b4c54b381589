//! `/dead-letters`: deliveries that could not be processed, without their bodies, and their replay.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::{ErrorPage, PageError};
use super::layout::{Frame, Moment, Room, grouped, render};
use super::locale::Locale;
use super::paging::{PageNumber, Pager, ROWS};
use crate::access::{Permission, Principal};
use crate::store::operations::Replay;
use crate::store::{DeadLetterRow, Store};

#[derive(Template)]
#[template(path = "dead_letters.html")]
struct View {
    frame: Frame,
    letters: Vec<Letter>,
    with_replayed: bool,
    /// The reader may replay.
    may_replay: bool,
    /// Those of the list that are open.
    open: usize,
    /// What the button before did.
    told: Option<String>,
    pager: Pager,
}

/// A dead letter as the page shows it.
struct Letter {
    id: String,
    /// What a form sends for it: as often replayed, and the identifier.
    key: String,
    queue: &'static str,
    code: String,
    detail: String,
    rejections: String,
    first: Moment,
    last: Moment,
    size: String,
    hash: String,
    short_hash: String,
    replayed: Option<Moment>,
}

#[derive(Deserialize, Default)]
pub(super) struct Filter {
    replayed: Option<String>,
    /// How many the button before replayed, and how many it did not.
    done: Option<u32>,
    not: Option<u32>,
}

pub(super) async fn page(
    State(store): State<Arc<dyn Store>>,
    principal: Principal,
    locale: Locale,
    number: PageNumber,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let filter = filter.map(|Query(filter)| filter).unwrap_or_default();
    let with_replayed = filter.replayed.as_deref() == Some("yes");
    let told = filter.done.map(|done| (locale.words().operating.replayed)(done, filter.not.unwrap_or(0)));
    match store.dead_letters(number.wanted(), with_replayed).await {
        Ok(mut rows) => {
            let list = if with_replayed { "/dead-letters?replayed=yes" } else { "/dead-letters" };
            let pager = Pager::over(number, &mut rows, list);
            let frame = Frame::new(&locale, Room::DeadLetters, locale.words().dead_letters);
            let open = rows.iter().filter(|row| row.replayed_at.is_none()).count();
            let may_replay = principal.may(Permission::OperateDeadLetters);
            let letters = rows.into_iter().map(letter).collect();
            Ok(render(StatusCode::OK, &View { frame, letters, with_replayed, may_replay, open, told, pager }))
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

/// Sends dead letters again: those that the page showed, each as the page showed it.
pub(super) async fn replay(
    State(store): State<Arc<dyn Store>>,
    principal: Principal,
    locale: Locale,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, ErrorPage> {
    let fields = form.map(|Form(fields)| fields).unwrap_or_default();
    let Some(asked) = asked(&fields) else { return Err(PageError::Form.page(locale)) };
    let (mut done, mut not) = (0, 0);
    for (id, replays) in asked {
        match store.replay_dead_letter(id, Some(replays), &principal.actor(), Utc::now()).await {
            Ok(Replay::Done) => done += 1,
            Ok(Replay::Changed | Replay::Unknown) => not += 1,
            Err(error) => return Err(PageError::Store(error).page(locale)),
        }
    }
    Ok(Redirect::to(&format!("/dead-letters?done={done}&not={not}")).into_response())
}

/// Every `letter` of a form; none without one, with more than a page shows, or with one that cannot be read.
fn asked(fields: &[(String, String)]) -> Option<Vec<(&str, u32)>> {
    let letters = fields.iter().filter(|(name, _)| name == "letter");
    let read = letters.map(|(_, key)| {
        let (replays, id) = key.split_once(':')?;
        Some((id, replays.parse().ok()?))
    });
    let read: Vec<_> = read.collect::<Option<_>>()?;
    (1..=ROWS as usize).contains(&read.len()).then_some(read)
}

fn letter(row: DeadLetterRow) -> Letter {
    let hash: String = Sha256::digest(&row.body).iter().map(|byte| format!("{byte:02x}")).collect();
    Letter {
        key: format!("{}:{}", row.replays, row.id),
        id: row.id,
        queue: row.queue.as_str(),
        code: row.code,
        detail: row.detail,
        rejections: grouped(u64::from(row.rejections)),
        first: row.first_at.into(),
        last: row.last_at.into(),
        size: grouped(row.body.len() as u64),
        short_hash: hash.chars().take(12).collect(),
        hash,
        replayed: row.replayed_at.map(Moment::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Inbound;
    use chrono::{DateTime, Utc};

    #[test]
    fn a_body_is_told_by_size_and_hash_only() {
        let time: DateTime<Utc> = "2026-11-21T09:00:00Z".parse().unwrap();
        let shown = letter(DeadLetterRow {
            id: "d-1".into(),
            queue: Inbound::Messages,
            body: b"abc".to_vec(),
            code: "invalid_json".into(),
            detail: "body: expected JSON".into(),
            rejections: 2,
            first_at: time,
            last_at: time,
            replays: 2,
            replayed_at: None,
        });
        assert_eq!(shown.key, "2:d-1");
        // SHA-256 of `abc`, from FIPS 180-2, appendix B.1.
        assert_eq!(shown.hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((shown.size.as_str(), shown.short_hash.as_str()), ("3", "ba7816bf8f01"));
    }

    #[test]
    fn a_form_names_dead_letters_as_its_page_showed_them() {
        let form = |keys: &[&str]| -> Vec<(String, String)> {
            let mut fields = vec![("csrf".to_owned(), "x".to_owned())];
            fields.extend(keys.iter().map(|key| ("letter".to_owned(), (*key).to_owned())));
            fields
        };
        assert_eq!(asked(&form(&["0:d-1", "3:d:2"])), Some(vec![("d-1", 0), ("d:2", 3)]));
        for wrong in [vec![], vec!["d-1"], vec!["-1:d-1"], vec!["0:d-1", "x"], vec!["0:d-1"; 26]] {
            assert_eq!(asked(&form(&wrong)), None, "{wrong:?}");
        }
    }
}
