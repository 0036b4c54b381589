//! Routing: compare-and-set under contention, waiting, triage, resolving.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use mimamori::access::Sight;
use mimamori::config::Config;
use mimamori::contract::*;
use mimamori::queue::Target;
use mimamori::routing::{AgentSnapshot, Case, Hours, Left, Proposal, decide};
use mimamori::store::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::support::database::Fresh;
use crate::support::values::*;

const PAGE: Page = Page { offset: 0, limit: 1000 };
const MINUTE: Duration = Duration::from_secs(60);
const SHIPPING: [Skill; 1] = [Skill::Shipping];
const JA: [Language; 1] = [Language::Ja];

async fn route(store: &dyn Store, decision: RoutingDecision) -> Assignment {
    match store.commit_routing(&decision).await.unwrap() {
        RoutingOutcome::Decided(assignment) => assignment,
        RoutingOutcome::AlreadyDecided => panic!("expected a decision on {}", decision.inquiry.inquiry_id),
    }
}

fn agent_of(assignment: &Assignment) -> Option<&str> {
    assignment.agent_id.as_ref().map(AgentId::as_str)
}

async fn snapshot(store: &dyn Store, id: &str) -> AgentSnapshot {
    store.agents().await.unwrap().into_iter().find(|agent| agent.agent_id.as_str() == id).unwrap()
}

async fn status(store: &dyn Store, id: &str) -> InquiryStatus {
    let rows = store.inquiries(PAGE, &Sight::All).await.unwrap();
    rows.iter().find(|row| row.inquiry_id.as_str() == id).unwrap().status
}

/// Every router decides on every inquiry, in its own seeded order, on snapshots that the others outdate, and resolves some.
pub async fn eight_routers_never_exceed_a_capacity_nor_assign_twice(fresh: Fresh) {
    const ROUTERS: u64 = 8;
    const INQUIRIES: i64 = 30;
    let store = fresh.migrated().await;
    let stores = [store.clone(), fresh.open().await];
    let agents =
        [agent("a-1", &SHIPPING, &JA, 3), agent("a-2", &SHIPPING, &JA, 2), agent("a-3", &SHIPPING, &JA, 1)];
    let capacity: i64 = agents.iter().map(|agent| i64::from(agent.capacity)).sum();
    store.upsert_agents(&agents).await.unwrap();
    let inquiries: Arc<Vec<_>> = Arc::new((0..INQUIRIES).map(|n| inquiry(&format!("q-{n}"), n)).collect());

    let routers = (0..ROUTERS).map(|seed| {
        let (store, inquiries) = (stores[(seed % 2) as usize].clone(), inquiries.clone());
        tokio::spawn(async move {
            let mut order: Vec<_> = inquiries.iter().collect();
            order.shuffle(&mut StdRng::seed_from_u64(seed));
            let mut mine = Vec::new();
            let policy = Config::load(None, []).unwrap().routing.policy(0.5);
            for (second, inquiry) in order.into_iter().enumerate() {
                let agents = store.agents().await.unwrap();
                for agent in &agents {
                    assert!(agent.open <= agent.capacity, "{} has {} open", agent.agent_id, agent.open);
                }
                let mut decision = decision(inquiry, Proposal::Triage, second as i64);
                let case = Case {
                    inquiry_id: inquiry.inquiry_id.clone(),
                    skills: decision.skills.clone(),
                    language: Language::Ja,
                    priority: inquiry.priority,
                    weight: 1,
                    received_at: inquiry.received_at,
                    waiting_since: inquiry.received_at,
                    flagged: false,
                    rejected_by: BTreeSet::new(),
                    set_aside: BTreeMap::new(),
                    left: Left::Others,
                    preferred: None,
                };
                let decided = decide(&[case], &agents, &policy, decision.at).remove(0);
                (decision.proposal, decision.explanation) = (decided.proposal, decided.explanation);
                let RoutingOutcome::Decided(assignment) = store.commit_routing(&decision).await.unwrap()
                else {
                    continue;
                };
                let Some(agent) = assignment.agent_id else { continue };
                // Every fourth is resolved at once, and its place is free for another router.
                if second % 4 == 0 {
                    let resolved =
                        store.resolve_inquiry(&inquiry.inquiry_id, &agent, None, at(900)).await.unwrap();
                    assert_eq!(resolved, Change::Done);
                }
                mine.push(inquiry.inquiry_id.clone());
            }
            mine
        })
    });
    let mut assigned: Vec<InquiryId> = join_all(routers).await.into_iter().flat_map(Result::unwrap).collect();

    let total = assigned.len();
    assigned.sort();
    assigned.dedup();
    assert_eq!(assigned.len(), total, "an inquiry was assigned twice");
    assert!(total as i64 >= capacity, "the agents must be busy at the end, {total} were assigned");
    assert_eq!(fresh.number("select count(*) from assignments").await, total as i64);
    let live = "select count(*) from assignments where ended_at is null";
    assert_eq!(fresh.number(live).await, capacity, "more was offered than there is capacity");
    assert_eq!(fresh.number("select cast(sum(open_count) as bigint) from agents").await, capacity);
    let exceeded = "select count(*) from agents a where a.open_count > a.capacity or a.open_count <>
        (select count(*) from assignments s where s.agent_id = a.agent_id and s.ended_at is null)";
    assert_eq!(fresh.number(exceeded).await, 0);
    // One event for each assignment, and one for each inquiry that had to wait first.
    let told = "select count(*) from outbox where target_name = 'inquiry.assigned'";
    assert_eq!(fresh.number(told).await, total as i64);
    let waited = "select count(*) from inquiries i where i.status = 'waiting' and not exists
        (select 1 from outbox o where o.event_key = 'inquiry.waiting:' || i.inquiry_id)";
    assert_eq!(fresh.number(waited).await, 0);
}

