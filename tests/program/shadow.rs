//! Models in shadow beside a real worker: what they would do differently, on the console's pages.

use std::path::Path;

use mimamori::access::Role;
use mimamori::queue::{EmbeddedQueue, Inbound, Outgoing, Queue, Target};

use crate::running::*;
use crate::support::console::{Console, settings};
use crate::support::database::Fresh;

/// The shipped models, but a head's threshold for reporting is another.
fn models(place: &Path, thresholds: &[(&str, &str)]) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    copied(&shipped.join("conversation"), &place.join("conversation"));
    for (policy, report) in thresholds {
        let head = place.join("policies").join(policy);
        copied(&shipped.join("policies").join(policy), &head);
        let file = head.join("model.toml");
        let told = std::fs::read_to_string(&file).unwrap();
        let line = told.lines().find(|line| line.starts_with("report = ")).unwrap().to_owned();
        std::fs::write(&file, told.replacen(&line, &format!("report = {report}"), 1)).unwrap();
    }
}

async fn published(queue: &EmbeddedQueue, lines: &[String]) {
    let outgoing: Vec<Outgoing> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| Outgoing {
            target: Target::Inbound(Inbound::Messages),
            id: index.to_string(),
            body: line.clone().into_bytes(),
            headers: Default::default(),
        })
        .collect();
    queue.publish(&outgoing, PATIENCE).await.unwrap();
}

/// The address of the list of differences that a page links to, of this policy and side.
fn list(page: &str, policy: &str, side: &str) -> String {
    let end = format!("policy={policy}&#38;side={side}\"");
    let before = page.split(&end).next().filter(|before| before.len() < page.len()).expect("a link");
    let (_, address) = before.rsplit_once("href=\"").unwrap();
    format!("{address}{}", end.trim_end_matches('"')).replace("&#38;", "&")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shadow_with_other_thresholds_is_compared_message_by_message() {
    let place = tempfile::tempdir().unwrap();
    let shadow = place.path().join("shadow");
    models(&shadow, &[("external_induction", "1.0"), ("harassment", "0.0")]);
    let database = Fresh::sqlite().await;
    let store_url = format!("sqlite:{}", database.path().display());
    let queue_file = place.path().join("queue.db");
    let queue_url = format!("sqlite:{}", queue_file.display());
    let console = Console::start_on(database, &settings()).await;
    let queue = EmbeddedQueue::open(&queue_file, "mimamori", 20).await.unwrap();
    queue.declare().await.unwrap();
    let shadow_path = shadow.display().to_string();
    let own = [
        ("STORE__URL", store_url.as_str()),
        ("QUEUE__URL", queue_url.as_str()),
        ("WORKER__REPORT", "200ms"),
        ("WORKER__NAME", "beside"),
        // What a rule reports by itself both report.
        ("MODERATION__RULES_REPORT_FROM", "never"),
    ];
    let with = |shadow: &str| {
        let all: Vec<_> = own.iter().copied().chain([("MODELS__SHADOW", shadow)]).collect();
        let mut worker = Worker::start(&all, place.path().join("log"));
        worker.await_ready();
        worker
    };
    let worker = with(&shadow_path);
    let lured = "インスタのDMで続きを話しませんか？IDは sora_0000 です";
    let lines = [
        message("m-1", "t-1", "buyer", "こんにちは、まだ購入できますか？", 1),
        message("m-2", "t-2", "seller", lured, 2),
    ];
    published(&queue, &lines).await;
    eventually("both judged in shadow", || async {
        let now = chrono::Utc::now();
        let counts = console.store.shadow_counts(now - chrono::TimeDelta::days(7)..now).await.unwrap();
        let total: u64 = counts.iter().map(|one| one.agreement.total()).sum();
        (total < 4).then(|| format!("{counts:?}"))
    })
    .await;
    let page = console.get("/models").await;
    page.holds("beside").holds("What the models in shadow would do differently");
    let only_live = console.get(&list(&page.body, "external_induction", "live")).await;
    only_live.holds(lured).holds("<code>m-2</code>").lacks("<code>m-1</code>").holds("href=\"/alerts/1\"");
    let only_shadow = console.get(&list(&page.body, "harassment", "shadow")).await;
    only_shadow.holds("<code>m-1</code>").holds("<code>m-2</code>");
    // Live alerts are what they would be without a shadow.
    let counts = console.store.summary().await.unwrap();
    assert_eq!(counts.alerts.values().sum::<u64>(), 1, "{counts:?}");
    assert_eq!((counts.verdicts, counts.dead_letters), (2, 0));

    // A model owner sees that they differ, but not what was written.
    console.person("owner", Role::ModelOwner, &[], None).await;
    let owner = console.log_in("owner").await;
    owner
        .get(&list(&page.body, "external_induction", "live"))
        .await
        .holds("<code>m-2</code>")
        .holds("••••")
        .lacks("インスタ");
    let metrics = worker.get("/metrics").unwrap().1;
    assert!(metrics.contains("mimamori_shadow_batches_total{outcome=\"Judged\"}"), "{metrics}");
    assert!(metrics.contains("mimamori_shadow_unusable 0"), "{metrics}");
    assert!(!worker.log().contains("インスタ"));
    assert_eq!(worker.terminate(), Some(0));

    // One that is not there is loud, and harms nothing.
    let worker = with(&place.path().join("nowhere").display().to_string());
    published(&queue, &[message("m-3", "t-3", "buyer", "こんにちは", 3)]).await;
    eventually("a verdict without a shadow", || async {
        let counts = console.store.summary().await.unwrap();
        (counts.verdicts != 3).then(|| format!("{counts:?}"))
    })
    .await;
    eventually("it is told", || async {
        let page = console.get("/models").await.body;
        (!page.contains("cannot be loaded; the worker")).then_some(page)
    })
    .await;
    assert!(worker.get("/metrics").unwrap().1.contains("mimamori_shadow_unusable 1"));
    assert!(worker.log().contains("the models in shadow cannot be loaded"), "{}", worker.log());
    assert_eq!(worker.terminate(), Some(0));
    console.stop().await;
}
