//! What workers tell of themselves, and dead letters that go back to their queue.

use chrono::TimeDelta;
use futures_util::future::join_all;
use mimamori::access::{Actor, Way};
use mimamori::queue::{DEAD_LETTER_ID_HEADER, Inbound, Target};
use mimamori::store::operations::*;
use mimamori::store::*;

use crate::support::database::Fresh;
use crate::support::values::*;

fn report(id: &str, seconds: i64) -> WorkerReport {
    WorkerReport {
        worker_id: id.into(),
        name: "東京 1".into(),
        state: WorkerState::Working,
        program: "1.2.3".into(),
        rules_version: "r-1".into(),
        models: ModelsInForce {
            conversation: "c-1".into(),
            policies: [(induction(), "h-1".to_owned())].into(),
            inquiries: "i-1".into(),
            rules_only: vec![mimamori::contract::Policy::new("harassment")],
            shadow: Some(ShadowInForce::Judging("c-2+0".into())),
        },
        queues: vec![QueueSeen { queue: Inbound::Messages, ready: 7, unacknowledged: None, dead_letters: 2 }],
        started_at: at(0),
        at: at(seconds),
        every: TimeDelta::seconds(5),
    }
}

fn minute(minute: i64, queue: Inbound, decided: u64) -> Minute {
    let mut waits = Waits::default();
    waits.count(TimeDelta::seconds(3));
    let throughput = Throughput { decided, duplicates: 1, dead_lettered: 2, requeued: 3, alerts: 4, waits };
    Minute { minute: at(minute * 60), queue, throughput }
}

pub async fn a_worker_s_last_word_is_kept_and_comes_back_whole(fresh: Fresh) {
    let store = fresh.migrated().await;
    assert_eq!(store.workers(10).await.unwrap(), []);
    store.report_worker(&report("w-1", 10)).await.unwrap();
    store.report_worker(&report("w-2", 11)).await.unwrap();
    let last = WorkerReport { state: WorkerState::Stopped, queues: vec![], ..report("w-1", 15) };
    store.report_worker(&last).await.unwrap();
    assert_eq!(store.workers(10).await.unwrap(), [last.clone(), report("w-2", 11)]);
    assert_eq!(store.workers(1).await.unwrap(), [last]);
}

pub async fn minutes_of_all_workers_add_up_and_each_counts_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    let own = [minute(1, Inbound::Messages, 10), minute(2, Inbound::Messages, 20)];
    store.add_minutes("w-1", &own).await.unwrap();
    // The answer was lost, and the worker tells them again.
    store.add_minutes("w-1", &own).await.unwrap();
    store
        .add_minutes("w-2", &[minute(2, Inbound::Messages, 5), minute(2, Inbound::Inquiries, 1)])
        .await
        .unwrap();
    let told = store.throughput(at(60)..at(180)).await.unwrap();
    let decided: Vec<_> = told.iter().map(|one| (one.minute, one.queue, one.throughput.decided)).collect();
    assert_eq!(
        decided,
        [(at(60), Inbound::Messages, 10), (at(120), Inbound::Inquiries, 1), (at(120), Inbound::Messages, 25)]
    );
    let sum = told[2].throughput;
    assert_eq!((sum.duplicates, sum.dead_lettered, sum.requeued, sum.alerts), (2, 4, 6, 8));
    assert_eq!(sum.waits.counts, [0, 2, 0, 0, 0, 0]);
    assert_eq!(store.throughput(at(61)..at(121)).await.unwrap().len(), 2);
    assert_eq!(store.throughput(at(60)..at(120)).await.unwrap().len(), 1, "the end is not in it");
}

pub async fn old_reports_are_swept(fresh: Fresh) {
    let store = fresh.migrated().await;
    store.report_worker(&report("w-1", 100)).await.unwrap();
    store.report_worker(&report("w-2", 200)).await.unwrap();
    store
        .add_minutes("w-1", &[minute(1, Inbound::Messages, 1), minute(5, Inbound::Messages, 1)])
        .await
        .unwrap();
    assert_eq!(store.purge_reports(at(150)).await.unwrap(), 2);
    assert_eq!(store.workers(10).await.unwrap(), [report("w-2", 200)]);
    assert_eq!(store.throughput(at(0)..at(900)).await.unwrap().len(), 1);
}

