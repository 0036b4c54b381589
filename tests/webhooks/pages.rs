//! The pages, as an admin uses them.

use mimamori::access::{Role, WebhookSecret};
use mimamori::contract::WebhookEvent;
use mimamori::store::webhooks::*;

use crate::support::console::{Answer, Client, Console, encoded};
use crate::values::*;

async fn root(console: &Console) -> Client {
    console.person("root", Role::Admin, &[], None).await;
    console.log_in("root").await
}

fn form(url: &str, events: &[&str]) -> String {
    let events = events.iter().map(|event| format!("&event={event}")).collect::<String>();
    format!("url={}{events}", encoded(url))
}

/// The secret that a page shows.
fn shown(page: &Answer) -> WebhookSecret {
    let (_, rest) = page.body.split_once("<code class=\"secret\">").expect("the page shows a secret");
    let text =
        rest.split('<').next().unwrap().replace("&#43;", "+").replace("&#x2f;", "/").replace("&#61;", "=");
    WebhookSecret::read(&text).unwrap_or_else(|| panic!("{text} is no secret"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_adds_changes_tries_and_deletes_an_endpoint() {
    let console = Console::start().await;
    let root = root(&console).await;
    root.get("/webhooks").await.holds("No endpoint is told of anything").holds("aria-current=\"page\"");
    for (url, events, told) in [
        ("http://example.com/", &["alert.reviewed"][..], "http:// is for localhost only"),
        ("https://me:pass@example.com/", &["alert.reviewed"], "no name, password or #fragment"),
        ("not an address", &["alert.reviewed"], "begins with https://"),
        ("https://example.com/<b>", &[], "Choose at least one event"),
    ] {
        let refused = root.post("/webhooks", &form(url, events)).await;
        assert_eq!(refused.status, 400, "{url}");
        // What was typed stays, and is no markup.
        refused.holds(told).lacks("<b>").lacks("whsec_");
    }
    assert!(console.store.webhooks().await.unwrap().is_empty());
    let added = root
        .post("/webhooks", &form("https://example.com/hooks", &["alert.reviewed", "message.flagged"]))
        .await;
    assert_eq!(added.status, 200);
    let first = shown(&added);
    let endpoint = console.store.webhooks().await.unwrap().remove(0);
    assert_eq!(endpoint.created_by, "root");
    let page = format!("/webhooks/{}", endpoint.endpoint_id);
    root.get(&page)
        .await
        .holds("https://example.com/hooks")
        .holds("value=\"alert.reviewed\" checked")
        .lacks("whsec_");
    root.get("/webhooks").await.holds(&format!("href=\"{page}\"")).lacks("whsec_");
    // Somebody else was faster.
    let stale = root
        .post(&page, &format!("generation=7&active=yes&{}", form("https://b.example/", &["sender.warned"])))
        .await;
    assert_eq!(stale.status, 409);
    stale.holds("Somebody else has changed this endpoint");
    let saved = root
        .post(&page, &format!("generation=1&active=yes&{}", form("https://b.example/", &["sender.warned"])))
        .await;
    assert_eq!((saved.status, saved.header("location")), (303, Some(format!("{page}?told=saved").as_str())));
    let rotated = root.post(&format!("{page}/rotate"), "generation=2").await;
    assert_ne!(shown(&rotated), first);
    rotated.holds("The secret before signs as well until");
    let tested = root.post(&format!("{page}/test"), "").await;
    assert_eq!(tested.status, 303);
    root.get(&page).await.holds("webhook.test").holds("Not tried yet").lacks("Send again");
    // As a courier would, with no answer.
    let now = chrono::Utc::now() + chrono::TimeDelta::seconds(5);
    let minute = std::time::Duration::from_secs(60);
    let claimed = console.store.claim_webhooks(endpoint.endpoint_id, 1, minute, now).await.unwrap().unwrap();
    let delivery = claimed.deliveries[0].delivery_id;
    let bad = attempt(1, now, Some(Failure::Timeout));
    console.store.finish_webhook(delivery, &bad, Next::Failed, now).await.unwrap();
    root.get(&page).await.holds("no answer in time").holds("failing since").holds("Send again");
    root.get(&format!("{page}?state=delivered")).await.holds("Nothing here").lacks("webhook.test");
    root.get(&format!("{page}?lang=ja")).await.holds("時間内に応答がありません").holds("再送");
    let again = format!("/webhook-deliveries/{delivery}/send-again");
    let sent = root.post(&again, &format!("endpoint={}", endpoint.endpoint_id)).await;
    assert_eq!(sent.status, 303);
    let twice = root.post(&again, &format!("endpoint={}", endpoint.endpoint_id)).await;
    assert_eq!(twice.status, 409);
    twice.holds("It waits to be sent already");
    let off =
        root.post(&page, &format!("generation=3&{}", form("https://b.example/", &["sender.warned"]))).await;
    assert_eq!(off.status, 303);
    root.get(&page).await.holds("cancelled").lacks("Send a test");
    assert_eq!(root.post(&format!("{page}/test"), "").await.status, 409);
    assert_eq!(root.post(&format!("{page}/delete"), "generation=1").await.status, 409);
    let deleted = root.post(&format!("{page}/delete"), "generation=4").await;
    assert_eq!(deleted.header("location"), Some("/webhooks?told=deleted"));
    assert_eq!(root.get(&page).await.status, 404);
    root.get("/audit").await.holds("Sent a test to a webhook").holds("https://b.example").lacks("whsec_");
    // Who is no admin is not even shown the way.
    console.get("/alerts").await.lacks("href=\"/webhooks\"");
    assert_eq!(console.get("/webhooks").await.status, 403);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_deliveries_come_in_pages() {
    let console = Console::start().await;
    let root = root(&console).await;
    let id =
        endpoint(&*console.store, "https://a.example/", &[WebhookEvent::MessageFlagged]).await.endpoint_id;
    flag(&*console.store, 0..30).await;
    let first = root.get(&format!("/webhooks/{id}")).await;
    assert_eq!(first.body.matches("message.flagged</code><br>").count(), 25);
    let (_, rest) = first.body.split_once("rel=\"next\" href=\"").expect("there is an older page");
    let older = rest.split(['"', '#']).next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let older = root.get(&older).await;
    assert_eq!(older.body.matches("message.flagged</code><br>").count(), 5);
    older.lacks("rel=\"next\"");
    console.stop().await;
}
