//! What a reviewer does with an alert.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ask::{Sent, id, text, unknown};
use super::conditions::{IfMatch, stale};
use super::openapi::{Condition, Operation, schema};
use super::problem::{Holder, Kind, Problem};
use super::tagged;
use super::views::AlertStanding;
use crate::access::Principal;
use crate::console::masking;
use crate::console::review::{LONGEST_NOTE, LONGEST_SUBTYPE, reach, warning_text};
use crate::console::state::Desk;
use crate::contract::{AlertState, Language, Policy, Ruling};
use crate::store::review::{AlertFile, Done, Order, Reach, Refused, Saying};

/// Every write on one alert.
const ACT: Operation = Operation {
    tag: "Alerts",
    key: Some(schema::<i64>),
    answer: schema::<AlertStanding>,
    tagged: true,
    condition: Condition::Optional,
    refused: &[409],
    ..Operation::WRITE
};

pub(in crate::console) const CLAIM: Operation = Operation {
    id: "claimAlert",
    summary: "Take an alert to review it, or renew one's own claim",
    description: "Who claims it has it for `console.review.lease_s`, or until it is decided or released. 409 tells who else has it, or \
                  has decided it.",
    ..ACT
};

pub(in crate::console) const RELEASE: Operation = Operation {
    id: "releaseAlert",
    summary: "Put a claimed alert back",
    condition: Condition::Required,
    ..ACT
};

pub(in crate::console) const DECIDE: Operation = Operation {
    id: "decideAlert",
    summary: "Decide an alert that one has claimed",
    body: Some(schema::<NewDecision>),
    condition: Condition::Required,
    ..ACT
};

pub(in crate::console) const ESCALATE: Operation = Operation {
    id: "escalateAlert",
    summary: "Put an alert that one has claimed before somebody who supervises",
    body: Some(schema::<Escalation>),
    condition: Condition::Required,
    ..ACT
};

pub(in crate::console) const UNDO: Operation = Operation {
    id: "undoDecision",
    summary: "Take back one's own last decision",
    description: "Within `console.review.undo_s`, with everything that was decided together; the alert is claimed again.",
    key: None,
    condition: Condition::None,
    ..ACT
};

pub(in crate::console) const HIDE: Operation = Operation {
    id: "hideMessage",
    summary: "Hide the alert's message",
    description: "Told as the event `message.hidden`; the backend hides it.",
    ..ACT
};

pub(in crate::console) const RESTORE: Operation = Operation {
    id: "restoreMessage",
    summary: "Show the alert's message again",
    description: "Told as the event `message.restored`; the backend shows it.",
    ..ACT
};

pub(in crate::console) const WARN: Operation = Operation {
    id: "warnSender",
    summary: "Have the sender warned, once for each alert",
    description: "Told as the event `sender.warned` with the text; the backend delivers it.",
    body: Some(schema::<Warning>),
    ..ACT
};

/// What the reviewer says.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct NewDecision {
    ruling: Ruling,
    /// Which policy the message violates, if another than it was flagged for. Of meaning for `violation` only.
    #[schemars(regex(pattern = "^[a-z0-9_]+$"))]
    policy: Option<String>,
    /// For instance `contact`. Of meaning for `violation` only.
    #[schemars(length(max = LONGEST_SUBTYPE))]
    subtype: Option<String>,
    #[schemars(length(max = LONGEST_NOTE))]
    note: Option<String>,
    /// Decides the undecided alerts of the same text as well: `same_text.up_to` of the alert as it was read.
    alike_up_to: Option<i64>,
}

/// Why somebody else is to decide.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Escalation {
    #[schemars(length(max = LONGEST_NOTE))]
    note: Option<String>,
}

/// How the sender is told.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Warning {
    language: Language,
}

type Id = Result<Path<i64>, PathRejection>;
type Answer = Result<Response, Problem>;

pub(in crate::console) async fn claim(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
) -> Answer {
    let id = id(path)?;
    let now = Utc::now();
    before(&desk, &principal, &condition, id).await?;
    let (login, reach) = (principal.login.as_str(), reach(&principal));
    let claimed = desk.store.claim_alert(id, login, reach, desk.settings.lease, now).await?;
    match claimed {
        Ok(_) => after(&desk, &principal, id, 1).await,
        Err(refused) => Err(refusal(refused)),
    }
}

pub(in crate::console) async fn release(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
) -> Answer {
    let id = id(path)?;
    let generation = condition.required()?;
    let file = before(&desk, &principal, &condition, id).await?;
    if desk.store.release_claim(id, principal.login.as_str(), generation, Utc::now()).await? {
        return after(&desk, &principal, id, 1).await;
    }
    Err(lost(file, &principal, Utc::now()))
}

pub(in crate::console) async fn decide(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
    Sent(sent): Sent<NewDecision>,
) -> Answer {
    let policy = sent.policy.map(|name| name.parse::<Policy>()).transpose();
    let saying = Saying::Ruled {
        ruling: sent.ruling,
        policy: policy.map_err(|expected| Kind::Body.of_field("policy", expected))?,
        subtype: text("subtype", sent.subtype.as_deref(), LONGEST_SUBTYPE)?,
    };
    let note = text("note", sent.note.as_deref(), LONGEST_NOTE)?;
    ordered(&desk, &principal, &condition, id(path)?, Said { saying, note, alike_up_to: sent.alike_up_to })
        .await
}

pub(in crate::console) async fn escalate(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
    Sent(sent): Sent<Escalation>,
) -> Answer {
    let note = text("note", sent.note.as_deref(), LONGEST_NOTE)?;
    let said = Said { saying: Saying::Escalated, note, alike_up_to: None };
    ordered(&desk, &principal, &condition, id(path)?, said).await
}

