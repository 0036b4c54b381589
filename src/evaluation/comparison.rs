//! Figures of the shipped arithmetic beside those of the reference.

use std::fmt::Write;

use serde::Serialize;

use super::inquiries::InquiryFigures;
use super::policies::{Observation, PolicyFigures, alert};
use super::report::{model_rows, skill_rows};
use crate::moderation::PolicySettings;

/// One figure, measured twice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// Policy and language, or skills and language.
    pub slice: String,
    pub figure: &'static str,
    pub shipped: f64,
    pub reference: f64,
}

impl Compared {
    /// Shipped less reference, in hundredths.
    pub fn points(&self) -> f64 {
        (self.shipped - self.reference) * 100.0
    }
}

/// What the model has a part in, of one policy on one slice.
pub fn compare_policies(slice: &str, shipped: &PolicyFigures, reference: &PolicyFigures) -> Vec<Compared> {
    pairs(slice, model_rows(shipped), model_rows(reference)).collect()
}

/// Skills, then their accuracy in each language.
pub fn compare_inquiries(shipped: &InquiryFigures, reference: &InquiryFigures) -> Vec<Compared> {
    let mut all: Vec<Compared> = pairs("skills all", skill_rows(shipped), skill_rows(reference)).collect();
    for (language, (accuracy, _)) in &shipped.accuracy_by_language {
        let Some((expected, _)) = reference.accuracy_by_language.get(language) else { continue };
        let slice = format!("skills {language}");
        all.extend(pairs(&slice, [("accuracy", *accuracy)], [("accuracy", *expected)]));
    }
    all
}

fn pairs<const N: usize>(
    slice: &str,
    shipped: [(&'static str, f64); N],
    reference: [(&'static str, f64); N],
) -> impl Iterator<Item = Compared> {
    shipped.into_iter().zip(reference).map(move |((figure, shipped), (_, reference))| Compared {
        slice: slice.to_owned(),
        figure,
        shipped,
        reference,
    })
}

/// How far the readings of the same messages lie apart, for one policy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Apart {
    pub messages: usize,
    /// Of the logits, as absolute values.
    pub mean: f64,
    pub largest: f64,
    /// Messages on which only one of the two raises an alert.
    pub alerts: usize,
}

/// Compares message by message; both readings hold the same messages in the same order.
pub fn apart(
    settings: &PolicySettings,
    index: usize,
    shipped: &[Observation],
    reference: &[Observation],
) -> Apart {
    let pairs = || shipped.iter().zip(reference);
    let distances = || pairs().map(|(a, b)| (a.logits[index] - b.logits[index]).abs());
    Apart {
        messages: pairs().count(),
        mean: distances().sum::<f64>() / pairs().count() as f64,
        largest: distances().fold(0.0, f64::max),
        alerts: pairs().filter(|(a, b)| alert(settings, index, a) != alert(settings, index, b)).count(),
    }
}

/// The distances of one policy as a line.
pub fn apart_report(policy: &str, apart: &Apart) -> String {
    format!(
        "{policy}: logits differ by {:.3} in the mean, {:.3} at most; {} of {} messages raise an alert in one arithmetic only\n",
        apart.mean, apart.largest, apart.alerts, apart.messages
    )
}

/// A table for each slice, then the largest difference of every figure.
pub fn comparison_report(all: &[Compared]) -> String {
    let mut text = String::new();
    for slice in all.chunk_by(|a, b| a.slice == b.slice) {
        let _ = writeln!(text, "{:<44} {:>8} {:>8} {:>8}", slice[0].slice, "shipped", "floats", "points");
        for row in slice {
            let (figure, shipped, reference) = (row.figure, row.shipped, row.reference);
            let _ = writeln!(text, "  {figure:<42} {shipped:>8.4} {reference:>8.4} {:>+8.2}", row.points());
        }
    }
    let _ = writeln!(text, "largest differences in points");
    for largest in largest(all) {
        let _ = writeln!(text, "  {:<42} {:>+8.2}  {}", largest.figure, largest.points(), largest.slice);
    }
    text
}

/// For every figure the slice with the largest difference, figures in the order in which they come.
fn largest(all: &[Compared]) -> Vec<&Compared> {
    let mut largest: Vec<&Compared> = Vec::new();
    for row in all {
        match largest.iter_mut().find(|known| known.figure == row.figure) {
            Some(known) if row.points().abs() > known.points().abs() => *known = row,
            Some(_) => {}
            None => largest.push(row),
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_names_its_largest_difference_whatever_its_sign() {
        let row = |slice: &str, figure, shipped, reference| Compared {
            slice: slice.to_owned(),
            figure,
            shipped,
            reference,
        };
        let rows = [
            row("p all", "recall", 0.90, 0.90),
            row("p all", "precision", 0.800, 0.801),
            row("p ja", "recall", 0.90, 0.91),
            row("p ja", "precision", 0.75, 0.75),
            row("p en", "recall", 0.905, 0.90),
        ];
        let text = comparison_report(&rows);
        let (_, summary) = text.split_once("largest differences in points\n").unwrap();
        let lines: Vec<Vec<&str>> = summary.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines, [["recall", "-1.00", "p", "ja"], ["precision", "-0.10", "p", "all"]]);
        assert_eq!(text.matches("shipped   floats   points").count(), 3, "{text}");
    }
}
