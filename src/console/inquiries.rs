//! `/inquiries`: who asked what, and who has it. What the buttons do stands in [`super::handover`].

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::desk::{self, Asked, Here, place};
use super::error::{ErrorPage, PageError};
use super::handover::{Deed, Outcome, encoded};
use super::layout::{Frame, Moment, Room, bar, percent, render};
use super::locale::Locale;
use super::masking;
use super::review::{COUNTED, bounded};
use super::state::Desk;
use super::words::Words;
use crate::access::{Permission, Principal};
use crate::contract::{self, Priority};
use crate::store::desk::{AgentStanding, DeskCounts, DeskRow, DeskView};
use crate::store::{InquiryRow, InquiryStatus, Lost, StoreError};

/// So many of the predicted skills are shown.
const SKILLS_SHOWN: usize = 3;
/// Rows of one page: what one reads without losing the place.
const ROWS: u32 = 25;
/// Nobody holds more than this.
pub(super) const MOST_HELD: u32 = 200;
/// Agents to whom something can be given, at most.
const MOST_TAKERS: u32 = 500;

#[derive(Template)]
#[template(path = "inquiries.html")]
struct View {
    frame: Frame,
    notice: Option<Notice>,
    views: Vec<ViewLink>,
    /// The order of this list.
    order: &'static str,
    presence: Option<Here>,
    /// The address of the list, for the switch.
    query: String,
    inquiries: Vec<Inquiry>,
    /// Every skill by its name in the contract and in the page's language.
    all_skills: Vec<(&'static str, &'static str)>,
    /// Agents who can take one more, with what they have; empty for those who give nothing to anybody.
    takers: Vec<Taker>,
    masked: bool,
    first: Option<String>,
    newer: Option<String>,
    older: Option<String>,
}

/// A list to choose.
struct ViewLink {
    href: String,
    name: &'static str,
    /// Where a number tells what there is to do.
    count: Option<String>,
    here: bool,
}

/// An agent to give something to.
pub(super) struct Taker {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) open: u32,
    pub(super) capacity: u32,
}

/// What the button did.
pub(super) struct Notice {
    pub(super) text: String,
    pub(super) good: bool,
}

/// An inquiry as the page shows it.
pub(super) struct Inquiry {
    pub(super) id: String,
    /// Its page, with the list that it was opened from.
    pub(super) href: String,
    /// What the forms of the inquiry need; see [`Acts`].
    pub(super) acts: Option<Acts>,
    /// The offer ends, unless it is accepted.
    pub(super) offer: Option<Offer>,
    /// What a person said that it needs.
    pub(super) corrected: Option<&'static str>,
    pub(super) subject: Option<String>,
    pub(super) text: String,
    pub(super) lang: &'static str,
    pub(super) language: &'static str,
    pub(super) status: &'static str,
    pub(super) status_key: &'static str,
    pub(super) channel: String,
    pub(super) priority: &'static str,
    pub(super) priority_key: &'static str,
    /// Normal priority is not worth the reader's eye.
    pub(super) stands_out: bool,
    pub(super) skills: Vec<Skill>,
    pub(super) agent: Option<Agent>,
    pub(super) reason: String,
    pub(super) received: Moment,
}

pub(super) struct Agent {
    pub(super) id: String,
    pub(super) name: String,
}

/// What can be done with an inquiry that is not finished.
pub(super) struct Acts {
    /// Address of the inquiry, to which the name of the act is added, and the query behind that.
    pub(super) href: String,
    pub(super) query: String,
    pub(super) generation: u32,
    /// The reader holds it.
    pub(super) own: bool,
    /// The reader holds it and has not accepted it yet.
    pub(super) acceptable: bool,
    /// The reader may say what it needs: nobody has it.
    pub(super) classifiable: bool,
    /// The reader may give it to somebody.
    pub(super) assignable: bool,
}

