//! `mimamori route replay`: the decisions of a period taken again under other settings.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};

use super::super::error::CliError;
use super::super::{lines, parts};
use crate::config::Config;
use crate::contract::AgentId;
use crate::routing::{Fate, PastDecision, Policy, Replayed, Side, Tally, replay};
use crate::store::{DecisionRow, InquiryStatus};

/// Decisions that are read from the database together.
const PAGE: u32 = 1000;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Beginning of the period, such as 2026-11-01T00:00:00+09:00
    #[arg(long, value_name = "TIME")]
    from: DateTime<Utc>,
    /// End of the period, itself not included; now without it
    #[arg(long, value_name = "TIME")]
    to: Option<DateTime<Utc>>,
    /// Configuration file whose section [routing] is tried; without it the configuration in force
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Lists so many of the decisions that come out otherwise
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    differences: usize,
    /// One JSON line for every decision that comes out otherwise, instead of the table
    #[arg(long, conflicts_with = "differences")]
    json: bool,
}

/// A decision that comes out otherwise, as a line of JSON.
#[derive(serde::Serialize)]
struct Line<'a> {
    inquiry_id: &'a str,
    decided_at: DateTime<Utc>,
    then: &'a str,
    now: &'a str,
    wrong_then: Option<f64>,
    wrong_now: Option<f64>,
    finished_by: Option<&'a str>,
}

