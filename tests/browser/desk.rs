//! An agent's own queue: an offer that counts down, keys, an answer from a template, away and back.

use crate::browser::{Browser, Habits};
use crate::console::Console;
use crate::driver::Driver;
use crate::story;

async fn desk() -> (Driver, Console) {
    let console = Console::start().await;
    story::people(&console).await;
    story::inquiries(&console).await;
    (Driver::start(), console)
}

/// Seconds of `14 min 58 s left`.
fn seconds(left: &str) -> u32 {
    let numbers: Vec<u32> = left.split(' ').filter_map(|word| word.parse().ok()).collect();
    numbers[0] * 60 + numbers[1]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_counts_down_is_accepted_answered_from_a_template_and_resolved() {
    let (driver, console) = desk().await;
    let aki = Browser::open(&driver, &console.origin).await;
    aki.log_in("aki").await;
    aki.goto("/inquiries").await;
    let countdown = ".card .countdown";
    let first = seconds(&aki.text(countdown).await);
    assert!((600..=900).contains(&first), "{first} of fifteen minutes");
    aki.until("the countdown to tick", async || seconds(&aki.text(countdown).await) < first).await;
    assert!(aki.text("#offers-said").await.is_empty(), "a screen reader hears nothing of every second");

    // Among cards a key means nothing until one of them is chosen.
    aki.press('a').await;
    assert_eq!(aki.path().await, "/inquiries");
    aki.press('?').await;
    aki.until("the keys", async || aki.text("#keys").await.contains("accept")).await;
    aki.follow(".card header a").await;
    assert!(aki.path().await.starts_with("/inquiries/q-5012"));
    aki.press_on('a').await;
    assert!(aki.text(".notice.good").await.contains("q-5012 is accepted"));
    assert!(!aki.has(".countdown").await);

    let shipping = "select[name=template] option";
    let offered = aki.texts(shipping).await;
    assert!(offered[1].starts_with("Shipping: "), "what it needs comes first: {offered:?}");
    let id = aki.find(&format!("{shipping}:nth-child(2)")).await.attr("value").await.unwrap().unwrap();
    aki.choose("select[name=template]", &id).await;
    aki.follow("form.filter button").await;
    let text = aki.script("return document.querySelector('textarea').value", vec![]).await;
    let text = text.as_str().unwrap().to_owned();
    assert!(
        text.contains("buyer-q-5012 様") && text.contains("秋山 結衣") && text.contains("q-5012"),
        "{text}"
    );

    // In a field letters are letters.
    aki.press('t').await;
    aki.find("textarea[name=text]").await.send_keys(" r").await.unwrap();
    let edited = aki.script("return document.querySelector('textarea').value", vec![]).await;
    assert!(edited.as_str().unwrap().contains('r') && aki.path().await.contains("q-5012"));
    aki.follow("button[name=then]").await;
    assert!(aki.text(".notice.good").await.contains("q-5012 is resolved"));
    assert!(!aki.has(".card").await, "nothing is left");
    aki.goto("/inquiries/q-5012").await;
    assert!(aki.text("[aria-labelledby=replies]").await.contains("buyer-q-5012 様"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_end_of_an_offer_is_told_and_everything_is_a_button() {
    let (driver, console) = desk().await;
    let habits = Habits { without_scripts: true };
    let aki = Browser::open_as(&driver, &console.origin, habits).await;
    aki.log_in("aki").await;
    aki.goto("/inquiries").await;
    assert!(aki.text(".card .held").await.contains("UTC") && aki.text(".countdown").await.contains(" min "));
    aki.follow("form.presence button").await;
    assert!(aki.text("form.presence").await.contains("You are away"));
    aki.follow("form.presence button").await;
    assert!(aki.text("form.presence").await.contains("You are here"));
    aki.follow(".card header a").await;
    aki.fill("textarea[name=text]", "お調べします。").await;
    aki.follow("form[action*=\"/reply\"] button").await;
    assert!(aki.text(".notice.good").await.contains("is on its way"));
    assert!(aki.text("[aria-labelledby=replies]").await.contains("お調べします。"));
}
