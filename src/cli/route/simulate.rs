//! `mimamori route simulate`: days of arrivals against two policies, on the same seeds.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::super::error::CliError;
use super::super::lines;
use crate::config::Config;
use crate::simulation::{
    Contender, Day, LoadSection, Scenario, compare, play, pool, simulation_page, table, tasks,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The day to play, such as fixtures/routing/day.toml
    #[arg(long, value_name = "FILE")]
    scenario: PathBuf,
    /// Configuration file whose section [routing] is played, instead of the configuration in force
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Compare with "first guess, least loaded" even if --policy is given; without it --policy is compared with the configuration
    /// in force
    #[arg(long)]
    baseline: bool,
    /// So many days are played, with the seeds from --first-seed on
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    first_seed: u64,
    /// Write a page with the figures and their curves
    #[arg(long, value_name = "PAGE")]
    html: Option<PathBuf>,
}

const BASELINE: &str = "first guess, least loaded";

pub fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, CliError> {
    let scenario = read(&arguments.scenario)?;
    let floor = scenario.confidence_floor;
    let engine = |config: &Config| Contender::Engine(Box::new(config.routing.policy(floor)));
    let named = |config: &Config, what: &str| format!("{what} ({})", config.routing.policy(floor).version());
    let (policy, policy_name) = match &arguments.policy {
        Some(file) => {
            let other = Config::load(Some(file), std::env::vars())?;
            (engine(&other), named(&other, &file.display().to_string()))
        }
        None => (engine(config), named(config, "configuration")),
    };
    let (reference, reference_name) = if arguments.policy.is_some() && !arguments.baseline {
        (engine(config), named(config, "configuration"))
    } else {
        (Contender::Baseline { confidence_floor: floor }, BASELINE.to_owned())
    };

    let seeds: Vec<u64> = (arguments.first_seed..).take(arguments.seeds as usize).collect();
    let progress = Progress::over(scenario.loads.len() * seeds.len() * 2);
    let mut played = Vec::new();
    for load in &scenario.loads {
        let days = |contender: &Contender| -> Vec<Day> {
            seeds
                .par_iter()
                .map(|seed| {
                    let day =
                        play(&scenario, &pool(&scenario, *seed), &tasks(&scenario, *load, *seed), contender);
                    progress.one_more();
                    day
                })
                .collect()
        };
        let (reference, policy) = (days(&reference), days(&policy));
        let comparisons = compare(&reference, &policy);
        played.push((*load, reference, policy, comparisons));
    }
    progress.end();

    let seeds = format!("{} to {}", arguments.first_seed, arguments.first_seed + arguments.seeds - 1);
    let mut out = format!(
        "{}\nreference: {reference_name}\npolicy:    {policy_name}\nseeds {seeds}, paired\n",
        scenario.title
    );
    for (load, reference, policy, comparisons) in &played {
        out.push_str(&format!(
            "\nload {load:.2}: {} inquiries a day, unfinished at the end {} (reference), {} (policy)\n{}",
            reference.iter().map(|day| day.inquiries).sum::<usize>() / reference.len().max(1),
            reference.iter().map(|day| day.unfinished).sum::<usize>(),
            policy.iter().map(|day| day.unfinished).sum::<usize>(),
            table(comparisons)
        ));
    }
    lines::print(&out)?;
    if let Some(file) = &arguments.html {
        let sections: Vec<LoadSection<'_>> = played
            .iter()
            .map(|(load, reference, policy, comparisons)| LoadSection {
                load: *load,
                reference,
                policy,
                comparisons,
            })
            .collect();
        let facts = [
            ("scenario".to_owned(), arguments.scenario.display().to_string()),
            ("seeds".to_owned(), seeds),
            ("program".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let page = simulation_page(&scenario.title, &facts, (&reference_name, &policy_name), &sections)
            .map_err(|error| CliError::Bug(format!("the page cannot be written: {error}")))?;
        std::fs::write(file, page)
            .map_err(|error| CliError::Failed(format!("{}: {error}", file.display())))?;
        eprintln!("wrote {}", file.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<Scenario, CliError> {
    let fail = |error: String| CliError::Usage(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| fail(error.to_string()))?;
    Scenario::parse(&text).map_err(|error| fail(error.to_string()))
}

/// A count on standard error, and only on a terminal.
struct Progress {
    done: AtomicUsize,
    all: usize,
    shown: bool,
}

impl Progress {
    const WIDTH: usize = 30;

    fn over(all: usize) -> Self {
        Self { done: AtomicUsize::new(0), all, shown: std::io::stderr().is_terminal() }
    }

    fn one_more(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.shown {
            let filled = Self::WIDTH * done / self.all.max(1);
            eprint!(
                "\r[{}{}] {done} of {} days",
                "#".repeat(filled),
                "-".repeat(Self::WIDTH - filled),
                self.all
            );
        }
    }

    fn end(&self) {
        if self.shown {
            eprintln!();
        }
    }
}
