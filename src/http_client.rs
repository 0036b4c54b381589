//! An HTTP client over the TLS that queue and database use: it connects to the address that it has checked, follows no redirects, and takes
//! ten seconds at most for one request.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use url::{Host, Position, Url};

/// From the name's resolution to the end of what is read of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of one host that are tried.
const ADDRESSES: usize = 3;
const AGENT: &str = concat!("mimamori/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    #[error("no request can be sent to such an address")]
    Url,
    #[error("the host has no address that may be connected to")]
    Address,
    #[error("the host's name has no address")]
    Resolve,
    #[error("nobody took the connection")]
    Connect,
    #[error("the host has no certificate for its name that this machine trusts")]
    Tls,
    #[error("no answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    #[error("what came back was no HTTP")]
    Http,
    #[error("the answer is too long")]
    TooLong,
}

/// How much of an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Status and headers.
    Head,
    /// All of it, if its body has at most so many bytes.
    UpTo(usize),
}

/// Sends requests, each on a connection of its own.
pub struct HttpClient {
    tls: TlsConnector,
}

impl HttpClient {
    /// Trusts the certificates that this machine trusts.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, rustls::Error> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (trusted, _) = roots.add_parsable_certificates(found.certs);
        if trusted == 0 {
            tracing::warn!("no trusted certificates found on this machine: requests by HTTPS will fail");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Sends a request to `url`, which takes the place of the request's own; `Host` and `User-Agent` are added. Connects only to addresses
    /// that are `permitted`.
    ///
    /// # Errors
    /// Says where it ended. An answer of any status is none.
    pub async fn send(
        &self,
        url: &Url,
        request: Request<Vec<u8>>,
        read: Read,
        permitted: impl Fn(IpAddr) -> bool,
    ) -> Result<Response<Bytes>, HttpError> {
        let request = addressed(url, request).ok_or(HttpError::Url)?;
        let answered = async {
            let stream = connect(&chosen(addresses(url).await?, permitted)?).await?;
            if url.scheme() == "https" {
                let name = server_name(url)?;
                let stream = self.tls.connect(name, stream).await.map_err(|_| HttpError::Tls)?;
                exchange(stream, request, read).await
            } else {
                exchange(stream, request, read).await
            }
        };
        tokio::time::timeout(TIMEOUT, answered).await.unwrap_or(Err(HttpError::Timeout))
    }
}

/// The request as it goes to the host of the address.
fn addressed(url: &Url, request: Request<Vec<u8>>) -> Option<Request<Full<Bytes>>> {
    let (mut head, body) = request.into_parts();
    head.uri = url[Position::BeforePath..Position::AfterQuery].parse().ok()?;
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).ok()?;
    head.headers.insert(HOST, host);
    head.headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    Some(Request::from_parts(head, Full::new(Bytes::from(body))))
}

/// What the host resolves to. Nobody resolves it again.
async fn addresses(url: &Url) -> Result<Vec<SocketAddr>, HttpError> {
    let port = url.port_or_known_default().ok_or(HttpError::Url)?;
    match url.host().ok_or(HttpError::Url)? {
        Host::Domain(name) => {
            let found = tokio::net::lookup_host((name, port)).await;
            found.map(Iterator::collect).map_err(|_| HttpError::Resolve)
        }
        Host::Ipv4(address) => Ok(vec![(address, port).into()]),
        Host::Ipv6(address) => Ok(vec![(address, port).into()]),
    }
}

/// The first of those that may be connected to.
fn chosen(found: Vec<SocketAddr>, permitted: impl Fn(IpAddr) -> bool) -> Result<Vec<SocketAddr>, HttpError> {
    if found.is_empty() {
        return Err(HttpError::Resolve);
    }
    let mut chosen: Vec<SocketAddr> = found.into_iter().filter(|address| permitted(address.ip())).collect();
    chosen.truncate(ADDRESSES);
    if chosen.is_empty() { Err(HttpError::Address) } else { Ok(chosen) }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, HttpError> {
    for address in addresses {
        if let Ok(stream) = TcpStream::connect(address).await {
            return Ok(stream);
        }
    }
    Err(HttpError::Connect)
}

fn server_name(url: &Url) -> Result<ServerName<'static>, HttpError> {
    match url.host().ok_or(HttpError::Url)? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|_| HttpError::Tls),
        Host::Ipv4(address) => Ok(ServerName::IpAddress(IpAddr::from(address).into())),
        Host::Ipv6(address) => Ok(ServerName::IpAddress(IpAddr::from(address).into())),
    }
}

