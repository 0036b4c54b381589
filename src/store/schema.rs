//! The embedded migrations, and whether a database has exactly these.

use std::sync::LazyLock;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::StoreError;

/// What each migration is called, with its text for PostgreSQL and for SQLite. Never edit one that was released: append.
const MIGRATIONS: [(i64, &str, &str, &str); 19] = [
    (
        1,
        "initial",
        include_str!("../../migrations/postgres/0001_initial.sql"),
        include_str!("../../migrations/sqlite/0001_initial.sql"),
    ),
    (
        2,
        "label parts",
        include_str!("../../migrations/postgres/0002_label_parts.sql"),
        include_str!("../../migrations/sqlite/0002_label_parts.sql"),
    ),
    (
        3,
        "routing",
        include_str!("../../migrations/postgres/0003_routing.sql"),
        include_str!("../../migrations/sqlite/0003_routing.sql"),
    ),
    (
        4,
        "reservations",
        include_str!("../../migrations/postgres/0004_reservations.sql"),
        include_str!("../../migrations/sqlite/0004_reservations.sql"),
    ),
    (
        5,
        "preferred agents",
        include_str!("../../migrations/postgres/0005_preferred_agents.sql"),
        include_str!("../../migrations/sqlite/0005_preferred_agents.sql"),
    ),
    (
        6,
        "routing to the end",
        include_str!("../../migrations/postgres/0006_routing_to_the_end.sql"),
        include_str!("../../migrations/sqlite/0006_routing_to_the_end.sql"),
    ),
    (
        7,
        "access",
        include_str!("../../migrations/postgres/0007_access.sql"),
        include_str!("../../migrations/sqlite/0007_access.sql"),
    ),
    (
        8,
        "reviews",
        include_str!("../../migrations/postgres/0008_reviews.sql"),
        include_str!("../../migrations/sqlite/0008_reviews.sql"),
    ),
    (
        9,
        "api",
        include_str!("../../migrations/postgres/0009_api.sql"),
        include_str!("../../migrations/sqlite/0009_api.sql"),
    ),
    (
        10,
        "rules",
        include_str!("../../migrations/postgres/0010_rules.sql"),
        include_str!("../../migrations/sqlite/0010_rules.sql"),
    ),
    (
        11,
        "evaluation",
        include_str!("../../migrations/postgres/0011_evaluation.sql"),
        include_str!("../../migrations/sqlite/0011_evaluation.sql"),
    ),
    (
        12,
        "operations",
        include_str!("../../migrations/postgres/0012_operations.sql"),
        include_str!("../../migrations/sqlite/0012_operations.sql"),
    ),
    (
        13,
        "shadow models",
        include_str!("../../migrations/postgres/0013_shadow_models.sql"),
        include_str!("../../migrations/sqlite/0013_shadow_models.sql"),
    ),
    (
        14,
        "replies",
        include_str!("../../migrations/postgres/0014_replies.sql"),
        include_str!("../../migrations/sqlite/0014_replies.sql"),
    ),
    (
        15,
        "vectors",
        include_str!("../../migrations/postgres/0015_vectors.sql"),
        include_str!("../../migrations/sqlite/0015_vectors.sql"),
    ),
    (
        16,
        "webhooks",
        include_str!("../../migrations/postgres/0016_webhooks.sql"),
        include_str!("../../migrations/sqlite/0016_webhooks.sql"),
    ),
    (
        17,
        "explanations",
        include_str!("../../migrations/postgres/0017_explanations.sql"),
        include_str!("../../migrations/sqlite/0017_explanations.sql"),
    ),
    (
        18,
        "mean open",
        include_str!("../../migrations/postgres/0018_mean_open.sql"),
        include_str!("../../migrations/sqlite/0018_mean_open.sql"),
    ),
    (
        19,
        "log-in by OpenID Connect",
        include_str!("../../migrations/postgres/0019_oidc.sql"),
        include_str!("../../migrations/sqlite/0019_oidc.sql"),
    ),
];

pub(super) static POSTGRES: LazyLock<Migrator> =
    LazyLock::new(|| migrator(|(version, name, postgres, _)| (version, name, postgres)));
pub(super) static SQLITE: LazyLock<Migrator> =
    LazyLock::new(|| migrator(|(version, name, _, sqlite)| (version, name, sqlite)));

/// Which migrations a database has; the table is sqlx's.
pub(super) const APPLIED: &str = "select version, checksum from _sqlx_migrations order by version";

type Entry = (i64, &'static str, &'static str, &'static str);

fn migrator(choose: fn(Entry) -> (i64, &'static str, &'static str)) -> Migrator {
    let migrations = MIGRATIONS.into_iter().map(|entry| {
        let (version, name, sql) = choose(entry);
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// Compares the applied migrations (version and checksum, by version) with the embedded ones.
pub(super) fn compare(embedded: &Migrator, applied: &[(i64, Vec<u8>)]) -> Result<(), StoreError> {
    let newest = |versions: Option<i64>| versions.map_or("none".to_owned(), |version| version.to_string());
    let known: Vec<(i64, &[u8])> =
        embedded.iter().map(|migration| (migration.version, &*migration.checksum)).collect();
    if applied.iter().map(|(version, checksum)| (*version, checksum.as_slice())).eq(known.iter().copied()) {
        return Ok(());
    }
    let (here, there) =
        (known.last().map(|(version, _)| *version), applied.last().map(|(version, _)| *version));
    Err(StoreError::Schema(if here == there {
        format!("version {} was applied with another content than this program's", newest(here))
    } else {
        format!("expected version {}, the database has {}", newest(here), newest(there))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_newer_and_altered_schemas_are_told_apart() {
        let known: Vec<(i64, Vec<u8>)> = SQLITE.iter().map(|m| (m.version, m.checksum.to_vec())).collect();
        assert!(compare(&SQLITE, &known).is_ok());
        assert!(compare(&SQLITE, &[]).unwrap_err().to_string().contains("the database has none"));
        let mut newer = known.clone();
        newer.push((99, vec![1]));
        assert!(compare(&SQLITE, &newer).unwrap_err().to_string().contains("the database has 99"));
        let mut altered = known;
        altered[0].1[0] ^= 1;
        assert!(compare(&SQLITE, &altered).unwrap_err().to_string().contains("another content"));
    }
}
