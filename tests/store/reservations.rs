//! The life of an assignment: offered, accepted, passed on, run out, given back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use mimamori::access::{AccountId, Act, Actor, AuditEntry, Sight, Subject};
use mimamori::contract::*;
use mimamori::routing::{Method, Proposal};
use mimamori::store::*;
use tokio::time::timeout;

use crate::support::database::Fresh;
use crate::support::values::*;

const SHIPPING: [Skill; 1] = [Skill::Shipping];
const JA: [Language; 1] = [Language::Ja];
const PAGE: Page = Page { offset: 0, limit: 1000 };
const SOON: Duration = Duration::from_secs(10);

fn a(id: &str) -> AgentId {
    AgentId::new(id).unwrap()
}

fn q(id: &str) -> InquiryId {
    InquiryId::new(id).unwrap()
}

async fn row(store: &dyn Store, id: &str) -> InquiryRow {
    let rows = store.inquiries(PAGE, &Sight::All).await.unwrap();
    rows.into_iter().find(|row| row.inquiry_id.as_str() == id).unwrap()
}

async fn open(store: &dyn Store, id: &str) -> u32 {
    store.agents().await.unwrap().into_iter().find(|agent| agent.agent_id.as_str() == id).unwrap().open
}

async fn told(store: &dyn Store) -> Vec<String> {
    let rows = store.claim_outbox(1000, Duration::from_secs(60)).await.unwrap();
    rows.into_iter().map(|row| row.outgoing.id).collect()
}

/// Agents `a-1` and `a-2` for two Japanese shipping inquiries each, and `q-1` offered to `a-1` for ten seconds.
async fn offered(fresh: &Fresh) -> std::sync::Arc<dyn Store> {
    let store = fresh.migrated().await;
    store.upsert_agents(&[agent("a-1", &SHIPPING, &JA, 2), agent("a-2", &SHIPPING, &JA, 2)]).await.unwrap();
    let decision =
        RoutingDecision { expires_at: Some(at(10)), ..decision(&inquiry("q-1", 0), offer(&["a-1"]), 0) };
    let RoutingOutcome::Decided(assignment) = store.commit_routing(&decision).await.unwrap() else {
        panic!("expected a decision");
    };
    assert_eq!((assignment.generation, assignment.expires_at), (Some(1), Some(at(10))));
    store
}

pub async fn an_offer_is_accepted_once_by_its_holder_only(fresh: Fresh) {
    let store = offered(&fresh).await;
    assert_eq!(row(&*store, "q-1").await.expires_at, Some(at(10)));
    let accept = async |agent: &str, generation, second| {
        store.accept(&q("q-1"), &a(agent), generation, at(second)).await.unwrap()
    };
    assert_eq!(accept("a-2", 1, 1).await, Change::Lost(Lost::Gone));
    assert_eq!(accept("a-1", 0, 1).await, Change::Lost(Lost::Gone));
    assert_eq!(accept("a-1", 2, 1).await, Change::Lost(Lost::Gone));
    assert_eq!(accept("a-1", 1, 10).await, Change::Lost(Lost::Expired), "over at that very moment");
    assert_eq!(accept("a-1", 1, 9).await, Change::Done);
    assert_eq!(accept("a-1", 1, 30).await, Change::Done, "accepted is accepted");
    assert_eq!(row(&*store, "q-1").await.accepted_at, Some(at(9)));
    assert_eq!(store.expire(at(100), 10).await.unwrap(), 0);
    assert_eq!(open(&*store, "a-1").await, 1);
    let unknown = store.accept(&q("unknown"), &a("a-1"), 1, at(1)).await.unwrap();
    assert_eq!(unknown, Change::Lost(Lost::Unknown));
}