pub async fn an_offer_goes_to_the_first_who_is_still_free(fresh: Fresh) {
    let store = fresh.migrated().await;
    store.upsert_agents(&[agent("a-1", &SHIPPING, &JA, 1), agent("a-2", &SHIPPING, &JA, 1)]).await.unwrap();
    let first = route(&*store, decision(&inquiry("q-1", 1), offer(&["a-1", "a-2"]), 10)).await;
    assert_eq!(agent_of(&first), Some("a-1"));
    assert!(first.reason.contains("shipping (91%)") && first.reason.contains("1 of 1"), "{}", first.reason);
    // The same snapshot again: a-1 is full by now.
    let second = route(&*store, decision(&inquiry("q-2", 2), offer(&["unknown", "a-1", "a-2"]), 11)).await;
    assert_eq!(agent_of(&second), Some("a-2"));
    let third = route(&*store, decision(&inquiry("q-3", 3), offer(&["a-1", "a-2"]), 12)).await;
    assert_eq!(agent_of(&third), None);
    assert_eq!(status(&*store, "q-3").await, InquiryStatus::Waiting);

    let again = store.commit_routing(&decision(&inquiry("q-1", 1), offer(&["a-2"]), 13)).await.unwrap();
    assert_eq!(again, RoutingOutcome::AlreadyDecided);
    let snapshot = snapshot(&*store, "a-1").await;
    assert_eq!((snapshot.open, snapshot.last_assigned_at), (1, Some(at(10))));

    let rows = store.claim_outbox(10, MINUTE).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| row.outgoing.id.as_str()).collect();
    assert_eq!(told, ["inquiry.assigned:q-1", "inquiry.assigned:q-2", "inquiry.waiting:q-3"]);
    assert_eq!(rows[2].outgoing.target, Target::Event("inquiry.queued".into()));
    assert_eq!(serde_json::from_slice::<Assignment>(&rows[0].outgoing.body).unwrap(), first);

    let listed = store.inquiries(PAGE, &Sight::All).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.inquiry_id.as_str()).collect::<Vec<_>>(), ["q-3", "q-2", "q-1"]);
    assert_eq!(listed[2].agent_name.as_deref(), Some("Agent a-1"));
    assert_eq!((&listed[2].reason, &listed[2].skills), (&first.reason, &first.skills));
    assert_eq!((listed[0].agent_id.as_ref(), listed[0].priority), (None, Priority::Normal));
}

