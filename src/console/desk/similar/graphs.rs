//! Graphs over the vectors are built beside the pages, on a thread of their own; until one is there, pages look at every vector.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rayon::{ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::oneshot;

use super::Similar;
use crate::model::neighbours::{Draft, Graph};

/// After a failure; looking at every vector serves until then.
const AGAIN: Duration = Duration::from_secs(60 * 60);

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
enum NotBuilt {
    #[error("no thread could be started: {0}")]
    NoThread(#[from] ThreadPoolBuildError),
    #[error("it broke off")]
    BrokeOff,
}

impl Similar {
    /// Has the graphs built that are worth it, one after the other. Nobody waits for it.
    pub(super) fn build_graphs(self: &Arc<Self>) {
        let Ok(turn) = self.building.clone().try_lock_owned() else { return };
        let Some(mut next) = self.draft() else { return };
        let similar = self.clone();
        tokio::spawn(async move {
            loop {
                let (version, draft) = next;
                match built(draft).await {
                    Ok(graph) => similar.adopt(&version, graph),
                    Err(error) => {
                        tracing::warn!(%error, "no graph over the vectors of resolved inquiries; tried again in an hour");
                        tokio::time::sleep(AGAIN).await;
                    }
                }
                let Some(another) = similar.draft() else { break };
                next = another;
            }
            drop(turn);
        });
    }

    /// For a graph that is worth it, with the version of its vectors.
    pub(super) fn draft(&self) -> Option<(String, Draft)> {
        let indexes = self.indexes.read().unwrap_or_else(PoisonError::into_inner);
        indexes.iter().find_map(|(version, index)| Some((version.clone(), index.draft()?)))
    }

    fn adopt(&self, version: &str, graph: Graph) {
        let vectors = graph.held();
        let replaced = {
            let mut indexes = self.indexes.write().unwrap_or_else(PoisonError::into_inner);
            indexes.get_mut(version).and_then(|index| index.adopt(graph))
        };
        // A large graph takes a moment to go: nobody is to wait for it.
        drop(tokio::task::spawn_blocking(move || drop(replaced)));
        tracing::info!(version, vectors, "similar inquiries are found by a graph");
    }
}

/// On one thread: pages keep the other cores, and the same vectors make the same graph. A console that ends does not wait for it.
async fn built(draft: Draft) -> Result<Graph, NotBuilt> {
    let (done, graph) = oneshot::channel();
    let thread = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "similar".into());
    // Whoever waits for the graph notices; without this, a panic would end the console.
    let thread = thread.panic_handler(|_| {}).build()?;
    thread.spawn(move || drop(done.send(draft.build())));
    graph.await.map_err(|_| NotBuilt::BrokeOff)
}
