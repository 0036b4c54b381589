//! The agents' desk: lists, an inquiry with everything around it, answers and their templates.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use mimamori::access::{Act, Sight};
use mimamori::contract::*;
use mimamori::routing::Proposal;
use mimamori::store::desk::*;
use mimamori::store::review::Direction;
use mimamori::store::*;

use crate::review::reviewer;
use crate::support::database::Fresh;
use crate::support::values::*;

const SHIPPING: [Skill; 1] = [Skill::Shipping];
const JA: [Language; 1] = [Language::Ja];

fn a(id: &str) -> AgentId {
    AgentId::new(id).unwrap()
}

fn q(id: &str) -> InquiryId {
    InquiryId::new(id).unwrap()
}

fn sight(agent: &str, teams: &[&str]) -> Sight {
    Sight::Of { agent_id: Some(a(agent)), teams: teams.iter().map(|team| (*team).to_owned()).collect() }
}

/// As agent `a-1` of the team `north` asks, who sees everything if `all`.
fn listing(view: DeskView, all: bool) -> DeskListing {
    DeskListing {
        view,
        agent_id: Some(a("a-1")),
        teams: BTreeSet::from(["north".into()]),
        sight: if all { Sight::All } else { sight("a-1", &["north"]) },
        from: None,
        direction: Direction::Forward,
        limit: 100,
    }
}

async fn listed(store: &dyn Store, wanted: &DeskListing) -> String {
    let rows = store.desk_list(wanted).await.unwrap();
    rows.iter().map(|row| row.inquiry.inquiry_id.as_str()).collect::<Vec<_>>().join(" ")
}

/// `a-1` and `a-2` in the team `north`, `a-3` in `south`.
async fn staffed(fresh: &Fresh) -> Arc<dyn Store> {
    let store = fresh.migrated().await;
    let of = |id: &str, team: &str| AgentProfile { team: Some(team.into()), ..agent(id, &SHIPPING, &JA, 20) };
    store.upsert_agents(&[of("a-1", "north"), of("a-2", "north"), of("a-3", "south")]).await.unwrap();
    store
}

/// Offered for so many seconds, or the agent's at once.
async fn given(store: &dyn Store, id: &str, second: i64, agent: &str, until: Option<i64>) {
    let routed = RoutingDecision {
        expires_at: until.map(at),
        ..decision(&inquiry(id, second), offer(&[agent]), second)
    };
    store.commit_routing(&routed).await.unwrap();
}

async fn resolved(store: &dyn Store, id: &str, agent: &str, second: i64) {
    let change = store.resolve_inquiry(&q(id), &a(agent), Some(1), at(second)).await.unwrap();
    assert_eq!(change, Change::Done);
}

