//! Exchanges, queues and bindings: their names and their arguments.

use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

use super::link::Link;
use crate::queue::{Inbound, QueueError};

/// Delivery limit of the dead-letter queues: none in practice. Looking for one dead letter hands out others, and RabbitMQ 4
/// would drop each after 20 such looks by default. It understands -1 for "no limit"; 3.x refuses that, so a number that
/// both accept stands here.
const NO_DELIVERY_LIMIT: i64 = i32::MAX as i64;

/// The names under one prefix. Configuration keeps a prefix to 100 characters, so all fit AMQP's 255 bytes.
pub(super) struct Topology {
    prefix: String,
    delivery_limit: u32,
}

impl Topology {
    pub fn new(prefix: &str, delivery_limit: u32) -> Self {
        Self { prefix: prefix.to_owned(), delivery_limit }
    }

    pub fn inbound_exchange(&self) -> ShortString {
        format!("{}.inbound", self.prefix).into()
    }

    pub fn event_exchange(&self) -> ShortString {
        format!("{}.events", self.prefix).into()
    }

    pub fn dead_exchange(&self) -> ShortString {
        format!("{}.dead", self.prefix).into()
    }

    pub fn queue(&self, of: Inbound) -> ShortString {
        format!("{}.{}", self.prefix, of.as_str()).into()
    }

    pub fn dead_queue(&self, of: Inbound) -> ShortString {
        format!("{}.{}.dead", self.prefix, of.as_str()).into()
    }

    /// Declares everything; dead-letter queues first, so that nothing can be dead-lettered into the void.
    pub async fn declare(&self, link: &Link, channel: &Channel) -> Result<(), QueueError> {
        let exchanges = [
            (self.dead_exchange(), ExchangeKind::Direct),
            (self.event_exchange(), ExchangeKind::Topic),
            (self.inbound_exchange(), ExchangeKind::Topic),
        ];
        for (name, kind) in exchanges {
            let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
            let call = channel.exchange_declare(name, kind, options, FieldTable::default());
            link.answer("declaring an exchange", call).await?;
        }
        for of in Inbound::ALL {
            let (queue, dead) = (self.queue(of), self.dead_queue(of));
            self.declare_queue(link, channel, dead.clone(), dead_queue_arguments()).await?;
            self.bind(link, channel, dead, self.dead_exchange(), of.as_str()).await?;
            self.declare_queue(link, channel, queue.clone(), self.queue_arguments(of)).await?;
            self.bind(link, channel, queue, self.inbound_exchange(), of.routing_key()).await?;
        }
        Ok(())
    }

    /// Deletes everything under the prefix with all that it holds. What is absent counts as deleted.
    pub async fn delete(&self, link: &Link, channel: &Channel) -> Result<(), QueueError> {
        for of in Inbound::ALL {
            for queue in [self.queue(of), self.dead_queue(of)] {
                link.answer("deleting a queue", channel.queue_delete(queue, QueueDeleteOptions::default()))
                    .await?;
            }
        }
        for exchange in [self.inbound_exchange(), self.event_exchange(), self.dead_exchange()] {
            let call = channel.exchange_delete(exchange, ExchangeDeleteOptions::default());
            link.answer("deleting an exchange", call).await?;
        }
        Ok(())
    }

    async fn declare_queue(
        &self,
        link: &Link,
        channel: &Channel,
        name: ShortString,
        arguments: FieldTable,
    ) -> Result<(), QueueError> {
        let call = channel.queue_declare(name, QueueDeclareOptions::durable(), arguments);
        link.answer("declaring a queue", call).await.map(drop)
    }

    async fn bind(
        &self,
        link: &Link,
        channel: &Channel,
        queue: ShortString,
        exchange: ShortString,
        routing_key: &'static str,
    ) -> Result<(), QueueError> {
        let options = QueueBindOptions::default();
        let call = channel.queue_bind(queue, exchange, routing_key.into(), options, FieldTable::default());
        link.answer("binding a queue", call).await
    }

    /// At-least-once dead-lettering needs a quorum queue whose overflow rejects publications (RabbitMQ, "Quorum Queues").
    fn queue_arguments(&self, of: Inbound) -> FieldTable {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), text("quorum"));
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(self.delivery_limit.into()));
        arguments.insert("x-dead-letter-exchange".into(), text(self.dead_exchange().as_str()));
        arguments.insert("x-dead-letter-routing-key".into(), text(of.as_str()));
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        arguments.insert("x-overflow".into(), text("reject-publish"));
        arguments
    }
}

fn dead_queue_arguments() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(NO_DELIVERY_LIMIT));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}