pub async fn a_step_and_its_line_in_the_trail_are_written_together_or_not_at_all(fresh: Fresh) {
    let store = offered(&fresh).await;
    let (inquiry, agent) = (&q("q-1"), &a("a-1"));
    let line = |act, account: Option<i64>| {
        let by = Actor { account_id: account.map(AccountId), ..Actor::program() };
        AuditEntry::new(by, act, Subject::new("inquiry", "q-1"), at(1))
    };
    let told = async || store.audit_trail(&AuditFilter::default(), 100).await.unwrap().len();
    let before = told().await;
    let accept = Handover::Accept { inquiry, agent, generation: 1, at: at(1) };
    // No such account: the database refuses the line, and the step with it.
    store.hand_over(accept, Some(&line(Act::InquiryAccepted, Some(987_654)))).await.unwrap_err();
    assert_eq!(row(&*store, "q-1").await.accepted_at, None);
    let stale = Handover::Accept { inquiry, agent, generation: 7, at: at(1) };
    let lost = store.hand_over(stale, Some(&line(Act::InquiryAccepted, None))).await.unwrap();
    assert_eq!((lost, told().await), (Change::Lost(Lost::Gone), before));
    for _ in 0..2 {
        let done = store.hand_over(accept, Some(&line(Act::InquiryAccepted, None))).await.unwrap();
        assert_eq!((done, told().await), (Change::Done, before + 1), "what is repeated tells nothing new");
    }
    let reject = Handover::Reject { inquiry, agent, generation: 1, right_skill: None, at: at(2) };
    store.hand_over(reject, Some(&line(Act::InquiryPassedOn, Some(987_654)))).await.unwrap_err();
    assert_eq!((row(&*store, "q-1").await.status, open(&*store, "a-1").await), (InquiryStatus::Assigned, 1));
    let order = DirectAssignment {
        inquiry_id: inquiry.clone(),
        agent_id: a("a-2"),
        skill: None,
        generation: 1,
        by: "supervisor:s-1".into(),
        at: at(3),
    };
    let assign = Handover::Assign(&order);
    store.hand_over(assign, Some(&line(Act::InquiryAssigned, Some(987_654)))).await.unwrap_err();
    assert_eq!((open(&*store, "a-1").await, open(&*store, "a-2").await), (1, 0));
    assert_eq!(store.hand_over(assign, Some(&line(Act::InquiryAssigned, None))).await.unwrap(), Change::Done);
    let resolve = Handover::Resolve { inquiry, agent: &a("a-2"), generation: Some(2), at: at(4) };
    assert_eq!(
        store.hand_over(resolve, Some(&line(Act::InquiryResolved, None))).await.unwrap(),
        Change::Done
    );
    assert_eq!(told().await, before + 3);
}

pub async fn what_passes_until_an_offer_is_written_is_added_to_its_time(fresh: Fresh) {
    const HELD_UP: Duration = Duration::from_secs(60);
    let store = fresh.migrated().await;
    store.upsert_agents(&[agent("a-1", &SHIPPING, &JA, 2)]).await.unwrap();
    let late = RoutingDecision {
        expires_at: Some(at(10)),
        decided: Instant::now().checked_sub(HELD_UP),
        ..decision(&inquiry("q-1", 0), offer(&["a-1"]), 0)
    };
    assert!(late.decided.is_some());
    let RoutingOutcome::Decided(told) = store.commit_routing(&late).await.unwrap() else {
        panic!("expected a decision")
    };
    let ends = told.expires_at.unwrap();
    assert!(ends >= at(10) + HELD_UP, "{ends}");
    assert_eq!(row(&*store, "q-1").await.expires_at, Some(ends), "what is told is what is written");
    assert_eq!(store.accept(&q("q-1"), &a("a-1"), 1, at(69)).await.unwrap(), Change::Done);
}

