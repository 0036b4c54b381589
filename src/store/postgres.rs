//! PostgreSQL.
pub struct PostgresStore;
