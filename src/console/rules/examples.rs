//! What the fixtures say about a rule.

use crate::console::layout::reading_language;
use crate::console::words::Words;
use crate::rules::Fixture;

/// Examples of one rule that are shown.
const MOST: usize = 200;

/// One case about a rule.
pub(super) struct Example {
    /// What the rule must say.
    pub(super) expected: &'static str,
    pub(super) about: String,
    pub(super) said: Vec<Said>,
}

pub(super) struct Said {
    pub(super) sender: &'static str,
    pub(super) text: String,
    pub(super) lang: &'static str,
}

/// The cases in which the rule is named, as far as they go until then.
pub(super) fn examples(fixtures: &[Fixture], rule: &str, words: &Words) -> Vec<Example> {
    fixtures.iter().flat_map(|fixture| about(fixture, rule, words)).take(MOST).collect()
}

fn about(fixture: &Fixture, rule: &str, words: &Words) -> Vec<Example> {
    let named = |ids: &[String]| ids.iter().any(|id| id == rule);
    let expectations = fixture.stages.iter().enumerate().filter_map(|(last, stage)| {
        let expect = stage.expect.as_ref()?;
        let expected = if named(&expect.rules) {
            words.rules.must_match
        } else if named(&expect.not_rules) {
            words.rules.must_not_match
        } else if named(&expect.undecided) {
            words.rules.must_be_undecided
        } else {
            return None;
        };
        Some((last, expected))
    });
    expectations
        .map(|(last, expected)| Example {
            expected,
            about: match (&fixture.todo, &fixture.desc) {
                (Some(known), _) => format!("{}: {known}", words.rules.known_miss),
                (None, about) => about.clone().unwrap_or_default(),
            },
            said: fixture.stages[..=last]
                .iter()
                .map(|stage| Said {
                    sender: (words.role_name)(stage.from),
                    text: stage.text.clone(),
                    lang: reading_language(&stage.text).as_str(),
                })
                .collect(),
        })
        .collect()
}
