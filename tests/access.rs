//! Who comes in, and who may do what: every route for every role, over HTTP.

mod support;

#[path = "access/desk.rs"]
mod desk;
#[path = "access/log_in.rs"]
mod log_in;
#[path = "access/matrix.rs"]
mod matrix;
#[path = "access/oidc.rs"]
mod oidc;
#[path = "access/pages.rs"]
mod pages;
#[path = "access/provider.rs"]
mod provider;
#[path = "access/secrets.rs"]
mod secrets;
#[path = "access/stale.rs"]
mod stale;
