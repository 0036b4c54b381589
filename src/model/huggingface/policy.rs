//! A classifier from elsewhere as the judge of one policy.

use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;

use super::{Classifier, Tokens, log_sum_exp};
use crate::contract::Role;
use crate::model::folder::FolderError;
use crate::model::input::Turn;
use crate::model::source::{Joined, PolicyClassifierDescription, Score};

/// Judges messages for one policy, each in a pass of its own.
pub struct PolicyClassifier {
    classifier: Classifier,
    output: usize,
    score: Score,
    context: usize,
    joined: Joined,
}

impl PolicyClassifier {
    /// Opens the classifier in `folder` after checking every file against the description.
    pub fn open(folder: &Path, description: &PolicyClassifierDescription) -> Result<Self, FolderError> {
        let classifier = Classifier::open(folder, Some(&description.files))?;
        let labels = classifier.labels();
        let output = labels.iter().position(|label| *label == description.label).ok_or_else(|| {
            let found = labels.join(", ");
            FolderError::new(
                &folder.join(super::CONFIG),
                format!("expected an output `{}`, found {found}", description.label),
            )
        })?;
        if description.score == Score::Difference && labels.len() < 2 {
            let detail = "expected several outputs to take the difference of, found one";
            return Err(FolderError::new(&folder.join(super::CONFIG), detail));
        }
        Ok(Self {
            classifier,
            output,
            score: description.score,
            context: description.context,
            joined: description.joined,
        })
    }

    /// The logit of a violation for every judged message, one conversation after the other.
    pub fn logits(&self, conversations: &[(Vec<Turn<'_>>, Range<usize>)]) -> Vec<f64> {
        let inputs: Vec<Tokens> = conversations
            .par_iter()
            .flat_map_iter(|(turns, judged)| judged.clone().map(|index| self.read(turns, index)))
            .collect();
        self.classifier.logits(&inputs).iter().map(|outputs| self.logit(outputs)).collect()
    }

    fn read(&self, turns: &[Turn<'_>], index: usize) -> Tokens {
        let earlier = &turns[index.saturating_sub(self.context)..index];
        let lines: Vec<String> = earlier.iter().map(line).collect();
        match self.joined {
            Joined::Text if self.context > 0 => {
                let before: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
                self.classifier.read(Some(&before), &line(&turns[index]), self.joined)
            }
            _ if lines.is_empty() => self.classifier.read(None, turns[index].text, self.joined),
            _ => self.classifier.read(Some(&lines.join("\n")), turns[index].text, self.joined),
        }
    }

    fn logit(&self, outputs: &[f64]) -> f64 {
        let own = outputs[self.output];
        match self.score {
            Score::Logit => own,
            Score::Difference => {
                let others = outputs.iter().enumerate().filter(|(index, _)| *index != self.output);
                own - log_sum_exp(others.map(|(_, logit)| *logit))
            }
        }
    }
}

/// A message with its speaker, marked as the shipped reader marks them.
fn line(turn: &Turn<'_>) -> String {
    let speaker = match turn.role {
        Role::Buyer => "buyer",
        Role::Seller => "seller",
    };
    format!("{speaker}: {}", turn.text)
}
