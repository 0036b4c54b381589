//! The words of the pages in English.

use super::Words;
use crate::contract::{Action, Language, Priority, Role, Skill};
use crate::store::InquiryStatus;

pub(super) static WORDS: Words = Words {
    lang: "en",
    access: &super::access::EN,
    review: &super::review::EN,
    product: "mimamori",
    skip: "Skip to the content",
    navigation: "Pages",
    language: "Language",
    keys: "Keys: j next, k previous, Enter the button, o older, n newer",

    overview: "Overview",
    alerts: "Alerts",
    inquiries: "Inquiries",
    dead_letters: "Dead letters",

    newer: "Newer",
    older: "Older",
    pages: "Pages of the list",
    rows: |page, first, last| format!("Page {page}: {first}–{last}, newest first"),

    messages: "Messages",
    judged: "judged",
    count: "Count",
    total: "Total",
    share: "Share",
    none_yet: "None yet",
    verdicts_by_action: "Verdicts by action",
    action: "Action",
    alerts_by_policy: "Alerts by policy and source",
    policy: "Policy",
    source_rule: "Rule only",
    source_model: "Model only",
    source_both: "Rule and model",
    inquiries_by_status: "Inquiries by status",
    inquiries_by_skill: "Inquiries by best skill",
    inquiries_by_agent: "Inquiries by agent",
    status: "Status",
    skill: "Skill",
    channel: "Channel",
    agent: "Agent",
    open_inquiries: "Open inquiries",
    unpublished: "Unpublished events",
    unpublished_hint: "sent by the worker",
    dead_letters_hint: "not replayed",

    no_alerts: "No alerts here. They appear as soon as a worker has judged messages.",
    sender: "Sender",
    transaction: "Transaction",
    message: "Message",
    probability: "Probability",
    sources: "Why it was flagged",
    source: "Source",
    subtype: "Subtype",
    score: "Score",
    matched: "Matched words",
    earlier: "Earlier in the conversation",

    no_inquiries: "No inquiries here. They appear as soon as a worker has routed some.",
    priority: "Priority",
    skills: "Likely skills",
    nobody: "nobody yet",
    reason: "Reason",
    resolve: "Resolve",
    resolve_inquiry: |id| format!("Resolve inquiry {id}"),
    accept: "Accept",
    pass_on: "Pass on",
    classify: "Say what it needs",
    really_needs: "It really needs",
    cannot_now: "none of these, or cannot do it now",
    offer_ends: "Offer ends",
    time_left: |seconds| format!("{} min {} s left", seconds / 60, seconds % 60),
    corrected: "Needs (said by a person)",
    was_accepted: |id| format!("Inquiry {id} is accepted."),
    was_passed_on: |id| format!("Inquiry {id} was passed on; it waits for somebody else."),
    was_classified: |id| format!("Inquiry {id} waits for an agent with that skill."),
    was_too_late: |id| {
        format!("Nothing changed: the time to accept inquiry {id} is over, and it goes to somebody else.")
    },
    was_resolved: |id| format!("Inquiry {id} is resolved; the agent is free for one more."),
    was_not_held: |id| {
        format!("Nothing changed: inquiry {id} is resolved, waits again, or another agent has it now.")
    },

    routing: "Routing",
    routing_about: |days| {
        format!(
            "Assignments that ended in the last {days} days. Wrong: the agent said that the inquiry needs another skill."
        )
    },
    no_ended: "No assignment ended in this time.",
    asked_skill: "Skill asked for",
    ended: "Ended",
    wrong: "Wrong",
    wrong_rate: "Rate",
    interval: "95% interval",
    as_csv: "As CSV",

    no_dead_letters: "No dead letters: every delivery could be processed.",
    dead_letters_about: "Deliveries that could not be processed. Bodies may hold personal data, so only their size and hash are shown here; `mimamori dead-letters` shows and replays them.",
    code: "Code",
    detail: "What was wrong",
    queue: "Queue",
    rejections: "Times",
    first_rejected: "First",
    last_rejected: "Last",
    body: "Body (SHA-256)",
    bytes: "bytes",
    identifier: "Identifier",
    replayed: "Replayed",
    show_replayed: "Show replayed ones, too",
    hide_replayed: "Hide replayed ones",

    to_overview: "To the overview",
    try_again: "Try again",
    error_unknown_page: ("There is no such page", "Check the address, or go on from the overview."),
    error_unknown_inquiry: (
        "There is no such inquiry",
        "It may belong to another database. Go back to the inquiries and choose it there.",
    ),
    error_wrong_method: (
        "This address does not take that method",
        "Pages are read with GET; what is done with an inquiry is done with the buttons on its page.",
    ),
    error_page_number: (
        "There is no page of that number",
        "`page` was expected to be a whole number from 1 on. Begin with the newest page.",
    ),
    error_form: (
        "The form is incomplete",
        "`agent_id` (the agent who holds the inquiry), `generation` or the skill is missing or wrong. Reload the inquiries and use the button again.",
    ),
    error_foreign_host: (
        "Not reachable under this name",
        "The console is bound to this machine only. Open it as http://localhost or http://127.0.0.1 with its port.",
    ),
    error_cross_site: (
        "Refused: the request did not come from this console",
        "Changes are accepted only from the console's own pages. Open the inquiries here and use the button there.",
    ),
    error_unavailable: (
        "The database is out of reach",
        "Nothing is lost: deliveries wait in the queue. Check that the database runs and that `store.url` (or DATABASE_URL) names it, then try again.",
    ),
    error_schema: (
        "The database has another schema than this program",
        "Run `mimamori db migrate` with this version of the program, then try again.",
    ),
    error_program: (
        "The page could not be made",
        "This is a fault of the program. Its log has the cause; please report it with the time.",
    ),

    action_name: |action| match action {
        Action::None => "Cleared",
        Action::Report => "Report",
        Action::Hide => "Hide",
    },
    role_name: |role| match role {
        Role::Buyer => "Buyer",
        Role::Seller => "Seller",
    },
    language_name: |language| match language {
        Language::Ja => "Japanese",
        Language::En => "English",
    },
    skill_name: |skill| match skill {
        Skill::Payment => "Payment",
        Skill::SalesProceeds => "Sales proceeds",
        Skill::Shipping => "Shipping",
        Skill::ReturnRefund => "Return and refund",
        Skill::Cancellation => "Cancellation",
        Skill::AccountAccess => "Account access",
        Skill::IdentityVerification => "Identity verification",
        Skill::Listing => "Listing",
        Skill::UserTrouble => "Trouble with a user",
        Skill::FraudSecurity => "Fraud and security",
        Skill::AppTechnical => "App, technical",
        Skill::PointsCoupons => "Points and coupons",
        Skill::Other => "Other",
    },
    status_name: |status| match status {
        InquiryStatus::Waiting => "Waiting",
        InquiryStatus::Triage => "Triage",
        InquiryStatus::Assigned => "Assigned",
        InquiryStatus::Resolved => "Resolved",
    },
    priority_name: |priority| match priority {
        Priority::Low => "Low",
        Priority::Normal => "Normal",
        Priority::High => "High",
        Priority::Urgent => "Urgent",
    },
    policy_name: |policy| match policy {
        "external_induction" => Some("Luring off the platform"),
        "harassment" => Some("Harassment"),
        _ => None,
    },
};
