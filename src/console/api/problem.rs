//! What went wrong, for programs: RFC 9457.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::console::error::RETRY_AFTER;
use crate::error::{Class, Classified};
use crate::store::StoreError;

/// A kind of problem; each has an address in `type`, which stands on the page `/api`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Kind {
    Request,
    Forbidden,
    Unknown,
    Conflict,
    Stale,
    TooLarge,
    MediaType,
    Body,
    NoCondition,
    KeyReused,
    KeyInUse,
    OutOfReach,
    Fault,
}

impl Kind {
    pub(super) const ALL: [Kind; 13] = [
        Kind::Request,
        Kind::Forbidden,
        Kind::Unknown,
        Kind::Conflict,
        Kind::Stale,
        Kind::TooLarge,
        Kind::MediaType,
        Kind::Body,
        Kind::NoCondition,
        Kind::KeyReused,
        Kind::KeyInUse,
        Kind::OutOfReach,
        Kind::Fault,
    ];

    /// Status, name in `type`, title.
    pub(super) fn told(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Kind::Request => (StatusCode::BAD_REQUEST, "invalid-request", "The request cannot be read"),
            Kind::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Kind::Unknown => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Kind::Conflict => (StatusCode::CONFLICT, "conflict", "It does not stand as the request needs it"),
            Kind::Stale => (StatusCode::PRECONDITION_FAILED, "stale", "It has changed since it was read"),
            Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Kind::MediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "The body is not declared as JSON")
            }
            Kind::Body => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", "The body has wrong fields"),
            Kind::NoCondition => {
                (StatusCode::PRECONDITION_REQUIRED, "if-match-required", "`If-Match` is missing")
            }
            Kind::KeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "The key came with another request before",
            ),
            Kind::KeyInUse => (
                StatusCode::CONFLICT,
                "idempotency-key-in-use",
                "The request with this key is still being worked on",
            ),
            Kind::OutOfReach => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The database is out of reach")
            }
            Kind::Fault => (StatusCode::INTERNAL_SERVER_ERROR, "fault", "A fault of the program"),
        }
    }

    /// A problem of this kind.
    pub(super) fn because(self, detail: impl Into<String>) -> Problem {
        Problem { kind: self, detail: detail.into(), errors: Vec::new(), holder: None, generation: None }
    }

    /// A problem with one field, parameter or header.
    pub(super) fn of_field(self, field: impl Into<String>, detail: impl Into<String>) -> Problem {
        let error = FieldProblem { field: field.into(), detail: detail.into() };
        Problem { errors: vec![error.clone()], ..self.because(format!("{}: {}", error.field, error.detail)) }
    }
}

/// Where a body, a query or a header is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::console) struct FieldProblem {
    /// Name of the field (with dots and brackets inside of others), of the parameter, or of the header.
    pub(super) field: String,
    pub(super) detail: String,
}

/// Who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::console) struct Holder {
    /// A reviewer's log-in, or an agent.
    pub(super) name: String,
    /// When it ends, if it does so by itself.
    pub(super) until: Option<DateTime<Utc>>,
}

/// The body of every answer from 400 on.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(in crate::console) struct Body {
    /// What kind of problem: an address on the page `/api`, or `about:blank`.
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    detail: String,
    /// What is wrong where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    /// Who has what the request asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<Holder>,
    /// The generation that would have matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u32>,
}

/// Why a request was refused.
#[derive(Debug)]
pub(in crate::console) struct Problem {
    kind: Kind,
    detail: String,
    errors: Vec<FieldProblem>,
    holder: Option<Holder>,
    generation: Option<u32>,
}

impl Problem {
    pub(super) fn held_by(self, holder: Option<Holder>) -> Self {
        Self { holder, ..self }
    }

    pub(super) fn now_at(self, generation: u32) -> Self {
        Self { generation: Some(generation), ..self }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // Errors of the store name places, never the text of a message.
        tracing::error!(%error, "a request to the API could not be answered from the database");
        match error.class() {
            Class::Transient => Kind::OutOfReach.because("Nothing was lost. Try again."),
            Class::Permanent | Class::Bug => Kind::Fault.because("The log of the console says why."),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, name, title) = self.kind.told();
        let body = Body {
            kind: format!("/api#problem-{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            errors: self.errors,
            holder: self.holder,
            generation: self.generation,
        };
        let mut response = (status, axum::Json(body)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if self.kind == Kind::OutOfReach {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        response
    }
}
