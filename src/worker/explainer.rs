//! Works out which words moved the model in messages that raised an alert: after the verdict is committed, and only while no batch is
//! judged. What does not fit into its queue is not explained; the reviewer is then told so.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::WorkerError;
use super::busy::Quiet;
use super::metrics::{Explained, Metrics};
use crate::contract::{MessageId, Policy};
use crate::moderation::{Conversation, Decision, Moderator, Weight};
use crate::store::{Explanation, Store, WeighedPart};

/// Messages that may wait for their explanation.
pub(super) const WAITING: usize = 256;
/// Parts that are kept for each policy.
const KEPT: usize = 8;

/// A message of which somebody will want to know why.
pub(super) struct Question {
    /// Who judged it.
    moderator: Arc<Moderator>,
    conversation: Conversation,
    turn: usize,
    /// Those of which the model raised an alert.
    policies: Vec<Policy>,
}

/// Those of the judged messages in which the model took part in an alert.
pub(super) fn questions(
    moderator: &Arc<Moderator>,
    conversations: &[Conversation],
    decisions: &[Vec<Decision>],
) -> Vec<Question> {
    let mut all = Vec::new();
    for (conversation, decisions) in conversations.iter().zip(decisions) {
        for (turn, decision) in conversation.judged.clone().zip(decisions) {
            let policies = by_model(decision);
            if !policies.is_empty() {
                let conversation = conversation.clone();
                all.push(Question { moderator: moderator.clone(), conversation, turn, policies });
            }
        }
    }
    all
}

fn by_model(decision: &Decision) -> Vec<Policy> {
    let labels = &decision.verdict.labels;
    let took_part = |policy: &Policy| {
        labels.iter().any(|label| label.policy == *policy && label.source.starts_with("model:"))
    };
    decision.alerts.iter().map(|alert| alert.policy.clone()).filter(took_part).collect()
}

/// The task that answers the questions.
pub(super) struct Explainer {
    pub store: Arc<dyn Store>,
    pub metrics: Metrics,
    pub quiet: Quiet,
    pub questions: mpsc::Receiver<Question>,
}

impl Explainer {
    /// Runs until `shutdown`; what still waits then stays without an explanation. Nothing that goes wrong here ends the worker.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), WorkerError> {
        loop {
            let question = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                question = self.questions.recv() => match question {
                    Some(question) => question,
                    None => return Ok(()),
                },
            };
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = self.quiet.come() => self.answer(question).await,
            }
        }
    }

    async fn answer(&self, question: Question) {
        let worked_out = tokio::task::spawn_blocking(move || explanations(&question)).await;
        let Ok(explanations) = worked_out else {
            tracing::error!("the words that moved the model could not be worked out: the engine panicked");
            return self.metrics.explained(Explained::Failed);
        };
        for explanation in explanations {
            match self.store.keep_explanation(&explanation).await {
                Ok(()) => self.metrics.explained(Explained::Kept),
                Err(error) => {
                    tracing::warn!(%error, "the words that moved the model could not be stored");
                    self.metrics.explained(Explained::Failed);
                }
            }
        }
    }
}

fn explanations(question: &Question) -> Vec<Explanation> {
    let weights = question.moderator.explain(&question.conversation, question.turn);
    let message = &question.conversation.turns[question.turn].message_id;
    question.policies.iter().map(|policy| explanation(message, policy, &weights)).collect()
}

/// The parts that speak most for a violation; `weights` come heaviest first.
fn explanation(message: &MessageId, policy: &Policy, weights: &[Weight]) -> Explanation {
    let parts = weights
        .iter()
        .filter(|weight| weight.policy == *policy && weight.weight > 0.0)
        .take(KEPT)
        .map(|weight| WeighedPart {
            message_id: weight.message_id.clone(),
            start: weight.span.start,
            end: weight.span.end,
            weight: weight.weight,
        })
        .collect();
    Explanation { message_id: message.clone(), policy: policy.clone(), parts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Span;

    #[test]
    fn what_speaks_against_a_violation_and_other_policies_are_left_out() {
        let weight = |policy: &str, start, weight| Weight {
            policy: Policy::new(policy),
            message_id: MessageId::new("m-1").unwrap(),
            span: Span { start, end: start + 1, text: "x".into() },
            weight,
        };
        let weights = [weight("a", 0, 3.0), weight("b", 1, 2.0), weight("a", 2, 1.0), weight("a", 3, -1.0)];
        let of = explanation(&MessageId::new("m-1").unwrap(), &Policy::new("a"), &weights);
        let kept: Vec<(usize, f64)> = of.parts.iter().map(|part| (part.start, part.weight)).collect();
        assert_eq!(kept, [(0, 3.0), (2, 1.0)]);
        let many: Vec<Weight> = (0..20).map(|start| weight("a", start, 1.0)).collect();
        assert_eq!(explanation(&MessageId::new("m-1").unwrap(), &Policy::new("a"), &many).parts.len(), KEPT);
    }
}
