//! A small OpenID provider: what it tells of itself, log-in, tokens and keys, strict as a real one; and whatever a test wants wrong of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use mimamori::access::Secret;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub const CLIENT_ID: &str = "desk";
pub const CLIENT_SECRET: &str = "kept between the two: 50% & more";

/// An ID token before it is signed.
pub struct Token {
    pub header: Value,
    pub claims: Value,
    pub signing: Signing,
}

/// With what a token is signed.
pub enum Signing {
    /// The key that the provider publishes.
    Own,
    /// Another one of the same name.
    Another,
    /// HMAC with the client's secret.
    Shared,
    Nothing,
}

/// A key to sign with.
struct Key {
    id: String,
    pair: EcdsaKeyPair,
}

impl Key {
    fn new(id: String) -> Self {
        let (chance, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(kind, &chance).unwrap();
        Self { id, pair: EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &chance).unwrap() }
    }

    fn public(&self) -> Value {
        // An uncompressed point: 4, x, y.
        let point = self.pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id, "x": x, "y": y})
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap().as_ref().to_vec()
    }
}

/// What a log-in at the provider was asked for with.
struct Asked {
    redirect: String,
    challenge: String,
    nonce: String,
}

struct Inner {
    issuer: String,
    key: Key,
    /// Claims of who logs in.
    who: Value,
    /// Sends people back with this error.
    error: Option<&'static str>,
    under_way: HashMap<String, Asked>,
    describe: Box<dyn Fn(&mut Value) + Send>,
    twist: Box<dyn Fn(&mut Token) + Send>,
    /// Whatever nobody else should learn: codes, verifiers, nonces, tokens.
    secrets: Vec<String>,
}

type Shared = Arc<Mutex<Inner>>;

/// The provider. Gone when dropped.
pub struct Provider {
    pub address: SocketAddr,
    pub issuer: String,
    inner: Shared,
    served: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl Provider {
    /// Where `aki@desk.example`, who is `s-1` there, logs in.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = format!("http://{address}/realms/desk");
        let inner = Arc::new(Mutex::new(Inner {
            issuer: issuer.clone(),
            key: Key::new("key-1".into()),
            who: json!({"sub": "s-1", "email": "aki@desk.example", "email_verified": true}),
            error: None,
            under_way: HashMap::new(),
            describe: Box::new(|_| ()),
            twist: Box::new(|_| ()),
            secrets: Vec::new(),
        }));
        let app = Router::new()
            .route("/realms/desk/.well-known/openid-configuration", get(description))
            .route("/realms/desk/keys", get(keys))
            .route("/realms/desk/authorize", get(authorize))
            .route("/realms/desk/token", post(token))
            .with_state(inner.clone());
        let served = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, issuer, inner, served }
    }

    /// Who logs in from now on.
    pub fn is_used_by(&self, claims: Value) {
        self.inner.lock().unwrap().who = claims;
    }

    /// Changes its description of itself from now on.
    pub fn describes_itself(&self, describe: impl Fn(&mut Value) + Send + 'static) {
        self.inner.lock().unwrap().describe = Box::new(describe);
    }

    /// Changes its tokens from now on.
    pub fn twists(&self, twist: impl Fn(&mut Token) + Send + 'static) {
        self.inner.lock().unwrap().twist = Box::new(twist);
    }

    /// Sends people back with an error, or none.
    pub fn refuses(&self, error: Option<&'static str>) {
        self.inner.lock().unwrap().error = error;
    }

    /// Publishes another key in place of the one before.
    pub fn rotates_to(&self, id: &str) {
        self.inner.lock().unwrap().key = Key::new(id.to_owned());
    }

    pub fn secrets(&self) -> Vec<String> {
        self.inner.lock().unwrap().secrets.clone()
    }
}

