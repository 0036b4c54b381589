//! Every route of the table for every role, for nobody, and for an API token.

use std::collections::BTreeSet;

use mimamori::access::{Permission, Role, Way};
use mimamori::console::{RouteAccess, password_link, route_table};
use mimamori::store::AuditFilter;

use crate::support::console::{Answer, Client, Console, encoded, settings};

/// The route's path with something in place of its parameters that is not there.
fn path(route: &RouteAccess) -> String {
    route
        .path
        .replace("{*id}", "a/b")
        .replace("{id}", "999")
        .replace("{secret}", &"a".repeat(64))
        .replace("{name}", "console.css")
}

async fn ask(client: &Client, route: &RouteAccess) -> Answer {
    match route.method.as_str() {
        "GET" => client.get(&path(route)).await,
        "POST" => client.post(&path(route), "").await,
        other => client.request(other, &path(route), &[], "").await,
    }
}

fn is_api(route: &RouteAccess) -> bool {
    route.path.starts_with("/api/")
}

fn leads_to_log_in(answer: &Answer) -> bool {
    answer.status == 303 && answer.header("location").is_some_and(|to| to.starts_with("/log-in"))
}

const FORBIDDEN: &str = "Your role does not allow this";

/// The handler was reached: whatever it answers, it is not the gate's answer.
fn let_in(answer: &Answer, route: &RouteAccess) -> bool {
    let out = route.path == "/log-out" && leads_to_log_in(answer);
    out || !(leads_to_log_in(answer) || answer.status == 401 || answer.body.contains(FORBIDDEN))
}

async fn somebody(console: &Console, role: Role) -> Client {
    let login = role.as_str();
    // The lead of the console has agent a-1; who works on inquiries needs one.
    let agent = (role == Role::Agent).then_some("a-2");
    console.person(login, role, &[], agent).await;
    console.log_in(login).await
}

