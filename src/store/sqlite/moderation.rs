//! Messages, verdicts, alerts. Statements cost no round trip here, so a batch is a loop inside one transaction.

use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::SqliteStore;
use crate::contract::{TransactionMessage, Verdict};
use crate::store::StoreError;
use crate::store::fields::Time;
use crate::store::prepare;
use crate::store::review;
use crate::store::types::*;

impl SqliteStore {
    pub(super) async fn receive(
        &self,
        messages: &[TransactionMessage],
        context: usize,
    ) -> Result<Vec<Received>, StoreError> {
        let mut transaction = self.begin().await?;
        for message in messages {
            let insert = sqlx::query(include_str!("../sql/sqlite/insert_message.sql"))
                .bind(message.message_id.as_str())
                .bind(message.transaction_id.as_str())
                .bind(message.sender_id.as_str())
                .bind(message.sender_role.as_str())
                .bind(&message.text)
                .bind(Time(message.sent_at));
            self.done(insert.execute(&mut *transaction).await)?;
        }
        let mut received = Vec::with_capacity(messages.len());
        for message in messages {
            received.push(self.known(&mut transaction, message.message_id.as_str(), context).await?);
        }
        self.commit(transaction).await?;
        Ok(received)
    }

    async fn known(
        &self,
        connection: &mut SqliteConnection,
        message_id: &str,
        context: usize,
    ) -> Result<Received, StoreError> {
        let decided = sqlx::query("select 1 from verdicts where message_id = $1").bind(message_id);
        let decided = self.done(decided.fetch_optional(&mut *connection).await)?.is_some();
        let before = sqlx::query(include_str!("../sql/sqlite/context.sql"))
            .bind(message_id)
            .bind(i64::try_from(context).unwrap_or(i64::MAX));
        let rows = self.done(before.fetch_all(&mut *connection).await)?;
        let context = rows.iter().rev().map(|row| self.reader().context(row)).collect::<Result<_, _>>()?;
        Ok(Received { decided, context })
    }

    pub(super) async fn decide_messages(&self, batch: &ModerationBatch) -> Result<Committed, StoreError> {
        let mut transaction = self.begin().await?;
        let mut committed = Committed::default();
        let mut events = Vec::with_capacity(batch.decisions.len());
        let mut new = Vec::with_capacity(batch.decisions.len());
        for decision in prepare::in_order(&batch.decisions) {
            let Decision { verdict, alerts, .. } = decision;
            if !self.insert_verdict(&mut transaction, verdict).await? {
                continue;
            }
            committed.new_verdicts += 1;
            committed.new_alerts += alerts.len() as u64;
            self.insert_findings(&mut transaction, verdict, alerts).await?;
            events.push(prepare::verdict_event(verdict)?);
            new.push(decision);
        }
        self.count_findings(&mut transaction, &new).await?;
        events.extend(self.reject(&mut transaction, &batch.dead_letters).await?);
        self.insert_events(&mut transaction, &events).await?;
        self.commit(transaction).await?;
        Ok(committed)
    }

    /// Whether the verdict is new.
    async fn insert_verdict(
        &self,
        connection: &mut SqliteConnection,
        verdict: &Verdict,
    ) -> Result<bool, StoreError> {
        let insert = sqlx::query(include_str!("../sql/sqlite/insert_verdict.sql"))
            .bind(verdict.message_id.as_str())
            .bind(verdict.action.as_str())
            .bind(Json(&verdict.policies))
            .bind(verdict.language.as_str())
            .bind(&verdict.rules_version)
            .bind(&verdict.model_version)
            .bind(Time(verdict.decided_at));
        Ok(self.done(insert.execute(&mut *connection).await)?.rows_affected() == 1)
    }

    /// Labels and alerts of a verdict that is new.
    async fn insert_findings(
        &self,
        connection: &mut SqliteConnection,
        verdict: &Verdict,
        alerts: &[PolicyAlert],
    ) -> Result<(), StoreError> {
        for (position, label) in (0_i64..).zip(&verdict.labels) {
            let insert = sqlx::query(include_str!("../sql/sqlite/insert_label.sql"))
                .bind(verdict.message_id.as_str())
                .bind(position)
                .bind(label.policy.as_str())
                .bind(label.subtype.as_deref())
                .bind(label.score)
                .bind(&label.source)
                .bind(Json(&label.spans))
                .bind(Json(&label.parts))
                .bind(Time(verdict.decided_at));
            self.done(insert.execute(&mut *connection).await)?;
        }
        for alert in alerts {
            let insert = sqlx::query(include_str!("../sql/sqlite/insert_alert.sql"))
                .bind(verdict.message_id.as_str())
                .bind(alert.policy.as_str())
                .bind(alert.action.as_str())
                .bind(alert.score)
                .bind(alert.sources.as_str())
                .bind(Time(verdict.decided_at))
                .bind(Time(review::queue_time(verdict.decided_at, alert.risk)))
                .bind(&alert.text_key);
            self.done(insert.execute(&mut *connection).await)?;
        }
        Ok(())
    }

    /// What rules in shadow found, and how much each rule found.
    async fn count_findings(
        &self,
        connection: &mut SqliteConnection,
        decisions: &[&Decision],
    ) -> Result<(), StoreError> {
        for decision in decisions {
            for found in &decision.shadow {
                let insert = sqlx::query(include_str!("../sql/sqlite/insert_shadow_finding.sql"))
                    .bind(decision.verdict.message_id.as_str())
                    .bind(&found.rule_id)
                    .bind(found.policy.as_str())
                    .bind(Time(decision.verdict.decided_at));
                self.done(insert.execute(&mut *connection).await)?;
            }
        }
        for (found, count) in prepare::rule_days(decisions) {
            let insert = sqlx::query(include_str!("../sql/sqlite/insert_rule_day.sql"))
                .bind(found.day)
                .bind(found.rule_id)
                .bind(found.shadow)
                .bind(count);
            self.done(insert.execute(&mut *connection).await)?;
        }
        Ok(())
    }

    pub(super) async fn alert_rows(&self, page: Page) -> Result<Vec<AlertRow>, StoreError> {
        let alerts = sqlx::query(include_str!("../sql/alerts.sql"))
            .bind(i64::from(page.limit))
            .bind(i64::from(page.offset));
        let alerts = self.rows(alerts).await?;
        review::with_findings(self, &alerts).await
    }
}
