//! A rule that is switched off while a worker runs: by the console's form, and by the command line.

use std::sync::Arc;

use mimamori::config::Database;
use mimamori::store::Store;

use crate::running::*;
use crate::support::console::{Console, encoded, settings};
use crate::support::database::Fresh;

const RULE: &str = "external_induction/r0";
const SAID: &str = "よろしければLINEで話しましょう";

/// A console, and the settings of a worker on its database and its rules.
struct Place {
    console: Console,
    folder: tempfile::TempDir,
    settings: Vec<(String, String)>,
}

impl Place {
    async fn new(database: Fresh) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match &database.config {
            Database::Postgres(url) => url.clone(),
            Database::Sqlite(path) => format!("sqlite:{}", path.display()),
        };
        let console = Console::start_on(database, &settings()).await;
        let settings = vec![
            ("STORE__URL".to_owned(), url),
            ("QUEUE__URL".to_owned(), format!("sqlite:{}", folder.path().join("queue.db").display())),
            ("MODERATION__RULES".to_owned(), console.rules.path().join("rules").display().to_string()),
            ("MODERATION__RULES_FIXTURES".to_owned(), String::new()),
            ("MODERATION__RULES_RELOAD".to_owned(), "100ms".to_owned()),
        ];
        Self { console, folder, settings }
    }

    fn program(&self) -> std::process::Command {
        let mut command = program();
        for (name, value) in &self.settings {
            command.env(format!("MIMAMORI__{name}"), value);
        }
        command
    }

    fn worker(&self) -> Worker {
        let settings: Vec<(&str, &str)> =
            self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut worker = Worker::start(&settings, self.folder.path().join("log"));
        worker.await_ready();
        worker
    }

    fn send(&self, id: &str, text: &str) {
        let line = message(id, &format!("t-{id}"), "seller", text, 1);
        let output = run(self.program().args(["enqueue", "messages"]), line.as_bytes());
        assert!(output.status.success(), "{}", crate::running::text(&output.stderr));
    }

    /// The verdict on a message, once it is there: its version, and whether the rule is among its sources.
    async fn judged(&self, id: &str) -> (String, bool) {
        let store: &Arc<dyn Store> = &self.console.store;
        let deadline = std::time::Instant::now() + PATIENCE;
        let message = mimamori::contract::MessageId::new(id).unwrap();
        loop {
            if let Some(verdict) = store.verdict(&message).await.unwrap() {
                let fired = verdict.labels.iter().any(|label| label.source == format!("rule:{RULE}"));
                return (verdict.rules_version, fired);
            }
            assert!(std::time::Instant::now() < deadline, "no verdict on {id}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    async fn sent(&self, id: &str) -> (String, bool) {
        self.send(id, SAID);
        self.judged(id).await
    }

    async fn press(&self, to: &str, generation: u32) {
        let reason = encoded("too many false alarms since this morning");
        let form = format!("rule={}&to={to}&reason={reason}&generation={generation}", encoded(RULE));
        let answer = self.console.post("/rules/switch", &form).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
}

async fn off(worker: &Worker, count: u32) {
    let line = format!("mimamori_rules_off {count}");
    eventually(&line, || async {
        let page = worker.get("/metrics").map(|(_, page)| page).unwrap_or_default();
        (!page.lines().any(|found| found == line)).then(|| format!("{page}\n{}", worker.log()))
    })
    .await;
}

async fn a_rule_that_is_switched_off_flags_nothing_until_it_is_on_again(database: Fresh) {
    let place = Place::new(database).await;
    let worker = place.worker();
    off(&worker, 0).await;
    let (whole, fired) = place.sent("m-1").await;
    assert!(fired, "the rule flags it");

    place.press("off", 0).await;
    let pressed = std::time::Instant::now();
    off(&worker, 1).await;
    assert!(pressed.elapsed() < std::time::Duration::from_secs(30), "at once, also on a busy machine");
    let (without, fired) = place.sent("m-2").await;
    assert!(!fired, "the next one alike is not");
    assert!(without.starts_with(&format!("{whole}-off-")), "the version tells: {without}");

    // Other files: what is off stays off.
    let file = place.console.rules.path().join("rules").join(format!("{RULE}.yml"));
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("# Another look.\n{written}")).unwrap();
    eventually("other rules", || async {
        let page = worker.get("/metrics").map(|(_, page)| page).unwrap_or_default();
        (!page.contains("mimamori_rules_reloads_total{outcome=\"Replaced\"} 1")).then_some(page)
    })
    .await;
    let (reloaded, fired) = place.sent("m-3").await;
    assert!(!fired && reloaded.contains("-off-") && reloaded != without, "{reloaded}");
    off(&worker, 1).await;

    // What lies in the queue when a worker starts is judged without the rule, too.
    assert_eq!(worker.terminate(), Some(0));
    place.send("m-4", SAID);
    let worker = place.worker();
    let (started, fired) = place.judged("m-4").await;
    assert!(!fired, "before the first delivery");
    assert_eq!(started, reloaded);

    place.press("on", 1).await;
    off(&worker, 0).await;
    assert!(place.sent("m-5").await.1, "flagged again");

    // Without a browser.
    let ask = |arguments: &[&str]| run(place.program().arg("rules").args(arguments), b"");
    assert_eq!(ask(&["off", RULE]).status.code(), Some(2), "no reason");
    let slip = ask(&["off", "external_induction/rO", "--reason", "why"]);
    assert_eq!(slip.status.code(), Some(2));
    assert!(text(&slip.stderr).contains("did you mean `external_induction/r0`?"), "{}", text(&slip.stderr));
    let done = ask(&["off", RULE, "--reason", "night shift"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    off(&worker, 1).await;
    assert!(!place.sent("m-6").await.1);
    let listed = text(&ask(&["list", "--off"]).stdout);
    assert!(listed.contains(RULE) && listed.contains("night shift") && !listed.contains("quiet"), "{listed}");
    assert_eq!(ask(&["off", RULE, "--reason", "again"]).status.code(), Some(1));
    assert_eq!(ask(&["on", RULE, "--reason", "day shift"]).status.code(), Some(0));
    let all = text(&ask(&["list", "--format", "json"]).stdout);
    assert!(all.contains("\"off\":false") && all.contains("day shift"), "{all}");

    // A rule in shadow leaves no trace in a verdict, and is counted beside the others.
    place.send("m-7", "kakaoで話しましょう");
    place.judged("m-7").await;
    let message = mimamori::contract::MessageId::new("m-7").unwrap();
    let verdict = place.console.store.verdict(&message).await.unwrap().unwrap();
    assert!(verdict.labels.iter().all(|label| !label.source.contains("quiet")), "{:?}", verdict.labels);
    let page = place.console.get("/rules/external_induction/quiet").await;
    page.holds("In shadow: findings count for nothing").holds("Findings in shadow").holds("<dd>1</dd>");
    assert_eq!(worker.terminate(), Some(0));
    place.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_is_switched_off_and_on_at_once_on_sqlite() {
    a_rule_that_is_switched_off_flags_nothing_until_it_is_on_again(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_is_switched_off_and_on_at_once_on_postgresql() {
    a_rule_that_is_switched_off_flags_nothing_until_it_is_on_again(Fresh::postgres().await).await;
}
