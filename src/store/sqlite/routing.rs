//! Agents, inquiries, assignments.
//!
//! Every transaction holds the write lock of the whole file from its beginning, so what it reads stays true until it commits.

use chrono::Utc;
use sqlx::SqliteConnection;
use sqlx::types::Json;

use super::SqliteStore;
use crate::contract::{AgentId, Skill, SkillProbability};
use crate::routing::{AgentSnapshot, Candidate, MEAN_OPEN_SECONDS, Proposal};
use crate::store::StoreError;
use crate::store::fields::Time;
use crate::store::prepare;
use crate::store::reason::{self, Taken};
use crate::store::types::*;

/// How the inquiry stood before this decision.
enum Stood {
    New,
    Waiting,
    Decided,
}

impl SqliteStore {
    pub(super) async fn agent_snapshots(&self) -> Result<Vec<AgentSnapshot>, StoreError> {
        let agents = self.rows(sqlx::query(include_str!("../sql/agents.sql"))).await?;
        let skills = self.rows(sqlx::query("select agent_id, skill, proficiency from agent_skills")).await?;
        let languages = self
            .rows(sqlx::query("select agent_id, language from agent_languages order by language"))
            .await?;
        self.reader().agents(&agents, &skills, &languages)
    }

    pub(super) async fn replace_agents(&self, agents: &[AgentProfile]) -> Result<(), StoreError> {
        let mut sorted: Vec<_> = agents.iter().collect();
        // Stable: of two profiles with one id the later one wins.
        sorted.sort_by(|a, b| a.agent_id.cmp(&b.agent_id));
        let mut transaction = self.begin().await?;
        for agent in sorted {
            self.done(replace_agent(&mut transaction, agent).await)?;
        }
        self.commit(transaction).await?;
        // Somebody may have come back, or may take more.
        self.desk.send_replace(());
        Ok(())
    }

    pub(super) async fn decide_inquiry(
        &self,
        decision: &RoutingDecision,
    ) -> Result<RoutingOutcome, StoreError> {
        let mut transaction = self.begin().await?;
        let stood = self.store_inquiry(&mut transaction, decision).await?;
        if matches!(stood, Stood::Decided) {
            self.done(transaction.rollback().await)?;
            return Ok(RoutingOutcome::AlreadyDecided);
        }
        let skills = decision.effective_skills();
        let (status, agent_id, reason) = match &decision.proposal {
            Proposal::Triage => (InquiryStatus::Triage, None, reason::triage(decision)),
            Proposal::Wait { skill } => waits(decision, &skills, *skill),
            Proposal::Offer { skill, candidates } => {
                match self.take_first(&mut transaction, decision, candidates).await? {
                    Some((agent, taken)) => {
                        let reason = reason::assigned(*skill, &skills, decision.language, &taken);
                        (InquiryStatus::Assigned, Some(agent), reason)
                    }
                    None => waits(decision, &skills, *skill),
                }
            }
        };
        let generation = decision.generation + u32::from(agent_id.is_some());
        let assignment = decision.assignment(agent_id, generation, reason);
        if status == InquiryStatus::Waiting && matches!(stood, Stood::Waiting) {
            // It waits as before: nothing to write, nothing to tell.
            self.done(transaction.rollback().await)?;
            return Ok(RoutingOutcome::Decided(assignment));
        }
        if let (Some(agent), Proposal::Offer { skill, .. }) = (&assignment.agent_id, &decision.proposal) {
            let assign = sqlx::query(include_str!("../sql/insert_assignment.sql"))
                .bind(decision.inquiry.inquiry_id.as_str())
                .bind(agent.as_str())
                .bind(skill.as_str())
                .bind(Time(decision.at))
                .bind(i64::from(generation))
                .bind(assignment.expires_at.map(Time));
            self.done(assign.execute(&mut *transaction).await)?;
        }
        let decide = sqlx::query(include_str!("../sql/sqlite/decide_inquiry.sql"))
            .bind(decision.inquiry.inquiry_id.as_str())
            .bind(status.as_str())
            .bind(&assignment.reason)
            .bind(decision.language.as_str())
            .bind(Json(&decision.skills))
            .bind(&decision.model_version)
            .bind(Time(decision.at))
            .bind(i64::from(generation));
        self.done(decide.execute(&mut *transaction).await)?;
        let record = sqlx::query(include_str!("../sql/sqlite/insert_decision.sql"))
            .bind(decision.inquiry.inquiry_id.as_str())
            .bind(Time(decision.at))
            .bind(status.as_str())
            .bind(assignment.agent_id.as_ref().map(AgentId::as_str))
            .bind(Json(&decision.explanation));
        self.done(record.execute(&mut *transaction).await)?;
        let event = prepare::assignment_event(&assignment, status, generation)?;
        self.insert_events(&mut transaction, &[event]).await?;
        self.commit(transaction).await?;
        Ok(RoutingOutcome::Decided(assignment))
    }

