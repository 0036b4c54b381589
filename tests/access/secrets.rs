//! One-time links, and that no secret reaches a log or the database as it is.

use std::io::Write;
use std::sync::{Arc, Mutex};

use mimamori::access::{Permission, Role};
use mimamori::config::Database;
use mimamori::console::{first_admin_link, password_link};
use tracing_subscriber::fmt::MakeWriter;

use crate::oidc::{Away, with};
use crate::provider::{CLIENT_SECRET, Provider};
use crate::support::console::{Client, Console, PASSWORD, encoded, settings};
use crate::support::database::Fresh;

/// A console without anybody.
async fn empty(database: &Fresh) -> (Client, Arc<dyn mimamori::store::Store>) {
    let store = database.migrated().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::stranger(listener.local_addr().unwrap());
    let (served, settings) = (store.clone(), settings());
    tokio::spawn(async move {
        mimamori::console::serve(
            listener,
            served,
            &settings,
            mimamori::console::Moderation::default(),
            std::future::pending(),
        )
        .await
    });
    (client, store)
}

fn path(link: &str) -> String {
    format!("/set-up/{}", link.rsplit('/').next().unwrap())
}

fn first(login: &str) -> String {
    format!("login={login}&name=First&password={0}&again={0}", encoded(PASSWORD))
}

async fn the_first_admin_comes_in_once(database: Fresh) {
    let (client, store) = empty(&database).await;
    let old = first_admin_link(&*store, &settings()).await.unwrap().unwrap();
    let link = first_admin_link(&*store, &settings()).await.unwrap().unwrap();
    assert_eq!(client.get(&path(&old)).await.status, 410, "a newer link takes its place");
    assert_eq!(client.get("/set-up/nonsense").await.status, 410);
    client.get(&path(&link)).await.holds("Set up: the first admin").holds("autocomplete=\"new-password\"");
    let wrong = client.post(&path(&link), &first("no+blanks")).await;
    assert_eq!(wrong.status, 400);
    wrong.holds("Letters a to z");
    for name in ["a%00b".to_owned(), "a".repeat(101)] {
        let form = first("root").replace("name=First", &format!("name={name}"));
        assert_eq!(client.post(&path(&link), &form).await.status, 400, "{name}");
    }
    // Of many who use the link at the same moment one becomes the admin.
    let form = |number: usize| first(&format!("root{number}"));
    let attempts = (0..6).map(|number| {
        let (client, link, form) = (client.clone(), path(&link), form(number));
        tokio::spawn(async move { client.post(&link, &form).await.status })
    });
    let answers: Vec<u16> =
        futures_util::future::join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|status| **status == 303).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 303 | 410 | 503)), "{answers:?}");
    assert_eq!(client.post(&path(&link), &first("late")).await.status, 410);
    assert_eq!(first_admin_link(&*store, &settings()).await.unwrap(), None, "there is an admin now");
    assert_eq!(database.number("select count(*) from accounts").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_comes_in_once_on_sqlite() {
    the_first_admin_comes_in_once(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_comes_in_once_on_postgres() {
    the_first_admin_comes_in_once(Fresh::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_ended_and_a_link_beside_an_admin_do_not_hold() {
    let database = Fresh::sqlite().await;
    let (client, store) = empty(&database).await;
    let link = first_admin_link(&*store, &settings()).await.unwrap().unwrap();
    database.execute("update set_up_links set expires_at = created_at").await;
    assert_eq!(client.get(&path(&link)).await.status, 410);
    assert_eq!(client.post(&path(&link), &first("root")).await.status, 410);
    let link = first_admin_link(&*store, &settings()).await.unwrap().unwrap();
    database
        .execute("insert into accounts (login, name, role, teams, created_at) values ('other', 'O', 'admin', '[]', 0)")
        .await;
    assert_eq!(client.post(&path(&link), &first("root")).await.status, 410);
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_reaches_the_log_or_stands_in_the_database() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .init();
    let provider = Provider::start().await;
    let console = Console::start_on(Fresh::sqlite().await, &with(&provider.issuer, "")).await;
    let account = console.person("robot", Role::Agent, &[], None).await;
    console.person("aki@desk.example", Role::Agent, &[], None).await;
    let away = Away::set_off(&console.stranger(), "/log-in/oidc").await;
    let came_in = away.come_back(&away.log_in(&provider).await).await;
    // Another stays on the way, so that what is stored of it is looked through, too.
    let under_way = Away::set_off(&console.stranger(), "/log-in/oidc").await;
    let value = |cookie: &str| cookie.split(';').next().unwrap().split_once('=').unwrap().1.to_owned();
    let token = console.token(account, &[Permission::ReadAlerts]).await;
    let link = password_link(&*console.store, &settings(), account).await.unwrap().unwrap();
    let bearer = format!("Bearer {token}");
    console.stranger().request("GET", "/api/v1/me", &[("authorization", &bearer)], "").await;
    console.stranger().send_log_in("lead", "a mistyped password").await;
    console.stranger().send_log_in("typed in the wrong field", "x").await;
    let client = console.log_in("robot").await;
    let new = "seven blue dogs awake";
    client.post(&path(&link), &format!("password={0}&again={0}", encoded(new))).await;
    console.database.execute("drop table alerts").await;
    assert_eq!(console.get("/alerts").await.status, 503);
    let session = client.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    let secrets = [
        PASSWORD.to_owned(),
        "a mistyped password".into(),
        "typed in the wrong field".into(),
        new.into(),
        token.trim_start_matches("mimamori_").to_owned(),
        path(&link).rsplit('/').next().unwrap().to_owned(),
        session,
        client.csrf.clone(),
        CLIENT_SECRET.into(),
        value(came_in.header("set-cookie").unwrap()),
        value(&away.cookie),
        value(&under_way.cookie),
    ];
    let secrets: Vec<String> = secrets.into_iter().chain(provider.secrets()).collect();
    assert_eq!(secrets.len(), 12 + 6, "code, nonce, state, verifier and two tokens were seen");
    let Database::Sqlite(file) = &console.database.config else { panic!("expected a test on SQLite") };
    let mut stored = std::fs::read(file).unwrap();
    stored.extend(std::fs::read(file.with_extension("db-wal")).unwrap());
    let logged = log.0.lock().unwrap().clone();
    let logged_text = String::from_utf8_lossy(&logged);
    assert!(logged_text.contains("a page of the console could not be read"), "the log is kept");
    for secret in &secrets {
        let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!holds(&stored), "the database holds {secret}");
        // The client of these tests logs what it sends; what counts is what the program logs.
        let own = logged_text.lines().filter(|line| !line.contains("ureq"));
        assert!(!own.clone().any(|line| line.contains(secret.as_str())), "the log holds {secret}");
    }
    console.stop().await;
}
