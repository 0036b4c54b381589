//! Where the database is and what state it is in: schema, connections, errors.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use mimamori::error::{Class, Classified};
use mimamori::store::*;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use crate::support::database::Fresh;
use crate::support::values::*;

pub async fn migrating_twice_and_at_once_is_safe(fresh: Fresh) {
    // Each opens the database for itself, so that also the first opening of a new file happens at once.
    let migrations = (0..6).map(|_| {
        let config = fresh.config.clone();
        tokio::spawn(async move { open(&config, 2).await?.migrate().await })
    });
    for migrated in join_all(migrations).await {
        migrated.unwrap().unwrap();
    }
    let store = fresh.migrated().await;
    store.ping().await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/postgres");
    let written = std::fs::read_dir(folder).unwrap().count() as i64;
    assert_eq!(fresh.number("select count(*) from _sqlx_migrations where success").await, written);
}

pub async fn a_missing_or_other_schema_is_told(fresh: Fresh) {
    let store = fresh.open().await;
    for error in [store.ping().await.unwrap_err(), store.summary().await.unwrap_err()] {
        assert!(matches!(error, StoreError::Schema(_)), "{error}");
        assert!(error.to_string().contains("mimamori db migrate"), "{error}");
    }
    store.migrate().await.unwrap();
    store.ping().await.unwrap();

    // As if a later version of this program had migrated the database.
    fresh
        .execute(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
             select 999, 'later', success, checksum, 0 from _sqlx_migrations where version = 1",
        )
        .await;
    let error = store.ping().await.unwrap_err();
    assert!(matches!(&error, StoreError::Schema(text) if text.contains("999")), "{error}");
    // Twice: a migration that failed must not leave its lock behind.
    for _ in 0..2 {
        let error = store.migrate().await.unwrap_err();
        assert!(matches!(error, StoreError::Schema(_)), "{error}");
    }
    fresh.execute("delete from _sqlx_migrations where version = 999").await;
    store.migrate().await.unwrap();
    store.ping().await.unwrap();
}

pub async fn stores_of_two_processes_see_each_other(fresh: Fresh) {
    let (one, other) = (fresh.migrated().await, fresh.open().await);
    let message = message("m-1", "t-1", 0);
    one.receive_messages(std::slice::from_ref(&message), 0).await.unwrap();
    let batch = ModerationBatch { decisions: vec![cleared(&message, 1)], dead_letters: vec![] };
    other.commit_moderation(&batch).await.unwrap();
    assert!(one.receive_messages(&[message], 0).await.unwrap()[0].decided);
}

fn is_transient(error: &StoreError) -> bool {
    error.class() == Class::Transient && matches!(error, StoreError::Unavailable { .. })
}

#[tokio::test]
async fn a_closed_port_is_transient_and_names_the_place_but_not_the_login() {
    // A port that was free a moment ago and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let started = Instant::now();
    let error = PostgresStore::connect(&format!("postgres://somebody:s3cret@127.0.0.1:{port}/desk"), 2)
        .await
        .unwrap_err();
    assert!(is_transient(&error), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("127.0.0.1:{port}/desk")), "{text}");
    assert!(!text.contains("s3cret") && !text.contains("somebody"), "{text}");
    assert!(started.elapsed() < Duration::from_secs(4), "a refused connection is told at once");
}

#[tokio::test]
async fn a_url_that_cannot_be_read_is_permanent_and_not_quoted() {
    let error =
        PostgresStore::connect("postgres://somebody:s3cret@host:not-a-port/desk", 2).await.unwrap_err();
    assert_eq!(error.class(), Class::Permanent);
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_transient() {
    let fresh = Fresh::postgres().await;
    let options: PgConnectOptions = fresh.url().parse().unwrap();
    let missing = options.database("mimamori_missing").to_url_lossy();
    let error = PostgresStore::connect(missing.as_str(), 2).await.unwrap_err();
    assert!(is_transient(&error), "{error}");
}

#[tokio::test]
async fn a_file_in_a_missing_folder_is_transient_and_a_shared_memory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteStore::open(&folder.path().join("missing/store.db"), 2).await.unwrap_err();
    assert!(is_transient(&error), "{error}");
    assert!(error.to_string().contains("missing/store.db"), "{error}");
    let error = SqliteStore::open(Path::new(":memory:"), 2).await.unwrap_err();
    assert_eq!(error.class(), Class::Permanent);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_not_retried_for_ever() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "no database at all. ".repeat(100)).unwrap();
    let error = SqliteStore::open(file.path(), 2).await.unwrap_err();
    assert_eq!(error.class(), Class::Bug, "{error}");
}

