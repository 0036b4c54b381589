//! A classifier from elsewhere that tells which skill an inquiry needs.

use std::path::Path;

use rayon::prelude::*;

use super::{Classifier, Tokens, log_sum_exp};
use crate::contract::Skill;
use crate::model::folder::FolderError;
use crate::model::source::{InquiryClassifierDescription, Joined};

/// Reads inquiries, each in a pass of its own.
pub struct InquiryClassifier {
    classifier: Classifier,
    /// For each skill the outputs that stand for it.
    outputs: Vec<Vec<usize>>,
}

impl InquiryClassifier {
    /// Opens the classifier in `folder` after checking every file against the description. `skills` is the order of the logits.
    pub fn open(
        folder: &Path,
        description: &InquiryClassifierDescription,
        skills: &[Skill],
    ) -> Result<Self, FolderError> {
        let classifier = Classifier::open(folder, Some(&description.files))?;
        let fail = |detail: String| Err(FolderError::new(&folder.join(super::CONFIG), detail));
        let mut outputs = vec![Vec::new(); skills.len()];
        for (output, label) in classifier.labels().iter().enumerate() {
            let skill = description.labels.get(label);
            let Some(place) = skills.iter().position(|known| Some(known) == skill) else {
                return fail(format!("expected a skill for every output, found none for `{label}`"));
            };
            outputs[place].push(output);
        }
        if let Some(place) = outputs.iter().position(Vec::is_empty) {
            return fail(format!("expected an output for every skill, found none for {}", skills[place]));
        }
        Ok(Self { classifier, outputs })
    }

    /// Logits in the order of the skills, for pairs of subject and text; the subject, if any, stands first, on a line of its own.
    /// Of several outputs for one skill the probabilities are added.
    pub fn logits(&self, inquiries: &[(Option<&str>, &str)]) -> Vec<Vec<f64>> {
        let read = |(subject, text): &(Option<&str>, &str)| {
            let subject = subject.map(|subject| format!("{subject}\n"));
            self.classifier.read(subject.as_deref(), text, Joined::Text)
        };
        let inputs: Vec<Tokens> = inquiries.par_iter().map(read).collect();
        let of_skills = |logits: Vec<f64>| {
            self.outputs
                .iter()
                .map(|outputs| log_sum_exp(outputs.iter().map(|output| logits[*output])))
                .collect()
        };
        self.classifier.logits(&inputs).into_iter().map(of_skills).collect()
    }
}
