//! The outbox: leases, order, what is published once.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use mimamori::contract::*;
use mimamori::queue::Target;
use mimamori::store::*;

use crate::support::database::Fresh;
use crate::support::values::*;

const MINUTE: Duration = Duration::from_secs(60);

/// Decides so many messages, so that each has an event.
async fn fill(store: &dyn Store, count: i64) {
    let messages: Vec<_> = (0..count).map(|n| message(&format!("m-{n:04}"), "t-1", n)).collect();
    store.receive_messages(&messages, 0).await.unwrap();
    let decisions = messages.iter().map(|message| cleared(message, 1)).collect();
    store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
}

fn ids(rows: &[OutboxRow]) -> Vec<i64> {
    rows.iter().map(|row| row.id).collect()
}

pub async fn rows_are_claimed_in_order_and_by_one_relay(fresh: Fresh) {
    let store = fresh.migrated().await;
    fill(&*store, 5).await;
    let first = store.claim_outbox(3, MINUTE).await.unwrap();
    let second = store.claim_outbox(3, MINUTE).await.unwrap();
    assert_eq!((first.len(), second.len()), (3, 2));
    let all: Vec<_> = ids(&first).into_iter().chain(ids(&second)).collect();
    assert!(all.is_sorted(), "oldest first: {all:?}");
    let told: Vec<_> = first.iter().map(|row| row.outgoing.id.as_str()).collect();
    assert_eq!(told, ["message.cleared:m-0000", "message.cleared:m-0001", "message.cleared:m-0002"]);
    assert!(store.claim_outbox(3, MINUTE).await.unwrap().is_empty());
    assert_eq!(store.outbox_depth().await.unwrap(), 5, "claimed is not published");
}

pub async fn a_lease_that_ended_is_claimed_again(fresh: Fresh) {
    let store = fresh.migrated().await;
    fill(&*store, 2).await;
    // A lease of no time has ended when the next relay asks.
    let lost = store.claim_outbox(10, Duration::ZERO).await.unwrap();
    let again = store.claim_outbox(10, MINUTE).await.unwrap();
    assert_eq!(lost, again);
    // The first relay was only slow and marks its rows after all: they are not handed out a third time.
    store.mark_published(&ids(&lost)).await.unwrap();
    assert!(store.claim_outbox(10, Duration::ZERO).await.unwrap().is_empty());
}

pub async fn concurrent_relays_share_the_rows(fresh: Fresh) {
    const EVENTS: i64 = 200;
    let store = fresh.migrated().await;
    fill(&*store, EVENTS).await;
    let stores = [store.clone(), fresh.open().await];
    let relays = (0..6).map(|n: usize| {
        let store = stores[n % 2].clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let rows = store.claim_outbox(7, MINUTE).await.unwrap();
                if rows.is_empty() {
                    return mine;
                }
                store.mark_published(&ids(&rows)).await.unwrap();
                mine.extend(ids(&rows));
            }
        })
    });
    let claimed: Vec<i64> = join_all(relays).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(claimed.len(), EVENTS as usize, "no row twice");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>().len(), EVENTS as usize, "every row");
    assert_eq!(store.outbox_depth().await.unwrap(), 0);
}

pub async fn published_rows_stay_until_they_are_purged(fresh: Fresh) {
    let store = fresh.migrated().await;
    fill(&*store, 3).await;
    let rows = store.claim_outbox(2, MINUTE).await.unwrap();
    store.mark_published(&ids(&rows)).await.unwrap();
    store.mark_published(&ids(&rows)).await.unwrap();
    store.mark_published(&[]).await.unwrap();
    assert_eq!(store.outbox_depth().await.unwrap(), 1);
    assert_eq!(fresh.number("select count(*) from outbox where published_at is not null").await, 2);
    assert_eq!(store.purge_published(at(0) - chrono::TimeDelta::days(365)).await.unwrap(), 0);
    assert_eq!(store.purge_published("2100-01-01T00:00:00Z".parse().unwrap()).await.unwrap(), 2);
    assert_eq!(fresh.number("select count(*) from outbox").await, 1, "what was not published stays");
}

pub async fn an_event_carries_the_verdict_and_fits_the_broker(fresh: Fresh) {
    let store = fresh.migrated().await;
    let long = message(&"m".repeat(MAX_ID_BYTES), "t-1", 0);
    store.receive_messages(std::slice::from_ref(&long), 0).await.unwrap();
    let decision = flagged(&long, 1);
    let batch = ModerationBatch { decisions: vec![decision.clone()], dead_letters: vec![] };
    store.commit_moderation(&batch).await.unwrap();
    let rows = store.claim_outbox(10, MINUTE).await.unwrap();
    let outgoing = &rows[0].outgoing;
    assert_eq!(outgoing.target, Target::Event("message.flagged".into()));
    assert_eq!(serde_json::from_slice::<Verdict>(&outgoing.body).unwrap(), decision.verdict);
    assert!(outgoing.id.len() <= 255, "AMQP's message_id is a short string");
}