/// What a restart of the server does to a statement that is under way, and to the connections in the pool.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_the_server_ends_is_transient_and_the_store_recovers() {
    let fresh = Fresh::postgres().await;
    let store = fresh.migrated().await;
    let message = message("m-1", "t-1", 0);
    store.receive_messages(std::slice::from_ref(&message), 0).await.unwrap();

    let mut blocker = PgConnection::connect(fresh.url()).await.unwrap();
    let mut locked = blocker.begin().await.unwrap();
    sqlx::query("lock table verdicts in exclusive mode").execute(&mut *locked).await.unwrap();
    let batch = ModerationBatch { decisions: vec![cleared(&message, 1)], dead_letters: vec![] };
    let commit = tokio::spawn({
        let (store, batch) = (store.clone(), batch.clone());
        async move { store.commit_moderation(&batch).await }
    });
    let mut observer = PgConnection::connect(fresh.url()).await.unwrap();
    let end_waiting = "select count(pg_terminate_backend(pid)) from pg_locks
        where not granted and database = (select oid from pg_database where datname = current_database())";
    while sqlx::query_scalar::<_, i64>(end_waiting).fetch_one(&mut observer).await.unwrap() == 0 {
        assert!(!commit.is_finished(), "the commit must wait for the lock");
        tokio::task::yield_now().await;
    }
    let error = commit.await.unwrap().unwrap_err();
    assert!(is_transient(&error), "{error}");
    locked.rollback().await.unwrap();

    // Every other session of the pool ends too.
    let end_all = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query_scalar::<_, i64>(end_all).fetch_one(&mut observer).await.unwrap();
    assert_eq!(store.commit_moderation(&batch).await.unwrap().new_verdicts, 1);
}

#[tokio::test]
async fn a_lock_that_another_process_keeps_is_transient() {
    let fresh = Fresh::sqlite().await;
    let store = fresh.migrated().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(fresh.path());
    let mut other = options.connect().await.unwrap();
    let held = other.begin_with("begin immediate").await.unwrap();
    let error = store.commit_dead_letters(&[dead_letter("d-1", 0)]).await.unwrap_err();
    assert!(is_transient(&error), "{error}");
    // Reading does not wait for a writer.
    store.summary().await.unwrap();
    held.rollback().await.unwrap();
    store.commit_dead_letters(&[dead_letter("d-1", 0)]).await.unwrap();
}

#[tokio::test]
async fn a_column_that_an_older_program_does_not_write_is_of_the_schema_and_not_of_the_row() {
    let fresh = Fresh::postgres().await;
    let store = fresh.migrated().await;
    let message = message("m-1", "t-1", 0);
    store.receive_messages(std::slice::from_ref(&message), 0).await.unwrap();
    // As if a later version had migrated the database under a worker that runs.
    fresh.execute("alter table alerts add column later text not null").await;
    let batch = ModerationBatch { decisions: vec![flagged(&message, 1)], dead_letters: vec![] };
    let error = store.commit_moderation(&batch).await.unwrap_err();
    assert!(matches!(&error, StoreError::Schema(text) if text.contains("\"later\"")), "{error}");
    assert!(!error.to_string().contains("m-1"), "{error}");
    fresh.execute("alter table alerts drop column later").await;
    assert_eq!(store.commit_moderation(&batch).await.unwrap().new_alerts, 1);
}
