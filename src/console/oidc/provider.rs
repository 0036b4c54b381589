//! The OpenID provider: what it tells of itself, where people are sent, and whom it vouches for.
//!
//! State, nonce and the verifier of PKCE are not kept: they follow from the secret that the browser holds on its way.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreIdToken,
    CoreIdTokenVerifier, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRequestTokenError,
};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    SignatureVerificationError, TokenResponse,
};
use serde_json::{Map, Value};
use url::Url;

use crate::access::{Identity, Secret};
use crate::config::OidcConfig;
use crate::http_client::{HttpClient, HttpError, Read};
use crate::webhook::{TargetError, target};

/// Bytes of the longest answer: several times the longest set of keys.
const LONGEST_ANSWER: usize = 256 * 1024;
/// What the provider tells of itself is asked for again after so long; its keys, also as soon as a signature does not fit them.
const KEPT: Duration = Duration::from_secs(600);
/// Where people come back to.
pub(super) const CALLBACK: &str = "/log-in/oidc/callback";

/// How an ID token may be signed: with a key of which only the provider knows the private half.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// For what parts are derived from the secret of a browser on its way.
const STATE: &str = "openid connect: state";
const NONCE: &str = "openid connect: nonce";
const VERIFIER: &str = "openid connect: code verifier";

/// What the provider answers with the state, if it came from who was sent away with this secret.
pub(super) fn is_state_of(secret: &Secret, state: &str) -> bool {
    secret.derived(STATE).is(state)
}

fn part(secret: &Secret, purpose: &str) -> String {
    secret.derived(purpose).reveal().to_owned()
}

/// Somebody whom the provider vouches for.
pub(super) struct Vouch {
    pub(super) identity: Identity,
    /// Every claim of the ID token.
    pub(super) claims: Map<String, Value>,
}

/// Why the provider vouches for nobody. Nothing of what it wrote is in here but the codes of RFC 6749.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// It passes, or the configuration names the wrong place.
    #[error("the OpenID provider is out of reach: {0}")]
    Away(String),
    /// The configuration, here or there, is wrong.
    #[error("the OpenID provider's answer cannot be used: {0}")]
    Answer(String),
    #[error("the OpenID provider's ID token is refused: {0}")]
    Token(&'static str),
}

/// Why a request of the library went unanswered.
#[derive(Debug, thiserror::Error)]
pub(in crate::console) enum CallError {
    #[error("its own description names an address that may not be asked: {0}")]
    Target(#[from] TargetError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("HTTP status {0}")]
    Status(u16),
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Target(_) | CallError::Http(HttpError::Url | HttpError::TooLong) => {
                Trouble::Answer(error.to_string())
            }
            CallError::Http(_) | CallError::Status(_) => Trouble::Away(error.to_string()),
        }
    }
}

impl From<DiscoveryError<CallError>> for Trouble {
    fn from(error: DiscoveryError<CallError>) -> Self {
        let unusable = match error {
            DiscoveryError::Request(error) => return error.into(),
            DiscoveryError::Response(status, ..) => {
                format!("HTTP status {}, or no JSON, for its description or its keys", status.as_u16())
            }
            DiscoveryError::Validation(_) => "it does not call itself as console.oidc.issuer does".into(),
            _ => "its description or its keys cannot be read".into(),
        };
        Trouble::Answer(unusable)
    }
}

impl From<CoreRequestTokenError<CallError>> for Trouble {
    fn from(error: CoreRequestTokenError<CallError>) -> Self {
        let unusable = match error {
            RequestTokenError::Request(error) => return error.into(),
            RequestTokenError::ServerResponse(answer) => match answer.error() {
                CoreErrorResponseType::Extension(_) => "an error without a code of RFC 6749".into(),
                known => format!("error `{}` for a code", known.as_ref()),
            },
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => "its tokens cannot be read".into(),
        };
        Trouble::Answer(unusable)
    }
}

impl From<ClaimsVerificationError> for Trouble {
    fn from(error: ClaimsVerificationError) -> Self {
        use SignatureVerificationError::{DisallowedAlg, NoSignature, UnsupportedAlg};
        Trouble::Token(match error {
            ClaimsVerificationError::Expired(_) => "expired",
            ClaimsVerificationError::InvalidAudience(_) => "audience",
            ClaimsVerificationError::InvalidIssuer(_) => "issuer",
            ClaimsVerificationError::InvalidNonce(_) => "nonce",
            ClaimsVerificationError::SignatureVerification(
                DisallowedAlg(_) | NoSignature | UnsupportedAlg(_),
            ) => "algorithm",
            ClaimsVerificationError::SignatureVerification(_) => "signature",
            _ => "form",
        })
    }
}

/// The library's client, as it stands after discovery.
type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The configured provider.
pub(in crate::console) struct Provider {
    config: OidcConfig,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: HttpClient,
    /// What it last told of itself, and when.
    told: Mutex<Option<(Instant, Arc<CoreProviderMetadata>)>>,
}