pub async fn every_list_shows_what_it_says_in_its_order(fresh: Fresh) {
    let store = staffed(&fresh).await;
    let store = &*store;
    given(store, "late", 1, "a-1", Some(900)).await;
    given(store, "soon", 2, "a-1", Some(300)).await;
    given(store, "held", 0, "a-1", None).await;
    given(store, "taken", 3, "a-1", Some(100)).await;
    assert_eq!(store.accept(&q("taken"), &a("a-1"), 1, at(4)).await.unwrap(), Change::Done);
    given(store, "mate", 5, "a-2", None).await;
    given(store, "south", 6, "a-3", None).await;
    for (id, agent, second) in [("r-1", "a-1", 50), ("r-2", "a-2", 60), ("r-3", "a-3", 70)] {
        given(store, id, 10, agent, None).await;
        resolved(store, id, agent, second).await;
    }
    for id in ["w-1", "w-2"] {
        store.commit_routing(&decision(&inquiry(id, 20), offer(&[]), 20)).await.unwrap();
    }
    store.commit_routing(&decision(&inquiry("t-1", 30), Proposal::Triage, 30)).await.unwrap();

    let of = async |view, all| listed(store, &listing(view, all)).await;
    assert_eq!(of(DeskView::Mine, false).await, "soon late held taken", "offers first, by what is left");
    assert_eq!(of(DeskView::Teams, false).await, "held late soon taken mate");
    assert_eq!(of(DeskView::Waiting, true).await, "w-1 w-2");
    assert_eq!(of(DeskView::Triage, true).await, "t-1");
    assert_eq!(of(DeskView::Resolved, false).await, "r-2 r-1", "those of the team, the latest first");
    assert_eq!(of(DeskView::Resolved, true).await, "r-3 r-2 r-1");
    assert_eq!(of(DeskView::All, true).await.split(' ').count(), 12);
    let counts = store.desk_counts(&listing(DeskView::Mine, false), 1000).await.unwrap();
    assert_eq!(counts, DeskCounts { mine: 4, teams: 5, triage: 1, waiting: 2 });
    let bounded = store.desk_counts(&listing(DeskView::Mine, false), 2).await.unwrap();
    assert_eq!((bounded.mine, bounded.teams), (2, 2));
    let nobody = DeskListing { agent_id: None, teams: BTreeSet::new(), ..listing(DeskView::Mine, false) };
    assert_eq!(listed(store, &nobody).await, "");

    let standing = store.agent_standing(&a("a-1")).await.unwrap().unwrap();
    assert_eq!((standing.name.as_str(), standing.available, standing.open), ("Agent a-1", true, 4));
    store.set_available(&a("a-2"), false, &reviewer("aki"), at(40)).await.unwrap();
    let free = store.agents_to_give_to(10).await.unwrap();
    assert_eq!(free.iter().map(|agent| agent.agent_id.as_str()).collect::<Vec<_>>(), ["a-1", "a-3"]);
    assert_eq!(store.agent_standing(&a("a-2")).await.unwrap().unwrap().away_since, Some(at(40)));
    assert_eq!(store.agent_standing(&a("nobody")).await.unwrap(), None);
}

pub async fn lists_are_read_from_a_place_in_both_directions(fresh: Fresh) {
    let store = staffed(&fresh).await;
    let store = &*store;
    for n in 0..7 {
        // Two of them at the same moment.
        given(store, &format!("q-{n}"), n / 2, "a-2", None).await;
    }
    for n in 0..4 {
        resolved(store, &format!("q-{n}"), "a-2", 100 + n / 2).await;
    }
    for (view, all) in [
        (DeskView::Teams, false),
        (DeskView::All, true),
        (DeskView::Resolved, true),
        (DeskView::Resolved, false),
    ] {
        let wanted = listing(view, all);
        let whole = store.desk_list(&wanted).await.unwrap();
        assert!(whole.len() >= 3, "{view:?}");
        for (n, row) in whole.iter().enumerate() {
            let from = Some(row.cursor());
            let forward = DeskListing { from: from.clone(), ..wanted.clone() };
            assert_eq!(store.desk_list(&forward).await.unwrap(), whole[n + 1..], "{view:?} after {n}");
            let backward = DeskListing { from, direction: Direction::Backward, limit: 2, ..wanted.clone() };
            let mut before = store.desk_list(&backward).await.unwrap();
            before.reverse();
            assert_eq!(before, whole[n.saturating_sub(2)..n], "{view:?} before {n}");
        }
    }
}

