//! Messages, verdicts, alerts. Each statement carries a whole batch as arrays.

use std::collections::{HashMap, HashSet};

use sqlx::types::Json;
use sqlx::{Postgres, Transaction};

use super::PostgresStore;
use crate::contract::TransactionMessage;
use crate::store::StoreError;
use crate::store::fields::{Fields, Time};
use crate::store::prepare;
use crate::store::review;
use crate::store::types::*;

impl PostgresStore {
    /// Two statements without a transaction around them: a message that is stored but not looked at (a crash in between) is
    /// delivered again.
    pub(super) async fn receive(
        &self,
        messages: &[TransactionMessage],
        context: usize,
    ) -> Result<Vec<Received>, StoreError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.done(self.pool.acquire().await)?;
        let column = |field: fn(&TransactionMessage) -> &str| messages.iter().map(field).collect::<Vec<_>>();
        let ids = column(|message| message.message_id.as_str());
        let insert = sqlx::query(include_str!("../sql/postgres/insert_messages.sql"))
            .bind(&ids)
            .bind(column(|message| message.transaction_id.as_str()))
            .bind(column(|message| message.sender_id.as_str()))
            .bind(column(|message| message.sender_role.as_str()))
            .bind(column(|message| message.text.as_str()))
            .bind(messages.iter().map(|message| Time(message.sent_at)).collect::<Vec<_>>());
        self.done(insert.execute(&mut *connection).await)?;

