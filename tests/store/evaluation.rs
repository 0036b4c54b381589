//! Figures over time, audit samples, first answers and random messages, on both databases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use mimamori::access::{Actor, Way};
use mimamori::contract::*;
use mimamori::store::desk::ReplyOrder;
use mimamori::store::evaluation::*;
use mimamori::store::review::*;
use mimamori::store::*;

use crate::support::database::Fresh;
use crate::support::values::*;

const LEASE: TimeDelta = TimeDelta::seconds(100);
const DAY: i64 = 86_400;

fn reviewer(name: &str) -> Actor {
    Actor { account_id: None, name: name.into(), way: Way::Session }
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// One flagged message for each of these times.
async fn flag(store: &dyn Store, prefix: &str, seconds: &[i64]) {
    let mut batch = ModerationBatch::default();
    let mut messages = Vec::new();
    for (n, second) in seconds.iter().enumerate() {
        let message = message(&format!("{prefix}-{n}"), "t-1", *second);
        batch.decisions.push(flagged(&message, *second));
        messages.push(message);
    }
    store.receive_messages(&messages, 0).await.unwrap();
    store.commit_moderation(&batch).await.unwrap();
}

/// So many messages without an alert, each with its own probability.
async fn clear(store: &dyn Store, probabilities: &[f64]) {
    let mut batch = ModerationBatch::default();
    let mut messages = Vec::new();
    for (n, probability) in (0_i64..).zip(probabilities) {
        let message = message(&format!("c-{n:03}"), &format!("t-{}", n / 4), n);
        let mut decision = cleared(&message, n);
        decision.verdict.policies.insert(induction(), *probability);
        batch.decisions.push(decision);
        messages.push(message);
    }
    store.receive_messages(&messages, 0).await.unwrap();
    store.commit_moderation(&batch).await.unwrap();
}

async fn decide(store: &dyn Store, alert: i64, ruling: Ruling, at: DateTime<Utc>) {
    let claim = store.claim_alert(alert, "aki", Reach::Usual, LEASE, at).await.unwrap().unwrap();
    let saying = Saying::Ruled { ruling, policy: None, subtype: None };
    let order = Order {
        alert_id: alert,
        generation: claim.generation,
        by: reviewer("aki"),
        reach: Reach::Usual,
        saying,
        note: None,
        alike_up_to: None,
        at,
    };
    store.decide_alert(&order).await.unwrap().unwrap();
}

async fn volumes(store: &dyn Store, days: Days) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for row in store.alerts_by_day(days).await.unwrap() {
        *sums.entry(row.day.to_string()).or_default() += row.alerts;
    }
    sums
}

fn expected(days: &[(&str, u64)]) -> BTreeMap<String, u64> {
    days.iter().map(|(day, count)| ((*day).to_owned(), *count)).collect()
}

pub async fn days_that_are_over_are_counted_and_a_late_decision_shows_on_the_day_of_its_alert(fresh: Fresh) {
    let store = fresh.migrated().await;
    // Nine in the morning of the 21st is second 0. One a second before midnight, one at midnight.
    let midnight = 15 * 3600;
    let before = "2026-11-21T23:59:59.9Z".parse::<DateTime<Utc>>().unwrap() - at(0);
    flag(&*store, "m", &[-9 * DAY, 0, 1, before.num_seconds(), midnight, DAY]).await;
    let days = Days::until(date("2026-11-22"), 30);
    let all = expected(&[("2026-11-12", 1), ("2026-11-21", 3), ("2026-11-22", 2)]);
    assert_eq!(volumes(&*store, days).await, all);
    let row = store.alerts_by_day(days).await.unwrap().remove(0);
    assert_eq!(row.fired, ["model:external_induction@1", "rule:external_induction/line_id"]);
    assert_eq!((row.policy, row.sources), (induction(), AlertSources::RuleAndModel));

    // Counted by the sweep, however often and by however many, it is the same.
    let now = at(DAY + 60);
    let (one, other) = tokio::join!(store.roll_up(now), store.roll_up(now));
    assert!(one.unwrap() + other.unwrap() >= 92);
    assert_eq!(store.roll_up(now).await.unwrap(), 0);
    assert_eq!(volumes(&*store, days).await, all);
    let counted = fresh.number("select cast(sum(alerts) as bigint) from alert_days").await;
    assert_eq!(counted, 4, "of the days that are over");

    // What came late is counted an hour later; today is never from the table.
    flag(&*store, "late", &[2, DAY + 30]).await;
    let late = expected(&[("2026-11-12", 1), ("2026-11-21", 3), ("2026-11-22", 3)]);
    assert_eq!(volumes(&*store, days).await, late);
    assert_eq!(store.roll_up(now + TimeDelta::hours(2)).await.unwrap(), 3);
    let late = expected(&[("2026-11-12", 1), ("2026-11-21", 4), ("2026-11-22", 3)]);
    assert_eq!(volumes(&*store, days).await, late);

    // The oldest alert is decided today.
    let oldest = store.alerts(Page { offset: 0, limit: 100 }).await.unwrap().pop().unwrap();
    assert_eq!(store.judged_by_day(days).await.unwrap(), []);
    decide(&*store, oldest.alert_id, Ruling::NotViolation, at(DAY)).await;
    let judged = store.judged_by_day(days).await.unwrap();
    assert_eq!(judged.len(), 1);
    assert_eq!((judged[0].day, judged[0].others, judged[0].violations), (date("2026-11-12"), 1, 0));
    store.undo_decision(&reviewer("aki"), at(0), LEASE, at(DAY)).await.unwrap().unwrap();
    assert_eq!(store.judged_by_day(days).await.unwrap(), [], "and taken back");
}

