//! Messages, verdicts, alerts.

use std::sync::Arc;

use futures_util::future::join_all;
use mimamori::contract::*;
use mimamori::error::{Class, Classified};
use mimamori::store::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::support::database::Fresh;
use crate::support::values::*;

const PAGE: Page = Page { offset: 0, limit: 100 };
const CONTEXT: usize = 10;

fn ids(received: &Received) -> Vec<&str> {
    received.context.iter().map(|message| message.message_id.as_str()).collect()
}

pub async fn context_is_what_was_sent_before_then_what_came_before(fresh: Fresh) {
    let store = fresh.migrated().await;
    let first = [message("m-2", "t-1", 20), message("m-9", "t-1", 20), message("x", "t-2", 0)];
    store.receive_messages(&first, CONTEXT).await.unwrap();

    // Sent earlier but came later; within one call the messages see each other, whatever their order.
    let second = [message("m-4", "t-1", 40), message("m-1", "t-1", 10), message("m-3", "t-1", 20)];
    let received = store.receive_messages(&second, CONTEXT).await.unwrap();
    assert_eq!(ids(&received[0]), ["m-1", "m-2", "m-9", "m-3"]);
    assert!(ids(&received[1]).is_empty(), "nothing was sent before m-1");
    assert_eq!(ids(&received[2]), ["m-1", "m-2", "m-9"], "m-2 and m-9 came before m-3");
    assert!(received.iter().all(|known| !known.decided));

    let seen = &received[2].context[1];
    assert_eq!((seen.role, seen.sent_at, seen.text.as_str()), (Role::Seller, at(20), first[0].text.as_str()));

    // The answers stand in the order of the question, also when a message is asked for twice.
    let again = [second[2].clone(), second[1].clone(), second[2].clone()];
    let again = store.receive_messages(&again, CONTEXT).await.unwrap();
    assert_eq!(again, [received[2].clone(), received[1].clone(), received[2].clone()]);
    assert!(store.receive_messages(&[], CONTEXT).await.unwrap().is_empty());
}

pub async fn context_is_limited_to_the_latest(fresh: Fresh) {
    let store = fresh.migrated().await;
    let messages: Vec<_> = (0..8).map(|n| message(&format!("m-{n}"), "t-1", n)).collect();
    let received = store.receive_messages(&messages, 3).await.unwrap();
    assert_eq!(ids(&received[7]), ["m-4", "m-5", "m-6"]);
    let received = store.receive_messages(&messages[7..], 0).await.unwrap();
    assert!(received[0].context.is_empty());
}

pub async fn a_second_delivery_is_left_as_it_was_and_known_as_decided(fresh: Fresh) {
    let store = fresh.migrated().await;
    let original = message("m-1", "t-1", 0);
    store.receive_messages(std::slice::from_ref(&original), CONTEXT).await.unwrap();
    let batch = ModerationBatch { decisions: vec![cleared(&original, 1)], dead_letters: vec![] };
    store.commit_moderation(&batch).await.unwrap();

    let mut other = original.clone();
    other.text = "another text under the same id".into();
    let received = store.receive_messages(&[other, message("m-2", "t-1", 5)], CONTEXT).await.unwrap();
    assert!(received[0].decided);
    assert!(!received[1].decided);
    assert_eq!(received[1].context[0].text, original.text);
}

pub async fn the_same_batch_twice_writes_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    let messages = [message("m-1", "t-1", 0), message("m-2", "t-1", 1)];
    store.receive_messages(&messages, CONTEXT).await.unwrap();
    let decisions = vec![flagged(&messages[0], 2), cleared(&messages[1], 2), flagged(&messages[0], 3)];
    let batch = ModerationBatch { decisions, dead_letters: vec![] };

    let first = store.commit_moderation(&batch).await.unwrap();
    assert_eq!(first, Committed { new_verdicts: 2, new_alerts: 1 });
    let second = store.commit_moderation(&batch).await.unwrap();
    assert_eq!(second, Committed::default());

    assert_eq!(store.outbox_depth().await.unwrap(), 2);
    let alerts = store.alerts(PAGE).await.unwrap();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].created_at, at(2), "of two verdicts in one batch the first counts");

    // Also after the event was published and its row is gone.
    let rows = store.claim_outbox(10, std::time::Duration::from_secs(60)).await.unwrap();
    store.mark_published(&rows.iter().map(|row| row.id).collect::<Vec<_>>()).await.unwrap();
    store.purge_published("2100-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    store.commit_moderation(&batch).await.unwrap();
    assert_eq!(store.outbox_depth().await.unwrap(), 0);
}

