//! A line chart as SVG, drawn on the server: lines over equal steps of time, gaps where nothing is known, bands for intervals. The
//! same numbers stand below it as a table, and are given as CSV.

use std::fmt::Write;

use askama::Template;

use super::layout::{grouped, percent};
use super::words::Words;

/// The picture in SVG units, and the room around the lines for what is written on the axes.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 24.0;
/// Lines that are told apart by colour and dashes; those beyond look like the first ones again.
const STYLES: usize = 4;
/// Labels below the picture, at most.
const LABELS: usize = 6;

/// What the numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Count,
    /// 0 to 1, shown as percent; the axis always goes from 0 to 1.
    Share,
    Seconds,
}

/// One point of a line.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Point {
    /// None where nothing is known: the line has a gap there.
    pub(super) value: Option<f64>,
    /// Lower and upper end of its interval.
    pub(super) interval: Option<(f64, f64)>,
}

impl From<f64> for Point {
    fn from(value: f64) -> Self {
        Self { value: Some(value), interval: None }
    }
}

/// A line: as many points as the chart has steps.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<Point>,
}

/// A chart, ready to be written into a page with `{{ chart|safe }}`; its template escapes what it is given.
#[derive(Template)]
#[template(path = "chart.html")]
pub(super) struct Chart {
    words: &'static Words,
    /// Unique within the page.
    id: &'static str,
    title: String,
    /// Name of a step, such as *day*.
    step: String,
    unit: Unit,
    steps: Vec<String>,
    series: Vec<Series>,
    /// Where the CSV of the same numbers is.
    csv: Option<String>,
    top: f64,
}

/// A line as it is drawn.
struct Drawn {
    style: usize,
    name: String,
    line: String,
    band: String,
    /// Places and names of the single points.
    dots: Vec<(String, String, String)>,
}

impl Chart {
    /// `steps` names each step along the time, such as `2026-11-22`; `step` what they are. Lines that are shorter have gaps at the end.
    pub(super) fn new(
        words: &'static Words,
        id: &'static str,
        title: String,
        unit: Unit,
        (step, steps): (&str, Vec<String>),
        series: Vec<Series>,
    ) -> Self {
        let highest = series
            .iter()
            .flat_map(|line| &line.points)
            .flat_map(|point| point.value.into_iter().chain(point.interval.map(|(_, high)| high)))
            .fold(0.0, f64::max);
        let top = if unit == Unit::Share { 1.0 } else { round_up(highest) };
        Self { words, id, title, step: step.to_owned(), unit, steps, series, csv: None, top }
    }

    /// Names the address of the same numbers as CSV.
    pub(super) fn with_csv(mut self, address: String) -> Self {
        self.csv = Some(address);
        self
    }

    /// The numbers for a spreadsheet: one line a step; shares from 0 to 1, intervals as columns of their own, empty where nothing is known.
    ///
    /// # Errors
    /// Only if memory cannot be written, which is a bug.
    pub(super) fn to_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        let names = self.series.iter().flat_map(|line| {
            let ends =
                self.has_intervals(line).then(|| ["low", "high"].map(|end| format!("{} {end}", line.name)));
            std::iter::once(line.name.clone()).chain(ends.into_iter().flatten())
        });
        writer.write_record(std::iter::once(self.step.clone()).chain(names))?;
        for (index, step) in self.steps.iter().enumerate() {
            let numbers = self.series.iter().flat_map(|line| {
                let point = line.points.get(index).copied().unwrap_or_default();
                let written =
                    |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
                let ends = self.has_intervals(line).then(|| {
                    [point.interval.map(|ends| ends.0), point.interval.map(|ends| ends.1)].map(written)
                });
                std::iter::once(written(point.value)).chain(ends.into_iter().flatten())
            });
            writer.write_record(std::iter::once(step.clone()).chain(numbers))?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }

    fn has_intervals(&self, line: &Series) -> bool {
        line.points.iter().any(|point| point.interval.is_some())
    }

    fn across(&self, step: usize) -> f64 {
        let last = self.steps.len().saturating_sub(1).max(1) as f64;
        LEFT + (WIDTH - LEFT - RIGHT) * step as f64 / last
    }

