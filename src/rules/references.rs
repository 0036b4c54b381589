//! What a rule refers to, and what refers to it.

use std::collections::BTreeSet;

use super::pack::RulePack;
use super::rule::{Body, Matcher};

/// The other parts of the judgement that a rule hangs together with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Rules that it has as steps.
    pub uses: BTreeSet<String>,
    /// Conversation rules that have it as a step.
    pub used_by: BTreeSet<String>,
    /// Policies whose model it asks.
    pub models: BTreeSet<String>,
}

impl RulePack {
    /// None for a rule that is not in the pack.
    pub fn references(&self, id: &str) -> Option<References> {
        let at = self.rules.iter().position(|compiled| compiled.rule.id == id)?;
        let id_of = |rule: &u32| self.rules[*rule as usize].rule.id.clone();
        let models = match &self.rules[at].rule.body {
            Body::Message { selections, .. } => selections
                .iter()
                .filter_map(|selection| match &selection.matcher {
                    Matcher::Model { policy, .. } => Some(policy.clone()),
                    _ => None,
                })
                .collect(),
            Body::Conversation(_) => BTreeSet::new(),
        };
        Some(References {
            uses: self.rules[at].steps.iter().flat_map(|step| step.rules.iter().map(id_of)).collect(),
            used_by: self.conversations[at].iter().map(id_of).collect(),
            models,
        })
    }
}
