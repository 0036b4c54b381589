//! What the tests of the queue need: both brokers behind one handle, and a proxy whose wire can be cut.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use mimamori::queue::{
    Consumer, Delivery, EmbeddedQueue, Inbound, Outgoing, Queue, QueueError, RabbitQueue, Tag, Target,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Bound on anything awaited: far above what it takes, so that only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often a delivery may come back in these tests.
pub const DELIVERY_LIMIT: u32 = 3;

/// Address of the RabbitMQ server of the tests.
pub fn amqp_url() -> String {
    std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".into())
}

/// That URL taken apart: credentials, `host:port`, and the virtual host.
pub fn amqp_parts() -> (String, String, String) {
    let url = amqp_url();
    let rest = url.strip_prefix("amqp://").expect("AMQP_URL without TLS");
    let (authority, path) = rest.split_once('/').unwrap_or((rest, "%2f"));
    let (credentials, host) = authority.rsplit_once('@').unwrap_or(("guest:guest", authority));
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:5672") };
    (credentials.to_owned(), host, path.to_owned())
}

/// RabbitMQ behind a wire that can be cut.
pub async fn behind_proxy(prefix: &str) -> (Proxy, RabbitQueue) {
    let (credentials, host, path) = amqp_parts();
    let proxy = Proxy::to(host).await;
    let url = format!("amqp://{credentials}@127.0.0.1:{}/{path}", proxy.port);
    let queue = RabbitQueue::connect(&url, prefix, DELIVERY_LIMIT).unwrap();
    (proxy, queue)
}

/// A prefix that no other test, and no other run, uses.
pub fn unique_prefix() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let nanoseconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("test-queue.{}.{nanoseconds}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Which implementation a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    RabbitMq,
    Embedded,
}

/// An installation of its own on one of the brokers.
pub struct Broker {
    pub kind: Kind,
    pub prefix: String,
    /// The embedded queue's file; the folder goes away with this.
    folder: tempfile::TempDir,
}

impl Broker {
    fn new(kind: Kind) -> Self {
        Self { kind, prefix: unique_prefix(), folder: tempfile::tempdir().unwrap() }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("queue.db")
    }

    /// A new handle, as another process would open it.
    pub async fn open(&self) -> Arc<dyn Queue> {
        self.open_with_limit(DELIVERY_LIMIT).await
    }

    pub async fn open_with_limit(&self, limit: u32) -> Arc<dyn Queue> {
        match self.kind {
            Kind::RabbitMq => Arc::new(RabbitQueue::connect(&amqp_url(), &self.prefix, limit).unwrap()),
            Kind::Embedded => Arc::new(EmbeddedQueue::open(&self.file(), &self.prefix, limit).await.unwrap()),
        }
    }

    pub async fn delete_topology(&self) {
        match self.kind {
            Kind::RabbitMq => {
                let queue = RabbitQueue::connect(&amqp_url(), &self.prefix, DELIVERY_LIMIT).unwrap();
                queue.delete_topology().await.unwrap();
            }
            Kind::Embedded => {
                let queue = EmbeddedQueue::open(&self.file(), &self.prefix, DELIVERY_LIMIT).await.unwrap();
                queue.delete_topology().await.unwrap();
            }
        }
    }

    /// Headers of the first dead letter, read past the trait.
    pub async fn dead_letter_headers(&self, of: Inbound) -> BTreeMap<String, String> {
        let queue = format!("{}.{}", self.prefix, of.as_str());
        match self.kind {
            Kind::RabbitMq => rabbit_headers(&format!("{queue}.dead")).await,
            Kind::Embedded => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.file());
                let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
                let select = "SELECT headers FROM queue_dead_letter WHERE queue = $1 ORDER BY sequence";
                let headers: String = sqlx::query_scalar(select).bind(queue).fetch_one(&pool).await.unwrap();
                serde_json::from_str(&headers).unwrap()
            }
        }
    }
}

