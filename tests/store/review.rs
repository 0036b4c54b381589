//! The review of alerts: claims, decisions, undo, what is done with messages, and what reviewers see.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use mimamori::access::{Actor, Way};
use mimamori::contract::*;
use mimamori::moderation::{risk, text_key};
use mimamori::store::review::*;
use mimamori::store::*;
use rand::prelude::*;
use rand::rngs::StdRng;

use crate::support::database::Fresh;
use crate::support::values::*;

const NONE: [i64; 0] = [];
const LEASE: TimeDelta = TimeDelta::seconds(100);

pub fn reviewer(name: &str) -> Actor {
    Actor { account_id: None, name: name.into(), way: Way::Session }
}

fn listing(view: View, second: i64) -> Listing {
    Listing {
        view,
        policy: None,
        sources: None,
        mine: None,
        from: None,
        direction: Direction::Forward,
        limit: 1000,
        at: at(second),
    }
}

fn ruled(alert_id: i64, generation: u32, by: &str, ruling: Ruling, second: i64) -> Order {
    Order {
        alert_id,
        generation,
        by: reviewer(by),
        reach: Reach::Usual,
        saying: Saying::Ruled { ruling, policy: None, subtype: Some("contact".into()) },
        note: None,
        alike_up_to: None,
        at: at(second),
    }
}

/// One alert for each of these texts, a second apart, all with the same score.
async fn flagged_texts(store: &dyn Store, texts: &[&str]) -> Vec<i64> {
    let mut messages = Vec::new();
    let mut decisions = Vec::new();
    for (n, text) in (0_i64..).zip(texts) {
        let mut message = message(&format!("m-{n}"), &format!("t-{n}"), n);
        message.text = (*text).into();
        let mut decision = flagged(&message, n);
        decision.alerts[0].text_key = text_key(text, true, &message.transaction_id);
        messages.push(message);
        decisions.push(decision);
    }
    store.receive_messages(&messages, 0).await.unwrap();
    store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
    let rows = store.review_queue(&listing(View::Open, 0)).await.unwrap();
    rows.iter().map(|row| row.alert.alert_id).collect()
}

async fn told(store: &dyn Store) -> Vec<String> {
    let rows = store.claim_outbox(1000, Duration::from_secs(60)).await.unwrap();
    let reviews =
        |row: OutboxRow| (!row.outgoing.id.starts_with("message.flagged")).then_some(row.outgoing.id);
    rows.into_iter().filter_map(reviews).collect()
}

async fn file(store: &dyn Store, alert: i64) -> AlertFile {
    store.alert_file(alert, 20).await.unwrap().unwrap()
}

pub async fn an_alert_is_claimed_by_one_and_the_lease_runs_out(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = flagged_texts(&*store, &["one text of its own"]).await[0];
    let claim =
        async |by: &str, second| store.claim_alert(id, by, Reach::Usual, LEASE, at(second)).await.unwrap();
    let first = claim("aki", 0).await.unwrap();
    assert_eq!((first.until, first.generation), (at(100), 1));
    assert_eq!(claim("ben", 99).await, Err(Refused::Held(first.clone())));
    assert_eq!(claim("aki", 50).await.unwrap().generation, 1, "one's own claim is renewed");
    assert_eq!(store.renew_claim(id, "aki", Reach::Usual, 1, at(300)).await.unwrap().unwrap().until, at(300));
    assert!(matches!(claim("ben", 299).await, Err(Refused::Held(_))));

    // Over at that very moment; the one who had it learns who has it now.
    let second = claim("ben", 300).await.unwrap();
    assert_eq!(second.generation, 2);
    let late = store.decide_alert(&ruled(id, 1, "aki", Ruling::Violation, 301)).await.unwrap();
    assert_eq!(late, Err(Refused::Held(second.clone())));
    assert_eq!(
        store.renew_claim(id, "aki", Reach::Usual, 1, at(900)).await.unwrap(),
        Err(Refused::Held(second))
    );
    assert!(!store.release_claim(id, "aki", 1, at(302)).await.unwrap());
    let stale = store.decide_alert(&ruled(id, 1, "ben", Ruling::Violation, 303)).await.unwrap();
    assert_eq!(stale, Err(Refused::NotHeld), "one's own older claim");

    assert!(store.release_claim(id, "ben", 2, at(310)).await.unwrap());
    let late = store.decide_alert(&ruled(id, 2, "ben", Ruling::Violation, 311)).await.unwrap();
    assert_eq!(late, Err(Refused::NotHeld));
    let third = claim("aki", 320).await.unwrap();
    assert_eq!(third.generation, 3);
    // A claim that is over, but that nobody took, still counts.
    let done = store.decide_alert(&ruled(id, 3, "aki", Ruling::NotViolation, 1000)).await.unwrap();
    assert_eq!(done, Ok(Done { alert_id: id, count: 1 }));
    let refused = claim("ben", 1001).await.unwrap_err();
    let expected = Refused::Decided { by: "aki".into(), ruling: Ruling::NotViolation, at: at(1000) };
    assert_eq!(refused, expected);
    assert_eq!(
        store.claim_alert(999, "aki", Reach::Usual, LEASE, at(0)).await.unwrap(),
        Err(Refused::Unknown)
    );
    let acts: Vec<_> =
        file(&*store, id).await.trail.into_iter().map(|line| (line.reviewer, line.act)).collect();
    let acts: Vec<_> = acts.iter().map(|(who, act)| (who.as_str(), act.as_str())).collect();
    let expected =
        [("aki", "claimed"), ("ben", "claimed"), ("ben", "released"), ("aki", "claimed"), ("aki", "decided")];
    assert_eq!(acts, expected);
    assert_eq!(told(&*store).await, [format!("alert.reviewed.4:{id}")]);
}

