//! The words of the pages, one file a language. A missing word does not compile.

mod access;
mod desk;
mod en;
mod evaluation;
mod ja;
mod models;
mod operations;
mod review;
mod rules;
mod webhooks;

pub(super) use access::AccessWords;
pub(super) use desk::DeskWords;
pub(super) use evaluation::EvaluationWords;
pub(super) use models::ModelWords;
pub(super) use operations::OperationsWords;
pub(super) use review::ReviewWords;
pub(super) use rules::RuleWords;
pub(super) use webhooks::WebhookWords;

use crate::contract::{Action, Language, Priority, Role, Skill};
use crate::store::InquiryStatus;

/// What happened, and what to do about it.
pub(in crate::console) type Told = (&'static str, &'static str);

/// Every word of the pages in one language.
pub(super) struct Words {
    /// For the attribute `lang`.
    pub(super) lang: &'static str,
    /// Log-in, people, tokens, audit trail.
    pub(super) access: &'static AccessWords,
    /// The agents' desk.
    pub(super) desk: &'static DeskWords,
    /// The review of alerts.
    pub(super) review: &'static ReviewWords,
    /// Endpoints that are told of events.
    pub(super) webhooks: &'static WebhookWords,
    /// The rules.
    pub(super) rules: &'static RuleWords,
    /// Figures over time, audit samples, drift.
    pub(super) measured: &'static EvaluationWords,
    /// Operations, and the replay of dead letters.
    pub(super) operating: &'static OperationsWords,
    /// Models, and what those in shadow say.
    pub(super) models: &'static ModelWords,
    pub(super) product: &'static str,
    pub(super) skip: &'static str,
    pub(super) navigation: &'static str,
    pub(super) language: &'static str,

    pub(super) overview: &'static str,
    pub(super) alerts: &'static str,
    pub(super) inquiries: &'static str,
    pub(super) dead_letters: &'static str,
    pub(super) evaluation: &'static str,
    pub(super) operations: &'static str,
    /// Opens the table below a chart.
    pub(super) numbers: &'static str,

    pub(super) newer: &'static str,
    pub(super) older: &'static str,
    pub(super) pages: &'static str,
    /// Of the page number, the first row and the last row.
    pub(super) rows: fn(u32, u32, u32) -> String,

    pub(super) messages: &'static str,
    pub(super) judged: &'static str,
    pub(super) count: &'static str,
    pub(super) total: &'static str,
    pub(super) share: &'static str,
    pub(super) none_yet: &'static str,
    pub(super) verdicts_by_action: &'static str,
    pub(super) action: &'static str,
    pub(super) alerts_by_policy: &'static str,
    pub(super) policy: &'static str,
    pub(super) source_rule: &'static str,
    pub(super) source_model: &'static str,
    pub(super) source_both: &'static str,
    pub(super) inquiries_by_status: &'static str,
    pub(super) inquiries_by_skill: &'static str,
    pub(super) inquiries_by_agent: &'static str,
    pub(super) status: &'static str,
    pub(super) skill: &'static str,
    pub(super) channel: &'static str,
    pub(super) agent: &'static str,
    pub(super) open_inquiries: &'static str,
    pub(super) unpublished: &'static str,
    pub(super) unpublished_hint: &'static str,
    pub(super) dead_letters_hint: &'static str,

    pub(super) no_alerts: &'static str,
    pub(super) sender: &'static str,
    pub(super) transaction: &'static str,
    pub(super) message: &'static str,
    pub(super) probability: &'static str,
    pub(super) sources: &'static str,
    pub(super) source: &'static str,
    pub(super) subtype: &'static str,
    pub(super) score: &'static str,
    pub(super) matched: &'static str,
    /// Earlier messages that take part in what was flagged.
    pub(super) earlier: &'static str,

    pub(super) no_inquiries: &'static str,
    pub(super) priority: &'static str,
    pub(super) skills: &'static str,
    pub(super) nobody: &'static str,
    pub(super) reason: &'static str,
    pub(super) resolve: &'static str,
    pub(super) accept: &'static str,
    pub(super) pass_on: &'static str,
    pub(super) classify: &'static str,
    /// Before a list of skills.
    pub(super) really_needs: &'static str,
    /// The choice beside the skills.
    pub(super) cannot_now: &'static str,
    pub(super) offer_ends: &'static str,
    /// Of seconds.
    pub(super) time_left: fn(i64) -> String,
    /// What a person said that an inquiry needs.
    pub(super) corrected: &'static str,
    /// Of the inquiry's id.
    pub(super) was_accepted: fn(&str) -> String,
    pub(super) was_passed_on: fn(&str) -> String,
    pub(super) was_resolved: fn(&str) -> String,
    pub(super) was_classified: fn(&str) -> String,
    pub(super) was_too_late: fn(&str) -> String,
    pub(super) was_not_held: fn(&str) -> String,

    pub(super) routing: &'static str,
    pub(super) routing_about: fn(u32) -> String,
    pub(super) no_ended: &'static str,
    pub(super) asked_skill: &'static str,
    pub(super) ended: &'static str,
    pub(super) wrong: &'static str,
    pub(super) wrong_rate: &'static str,
    pub(super) interval: &'static str,
    pub(super) as_csv: &'static str,

    pub(super) no_dead_letters: &'static str,
    pub(super) dead_letters_about: &'static str,
    pub(super) code: &'static str,
    pub(super) detail: &'static str,
    pub(super) queue: &'static str,
    pub(super) rejections: &'static str,
    pub(super) first_rejected: &'static str,
    pub(super) last_rejected: &'static str,
    pub(super) body: &'static str,
    pub(super) bytes: &'static str,
    pub(super) identifier: &'static str,
    pub(super) replayed: &'static str,
    pub(super) show_replayed: &'static str,
    pub(super) hide_replayed: &'static str,

    pub(super) to_overview: &'static str,
    pub(super) try_again: &'static str,
    pub(super) error_unknown_page: Told,
    pub(super) error_unknown_inquiry: Told,
    pub(super) error_wrong_method: Told,
    pub(super) error_page_number: Told,
    pub(super) error_form: Told,
    pub(super) error_foreign_host: Told,
    pub(super) error_cross_site: Told,
    pub(super) error_unavailable: Told,
    pub(super) error_schema: Told,
    pub(super) error_program: Told,

    pub(super) action_name: fn(Action) -> &'static str,
    pub(super) role_name: fn(Role) -> &'static str,
    pub(super) language_name: fn(Language) -> &'static str,
    pub(super) skill_name: fn(Skill) -> &'static str,
    pub(super) status_name: fn(InquiryStatus) -> &'static str,
    pub(super) priority_name: fn(Priority) -> &'static str,
    /// Policies are data: one without a name of its own is shown as it is written.
    pub(super) policy_name: fn(&str) -> Option<&'static str>,
}

impl Words {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::Ja => &ja::WORDS,
            Language::En => &en::WORDS,
        }
    }

    /// The policy as people of this language call it.
    pub(super) fn policy(&self, name: &str) -> String {
        (self.policy_name)(name).map_or_else(|| name.to_owned(), str::to_owned)
    }
}
