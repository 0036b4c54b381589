//! The room of the rules.

use std::time::{Duration, Instant};

use mimamori::access::Role;

use crate::support::console::{Answer, Client, Console, encoded};

const RULE: &str = "external_induction/r0";

fn form(rule: &str, to: &str, reason: &str, generation: u32) -> String {
    format!("rule={}&to={to}&reason={}&generation={generation}", encoded(rule), encoded(reason))
}

/// Asks again until the page holds this.
async fn until(client: &Client, path: &str, needle: &str) -> Answer {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let page = client.get(path).await;
        if page.body.contains(needle) {
            return page;
        }
        assert!(Instant::now() < deadline, "{path} does not come to hold {needle:?}:\n{}", page.body);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_every_rule_with_its_standing_and_filters() {
    let console = Console::start().await;
    let page = console.get("/rules").await;
    page.holds("Names a messenger").holds("Names another one").holds("rule-shadow").holds("rule-live");
    console.get("/rules?standing=shadow").await.holds("Names another one").lacks("Names a messenger");
    console.get("/rules?q=MESSENGER").await.holds("Names a messenger").lacks("Names another one");
    console.get("/rules?policy=harassment").await.holds("No rule fits");
    console.get("/rules?status=stable").await.holds("No rule fits");
    let csv = console.get("/rules.csv?standing=shadow").await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(csv.body.lines().count(), 2);
    csv.holds("external_induction/quiet,Names another one,external_induction,ja,test,shadow,shadow,0,0,");
    let days = console.get(&format!("/rules/days.csv?rule={}&days=7", encoded(RULE))).await;
    assert_eq!((days.status, days.body.lines().count()), (200, 8));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_switched_by_its_form_once_and_with_a_reason() {
    let console = Console::start().await;
    let page = console.get(&format!("/rules/{RULE}")).await;
    page.holds("Names a &#60;messenger&#62;.")
        .holds("view: skeleton, word: [line]")
        .holds("This rule is on.");
    page.holds("LINEスタンプです").holds("must not match").holds("name=\"generation\" value=\"0\"");

    let empty = console.post("/rules/switch", &form(RULE, "off", " ", 0)).await;
    assert_eq!(empty.status, 400);
    empty.holds("give a reason").holds("This rule is on.");
    let long = console.post("/rules/switch", &form(RULE, "off", &"x".repeat(501), 0)).await;
    assert_eq!(long.status, 400);
    assert_eq!(
        console.post("/rules/switch", &form("external_induction/gone", "off", "why", 0)).await.status,
        404
    );
    assert_eq!(console.post("/rules/switch", &form(RULE, "sideways", "why", 0)).await.status, 400);

    let done = console.post("/rules/switch", &form(RULE, "off", "Flags <every> stamp", 0)).await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/rules/external_induction/r0?switched=off"))
    );
    let page = console.get("/rules/external_induction/r0?switched=off").await;
    page.holds("The rule is off.")
        .holds("it fires nowhere")
        .holds("Flags &#60;every&#62; stamp")
        .holds("rule-off");
    page.holds("name=\"generation\" value=\"1\"").holds("Switched off");
    console
        .get("/rules?standing=off")
        .await
        .holds("Names a messenger")
        .lacks("Names another one")
        .holds("-off-");

    let stale = console.post("/rules/switch", &form(RULE, "off", "too late", 0)).await;
    assert_eq!(stale.status, 409);
    stale.holds("somebody else has switched").holds("it fires nowhere").holds("value=\"too late\"");
    assert_eq!(console.post("/rules/switch", &form(RULE, "on", "fixed", 1)).await.status, 303);
    console
        .get(&format!("/rules/{RULE}"))
        .await
        .holds("This rule is on.")
        .holds("Switched on")
        .holds("fixed");
    console.get("/audit").await.holds("Switched a rule").holds("fixed");

    console.person("aki", Role::Agent, &[], None).await;
    console.person("root", Role::Admin, &[], None).await;
    let aki = console.log_in("aki").await;
    aki.get(&format!("/rules/{RULE}")).await.holds("LINEスタンプです").lacks("action=\"/rules/switch\"");
    assert_eq!(aki.post("/rules/switch", &form(RULE, "off", "why", 2)).await.status, 403);
    let root = console.log_in("root").await;
    root.get(&format!("/rules/{RULE}")).await.lacks("LINEスタンプです").holds("does not read texts");
    assert_eq!(console.get("/rules/external_induction/gone").await.status, 404);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_on_trial_is_explained_and_stored_nowhere() {
    let console = Console::start().await;
    console.get("/rules/try").await.holds("name=\"text\"").lacks("What was found where");
    let try_it = async |text: &str, earlier: &str| {
        let form = format!("text={}&role=seller&earlier={}", encoded(text), encoded(earlier));
        console.post("/rules/try", &form).await
    };
    let page = try_it("よければL1NEか<kakao>で。LINEスタンプは別です", "buyer: LINEで?\r\nはい").await;
    assert_eq!(page.status, 200);
    page.holds("<mark title=\"rule:external_induction/r0\">L1NE</mark>");
    page.holds("<mark title=\"rule:external_induction/quiet (shadow)\" class=\"faint\">kakao</mark>");
    page.holds("skeleton").holds("<q>L1NE</q>").holds("excused by goods").holds("Report");
    page.lacks("<kakao>");
    try_it(" ", "").await.holds("Type a message.");
    try_it(&"長".repeat(1001), "").await.holds("at most 1000 characters").lacks("What was found where");
    try_it("a", &"b\n".repeat(51)).await.holds("At most 50 earlier messages");
    try_it("本日発送します", "").await.holds("No rule saw anything");

    console.post("/rules/switch", &form(RULE, "off", "why", 0)).await;
    let page = try_it("LINEで話しませんか", "").await;
    page.holds("rule-off").lacks("<mark").holds("-off-");
    for table in ["messages", "verdicts"] {
        let count = match table {
            "messages" => console.database.number("select count(*) from messages").await,
            _ => console.database.number("select count(*) from verdicts").await,
        };
        assert_eq!(count, 0, "{table}");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_files_are_told_and_the_console_goes_on_with_the_rules_it_has() {
    let console = Console::start().await;
    let file = console.rules.path().join("rules/external_induction/r0.yml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "title: T\nstatus: tset\n").unwrap();
    let page = until(&console.client, "/rules", "cannot be taken as they stand now").await;
    page.holds("r0.yml:2:").holds("Names a messenger");
    console.get("/alerts").await.holds("<h1>");
    // Still to be switched off: workers go on with it.
    assert_eq!(console.post("/rules/switch", &form(RULE, "off", "why", 0)).await.status, 303);

    std::fs::write(&file, good.replace("Names a messenger", "Names a messenger again")).unwrap();
    until(&console.client, "/rules", "Names a messenger again").await.lacks("cannot be taken");
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_file(console.rules.path().join("fixtures/external_induction/r0.yml")).unwrap();
    let page = until(&console.client, "/rules", "Off, but not in the rule files").await;
    page.holds("external_induction/r0").holds("why").lacks("Names a messenger again");
    let page = console.get(&format!("/rules/{RULE}")).await;
    page.holds("do not hold this rule").holds("value=\"on\"");
    assert_eq!(console.post("/rules/switch", &form(RULE, "on", "gone", 1)).await.status, 303);
    console.get("/rules").await.lacks("Off, but not in the rule files");
    console.stop().await;
}