pub async fn what_changed_since_the_snapshot_is_checked_again(fresh: Fresh) {
    let store = fresh.migrated().await;
    let absent = AgentProfile { available: false, ..agent("a-1", &SHIPPING, &JA, 5) };
    let agents = [
        absent,
        agent("a-2", &[Skill::Listing], &JA, 5),
        agent("a-3", &SHIPPING, &[Language::En], 5),
        agent("a-4", &SHIPPING, &JA, 0),
    ];
    store.upsert_agents(&agents).await.unwrap();
    let stale = offer(&["a-1", "a-2", "a-3", "a-4"]);
    let assignment = route(&*store, decision(&inquiry("q-1", 1), stale, 10)).await;
    assert_eq!(agent_of(&assignment), None);
    assert_eq!(fresh.number("select cast(sum(open_count) as bigint) from agents").await, 0);
}

pub async fn waiting_again_tells_nothing_until_it_is_assigned(fresh: Fresh) {
    let store = fresh.migrated().await;
    let question = inquiry("q-1", 1);
    let wait = || Proposal::Wait { skill: Skill::Shipping };
    route(&*store, decision(&question, wait(), 10)).await;
    for second in 11..14 {
        let again = route(&*store, decision(&question, wait(), second)).await;
        assert_eq!(agent_of(&again), None);
    }
    assert_eq!(store.outbox_depth().await.unwrap(), 1);

    let waiting = store.waiting_inquiries(10).await.unwrap();
    let first = decision(&question, wait(), 10);
    let expected = WaitingInquiry {
        inquiry: question.clone(),
        language: Language::Ja,
        skills: first.skills,
        model_version: first.model_version,
        weight: 1,
        generation: 0,
        changed_at: at(10),
        corrected_skill: None,
        rejected_by: BTreeSet::new(),
        set_aside: BTreeMap::new(),
    };
    assert_eq!(waiting, [expected]);

    store.upsert_agents(&[agent("a-1", &SHIPPING, &JA, 1)]).await.unwrap();
    let assigned = route(&*store, decision(&question, offer(&["a-1"]), 20)).await;
    assert_eq!(agent_of(&assigned), Some("a-1"));
    assert_eq!(store.outbox_depth().await.unwrap(), 2);
    assert!(store.waiting_inquiries(10).await.unwrap().is_empty());
}

pub async fn triage_is_decided_and_does_not_wait(fresh: Fresh) {
    let store = fresh.migrated().await;
    let question = inquiry("q-1", 1);
    let assignment = route(&*store, decision(&question, Proposal::Triage, 10)).await;
    assert_eq!(agent_of(&assignment), None);
    assert!(assignment.reason.contains("a person decides"), "{}", assignment.reason);
    assert_eq!(status(&*store, "q-1").await, InquiryStatus::Triage);
    assert!(store.waiting_inquiries(10).await.unwrap().is_empty());
    let again = store.commit_routing(&decision(&question, offer(&["a-1"]), 11)).await.unwrap();
    assert_eq!(again, RoutingOutcome::AlreadyDecided);
    let rows = store.claim_outbox(10, MINUTE).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].outgoing.target, Target::Event("inquiry.queued".into()));
}

pub async fn waiting_inquiries_come_by_priority_then_age(fresh: Fresh) {
    let store = fresh.migrated().await;
    let questions = [
        ("q-low", Priority::Low, 0),
        ("q-normal", Priority::Normal, 1),
        ("q-urgent", Priority::Urgent, 9),
        ("q-high-late", Priority::High, 5),
        ("q-high-early", Priority::High, 4),
    ];
    for (id, priority, received) in questions {
        let question = Inquiry { priority, ..inquiry(id, received) };
        route(&*store, decision(&question, Proposal::Wait { skill: Skill::Shipping }, 10)).await;
    }
    let waiting = store.waiting_inquiries(4).await.unwrap();
    let order: Vec<_> = waiting.iter().map(|waiting| waiting.inquiry.inquiry_id.as_str()).collect();
    assert_eq!(order, ["q-urgent", "q-high-early", "q-high-late", "q-normal"]);
}

