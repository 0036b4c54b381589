//! Descriptions and cards of models as the page shows them.

use crate::console::words::Words;
use crate::model::catalogue::{Card, Catalogue, Kind, Told};

/// Models that are live, in shadow, or kept together.
pub(super) struct Group {
    pub(super) title: String,
    pub(super) cards: Vec<CardRow>,
}

/// One model.
pub(super) struct CardRow {
    pub(super) name: String,
    pub(super) version: String,
    /// Where it came from, in words.
    pub(super) source: String,
    /// Name and number.
    pub(super) settings: Vec<(String, String)>,
    pub(super) metrics: Vec<(String, String)>,
    pub(super) card: Option<String>,
    /// What is wrong with it.
    pub(super) problem: Option<String>,
}

/// In the order in which they are looked for: live, in shadow, kept.
pub(super) fn groups(told: &Catalogue, words: &Words) -> Vec<Group> {
    let own = words.models;
    let group = |title: String, cards: &[Card]| Group {
        title,
        cards: cards.iter().map(|card| row(card, words)).collect(),
    };
    let mut all = vec![group(own.live.to_owned(), &told.live), group(own.in_shadow.to_owned(), &told.shadow)];
    all.extend(told.kept.iter().map(|(name, cards)| {
        let title = if name == "policies" { own.kept_policies.to_owned() } else { (own.kept)(name) };
        group(title, cards)
    }));
    all.retain(|group| !group.cards.is_empty());
    all
}

fn row(card: &Card, words: &Words) -> CardRow {
    let name = match &card.kind {
        Kind::Conversation => words.operating.conversation_model.to_owned(),
        Kind::Policy(policy) => words.policy(policy.as_str()),
        Kind::Inquiries => words.operating.inquiry_model.to_owned(),
    };
    let empty = CardRow {
        name,
        version: String::new(),
        source: String::new(),
        settings: Vec::new(),
        metrics: Vec::new(),
        card: card.readme.clone(),
        problem: None,
    };
    match &card.told {
        Err(problem) => CardRow { problem: Some(problem.clone()), ..empty },
        Ok(told) => CardRow {
            version: told.version.clone(),
            source: source(told, words),
            settings: told.settings.iter().map(|(name, value)| (name.clone(), number(*value))).collect(),
            metrics: told.metrics.iter().map(|(name, value)| (name.clone(), number(*value))).collect(),
            ..empty
        },
    }
}

fn source(told: &Told, words: &Words) -> String {
    let own = words.models;
    if told.classifier {
        return own.from_elsewhere.to_owned();
    }
    match (&told.reader, &told.training) {
        (Some(reader), _) => format!("{} {reader}", own.trained_on),
        (None, Some(training)) => (own.training)(training.examples, training.epochs),
        (None, None) => String::new(),
    }
}

/// As many digits as somebody compares.
fn number(value: f64) -> String {
    format!("{value:.4}")
}
