//! The agents' console: pages rendered on the server from the store, for reviewers and support agents.
//!
//! There is no log-in yet. Until there is, the address decides who may read: bound to a loopback address the console answers
//! only to loopback names ([`guard::Hosts`]), and nothing can be changed from another site.

mod alerts;
mod assets;
mod dead_letters;
mod error;
mod finish;
mod guard;
mod handover;
mod inquiries;
mod layout;
mod locale;
mod overview;
mod paging;
mod routing;
mod spans;
mod words;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::store::Store;
use guard::Hosts;

/// The console's pages on this store, for a listener on a loopback address: requests under other host names are refused.
pub fn router(store: Arc<dyn Store>) -> Router {
    pages(store, Hosts::Loopback)
}

/// Serves the console until `shutdown` completes, then finishes the requests in flight.
///
/// # Errors
/// When the listener's address cannot be read, or accepting connections fails for good.
pub async fn serve(
    listener: TcpListener,
    store: Arc<dyn Store>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let hosts = Hosts::for_address(listener.local_addr()?.ip());
    axum::serve(listener, pages(store, hosts)).with_graceful_shutdown(shutdown).await
}

fn pages(store: Arc<dyn Store>, hosts: Hosts) -> Router {
    Router::new()
        .route("/", get(overview::page))
        .route("/alerts", get(alerts::page))
        .route("/inquiries", get(inquiries::page))
        .route("/inquiries/{id}/accept", post(handover::accept))
        .route("/inquiries/{id}/reject", post(handover::pass_on))
        .route("/inquiries/{id}/resolve", post(handover::resolve))
        .route("/inquiries/{id}/classify", post(handover::classify))
        .route("/routing", get(routing::page))
        .route("/routing.csv", get(routing::csv))
        .route("/dead-letters", get(dead_letters::page))
        .route("/healthz", get(healthz))
        .route("/static/{name}", get(assets::serve))
        .fallback(error::unknown_page)
        .method_not_allowed_fallback(error::wrong_method)
        .with_state(store)
        .layer(from_fn(finish::to_the_end))
        // The last layer is the outermost: every answer carries the headers, those of the guards included.
        .layer(from_fn(locale::remember))
        .layer(from_fn(guard::same_site_writes))
        .layer(from_fn_with_state(hosts, guard::known_host))
        .layer(from_fn(guard::headers))
}

/// Tells that the process answers. It does not ask the database: a console that restarts because of its database helps nobody.
async fn healthz() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "ok\n")
}