impl Provider {
    /// None if there is none. Asks nothing yet: a provider that is away keeps no console from its start.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(in crate::console) fn new(config: &OidcConfig, base: &str) -> std::io::Result<Option<Self>> {
        let Some(issuer) = &config.issuer else { return Ok(None) };
        Ok(Some(Self {
            config: config.clone(),
            issuer: IssuerUrl::new(issuer.clone()).map_err(std::io::Error::other)?,
            redirect: RedirectUrl::new(format!("{base}{CALLBACK}")).map_err(std::io::Error::other)?,
            http: HttpClient::new().map_err(std::io::Error::other)?,
            told: Mutex::default(),
        }))
    }

    /// What people call it.
    pub(in crate::console) fn label(&self) -> &str {
        &self.config.label
    }

    /// Whether nobody comes in otherwise.
    pub(in crate::console) fn only(&self) -> bool {
        self.config.only
    }

    /// The claim that names the log-in.
    pub(super) fn claim(&self) -> &str {
        &self.config.claim
    }

    /// Where to send somebody who holds this secret.
    pub(super) async fn way(&self, secret: &Secret) -> Result<Url, Trouble> {
        let description = self.description().await?;
        let client = self.client(&description);
        target(client.auth_uri().as_str()).map_err(CallError::from)?;
        let (state, nonce) = (CsrfToken::new(part(secret, STATE)), Nonce::new(part(secret, NONCE)));
        let verifier = PkceCodeVerifier::new(part(secret, VERIFIER));
        let request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        // The library asks for `openid` in any case.
        let scopes = self.config.scopes.split_ascii_whitespace().filter(|scope| *scope != "openid");
        let request = request.add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())));
        Ok(request.url().0)
    }

    /// Whom it vouches for by the code that somebody with this secret came back with.
    pub(super) async fn vouch(&self, code: String, secret: &Secret) -> Result<Vouch, Trouble> {
        let description = self.description().await?;
        let client = self.client(&description);
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|_| Trouble::Answer("its description has no `token_endpoint`".into()))?
            .set_pkce_verifier(PkceCodeVerifier::new(part(secret, VERIFIER)));
        let response = request.request_async(self).await?;
        let token = response.id_token().ok_or_else(|| Trouble::Answer("there is no ID token".into()))?;
        let nonce = Nonce::new(part(secret, NONCE));
        match self.verified(&description, token, &nonce) {
            Err(ClaimsVerificationError::SignatureVerification(error)) if may_be_rotated(&error) => {
                let description = self.asked().await?;
                self.verified(&description, token, &nonce)?;
            }
            checked => checked?,
        }
        let claims = claims(token)?;
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        let identity = Identity::new(&self.issuer, subject).map_err(|_| Trouble::Token("subject"))?;
        Ok(Vouch { identity, claims })
    }

    fn client(&self, description: &CoreProviderMetadata) -> Client {
        let secret = self.config.client_secret.reveal();
        let secret = (!secret.is_empty()).then(|| ClientSecret::new(secret.to_owned()));
        let client = CoreClient::from_provider_metadata(description.clone(), self.client_id(), secret)
            .set_redirect_uri(self.redirect.clone());
        // Without a list it is `client_secret_basic`, as the library has it.
        let ways = description.token_endpoint_auth_methods_supported();
        let by_body = ways.is_some_and(|ways| {
            ways.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !ways.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        if by_body { client.set_auth_type(AuthType::RequestBody) } else { client }
    }

    fn client_id(&self) -> ClientId {
        ClientId::new(self.config.client_id.clone())
    }

    /// OpenID Connect Core 1.0, section 3.1.3.7.
    fn verified(
        &self,
        description: &CoreProviderMetadata,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<(), ClaimsVerificationError> {
        let keys = description.jwks().clone();
        // Whether the client has a secret or not: what is signed with a secret that both know is not taken.
        let verifier = CoreIdTokenVerifier::new_public_client(self.client_id(), self.issuer.clone(), keys)
            .set_allowed_algs(ALGORITHMS);
        let claims = token.claims(&verifier, nonce)?;
        // The library leaves this one to us.
        match claims.authorized_party() {
            Some(party) if *party != self.client_id() => {
                Err(ClaimsVerificationError::InvalidAudience("`azp` is another client".into()))
            }
            _ => Ok(()),
        }
    }

    /// What it tells of itself, keys included.
    async fn description(&self) -> Result<Arc<CoreProviderMetadata>, Trouble> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match told {
            Some((at, description)) if at.elapsed() < KEPT => Ok(description),
            _ => self.asked().await,
        }
    }

    /// The same, asked for now.
    async fn asked(&self) -> Result<Arc<CoreProviderMetadata>, Trouble> {
        let description = CoreProviderMetadata::discover_async(self.issuer.clone(), self).await?;
        let description = Arc::new(description);
        let told = Some((Instant::now(), description.clone()));
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = told;
        Ok(description)
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        let url = target(&request.uri().to_string())?;
        // It may stand in the same private network; without TLS, only on this machine.
        let permitted = |address: IpAddr| url.scheme() == "https" || address.is_loopback();
        let response = self.http.send(&url, request, Read::UpTo(LONGEST_ANSWER), permitted).await?;
        let status = response.status();
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(CallError::Status(status.as_u16()));
        }
        Ok(response.map(|body| body.to_vec()))
    }
}

/// The library asks through our own client.
impl<'c> AsyncHttpClient<'c> for Provider {
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, CallError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// Whether other keys might fit.
fn may_be_rotated(error: &SignatureVerificationError) -> bool {
    use SignatureVerificationError::{AmbiguousKeyId, CryptoError, InvalidKey, NoMatchingKey};
    matches!(error, AmbiguousKeyId(_) | CryptoError(_) | InvalidKey(_) | NoMatchingKey)
}

/// The claims of a token that holds, by name: of those that are not standard the library has no names.
fn claims(token: &CoreIdToken) -> Result<Map<String, Value>, Trouble> {
    let token = token.to_string();
    let payload = token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
    claims.ok_or(Trouble::Token("form"))
}