pub async fn an_inquiry_comes_with_what_is_around_it_as_far_as_somebody_sees_it(fresh: Fresh) {
    let store = staffed(&fresh).await;
    let store = &*store;
    let mut messages: Vec<TransactionMessage> =
        (0..60).map(|n| message(&format!("m-{n:02}"), "t-7", n)).collect();
    messages.push(message("other", "t-8", 3));
    store.receive_messages(&messages, 0).await.unwrap();
    let mut decisions: Vec<Decision> = messages.iter().map(|message| cleared(message, 1)).collect();
    decisions[59] = flagged(&messages[59], 70);
    decisions[60] = flagged(&messages[60], 70);
    store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
    let linked = Inquiry { transaction_id: Some(TransactionId::new("t-7").unwrap()), ..inquiry("q-1", 100) };
    store.commit_routing(&decision(&linked, offer(&["a-1"]), 100)).await.unwrap();
    // Of the same customer: a colleague's, one of another team's, and one that waits.
    given(store, "q-2", 50, "a-2", None).await;
    given(store, "q-3", 60, "a-3", None).await;
    store.commit_routing(&decision(&inquiry("q-4", 70), offer(&[]), 70)).await.unwrap();
    let stranger = Inquiry { customer_id: UserId::new("u-1").unwrap(), ..inquiry("q-5", 80) };
    store.commit_routing(&decision(&stranger, offer(&["a-1"]), 80)).await.unwrap();

    let file = store.inquiry_file(&q("q-1"), &sight("a-1", &["north"])).await.unwrap().unwrap();
    assert_eq!((file.row.inquiry_id.as_str(), &file.received), ("q-1", &linked));
    assert_eq!(file.explanation.unwrap().step, 1);
    assert_eq!((file.first_response_at, file.assignments.len()), (None, 1));
    let seen: Vec<_> =
        file.of_customer.iter().map(|other| other.seen.as_ref().map(|row| row.inquiry_id.as_str())).collect();
    assert_eq!(seen, [None, None, Some("q-2")], "newest first; of others only that they are");
    assert_eq!(file.of_customer[0].status, InquiryStatus::Waiting);
    assert_eq!(file.of_customer[1].skill, Some(Skill::Shipping));
    let transaction = file.transaction.unwrap();
    let ids: Vec<_> = transaction.messages.iter().map(|message| message.message_id.as_str()).collect();
    assert_eq!((ids.len(), ids[0], ids[49], transaction.more), (50, "m-10", "m-59", true));
    assert!(!transaction.messages[49].labels.is_empty() && transaction.messages[0].labels.is_empty());
    let alerts: Vec<_> = transaction.alerts.iter().map(|row| row.alert.message_id.as_str()).collect();
    assert_eq!(alerts, ["m-59"]);

    let lead = store.inquiry_file(&q("q-1"), &Sight::All).await.unwrap().unwrap();
    assert!(lead.of_customer.iter().all(|other| other.seen.is_some()));
    assert!(store.inquiry_file(&q("q-1"), &sight("a-3", &["south"])).await.unwrap().is_none());
    assert!(store.inquiry_file(&q("nothing"), &Sight::All).await.unwrap().is_none());
}

fn answer(id: &str, agent: &str, seen: i64, resolves: bool, second: i64) -> ReplyOrder {
    ReplyOrder {
        inquiry_id: q(id),
        agent_id: a(agent),
        generation: 1,
        seen_reply: seen,
        template_id: None,
        text: format!("お待たせしました {second}"),
        resolves,
        by: reviewer("aki"),
        at: at(second),
    }
}

/// Bodies of the events of answers.
async fn told(store: &dyn Store) -> Vec<InquiryReply> {
    let rows = store.claim_outbox(1000, Duration::from_secs(60)).await.unwrap();
    let replies = rows.iter().filter(|row| row.outgoing.id.starts_with("inquiry.replied."));
    replies.map(|row| serde_json::from_slice(&row.outgoing.body).unwrap()).collect()
}

pub async fn an_answer_is_sent_once_by_who_holds_the_inquiry(fresh: Fresh) {
    let store = staffed(&fresh).await;
    let store = &*store;
    given(store, "q-1", 0, "a-1", Some(100)).await;
    let lost = |lost| Err(ReplyRefused::Lost(lost));
    assert_eq!(store.send_reply(&answer("q-9", "a-1", 0, false, 5)).await.unwrap(), lost(Lost::Unknown));
    assert_eq!(store.send_reply(&answer("q-1", "a-2", 0, false, 5)).await.unwrap(), lost(Lost::Gone));
    assert_eq!(store.send_reply(&answer("q-1", "a-1", 0, false, 101)).await.unwrap(), lost(Lost::Expired));
    let older = ReplyOrder { generation: 2, ..answer("q-1", "a-1", 0, false, 5) };
    assert_eq!(store.send_reply(&older).await.unwrap(), lost(Lost::Gone));

    let order = ReplyOrder { template_id: Some(1), ..answer("q-1", "a-1", 0, false, 10) };
    let sent = store.send_reply(&order).await.unwrap().unwrap();
    assert_eq!(store.send_reply(&order).await.unwrap(), Err(ReplyRefused::Answered), "pressed twice");
    let second = answer("q-1", "a-1", 1, false, 200);
    assert!(store.send_reply(&second).await.unwrap().is_ok(), "who answers has accepted: the offer holds");

    let file = store.inquiry_file(&q("q-1"), &Sight::All).await.unwrap().unwrap();
    assert_eq!(file.first_response_at, Some(at(10)));
    assert_eq!((file.row.accepted_at, file.row.status), (Some(at(10)), InquiryStatus::Assigned));
    let texts: Vec<_> = file.replies.iter().map(|reply| (reply.by.as_str(), reply.text.as_str())).collect();
    assert_eq!(texts, [("aki", "お待たせしました 10"), ("aki", "お待たせしました 200")]);
    let events = told(store).await;
    assert_eq!(events.len(), 2);
    assert_eq!(
        (events[0].reply_id, events[0].customer_id.as_str(), events[0].resolved),
        (sent, "u-9", false)
    );
    assert_eq!((events[0].text.as_str(), events[0].language), ("お待たせしました 10", Language::Ja));
    let trail = store.audit_trail(&AuditFilter::default(), 10).await.unwrap();
    assert_eq!(trail.iter().filter(|row| row.entry.act == Act::InquiryReplied).count(), 2);
    assert!(trail.iter().all(|row| !format!("{:?}", row.entry).contains("お待たせ")), "no text in the trail");
}

