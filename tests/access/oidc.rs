//! Log-in by OpenID Connect, with a provider of the tests' own.

use chrono::{TimeDelta, Utc};
use mimamori::access::{AccountId, Act, Actor, AuditEntry, Identity, Role, Secret};
use mimamori::config::{Config, ConsoleConfig};
use mimamori::console::{Moderation, password_link, serve};
use mimamori::store::{AuditFilter, NewSession, Store, Vouched};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::provider::{CLIENT_ID, CLIENT_SECRET, Provider, Signing, Token};
use crate::support::console::{Answer, Client, Console, PASSWORD, encoded, settings};
use crate::support::database::Fresh;

/// The settings with this provider, and whatever else stands in `[console.oidc]`.
pub fn with(issuer: &str, more: &str) -> ConsoleConfig {
    let file = tempfile::NamedTempFile::new().unwrap();
    let section = format!(
        "[console.oidc]\nissuer = \"{issuer}\"\nclient_id = \"{CLIENT_ID}\"\nlabel = \"Desk ID\"\n{more}\n"
    );
    std::fs::write(file.path(), section).unwrap();
    let secret = ("MIMAMORI__CONSOLE__OIDC__CLIENT_SECRET".to_owned(), CLIENT_SECRET.to_owned());
    Config::load(Some(file.path()), [secret]).unwrap().console
}

async fn start(provider: &Provider, more: &str) -> Console {
    Console::start_on(Fresh::sqlite().await, &with(&provider.issuer, more)).await
}

/// Somebody who was sent to the provider.
pub struct Away {
    pub client: Client,
    /// `name=value` of what they were sent away with.
    pub cookie: String,
    /// Where they were sent to.
    pub way: String,
}

impl Away {
    pub async fn set_off(client: &Client, path: &str) -> Self {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.contains("; Max-Age=600"), "{cookie}");
        Self {
            client: client.clone(),
            cookie: cookie.split(';').next().unwrap().to_owned(),
            way: answer.header("location").unwrap().to_owned(),
        }
    }

    /// Logs in at the provider; returns the path that they are sent back to.
    pub async fn log_in(&self, provider: &Provider) -> String {
        let origin = format!("http://{}", provider.address);
        let path = self.way.strip_prefix(&origin).expect("the way leads to the provider");
        let answer = Client::stranger(provider.address).get(path).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let (_, back) = answer.header("location").unwrap().split_once("/log-in/oidc/callback").unwrap();
        format!("/log-in/oidc/callback{back}")
    }

    pub async fn come_back(&self, callback: &str) -> Answer {
        let mut cookies = self.cookie.clone();
        if let Some(session) = &self.client.cookie {
            cookies = format!("{session}; {cookies}");
        }
        let headers = [("accept-language", "en"), ("cookie", cookies.as_str())];
        self.client.request("GET", callback, &headers, "").await
    }
}

/// To the provider and back.
async fn trip(client: &Client, provider: &Provider) -> Answer {
    trip_for(client, provider, "/log-in/oidc").await
}

async fn trip_for(client: &Client, provider: &Provider, path: &str) -> Answer {
    let away = Away::set_off(client, path).await;
    away.come_back(&away.log_in(provider).await).await
}

#[track_caller]
fn comes_in(answer: &Answer, to: &str) {
    assert_eq!((answer.status, answer.header("location")), (303, Some(to)), "{}", answer.body);
    let cookies: Vec<_> =
        answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value).collect();
    assert!(cookies[0].starts_with("mimamori_session=") && cookies[0].contains("; HttpOnly"), "{cookies:?}");
    assert!(cookies[1].starts_with("mimamori_oidc=;") && cookies[1].contains("Max-Age=0"), "{cookies:?}");
}

#[track_caller]
fn is_refused(answer: &Answer, status: u16, told: &str) {
    assert_eq!(answer.status, status, "{told}\n{}", answer.body);
    answer.holds(told).holds("href=\"/log-in\"").lacks("code=").lacks("<script>what");
    let session =
        |(name, value): &(String, String)| name == "set-cookie" && value.starts_with("mimamori_session");
    assert!(!answer.headers.iter().any(session), "{told}");
}

