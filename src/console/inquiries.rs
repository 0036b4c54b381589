//! `/inquiries`: who asked what, and who has it. What the buttons do stands in [`super::handover`].

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::error::{ErrorPage, PageError};
use super::handover::{Deed, Outcome, encoded};
use super::layout::{Frame, Moment, Room, bar, percent, render};
use super::locale::Locale;
use super::masking;
use super::paging::{PageNumber, Pager};
use super::words::Words;
use crate::access::{Permission, Principal};
use crate::contract::{self, Priority};
use crate::routing::AgentSnapshot;
use crate::store::{InquiryRow, InquiryStatus, Lost, Store, StoreError};

/// So many of the predicted skills are shown.
const SKILLS_SHOWN: usize = 3;

#[derive(Template)]
#[template(path = "inquiries.html")]
struct View {
    frame: Frame,
    notice: Option<Notice>,
    inquiries: Vec<Inquiry>,
    /// Every skill by its name in the contract and in the page's language.
    all_skills: Vec<(&'static str, &'static str)>,
    /// Agents who can take one more, with what they have; empty for those who give nothing to anybody.
    takers: Vec<Taker>,
    masked: bool,
    pager: Pager,
}

struct Taker {
    id: String,
    open: u32,
    capacity: u32,
}

/// What the button did.
struct Notice {
    text: String,
    good: bool,
}

/// An inquiry as the page shows it.
struct Inquiry {
    id: String,
    /// What the forms of the inquiry need; see [`Acts`].
    acts: Option<Acts>,
    /// The offer ends, unless it is accepted.
    offer: Option<Offer>,
    /// What a person said that it needs.
    corrected: Option<&'static str>,
    subject: Option<String>,
    text: String,
    lang: &'static str,
    language: &'static str,
    status: &'static str,
    status_key: &'static str,
    channel: String,
    priority: &'static str,
    priority_key: &'static str,
    /// Normal priority is not worth the reader's eye.
    stands_out: bool,
    skills: Vec<Skill>,
    agent: Option<Agent>,
    reason: String,
    received: Moment,
}

struct Agent {
    id: String,
    name: String,
}

/// What can be done with an inquiry that is not finished.
struct Acts {
    /// Address of the inquiry, to which the name of the act is added, and the query behind that.
    href: String,
    query: String,
    generation: u32,
    /// The reader holds it.
    own: bool,
    /// The reader holds it and has not accepted it yet.
    acceptable: bool,
    /// The reader may say what it needs: nobody has it.
    classifiable: bool,
    /// The reader may give it to somebody.
    assignable: bool,
}

