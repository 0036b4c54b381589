//! What stood in a database before reservations, and before the review of alerts, came.

use mimamori::access::Sight;
use mimamori::config::Database;
use mimamori::contract::*;
use mimamori::store::review::*;
use mimamori::store::*;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{ConnectOptions, Connection, PgConnection, SqlSafeStr};

use crate::review::reviewer;
use crate::support::database::Fresh;

const BEFORE: &str = "
    insert into agents (agent_id, name, capacity, available, open_count) values ('a-1', 'A', 5, true, 1), ('a-2', 'B', 5, false, 0);
    insert into inquiries (inquiry_id, customer_id, text, priority, received_at, language, skills, model_version, status, reason, decided_at)
    select id, 'u-1', 'text', 'normal', moment, 'ja', '[]', 'm1', status, '', moment
    from (select 'q-new' as id, 'waiting' as status union all select 'q-held', 'assigned' union all select 'q-done', 'resolved') q,
         (select MOMENT as moment) t;
    insert into assignments (inquiry_id, agent_id, skill, assigned_at, resolved_at)
    select 'q-held', 'a-1', 'shipping', MOMENT, null union all select 'q-done', 'a-1', 'shipping', MOMENT, MOMENT;
";

const NAMES: [&str; 7] =
    ["initial", "label parts", "routing", "reservations", "preferred agents", "routing to the end", "access"];

/// The text of a migration of one database, by its file's name.
macro_rules! migration {
    ($database:literal, $name:literal) => {
        include_str!(concat!("../../migrations/", $database, "/", $name, ".sql"))
    };
}

/// The first seven migrations of one database.
macro_rules! seven {
    ($database:literal) => {
        [
            migration!($database, "0001_initial"),
            migration!($database, "0002_label_parts"),
            migration!($database, "0003_routing"),
            migration!($database, "0004_reservations"),
            migration!($database, "0005_preferred_agents"),
            migration!($database, "0006_routing_to_the_end"),
            migration!($database, "0007_access"),
        ]
    };
}