async fn trail(store: &dyn Store, act: Act) -> Vec<AuditEntry> {
    let filter = AuditFilter { act: Some(act.as_str().to_owned()), ..AuditFilter::default() };
    let rows = store.audit_trail(&filter, 100).await.unwrap();
    rows.into_iter().map(|row| row.entry).collect()
}

async fn last_reason(console: &Console) -> Value {
    let entry = trail(&*console.store, Act::LogInRefused).await.into_iter().next().unwrap();
    assert_eq!(entry.detail["with"], "openid_connect");
    entry.detail["reason"].clone()
}

async fn aki_comes_in_and_is_bound(fresh: Fresh) {
    let provider = Provider::start().await;
    let console = Console::start_on(fresh, &with(&provider.issuer, "")).await;
    let aki = console.person("aki@desk.example", Role::Agent, &[], None).await;
    console.person("root", Role::Admin, &[], None).await;
    let mut client = console.stranger();
    client
        .get("/log-in?to=%2Falerts%3Fpage%3D2")
        .await
        .holds("href=\"/log-in/oidc?to=%2Falerts%3Fpage%3D2\"")
        .holds("Log in with Desk ID")
        .holds("name=\"password\"");
    client.get("/log-in?lang=ja").await.holds("Desk ID でログイン").holds("href=\"/log-in/oidc\"");

    let answer = trip_for(&client, &provider, "/log-in/oidc?to=%2Falerts%3Fpage%3D2").await;
    comes_in(&answer, "/alerts?page=2");
    client.keep(&answer).await;
    client.get("/alerts").await.holds("Name of aki@desk.example");
    for table in ["select count(*) from log_in_attempts", "select count(*) from log_in_detours"] {
        assert_eq!(console.database.number(table).await, 0, "{table}: nothing is left of the way");
    }
    let bound = trail(&*console.store, Act::IdentityBound).await;
    let [bound] = &bound[..] else { panic!("{} bindings", bound.len()) };
    assert_eq!((bound.actor.account_id, bound.actor.name.as_str()), (Some(aki), "aki@desk.example"));
    assert_eq!((&bound.detail["issuer"], &bound.detail["subject"]), (&json!(provider.issuer), &json!("s-1")));
    let opened = trail(&*console.store, Act::LoggedIn).await;
    assert_eq!(
        (opened[0].actor.account_id, &opened[0].detail["with"]),
        (Some(aki), &json!("openid_connect"))
    );
    assert_eq!(opened[1].detail["with"], "password", "the lead");

    // Log-out ends the session here.
    assert_eq!(client.post("/log-out", "").await.status, 303);
    assert_eq!(client.get("/alerts").await.status, 303);

    // From now on it is the subject that counts, whatever the claim has become.
    provider.is_used_by(json!({"sub": "s-1", "email": "akiko@desk.example", "email_verified": false}));
    let answer = trip(&client, &provider).await;
    comes_in(&answer, "/");
    client.keep(&answer).await;
    client.get("/account").await.holds("aki@desk.example");
    // Another subject with the same claim is somebody else.
    provider.is_used_by(json!({"sub": "s-2", "email": "aki@desk.example", "email_verified": true}));
    let other = trip(&console.stranger(), &provider).await;
    is_refused(&other, 403, "This account is somebody else&#39;s");
    assert_eq!(last_reason(&console).await, "somebody_else");
    assert_eq!(trail(&*console.store, Act::LogInRefused).await[0].subject.id, aki.to_string());
    assert_eq!(client.get("/alerts").await.status, 200, "the session of the first goes on");

    // An admin sees the binding and takes it away.
    let root = console.log_in("root").await;
    root.get("/people").await.holds("<code>s-1</code>").holds(&provider.issuer).lacks("<code>s-2</code>");
    assert_eq!(client.post(&format!("/people/{aki}/unbind"), "").await.status, 403);
    assert_eq!(root.post(&format!("/people/{aki}/unbind"), "").await.status, 303);
    root.get("/people").await.lacks("<code>s-1</code>").lacks("/unbind");
    let unbound = trail(&*console.store, Act::IdentityUnbound).await;
    assert_eq!((unbound.len(), unbound[0].actor.name.as_str()), (1, "root"));
    assert_eq!((&unbound[0].subject.id, &unbound[0].detail["subject"]), (&aki.to_string(), &json!("s-1")));
    assert_eq!(client.get("/alerts").await.status, 303, "whoever came in by it is out");
    assert_eq!(root.post(&format!("/people/{aki}/unbind"), "").await.status, 303, "safe to repeat");
    let own = console.database.number("select account_id from accounts where login = 'root'").await;
    assert_eq!(
        root.post(&format!("/people/{own}/unbind"), "").await.status,
        403,
        "nobody shuts themselves out"
    );
    comes_in(&trip(&console.stranger(), &provider).await, "/");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aki_comes_in_and_is_bound_on_sqlite() {
    aki_comes_in_and_is_bound(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aki_comes_in_and_is_bound_on_postgres() {
    aki_comes_in_and_is_bound(Fresh::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_in_without_an_account_of_theirs() {
    let provider = Provider::start().await;
    let console = start(&provider, "").await;
    let gone = console.person("gone@desk.example", Role::Agent, &[], None).await;
    console.store.set_disabled(gone, true, &Actor::program(), Utc::now()).await.unwrap();
    console.person("aki@desk.example", Role::Agent, &[], None).await;
    let cases = [
        (
            json!({"sub": "s-9", "email": "nobody@desk.example", "email_verified": true}),
            "There is no account for you here",
            "no_account",
        ),
        (
            json!({"sub": "s-9", "email": "a+b@desk.example", "email_verified": true}),
            "There is no account for you here",
            "no_account",
        ),
        (
            json!({"sub": "s-8", "email": "gone@desk.example", "email_verified": true}),
            "Your account is disabled",
            "disabled",
        ),
        (
            json!({"sub": "s-1", "email": "aki@desk.example", "email_verified": false}),
            "has not verified your address",
            "email_not_verified",
        ),
        (
            json!({"sub": "s-1", "email": "aki@desk.example"}),
            "has not verified your address",
            "email_not_verified",
        ),
        (json!({"sub": "s-1", "name": "Aki"}), "which log-in is yours", "no_claim"),
    ];
    for (who, told, reason) in cases {
        provider.is_used_by(who);
        is_refused(&trip(&console.stranger(), &provider).await, 403, told);
        assert_eq!(last_reason(&console).await, reason);
    }
    assert_eq!(console.database.number("select count(*) from account_identities").await, 0);
    let accounts = console.database.number("select count(*) from accounts").await;
    assert_eq!(accounts, 3, "the lead and the two: nobody was added");
    // Disabled after they were bound.
    provider.is_used_by(json!({"sub": "s-1", "email": "aki@desk.example", "email_verified": true}));
    comes_in(&trip(&console.stranger(), &provider).await, "/");
    console.database.execute("update accounts set disabled_at = created_at where login like 'aki%'").await;
    is_refused(&trip(&console.stranger(), &provider).await, 403, "Your account is disabled");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_hold_lets_nobody_in() {
    let provider = Provider::start().await;
    let console = start(&provider, "").await;
    console.person("aki@desk.example", Role::Agent, &[], None).await;
    type Twist = fn(&mut Token);
    let cases: [(&str, Twist); 15] = [
        ("nonce", |token| token.claims["nonce"] = json!("n".repeat(64))),
        ("nonce", |token| drop(token.claims.as_object_mut().unwrap().remove("nonce"))),
        ("expired", |token| token.claims["exp"] = json!(Utc::now().timestamp() - 1)),
        ("audience", |token| token.claims["aud"] = json!("another")),
        ("audience", |token| token.claims["aud"] = json!([CLIENT_ID, "another"])),
        ("audience", |token| token.claims["azp"] = json!("another")),
        ("issuer", |token| token.claims["iss"] = json!("https://login.example")),
        ("signature", |token| token.signing = Signing::Another),
        ("signature", |token| token.signing = Signing::Nothing),
        ("signature", |token| token.header["kid"] = json!("unknown")),
        ("algorithm", |token| {
            token.header = json!({"alg": "none"});
            token.signing = Signing::Nothing;
        }),
        ("algorithm", |token| {
            token.header = json!({"alg": "HS256"});
            token.signing = Signing::Shared;
        }),
        ("subject", |token| token.claims["sub"] = json!("")),
        ("subject", |token| token.claims["sub"] = json!("s".repeat(256))),
        ("form", |token| token.header["crit"] = json!(["b64"])),
    ];
    for (what, twist) in cases {
        provider.twists(twist);
        let answer = trip(&console.stranger(), &provider).await;
        is_refused(&answer, 502, "What the provider says of you does not hold");
        answer.holds(&format!("ID token: {what}"));
        assert_eq!(last_reason(&console).await, "token");
    }
    assert_eq!(console.database.number("select count(*) from account_identities").await, 0);
    // The same without a twist: it was the twists.
    provider.twists(|token| token.claims["azp"] = json!(CLIENT_ID));
    comes_in(&trip(&console.stranger(), &provider).await, "/");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_browser_that_was_sent_away_comes_back_and_once() {
    const ASTRAY: &str = "This log-in did not begin here";
    let provider = Provider::start().await;
    let console = start(&provider, "").await;
    console.person("aki@desk.example", Role::Agent, &[], None).await;
    let client = console.stranger();
    let away = Away::set_off(&client, "/log-in/oidc").await;
    let callback = away.log_in(&provider).await;
    // Somebody else's browser is led to the address: without a cookie, with their own, with two.
    is_refused(&client.get(&callback).await, 400, ASTRAY);
    let other = Away::set_off(&client, "/log-in/oidc").await;
    is_refused(&other.come_back(&callback).await, 400, ASTRAY);
    let both = Away { cookie: format!("{}; {}", away.cookie, other.cookie), ..other };
    is_refused(&both.come_back(&callback).await, 400, ASTRAY);
    for wrong in ["/log-in/oidc/callback", "/log-in/oidc/callback?state=a&state=b&code=c"] {
        is_refused(&away.come_back(wrong).await, 400, ASTRAY);
    }
    let (before, after) = callback.split_once("state=").unwrap();
    let (state, rest) = after.split_at(64);
    let wrong = format!("{before}state={}{rest}", "0".repeat(64));
    is_refused(&away.come_back(&wrong).await, 400, ASTRAY);
    assert_eq!(last_reason(&console).await, "astray");
    assert_ne!(state, away.cookie.split_once('=').unwrap().1, "the state does not tell the cookie");
    // None of that has used it up; coming back has.
    comes_in(&away.come_back(&callback).await, "/");
    is_refused(&away.come_back(&callback).await, 400, ASTRAY);
    // Too late.
    let late = Away::set_off(&client, "/log-in/oidc").await;
    let callback = late.log_in(&provider).await;
    console.database.execute("update log_in_detours set expires_at = expires_at - 601 * 1000000").await;
    is_refused(&late.come_back(&callback).await, 400, ASTRAY);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_leads_only_to_pages_of_the_console() {
    let provider = Provider::start().await;
    let console = start(&provider, "").await;
    console.person("aki@desk.example", Role::Agent, &[], None).await;
    let long = format!("/{}", "a".repeat(2000));
    for outside in ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/a\r\nb: c", &long]
    {
        let path = format!("/log-in/oidc?to={}", encoded(outside));
        comes_in(&trip_for(&console.stranger(), &provider, &path).await, "/");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_elsewhere_sends_nobody_to_the_provider() {
    let provider = Provider::start().await;
    let console = start(&provider, "").await;
    let client = console.stranger();
    let begun = async |site| {
        let answer =
            client.request("GET", "/log-in/oidc?to=%2Falerts", &[("sec-fetch-site", site)], "").await;
        assert_eq!(answer.status, 303);
        (answer.header("location").unwrap().to_owned(), answer.header("set-cookie").is_some())
    };
    for elsewhere in ["cross-site", "same-site"] {
        assert_eq!(begun(elsewhere).await, ("/log-in?to=%2Falerts".to_owned(), false), "{elsewhere}");
    }
    for here in ["same-origin", "none"] {
        let (location, cookie) = begun(here).await;
        assert!(location.contains("/authorize") && cookie, "{here}: {location}");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_provider_is_told_without_its_words() {
    let provider = Provider::start().await;
    let console = start(&provider, "").await;
    let client = console.stranger();
    provider.refuses(Some("access_denied"));
    let answer = trip(&client, &provider).await;
    is_refused(&answer, 403, "The provider has not logged you in");
    answer.holds("error=access_denied").lacks("<b>no").lacks("error_description");
    assert_eq!(last_reason(&console).await, "provider_error");
    provider.refuses(None);
    // A code that the provider does not know.
    let away = Away::set_off(&client, "/log-in/oidc").await;
    let callback = away.log_in(&provider).await;
    let (before, after) = callback.split_once("code=").unwrap();
    let wrong = format!("{before}code={}{}", "0".repeat(64), &after[64..]);
    is_refused(&away.come_back(&wrong).await, 502, "What the provider answers cannot be used");
    assert_eq!(last_reason(&console).await, "provider_answer");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_describes_itself_wrongly_is_not_followed() {
    type Describe = fn(&mut Value);
    let cases: [Describe; 5] = [
        |description| description["issuer"] = json!("https://login.example"),
        |description| description["authorization_endpoint"] = json!("http://login.example/authorize"),
        |description| description["jwks_uri"] = json!("http://login.example/keys"),
        |description| description["padding"] = json!("a".repeat(256 * 1024)),
        |description| *description = json!({}),
    ];
    for describe in cases {
        let provider = Provider::start().await;
        provider.describes_itself(describe);
        let console = start(&provider, "").await;
        let answer = console.stranger().get("/log-in/oidc").await;
        is_refused(&answer, 502, "What the provider answers cannot be used");
        console.stop().await;
    }
    // The token endpoint is asked only once somebody comes back.
    let provider = Provider::start().await;
    provider.describes_itself(|description| {
        description["token_endpoint"] = json!("http://login.example/token");
    });
    let console = start(&provider, "").await;
    is_refused(&trip(&console.stranger(), &provider).await, 502, "cannot be used");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_takes_no_password_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    // The console starts, and its lead logs in by their password.
    let console = Console::start_on(Fresh::sqlite().await, &with(&issuer, "")).await;
    let client = console.stranger();
    let answer = client.get("/log-in/oidc").await;
    is_refused(&answer, 503, "The provider is out of reach");
    assert_eq!(last_reason(&console).await, "provider_away");
    client.get("/log-in").await.holds("name=\"password\"").holds("Log in with Desk ID");
    assert_eq!(client.send_log_in("lead", PASSWORD).await.status, 303);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_asked_for_again_when_they_do_not_fit() {
    let provider = Provider::start().await;
    let console = start(&provider, "").await;
    console.person("aki@desk.example", Role::Agent, &[], None).await;
    let client = console.stranger();
    comes_in(&trip(&client, &provider).await, "/");
    provider.rotates_to("key-2");
    comes_in(&trip(&client, &provider).await, "/");
    // Some keep the name.
    provider.rotates_to("key-2");
    comes_in(&trip(&client, &provider).await, "/");
    provider.twists(|token| {
        token.header.as_object_mut().unwrap().remove("kid");
    });
    provider.rotates_to("key-3");
    comes_in(&trip(&client, &provider).await, "/");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_claim_can_name_the_log_in() {
    for (claim, who) in [
        ("preferred_username", json!({"sub": "s-1", "preferred_username": "Aki"})),
        (
            "desk_login",
            json!({"sub": "s-1", "desk_login": "aki", "email": "x@y", "updated_at": "2026-01-01T00:00:00Z"}),
        ),
    ] {
        let provider = Provider::start().await;
        let console = start(&provider, &format!("claim = \"{claim}\"\nscopes = \"openid profile\"")).await;
        console.person("aki", Role::Agent, &[], None).await;
        provider.is_used_by(who);
        let away = Away::set_off(&console.stranger(), "/log-in/oidc").await;
        assert!(away.way.contains("scope=openid+profile"), "{}", away.way);
        comes_in(&away.come_back(&away.log_in(&provider).await).await, "/");
        console.stop().await;
    }
}

/// Another console on the database of the first.
async fn beside(console: &Console, settings: ConsoleConfig) -> (Client, JoinHandle<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::stranger(listener.local_addr().unwrap());
    let store = console.database.open().await;
    let served = tokio::spawn(async move {
        serve(listener, store, &settings, Moderation::default(), std::future::pending()).await
    });
    (client, served)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_may_begin_at_one_console_and_end_at_another() {
    let provider = Provider::start().await;
    // Some providers take the client's secret in the form only.
    provider.describes_itself(|description| {
        description["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    });
    let mut both = with(&provider.issuer, "");
    let public =
        Config::load(None, [("MIMAMORI__CONSOLE__PUBLIC_URL".into(), "http://localhost:8080".into())]);
    both.public_url = public.unwrap().console.public_url;
    let console = Console::start_on(Fresh::sqlite().await, &both).await;
    console.person("aki@desk.example", Role::Agent, &[], None).await;
    let (elsewhere, served) = beside(&console, both).await;
    let away = Away::set_off(&console.stranger(), "/log-in/oidc?to=%2Falerts").await;
    assert!(away.way.contains("redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Flog-in%2Foidc%2Fcallback"));
    let callback = away.log_in(&provider).await;
    let away = Away { client: elsewhere, ..away };
    comes_in(&away.come_back(&callback).await, "/alerts");
    served.abort();
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_can_be_switched_off() {
    const OFF: &str = "Passwords are switched off here";
    let provider = Provider::start().await;
    let console = start(&provider, "").await;
    let root = console.person("root@desk.example", Role::Admin, &[], None).await;
    let (mut client, served) = beside(&console, with(&provider.issuer, "only = true")).await;
    client.get("/log-in").await.holds("Log in with Desk ID").lacks("name=\"password\"");
    let refused = client.send_log_in("root@desk.example", PASSWORD).await;
    assert_eq!((refused.status, refused.header("set-cookie")), (403, None));
    refused.holds(OFF);

    // A link still sets a password; it waits until passwords are switched on.
    let link = password_link(&*console.store, &settings(), root).await.unwrap().unwrap();
    let form = format!("password={0}&again={0}", encoded("seven blue dogs awake"));
    let set = client.post(&format!("/set-up/{}", link.rsplit('/').next().unwrap()), &form).await;
    assert_eq!(set.header("location"), Some("/log-in?set=yes"));
    client.get("/log-in?set=yes").await.holds(OFF);
    assert_eq!(client.send_log_in("root@desk.example", "seven blue dogs awake").await.status, 403);
    assert_eq!(
        console.stranger().send_log_in("root@desk.example", "seven blue dogs awake").await.status,
        303
    );

    provider.is_used_by(json!({"sub": "s-0", "email": "root@desk.example", "email_verified": true}));
    let stranger = client.clone();
    let answer = trip(&stranger, &provider).await;
    comes_in(&answer, "/");
    client.keep(&answer).await;
    client.get("/account").await.lacks("name=\"current\"").holds("without a password");
    let form =
        format!("current={0}&password={1}&again={1}", encoded("seven blue dogs awake"), encoded(PASSWORD));
    client.post("/account/password", &form).await.holds(OFF);
    // Who is added comes by the provider: nobody has to send them a link.
    let added = client.post("/people", "login=aki%40desk.example&name=Aki&role=agent").await;
    assert_eq!(added.header("location"), Some("/people?saved=yes"));
    client.get("/people").await.holds("aki@desk.example").holds("Has no password yet").lacks("/reset\"");
    provider.is_used_by(json!({"sub": "s-1", "email": "aki@desk.example", "email_verified": true}));
    comes_in(&trip(&stranger, &provider).await, "/");
    client.get("/people").await.holds("<code>s-1</code>").lacks("Has no password yet");
    served.abort();
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ways_count_as_attempts_until_they_have_led_back() {
    let provider = Provider::start().await;
    let console = start(&provider, "").await;
    console.person("aki@desk.example", Role::Agent, &[], None).await;
    let client = console.stranger();
    let attempts = || console.database.number("select count(*) from log_in_attempts");
    comes_in(&trip(&client, &provider).await, "/");
    assert_eq!(attempts().await, 0);
    let first = Away::set_off(&client, "/log-in/oidc").await;
    let callback = first.log_in(&provider).await;
    for _ in 0..49 {
        assert_eq!(client.get("/log-in/oidc/callback?state=a&code=b").await.status, 400);
    }
    assert_eq!(attempts().await, 50);
    for path in ["/log-in/oidc", "/log-in/oidc/callback?state=a&code=b"] {
        let limited = client.get(path).await;
        assert_eq!(limited.status, 429, "{path}");
        limited.holds("Too many attempts");
        assert!(limited.header("retry-after").is_some() && limited.header("set-cookie").is_none());
    }
    // Who is under way comes in all the same.
    comes_in(&first.come_back(&callback).await, "/");
    assert_eq!(attempts().await, 49);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_there_is_no_way() {
    let console = Console::start().await;
    let client = console.stranger();
    client.get("/log-in").await.lacks("/log-in/oidc");
    for path in ["/log-in/oidc", "/log-in/oidc/callback?state=a&code=b"] {
        assert_eq!(client.get(path).await.status, 404, "{path}");
    }
    console.stop().await;
}

async fn of_two_who_come_at_once_one_is_bound(fresh: Fresh) {
    let console = Console::start_on(fresh, &settings()).await;
    let account = console.person("aki", Role::Agent, &[], None).await;
    let other = console.person("ren", Role::Agent, &[], None).await;
    let session = |account_id: AccountId| {
        let at = Utc::now();
        let secret = Secret::new(&mut rand::rng()).hash();
        NewSession { secret, account_id, at, expires_at: at + TimeDelta::hours(1) }
    };
    let who = |subject: &str| Identity::new("https://login.example", subject).unwrap();
    let open_as = async |account: AccountId, subject: &str, named: bool| {
        let (store, by) = (console.store.clone(), Actor::program());
        store.open_vouched_session(&session(account), &who(subject), named, None, &by).await.unwrap()
    };
    let open = async |account: AccountId, subject: &str| open_as(account, subject, true).await;
    let both = tokio::join!(open(account, "s-1"), open(account, "s-2"));
    let first = match both {
        (Vouched::In, Vouched::SomebodyElse) => "s-1",
        (Vouched::SomebodyElse, Vouched::In) => "s-2",
        other => panic!("one of two: {other:?}"),
    };
    let sessions = "select count(*) from sessions s join accounts a on a.account_id = s.account_id where a.login in ('aki', 'ren')";
    assert_eq!(console.database.number(sessions).await, 1);
    // Nor is one person two people here.
    assert_eq!(open(other, first).await, Vouched::SomebodyElse);
    assert_eq!(open(account, first).await, Vouched::In);
    console.store.set_disabled(account, true, &Actor::program(), Utc::now()).await.unwrap();
    assert_eq!(open(account, first).await, Vouched::Disabled);
    assert_eq!(open(AccountId(999), "s-9").await, Vouched::Disabled);
    assert_eq!(console.database.number(sessions).await, 0);
    assert_eq!(console.store.unbind(account, &Actor::program(), Utc::now()).await.unwrap(), 1);
    console.store.set_disabled(account, false, &Actor::program(), Utc::now()).await.unwrap();
    let late = open_as(account, first, false).await;
    assert_eq!(late, Vouched::SomebodyElse, "read as bound, and unbound before the session began");
    assert_eq!(open(other, first).await, Vouched::In, "free again");
    assert_eq!(open_as(other, first, false).await, Vouched::In);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_come_at_once_one_is_bound_on_sqlite() {
    of_two_who_come_at_once_one_is_bound(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_come_at_once_one_is_bound_on_postgres() {
    of_two_who_come_at_once_one_is_bound(Fresh::postgres().await).await;
}
