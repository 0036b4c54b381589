//! The desk with a store of its own.

use super::*;
use crate::access::Sight;
use crate::config::Config;
use crate::contract::{AgentId, Channel, Language, Priority, Skill, SkillProbability, UserId};
use crate::store::{AgentProfile, Change, InquiryStatus, Page, SqliteStore};
use crate::worker::changes::Changes;

fn agent(id: &str) -> AgentProfile {
    AgentProfile {
        agent_id: AgentId::new(id).unwrap(),
        name: id.into(),
        skills: BTreeMap::from([(Skill::Shipping, 4)]),
        languages: vec![Language::Ja],
        capacity: 1,
        available: true,
        team: None,
        hours: None,
    }
}

fn predicted(id: &str) -> Predicted {
    let inquiry = Inquiry {
        inquiry_id: InquiryId::new(id).unwrap(),
        customer_id: UserId::new("u-1").unwrap(),
        text: "商品が届きません".into(),
        received_at: Utc::now(),
        subject: None,
        transaction_id: None,
        priority: Priority::Normal,
        channel: Channel::default(),
    };
    Predicted::new(inquiry, Language::Ja, vec![SkillProbability::certain(Skill::Shipping)], "m1".into())
}

async fn holder(store: &dyn Store) -> Option<AgentId> {
    let rows = store.inquiries(Page { offset: 0, limit: 10 }, &Sight::All).await.unwrap();
    rows.into_iter().find(|row| row.status == InquiryStatus::Assigned).and_then(|row| row.agent_id)
}

async fn fresh() -> (tempfile::TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.path().join("desk.db"), 4).await.unwrap());
    store.migrate().await.unwrap();
    (folder, store)
}

fn policy() -> Policy {
    Config::load(None, []).unwrap().routing.policy(0.5)
}

/// Looks once an hour, unless it is woken.
fn desk(store: &Arc<dyn Store>, policy: Arc<Policy>, changed: &Wake) -> Desk {
    Desk {
        store: store.clone(),
        policy,
        every: Duration::from_secs(3600),
        limit: 10,
        commits: 1,
        keep: TimeDelta::days(1),
        offer: None,
        returning: TimeDelta::zero(),
        away_grace: None,
        changed: changed.clone(),
        metrics: Metrics::new(Vec::new()),
        outbox: Wake::default(),
        abandon: CancellationToken::new(),
    }
}

/// The beat is an hour: only what wakes the desk makes it look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_wakes_the_desk_which_ends_what_ran_out_and_offers_it_to_somebody_else() {
    let (_folder, store) = fresh().await;
    store.upsert_agents(&[agent("a-1")]).await.unwrap();
    let policy = Arc::new(policy());
    let (one, now) = (predicted("q-1"), Utc::now());
    let agents = store.agents().await.unwrap();
    let decided = decide(&[one.case(false, None)], &agents, &policy, now).remove(0);
    // An offer that is over at once.
    store.commit_routing(&one.with(decided, Some(TimeDelta::zero()), now)).await.unwrap();
    assert_eq!(holder(&*store).await, Some(AgentId::new("a-1").unwrap()));

    let (changed, shutdown) = (Wake::default(), CancellationToken::new());
    let desk = desk(&store, policy, &changed);
    let metrics = desk.metrics.clone();
    let (submit, submitted) = mpsc::channel(1);
    let running = tokio::spawn(desk.run(submitted, shutdown.clone()));
    let changes = Changes { store: store.clone(), desk: changed };
    let watching = tokio::spawn(changes.run(shutdown.clone()));
    let mut watch = store.watch_desk().await.unwrap();
    let second = AgentId::new("a-2").unwrap();
    // The watch of the desk may begin after the first of these.
    let given = async {
        loop {
            store.upsert_agents(&[agent("a-2")]).await.unwrap();
            watch.changed().await.unwrap();
            if holder(&*store).await.as_ref() == Some(&second) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), given).await.expect("a-2 comes, and gets the inquiry");
    drop(submit);
    shutdown.cancel();
    running.await.unwrap().unwrap();
    watching.await.unwrap().unwrap();
    let page = metrics.render().unwrap();
    assert!(page.contains("mimamori_assignments_ended_last_day{outcome=\"expired\"} 1"), "{page}");
}

