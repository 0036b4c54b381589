//! A batch of inquiries: contract → text → model → desk.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::dead_letters::split;
use super::desk::Submission;
use super::intake::{Handler, Outcome};
use super::metrics::{DeliveryOutcome, Metrics, Stage};
use super::predicted::Predicted;
use super::retry::{Ended, until_done};
use super::{Wake, WorkerError};
use crate::contract::{Inquiry, Language, Limits, check_channel, decode_inquiry};
use crate::model::classifier::{InquiryModel, Reading};
use crate::model::neighbours::Vector;
use crate::queue::{Delivery, Inbound};
use crate::routing::Policy;
use crate::store::Store;
use crate::store::desk::InquiryVector;
use crate::text::guess_language;

/// Distribution and language of each inquiry.
pub fn predict(model: &InquiryModel, inquiries: Vec<Inquiry>) -> Vec<Predicted> {
    predict_with_vectors(model, inquiries).0
}

/// The same, with the vectors of those that have one.
fn predict_with_vectors(
    model: &InquiryModel,
    inquiries: Vec<Inquiry>,
) -> (Vec<Predicted>, Vec<InquiryVector>) {
    let texts: Vec<(Option<&str>, &str)> =
        inquiries.iter().map(|inquiry| (inquiry.subject.as_deref(), inquiry.text.as_str())).collect();
    let readings = model.read(&texts);
    let version = model.description().version.clone();
    let vectors = vectors(model, &inquiries, &readings);
    let predicted = inquiries
        .into_iter()
        .zip(readings)
        .map(|(inquiry, reading)| {
            let skills = model.distribution_of(&reading.logits);
            // A text without a letter of either language is served in the marketplace's own.
            let language = guess_language(&inquiry.text).unwrap_or(Language::Ja);
            Predicted::new(inquiry, language, skills, version.clone())
        })
        .collect();
    (predicted, vectors)
}

fn vectors(model: &InquiryModel, inquiries: &[Inquiry], readings: &[Reading]) -> Vec<InquiryVector> {
    let Some(version) = model.vector_version() else { return Vec::new() };
    let vector = |(inquiry, reading): (&Inquiry, &Reading)| {
        Some(InquiryVector {
            inquiry_id: inquiry.inquiry_id.clone(),
            version: version.clone(),
            vector: Vector::of(reading.vector.as_deref()?)?.to_bytes(),
        })
    };
    inquiries.iter().zip(readings).filter_map(vector).collect()
}

/// The handler of the inquiry queue.
pub struct InquiryHandler {
    pub store: Arc<dyn Store>,
    pub model: Arc<InquiryModel>,
    /// To the desk, which runs until every handler is gone.
    pub desk: mpsc::Sender<Submission>,
    pub limits: Limits,
    /// Knows the channels.
    pub policy: Arc<Policy>,
    pub attempts: u32,
    pub metrics: Metrics,
    pub outbox: Wake,
    pub abandon: CancellationToken,
}

impl InquiryHandler {
    /// Reads the inquiries with the model, off the asynchronous threads.
    async fn predict(&self, inquiries: Vec<Inquiry>) -> (Vec<Predicted>, Vec<InquiryVector>) {
        let timer = self.metrics.stage(Stage::Judge);
        let model = self.model.clone();
        let predicted = tokio::task::spawn_blocking(move || predict_with_vectors(&model, inquiries)).await;
        timer.stop();
        match predicted {
            Ok(predicted) => predicted,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// `false` if the desk has gone away before the inquiries were committed.
    async fn submit(&self, inquiries: Vec<Predicted>) -> bool {
        let (committed, done) = oneshot::channel();
        if self.desk.send(Submission { inquiries, committed }).await.is_err() {
            return false;
        }
        tokio::select! {
            done = done => done.is_ok(),
            () = self.abandon.cancelled() => false,
        }
    }
}

#[async_trait]
impl Handler for InquiryHandler {
    async fn handle(&self, batch: Vec<Delivery>) -> Result<Outcome, WorkerError> {
        let (inquiries, rejected) = split(Inbound::Inquiries, &batch, self.attempts, |body| {
            check_channel(decode_inquiry(body, self.limits)?, &self.policy.channel_weights)
        });
        for letter in &rejected {
            self.metrics.rejected(Inbound::Inquiries, letter.rejection.code);
        }
        if !rejected.is_empty() {
            let store = || self.store.commit_dead_letters(&rejected);
            match until_done("store dead letters", &self.abandon, store).await {
                Ok(()) => self.outbox.notify(),
                Err(Ended::Abandoned) => return Ok(Outcome::GiveBack),
                Err(Ended::Failed(error)) => return Err(error.into()),
            }
        }
        let count = inquiries.len();
        let received: Vec<_> = inquiries.iter().map(|inquiry| inquiry.received_at).collect();
        if !inquiries.is_empty() {
            let (predicted, vectors) = self.predict(inquiries).await;
            if !self.submit(predicted).await {
                return Ok(Outcome::GiveBack);
            }
            // After the inquiries themselves. A delivery that comes back because this failed is decided already, and keeps its vectors then.
            let keep = || self.store.keep_vectors(&vectors);
            match until_done("store vectors", &self.abandon, keep).await {
                Ok(()) => {}
                Err(Ended::Abandoned) => return Ok(Outcome::GiveBack),
                Err(Ended::Failed(error)) => return Err(error.into()),
            }
        }
        self.metrics.deliveries(Inbound::Inquiries, DeliveryOutcome::Decided, count);
        let now = Utc::now();
        self.metrics.waited(Inbound::Inquiries, received.into_iter().map(|at| now - at));
        self.metrics.deliveries(Inbound::Inquiries, DeliveryOutcome::DeadLettered, rejected.len());
        Ok(Outcome::Done)
    }
}
