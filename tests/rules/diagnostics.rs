//! Every diagnostic as an author sees it: code, place, line, marks and help, compared with `diagnostics.golden`.
//!
//! After a wanted change: `UPDATE_GOLDEN=1 cargo test --release --test rules golden`, then read the difference.

use std::fmt::Write as _;
use std::fs;

use mimamori::rules::Code;
use mimamori::rules::command::{Format, Options, check};

const HEAD: &str = "title: T\nstatus: test\npolicy: harassment\nlang: [ja]\nmessage: M\n";
const CASES: &str = "match: [xxx]\nno_match: [あ]\n";

/// A code, the file of a rule (after [`HEAD`] unless it begins with `title`), and its fixtures.
#[rustfmt::skip]
const DAMAGED: &[(Code, &str, &str)] = &[
    (Code::Syntax, "detection: [1\n", CASES),
    (Code::UnknownKey, "detection:\n  a: {any: [x]}\n  condition: a\nserverity: high\n", CASES),
    (Code::MissingKey, "detection:\n  a: {any: [x]}\n", CASES),
    (Code::WrongType, "detection:\n  a: {any: 5}\n  condition: a\n", CASES),
    (Code::UnknownValue, "detection:\n  a: {view: kama, any: [x]}\n  condition: a\n", CASES),
    (Code::Duplicate, "detection:\n  a: {any: [xxx]}\n  condition: a\n", CASES),
    (Code::ConditionSyntax, "detection:\n  a: {any: [x]}\n  condition: a or\n", CASES),
    (Code::UnknownSelection, "detection:\n  app: {any: [x]}\n  condition: app and apq\n", CASES),
    (Code::BadPattern, "detection:\n  a: {re: '振込(直'}\n  condition: a\n", CASES),
    (Code::WordBoundary, "detection:\n  a: {re: '\\bライン'}\n  condition: a\n", CASES),
    (Code::PatternTooLarge, "detection:\n  a: {re: '\\w{0,90}交換'}\n  condition: a\n", CASES),
    (Code::Unbounded, "detection:\n  a: {re: 'x.*y'}\n  condition: a\n", CASES),
    (Code::Matcher, "detection:\n  a: {any: [x], tokens: [{base: y}]}\n  condition: a\n", CASES),
    (Code::Near, "detection:\n  a: {any: [x], near: {of: b, chars: 2}}\n  b: {any: [y], near: {of: a, chars: 2}}\n  condition: a and b\n", CASES),
    (Code::ConstantCondition, "detection:\n  a: {any: [x]}\n  condition: a and not a\n", CASES),
    (Code::NotLocal, "detection:\n  a: {any: [x]}\n  b: {any: [y]}\n  condition: a or not b\n", CASES),
    (Code::UnknownRule, "kind: temporal\ntimespan: 1d\nsteps: [r, r2]\n", "tests: [{stages: [{text: x, expect: {not_rules: [r]}}]}]\n"),
    (Code::EmptyMatch, "detection:\n  a: {re: 'x?'}\n  condition: a\n", CASES),
    (Code::Uncovered, "title: T\nstatus: stable\npolicy: harassment\nlang: [ja]\nmessage: M\ndetection:\n  a: {any: [xxx]}\n  b: {any: [yyy]}\n  c: {any: [xxxl]}\n  condition: (a or b) and not c\n", CASES),
    (Code::SlowPattern, "detection:\n  a: {re: '(?:[あ-ん]{0,90}|[あ-ん]{1,90}い|[あ-ん]{2,90}う)(?:[あ-ん]{0,90}お|[あ-ん]{0,90}か)返金'}\n  condition: a\n", CASES),
    (Code::NormalForm, "detection:\n  a: {view: digits, re: '090-[0-9]{4}'}\n  condition: a\n", CASES),
    (Code::UnusedSelection, "detection:\n  a: {any: [xxx]}\n  b: {any: [y]}\n  condition: a\n", CASES),
    (Code::NoLiteral, "detection:\n  a: {re: '[a-z]{3,9}'}\n  condition: a\n", CASES),
    (Code::NoPositive, "detection:\n  a: {any: [xxx]}\n  condition: a\n", "no_match: [あ]\n"),
    (Code::NoNearMiss, "detection:\n  a: {any: [xxx]}\n  condition: a\n", "match: [xxx]\n"),
    (Code::UnusedPart, "kind: part\ndetection:\n  a: {any: [xxx]}\n  condition: a\n", CASES),
    (Code::RepeatedPattern, "detection:\n  a: {view: kana, any: [ライン, 交換, らいん]}\n  condition: a\n", "match: [ライン]\nno_match: [あ]\n"),
];

/// The lines of a report that belong to one code, with the folder taken out.
fn report(body: &str, fixtures: &str, code: Code) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (rules, cases) = (folder.path().join("rules"), folder.path().join("fixtures"));
    fs::create_dir_all(&rules).unwrap();
    fs::create_dir_all(&cases).unwrap();
    let rule = if body.starts_with("title") { body.to_owned() } else { format!("{HEAD}{body}") };
    if code == Code::Duplicate {
        // Both files give their rule the id `r`.
        fs::write(rules.join("r.yaml"), &rule).unwrap();
    }
    fs::write(rules.join("r.yml"), rule).unwrap();
    fs::write(cases.join("r.yml"), fixtures).unwrap();
    let mut out = Vec::new();
    check(&Options { rules, fixtures: cases, format: Format::Pretty }, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap().replace(&format!("{}/", folder.path().display()), "");
    let mut wanted = String::new();
    let mut belongs = false;
    for line in text.lines() {
        if !line.starts_with("    |") {
            belongs = line.contains(&format!("[{}]", code.as_str()));
        }
        if belongs {
            let _ = writeln!(wanted, "{line}");
        }
    }
    assert!(!wanted.is_empty(), "{body}{} was not reported, but:\n{text}", code.as_str());
    wanted
}

#[test]
fn golden_every_code_shows_its_place_and_what_to_do() {
    let mut golden = String::new();
    for (code, body, fixtures) in DAMAGED {
        let _ = writeln!(golden, "{}", report(body, fixtures, *code));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rules/diagnostics.golden");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, &golden).unwrap();
    }
    assert_eq!(golden, fs::read_to_string(path).unwrap(), "run with UPDATE_GOLDEN=1 and read the difference");
}

#[test]
fn every_code_has_an_example_here_and_an_entry_in_the_guide() {
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md")).unwrap();
    for code in Code::ALL {
        assert!(DAMAGED.iter().any(|(shown, ..)| shown == code), "{} has no example", code.as_str());
        assert!(guide.contains(code.as_str()), "{} is not in docs/rules.md", code.as_str());
    }
}
