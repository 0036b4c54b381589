//! Endpoints and deliveries in the database.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use mimamori::access::{Act, Actor, Way};
use mimamori::contract::*;
use mimamori::store::review::*;
use mimamori::store::webhooks::Attempt;
use mimamori::store::webhooks::*;
use mimamori::store::*;
use sha2::{Digest, Sha256};

use crate::support::database::Fresh;
use crate::support::values::*;
use crate::values::*;

const MINUTE: Duration = Duration::from_secs(60);
const FLAGGED: &[WebhookEvent] = &[WebhookEvent::MessageFlagged];

pub async fn an_event_is_written_once_for_each_endpoint_that_wants_it(fresh: Fresh) {
    let store = fresh.migrated().await;
    let all = endpoint(&*store, "https://a.example/", &WebhookEvent::ALL).await.endpoint_id;
    let flags = endpoint(&*store, "https://b.example/", FLAGGED).await.endpoint_id;
    let off = endpoint(&*store, "https://c.example/", FLAGGED).await;
    let idle = EndpointWish { active: false, ..off.wish.clone() };
    done(store.change_webhook(off.endpoint_id, 1, &idle, &Actor::program(), Utc::now()).await.unwrap());
    let messages = [message("m-1", "t-1", 1), message("m-2", "t-1", 2)];
    store.receive_messages(&messages, 0).await.unwrap();
    let decisions = vec![flagged(&messages[0], 1), cleared(&messages[1], 1)];
    // Dead letters are no events of the desk.
    let batch = ModerationBatch { decisions, dead_letters: vec![dead_letter("d-1", 1)] };
    let twice = join_all([store.commit_moderation(&batch), store.commit_moderation(&batch)]).await;
    assert!(twice.into_iter().all(|done| done.is_ok()));
    let (to_all, to_flags) = (deliveries(&*store, all).await, deliveries(&*store, flags).await);
    assert_eq!(events(&to_all), BTreeSet::from(["message.cleared", "message.flagged"]));
    assert_eq!((to_all.len(), to_flags.len()), (2, 1), "each once");
    assert!(deliveries(&*store, off.endpoint_id).await.is_empty());
    // The same event has the same identifier everywhere, and no full stop in it.
    let expected: String =
        Sha256::digest("message.flagged:m-1").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(to_flags[0].webhook_id, format!("msg_{}", &expected[..32]));
    assert!(to_all.iter().any(|delivery| delivery.webhook_id == to_flags[0].webhook_id));
    assert_eq!(store.webhooks_due(Utc::now() + TimeDelta::seconds(5)).await.unwrap(), [all, flags]);
}

/// What reviewers and the desk do writes its events by other ways than the worker's batches.
pub async fn every_event_of_the_desk_reaches_who_wants_it(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = endpoint(&*store, "https://a.example/", &WebhookEvent::ALL).await.endpoint_id;
    flag(&*store, 0..1).await;
    let by = Actor { account_id: None, name: "aki".into(), way: Way::Session };
    let now = Utc::now();
    let claim = store.claim_alert(1, "aki", Reach::Usual, TimeDelta::minutes(5), now).await.unwrap().unwrap();
    let saying = Saying::Ruled { ruling: Ruling::Violation, policy: None, subtype: None };
    let order = Order {
        alert_id: 1,
        generation: claim.generation,
        by: by.clone(),
        reach: Reach::Usual,
        saying,
        note: None,
        alike_up_to: None,
        at: now,
    };
    store.decide_alert(&order).await.unwrap().unwrap();
    for hidden in [true, false] {
        assert!(store.set_hidden(1, hidden, &by, Reach::Usual, now).await.unwrap().unwrap());
    }
    assert!(
        store.warn_sender(1, Language::Ja, |_, _| "text", &by, Reach::Usual, now).await.unwrap().unwrap()
    );
    let free = agent("a-1", &[Skill::Shipping], &[Language::Ja], 1);
    store.upsert_agents(&[free]).await.unwrap();
    for n in 1..=2 {
        store.commit_routing(&decision(&inquiry(&format!("q-{n}"), n), offer(&["a-1"]), n)).await.unwrap();
    }
    let sent = deliveries(&*store, id).await;
    assert_eq!(
        events(&sent),
        BTreeSet::from([
            "alert.reviewed",
            "inquiry.assigned",
            "inquiry.queued",
            "message.flagged",
            "message.hidden",
            "message.restored",
            "sender.warned",
        ])
    );
    assert_eq!(sent.len(), 7);
    // Each can be read as what it is sent as.
    let claimed =
        store.claim_webhooks(id, 100, MINUTE, Utc::now() + TimeDelta::seconds(5)).await.unwrap().unwrap();
    for delivery in &claimed.deliveries {
        let event = delivery.event.parse().unwrap();
        let told = Webhook::of(event, delivery.told_at, delivery.body.as_deref().unwrap()).unwrap();
        assert_eq!(serde_json::to_value(&told).unwrap()["type"], delivery.event.as_str());
    }
}