pub async fn a_wrong_allocation_waits_again_with_what_it_needs_and_never_comes_back(fresh: Fresh) {
    let store = offered(&fresh).await;
    let reject = async |agent: &str, generation| {
        let skill = Some(Skill::ReturnRefund);
        store.reject(&q("q-1"), &a(agent), generation, skill, at(5)).await.unwrap()
    };
    assert_eq!(reject("a-2", 1).await, Change::Lost(Lost::Gone));
    assert_eq!(reject("a-1", 1).await, Change::Done);
    assert_eq!(reject("a-1", 1).await, Change::Lost(Lost::Gone), "once");
    assert_eq!(open(&*store, "a-1").await, 0);

    let waiting = store.waiting_inquiries(10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].generation, waiting[0].corrected_skill), (1, Some(Skill::ReturnRefund)));
    assert_eq!(waiting[0].rejected_by.iter().map(AgentId::as_str).collect::<Vec<_>>(), ["a-1"]);
    assert_eq!(waiting[0].skills[0].skill, Skill::Shipping, "what the model said is kept");
    let shown = row(&*store, "q-1").await;
    assert_eq!((shown.status, shown.agent_id), (InquiryStatus::Waiting, None));

    // A router that did not look offers it to the same agent once more, then to another.
    let second = |agents: &[&str]| RoutingDecision {
        generation: 1,
        corrected_skill: Some(Skill::ReturnRefund),
        ..decision(&inquiry("q-1", 0), offer(agents), 20)
    };
    let outcome = store.commit_routing(&second(&["a-1"])).await.unwrap();
    assert!(matches!(outcome, RoutingOutcome::Decided(assignment) if assignment.agent_id.is_none()));
    let outcome = store.commit_routing(&second(&["a-1", "a-2"])).await.unwrap();
    let RoutingOutcome::Decided(assignment) = outcome else { panic!("expected a decision") };
    assert_eq!((assignment.agent_id, assignment.generation), (Some(a("a-2")), Some(2)));
    assert_eq!(assignment.skills, [SkillProbability::certain(Skill::ReturnRefund)]);
    let events = ["inquiry.assigned:q-1", "inquiry.waiting.1:q-1", "inquiry.assigned.2:q-1"];
    assert_eq!(told(&*store).await, events);
}

pub async fn what_was_accepted_can_still_be_passed_on(fresh: Fresh) {
    let store = offered(&fresh).await;
    assert_eq!(store.accept(&q("q-1"), &a("a-1"), 1, at(1)).await.unwrap(), Change::Done);
    // The same skill as was asked for: no wrong allocation.
    let passed = store.reject(&q("q-1"), &a("a-1"), 1, Some(Skill::Shipping), at(50)).await.unwrap();
    assert_eq!(passed, Change::Done);
    let waiting = store.waiting_inquiries(10).await.unwrap();
    assert_eq!((waiting[0].corrected_skill, waiting[0].rejected_by.len()), (None, 1));
    assert_eq!(fresh.number("select count(*) from assignments where right_skill = 'shipping'").await, 1);
}

pub async fn an_offer_that_nobody_accepts_runs_out(fresh: Fresh) {
    let store = offered(&fresh).await;
    assert_eq!(store.expire(at(9), 10).await.unwrap(), 0);
    // Nobody's from the moment on, swept up or not.
    for second in [10, 11] {
        let late = [
            store.reject(&q("q-1"), &a("a-1"), 1, None, at(second)).await.unwrap(),
            store.resolve_inquiry(&q("q-1"), &a("a-1"), None, at(second)).await.unwrap(),
        ];
        assert_eq!(late, [Change::Lost(Lost::Expired); 2]);
    }
    let sweeps = join_all((0..4).map(|_| store.expire(at(10), 10))).await;
    assert_eq!(sweeps.into_iter().map(Result::unwrap).sum::<u64>(), 1, "by one of the desks");
    assert_eq!(store.accept(&q("q-1"), &a("a-1"), 1, at(9)).await.unwrap(), Change::Lost(Lost::Expired));
    assert_eq!(open(&*store, "a-1").await, 0);
    let waiting = store.waiting_inquiries(10).await.unwrap();
    assert_eq!(waiting[0].set_aside, BTreeMap::from([(a("a-1"), at(10))]));
    assert!(waiting[0].rejected_by.is_empty());
    let ended = "select count(*) from assignments where outcome = 'expired' and ended_by = 'router'";
    assert_eq!(fresh.number(ended).await, 1);
}

pub async fn what_lies_untouched_with_somebody_away_goes_back(fresh: Fresh) {
    let store = offered(&fresh).await;
    let kept = decision(&inquiry("q-2", 1), offer(&["a-1"]), 0);
    store.commit_routing(&kept).await.unwrap();
    assert_eq!(store.accept(&q("q-2"), &a("a-1"), 1, at(1)).await.unwrap(), Change::Done);

    let long_ago = Utc::now() - TimeDelta::minutes(1);
    let away = AgentProfile { available: false, ..agent("a-1", &SHIPPING, &JA, 2) };
    store.upsert_agents(std::slice::from_ref(&away)).await.unwrap();
    // A second time: they are away since the first.
    let since = Utc::now();
    store.upsert_agents(&[away]).await.unwrap();
    assert_eq!(store.return_untouched(long_ago, 10, at(2)).await.unwrap(), 0, "not away for so long");
    assert_eq!(store.return_untouched(since, 10, at(2)).await.unwrap(), 1);
    assert_eq!(open(&*store, "a-1").await, 1, "what was accepted stays");
    assert_eq!(row(&*store, "q-1").await.status, InquiryStatus::Waiting);

    store.upsert_agents(&[agent("a-1", &SHIPPING, &JA, 2)]).await.unwrap();
    let back = RoutingDecision { generation: 1, ..decision(&inquiry("q-1", 0), offer(&["a-1"]), 20) };
    let outcome = store.commit_routing(&back).await.unwrap();
    assert!(matches!(outcome, RoutingOutcome::Decided(assignment) if assignment.agent_id == Some(a("a-1"))));
    assert_eq!(store.return_untouched(Utc::now(), 10, at(30)).await.unwrap(), 0, "they are back");
}

