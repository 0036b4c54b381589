//! Rules that change while the worker runs; the embedded queue and database.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sqlx::{ConnectOptions, Row};

use crate::running::*;

/// Never in a log: it stands in the messages.
const SECRET: &str = "ひみつのことば";
const SAID: &str = "布のパイナップル畑の絵柄はきれいですか？ひみつのことばの本も届きました";

const RULE: &str = "title: Pineapple\nstatus: test\npolicy: external_induction\nseverity: high\nlang: [ja]\n\
    message: An attack of this morning.\ndetection: {p: {any: [パイナップル畑]}, condition: p}\n";

/// A worker on its own files and a copy of the rules.
struct Place {
    folder: tempfile::TempDir,
    settings: Vec<(String, String)>,
}

impl Place {
    fn new(more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
        let rules = folder.path().join("rules");
        copy(&repository("rules"), &rules);
        let mut settings = vec![
            ("STORE__URL".to_owned(), file("store.db")),
            ("QUEUE__URL".to_owned(), file("queue.db")),
            ("MODERATION__RULES".to_owned(), rules.display().to_string()),
        ];
        settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let place = Self { folder, settings };
        let output = run(place.program().args(["db", "migrate"]), b"");
        assert!(output.status.success(), "{}", text(&output.stderr));
        place
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

    fn rule_file(&self, name: &str) -> PathBuf {
        self.folder.path().join("rules").join(name)
    }

    fn send(&self, lines: &[String]) {
        let output = run(self.program().args(["enqueue", "messages"]), lines.join("\n").as_bytes());
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// The event about a message, once it is there.
    async fn verdict(&self, id: &str) -> Value {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.folder.path().join("store.db"));
        let mut connection = options.connect().await.unwrap();
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let row = sqlx::query("select body from outbox where event_key like 'message.%:' || $1")
                .bind(id)
                .fetch_optional(&mut connection)
                .await
                .unwrap();
            if let Some(row) = row {
                return serde_json::from_slice(&row.get::<Vec<u8>, _>("body")).unwrap();
            }
            assert!(std::time::Instant::now() < deadline, "no verdict on {id}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    async fn judge(&self, id: &str, second: u32) -> Value {
        self.send(&[message(id, &format!("t-{id}"), "buyer", SAID, second)]);
        self.verdict(id).await
    }
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

async fn metric(worker: &Worker, line: &str) {
    eventually(line, || async {
        let page = worker.get("/metrics").map(|(_, page)| page).unwrap_or_default();
        (!page.lines().any(|found| found == line)).then(|| format!("{page}\n{}", worker.log()))
    })
    .await;
}

fn version(verdict: &Value) -> &str {
    verdict["rules_version"].as_str().unwrap()
}

fn sources(verdict: &Value) -> Vec<&str> {
    verdict["labels"].as_array().unwrap().iter().map(|label| label["source"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_rules_are_taken_and_broken_ones_refused_while_the_worker_runs() {
    let place = Place::new(&[("MODERATION__RULES_RELOAD", "100ms")]);
    let worker = place.worker();
    let before = place.judge("m-1", 1).await;
    assert_eq!(before["action"], "none", "{before}");
    metric(&worker, &format!("mimamori_rules_version{{version=\"{}\"}} 1", version(&before))).await;

    std::fs::write(place.rule_file("external_induction/pineapple.yml"), RULE).unwrap();
    metric(&worker, "mimamori_rules_reloads_total{outcome=\"Replaced\"} 1").await;
    let after = place.judge("m-2", 2).await;
    assert_eq!(after["action"], "report", "{after}");
    assert!(sources(&after).contains(&"rule:external_induction/pineapple"), "{after}");
    assert_ne!(version(&before), version(&after));
    let in_force = format!("mimamori_rules_version{{version=\"{}\"}} 1", version(&after));
    metric(&worker, &in_force).await;
    let (_, page) = worker.get("/metrics").unwrap();
    assert!(!page.contains(version(&before)), "one version is in force:\n{page}");

    let broken = place.rule_file("external_induction/broken.yml");
    std::fs::write(&broken, "title: T\nstatus: tset\n").unwrap();
    metric(&worker, "mimamori_rules_reloads_total{outcome=\"Refused\"} 1").await;
    metric(&worker, "mimamori_rules_refused 1").await;
    metric(&worker, &in_force).await;
    let kept = place.judge("m-3", 3).await;
    assert_eq!((version(&kept), &kept["action"]), (version(&after), &"report".into()));
    assert!(worker.log().contains("broken.yml:2:"), "{}", worker.log());

    // The whole folder gone, as while it is being exchanged, is no reason to judge without rules.
    let (rules, aside) = (place.rule_file(""), place.folder.path().join("aside"));
    std::fs::rename(&rules, &aside).unwrap();
    metric(&worker, "mimamori_rules_reloads_total{outcome=\"Refused\"} 2").await;
    assert_eq!(version(&place.judge("m-4", 4).await), version(&after));
    std::fs::remove_file(aside.join("external_induction/broken.yml")).unwrap();
    std::fs::rename(&aside, &rules).unwrap();
    metric(&worker, "mimamori_rules_reloads_total{outcome=\"Unchanged\"} 1").await;
    metric(&worker, "mimamori_rules_refused 0").await;
    assert!(!worker.log().contains(SECRET), "{}", worker.log());
    assert_eq!(worker.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_takes_changed_rules_at_once_if_they_pass_their_fixtures() {
    let fixtures = tempfile::tempdir().unwrap();
    let place = Place::new(&[
        ("MODERATION__RULES_RELOAD", "0"),
        ("MODERATION__RULES_FIXTURES", fixtures.path().to_str().unwrap()),
    ]);
    // A pack of its own, since these fixtures are not those of the bundled one.
    std::fs::remove_dir_all(place.rule_file("")).unwrap();
    std::fs::create_dir_all(place.rule_file("external_induction")).unwrap();
    std::fs::write(
        place.rule_file("external_induction/mango.yml"),
        RULE.replace("パイナップル畑", "マンゴー畑"),
    )
    .unwrap();
    let fixture = fixtures.path().join("pineapple.yml");
    let expected = "rule: external_induction/pineapple\norigin: composed\nmatch:\n  - パイナップル畑にて\nno_match:\n  - ";
    std::fs::write(&fixture, format!("{expected}パイナップル畑の缶詰です\n")).unwrap();
    let worker = place.worker();
    worker.hangup();
    metric(&worker, "mimamori_rules_reloads_total{outcome=\"Unchanged\"} 1").await;
    let before = place.judge("m-1", 1).await;

    std::fs::write(place.rule_file("external_induction/pineapple.yml"), RULE).unwrap();
    worker.hangup();
    metric(&worker, "mimamori_rules_reloads_total{outcome=\"Refused\"} 1").await;
    assert_eq!(version(&place.judge("m-2", 2).await), version(&before));
    let log = worker.log();
    assert!(log.contains("pineapple.yml:6:") && log.contains("should not match but does"), "{log}");
    assert!(!log.contains("缶詰"), "a fixture's text is not for the log: {log}");

    std::fs::write(&fixture, format!("{expected}パイナップルの缶詰です\n")).unwrap();
    worker.hangup();
    metric(&worker, "mimamori_rules_reloads_total{outcome=\"Replaced\"} 1").await;
    let after = place.judge("m-3", 3).await;
    assert!(sources(&after).contains(&"rule:external_induction/pineapple"), "{after}");
    assert_eq!(worker.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_before_the_history_window_is_undecided_and_counted() {
    let place = Place::new(&[("MODERATION__CONTEXT_MESSAGES", "2")]);
    let worker = place.worker();
    place.send(&[
        message("m-1", "t-1", "seller", "LINEのIDを教えてもらえますか？そちらで話しましょう", 1),
        message("m-2", "t-1", "seller", "お品物はきれいです", 2),
        message("m-3", "t-1", "seller", "箱もあります", 3),
        message("m-4", "t-1", "buyer", "了解です", 4),
        message("m-5", "t-2", "seller", "LINEのIDを教えてもらえますか？そちらで話しましょう", 5),
        message("m-6", "t-2", "buyer", "了解です", 6),
    ]);
    let unseen = place.verdict("m-4").await;
    let undecided = unseen["undecided"].as_array().expect("a list of undecided rules");
    assert!(
        undecided
            .contains(&serde_json::json!({"source": "rule:conversation/agreed", "missing": ["history"]})),
        "{unseen}"
    );
    assert!(!sources(&unseen).contains(&"rule:conversation/agreed"));
    let seen = place.verdict("m-6").await;
    assert!(sources(&seen).contains(&"rule:conversation/agreed"), "{seen}");
    let (_, page) = worker.get("/metrics").unwrap();
    assert!(page.contains("mimamori_rules_undecided_total{missing=\"history\"} "), "{page}");
    assert_eq!(worker.terminate(), Some(0));
}
