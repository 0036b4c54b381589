//! A batch of transaction messages: contract → text → rules and model → decision → store.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::busy::Busy;
use super::dead_letters::{dead_letter, split};
use super::explainer::{Question, questions};
use super::grouping::conversations;
use super::intake::{Handler, Outcome};
use super::metrics::{DeliveryOutcome, Explained, Metrics, Stage};
use super::retry::{Ended, until_done};
use super::rules::InForce;
use super::shadow::Offered;
use super::{Wake, WorkerError};
use crate::contract::{Limits, MessageId, Rejection, RejectionCode, TransactionMessage, decode_message};
use crate::moderation::{Conversation, Decision, Moderator};
use crate::queue::{Delivery, Inbound};
use crate::store::{ModerationBatch, Received, Store, StoreError};

/// The handler of the message queue.
pub struct MessageHandler {
    pub store: Arc<dyn Store>,
    pub moderator: InForce,
    pub limits: Limits,
    /// How many earlier messages of a transaction are read.
    pub context: usize,
    /// Deliveries that were attempted more often than this are dead letters.
    pub attempts: u32,
    pub metrics: Metrics,
    /// Wakes the outbox relay after a commit.
    pub outbox: Wake,
    /// Where messages go whose alerts are to be explained; none if nobody explains them.
    pub explain: Option<mpsc::Sender<Question>>,
    /// Cancelled when the worker must stop at once.
    pub abandon: CancellationToken,
    /// Batches are stored one after the other, in the order in which they were read, so that a later message of a
    /// conversation always finds the earlier ones; judging and committing overlap.
    pub order: Mutex<()>,
    /// Tells the models in shadow to wait.
    pub busy: Busy,
    /// What judges beside the live models, once a batch is committed.
    pub shadow: Option<Offered>,
}

/// A batch with its moderator, for the models in shadow.
type Heard = (Arc<Moderator>, Arc<Vec<Conversation>>);

/// What came of judging a batch.
#[derive(Default)]
struct Judged {
    decisions: Vec<Decision>,
    /// What is to be explained of them.
    asked: Vec<Question>,
    heard: Option<Heard>,
}

#[async_trait]
impl Handler for MessageHandler {
    async fn handle(&self, batch: Vec<Delivery>) -> Result<Outcome, WorkerError> {
        let (messages, rejected) =
            split(Inbound::Messages, &batch, self.attempts, |body| decode_message(body, self.limits));
        for letter in &rejected {
            self.metrics.rejected(Inbound::Messages, letter.rejection.code);
        }
        let mut work = ModerationBatch { decisions: Vec::new(), dead_letters: rejected };
        let result = match self.judge_and_commit(&messages, &mut work).await {
            // One row that the database refuses must not hold up its neighbours: each goes alone, and the bad one is a dead letter.
            Err(Ended::Failed(StoreError::Refused(_))) if !batch.is_empty() => {
                self.one_by_one(&messages, work).await
            }
            other => other,
        };
        match result {
            Ok(()) => Ok(Outcome::Done),
            Err(Ended::Abandoned) => Ok(Outcome::GiveBack),
            Err(Ended::Failed(error)) => Err(error.into()),
        }
    }
}

impl MessageHandler {
    async fn judge_and_commit(
        &self,
        messages: &[TransactionMessage],
        work: &mut ModerationBatch,
    ) -> Result<(), Ended<StoreError>> {
        let received = self.receive(messages).await?;
        let undecided = received.iter().filter(|received| !received.decided).count();
        let Judged { decisions, asked, heard } = self.judge(messages, &received).await;
        work.decisions = decisions;
        let timer = self.metrics.stage(Stage::Commit);
        let committed =
            until_done("commit verdicts", &self.abandon, || self.store.commit_moderation(work)).await?;
        timer.stop();
        self.metrics.decided(&work.decisions, committed.new_alerts);
        self.metrics.deliveries(Inbound::Messages, DeliveryOutcome::Decided, undecided);
        let now = Utc::now();
        let new = messages.iter().zip(&received).filter(|(_, received)| !received.decided);
        self.metrics.waited(Inbound::Messages, new.map(|(message, _)| now - message.sent_at));
        self.metrics.deliveries(Inbound::Messages, DeliveryOutcome::Duplicate, received.len() - undecided);
        self.metrics.deliveries(Inbound::Messages, DeliveryOutcome::DeadLettered, work.dead_letters.len());
        self.outbox.notify();
        self.have_explained(asked);
        self.judge_in_shadow(heard, messages, &received, &work.decisions);
        Ok(())
    }

