//! Workers that report themselves, and dead letters that go back to their queue by a button of the console: with a real broker.

use std::time::{SystemTime, UNIX_EPOCH};

use mimamori::access::Role;
use mimamori::queue::{Inbound, Queue, RabbitQueue};
use mimamori::store::Page;

use crate::running::*;
use crate::support::console::{Client, Console, encoded, settings};
use crate::support::database::Fresh;

fn amqp_url() -> String {
    std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned())
}

/// A console and an installation of its own on both servers.
struct Place {
    console: Console,
    database: String,
    amqp: String,
    prefix: String,
    folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let database = Fresh::postgres().await;
        Self {
            database: database.url().to_owned(),
            console: Console::start_on(database, &settings()).await,
            amqp: amqp_url(),
            prefix: format!("test-operations.{}.{now}", std::process::id()),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn settings<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let own = [
            ("STORE__URL", self.database.as_str()),
            ("QUEUE__URL", self.amqp.as_str()),
            ("QUEUE__PREFIX", self.prefix.as_str()),
            ("WORKER__REPORT", "200ms"),
        ];
        own.iter().chain(more).copied().collect()
    }

    fn worker(&self, name: &str, more: &[(&str, &str)]) -> Worker {
        let more: Vec<_> = [("WORKER__NAME", name)].iter().chain(more).copied().collect();
        let mut worker = Worker::start(&self.settings(&more), self.folder.path().join(name));
        worker.await_ready();
        worker
    }

    fn enqueue(&self, line: &str) {
        let mut command = program();
        command.args(["enqueue", "messages"]);
        self.settings(&[])
            .iter()
            .for_each(|(name, value)| _ = command.env(format!("MIMAMORI__{name}"), value));
        let output = run(&mut command, line.as_bytes());
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    async fn shows(&self, needle: &str) {
        eventually(needle, || async {
            let page = self.console.get("/operations").await;
            (!page.body.contains(needle)).then_some(page.body)
        })
        .await;
    }

    async fn queue(&self) -> RabbitQueue {
        RabbitQueue::connect(&self.amqp, &self.prefix, 20).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_are_shown_while_they_work_when_they_stop_and_when_they_fall_silent() {
    let place = Place::new().await;
    place.console.get("/operations").await.holds("No worker has reported").holds("No worker that is there");
    let (one, other) = (place.worker("one", &[]), place.worker("other", &[]));
    place.enqueue(&message("m-1", "t-1", "buyer", "こんにちは、まだ購入できますか？", 1));
    place.shows("<dt>Workers that are there</dt><dd><b>2</b>").await;
    let version = env!("CARGO_PKG_VERSION");
    let page = place.console.get("/operations").await;
    page.holds(&format!("<td>{version}</td>")).holds("conversation <code>").holds(">working</span>");
    page.holds("<th scope=\"row\">Messages</th><td class=\"number\">").lacks(">silent</span>");
    page.lacks("differ in program");
    eventually("a verdict", || async {
        let counts = place.console.store.summary().await.unwrap();
        (counts.verdicts != 1).then(|| format!("{counts:?}"))
    })
    .await;

    // What a minute brought is told at its end, or at the end of the worker.
    assert_eq!(one.terminate(), Some(0));
    assert_eq!(other.terminate(), Some(0));
    let page = place.console.get("/operations").await;
    page.holds("<dt>Workers that are there</dt><dd><b>0</b>")
        .holds(">stopped</span>")
        .lacks(">working</span>");
    page.holds("From sent to decided").holds("By minute, UTC").holds("<svg");
    let csv = place.console.get("/operations.csv?hours=24").await;
    let decided: u64 = csv
        .body
        .lines()
        .filter(|line| line.contains(",messages,"))
        .map(|line| line.split(',').nth(2).unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(decided, 1, "{}", csv.body);

    let third = place.worker("third", &[]);
    place.shows(">working</span>").await;
    third.kill();
    // As if it had been killed an hour ago.
    place
        .console
        .database
        .execute("update workers set last_seen_at = last_seen_at - interval '1 hour'")
        .await;
    let page = place.console.get("/operations").await;
    page.holds(">silent</span>")
        .holds("class=\"attention\"><dt>Silent workers</dt><dd><b>1</b>")
        .lacks(">working</span>");
    place.queue().await.delete_topology().await.unwrap();
    place.console.stop().await;
}

/// What the form of the first button for one dead letter sends.
async fn button(client: &Client) -> String {
    let page = client.get("/dead-letters").await;
    let (_, rest) = page.body.split_once("name=\"letter\" value=\"").expect("a button");
    format!("letter={}", encoded(rest.split('"').next().unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_is_replayed_by_a_button_and_judged_once() {
    let place = Place::new().await;
    let store = place.console.store.clone();
    let strict = place.worker("strict", &[("LIMITS__MAX_TEXT_CHARS", "5")]);
    place.enqueue(&message("m-1", "t-1", "seller", "LINEで話しませんか？IDは sora_0000 です", 1));
    let queue = place.queue().await;
    eventually("a dead letter, told to the broker", || async {
        let depth = queue.depth(Inbound::Messages).await.unwrap();
        (depth.dead_letters != 1).then(|| format!("{depth:?}"))
    })
    .await;
    assert_eq!(strict.terminate(), Some(0));

    place.console.person("root", Role::Admin, &[], None).await;
    let root = place.console.log_in("root").await;
    let pressed = button(&root).await;
    place.console.get("/dead-letters").await.holds("text_too_long").lacks("name=\"letter\"");
    assert_eq!(place.console.post("/dead-letters/replay", &pressed).await.status, 403, "not for a lead");
    let answer = root.post("/dead-letters/replay", &pressed).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/dead-letters?done=1&not=0")));
    // Pressed a second time, on the page from before.
    let again = root.post("/dead-letters/replay", &pressed).await;
    assert_eq!(again.header("location"), Some("/dead-letters?done=0&not=1"));
    root.get("/dead-letters?done=1&not=0")
        .await
        .holds("1 dead letter goes back to its queue")
        .holds("No dead letters");

    let lenient = place.worker("lenient", &[]);
    eventually("a verdict, and no dead letter with the broker", || async {
        let counts = store.summary().await.unwrap();
        let depth = queue.depth(Inbound::Messages).await.unwrap();
        let done = counts.verdicts == 1
            && counts.unpublished_events == 0
            && depth.dead_letters == 0
            && depth.ready == 0;
        (!done).then(|| format!("{counts:?} {depth:?}"))
    })
    .await;
    assert_eq!(lenient.terminate(), Some(0));
    let csv = place.console.get("/operations.csv").await.body;
    let sum = |column: usize| -> u64 {
        let lines = csv.lines().filter(|line| line.contains(",messages,"));
        lines.map(|line| line.split(',').nth(column).unwrap().parse::<u64>().unwrap()).sum()
    };
    assert_eq!((sum(2), sum(3), sum(4)), (1, 0, 1), "decided once, no duplicate, one dead letter:\n{csv}");
    let letters = store.dead_letters(Page { offset: 0, limit: 10 }, true).await.unwrap();
    assert_eq!((letters.len(), letters[0].replays, letters[0].rejections), (1, 1, 1));
    place.console.person("auditor", Role::Admin, &[], None).await;
    let trail = place.console.log_in("auditor").await.get("/audit?act=dead_letter.replayed").await;
    trail.holds("root").holds(&letters[0].id);
    queue.delete_topology().await.unwrap();
    place.console.stop().await;
}
