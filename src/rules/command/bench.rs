//! `rules bench`: what each rule costs, and the pack in all.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::DateTime;
use rayon::prelude::*;
use serde_json::json;

use super::super::cost::work;
use super::super::files::read_folder;
use super::super::pack::RulePack;
use super::super::pattern::{Pattern, SIZE_LIMIT};
use super::super::rule::{Body, Matcher, Rule};
use super::super::sample::hostile;
use super::super::turn::Turn;
use super::corpus::{Talk, read};
use super::report::write_diagnostics;
use super::{CommandError, Exit, Format, Options};
use crate::contract::{Limits, Role};
use crate::text::{Tokenizer, Views};

/// Which messages to time the pack on.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    pub options: Options,
    /// JSON Lines, a file or a folder.
    pub corpus: PathBuf,
    pub limits: Limits,
}

/// Every time is the best of so many runs: what disturbs a run only makes it longer.
const RUNS: usize = 3;
/// Sizes of programs are found to within this many bytes.
const SIZE_STEP: usize = 1024;

/// What one rule costs by itself.
struct RuleCost {
    id: String,
    /// Nanoseconds for a message of the corpus, folding not counted.
    per_message: f64,
    /// Nanoseconds for a character of texts made against its patterns.
    per_hostile_char: f64,
    /// Counted work of its worst pattern: states for each character (see `rules check`).
    work: f64,
    /// Bytes of its compiled expressions.
    program_bytes: usize,
    literals: usize,
}

/// What the pack costs as a whole.
struct PackCost {
    compile: Duration,
    messages: usize,
    /// Nanoseconds for a message: folding it into all views and words; finding all patterns and judging all rules.
    fold: f64,
    judge: f64,
    program_bytes: usize,
    literals: usize,
}

/// Times the pack and each rule of it, slowest first. The figures are of this machine and this moment.
pub fn bench(what: &BenchOptions, out: &mut dyn Write) -> Result<Exit, CommandError> {
    what.options.only_pretty_or_json("rules bench")?;
    let files = match read_folder(&what.options.rules) {
        Ok(files) => files,
        Err(problems) => return refuse(&problems, what, out),
    };
    let pack = match RulePack::compile(&files) {
        Ok(pack) => pack,
        Err(problems) => return refuse(&problems, what, out),
    };
    let compile = best(|| RulePack::compile(&files).is_ok());
    let tokenizer = Tokenizer::new()?;
    let talks = read(&what.corpus, what.limits, &tokenizer)?;
    let rules: Vec<&Rule> = pack.rules().collect();
    let sizes: Vec<Sizes> = rules.par_iter().map(|rule| sizes(rule)).collect();
    let mut costs: Vec<RuleCost> = rules
        .iter()
        .zip(&sizes)
        .filter_map(|(rule, sizes)| rule_cost(&pack, rule, sizes, &talks, &tokenizer))
        .collect();
    costs.sort_by(|a, b| b.per_message.total_cmp(&a.per_message));
    let distinct: BTreeSet<&(String, usize)> = sizes.iter().flat_map(|sizes| &sizes.programs).collect();
    let whole = PackCost {
        compile,
        messages: talks.iter().map(|talk| talk.messages.len()).sum(),
        fold: fold_cost(&talks, &tokenizer),
        judge: judge_cost(&pack, &talks),
        program_bytes: distinct.iter().map(|(_, bytes)| bytes).sum(),
        literals: sizes.iter().flat_map(|sizes| &sizes.literals).collect::<BTreeSet<_>>().len(),
    };
    match what.options.format {
        Format::Json => json(&whole, &costs, out)?,
        _ => pretty(&whole, &costs, out)?,
    }
    Ok(Exit::Fine)
}

fn refuse(
    problems: &[super::super::Diagnostic],
    what: &BenchOptions,
    out: &mut dyn Write,
) -> Result<Exit, CommandError> {
    write_diagnostics(problems, what.options.format, out)?;
    Ok(Exit::Usage)
}

fn best<T>(mut run: impl FnMut() -> T) -> Duration {
    let once = |_| {
        let start = Instant::now();
        black_box(run());
        start.elapsed()
    };
    (0..RUNS).map(once).min().unwrap_or_default()
}

/// Nanoseconds for one of `count` things.
fn each(time: Duration, count: usize) -> f64 {
    time.as_nanos() as f64 / count.max(1) as f64
}

fn message_count(talks: &[Talk]) -> usize {
    talks.iter().map(|talk| talk.messages.len()).sum()
}

fn fold_cost(talks: &[Talk], tokenizer: &Tokenizer) -> f64 {
    let fold = || {
        for line in talks.iter().flat_map(|talk| &talk.messages) {
            black_box(Views::new(&line.text, tokenizer));
        }
    };
    each(best(fold), message_count(talks))
}

fn judge_cost(pack: &RulePack, talks: &[Talk]) -> f64 {
    let judge = || {
        for talk in talks {
            let turns = talk.turns(pack);
            for index in 0..turns.len() {
                black_box(pack.evaluate(&turns, index, true));
            }
        }
    };
    each(best(judge), message_count(talks))
}