pub async fn the_queue_is_ordered_by_risk_and_age_and_the_clock_changes_nothing(fresh: Fresh) {
    let store = fresh.migrated().await;
    // Score, hours after the first one, severity.
    let cases = [(0.6, 0, 0.0), (0.95, 3, 0.0), (0.6, 1, 0.7), (0.95, 1, 0.0), (0.6, 9, 0.0)];
    for (n, (score, hours, severity)) in (0_i64..).zip(cases) {
        let message = message(&format!("m-{n}"), "t-1", n);
        let mut decision = flagged(&message, hours * 3600);
        decision.alerts[0].score = score;
        decision.alerts[0].risk = risk(score, severity);
        store.receive_messages(&[message], 0).await.unwrap();
        let batch = ModerationBatch { decisions: vec![decision], dead_letters: vec![] };
        store.commit_moderation(&batch).await.unwrap();
    }
    let order = async |second| {
        let rows = store.review_queue(&listing(View::Open, second)).await.unwrap();
        rows.into_iter().map(|row| row.alert.message_id.to_string()).collect::<Vec<_>>()
    };
    // A unit of log-odds is worth two hours: 0.95 is 2.54 units and so 5.1 hours before 0.6, and a severity of 0.7 is 1.4 hours.
    let expected = ["m-3", "m-1", "m-2", "m-0", "m-4"];
    assert_eq!(order(0).await, expected);
    assert_eq!(order(1_000_000).await, expected);
}

