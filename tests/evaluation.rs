//! The room of evaluation over HTTP, on the real router: figures that follow decisions, samples that people judge, answers, drift.

mod support;

use chrono::{TimeDelta, Utc};
use mimamori::access::Role;
use mimamori::contract::*;
use mimamori::store::*;
use support::console::{Answer, Client, Console};
use support::values::*;

/// Seconds after [`at`]'s moment that are now.
fn now() -> i64 {
    (Utc::now() - at(0)).num_seconds()
}

/// Messages of now without an alert, as unlikely as their place says, and one flagged.
async fn messages(console: &Console, texts: &[&str]) {
    let mut batch = ModerationBatch::default();
    let mut messages = Vec::new();
    for (n, text) in (0_i64..).zip(texts) {
        let mut message = message(&format!("c-{n}"), "t-1", now() - 1_000 + n);
        message.text = (*text).into();
        batch.decisions.push(cleared(&message, now()));
        messages.push(message);
    }
    let message = message("m-1", "t-2", now());
    batch.decisions.push(flagged(&message, now()));
    messages.push(message);
    console.store.receive_messages(&messages, 0).await.unwrap();
    console.store.commit_moderation(&batch).await.unwrap();
}

async fn somebody(console: &Console, login: &str, role: Role) -> Client {
    console.person(login, role, &[], None).await;
    console.log_in(login).await
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.header("location").unwrap().to_owned()
}

fn hidden(page: &Answer, name: &str) -> String {
    let (_, rest) = page.body.split_once(&format!("name=\"{name}\" value=\"")).expect("the field is there");
    rest.split('"').next().unwrap().to_owned()
}

/// Decides the one alert, as its page would.
async fn decide(console: &Console, decision: &str) {
    let opened = location(&console.post("/alerts/next", "").await);
    let page = console.get(&opened).await;
    let form =
        format!("generation={}&decision={decision}&policy=external_induction", hidden(&page, "generation"));
    let id = opened.split(['/', '?']).nth(2).unwrap().to_owned();
    assert_eq!(console.post(&format!("/alerts/{id}/decide"), &form).await.status, 303);
}

