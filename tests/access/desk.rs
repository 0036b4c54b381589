//! The agents' desk over HTTP: lists, presence, an inquiry's page, answers and templates.

use mimamori::access::{Act, Role};
use mimamori::contract::{Language, Skill, TransactionId};
use mimamori::store::desk::Templates;
use mimamori::store::*;

use crate::support::console::{Client, Console, encoded, settings};
use crate::support::database::Fresh;
use crate::support::values::*;

/// `a-1` is the lead's, `a-2` Aki's, in the team `north`; `a-3` nobody's, in `south`.
async fn desk(fresh: Fresh) -> (Console, Client) {
    let console = Console::start_on(fresh, &settings()).await;
    let of = |id: &str, team: &str| AgentProfile {
        team: Some(team.into()),
        ..agent(id, &[Skill::Shipping], &[Language::Ja], 5)
    };
    console.store.upsert_agents(&[of("a-1", "north"), of("a-2", "north"), of("a-3", "south")]).await.unwrap();
    console.person("aki", Role::Agent, &["north"], Some("a-2")).await;
    let aki = console.log_in("aki").await;
    (console, aki)
}

async fn given(console: &Console, id: &str, agent: &str, offer_minutes: Option<i64>) {
    let now = chrono::Utc::now();
    let routed = RoutingDecision {
        expires_at: offer_minutes.map(|minutes| now + chrono::TimeDelta::minutes(minutes)),
        at: now,
        ..decision(&inquiry(id, 0), offer(&[agent]), 0)
    };
    console.store.commit_routing(&routed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_has_the_lists_of_their_role_and_an_offer_counts_down() {
    let (console, aki) = desk(Fresh::sqlite().await).await;
    given(&console, "q-1", "a-2", Some(5)).await;
    given(&console, "q-2", "a-1", None).await;
    let page = aki.get("/inquiries").await;
    page.holds("aria-current=\"page\">Mine <b>1</b>").holds(">My teams <b>2</b>").lacks("Triage <b>");
    page.holds("data-left=\"{m} min {s} s left\"").holds("role=\"timer\"").holds("<code>q-1</code>");
    page.holds("data-key=\"a\"").holds("data-focus=\"p\"").lacks("<code>q-2</code>");
    for view in ["all", "triage", "waiting"] {
        assert_eq!(aki.get(&format!("/inquiries?view={view}")).await.status, 403, "{view}");
    }
    aki.get("/inquiries?view=teams").await.holds("<code>q-1</code>").holds("<code>q-2</code>");
    let lead = console.get("/inquiries").await;
    lead.holds("aria-current=\"page\">All<").holds(">Triage <b>0</b>").holds("<code>q-1</code>");
    lead.holds("href=\"/reply-templates\"");
    aki.get("/inquiries").await.lacks("href=\"/reply-templates\"");
    let late = aki.post("/inquiries/q-1/accept?view=waiting", "generation=1").await;
    assert!(late.header("location").unwrap().starts_with("/inquiries?view=mine&"), "a list that Aki has");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_from_a_place() {
    let (console, _) = desk(Fresh::sqlite().await).await;
    for n in 0..30 {
        let waiting = decision(&inquiry(&format!("w-{n:02}"), n), offer(&[]), n);
        console.store.commit_routing(&waiting).await.unwrap();
    }
    let first = console.get("/inquiries?view=waiting").await;
    first
        .holds("<code>w-00</code>")
        .holds("<code>w-24</code>")
        .lacks("<code>w-25</code>")
        .lacks("rel=\"prev\"");
    let link = |page: &str, rel: &str| {
        let (_, rest) = page.split_once(&format!("rel=\"{rel}\" href=\"")).expect("the page has the link");
        rest.split('"').next().unwrap().replace("&#38;", "&")
    };
    let second = console.get(&link(&first.body, "next")).await;
    second
        .holds("<code>w-25</code>")
        .holds("<code>w-29</code>")
        .lacks("<code>w-24</code>")
        .lacks("rel=\"next\"");
    let back = console.get(&link(&second.body, "prev")).await;
    back.holds("<code>w-00</code>").holds("<code>w-24</code>").lacks("<code>w-25</code>");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_goes_away_and_comes_back() {
    let (console, aki) = desk(Fresh::sqlite().await).await;
    aki.get("/inquiries").await.holds("You are here").holds("0 of 5 places taken").holds("Go away");
    let away = aki.post("/presence?view=teams", "available=false").await;
    assert_eq!((away.status, away.header("location")), (303, Some("/inquiries?view=teams")));
    aki.get("/inquiries").await.holds("You are away").holds("Be back");
    let agent =
        console.store.agents().await.unwrap().into_iter().find(|agent| agent.agent_id.as_str() == "a-2");
    assert!(!agent.unwrap().available);
    aki.post("/presence", "available=true").await;
    aki.get("/inquiries").await.holds("You are here");
    assert_eq!(aki.post("/presence", "available=perhaps").await.status, 400);
    let filter = AuditFilter { subject_kind: Some("agent".into()), ..AuditFilter::default() };
    let trail = console.store.audit_trail(&filter, 10).await.unwrap();
    assert!(trail.iter().all(|row| row.entry.act == Act::AgentAvailabilityChanged));
    let said: Vec<_> = trail.iter().rev().map(|row| row.entry.detail["available"].clone()).collect();
    assert_eq!(said, [false, true]);
    console.person("none", Role::Agent, &[], None).await;
    let none = console.log_in("none").await;
    none.get("/inquiries").await.lacks("Go away");
    assert_eq!(none.post("/presence", "available=true").await.status, 403);
    console.stop().await;
}

async fn page_of_one(fresh: Fresh) {
    let (console, aki) = desk(fresh).await;
    let (mut said, mut flagged_one) = (message("m-1", "t-1", 0), message("m-2", "t-1", 1));
    said.text = "はじめまして".into();
    flagged_one.text = "LINEで話そう".into();
    let decisions = vec![cleared(&said, 1), flagged(&flagged_one, 2)];
    console.store.receive_messages(&[said, flagged_one], 0).await.unwrap();
    console.store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
    let linked = mimamori::contract::Inquiry {
        transaction_id: Some(TransactionId::new("t-1").unwrap()),
        ..inquiry("q-1", 10)
    };
    console.store.commit_routing(&decision(&linked, offer(&["a-2"]), 10)).await.unwrap();
    let mut secret = inquiry("q-3", 5);
    secret.text = "秘密の話です".into();
    secret.subject = None;
    console.store.commit_routing(&decision(&secret, offer(&["a-3"]), 5)).await.unwrap();

    let page = aki.get("/inquiries/q-1?view=mine").await;
    assert_eq!(page.status, 200);
    page.holds("Inquiry q-1").holds("商品が届きません").holds("Why it came here").holds("91%");
    page.holds("はじめまして").holds("<mark").holds("/alerts/1\">Luring off the platform");
    page.holds("Agent a-2").holds("in hand").holds("action=\"/inquiries/q-1/reply?view=mine\"");
    // Another team's inquiry of the customer: that it is, and no word of it.
    page.holds("somebody else&#39;s").lacks("秘密").lacks("q-3");
    assert_eq!(aki.get("/inquiries/q-3").await.status, 404, "not theirs to see");
    let lead = console.get("/inquiries/q-1").await;
    lead.holds("秘密の話です")
        .holds("href=\"/inquiries/q-3?view=all\"")
        .lacks("/q-1/reply")
        .holds("/q-1/assign");
    for role in [Role::Admin, Role::ModelOwner] {
        console.person(role.as_str(), role, &[], None).await;
        let page = console.log_in(role.as_str()).await.get("/inquiries/q-1").await;
        assert_eq!(page.status, 200);
        page.lacks("商品が届きません").lacks("LINE").lacks("秘密").lacks("<mark").holds("••••••••");
    }
    let accepted = aki.post("/inquiries/q-1/accept?view=mine&on=page", "generation=1").await;
    let told = accepted.header("location").unwrap();
    assert!(told.starts_with("/inquiries/q-1?view=mine"), "{told}");
    aki.get(told).await.holds("Inquiry q-1 is accepted");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_an_inquiry_shows_what_the_reader_may_see_on_sqlite() {
    page_of_one(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_an_inquiry_shows_what_the_reader_may_see_on_postgres() {
    page_of_one(Fresh::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_picked_filled_in_sent_once_and_the_inquiry_resolved() {
    let (console, aki) = desk(Fresh::sqlite().await).await;
    given(&console, "q-1", "a-2", None).await;
    let templates = console.store.reply_templates(Templates::Offered(Language::Ja)).await.unwrap();
    let shipping = templates.iter().find(|row| row.template.skill == Some(Skill::Shipping)).unwrap();
    let page = aki.get("/inquiries/q-1").await;
    let first = page.body.find("Shipping: 商品が届かない").expect("those for its skill are offered");
    assert!(first < page.body.find("Payment: ").expect("the others come after them"));
    let picked = aki.get(&format!("/inquiries/q-1?view=mine&template={}", shipping.template_id)).await;
    picked.holds("u-9 様").holds("Agent a-2です").holds("番号：q-1").lacks("{customer}");

    let form = format!(
        "generation=1&seen=0&template={}&text={}",
        shipping.template_id,
        encoded("お待たせ\r\nしました")
    );
    let sent = aki.post("/inquiries/q-1/reply?view=mine", &form).await;
    assert_eq!(sent.status, 303);
    let page = aki.get(sent.header("location").unwrap()).await;
    page.holds("Your answer to inquiry q-1 is on its way")
        .holds("お待たせ\nしました")
        .holds("name=\"seen\" value=\"1\"");
    let twice = aki.post("/inquiries/q-1/reply?view=mine", &form).await;
    assert_eq!(twice.status, 409);
    twice.holds("an answer went out meanwhile").holds("お待たせ\nしました</textarea>");
    let empty = aki.post("/inquiries/q-1/reply", "generation=1&seen=1&text=+%0D%0A").await;
    assert_eq!(empty.status, 409);
    empty.holds("1 to 5,000 characters");
    assert_eq!(aki.post("/inquiries/q-1/reply", "generation=1&seen=1").await.status, 400);

    let last = aki.post("/inquiries/q-1/reply?view=mine", "generation=1&seen=1&text=Done&then=resolve").await;
    let list = aki.get(last.header("location").unwrap()).await;
    list.holds("Inquiry q-1 is resolved").lacks("<code>q-1</code></a>");
    aki.get("/inquiries/q-1").await.holds("resolved with it").lacks("/q-1/reply");
    let late = aki.post("/inquiries/q-1/reply", "generation=1&seen=2&text=One+more").await;
    assert_eq!(late.status, 409);
    late.holds("is not yours any more").holds("One more</textarea>");
    let trail = console.get("/audit?act=inquiry.replied").await;
    trail.holds("Answered an inquiry").lacks("お待たせ");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_who_lost_the_inquiry_is_not_sent_and_not_lost() {
    let (console, aki) = desk(Fresh::sqlite().await).await;
    given(&console, "q-1", "a-2", None).await;
    console.post("/inquiries/q-1/assign", "agent_id=a-3&generation=1").await;
    let late = aki.post("/inquiries/q-1/reply", "generation=1&seen=0&text=My+words").await;
    assert_eq!(late.status, 409);
    late.holds("is not yours any more").holds("My words</textarea>").lacks("商品が届きません");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_keep_the_templates_and_two_of_them_do_not_overwrite_each_other() {
    let (console, aki) = desk(Fresh::sqlite().await).await;
    assert_eq!(aki.get("/reply-templates").await.status, 403);
    let page = console.get("/reply-templates").await;
    page.holds("商品が届かない場合のご案内").holds("Your item has not arrived");
    let form = |name: &str, text: &str| format!("name={name}&language=en&skill=&text={}", encoded(text));
    assert_eq!(console.post("/reply-templates", &form("Thanks", "Dear {customer}")).await.status, 303);
    let wrong = console.post("/reply-templates", &form("Order", "About {order}")).await;
    assert_eq!(wrong.status, 400);
    wrong.holds("Nothing is saved").holds("About {order}</textarea>");
    let rows = console.store.reply_templates(Templates::InUse).await.unwrap();
    let added = rows.iter().find(|row| row.template.name == "Thanks").unwrap();
    let path = format!("/reply-templates/{}", added.template_id);
    let changed = format!("generation=1&{}", form("Thank you", "Dear {customer}!"));
    assert_eq!(console.post(&path, &changed).await.status, 303);
    let late = console.post(&path, &changed).await;
    assert_eq!(late.status, 409);
    late.holds("somebody else changed or retired");
    assert_eq!(console.post(&format!("{path}/retire"), "generation=1").await.status, 409);
    assert_eq!(console.post(&format!("{path}/retire"), "generation=2").await.status, 303);
    assert_eq!(console.post("/reply-templates/999999/retire", "generation=1").await.status, 404);
    console
        .get("/reply-templates?done=retired")
        .await
        .holds("The template is retired")
        .holds("Dear {customer}!");
    given(&console, "q-1", "a-2", None).await;
    aki.get("/inquiries/q-1").await.lacks("Thank you");
    console.stop().await;
}

/// Three numbers are vector enough.
fn vector(id: &str, version: &str, numbers: [f32; 3]) -> mimamori::store::desk::InquiryVector {
    mimamori::store::desk::InquiryVector {
        inquiry_id: mimamori::contract::InquiryId::new(id).unwrap(),
        version: version.into(),
        vector: mimamori::model::neighbours::Vector::of(&numbers).unwrap().to_bytes(),
    }
}

async fn similar_ones(fresh: Fresh) {
    let (console, aki) = desk(fresh).await;
    let store = &console.store;
    let resolved = async |id: &str, agent: &str, text: &str| {
        let mut one = inquiry(id, 0);
        (one.subject, one.text) = (None, text.into());
        one.customer_id = mimamori::contract::UserId::new(format!("u-{id}")).unwrap();
        let now = chrono::Utc::now();
        let routed = RoutingDecision { at: now, ..decision(&one, offer(&[agent]), 0) };
        store.commit_routing(&routed).await.unwrap();
        let agent = mimamori::contract::AgentId::new(agent).unwrap();
        let order = mimamori::store::desk::ReplyOrder {
            inquiry_id: one.inquiry_id,
            agent_id: agent,
            generation: 1,
            seen_reply: 0,
            template_id: None,
            text: format!("{id} の答え"),
            resolves: true,
            by: mimamori::access::Actor::program(),
            at: now,
        };
        store.send_reply(&order).await.unwrap().unwrap();
    };
    given(&console, "q-1", "a-2", None).await;
    resolved("r-1", "a-1", "荷物がまだ来ない").await;
    resolved("r-2", "a-3", "よそのチームの話").await;
    resolved("r-3", "a-1", "別の版のもの").await;
    resolved("r-4", "a-1", "まるで違う話").await;
    let vectors = [
        vector("q-1", "v1", [1.0, 0.2, 0.0]),
        vector("r-1", "v1", [1.0, 0.3, 0.0]),
        vector("r-2", "v1", [1.0, 0.0, 0.0]),
        vector("r-3", "v2", [1.0, 0.2, 0.0]),
        vector("r-4", "v1", [-1.0, 0.2, 0.0]),
        vector("unknown", "v1", [1.0, 0.2, 0.0]),
    ];
    store.keep_vectors(&vectors).await.unwrap();
    let page = aki.get("/inquiries/q-1").await;
    page.holds("Similar inquiries that were resolved").holds("荷物がまだ来ない").holds("r-1 の答え");
    page.holds("Agent a-1").holds("north").holds("south").holds("resolved in ");
    page.lacks("よそのチーム").lacks("r-2").lacks("別の版").lacks("まるで違う");
    // What is resolved later is found by the next page, without a start.
    resolved("r-5", "a-1", "追跡番号が出ない").await;
    store.keep_vectors(&[vector("r-5", "v1", [1.0, 0.2, 0.0])]).await.unwrap();
    let page = aki.get("/inquiries/q-1").await;
    let (first, second) = (page.body.find("追跡番号が出ない"), page.body.find("荷物がまだ来ない"));
    assert!(first.unwrap() < second.unwrap(), "the most alike comes first");
    console.person("admin", Role::Admin, &[], None).await;
    let masked = console.log_in("admin").await.get("/inquiries/q-1").await;
    masked.lacks("荷物がまだ来ない").lacks("の答え").holds("r-2");
    given(&console, "q-9", "a-2", None).await;
    aki.get("/inquiries/q-9").await.holds("None of the last year is like it");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inquiries_like_it_that_were_resolved_are_shown_as_far_as_the_reader_may_see_them_on_sqlite() {
    similar_ones(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inquiries_like_it_that_were_resolved_are_shown_as_far_as_the_reader_may_see_them_on_postgres() {
    similar_ones(Fresh::postgres().await).await;
}