/// 500 inquiries for a desk at which nobody is must not keep the 501st from its own, for which somebody is free.
pub async fn when_more_wait_than_one_tick_takes_every_desk_has_its_turn(fresh: Fresh) {
    let store = fresh.migrated().await;
    let wait = |skill| Proposal::Wait { skill };
    for n in 1..=3 {
        let english = RoutingDecision {
            language: Language::En,
            ..decision(&inquiry(&format!("q-en-{n}"), n), wait(Skill::Shipping), 10)
        };
        route(&*store, english).await;
    }
    route(&*store, decision(&inquiry("q-ja", 4), wait(Skill::Shipping), 10)).await;
    let mut listing = decision(&inquiry("q-listing", 5), wait(Skill::Listing), 10);
    listing.skills[0].skill = Skill::Listing;
    route(&*store, listing).await;
    let of = |waiting: Vec<WaitingInquiry>| -> Vec<String> {
        waiting.iter().map(|waiting| waiting.inquiry.inquiry_id.to_string()).collect()
    };
    assert_eq!(of(store.waiting_inquiries(3).await.unwrap()), ["q-en-1", "q-ja", "q-listing"]);
    assert_eq!(of(store.waiting_inquiries(4).await.unwrap()), ["q-en-1", "q-en-2", "q-ja", "q-listing"]);

    // In turn, each comes once before the first comes again.
    let (mut all, mut after) = (Vec::new(), None);
    for read in [2, 2, 1, 0] {
        let next = store.waiting_in_turn(2, after.as_ref()).await.unwrap();
        assert_eq!(next.len(), read);
        after = next.last().map(|one| one.inquiry.inquiry_id.clone()).or(after);
        all.extend(of(next));
    }
    all.sort();
    assert_eq!(all, ["q-en-1", "q-en-2", "q-en-3", "q-ja", "q-listing"]);
}

pub async fn resolving_frees_the_capacity_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    store.upsert_agents(&[agent("a-1", &SHIPPING, &JA, 2), agent("a-2", &SHIPPING, &JA, 2)]).await.unwrap();
    for n in 1..=2 {
        route(&*store, decision(&inquiry(&format!("q-{n}"), n), offer(&["a-1"]), n)).await;
    }
    let (q1, a1) = (InquiryId::new("q-1").unwrap(), AgentId::new("a-1").unwrap());
    let other = AgentId::new("a-2").unwrap();
    let not_theirs = store.resolve_inquiry(&q1, &other, None, at(50)).await.unwrap();
    assert_eq!(not_theirs, Change::Lost(Lost::Gone), "not in the hands of a-2");
    let unknown = InquiryId::new("unknown").unwrap();
    let no_such = store.resolve_inquiry(&unknown, &a1, None, at(50)).await.unwrap();
    assert_eq!(no_such, Change::Lost(Lost::Unknown));

    let attempts = (0..6).map(|_| {
        let (store, q1, a1) = (store.clone(), q1.clone(), a1.clone());
        tokio::spawn(async move { store.resolve_inquiry(&q1, &a1, None, at(60)).await.unwrap() })
    });
    let done = join_all(attempts)
        .await
        .into_iter()
        .map(Result::unwrap)
        .filter(|resolved| *resolved == Change::Done)
        .count();
    assert_eq!(done, 1);
    assert_eq!(snapshot(&*store, "a-1").await.open, 1);
    assert_eq!(status(&*store, "q-1").await, InquiryStatus::Resolved);
    let row = store
        .inquiries(PAGE, &Sight::All)
        .await
        .unwrap()
        .into_iter()
        .find(|row| row.inquiry_id == q1)
        .unwrap();
    assert_eq!(row.agent_id, Some(a1), "who resolved it stays visible");
    let again = store.commit_routing(&decision(&inquiry("q-1", 1), offer(&["a-1"]), 70)).await.unwrap();
    assert_eq!(again, RoutingOutcome::AlreadyDecided);
}

pub async fn replacing_an_agent_keeps_the_load(fresh: Fresh) {
    let store = fresh.migrated().await;
    store.upsert_agents(&[agent("a-1", &SHIPPING, &JA, 2)]).await.unwrap();
    route(&*store, decision(&inquiry("q-1", 1), offer(&["a-1"]), 5)).await;
    let replaced = agent("a-1", &[Skill::Listing, Skill::Payment], &[Language::En, Language::Ja], 7);
    // Named twice: the later profile wins.
    store.upsert_agents(&[agent("a-1", &[], &[], 0), replaced.clone()]).await.unwrap();
    let snapshot = snapshot(&*store, "a-1").await;
    assert_eq!((snapshot.open, snapshot.capacity, snapshot.available), (1, 7, true));
    assert_eq!((&snapshot.skills, snapshot.last_assigned_at), (&replaced.skills, Some(at(5))));
    assert_eq!(snapshot.languages.len(), 2);
}

