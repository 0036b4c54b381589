//! Which list of inquiries an address asks for, and the addresses of lists.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::access::{Permission, Principal, Role, Sight};
use crate::console::error::{ErrorPage, PageError};
use crate::console::handover::{Outcome, encoded};
use crate::console::keyset;
use crate::console::locale::Locale;
use crate::contract::InquiryId;
use crate::store::desk::{DeskCursor, DeskListing, DeskView};
use crate::store::review::Direction;

/// A list with the place in it, and what the button before did.
#[derive(Debug, Clone, Default)]
pub(in crate::console) struct Asked {
    /// None for the one that this person begins with.
    view: Option<DeskView>,
    from: Option<DeskCursor>,
    direction: Direction,
    /// The button stands on the page of the inquiry.
    pub(in crate::console) on_page: bool,
    /// The template that was picked.
    pub(in crate::console) template: Option<i64>,
    pub(in crate::console) outcome: Outcome,
}

/// Empty is as good as absent: forms send empty fields.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    view: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    before: String,
    #[serde(default)]
    on: String,
    #[serde(default)]
    template: String,
    #[serde(flatten)]
    outcome: Outcome,
}

impl Asked {
    fn read(raw: Raw) -> Option<Self> {
        let view = match raw.view.as_str() {
            "" => None,
            name => Some(DeskView::ALL.into_iter().find(|view| view.as_str() == name)?),
        };
        let (from, direction) = keyset::place(&raw.after, &raw.before, cursor)?;
        Some(Self {
            view,
            from,
            direction,
            on_page: raw.on == "page",
            template: raw.template.parse().ok(),
            outcome: raw.outcome,
        })
    }

    /// The list that is asked for, if this person has it.
    pub(in crate::console) fn view(
        &self,
        principal: &Principal,
        locale: &Locale,
    ) -> Result<DeskView, ErrorPage> {
        let lists = lists(principal);
        let view = self.view.unwrap_or_else(|| first(principal, &lists));
        if lists.contains(&view) { Ok(view) } else { Err(PageError::Forbidden.page(locale.clone())) }
    }

    pub(in crate::console) fn is_backward(&self) -> bool {
        self.direction == Direction::Backward
    }

    pub(in crate::console) fn is_first(&self) -> bool {
        self.from.is_none()
    }

    /// The query of the list, at its place.
    pub(in crate::console) fn query(&self, view: DeskView) -> String {
        let from = self.from.as_ref().map(|cursor| (cursor, self.direction));
        match from {
            None => format!("view={}", view.as_str()),
            Some((cursor, Direction::Forward)) => format!("view={}&after={}", view.as_str(), place(cursor)),
            Some((cursor, Direction::Backward)) => format!("view={}&before={}", view.as_str(), place(cursor)),
        }
    }

    /// The list to go back to after a button; a list that this person has not is left for the one they begin with.
    pub(in crate::console) fn back(&self, principal: &Principal) -> String {
        let lists = lists(principal);
        let view = self.view.filter(|view| lists.contains(view));
        self.query(view.unwrap_or_else(|| first(principal, &lists)))
    }

    pub(in crate::console) fn listing(
        &self,
        view: DeskView,
        principal: &Principal,
        limit: u32,
    ) -> DeskListing {
        DeskListing {
            view,
            agent_id: principal.agent_id.clone(),
            teams: principal.teams.clone(),
            sight: principal.sight(),
            from: self.from.clone(),
            direction: self.direction,
            limit,
        }
    }
}

/// The lists that somebody has, in the order in which they are offered.
pub(in crate::console) fn lists(principal: &Principal) -> Vec<DeskView> {
    let all = principal.sight() == Sight::All;
    let own = principal.agent_id.is_some() && principal.may(Permission::WorkInquiries);
    let has = |view: &DeskView| match view {
        DeskView::Mine => own,
        DeskView::Teams => !principal.teams.is_empty(),
        DeskView::All | DeskView::Triage | DeskView::Waiting => all,
        DeskView::Resolved => true,
    };
    DeskView::ALL.into_iter().filter(has).collect()
}

/// Agents begin with their own, who sees everything with everything.
fn first(principal: &Principal, lists: &[DeskView]) -> DeskView {
    let wished = if principal.role == Role::Agent { DeskView::Mine } else { DeskView::All };
    let wished = Some(wished).filter(|view| lists.contains(view));
    wished.or_else(|| lists.first().copied()).unwrap_or(DeskView::Resolved)
}

/// Microseconds and the inquiry, as they stand in addresses.
pub(in crate::console) fn place((time, id): &DeskCursor) -> String {
    format!("{}.{}", time.timestamp_micros(), encoded(id.as_str()))
}

fn cursor(text: &str) -> Option<DeskCursor> {
    let (time, id) = text.split_once('.')?;
    Some((keyset::moment(time)?, InquiryId::new(id).ok()?))
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let raw = Query::<Raw>::from_request_parts(parts, state).await.ok();
        if let Some(asked) = raw.and_then(|Query(raw)| Self::read(raw)) {
            return Ok(asked);
        }
        Err(PageError::Cursor.page(Locale::of_parts(parts)).into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{AccountId, Entrance};
    use crate::contract::AgentId;

    fn read(query: &str) -> Option<Asked> {
        let uri = format!("/inquiries?{query}").parse().unwrap();
        Query::<Raw>::try_from_uri(&uri).ok().and_then(|Query(raw)| Asked::read(raw))
    }

    fn principal(role: Role, agent: Option<&str>, teams: &[&str]) -> Principal {
        Principal {
            account_id: AccountId(1),
            login: "aki".parse().unwrap(),
            name: "Aki".into(),
            role,
            teams: teams.iter().map(|team| (*team).to_owned()).collect(),
            agent_id: agent.map(|id| AgentId::new(id).unwrap()),
            language: None,
            entrance: Entrance::Session,
        }
    }

    #[test]
    fn an_address_that_is_written_is_read_again() {
        let asked = read("view=waiting&after=5.q%2F1&done=accepted&inquiry=q-1&on=page").unwrap();
        assert_eq!(asked.query(DeskView::Waiting), "view=waiting&after=5.q%2F1");
        assert!(asked.on_page && !asked.is_backward() && asked.outcome.read().is_some());
        for wrong in ["view=everything", "after=x", "after=1.", "after=1.q&before=2.q"] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn everybody_has_the_lists_of_their_sight_and_agents_begin_with_their_own() {
        use DeskView::*;
        let of = |principal: &Principal| (lists(principal), first(principal, &lists(principal)));
        let agent = principal(Role::Agent, Some("a-1"), &["north"]);
        assert_eq!(of(&agent), (vec![Mine, Teams, Resolved], Mine));
        assert_eq!(of(&principal(Role::Agent, None, &["north"])), (vec![Teams, Resolved], Teams));
        assert_eq!(of(&principal(Role::Agent, None, &[])), (vec![Resolved], Resolved));
        let lead = principal(Role::Lead, Some("a-1"), &[]);
        assert_eq!(of(&lead), (vec![Mine, All, Triage, Waiting, Resolved], All));
        assert_eq!(
            of(&principal(Role::Admin, Some("a-1"), &[])),
            (vec![All, Triage, Waiting, Resolved], All)
        );
        assert_eq!(read("view=triage").unwrap().back(&agent), "view=mine");
    }
}