pub async fn cursors_hold_while_alerts_come_and_go(fresh: Fresh) {
    let store = fresh.migrated().await;
    let texts: Vec<String> = (0..30).map(|n| format!("a text of its own, number {n}")).collect();
    let ids = flagged_texts(&*store, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let page = async |from| {
        let wanted = Listing { from, limit: 10, ..listing(View::Open, 0) };
        store.review_queue(&wanted).await.unwrap()
    };
    let first = page(None).await;
    // More urgent than all, and in the middle of the first page; one of the first page goes.
    for (n, second) in [(100_i64, -50_000), (101, 4)] {
        let message = message(&format!("m-{n}"), "t-9", n);
        store.receive_messages(std::slice::from_ref(&message), 0).await.unwrap();
        let batch = ModerationBatch { decisions: vec![flagged(&message, second)], dead_letters: vec![] };
        store.commit_moderation(&batch).await.unwrap();
    }
    let claim = store.claim_alert(ids[3], "aki", Reach::Usual, LEASE, at(0)).await.unwrap().unwrap();
    store.decide_alert(&ruled(ids[3], claim.generation, "aki", Ruling::Violation, 1)).await.unwrap().unwrap();
    let mut seen: Vec<i64> = first.iter().map(|row| row.alert.alert_id).collect();
    let mut cursor = first.last().map(|row| row.cursor(View::Open));
    while let Some(from) = cursor {
        let rows = page(Some(from)).await;
        seen.extend(rows.iter().map(|row| row.alert.alert_id));
        cursor = rows.last().map(|row| row.cursor(View::Open));
    }
    assert_eq!(seen, ids, "each once, in order");
    let wanted = Listing {
        from: Some(first[9].cursor(View::Open)),
        direction: Direction::Backward,
        limit: 3,
        ..listing(View::Open, 0)
    };
    let back: Vec<i64> =
        store.review_queue(&wanted).await.unwrap().iter().map(|row| row.alert.alert_id).collect();
    assert_eq!(back, [ids[8], ids[7], ids[6]]);
}

pub async fn filters_and_views_show_what_they_say(fresh: Fresh) {
    let store = fresh.migrated().await;
    let ids = flagged_texts(&*store, &["first text of all", "second text of all", "third text of all"]).await;
    let shown = async |wanted: Listing| {
        let rows = store.review_queue(&wanted).await.unwrap();
        rows.into_iter().map(|row| row.alert.alert_id).collect::<Vec<_>>()
    };
    let claim = store.claim_alert(ids[0], "aki", Reach::Usual, LEASE, at(0)).await.unwrap().unwrap();
    store.claim_alert(ids[1], "ben", Reach::Usual, LEASE, at(10)).await.unwrap().unwrap();
    assert_eq!(shown(listing(View::Claimed, 20)).await, ids[..2]);
    let mine = |by: &str| Some(by.to_owned());
    assert_eq!(shown(Listing { mine: mine("ben"), ..listing(View::Claimed, 20) }).await, [ids[1]]);
    assert_eq!(shown(listing(View::Claimed, 105)).await, [ids[1]], "the other one is over");
    store.decide_alert(&ruled(ids[0], claim.generation, "aki", Ruling::Unsure, 30)).await.unwrap().unwrap();
    assert_eq!(shown(listing(View::Open, 40)).await, ids[1..]);
    assert_eq!(shown(listing(View::Decided, 40)).await, [ids[0]]);
    assert_eq!(shown(Listing { mine: mine("ben"), ..listing(View::Decided, 40) }).await, NONE);
    assert_eq!(shown(Listing { mine: mine("aki"), ..listing(View::Decided, 40) }).await, [ids[0]]);
    let policy = |name: &str| Listing { policy: Some(Policy::new(name)), ..listing(View::Open, 40) };
    assert_eq!(shown(policy("harassment")).await, NONE);
    assert_eq!(shown(policy("external_induction")).await, ids[1..]);
    let sources = |sources| Listing { sources: Some(sources), ..policy("external_induction") };
    assert_eq!(shown(sources(AlertSources::Rule)).await, NONE);
    assert_eq!(shown(sources(AlertSources::RuleAndModel)).await, ids[1..]);
    let counts = store.review_counts(10, at(40)).await.unwrap();
    assert_eq!(counts, ReviewCounts { open: 2, claimed: 1, escalated: 0, decided: 1 });
    assert_eq!(store.review_counts(1, at(40)).await.unwrap().open, 1, "up to the bound");

    // The next one that nobody has, from a place on.
    let next = store.claim_next(&listing(View::Open, 40), "cho", LEASE, at(40)).await.unwrap().unwrap();
    assert_eq!(next.0, ids[2]);
    assert_eq!(store.claim_next(&listing(View::Open, 41), "dai", LEASE, at(41)).await.unwrap(), None);
    assert_eq!(store.claim_next(&policy("harassment"), "dai", LEASE, at(900)).await.unwrap(), None);
    let again = store.claim_next(&listing(View::Open, 900), "dai", LEASE, at(900)).await.unwrap().unwrap();
    assert_eq!((again.0, again.1.generation), (ids[1], 2));
}

pub async fn a_decision_is_undone_by_who_made_it_in_time(fresh: Fresh) {
    let store = fresh.migrated().await;
    let ids = flagged_texts(&*store, &["first text of all", "second text of all"]).await;
    let undo =
        async |by: &str, since| store.undo_decision(&reviewer(by), at(since), LEASE, at(60)).await.unwrap();
    assert_eq!(undo("aki", 0).await, Err(Refused::NothingToUndo));
    for (id, second) in [(ids[0], 10), (ids[1], 20)] {
        let claim = store.claim_alert(id, "aki", Reach::Usual, LEASE, at(second)).await.unwrap().unwrap();
        let order = Order {
            note: Some("ひみつ".into()),
            ..ruled(id, claim.generation, "aki", Ruling::Violation, second)
        };
        store.decide_alert(&order).await.unwrap().unwrap();
    }
    let decided = file(&*store, ids[1]).await.row.decided.unwrap();
    assert_eq!((decided.policy, decided.subtype.as_deref()), (Some(induction()), Some("contact")));
    assert_eq!(undo("ben", 0).await, Err(Refused::NothingToUndo), "only one's own");
    assert_eq!(undo("aki", 21).await, Err(Refused::TooLate));
    assert_eq!(undo("aki", 20).await, Ok(Done { alert_id: ids[1], count: 1 }));
    let row = file(&*store, ids[1]).await.row;
    assert_eq!((row.state, row.decided.clone()), (AlertState::Open, None));
    assert_eq!(row.holder(at(61)).map(|claim| (claim.by.as_str(), claim.generation)), Some(("aki", 3)));
    assert_eq!(undo("aki", 0).await, Err(Refused::NothingToUndo), "the last one only");
    assert_eq!(file(&*store, ids[0]).await.row.state, AlertState::Decided);
    // Decided again, on the claim that came back.
    store.decide_alert(&ruled(ids[1], 3, "aki", Ruling::NotViolation, 70)).await.unwrap().unwrap();
    assert_eq!(undo("aki", 0).await.unwrap().alert_id, ids[1]);
    let (a, b) = (ids[0], ids[1]);
    let events = [
        format!("alert.reviewed.2:{a}"),
        format!("alert.reviewed.2:{b}"),
        format!("alert.reviewed.3:{b}"),
        format!("alert.reviewed.4:{b}"),
        format!("alert.reviewed.5:{b}"),
    ];
    assert_eq!(told(&*store).await, events);
    let lines = fresh
        .number("select count(*) from audit_trail where act in ('alert.reviewed', 'alert.review_undone')")
        .await;
    assert_eq!(lines, 5);
    assert_eq!(fresh.number("select count(*) from audit_trail where actor <> 'aki'").await, 0);
}

pub async fn an_escalated_alert_waits_for_another_and_is_not_taken_back_from_them(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = flagged_texts(&*store, &["a text that is hard to tell"]).await[0];
    let escalate = async |second| {
        let claim = store.claim_alert(id, "aki", Reach::Usual, LEASE, at(second)).await.unwrap().unwrap();
        let order =
            Order { saying: Saying::Escalated, ..ruled(id, claim.generation, "aki", Ruling::Unsure, second) };
        store.decide_alert(&order).await.unwrap().unwrap()
    };
    escalate(0).await;
    assert!(store.review_queue(&listing(View::Open, 1)).await.unwrap().is_empty());
    assert_eq!(store.review_queue(&listing(View::Escalated, 1)).await.unwrap().len(), 1);
    store.undo_decision(&reviewer("aki"), at(0), LEASE, at(5)).await.unwrap().unwrap();
    assert_eq!(file(&*store, id).await.row.state, AlertState::Open);
    escalate(10).await;
    let next = store.claim_next(&listing(View::Escalated, 20), "lead", LEASE, at(20)).await.unwrap().unwrap();
    let undone = store.undo_decision(&reviewer("aki"), at(0), LEASE, at(21)).await.unwrap();
    assert_eq!(undone, Err(Refused::Changed));
    // Whoever does not reach it changes nothing, also who has it.
    let generation = next.1.generation;
    let by = reviewer("lead");
    let claimed = store.claim_alert(id, "lead", Reach::Usual, LEASE, at(22)).await.unwrap();
    let renewed = store.renew_claim(id, "lead", Reach::Usual, generation, at(500)).await.unwrap();
    assert_eq!((claimed, renewed), (Err(Refused::Escalated), Err(Refused::Escalated)));
    let order = ruled(id, generation, "lead", Ruling::Violation, 30);
    assert_eq!(store.decide_alert(&order).await.unwrap(), Err(Refused::Escalated));
    let hidden = store.set_hidden(id, true, &by, Reach::Usual, at(23)).await.unwrap();
    let warned = store.warn_sender(id, Language::En, told_about, &by, Reach::Usual, at(23)).await.unwrap();
    assert_eq!((hidden, warned), (Err(Refused::Escalated), Err(Refused::Escalated)));
    store.decide_alert(&Order { reach: Reach::Escalated, ..order }).await.unwrap().unwrap();
    store.undo_decision(&reviewer("lead"), at(0), LEASE, at(31)).await.unwrap().unwrap();
    assert_eq!(file(&*store, id).await.row.state, AlertState::Escalated, "where it stood before");
}

pub async fn identical_texts_are_decided_and_undone_together(fresh: Fresh) {
    let store = fresh.migrated().await;
    let same = "LINEで話しましょう";
    let texts = [same, "ＬＩＮＥで 話しましょう", same, "something else entirely", same];
    let ids = flagged_texts(&*store, &texts).await;
    let claim = store.claim_alert(ids[0], "aki", Reach::Usual, LEASE, at(0)).await.unwrap().unwrap();
    let alike = file(&*store, ids[0]).await.alike;
    assert_eq!((alike.count, alike.up_to), (3, ids[4]));
    assert_eq!(file(&*store, ids[3]).await.alike, Alike::default());
    // Somebody else reads one of them, and another one comes in after the count.
    store.claim_alert(ids[2], "ben", Reach::Usual, LEASE, at(0)).await.unwrap().unwrap();
    let mut later = message("m-9", "t-9", 9);
    later.text = same.into();
    store.receive_messages(std::slice::from_ref(&later), 0).await.unwrap();
    let batch = ModerationBatch { decisions: vec![flagged(&later, 9)], dead_letters: vec![] };
    store.commit_moderation(&batch).await.unwrap();

    let order = Order {
        alike_up_to: Some(alike.up_to),
        ..ruled(ids[0], claim.generation, "aki", Ruling::Violation, 10)
    };
    assert_eq!(store.decide_alert(&order).await.unwrap(), Ok(Done { alert_id: ids[0], count: 3 }));
    let left = store.review_queue(&listing(View::Open, 20)).await.unwrap();
    let left: Vec<&str> = left.iter().map(|row| row.alert.message_id.as_str()).collect();
    assert_eq!(left, ["m-2", "m-3", "m-9"]);
    let trail = file(&*store, ids[4]).await.trail;
    let batch = format!("{}.2", ids[0]);
    assert_eq!((trail[0].act.as_str(), trail[0].batch.as_deref()), ("decided", Some(batch.as_str())));
    assert_eq!(told(&*store).await.len(), 3);
    let audited = "select count(*) from audit_trail where act = 'alert.reviewed'";
    assert_eq!(fresh.number(audited).await, 3);

    let undone = store.undo_decision(&reviewer("aki"), at(0), LEASE, at(30)).await.unwrap();
    assert_eq!(undone, Ok(Done { alert_id: ids[0], count: 3 }));
    assert_eq!(store.review_queue(&listing(View::Open, 40)).await.unwrap().len(), 6);
    assert!(file(&*store, ids[4]).await.row.holder(at(40)).is_none(), "only the one on the page comes back");
}

pub async fn messages_are_hidden_and_senders_warned_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = flagged_texts(&*store, &["a text to be hidden"]).await[0];
    let by = reviewer("aki");
    let hide = async |hidden, second| {
        store.set_hidden(id, hidden, &by, Reach::Usual, at(second)).await.unwrap().unwrap()
    };
    assert!(!hide(false, 0).await, "it is shown already");
    assert!(hide(true, 1).await && !hide(true, 2).await);
    assert!(file(&*store, id).await.conversation[0].hidden);
    assert!(hide(false, 3).await && hide(true, 4).await);
    let warn = async || {
        store.warn_sender(id, Language::Ja, told_about, &by, Reach::Usual, at(5)).await.unwrap().unwrap()
    };
    assert!(warn().await && !warn().await);
    store.claim_alert(id, "ben", Reach::Usual, LEASE, at(6)).await.unwrap().unwrap();
    let refused = store.set_hidden(id, false, &by, Reach::Usual, at(7)).await.unwrap();
    assert!(matches!(refused, Err(Refused::Held(_))), "somebody else works on it");
    let events = ["message.hidden.1:m-0", "message.restored.2:m-0", "message.hidden.3:m-0"];
    let mut events: Vec<String> = events.map(str::to_owned).to_vec();
    events.push(format!("sender.warned:{id}"));
    assert_eq!(told(&*store).await, events);
    let row = store.claim_outbox(1000, Duration::from_secs(60)).await.unwrap();
    assert!(row.is_empty());
    assert_eq!(fresh.number("select count(*) from audit_trail where act = 'sender.warned'").await, 1);
}