pub async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, CliError> {
    let to = arguments.to.unwrap_or_else(Utc::now);
    if to <= arguments.from {
        return Err(CliError::Usage(format!(
            "the period is empty: --from {} is not before --to {to}",
            arguments.from
        )));
    }
    let policy = tokio::task::block_in_place(|| policy(config, arguments))?;
    let store = crate::store::open(&config.store.url, config.store.max_connections).await?;
    store.ping().await?;

    let mut period = Period::default();
    let mut tick: Vec<PastDecision> = Vec::new();
    let mut after = None;
    loop {
        let rows = store.routing_decisions(arguments.from..to, after, PAGE).await?;
        let last = rows.len() < PAGE as usize;
        for row in rows {
            after = Some((row.decided_at, row.decision_id));
            let past = past(row);
            if tick.first().is_some_and(|first| first.explanation.tick != past.explanation.tick) {
                period.take(std::mem::take(&mut tick), &policy, arguments)?;
            }
            tick.push(past);
        }
        if last {
            break;
        }
    }
    period.take(tick, &policy, arguments)?;
    if !arguments.json {
        lines::print(&period.told(arguments, to, &policy))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The settings to try, with the confidence floor of the inquiry model where they say "shipped".
fn policy(config: &Config, arguments: &Arguments) -> Result<Policy, CliError> {
    let other = match &arguments.policy {
        Some(file) => Some(Config::load(Some(file), std::env::vars())?),
        None => None,
    };
    let config = other.as_ref().unwrap_or(config);
    let model = parts::inquiry_model(config, &parts::base(config)?)?;
    Ok((*parts::routing_policy(config, &model)).clone())
}

fn past(row: DecisionRow) -> PastDecision {
    PastDecision {
        became: match (row.status, row.agent_id) {
            (InquiryStatus::Triage, _) => Fate::Triage,
            (_, Some(agent)) => Fate::Agent(agent),
            (_, None) => Fate::Waits,
        },
        inquiry_id: row.inquiry_id,
        language: row.language,
        priority: row.priority,
        received_at: row.received_at,
        skills: row.skills,
        explanation: row.explanation,
        finished_by: row.finished_by,
    }
}

/// What was found so far.
#[derive(Default)]
struct Period {
    tally: Tally,
    /// Everybody who was a candidate.
    agents: BTreeSet<AgentId>,
    versions: BTreeSet<String>,
    listed: Vec<String>,
}

impl Period {
    fn take(
        &mut self,
        tick: Vec<PastDecision>,
        policy: &Policy,
        arguments: &Arguments,
    ) -> Result<(), CliError> {
        for past in &tick {
            let candidates = past.explanation.candidates.iter();
            self.agents.extend(candidates.map(|candidate| candidate.agent_id.clone()));
            self.versions.insert(past.explanation.policy_version.clone());
        }
        let replayed = replay(tick, policy);
        self.tally.add(&replayed);
        for one in replayed.iter().filter(|one| one.then != one.now) {
            if arguments.json {
                lines::print(&format!("{}\n", json(one)?))?;
            } else if self.listed.len() < arguments.differences {
                self.listed.push(difference(one));
            }
        }
        Ok(())
    }

    fn told(&self, arguments: &Arguments, to: DateTime<Utc>, policy: &Policy) -> String {
        let Tally { decisions, ticks, same, then, now } = &self.tally;
        let versions: Vec<&str> = self.versions.iter().map(String::as_str).collect();
        let mut out = format!(
            "period:  {} to {to}\nthen:    policy {}\nnow:     policy {} ({})\n\n\
             {decisions} decisions in {ticks} ticks, {same} of them ({}) as they were\n\n",
            arguments.from,
            if versions.is_empty() { "-".to_owned() } else { versions.join(", ") },
            policy.version(),
            arguments.policy.as_ref().map_or("configuration".to_owned(), |file| file.display().to_string()),
            percent(*same, *decisions),
        );
        out.push_str(&format!("{:<46}{:>12}{:>12}\n", "", "then", "now"));
        for (name, figure) in FIGURES {
            let (then, now) = (figure(then, self.agents.len()), figure(now, self.agents.len()));
            out.push_str(&format!("{name:<46}{then:>12}{now:>12}\n"));
        }
        if !self.listed.is_empty() {
            out.push_str(&format!("\ndecided otherwise ({} of {}):\n", self.listed.len(), decisions - same));
            self.listed.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        }
        out
    }
}

type Figure = fn(&Side, usize) -> String;

/// Lines of the table. A figure that nothing is known for is a dash.
const FIGURES: [(&str, Figure); 9] = [
    ("given to an agent at once", |side, _| side.assigned().to_string()),
    ("wait for an agent", |side, _| side.waits.to_string()),
    ("triage", |side, _| side.triage.to_string()),
    ("expected wrong allocations", |side, _| {
        ratio(side.expected_wrong * 100.0, side.expected_of, |share| format!("{share:.1}%"))
    }),
    ("given to the agent who finished it, if known", |side, _| {
        percent(side.finished, side.finished + side.not_finished)
    }),
    ("waited until given to an agent, mean", |side, _| {
        ratio(side.waited_seconds, side.assigned(), |seconds| format!("{seconds:.1} s"))
    }),
    ("agents who received some", |side, _| side.given.len().to_string()),
    ("most for one agent", |side, _| side.given.values().max().copied().unwrap_or(0).to_string()),
    ("spread of load (coefficient of variation)", |side, agents| {
        side.spread(agents).map_or("-".to_owned(), |spread| format!("{spread:.2}"))
    }),
];

fn ratio(sum: f64, of: usize, told: impl Fn(f64) -> String) -> String {
    if of == 0 { "-".to_owned() } else { told(sum / of as f64) }
}

fn percent(part: usize, of: usize) -> String {
    ratio(part as f64 * 100.0, of, |share| format!("{share:.1}%"))
}

fn name(fate: &Fate) -> &str {
    match fate {
        Fate::Triage => "triage",
        Fate::Waits => "waits",
        Fate::Agent(agent) => agent.as_str(),
    }
}

fn difference(one: &Replayed) -> String {
    let side = |fate: &Fate, wrong: Option<f64>| match wrong {
        Some(wrong) => format!("{} (wrong with {:.0}%)", name(fate), wrong * 100.0),
        None => name(fate).to_owned(),
    };
    let finished =
        one.past.finished_by.as_ref().map_or(String::new(), |agent| format!(", finished by {agent}"));
    format!(
        "{}: {} -> {}{finished}",
        one.past.inquiry_id,
        side(&one.then, one.wrong_then),
        side(&one.now, one.wrong_now)
    )
}

fn json(one: &Replayed) -> Result<String, CliError> {
    let line = Line {
        inquiry_id: one.past.inquiry_id.as_str(),
        decided_at: one.past.explanation.tick,
        then: name(&one.then),
        now: name(&one.now),
        wrong_then: one.wrong_then,
        wrong_now: one.wrong_now,
        finished_by: one.past.finished_by.as_ref().map(AgentId::as_str),
    };
    serde_json::to_string(&line).map_err(|error| CliError::Bug(format!("a line cannot be written: {error}")))
}