pub async fn eight_workers_with_overlapping_batches_write_each_verdict_once(fresh: Fresh) {
    const MESSAGES: usize = 120;
    const WORKERS: u64 = 8;
    let store = fresh.migrated().await;
    // Two processes with a pool each.
    let stores = [store.clone(), fresh.open().await];
    let messages: Arc<Vec<_>> = Arc::new(
        (0..MESSAGES).map(|n| message(&format!("m-{n}"), &format!("t-{}", n % 7), n as i64)).collect(),
    );

    let workers = (0..WORKERS).map(|seed| {
        let (store, messages) = (stores[(seed % 2) as usize].clone(), messages.clone());
        tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let mut order: Vec<usize> = (0..MESSAGES).collect();
            order.shuffle(&mut random);
            let mut total = Committed::default();
            for chunk in order.chunks(40) {
                let batch: Vec<_> = chunk.iter().map(|n| messages[*n].clone()).collect();
                store.receive_messages(&batch, 5).await.unwrap();
                let decisions = chunk.iter().map(|n| flagged(&messages[*n], 500)).collect();
                // Every worker meets the same bad bodies too, in another order.
                let mut dead_letters: Vec<_> = (0..3).map(|n| dead_letter(&format!("d-{n}"), 0)).collect();
                dead_letters.shuffle(&mut random);
                let batch = ModerationBatch { decisions, dead_letters };
                let committed = store.commit_moderation(&batch).await.unwrap();
                total.new_verdicts += committed.new_verdicts;
                total.new_alerts += committed.new_alerts;
            }
            total
        })
    });
    let totals: Vec<Committed> = join_all(workers).await.into_iter().map(Result::unwrap).collect();

    assert_eq!(totals.iter().map(|total| total.new_verdicts).sum::<u64>(), MESSAGES as u64);
    assert_eq!(totals.iter().map(|total| total.new_alerts).sum::<u64>(), MESSAGES as u64);
    let summary = store.summary().await.unwrap();
    assert_eq!((summary.messages, summary.verdicts), (MESSAGES as u64, MESSAGES as u64));
    assert_eq!(summary.unpublished_events, MESSAGES as u64 + 3);
    assert_eq!(fresh.number("select count(distinct event_key) from outbox").await, MESSAGES as i64 + 3);
    assert_eq!(fresh.number("select count(*) from alerts").await, MESSAGES as i64);
    assert_eq!(fresh.number("select count(*) from verdict_labels").await, 2 * MESSAGES as i64);
    assert_eq!(
        fresh.number("select cast(sum(rejections) as bigint) from dead_letters").await,
        3 * 3 * WORKERS as i64
    );
}

pub async fn a_refused_row_refuses_the_batch_and_leaves_nothing(fresh: Fresh) {
    let store = fresh.migrated().await;
    let good = message("m-1", "t-1", 0);
    store.receive_messages(std::slice::from_ref(&good), CONTEXT).await.unwrap();

    let unknown = cleared(&message("never-received", "t-1", 0), 1);
    let mut not_a_number = flagged(&good, 1);
    not_a_number.alerts[0].score = f64::NAN;
    let mut twice = flagged(&good, 1);
    twice.alerts.push(twice.alerts[0].clone());
    for (bad, what) in [(unknown, "verdicts"), (not_a_number, "alerts"), (twice, "alerts")] {
        let decisions = vec![flagged(&good, 1), bad.clone()];
        let decisions = if bad.verdict.message_id == good.message_id { vec![bad] } else { decisions };
        let batch = ModerationBatch { decisions, dead_letters: vec![dead_letter("d-1", 0)] };
        let error = store.commit_moderation(&batch).await.unwrap_err();
        assert_eq!(error.class(), Class::Permanent, "{what}: {error}");
        assert!(matches!(error, StoreError::Refused(_)), "{what}: {error}");
        assert!(
            !error.to_string().contains("m-1") && !error.to_string().contains("never-received"),
            "{error}"
        );
    }
    let summary = store.summary().await.unwrap();
    assert_eq!((summary.verdicts, summary.unpublished_events, summary.dead_letters), (0, 0, 0));
    assert!(store.alerts(PAGE).await.unwrap().is_empty());
}

