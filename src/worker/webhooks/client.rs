//! Sends webhooks: to addresses that they may go to, and of the answer reads the head only.

use std::time::Duration;

use hyper::Request;
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use tokio_rustls::rustls;
use url::Url;

use crate::http_client::{HttpClient, HttpError, Read};
use crate::store::webhooks::Failure;
use crate::webhook::is_global;

/// What the receiver said. Its body is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// When it wants to be asked again.
    pub retry_after: Option<Duration>,
}

/// Sends requests to where webhooks may go.
pub struct Client {
    http: HttpClient,
    allow_private: bool,
}

impl Client {
    /// Trusts the certificates that this machine trusts. `allow_private` lets it connect to addresses that are not of the internet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(allow_private: bool) -> Result<Self, rustls::Error> {
        Ok(Self { http: HttpClient::new()?, allow_private })
    }

    pub(super) async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Reply, Failure> {
        let mut request = Request::post("/").header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(body).map_err(|_| Failure::Event)?;
        let permitted = |address| self.allow_private || is_global(address);
        let answered = self.http.send(url, request, Read::Head, permitted).await;
        let response = answered.map_err(failure)?;
        let seconds =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Ok(Reply { status: response.status().as_u16(), retry_after: seconds.map(Duration::from_secs) })
    }
}

fn failure(error: HttpError) -> Failure {
    match error {
        HttpError::Url => Failure::Event,
        HttpError::Address => Failure::Address,
        HttpError::Resolve => Failure::Resolve,
        HttpError::Connect => Failure::Connect,
        HttpError::Tls => Failure::Tls,
        HttpError::Timeout => Failure::Timeout,
        HttpError::Http | HttpError::TooLong => Failure::Http,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
