//! A pack of rules: read, checked and compiled as a whole, or not at all.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::check::check_rules;
use super::conversation::Step;
use super::diagnostic::{Code, Diagnostic, Position};
use super::files::{SourceFile, read_folder};
use super::pattern::Pattern;
use super::read::read_file;
use super::rule::{Body, Matcher, PatternKind, Rule, Status, TokenPattern};
use super::scan::{PatternId, Scan, Scanner};
use crate::text::{ViewKind, Views};

/// Rules ready to judge messages. Immutable; replaced whole. A clone shares everything.
#[derive(Clone)]
pub struct RulePack {
    /// Of the files and of what is switched off.
    pub(super) version: Arc<str>,
    /// Of the files alone.
    files_version: Arc<str>,
    pub(super) rules: Arc<Vec<CompiledRule>>,
    scanner: Arc<Scanner>,
    /// Which rules a pattern belongs to.
    pub(super) users: Arc<Vec<Vec<u32>>>,
    /// Rules that can match without any hit of their own patterns.
    pub(super) always: Arc<Vec<u32>>,
    /// For every rule the conversation rules that have it as a step.
    pub(super) conversations: Arc<Vec<Vec<u32>>>,
    /// What `rules check` would only warn about.
    warnings: Arc<Vec<Diagnostic>>,
    /// Rules that are switched off.
    off: Arc<BTreeSet<u32>>,
}

impl std::fmt::Debug for RulePack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RulePack").field("version", &self.version).field("rules", &self.rules.len()).finish()
    }
}

/// A rule with its patterns' ids, by selection.
#[derive(Debug)]
pub struct CompiledRule {
    pub rule: Rule,
    /// For every selection the patterns of which any makes a hit.
    pub patterns: Vec<Vec<PatternId>>,
    /// For conversation rules the steps with the rules they stand for.
    pub steps: Vec<Step>,
    /// Whether another rule needs to know that this one matched.
    pub referenced: bool,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Text(ViewKind, PatternKind, String),
    Tokens(Vec<TokenPattern>, usize),
}

impl RulePack {
    /// Reads every `.yml` file below a folder. On any error the whole pack is refused, with everything that is wrong.
    pub fn load(folder: &Path) -> Result<RulePack, Vec<Diagnostic>> {
        let files = read_folder(folder)?;
        RulePack::compile(&files)
    }

    /// Compiles files that were read before. Pure.
    pub fn compile(files: &[SourceFile]) -> Result<RulePack, Vec<Diagnostic>> {
        let (pack, diagnostics) = RulePack::compile_with_warnings(files);
        match pack {
            Some(pack) => Ok(pack),
            None => Err(diagnostics.into_iter().filter(Diagnostic::is_error).collect()),
        }
    }

    /// The pack, if there is no error, and every diagnostic.
    pub fn compile_with_warnings(files: &[SourceFile]) -> (Option<RulePack>, Vec<Diagnostic>) {
        let mut rules = Vec::new();
        let mut diagnostics = Vec::new();
        for file in files {
            let (found, complaints) = read_file(&file.text, &file.name, &file.stem);
            rules.extend(found);
            diagnostics.extend(complaints);
        }
        report_duplicates(&rules, &mut diagnostics);
        let mut compiler = Compiler::default();
        let compiled: Vec<CompiledRule> =
            rules.into_iter().map(|rule| compiler.compile(rule, &mut diagnostics)).collect();
        check_rules(&compiled, &mut diagnostics);
        let broken: Vec<&str> = files
            .iter()
            .filter(|file| diagnostics.iter().any(|found| found.is_error() && found.file == file.name))
            .map(|file| file.stem.as_str())
            .collect();
        let compiled = resolve(compiled, &broken, &mut diagnostics);
        diagnostics.sort_by(|a, b| (&a.file, a.at, a.code).cmp(&(&b.file, b.at, b.code)));
        diagnostics.dedup();
        if diagnostics.iter().any(Diagnostic::is_error) {
            return (None, diagnostics);
        }
        match compiler.finish(compiled, version_of(files)) {
            Ok(mut pack) => {
                pack.warnings = Arc::new(diagnostics.clone());
                (Some(pack), diagnostics)
            }
            Err(error) => {
                let at = Position { line: 1, column: 1 };
                let file = files.first().map_or("rules", |file| file.name.as_str());
                diagnostics.push(
                    Diagnostic::new(
                        Code::PatternTooLarge,
                        file,
                        at,
                        format!("the pack as a whole does not compile: {error}"),
                    )
                    .help("split very long word lists"),
                );
                (None, diagnostics)
            }
        }
    }

