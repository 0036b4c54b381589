//! The worker between RabbitMQ and PostgreSQL, from enqueue to events, with bad input beside the good.

use std::time::{SystemTime, UNIX_EPOCH};

use mimamori::queue::{Inbound, Queue, RabbitQueue};
use mimamori::store::{Page, WeighedPart};

use crate::running::*;
use crate::support::database::Fresh;

fn amqp_url() -> String {
    std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned())
}

fn unique_prefix() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("test-program.{}.{now}", std::process::id())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_and_bad_deliveries_flow_to_verdicts_assignments_events_and_dead_letters() {
    let database = Fresh::postgres().await;
    let store = database.migrated().await;
    let (url, amqp, prefix) = (database.url().to_owned(), amqp_url(), unique_prefix());
    let settings =
        [("STORE__URL", url.as_str()), ("QUEUE__URL", amqp.as_str()), ("QUEUE__PREFIX", prefix.as_str())];
    let with = |arguments: &[&str]| {
        let mut command = program();
        command.args(arguments);
        settings.iter().for_each(|(name, value)| _ = command.env(format!("MIMAMORI__{name}"), value));
        command
    };
    let secret = "ひみつのことば";
    let messages = [
        message("m-1", "t-1", "buyer", "こんにちは、まだ購入できますか？", 1),
        "not json".to_owned(),
        message("m-2", "t-1", "seller", &format!("{secret} インスタのDMで続きを話しませんか？IDは sora_0000 です"), 2),
        message("m-1", "t-1", "buyer", "こんにちは、まだ購入できますか？", 1),
        message("m-3", "t-2", "buyer", &"長".repeat(10_001), 3),
        r#"{"message_id":"m-4","transaction_id":"t-2","sender_id":"u","sender_role":"buyer","text":5,"sent_at":"2026-11-21T09:00:00Z"}"#.to_owned(),
    ];
    let output = run(&mut with(&["enqueue", "messages"]), messages.join("\n").as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = run(&mut with(&["db", "seed"]), b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let inquiries = [inquiry("q-1", "発送されたはずの荷物が届きません"), inquiry("", "empty id")];
    let output = run(&mut with(&["enqueue", "inquiries"]), inquiries.join("\n").as_bytes());
    assert!(output.status.success(), "{}", text(&output.stderr));

    let folder = tempfile::tempdir().unwrap();
    let mut worker = Worker::start(&settings, folder.path().join("log"));
    worker.await_ready();
    eventually("verdicts, dead letters and events", || async {
        let counts = store.summary().await.unwrap();
        let done = counts.verdicts == 2
            && counts.dead_letters == 4
            && counts.inquiries == 1
            && counts.unpublished_events == 0;
        (!done).then(|| format!("{counts:?}"))
    })
    .await;

    eventually("the encoder's vector of the inquiry", || async {
        let id = mimamori::contract::InquiryId::new("q-1").unwrap();
        let vector = store.inquiry_vector(&id).await.unwrap();
        let kept =
            vector.as_ref().is_some_and(|vector| vector.vector.len() == 384 && vector.version.len() == 16);
        (!kept).then(|| format!("{vector:?}"))
    })
    .await;

    let alerts = store.alerts(Page { offset: 0, limit: 10 }).await.unwrap();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].message_id.as_str(), "m-2");
    eventually("what moved the model is worked out beside the work", || async {
        let explanation = store.explanation(&alerts[0].message_id, &alerts[0].policy).await.unwrap();
        let Some(explanation) = explanation else { return Some("no explanation".to_owned()) };
        let words = |part: &WeighedPart| -> String {
            alerts[0].text.chars().skip(part.start).take(part.end - part.start).collect()
        };
        let own = explanation.parts.iter().filter(|part| part.message_id == alerts[0].message_id);
        let told: Vec<String> = own.map(words).collect();
        assert!(told.iter().any(|word| word.contains("インスタ") || word.contains("ID")), "{told:?}");
        None
    })
    .await;
    let (status, metrics) = worker.get("/metrics").unwrap();
    assert_eq!(status, 200);
    assert!(metrics.contains("mimamori_explanations_total{outcome=\"Kept\"} 1"), "{metrics}");
    assert!(
        metrics.contains("mimamori_rejections_total{queue=\"messages\",code=\"text_too_long\"} 1"),
        "{metrics}"
    );
    assert!(!metrics.contains(secret));

    let list = text(&run(&mut with(&["dead-letters", "list"]), b"").stdout);
    assert_eq!(list.lines().count(), 4, "{list}");
    for code in ["invalid_json", "text_too_long", "invalid_field"] {
        assert!(list.contains(code), "{list}");
    }
    assert!(!list.contains("長長"), "a list never shows bodies");
    let id = list.lines().find(|line| line.contains("invalid_json")).unwrap().split('\t').next().unwrap();
    let shown = text(&run(&mut with(&["dead-letters", "show", id]), b"").stdout);
    assert!(shown.contains("not json"), "{shown}");

    let queue = RabbitQueue::connect(&amqp, &prefix, 20).unwrap();
    assert_eq!(queue.depth(Inbound::Messages).await.unwrap().dead_letters, 3);
    let output = run(&mut with(&["dead-letters", "replay", id]), b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
    eventually("the replayed body is rejected again", || async {
        let row = store.dead_letter(id).await.unwrap().unwrap();
        let again = row.rejections == 2 && row.replayed_at.is_none();
        (!again).then(|| format!("{} rejections", row.rejections))
    })
    .await;

    let log = worker.log();
    assert!(!log.contains(secret) && !log.contains("こんにちは") && !log.contains("長長"), "{log}");
    assert_eq!(worker.terminate(), Some(0), "a drained worker ends well");
    queue.delete_topology().await.unwrap();
}
