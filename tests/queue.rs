//! The queue: one suite of promises, run on RabbitMQ and on the embedded queue, then what is special to each.
//!
//! RabbitMQ is expected at AMQP_URL (amqp://guest:guest@127.0.0.1:5672/%2f if unset); without it these tests fail.

#[path = "support/queue.rs"]
mod support;

#[path = "queue/conformance.rs"]
mod conformance;
#[path = "queue/embedded.rs"]
mod embedded;
#[path = "queue/rabbitmq.rs"]
mod rabbitmq;
#[path = "queue/resubscribe.rs"]
mod resubscribe;
