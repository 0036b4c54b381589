//! `mimamori dead-letters list|show|replay`.

use std::process::ExitCode;

use chrono::Utc;
use clap::Subcommand;

use super::error::CliError;
use super::lines;
use crate::access::Actor;
use crate::config::Config;
use crate::store::operations::Replay;
use crate::store::{DeadLetterRow, Page, Store};

/// Rows that are read from the database together.
const PAGE: u32 = 200;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One line for each dead letter, newest first: id, queue, reason, how often, when. Never the body
    List {
        /// Also those that were replayed
        #[arg(long)]
        all: bool,
    },
    /// Everything about one, with its body
    Show { id: String },
    /// Have the workers publish the bodies again to the queue they came from
    Replay {
        /// Ids, as `list` prints them
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// Every dead letter that was not replayed yet
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}

pub async fn run(config: Config, arguments: Arguments) -> Result<ExitCode, CliError> {
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    match arguments.command {
        Command::List { all } => {
            for row in everything(store.as_ref(), all).await? {
                lines::print(&line(&row))?;
            }
        }
        Command::Show { id } => lines::print(&show(&one(store.as_ref(), &id).await?))?,
        Command::Replay { ids, all } => {
            let mut rows = Vec::new();
            if all {
                rows = everything(store.as_ref(), false).await?;
            }
            for id in &ids {
                rows.push(one(store.as_ref(), id).await?);
            }
            replay(store.as_ref(), rows).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn everything(store: &dyn Store, include_replayed: bool) -> Result<Vec<DeadLetterRow>, CliError> {
    let mut rows = Vec::new();
    loop {
        let page = Page { offset: rows.len() as u32, limit: PAGE };
        let next = store.dead_letters(page, include_replayed).await?;
        let last = next.len() < PAGE as usize;
        rows.extend(next);
        if last {
            return Ok(rows);
        }
    }
}

async fn one(store: &dyn Store, id: &str) -> Result<DeadLetterRow, CliError> {
    store.dead_letter(id).await?.ok_or_else(|| {
        CliError::Usage(format!(
            "no dead letter has the id `{id}`; `mimamori dead-letters list --all` shows them"
        ))
    })
}

/// By the outbox, as the console does it: what is marked is published by a worker, once for each mark, whatever happens in between.
async fn replay(store: &dyn Store, rows: Vec<DeadLetterRow>) -> Result<(), CliError> {
    let mut count = 0;
    for row in rows {
        match store.replay_dead_letter(&row.id, Some(row.replays), &Actor::program(), Utc::now()).await? {
            Replay::Done => count += 1,
            Replay::Changed | Replay::Unknown => eprintln!("{}: was replayed already", row.id),
        }
    }
    eprintln!("{count} dead letters replayed: workers publish them at once, or when one is started");
    Ok(())
}

fn line(row: &DeadLetterRow) -> String {
    let replayed = row.replayed_at.map(|at| format!("\treplayed {}", at.to_rfc3339())).unwrap_or_default();
    format!(
        "{}\t{}\t{}\t{}\t{}x\t{}{replayed}\n",
        row.id,
        row.queue.as_str(),
        row.code,
        row.detail,
        row.rejections,
        row.last_at.to_rfc3339()
    )
}

fn show(row: &DeadLetterRow) -> String {
    let body = match std::str::from_utf8(&row.body) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("(not UTF-8) {}", String::from_utf8_lossy(&row.body)),
    };
    format!(
        "id          {}\nqueue       {}\nreason      {}\ndetail      {}\nrejections  {}\nfirst       {}\nlast        {}\nreplayed    {}\nbody        {} bytes\n{body}\n",
        row.id,
        row.queue.as_str(),
        row.code,
        row.detail,
        row.rejections,
        row.first_at.to_rfc3339(),
        row.last_at.to_rfc3339(),
        row.replayed_at.map_or_else(|| "never".to_owned(), |at| at.to_rfc3339()),
        row.body.len(),
    )
}