/// The first migrations, as an earlier version of the program applied them.
fn earlier(texts: &[&'static str]) -> Migrator {
    let migration = |(index, (name, text)): (usize, (&'static str, &&'static str))| {
        let version = index as i64 + 1;
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    Migrator::with_migrations(NAMES.into_iter().zip(texts).enumerate().map(migration).collect())
}

pub async fn what_was_assigned_before_is_accepted_and_of_the_first_generation(fresh: Fresh) {
    match &fresh.config {
        Database::Postgres(url) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            earlier(&seven!("postgres")[..3]).run(&mut connection).await.unwrap();
            let rows = sqlx::AssertSqlSafe(BEFORE.replace("MOMENT", "timestamptz '2026-11-21T09:00:00Z'"))
                .into_sql_str();
            let rows = rows.as_str().replace("'[]'", "jsonb '[]'");
            sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut connection).await.unwrap();
        }
        Database::Sqlite(path) => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
            let mut connection = options.connect().await.unwrap();
            earlier(&seven!("sqlite")[..3]).run(&mut connection).await.unwrap();
            let rows = BEFORE.replace("MOMENT", "1763715600000000");
            sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
    let store = fresh.migrated().await;
    let rows = store.inquiries(Page { offset: 0, limit: 10 }, &Sight::All).await.unwrap();
    let of = |id: &str| rows.iter().find(|row| row.inquiry_id.as_str() == id).unwrap();
    let (new, held, done) = (of("q-new"), of("q-held"), of("q-done"));
    assert_eq!([new.generation, held.generation, done.generation], [0, 1, 1]);
    assert_eq!((new.status, new.accepted_at), (InquiryStatus::Waiting, None));
    assert!(held.accepted_at.is_some() && held.expires_at.is_none());
    let resolved = "select count(*) from assignments where outcome = 'resolved' and ended_by = 'a-1'";
    assert_eq!(fresh.number(resolved).await, 1);
    assert_eq!(fresh.number("select count(*) from agents where away_since is not null").await, 1);
    let known = "select count(*) from assignments where customer_id = 'u-1'";
    assert_eq!(fresh.number(known).await, 2, "who knows a customer is known of old ones, too");
    assert_eq!(fresh.number("select count(*) from inquiries where weight = 1 and channel = 'mail'").await, 3);
    // It is theirs as before.
    let agent = held.agent_id.clone().unwrap();
    let change = store.resolve_inquiry(&held.inquiry_id, &agent, Some(1), chrono::Utc::now()).await.unwrap();
    assert_eq!(change, Change::Done);
}

/// Two flagged messages, the surer one an hour later, as they stood before the review of alerts.
const ALERTS: &str = "
    insert into messages (message_id, transaction_id, sender_id, sender_role, text, sent_at)
    values ('m-1', 't-1', 'u-1', 'seller', 'first text of all', MOMENT), ('m-2', 't-2', 'u-2', 'buyer', 'first text of all', LATER);
    insert into verdicts (message_id, action, policies, language, rules_version, model_version, decided_at)
    values ('m-1', 'hide', '{}', 'en', 'r1', 'm1', MOMENT), ('m-2', 'report', '{}', 'en', 'r1', 'm1', LATER);
    insert into verdict_labels (message_id, position, policy, score, source, spans)
    values ('m-1', 0, 'harassment', 0.6, 'rule:harassment/insult', '[]'), ('m-2', 0, 'harassment', 0.98, 'rule:harassment/insult', '[]');
    insert into alerts (message_id, policy, action, score, sources, created_at)
    values ('m-1', 'harassment', 'hide', 0.6, 'rule', MOMENT), ('m-2', 'harassment', 'report', 0.98, 'rule', LATER);
";

pub async fn alerts_from_before_the_review_can_be_reviewed(fresh: Fresh) {
    match &fresh.config {
        Database::Postgres(url) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            earlier(&seven!("postgres")).run(&mut connection).await.unwrap();
            let rows = ALERTS
                .replace("MOMENT", "timestamptz '2026-11-21T09:00:00Z'")
                .replace("LATER", "timestamptz '2026-11-21T10:00:00Z'");
            sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut connection).await.unwrap();
        }
        Database::Sqlite(path) => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
            let mut connection = options.connect().await.unwrap();
            earlier(&seven!("sqlite")).run(&mut connection).await.unwrap();
            let rows = ALERTS.replace("MOMENT", "1795251600000000").replace("LATER", "1795255200000000");
            sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
    let store = fresh.migrated().await;
    let now = chrono::Utc::now();
    let lease = chrono::TimeDelta::seconds(100);
    let wanted = Listing {
        view: View::Open,
        policy: None,
        sources: None,
        mine: None,
        from: None,
        direction: Direction::Forward,
        limit: 10,
        at: now,
    };
    let rows = store.review_queue(&wanted).await.unwrap();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.alert.message_id.as_str(), row.sender_id.as_str(), row.state, row.generation))
        .collect();
    let expected = [("m-2", "u-2", AlertState::Open, 0), ("m-1", "u-1", AlertState::Open, 0)];
    assert_eq!(shown, expected, "the surer one first, though it came later");
    let day = now.date_naive().checked_sub_days(chrono::Days::new(10_000)).unwrap();
    let counted = store.rule_days("harassment/insult", day).await.unwrap();
    assert_eq!(
        counted.iter().map(|day| day.findings).sum::<u64>(),
        2,
        "what rules found before is counted, too"
    );
    assert_eq!(store.rule_alerts("harassment/insult", 10).await.unwrap().len(), 2);
    for row in &rows {
        assert!(row.queue_time < row.alert.created_at, "each is likelier than not");
        assert!(row.claim.is_none() && row.decided.is_none() && row.warned_at.is_none());
    }
    let (alert, claim) = store.claim_next(&wanted, "aki", lease, now).await.unwrap().unwrap();
    assert_eq!((alert, claim.generation), (rows[0].alert.alert_id, 1));
    let found = store.alert_file(alert, 5).await.unwrap().unwrap();
    assert_eq!(found.alike, Alike::default(), "nobody knows what its text was like");
    assert!(store.alert_file(rows[1].alert.alert_id, 5).await.unwrap().unwrap().conversation[0].hidden);
    let order = Order {
        alert_id: alert,
        generation: 1,
        by: reviewer("aki"),
        reach: Reach::Usual,
        saying: Saying::Ruled { ruling: Ruling::Violation, policy: None, subtype: None },
        note: None,
        alike_up_to: None,
        at: now,
    };
    assert_eq!(store.decide_alert(&order).await.unwrap(), Ok(Done { alert_id: alert, count: 1 }));
    let decided = store.alert_file(alert, 5).await.unwrap().unwrap().row.decided.unwrap();
    assert_eq!(decided.policy, Some(Policy::new("harassment")));
}
