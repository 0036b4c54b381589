//! What was read, and then changed by somebody else before it was acted on.

use chrono::{TimeDelta, Utc};
use mimamori::access::{AccountId, Actor, PasswordHash, Role, Secret};
use mimamori::console::password_link;
use mimamori::contract::{AgentId, Language, Skill};
use mimamori::store::*;

use crate::support::console::{Console, PASSWORD, encoded, password_hash, settings};
use crate::support::database::Fresh;
use crate::support::values::agent;

fn new_session(account_id: AccountId) -> NewSession {
    let at = Utc::now();
    let secret = Secret::new(&mut rand::rng()).hash();
    NewSession { secret, account_id, at, expires_at: at + TimeDelta::hours(1) }
}

async fn a_password_that_was_changed_opens_nothing(fresh: Fresh) {
    let console = Console::start_on(fresh, &settings()).await;
    let account = console.person("aki", Role::Agent, &[], None).await;
    let (store, by) = (&console.store, Actor::program());
    // Read by the log-in of somebody who has the old password, before argon2 runs.
    let read = store.credentials(&"aki".parse().unwrap()).await.unwrap().unwrap().password;
    let hash = || PasswordHash::new("seven blue dogs awake", [4; 16]).unwrap();
    let new = tokio::task::spawn_blocking(hash).await.unwrap();
    assert!(store.change_password(&read, &new, &new_session(account), &by).await.unwrap());
    let sessions = || {
        console.database.number("select count(*) from sessions s join accounts a on a.account_id = s.account_id where a.login = 'aki'")
    };
    let lines = || console.database.number("select count(*) from audit_trail");
    assert_eq!(sessions().await, 1);
    let before = lines().await;
    assert!(!store.open_session(&new_session(account), &read, None, &by).await.unwrap());
    assert!(!store.change_password(&read, &password_hash(), &new_session(account), &by).await.unwrap());
    assert_eq!((sessions().await, lines().await), (1, before), "nothing happened");
    let now = store.credentials(&"aki".parse().unwrap()).await.unwrap().unwrap().password;
    assert!(now == new, "the new password stays");
    assert!(store.open_session(&new_session(account), &new, None, &by).await.unwrap());
    store.set_disabled(account, true, &by, Utc::now()).await.unwrap();
    assert!(!store.open_session(&new_session(account), &new, None, &by).await.unwrap(), "disabled meanwhile");
    assert_eq!(sessions().await, 0);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_changed_opens_nothing_on_sqlite() {
    a_password_that_was_changed_opens_nothing(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_changed_opens_nothing_on_postgres() {
    a_password_that_was_changed_opens_nothing(Fresh::postgres().await).await;
}

async fn a_pending_link_ends_with_the_password(fresh: Fresh) {
    let console = Console::start_on(fresh, &settings()).await;
    let account = console.person("aki", Role::Agent, &[], None).await;
    let mut aki = console.log_in("aki").await;
    let pending = async || {
        let link = password_link(&*console.store, &settings(), account).await.unwrap().unwrap();
        format!("/set-up/{}", link.rsplit('/').next().unwrap())
    };
    let link = pending().await;
    assert_eq!(console.stranger().get(&link).await.status, 200);
    let new = encoded("seven blue dogs awake");
    let form = format!("current={}&password={new}&again={new}", encoded(PASSWORD));
    let changed = aki.post("/account/password", &form).await;
    assert_eq!(changed.status, 303);
    aki.keep(&changed).await;
    let form = format!("password={0}&again={0}", encoded("nine red birds asleep"));
    assert_eq!(console.stranger().get(&link).await.status, 410);
    assert_eq!(console.stranger().post(&link, &form).await.status, 410);
    assert_eq!(aki.get("/account").await.status, 200, "the session goes on");
    let link = pending().await;
    assert_eq!(console.stranger().post(&link, &form).await.status, 303, "a link made later holds");
    assert_eq!(aki.get("/account").await.status, 303);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_link_ends_with_the_password_on_sqlite() {
    a_pending_link_ends_with_the_password(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_link_ends_with_the_password_on_postgres() {
    a_pending_link_ends_with_the_password(Fresh::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_page_does_not_undo_a_demotion() {
    let console = Console::start().await;
    console.person("root", Role::Admin, &[], None).await;
    let other = console.person("other", Role::Admin, &["night"], None).await;
    let (root, client) = (console.log_in("root").await, console.log_in("other").await);
    let old = "seen_role=admin&seen_teams=night&seen_agent_id=";
    root.get("/people")
        .await
        .holds("name=\"seen_role\" value=\"admin\"")
        .holds("name=\"seen_teams\" value=\"night\"");
    let address = format!("/people/{other}");
    let form = |role: &str, seen: &str| format!("name=Other&role={role}&teams=night&agent_id=&{seen}");
    assert_eq!(
        root.post(&address, "name=Other&role=agent&teams=night").await.status,
        400,
        "what was seen is missing"
    );
    assert_eq!(root.post(&address, &form("agent", old)).await.status, 303);
    let late = root.post(&address, &form("admin", old)).await;
    assert_eq!(late.status, 409);
    late.holds("Somebody else has changed this account");
    assert_eq!(client.get("/people").await.status, 403, "the demotion stays");
    let role = async || console.store.account(other).await.unwrap().unwrap().profile.role;
    assert_eq!(role().await, Role::Agent);
    let now = "seen_role=agent&seen_teams=night&seen_agent_id=";
    assert_eq!(root.post(&address, &form("admin", now)).await.status, 303);
    assert_eq!(role().await, Role::Admin);
    console.stop().await;
}

fn demotion() -> AccountChange {
    let (teams, agent_id) = (Default::default(), None);
    let seen = Seen { role: Role::Admin, teams, agent_id };
    let (teams, agent_id) = (Default::default(), None);
    AccountChange { name: "x".into(), role: Some(Role::Agent), teams, agent_id, seen }
}

async fn an_admin_stays(fresh: Fresh) {
    const ROUNDS: usize = 10;
    let console = Console::start_on(fresh, &settings()).await;
    let first = console.person("first", Role::Admin, &[], None).await;
    let second = console.person("second", Role::Admin, &[], None).await;
    let (by, stores) = (Actor::program(), [console.database.open().await, console.database.open().await]);
    for round in 0..ROUNDS {
        let now = Utc::now();
        let (one, two) = if round % 2 == 0 {
            tokio::join!(
                stores[0].set_disabled(first, true, &by, now),
                stores[1].set_disabled(second, true, &by, now),
            )
        } else {
            let change = demotion();
            tokio::join!(
                stores[0].change_account(first, &change, &by, now),
                stores[1].set_disabled(second, true, &by, now),
            )
        };
        let edited = [one.unwrap(), two.unwrap()];
        assert!(edited.contains(&Edited::LastAdmin), "round {round}: {edited:?}");
        assert!(edited.iter().any(|edited| matches!(edited, Edited::Done(_))), "round {round}: {edited:?}");
        console
            .database
            .execute(
                "update accounts set role = 'admin', disabled_at = null where login in ('first', 'second')",
            )
            .await;
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_stays_on_sqlite() {
    an_admin_stays(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_stays_on_postgres() {
    an_admin_stays(Fresh::postgres().await).await;
}

async fn one_agent_is_linked_once(fresh: Fresh) {
    const ROUNDS: usize = 10;
    let console = Console::start_on(fresh, &settings()).await;
    let agent_id = AgentId::new("a-2").unwrap();
    console.store.upsert_agents(&[agent("a-2", &[Skill::Shipping], &[Language::Ja], 5)]).await.unwrap();
    let second = console.database.open().await;
    let by = Actor::program();
    for round in 0..ROUNDS {
        let profile = |side: &str| AccountProfile {
            login: format!("{side}{round}").parse().unwrap(),
            name: "Aki".into(),
            role: Role::Agent,
            teams: Default::default(),
            agent_id: Some(agent_id.clone()),
        };
        let (left, right) = (profile("left"), profile("right"));
        let (one, two) = tokio::join!(
            console.store.add_account(&left, None, &by, Utc::now()),
            second.add_account(&right, None, &by, Utc::now()),
        );
        let edited = [one.unwrap(), two.unwrap()];
        assert!(edited.contains(&Edited::AgentTaken), "round {round}: {edited:?}");
        assert!(edited.iter().any(|edited| matches!(edited, Edited::Done(_))), "round {round}: {edited:?}");
        console.database.execute("update accounts set agent_id = null where agent_id = 'a-2'").await;
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_agent_is_linked_once_on_sqlite() {
    one_agent_is_linked_once(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_agent_is_linked_once_on_postgres() {
    one_agent_is_linked_once(Fresh::postgres().await).await;
}