pub async fn random_messages_are_each_as_likely_as_any_other(fresh: Fresh) {
    let store = fresh.migrated().await;
    let begun = Utc::now() - TimeDelta::minutes(1);
    clear(&*store, &[0.01; 40]).await;
    flag(&*store, "m", &[1, 2]).await;
    // A second delivery takes no message's place, though it may take a number.
    clear(&*store, &[0.01; 40]).await;
    let soon = Utc::now() + TimeDelta::minutes(1);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..400 {
        let pool = store.random_messages(begun..soon, 10, seed).await.unwrap();
        assert_eq!(pool.asked, 10);
        assert!(pool.numbers >= 42 && pool.messages.len() <= 10);
        for message in pool.messages {
            assert_eq!(message.alerted, message.message_id.as_str().starts_with('m'));
            *seen.entry(message.message_id.to_string()).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 42);
    let most = seen.values().max().unwrap() - seen.values().min().unwrap();
    assert!(most < 70, "the counts differ by {most}: {seen:?}");
    let again = |seed| store.random_messages(begun..soon, 10, seed);
    assert_eq!(again(7).await.unwrap(), again(7).await.unwrap());
    let everything = store.random_messages(begun..soon, 1_000, 1).await.unwrap();
    assert_eq!((everything.asked, everything.messages.len()), (everything.numbers, 42));
    assert_eq!(
        store.random_messages(soon..soon + TimeDelta::hours(1), 10, 1).await.unwrap(),
        Pool::default()
    );
    assert_eq!(
        store.random_messages(begun - TimeDelta::days(1)..begun, 10, 1).await.unwrap(),
        Pool::default()
    );

    let flagged = store.random_flagged(at(0)..at(10), 10, 1).await.unwrap();
    assert_eq!((flagged.messages.len(), flagged.messages[0].alerted), (2, true));
    assert_eq!(store.random_flagged(at(2)..at(3), 10, 1).await.unwrap().messages.len(), 1);
}

async fn sample(store: &dyn Store, count: usize) -> i64 {
    clear(store, &vec![0.01; count]).await;
    let begun = Utc::now() - TimeDelta::minutes(1);
    let pool = store.random_messages(begun..Utc::now() + TimeDelta::minutes(1), 1_000, 3).await.unwrap();
    let new = NewSample {
        period: at(0)..at(DAY),
        seed: 3,
        numbers: pool.numbers,
        asked: pool.asked,
        pool: pool.messages.len() as u64,
        strata: vec![DrawnStratum { below: 1.0, pool: count as u64, chosen: count as u64 }],
        messages: pool.messages.iter().map(|message| (message.message_id.clone(), 0)).collect(),
        by: reviewer("lead"),
        at: at(0),
    };
    store.add_sample(&new).await.unwrap()
}

fn judging(sampled: &Sampled, by: &str, ruling: Ruling, second: i64) -> Judging {
    Judging {
        sample_id: sampled.sample_id,
        position: sampled.position,
        generation: sampled.generation,
        ruling,
        policy: (ruling == Ruling::Violation).then(induction),
        by: reviewer(by),
        at: at(second),
    }
}

async fn claimed(store: &dyn Store, by: &str, second: i64) -> Sampled {
    let (sample, position) = store.claim_sampled(by, LEASE, at(second)).await.unwrap().unwrap();
    store.sampled(sample, position, 5).await.unwrap().unwrap().sampled
}

pub async fn a_sampled_message_is_judged_by_who_has_it_and_taken_back(fresh: Fresh) {
    let store = fresh.migrated().await;
    assert_eq!(store.claim_sampled("aki", LEASE, at(0)).await.unwrap(), None);
    let id = sample(&*store, 3).await;
    let first = claimed(&*store, "aki", 0).await;
    assert_eq!((first.sample_id, first.position, first.generation), (id, 1, 1));
    assert_eq!(claimed(&*store, "aki", 1).await.generation, 1, "one's own is renewed");
    assert_eq!(claimed(&*store, "ben", 2).await.position, 2, "nobody else gets it");
    assert_eq!(store.judging_of("aki").await.unwrap(), (Some((id, 1)), 3));
    let file = store.sampled(id, 1, 1).await.unwrap().unwrap();
    assert_eq!(file.conversation.last().unwrap().message_id, first.message_id);

    // The claim runs out and somebody else takes it: the first one is refused.
    let taken = claimed(&*store, "cho", 200).await;
    assert_eq!((taken.position, taken.generation), (1, 2));
    let late = judging(&first, "aki", Ruling::Violation, 201);
    assert_eq!(store.judge(&late).await.unwrap(), Err(NotJudged::Gone));
    let forged = judging(&taken, "ben", Ruling::Violation, 201);
    assert_eq!(store.judge(&forged).await.unwrap(), Err(NotJudged::Gone));
    store.judge(&judging(&taken, "cho", Ruling::Violation, 202)).await.unwrap().unwrap();
    let again = judging(&taken, "cho", Ruling::NotViolation, 203);
    assert_eq!(store.judge(&again).await.unwrap(), Err(NotJudged::Gone), "judged once");

    let file = store.sample(id).await.unwrap().unwrap();
    assert_eq!((file.sample.size, file.sample.judged), (3, 1));
    assert_eq!(file.missed.len(), 1);
    assert_eq!((file.missed[0].position, &file.missed[0].policy), (1, &induction()));
    let judgements =
        [Judgements { stratum: 0, ruling: Ruling::Violation, policy: Some(induction()), count: 1 }];
    assert_eq!(file.judgements, judgements);

    // Taken back, it is Cho's again; what Cho had opened meanwhile is free.
    assert_eq!(claimed(&*store, "cho", 203).await.position, 2, "Ben's claim is over");
    let undo = async |by: &str, since: i64| {
        store.undo_judgement(&reviewer(by), at(since), LEASE, at(204)).await.unwrap()
    };
    assert_eq!(undo("ben", 0).await, Err(NotJudged::NothingToUndo));
    assert_eq!(undo("cho", 203).await, Err(NotJudged::NothingToUndo), "too late");
    assert_eq!(undo("cho", 0).await, Ok(()));
    assert_eq!(store.judging_of("cho").await.unwrap(), (Some((id, 1)), 3));
    assert_eq!(claimed(&*store, "ben", 205).await.position, 2);
    let back = claimed(&*store, "cho", 205).await;
    store.judge(&judging(&back, "cho", Ruling::Unsure, 206)).await.unwrap().unwrap();
    assert!(store.release_sampled("ben").await.unwrap());
    assert!(!store.release_sampled("ben").await.unwrap());

    // Closed: nothing more is handed out or judged.
    let open = claimed(&*store, "ben", 207).await;
    assert!(store.close_sample(id, &reviewer("lead"), at(208)).await.unwrap());
    assert!(!store.close_sample(id, &reviewer("lead"), at(208)).await.unwrap());
    let closed = judging(&open, "ben", Ruling::Unsure, 209);
    assert_eq!(store.judge(&closed).await.unwrap(), Err(NotJudged::Gone));
    assert_eq!(store.claim_sampled("aki", LEASE, at(900)).await.unwrap(), None);
    assert_eq!(store.judging_of("ben").await.unwrap(), (None, 0));
    assert_eq!(store.samples(5).await.unwrap()[0].closed_at, Some(at(208)));
    assert_eq!(store.sample(id + 1).await.unwrap(), None);

    let rows = store.audit_trail(&AuditFilter::default(), 20).await.unwrap();
    let acts: Vec<_> = rows.iter().rev().map(|row| row.entry.act.as_str()).collect();
    let expected =
        ["sample.drawn", "sample.judged", "sample.judgement_undone", "sample.judged", "sample.closed"];
    assert_eq!(acts, expected);
    assert_eq!(rows[3].entry.subject.id, format!("{id}.1"));
}

pub async fn ten_reviewers_judge_each_sampled_message_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = sample(&*store, 60).await;
    let work = |name: String, store: Arc<dyn Store>| async move {
        let mut judged = Vec::new();
        while let Some((sample, position)) = store.claim_sampled(&name, LEASE, at(0)).await.unwrap() {
            let sampled = store.sampled(sample, position, 0).await.unwrap().unwrap().sampled;
            store.judge(&judging(&sampled, &name, Ruling::NotViolation, 1)).await.unwrap().unwrap();
            judged.push(position);
        }
        judged
    };
    let people = (0..10).map(|n| tokio::spawn(work(format!("r-{n}"), store.clone())));
    let mut all = Vec::new();
    for person in people.collect::<Vec<_>>() {
        all.extend(person.await.unwrap());
    }
    assert_eq!(all.len(), 60);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 60);
    assert_eq!(store.sample(id).await.unwrap().unwrap().sample.judged, 60);
}

