//! Log-in, sessions, passwords.

use mimamori::access::{Act, Actor, Role};
use mimamori::store::{AuditFilter, Edited, Store};

use crate::support::console::{Client, Console, PASSWORD, encoded, settings};
use crate::support::database::Fresh;

async fn acts(store: &dyn Store) -> Vec<Act> {
    let rows = store.audit_trail(&AuditFilter::default(), 100).await.unwrap();
    rows.into_iter().rev().map(|row| row.entry.act).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_leads_to_the_page_that_was_asked_for_and_out_again() {
    let console = Console::start().await;
    let mut client = console.stranger();
    let asked = client.get("/alerts?page=2").await;
    assert_eq!(asked.header("location"), Some("/log-in?to=%2Falerts%3Fpage%3D2"));
    client.get("/log-in?to=%2Falerts%3Fpage%3D2").await.holds("name=\"to\" value=\"/alerts?page=2\"");
    let form = format!("login=LEAD&password={}&to=%2Falerts%3Fpage%3D2", encoded(PASSWORD));
    let answer = client.post("/log-in", &form).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/alerts?page=2")));
    let cookie = answer.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
        "{cookie}"
    );
    client.keep(&answer).await;
    client.get("/alerts").await.holds("Name of lead").holds("Log out");
    let out = client.post("/log-out", "").await;
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(client.get("/alerts").await.status, 303, "the session has ended, whatever the browser keeps");
    for outside in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2F%5Cevil.example"] {
        let form = format!("login=lead&password={}&to={outside}", encoded(PASSWORD));
        assert_eq!(client.post("/log-in", &form).await.header("location"), Some("/"), "{outside}");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_log_in_are_told_alike() {
    let console = Console::start().await;
    let disabled = console.person("gone", Role::Agent, &[], None).await;
    let now = chrono::Utc::now();
    let edited = console.store.set_disabled(disabled, true, &Actor::program(), now).await.unwrap();
    assert_eq!(edited, Edited::Done(disabled));
    let client = console.stranger();
    let mut pages = Vec::new();
    for (login, password) in [("lead", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("<b>", PASSWORD)]
    {
        let answer = client.send_log_in(login, password).await;
        assert_eq!(answer.status, 403, "{login}");
        assert_eq!(answer.header("set-cookie"), None);
        answer.holds("Log-in or password is wrong").lacks("<b>");
        pages.push(
            answer.body.replace(&format!("value=\"{login}\""), "").replace("value=\"&#60;b&#62;\"", ""),
        );
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]), "the pages differ");
    let refused = acts(&*console.store).await.into_iter().filter(|act| *act == Act::LogInRefused);
    assert_eq!(refused.count(), 4);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_log_in_has_a_session_of_its_own_and_ends_the_browser_s_last() {
    let console = Console::start().await;
    let first = console.log_in("lead").await;
    let mut second = first.clone();
    // What somebody planted in the browser is not what the session goes by.
    let mut planted = first.clone();
    planted.cookie = Some(format!("mimamori_session={}", "b".repeat(64)));
    let answer = planted.send_log_in("lead", PASSWORD).await;
    assert!(!answer.header("set-cookie").unwrap().contains(&"b".repeat(64)));
    let answer = second.send_log_in("lead", PASSWORD).await;
    second.keep(&answer).await;
    assert_ne!(first.cookie, second.cookie);
    assert_ne!(first.csrf, second.csrf);
    assert_eq!(first.get("/alerts").await.status, 303, "the session before has ended");
    assert_eq!(second.get("/alerts").await.status, 200);
    console.stop().await;
}

async fn attempts_are_limited(fresh: Fresh) {
    let console = Console::start_on(fresh, &settings()).await;
    console.person("other", Role::Agent, &[], None).await;
    let client = console.stranger();
    for _ in 0..10 {
        assert_eq!(client.send_log_in("other", "wrong").await.status, 403);
    }
    let limited = client.send_log_in("other", PASSWORD).await;
    assert_eq!(limited.status, 429, "even with the right password");
    limited.holds("Too many attempts");
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    // Another console on the same database counts on.
    let second = settings();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = Client::stranger(listener.local_addr().unwrap());
    let store = console.database.open().await;
    let served = tokio::spawn(async move {
        mimamori::console::serve(
            listener,
            store,
            &second,
            mimamori::console::Moderation::default(),
            std::future::pending(),
        )
        .await
    });
    assert_eq!(elsewhere.send_log_in("Other", PASSWORD).await.status, 429);
    // Others get in; and what was right is not counted.
    for _ in 0..12 {
        assert_eq!(client.send_log_in("lead", PASSWORD).await.status, 303);
    }
    served.abort();
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_limited_for_all_consoles_together_on_sqlite() {
    attempts_are_limited(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_limited_for_all_consoles_together_on_postgres() {
    attempts_are_limited(Fresh::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_try_many_accounts() {
    let mut behind = settings();
    behind.proxies = 1;
    let console = Console::start_on(Fresh::sqlite().await, &behind).await;
    let client = console.stranger();
    let origin = client.url("");
    let from = async |address: &str, login: &str| {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", origin.as_str()),
            ("x-forwarded-for", address),
        ];
        client.request("POST", "/log-in", &headers, &format!("login={login}&password=wrong")).await.status
    };
    for number in 0..50 {
        // What stands before the proxy's entry was written by who asks.
        let address = format!("10.0.0.{number}, 203.0.113.7");
        assert_eq!(from(&address, &format!("somebody-{number}")).await, 403, "{number}");
    }
    assert_eq!(from("203.0.113.7", "somebody-51").await, 429);
    assert_eq!(from("203.0.113.8", "somebody-51").await, 403);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_it_is_not_used_and_however_much_it_is() {
    let console = Console::start().await;
    // As if it had been last used, or begun, so long ago.
    for sql in [
        "update sessions set last_seen_at = last_seen_at - 1801 * 1000000",
        "update sessions set expires_at = expires_at - 43201 * 1000000",
    ] {
        let client = console.log_in("lead").await;
        assert_eq!(client.get("/alerts").await.status, 200);
        console.database.execute(sql).await;
        assert_eq!(client.get("/alerts").await.status, 303, "{sql}");
        let answer = client.post("/account/password", "").await;
        assert_eq!(answer.status, 401, "a form tells that the session has ended");
        answer.holds("You are not logged in").holds("href=\"/log-in\"");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_renews_its_claim_does_not_keep_a_session() {
    let console = Console::start().await;
    let client = console.log_in("lead").await;
    let seen = || console.database.number("select min(last_seen_at) from sessions");
    // As if it had last been used half of the time ago.
    console.database.execute("update sessions set last_seen_at = last_seen_at - 900 * 1000000").await;
    let before = seen().await;
    let renewed = client.post("/alerts/999/renew", "generation=1").await;
    assert!(!matches!(renewed.status, 303 | 401 | 403), "the session holds: {}", renewed.status);
    assert_eq!(seen().await, before);
    assert_eq!(client.get("/alerts").await.status, 200);
    let noted = console.database.number("select max(last_seen_at) from sessions").await;
    assert!(noted > before, "a page is a use");
    console.database.execute("update sessions set last_seen_at = last_seen_at - 1801 * 1000000").await;
    assert_eq!(client.post("/alerts/999/renew", "generation=1").await.status, 401);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_loopback_the_session_is_kept_only_over_tls() {
    let public = with("[console]\npublic_url = \"https://desk.example\"\n");
    let store = Fresh::sqlite().await;
    let migrated = store.migrated().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::stranger(listener.local_addr().unwrap());
    let (served_store, served_settings) = (migrated.clone(), public.clone());
    let served = tokio::spawn(async move {
        mimamori::console::serve(
            listener,
            served_store,
            &served_settings,
            mimamori::console::Moderation::default(),
            std::future::pending(),
        )
        .await
    });
    let link = mimamori::console::first_admin_link(&*migrated, &public).await.unwrap().unwrap();
    assert!(link.starts_with("https://desk.example/set-up/"), "{link}");
    let secret = link.rsplit('/').next().unwrap();
    let form = format!("login=root&name=&password={0}&again={0}", encoded(PASSWORD));
    assert_eq!(client.post(&format!("/set-up/{secret}"), &form).await.status, 303);
    let headers = [
        ("host", "desk.example"),
        ("origin", "https://desk.example"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let form = format!("login=root&password={}", encoded(PASSWORD));
    let answer = client.request("POST", "/log-in", &headers, &form).await;
    assert_eq!(answer.status, 303);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-mimamori=") && cookie.contains("; Secure"), "{cookie}");
    assert_eq!(client.request("GET", "/log-in", &[("host", "evil.example")], "").await.status, 403);
    served.abort();
}

/// The settings with what a file says.
fn with(text: &str) -> mimamori::config::ConsoleConfig {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    mimamori::config::Config::load(Some(file.path()), []).unwrap().console
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_every_other_session() {
    let console = Console::start().await;
    let other = console.log_in("lead").await;
    let mut own = console.log_in("lead").await;
    let change = |current: &str, new: &str, again: &str| {
        format!("current={}&password={}&again={}", encoded(current), encoded(new), encoded(again))
    };
    let new = "seven blue dogs awake";
    for (form, told) in [
        (change("wrong", new, new), "current password is wrong"),
        (change(PASSWORD, new, "another"), "passwords differ"),
        (change(PASSWORD, "short", "short"), "at least 12 characters"),
    ] {
        let answer = own.post("/account/password", &form).await;
        assert_eq!(answer.status, 400, "{told}");
        answer.holds(told);
    }
    let rows = console.store.audit_trail(&AuditFilter::default(), 100).await.unwrap();
    let refused: Vec<_> = rows.iter().filter(|row| row.entry.act == Act::PasswordRefused).collect();
    let [refused] = refused[..] else { panic!("one wrong password, {} lines", refused.len()) };
    assert_eq!(refused.entry.actor.name, "lead");
    assert_eq!(refused.entry.detail["address"], "127.0.0.1");
    let changed = own.post("/account/password", &change(PASSWORD, new, new)).await;
    assert_eq!(changed.status, 303);
    own.keep(&changed).await;
    own.get("/account?changed=yes").await.holds("Your password is changed");
    assert_eq!(other.get("/").await.status, 303);
    assert_eq!(console.stranger().send_log_in("lead", PASSWORD).await.status, 403);
    assert_eq!(console.stranger().send_log_in("lead", new).await.status, 303);
    console.stop().await;
}
