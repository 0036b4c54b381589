//! Every route of the console with the permission that it needs: the one table. A route that is not here is not served, and one
//! without a permission cannot be written down.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

use super::gate::Access::{self, ByScript, Everybody, Needs};
use super::gate::gate;
use super::state::Desk;
use super::{
    account, alerts, api, assets, audit, dead_letters, handover, healthz, inquiries, log_in, overview,
    people, review, routing, set_up, tokens,
};
use crate::access::Permission::*;

/// A row of the table.
struct Route {
    method: Method,
    path: &'static str,
    access: Access,
    handler: MethodRouter<Desk>,
}

fn read<H: Handler<T, Desk>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: Method::GET, path, access, handler: get(handler) }
}

fn act<H: Handler<T, Desk>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: Method::POST, path, access, handler: post(handler) }
}

#[rustfmt::skip] // A table.
fn table() -> Vec<Route> {
    vec![
        read("/healthz",                         Everybody,              healthz),
        read("/static/{name}",                   Everybody,              assets::serve),
        read("/log-in",                          Everybody,              log_in::page),
        act ("/log-in",                          Everybody,              log_in::log_in),
        read("/set-up/{secret}",                 Everybody,              set_up::page),
        act ("/set-up/{secret}",                 Everybody,              set_up::set_up),

        act ("/log-out",                         Needs(OwnAccount),      log_in::log_out),
        read("/account",                         Needs(OwnAccount),      account::page),
        act ("/account/password",                Needs(OwnAccount),      account::change_password),
        read("/account/tokens",                  Needs(UseApi),          tokens::page),
        act ("/account/tokens",                  Needs(UseApi),          tokens::add),
        act ("/account/tokens/{id}/revoke",      Needs(UseApi),          tokens::revoke),

        read("/",                                Needs(ReadOverview),    overview::page),
        read("/alerts",                          Needs(ReadAlerts),      alerts::page),
        act ("/alerts/next",                     Needs(ReviewAlerts),    review::next),
        act ("/alerts/undo",                     Needs(ReviewAlerts),    review::undo),
        read("/alerts/{id}",                     Needs(ReadAlerts),      review::alert_page),
        act ("/alerts/{id}/claim",               Needs(ReviewAlerts),    review::claim),
        act ("/alerts/{id}/renew",               ByScript(ReviewAlerts), review::renew),
        act ("/alerts/{id}/leave",               Needs(ReviewAlerts),    review::leave),
        act ("/alerts/{id}/release",             Needs(ReviewAlerts),    review::release),
        act ("/alerts/{id}/next",                Needs(ReviewAlerts),    review::next_of),
        act ("/alerts/{id}/previous",            Needs(ReviewAlerts),    review::previous_of),
        act ("/alerts/{id}/decide",              Needs(ReviewAlerts),    review::decide),
        act ("/alerts/{id}/hide",                Needs(ReviewAlerts),    review::hide),
        act ("/alerts/{id}/restore",             Needs(ReviewAlerts),    review::restore),
        act ("/alerts/{id}/warn",                Needs(ReviewAlerts),    review::warn),
        read("/reviews",                         Needs(ReadEvaluation),  review::figures_page),
        read("/reviews.csv",                     Needs(ReadEvaluation),  review::figures_csv),
        read("/inquiries",                       Needs(ReadInquiries),   inquiries::page),
        act ("/inquiries/{id}/accept",           Needs(WorkInquiries),   handover::accept),
        act ("/inquiries/{id}/reject",           Needs(WorkInquiries),   handover::pass_on),
        act ("/inquiries/{id}/resolve",          Needs(WorkInquiries),   handover::resolve),
        act ("/inquiries/{id}/classify",         Needs(Supervise),       handover::classify),
        act ("/inquiries/{id}/assign",           Needs(Supervise),       handover::assign),
        read("/routing",                         Needs(ReadEvaluation),  routing::page),
        read("/routing.csv",                     Needs(ReadEvaluation),  routing::csv),
        read("/dead-letters",                    Needs(ReadOperations),  dead_letters::page),

        read("/people",                          Needs(ManagePeople),    people::page),
        act ("/people",                          Needs(ManagePeople),    people::add),
        act ("/people/{id}",                     Needs(ManagePeople),    people::change),
        act ("/people/{id}/disable",             Needs(ManagePeople),    people::disable),
        act ("/people/{id}/enable",              Needs(ManagePeople),    people::enable),
        act ("/people/{id}/reset",               Needs(ManagePeople),    people::reset),
        act ("/people/{id}/revoke-tokens",       Needs(ManagePeople),    people::revoke_tokens),
        read("/audit",                           Needs(ReadAuditTrail),  audit::page),

        read("/api/v1/me",                       Needs(UseApi),          api::me),
    ]
}

/// The router of the table: each handler behind the gate with its row's permission.
pub(super) fn router(desk: &Desk) -> Router<Desk> {
    table().into_iter().fold(Router::new(), |router, Route { path, access, handler, .. }| {
        router.route(path, handler.route_layer(from_fn_with_state((desk.clone(), access), gate)))
    })
}

/// A row of the table, for those who check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteAccess {
    pub method: Method,
    /// With its parameters in braces.
    pub path: &'static str,
    /// None for a route that everybody may use.
    pub permission: Option<crate::access::Permission>,
}

/// Every route and what it needs.
pub fn route_table() -> Vec<RouteAccess> {
    let row = |Route { method, path, access, .. }: Route| RouteAccess {
        method,
        path,
        permission: match access {
            Everybody => None,
            Needs(permission) | ByScript(permission) => Some(permission),
        },
    };
    table().into_iter().map(row).collect()
}
