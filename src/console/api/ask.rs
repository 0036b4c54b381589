//! What a request asks for, read from its query and its body; whatever is wrong is told with the name of the field.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::{Kind, Problem};
use crate::contract::without_values;

/// Bytes of a body.
pub(super) const LONGEST_BODY: usize = 64 * 1024;
/// Items of a page, unless the query says otherwise, and at most.
const ROWS: u32 = 25;
const MOST_ROWS: u32 = 100;

/// The query as a `T`, all of whose fields are texts: what is not a field of it is refused, and so is what comes twice.
pub(in crate::console) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await else {
            return Err(Kind::Request.because("The query is not percent-encoded UTF-8."));
        };
        let mut values = Map::new();
        for (name, value) in pairs {
            if values.insert(name.clone(), Value::String(value)).is_some() {
                return Err(Kind::Request.of_field(name, "comes twice"));
            }
        }
        read(Value::Object(values)).map(Self).map_err(|(field, detail)| Kind::Request.of_field(field, detail))
    }
}

/// The body as a `T`.
pub(in crate::console) struct Sent<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Kind::MediaType.because("Expected `Content-Type: application/json`."));
        }
        let Ok(bytes) = axum::body::to_bytes(request.into_body(), LONGEST_BODY).await else {
            return Err(Kind::TooLarge.because(format!("Expected at most {LONGEST_BODY} bytes.")));
        };
        // In two steps: a body that is no JSON at all is another problem than a wrong field.
        let Ok(value) = serde_json::from_slice::<Value>(&bytes) else {
            return Err(Kind::Request.of_field("body", "expected one JSON object in UTF-8"));
        };
        read(value).map(Self).map_err(|(field, detail)| Kind::Body.of_field(field, detail))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// The value as a `T`, or which field of it is wrong and why.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, (String, String)> {
    // serde would take the fields from an array as well.
    if !value.is_object() {
        return Err(("body".to_owned(), "expected a JSON object".to_owned()));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        let told = error.to_string();
        // serde tells of a missing field at the object that lacks it.
        let named = |prefix| told.strip_prefix(prefix)?.split('`').next();
        if let Some(name) = named("missing field `") {
            return (joined(&path, name), "is missing".to_owned());
        }
        if let Some(name) = named("unknown field `") {
            let place = if path.ends_with(name) { path } else { joined(&path, name) };
            return (place, "is not known".to_owned());
        }
        let field = if path == "." { "body".to_owned() } else { path };
        (field, without_values(&error))
    })
}

fn joined(path: &str, name: &str) -> String {
    if path == "." { name.to_owned() } else { format!("{path}.{name}") }
}

/// What a text of a body becomes: trimmed, and absent if nothing is left.
///
/// # Errors
/// When it is longer than so many characters, or has a control character that is no line break or tab.
pub(super) fn text(field: &str, text: Option<&str>, longest: usize) -> Result<Option<String>, Problem> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > longest {
        return Err(Kind::Body.of_field(field, format!("expected at most {longest} characters")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Kind::Body.of_field(field, "expected no control characters"));
    }
    Ok(Some(text.to_owned()))
}

/// The identifier in the address; one that cannot be is of nothing.
pub(super) fn id<T>(path: Result<Path<T>, PathRejection>) -> Result<T, Problem> {
    path.map(|Path(id)| id).map_err(|_| unknown())
}

pub(super) fn unknown() -> Problem {
    Kind::Unknown.because("Nothing has this identifier, or the token's account does not see it.")
}

/// How many items a page has: `limit` of a query.
pub(super) fn limit(asked: Option<&str>) -> Result<u32, Problem> {
    let Some(text) = asked else { return Ok(ROWS) };
    match text.parse() {
        Ok(limit) if (1..=MOST_ROWS).contains(&limit) => Ok(limit),
        _ => Err(Kind::Request.of_field("limit", format!("expected a number from 1 to {MOST_ROWS}"))),
    }
}

/// The schema of `limit`, which comes as text.
pub(super) fn limit_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": ROWS })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::contract::{AgentId, Ruling};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "read by tests only for what is wrong with it")]
    struct Example {
        ruling: Ruling,
        agent: Option<AgentId>,
    }

    #[test]
    fn what_is_wrong_is_told_with_its_field_and_never_quoted() {
        for (value, field, detail) in [
            (json!({}), "ruling", "is missing"),
            (json!({"ruling": "violation", "rulling": 1}), "rulling", "is not known"),
            (json!({"ruling": "秘密"}), "ruling", "expected"),
            (json!({"ruling": 7}), "ruling", "expected"),
            (json!({"ruling": "unsure", "agent": ""}), "agent", "must not be empty"),
            (json!([]), "body", "expected"),
            (json!("秘密"), "body", "expected"),
        ] {
            let (named, told) = read::<Example>(value.clone()).unwrap_err();
            assert_eq!(named, field, "{value}: {told}");
            assert!(told.contains(detail) && !told.contains('秘'), "{value}: {told}");
        }
    }

    #[test]
    fn texts_are_trimmed_counted_and_free_of_control_characters() {
        assert_eq!(text("note", Some("  a\nb "), 3).unwrap().as_deref(), Some("a\nb"));
        assert_eq!(text("note", Some(" "), 3).unwrap(), None);
        assert!(text("note", Some("abcd"), 3).is_err() && text("note", Some("a\0"), 3).is_err());
        assert!(limit(Some("0")).is_err() && limit(Some("101")).is_err() && limit(Some("x")).is_err());
    }
}
