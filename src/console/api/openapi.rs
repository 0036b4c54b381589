//! The OpenAPI document: its paths are the rows of the table of routes that have an [`Operation`], its schemas come from the types.
//!
//! Neither `utoipa` (a trait of its own for schemas, beside the contract's schemars) nor `aide` (alpha releases for schemars 1, and a
//! router of its own in place of the table) fits one table of routes; the document is little more than a walk over it.

use std::sync::LazyLock;

use axum::http::{Method, StatusCode, header};
use axum::response::IntoResponse;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::problem;
use crate::access::Permission;
use crate::console::routes;
use crate::contract::Webhook;

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A reference to the schema of a type.
pub(super) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Whether a write takes `If-Match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Condition {
    None,
    Optional,
    Required,
}

/// What the document says of a route.
#[derive(Debug, Clone, Copy)]
pub(in crate::console) struct Operation {
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// The schema of the address's one parameter.
    pub(super) key: Option<SchemaOf>,
    pub(super) query: Option<SchemaOf>,
    pub(super) body: Option<SchemaOf>,
    pub(super) answer: SchemaOf,
    /// The answer has the entity tag of a generation.
    pub(super) tagged: bool,
    pub(super) condition: Condition,
    /// Takes an `Idempotency-Key`.
    pub(super) once: bool,
    /// Other statuses than those that follow from the rest.
    pub(super) refused: &'static [u16],
}

impl Operation {
    pub(super) const READ: Operation = Operation {
        id: "",
        tag: "",
        summary: "",
        description: "",
        key: None,
        query: None,
        body: None,
        answer: schema::<Value>,
        tagged: false,
        condition: Condition::None,
        once: false,
        refused: &[],
    };

    pub(super) const WRITE: Operation = Operation { once: true, ..Self::READ };

    /// Every status but success.
    fn refusals(&self, known: bool) -> Vec<u16> {
        let mut statuses = self.refused.to_vec();
        let mut when = |holds: bool, more: &[u16]| {
            if holds {
                statuses.extend(more);
            }
        };
        when(known, &[401, 403]);
        when(self.key.is_some(), &[404]);
        when(self.query.is_some(), &[400]);
        when(self.body.is_some(), &[400, 413, 415, 422]);
        when(self.once, &[400, 409, 413, 422]);
        when(self.condition != Condition::None, &[412]);
        when(self.condition == Condition::Required, &[428]);
        when(true, &[500, 503]);
        statuses.sort_unstable();
        statuses.dedup();
        statuses
    }
}

pub(in crate::console) const DOCUMENT: Operation =
    Operation { id: "getDocument", tag: "Access", summary: "This document", ..Operation::READ };

pub(in crate::console) async fn document() -> impl IntoResponse {
    static WRITTEN: LazyLock<String> = LazyLock::new(|| openapi().to_string());
    ([(header::CONTENT_TYPE, "application/json")], WRITTEN.as_str())
}

/// A row of the table of routes that is one of the API.
pub(in crate::console) struct Row {
    pub(in crate::console) method: Method,
    pub(in crate::console) path: &'static str,
    pub(in crate::console) permission: Option<Permission>,
    pub(in crate::console) operation: Operation,
}

/// The whole document.
pub(super) fn openapi() -> Value {
    let mut writer = Writer::new();
    let mut paths = Map::new();
    for row in routes::api_rows() {
        let method = row.method.as_str().to_ascii_lowercase();
        let operation = writer.operation(&row);
        let path = paths.entry(row.path).or_insert_with(|| json!({}));
        path[method] = operation;
    }
    let told = webhooks(&mut writer);
    let problem = schema::<problem::Body>(&mut writer.answered);
    let mut schemas = writer.sent.take_definitions(true);
    schemas.extend(writer.answered.take_definitions(true));
    json!({
        "openapi": "3.1.1",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "mimamori",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Alerts and inquiries of the support desk",
            "description": ABOUT,
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "tags": tags(),
        "paths": paths,
        "webhooks": told,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token, made on the console's page of API tokens: `mimamori_` and 64 hexadecimal digits.",
                },
            },
            "responses": {
                "Problem": {
                    "description": "What went wrong (RFC 9457)",
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
            "schemas": schemas,
        },
    })
}

const ABOUT: &str = "What people do on the console's pages, for programs. A token does what both its scopes and its owner's role allow. \
    Alerts and inquiries carry an entity tag, the generation that fences their changes: writes send it as `If-Match`. A POST with an \
    `Idempotency-Key` can be sent again within a day: it is answered as the first time and changes nothing.";

fn tags() -> Value {
    json!([
        { "name": "Access", "description": "Who the token is." },
        { "name": "Alerts", "description": "Flagged messages, reviewed one person at a time." },
        { "name": "Inquiries", "description": "Questions of customers, and which agent has them." },
        { "name": "Agents", "description": "Who works on inquiries." },
        { "name": "Messages", "description": "What was found in messages." },
        { "name": "Webhooks", "description": "Who is told of events over HTTP." },
    ])
}

/// What is sent to endpoints, as Standard Webhooks 1.0 has it.
fn webhooks(writer: &mut Writer) -> Value {
    let body = schema::<Webhook>(&mut writer.answered);
    let header = |name: &str, about: &str| json!({ "name": name, "in": "header", "required": true, "description": about, "schema": { "type": "string" } });
    let parameters = [
        header(
            "webhook-id",
            "The same on every attempt to send the event: who has seen it has the event already.",
        ),
        header("webhook-timestamp", "When the attempt was made: seconds since 1970."),
        header(
            "webhook-signature",
            "`v1,` and the HMAC-SHA256 of `webhook-id.webhook-timestamp.body` in base64; two with a space between them for a day after the \
             secret was changed.",
        ),
    ];
    json!({
        "event": {
            "post": {
                "operationId": "event",
                "tags": ["Webhooks"],
                "summary": "An event that an endpoint wants",
                "description": "Sent at least once, in no order, without the words of messages; tried ten times over three days until it is taken.",
                "security": [],
                "parameters": parameters,
                "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
                "responses": {
                    "2XX": { "description": "It is taken." },
                    "410": { "description": "Nothing more is wanted: the endpoint is switched off." },
                    "default": { "description": "It is sent again later; `Retry-After` makes it wait longer." },
                },
            },
        },
    })
}

/// What has been written so far of the schemas: of bodies, as they are read, and of answers.
struct Writer {
    sent: SchemaGenerator,
    answered: SchemaGenerator,
}

impl Writer {
    fn new() -> Self {
        let generator = |serialize: bool| {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            let settings = if serialize { settings.for_serialize() } else { settings.for_deserialize() };
            settings.into_generator()
        };
        Self { sent: generator(false), answered: generator(true) }
    }

    fn operation(&mut self, row: &Row) -> Value {
        let operation = &row.operation;
        let mut told = json!({
            "operationId": operation.id,
            "tags": [operation.tag],
            "summary": operation.summary,
            "parameters": self.parameters(operation),
            "responses": self.responses(row),
        });
        let needs = row.permission.map(|permission| format!("Needs `{permission}`."));
        let description: Vec<String> = [Some(operation.description.to_owned()), needs]
            .into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
            .collect();
        if !description.is_empty() {
            told["description"] = description.join("\n\n").into();
        }
        match row.permission {
            Some(permission) => told["x-permission"] = permission.as_str().into(),
            None => told["security"] = json!([]),
        }
        if let Some(body) = operation.body {
            let schema = body(&mut self.sent);
            told["requestBody"] = json!({
                "required": true,
                "content": { "application/json": { "schema": schema } },
            });
        }
        told
    }

    fn parameters(&mut self, operation: &Operation) -> Vec<Value> {
        let mut parameters = Vec::new();
        if let Some(key) = operation.key {
            parameters
                .push(json!({ "name": "id", "in": "path", "required": true, "schema": key(&mut self.sent) }));
        }
        if let Some(query) = operation.query {
            parameters.extend(query_parameters(query(&mut self.sent), &mut self.sent));
        }
        let mut header = |name: &str, required: bool, about: &str, schema: Value| {
            parameters.push(json!({
                "name": name, "in": "header", "required": required, "description": about, "schema": schema,
            }));
        };
        if operation.condition != Condition::None {
            let required = operation.condition == Condition::Required;
            header("If-Match", required, "The ETag as it was read.", json!({ "type": "string" }));
        }
        if operation.once {
            let schema = json!({ "type": "string", "minLength": 1, "maxLength": super::once::LONGEST_KEY,
                                 "pattern": "^[!-~]+$" });
            header(
                "Idempotency-Key",
                false,
                "New for each new request, the same when it is sent again.",
                schema,
            );
        }
        parameters
    }

    fn responses(&mut self, row: &Row) -> Value {
        let operation = &row.operation;
        let mut success = json!({
            "description": operation.summary,
            "content": { "application/json": { "schema": (operation.answer)(&mut self.answered) } },
        });
        if operation.tagged {
            success["headers"]["ETag"] =
                json!({ "description": "The generation.", "required": true, "schema": { "type": "string" } });
        }
        let mut responses = Map::from_iter([("200".to_owned(), success)]);
        for status in operation.refusals(row.permission.is_some()) {
            let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
            let mut problem = json!({ "$ref": "#/components/responses/Problem" });
            if let Some(reason) = reason {
                problem["description"] = reason.into();
            }
            responses.insert(status.to_string(), problem);
        }
        Value::Object(responses)
    }
}

/// The fields of a type as parameters of a query.
fn query_parameters(reference: Schema, generator: &mut SchemaGenerator) -> Vec<Value> {
    let name = reference.get("$ref").and_then(Value::as_str).and_then(|place| place.rsplit('/').next());
    // What is a query is no schema of the document.
    let Some(object) = name.and_then(|name| generator.definitions_mut().remove(name)) else {
        return Vec::new();
    };
    let Some(fields) = object.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = without_null(schema.clone());
        let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut told = json!({ "name": name, "in": "query", "schema": schema });
        if let Some(about) = about {
            told["description"] = about;
        }
        told
    };
    fields.iter().map(parameter).collect()
}

/// A parameter is there or not: it is never null.
fn without_null(mut schema: Value) -> Value {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            schema["type"] = kind.clone();
        }
    }
    if let Some(Value::Array(choices)) = schema.get("anyOf").cloned() {
        let mut kept = choices.into_iter().filter(|choice| choice["type"] != "null");
        if let (Some(Value::Object(one)), Some(all)) = (kept.next(), schema.as_object_mut()) {
            all.remove("anyOf");
            all.extend(one);
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_schema_has_two_meanings() {
        let mut writer = Writer::new();
        for row in routes::api_rows() {
            writer.operation(&row);
        }
        let answered = writer.answered.take_definitions(true);
        let sent = writer.sent.take_definitions(true);
        assert!(sent.contains_key("AlertView") && answered.contains_key("AlertList"));
        for (name, schema) in sent {
            assert_eq!(answered.get(&name).unwrap_or(&schema), &schema, "{name}");
        }
    }
}