pub async fn the_oldest_event_that_waits_is_told(fresh: Fresh) {
    let store = fresh.migrated().await;
    assert_eq!(store.outbox_lag(10).await.unwrap(), OutboxLag::default());
    store.commit_dead_letters(&[dead_letter("d-1", 0), dead_letter("d-2", 0)]).await.unwrap();
    fresh.execute("update outbox set published_at = created_at where outgoing_id = 'd-1'").await;
    let lag = store.outbox_lag(10).await.unwrap();
    assert_eq!(lag.waiting, 1);
    let age = chrono::Utc::now() - lag.oldest_at.unwrap();
    assert!(age < TimeDelta::minutes(5) && age > TimeDelta::minutes(-5), "{age}");
    store.commit_dead_letters(&[dead_letter("d-3", 0)]).await.unwrap();
    assert_eq!(store.outbox_lag(1).await.unwrap().waiting, 1, "counted up to the bound");
}

async fn replayed(store: &dyn Store) -> Vec<OutboxRow> {
    let rows = store.claim_outbox(100, std::time::Duration::from_secs(60)).await.unwrap();
    rows.into_iter().filter(|row| matches!(row.outgoing.target, Target::Inbound(_))).collect()
}

pub async fn eight_operators_replay_a_dead_letter_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    let letter = dead_letter("d-1", 0);
    store.commit_dead_letters(std::slice::from_ref(&letter)).await.unwrap();
    let stores = [store.clone(), fresh.open().await];
    let operators = (0..8).map(|n: usize| {
        let store = stores[n % 2].clone();
        let by = Actor { account_id: None, name: format!("operator-{n}"), way: Way::Program };
        tokio::spawn(async move { store.replay_dead_letter("d-1", Some(0), &by, at(10)).await.unwrap() })
    });
    let outcomes: Vec<Replay> = join_all(operators).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Replay::Done).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| *outcome != Replay::Unknown), "{outcomes:?}");

    let events = replayed(&*store).await;
    assert_eq!(events.len(), 1, "nothing is lost, and nothing doubled");
    let outgoing = &events[0].outgoing;
    assert_eq!((&outgoing.target, &outgoing.body), (&Target::Inbound(Inbound::Messages), &letter.body));
    assert_eq!(outgoing.headers[DEAD_LETTER_ID_HEADER], "d-1");
    let filter = AuditFilter { act: Some("dead_letter.replayed".into()), ..AuditFilter::default() };
    let lines = store.audit_trail(&filter, 10).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0].entry.subject.kind.as_str(), lines[0].entry.subject.id.as_str()),
        ("dead_letter", "d-1")
    );
    let row = store.dead_letter("d-1").await.unwrap().unwrap();
    assert_eq!((row.replays, row.replayed_at), (1, Some(at(10))));
}

pub async fn a_page_from_before_another_s_replay_replays_nothing(fresh: Fresh) {
    let store = fresh.migrated().await;
    let by = Actor::program();
    store.commit_dead_letters(&[dead_letter("d-1", 0)]).await.unwrap();
    assert_eq!(store.replay_dead_letter("d-1", Some(0), &by, at(10)).await.unwrap(), Replay::Done);
    // It came back, and is open again; somebody still has the page from before.
    store.commit_dead_letters(&[dead_letter("d-1", 20)]).await.unwrap();
    assert_eq!(store.replay_dead_letter("d-1", Some(0), &by, at(30)).await.unwrap(), Replay::Changed);
    assert_eq!(store.dead_letter("d-1").await.unwrap().unwrap().replayed_at, None);
    assert_eq!(store.replay_dead_letter("d-1", Some(1), &by, at(30)).await.unwrap(), Replay::Done);
    assert_eq!(replayed(&*store).await.len(), 2, "each of its lives is told once");
    assert_eq!(store.replay_dead_letter("d-1", None, &by, at(31)).await.unwrap(), Replay::Changed);
    for unknown in ["d-9", "", "d-\0"] {
        assert_eq!(store.replay_dead_letter(unknown, None, &by, at(31)).await.unwrap(), Replay::Unknown);
    }
}
