//! Figures as text for people.

use std::fmt::Write;

use super::capacity::{Traffic, Workload};
use super::inquiries::InquiryFigures;
use super::policies::PolicyFigures;

/// Slices smaller than this say so: their figures are mostly chance.
pub(super) const SMALL: usize = 30;

/// One policy on one slice.
pub fn policy_report(name: &str, slice: &str, figures: &PolicyFigures) -> String {
    let mut text = String::new();
    let small = if figures.violations < SMALL { "  (fewer than 30 violations: mostly chance)" } else { "" };
    let _ = writeln!(
        text,
        "{name}, {slice}: {} messages, {} violations{small}",
        figures.messages, figures.violations
    );
    for (label, value) in policy_rows(figures) {
        let _ = writeln!(text, "  {label:<60} {value:>8.3}");
    }
    text
}

/// Every figure with what it is called.
pub(super) fn policy_rows(figures: &PolicyFigures) -> Vec<(&'static str, f64)> {
    let others = [
        ("rules alone: precision", figures.rules_precision),
        ("rules alone: recall", figures.rules_recall),
        ("keyword list: precision", figures.keywords_precision),
        ("keyword list: recall", figures.keywords_recall),
        ("alerts per violation found at 1% violations, keyword list", figures.alerts_keywords),
        ("the same at its recall, rules and model", figures.alerts_ours),
    ];
    model_rows(figures).into_iter().chain(others).collect()
}

/// Those figures that the model has a part in, each a share of one.
pub(super) fn model_rows(figures: &PolicyFigures) -> [(&'static str, f64); 6] {
    [
        ("average precision, rules and model", figures.average_precision),
        ("average precision, model alone", figures.average_precision_model),
        ("recall at precision 0.9", figures.recall_at_precision_90),
        ("precision of the alerts", figures.precision),
        ("recall of the alerts", figures.recall),
        ("expected calibration error", figures.calibration_error),
    ]
}

/// Share flagged by kind of evasion and of near miss.
pub fn tag_report(figures: &PolicyFigures) -> String {
    let mut text = String::from("  share that raises an alert, by kind\n");
    for (tag, (share, count)) in &figures.flagged_by_tag {
        let small = if *count < SMALL { "  (fewer than 30)" } else { "" };
        let _ = writeln!(text, "    {tag:<28} {share:>6.3} of {count}{small}");
    }
    text
}

/// Thresholds with what they mean for reviewers.
pub fn workload_report(policy: &str, traffic: Traffic, rows: &[(String, Option<Workload>)]) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{policy}: thresholds from the held-out part, for {} messages a day with {:.2}% violations",
        traffic.messages_a_day,
        traffic.base_rate * 100.0
    );
    for (wish, load) in rows {
        let _ = match load {
            Some(load) => writeln!(
                text,
                "  {wish:<28} report = {:.4}: {:.0} alerts a day, precision {:.2}, recall {:.2}",
                load.threshold, load.alerts_a_day, load.precision, load.recall
            ),
            None => writeln!(text, "  {wish:<28} no threshold does that"),
        };
    }
    text
}

/// What is said of all skills together.
pub(super) fn skill_rows(figures: &InquiryFigures) -> [(&'static str, f64); 5] {
    [
        ("accuracy", figures.accuracy),
        ("macro F1", figures.macro_f1),
        ("expected calibration error", figures.calibration_error),
        ("share above the confidence floor", figures.coverage),
        ("accuracy above the confidence floor", figures.accuracy_covered),
    ]
}

/// Skills on one slice.
pub fn inquiry_report(slice: &str, figures: &InquiryFigures) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "skills, {slice}: {} inquiries", figures.inquiries);
    for (label, value) in skill_rows(figures) {
        let _ = writeln!(text, "  {label:<60} {value:>8.3}");
    }
    for (language, (accuracy, count)) in &figures.accuracy_by_language {
        let _ = writeln!(text, "  {:<60} {accuracy:>8.3}", format!("accuracy, {language} ({count})"));
    }
    for (skill, recall) in &figures.recall {
        let _ = writeln!(text, "  {:<60} {recall:>8.3}", format!("recall of {skill}"));
    }
    for (truth, guess, count) in figures.confusions.iter().take(8) {
        let _ = writeln!(text, "  {count} of {truth} taken for {guess}");
    }
    text
}