pub(super) struct Offer {
    pub(super) ends: Moment,
    /// By the server's clock, which counts.
    pub(super) now: Moment,
    pub(super) left: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Skill {
    pub(super) name: &'static str,
    pub(super) probability: String,
    pub(super) bar: u8,
}

pub(super) async fn page(
    State(desk): State<Desk>,
    principal: Principal,
    locale: Locale,
    asked: Asked,
) -> Result<Response, ErrorPage> {
    let view = asked.view(&principal, &locale)?;
    match read(&desk, &principal, &asked, view).await {
        Ok(read) => Ok(render(StatusCode::OK, &list(read, &principal, &locale, &asked, view))),
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

/// What the list is made of.
struct Read {
    rows: Vec<DeskRow>,
    counts: DeskCounts,
    presence: Option<Here>,
    takers: Vec<Taker>,
}

async fn read(desk: &Desk, principal: &Principal, asked: &Asked, view: DeskView) -> Result<Read, StoreError> {
    // One more than is shown tells whether there is another page.
    let limit = if view == DeskView::Mine { MOST_HELD } else { ROWS + 1 };
    let wanted = asked.listing(view, principal, limit);
    Ok(Read {
        rows: desk.store.desk_list(&wanted).await?,
        counts: desk.store.desk_counts(&wanted, COUNTED).await?,
        presence: desk::here(desk, principal).await?,
        takers: takers(desk, principal).await?,
    })
}

/// Whom the reader may give something to.
pub(super) async fn takers(desk: &Desk, principal: &Principal) -> Result<Vec<Taker>, StoreError> {
    if !principal.may(Permission::Supervise) {
        return Ok(Vec::new());
    }
    let taker = |AgentStanding { agent_id, name, open, capacity, .. }| Taker {
        id: agent_id.to_string(),
        name,
        open,
        capacity,
    };
    Ok(desk.store.agents_to_give_to(MOST_TAKERS).await?.into_iter().map(taker).collect())
}

/// Every skill by its name in the contract and in the page's language.
pub(super) fn all_skills(words: &Words) -> Vec<(&'static str, &'static str)> {
    contract::Skill::ALL.into_iter().map(|skill| (skill.as_str(), (words.skill_name)(skill))).collect()
}

fn list(read: Read, principal: &Principal, locale: &Locale, asked: &Asked, view: DeskView) -> View {
    let words = locale.words();
    let Read { mut rows, counts, presence, takers } = read;
    let whole = view == DeskView::Mine;
    let more = !whole && rows.len() > ROWS as usize;
    if !whole {
        rows.truncate(ROWS as usize);
    }
    let (mut before, mut after) = (!whole && !asked.is_first(), more);
    if asked.is_backward() && !whole {
        rows.reverse();
        (before, after) = (more, true);
    }
    let link = |name: &str, row: Option<&DeskRow>| {
        row.map(|row| format!("/inquiries?view={}&{name}={}", view.as_str(), place(&row.cursor())))
    };
    let newer = link("before", rows.first().filter(|_| before));
    let older = link("after", rows.last().filter(|_| after));
    let count = |of: DeskView| match of {
        DeskView::Mine => Some(counts.mine),
        DeskView::Teams => Some(counts.teams),
        DeskView::Triage => Some(counts.triage),
        DeskView::Waiting => Some(counts.waiting),
        DeskView::All | DeskView::Resolved => None,
    };
    let views = desk::lists(principal).into_iter().map(|of| ViewLink {
        href: format!("/inquiries?view={}", of.as_str()),
        name: (words.desk.view_name)(of),
        count: count(of).map(|count| bounded(count, words)),
        here: of == view,
    });
    let (query, now) = (asked.query(view), Utc::now());
    let shown = |row: DeskRow| inquiry(row.inquiry, principal, &query, now, words);
    View {
        frame: Frame::new(locale, Room::Inquiries, words.inquiries),
        notice: notice(&asked.outcome, words),
        views: views.collect(),
        order: (words.desk.view_about)(view),
        presence,
        inquiries: rows.into_iter().map(shown).collect(),
        all_skills: all_skills(words),
        takers,
        masked: !masking::reads(principal),
        first: (!whole && !asked.is_first()).then(|| format!("/inquiries?view={}", view.as_str())),
        newer,
        older,
        query,
    }
}

pub(super) fn notice(outcome: &Outcome, words: &Words) -> Option<Notice> {
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
            Ok(Deed::Replied) => (words.desk.was_replied)(id),
            Err(Lost::Expired) => (words.was_too_late)(id),
            Err(Lost::Full) => (words.access.was_full)(id),
            Err(_) => (words.was_not_held)(id),
        },
    })
}

/// What the reader may do with it; none if there is nothing.
fn acts(row: &InquiryRow, reader: &Principal, query: &str) -> Option<Acts> {
    let holder = row.agent_id.as_ref().filter(|_| row.status == InquiryStatus::Assigned);
    let open = holder.is_some() || matches!(row.status, InquiryStatus::Waiting | InquiryStatus::Triage);
    let supervises = open && reader.may(Permission::Supervise);
    let own = reader.may(Permission::WorkInquiries) && holder.is_some() && reader.agent_id.as_ref() == holder;
    (own || supervises).then(|| Acts {
        href: format!("/inquiries/{}", encoded(row.inquiry_id.as_str())),
        query: format!("?{query}"),
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
    let left = (ends - now).num_seconds().max(0);
    Some(Offer { ends: ends.into(), now: now.into(), left: (words.time_left)(left) })
}

pub(super) fn inquiry(
    mut row: InquiryRow,
    reader: &Principal,
    query: &str,
    now: DateTime<Utc>,
    words: &Words,
) -> Inquiry {
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
        href: format!("/inquiries/{}?{query}", encoded(row.inquiry_id.as_str())),
        acts: acts(&row, reader, query),
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
        let held = inquiry(row(InquiryStatus::Assigned, Some("a-1")), &agent, "view=mine", now(), words);
        let acts = held.acts.unwrap();
        assert_eq!(
            (acts.href.as_str(), acts.query.as_str()),
            ("/inquiries/q%2F1%20%23%E3%81%82", "?view=mine")
        );
        assert!(acts.own && acts.acceptable && !acts.classifiable && !acts.assignable);
        assert_eq!(held.agent.unwrap().name, "a-1");
        let done = inquiry(row(InquiryStatus::Resolved, Some("a-1")), &agent, "view=all", now(), words);
        assert!(done.acts.is_none());
        let of = |status, agent, reader| inquiry(row(status, agent), reader, "view=all", now(), words).acts;
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
        let shown = inquiry(secret, &reader(Role::Admin, None), "view=all", now(), words);
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
        let offer =
            inquiry(offered(None), &reader(Role::Lead, None), "view=all", now(), words).offer.unwrap();
        assert!(offer.left.contains("45") && offer.ends.machine == "2026-11-21T09:10:45Z");
        assert!(
            inquiry(offered(Some(now())), &reader(Role::Lead, None), "view=all", now(), words)
                .offer
                .is_none()
        );
    }

    #[test]
    fn the_three_best_skills_are_shown_and_an_empty_subject_is_not() {
        let shown = inquiry(
            row(InquiryStatus::Triage, None),
            &reader(Role::Lead, None),
            "view=all",
            now(),
            Words::of(Language::Ja),
        );
        let skills: Vec<_> = shown.skills.iter().map(|skill| (skill.name, skill.bar)).collect();
        assert_eq!(skills, [("配送", 70), ("支払い", 20), ("その他", 6)]);
        assert_eq!((shown.subject, shown.language), (None, "英語"));
    }
}