pub async fn a_refused_batch_leaves_no_delivery(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = endpoint(&*store, "https://a.example/", FLAGGED).await.endpoint_id;
    let known = message("m-1", "t-1", 1);
    store.receive_messages(std::slice::from_ref(&known), 0).await.unwrap();
    // The second message was never received.
    let decisions = vec![flagged(&known, 1), flagged(&message("m-2", "t-1", 2), 1)];
    store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap_err();
    assert!(deliveries(&*store, id).await.is_empty());
}

pub async fn a_delivery_is_claimed_by_one_and_again_after_its_lease(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = endpoint(&*store, "https://a.example/", FLAGGED).await.endpoint_id;
    flag(&*store, 0..1).await;
    let now = Utc::now() + TimeDelta::seconds(5);
    let first = store.claim_webhooks(id, 8, MINUTE, now).await.unwrap().unwrap();
    assert!(store.claim_webhooks(id, 8, MINUTE, now).await.unwrap().is_none());
    assert!(store.webhooks_due(now).await.unwrap().is_empty());
    let later = now + TimeDelta::seconds(61);
    let second = store.claim_webhooks(id, 8, MINUTE, later).await.unwrap().unwrap();
    let (one, two) = (&first.deliveries[0], &second.deliveries[0]);
    assert_eq!((&one.webhook_id, &one.body, one.told_at), (&two.webhook_id, &two.body, two.told_at));
    assert_eq!((one.claim, two.claim), (1, 2));
    // The first was only slow: what it says does not count any more.
    let late = attempt(one.claim, now, Some(Failure::Timeout));
    assert!(!store.finish_webhook(one.delivery_id, &late, Next::Failed, later).await.unwrap());
    let good = attempt(two.claim, later, None);
    assert!(store.finish_webhook(two.delivery_id, &good, Next::Delivered, later).await.unwrap());
    assert!(!store.finish_webhook(two.delivery_id, &good, Next::Delivered, later).await.unwrap(), "once");
    let sent = deliveries(&*store, id).await;
    assert_eq!(sent[0].state, DeliveryState::Delivered);
    assert_eq!(sent[0].attempts.iter().map(|attempt| attempt.attempt).collect::<Vec<_>>(), [2]);
}

pub async fn couriers_share_what_is_due(fresh: Fresh) {
    const EVENTS: i64 = 60;
    let store = fresh.migrated().await;
    let id = endpoint(&*store, "https://a.example/", FLAGGED).await.endpoint_id;
    flag(&*store, 0..EVENTS).await;
    let stores = [store.clone(), fresh.open().await];
    let now = Utc::now() + TimeDelta::seconds(5);
    let couriers = (0..6).map(|n: usize| {
        let store = stores[n % 2].clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            while let Some(claimed) = store.claim_webhooks(id, 7, MINUTE, now).await.unwrap() {
                for delivery in claimed.deliveries {
                    let good = attempt(delivery.claim, now, None);
                    assert!(
                        store
                            .finish_webhook(delivery.delivery_id, &good, Next::Delivered, now)
                            .await
                            .unwrap()
                    );
                    mine.push(delivery.delivery_id);
                }
            }
            mine
        })
    });
    let sent: Vec<i64> = join_all(couriers).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(sent.len(), EVENTS as usize, "none twice");
    // A courier that passed over rows of another's claim may have ended early, but nothing is left.
    assert_eq!(sent.into_iter().collect::<BTreeSet<_>>().len(), EVENTS as usize);
    assert!(store.webhooks_due(now).await.unwrap().is_empty());
}

