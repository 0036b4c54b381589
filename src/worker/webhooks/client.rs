//! An HTTP client for webhooks: it connects to the address that it has checked, follows no redirects, and takes ten seconds at most.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use url::{Host, Position, Url};

use crate::store::webhooks::Failure;
use crate::webhook::is_global;

/// From the name's resolution to the answer's head.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of one host that are tried.
const ADDRESSES: usize = 3;
const AGENT: &str = concat!("mimamori/", env!("CARGO_PKG_VERSION"));

/// What the receiver said. Its body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// When it wants to be asked again.
    pub retry_after: Option<Duration>,
}

/// Sends requests to where webhooks may go.
pub struct Client {
    tls: TlsConnector,
    allow_private: bool,
}

impl Client {
    /// Trusts the certificates that this machine trusts. `allow_private` lets it connect to addresses that are not of the internet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(allow_private: bool) -> Result<Self, rustls::Error> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (trusted, _) = roots.add_parsable_certificates(found.certs);
        if trusted == 0 {
            tracing::warn!("no trusted certificates found on this machine: webhooks by HTTPS will fail");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), allow_private })
    }

    pub(super) async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Reply, Failure> {
        let request = request(url, headers, body).ok_or(Failure::Event)?;
        tokio::time::timeout(TIMEOUT, self.send(url, request)).await.unwrap_or(Err(Failure::Timeout))
    }

    async fn send(&self, url: &Url, request: Request<Full<Bytes>>) -> Result<Reply, Failure> {
        let stream = connect(&self.addresses(url).await?).await?;
        let response = if url.scheme() == "https" {
            let stream = self.tls.connect(server_name(url)?, stream).await.map_err(|_| Failure::Tls)?;
            exchange(stream, request).await?
        } else {
            exchange(stream, request).await?
        };
        let seconds =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Ok(Reply { status: response.status().as_u16(), retry_after: seconds.map(Duration::from_secs) })
    }

    /// Where to connect to: what the host resolves to, of which only what may be connected to. Nobody resolves it again.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Failure> {
        let port = url.port_or_known_default().ok_or(Failure::Event)?;
        let found: Vec<SocketAddr> = match url.host().ok_or(Failure::Event)? {
            Host::Domain(name) => {
                tokio::net::lookup_host((name, port)).await.map_err(|_| Failure::Resolve)?.collect()
            }
            Host::Ipv4(address) => vec![(address, port).into()],
            Host::Ipv6(address) => vec![(address, port).into()],
        };
        permitted(found, self.allow_private)
    }
}

/// The first of those that may be connected to.
fn permitted(found: Vec<SocketAddr>, allow_private: bool) -> Result<Vec<SocketAddr>, Failure> {
    if found.is_empty() {
        return Err(Failure::Resolve);
    }
    let mut permitted: Vec<SocketAddr> =
        found.into_iter().filter(|address| allow_private || is_global(address.ip())).collect();
    permitted.truncate(ADDRESSES);
    if permitted.is_empty() { Err(Failure::Address) } else { Ok(permitted) }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    for address in addresses {
        if let Ok(stream) = TcpStream::connect(address).await {
            return Ok(stream);
        }
    }
    Err(Failure::Connect)
}

fn server_name(url: &Url) -> Result<ServerName<'static>, Failure> {
    match url.host().ok_or(Failure::Event)? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|_| Failure::Tls),
        Host::Ipv4(address) => Ok(ServerName::IpAddress(std::net::IpAddr::from(address).into())),
        Host::Ipv6(address) => Ok(ServerName::IpAddress(std::net::IpAddr::from(address).into())),
    }
}

fn request(url: &Url, headers: &[(&'static str, String)], body: Vec<u8>) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::post(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(Full::new(Bytes::from(body))).ok()
}

/// One request on a connection of its own; only the head of the answer is waited for.
async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Response<hyper::body::Incoming>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| Failure::Http)?;
    let answer = sender.send_request(request);
    tokio::pin!(answer);
    let answered = tokio::select! {
        biased;
        answered = &mut answer => answered,
        // Nobody moves bytes any more: the answer is there, or there will be none.
        _ = connection => answer.await,
    };
    answered.map_err(|_| Failure::Http)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn only_addresses_of_the_internet_are_connected_to() {
        let mixed = addresses(&["127.0.0.1:443", "8.8.8.8:443", "10.0.0.1:443", "1.1.1.1:443"]);
        assert_eq!(permitted(mixed.clone(), false), Ok(addresses(&["8.8.8.8:443", "1.1.1.1:443"])));
        assert_eq!(permitted(mixed.clone(), true), Ok(mixed[..3].to_vec()));
        let within = addresses(&["169.254.169.254:80", "[::ffff:10.0.0.1]:80", "[fd00::1]:80"]);
        assert_eq!(permitted(within, false), Err(Failure::Address));
        assert_eq!(permitted(Vec::new(), true), Err(Failure::Resolve));
    }

    #[tokio::test]
    async fn a_name_is_checked_by_what_it_resolves_to() {
        let client = Client::new(false).unwrap();
        for url in
            ["https://localhost/", "http://127.0.0.1:1/", "https://[::1]/", "https://169.254.169.254/latest"]
        {
            let url = Url::parse(url).unwrap();
            assert_eq!(client.post(&url, &[], Vec::new()).await, Err(Failure::Address), "{url}");
        }
        let nowhere = Url::parse("https://nothing.invalid/").unwrap();
        assert_eq!(client.post(&nowhere, &[], Vec::new()).await, Err(Failure::Resolve));
    }

    #[test]
    fn a_request_names_the_host_as_it_was_written() {
        let url = Url::parse("https://example.com:8443/hooks?key=1").unwrap();
        let request = request(&url, &[("webhook-id", "msg_1".into())], Vec::new()).unwrap();
        assert_eq!(
            (request.uri().to_string().as_str(), &request.headers()[HOST]),
            ("/hooks?key=1", &"example.com:8443".parse().unwrap())
        );
        assert_eq!(request.headers()["webhook-id"], "msg_1");
    }
}
