//! Where the broker is: the URL taken apart once, so that nothing else ever sees the credentials.

use std::sync::Arc;

use lapin::uri::AMQPUri;

use crate::queue::QueueError;

/// Heartbeat asked for when the URL does not name one, in seconds. RabbitMQ's guide recommends 5 to 20: a dead peer is noticed
/// after two of them.
const HEARTBEAT_SECONDS: u16 = 15;

/// A parsed broker URL. Deliberately without `Debug`: it holds the password.
#[derive(Clone)]
pub(super) struct Address {
    pub uri: AMQPUri,
    /// `host:port/vhost`, for messages to people.
    pub place: Arc<str>,
}

impl Address {
    /// Parses `amqp://USER:PASSWORD@HOST:PORT/VHOST` (or `amqps://`).
    pub fn parse(url: &str) -> Result<Self, QueueError> {
        let mut uri: AMQPUri = url.parse().map_err(|detail| QueueError::Refused {
            place: "queue.url".into(),
            detail: format!("expected amqp://USER:PASSWORD@HOST:PORT/VHOST: {detail}"),
        })?;
        // The parser knows names only: for an IPv6 address it silently falls back to localhost.
        if let Some(host) = bracketed_host(url) {
            uri.authority.host = host.to_owned();
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        let place =
            format!("{}:{}/{}", uri.authority.host, uri.authority.port, uri.vhost.replace('/', "%2f"));
        Ok(Self { uri, place: place.into() })
    }
}

/// The address between brackets, if the host is written as `[…]`.
fn bracketed_host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.strip_prefix('[')?.split_once(']').map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_names_host_port_and_virtual_host_but_no_credentials() {
        let address = Address::parse("amqp://ann:s3cret@broker.example:5673/%2f").ok().unwrap();
        assert_eq!(&*address.place, "broker.example:5673/%2f");
        let address = Address::parse("amqps://ann:s3cret@broker.example/shop?heartbeat=5").ok().unwrap();
        assert_eq!(&*address.place, "broker.example:5671/shop");
        assert_eq!(address.uri.query.heartbeat, Some(5));
    }

    #[test]
    fn an_ipv6_host_is_kept() {
        let address = Address::parse("amqp://ann:s3cret@[::1]:5673/shop").ok().unwrap();
        assert_eq!(&*address.place, "::1:5673/shop");
        assert_eq!(address.uri.authority.host, "::1");
    }

    #[test]
    fn a_url_that_is_none_is_refused_without_repeating_it() {
        let error = Address::parse("amqp://ann:s3cret@broker:port/%2f").err().unwrap();
        assert!(matches!(error, QueueError::Refused { .. }), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
        assert!(error.to_string().contains("queue.url"), "{error}");
    }
}
