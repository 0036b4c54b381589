//! What only the embedded queue promises: leases, the death of a process, its events, and its speed.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use mimamori::queue::{EmbeddedQueue, Inbound, Outgoing, Queue, QueueError, Target};

use crate::support::{
    DELIVERY_LIMIT, assert_unreachable, bodies, consume, depth_becomes, in_time, message, messages, next,
    publish, tags, take,
};

const LEASE: Duration = Duration::from_millis(600);

async fn open(file: &std::path::Path, lease: Duration) -> EmbeddedQueue {
    let queue = EmbeddedQueue::open_with_lease(file, "e", DELIVERY_LIMIT, lease).await.unwrap();
    queue.declare().await.unwrap();
    queue
}

#[tokio::test]
async fn events_are_counted_by_routing_key() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(&folder.path().join("q.db"), LEASE).await;
    let event = |key: &str| Outgoing { target: Target::Event(key.into()), ..message("event") };
    publish(&queue, &[event("message.flagged"), event("message.cleared"), event("message.flagged")]).await;
    let events: Vec<_> = queue.events().await.unwrap().into_iter().collect();
    assert_eq!(events, [("message.cleared".to_owned(), 1), ("message.flagged".to_owned(), 2)]);
}

#[tokio::test]
async fn everything_survives_closing_and_opening() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q.db");
    // A lease far longer than the test: only the clean end can bring the deliveries back in time.
    let queue = open(&file, Duration::from_secs(3600)).await;
    publish(&queue, &messages(3)).await;
    let mut consumer = consume(&queue, 2).await;
    let first = next(&mut *consumer).await;
    drop(consumer);
    queue.close().await;

    let queue = open(&file, LEASE).await;
    let mut consumer = consume(&queue, 8).await;
    let deliveries = take(&mut *consumer, 3).await;
    assert_eq!(bodies(&deliveries), ["message 0", "message 1", "message 2"]);
    assert_eq!(deliveries[0].body, first.body);
    // The second was held in advance, but never handed out.
    let attempts: Vec<u32> = deliveries.iter().map(|delivery| delivery.earlier_attempts).collect();
    assert_eq!(attempts, [1, 0, 0]);
}

/// Not a test of its own: the process that the next test kills.
#[tokio::test]
#[ignore = "run by a_killed_process_loses_its_deliveries_to_another"]
async fn process_that_holds_deliveries() {
    let Some(file) = std::env::var_os("QUEUE_FILE").map(PathBuf::from) else { return };
    let queue = open(&file, LEASE).await;
    let mut consumer = consume(&queue, 8).await;
    let held = take(&mut *consumer, 2).await;
    eprintln!("holding {}", held.len());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_process_loses_its_deliveries_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q.db");
    let queue = open(&file, LEASE).await;
    publish(&queue, &messages(2)).await;
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::process_that_holds_deliveries", "--ignored", "--nocapture"])
        .env("QUEUE_FILE", &file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let holding = tokio::task::spawn_blocking(move || {
        lines.map_while(Result::ok).any(|line| line.contains("holding 2"))
    });
    assert!(in_time(holding).await.unwrap(), "the other process did not get its deliveries");

    // As long as it lives it keeps them, beyond the lease that it took at first.
    let mut consumer = consume(&queue, 8).await;
    assert!(
        tokio::time::timeout(2 * LEASE, consumer.next()).await.is_err(),
        "a living process lost a delivery"
    );
    process.kill().unwrap();
    process.wait().unwrap();
    let deliveries = take(&mut *consumer, 2).await;
    assert_eq!(bodies(&deliveries), ["message 0", "message 1"]);
    assert!(deliveries.iter().all(|delivery| delivery.earlier_attempts == 1), "{deliveries:?}");
    consumer.ack(&tags(&deliveries)).await.unwrap();
    depth_becomes(&queue, 0, 0).await;
}

#[tokio::test]
async fn who_overslept_its_lease_is_told_and_acknowledges_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q.db");
    let queue = open(&file, LEASE).await;
    publish(&queue, &[message("one")]).await;
    let mut sleeper = consume(&queue, 8).await;
    let held = next(&mut *sleeper).await;
    // As if the process had been suspended: the lease has run out, unrenewed, before anyone looks.
    let pool = sqlx::SqlitePool::connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(&file))
        .await
        .unwrap();
    sqlx::query("UPDATE queue_consumer SET lease_until = 0").execute(&pool).await.unwrap();
    let other = open(&file, LEASE).await;
    let mut second = consume(&other, 8).await;
    let again = next(&mut *second).await;
    assert_eq!((again.body.as_slice(), again.earlier_attempts), (&b"one"[..], 1));
    assert_unreachable(&sleeper.ack(&[held.tag]).await);
    assert_unreachable(&in_time(sleeper.next()).await);
    second.ack(&[again.tag]).await.unwrap();
}

#[tokio::test]
async fn who_overslept_its_lease_alone_holds_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q.db");
    let queue = open(&file, LEASE).await;
    publish(&queue, &messages(2)).await;
    let mut sleeper = consume(&queue, 1).await;
    let held = next(&mut *sleeper).await;
    let pool = sqlx::SqlitePool::connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(&file))
        .await
        .unwrap();
    sqlx::query("UPDATE queue_consumer SET lease_until = 0").execute(&pool).await.unwrap();
    sleeper.ack(&[held.tag]).await.expect("nobody has taken it away yet");
    // Claiming more notices the lease first: it must not claim under a lease that is gone.
    assert_unreachable(&in_time(sleeper.next()).await);
    let depth = queue.depth(Inbound::Messages).await.unwrap();
    assert_eq!((depth.ready, depth.unacknowledged), (1, Some(0)));
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent").join("q.db");
    let other = folder.path().join("other.db");
    std::fs::write(&other, vec![b'x'; 4096]).unwrap();
    for file in [absent, other] {
        let error = match EmbeddedQueue::open(&file, "e", DELIVERY_LIMIT).await {
            Ok(queue) => queue.declare().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(matches!(error, QueueError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn two_installations_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("q.db");
    let one = open(&file, LEASE).await;
    let two = EmbeddedQueue::open(&file, "other", DELIVERY_LIMIT).await.unwrap();
    two.declare().await.unwrap();
    publish(&one, &[message("of one")]).await;
    publish(&two, &[message("of two")]).await;
    two.delete_topology().await.unwrap();
    assert_eq!(next(&mut *consume(&one, 8).await).await.body, b"of one");
}