async fn filled() -> Console {
    use mimamori::contract::{Language, Skill};
    let console = Console::start().await;
    let agent = crate::support::values::agent("a-2", &[Skill::Shipping], &[Language::Ja], 5);
    console.store.upsert_agents(&[agent]).await.unwrap();
    console
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_but_where_everybody_may() {
    let console = Console::start().await;
    let nobody = console.stranger();
    for route in route_table() {
        let answer = ask(&nobody, &route).await;
        let place = format!("{} {}: {}", route.method, route.path, answer.status);
        match (route.permission, route.method.as_str()) {
            (None, _) => assert!(let_in(&answer, &route), "{place}"),
            (Some(_), _) if is_api(&route) => {
                assert_eq!(answer.status, 401, "{place}");
                assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{place}");
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{place}");
            }
            (Some(_), "GET") => assert!(leads_to_log_in(&answer), "{place}"),
            (Some(_), _) => assert_eq!(answer.status, 401, "{place}"),
        }
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_gets_in_where_it_may_and_nowhere_else() {
    let console = filled().await;
    for role in Role::ALL {
        if role != Role::Lead {
            somebody(&console, role).await;
        }
        let client = console.log_in(role.as_str()).await;
        for route in route_table() {
            let Some(permission) = route.permission.filter(|_| !is_api(&route)) else { continue };
            if route.path == "/log-out" {
                let last = ask(&console.log_in(role.as_str()).await, &route).await;
                assert!(let_in(&last, &route), "{role} cannot log out");
                continue;
            }
            let answer = ask(&client, &route).await;
            let place = format!("{role}, {} {}: {}", route.method, route.path, answer.status);
            if role.may(permission) {
                assert!(let_in(&answer, &route), "{place} should be let in");
                assert!(answer.status < 500, "{place}");
            } else {
                assert_eq!(answer.status, 403, "{place}");
                answer.holds(FORBIDDEN);
            }
        }
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_is_taken_without_the_token_of_its_session() {
    let console = filled().await;
    for role in [Role::Agent, Role::Admin] {
        let client = somebody(&console, role).await;
        let other = console.log_in(role.as_str()).await;
        for route in route_table() {
            let elsewhere = route.method != "POST" || is_api(&route);
            if elsewhere || route.permission.is_none_or(|needs| !role.may(needs)) {
                continue;
            }
            for form in [String::new(), "csrf=".into(), format!("csrf={}", other.csrf)] {
                let answer = client.post_as(&path(&route), &form).await;
                assert_eq!(answer.status, 403, "{role}, {}, {form:?}", route.path);
                answer.holds("The form is out of date");
            }
        }
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_what_its_scopes_allow_under_api_and_nothing_elsewhere() {
    let console = filled().await;
    let account = console.person("robot", Role::Lead, &[], None).await;
    let session = console.log_in("robot").await;
    let nobody = console.stranger();
    let narrow = console.token(account, &[Permission::ReadAlerts]).await;
    for route in route_table() {
        let Some(permission) = route.permission else { continue };
        let own = console.token(account, &[permission]).await;
        let with = async |token: &str| {
            let bearer = format!("Bearer {token}");
            nobody.request(route.method.as_str(), &path(&route), &[("authorization", &bearer)], "").await
        };
        let place = format!("{} {}", route.method, route.path);
        if is_api(&route) {
            let allowed = with(&own).await.status;
            assert!(Role::Lead.may(permission) == !matches!(allowed, 401 | 403), "{place}: {allowed}");
            if !matches!(permission, Permission::UseApi | Permission::ReadAlerts) {
                let refused = with(&narrow).await;
                assert_eq!(refused.status, 403, "{place}");
                assert_eq!(refused.header("content-type"), Some("application/problem+json"), "{place}");
            }
            // A cookie is no way in here.
            assert_eq!(ask(&session, &route).await.status, 401, "{place}");
        } else {
            let answer = with(&own).await;
            // A write without the headers of a browser's form stops before the gate.
            assert!(
                leads_to_log_in(&answer) || matches!(answer.status, 401 | 403),
                "{place}: {}",
                answer.status
            );
        }
    }
    console.stop().await;
}

#[test]
fn the_scopes_of_tokens_are_what_the_api_needs() {
    let routes = route_table();
    let needed = routes.iter().filter(|route| is_api(route)).filter_map(|route| route.permission);
    let mut needed: BTreeSet<Permission> = needed.filter(|needed| *needed != Permission::UseApi).collect();
    // These two widen what a route shows.
    needed.extend([Permission::ReadText, Permission::ReadAllInquiries]);
    assert_eq!(Permission::scopes().collect::<BTreeSet<_>>(), needed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_tells_who_it_is_and_ends_with_its_revocation() {
    let console = Console::start().await;
    let account = console.person("robot", Role::Agent, &["safety"], None).await;
    let token = console.token(account, &[Permission::ReadAlerts, Permission::ManagePeople]).await;
    let nobody = console.stranger();
    let me = async |authorization: &str| {
        nobody.request("GET", "/api/v1/me", &[("authorization", authorization)], "").await
    };
    let answer = me(&format!("Bearer {token}")).await;
    let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&told["login"], &told["role"]), (&"robot".into(), &"agent".into()));
    assert_eq!(told["permissions"], serde_json::json!(["read_alerts", "use_api"]), "no agent manages people");
    for wrong in ["", "Bearer", "Basic x", &format!("Bearer {}", &token[1..]), &format!("Bearer {token}0")] {
        assert_eq!(me(wrong).await.status, 401, "{wrong}");
    }
    let id = console.store.tokens(account).await.unwrap()[0].token_id;
    // Nobody revokes another's token.
    console.post(&format!("/account/tokens/{id}/revoke"), "").await;
    assert_eq!(me(&format!("Bearer {token}")).await.status, 200);
    let robot = console.log_in("robot").await;
    robot.post(&format!("/account/tokens/{id}/revoke"), "").await;
    assert_eq!(me(&format!("Bearer {token}")).await.status, 401);
    // An admin revokes anybody's, and a reset of the password all of them.
    console.person("root", Role::Admin, &[], None).await;
    let root = console.log_in("root").await;
    let token = console.token(account, &[Permission::ReadAlerts]).await;
    assert_eq!(console.post(&format!("/people/{account}/revoke-tokens"), "").await.status, 403);
    assert_eq!(me(&format!("Bearer {token}")).await.status, 200);
    assert_eq!(root.post(&format!("/people/{account}/revoke-tokens"), "").await.status, 303);
    assert_eq!(me(&format!("Bearer {token}")).await.status, 401);
    let token = console.token(account, &[Permission::ReadAlerts]).await;
    let link = password_link(&*console.store, &settings(), account).await.unwrap().unwrap();
    let form = format!("password={0}&again={0}", encoded("seven blue dogs awake"));
    assert_eq!(me(&format!("Bearer {token}")).await.status, 200, "until the link is used");
    let address = format!("/set-up/{}", link.rsplit('/').next().unwrap());
    assert_eq!(nobody.post(&address, &form).await.status, 303);
    assert_eq!(me(&format!("Bearer {token}")).await.status, 401);
    let filter = AuditFilter { act: Some("token.revoked".into()), ..AuditFilter::default() };
    let rows = console.store.audit_trail(&filter, 10).await.unwrap();
    let who: Vec<_> =
        rows.iter().rev().map(|row| (row.entry.actor.name.as_str(), row.entry.actor.way)).collect();
    assert_eq!(who, [("robot", Way::Session), ("root", Way::Session), ("robot", Way::Link)]);
    let missing = nobody.get("/api/v1/nothing").await;
    assert_eq!((missing.status, missing.header("content-type")), (404, Some("application/problem+json")));
    console.stop().await;
}

#[test]
fn what_only_some_may_do_is_what_it_should_be() {
    // Written down once more by hand: a slip in the table shows here.
    let who = |path: &str, method: &str| {
        let table = route_table();
        let route = table.iter().find(|route| route.path == path && route.method == method).unwrap();
        let permission = route.permission.unwrap();
        Role::ALL.into_iter().filter(|role| role.may(permission)).map(Role::as_str).collect::<Vec<_>>()
    };
    assert_eq!(who("/people", "POST"), ["admin"]);
    assert_eq!(who("/people/{id}/reset", "POST"), ["admin"]);
    assert_eq!(who("/people/{id}/revoke-tokens", "POST"), ["admin"]);
    assert_eq!(who("/people/{id}/unbind", "POST"), ["admin"]);
    assert_eq!(who("/rules/switch", "POST"), ["lead", "rule_author"]);
    assert_eq!(who("/audit", "GET"), ["lead", "admin"]);
    assert_eq!(who("/inquiries/{id}/accept", "POST"), ["agent", "lead"]);
    assert_eq!(who("/inquiries/{id}/assign", "POST"), ["lead"]);
    assert_eq!(who("/evaluation/recall", "POST"), ["lead", "model_owner"]);
    assert_eq!(who("/evaluation/sample/decide", "POST"), ["agent", "lead"]);
    assert_eq!(who("/evaluation/sample/{id}", "GET"), ["lead", "rule_author", "model_owner", "admin"]);
    assert_eq!(who("/dead-letters", "GET"), ["lead", "rule_author", "model_owner", "admin"]);
    assert_eq!(who("/dead-letters/replay", "POST"), ["admin"]);
    for path in ["/operations", "/operations.csv", "/models", "/models/differences"] {
        assert_eq!(who(path, "GET"), ["lead", "rule_author", "model_owner", "admin"], "{path}");
    }
    let open: Vec<_> = route_table().into_iter().filter(|route| route.permission.is_none()).collect();
    let open: Vec<_> = open.iter().map(|route| (route.method.as_str(), route.path)).collect();
    assert_eq!(
        open,
        [
            ("GET", "/healthz"),
            ("GET", "/static/{name}"),
            ("GET", "/log-in"),
            ("POST", "/log-in"),
            ("GET", "/log-in/oidc"),
            ("GET", "/log-in/oidc/callback"),
            ("GET", "/set-up/{secret}"),
            ("POST", "/set-up/{secret}"),
            ("GET", "/api"),
            ("GET", "/api/openapi.json"),
        ]
    );
}