    /// Hash over names and contents of the files, and over the ids of the rules that are switched off, if any: two packs with the
    /// same version judge alike.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The part of the version that tells the files, whatever is switched off.
    pub fn files_version(&self) -> &str {
        &self.files_version
    }

    pub(super) fn shared_files_version(&self) -> Arc<str> {
        Arc::clone(&self.files_version)
    }

    /// The same rules with exactly these switched off, whatever was off before. Ids that are not in the pack change nothing.
    pub fn without(&self, ids: &BTreeSet<String>) -> RulePack {
        let off: BTreeSet<u32> = (0..)
            .zip(self.rules.iter())
            .filter(|(_, one)| ids.contains(&one.rule.id))
            .map(|(at, _)| at)
            .collect();
        let version = if off.is_empty() {
            self.files_version.clone()
        } else {
            let ids: BTreeSet<&str> =
                off.iter().map(|at| self.rules[*at as usize].rule.id.as_str()).collect();
            format!("{}-off-{}", self.files_version, hash_of(&ids)).into()
        };
        RulePack { version, off: Arc::new(off), ..self.clone() }
    }

    /// The rules that are switched off.
    pub fn off(&self) -> impl Iterator<Item = &Rule> {
        self.off.iter().map(|at| &self.rules[*at as usize].rule)
    }

    pub(super) fn is_off(&self, rule: u32) -> bool {
        self.off.contains(&rule)
    }

    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|compiled| &compiled.rule)
    }

    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules().find(|rule| rule.id == id)
    }

    pub fn len(&self) -> usize {
        self.rules.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What is not wrong enough to refuse the pack.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// A pack with only this rule, to measure it by itself. `None` for conversation rules, which have no patterns of their own.
    pub(super) fn only(&self, id: &str) -> Option<RulePack> {
        let rule = self.rule(id).filter(|rule| matches!(rule.body, Body::Message { .. }))?.clone();
        let mut compiler = Compiler::default();
        let compiled = compiler.compile(rule, &mut Vec::new());
        compiler.finish(vec![compiled], format!("{}/{id}", self.version)).ok()
    }

    /// Finds every pattern of the pack in a message. The result belongs to this version of the pack.
    pub fn scan(&self, views: &Views) -> Scan {
        let mut scan = self.scanner.scan(views);
        let mut rules: Vec<u32> =
            scan.patterns().flat_map(|pattern| self.users[pattern as usize].iter().copied()).collect();
        rules.sort_unstable();
        rules.dedup();
        scan.rules = rules;
        scan
    }
}

