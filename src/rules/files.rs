//! Finds and reads the files of a pack or of its fixtures. The only place of the engine that touches the disk.

use std::fs;
use std::path::{Path, PathBuf};

use super::diagnostic::{Code, Diagnostic, Position};

/// One file of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// For people: the path as it was asked for.
    pub name: String,
    /// Path below the folder, with `/`, without `.yml`: the id of the rule.
    pub stem: String,
    pub text: String,
}

/// The largest rule or fixture file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Every `.yml` file below a folder, in the order of their paths. Everything that cannot be read is reported. Files and folders
/// whose names begin with a dot (what editors and mounted configurations leave) are not looked at. Links are followed, except
/// one that leads back to a folder above it, which is reported.
pub fn read_folder(folder: &Path) -> Result<Vec<SourceFile>, Vec<Diagnostic>> {
    let mut paths = Vec::new();
    let mut problems = Vec::new();
    collect(folder, &mut Vec::new(), &mut paths, &mut problems);
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let large = fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MAX_BYTES);
        match fs::read(&path) {
            _ if large => problems.push(problem(&path, format!("the file is over {MAX_BYTES} bytes"))),
            Err(error) => problems.push(problem(&path, format!("cannot be read: {error}"))),
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => files.push(SourceFile { name, stem: stem(folder, &path), text }),
                Err(error) => {
                    let valid = error.utf8_error().valid_up_to();
                    let line = 1 + error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count();
                    let mut found = problem(&path, "the file is not UTF-8".to_owned());
                    found.at.line = line;
                    found.help = Some("save it as UTF-8".into());
                    problems.push(found);
                }
            },
        }
    }
    if files.is_empty() && problems.is_empty() {
        problems.push(problem(folder, "no .yml file stands here or below".to_owned()));
    }
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}

/// Adds the files of a folder. `above` are the folders that led here, without links.
fn collect(
    folder: &Path,
    above: &mut Vec<PathBuf>,
    paths: &mut Vec<PathBuf>,
    problems: &mut Vec<Diagnostic>,
) {
    let unreadable = |error: std::io::Error| problem(folder, format!("the folder cannot be read: {error}"));
    let (real, entries) = match folder.canonicalize().and_then(|real| Ok((real, fs::read_dir(folder)?))) {
        Ok(found) => found,
        Err(error) => return problems.push(unreadable(error)),
    };
    if above.contains(&real) {
        let message = format!("this link leads back to {}, which it stands in", real.display());
        return problems.push(problem(folder, message).help("delete the link"));
    }
    above.push(real);
    for entry in entries {
        match entry.map(|entry| entry.path()) {
            Ok(path) if is_hidden(&path) => {}
            Ok(path) if path.is_dir() => collect(&path, above, paths, problems),
            Ok(path)
                if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") =>
            {
                paths.push(path);
            }
            Ok(_) => {}
            Err(error) => problems.push(unreadable(error)),
        }
    }
    above.pop();
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn problem(path: &Path, message: String) -> Diagnostic {
    Diagnostic::new(Code::Syntax, &path.display().to_string(), Position { line: 1, column: 1 }, message)
}

fn stem(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let parts: Vec<_> =
        below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}
