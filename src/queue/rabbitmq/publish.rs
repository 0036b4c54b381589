//! Publishing with confirms: all of a batch is on its way before the first confirm is awaited.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use sha2::{Digest, Sha256};

use super::errors::{classify, is_not_found, is_protocol_error};
use super::link::{Link, too_slow};
use super::topology::Topology;
use crate::queue::{Outgoing, QueueError, Target};

/// AMQP 0-9-1: delivery mode 2 is persistent.
const PERSISTENT: u8 = 2;

/// Publishes over channels of its own. A channel serves one batch at a time: lapin hands a returned message to whichever
/// confirm comes next, so two batches on one channel could swap their unroutable messages.
pub(super) struct Publisher {
    link: Link,
    idle: Mutex<Vec<Channel>>,
}

/// One publication in AMQP's terms.
struct Publication<'a> {
    exchange: ShortString,
    routing_key: ShortString,
    mandatory: bool,
    body: &'a [u8],
    properties: BasicProperties,
}

impl Publisher {
    pub fn new(link: Link) -> Self {
        Self { link, idle: Mutex::new(Vec::new()) }
    }

    /// The connection, also used to change the topology.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Publishes all; see [`crate::queue::Queue::publish`].
    pub async fn publish(
        &self,
        topology: &Topology,
        batch: &[Outgoing],
        timeout: Duration,
    ) -> Result<(), QueueError> {
        let publications =
            batch.iter().map(|outgoing| self.in_amqp(topology, outgoing)).collect::<Result<Vec<_>, _>>()?;
        if publications.is_empty() {
            return Ok(());
        }
        let attempt = async {
            let channel = self.channel().await?;
            self.send(&channel, publications).await?;
            // Only a channel that owes no confirm is used again; any other is closed by being dropped.
            self.idle().push(channel);
            Ok(())
        };
        match tokio::time::timeout(timeout, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => {
                // The connection may be half dead, and heartbeats take longer to tell than the caller wants to wait.
                self.link.discard();
                self.idle().clear();
                Err(too_slow(self.link.place(), "publishing", timeout))
            }
        }
    }

    /// A channel in confirm mode that nobody else uses.
    async fn channel(&self) -> Result<Channel, QueueError> {
        loop {
            let idle = self.idle().pop();
            match idle {
                Some(channel) if channel.status().connected() => return Ok(channel),
                Some(_) => {}
                None => break,
            }
        }
        let channel = self.link.channel().await?;
        let call = channel.confirm_select(ConfirmSelectOptions::default());
        self.link.answer("asking for publisher confirms", call).await?;
        Ok(channel)
    }

    async fn send(&self, channel: &Channel, publications: Vec<Publication<'_>>) -> Result<(), QueueError> {
        let mut sending = Vec::with_capacity(publications.len());
        for publication in publications {
            let Publication { exchange, routing_key, mandatory, body, properties } = publication;
            let options = BasicPublishOptions { mandatory, ..Default::default() };
            let mut confirmed = Box::pin(async move {
                channel.basic_publish(exchange, routing_key, options, body, properties).await?.await
            });
            // The first poll puts the frames in line: polled here, one after the other, they keep the order of the batch.
            let early = poll_fn(|context| Poll::Ready(Pin::as_mut(&mut confirmed).poll(context))).await;
            sending.push(async move {
                match early {
                    Poll::Ready(confirmation) => confirmation,
                    Poll::Pending => confirmed.await,
                }
            });
        }
        let (mut returned, mut rejected, mut first_error) = (None, 0_usize, None);
        for confirmation in join_all(sending).await {
            match confirmation {
                // An acknowledged message may have been returned all the same, as unroutable.
                Ok(confirmation @ Confirmation::Ack(_)) => {
                    if let Some(message) = confirmation.take_message() {
                        returned = Some((message.exchange.clone(), message.routing_key.clone()));
                    }
                }
                Ok(Confirmation::Nack(_) | Confirmation::NotRequested) => rejected += 1,
                // The channel's closing reason says more than "the channel is closed".
                Err(error) if first_error.is_none() || is_protocol_error(&error) => first_error = Some(error),
                Err(_) => {}
            }
        }
        if let Some(error) = first_error {
            return Err(match is_not_found(&error) {
                true => self.not_confirmed(format!("{error}; declare the topology, then try again")),
                false => classify(self.link.place(), "publishing", &error),
            });
        }
        if let Some((exchange, key)) = returned {
            let detail = format!(
                "exchange {exchange} has no queue for routing key {key}; declare the topology, then try again"
            );
            return Err(self.not_confirmed(detail));
        }
        if rejected > 0 {
            return Err(self.not_confirmed(format!("the broker rejected {rejected} of a batch; try again")));
        }
        Ok(())
    }

    fn in_amqp<'a>(
        &self,
        topology: &Topology,
        outgoing: &'a Outgoing,
    ) -> Result<Publication<'a>, QueueError> {
        let (exchange, routing_key, mandatory) = match &outgoing.target {
            Target::Inbound(of) => (topology.inbound_exchange(), of.routing_key().into(), true),
            Target::Event(key) => (topology.event_exchange(), self.short("a routing key", key)?, false),
            Target::DeadLetter(of) => (topology.dead_exchange(), of.as_str().into(), true),
        };
        let mut headers = FieldTable::default();
        for (name, value) in &outgoing.headers {
            headers
                .insert(self.short("a header's name", name)?, AMQPValue::LongString(value.as_str().into()));
        }
        let properties = BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_content_type("application/json".into())
            .with_message_id(message_id(&outgoing.id))
            .with_headers(headers);
        Ok(Publication { exchange, routing_key, mandatory, body: &outgoing.body, properties })
    }

    fn short(&self, what: &str, value: &str) -> Result<ShortString, QueueError> {
        ShortString::try_new(value).map_err(|_| QueueError::Refused {
            place: self.link.place().to_string(),
            detail: format!("{what} of {} bytes; AMQP allows 255: shorten it", value.len()),
        })
    }

    fn not_confirmed(&self, detail: String) -> QueueError {
        QueueError::NotConfirmed { place: self.link.place().to_string(), detail }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Channel>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The identifier as AMQP's `message_id`. One that is too long for it (an inquiry may name itself as it likes) is replaced by
/// its SHA-256, so that equal identifiers stay equal.
fn message_id(id: &str) -> ShortString {
    ShortString::try_new(id).unwrap_or_else(|_| {
        let digest = Sha256::digest(id.as_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}").into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_identifier_is_shortened_and_stays_the_same_each_time() {
        assert_eq!(message_id("m-1").as_str(), "m-1");
        let long = "長".repeat(100);
        assert_eq!(message_id(&long), message_id(&long));
        assert_ne!(message_id(&long), message_id(&"短".repeat(100)));
        assert_eq!(message_id(&long).as_str().len(), "sha256:".len() + 64);
    }
}
