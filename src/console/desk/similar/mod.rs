//! Inquiries like another one that were resolved: the vectors of the last year, kept in memory, and filled from the database as they
//! come. Only what is there when a page is asked for is compared; a console that has just started reads on behind. Where there are very many,
//! [`graphs`] has graphs built beside the pages.

mod graphs;

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
pub(in crate::console) struct Similar {
    /// With more vectors of one version, a graph finds the nearest.
    exact_up_to: usize,
    indexes: RwLock<Indexes>,
    place: Mutex<Option<Place>>,
    /// Held while graphs are built, so that one is built after the other.
    building: Arc<Mutex<()>>,
}

impl Similar {
    pub(in crate::console) fn new(exact_up_to: usize) -> Self {
        Self { exact_up_to, indexes: RwLock::default(), place: Mutex::default(), building: Arc::default() }
    }

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
        // It takes some milliseconds of a core.
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
    async fn catch_up(self: &Arc<Self>, store: &dyn Store) -> Result<bool, StoreError> {
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
                // Not before: of what is still being read, one graph after the other would be built.
                self.build_graphs();
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
            let new = || Neighbours::new(width, self.exact_up_to);
            let index = indexes.entry(row.vector.version).or_insert_with(new);
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

#[cfg(test)]
mod tests {
    use rand::prelude::*;
    use rand::rngs::StdRng;

    use super::*;
    use crate::store::desk::InquiryVector;

    const VERSION: &str = "encoder";

    fn row(number: usize, random: &mut StdRng) -> ResolvedVector {
        let inquiry_id = InquiryId::new(format!("inquiry-{number}")).unwrap();
        let vector = (0..16).map(|_| random.random::<u8>()).collect();
        let vector = InquiryVector { inquiry_id, version: VERSION.into(), vector };
        ResolvedVector { resolved_at: Utc::now(), vector }
    }

    #[tokio::test]
    async fn a_graph_is_built_while_pages_are_answered() {
        let mut random = StdRng::seed_from_u64(1);
        let rows: Vec<ResolvedVector> = (0..2_200).map(|number| row(number, &mut random)).collect();
        let similar = Arc::new(Similar::new(2_000));
        let answers = |asked: usize, but: usize| {
            let vector = Vector::from_bytes(&rows[asked].vector.vector).unwrap();
            similar.nearest(VERSION, &vector, &rows[but].vector.inquiry_id)
        };
        similar.add(rows[..2_000].to_vec());
        assert!(similar.draft().is_none());
        similar.add(rows[2_000..].to_vec());
        assert!(similar.draft().is_some());

        similar.build_graphs();
        assert!(similar.building.try_lock().is_err());
        for asked in [7, 2_199] {
            assert_eq!(answers(asked, 0)[0].0, rows[asked].vector.inquiry_id);
        }

        let _turn = similar.building.lock().await;
        assert!(similar.draft().is_none());
        for asked in [7, 2_199] {
            assert_eq!(answers(asked, 0)[0].0, rows[asked].vector.inquiry_id);
            assert!(answers(asked, asked).iter().all(|(id, _)| *id != rows[asked].vector.inquiry_id));
        }
    }
}
