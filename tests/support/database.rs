//! A fresh database for one test, gone when the test ends, however it ends.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use mimamori::config::Database;
use mimamori::store::{self, Store};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

/// Connections of each store that a test opens.
pub const CONNECTIONS: u32 = 8;

/// A database of its own, without a schema.
pub struct Fresh {
    pub config: Database,
    _cleanup: Cleanup,
}

/// Held for what its drop does.
enum Cleanup {
    Postgres(Box<DropDatabase>),
    Sqlite(tempfile::TempDir),
}

impl Fresh {
    /// Creates a database on the server that `DATABASE_URL` names (by default the one on this machine).
    ///
    /// # Panics
    /// Panics when the server is not there: a test that needs it must not pass without it.
    pub async fn postgres() -> Self {
        let server = std::env::var("DATABASE_URL")
            .ok()
            .filter(|url| url.starts_with("postgres"))
            .unwrap_or_else(|| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
        let options: PgConnectOptions = server.parse().expect("DATABASE_URL: expected postgres://…");
        let name = unique_name();
        let mut connection = options.connect().await.unwrap_or_else(|error| {
            let (host, port) = (options.get_host(), options.get_port());
            panic!(
                "these tests need PostgreSQL at {host}:{port} (set DATABASE_URL for another place): {error}"
            )
        });
        // `template0` is never connected to, so creating from it waits for nobody.
        sqlx::query(AssertSqlSafe(format!("create database {name} template template0")))
            .execute(&mut connection)
            .await
            .expect("the login of DATABASE_URL must be allowed to create databases");
        connection.close().await.unwrap();
        let url = options.clone().database(&name).to_url_lossy().to_string();
        let cleanup = Cleanup::Postgres(Box::new(DropDatabase { server: options, name }));
        Self { config: Database::Postgres(url), _cleanup: cleanup }
    }

    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Database::Sqlite(folder.path().join("store.db"));
        Self { config, _cleanup: Cleanup::Sqlite(folder) }
    }

    /// A store with pools of its own, as another process would have it. Not migrated.
    pub async fn open(&self) -> Arc<dyn Store> {
        store::open(&self.config, CONNECTIONS).await.unwrap()
    }

    /// A store on the current schema.
    pub async fn migrated(&self) -> Arc<dyn Store> {
        let store = self.open().await;
        store.migrate().await.unwrap();
        store
    }

    /// The URL of the database on PostgreSQL.
    pub fn url(&self) -> &str {
        match &self.config {
            Database::Postgres(url) => url,
            Database::Sqlite(_) => panic!("expected a test on PostgreSQL"),
        }
    }

    /// The file of the database in SQLite.
    pub fn path(&self) -> &PathBuf {
        match &self.config {
            Database::Sqlite(path) => path,
            Database::Postgres(_) => panic!("expected a test on SQLite"),
        }
    }

    /// Runs one statement behind the store's back.
    pub async fn execute(&self, sql: &'static str) {
        execute(&self.config, sql).await;
    }

    /// The first column of the first row of a query, behind the store's back.
    pub async fn number(&self, sql: &'static str) -> i64 {
        match &self.config {
            Database::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
            Database::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut connection = options.connect().await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
        }
    }
}

/// Runs one statement; panics if it is refused.
pub async fn execute(database: &Database, sql: &'static str) {
    match database {
        Database::Postgres(url) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Database::Sqlite(path) => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let mut connection = options.connect().await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

fn unique_name() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("mimamori_test_{}_{nanos}_{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

struct DropDatabase {
    server: PgConnectOptions,
    name: String,
}

impl Drop for DropDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A thread of its own: `drop` cannot wait inside the test's runtime.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let mut connection = server.connect().await?;
                sqlx::query(AssertSqlSafe(format!("drop database if exists {name} with (force)")))
                    .execute(&mut connection)
                    .await?;
                connection.close().await
            })
        })
        .join();
        if !matches!(dropped, Ok(Ok(()))) {
            eprintln!("the database {} could not be dropped; drop it by hand", self.name);
        }
    }
}
