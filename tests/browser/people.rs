//! The first admin, log-in, languages, and what a role sees.

use serde_json::json;

use crate::browser::Browser;
use crate::console::Console;
use crate::driver::Driver;
use crate::story;
use crate::support::console::PASSWORD;

async fn new_password(browser: &Browser) {
    browser.fill("input[name=password]", PASSWORD).await;
    browser.fill("input[name=again]", PASSWORD).await;
    browser.follow("main form button[type=submit]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_comes_by_the_link_and_adds_an_agent_who_logs_in() {
    let mut console = Console::start().await;
    let driver = Driver::start();
    let link = console
        .says("/set-up/")
        .trim()
        .strip_prefix(&console.origin)
        .expect("the link is the console's")
        .to_owned();
    let admin = Browser::open(&driver, &console.origin).await;
    admin.goto(&link).await;
    admin.fill("input[name=login]", "root").await;
    admin.fill("input[name=name]", "Sato").await;
    new_password(&admin).await;
    assert!(admin.text(".notice.good").await.contains("password is set"));
    admin.goto(&link).await;
    assert!(admin.text("h1").await.contains("does not hold any more"), "the link works once");

    admin.log_in("root").await;
    admin.follow(".bar a[href=\"/people\"]").await;
    admin.fill("form[action=\"/people\"] input[name=login]", "aki").await;
    admin.fill("form[action=\"/people\"] input[name=name]", "秋山 結衣").await;
    admin.follow("form[action=\"/people\"] button").await;
    let link = admin.text(".secret").await;
    let aki = Browser::open(&driver, &console.origin).await;
    aki.goto(link.strip_prefix(&console.origin).expect("the link is the console's")).await;
    new_password(&aki).await;
    aki.log_in("aki").await;
    assert!(aki.text(".reader").await.contains("秋山 結衣"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_language_is_kept_after_log_in_and_in_another_browser() {
    let console = Console::start().await;
    story::people(&console).await;
    let driver = Driver::start();
    let aki = Browser::open(&driver, &console.origin).await;
    aki.goto("/log-in").await;
    assert_eq!(aki.text("h1").await, "Log in");
    aki.follow(".languages a[hreflang=ja]").await;
    assert_eq!(aki.text("h1").await, "ログイン");
    aki.log_in("aki").await;
    assert_eq!((aki.text("h1").await.as_str(), aki.path().await.as_str()), ("概要", "/"));
    aki.follow(".bar a[href=\"/alerts\"]").await;
    assert_eq!(aki.find("html").await.attr("lang").await.unwrap().as_deref(), Some("ja"));

    // Chosen when logged in, it is the account's.
    aki.follow(".languages a[hreflang=en]").await;
    aki.follow(".languages a[hreflang=ja]").await;
    aki.follow("form[action=\"/log-out\"] button").await;
    let other = Browser::open(&driver, &console.origin).await;
    other.goto("/log-in").await;
    assert_eq!(other.text("h1").await, "Log in", "nobody is known yet");
    other.log_in("aki").await;
    assert_eq!(other.text("h1").await, "概要");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_a_link_to_what_is_not_theirs() {
    let console = Console::start().await;
    story::people(&console).await;
    let driver = Driver::start();
    let browser = Browser::open(&driver, &console.origin).await;
    browser.goto("/people").await;
    assert!(browser.path().await.starts_with("/log-in"), "a stranger is sent to the log-in");
    assert_eq!(browser.texts(".bar nav:not(.languages) a").await, Vec::<String>::new());
    let links = "return [...new Set([...document.querySelectorAll('main a[href^=\"/\"]')].map(a => a.pathname))].sort()";
    for (login, rooms, linked, closed) in [
        (
            "aki",
            &["Overview", "Alerts", "Inquiries", "Evaluation", "Rules"][..],
            json!(["/alerts", "/inquiries"]),
            Some("/dead-letters"),
        ),
        (
            "lead",
            &[
                "Overview",
                "Alerts",
                "Inquiries",
                "Evaluation",
                "Rules",
                "Models",
                "Operations",
                "Audit trail",
            ],
            json!(["/alerts", "/dead-letters", "/inquiries"]),
            Some("/people"),
        ),
        (
            "root",
            &[
                "Overview",
                "Alerts",
                "Inquiries",
                "Evaluation",
                "Rules",
                "Models",
                "Operations",
                "People",
                "Audit trail",
            ],
            json!(["/alerts", "/dead-letters", "/inquiries"]),
            None,
        ),
    ] {
        browser.log_in(login).await;
        assert_eq!(browser.texts(".bar nav:not(.languages) a").await, rooms, "{login}");
        assert_eq!(browser.script(links, vec![]).await, linked, "{login}: links of the overview");
        if let Some(closed) = closed {
            browser.goto(closed).await;
            assert_eq!(browser.text(".status-code").await, "403", "{login} {closed}");
        }
        browser.follow("form[action=\"/log-out\"] button").await;
    }
}
