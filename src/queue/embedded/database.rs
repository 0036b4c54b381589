//! The file: how it is opened, what is shared by all that use it in this process, and what its errors mean.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::watch;

use crate::queue::{Inbound, QueueError};

/// How long a statement waits for another process that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Primary result codes of SQLite that repeating cannot mend (https://sqlite.org/rescode.html): PERM, READONLY, CORRUPT, CANTOPEN,
/// NOTADB.
const LASTING: [i32; 5] = [3, 8, 11, 14, 26];

/// What the queue and its consumers share.
pub(super) struct Shared {
    /// SQLite has one writer at a time: one connection saves the waiting.
    pub writer: SqlitePool,
    pub reader: SqlitePool,
    /// The file, for messages to people.
    pub place: String,
    pub prefix: String,
    pub delivery_limit: u32,
    pub lease: Duration,
    /// Counts, for each inbound queue, what may be of interest to a waiting consumer.
    wake: [watch::Sender<u64>; 2],
    /// Dropped consumers whose deliveries are still being given back.
    pub releases: watch::Sender<usize>,
}

impl Shared {
    pub async fn open(
        file: &Path,
        prefix: &str,
        delivery_limit: u32,
        lease: Duration,
    ) -> Result<Self, QueueError> {
        let place = file.display().to_string();
        if place == ":memory:" {
            let detail =
                "the embedded queue needs a file, because several connections share it: name one".into();
            return Err(QueueError::Refused { place, detail });
        }
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL mode only FULL makes a commit survive a loss of power.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(BUSY_TIMEOUT)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let opened = pool(1).connect_with(options.clone()).await;
        let writer = opened.map_err(|error| classify(&place, "opening", &error))?;
        let reader = pool(2).connect_lazy_with(options);
        Ok(Self {
            writer,
            reader,
            place,
            prefix: prefix.to_owned(),
            delivery_limit,
            lease,
            wake: [watch::Sender::new(0), watch::Sender::new(0)],
            releases: watch::Sender::new(0),
        })
    }

    /// A transaction that may write from its first statement on, so that it cannot fail half-way for another writer.
    pub async fn begin(&self, doing: &str) -> Result<Transaction<'static, Sqlite>, QueueError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(|error| self.error(doing, &error))
    }

    pub fn queue_name(&self, of: Inbound) -> String {
        format!("{}.{}", self.prefix, of.as_str())
    }

    /// Tells waiting consumers of this process to look again.
    pub fn wake(&self, of: Inbound) {
        self.wake[slot(of)].send_modify(|count| *count = count.wrapping_add(1));
    }

    pub fn wake_ups(&self, of: Inbound) -> watch::Receiver<u64> {
        self.wake[slot(of)].subscribe()
    }

    pub fn error(&self, doing: &str, error: &sqlx::Error) -> QueueError {
        classify(&self.place, doing, error)
    }

    pub fn not_declared(&self, doing: &str) -> QueueError {
        let detail = format!(
            "{doing}: the queues with prefix {} do not exist; declare them first, as the worker does at its start",
            self.prefix
        );
        QueueError::Refused { place: self.place.clone(), detail }
    }

    /// Whether this prefix was declared.
    pub async fn is_declared(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
    ) -> Result<bool, QueueError> {
        let known = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM queue_topology WHERE prefix = $1)")
            .bind(&self.prefix)
            .fetch_one(&mut **transaction)
            .await;
        match known {
            Err(error) if is_missing_table(&error) => Ok(false),
            known => known.map_err(|error| self.error("looking up the topology", &error)),
        }
    }
}

fn slot(of: Inbound) -> usize {
    match of {
        Inbound::Messages => 0,
        Inbound::Inquiries => 1,
    }
}

fn is_missing_table(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(cause) if cause.message().starts_with("no such table"))
}

fn classify(place: &str, doing: &str, error: &sqlx::Error) -> QueueError {
    let place = place.to_owned();
    let sqlx::Error::Database(cause) = error else {
        return QueueError::Unreachable { place, detail: format!("{doing}: {error}") };
    };
    // The lower byte of an extended result code is the primary one.
    let code = cause.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default() & 0xff;
    let detail = format!("{doing}: {}", cause.message());
    if is_missing_table(error) {
        return QueueError::Refused { place, detail: format!("{detail}; declare the queue first") };
    }
    match LASTING.contains(&code) {
        true => QueueError::Refused {
            place,
            detail: format!(
                "{detail}; expected a queue's file, or none yet, in a folder that exists and can be written: check queue.url"
            ),
        },
        false => QueueError::Unreachable { place, detail },
    }
}
