//! The figures as one self-contained HTML page: tables, and the curves as SVG.

use std::fmt::Write;

use askama::Template;

use super::curves::Curves;
use super::inquiries::InquiryFigures;
use super::policies::PolicyFigures;
use super::report::{SMALL, policy_rows};
use crate::contract::Skill;

/// Side of a picture in SVG units; axes go from 0 to 1.
const SIDE: f64 = 200.0;

#[derive(Template)]
#[template(path = "evaluation.html")]
struct Page<'a> {
    title: &'a str,
    versions: &'a [(String, String)],
    policies: Vec<PolicySection>,
    skills: &'a InquiryFigures,
    recall: Vec<(Skill, String)>,
}

struct PolicySection {
    name: String,
    messages: usize,
    violations: usize,
    small: bool,
    rows: Vec<(&'static str, String)>,
    tags: Vec<(String, String, usize)>,
    /// SVG path of the precision-recall curve.
    precision_recall: String,
    /// Centre, radius and title of each bin.
    bins: Vec<Bin>,
}

struct Bin {
    x: String,
    y: String,
    radius: String,
    title: String,
}

/// The page for slices of policies (name, figures) and the skills. `versions` says what was measured.
///
/// # Errors
/// Only if a figure cannot be formatted, which is a bug.
pub fn evaluation_page(
    title: &str,
    versions: &[(String, String)],
    policies: &[(String, PolicyFigures)],
    skills: &InquiryFigures,
) -> Result<String, askama::Error> {
    Page {
        title,
        versions,
        policies: policies.iter().map(|(name, figures)| section(name, figures)).collect(),
        skills,
        recall: skills.recall.iter().map(|(skill, recall)| (*skill, three(*recall))).collect(),
    }
    .render()
}

fn three(value: f64) -> String {
    if value.is_finite() { format!("{value:.3}") } else { "–".to_owned() }
}

fn section(name: &str, figures: &PolicyFigures) -> PolicySection {
    PolicySection {
        name: name.to_owned(),
        messages: figures.messages,
        violations: figures.violations,
        small: figures.violations < SMALL,
        rows: policy_rows(figures).into_iter().map(|(label, value)| (label, three(value))).collect(),
        tags: figures
            .flagged_by_tag
            .iter()
            .map(|(tag, (share, count))| (tag.clone(), three(*share), *count))
            .collect(),
        precision_recall: path(&figures.curves),
        bins: bins(&figures.curves),
    }
}

fn path(curves: &Curves) -> String {
    let mut path = String::new();
    for (index, point) in curves.precision_recall.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{command}{:.1} {:.1}", point.recall * SIDE, (1.0 - point.precision) * SIDE);
    }
    path
}

fn bins(curves: &Curves) -> Vec<Bin> {
    let most = curves.reliability.iter().map(|bin| bin.messages).max().unwrap_or(1) as f64;
    curves
        .reliability
        .iter()
        .map(|bin| Bin {
            x: format!("{:.1}", bin.mean_probability * SIDE),
            y: format!("{:.1}", (1.0 - bin.frequency) * SIDE),
            // The area follows the number of messages.
            radius: format!("{:.1}", 2.0 + 8.0 * (bin.messages as f64 / most).sqrt()),
            title: format!(
                "probability {:.2}, frequency {:.2}, {} messages",
                bin.mean_probability, bin.frequency, bin.messages
            ),
        })
        .collect()
}
