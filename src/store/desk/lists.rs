//! The lists of the desk: each is read along an index, from a place in it.

use super::types::*;
use crate::access::Sight;
use crate::contract::AgentId;
use crate::store::StoreError;
use crate::store::ledger::{Books, Ledger, Value};
use crate::store::review::Direction;

const COLUMNS: &str = include_str!("../sql/desk/columns.sql");
const WHOLE: &str = include_str!("../sql/desk/whole.sql");
const HELD: &str = include_str!("../sql/desk/held.sql");
const RESOLVED: &str = include_str!("../sql/desk/resolved.sql");

/// A statement that grows with its values.
#[derive(Default)]
struct Growing<'a> {
    sql: String,
    values: Vec<Value<'a>>,
}

impl<'a> Growing<'a> {
    fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// The place of a value.
    fn place(&mut self, value: Value<'a>) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// `and (…) > (…)`, or nothing at the beginning of the list.
    fn beyond(&mut self, columns: (&str, &str), from: Option<&'a DeskCursor>, rising: bool) -> String {
        let Some((time, id)) = from else { return String::new() };
        let (time, id) = (self.place(Value::Time(*time)), self.place(Value::Text(id.as_str())));
        let sign = if rising { ">" } else { "<" };
        format!(" and ({}, {}) {sign} ({time}, {id})", columns.0, columns.1)
    }

    /// The agents of whom somebody sees what they hold and held.
    fn seen_agents(&mut self, agent: Option<&'a AgentId>, teams: impl Iterator<Item = &'a String>) -> String {
        let own = self.place(Value::TextOrNull(agent.map(AgentId::as_str)));
        let mut filter = format!("(g.agent_id = {own}");
        for team in teams {
            let team = self.place(Value::Text(team));
            filter.push_str(&format!(" or g.team = {team}"));
        }
        filter.push(')');
        filter
    }
}

/// Whether the list rises with time as it is read, forwards.
fn rises(view: DeskView) -> bool {
    matches!(view, DeskView::Mine | DeskView::Teams | DeskView::Triage | DeskView::Waiting)
}

fn order(columns: (&str, &str), rising: bool) -> String {
    let way = if rising { "asc" } else { "desc" };
    format!("order by {} {way}, {} {way}", columns.0, columns.1)
}

fn built(wanted: &DeskListing, lateral: bool) -> Growing<'_> {
    let mut growing = Growing::default();
    growing.push(COLUMNS);
    let limit = Value::Number(i64::from(wanted.limit));
    let rising = rises(wanted.view) == (wanted.direction == Direction::Forward);
    let from = wanted.from.as_ref();
    let received = ("i.received_at", "i.inquiry_id");
    match wanted.view {
        DeskView::Mine => {
            growing.push(", i.received_at as listed_at\n");
            growing.push(include_str!("../sql/desk/mine.sql"));
            growing.values = vec![Value::TextOrNull(wanted.agent_id.as_ref().map(AgentId::as_str)), limit];
            return growing;
        }
        DeskView::Teams => {
            growing.push(", i.received_at as listed_at\n");
            growing.push(HELD);
            let seen = growing.seen_agents(wanted.agent_id.as_ref(), wanted.teams.iter());
            let beyond = growing.beyond(received, from, rising);
            growing.push(&format!("where {seen}{beyond}\n{}", order(received, rising)));
        }
        DeskView::All | DeskView::Triage | DeskView::Waiting => {
            growing.push(", i.received_at as listed_at\n");
            growing.push(WHOLE);
            let status = match wanted.view {
                DeskView::All => "true",
                _ => "i.status = ",
            };
            growing.push(&format!("where {status}"));
            if wanted.view != DeskView::All {
                // A constant, so that the plan knows it.
                growing.push(&format!("'{}'", wanted.view.as_str()));
            }
            let beyond = growing.beyond(received, from, rising);
            growing.push(&format!("{beyond}\n{}", order(received, rising)));
        }
        DeskView::Resolved => {
            growing.push(", a.ended_at as listed_at\n");
            resolved(&mut growing, wanted, rising, lateral);
        }
    }
    let limit = growing.place(limit);
    growing.push(&format!("\nlimit {limit}"));
    growing
}

/// What somebody of few sees is read agent by agent where the database can do that, else along all that was resolved.
fn resolved<'a>(growing: &mut Growing<'a>, wanted: &'a DeskListing, rising: bool, lateral: bool) {
    let from = wanted.from.as_ref();
    let ended = ("a.ended_at", "a.inquiry_id");
    let (agent, teams) = match &wanted.sight {
        Sight::All => {
            growing.push(RESOLVED);
            let beyond = growing.beyond(ended, from, rising);
            growing.push(&format!("{beyond}\n{}", order(ended, rising)));
            return;
        }
        Sight::Of { agent_id, teams } => (agent_id.as_ref(), teams),
    };
    let seen = growing.seen_agents(agent, teams.iter());
    if !lateral {
        growing.push(RESOLVED);
        let beyond = growing.beyond(ended, from, rising);
        growing.push(&format!(" and {seen}{beyond}\n{}", order(ended, rising)));
        return;
    }
    let each = ("x.ended_at", "x.inquiry_id");
    let beyond = growing.beyond(each, from, rising);
    let limit = growing.place(Value::Number(i64::from(wanted.limit)));
    growing.push(&format!(
        "from agents g\ncross join lateral (\n    select x.inquiry_id, x.agent_id, x.accepted_at, x.expires_at, x.ended_at\n    \
         from assignments x\n    where x.agent_id = g.agent_id and x.outcome = 'resolved'{beyond}\n    {}\n    limit {limit}\n) a\n\
         join inquiries i on i.inquiry_id = a.inquiry_id\nwhere {seen}\n{}",
        order(each, rising),
        order(ended, rising),
    ));
}

/// The statement of a list as PostgreSQL gets it, for those who look at its plan.
pub fn statement(wanted: &DeskListing) -> String {
    built(wanted, true).sql
}

pub(super) async fn list<B: Books>(books: &B, wanted: &DeskListing) -> Result<Vec<DeskRow>, StoreError> {
    let Growing { sql, values } = built(wanted, B::Ledger::LATERAL);
    let rows = books.list_built(sql, &values).await?;
    rows.iter().map(|row| books.place().desk_row(row)).collect()
}

pub(super) async fn counts<B: Books>(
    books: &B,
    wanted: &DeskListing,
    most: u32,
) -> Result<DeskCounts, StoreError> {
    let mut growing = Growing::default();
    let own = growing.place(Value::TextOrNull(wanted.agent_id.as_ref().map(AgentId::as_str)));
    let most = growing.place(Value::Number(i64::from(most)));
    let seen = growing.seen_agents(wanted.agent_id.as_ref(), wanted.teams.iter());
    growing.push(&format!(
        "select (select count(*) from (select 1 from assignments where agent_id = {own} and ended_at is null limit {most}) m) as mine,\n\
         (select count(*) from (select 1 {HELD}where {seen} limit {most}) t) as teams,\n\
         (select count(*) from (select 1 from inquiries where status = 'triage' limit {most}) r) as triage,\n\
         (select count(*) from (select 1 from inquiries where status = 'waiting' limit {most}) w) as waiting"
    ));
    let rows = books.list_built(growing.sql, &growing.values).await?;
    let Some(row) = rows.first() else { return Ok(DeskCounts::default()) };
    let count = |column| books.place().number(row, column);
    Ok(DeskCounts {
        mine: count("mine")?,
        teams: count("teams")?,
        triage: count("triage")?,
        waiting: count("waiting")?,
    })
}
