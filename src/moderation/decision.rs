//! What comes out: a verdict, and the alerts that it raises.

use sha2::{Digest, Sha256};

use crate::contract::{Action, Label, Policy, TransactionId, Verdict};
use crate::text::ViewKind;

/// A verdict with the alerts that it raises.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub verdict: Verdict,
    /// At most one for each policy.
    pub alerts: Vec<PolicyAlert>,
    /// What rules in shadow found: counted, so that they can be compared with the others, and nothing else.
    pub shadow: Vec<ShadowFinding>,
}

/// A rule in shadow that holds for the message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShadowFinding {
    pub rule_id: String,
    pub policy: Policy,
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
    /// How urgent a look at it is; see [`risk`].
    pub risk: f64,
    /// The same for texts that say the same; see [`text_key`].
    pub text_key: String,
}

/// Scores are taken as certain from here on: beyond, a calibrated probability tells nothing more.
const CERTAIN: f64 = 0.99;
/// Letters and digits from which on a text says the same in every conversation.
const TELLING: usize = 8;
/// Bytes of the hash in a text's key.
const KEY_BYTES: usize = 16;

/// Log-odds of the score plus the severity of the policy, in the same unit: a severity of 0.7 counts like twice the odds.
pub fn risk(score: f64, severity: f64) -> f64 {
    let score = score.clamp(1.0 - CERTAIN, CERTAIN);
    (score / (1.0 - score)).ln() + severity
}

/// A hash of the letters and digits of the text, without case, width and invisible characters, so that one decision can serve all who sent it.
/// A text that says little by itself (it is short, or other messages of `transaction` take part in what was found) is like another
/// one only within its transaction.
pub fn text_key(text: &str, by_itself: bool, transaction: &TransactionId) -> String {
    let folded = ViewKind::Folded.fold(text);
    let said: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut hash = Sha256::new();
    if !by_itself || said.chars().count() < TELLING {
        hash.update(transaction.as_str());
        hash.update([0]);
    }
    hash.update(said);
    hash.finalize().iter().take(KEY_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// What kind of source fired for an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertSources {
    Rule,
    Model,
    RuleAndModel,
}

impl AlertSources {
    pub const ALL: [AlertSources; 3] = [AlertSources::Rule, AlertSources::Model, AlertSources::RuleAndModel];

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

/// A name that is none of `rule`, `model` and `rule+model`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected rule, model or rule+model")]
pub struct UnknownSources;

impl std::str::FromStr for AlertSources {
    type Err = UnknownSources;

    fn from_str(name: &str) -> Result<Self, UnknownSources> {
        Self::ALL.into_iter().find(|sources| sources.as_str() == name).ok_or(UnknownSources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risk_grows_with_the_odds_and_is_bounded() {
        assert_eq!(risk(0.5, 0.0), 0.0);
        assert!((risk(0.9, 0.7) - (9.0_f64.ln() + 0.7)).abs() < 1e-12);
        assert_eq!(risk(1.0, 0.0), risk(0.99, 0.0));
        assert!(risk(0.0, 0.0) < -4.0 && risk(f64::from(1u8), 1.0).is_finite());
    }

    #[test]
    fn texts_that_differ_in_disguise_only_have_one_key() {
        let [one, other] = ["t-1", "t-2"].map(|id| TransactionId::new(id).unwrap());
        let key = |text, transaction| text_key(text, true, transaction);
        assert_eq!(key("ＬＩＮＥ で話そうよ", &one), key("line で 話そうよ", &other));
        assert_ne!(key("LINEで話そうよ", &one), key("LINEは禁止です", &one));
        assert_eq!(key("", &one).len(), 2 * KEY_BYTES);
    }

    #[test]
    fn what_needs_its_conversation_is_alike_only_within_it() {
        let [one, other] = ["t-1", "t-2"].map(|id| TransactionId::new(id).unwrap());
        assert_ne!(text_key("了解です", true, &one), text_key("了解です", true, &other));
        assert_eq!(text_key("了解です", true, &one), text_key("了解 です", true, &one));
        let long = "それでは先ほどのところで";
        assert_ne!(text_key(long, false, &one), text_key(long, false, &other));
    }
}
