//! `mimamori moderate [FILE]`: messages in, verdicts out.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::Utc;
use serde::Serialize;

use super::error::CliError;
use super::lines::{BadLine, Line, Output, next_batch, read};
use super::parts;
use crate::config::Config;
use crate::contract::{
    Action, Limits, MessageId, Policy, TransactionId, TransactionMessage, Verdict, decode_message,
};
use crate::moderation::{Conversation, Moderator, Turn, Weight};

/// The first batch is small, so that the first verdict comes soon; the later ones are large, so that whole conversations are
/// read in one pass.
const FIRST_BATCH: usize = 8;
const BATCH: usize = 512;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// JSON lines; standard input without it
    file: Option<PathBuf>,
    /// Add to every verdict that does something the words and the earlier messages that weighed most in the model's judgement, at
    /// most so many for each policy. Each such message is read again once for each of its words
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "5", default_value_t = 0, hide_default_value = true)]
    explain: usize,
}

pub fn run(config: &Config, arguments: Arguments) -> Result<ExitCode, CliError> {
    let input = read(arguments.file.as_deref())?;
    parts::start_threads(config)?;
    let (model, rules) = rayon::join(
        || parts::conversation_model(config, &parts::base(config)?, parts::Heads::Usable),
        || parts::rule_pack(config),
    );
    let moderator = parts::assemble(config, model?, rules?)?;
    let mut session = Session {
        moderator: &moderator,
        limits: Limits::from(&config.limits),
        context: config.moderation.context_messages,
        explain: arguments.explain,
        conversations: HashMap::new(),
    };
    let mut output = Output::new();
    let mut bad_lines = 0;
    let mut limit = FIRST_BATCH;
    loop {
        let batch = next_batch(&input, limit)?;
        if batch.is_empty() {
            break;
        }
        for result in session.judge(&batch) {
            match result {
                Ok(verdict) => output.write(&verdict)?,
                Err(bad) => {
                    bad_lines += 1;
                    output.write(&bad)?;
                }
            }
        }
        output.flush()?;
        limit = BATCH;
    }
    if bad_lines > 0 {
        eprintln!(
            "mimamori: {bad_lines} lines could not be read; each has an {{\"error\":…}} line in the output"
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// What is known of a transaction so far.
#[derive(Default)]
struct Known {
    turns: Vec<Turn>,
    /// Turns that were dropped from the front.
    dropped: bool,
}

struct Session<'a> {
    moderator: &'a Moderator,
    limits: Limits,
    context: usize,
    /// Most weights for each policy of a verdict.
    explain: usize,
    conversations: HashMap<TransactionId, Known>,
}

/// A verdict as it is printed.
#[derive(Debug, Serialize)]
struct Printed {
    #[serde(flatten)]
    verdict: Verdict,
    /// Heaviest first; left out unless asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    explanation: Vec<Weight>,
}

impl Session<'_> {
    /// One result for each line, in order.
    fn judge(&mut self, batch: &[Line]) -> Vec<Result<Printed, BadLine>> {
        let decoded: Vec<Result<TransactionMessage, BadLine>> = batch
            .iter()
            .map(|(number, line)| {
                decode_message(line, self.limits)
                    .map_err(|rejection| BadLine { error: rejection.to_string(), line: *number })
            })
            .collect();
        let (conversations, places) = self.arrange(&decoded);
        let decisions = self.moderator.decide(&conversations, Utc::now());
        self.forget_the_oldest();
        decoded
            .into_iter()
            .zip(places)
            .map(|(decoded, place)| {
                decoded.map(|_| {
                    let (conversation, turn) = place;
                    let first = conversations[conversation].judged.start;
                    let verdict = decisions[conversation][turn - first].verdict.clone();
                    Printed {
                        explanation: self.explain(&conversations[conversation], turn, &verdict),
                        verdict,
                    }
                })
            })
            .collect()
    }

    /// What weighed most, for the policies of which anything was found.
    fn explain(&self, conversation: &Conversation, turn: usize, verdict: &Verdict) -> Vec<Weight> {
        if self.explain == 0 || verdict.action == Action::None {
            return Vec::new();
        }
        let found = |policy: &Policy| verdict.labels.iter().any(|label| label.policy == *policy);
        let mut shown: HashMap<Policy, usize> = HashMap::new();
        let mut weights = self.moderator.explain(conversation, turn);
        weights.retain(|weight| {
            let shown = shown.entry(weight.policy.clone()).or_default();
            *shown += 1;
            weight.weight > 0.0 && *shown <= self.explain && found(&weight.policy)
        });
        weights
    }

    /// Appends the lines to their conversations. Gives the conversations with what is to be judged in them, and for every line its
    /// conversation and turn. A line that repeats an id stands for the turn that has it already.
    fn arrange(
        &mut self,
        decoded: &[Result<TransactionMessage, BadLine>],
    ) -> (Vec<Conversation>, Vec<(usize, usize)>) {
        let mut order: Vec<TransactionId> = Vec::new();
        let mut index: HashMap<TransactionId, (usize, usize)> = HashMap::new();
        let mut places = Vec::with_capacity(decoded.len());
        for message in decoded {
            let Ok(message) = message else {
                places.push((0, 0));
                continue;
            };
            let known = self.conversations.entry(message.transaction_id.clone()).or_default();
            let turn = position(&known.turns, &message.message_id).unwrap_or_else(|| {
                known.turns.push(Turn {
                    message_id: message.message_id.clone(),
                    role: message.sender_role,
                    text: message.text.clone(),
                    sent_at: message.sent_at,
                });
                known.turns.len() - 1
            });
            let (conversation, first) = index.entry(message.transaction_id.clone()).or_insert_with(|| {
                order.push(message.transaction_id.clone());
                (order.len() - 1, turn)
            });
            *first = (*first).min(turn);
            places.push((*conversation, turn));
        }
        let conversations = order
            .into_iter()
            .map(|transaction_id| {
                let known = &self.conversations[&transaction_id];
                let first = index[&transaction_id].1;
                Conversation {
                    turns: known.turns.clone(),
                    judged: first..known.turns.len(),
                    complete: !known.dropped,
                    transaction_id,
                }
            })
            .collect();
        (conversations, places)
    }

    /// Keeps as much of each conversation as a later message may be read with.
    fn forget_the_oldest(&mut self) {
        for known in self.conversations.values_mut() {
            let surplus = known.turns.len().saturating_sub(self.context);
            if surplus > 0 {
                known.turns.drain(..surplus);
                known.dropped = true;
            }
        }
    }
}

fn position(turns: &[Turn], id: &MessageId) -> Option<usize> {
    turns.iter().position(|turn| turn.message_id == *id)
}
