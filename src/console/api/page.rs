//! `/api`: the document for people, made from the document for programs.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::openapi::openapi;
use super::problem::Kind;
use crate::console::layout::{Frame, Room, render};
use crate::console::locale::Locale;

#[derive(Template)]
#[template(path = "api.html")]
struct View {
    frame: Frame,
    about: String,
    groups: Vec<Group>,
    problems: Vec<ProblemKind>,
    schemas: Vec<Named>,
}

struct Group {
    name: String,
    about: String,
    operations: Vec<Shown>,
}

struct Shown {
    id: String,
    method: String,
    path: String,
    summary: String,
    /// Paragraphs.
    about: Vec<String>,
    parameters: Vec<Parameter>,
    /// Names of schemas.
    body: Option<String>,
    answer: String,
    refusals: String,
}

struct Parameter {
    name: String,
    place: String,
    required: bool,
    about: String,
    schema: String,
}

struct ProblemKind {
    name: &'static str,
    status: u16,
    title: &'static str,
}

struct Named {
    name: String,
    text: String,
}

pub(in crate::console) async fn page(locale: Locale) -> Response {
    render(StatusCode::OK, &view(&openapi(), &locale))
}

fn view(document: &Value, locale: &Locale) -> View {
    let mut groups: Vec<Group> = items(&document["tags"])
        .map(|tag| Group {
            name: text(&tag["name"]),
            about: text(&tag["description"]),
            operations: Vec::new(),
        })
        .collect();
    for (path, methods) in fields(&document["paths"]) {
        for (method, operation) in fields(methods) {
            let tag = text(&operation["tags"][0]);
            if let Some(group) = groups.iter_mut().find(|group| group.name == tag) {
                group.operations.push(shown(path, method, operation));
            }
        }
    }
    let problems = Kind::ALL.map(|kind| {
        let (status, name, title) = kind.told();
        ProblemKind { name, status: status.as_u16(), title }
    });
    let named = |(name, schema): (&String, &Value)| Named { name: name.clone(), text: format!("{schema:#}") };
    View {
        frame: Frame::new(locale, Room::Nowhere, "API"),
        about: text(&document["info"]["description"]),
        groups,
        problems: problems.into(),
        schemas: fields(&document["components"]["schemas"]).map(named).collect(),
    }
}

fn shown(path: &str, method: &str, operation: &Value) -> Shown {
    let schema = |content: &Value| schema_name(&content["content"]["application/json"]["schema"]);
    let refusals: Vec<&str> = fields(&operation["responses"])
        .map(|(status, _)| status.as_str())
        .filter(|status| *status != "200")
        .collect();
    Shown {
        id: text(&operation["operationId"]),
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        about: text(&operation["description"]).split("\n\n").map(str::to_owned).collect(),
        parameters: items(&operation["parameters"]).map(parameter).collect(),
        body: operation.get("requestBody").map(schema),
        answer: schema(&operation["responses"]["200"]),
        refusals: refusals.join(", "),
    }
}

fn parameter(parameter: &Value) -> Parameter {
    Parameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        required: parameter["required"] == true,
        about: text(&parameter["description"]),
        schema: match parameter["schema"].get("$ref") {
            Some(_) => schema_name(&parameter["schema"]),
            None => parameter["schema"].to_string(),
        },
    }
}

/// Of a reference; empty for a schema that stands in its place.
fn schema_name(schema: &Value) -> String {
    schema["$ref"].as_str().and_then(|place| place.rsplit('/').next()).unwrap_or_default().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
