//! Workers as the page shows them.

use chrono::{DateTime, Utc};

use crate::console::layout::Moment;
use crate::console::words::Words;
use crate::store::operations::{ModelsInForce, WorkerReport};

/// A worker.
pub(super) struct WorkerRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: &'static str,
    pub(super) badge: &'static str,
    pub(super) program: String,
    pub(super) rules: String,
    /// Part or policy, and its version.
    pub(super) models: Vec<(String, String)>,
    pub(super) rules_only: Vec<String>,
    pub(super) started: Moment,
    pub(super) seen: Moment,
    pub(super) ago: String,
}

pub(super) fn row(one: WorkerReport, words: &Words, now: DateTime<Utc>) -> WorkerRow {
    let silent = one.is_silent(now);
    let own = words.operating;
    WorkerRow {
        state: if silent { own.silent } else { (own.state_name)(one.state) },
        badge: if silent || one.state == crate::store::operations::WorkerState::Failed {
            "severe"
        } else {
            ""
        },
        models: models(&one.models, words),
        rules_only: one.models.rules_only.iter().map(|policy| words.policy(policy.as_str())).collect(),
        id: one.worker_id,
        name: one.name,
        program: one.program,
        rules: one.rules_version,
        started: one.started_at.into(),
        seen: one.at.into(),
        ago: (own.ago)((now - one.at).num_seconds()),
    }
}

/// Every model with its version.
pub(in crate::console) fn models(models: &ModelsInForce, words: &Words) -> Vec<(String, String)> {
    let own = words.operating;
    let mut all = vec![(own.conversation_model.to_owned(), models.conversation.clone())];
    let heads = models.policies.iter();
    all.extend(heads.map(|(policy, version)| (words.policy(policy.as_str()), version.clone())));
    all.push((own.inquiry_model.to_owned(), models.inquiries.clone()));
    all
}

/// Whether not all of them judge alike.
pub(super) fn differ<'a>(mut workers: impl Iterator<Item = &'a WorkerReport>) -> bool {
    let Some(first) = workers.next() else { return false };
    workers.any(|one| {
        let same = one.program == first.program
            && one.rules_version == first.rules_version
            && one.models == first.models;
        !same
    })
}