pub async fn what_lies_untouched_at_the_end_of_a_shift_goes_back(fresh: Fresh) {
    let store = fresh.migrated().await;
    // The fixed moment is 18:00 on a Saturday in Tokyo: the shift ends two minutes later.
    let hours = r#"{"time_zone":"Asia/Tokyo","shifts":[{"days":["Sat"],"from":"09:00","to":"18:02"}]}"#;
    let worker =
        AgentProfile { hours: Some(serde_json::from_str(hours).unwrap()), ..agent("a-1", &SHIPPING, &JA, 9) };
    let others = [worker.clone(), agent("a-2", &SHIPPING, &JA, 9)];
    store.upsert_agents(&others).await.unwrap();
    for (id, agent, second) in [("left", "a-1", 0), ("begun", "a-1", 1), ("no-hours", "a-2", 2)] {
        store.commit_routing(&decision(&inquiry(id, 0), offer(&[agent]), second)).await.unwrap();
    }
    assert_eq!(store.accept(&q("begun"), &a("a-1"), 1, at(5)).await.unwrap(), Change::Done);
    let grace = TimeDelta::minutes(1);
    let sweep = async |second| store.return_off_shift(grace, 10, at(second)).await.unwrap();
    assert_eq!((sweep(60).await, sweep(170).await), (0, 0), "on shift, and within the grace");
    // Given by a supervisor after the end: they know why.
    store.commit_routing(&decision(&inquiry("late", 130), Proposal::Triage, 130)).await.unwrap();
    let late = DirectAssignment { at: at(140), ..order("late", "a-1", 0) };
    assert_eq!(store.assign(&late).await.unwrap(), Change::Done);
    assert_eq!((sweep(190).await, sweep(190).await), (1, 0));
    let left = row(&*store, "left").await;
    assert_eq!(left.status, InquiryStatus::Waiting);
    assert!(left.reason.contains("shift of agent a-1 is over"), "{}", left.reason);
    assert_eq!(open(&*store, "a-1").await, 2);
    let returned = "select count(*) from assignments where outcome = 'returned'";
    assert_eq!(fresh.number(returned).await, 1);
}

pub async fn an_inquiry_takes_the_places_of_its_channel_and_gives_them_back(fresh: Fresh) {
    let store = fresh.migrated().await;
    store.upsert_agents(&[agent("a-1", &SHIPPING, &JA, 3)]).await.unwrap();
    let phone = |id: &str| {
        let channel = Channel::new("phone").unwrap();
        let call = Inquiry { channel, ..inquiry(id, 0) };
        RoutingDecision { weight: 2, ..decision(&call, offer(&["a-1"]), 1) }
    };
    let taken = async |decision: RoutingDecision| {
        let outcome = store.commit_routing(&decision).await.unwrap();
        matches!(outcome, RoutingOutcome::Decided(assignment) if assignment.agent_id.is_some())
    };
    assert!(taken(phone("q-1")).await);
    assert_eq!(open(&*store, "a-1").await, 2);
    assert!(!taken(phone("q-2")).await, "one place is not enough");
    assert_eq!(store.assign(&order("q-2", "a-1", 0)).await.unwrap(), Change::Lost(Lost::Full));
    let waiting = store.waiting_inquiries(10).await.unwrap().remove(0);
    assert_eq!((waiting.weight, waiting.inquiry.channel.as_str()), (2, "phone"));
    assert!(taken(decision(&inquiry("q-3", 0), offer(&["a-1"]), 1)).await);
    assert_eq!(open(&*store, "a-1").await, 3);
    // What the configuration says by now does not count for what is there already.
    let again = RoutingDecision { weight: 1, ..phone("q-2") };
    assert!(!taken(again).await);
    let done = store.resolve_inquiry(&q("q-1"), &a("a-1"), None, at(5)).await.unwrap();
    assert_eq!((done, open(&*store, "a-1").await), (Change::Done, 1));
    assert_eq!(store.assign(&order("q-2", "a-1", 0)).await.unwrap(), Change::Done);
    assert_eq!(open(&*store, "a-1").await, 3);
    assert_eq!(store.withdraw_agent(&a("a-1"), "bulk", at(9)).await.unwrap(), 2);
    assert_eq!(open(&*store, "a-1").await, 0);
    assert_eq!(row(&*store, "q-2").await.channel.as_str(), "phone");
}