    fn height_of(&self, value: f64) -> f64 {
        let share = (value / self.top).clamp(0.0, 1.0);
        TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share)
    }

    /// Places and labels of the horizontal lines.
    fn levels(&self) -> Vec<(String, String)> {
        [0.0, 0.5, 1.0]
            .map(|share| (place(self.height_of(share * self.top)), self.shown(share * self.top)))
            .into()
    }

    /// Places and names of some steps, the last one among them.
    fn marks(&self) -> Vec<(String, &str)> {
        let every = self.steps.len().div_ceil(LABELS).max(1);
        let from_the_end = |index: &usize| (self.steps.len() - 1 - index).is_multiple_of(every);
        (0..self.steps.len())
            .filter(from_the_end)
            .map(|index| (place(self.across(index)), self.steps[index].as_str()))
            .collect()
    }

    fn drawn(&self) -> Vec<Drawn> {
        self.series.iter().enumerate().map(|(index, line)| self.draw(index % STYLES, line)).collect()
    }

    fn draw(&self, style: usize, line: &Series) -> Drawn {
        let mut drawn = Drawn {
            style,
            name: line.name.clone(),
            line: String::new(),
            band: String::new(),
            dots: Vec::new(),
        };
        let mut apart = true;
        for (index, point) in line.points.iter().enumerate().take(self.steps.len()) {
            let x = self.across(index);
            if let Some((low, high)) = point.interval {
                let half = ((self.across(1) - self.across(0)) / 2.0).min(6.0);
                let (low, high) = (self.height_of(low), self.height_of(high));
                // Writing to a string cannot fail.
                let _ = write!(
                    drawn.band,
                    "M{:.1} {high:.1}H{:.1}V{low:.1}H{:.1}Z",
                    x - half,
                    x + half,
                    x - half
                );
            }
            let Some(value) = point.value else {
                apart = true;
                continue;
            };
            let y = self.height_of(value);
            let _ = write!(drawn.line, "{}{x:.1} {y:.1}", if apart { 'M' } else { 'L' });
            apart = false;
            let name = format!("{} · {}: {}", self.steps[index], line.name, self.with_interval(point));
            drawn.dots.push((place(x), place(y), name));
        }
        drawn
    }

    /// The table: each step with a cell for each line.
    fn rows(&self) -> Vec<(&str, Vec<String>)> {
        let cell = |line: &Series, index: usize| {
            line.points.get(index).map_or_else(String::new, |point| self.with_interval(point))
        };
        self.steps
            .iter()
            .enumerate()
            .map(|(index, step)| (step.as_str(), self.series.iter().map(|line| cell(line, index)).collect()))
            .collect()
    }

    fn with_interval(&self, point: &Point) -> String {
        match (point.value, point.interval) {
            (Some(value), Some((low, high))) => {
                format!("{} ({}–{})", self.shown(value), self.shown(low), self.shown(high))
            }
            (Some(value), None) => self.shown(value),
            (None, _) => String::new(),
        }
    }

    fn shown(&self, value: f64) -> String {
        match self.unit {
            Unit::Share => percent(value),
            Unit::Count if value.fract() == 0.0 => grouped(value as u64),
            Unit::Count => format!("{value:.1}"),
            Unit::Seconds if value < 120.0 => format!("{value:.0} s"),
            Unit::Seconds if value < 7_200.0 => format!("{:.0} min", value / 60.0),
            Unit::Seconds => format!("{:.1} h", value / 3_600.0),
        }
    }
}

fn place(coordinate: f64) -> String {
    format!("{coordinate:.1}")
}

/// The next of 1, 2, 5, 10, 20, 50, … that is not below the value, so that the axis ends at a number that people read at once.
fn round_up(value: f64) -> f64 {
    if value <= 1.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|top| *top >= value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Language;

    fn chart(unit: Unit, points: Vec<Point>) -> Chart {
        let steps = (1..=points.len()).map(|day| format!("2026-11-{day:02}")).collect();
        let series = vec![Series { name: "rules <all>".into(), points }];
        Chart::new(Words::of(Language::En), "alerts", "Alerts a day".into(), unit, ("day", steps), series)
    }

    #[test]
    fn a_gap_is_a_gap_and_names_are_escaped() {
        let page = chart(Unit::Count, vec![3.0.into(), Point::default(), 1_234.0.into()]).render().unwrap();
        assert!(page.contains("role=\"img\""));
        assert!(page.contains("1,234") && page.contains("2,000"), "{page}");
        assert!(page.contains("rules &#60;all&#62;") && !page.contains("<all>"), "{page}");
        let line = page.split("class=\"line s0\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(line.matches('M').count(), 2, "{line}");
    }

    #[test]
    fn the_table_and_the_csv_hold_the_intervals() {
        let point = Point { value: Some(0.5), interval: Some((0.25, 0.75)) };
        let chart = chart(Unit::Share, vec![point, Point::default()]);
        assert_eq!(chart.rows()[0].1, ["50% (25%–75%)"]);
        assert_eq!(chart.rows()[1].1, [""]);
        let csv = String::from_utf8(chart.to_csv().unwrap()).unwrap();
        assert_eq!(csv.lines().nth(1), Some("2026-11-01,0.5,0.25,0.75"));
        assert_eq!(csv.lines().nth(2), Some("2026-11-02,,,"));
    }

    #[test]
    fn an_axis_ends_at_a_round_number() {
        assert_eq!([0.0, 1.0, 3.0, 51.0, 100.0, 101.0].map(round_up), [1.0, 1.0, 5.0, 100.0, 100.0, 200.0]);
    }

    #[test]
    fn nothing_to_show_is_an_empty_picture() {
        assert!(chart(Unit::Seconds, Vec::new()).render().is_ok());
        assert!(chart(Unit::Count, vec![7.0.into()]).render().is_ok());
    }
}
