//! Inquiries like another one that were resolved: the vectors of the last year, kept in memory, and filled from the database as they
//! come. Only what is there when a page is asked for is compared; a console that has just started reads on behind.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tokio::sync::Mutex;

use crate::contract::InquiryId;
use crate::model::neighbours::{Neighbours, Vector};
use crate::store::desk::{DeskCursor, ResolvedVector};
use crate::store::{Store, StoreError};

/// What was resolved before does not help any more.
const REMEMBERED: TimeDelta = TimeDelta::days(365);
/// Transactions end a little out of order, and the clocks of consoles differ: so far back is read again.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);
/// Vectors of one read, and reads that one page waits for.
const STRETCH: u32 = 5_000;
const READS: usize = 2;
/// So many are shown, if they are like enough.
const SHOWN: usize = 5;
const LIKE_ENOUGH: f32 = 0.5;

/// Whoever finds somebody else reading waits so long, and then takes what is there.
const PATIENCE: Duration = Duration::from_millis(200);
/// After a failure the console that has just started tries again.
const AGAIN: Duration = Duration::from_secs(5);

type Indexes = HashMap<String, Neighbours<InquiryId>>;

/// How far was read, and whether that was everything.
struct Place {
    after: DeskCursor,
    whole: bool,
}

/// The vectors by their version.
#[derive(Default)]
pub(in crate::console) struct Similar {
    indexes: RwLock<Indexes>,
    place: Mutex<Option<Place>>,
}

impl Similar {
    /// The inquiries that are most like this one, with how like they are; none for one without a vector.
    pub(super) async fn to(
        self: &Arc<Self>,
        store: &dyn Store,
        inquiry: &InquiryId,
    ) -> Result<Vec<(InquiryId, f32)>, StoreError> {
        let Some(own) = store.inquiry_vector(inquiry).await? else { return Ok(Vec::new()) };
        let Some(vector) = Vector::from_bytes(&own.vector) else { return Ok(Vec::new()) };
        self.catch_up(store).await?;
        let (similar, but) = (self.clone(), inquiry.clone());
        // A hundred thousand products take some milliseconds of a core.
        let found = tokio::task::spawn_blocking(move || similar.nearest(&own.version, &vector, &but)).await;
        found.map_err(|_| StoreError::Unexpected("the search for similar inquiries broke off".into()))
    }

    fn nearest(&self, version: &str, vector: &Vector, but: &InquiryId) -> Vec<(InquiryId, f32)> {
        let indexes = self.indexes.read().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = indexes.get(version) else { return Vec::new() };
        let found = index.nearest(vector, SHOWN, but).into_iter();
        found.filter(|(_, near)| *near >= LIKE_ENOUGH).map(|(id, near)| (id.clone(), near)).collect()
    }

    /// Reads everything that there is, behind the console that has just started.
    pub(in crate::console) async fn fill(self: Arc<Self>, store: Arc<dyn Store>) {
        loop {
            match self.catch_up(&*store).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "vectors of resolved inquiries could not be read");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Reads what was resolved since; `false` if there is more.
    async fn catch_up(&self, store: &dyn Store) -> Result<bool, StoreError> {
        let Ok(mut place) = tokio::time::timeout(PATIENCE, self.place.lock()).await else { return Ok(false) };
        let mut after = begin(place.as_ref())?;
        for _ in 0..READS {
            let rows = store.resolved_vectors(&after, STRETCH).await?;
            let whole = rows.len() < STRETCH as usize;
            if let Some(last) = rows.last() {
                after = (last.resolved_at, last.vector.inquiry_id.clone());
            }
            *place = Some(Place { after: after.clone(), whole });
            self.add(rows);
            if whole {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn add(&self, rows: Vec<ResolvedVector>) {
        let mut indexes = self.indexes.write().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let Some(vector) = Vector::from_bytes(&row.vector.vector) else { continue };
            let width = vector.numbers().len();
            let index = indexes.entry(row.vector.version).or_insert_with(|| Neighbours::new(width));
            index.insert(row.vector.inquiry_id, &vector);
        }
    }
}

/// Where to read on. What was read whole is read again from a little before its end.
fn begin(place: Option<&Place>) -> Result<DeskCursor, StoreError> {
    // No identifier that is used comes before this one.
    let first =
        || InquiryId::new("!").map_err(|_| StoreError::Unexpected("an identifier of one sign".into()));
    match place {
        None => Ok((Utc::now() - REMEMBERED, first()?)),
        Some(Place { after, whole: false }) => Ok(after.clone()),
        Some(Place { after: (time, _), whole: true }) => Ok((*time - OVERLAP, first()?)),
    }
}