async fn rabbit_headers(queue: &str) -> BTreeMap<String, String> {
    let connection = lapin::Connection::connect(&amqp_url(), Default::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let message = channel.basic_get(queue.into(), Default::default()).await.unwrap().unwrap();
    let headers = message.properties.headers().clone().unwrap();
    let text = headers.inner().iter().filter_map(|(name, value)| match value {
        lapin::types::AMQPValue::LongString(text) => Some((name.to_string(), text.to_string())),
        _ => None,
    });
    let text = text.collect();
    channel.close(200, "OK".into()).await.unwrap();
    text
}

/// Runs a test on a fresh, declared installation and deletes that afterwards, whatever happens.
pub async fn on_fresh<F: Future<Output = ()>>(
    kind: Kind,
    test: impl FnOnce(Arc<Broker>, Arc<dyn Queue>) -> F,
) {
    let broker = Arc::new(Broker::new(kind));
    let queue = broker.open().await;
    if let Err(error) = queue.declare().await {
        panic!("{kind:?} is needed for this test, set AMQP_URL if RabbitMQ is elsewhere: {error}");
    }
    let outcome = AssertUnwindSafe(tokio::time::timeout(2 * PATIENCE, test(broker.clone(), queue)))
        .catch_unwind()
        .await;
    broker.delete_topology().await;
    match outcome {
        Ok(in_time) => in_time.expect("the test hangs"),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

pub fn message(body: impl Into<String>) -> Outgoing {
    let body: String = body.into();
    Outgoing {
        target: Target::Inbound(Inbound::Messages),
        id: body.clone(),
        body: body.into_bytes(),
        headers: BTreeMap::new(),
    }
}

pub fn messages(count: usize) -> Vec<Outgoing> {
    (0..count).map(|number| message(format!("message {number}"))).collect()
}

pub async fn publish(queue: &dyn Queue, batch: &[Outgoing]) {
    queue.publish(batch, PATIENCE).await.unwrap();
}

pub async fn consume(queue: &dyn Queue, prefetch: u16) -> Box<dyn Consumer> {
    queue.consume(Inbound::Messages, prefetch).await.unwrap()
}

/// The next delivery, which must come.
pub async fn next(consumer: &mut dyn Consumer) -> Delivery {
    in_time(consumer.next()).await.unwrap().expect("a delivery, not the end")
}

pub async fn take(consumer: &mut dyn Consumer, count: usize) -> Vec<Delivery> {
    let mut deliveries = Vec::with_capacity(count);
    for _ in 0..count {
        deliveries.push(next(consumer).await);
    }
    deliveries
}

pub async fn in_time<T>(awaited: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, awaited).await.expect("this should not take so long")
}

pub fn tags(deliveries: &[Delivery]) -> Vec<Tag> {
    deliveries.iter().map(|delivery| delivery.tag).collect()
}

pub fn bodies(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| String::from_utf8(delivery.body.clone()).unwrap()).collect()
}

/// Waits until the broker's own books show the wanted numbers: they follow with a delay, and tell nobody.
pub async fn depth_becomes(queue: &dyn Queue, ready: u64, dead_letters: u64) {
    let reached = tokio::time::timeout(PATIENCE, async {
        loop {
            let depth = queue.depth(Inbound::Messages).await.unwrap();
            if (depth.ready, depth.dead_letters) == (ready, dead_letters) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    if reached.await.is_err() {
        let depth = queue.depth(Inbound::Messages).await.unwrap();
        panic!("expected {ready} ready and {dead_letters} dead letters, found {depth:?}");
    }
}

#[track_caller]
pub fn assert_unreachable<T: Debug>(outcome: &Result<T, QueueError>) {
    assert!(matches!(outcome, Err(QueueError::Unreachable { .. })), "{outcome:?}");
}

/// A way to the broker whose wire can be cut, and mended.
pub struct Proxy {
    port: u16,
    /// Connections live as long as the number stands; `None`: new ones are cut at once.
    epoch: watch::Sender<Option<u32>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (epoch, seen) = watch::channel(Some(0));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut wires = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                wires.spawn(wire(near, target.clone(), seen.clone()));
            }
        });
        Self { port, epoch, _tasks: tasks }
    }

    /// Cuts all connections, and every new one until [`Proxy::mend`].
    pub fn cut(&self) {
        self.epoch.send_replace(None);
    }

    pub fn mend(&self, epoch: u32) {
        self.epoch.send_replace(Some(epoch));
    }
}

async fn wire(mut near: TcpStream, target: String, mut epoch: watch::Receiver<Option<u32>>) {
    let own = *epoch.borrow_and_update();
    if own.is_none() {
        return;
    }
    let mut far = TcpStream::connect(target).await.unwrap();
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = epoch.wait_for(|now| *now != own) => {}
    }
}