/// The last line of a CSV: today.
async fn today(console: &Console, address: &str) -> String {
    let answer = console.get(address).await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    answer.body.lines().last().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_changes_the_charts_at_once() {
    let console = Console::start().await;
    let empty = console.get("/evaluation").await;
    empty.holds("No alert came up in this time").holds("role=\"img\"");
    messages(&console, &["おはよう"]).await;
    let page = console.get("/evaluation?days=7&by=week&policy=harassment&source=rule%3Agone").await;
    page.holds("<option value=\"rule:gone\" selected>").holds("Alerts a week");
    let page = console.get("/evaluation").await;
    page.holds("rule:external_induction/line_id")
        .holds("model:external_induction@1")
        .holds("aria-current=\"page\"");
    for tab in ["/reviews", "/routing", "/evaluation/recall", "/evaluation/sample", "/evaluation/drift"] {
        page.holds(&format!("href=\"{tab}\""));
        console.get(tab).await.holds("href=\"/evaluation\"");
    }
    let date = Utc::now().date_naive();
    let alerts = "/evaluation.csv?chart=alerts&source=rule%2Bmodel";
    let precision = "/evaluation.csv?chart=precision&source=rule%3Aexternal_induction%2Fline_id";
    assert_eq!(today(&console, alerts).await, format!("{date},1"));
    assert_eq!(today(&console, precision).await, format!("{date},"));
    decide(&console, "violation").await;
    assert!(today(&console, precision).await.starts_with(&format!("{date},1,0.206")));
    assert_eq!(today(&console, alerts).await, format!("{date},1"));
    console.get("/evaluation?source=rule%2Bmodel").await.holds("100% (21%–100%)");
    let sources = console.get("/evaluation.csv").await;
    sources.holds("external_induction,model:external_induction@1,1,1,0,0,1.0000,0.2065,1.0000");
    // Counted by the sweep, today is live all the same.
    console.store.roll_up(Utc::now()).await.unwrap();
    location(&console.post("/alerts/undo", "").await);
    assert_eq!(today(&console, precision).await, format!("{date},"));
    console.stop().await;
}

fn drawing(size: u32) -> String {
    let today = Utc::now().date_naive();
    format!("from={}&to={today}&size={size}", today - TimeDelta::days(2))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_drawn_judged_by_key_and_told_as_recall() {
    let console = Console::start().await;
    console.get("/evaluation/recall").await.holds("No sample has been drawn yet").holds("name=\"size\"");
    let empty = location(&console.post("/evaluation/recall", &drawing(10)).await);
    console.get(&empty).await.holds("no message without an alert came in");
    messages(&console, &["first of three <b>", "second of three", "third of three"]).await;
    for (form, told) in [
        (drawing(9), "a sample 10 to 2,000 messages"),
        ("from=2020-01-01&to=2026-01-01&size=20".into(), "1 to 92 days"),
        ("from=x&to=y&size=20".into(), "could not be read"),
    ] {
        console.get(&location(&console.post("/evaluation/recall", &form).await)).await.holds(told);
    }
    let drawn = location(&console.post("/evaluation/recall", &drawing(10)).await);
    let page = console.get(&drawn).await;
    page.holds("The sample is drawn").holds("about 3 messages").holds("not yet known").holds("0 / 3");

    let aki = somebody(&console, "aki", Role::Agent).await;
    let ben = somebody(&console, "ben", Role::Agent).await;
    let free = aki.get("/evaluation/sample").await;
    free.holds("3 still to be judged").lacks("data-key=\"v\"").lacks("href=\"/evaluation/recall\"");
    aki.get(&location(&aki.post("/evaluation/sample/next", "").await)).await.holds("Sample 1, message 1");
    ben.get(&location(&ben.post("/evaluation/sample/next", "").await)).await.holds("Sample 1, message 2");
    let page = aki.get("/evaluation/sample").await;
    for key in ["v", "n", "u", "z"] {
        page.holds(&format!("data-key=\"{key}\""));
    }
    page.holds("of three").lacks("three <b>").lacks("rule:");
    let judged = |page: &Answer, decision: &str| {
        let [sample, position, generation] =
            ["sample", "position", "generation"].map(|name| hidden(page, name));
        format!(
            "sample={sample}&position={position}&generation={generation}&decision={decision}&policy=external_induction"
        )
    };
    // Ben judges what is Aki's.
    let stolen = ben.post("/evaluation/sample/decide", &judged(&page, "violation")).await;
    assert_eq!(stolen.status, 409);
    stolen.holds("Nothing was written").holds("Sample 1, message 2");
    for wrong in [
        judged(&page, "guilty"),
        judged(&page, "violation").replace("external_induction", "spam"),
        String::new(),
    ] {
        assert_eq!(aki.post("/evaluation/sample/decide", &wrong).await.status, 400);
    }
    let next = location(&aki.post("/evaluation/sample/decide", &judged(&page, "violation")).await);
    let page = aki.get(&next).await;
    page.holds("Judged: violation").holds("Sample 1, message 3");
    let last = location(&aki.post("/evaluation/sample/decide", &judged(&page, "not_violation")).await);
    aki.get(&last).await.holds("not a violation").holds("1 still to be judged");
    let undone = location(&aki.post("/evaluation/sample/undo", "").await);
    let page = aki.get(&undone).await;
    page.holds("taken back").holds("Sample 1, message 3");
    aki.post("/evaluation/sample/decide", &judged(&page, "not_violation")).await;
    let page = ben.get("/evaluation/sample").await;
    ben.post("/evaluation/sample/decide", &judged(&page, "unsure")).await;
    let none = location(&ben.post("/evaluation/sample/next", "").await);
    ben.get(&none).await.holds("No further message waits");
    assert_eq!(console.stranger().post("/evaluation/sample/undo", "").await.status, 401);

    // One of two judged without doubt was missed; the alert is decided as a violation.
    decide(&console, "violation").await;
    let page = console.get("/evaluation/recall").await;
    page.holds("3 / 3").holds("href=\"/evaluation/sample/1.1\"").holds("2 (").holds("40% (");
    let csv = console.get("/evaluation/recall.csv?sample=1").await;
    csv.holds("\r\n1,external_induction,1,0,1.5000,").holds("\r\n1,harassment,0,0,0.0000,0.0000,");
    let missed = console.get("/evaluation/sample/1.1").await;
    missed.holds("of three").holds("Violation").holds("aki").lacks("data-key=\"v\"");

    // Who owns models draws samples, but reads no text and judges nothing; rule authors draw none.
    let owner = somebody(&console, "owner", Role::ModelOwner).await;
    owner.get("/evaluation/sample/1.1").await.lacks("of three").holds("•");
    owner.get("/evaluation/recall").await.holds("name=\"size\"").lacks("href=\"/evaluation/sample\"");
    assert_eq!(owner.get("/evaluation/sample").await.status, 403);
    let author = somebody(&console, "author", Role::RuleAuthor).await;
    author.get("/evaluation/recall").await.lacks("name=\"size\"");
    let closed = location(&owner.post("/evaluation/recall/1/close", "").await);
    owner.get(&closed).await.holds("The sample is closed");
    for gone in ["/evaluation/sample/1.9", "/evaluation/sample/x", "/evaluation/recall?sample=9"] {
        assert_eq!(console.get(gone).await.status, 404, "{gone}");
    }
    let trail = console.get("/audit?subject_kind=sample").await;
    trail.holds("Drew an audit sample").holds("Took back a judgement").lacks("of three");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn first_answers_are_told_by_skill_and_team() {
    let console = Console::start().await;
    console.get("/evaluation/answers").await.holds("No inquiry of this time has been answered");
    let inquiry = inquiry("q-1", now() - 700);
    console.store.commit_routing(&decision(&inquiry, offer(&["a-1"]), now() - 600)).await.unwrap();
    let (id, agent) = (inquiry.inquiry_id.clone(), AgentId::new("a-1").unwrap());
    console.store.accept(&id, &agent, 1, at(now() - 300)).await.unwrap();
    console.get("/evaluation/answers").await.holds("No inquiry of this time has been answered");
    console.store.resolve_inquiry(&id, &agent, Some(1), at(now() - 100)).await.unwrap();
    let page = console.get("/evaluation/answers?days=7").await;
    page.holds("Shipping").holds("10 min").holds("No team");
    let csv = console.get("/evaluation/answers.csv").await;
    csv.holds("\r\nskill,shipping,1,600,600,");
    console.get("/evaluation/answers.csv?chart=answers").await.holds("Median,90% within");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_shows_new_words_to_who_reads_messages_only() {
    let console = Console::start().await;
    console.get("/evaluation/drift").await.holds("no messages to compare");
    let mut texts = vec!["カカオで話しましょう"; 12];
    texts.extend(["発送しました"; 30]);
    messages(&console, &texts).await;
    // The others came in a fortnight ago.
    let old = "update messages set received_at = received_at - 1209600000000 where text like '発送%' and message_id > 'c-2'";
    console.database.execute(old).await;
    // Numbers follow the arrival: the old ones are first.
    console
        .database
        .execute("update messages set arrival = -arrival where text like '発送%' and message_id > 'c-2'")
        .await;
    let page = console.get("/evaluation/drift").await;
    page.holds("カカオ").holds("Japanese").holds("Stability index").lacks("does not read messages");
    console.get("/evaluation/drift.csv").await.holds("\r\nword,カカオ,12,0,").holds("\r\nlanguage,ja,1.0000");
    let owner = somebody(&console, "owner", Role::ModelOwner).await;
    owner.get("/evaluation/drift").await.lacks("カカオ").holds("new words are not shown");
    owner.get("/evaluation/drift.csv").await.lacks("カカオ").holds("score,");
    console.stop().await;
}
