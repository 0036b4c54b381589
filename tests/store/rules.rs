//! Which rules are switched off, and what rules find.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use futures_util::future::join_all;
use mimamori::access::{Act, Actor, Way};
use mimamori::contract::*;
use mimamori::moderation::ShadowFinding;
use mimamori::store::review::*;
use mimamori::store::rules::*;
use mimamori::store::*;

use crate::review::reviewer;
use crate::support::database::Fresh;
use crate::support::values::*;

fn order(rule: &str, off: bool, generation: u32, second: i64) -> SwitchOrder {
    SwitchOrder {
        rule_id: rule.into(),
        off,
        reason: format!("reason {second}").parse().unwrap(),
        generation,
        by: Actor { account_id: None, name: format!("who-{second}"), way: Way::Session },
        at: at(second),
    }
}

async fn switched(store: &dyn Store) -> Vec<AuditRow> {
    let filter = AuditFilter { act: Some(Act::RuleSwitched.as_str().to_owned()), ..AuditFilter::default() };
    store.audit_trail(&filter, 100).await.unwrap()
}

pub async fn a_switch_is_compare_and_set_and_stands_in_the_audit_trail(fresh: Fresh) {
    let store = fresh.migrated().await;
    assert!(store.rules_off().await.unwrap().is_empty());
    assert_eq!(store.switch_rule(&order("p/a", false, 0, 1)).await.unwrap(), Switched::Already, "it is on");
    assert_eq!(store.switch_rule(&order("p/a", true, 0, 2)).await.unwrap(), Switched::Done);
    assert_eq!(store.rules_off().await.unwrap(), BTreeSet::from(["p/a".to_owned()]));
    let now = RuleSwitch {
        rule_id: "p/a".into(),
        off: true,
        reason: "reason 2".into(),
        by: "who-2".into(),
        at: at(2),
        generation: 1,
    };
    assert_eq!(store.rule_switches(10).await.unwrap(), std::slice::from_ref(&now));

    // A form from before.
    for (off, generation) in [(true, 0), (false, 0), (false, 2)] {
        let late = store.switch_rule(&order("p/a", off, generation, 3)).await.unwrap();
        assert_eq!(late, Switched::Stale(Some(now.clone())));
    }
    assert_eq!(store.switch_rule(&order("p/b", true, 4, 3)).await.unwrap(), Switched::Stale(None));
    assert_eq!(store.switch_rule(&order("p/a", true, 1, 3)).await.unwrap(), Switched::Already);
    assert_eq!(switched(&*store).await.len(), 1, "what was refused leaves no line");

    assert_eq!(store.switch_rule(&order("p/a", false, 1, 4)).await.unwrap(), Switched::Done);
    assert!(store.rules_off().await.unwrap().is_empty());
    let lines = switched(&*store).await;
    let told: Vec<_> = lines
        .iter()
        .rev()
        .map(|row| {
            let detail = &row.entry.detail;
            (
                row.entry.actor.name.as_str(),
                row.entry.subject.id.as_str(),
                detail["off"].clone(),
                detail["reason"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [("who-2", "p/a", true.into(), "reason 2".into()), ("who-4", "p/a", false.into(), "reason 4".into())]
    );
}

pub async fn of_ten_who_switch_at_once_one_does(fresh: Fresh) {
    let store = fresh.migrated().await;
    for generation in 0..3 {
        let orders = (0..10).map(|second| order("p/a", generation % 2 == 0, generation, second));
        let orders: Vec<_> = orders.collect();
        let done = join_all(orders.iter().map(|order| store.switch_rule(order))).await;
        let done = done.into_iter().filter(|done| matches!(done, Ok(Switched::Done))).count();
        assert_eq!(done, 1, "generation {generation}");
        assert_eq!(switched(&*store).await.len() as u32, generation + 1);
    }
}

pub async fn a_reason_is_needed_and_bounded(_: Fresh) {
    for wrong in ["", "  \n", &"x".repeat(501)] {
        assert!(wrong.parse::<SwitchReason>().is_err(), "{wrong:?}");
    }
    assert_eq!(" 誤検知が\0多い\n".parse::<SwitchReason>().unwrap().as_str(), "誤検知が 多い");
    assert!("理".repeat(500).parse::<SwitchReason>().is_ok());
}

/// A message that this rule flagged, or found in shadow, on this second.
fn found(n: i64, second: i64, live: Option<&str>, shadow: &[&str]) -> (TransactionMessage, Decision) {
    let message = message(&format!("m-{n}"), &format!("t-{n}"), second);
    let mut decision = match live {
        Some(rule) => {
            let mut decision = flagged(&message, second);
            decision.verdict.labels[0].source = format!("rule:{rule}");
            decision
        }
        None => cleared(&message, second),
    };
    decision.shadow =
        shadow.iter().map(|rule| ShadowFinding { rule_id: (*rule).into(), policy: induction() }).collect();
    (message, decision)
}

async fn commit(store: &dyn Store, decided: &[(TransactionMessage, Decision)]) {
    let (messages, decisions): (Vec<_>, Vec<_>) = decided.iter().cloned().unzip();
    store.receive_messages(&messages, 0).await.unwrap();
    store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
}

const DAY: i64 = 24 * 60 * 60;

fn day_of(second: i64) -> NaiveDate {
    at(second).date_naive()
}

pub async fn findings_are_counted_by_day_once_for_each_verdict(fresh: Fresh) {
    let store = fresh.migrated().await;
    let decided = [
        found(1, 0, Some("p/a"), &["p/s"]),
        found(2, 1, Some("p/a"), &[]),
        found(3, DAY, Some("p/a"), &["p/s", "p/t"]),
        found(4, 2 * DAY, None, &["p/s"]),
    ];
    commit(&*store, &decided[..2]).await;
    commit(&*store, &decided).await;
    commit(&*store, &decided[1..]).await;
    let days = |rule: &'static str| {
        let store = store.clone();
        async move {
            let days = store.rule_days(rule, day_of(0)).await.unwrap();
            days.into_iter().map(|day| (day.day, day.shadow, day.findings)).collect::<Vec<_>>()
        }
    };
    assert_eq!(days("p/a").await, [(day_of(0), false, 2), (day_of(DAY), false, 1)]);
    let shadow = [(day_of(0), true, 1), (day_of(DAY), true, 1), (day_of(2 * DAY), true, 1)];
    assert_eq!(days("p/s").await, shadow);
    assert_eq!(store.rule_days("p/a", day_of(DAY)).await.unwrap().len(), 1);
    let longer = day_of(0).checked_sub_days(Days::new(1)).unwrap();
    let mut volumes = store.rule_volumes(longer, day_of(DAY)).await.unwrap();
    volumes.sort_by(|a, b| a.rule_id.cmp(&b.rule_id));
    let volumes: Vec<_> =
        volumes.iter().map(|one| (one.rule_id.as_str(), one.shadow, one.shorter, one.longer)).collect();
    assert_eq!(volumes, [("p/a", false, 1, 3), ("p/s", true, 2, 3), ("p/t", true, 1, 1)]);

    let alerts = store.rule_alerts("p/a", 2).await.unwrap();
    let times: Vec<DateTime<Utc>> = alerts.iter().map(|alert| alert.created_at).collect();
    assert_eq!(times, [at(DAY), at(1)], "the latest first, and no more than asked for");
    assert!(store.rule_alerts("p/s", 10).await.unwrap().is_empty(), "a rule in shadow raises none");

    assert_eq!(store.purge_shadow_findings(at(DAY)).await.unwrap(), 1);
    assert_eq!(days("p/s").await, shadow, "the counts stay");
}

pub async fn a_rule_in_shadow_is_measured_by_what_something_else_flagged(fresh: Fresh) {
    let store = fresh.migrated().await;
    let decided: Vec<_> = (0..4).map(|n| found(n, n, Some("p/a"), &["p/s"])).collect();
    commit(&*store, &decided).await;
    commit(&*store, &[found(9, 9, None, &["p/s"])]).await;
    let alerts = store.rule_alerts("p/a", 10).await.unwrap();
    let by = reviewer("aki");
    for (alert, ruling) in alerts.iter().zip([Ruling::Violation, Ruling::Violation, Ruling::NotViolation]) {
        let lease = chrono::TimeDelta::seconds(100);
        let claim =
            store.claim_alert(alert.alert_id, "aki", Reach::Usual, lease, at(20)).await.unwrap().unwrap();
        let order = Order {
            alert_id: alert.alert_id,
            generation: claim.generation,
            by: by.clone(),
            reach: Reach::Usual,
            saying: Saying::Ruled { ruling, policy: None, subtype: None },
            note: None,
            alike_up_to: None,
            at: at(21),
        };
        store.decide_alert(&order).await.unwrap().unwrap();
    }
    let expected = ShadowCount { rule_id: "p/s".into(), violations: 2, others: 1, unsure: 0 };
    assert_eq!(store.shadow_figures(at(0)).await.unwrap(), [expected]);
    assert!(store.shadow_figures(at(22)).await.unwrap().is_empty());
    let rulings: Vec<_> =
        store.rule_alerts("p/a", 10).await.unwrap().into_iter().map(|alert| alert.ruling.is_some()).collect();
    assert_eq!(rulings, [true, true, true, false]);
}
