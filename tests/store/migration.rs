//! What stood in a database before reservations came.

use mimamori::access::Sight;
use mimamori::config::Database;
use mimamori::store::*;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{ConnectOptions, Connection, PgConnection, SqlSafeStr};

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

/// The first three migrations, as an earlier version of the program applied them.
fn earlier(texts: [&'static str; 3]) -> Migrator {
    let names = ["initial", "label parts", "routing"];
    let migration = |(index, (name, text)): (usize, (&'static str, &'static str))| {
        let version = index as i64 + 1;
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    Migrator::with_migrations(names.into_iter().zip(texts).enumerate().map(migration).collect())
}

pub async fn what_was_assigned_before_is_accepted_and_of_the_first_generation(fresh: Fresh) {
    match &fresh.config {
        Database::Postgres(url) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let migrator = earlier([
                include_str!("../../migrations/postgres/0001_initial.sql"),
                include_str!("../../migrations/postgres/0002_label_parts.sql"),
                include_str!("../../migrations/postgres/0003_routing.sql"),
            ]);
            migrator.run(&mut connection).await.unwrap();
            let rows = sqlx::AssertSqlSafe(BEFORE.replace("MOMENT", "timestamptz '2026-11-21T09:00:00Z'"))
                .into_sql_str();
            let rows = rows.as_str().replace("'[]'", "jsonb '[]'");
            sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut connection).await.unwrap();
        }
        Database::Sqlite(path) => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
            let mut connection = options.connect().await.unwrap();
            let migrator = earlier([
                include_str!("../../migrations/sqlite/0001_initial.sql"),
                include_str!("../../migrations/sqlite/0002_label_parts.sql"),
                include_str!("../../migrations/sqlite/0003_routing.sql"),
            ]);
            migrator.run(&mut connection).await.unwrap();
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
