//! What the judgements of a sample say of each policy.

use std::collections::BTreeMap;

use crate::contract::{Policy, Ruling};
use crate::evaluation::audit::{self, Estimate, Stratum};
use crate::store::evaluation::{Judgements, SampleFile};

/// What a sample says of one policy.
pub(super) struct OfPolicy {
    pub(super) policy: Policy,
    pub(super) found: u64,
    pub(super) undecided: u64,
    pub(super) missed: Option<Estimate>,
}

impl OfPolicy {
    pub(super) fn recall(&self) -> Option<Estimate> {
        self.missed.and_then(|missed| audit::recall(self.found, missed))
    }
}

/// Every policy that is configured, was found or was missed.
pub(super) fn by_policy(file: &SampleFile, known: &[Policy]) -> Vec<OfPolicy> {
    let mut policies: BTreeMap<Policy, (u64, u64)> =
        known.iter().map(|policy| (policy.clone(), (0, 0))).collect();
    for judged in file.judgements.iter().filter_map(|judged| judged.policy.as_ref()) {
        policies.entry(judged.clone()).or_default();
    }
    for found in &file.found {
        policies.insert(found.policy.clone(), (found.violations, found.undecided));
    }
    let of = |(policy, (found, undecided)): (Policy, (u64, u64))| {
        let strata: Vec<Stratum> =
            (0..file.sample.strata.len()).map(|at| stratum(file, at, Some(&policy))).collect();
        OfPolicy { missed: audit::missed(file.sample.all(), &strata), policy, found, undecided }
    };
    policies.into_iter().map(of).collect()
}

/// What was judged without doubt; violations of one policy, or of any.
pub(super) fn stratum(file: &SampleFile, at: usize, policy: Option<&Policy>) -> Stratum {
    let of = |judged: &&Judgements| judged.stratum == at;
    let judged = file.judgements.iter().filter(of).filter(|judged| judged.ruling != Ruling::Unsure);
    let violation = |judged: &&Judgements| {
        judged.ruling == Ruling::Violation
            && policy.is_none_or(|policy| judged.policy.as_ref() == Some(policy))
    };
    Stratum {
        pool: file.sample.strata[at].pool,
        judged: judged.clone().map(|judged| judged.count).sum(),
        violations: judged.filter(violation).map(|judged| judged.count).sum(),
    }
}