/// What is left of a body.
struct Said {
    saying: Saying,
    note: Option<String>,
    alike_up_to: Option<i64>,
}

async fn ordered(desk: &Desk, principal: &Principal, condition: &IfMatch, id: i64, said: Said) -> Answer {
    let generation = condition.required()?;
    let file = before(desk, principal, condition, id).await?;
    if let Saying::Ruled { policy: Some(policy), .. } = &said.saying
        && !desk.settings.policies.contains(policy)
        && *policy != file.row.alert.policy
    {
        return Err(
            Kind::Body.of_field("policy", "expected a configured policy, or the one it was flagged for")
        );
    }
    let at = Utc::now();
    let Said { saying, note, alike_up_to } = said;
    let (by, reach) = (principal.actor(), reach(principal));
    let order = Order { alert_id: id, generation, by, reach, saying, note, alike_up_to, at };
    match desk.store.decide_alert(&order).await? {
        Ok(Done { count, .. }) => after(desk, principal, id, count).await,
        Err(Refused::NotHeld) => Err(lost(file, principal, at)),
        Err(refused) => Err(refusal(refused)),
    }
}

pub(in crate::console) async fn undo(State(desk): State<Desk>, principal: Principal) -> Answer {
    let now = Utc::now();
    let since = now - desk.settings.undo;
    match desk.store.undo_decision(&principal.actor(), since, desk.settings.lease, now).await? {
        Ok(Done { alert_id, count }) => after(&desk, &principal, alert_id, count).await,
        Err(refused) => Err(refusal(refused)),
    }
}

pub(in crate::console) async fn hide(
    desk: State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
) -> Answer {
    set_hidden(desk, principal, condition, path, true).await
}

pub(in crate::console) async fn restore(
    desk: State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
) -> Answer {
    set_hidden(desk, principal, condition, path, false).await
}

async fn set_hidden(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
    hidden: bool,
) -> Answer {
    let id = id(path)?;
    before(&desk, &principal, &condition, id).await?;
    match desk.store.set_hidden(id, hidden, &principal.actor(), reach(&principal), Utc::now()).await? {
        Ok(changed) => after(&desk, &principal, id, u32::from(changed)).await,
        Err(refused) => Err(refusal(refused)),
    }
}

pub(in crate::console) async fn warn(
    State(desk): State<Desk>,
    principal: Principal,
    condition: IfMatch,
    path: Id,
    Sent(Warning { language }): Sent<Warning>,
) -> Answer {
    let id = id(path)?;
    before(&desk, &principal, &condition, id).await?;
    let (by, reach) = (principal.actor(), reach(&principal));
    match desk.store.warn_sender(id, language, warning_text, &by, reach, Utc::now()).await? {
        Ok(changed) => after(&desk, &principal, id, u32::from(changed)).await,
        Err(refused) => Err(refusal(refused)),
    }
}

/// The alert as it stands before a write, if there is one that this principal may change and that is of the generation they mean. What
/// fences the write is the store; this is to say why not.
async fn before(
    desk: &Desk,
    principal: &Principal,
    condition: &IfMatch,
    id: i64,
) -> Result<AlertFile, Problem> {
    let file = desk.store.alert_file(id, 0).await?.ok_or_else(unknown)?;
    if file.row.state == AlertState::Escalated && reach(principal) == Reach::Usual {
        return Err(escalated());
    }
    condition
        .check(file.row.generation)
        .map_err(|stale| stale.held_by(holder(&file, principal, Utc::now())))?;
    Ok(file)
}

/// The alert as it stands after a write.
async fn after(desk: &Desk, principal: &Principal, id: i64, changed: u32) -> Answer {
    let file = desk.store.alert_file(id, 0).await?.ok_or_else(unknown)?;
    let standing = AlertStanding::new(file, changed, masking::reads(principal), Utc::now());
    Ok(tagged(standing.generation, &standing))
}

fn holder(file: &AlertFile, principal: &Principal, now: DateTime<Utc>) -> Option<Holder> {
    if let Some(decided) = &file.row.decided {
        return Some(Holder { name: decided.by.clone(), until: None });
    }
    let claim = file.row.holder(now).filter(|claim| claim.by != principal.login.as_str())?;
    Some(Holder { name: claim.by.clone(), until: Some(claim.until) })
}

/// The generation is still that, but the principal does not have it; or it has just changed.
fn lost(file: AlertFile, principal: &Principal, now: DateTime<Utc>) -> Problem {
    let own = file.row.claim.as_ref().is_some_and(|claim| claim.by == principal.login.as_str());
    if own && file.row.decided.is_none() {
        return stale();
    }
    let holder = holder(&file, principal, now);
    Kind::Conflict.because("You do not have this alert: claim it first.").held_by(holder)
}

fn refusal(refused: Refused) -> Problem {
    let conflict = |detail: &str| Kind::Conflict.because(detail);
    match refused {
        Refused::Unknown => unknown(),
        Refused::Held(claim) => conflict("Somebody else has this alert.")
            .held_by(Some(Holder { name: claim.by, until: Some(claim.until) }))
            .now_at(claim.generation),
        Refused::Decided { by, ruling, .. } => {
            conflict(&format!("It is decided: {ruling}.")).held_by(Some(Holder { name: by, until: None }))
        }
        Refused::NotHeld => conflict("You do not have this alert: claim it first."),
        Refused::NothingToUndo => conflict("There is no decision to take back."),
        Refused::TooLate => conflict("The time to take the decision back is over."),
        Refused::Escalated => escalated(),
        Refused::Changed => conflict("What was decided has been taken up by somebody else since."),
    }
}

fn escalated() -> Problem {
    Kind::Forbidden.because("The alert is escalated: who supervises decides.")
}
