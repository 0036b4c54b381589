//! What live models and models in shadow agreed on, and where they did not.

use chrono::TimeDelta;
use mimamori::contract::{Policy, Ruling};
use mimamori::store::review::{Order, Reach, Saying};
use mimamori::store::shadow::*;
use mimamori::store::*;

use crate::support::database::Fresh;
use crate::support::values::*;

const PAGE: Page = Page { offset: 0, limit: 100 };

fn pair() -> Pair {
    Pair { live: "c-1+a".into(), shadow: "c-2+b".into() }
}

fn difference(id: &str, side: Side) -> Difference {
    Difference {
        policy: induction(),
        side,
        message_id: message(id, "t-1", 0).message_id,
        live_probability: 0.75,
        shadow_probability: 0.25,
    }
}

fn comparison(only_live: &[&str], only_shadow: &[&str], seconds: i64) -> Comparison {
    let agreement = Agreement {
        flagged: 2,
        clear: 10,
        only_live: only_live.len() as u64,
        only_shadow: only_shadow.len() as u64,
    };
    let live = only_live.iter().map(|id| difference(id, Side::Live));
    let shadow = only_shadow.iter().map(|id| difference(id, Side::Shadow));
    Comparison {
        pair: pair(),
        agreements: vec![(induction(), agreement)],
        differences: live.chain(shadow).collect(),
        at: at(seconds),
    }
}

async fn known(store: &dyn Store, count: usize) -> Vec<String> {
    let ids: Vec<String> = (0..count).map(|n| format!("m-{n}")).collect();
    let messages: Vec<_> = ids.iter().enumerate().map(|(n, id)| message(id, "t-1", n as i64)).collect();
    for messages in messages.chunks(100) {
        store.receive_messages(messages, 0).await.unwrap();
    }
    ids
}

pub async fn agreements_add_up_by_day_and_differences_name_their_messages(fresh: Fresh) {
    let store = fresh.migrated().await;
    known(&*store, 4).await;
    store.add_comparison(&comparison(&["m-0"], &["m-1", "m-2"], 10)).await.unwrap();
    store.add_comparison(&comparison(&["m-3"], &[], 20)).await.unwrap();
    // Another day; the same message once more counts, and is named once.
    store.add_comparison(&comparison(&["m-3"], &[], 90_000)).await.unwrap();
    let counts = store.shadow_counts(at(5)..at(200_000)).await.unwrap();
    assert_eq!(counts.len(), 1);
    assert_eq!((&counts[0].pair, &counts[0].policy), (&pair(), &induction()));
    let agreement = Agreement { flagged: 6, clear: 30, only_live: 3, only_shadow: 2 };
    assert_eq!(counts[0].agreement, agreement);
    assert_eq!(store.shadow_counts(at(90_000)..at(200_000)).await.unwrap()[0].agreement.total(), 13);

    let of = async |side| store.shadow_differences(&pair(), &induction(), side, PAGE).await.unwrap();
    let ids = |rows: &[DifferenceRow]| rows.iter().map(|row| row.message_id.to_string()).collect::<Vec<_>>();
    let live = of(Side::Live).await;
    assert_eq!(ids(&live), ["m-3", "m-0"], "newest first");
    assert_eq!((live[0].live_probability, live[0].shadow_probability, live[0].alert_id), (0.75, 0.25, None));
    assert_eq!(live[0].text, message("m-3", "t-1", 3).text);
    assert_eq!(ids(&of(Side::Shadow).await), ["m-1", "m-2"]);
    let other = Pair { live: "x".into(), ..pair() };
    assert_eq!(store.shadow_differences(&other, &induction(), Side::Live, PAGE).await.unwrap(), []);
    let odd = Policy::new("a\0");
    assert_eq!(store.shadow_differences(&pair(), &odd, Side::Live, PAGE).await.unwrap(), []);

    assert_eq!(store.purge_shadow(at(15), at(0) - TimeDelta::days(2)).await.unwrap(), 3);
    assert_eq!(ids(&of(Side::Live).await), ["m-3"]);
    store.purge_shadow(at(15), at(0) + TimeDelta::days(10)).await.unwrap();
    assert_eq!(store.shadow_counts(at(0)..at(200_000)).await.unwrap(), []);
}

pub async fn differences_of_a_day_are_bounded_and_all_are_counted(fresh: Fresh) {
    let store = fresh.migrated().await;
    let most = MOST_DIFFERENCES as usize;
    let ids = known(&*store, most + 20).await;
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    store.add_comparison(&comparison(&ids[..most - 5], &[], 10)).await.unwrap();
    store.add_comparison(&comparison(&ids[most - 5..], &["m-0"], 11)).await.unwrap();
    let page = Page { offset: 0, limit: 1000 };
    let rows = store.shadow_differences(&pair(), &induction(), Side::Live, page).await.unwrap();
    assert_eq!(rows.len(), most);
    let counts = store.shadow_counts(at(0)..at(200_000)).await.unwrap();
    assert_eq!(counts[0].agreement.only_live, most as u64 + 20);
    let rulings = store.shadow_rulings(at(0)..at(200_000)).await.unwrap();
    let kept: Vec<_> = rulings.iter().map(|one| (one.side, one.kept)).collect();
    assert_eq!(kept, [(Side::Live, most as u64), (Side::Shadow, 1)], "each side has room of its own");
}

pub async fn what_reviewers_decided_about_differences_is_counted(fresh: Fresh) {
    let store = fresh.migrated().await;
    let messages: Vec<_> = (0..3).map(|n| message(&format!("m-{n}"), "t-1", n)).collect();
    store.receive_messages(&messages, 0).await.unwrap();
    let decisions = messages.iter().map(|message| flagged(message, 9)).collect();
    store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
    store.add_comparison(&comparison(&["m-0", "m-1", "m-2"], &[], 10)).await.unwrap();
    let by = mimamori::access::Actor::program();
    for (alert, ruling) in [(1, Ruling::Violation), (2, Ruling::NotViolation)] {
        let lease = TimeDelta::minutes(5);
        let claimed = store.claim_alert(alert, &by.name, Reach::Escalated, lease, at(20)).await.unwrap();
        let policy = (ruling == Ruling::Violation).then(induction);
        let order = Order {
            alert_id: alert,
            generation: claimed.unwrap().generation,
            by: by.clone(),
            reach: Reach::Escalated,
            saying: Saying::Ruled { ruling, policy, subtype: None },
            note: None,
            alike_up_to: None,
            at: at(21),
        };
        store.decide_alert(&order).await.unwrap().unwrap();
    }
    let rulings = store.shadow_rulings(at(0)..at(200_000)).await.unwrap();
    assert_eq!(rulings.len(), 1);
    let one = &rulings[0];
    assert_eq!((one.side, one.kept, one.violations, one.others, one.unsure), (Side::Live, 3, 1, 1, 0));
    let rows = store.shadow_differences(&pair(), &induction(), Side::Live, PAGE).await.unwrap();
    let ruled: Vec<_> =
        rows.iter().map(|row| (row.alert_id, row.ruling.as_ref().map(|(ruling, _)| *ruling))).collect();
    assert_eq!(
        ruled,
        [(Some(1), Some(Ruling::Violation)), (Some(2), Some(Ruling::NotViolation)), (Some(3), None)]
    );
}
