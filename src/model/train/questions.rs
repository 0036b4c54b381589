//! What a training asks about each message: whether it violates a policy, and beside that questions whose answers nobody reads later.
//!
//! The others make the vector of a message say what the policies' own labels only hint at: of which kind a violation is, and
//! how the conversation stands when the message comes (Caruana 1997, "Multitask Learning"). A bare "okay" is clean after one message
//! and a violation after another; without such a question the training learns that from the few messages where it decides.

use std::collections::BTreeMap;

use crate::contract::Policy;
use crate::corpus::{Conversation, LabelledMessage};

/// A subtype with fewer examples teaches nothing.
const LEAST_EXAMPLES: usize = 50;

/// What may be asked beside the policies.
#[derive(Debug, Clone, PartialEq)]
enum Auxiliary {
    /// Does the message have this label, `policy.subtype`?
    Subtype(String),
    /// Does any earlier message of the conversation violate the policy?
    StoodBefore(Policy),
    /// Does the newest message of the other person violate the policy?
    AnswersOne(Policy),
}

/// The questions of a training, in the order of the network's outputs: policies first.
#[derive(Debug, Clone)]
pub struct Questions {
    policies: Vec<Policy>,
    auxiliary: Vec<Auxiliary>,
}

impl Questions {
    /// The policies, their subtypes that the conversations hold often enough, and two on how a conversation stands for each policy.
    pub fn of(policies: &[Policy], conversations: &[Conversation]) -> Self {
        let mut subtypes: BTreeMap<&str, usize> = BTreeMap::new();
        for label in conversations.iter().flat_map(|it| &it.messages).flat_map(|message| &message.labels) {
            *subtypes.entry(label).or_default() += 1;
        }
        let asked = |label: &str| {
            label.split_once('.').is_some_and(|(of, _)| policies.iter().any(|policy| policy.as_str() == of))
        };
        let frequent = subtypes
            .into_iter()
            .filter(|(label, count)| *count >= LEAST_EXAMPLES && asked(label))
            .map(|(label, _)| Auxiliary::Subtype(label.to_owned()));
        let standing = policies.iter().flat_map(|policy| {
            [Auxiliary::StoodBefore(policy.clone()), Auxiliary::AnswersOne(policy.clone())]
        });
        Self { policies: policies.to_vec(), auxiliary: frequent.chain(standing).collect() }
    }

    /// Number of questions beside the policies.
    pub fn auxiliary(&self) -> usize {
        self.auxiliary.len()
    }

    /// Number of all questions.
    pub fn outputs(&self) -> usize {
        self.policies.len() + self.auxiliary.len()
    }

    /// The true answers for a message of a conversation: 0 or 1 each, policies first.
    pub fn answers(&self, conversation: &Conversation, message: usize) -> Vec<f32> {
        let own = &conversation.messages[message];
        let before = &conversation.messages[..message];
        let other = before.iter().rev().find(|earlier| earlier.from != own.from);
        let violates = |message: &LabelledMessage, policy: &Policy| message.violates(policy.as_str());
        let policies = self.policies.iter().map(|policy| violates(own, policy));
        let auxiliary = self.auxiliary.iter().map(|question| match question {
            Auxiliary::Subtype(label) => own.labels.contains(label),
            Auxiliary::StoodBefore(policy) => before.iter().any(|message| violates(message, policy)),
            Auxiliary::AnswersOne(policy) => other.is_some_and(|message| violates(message, policy)),
        });
        policies.chain(auxiliary).map(|answer| f32::from(u8::from(answer))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(messages: &[(&str, &[&str])]) -> Conversation {
        let messages: Vec<serde_json::Value> = messages
            .iter()
            .map(|(from, labels)| serde_json::json!({ "from": from, "text": "…", "labels": labels }))
            .collect();
        serde_json::from_value(serde_json::json!({
            "conversation": "c", "language": "ja", "origin": "composed", "author_batch": "x01", "messages": messages,
        }))
        .unwrap()
    }

    #[test]
    fn ask_how_a_conversation_stands() {
        let policy = Policy::new("external_induction");
        let proposal = conversation(&[
            ("buyer", &[]),
            ("seller", &["external_induction.deal"]),
            ("buyer", &[]),
            ("buyer", &["external_induction.deal", "external_induction.contact"]),
            ("buyer", &[]),
            ("seller", &["harassment"]),
        ]);
        let all = vec![proposal.clone(); LEAST_EXAMPLES / 2];
        let questions = Questions::of(&[policy], &all);
        // `contact` stands in half as many messages as are asked for; harassment is not a policy here.
        assert_eq!(questions.outputs(), 4);
        assert_eq!(questions.auxiliary(), 3);
        // Violates, is a deal, something stood before, answers a violation.
        let expected: [[u8; 4]; 6] =
            [[0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 1, 0]];
        for (message, expected) in expected.into_iter().enumerate() {
            assert_eq!(questions.answers(&proposal, message), expected.map(f32::from), "{message}");
        }
    }
}