pub async fn an_endpoint_is_failing_until_something_is_taken(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = endpoint(&*store, "https://a.example/", FLAGGED).await.endpoint_id;
    flag(&*store, 0..2).await;
    let failing = async || store.webhook(id).await.unwrap().unwrap().failing_since;
    let mut now = at(0) + TimeDelta::days(365);
    let mut first = None;
    for failures in 0..3_u32 {
        let claimed = store.claim_webhooks(id, 1, MINUTE, now).await.unwrap().unwrap();
        let delivery = &claimed.deliveries[0];
        let bad = attempt(delivery.claim, now, Some(Failure::Status));
        let next = if failures == 2 { Next::Failed } else { Next::Retry(now + TimeDelta::seconds(1)) };
        first.get_or_insert(now);
        assert!(store.finish_webhook(delivery.delivery_id, &bad, next, now).await.unwrap());
        assert_eq!(failing().await, first, "since the first failure");
        now += TimeDelta::seconds(1);
    }
    let claimed = store.claim_webhooks(id, 8, MINUTE, now + TimeDelta::minutes(2)).await.unwrap().unwrap();
    let last = claimed.deliveries.last().unwrap();
    store
        .finish_webhook(last.delivery_id, &attempt(last.claim, now, None), Next::Delivered, now)
        .await
        .unwrap();
    assert_eq!(failing().await, None);
}

pub async fn an_endpoint_that_is_gone_is_switched_off_and_told_nothing_any_more(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = endpoint(&*store, "https://a.example/", FLAGGED).await.endpoint_id;
    flag(&*store, 0..3).await;
    let now = Utc::now() + TimeDelta::seconds(5);
    let claimed = store.claim_webhooks(id, 1, MINUTE, now).await.unwrap().unwrap();
    let delivery = &claimed.deliveries[0];
    let gone = Attempt { status: Some(410), ..attempt(delivery.claim, now, Some(Failure::Status)) };
    assert!(store.finish_webhook(delivery.delivery_id, &gone, Next::Gone, now).await.unwrap());
    let endpoint = store.webhook(id).await.unwrap().unwrap();
    assert!(!endpoint.wish.active && endpoint.gone_at.is_some());
    assert_eq!(endpoint.generation, 2, "who saw it switched on changes something else");
    let sent = deliveries(&*store, id).await;
    assert!(sent.iter().all(|delivery| delivery.state == DeliveryState::Cancelled));
    flag(&*store, 3..4).await;
    assert_eq!(deliveries(&*store, id).await.len(), 3, "what happens now is not told");
    assert!(store.claim_webhooks(id, 8, MINUTE, now + TimeDelta::days(1)).await.unwrap().is_none());
    let line = trail(&*store, Act::WebhookGone).await;
    assert_eq!((line.len(), line[0].entry.actor.way), (1, Way::Program));
    // Switched on by hand, it is taken for well.
    let on = EndpointWish { active: true, ..endpoint.wish };
    let on = done(store.change_webhook(id, 2, &on, &Actor::program(), now).await.unwrap());
    assert_eq!((on.wish.active, on.gone_at, on.failing_since), (true, None, None));
}

pub async fn an_answer_from_the_old_address_says_nothing_of_the_new_one(fresh: Fresh) {
    let store = fresh.migrated().await;
    let before = endpoint(&*store, "https://old.example/", FLAGGED).await;
    let id = before.endpoint_id;
    flag(&*store, 0..2).await;
    let now = Utc::now() + TimeDelta::seconds(5);
    let old = store.claim_webhooks(id, 8, MINUTE, now).await.unwrap().unwrap();
    let moved = EndpointWish { url: "https://new.example/".into(), ..before.wish };
    done(store.change_webhook(id, before.generation, &moved, &Actor::program(), now).await.unwrap());

    let delivery = &old.deliveries[0];
    let gone = Attempt { status: Some(410), ..attempt(delivery.claim, now, Some(Failure::Status)) };
    assert!(!store.finish_webhook(delivery.delivery_id, &gone, Next::Gone, now).await.unwrap());
    let endpoint = store.webhook(id).await.unwrap().unwrap();
    assert!(endpoint.wish.active && endpoint.gone_at.is_none() && endpoint.failing_since.is_none());

    // Nothing waits for the end of the old claim.
    let new = store.claim_webhooks(id, 8, MINUTE, now).await.unwrap().unwrap();
    assert_eq!((new.url.as_str(), new.deliveries.len()), ("https://new.example/", 2));
}

async fn trail(store: &dyn Store, act: Act) -> Vec<AuditRow> {
    let filter = AuditFilter { act: Some(act.as_str().into()), ..AuditFilter::default() };
    store.audit_trail(&filter, 10).await.unwrap()
}