fn order(inquiry: &str, agent: &str, generation: u32) -> DirectAssignment {
    DirectAssignment {
        inquiry_id: q(inquiry),
        agent_id: a(agent),
        skill: None,
        generation,
        by: "supervisor:s-1".into(),
        at: at(30),
    }
}

pub async fn a_supervisor_gives_an_inquiry_to_whom_may_have_it(fresh: Fresh) {
    let store = offered(&fresh).await;
    let others = [
        agent("full", &SHIPPING, &JA, 0),
        agent("english", &SHIPPING, &[Language::En], 5),
        AgentProfile { available: false, ..agent("absent", &SHIPPING, &JA, 5) },
        agent("unskilled", &[], &JA, 1),
    ];
    store.upsert_agents(&others).await.unwrap();
    for (agent, lost) in [
        ("full", Lost::Full),
        ("english", Lost::NotAllowed),
        ("absent", Lost::NotAllowed),
        ("unknown", Lost::Unknown),
    ] {
        assert_eq!(store.assign(&order("q-1", agent, 1)).await.unwrap(), Change::Lost(lost), "{agent}");
    }
    assert_eq!(open(&*store, "a-1").await, 1, "who has it keeps it until somebody else does");
    assert_eq!(store.assign(&order("q-1", "a-2", 0)).await.unwrap(), Change::Lost(Lost::Gone));

    let known = DirectAssignment { skill: Some(Skill::Listing), ..order("q-1", "unskilled", 1) };
    assert_eq!(store.assign(&known).await.unwrap(), Change::Done);
    assert_eq!((open(&*store, "a-1").await, open(&*store, "unskilled").await), (0, 1));
    let shown = row(&*store, "q-1").await;
    assert_eq!((shown.generation, shown.corrected_skill), (2, Some(Skill::Listing)));
    assert_eq!((shown.status, shown.agent_id), (InquiryStatus::Assigned, Some(a("unskilled"))));
    let gone = store.resolve_inquiry(&q("q-1"), &a("a-1"), Some(1), at(31)).await.unwrap();
    assert_eq!(gone, Change::Lost(Lost::Gone));
    // To themselves: their one place is enough.
    assert_eq!(store.assign(&order("q-1", "unskilled", 2)).await.unwrap(), Change::Done);
    assert_eq!(open(&*store, "unskilled").await, 1);

    let passed = store.reject(&q("q-1"), &a("unskilled"), 3, None, at(40)).await.unwrap();
    assert_eq!(passed, Change::Done);
    let again = store.assign(&order("q-1", "unskilled", 3)).await.unwrap();
    assert_eq!(again, Change::Lost(Lost::NotAllowed), "who passed it on never gets it again");
    assert_eq!(store.assign(&order("q-1", "a-2", 3)).await.unwrap(), Change::Done);
    let done = store.resolve_inquiry(&q("q-1"), &a("a-2"), Some(4), at(50)).await.unwrap();
    assert_eq!(done, Change::Done);
    assert_eq!(store.assign(&order("q-1", "a-1", 4)).await.unwrap(), Change::Lost(Lost::Gone), "resolved");
}

