//! Somebody who is told of events: a small HTTP server that answers as it is told to, and checks signatures by calculations of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mimamori::access::WebhookSecret;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

use crate::running::PATIENCE;

/// How the next request is answered.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    Status(u16),
    /// With this `Retry-After`.
    Busy(u64),
    /// To another path of the same server.
    Redirect,
    /// Never.
    Nothing,
}

/// A request that came in.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Which of the secrets have signed it.
    pub fn signed_by(&self, secrets: &[WebhookSecret]) -> Vec<bool> {
        let content =
            [format!("{}.{}.", self.id(), self.header("webhook-timestamp")).as_bytes(), &self.body].concat();
        let signatures: Vec<&str> = self.header("webhook-signature").split(' ').collect();
        let signed = |secret: &WebhookSecret| {
            let key = STANDARD.decode(secret.reveal().strip_prefix("whsec_").unwrap()).unwrap();
            let expected = format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &content)));
            signatures.contains(&expected.as_str())
        };
        secrets.iter().map(signed).collect()
    }
}

/// RFC 2104, for keys that are not longer than a block.
fn hmac_sha256(key: &[u8], content: &[u8]) -> [u8; 32] {
    let padded =
        |with: u8| -> Vec<u8> { (0..64).map(|n| key.get(n).copied().unwrap_or_default() ^ with).collect() };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(content).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

/// A server with requests as they come in.
pub struct Receiver {
    pub address: SocketAddr,
    requests: mpsc::UnboundedReceiver<Request>,
    answer: Arc<Mutex<Answer>>,
}

#[derive(Clone)]
struct Serving {
    told: mpsc::UnboundedSender<Request>,
    answer: Arc<Mutex<Answer>>,
}

impl Receiver {
    pub async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (router, receiver) = Self::new(address, answer);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        receiver
    }

    /// The pages, to be served by whoever calls.
    pub fn new(address: SocketAddr, answer: Answer) -> (Router, Self) {
        let (told, requests) = mpsc::unbounded_channel();
        let answer = Arc::new(Mutex::new(answer));
        let serving = Serving { told, answer: answer.clone() };
        (Router::new().fallback(any(answered)).with_state(serving), Self { address, requests, answer })
    }

    pub fn url(&self) -> String {
        format!("http://{}/hooks?key=1", self.address)
    }

    pub async fn answer(&self, answer: Answer) {
        *self.answer.lock().await = answer;
    }

    /// The next request.
    pub async fn next(&mut self) -> Request {
        let next = tokio::time::timeout(PATIENCE, self.requests.recv()).await;
        next.expect("a request comes").unwrap()
    }

    /// A request that is here already.
    pub fn waiting(&mut self) -> Option<Request> {
        self.requests.try_recv().ok()
    }
}

async fn answered(
    State(serving): State<Serving>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = *serving.answer.lock().await;
    let _ = serving.told.send(Request { path: uri.to_string(), headers, body });
    match answer {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Busy(seconds) => {
            (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", seconds.to_string())]).into_response()
        }
        Answer::Redirect => (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]).into_response(),
        Answer::Nothing => std::future::pending().await,
    }
}
