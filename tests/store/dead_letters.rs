//! The life of a dead letter: rejected, told, replayed, perhaps rejected again.

use std::time::Duration;

use futures_util::future::join_all;
use mimamori::access::Actor;
use mimamori::queue::{DEAD_LETTER_ID_HEADER, Inbound, REASON_HEADER, Target};
use mimamori::store::operations::Replay;
use mimamori::store::*;

use crate::support::database::Fresh;
use crate::support::values::*;

const PAGE: Page = Page { offset: 0, limit: 100 };
const MINUTE: Duration = Duration::from_secs(60);

async fn open_ids(store: &dyn Store) -> Vec<String> {
    store.dead_letters(PAGE, false).await.unwrap().into_iter().map(|row| row.id).collect()
}

async fn replay(store: &dyn Store, id: &str, seconds: i64) -> Replay {
    store.replay_dead_letter(id, None, &Actor::program(), at(seconds)).await.unwrap()
}

pub async fn a_repeated_rejection_counts_and_is_told_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    let letter = dead_letter("d-1", 10);
    let batch =
        ModerationBatch { decisions: vec![], dead_letters: vec![letter.clone(), dead_letter("d-1", 5)] };
    store.commit_moderation(&batch).await.unwrap();
    store.commit_dead_letters(&[dead_letter("d-1", 30)]).await.unwrap();

    let row = store.dead_letter("d-1").await.unwrap().unwrap();
    assert_eq!((row.rejections, row.first_at, row.last_at), (3, at(5), at(30)));
    assert_eq!((row.queue, &row.body, row.replayed_at), (Inbound::Messages, &letter.body, None));
    assert_eq!((row.code.as_str(), &row.detail), ("invalid_utf8", &letter.rejection.detail));

    let events = store.claim_outbox(10, MINUTE).await.unwrap();
    assert_eq!(events.len(), 1);
    let outgoing = &events[0].outgoing;
    assert_eq!(outgoing.target, Target::DeadLetter(Inbound::Messages));
    assert_eq!((outgoing.id.as_str(), &outgoing.body), ("d-1", &letter.body));
    assert_eq!(outgoing.headers[DEAD_LETTER_ID_HEADER], "d-1");
    assert_eq!(outgoing.headers[REASON_HEADER], letter.rejection.to_string());
    assert_eq!(store.dead_letter("unknown").await.unwrap(), None);
}

pub async fn a_replayed_dead_letter_that_fails_again_is_open_again(fresh: Fresh) {
    let store = fresh.migrated().await;
    store.commit_dead_letters(&[dead_letter("d-1", 0), dead_letter("d-2", 1)]).await.unwrap();
    assert_eq!(open_ids(&*store).await, ["d-2", "d-1"], "newest first");

    assert_eq!(replay(&*store, "d-1", 10).await, Replay::Done);
    assert_eq!(replay(&*store, "d-1", 11).await, Replay::Changed, "only once");
    assert_eq!(replay(&*store, "unknown", 11).await, Replay::Unknown);
    assert_eq!(open_ids(&*store).await, ["d-2"]);
    let all = store.dead_letters(PAGE, true).await.unwrap();
    assert_eq!(all.iter().map(|row| row.replayed_at).collect::<Vec<_>>(), [None, Some(at(10))]);

    // Its copy left the broker with the replay, so there is something to tell again: once.
    let before = store.outbox_depth().await.unwrap();
    store.commit_dead_letters(&[dead_letter("d-1", 20)]).await.unwrap();
    store.commit_dead_letters(&[dead_letter("d-1", 21)]).await.unwrap();
    assert_eq!(store.outbox_depth().await.unwrap(), before + 1);
    assert_eq!(open_ids(&*store).await, ["d-1", "d-2"]);
    assert_eq!(store.dead_letter("d-1").await.unwrap().unwrap().rejections, 3);
    assert_eq!(replay(&*store, "d-1", 30).await, Replay::Done, "and it can be replayed again");
}

pub async fn concurrent_rejections_are_told_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    let stores = [store.clone(), fresh.open().await];
    let rejections = (0..8).map(|n: usize| {
        let store = stores[n % 2].clone();
        // Half of them in the opposite order.
        let mut letters = vec![dead_letter("d-1", n as i64), dead_letter("d-2", n as i64)];
        if n % 4 < 2 {
            letters.reverse();
        }
        tokio::spawn(async move { store.commit_dead_letters(&letters).await })
    });
    for committed in join_all(rejections).await {
        committed.unwrap().unwrap();
    }
    let rows = store.dead_letters(PAGE, true).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.rejections).collect::<Vec<_>>(), [8, 8]);
    assert_eq!((rows[0].first_at, rows[0].last_at), (at(0), at(7)));
    assert_eq!(store.outbox_depth().await.unwrap(), 2);
}