pub async fn a_supervisor_says_what_an_inquiry_in_triage_needs(fresh: Fresh) {
    let store = offered(&fresh).await;
    store.commit_routing(&decision(&inquiry("q-2", 1), Proposal::Triage, 1)).await.unwrap();
    let classify = async |id: &str, skill, generation| {
        store.classify(&q(id), skill, generation, "supervisor:s-1", at(40)).await.unwrap()
    };
    assert_eq!(classify("q-1", Skill::Payment, 1).await, Change::Lost(Lost::Gone), "somebody has it");
    assert_eq!(classify("unknown", Skill::Payment, 0).await, Change::Lost(Lost::Unknown));
    assert_eq!(classify("q-2", Skill::Payment, 0).await, Change::Done);
    assert_eq!(classify("q-2", Skill::Listing, 0).await, Change::Lost(Lost::Gone), "somebody else was first");
    let waiting = store.waiting_inquiries(10).await.unwrap();
    assert_eq!((waiting[0].corrected_skill, waiting[0].generation), (Some(Skill::Payment), 1));
    assert_eq!(classify("q-2", Skill::Listing, 1).await, Change::Done, "they know better");
    let events = told(&*store).await;
    let expected =
        ["inquiry.assigned:q-1", "inquiry.triage:q-2", "inquiry.waiting.1:q-2", "inquiry.waiting.2:q-2"];
    assert_eq!(events, expected);
}

pub async fn everything_that_an_agent_holds_goes_back(fresh: Fresh) {
    let store = offered(&fresh).await;
    store.commit_routing(&decision(&inquiry("q-2", 1), offer(&["a-1"]), 0)).await.unwrap();
    store.commit_routing(&decision(&inquiry("q-3", 1), offer(&["a-2"]), 0)).await.unwrap();
    assert_eq!(store.accept(&q("q-2"), &a("a-1"), 1, at(1)).await.unwrap(), Change::Done);
    assert_eq!(store.withdraw_agent(&a("a-1"), "bulk", at(5)).await.unwrap(), 2);
    assert_eq!(store.withdraw_agent(&a("a-1"), "bulk", at(5)).await.unwrap(), 0);
    assert_eq!((open(&*store, "a-1").await, open(&*store, "a-2").await), (0, 1));
    let waiting = store.waiting_inquiries(10).await.unwrap();
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|one| one.set_aside == BTreeMap::from([(a("a-1"), at(5))])));
    // Present or not, they do not get it again by itself, but from a supervisor they do.
    let again = RoutingDecision { generation: 1, ..decision(&inquiry("q-2", 1), offer(&["a-1"]), 9) };
    let outcome = store.commit_routing(&again).await.unwrap();
    assert!(matches!(outcome, RoutingOutcome::Decided(assignment) if assignment.agent_id.is_none()));
    assert_eq!(store.assign(&order("q-2", "a-1", 1)).await.unwrap(), Change::Done);
}

/// The same proposal, by an engine that found nobody else.
fn again(proposal: Proposal) -> Proposal {
    let Proposal::Offer { skill, mut candidates } = proposal else { panic!("expected an offer") };
    candidates.iter_mut().for_each(|candidate| candidate.again = true);
    Proposal::Offer { skill, candidates }
}

pub async fn who_let_it_run_out_gets_it_again_only_if_nobody_else_is_left(fresh: Fresh) {
    let store = offered(&fresh).await;
    assert_eq!(store.expire(at(10), 10).await.unwrap(), 1);
    let waits = async |decision: RoutingDecision| {
        let outcome = store.commit_routing(&decision).await.unwrap();
        matches!(outcome, RoutingOutcome::Decided(assignment) if assignment.agent_id.is_none())
    };
    let to = |proposal| RoutingDecision { generation: 1, ..decision(&inquiry("q-1", 0), proposal, 20) };
    assert!(waits(to(offer(&["a-1"]))).await);
    assert!(!waits(to(again(offer(&["a-1"])))).await);
    let rejected = store.reject(&q("q-1"), &a("a-1"), 2, None, at(30)).await.unwrap();
    assert_eq!(rejected, Change::Done);
    let third = RoutingDecision { generation: 2, ..to(again(offer(&["a-1"]))) };
    assert!(waits(third).await, "what they rejected does not come back even so");
}

