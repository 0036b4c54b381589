//! `mimamori enqueue messages|inquiries [FILE]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use sha2::{Digest, Sha256};

use super::error::CliError;
use super::lines;
use crate::config::Config;
use crate::model::folder::hexadecimal;
use crate::queue::{Inbound, Outgoing, Target};

/// Lines that are published and confirmed together.
const BATCH: usize = 256;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Messages,
    Inquiries,
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    kind: Kind,
    /// JSON lines; standard input without it. Lines are published as they are: the worker checks them.
    file: Option<PathBuf>,
}

pub async fn run(config: Config, arguments: Arguments) -> Result<ExitCode, CliError> {
    let to = match arguments.kind {
        Kind::Messages => Inbound::Messages,
        Kind::Inquiries => Inbound::Inquiries,
    };
    let queue = crate::queue::open(&config.queue).await?;
    queue.declare().await?;
    let input = lines::read(arguments.file.as_deref())?;
    let mut published = 0usize;
    loop {
        let batch = tokio::task::block_in_place(|| lines::next_batch(&input, BATCH))?;
        if batch.is_empty() {
            break;
        }
        let outgoing: Vec<Outgoing> = batch.into_iter().map(|(_, line)| inbound(to, line)).collect();
        queue.publish(&outgoing, config.queue.publish_timeout).await?;
        published += outgoing.len();
    }
    eprintln!("{published} {} published and confirmed", to.as_str());
    Ok(ExitCode::SUCCESS)
}

/// A body on its way to an inbound queue. Its id is the idempotency key if the body has one, else its hash.
pub fn inbound(to: Inbound, body: Vec<u8>) -> Outgoing {
    let key = match to {
        Inbound::Messages => "message_id",
        Inbound::Inquiries => "inquiry_id",
    };
    let id = serde_json::from_slice::<serde_json::Value>(&body)
        .ok()
        .and_then(|value| value.get(key)?.as_str().map(str::to_owned))
        .unwrap_or_else(|| hexadecimal(&Sha256::digest(&body)));
    Outgoing { target: Target::Inbound(to), id, body, headers: BTreeMap::new() }
}