fn told_about(policy: &Policy, _: Language) -> &'static str {
    if policy.as_str() == "harassment" { "Be kind." } else { "Stay here." }
}

pub async fn senders_are_warned_for_what_was_ruled_and_not_for_what_is_none(fresh: Fresh) {
    let store = fresh.migrated().await;
    let ids = flagged_texts(&*store, &["first text of all", "second text of all", "third text of all"]).await;
    let policies = [None, Some(Policy::new("harassment"))];
    for (id, policy) in ids.iter().zip(policies) {
        let claim = store.claim_alert(*id, "aki", Reach::Usual, LEASE, at(0)).await.unwrap().unwrap();
        let mut order = ruled(*id, claim.generation, "aki", Ruling::NotViolation, 1);
        if policy.is_some() {
            order.saying = Saying::Ruled { ruling: Ruling::Violation, policy, subtype: None };
        }
        store.decide_alert(&order).await.unwrap().unwrap();
    }
    let by = reviewer("aki");
    let warn =
        async |id| store.warn_sender(id, Language::En, told_about, &by, Reach::Usual, at(2)).await.unwrap();
    let cleared = Refused::Decided { by: "aki".into(), ruling: Ruling::NotViolation, at: at(1) };
    assert_eq!(warn(ids[0]).await, Err(cleared));
    assert_eq!((warn(ids[1]).await, warn(ids[2]).await), (Ok(true), Ok(true)));
    let rows = store.claim_outbox(1000, Duration::from_secs(60)).await.unwrap();
    let warned: Vec<(i64, String, String)> = rows
        .iter()
        .filter(|row| row.outgoing.id.starts_with("sender.warned"))
        .map(|row| serde_json::from_slice::<SenderWarning>(&row.outgoing.body).unwrap())
        .map(|warning| (warning.alert_id, warning.policy.to_string(), warning.text))
        .collect();
    let expected = [(ids[1], "harassment", "Be kind."), (ids[2], "external_induction", "Stay here.")];
    assert_eq!(warned, expected.map(|(id, policy, text)| (id, policy.to_owned(), text.to_owned())));
}

