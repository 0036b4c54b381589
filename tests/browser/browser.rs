//! One browser of one person: what they see, press and type. Every step waits for what it leads to.

use std::time::Duration;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::driver::Driver;
use crate::support::console::PASSWORD;

/// How long a page may take on a busy machine before a test gives up.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How a browser differs from the usual one.
#[derive(Clone, Copy, Default)]
pub struct Habits {
    pub without_scripts: bool,
}

pub struct Browser {
    client: Client,
    driver: String,
    /// Origin of the console.
    console: String,
}

impl Browser {
    /// A browser with a profile of its own that wishes for English.
    pub async fn open(driver: &Driver, console: &str) -> Self {
        Self::open_as(driver, console, Habits::default()).await
    }

    pub async fn open_as(driver: &Driver, console: &str, habits: Habits) -> Self {
        let mut preferences = json!({ "intl.accept_languages": "en" });
        if habits.without_scripts {
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--force-color-profile=srgb", "--window-size=1280,900", "--no-first-run",
                // Nothing but the console is asked for anything.
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
            "prefs": preferences,
        });
        let capabilities = json!({ "goog:chromeOptions": options });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().expect("an object").clone())
            .connect(&driver.url)
            .await
            .expect("Chromium starts");
        Self { client, driver: driver.url.clone(), console: console.to_owned() }
    }

    /// Opens a page of the console by its path.
    pub async fn goto(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.console)).await.expect("the console answers");
    }

    /// Path and query of the page.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.expect("a page is open").to_string();
        url.strip_prefix(&self.console).expect("a page of the console").to_owned()
    }

    /// The first element that the selector finds.
    #[track_caller]
    pub fn find<'a>(&'a self, css: &'a str) -> impl Future<Output = Element> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            match self.client.find(Locator::Css(css)).await {
                Ok(element) => element,
                Err(error) => {
                    let page = self.client.source().await.unwrap_or_default();
                    panic!("{caller}: the page has no {css}: {error}\n{page}")
                }
            }
        }
    }

    pub async fn has(&self, css: &str) -> bool {
        !self.client.find_all(Locator::Css(css)).await.expect("the page can be searched").is_empty()
    }

    /// The text of an element as it is read.
    pub async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.expect("the element has a text")
    }

    /// The texts of all elements that the selector finds.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for element in self.client.find_all(Locator::Css(css)).await.expect("the page can be searched") {
            texts.push(element.text().await.expect("the element has a text"));
        }
        texts
    }

    /// Types into a field in place of what stands there.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.expect("the field can be cleared");
        field.send_keys(text).await.expect("the field takes text");
    }

    pub async fn choose(&self, css: &str, value: &str) {
        self.find(css).await.select_by_value(value).await.expect("the list has the value");
    }

    /// Clicks what opens another page, and waits for that page.
    pub async fn follow(&self, css: &str) {
        let element = self.find(css).await;
        self.turning(async { element.click().await.expect("the element can be clicked") }).await;
    }

    /// Presses a key that changes nothing but the page that is open.
    pub async fn press(&self, key: char) {
        let keys = KeyActions::new("keyboard".into())
            .then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key });
        self.client.perform_actions(keys).await.expect("keys can be pressed");
    }

    /// Presses a key that opens another page, and waits for that page.
    pub async fn press_on(&self, key: char) {
        self.turning(self.press(key)).await;
    }

    /// Waits until the page that is open now has given way to another one; the driver itself waits until that is loaded.
    async fn turning(&self, act: impl Future<Output = ()>) {
        let page = self.find("html").await;
        act.await;
        self.until("another page", async || page.tag_name().await.is_err()).await;
    }

    /// Waits until a condition holds.
    pub async fn until(&self, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        let end = tokio::time::Instant::now() + PATIENCE;
        while !condition().await {
            if tokio::time::Instant::now() > end {
                panic!("{what} did not come:\n{}", self.client.source().await.unwrap_or_default());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What a function's body returns, on the page.
    pub async fn script(&self, body: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(body, arguments).await.expect("the script runs")
    }

    /// What a script hands to its last argument.
    pub async fn script_async(&self, body: &str) -> Value {
        self.client.execute_async(body, vec![]).await.expect("the script runs")
    }

    /// What the window shows, as PNG.
    pub async fn screenshot(&self) -> Vec<u8> {
        self.client.screenshot().await.expect("the browser makes a picture")
    }

    /// A command of the Chrome DevTools Protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let session =
            self.client.session_id().await.expect("the session is open").expect("the session has an id");
        let url = format!("{}/session/{session}/goog/cdp/execute", self.driver);
        let body = json!({ "cmd": command, "params": parameters });
        // A blocking client: not on the threads of the runtime.
        tokio::task::spawn_blocking(move || {
            let mut answer = ureq::post(&url).send_json(body).expect("the driver takes the command");
            let answer: Value = answer.body_mut().with_config().limit(64 << 20).read_json().expect("JSON");
            answer["value"].clone()
        })
        .await
        .expect("the command is sent")
    }

    /// Fills the form of the log-in page and comes in.
    pub async fn log_in(&self, login: &str) {
        self.goto("/log-in").await;
        self.fill("input[name=login]", login).await;
        self.fill("input[name=password]", PASSWORD).await;
        self.follow("main form button[type=submit]").await;
        assert!(self.has("form[action=\"/log-out\"]").await, "{login} is logged in");
    }
}
