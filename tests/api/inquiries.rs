//! Inquiries over the API.

use mimamori::access::{Permission, Role};
use mimamori::contract::{AgentId, Language, Skill};
use serde_json::{Value, json};

use crate::program::{Document, Program, named};
use crate::support::console::{Console, settings};
use crate::support::database::Fresh;
use crate::support::values::{agent, decision, inquiry, offer};

/// Inquiries that are offered to `a-2`.
async fn offered(console: &Console, ids: &[&str]) {
    let mut holder = agent("a-2", &[Skill::Shipping], &[Language::Ja], 50);
    holder.team = Some("parcels".into());
    console.store.upsert_agents(&[holder]).await.unwrap();
    for (n, id) in (0_i64..).zip(ids) {
        let mut order = decision(&inquiry(id, n), offer(&["a-2"]), n);
        order.expires_at = Some(chrono::Utc::now() + chrono::TimeDelta::hours(1));
        console.store.commit_routing(&order).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inquiry_is_accepted_passed_on_classified_assigned_and_resolved_on_sqlite() {
    life(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inquiry_is_accepted_passed_on_classified_assigned_and_resolved_on_postgres() {
    life(Fresh::postgres().await).await;
}

async fn life(database: Fresh) {
    let console = Console::start_on(database, &settings()).await;
    let document = Document::of(&console).await;
    offered(&console, &["q-1"]).await;
    let aki = Program::of(&console, &document, "aki", Role::Agent, Some("a-2")).await;
    let lead = Program::of(&console, &document, "boss", Role::Lead, None).await;
    let path = "/api/v1/inquiries/q-1";
    let act = |name: &str| format!("{path}/{name}");
    let tag = aki.tag(path).await;
    assert_eq!(aki.post(&act("accept"), None, Value::Null).await.0, 428);
    let (status, accepted) = aki.post(&act("accept"), Some(&tag), Value::Null).await;
    assert_eq!((status, accepted["accepted_at"].is_string()), (200, true));
    assert_eq!(lead.post(&act("accept"), Some(&tag), Value::Null).await.0, 403, "no agent");
    let (status, problem) = aki.post(&act("reject"), Some(&tag), json!({"right_skill": "cooking"})).await;
    assert_eq!((status, named(&problem)), (422, vec!["right_skill"]));
    let (status, waits) = aki.post(&act("reject"), Some(&tag), json!({"right_skill": "payment"})).await;
    assert_eq!(
        (status, &waits["status"], &waits["corrected_skill"]),
        (200, &"waiting".into(), &"payment".into())
    );
    let (answer, _) = aki.ask("GET", path, &[], "").await;
    assert_eq!(answer.status, 404, "an agent sees what their teams have");
    let (status, problem) = aki.post(&act("accept"), Some(&tag), Value::Null).await;
    assert_eq!((status, problem.get("holder")), (409, None));

    let tag = lead.tag(path).await;
    assert_eq!(
        lead.post(&act("assign"), Some(&tag), json!({"agent_id": "a-2"})).await.0,
        409,
        "passed it on"
    );
    let (status, classified) = lead.post(&act("classify"), Some(&tag), json!({"skill": "shipping"})).await;
    assert_eq!((status, &classified["corrected_skill"]), (200, &"shipping".into()));
    let (status, problem) = lead.post(&act("classify"), Some(&tag), json!({"skill": "payment"})).await;
    assert_eq!((status, &problem["generation"]), (412, &classified["generation"]));
    let tag = lead.tag(path).await;
    let (status, assigned) = lead.post(&act("assign"), Some(&tag), json!({"agent_id": "a-1"})).await;
    assert_eq!((status, &assigned["agent_id"]), (200, &"a-1".into()));
    let tag = lead.tag(path).await;
    let (status, problem) = aki.post(&act("resolve"), Some(&tag), Value::Null).await;
    assert_eq!((status, problem.get("holder")), (409, None), "who does not see it is not told who has it");
    // The lead of the test's console is the agent.
    let owner = console.store.account_by_login(&"lead".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(owner.profile.agent_id, Some(AgentId::new("a-1").unwrap()));
    let scopes: Vec<_> = Permission::scopes().collect();
    let token = console.token(owner.account_id, &scopes).await;
    let headers = [("authorization", &*format!("Bearer {token}")), ("if-match", &tag)];
    let resolved = console.stranger().request("POST", &act("resolve"), &headers, "").await;
    document.check("POST", &act("resolve"), &resolved);
    assert_eq!(resolved.status, 200, "{}", resolved.body);
    assert_eq!(lead.get("/api/v1/inquiries?status=resolved").await["items"][0]["inquiry_id"], "q-1");
    let trail = console.store.audit_trail(&Default::default(), 50).await.unwrap();
    let acts: Vec<&str> = trail
        .iter()
        .rev()
        .map(|row| row.entry.act.as_str())
        .filter(|act| act.starts_with("inquiry"))
        .collect();
    assert_eq!(
        acts,
        [
            "inquiry.accepted",
            "inquiry.passed_on",
            "inquiry.classified",
            "inquiry.assigned",
            "inquiry.resolved"
        ]
    );
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inquiries_are_listed_stretch_by_stretch_as_far_as_they_are_seen_on_sqlite() {
    lists(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inquiries_are_listed_stretch_by_stretch_as_far_as_they_are_seen_on_postgres() {
    lists(Fresh::postgres().await).await;
}

async fn lists(database: Fresh) {
    let console = Console::start_on(database, &settings()).await;
    let document = Document::of(&console).await;
    offered(&console, &["q-1", "q-2", "q.3", "q-4", "q-5"]).await;
    let aki = Program::of(&console, &document, "aki", Role::Agent, Some("a-2")).await;
    let ben = Program::of(&console, &document, "ben", Role::Agent, None).await;
    let (mut ids, mut query) = (Vec::new(), String::from("limit=2"));
    loop {
        let list = aki.get(&format!("/api/v1/inquiries?{query}")).await;
        ids.extend(
            list["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["inquiry_id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = list["next"].as_str() else { break };
        query = format!("limit=2&cursor={next}");
    }
    let account = console.person("carl", Role::Agent, &["parcels", "other"], None).await;
    let token = console.token(account, &[Permission::ReadInquiries]).await;
    let bearer = format!("Bearer {token}");
    let team =
        console.stranger().request("GET", "/api/v1/inquiries/q-1", &[("authorization", &bearer)], "").await;
    assert_eq!(team.status, 200, "one's team has it");
    team.lacks("商品");
    assert_eq!(ids, ["q-5", "q-4", "q.3", "q-2", "q-1"]);
    assert_eq!(ben.get("/api/v1/inquiries").await["items"], json!([]));
    assert_eq!(ben.ask("GET", "/api/v1/inquiries/q-1", &[], "").await.0.status, 404);
    assert_eq!(aki.get("/api/v1/inquiries?status=waiting").await["items"], json!([]));
    for query in ["cursor=5", "cursor=5.", "status=gone", "limit=-1"] {
        assert_eq!(
            aki.ask("GET", &format!("/api/v1/inquiries?{query}"), &[], "").await.0.status,
            400,
            "{query}"
        );
    }
    console.stop().await;
}