    async fn store_inquiry(
        &self,
        connection: &mut SqliteConnection,
        decision: &RoutingDecision,
    ) -> Result<Stood, StoreError> {
        let inquiry = &decision.inquiry;
        let insert = sqlx::query(include_str!("../sql/insert_inquiry.sql"))
            .bind(inquiry.inquiry_id.as_str())
            .bind(inquiry.customer_id.as_str())
            .bind(inquiry.transaction_id.as_ref().map(|id| id.as_str()))
            .bind(inquiry.subject.as_deref())
            .bind(&inquiry.text)
            .bind(inquiry.priority.as_str())
            .bind(Time(inquiry.received_at))
            .bind(decision.language.as_str())
            .bind(Json(&decision.skills))
            .bind(&decision.model_version)
            .bind(Time(decision.at))
            .bind(inquiry.channel.as_str())
            .bind(i64::from(decision.weight));
        if self.done(insert.execute(&mut *connection).await)?.rows_affected() == 1 {
            return Ok(Stood::New);
        }
        let known = sqlx::query("select status, generation from inquiries where inquiry_id = $1")
            .bind(inquiry.inquiry_id.as_str());
        let row = self.done(known.fetch_one(&mut *connection).await)?;
        let generation: u32 = self.reader().number(&row, "generation")?;
        Ok(match self.reader().status(&row)? {
            // What was decided rests on what was known of this generation.
            InquiryStatus::Waiting if generation == decision.generation => Stood::Waiting,
            _ => Stood::Decided,
        })
    }

    /// The first candidate who can still take the inquiry.
    async fn take_first(
        &self,
        connection: &mut SqliteConnection,
        decision: &RoutingDecision,
        candidates: &[Candidate],
    ) -> Result<Option<(AgentId, Taken)>, StoreError> {
        for candidate in candidates {
            let take = sqlx::query(include_str!("../sql/sqlite/take_agent.sql"))
                .bind(candidate.agent_id.as_str())
                .bind(candidate.skill.as_str())
                .bind(decision.language.as_str())
                .bind(Time(decision.at))
                .bind(MEAN_OPEN_SECONDS)
                .bind(decision.inquiry.inquiry_id.as_str())
                .bind(candidate.again)
                // From which generation on exclusions count: as the inquiry says.
                .bind(None::<i64>);
            if let Some(row) = self.done(take.fetch_optional(&mut *connection).await)? {
                return Ok(Some((candidate.agent_id.clone(), self.reader().taken(candidate.skill, &row)?)));
            }
        }
        Ok(None)
    }
}

fn waits(
    decision: &RoutingDecision,
    skills: &[SkillProbability],
    skill: Skill,
) -> (InquiryStatus, Option<AgentId>, String) {
    (InquiryStatus::Waiting, None, reason::waiting(skill, skills, decision.language))
}

async fn replace_agent(connection: &mut SqliteConnection, agent: &AgentProfile) -> Result<(), sqlx::Error> {
    let id = agent.agent_id.as_str();
    sqlx::query(include_str!("../sql/upsert_agent.sql"))
        .bind(id)
        .bind(&agent.name)
        .bind(i64::from(agent.capacity))
        .bind(agent.available)
        .bind(agent.team.as_deref())
        .bind(agent.hours.as_ref().map(Json))
        .bind((!agent.available).then(|| Time(Utc::now())))
        .execute(&mut *connection)
        .await?;
    sqlx::query("delete from agent_skills where agent_id = $1").bind(id).execute(&mut *connection).await?;
    sqlx::query("delete from agent_languages where agent_id = $1").bind(id).execute(&mut *connection).await?;
    for (skill, proficiency) in &agent.skills {
        sqlx::query("insert into agent_skills (agent_id, skill, proficiency) values ($1, $2, $3)")
            .bind(id)
            .bind(skill.as_str())
            .bind(i64::from(*proficiency))
            .execute(&mut *connection)
            .await?;
    }
    for language in &agent.languages {
        sqlx::query(
            "insert into agent_languages (agent_id, language) values ($1, $2) on conflict do nothing",
        )
        .bind(id)
        .bind(language.as_str())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