pub async fn a_verdict_that_hides_is_hidden_until_it_is_restored(fresh: Fresh) {
    let store = fresh.migrated().await;
    let message = message("m-1", "t-1", 0);
    let mut decision = flagged(&message, 0);
    decision.verdict.action = Action::Hide;
    decision.alerts[0].action = Action::Hide;
    store.receive_messages(std::slice::from_ref(&message), 0).await.unwrap();
    store
        .commit_moderation(&ModerationBatch { decisions: vec![decision], dead_letters: vec![] })
        .await
        .unwrap();
    let id = store.review_queue(&listing(View::Open, 0)).await.unwrap()[0].alert.alert_id;
    assert!(file(&*store, id).await.conversation[0].hidden);
    assert!(!store.set_hidden(id, true, &reviewer("aki"), Reach::Usual, at(1)).await.unwrap().unwrap());
    assert!(store.set_hidden(id, false, &reviewer("aki"), Reach::Usual, at(2)).await.unwrap().unwrap());
    assert!(!file(&*store, id).await.conversation[0].hidden);
}

pub async fn a_file_holds_the_conversation_and_the_sender_s_earlier_findings(fresh: Fresh) {
    let store = fresh.migrated().await;
    let messages: Vec<_> = (0..9).map(|n| message(&format!("m-{n}"), "t-1", n)).collect();
    store.receive_messages(&messages, 0).await.unwrap();
    let decisions = (0..9).map(|n| {
        if n == 4 || n == 8 { flagged(&messages[n], n as i64) } else { cleared(&messages[n], n as i64) }
    });
    let decisions = decisions.collect();
    store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
    let ids: Vec<i64> = store
        .review_queue(&listing(View::Open, 0))
        .await
        .unwrap()
        .iter()
        .map(|row| row.alert.alert_id)
        .collect();
    let found = store.alert_file(ids[0], 2).await.unwrap().unwrap();
    let said: Vec<&str> = found.conversation.iter().map(|message| message.message_id.as_str()).collect();
    assert_eq!(said, ["m-2", "m-3", "m-4", "m-5", "m-6"]);
    assert!(found.more_before && found.more_after);
    assert_eq!(found.conversation[2].labels.len(), 2);
    assert_eq!(found.of_sender.iter().map(|row| row.alert.message_id.as_str()).collect::<Vec<_>>(), ["m-8"]);
    let whole = store.alert_file(ids[0], 20).await.unwrap().unwrap();
    assert_eq!((whole.conversation.len(), whole.more_before, whole.more_after), (9, false, false));
    assert_eq!(store.alert_file(12345, 2).await.unwrap(), None);
}