pub async fn alerts_are_newest_first_with_the_labels_of_their_policy(fresh: Fresh) {
    let store = fresh.migrated().await;
    let messages = [message("m-1", "t-1", 0), message("m-2", "t-1", 1), message("m-3", "t-2", 2)];
    store.receive_messages(&messages, CONTEXT).await.unwrap();
    let mut both = flagged(&messages[1], 20);
    let span = Span { start: 1, end: 3, text: "ex".into() };
    both.verdict.labels[0].parts =
        vec![Part { message_id: messages[0].message_id.clone(), spans: vec![span.clone(), span] }];
    let harassment = Policy::new("harassment");
    both.verdict.labels.push(Label {
        policy: harassment.clone(),
        subtype: None,
        score: 0.7,
        source: "model:harassment@1".into(),
        spans: vec![],
        parts: vec![],
    });
    both.alerts.push(PolicyAlert {
        policy: harassment.clone(),
        action: Action::Hide,
        score: 0.7,
        sources: AlertSources::Model,
        risk: 0.8,
        text_key: "k".into(),
    });
    let decisions = vec![flagged(&messages[0], 30), both.clone(), flagged(&messages[2], 10)];
    store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();

    let alerts = store.alerts(PAGE).await.unwrap();
    let order: Vec<_> = alerts.iter().map(|alert| alert.message_id.as_str()).collect();
    assert_eq!(order, ["m-1", "m-2", "m-2", "m-3"]);
    let of = |policy: &Policy| {
        alerts.iter().find(|a| a.message_id.as_str() == "m-2" && a.policy == *policy).unwrap()
    };
    // Scores, subtypes and spans come back as they went in.
    assert_eq!(of(&induction()).labels, both.verdict.labels[..2]);
    assert_eq!(of(&harassment).labels, both.verdict.labels[2..]);
    // An alert comes with the earlier messages that its own labels point at.
    let earlier: Vec<_> =
        of(&induction()).earlier.iter().map(|m| (m.message_id.as_str(), m.text.as_str())).collect();
    assert_eq!(earlier, [("m-1", messages[0].text.as_str())]);
    assert!(of(&harassment).earlier.is_empty());
    let hidden = of(&harassment);
    assert_eq!((hidden.action, hidden.score, hidden.role), (Action::Hide, 0.7, Role::Seller));
    assert_eq!((hidden.text.as_str(), hidden.created_at), (messages[1].text.as_str(), at(20)));
    assert_eq!(hidden.transaction_id, messages[1].transaction_id);

    let second_page = store.alerts(Page { offset: 3, limit: 2 }).await.unwrap();
    assert_eq!(second_page, alerts[3..]);
}

pub async fn the_summary_counts(fresh: Fresh) {
    let store = fresh.migrated().await;
    assert_eq!(store.summary().await.unwrap(), Summary::default());

    let messages: Vec<_> = (0..3).map(|n| message(&format!("m-{n}"), "t-1", n)).collect();
    store.receive_messages(&messages, CONTEXT).await.unwrap();
    let decisions = vec![flagged(&messages[0], 9), cleared(&messages[1], 9)];
    let dead_letters = vec![dead_letter("d-1", 0), dead_letter("d-2", 0)];
    store.commit_moderation(&ModerationBatch { decisions, dead_letters }).await.unwrap();
    store.replay_dead_letter("d-1", None, &mimamori::access::Actor::program(), at(100)).await.unwrap();
    store.upsert_agents(&[agent("a-1", &[Skill::Shipping], &[Language::Ja], 1)]).await.unwrap();
    for n in 0..2 {
        let inquiry = inquiry(&format!("q-{n}"), n);
        store.commit_routing(&decision(&inquiry, offer(&["a-1"]), n)).await.unwrap();
    }

    let summary = store.summary().await.unwrap();
    assert_eq!((summary.messages, summary.verdicts, summary.inquiries), (3, 2, 2));
    assert_eq!(summary.actions, [(Action::None, 1), (Action::Report, 1)].into());
    assert_eq!(summary.alerts, [((induction(), "rule+model".to_owned()), 1)].into());
    assert_eq!(summary.inquiries_by_status, [("assigned".to_owned(), 1), ("waiting".to_owned(), 1)].into());
    assert_eq!(summary.inquiries_by_skill, [(Skill::Shipping, 2)].into());
    let agent = (AgentId::new("a-1").unwrap(), "Agent a-1".to_owned());
    assert_eq!(summary.inquiries_by_agent, [(agent, 1)].into());
    assert_eq!((summary.dead_letters, summary.unpublished_events), (1, 7));
}

/// A measurement, not a check of every build: `cargo test --release --test store throughput -- --ignored --nocapture`.
pub async fn throughput(fresh: Fresh) {
    const BATCH: usize = 64;
    const BATCHES: usize = 30;
    const WORKERS: usize = 2;
    let store = fresh.migrated().await;
    let started = std::time::Instant::now();
    let workers = (0..WORKERS).map(|worker| {
        let store = store.clone();
        tokio::spawn(async move {
            for batch in 0..BATCHES {
                let messages: Vec<_> = (0..BATCH)
                    .map(|n| {
                        message(&format!("m-{worker}-{batch}-{n}"), &format!("t-{worker}-{n}"), batch as i64)
                    })
                    .collect();
                store.receive_messages(&messages, CONTEXT).await.unwrap();
                // One in four is flagged: far more than in life.
                let decide = |(n, m)| if n % 4 == 0 { flagged(m, 9) } else { cleared(m, 9) };
                let decisions = messages.iter().enumerate().map(decide).collect();
                store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
            }
        })
    });
    join_all(workers).await.into_iter().for_each(Result::unwrap);
    let seconds = started.elapsed().as_secs_f64();
    let rate = (WORKERS * BATCHES * BATCH) as f64 / seconds;
    println!("{rate:.0} messages/s received and committed, {WORKERS} workers, batches of {BATCH}");
    assert!(rate >= 500.0, "expected at least 500 messages/s, measured {rate:.0}");
}
