//! The console: pages rendered on the server from the store, for support agents, leads, authors of rules, owners of models and admins.
//!
//! Who may do what stands in one table ([`routes`]); every request to a route that is not for everybody passes the gate ([`gate`]), which
//! knows who sent it and lets nobody through without the route's permission. Before that, requests under foreign host names and writes
//! from other sites are refused ([`guard`]).

mod account;
mod alerts;
mod api;
mod assets;
mod audit;
mod chart;
mod cookies;
mod dead_letters;
mod desk;
mod error;
mod evaluation;
mod finish;
mod gate;
mod guard;
mod handover;
mod identities;
mod inquiries;
mod invitation;
mod keyset;
mod layout;
mod locale;
mod log_in;
mod masking;
mod models;
mod oidc;
mod operations;
mod overview;
mod paging;
mod passwords;
mod people;
mod review;
mod routes;
mod routing;
mod rules;
mod set_up;
mod spans;
mod state;
mod tokens;
mod webhooks;
mod whom;
mod words;

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use tokio::net::TcpListener;

pub use invitation::{first_admin_link, password_link};
pub use oidc::callback_url;
pub use routes::{RouteAccess, route_table};
pub use rules::RuleFolder;
pub use state::Moderation;

use crate::config::ConsoleConfig;
use crate::store::Store;
use rules::Book;
use state::{Desk, Settings};

/// Serves the console until `shutdown` completes, then finishes the requests in flight.
///
/// # Errors
/// When the listener's address cannot be read, TLS to an OpenID provider cannot be set up, or accepting connections fails for good.
pub async fn serve(
    listener: TcpListener,
    store: Arc<dyn Store>,
    config: &ConsoleConfig,
    moderation: Moderation,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let rules = Book::open(moderation.rules).await;
    let address = listener.local_addr()?;
    let provider = oidc::Provider::new(&config.oidc, &config.base_url(address))?;
    let settings = Settings::new(config, moderation.policies, moderation.models, address);
    let desk = Desk::new(store, settings, provider, rules.clone());
    let filling = desk.similar.clone().fill(desk.store.clone());
    let pages = pages(desk).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, pages).with_graceful_shutdown(shutdown).into_future();
    // What is read beside the requests ends with them.
    tokio::select! {
        served = serving => served,
        () = async { tokio::join!(rules.follow(), filling); std::future::pending().await } => Ok(()),
    }
}

fn pages(desk: Desk) -> Router {
    let hosts = desk.settings.hosts.clone();
    routes::router(&desk)
        .fallback(error::unknown_page)
        .method_not_allowed_fallback(error::wrong_method)
        .with_state(desk)
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
