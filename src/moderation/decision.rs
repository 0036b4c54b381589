//! What comes out: a verdict, and the alerts that it raises.

use crate::contract::{Action, Label, Policy, Verdict};

/// A verdict with the alerts that it raises.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub verdict: Verdict,
    /// At most one for each policy.
    pub alerts: Vec<PolicyAlert>,
}

