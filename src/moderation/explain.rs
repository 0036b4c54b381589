//! Why the model judged a message as it did: what its judgement would lose without each word, and without each earlier message.

use std::ops::Range;

use serde::Serialize;

use super::decide::{Conversation, Moderator};
use crate::contract::{MessageId, Policy, Span};
use crate::model::input;
use crate::text::Views;

/// Most parts into which a message is taken apart; the words of a longer one are left out several at a time.
const MOST_PARTS: usize = 48;
/// Most earlier messages that are left out, one after the other.
const MOST_EARLIER: usize = 8;

/// What one part of a conversation adds to the judgement on a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weight {
    pub policy: Policy,
    /// The judged message, or an earlier one, which is then weighed as a whole.
    pub message_id: MessageId,
    #[serde(flatten)]
    pub span: Span,
    /// The model's logit less its logit without this part (Zeiler and Fergus 2014, "occlusion"). Above zero: speaks for a violation.
    pub weight: f64,
}

/// A part that can be left out.
struct Part {
    turn: usize,
    /// Scalar values of the turn's text.
    range: Range<usize>,
}

impl Moderator {
    /// The weights of the words of one judged turn and of the messages before it, heaviest first, for every policy with a model.
    /// Costs as many readings of the message as it has words.
    pub fn explain(&self, conversation: &Conversation, turn: usize) -> Vec<Weight> {
        let parts = self.parts(conversation, turn);
        let whole = std::iter::once(without(conversation, turn, None));
        let variants: Vec<Vec<(usize, String)>> =
            whole.chain(parts.iter().map(|part| without(conversation, turn, Some(part)))).collect();
        let inputs: Vec<(Vec<input::Turn<'_>>, Range<usize>)> = variants
            .iter()
            .map(|texts| {
                let turns: Vec<input::Turn<'_>> = texts
                    .iter()
                    .map(|(index, text)| input::Turn { role: conversation.turns[*index].role, text })
                    .collect();
                let last = turns.len() - 1;
                (turns, last..last + 1)
            })
            .collect();
        let mut logits = self.model().logits(&inputs).into_iter().filter_map(|mut judged| judged.pop());
        let Some(whole) = logits.next() else { return Vec::new() };
        let mut weights: Vec<Weight> = parts
            .iter()
            .zip(logits)
            .flat_map(|(part, left)| {
                let span = self.span(conversation, part);
                let message_id = &conversation.turns[part.turn].message_id;
                self.policies().iter().zip(whole.iter().zip(left)).map(move |(settings, (whole, left))| {
                    Weight {
                        policy: settings.policy.clone(),
                        message_id: message_id.clone(),
                        span: span.clone(),
                        weight: whole - left,
                    }
                })
            })
            .collect();
        weights.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        weights
    }

    /// The words of the turn, and the turns before it.
    fn parts(&self, conversation: &Conversation, turn: usize) -> Vec<Part> {
        let views = Views::new(&conversation.turns[turn].text, self.tokenizer());
        let words: Vec<Range<usize>> = views.tokens().iter().map(|token| token.span.clone()).collect();
        let together = words.len().div_ceil(MOST_PARTS).max(1);
        let own = words.chunks(together).filter_map(|words| {
            let (first, last) = (words.first()?, words.last()?);
            Some(Part { turn, range: first.start..last.end })
        });
        let earlier = (turn.saturating_sub(MOST_EARLIER)..turn)
            .map(|turn| Part { turn, range: 0..conversation.turns[turn].text.chars().count() });
        own.chain(earlier).collect()
    }

    fn span(&self, conversation: &Conversation, part: &Part) -> Span {
        let text = &conversation.turns[part.turn].text;
        let text = text.chars().skip(part.range.start).take(part.range.len()).collect();
        Span { start: part.range.start, end: part.range.end, text }
    }
}

/// The turns up to the judged one, without a part: words are cut out of the judged turn, an earlier turn is left out whole.
fn without(conversation: &Conversation, judged: usize, part: Option<&Part>) -> Vec<(usize, String)> {
    (0..=judged)
        .filter(|turn| *turn == judged || part.is_none_or(|part| part.turn != *turn))
        .map(|turn| {
            let text = &conversation.turns[turn].text;
            match part.filter(|part| part.turn == turn) {
                Some(part) => {
                    let kept = text.chars().enumerate().filter(|(at, _)| !part.range.contains(at));
                    (turn, kept.map(|(_, c)| c).collect())
                }
                None => (turn, text.clone()),
            }
        })
        .collect()
}
