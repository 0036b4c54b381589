//! The committed pack passes its own fixtures, and damaged rule files are refused with file, line and what was expected.

#[path = "rules/commands.rs"]
mod commands;
#[path = "rules/diagnostics.rs"]
mod diagnostics;

use std::fs;
use std::path::PathBuf;

use mimamori::rules::command::{Exit, Format, Options, TestOptions, check, coverage, test};
use mimamori::rules::{Code, RulePack};

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn options() -> Options {
    Options { rules: repository("rules"), fixtures: repository("fixtures/rules"), format: Format::Pretty }
}

#[test]
fn the_pack_has_no_error_and_its_fixtures_pass() {
    let mut out = Vec::new();
    let exit = check(&options(), &mut out).unwrap();
    assert_eq!(exit, Exit::Fine, "{}", String::from_utf8_lossy(&out));
    let mut out = Vec::new();
    let exit = test(&TestOptions { options: options(), filter: None }, &mut out).unwrap();
    assert_eq!(exit, Exit::Fine, "{}", String::from_utf8_lossy(&out));
    let mut out = Vec::new();
    let exit = coverage(&options(), &mut out).unwrap();
    assert_eq!(exit, Exit::Fine, "{}", String::from_utf8_lossy(&out));
}

const HEAD: &str = "title: T\nstatus: test\npolicy: harassment\nlang: [ja]\nmessage: M\n";

/// A damaged file, the code, the line and column of the complaint, and words that it must contain.
const DAMAGED: &[(&str, Code, usize, usize, &str)] = &[
    (
        "detection:\n  a: {any: [x]}\n  condition: a\nserverity: high\n",
        Code::UnknownKey,
        9,
        1,
        "did you mean `severity`",
    ),
    ("detection:\n  a: {any: [x]}\n", Code::MissingKey, 7, 3, "`condition`"),
    (
        "detection:\n  a: {any: [x]}\n  condition: 'a and b'\n",
        Code::UnknownSelection,
        8,
        21,
        "no selection is called `b`",
    ),
    ("detection:\n  a: {any: [x]}\n  condition: a or\n", Code::ConditionSyntax, 8, 18, "ends where"),
    ("detection:\n  a: {re: 'x(y'}\n  condition: a\n", Code::BadPattern, 7, 13, "unclosed group"),
    ("detection:\n  a: {re: '\\bライン'}\n  condition: a\n", Code::WordBoundary, 7, 12, "word:"),
    ("detection:\n  a: {re: 'x.*y'}\n  condition: a\n", Code::Unbounded, 7, 12, "without an end"),
    ("detection:\n  a: {re: '\\w{0,90}交換'}\n  condition: a\n", Code::PatternTooLarge, 7, 12, "256 KiB"),
    ("detection:\n  a: {re: 'x?'}\n  condition: a\n", Code::EmptyMatch, 7, 12, "empty text"),
    (
        "detection:\n  a: {view: kama, any: [x]}\n  condition: a\n",
        Code::UnknownValue,
        7,
        13,
        "did you mean `kana`",
    ),
    (
        "detection:\n  a: {any: [x], tokens: [{base: y}]}\n  condition: a\n",
        Code::Matcher,
        7,
        3,
        "two different things",
    ),
    (
        "detection:\n  a: {any: [x]}\n  b: {any: [y], near: {of: c, tokens: 2}}\n  condition: a and b\n",
        Code::UnknownSelection,
        8,
        28,
        "names `c`",
    ),
    (
        "detection:\n  a: {any: [x], near: {of: b, chars: 2}}\n  b: {any: [y], near: {of: a, chars: 2}}\n  condition: a and b\n",
        Code::Near,
        7,
        28,
        "near `a` again",
    ),
    (
        "detection:\n  a: {any: [x]}\n  condition: a and not a\n",
        Code::ConstantCondition,
        8,
        14,
        "always false",
    ),
    (
        "detection:\n  a: {any: [x]}\n  b: {any: [y]}\n  condition: a or not b\n",
        Code::NotLocal,
        9,
        14,
        "no hit beside it",
    ),
    ("detection:\n  a: {any: 5}\n  condition: a\n", Code::WrongType, 7, 12, "must be text"),
    ("detection: [1\n", Code::Syntax, 6, 12, "not readable as YAML"),
    (
        "kind: temporal\ntimespan: 1d\nsteps: [no/such, no/such]\n",
        Code::UnknownRule,
        8,
        9,
        "no rule is called",
    ),
    ("kind: temporal\ntimespan: soon\nsteps: [a, b]\n", Code::UnknownValue, 7, 11, "30m"),
];

#[test]
fn a_damaged_file_is_refused_at_its_place() {
    for (body, code, line, column, needle) in DAMAGED {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("broken.yml"), format!("{HEAD}{body}")).unwrap();
        let problems = RulePack::load(folder.path()).unwrap_err();
        let all = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let found = problems.iter().find(|problem| problem.code == *code);
        let found = found.unwrap_or_else(|| panic!("{body}: expected {}, found:\n{all}", code.as_str()));
        assert!(found.file.ends_with("broken.yml"), "{all}");
        assert_eq!((found.at.line, found.at.column), (*line, *column), "{body}{all}");
        assert!(found.to_string().contains(needle), "{body}: `{needle}` is not in\n{all}");
    }
}

#[test]
fn every_problem_of_every_file_is_reported_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yml"), "title: A\nstatus: tset\n").unwrap();
    fs::write(folder.path().join("b.yml"), [b't', b'i', b'\n', 0xFF, b'\n']).unwrap();
    let problems = RulePack::load(folder.path()).unwrap_err();
    assert!(
        problems.iter().any(|problem| problem.file.ends_with("b.yml") && problem.at.line == 2),
        "{problems:?}"
    );
    fs::remove_file(folder.path().join("b.yml")).unwrap();
    let problems = RulePack::load(folder.path()).unwrap_err();
    assert!(problems.len() >= 4, "{problems:?}");
}

#[test]
fn mismatches_are_all_printed_with_their_lines_and_formats() {
    let folder = tempfile::tempdir().unwrap();
    let (rules, fixtures) = (folder.path().join("rules"), folder.path().join("fixtures"));
    fs::create_dir_all(&rules).unwrap();
    fs::create_dir_all(&fixtures).unwrap();
    fs::write(rules.join("r.yml"), format!("{HEAD}detection:\n  a: {{any: [ライン]}}\n  condition: a\n"))
        .unwrap();
    let cases = "match:\n  - 何もない <&>\n  - {text: 'ライン', todo: known}\nno_match:\n  - あのライン\n";
    fs::write(fixtures.join("r.yml"), cases).unwrap();
    let run = |format: Format| {
        let options = Options { rules: rules.clone(), fixtures: fixtures.clone(), format };
        let mut out = Vec::new();
        let exit = test(&TestOptions { options, filter: None }, &mut out).unwrap();
        assert_eq!(exit, Exit::Failures);
        String::from_utf8(out).unwrap()
    };
    let pretty = run(Format::Pretty);
    for needle in [
        "r.yml:2:",
        "should match and does not",
        "r.yml:3:",
        "passes now",
        "r.yml:5:",
        "あの«ライン»",
        "3 cases: 0 passed, 3 failed",
    ] {
        assert!(pretty.contains(needle), "`{needle}` is not in\n{pretty}");
    }
    assert!(run(Format::Junit).contains("failures=\"3\"") && run(Format::Junit).contains("&lt;&amp;&gt;"));
    assert_eq!(run(Format::Github).lines().count(), 3);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&run(Format::Json)).unwrap().as_array().unwrap().len(),
        3
    );
}