pub async fn saying_anew_what_it_needs_lifts_who_gave_it_back(fresh: Fresh) {
    let store = offered(&fresh).await;
    let rejected = store.reject(&q("q-1"), &a("a-1"), 1, Some(Skill::Payment), at(5)).await.unwrap();
    assert_eq!(rejected, Change::Done);
    assert_eq!(store.waiting_inquiries(10).await.unwrap()[0].rejected_by.len(), 1, "an agent lifts nothing");
    let told = store.classify(&q("q-1"), Skill::Shipping, 1, "supervisor:s-1", at(6)).await.unwrap();
    assert_eq!(told, Change::Done);
    assert!(store.waiting_inquiries(10).await.unwrap()[0].rejected_by.is_empty());
    let second = RoutingDecision { generation: 2, ..decision(&inquiry("q-1", 0), offer(&["a-1"]), 20) };
    let outcome = store.commit_routing(&second).await.unwrap();
    assert!(matches!(outcome, RoutingOutcome::Decided(assignment) if assignment.agent_id == Some(a("a-1"))));

    // What they reject from then on counts, until it is said anew, which an order may do, too.
    assert_eq!(store.reject(&q("q-1"), &a("a-1"), 3, None, at(30)).await.unwrap(), Change::Done);
    let refused = store.assign(&order("q-1", "a-1", 3)).await.unwrap();
    assert_eq!(refused, Change::Lost(Lost::NotAllowed));
    let anew = DirectAssignment { skill: Some(Skill::Listing), ..order("q-1", "a-1", 3) };
    assert_eq!(store.assign(&anew).await.unwrap(), Change::Done);
}

pub async fn what_everybody_gave_back_comes_to_triage_with_its_likeliest_skills(fresh: Fresh) {
    let store = offered(&fresh).await;
    assert_eq!(store.reject(&q("q-1"), &a("a-1"), 1, None, at(5)).await.unwrap(), Change::Done);
    let mut exhausted = decision(&inquiry("q-1", 0), Proposal::Triage, 20);
    exhausted.generation = 1;
    exhausted.explanation.method = Method::Exhausted;
    store.commit_routing(&exhausted).await.unwrap();
    let shown = row(&*store, "q-1").await;
    assert_eq!((shown.status, shown.generation), (InquiryStatus::Triage, 1));
    assert!(shown.reason.contains("nobody is left who speaks ja"), "{}", shown.reason);
    assert!(shown.reason.contains("likeliest shipping (91%), then other (9%)"), "{}", shown.reason);
    let told_anew = store.classify(&q("q-1"), Skill::Shipping, 1, "supervisor:s-1", at(30)).await.unwrap();
    assert_eq!(told_anew, Change::Done);
    let events =
        ["inquiry.assigned:q-1", "inquiry.waiting.1:q-1", "inquiry.triage.1:q-1", "inquiry.waiting.2:q-1"];
    assert_eq!(told(&*store).await, events);
}

pub async fn a_decision_on_an_older_generation_is_left_out(fresh: Fresh) {
    let store = offered(&fresh).await;
    assert_eq!(store.reject(&q("q-1"), &a("a-1"), 1, None, at(5)).await.unwrap(), Change::Done);
    // Decided before it was first assigned; delivered once more by the queue; decided on what will never be.
    for generation in [0, 2] {
        let stale = RoutingDecision { generation, ..decision(&inquiry("q-1", 0), offer(&["a-2"]), 9) };
        assert_eq!(store.commit_routing(&stale).await.unwrap(), RoutingOutcome::AlreadyDecided);
    }
    assert_eq!(open(&*store, "a-2").await, 0);
}

pub async fn the_desk_is_woken_by_what_frees_an_agent_or_gives_back_an_inquiry(fresh: Fresh) {
    let store = offered(&fresh).await;
    let mut watch = store.watch_desk().await.unwrap();
    let resolved = store.resolve_inquiry(&q("q-1"), &a("a-1"), None, at(5)).await.unwrap();
    assert_eq!(resolved, Change::Done);
    timeout(SOON, watch.changed()).await.expect("a resolved inquiry frees a place").unwrap();
    store.commit_routing(&decision(&inquiry("q-2", 0), Proposal::Triage, 1)).await.unwrap();
    let told = store.classify(&q("q-2"), Skill::Other, 0, "supervisor:s-1", at(6)).await.unwrap();
    assert_eq!(told, Change::Done);
    timeout(SOON, watch.changed()).await.expect("an inquiry waits anew").unwrap();
    store.upsert_agents(&[agent("a-3", &SHIPPING, &JA, 1)]).await.unwrap();
    timeout(SOON, watch.changed()).await.expect("somebody new").unwrap();
}