pub async fn changes_are_of_the_generation_that_was_seen_and_stand_in_the_trail(fresh: Fresh) {
    let store = fresh.migrated().await;
    let by = Actor { account_id: None, name: "root".into(), way: Way::Session };
    let now = Utc::now();
    let mine = wish("https://a.example/key-in-the-path?token=secret", FLAGGED);
    let added = done(store.add_webhook(&mine, &secret(7), &by, now).await.unwrap());
    assert_eq!((&added.wish, added.generation, added.created_by.as_str()), (&mine, 1, "root"));
    let id = added.endpoint_id;
    flag(&*store, 0..1).await;
    let other = wish("https://b.example/", &[WebhookEvent::AlertReviewed, WebhookEvent::InquiryAssigned]);
    let both = join_all([
        store.change_webhook(id, 1, &other, &by, now),
        store.change_webhook(id, 1, &mine, &by, now),
    ])
    .await;
    let won = both.iter().filter(|edit| matches!(edit, Ok(Edit::Done(_)))).count();
    assert_eq!(won, 1, "of two that saw the same one wins: {both:?}");
    assert!(both.iter().any(|edit| matches!(edit, Ok(Edit::Stale(2)))));
    let off = EndpointWish { active: false, ..other.clone() };
    let changed = done(store.change_webhook(id, 2, &off, &by, now).await.unwrap());
    assert_eq!((&changed.wish, changed.generation), (&off, 3));
    assert_eq!(deliveries(&*store, id).await[0].state, DeliveryState::Cancelled);
    assert_eq!(store.webhooks().await.unwrap(), [changed]);
    assert_eq!(store.delete_webhook(id, 2, &by, now).await.unwrap(), Edit::Stale(3));
    done(store.delete_webhook(id, 3, &by, now).await.unwrap());
    assert_eq!(store.webhook(id).await.unwrap(), None);
    for edit in [
        store.delete_webhook(id, 4, &by, now).await,
        store.change_webhook(id, 4, &mine, &by, now).await,
        store.rotate_webhook_secret(id, 4, &secret(8), now, &by, now).await,
    ] {
        assert_eq!(edit.unwrap(), Edit::Unknown);
    }
    let acts: Vec<_> = store.audit_trail(&AuditFilter::default(), 10).await.unwrap();
    let acts: Vec<_> = acts.iter().rev().map(|row| row.entry.act.as_str()).collect();
    assert_eq!(acts, ["webhook.added", "webhook.changed", "webhook.changed", "webhook.deleted"]);
    let told = trail(&*store, Act::WebhookAdded).await[0].entry.detail.clone();
    assert_eq!((&told["to"], &told["events"][0]), (&"https://a.example".into(), &"message.flagged".into()));
    assert_eq!(fresh.number("select count(*) from webhook_endpoints where secret <> ''").await, 0);
    for n in 0..MOST_ENDPOINTS {
        endpoint(&*store, &format!("https://{n}.example/"), FLAGGED).await;
    }
    assert_eq!(store.add_webhook(&mine, &secret(7), &by, now).await.unwrap(), Edit::TooMany);
}

pub async fn two_secrets_sign_for_a_day(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = endpoint(&*store, "https://a.example/", FLAGGED).await.endpoint_id;
    flag(&*store, 0..2).await;
    let now = Utc::now() + TimeDelta::seconds(5);
    let until = now + TimeDelta::days(1);
    let by = Actor::program();
    let rotated = done(store.rotate_webhook_secret(id, 1, &secret(8), until, &by, now).await.unwrap());
    assert_eq!(rotated.generation, 2);
    let secrets = async |at| store.claim_webhooks(id, 1, Duration::ZERO, at).await.unwrap().unwrap().secrets;
    assert_eq!(secrets(now).await, [secret(8), secret(7)]);
    assert_eq!(secrets(until).await, [secret(8)]);
    done(store.rotate_webhook_secret(id, 2, &secret(9), until, &by, now).await.unwrap());
    assert_eq!(secrets(now).await, [secret(9), secret(8)], "the one before the last does not sign");
    let shown = format!("{:?}", store.claim_webhooks(id, 1, Duration::ZERO, now).await.unwrap().unwrap());
    assert!(!shown.contains("whsec_"));
}

pub async fn an_event_stays_until_it_is_delivered_and_takes_its_deliveries_along(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = endpoint(&*store, "https://a.example/", FLAGGED).await.endpoint_id;
    flag(&*store, 0..2).await;
    let rows = store.claim_outbox(10, MINUTE).await.unwrap();
    store.mark_published(&rows.iter().map(|row| row.id).collect::<Vec<_>>()).await.unwrap();
    let now = Utc::now() + TimeDelta::seconds(5);
    let claimed = store.claim_webhooks(id, 1, MINUTE, now).await.unwrap().unwrap();
    let delivery = &claimed.deliveries[0];
    store.finish_webhook(delivery.delivery_id, &attempt(1, now, None), Next::Delivered, now).await.unwrap();
    let end = "2100-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(store.purge_published(end).await.unwrap(), 1);
    let left = deliveries(&*store, id).await;
    assert_eq!(left.iter().map(|delivery| delivery.state).collect::<Vec<_>>(), [DeliveryState::Pending]);
    assert_eq!(fresh.number("select count(*) from webhook_attempts").await, 0);
    let claimed = store.claim_webhooks(id, 8, MINUTE, now).await.unwrap().unwrap();
    assert!(claimed.deliveries[0].body.is_some(), "its body is still there");
}