struct Offer {
    ends: Moment,
    left: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Skill {
    name: &'static str,
    probability: String,
    bar: u8,
}

pub(super) async fn page(
    State(store): State<Arc<dyn Store>>,
    principal: Principal,
    locale: Locale,
    number: PageNumber,
    outcome: Result<Query<Outcome>, QueryRejection>,
) -> Result<Response, ErrorPage> {
    match read(&*store, &principal, number).await {
        Ok((mut rows, takers)) => {
            let words = locale.words();
            let pager = Pager::over(number, &mut rows, "/inquiries");
            let frame = Frame::new(&locale, Room::Inquiries, words.inquiries);
            let notice = outcome.ok().and_then(|Query(outcome)| notice(outcome, words));
            let page = pager.number;
            let now = Utc::now();
            let inquiries = rows.into_iter().map(|row| inquiry(row, &principal, page, now, words)).collect();
            let name = |skill: contract::Skill| (skill.as_str(), (words.skill_name)(skill));
            let all_skills = contract::Skill::ALL.into_iter().map(name).collect();
            let masked = !masking::reads(&principal);
            let view = View { frame, notice, inquiries, all_skills, takers, masked, pager };
            Ok(render(StatusCode::OK, &view))
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

async fn read(
    store: &dyn Store,
    principal: &Principal,
    number: PageNumber,
) -> Result<(Vec<InquiryRow>, Vec<Taker>), StoreError> {
    let rows = store.inquiries(number.wanted(), &principal.sight()).await?;
    if !principal.may(Permission::Supervise) {
        return Ok((rows, Vec::new()));
    }
    let free =
        store.agents().await?.into_iter().filter(|agent| agent.available && agent.open < agent.capacity);
    let taker = |agent: AgentSnapshot| Taker {
        id: agent.agent_id.to_string(),
        open: agent.open,
        capacity: agent.capacity,
    };
    Ok((rows, free.map(taker).collect()))
}

fn notice(outcome: Outcome, words: &Words) -> Option<Notice> {
    let (id, became) = outcome.read()?;
    let id = id.as_str();
    Some(Notice {
        good: became.is_ok(),
        text: match became {
            Ok(Deed::Accepted) => (words.was_accepted)(id),
            Ok(Deed::PassedOn) => (words.was_passed_on)(id),
            Ok(Deed::Resolved) => (words.was_resolved)(id),
            Ok(Deed::Classified) => (words.was_classified)(id),
            Ok(Deed::Assigned) => (words.access.was_assigned)(id),
            Err(Lost::Expired) => (words.was_too_late)(id),
            Err(Lost::Full) => (words.access.was_full)(id),
            Err(_) => (words.was_not_held)(id),
        },
    })
}

/// What the reader may do with it; none if there is nothing.
fn acts(row: &InquiryRow, reader: &Principal, page: u32) -> Option<Acts> {
    let holder = row.agent_id.as_ref().filter(|_| row.status == InquiryStatus::Assigned);
    let open = holder.is_some() || matches!(row.status, InquiryStatus::Waiting | InquiryStatus::Triage);
    let supervises = open && reader.may(Permission::Supervise);
    let own = reader.may(Permission::WorkInquiries) && holder.is_some() && reader.agent_id.as_ref() == holder;
    (own || supervises).then(|| Acts {
        href: format!("/inquiries/{}", encoded(row.inquiry_id.as_str())),
        query: format!("?page={page}"),
        generation: row.generation,
        own,
        acceptable: own && row.accepted_at.is_none(),
        classifiable: supervises && holder.is_none(),
        assignable: supervises,
    })
}

fn offer(row: &InquiryRow, now: DateTime<Utc>, words: &Words) -> Option<Offer> {
    let offered = row.status == InquiryStatus::Assigned && row.accepted_at.is_none();
    let ends = row.expires_at.filter(|_| offered)?;
    Some(Offer { ends: ends.into(), left: (words.time_left)((ends - now).num_seconds().max(0)) })
}

fn inquiry(mut row: InquiryRow, reader: &Principal, page: u32, now: DateTime<Utc>, words: &Words) -> Inquiry {
    if !masking::reads(reader) {
        masking::inquiry(&mut row);
    }
    let id = row.inquiry_id.to_string();
    let skills = row.skills.iter().take(SKILLS_SHOWN).map(|entry| Skill {
        name: (words.skill_name)(entry.skill),
        probability: percent(entry.probability),
        bar: bar(entry.probability),
    });
    Inquiry {
        acts: acts(&row, reader, page),
        offer: offer(&row, now, words),
        corrected: row.corrected_skill.map(words.skill_name),
        skills: skills.collect(),
        agent: row.agent_id.map(|agent| Agent {
            name: row.agent_name.unwrap_or_else(|| agent.to_string()),
            id: agent.to_string(),
        }),
        id,
        subject: row.subject.filter(|subject| !subject.trim().is_empty()),
        text: row.text,
        lang: row.language.as_str(),
        language: (words.language_name)(row.language),
        status: (words.status_name)(row.status),
        status_key: row.status.as_str(),
        channel: row.channel.to_string(),
        priority: (words.priority_name)(row.priority),
        priority_key: row.priority.as_str(),
        stands_out: row.priority != Priority::Normal,
        reason: row.reason,
        received: row.received_at.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{AccountId, Entrance, Role};
    use crate::contract::{AgentId, InquiryId, Language, SkillProbability};

    fn row(status: InquiryStatus, agent: Option<&str>) -> InquiryRow {
        let skill = |skill, probability| SkillProbability { skill, probability };
        InquiryRow {
            inquiry_id: InquiryId::new("q/1 #あ").unwrap(),
            subject: Some(" ".into()),
            text: "Where is it?".into(),
            language: Language::En,
            priority: Priority::Normal,
            channel: contract::Channel::default(),
            status,
            skills: vec![
                skill(contract::Skill::Shipping, 0.7),
                skill(contract::Skill::Payment, 0.2),
                skill(contract::Skill::Other, 0.06),
                skill(contract::Skill::Listing, 0.04),
            ],
            agent_id: agent.map(|id| AgentId::new(id).unwrap()),
            agent_name: None,
            generation: 1,
            corrected_skill: None,
            accepted_at: None,
            expires_at: None,
            reason: String::new(),
            received_at: "2026-11-21T09:00:00Z".parse().unwrap(),
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-11-21T09:10:00Z".parse().unwrap()
    }

    fn reader(role: Role, agent: Option<&str>) -> Principal {
        Principal {
            account_id: AccountId(1),
            login: "aki".parse().unwrap(),
            name: "Aki".into(),
            role,
            teams: Default::default(),
            agent_id: agent.map(|id| AgentId::new(id).unwrap()),
            language: None,
            entrance: Entrance::Session,
        }
    }

    #[test]
    fn what_can_be_done_depends_on_who_has_it_and_who_reads() {
        let words = Words::of(Language::En);
        let agent = reader(Role::Agent, Some("a-1"));
        let held = inquiry(row(InquiryStatus::Assigned, Some("a-1")), &agent, 2, now(), words);
        let acts = held.acts.unwrap();
        assert_eq!((acts.href.as_str(), acts.query.as_str()), ("/inquiries/q%2F1%20%23%E3%81%82", "?page=2"));
        assert!(acts.own && acts.acceptable && !acts.classifiable && !acts.assignable);
        assert_eq!(held.agent.unwrap().name, "a-1");
        let done = inquiry(row(InquiryStatus::Resolved, Some("a-1")), &agent, 1, now(), words);
        assert!(done.acts.is_none());
        let of = |status, agent, reader| inquiry(row(status, agent), reader, 1, now(), words).acts;
        assert!(of(InquiryStatus::Assigned, Some("a-2"), &agent).is_none());
        assert!(of(InquiryStatus::Waiting, None, &agent).is_none());
        let lead = reader(Role::Lead, None);
        let waiting = of(InquiryStatus::Waiting, None, &lead).unwrap();
        assert!(waiting.classifiable && waiting.assignable && !waiting.own);
        assert!(of(InquiryStatus::Assigned, Some("a-2"), &lead).is_some_and(|acts| !acts.classifiable));
        assert!(of(InquiryStatus::Waiting, None, &reader(Role::Admin, None)).is_none());
    }

    #[test]
    fn who_must_not_read_sees_dots() {
        let words = Words::of(Language::En);
        let mut secret = row(InquiryStatus::Waiting, None);
        secret.subject = Some("Lost parcel".into());
        let shown = inquiry(secret, &reader(Role::Admin, None), 1, now(), words);
        assert_eq!((shown.text.as_str(), shown.subject.as_deref()), ("••••• •• •••", Some("•••• ••••••")));
        assert_eq!(shown.lang, "en");
    }

    #[test]
    fn an_offer_tells_when_it_ends_until_it_is_accepted() {
        let words = Words::of(Language::En);
        let offered = |accepted_at| InquiryRow {
            expires_at: Some(now() + chrono::TimeDelta::seconds(45)),
            accepted_at,
            ..row(InquiryStatus::Assigned, Some("a-1"))
        };
        let offer = inquiry(offered(None), &reader(Role::Lead, None), 1, now(), words).offer.unwrap();
        assert!(offer.left.contains("45") && offer.ends.machine == "2026-11-21T09:10:45Z");
        assert!(inquiry(offered(Some(now())), &reader(Role::Lead, None), 1, now(), words).offer.is_none());
    }

    #[test]
    fn the_three_best_skills_are_shown_and_an_empty_subject_is_not() {
        let shown = inquiry(
            row(InquiryStatus::Triage, None),
            &reader(Role::Lead, None),
            1,
            now(),
            Words::of(Language::Ja),
        );
        let skills: Vec<_> = shown.skills.iter().map(|skill| (skill.name, skill.bar)).collect();
        assert_eq!(skills, [("配送", 70), ("支払い", 20), ("その他", 6)]);
        assert_eq!((shown.subject, shown.language), (None, "英語"));
    }
}
