//! Every route of the console with the permission that it needs: the one table. A route that is not here is not served, and one
//! without a permission cannot be written down.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, patch, post};

use super::api::{Operation, Row, once};
use super::gate::Access::{self, ByScript, Everybody, Needs};
use super::gate::gate;
use super::state::Desk;
use super::{
    account, alerts, api, assets, audit, dead_letters, desk, evaluation, handover, healthz, identities,
    inquiries, log_in, models, oidc, operations, overview, people, review, routing, rules, set_up, tokens,
    webhooks,
};
use crate::access::Permission::*;

/// A row of the table.
struct Route {
    method: Method,
    path: &'static str,
    access: Access,
    handler: MethodRouter<Desk>,
    /// What the API's document says of it; none for a page.
    operation: Option<Operation>,
}

fn read<H: Handler<T, Desk>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: Method::GET, path, access, handler: get(handler), operation: None }
}

fn act<H: Handler<T, Desk>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: Method::POST, path, access, handler: post(handler), operation: None }
}

impl Route {
    /// Makes a row of the API of it.
    fn of(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }
}

fn change<H: Handler<T, Desk>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: Method::PATCH, path, access, handler: patch(handler), operation: None }
}

fn remove<H: Handler<T, Desk>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: Method::DELETE, path, access, handler: delete(handler), operation: None }
}

