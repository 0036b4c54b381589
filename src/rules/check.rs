//! Checks over rules that are readable as such: patterns, `near`, `not`, conditions that cannot go both ways.

use super::condition::Condition;
use super::diagnostic::{Code, Diagnostic};
use super::pack::CompiledRule;
use super::pattern::{Pattern, PatternError, Problem};
use super::rule::{Body, PatternKind, Rule, Selection, TextPattern};
use crate::text::ViewKind;

/// A pattern that does not compile, as a diagnostic at its place.
pub fn pattern_error(pattern: &TextPattern, error: PatternError, file: &str) -> Diagnostic {
    let code = match error.problem {
        Problem::Syntax => Code::BadPattern,
        Problem::WordBoundary => Code::WordBoundary,
        Problem::TooLarge => Code::PatternTooLarge,
        Problem::Unbounded => Code::Unbounded,
        Problem::EmptyMatch => Code::EmptyMatch,
    };
    let at = pattern.at.right(error.offset);
    let mut found = Diagnostic::new(code, file, at, format!("`{}`: {}", pattern.source, error.message));
    found.length = error.length;
    found.help = error.help;
    found
}

/// What makes a compiled pattern weaker or slower than its author thinks.
pub fn pattern_warnings(pattern: &TextPattern, view: ViewKind, compiled: &Pattern, file: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if compiled.kind == PatternKind::Regex && compiled.literals.is_empty() {
        found.push(
            Diagnostic::new(
                Code::NoLiteral,
                file,
                pattern.at,
                format!("`{}` has no fixed text to look for first, so it runs on every message", pattern.source),
            )
            .help("add a word that must be there, or accept the cost"),
        );
    }
    if view == ViewKind::Skeleton && compiled.kind == PatternKind::Regex && pattern.source.contains("\\d") {
        found.push(
            Diagnostic::new(
                Code::NormalForm,
                file,
                pattern.at,
                format!("`{}`: in the view skeleton digits inside words are letters already", pattern.source),
            )
            .help("look for numbers in the view digits or folded"),
        );
    }
    if compiled.kind != PatternKind::Regex && view == ViewKind::Sent {
        let folded = ViewKind::Folded.fold(&pattern.source);
        if folded != pattern.source {
            found.push(
                Diagnostic::new(
                    Code::NormalForm,
                    file,
                    pattern.at,
                    format!("`{}` is looked for exactly so in the view sent; folded it is `{folded}`", pattern.source),
                )
                .help("use the view folded unless the exact spelling matters"),
            );
        }
    }
    found
}

/// Checks every rule's selections against its condition.
pub fn check_rules(rules: &[CompiledRule], diagnostics: &mut Vec<Diagnostic>) {
    for compiled in rules {
        let rule = &compiled.rule;
        if let Body::Message { selections, condition, .. } = &rule.body {
            check_near(rule, selections, diagnostics);
            check_use(rule, selections, condition, diagnostics);
            check_constant(rule, selections, condition, diagnostics);
            check_negations(rule, selections, condition, diagnostics);
        }
    }
}

fn check_near(rule: &Rule, selections: &[Selection], diagnostics: &mut Vec<Diagnostic>) {
    let index = |name: &str| selections.iter().position(|selection| selection.name == name);
    for (own, selection) in selections.iter().enumerate() {
        let Some(near) = &selection.near else { continue };
        for (name, at) in &near.of {
            let complaint = match index(name) {
                None => {
                    let known = selections.iter().map(|other| other.name.as_str());
                    let mut found = Diagnostic::new(
                        Code::UnknownSelection,
                        &rule.file,
                        *at,
                        format!("`near` of `{}` names `{name}`, which is no selection here", selection.name),
                    );
                    found.length = name.chars().count();
                    found.help = super::diagnostic::nearest(name, known).map(|meant| format!("did you mean `{meant}`?"));
                    found
                }
                Some(other) if other == own || reaches(selections, other, own) => Diagnostic::new(
                    Code::Near,
                    &rule.file,
                    *at,
                    format!("`{}` is near `{name}`, which is near `{}` again", selection.name, selection.name),
                )
                .help("let one of the two stand free; distance counts both ways anyway"),
                Some(other) if !selections[other].has_place() => Diagnostic::new(
                    Code::Near,
                    &rule.file,
                    *at,
                    format!("`{name}` has no place in this message to be near to"),
                ),
                Some(_) => continue,
            };
            diagnostics.push(complaint);
        }
    }
}

/// Whether following `near` from one selection leads to another. Selections are few.
fn reaches(selections: &[Selection], from: usize, to: usize) -> bool {
    let mut seen = vec![false; selections.len()];
    let mut open = vec![from];
    while let Some(index) = open.pop() {
        if std::mem::replace(&mut seen[index], true) {
            continue;
        }
        for (name, _) in selections[index].near.iter().flat_map(|near| &near.of) {
            if let Some(next) = selections.iter().position(|selection| selection.name == *name) {
                if next == to {
                    return true;
                }
                open.push(next);
            }
        }
    }
    false
}

fn check_use(rule: &Rule, selections: &[Selection], condition: &Condition, diagnostics: &mut Vec<Diagnostic>) {
    let mentioned = condition.mentions();
    for (index, selection) in selections.iter().enumerate() {
        let by_condition = mentioned.iter().any(|(found, _)| *found == index);
        let by_near = selections
            .iter()
            .filter_map(|other| other.near.as_ref())
            .any(|near| near.of.iter().any(|(name, _)| *name == selection.name));
        if !by_condition && !by_near {
            diagnostics.push(
                Diagnostic::new(
                    Code::UnusedSelection,
                    &rule.file,
                    selection.at,
                    format!("the selection `{}` is not used by the condition", selection.name),
                )
                .help("use it in the condition or delete it"),
            );
        }
    }
}

