//! `/`: how much there is of everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::error::{ErrorPage, PageError};
use super::layout::{Frame, Room, bar, grouped, percent, render};
use super::locale::Locale;
use super::words::Words;
use crate::contract::Action;
use crate::store::{InquiryStatus, Store, Summary};

#[derive(Template)]
#[template(path = "overview.html")]
struct View {
    frame: Frame,
    counts: Counts,
}

/// The counts as the page shows them.
struct Counts {
    messages: String,
    verdicts: String,
    alerts: String,
    inquiries: String,
    open: String,
    dead_letters: String,
    /// Something is wrong and somebody should look.
    any_dead_letters: bool,
    unpublished: String,
    actions: Vec<Row>,
    policies: Vec<PolicyRow>,
    statuses: Vec<Row>,
    skills: Vec<Row>,
    agents: Vec<Row>,
}

/// A row with its share of the whole.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: String,
    /// The name's stable form, where the name is translated.
    key: String,
    count: String,
    share: String,
    bar: u8,
}

/// Alerts of a policy by kind of source.
#[derive(Debug, PartialEq, Eq)]
struct PolicyRow {
    name: String,
    key: String,
    rule: String,
    model: String,
    both: String,
    total: String,
}

pub(super) async fn page(State(store): State<Arc<dyn Store>>, locale: Locale) -> Result<Response, ErrorPage> {
    match store.summary().await {
        Ok(summary) => {
            let words = locale.words();
            let frame = Frame::new(&locale, Room::Overview, words.overview);
            Ok(render(StatusCode::OK, &View { frame, counts: counts(&summary, words) }))
        }
        Err(error) => Err(PageError::Store(error).page(locale)),
    }
}

fn counts(summary: &Summary, words: &Words) -> Counts {
    let status =
        |status: InquiryStatus| summary.inquiries_by_status.get(status.as_str()).copied().unwrap_or_default();
    let open = [InquiryStatus::Waiting, InquiryStatus::Triage, InquiryStatus::Assigned].map(status);
    let actions = [Action::Hide, Action::Report, Action::None].map(|action| {
        let count = summary.actions.get(&action).copied().unwrap_or_default();
        ((words.action_name)(action).to_owned(), action.as_str().to_owned(), count)
    });
    let statuses = InquiryStatus::ALL
        .map(|each| ((words.status_name)(each).to_owned(), each.as_str().to_owned(), status(each)));
    let skills = summary
        .inquiries_by_skill
        .iter()
        .map(|(skill, count)| ((words.skill_name)(*skill).to_owned(), skill.as_str().to_owned(), *count));
    let agents = summary
        .inquiries_by_agent
        .iter()
        .map(|((id, name), count)| (name.clone(), id.as_str().to_owned(), *count));
    Counts {
        messages: grouped(summary.messages),
        verdicts: grouped(summary.verdicts),
        alerts: grouped(summary.alerts.values().sum()),
        inquiries: grouped(summary.inquiries),
        open: grouped(open.iter().sum()),
        dead_letters: grouped(summary.dead_letters),
        any_dead_letters: summary.dead_letters > 0,
        unpublished: grouped(summary.unpublished_events),
        actions: rows(actions.to_vec()),
        policies: policies(summary, words),
        statuses: rows(statuses.to_vec()),
        skills: rows(largest_first(skills.collect())),
        agents: rows(largest_first(agents.collect())),
    }
}

fn largest_first(mut counted: Vec<(String, String, u64)>) -> Vec<(String, String, u64)> {
    counted.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.1.cmp(&b.1)));
    counted
}

fn rows(counted: Vec<(String, String, u64)>) -> Vec<Row> {
    let whole: u64 = counted.iter().map(|(_, _, count)| count).sum();
    let row = |(name, key, count): (String, String, u64)| {
        let share = if whole == 0 { 0.0 } else { count as f64 / whole as f64 };
        Row { name, key, count: grouped(count), share: percent(share), bar: bar(share) }
    };
    counted.into_iter().map(row).collect()
}

fn policies(summary: &Summary, words: &Words) -> Vec<PolicyRow> {
    let mut by_policy: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
    for ((policy, sources), count) in &summary.alerts {
        let counts = by_policy.entry(policy.as_str()).or_default();
        match sources.as_str() {
            "rule" => counts[0] += count,
            "model" => counts[1] += count,
            "rule+model" => counts[2] += count,
            // A kind that this program does not know still counts in the total.
            _ => {}
        }
        counts[3] += count;
    }
    let row = |(policy, counts): (&str, [u64; 4])| {
        let [rule, model, both, total] = counts.map(grouped);
        PolicyRow { name: words.policy(policy), key: policy.to_owned(), rule, model, both, total }
    };
    by_policy.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{AgentId, Language, Policy, Skill};

    #[test]
    fn every_count_of_the_summary_is_shown() {
        let policy = Policy::new("external_induction");
        let summary = Summary {
            messages: 12_000,
            verdicts: 11_999,
            actions: BTreeMap::from([(Action::None, 3), (Action::Report, 1)]),
            alerts: BTreeMap::from([
                ((policy.clone(), "rule".into()), 2),
                ((policy, "rule+model".into()), 5),
            ]),
            inquiries: 10,
            inquiries_by_status: BTreeMap::from([("assigned".into(), 6), ("resolved".into(), 4)]),
            inquiries_by_skill: BTreeMap::from([(Skill::Payment, 1), (Skill::Shipping, 9)]),
            inquiries_by_agent: BTreeMap::from([((AgentId::new("a-1").unwrap(), "Aki".into()), 10)]),
            dead_letters: 2,
            unpublished_events: 7,
        };
        let counts = counts(&summary, Words::of(Language::En));
        assert_eq!((counts.messages.as_str(), counts.verdicts.as_str()), ("12,000", "11,999"));
        assert_eq!((counts.alerts.as_str(), counts.open.as_str()), ("7", "6"));
        assert!(counts.any_dead_letters);
        let policy = &counts.policies[0];
        assert_eq!(policy.name, "Luring off the platform");
        assert_eq!([&policy.rule, &policy.model, &policy.both, &policy.total], ["2", "0", "5", "7"]);
        let skills: Vec<_> = counts.skills.iter().map(|row| (row.key.as_str(), row.share.as_str())).collect();
        assert_eq!(skills, [("shipping", "90%"), ("payment", "10%")]);
        assert_eq!(counts.actions.len(), 3);
        assert_eq!(
            counts.statuses.iter().map(|row| row.count.as_str()).collect::<Vec<_>>(),
            ["0", "0", "6", "4"]
        );
    }

    #[test]
    fn an_empty_database_divides_by_nothing() {
        let counts = counts(&Summary::default(), Words::of(Language::Ja));
        assert!(counts.actions.iter().all(|row| row.share == "0%" && row.bar == 0));
        assert!(counts.policies.is_empty() && !counts.any_dead_letters);
    }
}
