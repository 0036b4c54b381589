//! What the days showed, as one self-contained HTML page with its curves as SVG.

use std::fmt::Write;

use askama::Template;

use super::day::Day;
use super::figures::{Comparison, mean, quantile};

/// Width and height of a picture in SVG units.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 200.0;
/// Points of a curve of shares.
const POINTS: usize = 60;

#[derive(Template)]
#[template(path = "simulation.html")]
struct Page<'a> {
    title: &'a str,
    facts: &'a [(String, String)],
    reference: &'a str,
    policy: &'a str,
    sections: Vec<Section>,
}

/// The days at one load.
pub struct LoadSection<'a> {
    pub load: f64,
    pub reference: &'a [Day],
    pub policy: &'a [Day],
    pub comparisons: &'a [Comparison],
}

struct Section {
    load: String,
    rows: Vec<Row>,
    pictures: Vec<Picture>,
}

struct Row {
    title: &'static str,
    reference: String,
    policy: String,
    difference: String,
    relative: String,
}

struct Picture {
    title: &'static str,
    across: &'static str,
    /// Greatest values of both axes.
    right: String,
    top: String,
    reference: String,
    policy: String,
}

/// The page. `facts` says what was played; `reference` and `policy` name the two.
///
/// # Errors
/// Only if a figure cannot be formatted, which is a bug.
pub fn simulation_page(
    title: &str,
    facts: &[(String, String)],
    (reference, policy): (&str, &str),
    loads: &[LoadSection<'_>],
) -> Result<String, askama::Error> {
    Page { title, facts, reference, policy, sections: loads.iter().map(section).collect() }.render()
}

/// Two digits, or more for small numbers.
pub(super) fn number(value: f64) -> String {
    if value.abs() < 1.0 { format!("{value:.3}") } else { format!("{value:.2}") }
}

fn section(load: &LoadSection<'_>) -> Section {
    Section {
        load: format!("{:.2}", load.load),
        rows: load.comparisons.iter().map(row).collect(),
        pictures: vec![
            picture("Mean wait until the first agent (s), by hour of arrival", "hour", load, by_hour),
            picture("Share of inquiries with an agent, by time waited", "wait, s", load, answered),
            picture("Occupancy of the agents, the busiest first", "agents", load, occupancy),
        ],
    }
}

fn row(one: &Comparison) -> Row {
    let (difference, relative) = (one.difference, one.relative);
    Row {
        title: one.measure.title(),
        reference: number(one.reference),
        policy: number(one.policy),
        difference: format!(
            "{} [{}, {}]",
            number(difference.mean),
            number(difference.low),
            number(difference.high)
        ),
        relative: format!(
            "{:+.1}% [{:+.1}%, {:+.1}%]",
            100.0 * relative.mean,
            100.0 * relative.low,
            100.0 * relative.high
        ),
    }
}

/// A curve as points.
type Curve = Vec<(f64, f64)>;

fn picture(
    title: &'static str,
    across: &'static str,
    load: &LoadSection<'_>,
    curves: fn(&[Day], &[Day]) -> (Curve, Curve),
) -> Picture {
    let (reference, policy) = curves(load.reference, load.policy);
    let most = |axis: fn(&(f64, f64)) -> f64| {
        reference.iter().chain(&policy).map(axis).fold(0.0, f64::max).max(1e-9)
    };
    let (right, top) = (most(|point| point.0), most(|point| point.1));
    let path = |curve: &Curve| {
        let mut path = String::new();
        for (index, (x, y)) in curve.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            // Writing to a string cannot fail.
            let _ = write!(path, "{command}{:.1} {:.1}", x / right * WIDTH, (1.0 - y / top) * HEIGHT);
        }
        path
    };
    Picture {
        title,
        across,
        right: number(right),
        top: number(top),
        reference: path(&reference),
        policy: path(&policy),
    }
}

fn by_hour(reference: &[Day], policy: &[Day]) -> (Curve, Curve) {
    let curve = |days: &[Day]| {
        (0..24)
            .filter_map(|hour| {
                let waits: Vec<f64> = days
                    .iter()
                    .flat_map(|day| day.hour.iter().zip(&day.first_wait))
                    .filter(|(arrived, _)| **arrived == hour)
                    .map(|(_, wait)| *wait)
                    .collect();
                (!waits.is_empty()).then(|| (hour as f64, mean(&waits)))
            })
            .collect()
    };
    (curve(reference), curve(policy))
}

fn answered(reference: &[Day], policy: &[Day]) -> (Curve, Curve) {
    let waits = |days: &[Day]| {
        let mut all: Vec<f64> = days.iter().flat_map(|day| day.first_wait.iter().copied()).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let (before, after) = (waits(reference), waits(policy));
    // Beyond the 99th percentile of the slower of both there is little to see.
    let longest = quantile(&before, 0.99).max(quantile(&after, 0.99)).max(1.0);
    let curve = |waits: &[f64]| {
        (0..=POINTS)
            .map(|point| {
                let time = longest * point as f64 / POINTS as f64;
                let within = waits.partition_point(|wait| *wait <= time);
                (time, within as f64 / waits.len().max(1) as f64)
            })
            .collect()
    };
    (curve(&before), curve(&after))
}

fn occupancy(reference: &[Day], policy: &[Day]) -> (Curve, Curve) {
    let curve = |days: &[Day]| {
        let sorted: Vec<Vec<f64>> = days
            .iter()
            .map(|day| {
                let mut shares = day.occupancy.clone();
                shares.sort_by(|a, b| b.total_cmp(a));
                shares
            })
            .collect();
        let agents = sorted.first().map_or(0, Vec::len);
        let at =
            |agent: usize| mean(&sorted.iter().filter_map(|day| day.get(agent).copied()).collect::<Vec<_>>());
        (0..agents).map(|agent| ((agent + 1) as f64, at(agent))).collect()
    };
    (curve(reference), curve(policy))
}

/// The comparison as lines of text.
pub fn table(comparisons: &[Comparison]) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "  {:<46} {:>10} {:>10}   {:<34} relative",
        "", "reference", "policy", "difference [95% interval]"
    );
    for one in comparisons {
        let row = row(one);
        let _ = writeln!(
            out,
            "  {:<46} {:>10} {:>10}   {:<34} {}",
            row.title, row.reference, row.policy, row.difference, row.relative
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::{Measure, compare};

    #[test]
    fn the_page_shows_every_figure_and_three_curves_a_load() {
        let day = |wait: f64| Day {
            inquiries: 2,
            wrong: 1,
            first_wait: vec![wait, 3.0],
            all_waits: vec![wait, 3.0],
            finished_after: vec![60.0],
            hour: vec![9, 10],
            occupancy: vec![0.5, 0.25],
            ..Day::default()
        };
        let (before, after) = ([day(4.0), day(5.0)], [day(2.0), day(1.0)]);
        let comparisons = compare(&before, &after);
        let loads =
            [LoadSection { load: 0.7, reference: &before, policy: &after, comparisons: &comparisons }];
        let facts = [("seeds".to_owned(), "2".to_owned())];
        let page = simulation_page("A day", &facts, ("before", "after"), &loads).unwrap();
        assert_eq!(page.matches("role=\"img\"").count(), 3);
        assert!(Measure::ALL.iter().all(|measure| page.contains(measure.title())));
        assert_eq!(table(&comparisons).lines().count(), 1 + Measure::ALL.len());
    }
}
