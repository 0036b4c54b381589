//! `mimamori rules check|test|explain|coverage|attack|benign|diff|bench|off|on|list`.

mod switch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::error::CliError;
use super::lines;
use crate::config::{Config, locate};
use crate::contract::{Limits, Role, decode_message};
use crate::rules::command::{
    self, AttackOptions, BenchOptions, BenignOptions, CommandError, DiffOptions, ExplainOptions, Format,
    Options, TestOptions,
};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Folder with the rule files; without it that of the configuration
    #[arg(long, global = true, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Folder with the fixtures
    #[arg(long, global = true, value_name = "DIR", default_value = "fixtures/rules")]
    fixtures: PathBuf,
    /// pretty, json, junit or github (the last two: check, test and coverage only)
    #[arg(long, global = true, default_value = "pretty")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read every rule and fixture, and say what is wrong with them, where, and what to do
    Check,
    /// Run the fixtures
    Test {
        /// Only cases whose rule, id, file or description contains this
        #[arg(long)]
        filter: Option<String>,
    },
    /// Show a message as the rules see it: views, tokens, every selection, the condition
    Explain {
        /// The text of one message
        #[arg(required_unless_present = "message", conflicts_with = "message")]
        text: Option<String>,
        /// A file with the messages of one conversation as JSON lines; the last one is explained
        #[arg(long, value_name = "FILE")]
        message: Option<PathBuf>,
        /// Who wrote TEXT
        #[arg(long, default_value = "buyer")]
        role: Role,
        /// Only this rule
        #[arg(long, value_name = "ID")]
        rule: Option<String>,
    },
    /// Which selections and which `not` branches no fixture reaches
    Coverage,
    /// Rewrite every positive fixture with every evasion, and say how many the rules still find. Fails when a stable rule
    /// finds less than 95%
    Attack {
        /// Only this rule
        #[arg(long, value_name = "ID")]
        rule: Option<String>,
        /// Another seed rewrites other letters
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Also print every miss with its text
        #[arg(long)]
        misses: bool,
    },
    /// Run the pack over ordinary messages and list every alert. Fails over 1 per 1,000 messages
    Benign {
        /// JSON Lines: a file or a folder
        #[arg(default_value = BENIGN)]
        corpus: PathBuf,
    },
    /// Which messages of a corpus another version of the rules judges differently, and why. Fails when there is one
    Diff {
        /// A folder with rules, or a git revision of the rule folder
        #[arg(long, value_name = "REV|DIR")]
        base: String,
        /// JSON Lines: a file or a folder
        corpus: PathBuf,
    },
    /// Time of each rule and of the pack, compile time and size
    Bench {
        /// JSON Lines: a file or a folder
        #[arg(default_value = BENIGN)]
        corpus: PathBuf,
    },
    /// Switch a rule off in the configured database: every worker takes it up within about a second
    Off(switch::Arguments),
    /// Switch a rule on again
    On(switch::Arguments),
    /// Every rule, and which are switched off in the configured database
    List {
        /// Only those that are off
        #[arg(long)]
        off: bool,
    },
}

/// The ordinary messages that the repository keeps.
const BENIGN: &str = "fixtures/benign/messages.jsonl";

pub fn run(config: &Config, arguments: Arguments) -> Result<ExitCode, CliError> {
    let rules = arguments.rules.as_deref().unwrap_or(&config.moderation.rules);
    match arguments.command {
        Command::Off(order) => return super::block_on(switch::switch(config, rules, order, true)),
        Command::On(order) => return super::block_on(switch::switch(config, rules, order, false)),
        Command::List { off } => return super::block_on(switch::list(config, rules, off, arguments.format)),
        _ => {}
    }
    let options = Options {
        rules: locate(rules, "rule folder", "moderation.rules")?,
        fixtures: locate(&arguments.fixtures, "folder of fixtures", "--fixtures")?,
        format: arguments.format,
    };
    let limits = Limits::from(&config.limits);
    let corpus = |path: PathBuf| locate(&path, "corpus of messages", "CORPUS");
    let mut text = Vec::new();
    let exit = match arguments.command {
        Command::Check => command::check(&options, &mut text),
        Command::Test { filter } => command::test(&TestOptions { options, filter }, &mut text),
        Command::Coverage => command::coverage(&options, &mut text),
        Command::Attack { rule, seed, misses } => {
            command::attack(&AttackOptions { options, rule, seed, misses }, &mut text)
        }
        Command::Benign { corpus: path } => {
            command::benign(&BenignOptions { options, corpus: corpus(path)?, limits }, &mut text)
        }
        Command::Diff { base, corpus: path } => {
            command::diff(&DiffOptions { options, base, corpus: corpus(path)?, limits }, &mut text)
        }
        Command::Bench { corpus: path } => {
            command::bench(&BenchOptions { options, corpus: corpus(path)?, limits }, &mut text)
        }
        Command::Explain { text: given, message, role, rule } => {
            let messages = match (given, message) {
                (_, Some(file)) => conversation(&file, limits)?,
                (Some(given), None) => {
                    vec![
                        command::single_message(&given, role)
                            .map_err(|error| CliError::Bug(error.to_string()))?,
                    ]
                }
                (None, None) => Vec::new(),
            };
            command::explain(&ExplainOptions { options, messages, rule }, &mut text)
        }
        // They ask the database, and have returned above.
        Command::Off(_) | Command::On(_) | Command::List { .. } => Ok(command::Exit::Fine),
    }
    .map_err(|error| match error {
        CommandError::Usage(message) => CliError::Usage(message),
        CommandError::Output(_) | CommandError::Json(_) => CliError::Failed(error.to_string()),
        CommandError::Dictionary(_) => CliError::Bug(error.to_string()),
    })?;
    lines::print(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::from(exit as u8))
}

fn conversation(file: &Path, limits: Limits) -> Result<Vec<crate::contract::TransactionMessage>, CliError> {
    let input = lines::read(Some(file))?;
    let mut messages = Vec::new();
    loop {
        let batch = lines::next_batch(&input, 1024)?;
        if batch.is_empty() {
            return Ok(messages);
        }
        for (number, line) in batch {
            let message = decode_message(&line, limits)
                .map_err(|rejection| CliError::Usage(format!("{}:{number}: {rejection}", file.display())))?;
            messages.push(message);
        }
    }
}
