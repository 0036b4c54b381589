//! The review of alerts over HTTP, on the real router: claims, keys, decisions, undo, bulk, roles, both languages.

mod support;

use mimamori::access::Role;
use mimamori::contract::*;
use mimamori::store::review::*;
use mimamori::store::*;
use support::console::{Answer, Client, Console};
use support::values::*;

/// Alerts about these texts, the first one first in the queue.
async fn flagged_texts(console: &Console, texts: &[&str]) -> Vec<i64> {
    let mut decisions = Vec::new();
    let mut messages = Vec::new();
    for (n, text) in (0_i64..).zip(texts) {
        let mut message = message(&format!("m-{n}"), &format!("t-{n}"), n);
        message.text = (*text).into();
        let mut decision = flagged(&message, n);
        decision.verdict.labels[0].source = "rule:external_induction/r0".into();
        decision.verdict.labels[0].spans =
            vec![Span { start: 0, end: 4, text: text.chars().take(4).collect() }];
        decision.alerts[0].text_key = mimamori::moderation::text_key(text, true, &message.transaction_id);
        decisions.push(decision);
        messages.push(message);
    }
    console.store.receive_messages(&messages, 0).await.unwrap();
    console.store.commit_moderation(&ModerationBatch { decisions, dead_letters: vec![] }).await.unwrap();
    queue(console, View::Open).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moved_the_model_is_marked_for_those_who_read_text() {
    let console = Console::start().await;
    let ids = flagged_texts(&console, &["LINE or the other app, tell me"]).await;
    let lead = reviewer(&console, "aki").await;
    let address = format!("/alerts/{}", ids[0]);
    lead.get(&address).await.lacks("by-model").lacks("class=\"moved\"");
    let message_id = MessageId::new("m-0").unwrap();
    let part = |start, end| WeighedPart { message_id: message_id.clone(), start, end, weight: 1.5 };
    let explanation = Explanation {
        message_id: message_id.clone(),
        policy: Policy::new("external_induction"),
        parts: vec![part(18, 21), part(0, 4)],
    };
    console.store.keep_explanation(&explanation).await.unwrap();
    let page = lead.get(&address).await;
    page.holds("<mark class=\"by-model\" title=\"model: moved the model\">app</mark>");
    page.holds("<q lang=\"en\">app</q> <q lang=\"en\">LINE</q>");
    page.holds("title=\"model: moved the model\nrule:external_induction/r0 · contact\">LINE</mark>");

    console.person("mo", Role::ModelOwner, &[], None).await;
    let masked = console.log_in("mo").await.get(&address).await;
    masked.lacks("by-model").lacks("class=\"moved\"").lacks("LINE");
}

/// One more alert; the newest.
async fn flagged_once_more(console: &Console, text: &str) -> i64 {
    let mut message = message("m-99", "t-99", 99);
    message.text = text.into();
    console.store.receive_messages(std::slice::from_ref(&message), 0).await.unwrap();
    let mut decision = flagged(&message, 99);
    decision.alerts[0].text_key = mimamori::moderation::text_key(text, true, &message.transaction_id);
    let batch = ModerationBatch { decisions: vec![decision], dead_letters: vec![] };
    console.store.commit_moderation(&batch).await.unwrap();
    queue(console, View::Open).await.into_iter().max().unwrap()
}

async fn queue(console: &Console, view: View) -> Vec<i64> {
    let wanted = Listing {
        view,
        policy: None,
        sources: None,
        mine: None,
        from: None,
        direction: Direction::Forward,
        limit: 100,
        at: chrono::Utc::now(),
    };
    let rows = console.store.review_queue(&wanted).await.unwrap();
    rows.into_iter().map(|row| row.alert.alert_id).collect()
}

async fn reviewer(console: &Console, login: &str) -> Client {
    console.person(login, Role::Agent, &[], None).await;
    console.log_in(login).await
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.header("location").unwrap().to_owned()
}

/// The generation that the page's forms carry.
fn generation(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("name=\"generation\" value=\"").expect("the alert is claimed");
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_taken_decided_and_the_next_one_opens() {
    let console = Console::start().await;
    let ids = flagged_texts(&console, &["LINE first of all texts", "LINE second of all"]).await;
    let aki = reviewer(&console, "aki").await;
    let free = aki.get(&format!("/alerts/{}", ids[0])).await;
    free.holds("Nobody works on this alert").lacks("data-key=\"v\"").holds("Names a &#60;messenger&#62;.");
    assert!(
        console.store.alert_file(ids[0], 1).await.unwrap().unwrap().trail.is_empty(),
        "reading claims nothing"
    );

    let opened = location(&aki.post("/alerts/next", "").await);
    assert_eq!(opened, format!("/alerts/{}?view=open", ids[0]));
    let page = aki.get(&opened).await;
    for key in ["v", "n", "u", "e", "z", "j", "k"] {
        page.holds(&format!("data-key=\"{key}\""));
    }
    page.holds("id=\"keys\"").holds("<kbd>?</kbd>").holds("Yours until");
    page.holds("id=\"flagged\"").holds("<mark title=\"rule:external_induction/r0 · contact\">LINE</mark>");
    aki.get("/alerts").await.holds("with you");

    let form = format!(
        "generation={}&decision=violation&policy=external_induction&subtype=contact&note=n",
        generation(&page)
    );
    let decided = aki.post(&format!("/alerts/{}/decide?view=open", ids[0]), &form).await;
    let next = location(&decided);
    assert_eq!(next, format!("/alerts/{}?view=open&done=violation&count=1", ids[1]));
    let page = aki.get(&next).await;
    page.holds("Decided: violation").holds("Yours until");
    let form = format!("generation={}&decision=not_violation", generation(&page));
    let last = location(&aki.post(&format!("/alerts/{}/decide?view=open", ids[1]), &form).await);
    aki.get(&last).await.holds("Decided: not a violation").holds("No alerts here");
    assert_eq!(queue(&console, View::Decided).await.len(), 2);
    aki.get(&format!("/alerts/{}", ids[0])).await.holds("decided by aki").holds("contact");

    let undone = location(&aki.post("/alerts/undo", "").await);
    aki.get(&undone).await.holds("The decision is taken back").holds("data-key=\"v\"");
    let again = aki.post("/alerts/undo", "").await;
    assert_eq!(again.status, 409);
    again.holds("nothing to take back");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reviewers_never_have_the_same_alert() {
    let console = Console::start().await;
    let ids = flagged_texts(&console, &["LINE first of all texts", "LINE second of all"]).await;
    let (aki, ben) = (reviewer(&console, "aki").await, reviewer(&console, "ben").await);
    let path = format!("/alerts/{}", ids[0]);
    let claim = format!("{path}/claim");
    let both = tokio::join!(aki.post(&claim, ""), ben.post(&claim, ""));
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409], "one has it");
    let (winner, loser, name) = if both.0.status == 303 { (&aki, &ben, "aki") } else { (&ben, &aki, "ben") };
    loser.get(&path).await.holds(&format!("with {name}")).lacks("data-key=\"v\"");
    loser.get("/alerts").await.holds(&format!("with {name}"));
    let next = location(&loser.post("/alerts/next", "").await);
    assert!(next.starts_with(&format!("/alerts/{}?", ids[1])), "{next}");

    // Who lost it is told who has it now.
    let held = generation(&winner.get(&path).await);
    assert_eq!(winner.post(&format!("{path}/renew"), &format!("generation={held}")).await.status, 200);
    assert_eq!(winner.post(&format!("{path}/leave"), &format!("generation={held}")).await.status, 200);
    console.database.execute("update alerts set claimed_until = 1 where claimed_by is not null").await;
    assert_eq!(location(&loser.post(&claim, "").await), format!("{path}?view=open"));
    let late = winner.post(&format!("{path}/decide"), &format!("generation={held}&decision=violation")).await;
    assert_eq!(late.status, 409);
    let other = if name == "aki" { "ben" } else { "aki" };
    late.holds("Somebody else has this alert").holds(&format!("It is with {other} until"));
    assert_eq!(winner.post(&format!("{path}/renew"), &format!("generation={held}")).await.status, 409);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn next_previous_and_put_back_move_the_claim() {
    let console = Console::start().await;
    let ids =
        flagged_texts(&console, &["LINE first of all", "LINE second of all", "LINE third of all"]).await;
    let aki = reviewer(&console, "aki").await;
    let mut page = aki.get(&location(&aki.post("/alerts/next", "").await)).await;
    let steps = [("next", 1), ("next", 2), ("previous", 1), ("next", 2), ("next", 0)];
    let mut at = 0;
    for (way, to) in steps {
        let form = format!("generation={}", generation(&page));
        let opened = location(&aki.post(&format!("/alerts/{}/{way}?view=open", ids[at]), &form).await);
        assert_eq!(opened, format!("/alerts/{}?view=open", ids[to]), "{way} of {at}");
        page = aki.get(&opened).await;
        at = to;
    }
    assert_eq!(queue(&console, View::Claimed).await, [ids[0]], "one at a time");
    let form = format!("generation={}", generation(&page));
    let list = location(&aki.post(&format!("/alerts/{}/release", ids[0]), &form).await);
    aki.get(&list).await.holds("back in the queue");
    assert!(queue(&console, View::Claimed).await.is_empty());
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identical_texts_are_decided_by_one_press() {
    let console = Console::start().await;
    let same = "LINEで話しましょうか";
    let ids = flagged_texts(&console, &[same, "LINE something else", same, same]).await;
    let aki = reviewer(&console, "aki").await;
    let page = aki.get(&location(&aki.post("/alerts/next", "").await)).await;
    page.holds("Decide the 2 other alerts with the same text as well");
    let (_, rest) = page.body.split_once("name=\"alike\" value=\"").unwrap();
    let form = format!(
        "generation={}&decision=violation&alike={}",
        generation(&page),
        rest.split('"').next().unwrap()
    );
    let next = location(&aki.post(&format!("/alerts/{}/decide", ids[0]), &form).await);
    aki.get(&next).await.holds("Decided: violation (3 alerts)");
    assert_eq!(queue(&console, View::Decided).await.len(), 3);
    aki.get(&format!("/alerts/{}", ids[3])).await.holds("decided by aki");
    let undone = location(&aki.post("/alerts/undo", "").await);
    aki.get(&undone).await.holds("taken back (3 alerts)");
    assert_eq!(queue(&console, View::Open).await.len(), 4);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_escalated_is_for_those_who_supervise() {
    let console = Console::start().await;
    let ids = flagged_texts(&console, &["LINE first of all texts"]).await;
    let aki = reviewer(&console, "aki").await;
    let page = aki.get(&location(&aki.post("/alerts/next", "").await)).await;
    let path = format!("/alerts/{}", ids[0]);
    // Neither put back nor decided on the way to a list that is not theirs.
    let held = generation(&page);
    for (act, form) in [("next", ""), ("previous", ""), ("decide", "&decision=violation")] {
        let answer =
            aki.post(&format!("{path}/{act}?view=escalated"), &format!("generation={held}{form}")).await;
        assert_eq!(answer.status, 403, "{act}");
    }
    assert_eq!(generation(&aki.get(&path).await), held);
    let form = format!("generation={held}&decision=escalated&note=hard+to+tell");
    aki.get(&location(&aki.post(&format!("{path}/decide"), &form).await)).await.holds("Escalated.");
    aki.get(&path).await.holds("hard to tell").lacks("/claim?");
    assert_eq!(aki.post(&format!("{path}/claim"), "").await.status, 403);
    assert_eq!(aki.post("/alerts/next?view=escalated", "").await.status, 403);
    assert_eq!(aki.post(&format!("{path}/hide"), "").await.status, 403);
    // The lead of the test's console.
    let opened = location(&console.post("/alerts/next?view=escalated", "").await);
    assert_eq!(opened, format!("{path}?view=escalated"));
    let page = console.get(&opened).await;
    let form = format!("generation={}&decision=unsure", generation(&page));
    console.post(&format!("{path}/decide?view=escalated"), &form).await;
    assert_eq!(queue(&console, View::Decided).await, ids);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_hidden_restored_and_senders_warned() {
    let console = Console::start().await;
    let ids = flagged_texts(&console, &["LINE first of all texts"]).await;
    let aki = reviewer(&console, "aki").await;
    let path = format!("/alerts/{}", ids[0]);
    let told = async |act: &str, form: &str| {
        aki.get(&location(&aki.post(&format!("{path}/{act}"), form).await)).await
    };
    told("hide", "").await.holds("is being hidden").holds("/restore?").lacks("/hide?");
    told("hide", "").await.holds("that was done before");
    told("restore", "").await.holds("shown again").holds("/hide?");
    told("warn", "language=ja").await.holds("is being warned").holds("The sender was warned").lacks("/warn?");
    told("warn", "language=en").await.holds("that was done before");
    assert_eq!(aki.post(&format!("{path}/warn"), "language=fr").await.status, 400);
    let rows = console.store.claim_outbox(100, std::time::Duration::from_secs(60)).await.unwrap();
    let warning = rows.iter().find(|row| row.outgoing.id.starts_with("sender.warned")).unwrap();
    let warning: SenderWarning = serde_json::from_slice(&warning.outgoing.body).unwrap();
    assert_eq!((warning.language, warning.by.as_str()), (Language::Ja, "aki"));
    assert!(warning.text.contains("利用規約"));

    let id = flagged_once_more(&console, "LINE is what this says as well").await;
    let path = format!("/alerts/{id}");
    let page = aki.get(&location(&aki.post(&format!("{path}/claim"), "").await)).await;
    page.holds("/warn?");
    let form = format!("generation={}&decision=not_violation", generation(&page));
    aki.post(&format!("{path}/decide"), &form).await;
    aki.get(&path).await.holds("decided by aki").lacks("/warn?");
    assert_eq!(aki.post(&format!("{path}/warn"), "language=en").await.status, 409, "it is no violation");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_is_escaped_and_masked_for_who_reads_no_messages() {
    let console = Console::start().await;
    let ids = flagged_texts(&console, &["LINE<script>alert('x')</script>\" onload=\""]).await;
    let path = format!("/alerts/{}", ids[0]);
    let aki = reviewer(&console, "aki").await;
    let page = aki.get(&location(&aki.post(&format!("{path}/claim"), "").await)).await;
    page.lacks("<script>alert").lacks("\" onload=\"").holds("&#60;script&#62;alert(&#39;x&#39;)");
    let note = "%3Cb%3Enote%3C%2Fb%3E";
    let form = format!("generation={}&decision=violation&subtype=%3Ci%3E&note={note}", generation(&page));
    aki.post(&format!("{path}/decide"), &form).await;
    aki.get(&path).await.holds("&#60;b&#62;note").holds("&#60;i&#62;").lacks("<b>note").lacks("<i>");
    console.person("admin", Role::Admin, &[], None).await;
    let admin = console.log_in("admin").await;
    let masked = admin.get(&path).await;
    masked
        .lacks("&#60;script")
        .lacks("alert(")
        .lacks("&#62;note")
        .lacks("&#60;i&#62;")
        .holds("•")
        .holds("texts are masked");
    assert_eq!(admin.post(&format!("{path}/claim"), "").await.status, 403);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_that_are_wrong_and_alerts_that_are_not_there_are_told() {
    let console = Console::start().await;
    let ids = flagged_texts(&console, &["LINE first of all texts"]).await;
    for path in ["/alerts/999", "/alerts/x"] {
        let answer = console.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.holds("There is no such alert");
    }
    assert_eq!(console.post("/alerts/999/claim", "").await.status, 404);
    let path = format!("/alerts/{}/decide", ids[0]);
    for wrong in [
        "",
        "generation=1",
        "generation=x&decision=violation",
        "generation=1&decision=guilty",
        "generation=1&decision=violation&policy=A+B",
        "generation=1&decision=violation&policy=unheard_of",
    ] {
        let answer = console.post(&path, wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    let answer = console.post(&path, "generation=1&decision=violation").await;
    assert_eq!(answer.status, 409, "nobody has claimed it");
    answer.holds("You do not have this alert");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_counted_with_their_precision_in_both_languages() {
    let console = Console::start().await;
    console.get("/reviews").await.holds("No alert was decided");
    let ids = flagged_texts(
        &console,
        &["LINE first of all texts", "LINE second of all", "LINE third of all", "LINE fourth of all"],
    )
    .await;
    let aki = reviewer(&console, "aki").await;
    for (id, ruling) in ids.iter().zip(["violation", "violation", "violation", "not_violation"]) {
        let page = aki.get(&location(&aki.post(&format!("/alerts/{id}/claim"), "").await)).await;
        let form = format!("generation={}&decision={ruling}", generation(&page));
        assert_eq!(aki.post(&format!("/alerts/{id}/decide"), &form).await.status, 303);
    }
    let page = console.get("/reviews?days=7").await;
    page.holds("last 7 days").holds("rule:external_induction/r0").holds("75.0%").holds("30.1%–95.4%");
    let csv = console.get("/reviews.csv?days=7").await;
    csv.holds("policy,source,violations,others,unsure,precision,low,high\r\n");
    csv.holds("external_induction,rule:external_induction/r0,3,1,0,0.7500,0.3006,0.9544\r\n");
    assert_eq!(aki.get("/reviews").await.status, 403, "agents do not read figures");
    let japanese = aki.request("GET", &format!("/alerts/{}?lang=ja", ids[0]), &[], "").await;
    japanese
        .holds("<html lang=\"ja\">")
        .holds("会話")
        .holds("操作の記録")
        .holds("外部誘導")
        .holds("違反ではない");
    let list = aki.request("GET", "/alerts?lang=ja", &[], "").await;
    list.holds("未判断").holds("危険度と待ち時間の順");
    console.stop().await;
}
