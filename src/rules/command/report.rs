//! How diagnostics are written.

use std::io::{self, Write};

use serde_json::json;

use super::super::diagnostic::Diagnostic;
use super::snippet::Sources;
use super::{CommandError, Format};

/// Writes diagnostics in a format, with a sum at the end for people.
pub fn write_diagnostics(
    diagnostics: &[Diagnostic],
    format: Format,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    match format {
        Format::Pretty => {
            let mut sources = Sources::default();
            for diagnostic in diagnostics {
                writeln!(out, "{diagnostic}")?;
                write!(out, "{}", sources.snippet(diagnostic).unwrap_or_default())?;
            }
            let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
            writeln!(out, "{errors} errors, {} warnings", diagnostics.len() - errors)?;
        }
        Format::Json => {
            let all: Vec<_> = diagnostics.iter().map(to_json).collect();
            serde_json::to_writer_pretty(&mut *out, &all)?;
            writeln!(out)?;
        }
        Format::Junit => {
            let cases: Vec<JunitCase> = diagnostics
                .iter()
                .filter(|diagnostic| diagnostic.is_error())
                .map(|diagnostic| JunitCase {
                    class: diagnostic.file.clone(),
                    name: format!("{}:{}", diagnostic.code.as_str(), diagnostic.at.line),
                    failure: Some(diagnostic.to_string()),
                    skipped: false,
                })
                .collect();
            write_junit("rules check", &cases, out)?;
        }
        Format::Github => {
            for diagnostic in diagnostics {
                let kind = if diagnostic.is_error() { "error" } else { "warning" };
                let text = match &diagnostic.help {
                    Some(help) => format!("{} ({help})", diagnostic.message),
                    None => diagnostic.message.clone(),
                };
                github(
                    out,
                    kind,
                    &diagnostic.file,
                    diagnostic.at.line,
                    diagnostic.at.column,
                    diagnostic.code.as_str(),
                    &text,
                )?;
            }
        }
    }
    Ok(())
}

fn to_json(diagnostic: &Diagnostic) -> serde_json::Value {
    json!({
        "code": diagnostic.code.as_str(),
        "severity": if diagnostic.is_error() { "error" } else { "warning" },
        "file": diagnostic.file,
        "line": diagnostic.at.line,
        "column": diagnostic.at.column,
        "length": diagnostic.length,
        "message": diagnostic.message,
        "help": diagnostic.help,
    })
}

/// One line that a GitHub run shows beside the file.
pub fn github(
    out: &mut dyn Write,
    kind: &str,
    file: &str,
    line: usize,
    column: usize,
    title: &str,
    text: &str,
) -> io::Result<()> {
    let property =
        |text: &str| text.replace('%', "%25").replace('\n', "%0A").replace(':', "%3A").replace(',', "%2C");
    let data = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    writeln!(
        out,
        "::{kind} file={},line={line},col={column},title={}::{data}",
        property(file),
        property(title)
    )
}

/// One case of a JUnit report.
pub struct JunitCase {
    pub class: String,
    pub name: String,
    pub failure: Option<String>,
    pub skipped: bool,
}

/// Writes a JUnit report with one suite.
pub fn write_junit(suite: &str, cases: &[JunitCase], out: &mut dyn Write) -> io::Result<()> {
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let skipped = cases.iter().filter(|case| case.skipped).count();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuite name="{}" tests="{}" failures="{failures}" skipped="{skipped}">"#,
        xml(suite),
        cases.len()
    )?;
    for case in cases {
        write!(out, r#"  <testcase classname="{}" name="{}""#, xml(&case.class), xml(&case.name))?;
        match (&case.failure, case.skipped) {
            (Some(failure), _) => {
                let first = failure.lines().next().unwrap_or("");
                writeln!(out, r#"><failure message="{}">{}</failure></testcase>"#, xml(first), xml(failure))?;
            }
            (None, true) => writeln!(out, "><skipped/></testcase>")?,
            (None, false) => writeln!(out, "/>")?,
        }
    }
    writeln!(out, "</testsuite>")
}

/// Text fit for an XML attribute or element: escaped, without the characters that XML cannot hold.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}
