//! `mimamori rules off|on|list`: the switch of a rule, for operators without a browser.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use chrono::Utc;
use serde_json::json;

use crate::access::Actor;
use crate::cli::error::CliError;
use crate::cli::lines;
use crate::config::{Config, locate};
use crate::rules::RulePack;
use crate::rules::command::Format;
use crate::store::Store;
use crate::store::rules::{RuleSwitch, SwitchOrder, SwitchReason, Switched};

/// Switches that are read: far more than there are rules.
const MOST_SWITCHES: u32 = 100_000;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Id of the rule
    id: String,
    /// Why; stands in the audit trail for good. No message text, no personal data
    #[arg(long)]
    reason: SwitchReason,
}

pub(super) async fn switch(
    config: &Config,
    rules: &Path,
    order: Arguments,
    off: bool,
) -> Result<ExitCode, CliError> {
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    store.ping().await?;
    let seen = switches(&*store).await?.remove(&order.id);
    if seen.is_none() {
        must_be_there(rules, &order.id)?;
    }
    let order = SwitchOrder {
        rule_id: order.id,
        off,
        reason: order.reason,
        generation: seen.map_or(0, |seen| seen.generation),
        by: Actor::program(),
        at: Utc::now(),
    };
    let now = if off { "off" } else { "on" };
    match store.switch_rule(&order).await? {
        Switched::Done => lines::print(&format!("{} is {now}\n", order.rule_id))?,
        Switched::Already => {
            return Err(CliError::Failed(format!("{} is {now} already: nothing was changed", order.rule_id)));
        }
        Switched::Stale(_) => {
            return Err(CliError::Failed(format!(
                "somebody else has switched {} meanwhile: nothing was changed; look with `mimamori rules list`",
                order.rule_id
            )));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn switches(store: &dyn Store) -> Result<BTreeMap<String, RuleSwitch>, CliError> {
    let all = store.rule_switches(MOST_SWITCHES).await?;
    Ok(all.into_iter().map(|switch| (switch.rule_id.clone(), switch)).collect())
}

/// A slip in an id would switch off nothing, and nobody would notice. While the files cannot be read, the id is taken as it is.
fn must_be_there(rules: &Path, id: &str) -> Result<(), CliError> {
    match pack(rules) {
        Ok(pack) if pack.rule(id).is_none() => {
            let meant = crate::rules::nearest(id, pack.rules().map(|rule| rule.id.as_str()));
            let hint = meant.map(|id| format!("; did you mean `{id}`?")).unwrap_or_default();
            Err(CliError::Usage(format!("no rule is called `{id}`{hint}")))
        }
        Ok(_) => Ok(()),
        Err(error) => {
            eprintln!("mimamori: {error}\nmimamori: whether there is a rule `{id}` is not known");
            Ok(())
        }
    }
}

fn pack(rules: &Path) -> Result<RulePack, CliError> {
    RulePack::load(&locate(rules, "rule folder", "moderation.rules")?).map_err(CliError::Rules)
}

pub(super) async fn list(
    config: &Config,
    rules: &Path,
    only_off: bool,
    format: Format,
) -> Result<ExitCode, CliError> {
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    store.ping().await?;
    let mut switches = switches(&*store).await?;
    let pack = pack(rules)?;
    let mut known: Vec<(&str, &str, Option<RuleSwitch>)> = pack
        .rules()
        .map(|rule| (rule.id.as_str(), rule.status.as_str(), switches.remove(&rule.id)))
        .collect();
    known.sort_by_key(|(id, ..)| *id);
    let mut text = String::new();
    for (id, status, switch) in known {
        tell(&mut text, id, Some(status), switch.as_ref(), only_off, format);
    }
    // What the files do not hold is told if it would be off.
    for (id, switch) in switches.iter().filter(|(_, switch)| switch.off) {
        tell(&mut text, id, None, Some(switch), only_off, format);
    }
    lines::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(
    text: &mut String,
    id: &str,
    status: Option<&str>,
    switch: Option<&RuleSwitch>,
    only_off: bool,
    format: Format,
) {
    let off = switch.is_some_and(|switch| switch.off);
    if only_off && !off {
        return;
    }
    // Writing into a text cannot fail.
    let _ = if format == Format::Json {
        let last = switch.map(|switch| {
            json!({"reason": switch.reason, "by": switch.by, "at": switch.at, "generation": switch.generation})
        });
        writeln!(text, "{}", json!({"rule": id, "status": status, "off": off, "switched": last}))
    } else {
        let why = switch.map(|switch| {
            let at = switch.at.format("%Y-%m-%d %H:%M UTC");
            format!("  {} ({}, {at})", switch.reason, switch.by)
        });
        let stands = if off { "off" } else { "on" };
        writeln!(text, "{stands:3}  {:12}  {id}{}", status.unwrap_or("not in files"), why.unwrap_or_default())
    };
}
