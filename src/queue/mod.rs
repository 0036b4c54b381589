//! The queue: deliveries in, events out. A narrow trait with two real implementations, RabbitMQ and an embedded queue on SQLite.
//!
//! Both are durable and at-least-once: a delivery stays in the queue until it is acknowledged, and comes back when the
//! consumer goes away without doing so.

pub mod backoff;
pub mod embedded;
pub mod rabbitmq;
pub mod resubscribe;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use backoff::Backoff;
pub use embedded::EmbeddedQueue;
pub use rabbitmq::RabbitQueue;
pub use resubscribe::Resubscribing;

use crate::config::{Broker, QueueConfig};
use crate::error::{Class, Classified};

/// Opens the configured queue. RabbitMQ is connected on first use, the embedded queue's file is opened (and made) here. Neither is
/// declared yet.
pub async fn open(config: &QueueConfig) -> Result<Arc<dyn Queue>, QueueError> {
    let (prefix, limit) = (&config.prefix, config.delivery_limit);
    Ok(match &config.url {
        Broker::RabbitMq(url) => Arc::new(RabbitQueue::connect(url, prefix, limit)?),
        Broker::Embedded(file) => Arc::new(EmbeddedQueue::open(file, prefix, limit).await?),
    })
}

/// The two inbound queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Inbound {
    Messages,
    Inquiries,
}

impl Inbound {
    pub const ALL: [Inbound; 2] = [Inbound::Messages, Inbound::Inquiries];

    /// Short name, used in queue names, in metrics and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Inbound::Messages => "messages",
            Inbound::Inquiries => "inquiries",
        }
    }

    /// Routing key under which the backend publishes.
    pub fn routing_key(self) -> &'static str {
        match self {
            Inbound::Messages => "message.created",
            Inbound::Inquiries => "inquiry.created",
        }
    }
}

/// Header with the code and the detail of a rejection, on a dead letter.
pub const REASON_HEADER: &str = "x-mimamori-reason";
/// Header with the identifier of a dead letter, the same as in the store.
pub const DEAD_LETTER_ID_HEADER: &str = "x-mimamori-dead-letter-id";

/// Identifies a delivery on the consumer that handed it out. Means nothing to another consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub u64);

/// One delivery, unacknowledged.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub tag: Tag,
    pub body: Vec<u8>,
    /// How often this delivery was handed out before; 0 the first time.
    pub earlier_attempts: u32,
}

/// Something to be published: an event, a dead letter, or (by `enqueue` and replay) an inbound message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub target: Target,
    /// Lets a consumer recognise a second copy (AMQP `message_id`).
    pub id: String,
    pub body: Vec<u8>,
    pub headers: BTreeMap<String, String>,
}

/// Where a publication goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// The exchange that feeds the inbound queues, with the queue's own routing key.
    Inbound(Inbound),
    /// The exchange of events, under this routing key.
    Event(String),
    /// The dead-letter queue of an inbound queue.
    DeadLetter(Inbound),
}

/// How many deliveries stand where. `unacknowledged` are in the hands of consumers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    pub ready: u64,
    pub unacknowledged: Option<u64>,
    pub dead_letters: u64,
}

/// The broker. Cheap to share; an implementation keeps its own connections and rebuilds them.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Declares exchanges, queues and bindings (or tables). Safe to repeat.
    async fn declare(&self) -> Result<(), QueueError>;

    /// Publishes all and returns once the broker has confirmed each one, or an error if any was not confirmed, was returned as
    /// unroutable (inbound and dead letters must be routable; an event may have no listener), or took longer than `timeout`.
    /// On error any part may have been published: callers repeat the whole and rely on `id`.
    async fn publish(&self, batch: &[Outgoing], timeout: Duration) -> Result<(), QueueError>;

    /// Starts consuming with at most `prefetch` unacknowledged deliveries (never 0).
    async fn consume(&self, from: Inbound, prefetch: u16) -> Result<Box<dyn Consumer>, QueueError>;

    async fn depth(&self, of: Inbound) -> Result<Depth, QueueError>;

    /// Takes one dead letter, named by [`DEAD_LETTER_ID_HEADER`], off the dead-letter queue after it was replayed. `false` if it
    /// is not there (any more).
    async fn remove_dead_letter(&self, of: Inbound, id: &str) -> Result<bool, QueueError>;
}

/// One subscription. When it is dropped, what was not acknowledged comes back to the queue.
#[async_trait]
pub trait Consumer: Send {
    /// Waits for the next delivery. `None` after [`Consumer::cancel`] once nothing handed over is left, an error when the
    /// connection is lost (the caller then builds a new consumer).
    async fn next(&mut self) -> Result<Option<Delivery>, QueueError>;

    /// Acknowledges: these are done. A transient error means that they may be delivered again.
    async fn ack(&mut self, tags: &[Tag]) -> Result<(), QueueError>;

    /// Gives back what was not worked on, for another consumer.
    async fn requeue(&mut self, tags: &[Tag]) -> Result<(), QueueError>;

    /// Stops the flow of new deliveries; what is in flight can still be acknowledged.
    async fn cancel(&mut self) -> Result<(), QueueError>;
}

/// What can go wrong with the broker.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Out of reach, lost, or too slow.
    #[error("queue at {place} is out of reach: {detail}")]
    Unreachable { place: String, detail: String },
    /// The broker did not take a publication: not confirmed, or unroutable.
    #[error("queue at {place} did not accept a publication: {detail}")]
    NotConfirmed { place: String, detail: String },
    /// The broker refuses for a reason that repeating cannot mend: wrong credentials, or a queue that exists with other
    /// arguments.
    #[error("queue at {place} refuses: {detail}")]
    Refused { place: String, detail: String },
}

impl Classified for QueueError {
    fn class(&self) -> Class {
        match self {
            QueueError::Unreachable { .. } | QueueError::NotConfirmed { .. } => Class::Transient,
            QueueError::Refused { .. } => Class::Permanent,
        }
    }
}
