//! What routing promises, as SQL that counts what breaks it, and a look behind the store's back.

use mimamori::config::Database;
use mimamori::contract::{AgentId, InquiryId};
use sqlx::{ConnectOptions, Connection, PgConnection, Row, SqliteConnection};

/// Every promise as a count of what breaks it. One statement, so that all of it is of one moment.
const BROKEN: &str = "
    select 'two live' as promise, count(*) as broken
    from (select inquiry_id from assignments where ended_at is null group by inquiry_id having count(*) > 1) twice
    union all
    select 'places are counted', count(*) from agents g
    where g.open_count <> (select coalesce(sum(i.weight), 0) from assignments a join inquiries i on i.inquiry_id = a.inquiry_id
                           where a.agent_id = g.agent_id and a.ended_at is null)
    union all
    select 'never over capacity', count(*) from agents where open_count > capacity
    union all
    select 'held or not', count(*) from inquiries i
    where (i.status = 'assigned') <>
        exists (select 1 from assignments a where a.inquiry_id = i.inquiry_id and a.ended_at is null)
    union all
    select 'generations grow', count(*) from assignments a
    join inquiries i on i.inquiry_id = a.inquiry_id
    where a.generation > i.generation or (a.ended_at is null and a.generation <> i.generation)
        or exists (select 1 from assignments b
                   where b.inquiry_id = a.inquiry_id and b.assignment_id > a.assignment_id and b.generation <= a.generation)
    union all
    select 'how it ended', count(*) from assignments where (ended_at is null) <> (outcome is null)
    union all
    select 'language', count(*) from assignments a
    join inquiries i on i.inquiry_id = a.inquiry_id
    where not exists (select 1 from agent_languages l where l.agent_id = a.agent_id and l.language = i.language)
    union all
    select 'skill', count(*) from assignments a
    where not exists (select 1 from agent_skills s where s.agent_id = a.agent_id and s.skill = a.skill)
    union all
    select 'never again', count(*) from assignments a
    join inquiries i on i.inquiry_id = a.inquiry_id
    where exists (select 1 from assignments b
                  where b.inquiry_id = a.inquiry_id and b.agent_id = a.agent_id and b.assignment_id < a.assignment_id
                    and b.outcome = 'rejected' and b.generation > i.asked_from)
    union all
    select 'by itself not to who let it run out', count(*) from assignments a
    join inquiries i on i.inquiry_id = a.inquiry_id
    where exists (select 1 from assignments b
                  where b.inquiry_id = a.inquiry_id and b.agent_id = a.agent_id and b.assignment_id < a.assignment_id
                    and b.outcome in ('expired', 'withdrawn') and b.generation > i.asked_from)
        and exists (select 1 from routing_decisions d
                    where d.inquiry_id = a.inquiry_id and d.agent_id = a.agent_id and d.decided_at = a.assigned_at)
    union all
    select 'every assignment is told', count(*) from assignments a
    where not exists (select 1 from outbox o where o.event_key =
        'inquiry.assigned' || case when a.generation = 1 then '' else '.' || a.generation end || ':' || a.inquiry_id)
    union all
    select 'every wait is told', count(*) from inquiries i
    where i.status in ('waiting', 'triage') and not exists (select 1 from outbox o where o.event_key =
        'inquiry.' || i.status || case when i.generation = 0 then '' else '.' || i.generation end || ':' || i.inquiry_id)
";

const PROMISES: usize = 12;

const LIVE: &str = "select inquiry_id, agent_id, generation from assignments where ended_at is null";

/// A live assignment as somebody read it.
pub type Live = (InquiryId, AgentId, u32);

/// A connection behind the store's back.
pub enum Behind {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Behind {
    pub async fn open(database: &Database) -> Self {
        match database {
            Database::Postgres(url) => Self::Postgres(PgConnection::connect(url).await.unwrap()),
            Database::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                Self::Sqlite(options.connect().await.unwrap())
            }
        }
    }

    pub async fn live(&mut self) -> Vec<Live> {
        let parse = |inquiry: String, agent: String, generation: i64| {
            (InquiryId::new(inquiry).unwrap(), AgentId::new(agent).unwrap(), generation as u32)
        };
        match self {
            Self::Postgres(connection) => {
                let rows = sqlx::query(LIVE).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| parse(row.get(0), row.get(1), row.get(2))).collect()
            }
            Self::Sqlite(connection) => {
                let rows = sqlx::query(LIVE).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| parse(row.get(0), row.get(1), row.get(2))).collect()
            }
        }
    }

    /// The promises that are broken.
    pub async fn broken(&mut self) -> Vec<(String, i64)> {
        let pairs: Vec<(String, i64)> = match self {
            Self::Postgres(connection) => {
                let rows = sqlx::query(BROKEN).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
            Self::Sqlite(connection) => {
                let rows = sqlx::query(BROKEN).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
        };
        assert_eq!(pairs.len(), PROMISES);
        pairs.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}