/// What the patterns of one rule weigh.
struct Sizes {
    /// Expressions with the bytes of their programs.
    programs: Vec<(String, usize)>,
    literals: Vec<String>,
    work: f64,
    hostile: Vec<String>,
}

fn sizes(rule: &Rule) -> Sizes {
    let mut all = Sizes { programs: Vec::new(), literals: Vec::new(), work: 0.0, hostile: Vec::new() };
    let Body::Message { selections, .. } = &rule.body else { return all };
    for selection in selections {
        let Matcher::Text { view, patterns } = &selection.matcher else { continue };
        for pattern in patterns {
            let Ok(compiled) = Pattern::compile(&pattern.source, pattern.kind, *view) else { continue };
            match &compiled.regex {
                None => all.hostile.push(pattern.source.repeat(200)),
                Some(regex) => {
                    all.programs.push((regex.as_str().to_owned(), program_bytes(regex.as_str())));
                    if let Ok(hir) = regex_syntax::parse(regex.as_str()) {
                        all.work = all.work.max(work(&hir));
                        all.hostile.extend(hostile(&hir));
                    }
                }
            }
            all.literals.extend(compiled.literals);
        }
    }
    all.hostile.sort_by_key(|text| std::cmp::Reverse(text.len()));
    all.hostile.dedup();
    all.hostile.truncate(60);
    all
}

/// The smallest limit under which the expression compiles: the size of its program.
fn program_bytes(source: &str) -> usize {
    let fits = |bytes: usize| regex::RegexBuilder::new(source).size_limit(bytes).build().is_ok();
    let (mut low, mut high) = (0, SIZE_LIMIT);
    while high - low > SIZE_STEP {
        let middle = low + (high - low) / 2;
        if fits(middle) { high = middle } else { low = middle }
    }
    high
}

fn rule_cost(
    pack: &RulePack,
    rule: &Rule,
    sizes: &Sizes,
    talks: &[Talk],
    tokenizer: &Tokenizer,
) -> Option<RuleCost> {
    let alone = pack.only(&rule.id)?;
    let views: Vec<Arc<Views>> =
        sizes.hostile.iter().map(|text| Arc::new(Views::new(text, tokenizer))).collect();
    let chars: usize = sizes.hostile.iter().map(|text| text.chars().count()).sum();
    let hostile = best(|| {
        for views in &views {
            let turns = [Turn::new(&alone, Role::Buyer, DateTime::UNIX_EPOCH, views.clone())];
            black_box(alone.evaluate(&turns, 0, true));
        }
    });
    Some(RuleCost {
        id: rule.id.clone(),
        per_message: judge_cost(&alone, talks),
        per_hostile_char: each(hostile, chars),
        work: sizes.work,
        program_bytes: sizes.programs.iter().map(|(_, bytes)| bytes).sum(),
        literals: sizes.literals.len(),
    })
}

fn pretty(whole: &PackCost, costs: &[RuleCost], out: &mut dyn Write) -> Result<(), CommandError> {
    writeln!(out, "ns/message  ns/hostile char  states/char    KiB  literals  rule")?;
    for cost in costs {
        writeln!(
            out,
            "{:10.0}  {:15.1}  {:11.0}  {:5}  {:8}  {}",
            cost.per_message,
            cost.per_hostile_char,
            cost.work,
            cost.program_bytes.div_ceil(1024),
            cost.literals,
            cost.id
        )?;
    }
    writeln!(
        out,
        "{} rules with patterns; compiled in {:.0} ms to {} KiB of expressions and {} literals",
        costs.len(),
        whole.compile.as_secs_f64() * 1e3,
        whole.program_bytes.div_ceil(1024),
        whole.literals
    )?;
    writeln!(
        out,
        "{} messages: {:.1} µs each for all views and words, {:.1} µs for all rules; {:.0} messages/s on one core",
        whole.messages,
        whole.fold / 1e3,
        whole.judge / 1e3,
        1e9 / (whole.fold + whole.judge)
    )?;
    Ok(())
}

fn json(whole: &PackCost, costs: &[RuleCost], out: &mut dyn Write) -> Result<(), CommandError> {
    let rules: Vec<_> = costs
        .iter()
        .map(|cost| {
            json!({
                "rule": cost.id, "ns_per_message": cost.per_message, "ns_per_hostile_char": cost.per_hostile_char,
                "states_per_char": cost.work, "program_bytes": cost.program_bytes, "literals": cost.literals,
            })
        })
        .collect();
    let report = json!({
        "compile_ms": whole.compile.as_secs_f64() * 1e3, "messages": whole.messages,
        "ns_per_message_fold": whole.fold, "ns_per_message_judge": whole.judge,
        "program_bytes": whole.program_bytes, "literals": whole.literals, "rules": rules,
    });
    super::write_json(&report, out)
}