/// One request on a connection of its own, which ends with what is read of the answer.
async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    read: Read,
) -> Result<Response<Bytes>, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| HttpError::Http)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|_| HttpError::Http)?;
        let (head, body) = response.into_parts();
        let body = match read {
            Read::Head => Bytes::new(),
            Read::UpTo(longest) => match Limited::new(body, longest).collect().await {
                Ok(whole) => whole.to_bytes(),
                Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                    return Err(HttpError::TooLong);
                }
                Err(_) => return Err(HttpError::Http),
            },
        };
        Ok(Response::from_parts(head, body))
    };
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answered = &mut answer => answered,
        // Nobody moves bytes any more: the answer is there, or there will be none.
        _ = connection => answer.await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn request() -> Request<Vec<u8>> {
        Request::post("https://elsewhere.example/").body(b"{}".to_vec()).unwrap()
    }

    #[test]
    fn a_request_names_the_host_as_it_was_written() {
        let url = Url::parse("https://example.com:8443/hooks?key=1").unwrap();
        let request = addressed(&url, request()).unwrap();
        assert_eq!(
            (request.uri().to_string().as_str(), &request.headers()[HOST]),
            ("/hooks?key=1", &"example.com:8443".parse::<HeaderValue>().unwrap())
        );
    }

    #[test]
    fn only_some_addresses_are_connected_to() {
        let addresses =
            |texts: &[&str]| -> Vec<SocketAddr> { texts.iter().map(|text| text.parse().unwrap()).collect() };
        let mixed = addresses(&["127.0.0.1:443", "8.8.8.8:443", "10.0.0.1:443", "1.1.1.1:443"]);
        let loopback = |address: IpAddr| address.is_loopback();
        assert_eq!(chosen(mixed.clone(), loopback), Ok(addresses(&["127.0.0.1:443"])));
        assert_eq!(chosen(mixed.clone(), |_| true), Ok(mixed[..3].to_vec()));
        assert_eq!(chosen(addresses(&["10.0.0.1:80"]), loopback), Err(HttpError::Address));
        assert_eq!(chosen(Vec::new(), |_| true), Err(HttpError::Resolve));
    }

    /// Takes one connection, reads the head of what is asked, and answers with this.
    async fn answering(answer: &'static str) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            while !read.windows(4).any(|four| four == b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "the request has an end");
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            // Until the client has what it wants: closed before, bytes on their way would be lost.
            while stream.read_buf(&mut read).await.is_ok_and(|count| count > 0) {}
        });
        Url::parse(&url).unwrap()
    }

    #[tokio::test]
    async fn an_answer_is_read_as_far_as_it_may_be() {
        const ANSWER: &str = "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 5\r\n\r\nhello";
        let client = HttpClient::new().unwrap();
        let ask = async |answer, read| client.send(&answering(answer).await, request(), read, |_| true).await;
        let whole = ask(ANSWER, Read::UpTo(5)).await.unwrap();
        assert_eq!((whole.status().as_u16(), whole.body().as_ref()), (302, &b"hello"[..]), "not followed");
        assert!(ask(ANSWER, Read::Head).await.unwrap().body().is_empty());
        assert_eq!(ask(ANSWER, Read::UpTo(4)).await.unwrap_err(), HttpError::TooLong);
        let endless = "HTTP/1.1 200 OK\r\n\r\nhello";
        assert_eq!(ask(endless, Read::UpTo(4)).await.unwrap_err(), HttpError::TooLong);
        assert_eq!(ask(endless, Read::UpTo(5)).await.unwrap().body().as_ref(), b"hello");
        assert_eq!(ask("SSH-2.0-OpenSSH\r\n", Read::Head).await.unwrap_err(), HttpError::Http);
        let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello";
        assert_eq!(ask(cut, Read::UpTo(9)).await.unwrap_err(), HttpError::Http);
    }

    #[tokio::test]
    async fn who_is_not_there_is_told_apart() {
        let client = HttpClient::new().unwrap();
        let ask = async |url: &str, permitted: bool| {
            client.send(&Url::parse(url).unwrap(), request(), Read::Head, |_| permitted).await.unwrap_err()
        };
        assert_eq!(ask("https://nothing.invalid/", true).await, HttpError::Resolve);
        assert_eq!(ask("http://127.0.0.1:1/", false).await, HttpError::Address);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(ask(&format!("http://{address}/"), true).await, HttpError::Connect);
    }
}
