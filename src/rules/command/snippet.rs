//! The line of a file that a diagnostic is about, with its place underlined.

use std::collections::HashMap;
use std::fs;

use super::super::diagnostic::Diagnostic;

/// The most characters of a line that are shown.
const WIDTH: usize = 100;
/// How many of them stand before the place.
const BEFORE: usize = 30;

/// The lines of files, read once.
#[derive(Default)]
pub struct Sources {
    files: HashMap<String, Vec<String>>,
}

impl Sources {
    /// The line with a row of `^` under the place; nothing when the file cannot be read (again).
    pub fn snippet(&mut self, diagnostic: &Diagnostic) -> Option<String> {
        let lines = self.files.entry(diagnostic.file.clone()).or_insert_with(|| {
            let text = fs::read(&diagnostic.file).unwrap_or_default();
            String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
        });
        let line = lines.get(diagnostic.at.line.checked_sub(1)?)?;
        Some(underline(line, diagnostic.at.column, diagnostic.length))
    }
}

fn underline(line: &str, column: usize, length: usize) -> String {
    let place = column.saturating_sub(1);
    let from = if place > WIDTH - BEFORE { place - BEFORE } else { 0 };
    let shown: Vec<char> = line.chars().skip(from).take(WIDTH).collect();
    let width = |chars: &[char]| chars.iter().map(|c| columns(*c)).sum::<usize>();
    let start = (place - from).min(shown.len());
    let end = (start + length.max(1)).min(shown.len().max(start));
    let (left, right) =
        (if from > 0 { "…" } else { "" }, if line.chars().count() > from + WIDTH { "…" } else { "" });
    let text: String = shown.iter().map(|c| if c.is_control() { ' ' } else { *c }).collect();
    let blank = " ".repeat(left.chars().count() + width(&shown[..start]));
    let marks = "^".repeat(width(&shown[start..end]).max(1));
    format!("    | {left}{text}{right}\n    | {blank}{marks}\n")
}

/// Columns that a terminal gives a character: two for those of East Asian scripts and for pictures (Unicode UAX #11, rounded to
/// blocks).
fn columns(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115F}'
        | '\u{2E80}'..='\u{A4CF}'
        | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{FE30}'..='\u{FE6F}'
        | '\u{FF00}'..='\u{FF60}'
        | '\u{FFE0}'..='\u{FFE6}'
        | '\u{1F300}'..='\u{1FAFF}'
        | '\u{20000}'..='\u{3FFFD}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marks_stand_under_the_place() {
        assert_eq!(underline("a: [振込, x]", 9, 1), "    | a: [振込, x]\n    |           ^\n");
        assert_eq!(underline("ab", 1, 0), "    | ab\n    | ^\n");
        assert_eq!(underline("", 1, 5), "    | \n    | ^\n");
        let long = "x".repeat(300);
        let shown = underline(&long, 200, 3);
        assert!(
            shown.lines().all(|line| line.chars().count() <= WIDTH + 8) && shown.ends_with("^^^\n"),
            "{shown}"
        );
    }
}