pub async fn what_ended_and_what_was_corrected_is_counted(fresh: Fresh) {
    let store = offered(&fresh).await;
    let wrong = store.reject(&q("q-1"), &a("a-1"), 1, Some(Skill::Payment), at(5)).await.unwrap();
    assert_eq!(wrong, Change::Done);
    store.commit_routing(&decision(&inquiry("q-2", 1), offer(&["a-1"]), 6)).await.unwrap();
    let done = store.resolve_inquiry(&q("q-2"), &a("a-1"), None, at(7)).await.unwrap();
    assert_eq!(done, Change::Done);
    let counts = store.ended_counts(at(0)).await.unwrap();
    let of = |ending| counts.iter().filter(move |one| one.ending == ending);
    assert!(of(Ending::Rejected).all(|one| one.wrong && one.count == 1 && one.skill == Skill::Shipping));
    assert!(of(Ending::Resolved).all(|one| !one.wrong && one.count == 1));
    assert_eq!(counts.len(), 2);
    assert_eq!(store.ended_counts(at(6)).await.unwrap().len(), 1);

    let corrected = store.corrections(at(0)..at(1), None, 10).await.unwrap();
    assert_eq!(corrected.len(), 1);
    assert_eq!((corrected[0].inquiry_id.as_str(), corrected[0].skill), ("q-1", Skill::Payment));
    let after = Some((corrected[0].received_at, corrected[0].inquiry_id.clone()));
    assert!(store.corrections(at(0)..at(1), after, 10).await.unwrap().is_empty());
}

/// Committed assignments a second, eight writers.
pub async fn assignments_a_second(fresh: Fresh) {
    const WRITERS: usize = 8;
    const EACH: usize = 500;
    let store = fresh.migrated().await;
    let agents: Vec<_> = (0..200).map(|n| agent(&format!("a-{n}"), &SHIPPING, &JA, 100)).collect();
    store.upsert_agents(&agents).await.unwrap();
    let began = Instant::now();
    let writers = (0..WRITERS).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..EACH {
                let id = format!("q-{writer}-{n}");
                let agent = format!("a-{}", (writer * EACH + n) % 200);
                let routed = decision(&inquiry(&id, 0), offer(&[&agent]), 1);
                let outcome = store.commit_routing(&routed).await.unwrap();
                assert!(matches!(outcome, RoutingOutcome::Decided(one) if one.agent_id.is_some()));
            }
        })
    });
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    let rate = (WRITERS * EACH) as f64 / began.elapsed().as_secs_f64();
    println!("{rate:.0} assignments/s, {WRITERS} writers");
}

/// Offers that ran out, ended a second: by one worker, and by four at once.
pub async fn sweeps_a_second(fresh: Fresh) {
    const OFFERS: i64 = 2000;
    let store = fresh.migrated().await;
    let agents: Vec<_> = (0..200).map(|n| agent(&format!("a-{n}"), &SHIPPING, &JA, 100)).collect();
    store.upsert_agents(&agents).await.unwrap();
    for workers in [1, 4] {
        let stores = join_all((0..workers).map(|_| fresh.open())).await;
        for n in 0..OFFERS {
            let agent = format!("a-{}", n % 200);
            let offered = RoutingDecision {
                expires_at: Some(at(10)),
                ..decision(&inquiry(&format!("q-{workers}-{n}"), 0), offer(&[&agent]), 1)
            };
            store.commit_routing(&offered).await.unwrap();
        }
        let began = Instant::now();
        let sweeps = stores.into_iter().map(|store| {
            tokio::spawn(async move {
                let (mut ended, mut ticks) = (0, 0);
                while store.agents().await.unwrap().iter().any(|agent| agent.open > 0) {
                    ended += store.expire(at(20), 200).await.unwrap();
                    ticks += 1;
                }
                (ended, ticks)
            })
        });
        let done: Vec<(u64, u32)> = join_all(sweeps).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(done.iter().map(|(ended, _)| *ended).sum::<u64>(), OFFERS as u64);
        let rate = OFFERS as f64 / began.elapsed().as_secs_f64();
        println!("{workers} workers: {rate:.0} offers ended a second {done:?}");
    }
}
