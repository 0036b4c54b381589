//! `/models`: what judges, what judged before, and what the models in shadow would do differently.

mod cards;
mod comparison;
mod differences;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};

use super::error::{ErrorPage, PageError};
use super::layout::{Frame, Moment, Room, render};
use super::locale::Locale;
use super::operations::models_of;
use super::state::Desk;
use super::words::Words;
use crate::model::catalogue::{Card, Catalogue, Kind, catalogue};
use crate::model::versions::Change;
use crate::store::StoreError;
use crate::store::operations::{ShadowInForce, WorkerReport};
use crate::store::shadow::{ShadowCount, ShadowRuling};
use cards::Group;
use comparison::CountRow;
pub(super) use differences::page as differences_page;

/// Workers that are looked at.
const WORKERS: u32 = 200;
/// What the comparison is about.
const COMPARED: TimeDelta = TimeDelta::days(7);
/// Changes that are shown, the newest first.
const CHANGES: usize = 50;

#[derive(Template)]
#[template(path = "models.html")]
struct View {
    frame: Frame,
    groups: Vec<Group>,
    workers: Vec<WorkerRow>,
    stale: bool,
    counts: Vec<CountRow>,
    changes: Vec<ChangeRow>,
}

/// What a worker has in force.
struct WorkerRow {
    name: String,
    models: Vec<(String, String)>,
    rules_only: Vec<String>,
    shadow: String,
}

struct ChangeRow {
    at: Moment,
    part: String,
    from: String,
    to: String,
}

/// What the database tells.
struct Read {
    workers: Vec<WorkerReport>,
    counts: Vec<ShadowCount>,
    rulings: Vec<ShadowRuling>,
}

pub(super) async fn page(State(desk): State<Desk>, locale: Locale) -> Result<Response, ErrorPage> {
    let now = Utc::now();
    let read = match read(&desk, now).await {
        Ok(read) => read,
        Err(error) => return Err(PageError::Store(error).page(locale)),
    };
    let told = match desk.settings.models.clone() {
        // Folders are read anew for every page: a promotion shows at once.
        Some(folders) => tokio::task::spawn_blocking(move || catalogue(&folders)).await.unwrap_or_default(),
        None => Catalogue::default(),
    };
    Ok(render(StatusCode::OK, &view(read, &told, &locale, now)))
}

async fn read(desk: &Desk, now: DateTime<Utc>) -> Result<Read, StoreError> {
    Ok(Read {
        workers: desk.store.workers(WORKERS).await?,
        counts: desk.store.shadow_counts(now - COMPARED..now).await?,
        rulings: desk.store.shadow_rulings(now - COMPARED..now).await?,
    })
}

fn view(read: Read, told: &Catalogue, locale: &Locale, now: DateTime<Utc>) -> View {
    let words = locale.words();
    let there: Vec<&WorkerReport> =
        read.workers.iter().filter(|one| !one.state.is_over() && !one.is_silent(now)).collect();
    View {
        frame: Frame::new(locale, Room::Models, words.models.title),
        groups: cards::groups(told, words),
        stale: there.iter().any(|one| is_stale(one, &told.live)),
        workers: there.iter().map(|one| worker(one, words)).collect(),
        counts: comparison::rows(&read.counts, &read.rulings, words),
        changes: told.history.iter().rev().take(CHANGES).map(|change| self::change(change, words)).collect(),
    }
}

fn worker(one: &WorkerReport, words: &Words) -> WorkerRow {
    WorkerRow {
        name: one.name.clone(),
        models: models_of(&one.models, words),
        rules_only: one.models.rules_only.iter().map(|policy| words.policy(policy.as_str())).collect(),
        shadow: match &one.models.shadow {
            None => "–".to_owned(),
            Some(ShadowInForce::Judging(name)) => name.clone(),
            Some(ShadowInForce::Unusable) => words.models.shadow_unusable.to_owned(),
        },
    }
}

/// Whether a worker judges with another version than the one in the folders.
fn is_stale(one: &WorkerReport, live: &[Card]) -> bool {
    live.iter().filter_map(|card| Some((&card.kind, &card.told.as_ref().ok()?.version))).any(
        |(kind, version)| match kind {
            Kind::Conversation => one.models.conversation != *version,
            Kind::Policy(policy) => one.models.policies.get(policy).is_some_and(|own| own != version),
            Kind::Inquiries => one.models.inquiries != *version,
        },
    )
}

fn change(change: &Change, words: &Words) -> ChangeRow {
    let part = match change.part {
        crate::model::versions::Part::Conversation => words.operating.conversation_model,
        crate::model::versions::Part::Inquiries => words.operating.inquiry_model,
    };
    ChangeRow {
        at: change.at.into(),
        part: part.to_owned(),
        from: change.from.clone(),
        to: change.to.clone(),
    }
}
