//! The review of alerts by key.

use mimamori::store::review::View;

use crate::browser::{Browser, Habits};
use crate::console::Console;
use crate::driver::Driver;
use crate::story;

/// WebDriver's code of the key Enter.
const ENTER: char = '\u{e007}';

async fn desk() -> (Driver, Console) {
    let console = Console::start().await;
    story::people(&console).await;
    story::conversations(&console).await;
    (Driver::start(), console)
}

/// How many alerts stand where, as /reviews shows it.
async fn standing(browser: &Browser, view: View) -> usize {
    browser.goto("/reviews").await;
    let link = format!("dt a[href=\"/alerts?view={}\"]", view.as_str());
    let cell = browser.script(
        "return document.querySelector(arguments[0]).closest('div').querySelector('b').textContent",
        vec![link.into()],
    );
    cell.await.as_str().expect("a count").parse().expect("a whole number")
}

/// Violations, others and doubts among what rule and model found together, as /reviews shows them.
async fn figures(browser: &Browser) -> [u32; 3] {
    let script = "return [...document.querySelectorAll('main tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))";
    let rows: Vec<Vec<String>> =
        serde_json::from_value(browser.script(script, vec![]).await).expect("rows of text");
    let mut sums = [0; 3];
    for row in rows.iter().filter(|row| row[1] == "Rule and model") {
        for (sum, cell) in sums.iter_mut().zip(&row[2..5]) {
            *sum += cell.parse::<u32>().expect("a count");
        }
    }
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_alerts_are_reviewed_by_key_alone_and_the_figures_follow() {
    let (driver, console) = desk().await;
    let lead = Browser::open(&driver, &console.origin).await;
    lead.log_in("lead").await;
    assert_eq!(standing(&lead, View::Open).await, story::alerts());
    assert!(lead.has(".nothing").await, "nothing is decided yet");

    let aki = Browser::open(&driver, &console.origin).await;
    aki.log_in("aki").await;
    aki.goto("/alerts").await;
    // To the first card, to its button, and on it.
    aki.press('j').await;
    aki.press(ENTER).await;
    aki.press_on(ENTER).await;
    let mut seen = Vec::new();
    for key in "vvnvunvnvv".chars() {
        seen.push(aki.text("h1").await);
        assert!(aki.has("button[data-key=v]").await, "the alert is Aki's");
        aki.press_on(key).await;
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 10, "each of them once");
    assert_eq!(standing(&lead, View::Decided).await, 10);
    assert_eq!(standing(&lead, View::Claimed).await, 1, "the eleventh is open on Aki's page");
    assert_eq!(figures(&lead).await, [6, 3, 1]);

    // The tenth was a violation; undone, it comes back to be decided anew.
    let eleventh = aki.text("h1").await;
    aki.press_on('z').await;
    let tenth = aki.text("h1").await;
    assert!(tenth != eleventh && seen.contains(&tenth), "the tenth is back");
    assert!(aki.text("[role=status]").await.contains("taken back"));
    assert_eq!(standing(&lead, View::Decided).await, 9);
    aki.press_on('n').await;
    assert_eq!(standing(&lead, View::Decided).await, 10);
    assert_eq!(figures(&lead).await, [5, 4, 1], "the figures follow");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_browsers_on_one_alert_the_second_is_told_who_has_it() {
    let (driver, console) = desk().await;
    let (aki, ben) =
        (Browser::open(&driver, &console.origin).await, Browser::open(&driver, &console.origin).await);
    aki.log_in("aki").await;
    ben.log_in("ben").await;
    // Both see it free.
    aki.goto("/alerts").await;
    ben.goto("/alerts").await;
    aki.follow(".card form[action*=\"/claim\"] button").await;
    ben.follow(".card form[action*=\"/claim\"] button").await;
    assert_eq!(ben.text(".status-code").await, "409");
    assert!(ben.text("main").await.contains("aki"), "Ben is told who has it");
    ben.follow("main a.button.quiet").await;
    assert_eq!(ben.text("h1").await, aki.text("h1").await);
    assert!(ben.text(".side .badge.status-waiting").await.contains("aki"));
    assert!(!ben.has("button[data-key=v]").await, "and cannot decide");
    aki.press_on('v').await;
    ben.goto("/alerts?view=decided").await;
    assert_eq!(ben.texts(".card").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_forms_decide() {
    let (driver, console) = desk().await;
    let aki = Browser::open_as(&driver, &console.origin, Habits { without_scripts: true }).await;
    aki.log_in("aki").await;
    aki.goto("/alerts").await;
    assert!(aki.text(".card time").await.ends_with("UTC"), "no script wrote the times anew");
    aki.follow("form[action^=\"/alerts/next\"] button").await;
    aki.fill("input[name=note]", "第一印象").await;
    aki.follow("button[value=violation]").await;
    assert!(aki.text("[role=status]").await.contains("Decided: violation"));
    aki.follow("form[action^=\"/alerts/undo\"] button").await;
    assert!(aki.text("[role=status]").await.contains("taken back"));
    aki.follow("button[value=not_violation]").await;
    aki.goto("/alerts?view=decided").await;
    assert_eq!(aki.texts(".card").await.len(), 1);
}
