//! A console on a database of its own, and people who log in to it as they would in a browser.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::Utc;
use mimamori::access::{AccountId, Actor, PasswordHash, Permission, Role, Secret};
use mimamori::config::{Config, ConsoleConfig, ReportFrom};
use mimamori::console;
use mimamori::contract::{AgentId, Language, Policy, Skill};
use mimamori::rules::{PackFiles, Severity};
use mimamori::store::{AccountProfile, Edited, NewToken, Store};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::database::Fresh;
use super::values::agent;

/// The password of everybody whom [`Console::person`] adds.
pub const PASSWORD: &str = "six grey cats asleep";

/// A console on a database of its own, with a lead whose agent is `a-1` logged in.
pub struct Console {
    pub address: SocketAddr,
    pub store: Arc<dyn Store>,
    pub database: Fresh,
    /// Folder with the folders `rules` and `fixtures`.
    pub rules: tempfile::TempDir,
    /// The lead.
    pub client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

/// The console's settings unless a test has others.
pub fn settings() -> ConsoleConfig {
    Config::load(None, []).unwrap().console
}

/// Hashed once: it takes its time.
pub fn password_hash() -> PasswordHash {
    static HASH: OnceLock<PasswordHash> = OnceLock::new();
    HASH.get_or_init(|| PasswordHash::new(PASSWORD, [3; 16]).unwrap()).clone()
}

/// A pack of two rules, one in shadow, with examples.
fn rules() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rule = |title: &str, more: &str, word: &str| {
        format!(
            "title: {title}\nstatus: test\npolicy: external_induction\nlang: [ja]\n{more}\
             detection: {{app: {{view: skeleton, word: [{word}]}}, goods: {{any: [{word}スタンプ]}}, condition: app and not goods}}\n"
        )
    };
    let files = [
        (
            "rules/external_induction/r0.yml",
            rule("Names a messenger", "severity: high\nmessage: Names a <messenger>.\n", "line"),
        ),
        (
            "rules/external_induction/quiet.yml",
            rule("Names another one", "mode: shadow\nmessage: On trial.\n", "kakao"),
        ),
        (
            "fixtures/external_induction/r0.yml",
            "origin: composed\nmatch:\n  - LINEで話しませんか\nno_match:\n  - LINEスタンプです\n".to_owned(),
        ),
        (
            "fixtures/external_induction/quiet.yml",
            "origin: composed\nmatch:\n  - kakaoで話しませんか\nno_match:\n  - kakaoスタンプです\n"
                .to_owned(),
        ),
    ];
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

impl Console {
    pub async fn start() -> Self {
        Self::start_on(Fresh::sqlite().await, &settings()).await
    }

    pub async fn start_on(database: Fresh, settings: &ConsoleConfig) -> Self {
        let store = database.migrated().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let (served_store, settings) = (store.clone(), settings.clone());
        let rules = rules();
        let moderation = console::Moderation {
            policies: vec![Policy::new("external_induction"), Policy::new("harassment")],
            rules: Some(console::RuleFolder {
                files: PackFiles {
                    rules: rules.path().join("rules"),
                    fixtures: Some(rules.path().join("fixtures")),
                },
                every: Some(Duration::from_millis(50)),
                report_from: ReportFrom::Severity(Severity::High),
                longest_text: 1000,
            }),
            ..console::Moderation::default()
        };
        let served = tokio::spawn(async move {
            console::serve(listener, served_store, &settings, moderation, shutdown).await
        });
        store.upsert_agents(&[agent("a-1", &[Skill::Shipping], &[Language::Ja], 5)]).await.unwrap();
        let stranger = Client::stranger(address);
        let mut console = Self { address, store, database, rules, client: stranger, stop, served };
        console.person("lead", Role::Lead, &[], Some("a-1")).await;
        console.client = console.log_in("lead").await;
        console
    }

    /// Adds somebody with [`PASSWORD`].
    pub async fn person(&self, login: &str, role: Role, teams: &[&str], agent: Option<&str>) -> AccountId {
        let profile = AccountProfile {
            login: login.parse().unwrap(),
            name: format!("Name of {login}"),
            role,
            teams: teams.iter().map(|team| (*team).to_owned()).collect(),
            agent_id: agent.map(|id| AgentId::new(id).unwrap()),
        };
        let hash = tokio::task::spawn_blocking(password_hash).await.unwrap();
        let added = self.store.add_account(&profile, Some(&hash), &Actor::program(), Utc::now()).await;
        match added.unwrap() {
            Edited::Done(id) => id,
            refused => panic!("{login} cannot be added: {refused:?}"),
        }
    }

