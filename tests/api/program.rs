//! A program that uses the API: it checks whatever comes back against the document.

use std::collections::HashMap;
use std::sync::Arc;

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use mimamori::access::{Permission, Role};
use mimamori::contract::{Span, UserId};
use mimamori::store::*;
use serde_json::{Value, json};

use crate::support::console::{Answer, Client, Console};
use crate::support::values::*;

/// The document as it is served, with the schema of each answer.
pub struct Document {
    pub text: Value,
    schemas: Schemas,
    /// By method, path with its parameters in braces, and status.
    answers: HashMap<(String, String, u16), SchemaIndex>,
}

impl Document {
    pub async fn of(console: &Console) -> Arc<Self> {
        let answer = console.stranger().get("/api/openapi.json").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        let text: Value = serde_json::from_str(&answer.body).unwrap();
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.enable_format_assertions();
        compiler.add_resource(PLACE, closed(text.clone())).unwrap();
        let (mut schemas, mut answers) = (Schemas::new(), HashMap::new());
        for (path, methods) in text["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let key = (method.to_uppercase(), path.clone(), status.parse().unwrap());
                    let place = match response["$ref"].as_str() {
                        Some(place) => place.to_owned(),
                        None => format!("#/paths/{}/{method}/responses/{status}", path.replace('/', "~1")),
                    };
                    let kind = if key.2 < 400 { "json" } else { "problem+json" };
                    // Braces stand in no address.
                    let place = format!("{PLACE}{place}/content/application~1{kind}/schema");
                    let place = place.replace('{', "%7B").replace('}', "%7D");
                    answers.insert(key, compiler.compile(&place, &mut schemas).unwrap());
                }
            }
        }
        Arc::new(Self { text, schemas, answers })
    }

    /// # Panics
    /// Panics when the document does not have this answer, or has another.
    #[track_caller]
    pub fn check(&self, method: &str, path: &str, answer: &Answer) -> Value {
        let place = format!("{method} {path}: {}", answer.status);
        let key = (method.to_owned(), pattern(path), answer.status);
        let schema = self.answers.get(&key).unwrap_or_else(|| panic!("{place} is not in the document"));
        let kind = if answer.status < 400 { "application/json" } else { "application/problem+json" };
        assert_eq!(answer.header("content-type"), Some(kind), "{place}");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        if let Err(fault) = self.schemas.validate(&body, *schema) {
            panic!("{place}\n{fault:#}\n{body:#}");
        }
        if answer.status >= 400 {
            assert_eq!(body["status"], answer.status, "{place}");
        }
        body
    }
}

/// Where the document is, for its own references.
const PLACE: &str = "http://localhost/api/openapi.json";

/// Objects have the fields that they are said to have and no others: otherwise what is not in a schema could be anything.
fn closed(mut document: Value) -> Value {
    for schema in document["components"]["schemas"].as_object_mut().unwrap().values_mut() {
        if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
            schema["additionalProperties"] = json!(false);
        }
    }
    document
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
