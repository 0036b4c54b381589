//! From what the driver says to what the program does about it: the one place where database errors are classed.
//!
//! Only an error about the *row* is `Refused`, because a refused row becomes a dead letter. A column that must be filled and is not is
//! about the program: it is older than the schema, and every row would fare the same. A login that is refused, a missing
//! database or a full disk are about the place, and the work is kept until an operator has mended it. Texts that a server
//! builds from values never get into an error: of a refused row only code, table and constraint are told.

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use super::StoreError;

/// Names the database in errors: `host:port/database` or the file, never the login.
#[derive(Debug, Clone)]
pub(super) struct Place(pub String);

impl Place {
    pub(super) fn error(&self, error: sqlx::Error) -> StoreError {
        use sqlx::Error;
        match error {
            Error::Database(error) => self.database_error(&*error),
            Error::Io(error) => self.unavailable(error.to_string()),
            Error::Tls(_) => self.unavailable("TLS could not be set up"),
            Error::PoolTimedOut => self.unavailable("no connection became free in time"),
            Error::PoolClosed => self.unavailable("the connection pool is closed"),
            Error::WorkerCrashed => self.unavailable("the connection's worker is gone"),
            Error::BeginFailed => self.unavailable("a transaction could not begin"),
            // What is left of a connection that broke in the middle of an answer.
            Error::Protocol(_) => self.unavailable("the connection is out of step with the server"),
            Error::Migrate(error) => self.migration(*error),
            Error::Encode(_) => {
                StoreError::Refused("a value is outside of what the database can hold".into())
            }
            Error::RowNotFound => StoreError::Unexpected("a row that must exist is missing".into()),
            Error::ColumnNotFound(column) => {
                StoreError::Unexpected(format!("no column `{column}` in a result"))
            }
            // The cause may quote the value; the column is enough to find it.
            Error::ColumnDecode { index, .. } => {
                StoreError::Unexpected(format!("column {index} holds what this program cannot read"))
            }
            Error::TypeNotFound { type_name } => StoreError::Unexpected(format!("no type `{type_name}`")),
            _ => StoreError::Unexpected("the database driver failed in an unknown way".into()),
        }
    }

    pub(super) fn migration(&self, error: MigrateError) -> StoreError {
        match error {
            MigrateError::Execute(error) => self.error(error),
            MigrateError::ExecuteMigration(error, version) => match self.error(error) {
                busy @ StoreError::Unavailable { .. } => busy,
                other => StoreError::Schema(format!("migration {version} failed: {other}")),
            },
            // Versions that are missing, changed or half applied: the texts hold nothing but numbers.
            other => StoreError::Schema(other.to_string()),
        }
    }

    pub(super) fn unavailable(&self, detail: impl Into<String>) -> StoreError {
        StoreError::Unavailable { place: self.0.clone(), detail: detail.into() }
    }

    fn database_error(&self, error: &(dyn DatabaseError + 'static)) -> StoreError {
        if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
            return self.postgres(error);
        }
        if let Some(error) = error.try_downcast_ref::<SqliteError>() {
            return self.sqlite(error);
        }
        StoreError::Unexpected("an error of an unknown driver".into())
    }

    /// Classes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    fn postgres(&self, error: &PgDatabaseError) -> StoreError {
        let code = error.code();
        let told = || format!("{} (SQLSTATE {code})", error.message());
        match (code, &code[..code.len().min(2)]) {
            // 23502: this program does not write a column that the schema wants; the server names column and table, no value.
            ("42P01" | "42703" | "42883" | "3F000" | "23502", _) => StoreError::Schema(told()),
            (_, "28") | ("42501", _) => {
                self.unavailable(format!("the server refuses this login (SQLSTATE {code})"))
            }
            // Connection, rolled-back transaction, resources, operator, system; a standby that takes no writes; a database
            // that is not there (yet).
            (_, "08" | "40" | "53" | "55" | "57" | "58") | ("25006" | "3D000", _) => self.unavailable(told()),
            (_, "21" | "22" | "23" | "54") => StoreError::Refused(format!(
                "SQLSTATE {code}, table {}, constraint {}",
                error.table().unwrap_or("unknown"),
                error.constraint().unwrap_or("none"),
            )),
            _ => StoreError::Unexpected(told()),
        }
    }

    /// Result codes: <https://www.sqlite.org/rescode.html>; the low byte is the primary one.
    fn sqlite(&self, error: &SqliteError) -> StoreError {
        const ERROR: i32 = 1;
        const PERMISSION: i32 = 3;
        const LOCKED: i32 = 6;
        const OUT_OF_MEMORY: i32 = 7;
        const READ_ONLY: i32 = 8;
        const INTERRUPTED: i32 = 9;
        const IO: i32 = 10;
        const FULL: i32 = 13;
        const CANNOT_OPEN: i32 = 14;
        const PROTOCOL: i32 = 15;
        const SCHEMA_CHANGED: i32 = 17;
        const TOO_BIG: i32 = 18;
        const CONSTRAINT: i32 = 19;
        const MISMATCH: i32 = 20;

        let extended = extended_code(error);
        let told = || format!("{} (SQLite code {extended})", error.message());
        match extended & 0xff {
            PERMISSION | SQLITE_BUSY | LOCKED | OUT_OF_MEMORY | READ_ONLY | INTERRUPTED | IO | FULL
            | CANNOT_OPEN | PROTOCOL | SCHEMA_CHANGED => self.unavailable(told()),
            // SQLite names tables and columns here, never values. A missing value stays one of the row: it has no other way to say NaN.
            CONSTRAINT => StoreError::Refused(told()),
            TOO_BIG | MISMATCH => StoreError::Refused(format!("SQLite code {extended}")),
            ERROR if ["no such table", "no such column"].iter().any(|m| error.message().starts_with(m)) => {
                StoreError::Schema(told())
            }
            _ => StoreError::Unexpected(told()),
        }
    }
}

const SQLITE_BUSY: i32 = 5;

fn extended_code(error: &SqliteError) -> i32 {
    error.code().and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// Another connection holds a lock on the SQLite file.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<SqliteError>())
        .is_some_and(|error| extended_code(error) & 0xff == SQLITE_BUSY)
}

/// A stored name that is not in its closed list, or a number out of range: someone else wrote into this database, or the
/// schema is wrong.
pub(super) fn unreadable(column: &'static str) -> StoreError {
    StoreError::Unexpected(format!("column `{column}` holds what this program cannot read"))
}
