//! The room of evaluation: [`figures`] shows alerts and precision over time, [`recall`] what samples of messages without an alert say, [`judging`]
//! hands out such messages, [`answers`] how soon inquiries were answered, [`drift`] what changed in the messages.

mod answers;
mod asked;
mod drift;
mod estimates;
mod figures;
mod judging;
mod recall;
mod rising;
mod tables;

pub(super) use answers::{csv as answers_csv, page as answers_page};
pub(super) use drift::{csv as drift_csv, page as drift_page};
pub(super) use figures::{csv as figures_csv, page as figures_page};
pub(super) use judging::{decide, message_page, next, page as judging_page, release, undo};
pub(super) use recall::{close, csv as recall_csv, draw, page as recall_page};

use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::error::{ErrorPage, PageError};
use super::locale::Locale;
use crate::store::StoreError;

type Answer = Result<Response, ErrorPage>;

fn told<T>(result: Result<T, StoreError>, locale: &Locale) -> Result<T, ErrorPage> {
    result.map_err(|error| PageError::Store(error).page(locale.clone()))
}

/// Rows for a spreadsheet.
fn sheet(rows: Result<Vec<u8>, csv::Error>, locale: &Locale) -> Answer {
    let text = told(rows.map_err(|error| StoreError::Unexpected(error.to_string())), locale)?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

fn written(rows: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn share(value: f64) -> String {
    format!("{value:.4}")
}
