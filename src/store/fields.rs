//! The few kinds of values that go into and come out of both databases, each with one meaning and two representations.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgRow, PgTypeInfo, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArgumentsBuffer, SqliteRow, SqliteTypeInfo};
use sqlx::types::Json;
use sqlx::{Decode, Encode, Row, Type};

/// A point in time: `timestamptz` in PostgreSQL, microseconds since the Unix epoch in SQLite, whose text representation of
/// varying width would not sort.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time(pub DateTime<Utc>);

impl Type<Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }
}

impl PgHasArrayType for Time {
    fn array_type_info() -> PgTypeInfo {
        <DateTime<Utc> as PgHasArrayType>::array_type_info()
    }
}

impl Encode<'_, Postgres> for Time {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode_by_ref(&self.0, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Time {
    fn decode(value: <Postgres as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Time(<DateTime<Utc> as Decode<Postgres>>::decode(value)?))
    }
}

impl Type<Sqlite> for Time {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }

    fn compatible(actual: &SqliteTypeInfo) -> bool {
        <i64 as Type<Sqlite>>::compatible(actual)
    }
}

impl Encode<'_, Sqlite> for Time {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode_by_ref(&self.0.timestamp_micros(), buffer)
    }
}

impl<'r> Decode<'r, Sqlite> for Time {
    fn decode(value: <Sqlite as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let micros = <i64 as Decode<Sqlite>>::decode(value)?;
        DateTime::from_timestamp_micros(micros).map(Time).ok_or_else(|| "time out of range".into())
    }
}

/// A row of either database, read by the name of the column.
pub(super) trait Fields {
    fn text(&self, column: &str) -> Result<String, sqlx::Error>;
    fn text_or_null(&self, column: &str) -> Result<Option<String>, sqlx::Error>;
    fn int(&self, column: &str) -> Result<i64, sqlx::Error>;
    fn int_or_null(&self, column: &str) -> Result<Option<i64>, sqlx::Error>;
    fn float(&self, column: &str) -> Result<f64, sqlx::Error>;
    fn truth(&self, column: &str) -> Result<bool, sqlx::Error>;
    fn bytes(&self, column: &str) -> Result<Vec<u8>, sqlx::Error>;
    fn bytes_or_null(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error>;
    fn time(&self, column: &str) -> Result<DateTime<Utc>, sqlx::Error>;
    fn time_or_null(&self, column: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error>;
    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, sqlx::Error>;
    fn json_or_null<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, sqlx::Error>;
}

macro_rules! fields {
    ($row:ty) => {
        impl Fields for $row {
            fn text(&self, column: &str) -> Result<String, sqlx::Error> {
                self.try_get(column)
            }

            fn text_or_null(&self, column: &str) -> Result<Option<String>, sqlx::Error> {
                self.try_get(column)
            }

            fn int(&self, column: &str) -> Result<i64, sqlx::Error> {
                self.try_get(column)
            }

            fn int_or_null(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
                self.try_get(column)
            }

            fn float(&self, column: &str) -> Result<f64, sqlx::Error> {
                self.try_get(column)
            }

            fn truth(&self, column: &str) -> Result<bool, sqlx::Error> {
                self.try_get(column)
            }

            fn bytes(&self, column: &str) -> Result<Vec<u8>, sqlx::Error> {
                self.try_get(column)
            }

            fn bytes_or_null(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
                self.try_get(column)
            }

            fn time(&self, column: &str) -> Result<DateTime<Utc>, sqlx::Error> {
                self.try_get::<Time, _>(column).map(|time| time.0)
            }

            fn time_or_null(&self, column: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
                self.try_get::<Option<Time>, _>(column).map(|time| time.map(|time| time.0))
            }

            fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, sqlx::Error> {
                self.try_get::<Json<T>, _>(column).map(|json| json.0)
            }

            fn json_or_null<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, sqlx::Error> {
                self.try_get::<Option<Json<T>>, _>(column).map(|json| json.map(|json| json.0))
            }
        }
    };
}

fields!(PgRow);
fields!(SqliteRow);
