//! The pack that another one is compared with: a folder, or a revision of the git repository that the rules stand in.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::files::{SourceFile, read_folder};
use super::CommandError;
use super::report::write_diagnostics;

/// Reads the files of the pack to compare with. A folder of that name wins over a revision.
pub fn read_base(base: &str, rules: &Path) -> Result<Vec<SourceFile>, CommandError> {
    let folder = Path::new(base);
    if folder.is_dir() {
        return read_folder(folder).map_err(|problems| {
            let mut text = Vec::new();
            let _ = write_diagnostics(&problems, super::Format::Pretty, &mut text);
            CommandError::Usage(String::from_utf8_lossy(&text).trim_end().to_owned())
        });
    }
    from_revision(base, rules)
}

/// The rule files as they stood in a revision. Names read `REV:path`.
fn from_revision(revision: &str, rules: &Path) -> Result<Vec<SourceFile>, CommandError> {
    let rules = rules
        .canonicalize()
        .map_err(|error| CommandError::Usage(format!("{}: cannot be read: {error}", rules.display())))?;
    let top = git(&rules, &["rev-parse", "--show-toplevel"]).map_err(|detail| {
        CommandError::Usage(format!(
            "--base {revision}: no folder is called so, and {} is not inside a git repository ({detail}); give a folder with the earlier rules",
            rules.display()
        ))
    })?;
    let top = PathBuf::from(top.trim_end());
    let commit = format!("{revision}^{{commit}}");
    let commit =
        git(&top, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).map_err(|_| {
            CommandError::Usage(format!(
                "--base {revision}: neither a folder nor a revision of the repository at {}",
                top.display()
            ))
        })?;
    let below = rules.strip_prefix(&top).unwrap_or(&rules);
    let path = format!("{}/", below.display());
    // In the folder at the top the path is empty: everything of the revision.
    let path = if path == "/" { ".".to_owned() } else { path };
    let failed = |detail: String| CommandError::Usage(format!("--base {revision}: git: {detail}"));
    let list =
        git(&top, &["ls-tree", "-r", "-z", "--full-tree", commit.trim_end(), "--", &path]).map_err(failed)?;
    let mut files = Vec::new();
    for entry in list.split('\0').filter(|entry| !entry.is_empty()) {
        let Some((meta, name)) = entry.split_once('\t') else { continue };
        let Some(object) = meta.split(' ').nth(2) else { continue };
        let inside = Path::new(name).strip_prefix(below).unwrap_or(Path::new(name));
        let rule =
            inside.extension().and_then(OsStr::to_str).is_some_and(|end| end == "yml" || end == "yaml");
        let hidden = inside.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
        // A link (mode 120000) holds a path, not rules.
        if !rule || hidden || meta.starts_with("120000") {
            continue;
        }
        let text = git(&top, &["cat-file", "blob", object])
            .map_err(|detail| CommandError::Usage(format!("{revision}:{name}: {detail}")))?;
        let stem = inside.with_extension("").to_string_lossy().replace('\\', "/");
        files.push(SourceFile { name: format!("{revision}:{name}"), stem, text });
    }
    if files.is_empty() {
        let message = format!("--base {revision}: that revision has no rules in {}", below.display());
        return Err(CommandError::Usage(message));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Runs git and hands back what it writes, or the first line of its complaint.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().map_err(|error| {
        match error.kind() {
            io::ErrorKind::NotFound => "the program git is not installed".to_owned(),
            _ => format!("git cannot be started: {error}"),
        }
    })?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(complaint.lines().next().unwrap_or("git failed").to_owned());
    }
    String::from_utf8(output.stdout).map_err(|_| "the content is not UTF-8".to_owned())
}
