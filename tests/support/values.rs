//! Contract values for tests.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use mimamori::contract::*;
use mimamori::queue::Inbound;
use mimamori::routing::{Candidate, Explanation, Method, Proposal, Weights};
use mimamori::store::*;

/// A fixed moment, so many seconds later.
pub fn at(seconds: i64) -> DateTime<Utc> {
    "2026-11-21T09:00:00.123456Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(seconds)
}

pub fn message(id: &str, transaction: &str, sent: i64) -> TransactionMessage {
    TransactionMessage {
        message_id: MessageId::new(id).unwrap(),
        transaction_id: TransactionId::new(transaction).unwrap(),
        sender_id: UserId::new("u-1").unwrap(),
        sender_role: Role::Seller,
        text: format!("text of {id} 「よろしく」"),
        sent_at: at(sent),
    }
}

/// The policy that [`flagged`] finds.
pub fn induction() -> Policy {
    Policy::new("external_induction")
}

/// A verdict that reports the message for one policy, on a rule and the model.
pub fn flagged(message: &TransactionMessage, decided: i64) -> Decision {
    let label = |source: &str, score: f64, spans: Vec<Span>| Label {
        policy: induction(),
        subtype: Some("contact".into()),
        score,
        source: source.into(),
        spans,
        parts: vec![],
    };
    let labels = vec![
        label("rule:external_induction/line_id", 0.98, vec![Span { start: 0, end: 4, text: "text".into() }]),
        label("model:external_induction@1", 0.1 + 0.2, vec![]),
    ];
    let alert = PolicyAlert {
        policy: induction(),
        action: Action::Report,
        score: 0.98,
        sources: AlertSources::of(&labels, &induction()).unwrap(),
        risk: mimamori::moderation::risk(0.98, 0.0),
        text_key: mimamori::moderation::text_key(&message.text, true, &message.transaction_id),
    };
    let mut decision = cleared(message, decided);
    decision.verdict.action = Action::Report;
    decision.verdict.labels = labels;
    decision.verdict.policies.insert(induction(), 0.98);
    decision.alerts.push(alert);
    decision
}

/// A verdict that finds nothing.
pub fn cleared(message: &TransactionMessage, decided: i64) -> Decision {
    Decision {
        verdict: Verdict {
            message_id: message.message_id.clone(),
            transaction_id: message.transaction_id.clone(),
            action: Action::None,
            labels: vec![],
            undecided: vec![],
            policies: BTreeMap::from([(induction(), 0.01), (Policy::new("harassment"), 0.02)]),
            language: Language::Ja,
            rules_version: "r1".into(),
            model_version: "m1".into(),
            decided_at: at(decided),
        },
        alerts: vec![],
        shadow: vec![],
    }
}

pub fn dead_letter(id: &str, seconds: i64) -> DeadLetter {
    DeadLetter {
        id: id.into(),
        queue: Inbound::Messages,
        body: b"\xff\x00{not json".to_vec(),
        rejection: Rejection::new(RejectionCode::InvalidUtf8, "body: expected UTF-8, byte 0 is not"),
        at: at(seconds),
    }
}

pub fn agent(id: &str, skills: &[Skill], languages: &[Language], capacity: u32) -> AgentProfile {
    AgentProfile {
        agent_id: AgentId::new(id).unwrap(),
        name: format!("Agent {id}"),
        skills: skills.iter().map(|skill| (*skill, 3)).collect(),
        languages: languages.to_vec(),
        capacity,
        available: true,
        team: None,
        hours: None,
    }
}

pub fn inquiry(id: &str, received: i64) -> Inquiry {
    Inquiry {
        inquiry_id: InquiryId::new(id).unwrap(),
        customer_id: UserId::new("u-9").unwrap(),
        text: "商品が届きません".into(),
        received_at: at(received),
        subject: Some("配送".into()),
        transaction_id: None,
        priority: Priority::Normal,
        channel: Channel::default(),
    }
}

/// Routes a Japanese shipping inquiry.
pub fn decision(inquiry: &Inquiry, proposal: Proposal, seconds: i64) -> RoutingDecision {
    RoutingDecision {
        inquiry: inquiry.clone(),
        language: Language::Ja,
        skills: vec![
            SkillProbability { skill: Skill::Shipping, probability: 0.91 },
            SkillProbability { skill: Skill::Other, probability: 0.09 },
        ],
        proposal,
        explanation: explanation(seconds),
        model_version: "m1".into(),
        weight: 1,
        generation: 0,
        corrected_skill: None,
        expires_at: None,
        decided: None,
        at: at(seconds),
    }
}

/// Reasons without a candidate.
pub fn explanation(seconds: i64) -> Explanation {
    Explanation {
        policy_version: "p1".into(),
        weights: Weights { scarcity: 0.2, fairness: 0.1 },
        tick: at(seconds),
        method: Method::Optimal,
        step: 1,
        waited_seconds: 0.1 + 0.2,
        waiting_seconds: Some(0.1 + 0.2),
        urgency: 1.5,
        flagged: false,
        weight: 1,
        preferred: None,
        skills: vec![SkillProbability { skill: Skill::Shipping, probability: 0.9 }],
        needs: vec![Skill::Shipping],
        chosen: None,
        allowed: 0,
        candidates: vec![],
        excluded: BTreeMap::new(),
    }
}

/// Offers to these agents in this order.
pub fn offer(agents: &[&str]) -> Proposal {
    let candidate = |id: &&str| Candidate {
        agent_id: AgentId::new(*id).unwrap(),
        skill: Skill::Shipping,
        proficiency: 3,
        again: false,
    };
    Proposal::Offer { skill: Skill::Shipping, candidates: agents.iter().map(candidate).collect() }
}