pub async fn what_alerts_found_stands_beside_the_sample(fresh: Fresh) {
    let store = fresh.migrated().await;
    let id = sample(&*store, 2).await;
    flag(&*store, "m", &[10, 20, 30, 2 * DAY]).await;
    let alerts = store.alerts(Page { offset: 0, limit: 100 }).await.unwrap();
    // The newest is after the period.
    decide(&*store, alerts[0].alert_id, Ruling::Violation, at(3 * DAY)).await;
    decide(&*store, alerts[1].alert_id, Ruling::Violation, at(3 * DAY)).await;
    decide(&*store, alerts[2].alert_id, Ruling::NotViolation, at(3 * DAY)).await;
    let found = store.sample(id).await.unwrap().unwrap().found;
    assert_eq!(found, [Found { policy: induction(), violations: 1, undecided: 1 }]);
}

pub async fn the_first_reply_or_else_the_resolution_is_the_first_answer(fresh: Fresh) {
    let store = fresh.migrated().await;
    let people = ["a-1", "a-2"].map(|id| AgentProfile {
        team: (id == "a-1").then(|| "safety".to_owned()),
        ..agent(id, &[Skill::Shipping], &[Language::Ja], 9)
    });
    store.upsert_agents(&people).await.unwrap();
    for (n, to) in [(1, "a-1"), (2, "a-1"), (3, "a-2"), (4, "a-2")] {
        let inquiry = inquiry(&format!("q-{n}"), n);
        store.commit_routing(&decision(&inquiry, offer(&[to]), n + 10)).await.unwrap();
    }
    let of = |n: i64| InquiryId::new(format!("q-{n}")).unwrap();
    let (one, two) = (AgentId::new("a-1").unwrap(), AgentId::new("a-2").unwrap());
    // Accepting is no answer yet; the second reply is none any more.
    store.accept(&of(1), &one, 1, at(20)).await.unwrap();
    for (seen, seconds) in [(0, 31), (1, 60)] {
        let reply = ReplyOrder {
            inquiry_id: of(1),
            agent_id: one.clone(),
            generation: 1,
            seen_reply: seen,
            template_id: None,
            text: "発送は明日です".into(),
            resolves: false,
            by: reviewer("aki"),
            at: at(seconds),
        };
        store.send_reply(&reply).await.unwrap().unwrap();
    }
    store.resolve_inquiry(&of(1), &one, Some(1), at(5000)).await.unwrap();
    // Resolved without a word before; passed on untouched, which is no answer; not answered.
    store.resolve_inquiry(&of(3), &two, Some(1), at(3 + 7_265)).await.unwrap();
    store.reject(&of(2), &one, 1, Some(Skill::Payment), at(40)).await.unwrap();
    let answers = store.first_answers(Days::until(date("2026-11-21"), 7)).await.unwrap();
    let mut seen: Vec<_> =
        answers.iter().map(|one| (one.team.as_deref(), one.skill, one.seconds, one.count)).collect();
    seen.sort();
    assert_eq!(seen, [(None, Skill::Shipping, 7_260, 1), (Some("safety"), Skill::Shipping, 30, 1)]);
    assert_eq!(answers[0].day, date("2026-11-21"));
    assert_eq!(store.first_answers(Days::until(date("2026-11-20"), 7)).await.unwrap(), []);
    let mut ended = store.ended_by_team(at(0)).await.unwrap();
    ended.sort_by(|a, b| a.team.cmp(&b.team));
    let expected = [
        TeamEnded { team: None, ended: 1, wrong: 0 },
        TeamEnded { team: Some("safety".into()), ended: 2, wrong: 1 },
    ];
    assert_eq!(ended, expected);
}
