//! Dead letters: rejected bodies, counted, listed, replayed.

use sqlx::SqliteConnection;

use super::SqliteStore;
use crate::store::StoreError;
use crate::store::fields::{Fields, Time};
use crate::store::prepare::{self, Event};
use crate::store::types::{DeadLetter, DeadLetterRow, Page};

impl SqliteStore {
    /// Counts the rejections and returns the events of those dead letters that are new or open again.
    pub(super) async fn reject(
        &self,
        connection: &mut SqliteConnection,
        letters: &[DeadLetter],
    ) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        for rejected in prepare::counted(letters) {
            let letter = rejected.letter;
            let reject = sqlx::query(include_str!("../sql/reject.sql"))
                .bind(&letter.id)
                .bind(letter.queue.as_str())
                .bind(&letter.body)
                .bind(letter.rejection.code.as_str())
                .bind(&letter.rejection.detail)
                .bind(rejected.count)
                .bind(Time(rejected.first_at))
                .bind(Time(letter.at));
            let row = self.done(reject.fetch_one(&mut *connection).await)?;
            if self.done(row.truth("last_opened"))? {
                events.push(prepare::dead_letter_event(letter, self.done(row.int("replays"))?));
            }
        }
        Ok(events)
    }

    pub(super) async fn bury(&self, letters: &[DeadLetter]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let events = self.reject(&mut transaction, letters).await?;
        self.insert_events(&mut transaction, &events).await?;
        self.commit(transaction).await
    }

    pub(super) async fn dead_letter_rows(
        &self,
        page: Page,
        all: bool,
    ) -> Result<Vec<DeadLetterRow>, StoreError> {
        let sql = if all {
            include_str!("../sql/dead_letters.sql")
        } else {
            include_str!("../sql/dead_letters_open.sql")
        };
        let query = sqlx::query(sql).bind(i64::from(page.limit)).bind(i64::from(page.offset));
        self.rows(query).await?.iter().map(|row| self.reader().dead_letter(row)).collect()
    }

    pub(super) async fn dead_letter_row(&self, id: &str) -> Result<Option<DeadLetterRow>, StoreError> {
        let query = sqlx::query(include_str!("../sql/dead_letter.sql")).bind(id);
        self.row(query).await?.map(|row| self.reader().dead_letter(&row)).transpose()
    }
}
