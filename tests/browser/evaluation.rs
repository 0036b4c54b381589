//! The room of evaluation: an alert is decided and the chart changes; a sample is drawn and judged by key.

use crate::browser::Browser;
use crate::console::Console;
use crate::driver::Driver;
use crate::story;

/// The cells of today in the table below a chart.
async fn today(browser: &Browser, chart: &str) -> Vec<String> {
    let script = "const figure = document.getElementById(arguments[0] + '-title').closest('figure');
        return [...[...figure.querySelectorAll('tbody tr')].at(-1).cells].slice(1).map(cell => cell.textContent)";
    let cells = browser.script(script, vec![chart.into()]).await;
    serde_json::from_value(cells).expect("cells of text")
}

/// The points that the chart draws.
async fn points(browser: &Browser, chart: &str) -> usize {
    let script = "return document.getElementById(arguments[0] + '-title').closest('figure').querySelectorAll('circle').length";
    let count = browser.script(script, vec![chart.into()]).await;
    count.as_u64().expect("a count") as usize
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decided_alert_changes_the_chart() {
    let console = Console::start().await;
    story::people(&console).await;
    story::conversations(&console).await;
    let driver = Driver::start();
    let lead = Browser::open(&driver, &console.origin).await;
    lead.log_in("lead").await;
    lead.goto("/evaluation?days=90").await;
    assert_eq!(points(&lead, "precision").await, 0, "nothing is decided yet");
    let alerts = today(&lead, "alerts").await;

    let aki = Browser::open(&driver, &console.origin).await;
    aki.log_in("aki").await;
    aki.goto("/alerts").await;
    aki.follow("form[action^=\"/alerts/next\"] button").await;
    aki.press_on('v').await;

    lead.goto("/evaluation?days=90").await;
    assert_eq!(points(&lead, "precision").await, 1, "the day of that alert has a precision");
    assert_eq!(today(&lead, "alerts").await, alerts, "and as many alerts as before");
    aki.press_on('z').await;
    lead.goto("/evaluation?days=90").await;
    assert_eq!(points(&lead, "precision").await, 0, "taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_drawn_and_judged_by_key() {
    let console = Console::start().await;
    story::people(&console).await;
    story::conversations(&console).await;
    let driver = Driver::start();
    let lead = Browser::open(&driver, &console.origin).await;
    lead.log_in("lead").await;
    lead.goto("/evaluation/recall").await;
    let set = "for (const name of ['from', 'to']) document.querySelector(`input[name=${name}]`).value = new Date().toISOString().slice(0, 10)";
    lead.script(set, vec![]).await;
    lead.fill("input[name=size]", "10").await;
    lead.follow("section[aria-labelledby=draw] button").await;
    assert!(lead.text("[role=status]").await.contains("drawn"));
    let aki = Browser::open(&driver, &console.origin).await;
    aki.log_in("aki").await;
    aki.goto("/evaluation/sample").await;
    aki.press_on('j').await;
    let first = aki.text("h1").await;
    aki.press_on('n').await;
    assert!(aki.text("[role=status]").await.contains("not a violation"));
    aki.press_on('z').await;
    assert_eq!(aki.text("h1").await, first, "it is back");
    aki.press_on('v').await;
    lead.goto("/evaluation/recall").await;
    assert_eq!(lead.texts("#missed a").await.len(), 1, "what was missed");
}
