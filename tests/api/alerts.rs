//! Alerts over the API.

use mimamori::access::{Permission, Role};
use serde_json::{Value, json};

use crate::program::{Document, Program, flag, named};
use crate::support::console::Console;

async fn two(console: &Console) -> (Program, Program) {
    let document = Document::of(console).await;
    let aki = Program::of(console, &document, "aki", Role::Agent, None).await;
    (aki, Program::of(console, &document, "ben", Role::Lead, None).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_claimed_decided_and_undone() {
    let console = Console::start().await;
    let (aki, ben) = two(&console).await;
    let same = "LINEで話しましょうか";
    flag(&console, &[same, "LINE something else", same]).await;
    let list = aki.get("/api/v1/alerts").await;
    let id = list["items"][0]["alert_id"].as_i64().unwrap();
    let path = format!("/api/v1/alerts/{id}");
    let (status, claimed) = aki.post(&format!("{path}/claim"), None, Value::Null).await;
    assert_eq!((status, &claimed["claim"]["by"]), (200, &"aki".into()));
    let (status, problem) = ben.post(&format!("{path}/claim"), None, Value::Null).await;
    assert_eq!((status, &problem["holder"]["name"]), (409, &"aki".into()));
    assert!(problem["holder"]["until"].is_string());
    assert_eq!(ben.get("/api/v1/alerts?state=claimed").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(ben.get("/api/v1/alerts?state=claimed&mine=true").await["items"], json!([]));

    let tag = aki.tag(&path).await;
    let detail = aki.get(&path).await;
    assert_eq!(detail["same_text"]["count"], 1);
    let ruling = json!({
        "ruling": "violation", "subtype": "contact", "note": "n", "alike_up_to": detail["same_text"]["up_to"],
    });
    let decide = format!("{path}/decide");
    let (status, problem) = aki.post(&decide, None, ruling.clone()).await;
    assert_eq!((status, named(&problem)), (428, vec!["If-Match"]));
    let (status, problem) = aki.post(&decide, Some("\"999\""), ruling.clone()).await;
    assert_eq!((status, &problem["generation"]), (412, &claimed["generation"]));
    let (status, problem) = ben.post(&decide, Some(&tag), ruling.clone()).await;
    assert_eq!((status, &problem["holder"]["name"]), (409, &"aki".into()));
    let (status, decided) = aki.post(&decide, Some(&tag), ruling.clone()).await;
    assert_eq!((status, &decided["state"], &decided["changed"]), (200, &"decided".into(), &2.into()));
    let (status, problem) = aki.post(&decide, Some(&tag), ruling.clone()).await;
    assert_eq!((status, &problem["holder"]["name"]), (412, &"aki".into()), "it is of another generation");
    assert_eq!(ben.post(&format!("{path}/claim"), None, Value::Null).await.0, 409);
    assert_eq!(aki.get("/api/v1/alerts?state=decided&mine=true").await["items"].as_array().unwrap().len(), 2);

    let (status, undone) = aki.post("/api/v1/alerts/undo", None, Value::Null).await;
    assert_eq!((status, &undone["state"], &undone["changed"]), (200, &"open".into(), &2.into()));
    assert_eq!(aki.post("/api/v1/alerts/undo", None, Value::Null).await.0, 409);
    let tag = aki.tag(&path).await;
    assert_eq!(aki.post(&format!("{path}/release"), Some(&tag), Value::Null).await.0, 200);
    assert_eq!(aki.post(&format!("{path}/release"), Some(&tag), Value::Null).await.0, 409);
    let acts: Vec<_> =
        aki.get(&path).await["trail"].as_array().unwrap().iter().map(|line| line["act"].clone()).collect();
    assert_eq!(acts, ["claimed", "decided", "undone", "released"]);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_escalated_is_for_those_who_supervise_and_messages_are_hidden_and_restored() {
    let console = Console::start().await;
    let (aki, ben) = two(&console).await;
    flag(&console, &["LINE first of all"]).await;
    let path = "/api/v1/alerts/1";
    let act = |name: &str| format!("{path}/{name}");
    let (status, hidden) = aki.post(&act("hide"), None, Value::Null).await;
    assert_eq!((status, &hidden["hidden"], &hidden["changed"]), (200, &true.into(), &1.into()));
    assert_eq!(aki.post(&act("hide"), None, Value::Null).await.1["changed"], 0);
    assert_eq!(aki.post(&act("hide"), Some("\"9\""), Value::Null).await.0, 412);
    assert_eq!(aki.post(&act("restore"), Some("*"), Value::Null).await.1["hidden"], false);
    let (status, warned) = aki.post(&act("warn"), None, json!({"language": "ja"})).await;
    assert_eq!((status, warned["warned_at"].is_string()), (200, true));
    assert_eq!(aki.post(&act("warn"), None, json!({"language": "fr"})).await.0, 422);
    aki.post(&act("claim"), None, Value::Null).await;
    let tag = aki.tag(path).await;
    let (status, escalated) = aki.post(&act("escalate"), Some(&tag), json!({"note": "hard to tell"})).await;
    assert_eq!((status, &escalated["state"]), (200, &"escalated".into()));
    assert_eq!(aki.post(&act("claim"), None, Value::Null).await.0, 403);
    assert_eq!(ben.post(&act("claim"), None, Value::Null).await.0, 200);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_read_stretch_by_stretch_and_wrong_filters_are_named() {
    let console = Console::start().await;
    let (aki, _) = two(&console).await;
    flag(&console, &["LINE a", "LINE b", "LINE c", "LINE d", "LINE e"]).await;
    let (mut ids, mut query) = (Vec::new(), String::from("limit=2&source=rule_and_model"));
    loop {
        let list = aki.get(&format!("/api/v1/alerts?{query}")).await;
        ids.extend(list["items"].as_array().unwrap().iter().map(|alert| alert["alert_id"].as_i64().unwrap()));
        let Some(next) = list["next"].as_str() else { break };
        query = format!("limit=2&source=rule_and_model&cursor={next}");
    }
    assert_eq!(ids, [1, 2, 3, 4, 5]);
    assert_eq!(aki.get("/api/v1/alerts?policy=harassment").await["items"], json!([]));
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=9223372036854775807.1", "cursor"),
        ("state=all", "state"),
        ("source=rules", "source"),
        ("policy=A%20B", "policy"),
        ("policy=%00", "policy"),
        ("polcy=a", "polcy"),
        ("limit=1&limit=2", "limit"),
    ] {
        let (answer, problem) = aki.ask("GET", &format!("/api/v1/alerts?{query}"), &[], "").await;
        assert_eq!((answer.status, named(&problem)), (400, vec![field]), "{query}");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bodies_are_told_with_the_field() {
    let console = Console::start().await;
    let (aki, _) = two(&console).await;
    flag(&console, &["LINE first of all"]).await;
    let long = "あ".repeat(501);
    for (body, field) in [
        (json!({}), "ruling"),
        (json!({"ruling": "guilty"}), "ruling"),
        (json!({"ruling": "unsure", "rule": 1}), "rule"),
        (json!({"ruling": "violation", "policy": "<b>"}), "policy"),
        (json!({"ruling": "violation", "note": long}), "note"),
        (json!({"ruling": "violation", "note": "a\u{0}"}), "note"),
        (json!({"ruling": "violation", "subtype": ["x"]}), "subtype"),
        (json!({"ruling": "violation", "alike_up_to": 0.5}), "alike_up_to"),
        (json!([1]), "body"),
    ] {
        let (status, problem) = aki.post("/api/v1/alerts/1/decide", Some("\"0\""), body.clone()).await;
        assert_eq!((status, named(&problem)), (422, vec![field]), "{body}");
    }
    let send = async |kind: &str, body: &str| {
        let headers = [("if-match", "\"0\""), ("content-type", kind)];
        aki.ask("POST", "/api/v1/alerts/1/decide", &headers, body).await.0.status
    };
    assert_eq!(send("application/json", "{").await, 400);
    assert_eq!(send("text/plain", "{}").await, 415);
    assert_eq!(send("application/json", &" ".repeat(70_000)).await, 413);
    assert_eq!(aki.post("/api/v1/alerts/1/decide", Some("\"0\""), json!({"ruling": "unsure"})).await.0, 409);
    assert_eq!(
        aki.post("/api/v1/alerts/999/decide", Some("\"0\""), json!({"ruling": "unsure"})).await.0,
        404
    );
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_the_scope_reads_no_text() {
    let console = Console::start().await;
    let (aki, _) = two(&console).await;
    flag(&console, &["LINE secretword"]).await;
    aki.post("/api/v1/alerts/1/claim", None, Value::Null).await;
    let tag = aki.tag("/api/v1/alerts/1").await;
    let body = json!({"ruling": "violation", "note": "secretnote"});
    assert_eq!(aki.post("/api/v1/alerts/1/decide", Some(&tag), body).await.0, 200);
    let account = console.person("narrow", Role::Agent, &[], None).await;
    let token = console.token(account, &[Permission::ReadAlerts]).await;
    let bearer = format!("Bearer {token}");
    for path in ["/api/v1/alerts?state=decided", "/api/v1/alerts/1", "/api/v1/messages/m-0/verdict"] {
        let answer = console.stranger().request("GET", path, &[("authorization", &bearer)], "").await;
        assert_eq!(answer.status, 200, "{path}");
        answer.lacks("secret").lacks("LINE");
    }
    console.stop().await;
}
