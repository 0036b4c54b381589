//! What comes out: a verdict, and the alerts that it raises.

use crate::contract::{Action, Label, Policy, Verdict};

/// A verdict with the alerts that it raises.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub verdict: Verdict,
    /// At most one for each policy.
    pub alerts: Vec<PolicyAlert>,
}

/// One policy whose final probability led to an action.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyAlert {
    pub policy: Policy,
    /// `Report` or `Hide`.
    pub action: Action,
    /// Final probability of the policy, 0 to 1.
    pub score: f64,
    pub sources: AlertSources,
}

/// What kind of source fired for an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertSources {
    Rule,
    Model,
    RuleAndModel,
}

impl AlertSources {
    pub fn as_str(self) -> &'static str {
        match self {
            AlertSources::Rule => "rule",
            AlertSources::Model => "model",
            AlertSources::RuleAndModel => "rule+model",
        }
    }

    /// Reads the prefixes `rule:` and `model:` of the sources that fired for the policy. `None` if none did.
    pub fn of(labels: &[Label], policy: &Policy) -> Option<Self> {
        let fired = |prefix: &str| {
            labels.iter().any(|label| label.policy == *policy && label.source.starts_with(prefix))
        };
        match (fired("rule:"), fired("model:")) {
            (true, true) => Some(AlertSources::RuleAndModel),
            (true, false) => Some(AlertSources::Rule),
            (false, true) => Some(AlertSources::Model),
            (false, false) => None,
        }
    }
}