#[rustfmt::skip] // A table.
fn table() -> Vec<Route> {
    vec![
        read("/healthz",                         Everybody,              healthz),
        read("/static/{name}",                   Everybody,              assets::serve),
        read("/log-in",                          Everybody,              log_in::page),
        act ("/log-in",                          Everybody,              log_in::log_in),
        read("/log-in/oidc",                     Everybody,              oidc::begin),
        read("/log-in/oidc/callback",            Everybody,              oidc::finish),
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
        act ("/presence",                        Needs(WorkInquiries),   desk::set_presence),
        read("/inquiries/{id}",                  Needs(ReadInquiries),   desk::page),
        act ("/inquiries/{id}/reply",            Needs(WorkInquiries),   desk::send),
        act ("/inquiries/{id}/accept",           Needs(WorkInquiries),   handover::accept),
        act ("/inquiries/{id}/reject",           Needs(WorkInquiries),   handover::pass_on),
        act ("/inquiries/{id}/resolve",          Needs(WorkInquiries),   handover::resolve),
        act ("/inquiries/{id}/classify",         Needs(Supervise),       handover::classify),
        act ("/inquiries/{id}/assign",           Needs(Supervise),       handover::assign),
        read("/reply-templates",                 Needs(Supervise),       desk::templates_page),
        act ("/reply-templates",                 Needs(Supervise),       desk::add_template),
        act ("/reply-templates/{id}",            Needs(Supervise),       desk::change_template),
        act ("/reply-templates/{id}/retire",     Needs(Supervise),       desk::retire_template),
        read("/routing",                         Needs(ReadEvaluation),  routing::page),
        read("/routing.csv",                     Needs(ReadEvaluation),  routing::csv),
        read("/rules",                           Needs(ReadRules),       rules::page),
        read("/rules.csv",                       Needs(ReadRules),       rules::csv),
        read("/rules/days.csv",                  Needs(ReadRules),       rules::days_csv),
        read("/rules/try",                       Needs(ReadRules),       rules::trial_page),
        act ("/rules/try",                       Needs(ReadRules),       rules::try_message),
        act ("/rules/switch",                    Needs(SwitchRules),     rules::switch),
        read("/rules/{*id}",                     Needs(ReadRules),       rules::rule_page),
        read("/evaluation",                      Needs(ReadEvaluation),  evaluation::figures_page),
        read("/evaluation.csv",                  Needs(ReadEvaluation),  evaluation::figures_csv),
        read("/evaluation/recall",               Needs(ReadEvaluation),  evaluation::recall_page),
        read("/evaluation/recall.csv",           Needs(ReadEvaluation),  evaluation::recall_csv),
        act ("/evaluation/recall",               Needs(DrawSamples),     evaluation::draw),
        act ("/evaluation/recall/{id}/close",    Needs(DrawSamples),     evaluation::close),
        read("/evaluation/sample",               Needs(ReviewAlerts),    evaluation::judging_page),
        act ("/evaluation/sample/next",          Needs(ReviewAlerts),    evaluation::next),
        act ("/evaluation/sample/decide",        Needs(ReviewAlerts),    evaluation::decide),
        act ("/evaluation/sample/undo",          Needs(ReviewAlerts),    evaluation::undo),
        act ("/evaluation/sample/release",       Needs(ReviewAlerts),    evaluation::release),
        read("/evaluation/sample/{id}",          Needs(ReadEvaluation),  evaluation::message_page),
        read("/evaluation/answers",              Needs(ReadEvaluation),  evaluation::answers_page),
        read("/evaluation/answers.csv",          Needs(ReadEvaluation),  evaluation::answers_csv),
        read("/evaluation/drift",                Needs(ReadEvaluation),  evaluation::drift_page),
        read("/evaluation/drift.csv",            Needs(ReadEvaluation),  evaluation::drift_csv),
        read("/models",                          Needs(ReadModels),      models::page),
        read("/models/differences",              Needs(ReadModels),      models::differences_page),
        read("/operations",                      Needs(ReadOperations),  operations::page),
        read("/operations.csv",                  Needs(ReadOperations),  operations::csv),
        read("/dead-letters",                    Needs(ReadOperations),  dead_letters::page),
        act ("/dead-letters/replay",             Needs(OperateDeadLetters), dead_letters::replay),

        read("/people",                          Needs(ManagePeople),    people::page),
        act ("/people",                          Needs(ManagePeople),    people::add),
        act ("/people/{id}",                     Needs(ManagePeople),    people::change),
        act ("/people/{id}/disable",             Needs(ManagePeople),    people::disable),
        act ("/people/{id}/enable",              Needs(ManagePeople),    people::enable),
        act ("/people/{id}/reset",               Needs(ManagePeople),    people::reset),
        act ("/people/{id}/revoke-tokens",       Needs(ManagePeople),    people::revoke_tokens),
        act ("/people/{id}/unbind",              Needs(ManagePeople),    identities::unbind),
        read("/webhooks",                        Needs(ManageWebhooks),  webhooks::page),
        act ("/webhooks",                        Needs(ManageWebhooks),  webhooks::add),
        read("/webhooks/{id}",                   Needs(ManageWebhooks),  webhooks::endpoint_page),
        act ("/webhooks/{id}",                   Needs(ManageWebhooks),  webhooks::change),
        act ("/webhooks/{id}/rotate",            Needs(ManageWebhooks),  webhooks::rotate),
        act ("/webhooks/{id}/delete",            Needs(ManageWebhooks),  webhooks::delete),
        act ("/webhooks/{id}/test",              Needs(ManageWebhooks),  webhooks::test),
        act ("/webhook-deliveries/{id}/send-again", Needs(ManageWebhooks), webhooks::send_again),
        read("/audit",                           Needs(ReadAuditTrail),  audit::page),

        read("/api",                             Everybody,              api::page),
        read("/api/openapi.json",                Everybody,              api::document).of(api::DOCUMENT),
        read("/api/v1/me",                       Needs(UseApi),          api::me).of(api::ME),
        read("/api/v1/alerts",                   Needs(ReadAlerts),      api::alerts).of(api::ALERTS),
        act ("/api/v1/alerts/undo",              Needs(ReviewAlerts),    api::undo).of(api::UNDO),
        read("/api/v1/alerts/{id}",              Needs(ReadAlerts),      api::alert).of(api::ALERT),
        act ("/api/v1/alerts/{id}/claim",        Needs(ReviewAlerts),    api::claim).of(api::CLAIM),
        act ("/api/v1/alerts/{id}/release",      Needs(ReviewAlerts),    api::release).of(api::RELEASE),
        act ("/api/v1/alerts/{id}/decide",       Needs(ReviewAlerts),    api::decide).of(api::DECIDE),
        act ("/api/v1/alerts/{id}/escalate",     Needs(ReviewAlerts),    api::escalate).of(api::ESCALATE),
        act ("/api/v1/alerts/{id}/hide",         Needs(ReviewAlerts),    api::hide).of(api::HIDE),
        act ("/api/v1/alerts/{id}/restore",      Needs(ReviewAlerts),    api::restore).of(api::RESTORE),
        act ("/api/v1/alerts/{id}/warn",         Needs(ReviewAlerts),    api::warn).of(api::WARN),
        read("/api/v1/inquiries",                Needs(ReadInquiries),   api::inquiries).of(api::INQUIRIES),
        read("/api/v1/inquiries/{id}",           Needs(ReadInquiries),   api::inquiry).of(api::INQUIRY),
        act ("/api/v1/inquiries/{id}/accept",    Needs(WorkInquiries),   api::accept).of(api::ACCEPT),
        act ("/api/v1/inquiries/{id}/reject",    Needs(WorkInquiries),   api::reject).of(api::REJECT),
        act ("/api/v1/inquiries/{id}/resolve",   Needs(WorkInquiries),   api::resolve).of(api::RESOLVE),
        act ("/api/v1/inquiries/{id}/classify",  Needs(Supervise),       api::classify).of(api::CLASSIFY),
        act ("/api/v1/inquiries/{id}/assign",    Needs(Supervise),       api::assign).of(api::ASSIGN),
        read("/api/v1/agents",                   Needs(ReadInquiries),   api::agents).of(api::AGENTS),
        read("/api/v1/agents/{id}",              Needs(ReadInquiries),   api::agent).of(api::AGENT),
        change("/api/v1/agents/{id}",            Needs(WorkInquiries),   api::set_agent).of(api::SET_AGENT),
        read("/api/v1/messages/{id}/verdict",    Needs(ReadAlerts),      api::verdict).of(api::VERDICT),
        read("/api/v1/webhooks",                 Needs(ManageWebhooks),  api::webhooks).of(api::WEBHOOKS),
        act ("/api/v1/webhooks",                 Needs(ManageWebhooks),  api::add_webhook).of(api::ADD_WEBHOOK),
        read("/api/v1/webhooks/{id}",            Needs(ManageWebhooks),  api::webhook).of(api::WEBHOOK),
        change("/api/v1/webhooks/{id}",          Needs(ManageWebhooks),  api::set_webhook).of(api::SET_WEBHOOK),
        remove("/api/v1/webhooks/{id}",          Needs(ManageWebhooks),  api::delete_webhook).of(api::DELETE_WEBHOOK),
        act ("/api/v1/webhooks/{id}/rotate-secret", Needs(ManageWebhooks), api::rotate_webhook).of(api::ROTATE_WEBHOOK),
        act ("/api/v1/webhooks/{id}/test",       Needs(ManageWebhooks),  api::test_webhook).of(api::TEST_WEBHOOK),
        read("/api/v1/webhook-deliveries",       Needs(ManageWebhooks),  api::deliveries).of(api::DELIVERIES),
        act ("/api/v1/webhook-deliveries/{id}/send-again", Needs(ManageWebhooks), api::send_again).of(api::SEND_AGAIN),
    ]
}

/// The router of the table: each handler behind the gate with its row's permission.
pub(super) fn router(desk: &Desk) -> Router<Desk> {
    table().into_iter().fold(Router::new(), |router, Route { path, access, mut handler, operation, .. }| {
        if operation.is_some() {
            handler = handler.route_layer(from_fn_with_state(desk.clone(), once));
        }
        router.route(path, handler.route_layer(from_fn_with_state((desk.clone(), access), gate)))
    })
}

/// The rows of the API.
pub(super) fn api_rows() -> impl Iterator<Item = Row> {
    table().into_iter().filter_map(|Route { method, path, access, operation, .. }| {
        Some(Row { method, path, permission: access.permission(), operation: operation? })
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
        permission: access.permission(),
    };
    table().into_iter().map(row).collect()
}
