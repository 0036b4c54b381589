//! The API of webhooks, and the receiver that its guide shows.

use std::io::Write;
use std::process::Stdio;

use chrono::Utc;
use mimamori::access::{Actor, Role, WebhookSecret};
use mimamori::contract::WebhookEvent;
use mimamori::store::webhooks::{EndpointWish, MOST_ENDPOINTS};
use serde_json::{Value, json};

use crate::program_of_api;
use crate::support::console::{Answer, Console};
use crate::values::*;

/// An admin's token, whose every answer is checked against the document.
struct Program(program_of_api::Program);

impl Program {
    async fn of(console: &Console) -> Self {
        let document = program_of_api::Document::of(console).await;
        Self(program_of_api::Program::of(console, &document, "bot", Role::Admin, None).await)
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> (Answer, Value) {
        let mut all = headers.to_vec();
        let text = if body.is_null() { String::new() } else { body.to_string() };
        if !text.is_empty() {
            all.push(("content-type", "application/json"));
        }
        self.0.ask(method, &format!("/api/v1{path}"), &all, &text).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_adds_changes_tries_and_deletes_an_endpoint() {
    let console = Console::start().await;
    let bot = Program::of(&console).await;
    let new = json!({"url": "https://example.com/hooks", "events": ["message.flagged", "inquiry.assigned"]});
    let key = [("idempotency-key", "k-1")];
    let (added, body) = bot.ask("POST", "/webhooks", &key, new.clone()).await;
    assert_eq!((added.status, added.header("etag")), (200, Some("\"1\"")), "{body:#}");
    let secret = body["secret"].as_str().unwrap();
    assert!(WebhookSecret::read(secret).is_some());
    assert_eq!(body["webhook"]["events"], json!(["message.flagged", "inquiry.assigned"]));
    // Sent again, it is not added again.
    let (again, same) = bot.ask("POST", "/webhooks", &key, new).await;
    assert_eq!((again.header("idempotency-replayed"), &same), (Some("true"), &body));
    assert_eq!(console.store.webhooks().await.unwrap().len(), 1);
    let path = format!("/webhooks/{}", body["webhook"]["webhook_id"]);
    let (one, read) = bot.ask("GET", &path, &[], Value::Null).await;
    assert_eq!((one.header("etag"), &read), (Some("\"1\""), &body["webhook"]));
    assert!(!one.body.contains("whsec_"));
    for (headers, status) in [(&[][..], 428), (&[("if-match", "*")], 428), (&[("if-match", "\"7\"")], 412)] {
        assert_eq!(bot.ask("PATCH", &path, headers, json!({"active": false})).await.0.status, status);
        assert_eq!(
            bot.ask("POST", &format!("{path}/rotate-secret"), headers, Value::Null).await.0.status,
            status
        );
        assert_eq!(bot.ask("DELETE", &path, headers, Value::Null).await.0.status, status);
    }
    for (wrong, field) in [
        (json!({"url": "http://example.com/"}), "url"),
        (json!({"url": "https://a.example/#x"}), "url"),
        (json!({"events": []}), "events"),
        (json!({"events": ["webhook.test"]}), "events[0]"),
        (json!({"active": 1}), "active"),
        (json!({"secret": "x"}), "secret"),
    ] {
        let (refused, problem) = bot.ask("PATCH", &path, &[("if-match", "\"1\"")], wrong.clone()).await;
        assert_eq!((refused.status, &problem["errors"][0]["field"]), (422, &field.into()), "{wrong}");
    }
    // What is left out stays.
    let (changed, body) =
        bot.ask("PATCH", &path, &[("if-match", "\"1\"")], json!({"events": ["sender.warned"]})).await;
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")));
    assert_eq!((&body["url"], &body["active"]), (&"https://example.com/hooks".into(), &true.into()));
    let (rotated, body) =
        bot.ask("POST", &format!("{path}/rotate-secret"), &[("if-match", "\"2\"")], Value::Null).await;
    assert_eq!(rotated.status, 200);
    assert!(body["secret"] != secret && !body["webhook"]["previous_secret_until"].is_null());
    let (_, delivery) = bot.ask("POST", &format!("{path}/test"), &[], Value::Null).await;
    assert_eq!((&delivery["event"], &delivery["state"]), (&"webhook.test".into(), &"pending".into()));
    assert!(delivery["message_id"].as_str().unwrap().starts_with("msg_test"));
    let again = format!("/webhook-deliveries/{}/send-again", delivery["delivery_id"]);
    assert_eq!(bot.ask("POST", &again, &[], Value::Null).await.0.status, 409);
    let (_, off) = bot.ask("PATCH", &path, &[("if-match", "\"3\"")], json!({"active": false})).await;
    assert_eq!(off["active"], false);
    assert_eq!(bot.ask("POST", &format!("{path}/test"), &[], Value::Null).await.0.status, 409);
    bot.ask("PATCH", &path, &[("if-match", "\"4\"")], json!({"active": true})).await;
    let (sent, body) = bot.ask("POST", &again, &[], Value::Null).await;
    assert_eq!((sent.status, &body["message_id"]), (200, &delivery["message_id"]));
    let (deleted, _) = bot.ask("DELETE", &path, &[("if-match", "\"5\"")], Value::Null).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(bot.ask("GET", &path, &[], Value::Null).await.0.status, 404);
    let (_, list) = bot.ask("GET", "/webhooks", &[], Value::Null).await;
    assert_eq!(list["items"], json!([]));
    for n in 0..MOST_ENDPOINTS {
        endpoint(&*console.store, &format!("https://{n}.example/"), &WebhookEvent::ALL).await;
    }
    let one_more = json!({"url": "https://example.com/", "events": ["sender.warned"]});
    assert_eq!(bot.ask("POST", "/webhooks", &[], one_more).await.0.status, 409);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_come_in_stretches_by_endpoint_and_state() {
    let console = Console::start().await;
    let bot = Program::of(&console).await;
    let events = [WebhookEvent::MessageFlagged];
    let one = endpoint(&*console.store, "https://a.example/", &events).await.endpoint_id;
    let other = endpoint(&*console.store, "https://b.example/", &events).await;
    flag(&*console.store, 0..7).await;
    let off = EndpointWish { active: false, ..other.wish };
    done(
        console
            .store
            .change_webhook(other.endpoint_id, 1, &off, &Actor::program(), Utc::now())
            .await
            .unwrap(),
    );
    let get =
        async |query: &str| bot.ask("GET", &format!("/webhook-deliveries{query}"), &[], Value::Null).await;
    let count = |body: &Value| body["items"].as_array().unwrap().len();
    assert_eq!(count(&get("").await.1), 14);
    assert_eq!(count(&get("?state=cancelled").await.1), 7);
    let (_, mut page) = get(&format!("?webhook_id={one}&limit=3")).await;
    let mut seen = count(&page);
    while let Some(next) = page["next"].as_str().map(str::to_owned) {
        page = get(&format!("?webhook_id={one}&limit=3&cursor={next}")).await.1;
        seen += count(&page);
    }
    assert_eq!(seen, 7);
    for (query, field) in [
        ("?webhook_id=x", "webhook_id"),
        ("?cursor=x", "cursor"),
        ("?state=lost", "state"),
        ("?limit=0", "limit"),
    ] {
        let (refused, problem) = get(query).await;
        assert_eq!((refused.status, &problem["errors"][0]["field"]), (400, &field.into()), "{query}");
    }
    console.stop().await;
}

/// What `docs/api.md` shows to receivers checks what is really signed, and nothing else.
#[test]
fn the_receiver_in_the_guide_knows_what_is_signed() {
    let guide = include_str!("../../docs/api.md");
    let script =
        guide.split("```bash\n").nth(1).expect("the guide shows a receiver").split("```").next().unwrap();
    let verify = |secret: &str, id: &str, timestamp: i64, signature: &str, body: &[u8]| {
        let mut shell = std::process::Command::new("bash")
            .args([
                "-c",
                &format!("{script}\nverify \"$@\""),
                "receiver",
                secret,
                id,
                &timestamp.to_string(),
                signature,
            ])
            .stdin(Stdio::piped())
            .spawn()
            .expect("the guide needs bash and openssl");
        // It may not read on once it knows enough.
        let _ = shell.stdin.take().unwrap().write_all(body);
        shell.wait().unwrap().success()
    };
    let (old, new, body) = (secret(7), secret(8), "{\"type\":\"webhook.test\",\"data\":\"見\"}\n".as_bytes());
    let now = Utc::now().timestamp();
    let sign = |secret: &WebhookSecret, at| secret.sign("msg_1", at, body);
    let both = format!("{} {}", sign(&new, now), sign(&old, now));
    for key in [&old, &new] {
        assert!(verify(&key.reveal(), "msg_1", now, &both, body));
    }
    assert!(!verify(&secret(9).reveal(), "msg_1", now, &both, body), "another secret");
    assert!(!verify(&old.reveal(), "msg_2", now, &both, body), "another event");
    assert!(!verify(&old.reveal(), "msg_1", now + 1, &both, body), "another time");
    assert!(!verify(&old.reveal(), "msg_1", now, &both, b"{}"), "another body");
    let late = now - 3600;
    assert!(!verify(&old.reveal(), "msg_1", late, &sign(&old, late), body), "an hour old");
}
