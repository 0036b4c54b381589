//! The queue on RabbitMQ, 3.10 or newer.
//!
//! One connection publishes and one consumes, because a broker that is short of memory blocks publishing connections whole. Both
//! are made on first use, and anew by the call after the one that noticed a loss.

mod address;
mod consumer;
mod dead_letters;
mod errors;
mod link;
mod publish;
mod topology;

use std::time::Duration;

use async_trait::async_trait;
use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::{FieldTable, ShortString};

use self::address::Address;
use self::consumer::RabbitConsumer;
use self::link::Link;
use self::publish::Publisher;
use self::topology::Topology;
use super::{Consumer, Depth, Inbound, Outgoing, Queue, QueueError};

/// The broker behind a URL, under one prefix.
pub struct RabbitQueue {
    topology: Topology,
    publisher: Publisher,
    reading: Link,
    /// One search at a time: a second one would not see what the first has in its hands.
    searching: tokio::sync::Mutex<()>,
}

impl RabbitQueue {
    /// Takes the URL apart; connects on first use. `delivery_limit`: how often a delivery may come back before the broker
    /// dead-letters it. Errors only on a URL that is none.
    pub fn connect(url: &str, prefix: &str, delivery_limit: u32) -> Result<Self, QueueError> {
        let address = Address::parse(url)?;
        Ok(Self {
            topology: Topology::new(prefix, delivery_limit),
            publisher: Publisher::new(Link::new(address.clone(), "mimamori publishing")),
            reading: Link::new(address, "mimamori consuming"),
            searching: tokio::sync::Mutex::new(()),
        })
    }

    /// Deletes every exchange and queue under the prefix, with all that they hold. For tests, and for operators who give an
    /// installation up.
    pub async fn delete_topology(&self) -> Result<(), QueueError> {
        let link = self.publisher.link();
        let channel = link.channel().await?;
        self.topology.delete(link, &channel).await
    }

    /// Ready messages of a queue that must exist.
    async fn ready(&self, channel: &Channel, queue: ShortString) -> Result<u64, QueueError> {
        let options = QueueDeclareOptions::default().passive();
        let call = channel.queue_declare(queue, options, FieldTable::default());
        Ok(self.reading.answer("reading a queue's depth", call).await?.message_count().into())
    }
}

#[async_trait]
impl Queue for RabbitQueue {
    async fn declare(&self) -> Result<(), QueueError> {
        let link = self.publisher.link();
        let channel = link.channel().await?;
        self.topology.declare(link, &channel).await
    }

    async fn publish(&self, batch: &[Outgoing], timeout: Duration) -> Result<(), QueueError> {
        self.publisher.publish(&self.topology, batch, timeout).await
    }

    async fn consume(&self, from: Inbound, prefetch: u16) -> Result<Box<dyn Consumer>, QueueError> {
        let consumer = RabbitConsumer::subscribe(&self.reading, self.topology.queue(from), prefetch).await?;
        Ok(Box::new(consumer))
    }

    /// AMQP tells ready messages only: `unacknowledged` is `None`.
    async fn depth(&self, of: Inbound) -> Result<Depth, QueueError> {
        let channel = self.reading.channel().await?;
        let ready = self.ready(&channel, self.topology.queue(of)).await?;
        let dead_letters = self.ready(&channel, self.topology.dead_queue(of)).await?;
        Ok(Depth { ready, unacknowledged: None, dead_letters })
    }

    async fn remove_dead_letter(&self, of: Inbound, id: &str) -> Result<bool, QueueError> {
        let _one_at_a_time = self.searching.lock().await;
        dead_letters::remove(&self.reading, self.topology.dead_queue(of), id).await
    }
}
