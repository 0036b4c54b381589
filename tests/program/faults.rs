//! Nothing is lost and nothing is doubled, whatever breaks: the worker is killed again and again, the broker and the database are
//! restarted under it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lapin::options::{BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use mimamori::queue::{Inbound, Queue, RabbitQueue};
use mimamori::store::Store;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::running::*;

const MESSAGES: usize = 5_000;
const KILLS: usize = 20;
const PREFIX: &str = "faults";
const LISTENER: &str = "faults.listener";

/// Servers of this test alone: it restarts them.
struct Servers {
    folder: tempfile::TempDir,
    database: String,
    amqp: String,
}

impl Servers {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = servers("start-postgres", folder.path());
        let amqp = servers("start-rabbitmq", folder.path());
        Self { folder, database, amqp }
    }

    fn restart(&self, which: &str) {
        servers(&format!("restart-{which}"), self.folder.path());
    }

    fn settings(&self) -> [(&str, &str); 4] {
        [
            ("STORE__URL", &self.database),
            ("QUEUE__URL", &self.amqp),
            ("QUEUE__PREFIX", PREFIX),
            // A message may be in the hands of every worker that is killed; that is this test, not the message.
            ("QUEUE__DELIVERY_LIMIT", "1000"),
        ]
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for which in ["stop-postgres", "stop-rabbitmq"] {
            let _ = Command::new("bash").args([script(), which.into()]).arg(self.folder.path()).output();
        }
    }
}

fn script() -> String {
    format!("{}/tests/support/servers.sh", env!("CARGO_MANIFEST_DIR"))
}

fn servers(action: &str, folder: &Path) -> String {
    let owner = std::process::id().to_string();
    let mut command = Command::new("bash");
    command.args([script(), action.to_owned()]).arg(folder);
    if action.starts_with("start") {
        command.arg(owner);
    }
    let output = command.output().expect("bash runs");
    assert!(output.status.success(), "{action}: {}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

/// Short messages, many transactions of several messages, every tenth one a violation.
fn traffic() -> String {
    let mut lines = String::new();
    for number in 0..MESSAGES {
        let text = match number % 10 {
            0 => format!("LINEのIDは taro_{number} です"),
            5 => format!("Shipped this morning, parcel {number}"),
            _ => format!("{number}番、発送しました"),
        };
        let role = ["buyer", "seller"][number % 2];
        lines +=
            &message(&format!("m-{number}"), &format!("t-{}", number / 4), role, &text, number as u32 % 3600);
        lines.push('\n');
    }
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_and_restarts_lose_and_double_nothing() {
    let servers = Servers::start();
    let settings = servers.settings();
    let store = mimamori::store::open(&mimamori::config::Database::Postgres(servers.database.clone()), 4)
        .await
        .unwrap();
    store.migrate().await.unwrap();
    let queue = RabbitQueue::connect(&servers.amqp, PREFIX, 1000).unwrap();
    queue.declare().await.unwrap();
    listen(&servers.amqp).await;
    let mut enqueue = program();
    enqueue.args(["enqueue", "messages"]);
    settings.iter().for_each(|(name, value)| _ = enqueue.env(format!("MIMAMORI__{name}"), value));
    let output = run(&mut enqueue, traffic().as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));

    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut random = StdRng::seed_from_u64(20);
    for kill in 0..KILLS {
        let mut worker = Worker::start(&settings, log.clone());
        // Some die while they start, most while they work.
        if kill % 5 != 4 {
            worker.await_ready();
        }
        std::thread::sleep(Duration::from_millis(random.random_range(20..1_500)));
        worker.kill();
    }
    let after_kills = store.summary().await.unwrap();
    assert!(after_kills.verdicts > 0, "no worker got anything done before it was killed");

    let mut worker = Worker::start(&settings, log.clone());
    worker.await_ready();
    for which in ["rabbitmq", "postgres"] {
        tokio::task::block_in_place(|| servers.restart(which));
        eventually(&format!("ready again after the restart of {which}"), || async {
            worker.get("/readyz").is_none_or(|(status, _)| status != 200).then(|| worker.log())
        })
        .await;
    }
    eventually("every message has its verdict and every event is published", || done(store.as_ref())).await;
    assert_eq!(worker.terminate(), Some(0));

    let counts = store.summary().await.unwrap();
    assert_eq!(
        (counts.messages, counts.verdicts, counts.dead_letters),
        (MESSAGES as u64, MESSAGES as u64, 0)
    );
    let events = collect(&servers.amqp).await;
    assert_eq!(events.len(), MESSAGES, "one event id for each message");
    let queue = RabbitQueue::connect(&servers.amqp, PREFIX, 1000).unwrap();
    let depth = queue.depth(Inbound::Messages).await.unwrap();
    assert_eq!((depth.ready, depth.dead_letters), (0, 0));
}

async fn done(store: &dyn Store) -> Option<String> {
    // The database may be restarting: then it is simply not done yet.
    let counts = match store.summary().await {
        Ok(counts) => counts,
        Err(error) => return Some(error.to_string()),
    };
    let done = counts.verdicts == MESSAGES as u64 && counts.unpublished_events == 0;
    (!done).then(|| format!("{} verdicts, {} events waiting", counts.verdicts, counts.unpublished_events))
}

/// Binds a durable queue to every event before the first one is published.
async fn listen(amqp: &str) {
    let connection = Connection::connect(amqp, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(LISTENER.into(), options, FieldTable::default()).await.unwrap();
    let exchange = format!("{PREFIX}.events");
    channel
        .queue_bind(
            LISTENER.into(),
            exchange.into(),
            "#".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap();
    connection.close(200, "done".into()).await.unwrap();
}

/// Event ids with how often each arrived. More than once is allowed (at least once); never is not.
async fn collect(amqp: &str) -> BTreeMap<String, usize> {
    use futures_util::StreamExt;
    let connection = Connection::connect(amqp, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.basic_qos(1_000, BasicQosOptions::default()).await.unwrap();
    let options = QueueDeclareOptions { passive: true, durable: true, ..QueueDeclareOptions::default() };
    let ready =
        channel.queue_declare(LISTENER.into(), options, FieldTable::default()).await.unwrap().message_count();
    let consume = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let consumer = channel
        .basic_consume(LISTENER.into(), "collector".into(), consume, FieldTable::default())
        .await
        .unwrap();
    let mut events = BTreeMap::new();
    let mut deliveries = consumer.take(ready as usize);
    while let Some(delivery) = deliveries.next().await {
        let delivery = delivery.unwrap();
        let id = delivery.properties.message_id().as_ref().expect("every event has an id").to_string();
        *events.entry(id).or_insert(0) += 1;
    }
    events
}
