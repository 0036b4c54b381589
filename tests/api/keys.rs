//! A key makes a request that is sent again the same request.

use mimamori::access::Role;
use serde_json::Value;

use crate::program::{Document, Program, flag, named};
use crate::support::console::{Answer, Console, settings};
use crate::support::database::Fresh;

async fn answered_once(database: Fresh) {
    let console = Console::start_on(database, &settings()).await;
    let document = Document::of(&console).await;
    let aki = Program::of(&console, &document, "aki", Role::Agent, None).await;
    let ben = Program::of(&console, &document, "ben", Role::Agent, None).await;
    flag(&console, &["LINE first of all", "LINE second of all"]).await;
    let send = async |who: &Program, path: &str, key: &str, tag: &str, body: &str| -> (Answer, Value) {
        let headers = [("idempotency-key", key), ("if-match", tag), ("content-type", "application/json")];
        who.ask("POST", path, &headers, body).await
    };
    let (first, claimed) = send(&aki, "/api/v1/alerts/1/claim", "k-1", "*", "").await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (200, None));
    let (again, same) = send(&aki, "/api/v1/alerts/1/claim", "k-1", "*", "").await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!((&same, again.header("etag")), (&claimed, first.header("etag")));
    for (path, tag, body) in [
        ("/api/v1/alerts/2/claim", "*", ""),
        ("/api/v1/alerts/1/claim", "\"1\"", ""),
        ("/api/v1/alerts/1/claim", "*", "{}"),
    ] {
        let (other, problem) = send(&aki, path, "k-1", tag, body).await;
        assert_eq!((other.status, named(&problem)), (422, vec!["Idempotency-Key"]), "{path} {tag} {body}");
    }
    // Another account's key is another key.
    assert_eq!(send(&ben, "/api/v1/alerts/1/claim", "k-1", "*", "").await.0.status, 409);
    let tag = aki.tag("/api/v1/alerts/1").await;
    let path = "/api/v1/alerts/1/decide";
    let ruling = r#"{"ruling": "violation"}"#;
    let many: Vec<_> =
        futures_util::future::join_all((0..4).map(|_| send(&aki, path, "k-2", &tag, ruling))).await;
    let statuses: Vec<u16> = many.iter().map(|(answer, _)| answer.status).collect();
    assert!(
        statuses.contains(&200) && statuses.iter().all(|status| matches!(status, 200 | 409)),
        "{statuses:?}"
    );
    assert_eq!(send(&aki, path, "k-2", &tag, ruling).await.0.status, 200);
    let decided = "select count(*) from alert_trail where act = 'decided'";
    assert_eq!(console.database.number(decided).await, 1);
    // What was refused is refused again, though it could be done now.
    let (late, _) = send(&aki, path, "k-3", &tag, ruling).await;
    assert_eq!(late.status, 412);
    assert_eq!(send(&aki, path, "k-3", &tag, ruling).await.0.header("idempotency-replayed"), Some("true"));
    for key in ["", "a b", &"k".repeat(201)] {
        let (wrong, problem) = send(&aki, path, key, &tag, ruling).await;
        assert_eq!((wrong.status, named(&problem)), (400, vec!["Idempotency-Key"]), "{key:?}");
    }
    assert_eq!(console.database.number("select count(*) from api_answers").await, 4);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_a_key_is_answered_once_on_sqlite() {
    answered_once(Fresh::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_a_key_is_answered_once_on_postgres() {
    answered_once(Fresh::postgres().await).await;
}
