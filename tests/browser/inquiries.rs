//! Offers and who decides where an inquiry goes.

use crate::browser::Browser;
use crate::console::Console;
use crate::driver::Driver;
use crate::story;

async fn desk() -> (Driver, Console) {
    let console = Console::start().await;
    story::people(&console).await;
    story::inquiries(&console).await;
    (Driver::start(), console)
}

/// The card of an inquiry, for selectors.
fn card(id: &str) -> String {
    format!(".card[aria-label$=\"{id}\"]")
}

/// Ended and wrong allocations of a skill, as /routing shows them.
async fn allocations(browser: &Browser, skill: &str) -> Option<(String, String)> {
    browser.goto("/routing").await;
    let script = "return [...document.querySelectorAll('main tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))";
    let rows: Vec<Vec<String>> =
        serde_json::from_value(browser.script(script, vec![]).await).expect("rows of text");
    rows.into_iter().find(|row| row[0] == skill).map(|row| (row[1].clone(), row[2].clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_accepted_passed_on_with_the_right_skill_and_routed_anew_by_a_lead() {
    let (driver, console) = desk().await;
    let aki = Browser::open(&driver, &console.origin).await;
    aki.log_in("aki").await;
    aki.follow(".bar a[href=\"/inquiries\"]").await;
    let (first, button) =
        (card("q-5012"), |act: &str| format!("{} form[action*=\"/{act}\"] button", card("q-5012")));
    assert_eq!(aki.texts(".card").await.len(), 1, "what is Ben's, and what waits, is not Aki's to see");
    assert!(aki.text(&first).await.contains("Offer ends"));
    aki.follow(&button("accept")).await;
    assert!(aki.text(".notice.good").await.contains("q-5012 is accepted"));
    assert!(!aki.text(&first).await.contains("Offer ends") && !aki.has(&button("accept")).await);

    aki.choose(&format!("{first} select[name=right_skill]"), "payment").await;
    aki.follow(&button("reject")).await;
    assert!(aki.text(".notice.good").await.contains("q-5012 was passed on"));
    assert!(!aki.has(&first).await, "it is not Aki's any more");

    let lead = Browser::open(&driver, &console.origin).await;
    lead.log_in("lead").await;
    assert_eq!(
        allocations(&lead, "Shipping").await,
        Some(("1".into(), "1".into())),
        "the allocation was wrong"
    );
    lead.goto("/inquiries").await;
    assert_eq!(lead.texts(".card").await.len(), 3);
    assert!(lead.text(&first).await.contains("Payment"), "what Aki said stands there");
    lead.choose(&format!("{first} select[name=agent_id]"), "agent-ben").await;
    lead.follow(&button("assign")).await;
    assert!(lead.text(".notice.good").await.contains("q-5012 is with the agent now"));
    assert!(lead.text(&first).await.contains("Ben Carter"));

    let ben = Browser::open(&driver, &console.origin).await;
    ben.log_in("ben").await;
    ben.goto("/inquiries").await;
    assert_eq!(ben.texts(".card").await.len(), 2);
    ben.follow(&button("resolve")).await;
    assert!(ben.text(".notice.good").await.contains("q-5012 is resolved"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_says_what_an_inquiry_in_triage_needs() {
    let (driver, console) = desk().await;
    let lead = Browser::open(&driver, &console.origin).await;
    lead.log_in("lead").await;
    lead.goto("/inquiries").await;
    let card = card("q-5014");
    assert!(lead.text(&format!("{card} .badge")).await.contains("Triage"));
    lead.choose(&format!("{card} select[name=skill]"), "return_refund").await;
    lead.follow(&format!("{card} form[action*=\"/classify\"] button")).await;
    assert!(lead.text(".notice.good").await.contains("q-5014 waits for an agent with that skill"));
    assert!(lead.text(&card).await.contains("Return and refund"));
}
