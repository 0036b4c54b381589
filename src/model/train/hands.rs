//! Training conversations in other hands: typed differently, by the other side, after harmless talk.

use std::collections::HashMap;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::augment::rewrite;
use crate::contract::Language;
use crate::corpus::Conversation;

/// Most conversations that are put before another one.
const MOST_BEFORE: usize = 4;

/// Rewrites conversations; knows the harmless ones, which may stand before others.
pub struct OtherHands<'a> {
    clean: HashMap<Language, Vec<&'a Conversation>>,
}

impl<'a> OtherHands<'a> {
    /// From the conversations that are trained on.
    pub fn new(conversations: &'a [Conversation]) -> Self {
        let mut clean: HashMap<Language, Vec<&Conversation>> = HashMap::new();
        for conversation in conversations.iter().filter(|conversation| is_clean(conversation)) {
            clean.entry(conversation.language).or_default().push(conversation);
        }
        Self { clean }
    }

    /// The conversation in another hand. Now and then buyer and seller change places, since no label depends on who of them speaks,
    /// and harmless talk stands before it, since people who have dealt for long write no worse than others: without that a network
    /// that has only read short conversations grows more suspicious with every message.
    pub fn rewrite(&self, conversation: &Conversation, random: &mut StdRng) -> Conversation {
        let swapped = random.random_bool(0.3);
        let mut conversation = conversation.clone();
        if let Some(clean) = self.clean.get(&conversation.language).filter(|_| random.random_bool(0.4)) {
            let mut before = Vec::new();
            for _ in 0..random.random_range(1..=MOST_BEFORE) {
                before
                    .extend(clean.choose(random).into_iter().flat_map(|talk| talk.messages.iter().cloned()));
            }
            conversation.messages.splice(..0, before);
        }
        for message in &mut conversation.messages {
            if swapped {
                message.from = message.from.other();
            }
            if random.random_bool(0.6) {
                message.text = rewrite(&message.text, random);
            }
        }
        conversation
    }
}

fn is_clean(conversation: &Conversation) -> bool {
    conversation.messages.iter().all(|message| message.labels.is_empty())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::contract::Role;
    use crate::corpus::LabelledMessage;

    fn conversation(text: &str, label: Option<&str>) -> Conversation {
        let message = LabelledMessage {
            from: Role::Buyer,
            text: text.into(),
            labels: label.into_iter().map(str::to_owned).collect(),
            tags: Vec::new(),
        };
        Conversation {
            conversation: text.into(),
            language: Language::En,
            origin: "composed".into(),
            author_batch: "x".into(),
            messages: vec![message],
        }
    }

    #[test]
    fn only_harmless_talk_is_put_before_and_labels_stay() {
        let all = [conversation("Is it still for sale?", None), conversation("Pay me outside", Some("p"))];
        let hands = OtherHands::new(&all);
        let (mut longer, mut swapped) = (0, 0);
        for seed in 0..100 {
            let found = hands.rewrite(&all[1], &mut StdRng::seed_from_u64(seed));
            assert_eq!(found, hands.rewrite(&all[1], &mut StdRng::seed_from_u64(seed)));
            let labels: Vec<usize> = found.messages.iter().map(|message| message.labels.len()).collect();
            assert_eq!(labels.iter().sum::<usize>(), 1);
            assert_eq!(labels.last(), Some(&1));
            longer += usize::from(labels.len() > 1);
            swapped += usize::from(found.messages.iter().all(|message| message.from == Role::Seller));
        }
        assert!((25..60).contains(&longer) && (15..50).contains(&swapped), "{longer} {swapped}");
    }
}
