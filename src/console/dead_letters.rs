//! `/dead-letters`: deliveries that could not be processed, without their bodies.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::{ErrorPage, PageError};
use super::layout::{Frame, Moment, Room, grouped, render};
use super::locale::Locale;
use super::paging::{PageNumber, Pager};
use crate::store::{DeadLetterRow, Store};

#[derive(Template)]
#[template(path = "dead_letters.html")]
struct View {
    frame: Frame,
    letters: Vec<Letter>,
    with_replayed: bool,
    pager: Pager,
}

/// A dead letter as the page shows it.
struct Letter {
    id: String,
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

#[derive(Deserialize)]
pub(super) struct Filter {
    replayed: Option<String>,
}

pub(super) async fn page(
    State(store): State<Arc<dyn Store>>,
    locale: Locale,
    number: PageNumber,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    let with_replayed = filter.is_ok_and(|Query(filter)| filter.replayed.as_deref() == Some("yes"));
    match store.dead_letters(number.wanted(), with_replayed).await {
        Ok(mut rows) => {
            let list = if with_replayed { "/dead-letters?replayed=yes" } else { "/dead-letters" };
            let pager = Pager::over(number, &mut rows, list);
            let frame = Frame::new(&locale, Room::DeadLetters, locale.words().dead_letters);
            let letters = rows.into_iter().map(letter).collect();
            Ok(render(StatusCode::OK, &View { frame, letters, with_replayed, pager }))
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

fn letter(row: DeadLetterRow) -> Letter {
    let hash: String = Sha256::digest(&row.body).iter().map(|byte| format!("{byte:02x}")).collect();
    Letter {
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
            replayed_at: None,
        });
        // SHA-256 of `abc`, from FIPS 180-2, appendix B.1.
        assert_eq!(shown.hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((shown.size.as_str(), shown.short_hash.as_str()), ("3", "ba7816bf8f01"));
    }
}