pub async fn an_answer_that_resolves_ends_the_assignment_in_the_same_step(fresh: Fresh) {
    let store = staffed(&fresh).await;
    let store = &*store;
    given(store, "q-1", 0, "a-1", None).await;
    assert!(store.send_reply(&answer("q-1", "a-1", 0, true, 10)).await.unwrap().is_ok());
    let file = store.inquiry_file(&q("q-1"), &Sight::All).await.unwrap().unwrap();
    assert_eq!((file.row.status, file.first_response_at), (InquiryStatus::Resolved, Some(at(10))));
    let ended = file.assignments[0].ended.as_ref().unwrap();
    assert_eq!((ended.ending, ended.at), (Ending::Resolved, at(10)));
    assert_eq!(store.agent_standing(&a("a-1")).await.unwrap().unwrap().open, 0);
    assert!(told(store).await[0].resolved);
    let late = store.send_reply(&answer("q-1", "a-1", 1, false, 11)).await.unwrap();
    assert_eq!(late, Err(ReplyRefused::Lost(Lost::Gone)));
    // Without an answer, the resolution is the first response.
    given(store, "q-2", 0, "a-1", None).await;
    resolved(store, "q-2", "a-1", 30).await;
    let file = store.inquiry_file(&q("q-2"), &Sight::All).await.unwrap().unwrap();
    assert_eq!(file.first_response_at, Some(at(30)));
}

pub async fn two_answers_at_once_are_one(fresh: Fresh) {
    let store = staffed(&fresh).await;
    given(&*store, "q-1", 0, "a-1", None).await;
    let sent = join_all((0..6).map(|n| {
        let store = store.clone();
        async move { store.send_reply(&answer("q-1", "a-1", 0, n % 2 == 0, 10)).await.unwrap() }
    }));
    let sent = sent.await;
    assert_eq!(sent.iter().filter(|sent| sent.is_ok()).count(), 1, "{sent:?}");
    assert_eq!(told(&*store).await.len(), 1);
}

pub async fn templates_are_changed_by_compare_and_set_and_retired(fresh: Fresh) {
    let store = fresh.migrated().await;
    let by = reviewer("lead");
    let text = |name: &str| TemplateText {
        name: name.into(),
        language: Language::Ja,
        skill: Some(Skill::Payment),
        text: "{customer} 様".into(),
    };
    let id = store.add_template(&text("first"), &by, at(0)).await.unwrap();
    let find = async |which| {
        let rows = store.reply_templates(which).await.unwrap();
        rows.into_iter().find(|row| row.template_id == id)
    };
    let row = find(Templates::Offered(Language::Ja)).await.unwrap();
    assert_eq!((row.generation, row.template, row.changed_at), (1, text("first"), at(0)));
    assert!(find(Templates::Offered(Language::En)).await.is_none());
    let change = async |generation, name| {
        store.change_template(id, generation, &text(name), &by, at(1)).await.unwrap()
    };
    assert_eq!(change(1, "second").await, TemplateChange::Done);
    assert_eq!(change(1, "third").await, TemplateChange::Changed);
    assert_eq!(find(Templates::InUse).await.unwrap().template.name, "second");
    assert_eq!(store.retire_template(id, 1, &by, at(2)).await.unwrap(), TemplateChange::Changed);
    assert_eq!(store.retire_template(id, 2, &by, at(2)).await.unwrap(), TemplateChange::Done);
    assert_eq!(change(3, "fourth").await, TemplateChange::Changed, "what is retired is not changed");
    assert_eq!(store.retire_template(999_999, 1, &by, at(2)).await.unwrap(), TemplateChange::Unknown);
    assert!(find(Templates::InUse).await.is_none());
    assert_eq!(find(Templates::Retired).await.unwrap().retired_at, Some(at(2)));
    let trail = store.audit_trail(&AuditFilter::default(), 10).await.unwrap();
    let acts: Vec<_> = trail.iter().rev().map(|row| row.entry.act).collect();
    assert_eq!(acts, [Act::TemplateAdded, Act::TemplateChanged, Act::TemplateRetired]);
}

