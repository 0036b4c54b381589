//! What moved the model in messages that raised an alert. Written once for both databases.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::fields::Fields;
use super::ledger::{Books, Ledger, Value};
use crate::contract::{MessageId, Policy};

/// What moved the model towards one policy in one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    pub message_id: MessageId,
    pub policy: Policy,
    /// Heaviest first.
    pub parts: Vec<WeighedPart>,
}

/// A word of the message, or an earlier message as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeighedPart {
    pub message_id: MessageId,
    /// In Unicode scalar values of that message's text.
    pub start: usize,
    pub end: usize,
    /// How much the model's logit falls without the part.
    pub weight: f64,
}

#[async_trait]
pub trait ExplanationStore: Send + Sync {
    /// Keeps an explanation; one that is there already stays as it is.
    async fn keep_explanation(&self, explanation: &Explanation) -> Result<(), StoreError>;

    /// What moved the model in the message towards the policy; none if nobody has worked it out.
    async fn explanation(
        &self,
        message: &MessageId,
        policy: &Policy,
    ) -> Result<Option<Explanation>, StoreError>;
}

#[async_trait]
impl<B: Books + Send> ExplanationStore for B {
    async fn keep_explanation(&self, explanation: &Explanation) -> Result<(), StoreError> {
        let parts = serde_json::json!(explanation.parts);
        let values = [
            Value::Text(explanation.message_id.as_str()),
            Value::Text(explanation.policy.as_str()),
            Value::Json(&parts),
        ];
        let mut ledger = self.begin_ledger().await?;
        ledger
            .write(
                "insert into explanations (message_id, policy, parts) values ($1, $2, $3) on conflict do nothing",
                &values,
            )
            .await?;
        ledger.commit().await
    }

    async fn explanation(
        &self,
        message: &MessageId,
        policy: &Policy,
    ) -> Result<Option<Explanation>, StoreError> {
        let rows = self
            .list(
                "select parts from explanations where message_id = $1 and policy = $2",
                &[Value::Text(message.as_str()), Value::Text(policy.as_str())],
            )
            .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let parts = self.place().get(row.json("parts"))?;
        Ok(Some(Explanation { message_id: message.clone(), policy: policy.clone(), parts }))
    }
}
