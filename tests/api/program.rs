//! A program that uses the API: it checks whatever comes back against the document.

use std::collections::HashMap;
use std::sync::Arc;

use jsonschema::Validator;
use mimamori::access::{Permission, Role};
use mimamori::contract::{Span, UserId};
use mimamori::store::*;
use serde_json::{Value, json};

use crate::support::console::{Answer, Client, Console};
use crate::support::values::*;

/// The document as it is served, with a validator for each answer.
pub struct Document {
    pub text: Value,
    /// By method, path with its parameters in braces, and status.
    answers: HashMap<(String, String, u16), Validator>,
}

impl Document {
    pub async fn of(console: &Console) -> Arc<Self> {
        let answer = console.stranger().get("/api/openapi.json").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        let text: Value = serde_json::from_str(&answer.body).unwrap();
        let mut answers = HashMap::new();
        for (path, methods) in text["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let key = (method.to_uppercase(), path.clone(), status.parse().unwrap());
                    answers.insert(key, validator(&text, response));
                }
            }
        }
        Arc::new(Self { text, answers })
    }

    /// # Panics
    /// Panics when the document does not have this answer, or has another.
    #[track_caller]
    pub fn check(&self, method: &str, path: &str, answer: &Answer) -> Value {
        let place = format!("{method} {path}: {}", answer.status);
        let key = (method.to_owned(), pattern(path), answer.status);
        let validator = self.answers.get(&key).unwrap_or_else(|| panic!("{place} is not in the document"));
        let kind = if answer.status < 400 { "application/json" } else { "application/problem+json" };
        assert_eq!(answer.header("content-type"), Some(kind), "{place}");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(faults.is_empty(), "{place}\n{}\n{body:#}", faults.join("\n"));
        if answer.status >= 400 {
            assert_eq!(body["status"], answer.status, "{place}");
        }
        body
    }
}

fn validator(document: &Value, response: &Value) -> Validator {
    let response = match response["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).unwrap(),
        None => response,
    };
    let (_, content) = response["content"].as_object().unwrap().iter().next().unwrap();
    let mut schema = json!({ "components": document["components"], "allOf": [content["schema"]] });
    // Without it, what is not in a schema could be anything.
    closed(&mut schema["components"]["schemas"]);
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// Objects have the fields that they are said to have and no others.
fn closed(schemas: &mut Value) {
    for schema in schemas.as_object_mut().unwrap().values_mut() {
        if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
            schema["additionalProperties"] = json!(false);
        }
    }
}

/// The path with its parameter in braces.
fn pattern(path: &str) -> String {
    let path = path.split('?').next().unwrap();
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.len() > 4 && (parts[3], parts[4]) != ("alerts", "undo") {
        parts[4] = "{id}";
    }
    parts.join("/")
}

/// Somebody's token.
pub struct Program {
    document: Arc<Document>,
    client: Client,
    bearer: String,
}

impl Program {
    /// With every scope.
    pub async fn of(
        console: &Console,
        document: &Arc<Document>,
        login: &str,
        role: Role,
        agent: Option<&str>,
    ) -> Self {
        let account = console.person(login, role, &[], agent).await;
        let scopes: Vec<Permission> = Permission::scopes().collect();
        let token = console.token(account, &scopes).await;
        Self { document: document.clone(), client: console.stranger(), bearer: format!("Bearer {token}") }
    }

    /// The answer with its body, checked.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (Answer, Value) {
        let mut all = vec![("authorization", self.bearer.as_str())];
        all.extend(headers);
        let answer = self.client.request(method, path, &all, body).await;
        let checked = self.document.check(method, path, &answer);
        (answer, checked)
    }

    pub async fn get(&self, path: &str) -> Value {
        let (answer, body) = self.ask("GET", path, &[], "").await;
        assert_eq!(answer.status, 200, "{path}: {body:#}");
        body
    }

    /// A POST of JSON on what has this tag; null sends no body.
    pub async fn post(&self, path: &str, tag: Option<&str>, body: Value) -> (u16, Value) {
        let mut headers = vec![];
        headers.extend(tag.map(|tag| ("if-match", tag)));
        let body = if body.is_null() {
            String::new()
        } else {
            headers.push(("content-type", "application/json"));
            body.to_string()
        };
        let (answer, body) = self.ask("POST", path, &headers, &body).await;
        (answer.status, body)
    }

    pub async fn tag(&self, path: &str) -> String {
        let (answer, _) = self.ask("GET", path, &[], "").await;
        answer.header("etag").expect("the resource has a tag").to_owned()
    }
}

/// Which fields a problem names.
pub fn named(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
}

/// Alerts about these texts of different people.
pub async fn flag(console: &Console, texts: &[&str]) {
    let (mut decisions, mut messages) = (Vec::new(), Vec::new());
    for (n, text) in (0_i64..).zip(texts) {
        let mut message = message(&format!("m-{n}"), &format!("t-{n}"), n);
        message.text = (*text).into();
        message.sender_id = UserId::new(format!("u-{n}")).unwrap();
        let mut decision = flagged(&message, n);
        decision.verdict.labels[0].spans =
            vec![Span { start: 0, end: 4, text: text.chars().take(4).collect() }];
        decision.alerts[0].text_key = mimamori::moderation::text_key(text, true, &message.transaction_id);
        decisions.push(decision);
        messages.push(message);
    }
    console.store.receive_messages(&messages, 0).await.unwrap();
    console.store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
}
