//! Conversations as rows of vectors: every distinct message is encoded once, whoever needs it.

use std::collections::HashMap;

use mimamori::contract::{Policy, Role};
use mimamori::corpus::Conversation;
use mimamori::model::classifier::ConversationModel;
use mimamori::model::input::Turn;

/// Messages between two lines of progress.
const CHUNK: usize = 8_192;

/// A conversation: for each message the number of its vector, its speaker, and its labels.
pub struct Talk {
    pub vectors: Vec<usize>,
    pub roles: Vec<Role>,
    /// 0 or 1 for each policy.
    pub labels: Vec<Vec<f32>>,
}

/// The vectors of single messages, by speaker and text.
#[derive(Default)]
pub struct Vectors {
    numbers: HashMap<(Role, String), usize>,
    vectors: Vec<Vec<f32>>,
}

impl Vectors {
    pub fn get(&self, number: usize) -> &[f32] {
        &self.vectors[number]
    }

    /// Values in a vector.
    pub fn size(&self) -> usize {
        self.vectors.first().map_or(0, Vec::len)
    }

    /// Encodes what is new in the conversations.
    pub fn talks(
        &mut self,
        conversations: &[Conversation],
        policies: &[Policy],
        model: &ConversationModel,
    ) -> Vec<Talk> {
        let known = self.vectors.len();
        let mut fresh: Vec<Turn<'_>> = Vec::new();
        for message in conversations.iter().flat_map(|conversation| &conversation.messages) {
            let next = known + fresh.len();
            let number = *self.numbers.entry((message.from, message.text.clone())).or_insert(next);
            if number == next {
                fresh.push(Turn { role: message.from, text: &message.text });
            }
        }
        for (chunk, done) in fresh.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
            let inputs: Vec<_> = chunk.iter().map(|turn| (vec![*turn], 0..1)).collect();
            self.vectors.extend(model.vectors(&inputs).into_iter().flatten());
            eprintln!("encoded {} of {} messages", done + chunk.len(), fresh.len());
        }
        conversations.iter().map(|conversation| self.talk(conversation, policies)).collect()
    }

    fn talk(&self, conversation: &Conversation, policies: &[Policy]) -> Talk {
        let messages = &conversation.messages;
        Talk {
            vectors: messages.iter().map(|m| self.numbers[&(m.from, m.text.clone())]).collect(),
            roles: messages.iter().map(|message| message.from).collect(),
            labels: messages
                .iter()
                .map(|message| {
                    policies.iter().map(|p| f32::from(u8::from(message.violates(p.as_str())))).collect()
                })
                .collect(),
        }
    }
}