pub async fn an_inquiry_comes_back_as_it_was_received(fresh: Fresh) {
    let store = fresh.migrated().await;
    let question = Inquiry {
        subject: None,
        transaction_id: Some(TransactionId::new("t-1").unwrap()),
        priority: Priority::Urgent,
        ..inquiry("q-1", 1)
    };
    route(&*store, decision(&question, Proposal::Triage, 5)).await;
    assert_eq!(store.inquiry(&question.inquiry_id).await.unwrap(), Some(question));
    assert_eq!(store.inquiry(&InquiryId::new("unknown").unwrap()).await.unwrap(), None);
}

pub async fn what_was_decided_comes_back_with_its_reasons_and_who_finished_it(fresh: Fresh) {
    let store = fresh.migrated().await;
    store.upsert_agents(&[agent("a-1", &SHIPPING, &JA, 2), agent("a-2", &SHIPPING, &JA, 2)]).await.unwrap();
    let wait = || Proposal::Wait { skill: Skill::Shipping };
    let (q1, q2) = (inquiry("q-1", 1), inquiry("q-2", 2));
    route(&*store, decision(&q1, wait(), 10)).await;
    route(&*store, decision(&q2, Proposal::Triage, 10)).await;
    // Waiting as before is no new decision.
    route(&*store, decision(&q1, wait(), 11)).await;
    let assigned = decision(&q1, offer(&["a-1"]), 12);
    route(&*store, assigned.clone()).await;

    let period = at(0)..at(100);
    let rows = store.routing_decisions(period.clone(), None, 10).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.inquiry_id.as_str(), row.status)).collect();
    let expected =
        [("q-1", InquiryStatus::Waiting), ("q-2", InquiryStatus::Triage), ("q-1", InquiryStatus::Assigned)];
    assert_eq!(told, expected);
    let last = &rows[2];
    assert_eq!((&last.explanation, &last.skills), (&assigned.explanation, &assigned.skills));
    assert_eq!((last.agent_id.as_ref().map(AgentId::as_str), last.finished_by.as_ref()), (Some("a-1"), None));
    assert_eq!((last.received_at, last.priority), (q1.received_at, q1.priority));

    let a1 = AgentId::new("a-1").unwrap();
    let resolved = store.resolve_inquiry(&q1.inquiry_id, &a1, None, at(60)).await.unwrap();
    assert_eq!(resolved, Change::Done);
    let after = Some((rows[0].decided_at, rows[0].decision_id));
    let rest = store.routing_decisions(period.clone(), after, 10).await.unwrap();
    assert_eq!(rest.len(), 2, "the next page begins after the last row of this one");
    assert_eq!(rest[1].finished_by, Some(a1));
    assert_eq!(store.routing_decisions(at(11)..at(12), None, 10).await.unwrap(), []);
    assert_eq!(store.routing_decisions(period.clone(), None, 1).await.unwrap().len(), 1);

    assert_eq!(store.purge_decisions(at(12)).await.unwrap(), 2);
    assert_eq!(store.routing_decisions(period, None, 10).await.unwrap().len(), 1);
}

pub async fn team_hours_and_the_mean_of_places_in_use_are_kept(fresh: Fresh) {
    let store = fresh.migrated().await;
    let hours: Hours = serde_json::from_str(
        r#"{"time_zone":"Asia/Tokyo","shifts":[{"days":["Mon"],"from":"09:00","to":"18:00"}]}"#,
    )
    .unwrap();
    let profile = AgentProfile {
        team: Some("safety".into()),
        hours: Some(hours.clone()),
        ..agent("a-1", &SHIPPING, &JA, 9)
    };
    store.upsert_agents(std::slice::from_ref(&profile)).await.unwrap();
    let mut expected = AgentSnapshot::from(profile);
    // At once, an hour later, and from a router whose clock is behind: the engine counts as the database does.
    for (number, second) in [0, 0, 3600, 3000].into_iter().enumerate() {
        let question = inquiry(&format!("q-{number}"), 0);
        route(&*store, decision(&question, offer(&["a-1"]), second)).await;
        expected.take(1, at(second));
        counted_alike(&snapshot(&*store, "a-1").await, &expected);
    }
    let a1 = AgentId::new("a-1").unwrap();
    assert_eq!(
        store.resolve_inquiry(&InquiryId::new("q-1").unwrap(), &a1, None, at(5000)).await.unwrap(),
        Change::Done
    );
    expected.give_back(1, at(5000));
    counted_alike(&snapshot(&*store, "a-1").await, &expected);
    let now = snapshot(&*store, "a-1").await;
    assert_eq!((now.team.as_deref(), now.hours), (Some("safety"), Some(hours)));
}