pub async fn what_waits_for_days_is_given_up(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = endpoint(&*store, "https://a.example/", FLAGGED).await.endpoint_id;
    flag(&*store, 0..1).await;
    let now = Utc::now();
    store.test_webhook(id, "msg_test", &Actor::program(), now).await.unwrap();
    let sweep = async |keep_from, at| store.sweep_webhooks(keep_from, at).await.unwrap();
    assert_eq!(sweep(now - TimeDelta::days(1), now + TimeDelta::days(4)).await, Swept::default());
    let late = now + TimeDelta::days(6);
    assert_eq!(sweep(now - TimeDelta::days(1), late).await, Swept { given_up: 2, deleted: 0 });
    assert!(deliveries(&*store, id).await.iter().all(|delivery| delivery.state == DeliveryState::Failed));
    assert_eq!(sweep(now + TimeDelta::seconds(1), late).await, Swept { given_up: 0, deleted: 1 });
    assert_eq!(events(&deliveries(&*store, id).await), BTreeSet::from(["message.flagged"]));
}

pub async fn what_was_done_with_is_sent_again(fresh: Fresh) {
    let store = fresh.migrated().await;
    let by = Actor { account_id: None, name: "root".into(), way: Way::Session };
    let id = endpoint(&*store, "https://a.example/", FLAGGED).await.endpoint_id;
    flag(&*store, 0..1).await;
    let now = Utc::now() + TimeDelta::seconds(5);
    let delivery = deliveries(&*store, id).await.remove(0);
    assert_eq!(store.send_webhook_again(delivery.delivery_id, &by, now).await.unwrap(), Again::Pending);
    assert_eq!(store.send_webhook_again(999, &by, now).await.unwrap(), Again::Unknown);
    let first = store.claim_webhooks(id, 8, MINUTE, now).await.unwrap().unwrap();
    let bad = attempt(1, now, Some(Failure::Status));
    store.finish_webhook(delivery.delivery_id, &bad, Next::Failed, now).await.unwrap();
    // The same identifier and body, and as many attempts as at the beginning.
    assert!(matches!(
        store.send_webhook_again(delivery.delivery_id, &by, now).await.unwrap(),
        Again::Done(_)
    ));
    let second = store.claim_webhooks(id, 8, MINUTE, now).await.unwrap().unwrap();
    let (first, second) = (&first.deliveries[0], &second.deliveries[0]);
    assert_eq!((&first.webhook_id, &first.body), (&second.webhook_id, &second.body));
    assert_eq!((second.failures, second.claim), (0, 2));
    store.finish_webhook(delivery.delivery_id, &attempt(2, now, None), Next::Delivered, now).await.unwrap();
    assert_eq!(deliveries(&*store, id).await[0].attempts.len(), 2);
    let line = trail(&*store, Act::WebhookSentAgain).await;
    assert_eq!((line.len(), line[0].entry.actor.name.as_str()), (1, "root"));
    let off = EndpointWish { active: false, ..wish("https://a.example/", FLAGGED) };
    done(store.change_webhook(id, 1, &off, &by, now).await.unwrap());
    assert_eq!(store.send_webhook_again(delivery.delivery_id, &by, now).await.unwrap(), Again::Inactive);
    assert_eq!(store.test_webhook(id, "msg_t", &by, now).await.unwrap(), Again::Inactive);
    assert_eq!(store.test_webhook(999, "msg_t", &by, now).await.unwrap(), Again::Unknown);
}

/// Whatever writes an event writes its deliveries in the same statement, or calls what does.
#[test]
fn no_statement_writes_an_event_without_its_deliveries() {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut found = 0;
    let mut folders = vec![sources];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            // On SQLite the statement after it does (`insert_deliveries.sql`), in the one function that writes events.
            if text.contains("insert into outbox") && !path.ends_with("sqlite/insert_event.sql") {
                found += 1;
                assert!(text.contains("insert into webhook_deliveries"), "{}", path.display());
            }
        }
    }
    assert_eq!(found, 2);
}