/// Everybody gives it back, and the last step is the first one.
#[tokio::test]
async fn what_everybody_gave_back_goes_to_a_person() {
    let (_folder, store) = fresh().await;
    store.upsert_agents(&[agent("a-1"), agent("a-2")]).await.unwrap();
    let mut policy = policy();
    policy.steps.truncate(1);
    let desk = desk(&store, Arc::new(policy), &Wake::default());
    let mut fresh = vec![predicted("q-1")];
    for generation in 1..=2 {
        // Another round each time: as if the time had passed after which it is looked who is left.
        desk.tick(std::mem::take(&mut fresh), true, &mut Round::default()).await.unwrap();
        let holder = holder(&*store).await.expect("somebody is left");
        let id = InquiryId::new("q-1").unwrap();
        let change = store.reject(&id, &holder, generation, None, Utc::now()).await.unwrap();
        assert_eq!(change, Change::Done);
    }
    let mut round = Round { looked_who_is_left: Some(Instant::now()), ..Round::default() };
    desk.tick(Vec::new(), true, &mut round).await.unwrap();
    let status = async || store.inquiries(Page { offset: 0, limit: 1 }, &Sight::All).await.unwrap()[0].status;
    assert_eq!(status().await, InquiryStatus::Waiting, "all agents are not read at every tick");
    desk.tick(Vec::new(), true, &mut Round::default()).await.unwrap();
    assert_eq!(status().await, InquiryStatus::Triage);
}

/// Forty of one desk that the only agent has given back stand before one that they may have.
#[tokio::test]
async fn the_last_of_a_desk_has_its_turn_behind_many_that_nobody_may_take() {
    let (_folder, store) = fresh().await;
    let present = AgentProfile { capacity: 100, ..agent("a-1") };
    store.upsert_agents(std::slice::from_ref(&present)).await.unwrap();
    let desk = desk(&store, Arc::new(policy()), &Wake::default());
    let mut round = Round::default();
    let first = (0..40).map(|n| predicted(&format!("q-{n:02}"))).collect();
    desk.tick(first, true, &mut round).await.unwrap();
    for n in 0..40 {
        let id = InquiryId::new(format!("q-{n:02}")).unwrap();
        let change = store.reject(&id, &present.agent_id, 1, None, Utc::now()).await.unwrap();
        assert_eq!(change, Change::Done);
    }
    store.upsert_agents(&[AgentProfile { available: false, ..present.clone() }]).await.unwrap();
    desk.tick(vec![predicted("q-last")], true, &mut round).await.unwrap();
    assert_eq!(holder(&*store).await, None);
    store.upsert_agents(&[present]).await.unwrap();
    // Two of the ten that a tick takes up come in turn.
    for _ in 0..41_u32.div_ceil(2) {
        desk.tick(Vec::new(), true, &mut round).await.unwrap();
    }
    let rows = store.inquiries(Page { offset: 0, limit: 100 }, &Sight::All).await.unwrap();
    let held = rows.iter().filter(|row| row.status == InquiryStatus::Assigned);
    assert_eq!(held.map(|row| row.inquiry_id.as_str()).collect::<Vec<_>>(), ["q-last"]);
}

#[tokio::test]
async fn a_call_takes_the_places_that_the_configuration_says() {
    let (_folder, store) = fresh().await;
    store.upsert_agents(&[AgentProfile { capacity: 3, ..agent("a-1") }]).await.unwrap();
    let desk = desk(&store, Arc::new(policy()), &Wake::default());
    let calls = ["q-1", "q-2"].map(|id| {
        let mut call = predicted(id);
        call.inquiry.channel = Channel::new("phone").unwrap();
        call
    });
    desk.tick(calls.into(), true, &mut Round::default()).await.unwrap();
    assert_eq!(store.agents().await.unwrap()[0].open, 2, "one of two calls, at two places each");
    // What waits keeps its weight.
    desk.tick(vec![predicted("q-3")], true, &mut Round::default()).await.unwrap();
    assert_eq!(store.agents().await.unwrap()[0].open, 2, "the third place is kept for the other call");
}