/// Plain truth of a condition for given truths of its selections.
fn holds(condition: &Condition, truth: &dyn Fn(usize) -> bool) -> bool {
    match condition {
        Condition::Selection(index) => truth(*index),
        Condition::Not(inner) => !holds(inner, truth),
        Condition::And(parts) => parts.iter().all(|part| holds(part, truth)),
        Condition::Or(parts) => parts.iter().any(|part| holds(part, truth)),
        Condition::Count { count, of } => of.iter().filter(|index| truth(**index)).count() >= *count,
    }
}

/// The most selections whose combinations are tried out.
const MAX_TRIED: usize = 14;

fn check_constant(rule: &Rule, selections: &[Selection], condition: &Condition, diagnostics: &mut Vec<Diagnostic>) {
    let Body::Message { condition_at, .. } = &rule.body else { return };
    if selections.len() > MAX_TRIED {
        return;
    }
    let mut seen = [false; 2];
    for mask in 0..1_usize << selections.len() {
        seen[usize::from(holds(condition, &|index| mask >> index & 1 == 1))] = true;
    }
    if seen != [true, true] {
        let always = if seen[1] { "true" } else { "false" };
        diagnostics.push(
            Diagnostic::new(Code::ConstantCondition, &rule.file, *condition_at, format!("the condition is always {always}"))
                .help("a selection stands in it both plainly and under `not`"),
        );
    } else if holds(condition, &|_| false) {
        diagnostics.push(
            Diagnostic::new(
                Code::ConstantCondition,
                &rule.file,
                *condition_at,
                "the condition holds when no selection matches, so the rule would match nearly every message",
            )
            .help("require at least one selection with `and`"),
        );
    }
}

/// Whether the condition could hold although no pattern has a hit in the judged message.
pub fn possible_without_hits(condition: &Condition, selections: &[Selection]) -> bool {
    possible(condition, selections, true)
}

/// Whether the condition may become `wanted` when selections with a place have no hit and all others may be anything.
fn possible(condition: &Condition, selections: &[Selection], wanted: bool) -> bool {
    match condition {
        Condition::Selection(index) => !wanted || !selections[*index].has_place(),
        Condition::Not(inner) => possible(inner, selections, !wanted),
        Condition::And(parts) if wanted => parts.iter().all(|part| possible(part, selections, true)),
        Condition::And(parts) => parts.iter().any(|part| possible(part, selections, false)),
        Condition::Or(parts) if wanted => parts.iter().any(|part| possible(part, selections, true)),
        Condition::Or(parts) => parts.iter().all(|part| possible(part, selections, false)),
        Condition::Count { count, of } => {
            !wanted || of.iter().filter(|index| !selections[**index].has_place()).count() >= *count
        }
    }
}

/// Selections under a `not` that excuse hits, if the negated part is one that can: a selection, an `or` of them, `1 of`.
pub fn excuses(negated: &Condition, selections: &[Selection]) -> Option<Vec<usize>> {
    match negated {
        Condition::Selection(index) => selections[*index].has_place().then(|| vec![*index]),
        Condition::Or(parts) => {
            let each: Option<Vec<Vec<usize>>> = parts.iter().map(|part| excuses(part, selections)).collect();
            each.map(|lists| lists.concat())
        }
        Condition::Count { count: 1, of } => {
            of.iter().all(|index| selections[*index].has_place()).then(|| of.clone())
        }
        _ => None,
    }
}

fn check_negations(rule: &Rule, selections: &[Selection], condition: &Condition, diagnostics: &mut Vec<Diagnostic>) {
    let Body::Message { condition_at, .. } = &rule.body else { return };
    let mut problem = None;
    find_stray(condition, selections, false, &mut problem);
    if let Some(name) = problem {
        diagnostics.push(
            Diagnostic::new(
                Code::NotLocal,
                &rule.file,
                *condition_at,
                format!("`not` before `{name}` has no hit beside it that it could excuse"),
            )
            .help("write `something and not that`; split `not (a and b)` into `not a and not b`, or use `near`"),
        );
    }
}

/// Finds a negated selection with a place that is not a direct member of an `and` with something positive.
fn find_stray(condition: &Condition, selections: &[Selection], beside: bool, problem: &mut Option<String>) {
    match condition {
        Condition::Selection(_) | Condition::Count { .. } => {}
        Condition::Not(inner) => {
            let placed = inner.mentions().into_iter().find(|(index, _)| selections[*index].has_place());
            if let Some((index, _)) = placed {
                if !beside || excuses(inner, selections).is_none() {
                    problem.get_or_insert_with(|| selections[index].name.clone());
                }
            }
        }
        Condition::And(parts) => {
            let positive = parts.iter().any(|part| {
                !matches!(part, Condition::Not(_))
                    && part.mentions().iter().any(|(index, negated)| !negated && selections[*index].has_place())
            });
            parts.iter().for_each(|part| find_stray(part, selections, positive, problem));
        }
        Condition::Or(parts) => parts.iter().for_each(|part| find_stray(part, selections, false, problem)),
    }
}