    /// Somebody who has come in by the log-in page.
    pub async fn log_in(&self, login: &str) -> Client {
        let mut client = self.stranger();
        let answer = client.send_log_in(login, PASSWORD).await;
        assert_eq!(answer.status, 303, "{login} cannot log in:\n{}", answer.body);
        client.keep(&answer).await;
        client
    }

    /// Somebody who is not logged in.
    pub fn stranger(&self) -> Client {
        Client::stranger(self.address)
    }

    /// An API token of the account, as it is sent.
    pub async fn token(&self, account: AccountId, scopes: &[Permission]) -> String {
        let secret = Secret::new(&mut rand::rng());
        let now = Utc::now();
        let token = NewToken {
            secret: secret.hash(),
            account_id: account,
            name: "test".into(),
            scopes: scopes.iter().copied().collect(),
            expires_at: now + chrono::TimeDelta::days(1),
        };
        self.store.add_token(&token, &Actor::program(), now).await.unwrap();
        format!("mimamori_{}", secret.reveal())
    }

    pub fn url(&self, path: &str) -> String {
        self.client.url(path)
    }

    /// A page in English, as the lead.
    pub async fn get(&self, path: &str) -> Answer {
        self.client.get(path).await
    }

    /// A form, sent as the console's own page would, by the lead.
    pub async fn post(&self, path: &str, form: &str) -> Answer {
        self.client.post(path, form).await
    }

    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.client.request(method, path, headers, body).await
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
    }
}

/// A browser of somebody.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    /// `name=value` of the session.
    pub cookie: Option<String>,
    /// What the forms of its pages carry.
    pub csrf: String,
}

impl Client {
    pub fn stranger(address: SocketAddr) -> Self {
        Self { address, cookie: None, csrf: String::new() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn send_log_in(&self, login: &str, password: &str) -> Answer {
        let form = format!("login={}&password={}", encoded(login), encoded(password));
        self.post("/log-in", &form).await
    }

    /// Takes the session that an answer hands out, and reads the token of its forms from a page.
    pub async fn keep(&mut self, answer: &Answer) {
        let cookie = answer.header("set-cookie").expect("the answer hands out a session");
        self.cookie = cookie.split(';').next().map(str::to_owned);
        let page = self.get("/account").await;
        let (_, rest) = page.body.split_once("name=\"csrf\" value=\"").expect("the page has a form");
        self.csrf = rest.split('"').next().unwrap().to_owned();
    }

    /// Sends a request with the session, if there is one, and with nothing else.
    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let own = headers.iter().any(|(name, _)| *name == "cookie");
        if let Some(cookie) = self.cookie.as_ref().filter(|_| !own) {
            request = request.header("cookie", cookie);
        }
        let request = request.body(body.to_owned()).unwrap();
        // A blocking client: not on the threads that serve.
        tokio::task::spawn_blocking(move || {
            let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
            let mut response = ureq::Agent::new_with_config(config).run(request).unwrap();
            let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap().to_owned();
            Answer {
                status: response.status().as_u16(),
                headers: response
                    .headers()
                    .iter()
                    .map(|(name, value)| (name.to_string(), text(value)))
                    .collect(),
                body: response.body_mut().read_to_string().unwrap(),
            }
        })
        .await
        .unwrap()
    }

    /// A page in English.
    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[("accept-language", "en")], "").await
    }

    /// A form, sent as the console's own page would.
    pub async fn post(&self, path: &str, form: &str) -> Answer {
        self.post_as(path, &format!("csrf={}&{form}", self.csrf)).await
    }

    /// A form without anything added to it.
    pub async fn post_as(&self, path: &str, form: &str) -> Answer {
        let origin = self.url("");
        let headers = [
            ("accept-language", "en"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        self.request("POST", path, &headers, form).await
    }
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn holds(&self, needle: &str) -> &Self {
        assert!(self.body.contains(needle), "the page does not hold {needle:?}:\n{}", self.body);
        self
    }

    #[track_caller]
    pub fn lacks(&self, needle: &str) -> &Self {
        assert!(!self.body.contains(needle), "the page holds {needle:?}:\n{}", self.body);
        self
    }
}

/// For a value of a form.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
