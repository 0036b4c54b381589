//! The console's pages, on a real store behind a real listener.

#[path = "console/rules.rs"]
mod rules;
mod support;

use mimamori::access::{Act, Actor, Role};
use mimamori::contract::{AgentId, InquiryId, Label, Language, Part, Skill, Span, TransactionMessage};
use mimamori::routing::Proposal;
use mimamori::store::*;
use support::console::{Answer, Console};
use support::values::*;

/// What these tests put before the console.
trait Filled {
    async fn moderated(&self, decided: &[(TransactionMessage, Decision)]);
    async fn assigned(&self, id: &str);
}

impl Filled for Console {
    async fn moderated(&self, decided: &[(TransactionMessage, Decision)]) {
        let (messages, decisions): (Vec<_>, Vec<_>) = decided.iter().cloned().unzip();
        self.store.receive_messages(&messages, 0).await.unwrap();
        let batch = ModerationBatch { decisions, dead_letters: vec![] };
        self.store.commit_moderation(&batch).await.unwrap();
    }

    async fn assigned(&self, id: &str) {
        self.store.upsert_agents(&[agent("a-1", &[Skill::Shipping], &[Language::Ja], 5)]).await.unwrap();
        let routed = decision(&inquiry(id, 0), offer(&["a-1"]), 1);
        self.store.commit_routing(&routed).await.unwrap();
    }
}