        let known = sqlx::query(include_str!("../sql/postgres/known_messages.sql"))
            .bind(&ids)
            .bind(i64::try_from(context).unwrap_or(i64::MAX));
        let rows = self.done(known.fetch_all(&mut *connection).await)?;
        let mut received: HashMap<String, Received> = HashMap::with_capacity(messages.len());
        for row in &rows {
            let asked = self.done(row.text("asked_id"))?;
            let decided = self.done(row.truth("decided"))?;
            let entry = received.entry(asked).or_insert(Received { decided, context: Vec::new() });
            if self.done(row.text_or_null("message_id"))?.is_some() {
                entry.context.push(self.reader().context(row)?);
            }
        }
        ids.iter()
            .map(|id| {
                received.get(*id).cloned().ok_or_else(|| {
                    StoreError::Unexpected("a message that was just stored is not there".into())
                })
            })
            .collect()
    }

    pub(super) async fn decide_messages(&self, batch: &ModerationBatch) -> Result<Committed, StoreError> {
        let mut transaction = self.begin().await?;
        let decisions = prepare::in_order(&batch.decisions);
        let new = self.insert_verdicts(&mut transaction, &decisions).await?;
        let decisions: Vec<_> = decisions
            .into_iter()
            .filter(|decision| new.contains(decision.verdict.message_id.as_str()))
            .collect();
        self.insert_labels(&mut transaction, &decisions).await?;
        self.insert_shadow(&mut transaction, &decisions).await?;
        let new_alerts = self.insert_alerts(&mut transaction, &decisions).await?;
        let mut events = decisions
            .iter()
            .map(|decision| prepare::verdict_event(&decision.verdict))
            .collect::<Result<Vec<_>, _>>()?;
        events.extend(self.reject(&mut transaction, &batch.dead_letters).await?);
        self.insert_events(&mut transaction, &events).await?;
        // Last, because other workers that count the same wait for the end of this transaction.
        self.count_findings(&mut transaction, &decisions).await?;
        self.commit(transaction).await?;
        Ok(Committed { new_verdicts: decisions.len() as u64, new_alerts })
    }

    /// Returns the ids of those that were not there yet.
    async fn insert_verdicts(
        &self,
        transaction: &mut Transaction<'static, Postgres>,
        decisions: &[&Decision],
    ) -> Result<HashSet<String>, StoreError> {
        if decisions.is_empty() {
            return Ok(HashSet::new());
        }
        let verdicts = || decisions.iter().map(|decision| &decision.verdict);
        let insert = sqlx::query(include_str!("../sql/postgres/insert_verdicts.sql"))
            .bind(verdicts().map(|verdict| verdict.message_id.as_str()).collect::<Vec<_>>())
            .bind(verdicts().map(|verdict| verdict.action.as_str()).collect::<Vec<_>>())
            .bind(verdicts().map(|verdict| Json(&verdict.policies)).collect::<Vec<_>>())
            .bind(verdicts().map(|verdict| verdict.language.as_str()).collect::<Vec<_>>())
            .bind(verdicts().map(|verdict| verdict.rules_version.as_str()).collect::<Vec<_>>())
            .bind(verdicts().map(|verdict| verdict.model_version.as_str()).collect::<Vec<_>>())
            .bind(verdicts().map(|verdict| Time(verdict.decided_at)).collect::<Vec<_>>());
        let rows = self.done(insert.fetch_all(&mut **transaction).await)?;
        rows.iter().map(|row| self.done(row.text("message_id"))).collect()
    }

    async fn insert_labels(
        &self,
        transaction: &mut Transaction<'static, Postgres>,
        decisions: &[&Decision],
    ) -> Result<(), StoreError> {
        let labels: Vec<_> = decisions
            .iter()
            .map(|decision| &decision.verdict)
            .flat_map(|verdict| {
                let numbered = (0_i64..).zip(&verdict.labels);
                numbered.map(move |(position, label)| (verdict, position, label))
            })
            .collect();
        if labels.is_empty() {
            return Ok(());
        }
        let insert = sqlx::query(include_str!("../sql/postgres/insert_labels.sql"))
            .bind(labels.iter().map(|(verdict, _, _)| verdict.message_id.as_str()).collect::<Vec<_>>())
            .bind(labels.iter().map(|(_, position, _)| *position).collect::<Vec<_>>())
            .bind(labels.iter().map(|(_, _, label)| label.policy.as_str()).collect::<Vec<_>>())
            .bind(labels.iter().map(|(_, _, label)| label.subtype.as_deref()).collect::<Vec<_>>())
            .bind(labels.iter().map(|(_, _, label)| label.score).collect::<Vec<_>>())
            .bind(labels.iter().map(|(_, _, label)| label.source.as_str()).collect::<Vec<_>>())
            .bind(labels.iter().map(|(_, _, label)| Json(&label.spans)).collect::<Vec<_>>())
            .bind(labels.iter().map(|(_, _, label)| Json(&label.parts)).collect::<Vec<_>>())
            .bind(labels.iter().map(|(verdict, _, _)| Time(verdict.decided_at)).collect::<Vec<_>>());
        self.done(insert.execute(&mut **transaction).await)?;
        Ok(())
    }

    async fn insert_alerts(
        &self,
        transaction: &mut Transaction<'static, Postgres>,
        decisions: &[&Decision],
    ) -> Result<u64, StoreError> {
        let alerts: Vec<_> = decisions
            .iter()
            .flat_map(|decision| decision.alerts.iter().map(|alert| (&decision.verdict, alert)))
            .collect();
        if alerts.is_empty() {
            return Ok(0);
        }
        let insert = sqlx::query(include_str!("../sql/postgres/insert_alerts.sql"))
            .bind(alerts.iter().map(|(verdict, _)| verdict.message_id.as_str()).collect::<Vec<_>>())
            .bind(alerts.iter().map(|(_, alert)| alert.policy.as_str()).collect::<Vec<_>>())
            .bind(alerts.iter().map(|(_, alert)| alert.action.as_str()).collect::<Vec<_>>())
            .bind(alerts.iter().map(|(_, alert)| alert.score).collect::<Vec<_>>())
            .bind(alerts.iter().map(|(_, alert)| alert.sources.as_str()).collect::<Vec<_>>())
            .bind(alerts.iter().map(|(verdict, _)| Time(verdict.decided_at)).collect::<Vec<_>>())
            .bind(
                alerts
                    .iter()
                    .map(|(verdict, alert)| Time(review::queue_time(verdict.decided_at, alert.risk)))
                    .collect::<Vec<_>>(),
            )
            .bind(alerts.iter().map(|(_, alert)| alert.text_key.as_str()).collect::<Vec<_>>());
        Ok(self.done(insert.execute(&mut **transaction).await)?.rows_affected())
    }

    async fn insert_shadow(
        &self,
        transaction: &mut Transaction<'static, Postgres>,
        decisions: &[&Decision],
    ) -> Result<(), StoreError> {
        let found: Vec<_> = decisions
            .iter()
            .flat_map(|decision| decision.shadow.iter().map(|found| (&decision.verdict, found)))
            .collect();
        if found.is_empty() {
            return Ok(());
        }
        let insert = sqlx::query(include_str!("../sql/postgres/insert_shadow_findings.sql"))
            .bind(found.iter().map(|(verdict, _)| verdict.message_id.as_str()).collect::<Vec<_>>())
            .bind(found.iter().map(|(_, found)| found.rule_id.as_str()).collect::<Vec<_>>())
            .bind(found.iter().map(|(_, found)| found.policy.as_str()).collect::<Vec<_>>())
            .bind(found.iter().map(|(verdict, _)| Time(verdict.decided_at)).collect::<Vec<_>>());
        self.done(insert.execute(&mut **transaction).await)?;
        Ok(())
    }

    async fn count_findings(
        &self,
        transaction: &mut Transaction<'static, Postgres>,
        decisions: &[&Decision],
    ) -> Result<(), StoreError> {
        let counted = prepare::rule_days(decisions);
        if counted.is_empty() {
            return Ok(());
        }
        let insert = sqlx::query(include_str!("../sql/postgres/insert_rule_days.sql"))
            .bind(counted.iter().map(|(found, _)| found.day).collect::<Vec<_>>())
            .bind(counted.iter().map(|(found, _)| found.rule_id).collect::<Vec<_>>())
            .bind(counted.iter().map(|(found, _)| found.shadow).collect::<Vec<_>>())
            .bind(counted.iter().map(|(_, count)| *count).collect::<Vec<_>>())
            .bind(prepare::shard(decisions));
        self.done(insert.execute(&mut **transaction).await)?;
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