pub(super) fn version_of(files: &[SourceFile]) -> String {
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update((file.stem.len() as u64).to_le_bytes());
        hasher.update(file.stem.as_bytes());
        hasher.update((file.text.len() as u64).to_le_bytes());
        hasher.update(file.text.as_bytes());
    }
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Eight hexadecimal digits that tell one set of rules from another.
fn hash_of(ids: &BTreeSet<&str>) -> String {
    let mut hasher = Sha256::new();
    for id in ids {
        hasher.update((id.len() as u64).to_le_bytes());
        hasher.update(id.as_bytes());
    }
    hasher.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn report_duplicates(rules: &[Rule], diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<&str, &Rule> = HashMap::new();
    for rule in rules {
        if let Some(first) = seen.insert(&rule.id, rule) {
            diagnostics.push(Diagnostic::new(
                Code::Duplicate,
                &rule.file,
                rule.at,
                format!("the id `{}` stands also in {}:{}", rule.id, first.file, first.at.line),
            ));
        }
    }
}

#[derive(Default)]
struct Compiler {
    ids: HashMap<Key, PatternId>,
    texts: Vec<(PatternId, ViewKind, Pattern)>,
    sequences: Vec<(PatternId, Vec<TokenPattern>, usize)>,
}

impl Compiler {
    fn compile(&mut self, rule: Rule, diagnostics: &mut Vec<Diagnostic>) -> CompiledRule {
        let mut patterns = Vec::new();
        if let Body::Message { selections, .. } = &rule.body {
            for selection in selections {
                patterns.push(self.patterns(&selection.matcher, &rule.file, diagnostics));
            }
        }
        CompiledRule { rule, patterns, steps: Vec::new(), referenced: false }
    }

    fn patterns(
        &mut self,
        matcher: &Matcher,
        file: &str,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<PatternId> {
        match matcher {
            Matcher::Text { view, patterns } => {
                let mut ids = Vec::new();
                for pattern in patterns {
                    let next = self.ids.len() as PatternId;
                    let key = Key::Text(*view, pattern.kind, pattern.source.clone());
                    if let Some(id) = self.ids.get(&key) {
                        ids.push(*id);
                        continue;
                    }
                    match Pattern::compile(&pattern.source, pattern.kind, *view) {
                        Ok(compiled) => {
                            diagnostics
                                .extend(super::check::pattern_warnings(pattern, *view, &compiled, file));
                            self.ids.insert(key, next);
                            self.texts.push((next, *view, compiled));
                            ids.push(next);
                        }
                        Err(error) => diagnostics.push(super::check::pattern_error(pattern, error, file)),
                    }
                }
                ids
            }
            Matcher::Tokens { sequence, gap } => {
                let next = self.ids.len() as PatternId;
                let id = *self.ids.entry(Key::Tokens(sequence.clone(), *gap)).or_insert(next);
                if id == next {
                    self.sequences.push((id, sequence.clone(), *gap));
                }
                vec![id]
            }
            Matcher::Model { .. } | Matcher::Fact => Vec::new(),
        }
    }

    fn finish(self, rules: Vec<CompiledRule>, version: String) -> Result<RulePack, aho_corasick::BuildError> {
        let mut users: Vec<Vec<u32>> = vec![Vec::new(); self.ids.len()];
        let mut always = Vec::new();
        let mut conversations: Vec<Vec<u32>> = vec![Vec::new(); rules.len()];
        for (index, compiled) in rules.iter().enumerate() {
            let Body::Message { selections, condition, .. } = &compiled.rule.body else {
                if compiled.rule.status != Status::Deprecated {
                    for step in compiled.steps.iter().flat_map(|step| &step.rules) {
                        conversations[*step as usize].push(index as u32);
                    }
                }
                continue;
            };
            if compiled.rule.status == Status::Deprecated {
                continue;
            }
            if super::check::possible_without_hits(condition, selections) {
                always.push(index as u32);
            }
            for (selection, patterns) in selections.iter().zip(&compiled.patterns) {
                if selection.previous.is_none() {
                    for pattern in patterns {
                        users[*pattern as usize].push(index as u32);
                    }
                }
            }
        }
        let scanner = Scanner::new(self.texts, self.sequences)?;
        let version: Arc<str> = version.into();
        Ok(RulePack {
            files_version: version.clone(),
            version,
            rules: rules.into(),
            scanner: scanner.into(),
            users: users.into(),
            always: always.into(),
            conversations: conversations.into(),
            warnings: Arc::default(),
            off: Arc::default(),
        })
    }
}

/// Turns the names that conversation rules use into rules. A rule in a broken file is there, though it could not be read.
fn resolve(
    mut rules: Vec<CompiledRule>,
    broken: &[&str],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<CompiledRule> {
    let ids: Vec<(String, bool)> = rules
        .iter()
        .map(|compiled| (compiled.rule.id.clone(), matches!(compiled.rule.body, Body::Message { .. })))
        .collect();
    let mut used = vec![false; rules.len()];
    for compiled in &mut rules {
        let Body::Conversation(correlation) = &compiled.rule.body else { continue };
        for step in &correlation.steps {
            let mut members = Vec::new();
            for (name, at) in &step.rules {
                let found: Vec<u32> = (0..ids.len())
                    .filter(|index| match name.strip_suffix('*') {
                        Some(prefix) => ids[*index].0.starts_with(prefix) && ids[*index].1,
                        None => ids[*index].0 == *name,
                    })
                    .map(|index| index as u32)
                    .collect();
                if found.is_empty() && !broken.iter().any(|stem| name.starts_with(stem)) {
                    let meant = super::diagnostic::nearest(name, ids.iter().map(|(id, _)| id.as_str()));
                    let mut complaint = Diagnostic::new(
                        Code::UnknownRule,
                        &compiled.rule.file,
                        *at,
                        format!("no rule is called `{name}`"),
                    );
                    complaint.length = name.chars().count();
                    complaint.help = meant.map(|id| format!("did you mean `{id}`?"));
                    diagnostics.push(complaint);
                }
                for index in &found {
                    if !ids[*index as usize].1 {
                        diagnostics.push(
                            Diagnostic::new(
                                Code::UnknownRule,
                                &compiled.rule.file,
                                *at,
                                format!("`{name}` is a conversation rule; steps name rules of kind message or part"),
                            )
                            .help("name its steps here"),
                        );
                    }
                    used[*index as usize] = true;
                }
                members.extend(found);
            }
            compiled.steps.push(Step { rules: members, by: step.by });
        }
    }
    for (compiled, used) in rules.iter_mut().zip(used) {
        compiled.referenced = used;
        if compiled.rule.is_part() && !used {
            let rule = &compiled.rule;
            diagnostics.push(
                Diagnostic::new(
                    Code::UnusedPart,
                    &rule.file,
                    rule.at,
                    format!("no conversation rule uses the part `{}`", rule.id),
                )
                .help("use it as a step, or make it `kind: message`"),
            );
        }
    }
    rules
}