pub async fn decisions_become_figures_and_labels(fresh: Fresh) {
    let store = fresh.migrated().await;
    let texts = ["first text of all", "second text of all", "third text of all", "fourth text of all"];
    let ids = flagged_texts(&*store, &texts).await;
    let rulings = [Ruling::Violation, Ruling::NotViolation, Ruling::Unsure, Ruling::Violation];
    for (n, (id, ruling)) in ids.iter().zip(rulings).enumerate() {
        let claim = store.claim_alert(*id, "aki", Reach::Usual, LEASE, at(0)).await.unwrap().unwrap();
        let mut order = ruled(*id, claim.generation, "aki", ruling, 10 + n as i64);
        if n == 3 {
            // A violation, but of another policy: the source was wrong.
            let policy = Some(Policy::new("harassment"));
            order.saying = Saying::Ruled { ruling, policy, subtype: None };
        }
        store.decide_alert(&order).await.unwrap().unwrap();
    }
    let figures = store.review_figures(at(0)).await.unwrap();
    let counted: Vec<_> =
        figures.iter().map(|f| (f.source.as_str(), f.violations, f.others, f.unsure)).collect();
    let expected = [
        ("model:external_induction@1", 1, 2, 1),
        ("rule+model", 1, 2, 1),
        ("rule:external_induction/line_id", 1, 2, 1),
    ];
    assert_eq!(BTreeSet::from_iter(counted), BTreeSet::from(expected));
    assert!(store.review_figures(at(100)).await.unwrap().is_empty());

    let period = at(0)..at(100);
    let first = store.reviewed_transactions(period.clone(), None, 3).await.unwrap();
    assert_eq!(first.iter().map(TransactionId::as_str).collect::<Vec<_>>(), ["t-0", "t-1", "t-2"]);
    let rest = store.reviewed_transactions(period, first.last(), 3).await.unwrap();
    assert_eq!(rest.len(), 1);
    let reviewed = store.reviewed_messages(&first[0], 10).await.unwrap();
    let (policy, decided) = &reviewed[0].alerts[0];
    assert_eq!((policy, decided.as_ref().unwrap().ruling), (&induction(), Ruling::Violation));
    assert_eq!((reviewed[0].language, reviewed.len()), (Some(Language::Ja), 1));
}

