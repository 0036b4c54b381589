//! Skills on labelled inquiries.

use std::collections::BTreeMap;

use crate::contract::{Language, Skill};
use crate::corpus::LabelledInquiry;
use crate::model::classifier::InquiryModel;
use crate::model::metrics::{calibration_error, macro_f1};

/// Figures on one set of inquiries.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct InquiryFigures {
    pub inquiries: usize,
    pub accuracy: f64,
    pub accuracy_by_language: BTreeMap<String, (f64, usize)>,
    pub macro_f1: f64,
    pub calibration_error: f64,
    /// Share of inquiries above the confidence floor, and the accuracy among them.
    pub coverage: f64,
    pub accuracy_covered: f64,
    /// Recall by skill.
    pub recall: BTreeMap<Skill, f64>,
    /// `(truth, guess) → count`, mistakes only, most frequent first.
    pub confusions: Vec<(Skill, Skill, usize)>,
}

/// Predicts every inquiry and compares.
pub fn evaluate_inquiries(model: &InquiryModel, inquiries: &[LabelledInquiry], floor: f64) -> InquiryFigures {
    let texts: Vec<(Option<&str>, &str)> =
        inquiries.iter().map(|inquiry| (inquiry.subject.as_deref(), inquiry.text.as_str())).collect();
    let guesses: Vec<(Skill, f64)> = model
        .distributions(&texts)
        .into_iter()
        .filter_map(|distribution| distribution.first().map(|best| (best.skill, best.probability)))
        .collect();
    let share = |of: &dyn Fn(usize) -> bool| {
        let chosen: Vec<usize> = (0..guesses.len()).filter(|index| of(*index)).collect();
        let right = chosen.iter().filter(|index| guesses[**index].0 == inquiries[**index].skill).count();
        (right as f64 / chosen.len() as f64, chosen.len())
    };
    let place = |skill: Skill| Skill::ALL.iter().position(|known| *known == skill).unwrap_or(0);
    let pairs: Vec<(usize, usize)> =
        inquiries.iter().zip(&guesses).map(|(i, (guess, _))| (place(i.skill), place(*guess))).collect();
    let scored: Vec<(f64, bool)> =
        inquiries.iter().zip(&guesses).map(|(i, (guess, p))| (*p, *guess == i.skill)).collect();
    let (accuracy_covered, covered) = share(&|index| guesses[index].1 >= floor);
    let mut confusions: BTreeMap<(Skill, Skill), usize> = BTreeMap::new();
    for (inquiry, (guess, _)) in inquiries.iter().zip(&guesses) {
        if inquiry.skill != *guess {
            *confusions.entry((inquiry.skill, *guess)).or_default() += 1;
        }
    }
    let mut confusions: Vec<_> =
        confusions.into_iter().map(|((truth, guess), count)| (truth, guess, count)).collect();
    confusions.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| (a.0, a.1).cmp(&(b.0, b.1))));
    InquiryFigures {
        inquiries: inquiries.len(),
        accuracy: share(&|_| true).0,
        accuracy_by_language: Language::ALL
            .into_iter()
            .map(|language| (language.to_string(), share(&|index| inquiries[index].language == language)))
            .filter(|(_, (_, count))| *count > 0)
            .collect(),
        macro_f1: macro_f1(&pairs, Skill::ALL.len()),
        calibration_error: calibration_error(&scored),
        coverage: covered as f64 / inquiries.len() as f64,
        accuracy_covered,
        recall: Skill::ALL
            .into_iter()
            .map(|skill| (skill, share(&|index| inquiries[index].skill == skill)))
            .filter(|(_, (_, count))| *count > 0)
            .map(|(skill, (recall, _))| (skill, recall))
            .collect(),
        confusions,
    }
}
