//! A lead looks up a rule, tries a message, and switches the rule off.

use crate::browser::Browser;
use crate::console::Console;
use crate::driver::Driver;
use crate::story;

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_finds_a_rule_tries_a_message_and_switches_the_rule_off() {
    let console = Console::start().await;
    story::people(&console).await;
    let driver = Driver::start();
    let lead = Browser::open(&driver, &console.origin).await;
    lead.log_in("lead").await;
    lead.follow(".bar a[href=\"/rules\"]").await;
    lead.fill("input[name=q]", "line_id").await;
    lead.follow("form.filter button").await;
    assert_eq!(lead.texts(".rule-list tbody th code").await, ["external_induction/line_id"]);

    lead.follow("a[href=\"/rules/try\"]").await;
    lead.fill("textarea[name=text]", "LINEのIDを教えてください").await;
    lead.follow("form.trial button").await;
    assert!(!lead.texts(".said-list mark").await.is_empty(), "something is found and marked");

    lead.goto("/rules/external_induction/line_id").await;
    assert!(lead.text(".head .badge").await.contains("live"));
    // Without a reason the browser does not even send it.
    lead.find("form[action=\"/rules/switch\"] button").await.click().await.unwrap();
    assert_eq!(lead.path().await, "/rules/external_induction/line_id");
    lead.fill("input[name=reason]", "It flags every stamp since this morning").await;
    lead.follow("form[action=\"/rules/switch\"] button").await;
    assert!(lead.text(".notice.good").await.contains("The rule is off"));
    assert!(lead.text(".head .badge").await.contains("off"));
    assert_eq!(console.store.rules_off().await.unwrap().len(), 1);

    lead.fill("input[name=reason]", "Corrected").await;
    lead.follow("form[action=\"/rules/switch\"] button").await;
    assert!(lead.text(".notice.good").await.contains("on again"));
    assert!(console.store.rules_off().await.unwrap().is_empty());
}
