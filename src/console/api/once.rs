//! `Idempotency-Key`: a POST that is sent again is answered as the first time, and changes nothing.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use sha2::{Digest, Sha256};

use super::ask::LONGEST_BODY;
use super::problem::{Kind, Problem};
use crate::console::gate::Visit;
use crate::console::state::Desk;
use crate::store::{Begun, KeptAnswer, KeyedRequest};

const KEY: &str = "idempotency-key";
/// Characters of a key.
pub(super) const LONGEST_KEY: usize = 200;
/// On an answer that was given before.
const REPLAYED: &str = "idempotency-replayed";

pub(in crate::console) async fn once(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    match begun(&desk, request).await {
        Ok(Step::Plain(request)) => next.run(request).await,
        Ok(Step::First(keyed, request)) => {
            let response = next.run(request).await;
            kept(&desk, &keyed, response).await
        }
        Ok(Step::Again(answer)) => again(answer),
        Err(problem) => problem.into_response(),
    }
}

enum Step {
    /// Without a key.
    Plain(Request),
    First(KeyedRequest, Request),
    Again(KeptAnswer),
}

async fn begun(desk: &Desk, request: Request) -> Result<Step, Problem> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return Err(Kind::TooLarge.because(format!("Expected at most {LONGEST_BODY} bytes.")));
    };
    let key = key(&parts.headers)?;
    // The gate is before: who has come in is known.
    let visit = parts.extensions.get::<Arc<Visit>>().cloned();
    let Some((key, visit)) = key.zip(visit) else {
        return Ok(Step::Plain(Request::from_parts(parts, Body::from(body))));
    };
    let keyed = KeyedRequest {
        account: visit.principal.account_id,
        key,
        fingerprint: fingerprint(&parts, &body),
        at: Utc::now(),
    };
    match desk.store.begin_answer(&keyed).await? {
        Begun::New => Ok(Step::First(keyed, Request::from_parts(parts, Body::from(body)))),
        Begun::Kept(answer) => Ok(Step::Again(answer)),
        Begun::Running => Err(Kind::KeyInUse.because("Send it again in a moment.")),
        Begun::Other => {
            Err(Kind::KeyReused.of_field("Idempotency-Key", "expected a new key for a new request"))
        }
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let values: Vec<&HeaderValue> = headers.get_all(KEY).iter().collect();
    let [value] = values.as_slice() else {
        return if values.is_empty() { Ok(None) } else { Err(wrong_key()) };
    };
    match value.to_str() {
        Ok(key)
            if (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(Some(key.to_owned()))
        }
        _ => Err(wrong_key()),
    }
}

fn wrong_key() -> Problem {
    let expected = format!("expected one key of 1 to {LONGEST_KEY} visible ASCII characters");
    Kind::Request.of_field("Idempotency-Key", expected)
}

/// The same for requests that mean the same.
fn fingerprint(parts: &Parts, body: &Bytes) -> String {
    let condition = parts.headers.get(header::IF_MATCH).map_or(&b""[..], HeaderValue::as_bytes);
    let address = parts.uri.path_and_query().map_or("", |address| address.as_str());
    let mut hash = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), address.as_bytes(), condition, body] {
        // With its length: no two ways to cut the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps the answer, unless the program could not answer at all.
async fn kept(desk: &Desk, keyed: &KeyedRequest, response: Response) -> Response {
    if response.status().is_server_error() {
        if let Err(error) = desk.store.forget_answer(keyed.account, &keyed.key).await {
            tracing::warn!(%error, "a key of a request cannot be freed; it is free again in a minute");
        }
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let text = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let answer = KeptAnswer {
        status: parts.status.as_u16(),
        content_type: text(header::CONTENT_TYPE).map(str::to_owned),
        etag: text(header::ETAG).map(str::to_owned),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    // It is done: the client gets its answer, even if the next time it is told of a conflict.
    if let Err(error) = desk.store.keep_answer(keyed, &answer).await {
        tracing::warn!(%error, "the answer to a request with a key cannot be kept");
    }
    Response::from_parts(parts, Body::from(body))
}

fn again(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    let mut set = |name, value: Option<String>| {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, answer.content_type);
    set(header::ETAG, answer.etag);
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
