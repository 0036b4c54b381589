//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;
use crate::queue::{Inbound, Queue};
use crate::store::Store;

/// A probe that waits longer than this for a dependency answers "not ready".
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Probes {
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    metrics: Metrics,
    draining: CancellationToken,
}

/// The probes and the metrics of one worker.
pub fn router(
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    metrics: Metrics,
    draining: CancellationToken,
) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_page))
        .with_state(Probes { store, queue, metrics, draining })
}

async fn ready(State(probes): State<Probes>) -> Response {
    if probes.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    match tokio::time::timeout(PROBE_TIMEOUT, check(&probes)).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(detail)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{detail}\n")).into_response(),
        Err(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "queue or database did not answer in time\n").into_response()
        }
    }
}

async fn check(probes: &Probes) -> Result<(), String> {
    probes.store.ping().await.map_err(|error| error.to_string())?;
    for queue in Inbound::ALL {
        probes.queue.depth(queue).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

async fn metrics_page(State(probes): State<Probes>) -> Response {
    // Depths are read when somebody looks. A dependency that is out of reach leaves the last value and must not fail the page.
    let _ = tokio::time::timeout(PROBE_TIMEOUT, read_depths(&probes)).await;
    match probes.metrics.render() {
        Ok(page) => ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], page)
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn read_depths(probes: &Probes) {
    if let Ok(rows) = probes.store.outbox_depth().await {
        probes.metrics.outbox_rows(rows);
    }
    for queue in Inbound::ALL {
        if let Ok(depth) = probes.queue.depth(queue).await {
            probes.metrics.queue_depth(queue, depth);
        }
    }
}