async fn description(State(shared): State<Shared>) -> Json<Value> {
    let inner = shared.lock().unwrap();
    let at = |path: &str| format!("{}/{path}", inner.issuer);
    let mut description = json!({
        "issuer": inner.issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "jwks_uri": at("keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    });
    (inner.describe)(&mut description);
    Json(description)
}

async fn keys(State(shared): State<Shared>) -> Json<Value> {
    // One that nobody here can use: such keys are passed over.
    Json(json!({"keys": [{"kty": "new", "kid": "other"}, shared.lock().unwrap().key.public()]}))
}

type Parameters = HashMap<String, String>;

async fn authorize(State(shared): State<Shared>, Query(asked): Query<Parameters>) -> Response {
    let mut inner = shared.lock().unwrap();
    let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let scopes: Vec<String> = of("scope").split(' ').map(str::to_owned).collect();
    let right = of("response_type") == "code"
        && of("client_id") == CLIENT_ID
        && of("code_challenge_method") == "S256"
        && scopes.iter().filter(|scope| *scope == "openid").count() == 1
        && [of("state"), of("nonce"), of("code_challenge")].iter().all(|value| value.len() >= 43);
    if !right {
        return (StatusCode::BAD_REQUEST, format!("not as it should be: {asked:?}")).into_response();
    }
    if let Some(error) = inner.error {
        let back =
            format!("{}?error={error}&error_description=%3Cb%3Eno&state={}", of("redirect_uri"), of("state"));
        return Redirect::to(&back).into_response();
    }
    let code = Secret::new(&mut rand::rng()).reveal().to_owned();
    let back = format!("{}?code={code}&state={}&session_state=x", of("redirect_uri"), of("state"));
    inner.secrets.extend([code.clone(), of("nonce"), of("state")]);
    let asked = Asked { redirect: of("redirect_uri"), challenge: of("code_challenge"), nonce: of("nonce") };
    inner.under_way.insert(code, asked);
    Redirect::to(&back).into_response()
}

fn refused(status: StatusCode, error: &str) -> Response {
    let body = json!({"error": error, "error_description": "<script>what the provider writes</script>"});
    (status, Json(body)).into_response()
}

async fn token(State(shared): State<Shared>, headers: HeaderMap, Form(sent): Form<Parameters>) -> Response {
    let mut inner = shared.lock().unwrap();
    let of = |name: &str| sent.get(name).map_or("", String::as_str);
    let known = basic(&headers).unwrap_or((of("client_id").into(), of("client_secret").into()));
    if known != (CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned()) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    // Whatever comes of it, a code is used up.
    let asked = inner.under_way.remove(of("code"));
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(of("code_verifier")));
    let fits = |asked: &Asked| asked.redirect == of("redirect_uri") && asked.challenge == challenge;
    let Some(asked) = asked.filter(fits).filter(|_| of("grant_type") == "authorization_code") else {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let id_token = inner.id_token(&asked.nonce);
    let access_token = Secret::new(&mut rand::rng()).reveal().to_owned();
    let learnt = [of("code_verifier").to_owned(), id_token.clone(), access_token.clone()];
    inner.secrets.extend(learnt);
    let tokens = json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": 300, "id_token": id_token,
    });
    Json(tokens).into_response()
}

/// Name and secret, each encoded as for a form: RFC 6749, section 2.3.1.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap().strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(value).unwrap()).unwrap();
    let (id, secret) = pair.split_once(':').unwrap();
    let form = format!("id={id}&secret={secret}");
    let mut values = url::form_urlencoded::parse(form.as_bytes()).map(|(_, value)| value.into_owned());
    Some((values.next().unwrap(), values.next().unwrap()))
}

impl Inner {
    fn id_token(&self, nonce: &str) -> String {
        let now = Utc::now().timestamp();
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce,
        });
        for (name, value) in self.who.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": self.key.id});
        let mut token = Token { header, claims, signing: Signing::Own };
        (self.twist)(&mut token);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&token.header), part(&token.claims));
        let signature = match token.signing {
            Signing::Own => self.key.sign(&text),
            Signing::Another => Key::new(self.key.id.clone()).sign(&text),
            Signing::Shared => {
                let mut mac = Hmac::<Sha256>::new_from_slice(CLIENT_SECRET.as_bytes()).unwrap();
                mac.update(text.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            Signing::Nothing => Vec::new(),
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