/// A flagged message with this text, and one rule for each list of spans.
fn flagged_text(id: &str, text: &str, spans: &[&[(usize, usize)]]) -> (TransactionMessage, Decision) {
    let mut message = message(id, "t-1", 0);
    message.text = text.into();
    let mut decision = flagged(&message, 1);
    let span = |&(start, end): &(usize, usize)| Span {
        start,
        end,
        text: text.chars().skip(start).take(end - start).collect(),
    };
    let label = |(index, spans): (usize, &&[(usize, usize)])| Label {
        policy: induction(),
        subtype: Some("contact".into()),
        score: 0.9,
        source: format!("rule:external_induction/r{index}"),
        spans: spans.iter().map(span).collect(),
        parts: vec![],
    };
    decision.verdict.labels = spans.iter().enumerate().map(label).collect();
    (message, decision)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_counts_what_is_in_the_store() {
    let console = Console::start().await;
    console.get("/").await.holds("None yet");
    let message = message("m-1", "t-1", 0);
    let decided = flagged(&message, 1);
    console.moderated(&[(message, decided)]).await;
    console.assigned("q-1").await;
    console.store.commit_dead_letters(&[dead_letter("d-1", 0)]).await.unwrap();
    let page = console.get("/").await;
    assert_eq!(page.status, 200);
    page.holds("Luring off the platform <code>external_induction</code>").holds("Agent a-1 <code>a-1</code>");
    page.holds("class=\"attention\"><dt><a href=\"/dead-letters\">Dead letters</a></dt><dd><b>1</b>");
    // One event for the verdict, one for the assignment, one for the dead letter.
    page.holds("<dt>Unpublished events</dt><dd><b>3</b>");
    assert_eq!(console.get("/healthz").await.body, "ok\n");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_escaped_and_spans_are_marked_by_scalar_values() {
    let console = Console::start().await;
    let hostile = flagged_text("m-1", "<script>alert('x')</script> & \"LINE\"", &[&[(0, 8)]]);
    let emoji = flagged_text("m-2", "👍🏽👨‍👩‍👧 よろしければLINEで", &[&[(14, 18)]]);
    let overlapping = flagged_text("m-3", "0123456789", &[&[(1, 5)], &[(3, 7)]]);
    console.moderated(&[hostile, emoji, overlapping]).await;
    let page = console.get("/alerts").await;
    page.lacks("<script>alert").holds(
        "<mark title=\"rule:external_induction/r0 · contact\">&#60;script&#62;</mark>alert(&#39;x&#39;)",
    );
    page.holds("lang=\"ja\" dir=\"auto\">👍🏽👨‍👩‍👧 よろしければ<mark title=\"rule:external_induction/r0 · contact\">LINE</mark>で</p>");
    page.holds(
        "dir=\"auto\">0<mark title=\"rule:external_induction/r0 · contact\">12</mark>\
         <mark title=\"rule:external_induction/r0 · contact\nrule:external_induction/r1 · contact\">34</mark>\
         <mark title=\"rule:external_induction/r1 · contact\">56</mark>789</p>",
    );
    page.holds("<span class=\"badge\">Report</span>").holds("Seller").holds("98%");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn earlier_parts_of_a_finding_are_shown_and_marked() {
    let console = Console::start().await;
    let mut first = message("m-1", "t-1", 0);
    first.text = "LINEで <話し>ましょう".into();
    let (mut answer, mut flagged) = flagged_text("m-2", "了解です", &[&[(0, 4)]]);
    answer.sent_at = at(1);
    let span = Span { start: 0, end: 4, text: "LINE".into() };
    flagged.verdict.labels[0].parts = vec![Part { message_id: first.message_id.clone(), spans: vec![span] }];
    let said = cleared(&first, 1);
    console.moderated(&[(first, said), (answer, flagged)]).await;
    let page = console.get("/alerts").await;
    let mark = "<mark title=\"rule:external_induction/r0 · contact\">";
    page.holds("Earlier in the conversation").holds("<code>m-1</code>");
    page.holds(&format!("dir=\"auto\">{mark}LINE</mark>で &#60;話し&#62;ましょう</p>"));
    page.holds(&format!("dir=\"auto\">{mark}了解です</mark></p>")).holds("<q>LINE</q><q>了解です</q>");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_paged_in_the_order_of_the_queue() {
    let console = Console::start().await;
    let one = |index: i64| {
        let message = message(&format!("m-{index:02}"), "t-1", index);
        let decision = flagged(&message, index);
        (message, decision)
    };
    console.moderated(&(0..30).map(one).collect::<Vec<_>>()).await;
    let first = console.get("/alerts").await;
    first.holds("<code>m-00</code>").holds("<code>m-24</code>").lacks("<code>m-25</code>");
    first.lacks("rel=\"prev\"");
    assert!(first.body.find("<code>m-00</code>") < first.body.find("<code>m-01</code>"));
    let next = link(&first, "next");
    let second = console.get(&next).await;
    second.holds("<code>m-25</code>").holds("<code>m-29</code>").lacks("<code>m-24</code>");
    second.lacks("rel=\"next\"");
    // Alerts that come before the place and behind it change nothing of where the page begins.
    console.moderated(&[one(-5), one(40)]).await;
    console.get(&next).await.holds("<code>m-25</code>").holds("<code>m-40</code>").lacks("<code>m--5</code>");
    let back = console.get(&link(&second, "prev")).await;
    back.holds("<code>m-00</code>")
        .holds("<code>m-24</code>")
        .lacks("<code>m-25</code>")
        .holds("rel=\"prev\"");
    console.get("/alerts?view=escalated").await.holds("No alerts here");
    for wrong in [
        "/alerts?after=x",
        "/alerts?view=all",
        "/alerts?source=rules",
        "/alerts?after=1.1&before=1.1",
        "/inquiries?view=x",
    ] {
        let answer = console.get(wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
        answer.holds("cannot be read");
    }
    for wrong in ["/dead-letters?page=x", "/dead-letters?page=-1"] {
        let answer = console.get(wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
        answer.holds("whole number from 1");
    }
    console.stop().await;
}

/// The address that a link of this relation leads to.
fn link(page: &Answer, rel: &str) -> String {
    let (_, rest) = page.body.split_once(&format!("rel=\"{rel}\" href=\"")).expect("the page has the link");
    rest.split('"').next().unwrap().replace("&#38;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inquiry_is_resolved_once() {
    let console = Console::start().await;
    console.assigned("q/1 あ").await;
    let page = console.get("/inquiries").await;
    page.holds("商品が届きません")
        .holds("91%")
        .holds("Agent a-1")
        .holds("Resolve <kbd>r</kbd><span class=\"unseen\"> q/1 あ</span>");
    let action = "/inquiries/q%2F1%20%E3%81%82/resolve?view=all";
    page.holds(&format!("action=\"{}\"", action));
    let first = console.post(action, "generation=1").await;
    assert_eq!(first.status, 303);
    let told = console.get(first.header("location").unwrap()).await;
    told.holds("Inquiry q/1 あ is resolved").holds("status-resolved").lacks("/resolve");
    let agents = console.store.agents().await.unwrap();
    assert_eq!(agents[0].open, 0);
    let second = console.post(action, "generation=1").await;
    console.get(second.header("location").unwrap()).await.holds("Nothing changed: inquiry q/1 あ");
    assert_eq!(console.store.agents().await.unwrap()[0].open, 0);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_holder_resolves_an_inquiry() {
    let console = Console::start().await;
    console.assigned("q-1").await;
    console.store.upsert_agents(&[agent("a-2", &[Skill::Shipping], &[Language::Ja], 5)]).await.unwrap();
    console.person("other", Role::Agent, &[], Some("a-2")).await;
    console.person("none", Role::Agent, &[], None).await;
    // The form names no agent; one that is named all the same is not heard.
    let other = console.log_in("other").await;
    let answer = other.post("/inquiries/q-1/resolve", "agent_id=a-1&generation=1").await;
    other.get(answer.header("location").unwrap()).await.holds("Nothing changed");
    let none = console.log_in("none").await.post("/inquiries/q-1/resolve", "agent_id=a-1&generation=1").await;
    assert_eq!(none.status, 403);
    none.holds("linked to no agent");
    console.get("/inquiries").await.holds("status-assigned");
    assert_eq!(console.post("/inquiries/q-2/resolve", "generation=1").await.status, 404);
    assert_eq!(console.post("/inquiries/q-1/resolve", "generation=x").await.status, 400);
    assert_eq!(console.post("/inquiries/q-1/resolve", "").await.status, 400);
    assert_eq!(console.get("/inquiries/q-1/resolve").await.status, 405);
    assert_eq!(console.store.agents().await.unwrap()[0].open, 1);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_gives_an_inquiry_to_another_agent() {
    let console = Console::start().await;
    console.assigned("q-1").await;
    let agents =
        [agent("a-2", &[Skill::Shipping], &[Language::Ja], 1), agent("a-3", &[], &[Language::Ja], 0)];
    console.store.upsert_agents(&agents).await.unwrap();
    console
        .get("/inquiries")
        .await
        .holds("<option value=\"a-2\">Agent a-2 · a-2 (0/1)</option>")
        .lacks("\"a-3\"");
    let full = console.post("/inquiries/q-1/assign", "agent_id=a-3&generation=1").await;
    console.get(full.header("location").unwrap()).await.holds("cannot take inquiry q-1");
    let given = console.post("/inquiries/q-1/assign", "agent_id=a-2&generation=1").await;
    let page = console.get(given.header("location").unwrap()).await;
    page.holds("Inquiry q-1 is with the agent now").holds("supervisor:lead").lacks("/q-1/resolve");
    let filter = AuditFilter { subject_kind: Some("inquiry".into()), ..AuditFilter::default() };
    let trail = console.store.audit_trail(&filter, 10).await.unwrap();
    assert_eq!(trail.len(), 1);
    let entry = &trail[0].entry;
    assert_eq!((entry.actor.name.as_str(), entry.act), ("lead", Act::InquiryAssigned));
    assert_eq!((entry.subject.id.as_str(), &entry.detail["agent_id"]), ("q-1", &"a-2".into()));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_accepted_and_passed_on_with_what_it_needs() {
    let console = Console::start().await;
    let agents = [agent("a-1", &[Skill::Shipping], &[Language::Ja], 5)];
    console.store.upsert_agents(&agents).await.unwrap();
    let now = chrono::Utc::now();
    let ends = now + chrono::TimeDelta::minutes(5);
    let routed = RoutingDecision {
        expires_at: Some(ends),
        at: now,
        ..decision(&inquiry("q-1", 0), offer(&["a-1"]), 1)
    };
    console.store.commit_routing(&routed).await.unwrap();
    let machine = ends.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    console.get("/inquiries").await.holds("Offer ends").holds(&machine).holds("4 min");

    let told = async |answer: Answer| console.get(answer.header("location").unwrap()).await;
    let accepted = console.post("/inquiries/q-1/accept", "generation=1").await;
    assert_eq!(accepted.status, 303);
    told(accepted).await.holds("Inquiry q-1 is accepted").lacks("Offer ends").lacks("/q-1/accept");
    let form = "generation=1&right_skill=payment";
    let passed = console.post("/inquiries/q-1/reject?view=all", form).await;
    let page = told(passed).await;
    page.holds("was passed on")
        .holds("status-waiting")
        .holds("Needs (said by a person)")
        .lacks("/q-1/resolve");
    // Somebody else's page still shows the button.
    let late = console.post("/inquiries/q-1/reject", form).await;
    let japanese = [("accept-language", "ja")];
    let location = late.header("location").unwrap().to_owned();
    console.request("GET", &location, &japanese, "").await.holds("変更はありません。お問い合わせ q-1");
    for wrong in ["right_skill=payment", "generation=1&right_skill=juggling", "generation=x&right_skill="] {
        assert_eq!(console.post("/inquiries/q-1/reject", wrong).await.status, 400, "{wrong}");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_ran_out_says_so() {
    let console = Console::start().await;
    console.store.upsert_agents(&[agent("a-1", &[Skill::Shipping], &[Language::Ja], 5)]).await.unwrap();
    let routed =
        RoutingDecision { expires_at: Some(at(10)), ..decision(&inquiry("q-1", 0), offer(&["a-1"]), 1) };
    console.store.commit_routing(&routed).await.unwrap();
    let late = console.post("/inquiries/q-1/accept", "generation=1").await;
    console.get(late.header("location").unwrap()).await.holds("the time to accept inquiry q-1 is over");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_says_what_an_inquiry_in_triage_needs() {
    let console = Console::start().await;
    let question = inquiry("q-1", 0);
    console.store.commit_routing(&decision(&question, Proposal::Triage, 1)).await.unwrap();
    console.get("/inquiries").await.holds("action=\"/inquiries/q-1/classify?view=all\"").lacks("/accept");
    let first = console.post("/inquiries/q-1/classify", "skill=payment&generation=0").await;
    let page = console.get(first.header("location").unwrap()).await;
    page.holds("Inquiry q-1 waits for an agent").holds("status-waiting");
    let second = console.post("/inquiries/q-1/classify", "skill=listing&generation=0").await;
    console.get(second.header("location").unwrap()).await.holds("Nothing changed: inquiry q-1");
    let waiting = console.store.waiting_inquiries(10).await.unwrap();
    assert_eq!(waiting[0].corrected_skill, Some(Skill::Payment));
    assert_eq!(console.post("/inquiries/q-1/classify", "skill=&generation=1").await.status, 400);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_allocations_are_shown_by_skill_with_their_interval() {
    let console = Console::start().await;
    console.get("/routing").await.holds("No assignment ended");
    for (n, right) in [Some(Skill::Payment), None, None, None].into_iter().enumerate() {
        let id = format!("q-{n}");
        console.assigned(&id).await;
        let (id, agent) = (InquiryId::new(id).unwrap(), AgentId::new("a-1").unwrap());
        let now = chrono::Utc::now();
        let change = match right {
            Some(_) => console.store.reject(&id, &agent, 1, right, now).await,
            None => console.store.resolve_inquiry(&id, &agent, Some(1), now).await,
        };
        assert_eq!(change.unwrap(), Change::Done);
    }
    let page = console.get("/routing?days=7").await;
    page.holds("last 7 days").holds("<th scope=\"row\">Shipping</th>").holds("25.0%").holds("4.6%–69.9%");
    let csv = console.get("/routing.csv?days=7").await;
    assert_eq!(csv.body, "skill,ended,wrong,rate,low,high\r\nshipping,4,1,0.2500,0.0456,0.6994\r\n");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_from_other_sites_are_refused() {
    let console = Console::start().await;
    console.assigned("q-1").await;
    let own = console.url("");
    let foreign: [&[(&str, &str)]; 4] = [
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("origin", &own), ("sec-fetch-site", "cross-site")],
        &[],
    ];
    for headers in foreign {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        headers.push(("accept-language", "en"));
        for (act, form) in [
            ("resolve", "generation=1"),
            ("accept", "generation=1"),
            ("reject", "generation=1&right_skill="),
            ("classify", "skill=payment&generation=1"),
        ] {
            let answer = console.request("POST", &format!("/inquiries/q-1/{act}"), &headers, form).await;
            assert_eq!(answer.status, 403, "{act} {headers:?}");
            answer.holds("did not come from this console");
        }
    }
    console.get("/inquiries").await.holds("status-assigned");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_host_names_are_refused_on_loopback() {
    let console = Console::start().await;
    let under = async |host: &str| console.request("GET", "/alerts", &[("host", host)], "").await.status;
    assert_eq!(under("rebound.example").await, 403);
    assert_eq!(under("localhost").await, 200);
    assert_eq!(under("[::1]:8080").await, 200);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_protecting_headers() {
    let console = Console::start().await;
    for path in ["/", "/alerts", "/inquiries", "/routing", "/dead-letters", "/healthz", "/nowhere"] {
        let answer = console.get(path).await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        answer.lacks("<style").lacks(" style=").lacks(" onclick=");
    }
    let page = console.get("/").await;
    for asset in ["console.css", "console.js", "icon.svg"] {
        let (_, rest) = page.body.split_once(&format!("/static/{asset}")).unwrap();
        let answer = console.get(&format!("/static/{asset}{}", rest.split('"').next().unwrap())).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("cache-control").unwrap().contains("immutable"));
        assert!(!answer.body.is_empty());
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_chosen_and_kept() {
    let console = Console::start().await;
    let ask = async |path: &str, headers: &[(&str, &str)]| console.request("GET", path, headers, "").await;
    ask("/alerts", &[("accept-language", "ja")]).await.holds("<html lang=\"ja\">").holds("アラート");
    ask("/alerts", &[("accept-language", "en-US,ja;q=0.5")]).await.holds("<html lang=\"en\">");
    let chosen = ask("/alerts?page=1&lang=en", &[("accept-language", "ja")]).await;
    chosen.holds("<html lang=\"en\">").holds("href=\"/alerts?page=1&#38;lang=ja\"");
    let cookie = chosen.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let both = format!("{cookie}; {}", console.client.cookie.as_ref().unwrap());
    ask("/", &[("accept-language", "ja"), ("cookie", &both)]).await.holds("<html lang=\"en\">");
    // Chosen on a page of the console it is kept with the account, in whatever browser; chosen by a link from elsewhere it is not.
    ask("/?lang=en", &[("accept-language", "ja"), ("sec-fetch-site", "cross-site")]).await;
    ask("/", &[("accept-language", "ja")]).await.holds("<html lang=\"ja\">");
    ask("/?lang=en", &[("accept-language", "ja"), ("sec-fetch-site", "same-origin")]).await;
    ask("/", &[("accept-language", "ja")]).await.holds("<html lang=\"en\">");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_without_their_bodies() {
    let console = Console::start().await;
    let mut letter = dead_letter("d-1", 0);
    letter.body = "{\"text\":\"ひみつ\"".into();
    console.store.commit_dead_letters(&[letter.clone(), letter, dead_letter("d-2", 5)]).await.unwrap();
    let page = console.get("/dead-letters").await;
    page.holds("<code>invalid_utf8</code>").holds("byte 0 is not").holds("19 bytes").lacks("ひみつ");
    console.store.replay_dead_letter("d-2", None, &Actor::program(), at(9)).await.unwrap();
    console.get("/dead-letters").await.lacks(">d-2<").holds("href=\"/dead-letters?replayed=yes\"");
    console.get("/dead-letters?replayed=yes").await.holds(">d-2<");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_pages_and_a_wrong_schema_say_what_to_do() {
    let console = Console::start().await;
    for path in ["/nowhere", "/static/nothing.css", "//evil.example/", "/inquiries/q-1/nothing"] {
        let answer = console.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.holds("There is no such page").lacks("href=\"//");
    }
    console.database.execute("drop table alerts").await;
    let broken = console.get("/alerts").await;
    assert_eq!(broken.status, 503);
    broken.holds("another schema than this program").holds("mimamori db migrate");
    console.stop().await;
}
