//! What `docs/api.md` shows is run as it stands there.

use mimamori::access::Permission;
use mimamori::contract::{Language, Skill};

use crate::program::flag;
use crate::support::console::Console;
use crate::support::values::{agent, decision, inquiry, offer};

/// Every block of shell in the guide, in its order.
fn script() -> String {
    let guide = include_str!("../../docs/api.md");
    let blocks = guide.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_in_the_guide_does_the_life_of_alerts_and_inquiries() {
    let console = Console::start().await;
    flag(&console, &["LINEで話しましょうか", "LINE second of all"]).await;
    console.store.upsert_agents(&[agent("a-1", &[Skill::Shipping], &[Language::Ja], 5)]).await.unwrap();
    for (n, id) in [(0, "q-1"), (1, "q-2")] {
        let mut order = decision(&inquiry(id, n), offer(&["a-1"]), n);
        order.expires_at = Some(chrono::Utc::now() + chrono::TimeDelta::hours(1));
        console.store.commit_routing(&order).await.unwrap();
    }
    let owner = console.store.account_by_login(&"lead".parse().unwrap()).await.unwrap().unwrap();
    let scopes: Vec<Permission> = Permission::scopes().collect();
    let token = console.token(owner.account_id, &scopes).await;
    let mut client = std::process::Command::new("bash");
    client.arg("-c").arg(script()).env("MIMAMORI", console.url("")).env("TOKEN", token);
    // Not on the threads that serve.
    let output = tokio::task::spawn_blocking(move || client.output()).await.unwrap();
    let output = output.expect("the guide needs bash, curl and jq");
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{errors}");
    for line in [
        "lead, lead, agent a-1",
        "rule:external_induction/line_id",
        "seller: LINEで話しましょうか",
        r#""ruling":"not_violation""#,
        r#""note":"names a messenger""#,
        r#"{"hidden":true}"#,
        r#"{"state":"escalated"}"#,
        r#"{"status":"resolved"}"#,
        r#"{"status":"waiting","corrected_skill":"payment"}"#,
        r#"{"status":"waiting","corrected_skill":"points_coupons"}"#,
    ] {
        assert!(told.contains(line), "the client did not say {line}:\n{told}");
    }
    let count = async |sql: &'static str| console.database.number(sql).await;
    assert_eq!(
        count("select count(*) from alerts where state = 'decided' and warned_at is not null").await,
        1
    );
    assert_eq!(count("select count(*) from alerts where state = 'escalated'").await, 1);
    assert_eq!(count("select count(*) from inquiries where status = 'resolved'").await, 1);
    console.stop().await;
}
