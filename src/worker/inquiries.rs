//! A batch of inquiries: contract → text → model → routing → store.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use tokio_util::sync::CancellationToken;

use super::dead_letters::{dead_letter, split};
use super::intake::{Handler, Outcome};
use super::metrics::{DeliveryOutcome, Metrics, Stage};
use super::retry::{Ended, until_done};
use super::{Wake, WorkerError};
use crate::contract::{
    Inquiry, Language, Limits, Rejection, RejectionCode, SkillProbability, decode_inquiry,
};
use crate::model::classifier::InquiryModel;
use crate::queue::{Delivery, Inbound};
use crate::routing::{AgentSnapshot, Proposal, RoutingPolicy, choose};
use crate::store::{RoutingDecision, RoutingOutcome, Store, StoreError};
use crate::text::guess_language;

/// Predicts and routes. Used for new inquiries and, by the waiting tick, for those that wait.
pub struct Router {
    pub store: Arc<dyn Store>,
    pub model: Arc<InquiryModel>,
    pub policy: RoutingPolicy,
    pub metrics: Metrics,
    pub outbox: Wake,
    pub abandon: CancellationToken,
}

/// An inquiry with what was predicted for it.
pub struct Predicted {
    pub inquiry: Inquiry,
    pub language: Language,
    pub skills: Vec<SkillProbability>,
    pub model_version: String,
}

impl Router {
    /// Reads the inquiries with the model, off the asynchronous threads.
    pub async fn predict(&self, inquiries: Vec<Inquiry>) -> Vec<Predicted> {
        let timer = self.metrics.stage(Stage::Judge);
        let model = self.model.clone();
        let predicted = tokio::task::spawn_blocking(move || predict(&model, inquiries)).await;
        timer.stop();
        match predicted {
            Ok(predicted) => predicted,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Commits a decision for each. The snapshot of the agents is taken once and kept up to date with what was committed from
    /// here; what others commit meanwhile is caught by the store's compare-and-set.
    pub async fn route(&self, predicted: Vec<Predicted>) -> Result<(), Ended<StoreError>> {
        if predicted.is_empty() {
            return Ok(());
        }
        let mut agents = until_done("read agents", &self.abandon, || self.store.agents()).await?;
        for one in predicted {
            let proposal = choose(&one.skills, one.language, &agents, self.policy);
            let decision = RoutingDecision {
                inquiry: one.inquiry,
                language: one.language,
                skills: one.skills,
                proposal,
                model_version: one.model_version,
                at: Utc::now(),
            };
            match self.commit(&decision).await {
                Ok(outcome) => self.account(&decision, &outcome, &mut agents),
                Err(Ended::Failed(StoreError::Refused(detail))) => {
                    self.bury(&decision.inquiry, detail).await?
                }
                Err(other) => return Err(other),
            }
        }
        self.outbox.notify();
        Ok(())
    }

    async fn commit(&self, decision: &RoutingDecision) -> Result<RoutingOutcome, Ended<StoreError>> {
        let timer = self.metrics.stage(Stage::Commit);
        let outcome =
            until_done("commit routing", &self.abandon, || self.store.commit_routing(decision)).await?;
        timer.stop();
        Ok(outcome)
    }

    fn account(&self, decision: &RoutingDecision, outcome: &RoutingOutcome, agents: &mut [AgentSnapshot]) {
        self.metrics.routed(decision, outcome);
        let RoutingOutcome::Decided(assignment) = outcome else { return };
        if let Some(agent) =
            agents.iter_mut().find(|agent| Some(&agent.agent_id) == assignment.agent_id.as_ref())
        {
            agent.open += 1;
            agent.last_assigned_at = Some(decision.at);
        }
    }

    /// A row that the database refuses for good becomes a dead letter.
    async fn bury(&self, inquiry: &Inquiry, detail: String) -> Result<(), Ended<StoreError>> {
        let body = serde_json::to_vec(inquiry).unwrap_or_default();
        let rejection = Rejection::new(RejectionCode::Unstorable, detail);
        self.metrics.rejected(Inbound::Inquiries, rejection.code);
        let letters = [dead_letter(Inbound::Inquiries, body, rejection)];
        until_done("store dead letters", &self.abandon, || self.store.commit_dead_letters(&letters)).await
    }

    /// Offers waiting inquiries to agents who have become free. Those whose agents are still busy are left alone.
    pub async fn offer_waiting(&self, limit: u32) -> Result<(), Ended<StoreError>> {
        let waiting =
            until_done("read waiting inquiries", &self.abandon, || self.store.waiting_inquiries(limit))
                .await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let agents = until_done("read agents", &self.abandon, || self.store.agents()).await?;
        let offered = waiting
            .into_iter()
            .filter(|one| {
                matches!(choose(&one.skills, one.language, &agents, self.policy), Proposal::Offer { .. })
            })
            .map(|one| Predicted {
                inquiry: one.inquiry,
                language: one.language,
                skills: one.skills,
                model_version: one.model_version,
            })
            .collect();
        self.route(offered).await
    }
}

/// Distribution and language of each inquiry.
pub fn predict(model: &InquiryModel, inquiries: Vec<Inquiry>) -> Vec<Predicted> {
    let texts: Vec<(Option<&str>, &str)> =
        inquiries.iter().map(|inquiry| (inquiry.subject.as_deref(), inquiry.text.as_str())).collect();
    let distributions = model.distributions(&texts);
    let version = model.description().version.clone();
    inquiries
        .into_iter()
        .zip(distributions)
        .map(|(inquiry, skills)| {
            // A text without a letter of either language is served in the marketplace's own.
            let language = guess_language(&inquiry.text).unwrap_or(Language::Ja);
            Predicted { inquiry, language, skills, model_version: version.clone() }
        })
        .collect()
}

/// The handler of the inquiry queue.
pub struct InquiryHandler {
    pub router: Arc<Router>,
    pub limits: Limits,
    pub attempts: u32,
}

#[async_trait]
impl Handler for InquiryHandler {
    async fn handle(&self, batch: Vec<Delivery>) -> Result<Outcome, WorkerError> {
        let (inquiries, rejected) =
            split(Inbound::Inquiries, &batch, self.attempts, |body| decode_inquiry(body, self.limits));
        let metrics = &self.router.metrics;
        for letter in &rejected {
            metrics.rejected(Inbound::Inquiries, letter.rejection.code);
        }
        let count = inquiries.len();
        let result = async {
            if !rejected.is_empty() {
                let store = &self.router.store;
                until_done("store dead letters", &self.router.abandon, || {
                    store.commit_dead_letters(&rejected)
                })
                .await?;
                self.router.outbox.notify();
            }
            if inquiries.is_empty() {
                return Ok(());
            }
            self.router.route(self.router.predict(inquiries).await).await
        }
        .await;
        match result {
            Ok(()) => {
                metrics.deliveries(Inbound::Inquiries, DeliveryOutcome::Decided, count);
                metrics.deliveries(Inbound::Inquiries, DeliveryOutcome::DeadLettered, rejected.len());
                Ok(Outcome::Done)
            }
            Err(Ended::Abandoned) => Ok(Outcome::GiveBack),
            Err(Ended::Failed(error)) => Err(error.into()),
        }
    }
}