pub async fn an_alert_that_was_cleared_counts_no_more_for_inquiries(fresh: Fresh) {
    let store = fresh.migrated().await;
    let ids = flagged_texts(&*store, &["first text of all", "second text of all", "third text of all"]).await;
    for (id, ruling) in ids.iter().zip([Ruling::NotViolation, Ruling::Violation, Ruling::Unsure]) {
        let claim = store.claim_alert(*id, "aki", Reach::Usual, LEASE, at(0)).await.unwrap().unwrap();
        store.decide_alert(&ruled(*id, claim.generation, "aki", ruling, 1)).await.unwrap().unwrap();
    }
    let asked: Vec<_> = (0..3).map(|n| TransactionId::new(format!("t-{n}")).unwrap()).collect();
    let alerted = store.alerted_transactions(&asked).await.unwrap();
    assert_eq!(alerted.iter().map(TransactionId::as_str).collect::<Vec<_>>(), ["t-1", "t-2"]);
}

/// Reviewers who claim, decide, leave, escalate, are late and undo, all at once: each alert is decided by exactly one, none is lost.
pub async fn ten_reviewers_decide_each_alert_once(fresh: Fresh) {
    const ALERTS: usize = 100;
    const REVIEWERS: u64 = 10;
    const SEED: u64 = 20_261_122;
    let store = fresh.migrated().await;
    let stores = [store.clone(), fresh.open().await];
    // Every fifth text is the same, so that bulk decisions meet single ones.
    let texts: Vec<String> = (0..ALERTS)
        .map(|n| if n % 5 == 0 { "LINEで話しましょう".into() } else { format!("a text of its own, {n}") })
        .collect();
    flagged_texts(&*store, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let clock = Arc::new(std::sync::atomic::AtomicI64::new(1000));
    let reviewers = (0..REVIEWERS).map(|number| {
        let (store, clock) = (stores[(number % 2) as usize].clone(), clock.clone());
        tokio::spawn(async move { review(&*store, number, SEED, &clock).await })
    });
    let counts: Vec<i64> = join_all(reviewers).await.into_iter().map(Result::unwrap).collect();

    let left = store.review_counts(1000, at(1_000_000)).await.unwrap();
    assert_eq!((left.open, left.escalated, left.decided), (0, 0, ALERTS as u32), "none is lost");
    assert_eq!(counts.iter().sum::<i64>(), ALERTS as i64, "what was told as done is what is decided");
    // Every alert: one decision more than were taken back, never two in a row.
    let twice = "select count(*) from (
        select alert_id, sum(case act when 'decided' then 1 else -1 end) as net
        from (
            select alert_id, act from alert_trail where act = 'decided'
            union all
            select u.alert_id, 'undone' from alert_trail u where u.act = 'undone' and u.state_before = 'decided'
        ) acts
        group by alert_id
    ) sums where net <> 1";
    assert_eq!(fresh.number(twice).await, 0);
    let repeated = "select count(*) from (
        select alert_id, generation from alert_trail where act in ('claimed', 'decided', 'escalated', 'undone')
        group by alert_id, generation having count(*) > 1
    ) same";
    assert_eq!(fresh.number(repeated).await, 0, "every change has a generation of its own");
    let reviews = fresh
        .number("select count(*) from alert_trail where act in ('decided', 'escalated', 'undone')")
        .await;
    let events = fresh.number("select count(*) from outbox where target_name = 'alert.reviewed'").await;
    assert_eq!(events, reviews, "each is told");
}