pub async fn the_templates_that_come_along_are_added_once(fresh: Fresh) {
    let store = fresh.migrated().await;
    let count = async || store.reply_templates(Templates::InUse).await.unwrap();
    let first = count().await;
    for language in Language::ALL {
        for skill in Skill::ALL {
            let of =
                |row: &TemplateRow| row.template.skill == Some(skill) && row.template.language == language;
            assert!(first.iter().any(of), "{skill} in {language:?}");
        }
    }
    let by = reviewer("lead");
    let retired = first[0].template_id;
    store.retire_template(retired, 1, &by, at(0)).await.unwrap();
    store.migrate().await.unwrap();
    let second = count().await;
    assert_eq!(second.len(), first.len() - 1, "what somebody retired stays so");
    assert!(second.iter().all(|row| row.template_id != retired));
}

pub async fn vectors_are_kept_once_and_read_along_the_resolutions(fresh: Fresh) {
    let store = staffed(&fresh).await;
    let store = &*store;
    for (n, id) in ["q-0", "q-1", "q-2", "q-3"].into_iter().enumerate() {
        given(store, id, 0, "a-1", None).await;
        if n < 3 {
            resolved(store, id, "a-1", 10 + (n as i64) / 2).await;
        }
    }
    let vector = |id: &str, byte: u8| InquiryVector {
        inquiry_id: q(id),
        version: "v1".into(),
        vector: vec![byte, 0x80, 0],
    };
    let all = ["q-0", "q-1", "q-2", "q-3", "nothing"].map(|id| vector(id, 1));
    store.keep_vectors(&all).await.unwrap();
    store.keep_vectors(&[vector("q-0", 2)]).await.unwrap();
    assert_eq!(store.inquiry_vector(&q("q-0")).await.unwrap(), Some(vector("q-0", 1)));
    assert_eq!(store.inquiry_vector(&q("nothing")).await.unwrap(), None);
    let mut after = (at(0), q("!"));
    let mut read = Vec::new();
    loop {
        let rows = store.resolved_vectors(&after, 2).await.unwrap();
        let Some(last) = rows.last() else { break };
        after = (last.resolved_at, last.vector.inquiry_id.clone());
        read.extend(rows.iter().map(|row| (row.vector.inquiry_id.to_string(), row.resolved_at)));
    }
    let expected = [("q-0", 10), ("q-1", 10), ("q-2", 11)].map(|(id, second)| (id.to_owned(), at(second)));
    assert_eq!(read, expected);
    let cases = store.resolved_cases(&[q("q-2"), q("q-3"), q("q-0")], &sight("a-3", &[])).await.unwrap();
    let ids: Vec<_> = cases.iter().map(|case| (case.inquiry_id.as_str(), case.seen.is_some())).collect();
    assert_eq!(
        ids,
        [("q-2", false), ("q-0", false)],
        "in the order that was asked, without what is not resolved"
    );
    assert_eq!((cases[0].skill, cases[0].team.as_deref()), (Skill::Shipping, Some("north")));
    let seen = store.resolved_cases(&[q("q-2")], &sight("a-2", &["north"])).await.unwrap();
    assert!(seen[0].seen.is_some());
}
