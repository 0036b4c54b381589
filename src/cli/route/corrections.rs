//! `mimamori route corrections`: inquiries whose need a person told, as lines of the corpus.

use std::process::ExitCode;

use chrono::{DateTime, Utc};

use crate::cli::error::CliError;
use crate::cli::lines::Output;
use crate::config::Config;
use crate::corpus::LabelledInquiry;
use crate::store::Correction;

/// Rows that are read from the database together.
const PAGE: u32 = 500;
/// Origin, and author batch, of these lines.
const ORIGIN: &str = "correction";
const BATCH: &str = "corrections";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Received at or after this time (RFC 3339), such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<DateTime<Utc>>,
    /// Received before this time
    #[arg(long, value_name = "TIME")]
    to: Option<DateTime<Utc>>,
}

pub async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, CliError> {
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    let from = arguments.from.unwrap_or(DateTime::UNIX_EPOCH);
    let period = from..arguments.to.unwrap_or_else(Utc::now);
    let mut output = Output::new();
    let mut after = None;
    loop {
        let rows = store.corrections(period.clone(), after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = Some((last.received_at, last.inquiry_id.clone()));
        for row in rows {
            output.write(&line(row))?;
        }
        output.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn line(row: Correction) -> LabelledInquiry {
    LabelledInquiry {
        inquiry: row.inquiry_id.to_string(),
        language: row.language,
        origin: ORIGIN.into(),
        author_batch: BATCH.into(),
        subject: row.subject,
        text: row.text,
        skill: row.skill,
        tags: Vec::new(),
    }
}