    /// Everything is committed: what comes of this does not matter to the batch.
    fn judge_in_shadow(
        &self,
        heard: Option<Heard>,
        messages: &[TransactionMessage],
        received: &[Received],
        decisions: &[Decision],
    ) {
        let (Some(shadow), Some((moderator, conversations))) = (&self.shadow, heard) else { return };
        let new = messages.iter().zip(received).filter(|(_, received)| !received.decided);
        let new: BTreeSet<&MessageId> = new.map(|(message, _)| &message.message_id).collect();
        let decided = decisions.iter().filter(|decision| new.contains(&decision.verdict.message_id));
        shadow.offer(moderator, conversations, decided);
    }

    async fn receive(&self, messages: &[TransactionMessage]) -> Result<Vec<Received>, Ended<StoreError>> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let _turn = self.order.lock().await;
        let timer = self.metrics.stage(Stage::Receive);
        let received = until_done("store messages", &self.abandon, || {
            self.store.receive_messages(messages, self.context)
        })
        .await?;
        timer.stop();
        Ok(received)
    }

    async fn judge(&self, messages: &[TransactionMessage], received: &[Received]) -> Judged {
        let conversations = Arc::new(conversations(messages, received, self.context));
        if conversations.is_empty() {
            return Judged::default();
        }
        let busy = self.busy.enter();
        let timer = self.metrics.stage(Stage::Judge);
        // One moderator, and so one version of the rules, for the whole batch.
        let moderator = self.moderator.get();
        let explains = self.explain.is_some();
        let (judge, all) = (moderator.clone(), conversations.clone());
        let judged = tokio::task::spawn_blocking(move || {
            let decisions = judge.decide(&all, Utc::now());
            let asked = if explains { questions(&judge, &all, &decisions) } else { Vec::new() };
            (decisions, asked)
        })
        .await;
        timer.stop();
        drop(busy);
        match judged {
            Ok((decisions, asked)) => Judged {
                decisions: decisions.into_iter().flatten().collect(),
                asked,
                heard: Some((moderator, conversations)),
            },
            // The engines are pure: a panic in them is a bug, and goes on as one.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Hands over what is to be explained, as far as there is room.
    fn have_explained(&self, asked: Vec<Question>) {
        let Some(explain) = &self.explain else { return };
        for question in asked {
            if explain.try_send(question).is_err() {
                self.metrics.explained(Explained::Dropped);
            }
        }
    }

    /// The same message by message, after the database has refused the batch as a whole.
    async fn one_by_one(
        &self,
        messages: &[TransactionMessage],
        whole: ModerationBatch,
    ) -> Result<(), Ended<StoreError>> {
        if !whole.dead_letters.is_empty() {
            let mut rejected = ModerationBatch { decisions: Vec::new(), dead_letters: whole.dead_letters };
            self.judge_and_commit(&[], &mut rejected).await?;
        }
        for message in messages {
            let mut work = ModerationBatch::default();
            match self.judge_and_commit(std::slice::from_ref(message), &mut work).await {
                Err(Ended::Failed(StoreError::Refused(detail))) => {
                    let body = serde_json::to_vec(message).unwrap_or_default();
                    let rejection = Rejection::new(RejectionCode::Unstorable, detail);
                    self.metrics.rejected(Inbound::Messages, rejection.code);
                    let letter = dead_letter(Inbound::Messages, body, rejection);
                    let mut work = ModerationBatch { decisions: Vec::new(), dead_letters: vec![letter] };
                    self.judge_and_commit(&[], &mut work).await?;
                }
                other => other?,
            }
        }
        Ok(())
    }
}
