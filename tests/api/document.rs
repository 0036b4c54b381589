//! The document and its page.

use std::collections::BTreeSet;

use mimamori::access::Role;
use mimamori::console::route_table;
use serde_json::Value;

use crate::program::{Document, Program};
use crate::support::console::Console;

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_api_stands_in_the_document_with_its_statuses() {
    let console = Console::start().await;
    let document = Document::of(&console).await;
    let told: BTreeSet<(String, String)> = document.text["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let table = route_table().into_iter().filter(|route| route.path.starts_with("/api/"));
    let served: BTreeSet<_> =
        table.clone().map(|route| (route.method.to_string(), route.path.to_owned())).collect();
    assert_eq!(told, served);
    let mut ids = BTreeSet::new();
    for route in table {
        let operation = &document.text["paths"][route.path][route.method.as_str().to_lowercase()];
        let place = format!("{} {}", route.method, route.path);
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{place}");
        let has = |status: &str| operation["responses"].get(status).is_some();
        assert!(has("200") && has("500") && has("503"), "{place}");
        assert_eq!(has("401") && has("403"), route.permission.is_some(), "{place}");
        assert_eq!(has("404"), route.path.contains('{'), "{place}");
        assert_eq!(has("415"), operation.get("requestBody").is_some(), "{place}");
        for parameter in operation["parameters"].as_array().unwrap() {
            let schema = match parameter["schema"]["$ref"].as_str() {
                Some(place) => document.text.pointer(place.trim_start_matches('#')).unwrap(),
                None => &parameter["schema"],
            };
            assert_ne!(schema["type"], "object", "{place}: {parameter}");
            assert_ne!(schema.get("default"), Some(&Value::Null), "{place}: {parameter}");
        }
        assert_eq!(
            operation["x-permission"].as_str(),
            route.permission.map(|permission| permission.as_str()),
            "{place}"
        );
    }
    references(&document.text, &document.text);
    console.stop().await;
}

/// Everything that is referred to is there.
fn references(value: &Value, document: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(place) = fields.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(place.trim_start_matches('#')).is_some(), "{place} is not there");
            }
            fields.values().for_each(|field| references(field, document));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, document)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_every_operation_and_every_kind_of_problem() {
    let console = Console::start().await;
    let document = Document::of(&console).await;
    let page = console.stranger().get("/api").await;
    assert_eq!(page.status, 200);
    for methods in document.text["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values() {
            page.holds(&format!("id=\"{}\"", operation["operationId"].as_str().unwrap()));
        }
    }
    for name in document.text["components"]["schemas"].as_object().unwrap().keys() {
        page.holds(&format!("id=\"schema-{name}\""));
    }
    page.holds("id=\"problem-stale\"").lacks("//cdn").lacks("<script>");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_as_the_document_says() {
    let console = Console::start().await;
    let document = Document::of(&console).await;
    let lead = Program::of(&console, &document, "bot", Role::Lead, None).await;
    crate::program::flag(&console, &["LINE first of all"]).await;
    assert_eq!(lead.get("/api/v1/me").await["role"], "lead");
    let agents = lead.get("/api/v1/agents").await;
    assert_eq!(agents["items"][0]["agent_id"], "a-1");
    let verdict = lead.get("/api/v1/messages/m-0/verdict").await;
    assert_eq!(
        (&verdict["action"], &verdict["labels"][0]["spans"][0]["text"]),
        (&"report".into(), &"LINE".into())
    );
    for path in
        ["/api/v1/messages/m-9/verdict", "/api/v1/agents/a-9", "/api/v1/agents/%00", "/api/v1/alerts/x"]
    {
        assert_eq!(lead.ask("GET", path, &[], "").await.0.status, 404, "{path}");
    }
    let send = async |agent: &str, body: &str| {
        let json = [("content-type", "application/json")];
        lead.ask("PATCH", &format!("/api/v1/agents/{agent}"), &json, body).await
    };
    let (answer, away) = send("a-1", r#"{"available": false}"#).await;
    assert_eq!((answer.status, &away["available"]), (200, &Value::Bool(false)));
    assert_eq!(send("a-9", r#"{"available": false}"#).await.0.status, 404);
    assert_eq!(send("a-1", r#"{"available": "no"}"#).await.0.status, 422);
    let agent = Program::of(&console, &document, "aki", Role::Agent, None).await;
    let json = [("content-type", "application/json")];
    let body = r#"{"available": true}"#;
    assert_eq!(agent.ask("PATCH", "/api/v1/agents/a-1", &json, body).await.0.status, 403);
    let missing = console.stranger().request("DELETE", "/api/v1/me", &[], "").await;
    assert_eq!((missing.status, missing.header("content-type")), (405, Some("application/problem+json")));
    console.stop().await;
}
