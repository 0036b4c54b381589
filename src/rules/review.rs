//! What only `rules check` looks for, because it costs time or compares rules with each other: slow patterns, patterns that
//! cannot find their own text in their view, the same pattern twice.

use std::collections::HashMap;

use regex_syntax::hir::Hir;

use super::cost::{MAX_WORK, work};
use super::diagnostic::{Code, Diagnostic};
use super::pack::RulePack;
use super::pattern::Pattern;
use super::rule::{Body, Matcher, PatternKind, Rule, Selection, TextPattern};
use super::sample::{Extent, branches, sample};
use crate::text::ViewKind;

/// Looks through a pack that compiles.
pub fn review(pack: &RulePack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut twins = Twins::default();
    for rule in pack.rules() {
        let Body::Message { selections, condition, .. } = &rule.body else { continue };
        let negated: Vec<usize> =
            condition.mentions().into_iter().filter(|(_, not)| *not).map(|(index, _)| index).collect();
        for (index, selection) in selections.iter().enumerate() {
            let Matcher::Text { view, patterns } = &selection.matcher else { continue };
            for pattern in patterns.iter().filter(|pattern| pattern.kind == PatternKind::Regex) {
                found.extend(slow(rule, *view, pattern));
                found.extend(unfolded(rule, *view, pattern));
            }
            found.extend(repeated(rule, *view, patterns));
            if !negated.contains(&index) {
                found.extend(twins.look(rule, selection, *view, patterns));
            }
        }
    }
    found
}

/// The expression as the engine runs it.
fn folded(view: ViewKind, pattern: &TextPattern) -> Option<(Hir, regex::Regex)> {
    let regex = Pattern::compile(&pattern.source, pattern.kind, view).ok()?.regex?;
    Some((regex_syntax::parse(regex.as_str()).ok()?, regex))
}

fn slow(rule: &Rule, view: ViewKind, pattern: &TextPattern) -> Option<Diagnostic> {
    let cost = work(&folded(view, pattern)?.0);
    (cost > MAX_WORK).then(|| {
        Diagnostic::new(
            Code::SlowPattern,
            &rule.file,
            pattern.at,
            format!(
                "`{}` looks at up to {cost:.0} states for each character of a hostile text; at most {MAX_WORK:.0} are allowed",
                short(&pattern.source)
            ),
        )
        .length(pattern.source.chars().count())
        .help("shorten `.{0,n}`, or split the pattern into two selections with `near`")
    })
}

/// A branch that does not find its own text once the view has folded it can never match.
fn unfolded(rule: &Rule, view: ViewKind, pattern: &TextPattern) -> Option<Diagnostic> {
    let (_, regex) = folded(view, pattern)?;
    let hir = regex_syntax::parse(&pattern.source).ok()?;
    let unfolded = regex::Regex::new(&pattern.source).ok()?;
    branches(&hir).into_iter().find_map(|branch| {
        // A sample knows nothing of edges (`a\b.{0,9}\bb`), so it counts only if the pattern as written finds it.
        let mut texts = vec![sample(branch, Extent::Least), sample(branch, Extent::Most)];
        texts.retain(|text| unfolded.is_match(text));
        let lost = texts.iter().all(|text| !regex.is_match(&view.fold(text)));
        let text = texts.first().filter(|_| lost)?;
        let form = view.fold(text);
        (*text != form).then(|| {
            Diagnostic::new(
                Code::NormalForm,
                &rule.file,
                pattern.at,
                format!(
                    "`{}` is no form that the view {view} has: there `{text}` reads `{form}`, which the pattern does not find",
                    short(&pattern.source)
                ),
            )
            .length(pattern.source.chars().count())
            .help(format!("write it as the view has it (`{form}`), or choose another view"))
        })
    })
}

/// Two words of one list that the view folds into the same.
fn repeated(rule: &Rule, view: ViewKind, patterns: &[TextPattern]) -> Vec<Diagnostic> {
    let mut seen: HashMap<(PatternKind, String), &TextPattern> = HashMap::new();
    let mut found = Vec::new();
    for pattern in patterns {
        let form = normal(view, pattern);
        if let Some(first) = seen.insert((pattern.kind, form.clone()), pattern) {
            let why = if first.source == pattern.source {
                format!("`{}` stands in this list already", short(&pattern.source))
            } else {
                format!(
                    "`{}` and `{}` are one in the view {view} (`{}`)",
                    short(&pattern.source),
                    short(&first.source),
                    short(&form)
                )
            };
            found.push(
                Diagnostic::new(Code::RepeatedPattern, &rule.file, pattern.at, why)
                    .length(pattern.source.chars().count())
                    .help("delete one of them"),
            );
        }
    }
    found
}

fn normal(view: ViewKind, pattern: &TextPattern) -> String {
    match Pattern::compile(&pattern.source, pattern.kind, view) {
        Ok(Pattern { regex: Some(regex), .. }) => regex.as_str().to_owned(),
        Ok(compiled) => compiled.literals.into_iter().next().unwrap_or_default(),
        Err(_) => pattern.source.clone(),
    }
}

type Family = (ViewKind, String, Vec<(PatternKind, String)>);

/// Selections that look for the same in two rules.
#[derive(Default)]
struct Twins {
    seen: HashMap<Family, (String, String, String)>,
}

impl Twins {
    fn look(
        &mut self,
        rule: &Rule,
        selection: &Selection,
        view: ViewKind,
        patterns: &[TextPattern],
    ) -> Option<Diagnostic> {
        // A side or language of its own, or another message, makes another selection of it.
        if selection.role.is_some()
            || selection.lang.is_some()
            || selection.previous.is_some()
            || selection.near.is_some()
        {
            return None;
        }
        let mut forms: Vec<_> =
            patterns.iter().map(|pattern| (pattern.kind, normal(view, pattern))).collect();
        forms.sort_by(|a, b| a.1.cmp(&b.1));
        let own = (rule.id.clone(), selection.name.clone(), rule.file.clone());
        let (id, name, file) = match self.seen.entry((view, rule.policy.clone(), forms)) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(own);
                return None;
            }
            std::collections::hash_map::Entry::Occupied(taken) => taken.get().clone(),
        };
        (id != rule.id).then(|| {
            Diagnostic::new(
                Code::RepeatedPattern,
                &rule.file,
                selection.at,
                format!("`{}` looks for the same as `{name}` of `{id}` ({file})", selection.name),
            )
            .length(selection.name.chars().count())
            .help("one message then raises two alerts: keep one of the rules, or require something else here")
        })
    }
}

/// A pattern in one line of a message.
fn short(text: &str) -> String {
    const MAX: usize = 60;
    if text.chars().count() <= MAX {
        text.to_owned()
    } else {
        text.chars().take(MAX).chain(['…']).collect()
    }
}
