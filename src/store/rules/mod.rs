//! Rules as the database knows them: which are switched off, and what they found.

mod figures;
mod switches;
mod types;

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

pub use types::*;

use super::StoreError;
use super::ledger::Books;

/// Switches and figures of rules. Ids of rules are those of the files; the database knows no more of them.
#[async_trait]
pub trait RuleStore: Send + Sync {
    /// Ids of the rules that are switched off. Cheap: workers ask again and again.
    async fn rules_off(&self) -> Result<BTreeSet<String>, StoreError>;

    /// Every rule that was ever switched, by its id, at most `limit`.
    async fn rule_switches(&self, limit: u32) -> Result<Vec<RuleSwitch>, StoreError>;

    /// Switches a rule off or on, with a line in the audit trail, if it still stands as was seen.
    async fn switch_rule(&self, order: &SwitchOrder) -> Result<Switched, StoreError>;

    /// How much every rule found since `longer` and since `shorter`, the later day, both included.
    async fn rule_volumes(
        &self,
        longer: NaiveDate,
        shorter: NaiveDate,
    ) -> Result<Vec<RuleVolume>, StoreError>;

    /// How much a rule found by day, earliest first. Days without a finding are left out.
    async fn rule_days(&self, rule_id: &str, since: NaiveDate) -> Result<Vec<RuleDay>, StoreError>;

    /// The latest alerts that a rule took part in.
    async fn rule_alerts(&self, rule_id: &str, limit: u32) -> Result<Vec<RuleAlert>, StoreError>;

    /// What was decided since then about messages in which rules in shadow found something.
    async fn shadow_figures(&self, since: DateTime<Utc>) -> Result<Vec<ShadowCount>, StoreError>;

    /// Deletes what rules in shadow found before this time, and says how many. The counts by day stay.
    async fn purge_shadow_findings(&self, before: DateTime<Utc>) -> Result<u64, StoreError>;
}

/// Both databases, by the same statements.
#[async_trait]
impl<B: Books + Send> RuleStore for B {
    async fn rules_off(&self) -> Result<BTreeSet<String>, StoreError> {
        switches::off(self).await
    }

    async fn rule_switches(&self, limit: u32) -> Result<Vec<RuleSwitch>, StoreError> {
        switches::all(self, limit).await
    }

    async fn switch_rule(&self, order: &SwitchOrder) -> Result<Switched, StoreError> {
        switches::switch(self, order).await
    }

    async fn rule_volumes(
        &self,
        longer: NaiveDate,
        shorter: NaiveDate,
    ) -> Result<Vec<RuleVolume>, StoreError> {
        figures::volumes(self, longer, shorter).await
    }

    async fn rule_days(&self, rule_id: &str, since: NaiveDate) -> Result<Vec<RuleDay>, StoreError> {
        figures::days(self, rule_id, since).await
    }

    async fn rule_alerts(&self, rule_id: &str, limit: u32) -> Result<Vec<RuleAlert>, StoreError> {
        figures::alerts(self, rule_id, limit).await
    }

    async fn shadow_figures(&self, since: DateTime<Utc>) -> Result<Vec<ShadowCount>, StoreError> {
        figures::shadow(self, since).await
    }

    async fn purge_shadow_findings(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        figures::purge_shadow(self, before).await
    }
}
