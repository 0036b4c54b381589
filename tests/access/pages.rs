//! People, tokens, the audit trail, and what agents see.

use mimamori::access::{Act, Role};
use mimamori::contract::{Label, Language, Part, Skill, Span};
use mimamori::store::*;

use crate::support::console::{Client, Console, PASSWORD, encoded, settings};
use crate::support::database::Fresh;
use crate::support::values::*;

async fn admin(console: &Console) -> Client {
    console.person("root", Role::Admin, &[], None).await;
    console.log_in("root").await
}

/// The one link on a page.
fn link(page: &str) -> String {
    let (_, rest) = page.split_once("/set-up/").expect("the page has a link");
    format!("/set-up/{}", rest.split('<').next().unwrap())
}

fn new_password(password: &str) -> String {
    format!("password={0}&again={0}", encoded(password))
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_added_sets_a_password_by_the_link_and_is_disabled() {
    let console = Console::start().await;
    let root = admin(&console).await;
    let added = root.post("/people", "login=Aki&name=Aki&role=agent&teams=safety%2C+night&agent_id=").await;
    assert_eq!(added.status, 200);
    added.holds("One-time link").holds(&console.url("/set-up/"));
    let address = link(&added.body);
    root.get("/people").await.holds("<code>aki</code>").holds("night, safety").holds("Has no password yet");
    let mut aki = console.stranger();
    assert_eq!(aki.send_log_in("aki", PASSWORD).await.status, 403);
    aki.get(&address).await.holds("Set the password of aki");
    for (form, told) in [("password=a&again=b", "passwords differ"), ("password=a&again=a", "at least 12")] {
        let answer = aki.post(&address, form).await;
        assert_eq!(answer.status, 400);
        answer.holds(told);
    }
    assert_eq!(aki.post(&address, &new_password(PASSWORD)).await.status, 303);
    let again = aki.post(&address, &new_password("another long password")).await;
    assert_eq!(again.status, 410, "the link works once");
    assert_eq!(aki.get(&address).await.status, 410);
    let came = aki.send_log_in("aki", PASSWORD).await;
    aki.keep(&came).await;
    assert_eq!(aki.get("/alerts").await.status, 200);

    let row = console.store.account_by_login(&"aki".parse().unwrap()).await.unwrap().unwrap();
    let act = |act: &str| format!("/people/{}/{act}", row.account_id);
    let waiting = link(&root.post(&act("reset"), "").await.body);
    assert_eq!(root.post(&act("disable"), "").await.status, 303);
    assert_eq!(aki.get("/alerts").await.status, 303, "the session ends at once");
    assert_eq!(aki.send_log_in("aki", PASSWORD).await.status, 403);
    assert_eq!(aki.get(&waiting).await.status, 410, "so do the links");
    assert_eq!(root.post(&act("enable"), "").await.status, 303);
    assert_eq!(aki.get("/alerts").await.status, 303, "the old session stays ended");
    assert_eq!(aki.send_log_in("aki", PASSWORD).await.status, 303);
    let newest = |page: &str| link(page);
    let first = newest(&root.post(&act("reset"), "").await.body);
    let second = newest(&root.post(&act("reset"), "").await.body);
    assert_eq!(aki.get(&first).await.status, 410, "a newer link takes the place of the older");
    assert_eq!(aki.get(&second).await.status, 200);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_told_and_changes_nothing() {
    let console = Console::start().await;
    let root = admin(&console).await;
    for (form, status, told) in [
        ("login=lead&name=x&role=agent", 409, "Somebody has this log-in already"),
        ("login=aki&name=x&role=agent&agent_id=nobody", 409, "no agent with this id"),
        ("login=aki&name=x&role=agent&agent_id=a-1", 409, "linked to this agent"),
        ("login=aki&name=x&role=emperor", 400, "The form is incomplete"),
        ("login=a+ki&name=x&role=agent", 400, "The form is incomplete"),
        ("login=aki&name=+&role=agent", 400, "The form is incomplete"),
    ] {
        let answer = root.post("/people", form).await;
        assert_eq!(answer.status, status, "{form}");
        answer.holds(told);
    }
    let own = console.store.account_by_login(&"root".parse().unwrap()).await.unwrap().unwrap().account_id;
    let seen = "seen_role=admin&seen_teams=&seen_agent_id=";
    assert_eq!(root.post(&format!("/people/{own}/disable"), "").await.status, 403);
    assert_eq!(
        root.post(&format!("/people/{own}"), &format!("name=Root&role=agent&{seen}")).await.status,
        403
    );
    assert_eq!(
        root.post(&format!("/people/{own}"), &format!("name=Root+the+first&{seen}")).await.status,
        303
    );
    root.get("/people").await.holds("Root the first");
    assert_eq!(root.post("/people/999/disable", "").await.status, 404);
    // A role counts from the next request on.
    let lead = console.store.account_by_login(&"lead".parse().unwrap()).await.unwrap().unwrap().account_id;
    assert_eq!(console.get("/audit").await.status, 200);
    let form = "name=L&role=agent&teams=&agent_id=a-1&seen_role=lead&seen_teams=&seen_agent_id=a-1";
    let changed = root.post(&format!("/people/{lead}"), form).await;
    assert_eq!(changed.status, 303);
    assert_eq!(console.get("/audit").await.status, 403);
    console.get("/").await.lacks("href=\"/audit\"").lacks("href=\"/people\"").holds("href=\"/alerts\"");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_has_only_scopes_of_its_owner() {
    let console = Console::start().await;
    console.get("/account/tokens").await.holds("You have no tokens").lacks("manage_people");
    for wrong in [
        "name=x&days=10",
        "name=x&days=10&scope=manage_people",
        "name=x&days=10&scope=own_account",
        "name=x&days=0&scope=read_alerts",
        "name=x&days=367&scope=read_alerts",
        "name=&days=10&scope=read_alerts",
    ] {
        assert_eq!(console.post("/account/tokens", wrong).await.status, 400, "{wrong}");
    }
    let form = "name=night+report&days=10&scope=read_alerts&scope=read_text";
    let made = console.post("/account/tokens", form).await;
    let (_, rest) = made.body.split_once("<code class=\"secret\">").unwrap();
    let token = rest.split('<').next().unwrap();
    let listed = console.get("/account/tokens").await;
    listed.holds("night report").holds("<code>read_text</code>").holds("In force").lacks(token);
    let bearer = format!("Bearer {token}");
    let nobody = console.stranger();
    let me = async || nobody.request("GET", "/api/v1/me", &[("authorization", &bearer)], "").await.status;
    assert_eq!(me().await, 200);
    console.database.execute("update api_tokens set expires_at = created_at").await;
    assert_eq!(me().await, 401, "it has ended");
    console.get("/account/tokens").await.holds("Ended");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_is_filtered_and_read_by_cursor() {
    let console = Console::start().await;
    let root = admin(&console).await;
    for number in 0..60 {
        root.post("/people", &format!("login=p{number:02}&name=P&role=agent")).await;
    }
    let page = console.get("/audit?actor=root&act=account.added").await;
    page.holds("<code>login</code> p59").holds("<code>login</code> p10").lacks("<code>login</code> p09");
    page.lacks("Logged in</td>").holds("value=\"account.added\" selected");
    let (_, rest) = page.body.split_once("rel=\"next\" href=\"").unwrap();
    let older = rest.split('"').next().unwrap().replace("&#38;", "&");
    assert!(older.contains("actor=root") && older.contains("act=account.added"), "{older}");
    console
        .get(&older)
        .await
        .holds("<code>login</code> p09")
        .lacks("<code>login</code> p10")
        .lacks("rel=\"next\"");
    console.get("/audit?kind=nothing").await.holds("Nothing here");
    let japanese = console.request("GET", "/audit", &[("accept-language", "ja")], "").await;
    japanese.holds("監査記録").holds("利用者を追加");
    console.stop().await;
}

async fn only_grows(fresh: Fresh, statements: &[&'static str]) {
    let console = Console::start_on(fresh, &settings()).await;
    let before = console.database.number("select count(*) from audit_trail").await;
    assert!(before > 0);
    for sql in statements.iter().copied() {
        // The statement is refused: the helper panics, in a task of its own.
        let config = console.database.config.clone();
        let refused = tokio::spawn(async move { crate::support::database::execute(&config, sql).await });
        assert!(refused.await.is_err(), "{sql}");
    }
    assert_eq!(console.database.number("select count(*) from audit_trail").await, before);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_only_grows() {
    const CHANGES: [&str; 2] = ["update audit_trail set actor = 'x'", "delete from audit_trail"];
    only_grows(Fresh::sqlite().await, &CHANGES).await;
    only_grows(Fresh::postgres().await, &[CHANGES[0], CHANGES[1], "truncate audit_trail"]).await;
}

/// Inquiries of three agents, two of whom are in team `north`.
async fn three_agents(console: &Console) {
    let in_team = |id: &str, team: Option<&str>| AgentProfile {
        team: team.map(str::to_owned),
        ..agent(id, &[Skill::Shipping], &[Language::Ja], 5)
    };
    let agents =
        [in_team("a-1", Some("north")), in_team("a-2", Some("north")), in_team("a-3", Some("south"))];
    console.store.upsert_agents(&agents).await.unwrap();
    for (id, agent, second) in [("q-1", "a-1", 1), ("q-2", "a-2", 2), ("q-3", "a-3", 3)] {
        let routed = decision(&inquiry(id, second), offer(&[agent]), second);
        console.store.commit_routing(&routed).await.unwrap();
    }
    let waiting = decision(&inquiry("q-4", 4), offer(&[]), 4);
    console.store.commit_routing(&waiting).await.unwrap();
}

async fn agents_see_their_own(fresh: Fresh) {
    let console = Console::start_on(fresh, &settings()).await;
    three_agents(&console).await;
    console.person("own", Role::Agent, &[], Some("a-2")).await;
    console.person("team", Role::Agent, &["north", "west"], Some("a-3")).await;
    console.person("none", Role::Agent, &[], None).await;
    for (login, list, sees) in [
        ("lead", "", "q-1 q-2 q-3 q-4"),
        ("own", "", "q-2"),
        ("team", "", "q-3"),
        ("team", "?view=teams", "q-1 q-2 q-3"),
        ("none", "", ""),
    ] {
        let page = console.log_in(login).await.get(&format!("/inquiries{list}")).await;
        for id in ["q-1", "q-2", "q-3", "q-4"] {
            assert_eq!(page.body.contains(&format!("<code>{id}</code>")), sees.contains(id), "{login}, {id}");
        }
    }
    // Seen is not held: the form of a colleague's inquiry is not there, and sent all the same it does nothing.
    let team = console.log_in("team").await;
    let page = team.get("/inquiries?view=teams").await;
    page.holds("/inquiries/q-3/resolve").lacks("/inquiries/q-1/resolve");
    let answer = team.post("/inquiries/q-1/resolve", "generation=1").await;
    team.get(answer.header("location").unwrap()).await.holds("Nothing changed");
    // What one has passed on is the next one's.
    let own = console.log_in("own").await;
    own.post("/inquiries/q-2/reject", "generation=1&right_skill=").await;
    own.get("/inquiries").await.lacks("<code>q-2</code>");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_see_their_own_and_their_teams_inquiries_on_sqlite() {
    agents_see_their_own(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_see_their_own_and_their_teams_inquiries_on_postgres() {
    agents_see_their_own(Fresh::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_not_read_text_sees_how_long_it_is_and_no_word_of_it() {
    let console = Console::start().await;
    let mut first = message("m-1", "t-1", 0);
    first.text = "LINEで話そう".into();
    let mut second = message("m-2", "t-1", 1);
    second.text = "ID は kurumi_0412".into();
    let mut found = flagged(&second, 2);
    let span = |start, end, text: &str| Span { start, end, text: text.into() };
    found.verdict.labels = vec![Label {
        spans: vec![span(5, 16, "kurumi_0412")],
        parts: vec![Part { message_id: first.message_id.clone(), spans: vec![span(0, 4, "LINE")] }],
        ..found.verdict.labels[0].clone()
    }];
    let said = cleared(&first, 1);
    console.store.receive_messages(&[first, second], 0).await.unwrap();
    let batch = ModerationBatch { decisions: vec![said, found], dead_letters: vec![] };
    console.store.commit_moderation(&batch).await.unwrap();
    three_agents(&console).await;
    let words = ["LINE", "kurumi", "話そう", "商品が届きません", "配送</h2>"];
    let both =
        async |client: &Client| client.get("/alerts").await.body + &client.get("/inquiries").await.body;
    let seen = both(&console.client).await;
    assert!(words.iter().all(|word| seen.contains(word)), "a lead reads");
    for role in [Role::Admin, Role::ModelOwner] {
        console.person(role.as_str(), role, &[], None).await;
        let client = console.log_in(role.as_str()).await;
        let page = both(&client).await;
        for word in words {
            assert!(!page.contains(word), "{role} reads {word}");
        }
        assert!(page.contains("lang=\"ja\" dir=\"auto\">••••••••</p>"), "{role}: {page}");
        assert!(page.contains("does not read message text") && !page.contains("<mark"), "{role}");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_does_with_an_inquiry_is_in_the_trail() {
    let console = Console::start().await;
    three_agents(&console).await;
    console.post("/inquiries/q-1/accept", "generation=1").await;
    console.post("/inquiries/q-1/reject", "generation=1&right_skill=payment").await;
    console.post("/inquiries/q-4/classify", "generation=0&skill=listing").await;
    // What was lost is no act.
    console.post("/inquiries/q-2/accept", "generation=1").await;
    let filter = AuditFilter { subject_kind: Some("inquiry".into()), ..AuditFilter::default() };
    let rows = console.store.audit_trail(&filter, 10).await.unwrap();
    let acts: Vec<_> = rows.iter().rev().map(|row| (row.entry.act, row.entry.subject.id.as_str())).collect();
    let expected =
        [(Act::InquiryAccepted, "q-1"), (Act::InquiryPassedOn, "q-1"), (Act::InquiryClassified, "q-4")];
    assert_eq!(acts, expected);
    assert!(rows.iter().all(|row| row.entry.actor.name == "lead"));
    console.stop().await;
}

async fn control_characters_are_refused(fresh: Fresh) {
    let console = Console::start_on(fresh, &settings()).await;
    for name in ["a%00b", "a%1Bb", "a%0Ab"] {
        let form = format!("name={name}&days=10&scope=read_alerts");
        assert_eq!(console.post("/account/tokens", &form).await.status, 400, "{name}");
    }
    for filter in ["actor=lead%00", "act=%00", "kind=a%00b", "id=%00", "actor=%1B"] {
        let answer = console.get(&format!("/audit?{filter}")).await;
        assert_eq!(answer.status, 200, "{filter}");
        answer.holds("Nothing here");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_are_refused_on_sqlite() {
    control_characters_are_refused(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_are_refused_on_postgres() {
    control_characters_are_refused(Fresh::postgres().await).await;
}
