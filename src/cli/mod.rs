//! The command line: arguments in, exit code out. Each command is a file.

mod console;
mod db;
mod dead_letters;
mod demo;
mod enqueue;
mod error;
mod lines;
mod model;
mod moderate;
mod parts;
mod route;
mod rules;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, LogFormat};
use error::CliError;

/// Watches over a consumer-to-consumer marketplace: flags attempts to lure people off the platform, and hands every inquiry to an
/// agent who can finish it.
#[derive(Debug, Parser)]
#[command(name = "mimamori", version, propagate_version = true)]
struct Arguments {
    /// Configuration file; what it does not set keeps its default. The environment (MIMAMORI__SECTION__KEY) wins over it.
    #[arg(long, global = true, env = "MIMAMORI_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole system in one process, on the embedded queue and database, fed with the fixtures
    Demo(demo::Arguments),
    /// Consume from the configured queue until told to stop
    Worker,
    /// The pages for agents, leads, rule authors, model owners and admins
    Console(console::Arguments),
    /// Publish JSON lines to the configured queue
    Enqueue(enqueue::Arguments),
    /// Messages in, verdicts out (JSON lines); earlier lines of the same transaction are the conversation
    Moderate(moderate::Arguments),
    /// Inquiries in, assignments out (JSON lines); play days against a policy
    Route(route::Arguments),
    /// For rule authors: check, test, explain, coverage, attack, benign, diff, bench; for operators: off, on, list
    Rules(rules::Arguments),
    /// For operators: list, show, replay
    DeadLetters(dead_letters::Arguments),
    /// For model owners: train, adopt, calibrate, evaluate, promote, roll back
    Model(model::Arguments),
    /// The support team's database: migrate, seed
    Db(db::Arguments),
    /// The configuration with all its defaults, as a commented file
    Config,
}

/// Runs the program and turns every error into its exit code: 0 fine; 1 it ran and found failures; 2 wrong usage or
/// configuration; 3 a dependency is out of reach.
pub fn main() -> ExitCode {
    // clap itself exits with 2 on wrong usage and with 0 on --help.
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mimamori: {error}");
            error.exit_code()
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, CliError> {
    if let Command::Config = arguments.command {
        lines::print(crate::config::DEFAULTS)?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::load(arguments.config.as_deref(), std::env::vars())?;
    start_log(&config);
    match arguments.command {
        Command::Demo(arguments) => block_on(demo::run(config, arguments)),
        Command::Worker => block_on(worker::run(config)),
        Command::Console(arguments) => block_on(console::run(config, arguments)),
        Command::Enqueue(arguments) => block_on(enqueue::run(config, arguments)),
        Command::Moderate(arguments) => moderate::run(&config, arguments),
        Command::Route(arguments) => block_on(route::run(config, arguments)),
        Command::Rules(arguments) => rules::run(&config, arguments),
        Command::DeadLetters(arguments) => block_on(dead_letters::run(config, arguments)),
        Command::Model(arguments) => model::run(&config, arguments),
        Command::Db(arguments) => block_on(db::run(config, arguments)),
        Command::Config => Ok(ExitCode::SUCCESS),
    }
}

fn block_on(future: impl Future<Output = Result<ExitCode, CliError>>) -> Result<ExitCode, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Bug(format!("cannot start the asynchronous runtime: {error}")))?
        .block_on(future)
}

/// Logs go to standard error, so that standard output holds results only.
fn start_log(config: &Config) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::new(&config.log.level);
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second call in one process (tests) is harmless: the first log stays.
    let _ = match config.log.format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