/// How many alerts the reviewer has decided for good.
async fn review(store: &dyn Store, number: u64, seed: u64, clock: &std::sync::atomic::AtomicI64) -> i64 {
    let mut random = StdRng::seed_from_u64(seed + number);
    let name = format!("r-{number}");
    let now = || at(clock.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    let mut decided = 0;
    let mut idle = 0;
    while idle < 3 {
        let moment = now();
        let view = if random.random_bool(0.3) { View::Escalated } else { View::Open };
        let wanted = Listing { at: moment, ..listing(view, 0) };
        // A short lease, so that many run out under those who dawdle.
        let lease = TimeDelta::seconds(random.random_range(1..40));
        let Some((alert, claim)) = store.claim_next(&wanted, &name, lease, moment).await.unwrap() else {
            let counts = store.review_counts(1000, now()).await.unwrap();
            idle += i64::from(counts.open + counts.escalated == 0);
            // The clock of the test goes on only when somebody looks at it: leases end.
            clock.fetch_add(5, std::sync::atomic::Ordering::Relaxed);
            tokio::task::yield_now().await;
            continue;
        };
        let moment = now();
        match random.random_range(0..10) {
            0 => _ = store.release_claim(alert, &name, claim.generation, moment).await.unwrap(),
            // Walks away.
            1 => {}
            choice => {
                let escalates = choice == 2 && view == View::Open;
                let ruling = *Ruling::ALL.choose(&mut random).unwrap();
                let saying = if escalates {
                    Saying::Escalated
                } else {
                    Saying::Ruled { ruling, policy: None, subtype: None }
                };
                let alike_up_to = if random.random_bool(0.3) {
                    Some(store.alert_file(alert, 1).await.unwrap().unwrap().alike.up_to)
                } else {
                    None
                };
                let order = Order {
                    alert_id: alert,
                    generation: claim.generation,
                    by: reviewer(&name),
                    reach: Reach::Escalated,
                    saying,
                    note: None,
                    alike_up_to,
                    at: moment,
                };
                let Ok(done) = store.decide_alert(&order).await.unwrap() else { continue };
                let gain = if escalates { 0 } else { i64::from(done.count) };
                decided += gain;
                if random.random_bool(0.2) {
                    let undone = store.undo_decision(&reviewer(&name), at(0), lease, now()).await.unwrap();
                    if let Ok(undone) = undone {
                        assert_eq!(undone.count, done.count, "as one");
                        decided -= gain;
                    }
                }
            }
        }
    }
    decided
}

/// `at` of the tests is far from the present: times of decisions come back as they went in.
pub async fn times_come_back_as_they_went_in(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = flagged_texts(&*store, &["a text of its own"]).await[0];
    let claim = store.claim_alert(id, "aki", Reach::Usual, LEASE, at(7)).await.unwrap().unwrap();
    store.decide_alert(&ruled(id, claim.generation, "aki", Ruling::Violation, 8)).await.unwrap().unwrap();
    let row = file(&*store, id).await.row;
    let times: [DateTime<Utc>; 2] = [row.decided.as_ref().unwrap().at, row.cursor(View::Decided).time];
    assert_eq!(times, [at(8), at(8)]);
    assert_eq!(row.queue_time, queue_time(row.alert.created_at, risk(0.98, 0.0)));
}

/// Queue pages with 200,000 alerts, a measurement: `cargo test --release --test store queue_pages -- --ignored --nocapture`.
pub async fn queue_pages(fresh: Fresh) {
    const ALERTS: u32 = 200_000;
    const TIMES: usize = 20;
    let mimamori::config::Database::Postgres(url) = &fresh.config else { return };
    let store = fresh.migrated().await;
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(url).await.unwrap();
    // All but a handful are open: the longest queue.
    crate::plans::fill(&mut connection, ALERTS, 1_000).await;
    let page = |from, policy: Option<&str>| Listing {
        from,
        policy: policy.map(Policy::new),
        limit: 26,
        ..listing(View::Open, 0)
    };
    let first = store.review_queue(&page(None, None)).await.unwrap();
    let second = first.last().map(|row| row.cursor(View::Open));
    let middle = Some(Cursor { time: at(-1_650_000), alert_id: 0 });
    let cases = [
        ("first page", page(None, None)),
        ("next page", page(second, None)),
        ("a page in the middle", page(middle, None)),
        ("a policy that has none", page(None, Some("nothing"))),
    ];
    for (name, wanted) in cases {
        let mut taken: Vec<Duration> = Vec::new();
        for _ in 0..TIMES {
            let started = std::time::Instant::now();
            store.review_queue(&wanted).await.unwrap();
            store.review_counts(1000, at(0)).await.unwrap();
            taken.push(started.elapsed());
        }
        taken.sort();
        println!("{name}: median {:?}, slowest {:?}", taken[TIMES / 2], taken[TIMES - 1]);
    }
    let started = std::time::Instant::now();
    store.alert_file(100_000, 20).await.unwrap().unwrap();
    println!("one alert with its conversation: {:?}", started.elapsed());
    let started = std::time::Instant::now();
    store.claim_next(&listing(View::Open, 0), "aki", LEASE, at(0)).await.unwrap().unwrap();
    println!("claim the next: {:?}", started.elapsed());
}

pub async fn an_explanation_is_kept_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    let flagged_message = message("m-1", "t-1", 0);
    store.receive_messages(std::slice::from_ref(&flagged_message), 0).await.unwrap();
    let explanation = |weight| Explanation {
        message_id: flagged_message.message_id.clone(),
        policy: Policy::new("external_induction"),
        parts: vec![WeighedPart { message_id: flagged_message.message_id.clone(), start: 1, end: 3, weight }],
    };
    let refused = store.keep_explanation(&explanation(1.0)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused(_)), "there is no verdict: {refused}");
    let batch = ModerationBatch { decisions: vec![flagged(&flagged_message, 1)], dead_letters: vec![] };
    store.commit_moderation(&batch).await.unwrap();
    for weight in [1.5, 7.0] {
        store.keep_explanation(&explanation(weight)).await.unwrap();
    }
    let kept = store.explanation(&flagged_message.message_id, &Policy::new("external_induction")).await;
    assert_eq!(kept.unwrap(), Some(explanation(1.5)));
    let other = store.explanation(&flagged_message.message_id, &Policy::new("harassment")).await;
    assert_eq!(other.unwrap(), None);
}