fn counted_alike(now: &AgentSnapshot, expected: &AgentSnapshot) {
    let difference = (now.mean_open - expected.mean_open).abs();
    assert!(difference < 1e-9, "{} is not {}", now.mean_open, expected.mean_open);
    assert_eq!(
        (now.open, now.last_assigned_at, now.open_changed_at),
        (expected.open, expected.last_assigned_at, expected.open_changed_at)
    );
}

pub async fn a_neighbouring_skill_is_checked_instead_of_the_one_that_is_needed(fresh: Fresh) {
    let store = fresh.migrated().await;
    store.upsert_agents(&[agent("a-1", &[Skill::Listing], &JA, 1)]).await.unwrap();
    let mut decision = decision(&inquiry("q-1", 1), offer(&["a-1"]), 10);
    let Proposal::Offer { candidates, .. } = &mut decision.proposal else { unreachable!() };
    candidates[0].skill = Skill::Listing;
    let assignment = route(&*store, decision).await;
    assert_eq!(agent_of(&assignment), Some("a-1"));
    assert!(assignment.reason.contains("needs shipping") && assignment.reason.contains("in listing"));
}

pub async fn transactions_with_an_alert_are_told_apart(fresh: Fresh) {
    let store = fresh.migrated().await;
    let messages = [message("m-1", "t-1", 1), message("m-2", "t-2", 2), message("m-3", "t-1", 3)];
    store.receive_messages(&messages, 0).await.unwrap();
    let decisions = vec![flagged(&messages[0], 5), cleared(&messages[1], 5), flagged(&messages[2], 5)];
    store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
    let ids = ["t-1", "t-2", "t-3"].map(|id| TransactionId::new(id).unwrap());
    let alerted = store.alerted_transactions(&ids).await.unwrap();
    assert_eq!(alerted.into_iter().collect::<Vec<_>>(), [ids[0].clone()]);
    assert!(store.alerted_transactions(&[]).await.unwrap().is_empty());
}

pub async fn the_agent_who_has_or_last_finished_an_inquiry_knows_the_customer(fresh: Fresh) {
    let store = fresh.migrated().await;
    let agents = ["a-1", "a-2"].map(|id| agent(id, &[Skill::Shipping], &JA, 9));
    store.upsert_agents(&agents).await.unwrap();
    let from = |customer: &str, id: &str, second| Inquiry {
        customer_id: UserId::new(customer).unwrap(),
        ..inquiry(id, second)
    };
    for (one, agent) in [
        (from("returns", "q-1", 1), "a-1"),
        (from("returns", "q-2", 2), "a-2"),
        (from("waits-for-more", "q-3", 3), "a-1"),
        (from("waits-for-more", "q-4", 4), "a-2"),
        (from("long-ago", "q-5", 5), "a-1"),
    ] {
        route(&*store, decision(&one, offer(&[agent]), 10)).await;
    }
    for (id, agent, second) in
        [("q-1", "a-1", 120), ("q-2", "a-2", 110), ("q-4", "a-2", 130), ("q-5", "a-1", 20)]
    {
        let (id, agent) = (InquiryId::new(id).unwrap(), AgentId::new(agent).unwrap());
        store.resolve_inquiry(&id, &agent, None, at(second)).await.unwrap();
    }
    let customers = ["returns", "waits-for-more", "long-ago", "new"].map(|id| UserId::new(id).unwrap());
    let known = store.preferred_agents(&customers, at(100)).await.unwrap();
    let told: Vec<_> = known
        .iter()
        .map(|(customer, one)| (customer.as_str(), one.agent_id.as_str(), one.open_matter))
        .collect();
    assert_eq!(told, [("returns", "a-1", false), ("waits-for-more", "a-1", true)]);
    assert!(store.preferred_agents(&[], at(100)).await.unwrap().is_empty());
}
